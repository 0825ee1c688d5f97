//! What each adversary achieved, as the oracles saw it.
//!
//! A verdict is computed from what the oracles counted; nobody states an expectation anywhere. Where
//! several adversaries act in one world, they share what happened there.

pub use protocols::attack::Property;

mod words;

use self::words::{led_by, node, qualified};
use crate::host::attempt::AttemptId;
use crate::host::tables::Tables;
use crate::names::Names;
use crate::oracle::integrity::Fault;
use crate::oracle::{EpisodeKind, Evidence};
use crate::run::Finished;
use crate::scenario::{Rule, Scenario};
use sim_engine::{LinkParams, LossModel};

/// What came of an adversary's effort against one property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It acted, and the property held. That this attacker failed is no proof.
    Resisted,
    /// It acted, and the property was violated.
    Broken,
    /// It acted, and the harm stayed within what it touched, or healed by itself.
    Degraded,
    /// It never acted.
    NotExercised,
}

impl Verdict {
    /// The word in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resisted => "resisted",
            Self::Broken => "broken",
            Self::Degraded => "degraded",
            Self::NotExercised => "not-exercised",
        }
    }
}

/// The first violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// When, ns.
    pub at_ns: u64,
    /// The attempt in which it happened, where it is one.
    pub session: Option<AttemptId>,
    /// What happened, in words.
    pub text: String,
}

/// One adversary and one property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The adversary: index in [`Scenario::adversaries`].
    pub adversary: usize,
    /// The property.
    pub property: Property,
    /// The verdict.
    pub verdict: Verdict,
    /// Frames that it looked at, or that fitted its rules.
    pub seen: u64,
    /// How often it acted.
    pub acted: u64,
    /// How often the property was violated.
    pub violations: u64,
    /// The first time.
    pub witness: Option<Witness>,
    /// What qualifies the verdict.
    pub note: String,
}

/// What an oracle says: violations, the first of them, and whether the harm is limited.
#[derive(Default)]
struct Seen {
    violations: u64,
    witness: Option<Witness>,
    degraded: bool,
    note: String,
    /// The oracle had too little to judge.
    unjudged: bool,
}

/// Judges every adversary of a finished run: the properties that its attack aims at, or all of them
/// where it acts by rules.
#[must_use]
pub fn judge<T: Tables>(scenario: &Scenario, finished: &Finished<T>) -> Vec<Judgement> {
    let names = Names::new(scenario, &[]);
    let mut all = Vec::new();
    let shared = harms_by_itself(scenario);
    for (adversary, spec) in scenario.adversaries.iter().enumerate() {
        let (seen, acted, last_ns) = effort(finished, adversary);
        let selective = spec.rules.iter().any(Rule::is_selective);
        let properties = spec
            .attack
            .as_ref()
            .map_or(&Property::ALL[..], |attack| attack.spec.properties);
        for &property in properties {
            if spec.attack.is_none() && !applies_to_rules(property) {
                continue;
            }
            let found = look(scenario, finished, &names, (adversary, property), last_ns);
            let verdict = if acted == 0 || found.unjudged {
                Verdict::NotExercised
            } else if found.violations > 0 {
                Verdict::Broken
            } else if found.degraded {
                Verdict::Degraded
            } else {
                Verdict::Resisted
            };
            all.push(Judgement {
                adversary,
                property,
                verdict,
                seen,
                acted,
                violations: found.violations,
                witness: found.witness,
                note: qualified(selective, shared && suffers(property), found.note),
            });
        }
    }
    all
}

/// Whether links or faults of the scenario take messages and memory away without any adversary.
fn harms_by_itself(scenario: &Scenario) -> bool {
    let quiet = |params: &LinkParams| {
        params.loss == LossModel::None && params.corruption.is_none() && params.medium.is_none()
    };
    !scenario.faults.is_empty()
        || scenario
            .links
            .iter()
            .any(|link| !quiet(&link.up) || !quiet(&link.down))
}

/// What suffers from a message that is lost, whoever loses it.
const fn suffers(property: Property) -> bool {
    matches!(
        property,
        Property::Availability | Property::LockOut | Property::Desync
    )
}

/// Rules claim nothing, so nothing is to be judged of what they found out.
const fn applies_to_rules(property: Property) -> bool {
    !matches!(property, Property::Secrecy | Property::Anonymity)
}

