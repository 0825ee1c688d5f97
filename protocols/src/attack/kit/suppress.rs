//! Frames that do not arrive, arrive late, or arrive twice.

use crate::attack::{AttackContext, Attacker, Setup, Verdict, View};
use crate::time::Span;

use super::{Round, message};

/// Suppresses the n-th frame of a message, k in a row; every case names a message.
///
/// Parameters: `nth` (default 2, so that an undisturbed session comes first) and `row` (default 1).
#[derive(Debug)]
pub struct Suppress {
    targets: Vec<Option<usize>>,
    round: Round,
    nth: u64,
    row: u64,
    seen: u64,
}

impl Suppress {
    /// One case for each message named.
    #[must_use]
    pub fn new(setup: &Setup<'_>, messages: &[&str]) -> Self {
        Self::named(setup, messages, messages)
    }

    /// One case for each message, under a name of its own.
    #[must_use]
    pub fn named(setup: &Setup<'_>, cases: &[&str], messages: &[&str]) -> Self {
        Self {
            targets: messages
                .iter()
                .map(|name| message(setup.instance, name))
                .collect(),
            round: Round::new(cases, setup.case),
            nth: setup.params.integer("nth", 2).max(1),
            row: setup.params.integer("row", 1).max(1),
            seen: 0,
        }
    }

    /// So many in a row at least.
    #[must_use]
    pub fn at_least(mut self, row: u64) -> Self {
        self.row = self.row.max(row);
        self
    }
}

impl Attacker for Suppress {
    fn on_packet(&mut self, view: &View<'_>, _: &mut AttackContext<'_>) -> Verdict {
        let Some(case) = self.round.current() else {
            return Verdict::Pass;
        };
        if self.targets[case].is_none() || self.targets[case] != view.message {
            return Verdict::Pass;
        }
        self.seen += 1;
        if self.seen < self.nth {
            return Verdict::Pass;
        }
        if self.seen + 1 == self.nth + self.row {
            self.round.done();
            self.seen = 0;
        }
        Verdict::Drop
    }
}

/// Holds frames of a message back for a time; every case names a message and how long.
#[derive(Debug)]
pub struct HoldBack {
    targets: Vec<(Option<usize>, Span)>,
    round: Round,
    nth: u64,
    seen: u64,
}

impl HoldBack {
    /// One case for each entry: its name, the message, and how long it is held.
    #[must_use]
    pub fn new(setup: &Setup<'_>, cases: &[(&str, &str, Span)]) -> Self {
        let names: Vec<&str> = cases.iter().map(|(name, ..)| *name).collect();
        Self {
            targets: cases
                .iter()
                .map(|(_, name, by)| (message(setup.instance, name), *by))
                .collect(),
            round: Round::new(&names, setup.case),
            nth: setup.params.integer("nth", 2).max(1),
            seen: 0,
        }
    }
}

impl Attacker for HoldBack {
    fn on_packet(&mut self, view: &View<'_>, _: &mut AttackContext<'_>) -> Verdict {
        let Some(case) = self.round.current() else {
            return Verdict::Pass;
        };
        let (target, by) = self.targets[case];
        if target.is_none() || target != view.message {
            return Verdict::Pass;
        }
        self.seen += 1;
        if self.seen < self.nth {
            return Verdict::Pass;
        }
        self.round.done();
        self.seen = 0;
        Verdict::Delay(by)
    }
}

/// Sends a second copy of a message right behind it, every time; every case names a message.
#[derive(Debug)]
pub struct Second {
    targets: Vec<Option<usize>>,
    cases: crate::attack::Cases,
    after: Span,
    case: usize,
}

impl Second {
    /// One case for each message named; the copy arrives `after` later.
    #[must_use]
    pub fn new(setup: &Setup<'_>, messages: &[&str], after: Span) -> Self {
        let mut cases = crate::attack::Cases::new(messages, setup.case);
        let case = cases.turn();
        Self {
            targets: messages
                .iter()
                .map(|name| message(setup.instance, name))
                .collect(),
            cases,
            after,
            case,
        }
    }
}

impl Attacker for Second {
    fn on_packet(&mut self, view: &View<'_>, _: &mut AttackContext<'_>) -> Verdict {
        let target = self.targets.get(self.case).copied().flatten();
        if target.is_none() {
            // This variant has no such message: the next case's turn.
            self.case = self.cases.turn();
            return Verdict::Pass;
        }
        if target != view.message {
            return Verdict::Pass;
        }
        self.case = self.cases.turn();
        Verdict::Duplicate {
            copies: 1,
            after: self.after,
        }
    }
}
