//! Power cuts at every durable write of every party: before it, torn at many places, after it.
//!
//! Each honest session is played once to count its writes, then again for every write and moment.
//! After the cut the parties rest, initiators drop what they waited for, the session goes on from
//! the step that was cut, and honest logins follow. No machine may panic, every party must rest in a
//! state that its protocol names, and what became of the pair is a table under snapshot: the values
//! at rest after the cut, the logins, the values after them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use protocols::output::Fingerprint;

use crate::sockets::honest::{Cast, ask, play_step};
use crate::sockets::sessions::{SESSIONS, Session, Step, shown};
use crate::world::{Cut, Moment, World, Written};

/// Longer than any timer of an honest session that does not repeat itself, ns.
const REST_NS: u64 = 120_000_000_000;

/// Honest attempts after the cut.
const ATTEMPTS: usize = 5;

/// What became of a pair after a power cut.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Aftermath {
    /// Shared values at rest, before any further attempt.
    shared: &'static str,
    /// What honest attempts achieved.
    attempts: String,
    /// The same after them.
    later: &'static str,
}

/// States in which a party may stand when nothing is on its way and nobody waits.
fn resting(protocol: &str) -> &'static [&'static str] {
    match protocol {
        "secure-vault" => &["IDLE", "SESSION", "SERVING", "WAIT_M1"],
        "vault-exchange" => &["IDLE", "HALTED"],
        "ratchet" => &["IDLE", "ACTIVE", "TERMINATED", "NONE"],
        "multi-server" => &["IDLE", "SERVING"],
        "rsa-udp" => &["OPEN", "CONNECTED", "IDLE", "PROMPT"],
        _ => &["IDLE"],
    }
}

/// Plays the steps, passing over those that fail. The result says after which write each step had
/// begun.
fn play_all(world: &mut World, steps: &[Step]) -> Vec<usize> {
    let cast = world.cast.clone();
    let mut begun = Vec::new();
    for step in steps {
        begun.push(world.written.len());
        let _ = play_step(&cast, world, step);
    }
    begun
}

/// Plays the session up to and including the step in which the power is cut.
fn play_into_cut(world: &mut World, steps: &[Step], cut: Cut) -> usize {
    let cast = world.cast.clone();
    world.cut_power_at(cut);
    for (number, step) in steps.iter().enumerate() {
        let _ = play_step(&cast, world, step);
        if world.written.len() > cut.write {
            return number;
        }
    }
    panic!("write {} was counted in the same session", cut.write);
}

/// Most places at which a write is torn, but for its ends.
const PLACES_MAX: usize = 32;

/// The moments worth trying for a write: every 16 bytes (long records: fewer places, evenly), and
/// one byte off either end.
fn moments(written: &Written) -> Vec<Moment> {
    let mut all = vec![Moment::Before];
    if !written.atomic {
        let step = 16 * written.size.div_ceil(16 * PLACES_MAX).max(1);
        let mut places: Vec<usize> = (1..written.size)
            .filter(|place| place % step == 0 || *place == 1 || place + 1 == written.size)
            .collect();
        // A batch that also deletes may have landed all its bytes and not the deletion.
        places.push(written.size);
        all.extend(places.into_iter().filter(|it| *it > 0).map(Moment::Torn));
    }
    all.push(Moment::After);
    all
}

/// Whether two parties name a common value, in every relation in which both name one.
fn in_step(world: &World, pair: [usize; 2]) -> &'static str {
    let mut verdict = "nothing shared";
    for relation in (0..).take(world.cast.protocol.relations().len()) {
        let ends: [&[Fingerprint]; 2] = [
            world.shared(pair[0], relation, pair[1]),
            world.shared(pair[1], relation, pair[0]),
        ];
        if ends.iter().any(|values| values.is_empty()) {
            continue;
        }
        if !ends[0].iter().any(|value| ends[1].contains(value)) {
            return "out of step";
        }
        verdict = "in step";
    }
    verdict
}

/// The two parties of a step.
fn pair_of(step: &Step) -> [usize; 2] {
    match *step {
        Step::Ask { party, peer, .. } => [party, peer],
        Step::PowerCut(party) => [party, party],
    }
}

/// Who logs in at whom to show what became of a pair: its own last login, where it has one, else
/// the last one of its first party.
fn probe(session: &Session, pair: [usize; 2]) -> [usize; 2] {
    let logins = session
        .steps
        .iter()
        .filter(|step| command_of(step) == "authenticate");
    let logins: Vec<_> = logins.map(pair_of).collect();
    let own = logins.iter().rev().find(|login| **login == pair);
    let first = logins.iter().rev().find(|login| login.contains(&pair[0]));
    *own.or(first)
        .or_else(|| logins.last())
        .expect("every session logs in")
}

/// Lets the world rest and drops what initiators wait for.
fn come_to_rest(world: &mut World) {
    world.rest(REST_NS);
    let cast = world.cast.clone();
    for party in 0..world.nodes.len() {
        // A session that is open stays open: to drop it would be one more fault.
        let waits = ["WAIT", "PENDING", "AWAIT"]
            .iter()
            .any(|word| world.state(party).starts_with(word));
        if waits && cast.command(party, "abort").is_ok() {
            for peer in 0..world.nodes.len() {
                let _ = ask(&cast, world, party, "abort", peer, &[]);
            }
        }
    }
    world.rest(REST_NS);
}

