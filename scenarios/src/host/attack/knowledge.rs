//! What attackers are told of secrets, and what they claim to know.

use protocols::Storage as _;
use protocols::attack::{Claim, Grant, Granted, Holder};
use sim_engine::{Outbox, SimTime};

use super::STORAGE;
use crate::host::World;
use crate::host::attempt::AttemptId;
use crate::host::tables::Tables;
use crate::oracle::Evidence;
use crate::oracle::secrecy::Statement;
use crate::scenario::Knowledge;

impl<T: Tables> World<T> {
    /// Judges a claim; the session that a true one about a secret belongs to, and whose secret it is.
    pub(super) fn judge_claim(
        &mut self,
        now: SimTime,
        place: usize,
        claim: &Claim,
    ) -> Option<(AttemptId, u32)> {
        let instance = &self.attacks.instances[place];
        let adversary = instance.adversary;
        let last = instance.last;
        match claim {
            Claim::Secret { kind, of, bytes } => {
                let of = self.attacks.meant(*of);
                if of.iter().any(|of| self.is_foreign(*of)) {
                    self.attacks
                        .meets("an adversary claims a secret of a node of another part");
                }
                let confirmed = of.iter().any(|of| {
                    self.with_holder(*of, |holder| self.instance.confirms(holder, kind, bytes))
                        .unwrap_or(false)
                });
                let key_id = (*kind == "session-key")
                    .then(|| self.instance.key_id(bytes))
                    .flatten();
                // What it is the key or the text of, else what passed last.
                let own = self.watch.secrecy.session_of(kind, bytes, key_id);
                let evidence = Evidence {
                    attempt: if let Some(own) = own {
                        own
                    } else if last.0.is_some() {
                        last.0
                    } else {
                        of.first()
                            .map_or(AttemptId::NONE, |of| self.session_about(*of, None))
                    },
                    cause: last.1,
                    ..Evidence::default()
                };
                let attempt = evidence.attempt;
                let statement = Statement {
                    adversary,
                    seat: self.taps.all()[adversary].spec.seat,
                    at_ns: now.0,
                    kind,
                    of: &of,
                    bytes,
                    key_id,
                    confirmed,
                    evidence,
                };
                let owner = self.watch.secrecy.owner(&statement);
                let right = self.watch.secrecy.judge(&statement);
                return right.then_some((attempt, owner.unwrap_or(0)));
            }
            Claim::Link {
                first,
                second,
                same,
            } => {
                let senders = &instance.senders;
                if let (Some(one), Some(other)) = (senders.get(first), senders.get(second)) {
                    let truth = one == other;
                    let game = self.watch.anonymity.entry(adversary).or_default();
                    game.guess(now.0, last.0, *same, truth);
                }
            }
            Claim::Holds { kind, bytes, held } => {
                let truth = self.watch.secrecy.is_held(kind, bytes);
                let game = self.watch.anonymity.entry(adversary).or_default();
                game.guess(now.0, AttemptId::NONE, *held, truth);
            }
            Claim::Identity { frame, host } => {
                if let Some(sender) = instance.senders.get(frame) {
                    // Which answer is "the same" is arbitrary: the lower host.
                    let lower = self.attacks.lowest_of_role(*host) == Some(*sender);
                    let said = self.attacks.lowest_of_role(*host) == Some(*host);
                    let game = self.watch.anonymity.entry(adversary).or_default();
                    game.guess(now.0, last.0, said, lower);
                }
            }
        }
        None
    }