/// Frames looked at, actions, and the time of the last one.
pub(crate) fn effort<T: Tables>(
    finished: &Finished<T>,
    adversary: usize,
) -> (u64, u64, Option<u64>) {
    let (mut seen, mut acted, mut last_ns) = finished.world.attacks.counts(adversary);
    if let Some(tap) = finished.world.taps.all().get(adversary) {
        let own = finished.world.attacks.rule_counts(adversary);
        let by_rules = own.is_some();
        for counts in own.as_ref().unwrap_or(&tap.counts) {
            seen += if by_rules { 0 } else { counts.matches };
            acted += if by_rules { 0 } else { counts.actions };
        }
        last_ns = last_ns.max(tap.last_ns);
    }
    (seen, acted, last_ns)
}

fn look<T: Tables>(
    scenario: &Scenario,
    finished: &Finished<T>,
    names: &Names,
    (adversary, property): (usize, Property),
    last_ns: Option<u64>,
) -> Seen {
    match property {
        Property::Agreement => agreement(scenario, finished, names),
        Property::Secrecy => secrecy(scenario, finished, names, adversary),
        Property::Integrity => integrity(scenario, finished, names),
        Property::Availability => availability(scenario, finished, names, last_ns),
        Property::LockOut => lock_out(finished, names),
        Property::Desync => desync(finished, names),
        Property::Anonymity => anonymity(finished, adversary),
    }
}

fn agreement<T: Tables>(scenario: &Scenario, finished: &Finished<T>, names: &Names) -> Seen {
    let oracle = &finished.world.agreement;
    let mismatches = finished.tally.of(crate::host::attempt::Outcome::Mismatch);
    let alone = oracle.first().map(|first| Witness {
        at_ns: first.at_ns,
        session: session(&first.evidence),
        text: format!(
            "{} accepted with {}, which was not running that session with it{}",
            node(names, first.node),
            first
                .peer
                .map_or_else(|| "a stranger".to_owned(), |peer| node(names, peer)),
            led_by(scenario, names, &first.evidence),
        ),
    });
    let differing = oracle.first_mismatch().map(|first| Witness {
        at_ns: first.at_ns,
        session: Some(first.attempt),
        text: format!(
            "{} and {} accepted the same session with different keys",
            node(names, first.attempt.initiator),
            node(names, first.responder),
        ),
    });
    let witness = [alone, differing]
        .into_iter()
        .flatten()
        .min_by_key(|witness| witness.at_ns);
    Seen {
        violations: oracle.violations() + mismatches,
        witness,
        note: if mismatches > 0 {
            format!("{mismatches} sessions with different keys at the two ends")
        } else {
            String::new()
        },
        ..Seen::default()
    }
}

/// The session of a witness.
fn session(evidence: &Evidence) -> Option<AttemptId> {
    evidence.attempt.is_some().then_some(evidence.attempt)
}

fn secrecy<T: Tables>(
    scenario: &Scenario,
    finished: &Finished<T>,
    names: &Names,
    adversary: usize,
) -> Seen {
    let book = finished.world.watch.secrecy.book(adversary);
    Seen {
        violations: book.confirmed,
        witness: book.first.map(|first| Witness {
            at_ns: first.at_ns,
            session: session(&first.evidence),
            text: format!(
                "the adversary named the {} of {}: {}{}",
                first.kind,
                node(names, first.of),
                first.shown,
                led_by(scenario, names, &first.evidence)
            ),
        }),
        note: format!("{} claims, {} true", book.claims, book.confirmed),
        ..Seen::default()
    }
}

fn integrity<T: Tables>(scenario: &Scenario, finished: &Finished<T>, names: &Names) -> Seen {
    let oracle = &finished.world.watch.integrity;
    Seen {
        violations: oracle.violations(),
        witness: oracle.first().map(|first| Witness {
            at_ns: first.at_ns,
            session: session(&first.evidence),
            text: {
                let (does, how) = match first.fault {
                    Fault::Foreign => ("accepted", "that its peer did not send"),
                    Fault::Order => ("accepted", "that should have come before another"),
                    Fault::LeftOver => ("still uses", "of a session that is over"),
                };
                format!(
                    "{} {does} payload {} {how}{}",
                    node(names, first.node),
                    first.seq,
                    led_by(scenario, names, &first.evidence)
                )
            },
        }),
        note: format!("{} payloads accepted", oracle.payloads()),
        ..Seen::default()
    }
}

