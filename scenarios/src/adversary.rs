//! Adversaries by rule: which packets they act on, counted.
//!
//! Each link with an adversary has a tap; the tap's rules are tried in the order of the file and
//! the first one that matches and whose coin falls acts. Coins are the adversary's own draws, so
//! switching an adversary on changes no loss and no delay of any link.

use sim_engine::{PacketMeta, SimDuration, SimTime, TapDraw, Verdict};

use crate::scenario::{Action, AdversarySpec, Rule};

/// What one rule has seen and done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts {
    /// Packets that fitted.
    pub matches: u64,
    /// Packets on which it acted.
    pub actions: u64,
}

/// One adversary at its taps.
#[derive(Clone, Debug)]
pub struct Tap {
    /// What the scenario says.
    pub spec: AdversarySpec,
    /// Place of its first rule among the rules of all adversaries.
    first_rule: usize,
    /// When a rule acted last, ns.
    pub last_ns: Option<u64>,
    /// Counts per rule.
    pub counts: Vec<RuleCounts>,
    /// Per rule with `nth`: packets that fitted, by link of the adversary's group and direction.
    seen: Vec<std::collections::BTreeMap<(u32, u8), u64>>,
}

impl Tap {
    /// The rules behind the one that acts count the packet too: the n-th that fits a rule is the n-th
    /// whatever others do.
    fn count_behind(&mut self, acted: usize, meta: &PacketMeta, message: Option<usize>) {
        for (index, rule) in self.spec.rules.iter().enumerate().skip(acted + 1) {
            if rule.matching.nth.is_some() && fits(rule, meta, message) {
                let place = (meta.link.0, meta.direction.index() as u8);
                *self.seen[index].entry(place).or_default() += 1;
            }
        }
    }
}

/// All adversaries of a world.
#[derive(Clone, Debug, Default)]
pub struct Taps {
    taps: Vec<Tap>,
    /// They stop here, ns.
    until_ns: u64,
}

impl Taps {
    /// Adversaries that are active up to `until_ns`.
    #[must_use]
    pub fn new(specs: &[AdversarySpec], until_ns: u64) -> Self {
        let mut rules = 0;
        let taps = specs.iter().map(|spec| {
            let first_rule = rules;
            rules += spec.rules.len() + usize::from(spec.attack.is_some());
            Tap {
                spec: spec.clone(),
                last_ns: None,
                first_rule,
                counts: vec![RuleCounts::default(); spec.rules.len()],
                seen: vec![std::collections::BTreeMap::new(); spec.rules.len()],
            }
        });
        Self {
            taps: taps.collect(),
            until_ns,
        }
    }

    /// The adversaries, in the order of the scenario.
    #[must_use]
    pub fn all(&self) -> &[Tap] {
        &self.taps
    }

    /// No more verdicts: for the honest continuation.
    pub const fn stop(&mut self) {
        self.until_ns = 0;
    }

    /// Takes over what taps of a part of the same world have seen and done: each direction of a link
    /// has its tap in one part.
    pub(crate) fn absorb(&mut self, part: Self) {
        for (tap, other) in self.taps.iter_mut().zip(part.taps) {
            tap.last_ns = tap.last_ns.max(other.last_ns);
            for (counts, more) in tap.counts.iter_mut().zip(&other.counts) {
                counts.matches += more.matches;
                counts.actions += more.actions;
            }
            for (seen, more) in tap.seen.iter_mut().zip(other.seen) {
                seen.extend(more);
            }
        }
    }

    /// What adversary `tap` does with a packet that is message `message` on the wire, and by which
    /// rule: its place among the rules of all adversaries, as in [`rule_names`].
    pub fn decide(
        &mut self,
        now: SimTime,
        tap: u32,
        meta: &PacketMeta,
        message: Option<usize>,
        draw: &mut TapDraw,
    ) -> (Verdict, Option<u16>) {
        let Some(tap) = self
            .taps
            .get_mut(tap as usize)
            .filter(|_| now.0 < self.until_ns)
        else {
            return (Verdict::Pass, None);
        };
        for (index, rule) in tap.spec.rules.iter().enumerate() {
            if !fits(rule, meta, message) {
                continue;
            }
            if let Some(nth) = rule.matching.nth {
                let place = (meta.link.0, meta.direction.index() as u8);
                let seen = tap.seen[index].entry(place).or_default();
                *seen += 1;
                if *seen != nth {
                    continue;
                }
            }
            tap.counts[index].matches += 1;
            if !draw.happens(rule.probability) {
                continue;
            }
            tap.counts[index].actions += 1;
            tap.last_ns = Some(now.0);
            let verdict = match &rule.action {
                Action::Drop => Verdict::Drop,
                Action::Delay { by } => Verdict::Delay(by.sample_ns(draw.next_u64())),
                Action::Duplicate { copies, after_ns } => Verdict::Duplicate {
                    copies: *copies,
                    after: SimDuration(*after_ns),
                },
                // Rules that send or remember are carried out by `crate::rules`.
                _ => Verdict::Pass,
            };
            tap.count_behind(index, meta, message);
            return (verdict, u16::try_from(tap.first_rule + index).ok());
        }
        (Verdict::Pass, None)
    }
}

/// The names of all rules of all adversaries, `ADVERSARY.RULE`, in the order of the scenario.
#[must_use]
pub fn rule_names(specs: &[AdversarySpec]) -> Vec<String> {
    let of = |spec: &AdversarySpec| -> Vec<String> {
        let ids = spec.rules.iter().map(|rule| &rule.id);
        let attack = spec.attack.iter().map(|choice| choice.spec.id);
        ids.map(String::as_str)
            .chain(attack)
            .map(|id| format!("{}.{id}", spec.name))
            .collect()
    };
    specs.iter().flat_map(of).collect()
}

fn fits(rule: &Rule, meta: &PacketMeta, message: Option<usize>) -> bool {
    let matching = &rule.matching;
    matching
        .direction
        .is_none_or(|direction| direction == meta.direction)
        && (matching.messages.is_empty()
            || message.is_some_and(|message| matching.messages.contains(&message)))
}