    /// A party with all that it has.
    pub(super) fn with_holder<R>(
        &self,
        node: u32,
        ask: impl FnOnce(&Holder<'_>) -> R,
    ) -> Option<R> {
        let roster = self.attacks.roster.as_deref()?;
        let party = roster.parties.get(node as usize)?;
        let (group, member) = self.place(node);
        Some(ask(&Holder {
            roster,
            party,
            storage: &self.depot.view(node),
            column: &self.groups[group].column,
            member: member as usize,
        }))
    }

    /// The values of one kind that a party holds.
    pub(super) fn values(&self, node: u32, secret: &str) -> Vec<Granted> {
        if secret == STORAGE {
            let view = self.depot.view(node);
            let records = self.depot.records(node).into_iter();
            let stored = records.filter_map(|record| {
                Some(Granted {
                    about: None,
                    record: Some(record),
                    bytes: view.read(record)?.to_vec(),
                })
            });
            return stored.collect();
        }
        let mut values = Vec::new();
        self.with_holder(node, |holder| {
            self.instance.secrets(holder, &mut |found| {
                if found.kind == secret {
                    values.push(Granted {
                        about: found.about,
                        record: None,
                        bytes: found.bytes.to_vec(),
                    });
                }
            });
        });
        values
    }

    /// Tells all instances of an adversary a secret as it is now.
    pub(super) fn tell_all(
        &mut self,
        now: SimTime,
        adversary: usize,
        known: &Knowledge,
        out: &mut Outbox<'_, Self>,
    ) {
        let values = self.values(known.of, known.secret);
        for place in self.attacks.of(adversary).to_vec() {
            self.tell_one(now, place, known, values.clone(), out);
        }
    }

    pub(super) fn tell_one(
        &mut self,
        now: SimTime,
        place: usize,
        known: &Knowledge,
        values: Vec<Granted>,
        out: &mut Outbox<'_, Self>,
    ) {
        let adversary = self.attacks.instances[place].adversary;
        for value in &values {
            self.watch
                .secrecy
                .grant(adversary, known.secret, &value.bytes);
        }
        if known.secret == STORAGE {
            self.note_granted(adversary, known.of);
        }
        let grant = Grant {
            secret: known.secret,
            of: known.of,
            values,
        };
        self.with_attacker(now, place, |attacker, cx| attacker.on_grant(&grant, cx));
        self.carry_out_wishes(now, place, out);
    }

    /// A snapshot of storage grants everything that the protocol finds in it.
    pub(super) fn note_granted(&mut self, adversary: usize, node: u32) {
        let mut found = Vec::new();
        self.with_holder(node, |holder| {
            self.instance.secrets(holder, &mut |secret| {
                found.push((secret.kind, secret.bytes.to_vec()));
            });
        });
        for (kind, bytes) in found {
            self.watch.secrecy.grant(adversary, kind, &bytes);
        }
    }

    /// Notes what a party holds, for the oracle of secrecy.
    pub(super) fn note_secrets(&mut self, node: u32) {
        if self.watch.kinds.is_empty() {
            return;
        }
        let mut found = Vec::new();
        self.with_holder(node, |holder| {
            let kinds = &self.watch.kinds;
            self.instance.secrets(holder, &mut |secret| {
                if kinds.contains(secret.kind) {
                    found.push((secret.about, secret.kind, secret.bytes.to_vec()));
                }
            });
        });
        for (about, kind, bytes) in found {
            self.watch.secrecy.holds(node, about, kind, &bytes);
        }
    }

    /// A machine has handled an input, or a write of it has landed.
    pub(in crate::host) fn after_call(
        &mut self,
        now: SimTime,
        node: u32,
        out: &mut Outbox<'_, Self>,
    ) {
        self.note_secrets(node);
        if now.0 >= self.attacks.until_ns {
            return;
        }
        let Some(watchers) = self.attacks.watched.get(&node).cloned() else {
            return;
        };
        for (place, knowledge) in watchers {
            let adversary = self.attacks.instances[place].adversary;
            let known = self.taps.all()[adversary].spec.knows[knowledge].clone();
            let values = self.values(node, known.secret);
            let now_known: Vec<_> = values
                .iter()
                .map(|value| (value.about, value.bytes.clone()))
                .collect();
            let told = self.attacks.told.entry((place, knowledge)).or_default();
            if *told == now_known {
                continue;
            }
            let fresh: Vec<Granted> = values
                .into_iter()
                .filter(|value| !told.contains(&(value.about, value.bytes.clone())))
                .collect();
            *told = now_known;
            if !fresh.is_empty() {
                self.tell_one(now, place, &known, fresh, out);
            }
        }
    }
}