fn aftermath(world: &mut World, session: &Session, step: usize) -> Aftermath {
    come_to_rest(world);
    for party in 0..world.nodes.len() {
        let state = world.state(party);
        assert!(
            resting(session.protocol).contains(&state),
            "{} {}: {} rests in {state}",
            session.protocol,
            session.variant,
            world.role(party)
        );
    }
    let pair = pair_of(&session.steps[step]);
    let shared = in_step(world, pair);
    let cast = world.cast.clone();
    for step in &session.steps[step..] {
        if play_step(&cast, world, step).is_err() {
            come_to_rest(world);
        }
    }
    let [party, peer] = probe(session, pair);
    let mut reasons = BTreeSet::new();
    let mut succeeds = None;
    for attempt in 1..=ATTEMPTS {
        match ask(&cast, world, party, "authenticate", peer, &[]) {
            Ok(()) => {
                succeeds = Some(attempt);
                break;
            }
            Err(failure) => {
                let reason = failure.0.rsplit(": ").next().unwrap_or_default().to_owned();
                reasons.insert(reason);
                come_to_rest(world);
            }
        }
    }
    let reasons = Vec::from_iter(reasons).join(", ");
    let attempts = match succeeds {
        Some(1) => "login succeeds".to_owned(),
        Some(attempt) => format!("login {attempt} succeeds, after {reasons}"),
        None => format!("{ATTEMPTS} logins fail: {reasons}"),
    };
    come_to_rest(world);
    Aftermath {
        shared,
        attempts,
        later: in_step(world, pair),
    }
}

/// One line for each write and kind of moment of a session.
fn table(session: &Session) -> String {
    let cast = Cast::new(session).expect("a session is well formed");
    let fresh = World::new(&cast, 1);
    let mut honest = fresh.clone();
    let begun = play_all(&mut honest, session.steps);
    let mut text = format!(
        "{} {} {}\n",
        session.protocol,
        session.variant,
        shown(session.params)
    );
    let first = begun.first().copied().unwrap_or(0);
    if honest.written.len() == first {
        let _ = writeln!(text, "  writes nothing");
        return text;
    }
    // Writes of one kind make one entry, in the order in which they first happen.
    let mut entries: Vec<(String, Kinds)> = Vec::new();
    for (write, written) in honest.written.iter().enumerate().skip(first) {
        let step = begun.iter().filter(|start| **start <= write).count() - 1;
        let what = format!(
            "  {} writes {} bytes to table {}{} during {}",
            honest.role(written.party),
            written.size,
            written.table,
            if written.atomic { " at once" } else { "" },
            command_of(&session.steps[step]),
        );
        let place = entries.iter().position(|(known, _)| *known == what);
        let place = place.unwrap_or_else(|| {
            entries.push((what, Kinds::default()));
            entries.len() - 1
        });
        for moment in moments(written) {
            let mut world = fresh.clone();
            let met = play_into_cut(&mut world, session.steps, Cut { write, moment });
            assert_eq!(met, step, "the session is deterministic");
            let outcome = aftermath(&mut world, session, step);
            let kind = match moment {
                Moment::Before => 0,
                Moment::Torn(_) => 1,
                Moment::After => 2,
            };
            entries[place].1[kind].push(outcome);
        }
    }
    for (what, kinds) in entries {
        let _ = write!(text, "{what}\n{}", lines(&kinds));
    }
    text
}

/// Outcomes of cuts before, within and after a write.
type Kinds = [Vec<Aftermath>; 3];

fn command_of(step: &Step) -> &'static str {
    match *step {
        Step::Ask { command, .. } => command,
        Step::PowerCut(_) => "restart",
    }
}

fn lines(kinds: &Kinds) -> String {
    let mut text = String::new();
    for (kind, all) in ["before", "torn", "after"].iter().zip(kinds) {
        let mut counts: BTreeMap<&Aftermath, usize> = BTreeMap::new();
        for outcome in all {
            *counts.entry(outcome).or_default() += 1;
        }
        for (outcome, count) in counts {
            let Aftermath {
                shared,
                attempts,
                later,
            } = outcome;
            let share = format!("{count} of {}", all.len());
            let _ = writeln!(
                text,
                "    {kind:<6} {share:<10} {shared}; {attempts}; {later}"
            );
        }
    }
    text
}

fn tables(protocol: &str) -> String {
    let sessions = SESSIONS.iter().filter(|it| it.protocol == protocol);
    sessions.map(table).collect()
}

#[test]
fn a_power_cut_at_any_write_of_secure_vault_leaves_a_named_state() {
    insta::assert_snapshot!("crash_secure_vault", tables("secure-vault"));
}

#[test]
fn a_power_cut_at_any_write_of_vault_exchange_leaves_a_named_state() {
    insta::assert_snapshot!("crash_vault_exchange", tables("vault-exchange"));
}

#[test]
fn ratchet_writes_nothing_that_a_power_cut_could_tear() {
    insta::assert_snapshot!("crash_ratchet", tables("ratchet"));
}

#[test]
fn a_power_cut_at_any_write_of_multi_server_leaves_a_named_state() {
    insta::assert_snapshot!("crash_multi_server", tables("multi-server"));
}

#[test]
fn a_power_cut_at_any_write_of_rsa_udp_leaves_a_named_state() {
    insta::assert_snapshot!("crash_rsa_udp", tables("rsa-udp"));
}