fn availability<T: Tables>(
    scenario: &Scenario,
    finished: &Finished<T>,
    names: &Names,
    last_ns: Option<u64>,
) -> Seen {
    let oracle = &finished.world.watch.availability;
    let [closed, touched, _, untouched_failed] = oracle.counts();
    let failed = oracle.failed();
    let broken = oracle.violation(last_ns, scenario.run.settle_ns);
    let first = broken.or_else(|| oracle.first());
    Seen {
        violations: if broken.is_some() { failed } else { 0 },
        degraded: failed > 0,
        witness: first.map(|failure| {
            let mut session = String::new();
            let id = failure.attempt;
            names.session(id.initiator, id.number, &mut session);
            Witness {
                at_ns: failure.ended_ns,
                session: Some(id),
                text: format!("session {session} ended as {}", failure.outcome.as_str()),
            }
        }),
        note: format!(
            "{closed} sessions, {touched} touched, {failed} failed, {untouched_failed} of them \
             untouched"
        ),
        unjudged: false,
    }
}

/// The last attempt that a node began.
fn last_attempt<T: Tables>(finished: &Finished<T>, node: u32) -> Option<AttemptId> {
    let (number, _) = finished.world.workloads.counts(node);
    (number > 0).then_some(AttemptId {
        initiator: node,
        number,
    })
}

fn lock_out<T: Tables>(finished: &Finished<T>, names: &Names) -> Seen {
    let oracle = &finished.world.watch.lock_out;
    Seen {
        violations: oracle.locked().len() as u64,
        witness: oracle.locked().first().map(|locked| Witness {
            at_ns: finished.ended_ns,
            session: last_attempt(finished, *locked),
            text: format!(
                "{} fails every attempt although nobody disturbs it",
                node(names, *locked)
            ),
        }),
        note: format!("{} nodes tried", oracle.tried()),
        ..Seen::default()
    }
}

fn desync<T: Tables>(finished: &Finished<T>, names: &Names) -> Seen {
    let mut seen = Seen::default();
    let mut transient = 0u64;
    for relation in &finished.world.relations {
        for episode in relation.oracle.closed() {
            match episode.kind {
                EpisodeKind::Permanent | EpisodeKind::Silent | EpisodeKind::Reprovisioned => {
                    seen.violations += 1;
                }
                EpisodeKind::Transient => transient += 1,
                EpisodeKind::Open | EpisodeKind::Unresolved => {}
            }
            if seen.violations <= 1
                && episode.kind != EpisodeKind::Transient
                && seen.witness.is_none()
                && let Some((device, server)) = relation.ends.get(episode.pair as usize)
            {
                seen.witness = Some(Witness {
                    at_ns: episode.start_ns,
                    session: (episode.attempts_before > 0).then_some(AttemptId {
                        initiator: *device,
                        number: episode.attempts_before,
                    }),
                    text: format!(
                        "{} and {} are out of step over the {}: {}",
                        node(names, *device),
                        node(names, *server),
                        relation.name,
                        word(episode.kind)
                    ),
                });
            }
        }
    }
    seen.degraded = transient > 0;
    if transient > 0 {
        seen.note = format!("{transient} divergences healed by themselves");
    }
    seen
}

const fn word(kind: EpisodeKind) -> &'static str {
    match kind {
        EpisodeKind::Silent => "silent",
        EpisodeKind::Transient => "transient",
        EpisodeKind::Permanent => "permanent",
        EpisodeKind::Reprovisioned => "until it was provisioned anew",
        EpisodeKind::Open | EpisodeKind::Unresolved => "unresolved",
    }
}

fn anonymity<T: Tables>(finished: &Finished<T>, adversary: usize) -> Seen {
    let game = finished.world.watch.anonymity.get(&adversary);
    let game = game.copied().unwrap_or_default();
    Seen {
        violations: if game.is_beaten() { game.right } else { 0 },
        witness: game
            .first_ns
            .filter(|_| game.is_beaten())
            .map(|at_ns| Witness {
                at_ns,
                session: game.first_session.filter(|session| session.is_some()),
                text: format!("{} of {} guesses are right", game.right, game.rounds),
            }),
        note: format!("{} rounds, {} guessed right", game.rounds, game.right),
        unjudged: !game.is_played(),
        ..Seen::default()
    }
}
