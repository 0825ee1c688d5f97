//! Desynchronisation: two ends that share a value name no common one, at rest.
//!
//! Each end names its values for a relation in `SharedState` outputs, newest first. A pair is *in
//! step* when one value is common, or when an end names none. It is judged only at rest: nothing of
//! the pair on a link, in a queue, unreleased, or under a busy CPU, and no timer armed that changes
//! what is shared; every such thing *holds* the pair.
//!
//! Never inferred from epoch numbers.

use protocols::output::{Fingerprint, Fingerprints};

/// Values kept per end: no protocol here names more than its current and its previous one.
const VALUES: usize = 2;

/// The values that an end names, newest first; 0 where there is none.
#[derive(Clone, Copy, Debug, Default)]
struct Values([u64; VALUES]);

impl Values {
    fn of(fingerprints: &Fingerprints) -> Self {
        let mut all = Self::default();
        for (value, fingerprint) in all.0.iter_mut().zip(fingerprints.as_slice()) {
            *value = head(fingerprint);
        }
        all
    }

    const fn is_empty(&self) -> bool {
        self.0[0] == 0
    }

    fn shares_with(&self, other: &Self) -> bool {
        self.0
            .iter()
            .any(|value| *value != 0 && other.0.contains(value))
    }
}

/// The first 8 bytes: enough to tell values apart, half the memory of a million pairs.
fn head(fingerprint: &Fingerprint) -> u64 {
    let head = fingerprint
        .iter()
        .take(8)
        .fold(0, |value, byte| value << 8 | u64::from(*byte));
    // 0 stands for no value.
    head.max(1)
}

#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    device: Values,
    server: Values,
    /// What keeps the pair from rest: packets, busy CPUs, timers.
    holds: u32,
    /// The divergence that is open: index into `open`, plus 1; 0 when in step.
    open: u32,
}

impl Pair {
    fn in_step(&self) -> bool {
        self.device.is_empty() || self.server.is_empty() || self.device.shares_with(&self.server)
    }
}

/// How a divergence turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpisodeKind {
    /// Still open: not judged yet.
    Open,
    /// Out of step to the end, and sessions still succeed.
    Silent,
    /// Recovered by itself.
    Transient,
    /// Still out of step after settling, and in an honest continuation every attempt failed.
    Permanent,
    /// Ended by new first storage at both ends, after failures that an operator was told of.
    Reprovisioned,
    /// Out of step at the end, and no workload reaches the pair, so nothing could be tried.
    Unresolved,
}

impl EpisodeKind {
    /// The word in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Silent => "silent",
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::Reprovisioned => "reprovisioned",
            Self::Unresolved => "unresolved",
        }
    }

    /// True when the pair was lost until somebody came, or to the end: what survival counts.
    #[must_use]
    pub const fn is_loss(self) -> bool {
        matches!(self, Self::Permanent | Self::Reprovisioned)
    }
}

/// One divergence of one pair.
#[derive(Clone, Copy, Debug)]
pub struct Episode {
    /// The pair.
    pub pair: u32,
    /// When the pair was first at rest and out of step, ns.
    pub start_ns: u64,
    /// When it was in step again, ns.
    pub end_ns: Option<u64>,
    /// How it turned out.
    pub kind: EpisodeKind,
    /// Attempts of the device that had begun before it.
    pub attempts_before: u32,
    /// Attempts of the device that were accepted before it.
    pub successes_before: u32,
    /// Messages of the pair sent between start and end.
    pub messages: u32,
    /// Sessions of the pair that succeeded while it was out of step.
    pub successes_inside: u32,
}

/// The oracle of desynchronisation for all pairs of one relation.
#[derive(Clone, Debug, Default)]
pub struct Desync {
    pairs: Vec<Pair>,
    open: Vec<Episode>,
    /// Free places of `open`.
    free: Vec<u32>,
    closed: Vec<Episode>,
}

/// Which end of a pair speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The role that the relation names as its device.
    Device,
    /// The other end.
    Server,
}

impl Desync {
    /// An oracle for `pairs` pairs, all without shared values yet.
    #[must_use]
    pub fn new(pairs: usize) -> Self {
        Self {
            pairs: vec![Pair::default(); pairs],
            ..Self::default()
        }
    }

    /// Number of pairs.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.pairs.len()
    }

    /// True when there are no pairs.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// A word of the pair's state, to have it near when it is needed.
    #[must_use]
    pub fn touch(&self, pair: u32) -> u64 {
        self.pairs
            .get(pair as usize)
            .map_or(0, |pair| u64::from(pair.holds))
    }

    /// An end names its values. Judged by the next [`Desync::judge`].
    pub fn state(&mut self, pair: u32, end: End, fingerprints: &Fingerprints) {
        if let Some(pair) = self.pairs.get_mut(pair as usize) {
            match end {
                End::Device => pair.device = Values::of(fingerprints),
                End::Server => pair.server = Values::of(fingerprints),
            }
        }
    }

    /// Something of the pair is under way.
    #[inline]
    pub fn hold(&mut self, pair: u32) {
        if let Some(pair) = self.pairs.get_mut(pair as usize) {
            pair.holds += 1;
        }
    }

    /// A message of the pair was sent: counts for the messages to recovery.
    #[inline]
    pub fn message(&mut self, pair: u32) {
        if let Some(pair) = self.pairs.get(pair as usize)
            && pair.open > 0
        {
            self.open[pair.open as usize - 1].messages += 1;
        }
    }

    /// What was under way has come to its end. Judged by the next [`Desync::judge`].
    #[inline]
    pub fn release(&mut self, pair: u32) {
        if let Some(pair) = self.pairs.get_mut(pair as usize) {
            pair.holds = pair.holds.saturating_sub(1);
        }
    }

    /// Whether nothing of the pair is under way.
    #[must_use]
    #[inline]
    pub fn is_at_rest(&self, pair: u32) -> bool {
        self.pairs
            .get(pair as usize)
            .is_some_and(|pair| pair.holds == 0)
    }

    /// A session of the pair succeeded.
    pub fn success(&mut self, pair: u32) {
        if let Some(pair) = self.pairs.get(pair as usize)
            && pair.open > 0
        {
            self.open[pair.open as usize - 1].successes_inside += 1;
        }
    }

    /// Judges the pair if it is at rest; true when a divergence has ended. `before` gives attempts
    /// and successes so far.
    pub fn judge(
        &mut self,
        pair_index: u32,
        now_ns: u64,
        before: impl FnOnce() -> (u32, u32),
    ) -> bool {
        let Some(pair) = self.pairs.get_mut(pair_index as usize) else {
            return false;
        };
        if pair.holds > 0 || pair.in_step() == (pair.open == 0) {
            return false;
        }
        if pair.open == 0 {
            let (attempts_before, successes_before) = before();
            let episode = Episode {
                pair: pair_index,
                start_ns: now_ns,
                end_ns: None,
                kind: EpisodeKind::Open,
                attempts_before,
                successes_before,
                messages: 0,
                successes_inside: 0,
            };
            let place = self.free.pop().unwrap_or_else(|| {
                self.open.push(episode);
                u32::try_from(self.open.len() - 1).unwrap_or(u32::MAX)
            });
            self.open[place as usize] = episode;
            pair.open = place + 1;
            false
        } else {
            let place = pair.open - 1;
            pair.open = 0;
            self.free.push(place);
            let mut episode = self.open[place as usize];
            episode.end_ns = Some(now_ns);
            episode.kind = EpisodeKind::Transient;
            self.closed.push(episode);
            true
        }
    }

    /// The pairs that are out of step right now, ascending.
    pub fn suspects(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..)
            .zip(&self.pairs)
            .filter(|(_, pair)| pair.open > 0)
            .map(|(index, _)| index)
    }

    /// True when the pair is out of step and was judged so.
    #[must_use]
    pub fn is_open(&self, pair: u32) -> bool {
        self.pairs
            .get(pair as usize)
            .is_some_and(|pair| pair.open > 0)
    }

    /// The open divergence of a pair.
    #[must_use]
    pub fn open_episode(&self, pair: u32) -> Option<&Episode> {
        let pair = self.pairs.get(pair as usize)?;
        self.open.get(pair.open.checked_sub(1)? as usize)
    }

    /// Gives the open divergence of a pair its verdict; `end_ns` where its end is known.
    pub fn conclude(&mut self, pair: u32, kind: EpisodeKind, end_ns: Option<u64>) {
        let Some(state) = self.pairs.get_mut(pair as usize) else {
            return;
        };
        let Some(place) = state.open.checked_sub(1) else {
            return;
        };
        state.open = 0;
        self.free.push(place);
        self.closed.push(Episode {
            kind,
            end_ns,
            ..self.open[place as usize]
        });
    }

    /// Takes the pairs over of which `is_theirs`, from the oracle of a part of the same world.
    pub(crate) fn absorb(&mut self, part: &Self, is_theirs: impl Fn(u32) -> bool) {
        for (index, pair) in (0u32..).zip(&part.pairs) {
            if !is_theirs(index) {
                continue;
            }
            let mut pair = *pair;
            if let Some(episode) = pair.open.checked_sub(1) {
                let episode = part.open[episode as usize];
                self.open.push(episode);
                pair.open = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
            }
            self.pairs[index as usize] = pair;
        }
    }

    /// Replaces the list of divergences that have ended by that of the whole world.
    pub(crate) fn set_closed(&mut self, closed: Vec<Episode>) {
        self.closed = closed;
    }

    /// The divergences that have come to an end, in the order of their ends.
    #[must_use]
    pub fn closed(&self) -> &[Episode] {
        &self.closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(byte: u8) -> Fingerprints {
        Fingerprints::one([byte; 16])
    }

    #[test]
    fn a_pair_under_way_is_not_judged_until_it_rests() {
        let mut oracle = Desync::new(1);
        oracle.state(0, End::Device, &value(1));
        oracle.state(0, End::Server, &value(1));
        oracle.hold(0);
        oracle.state(0, End::Server, &value(2));
        oracle.judge(0, 10, || (1, 0));
        assert!(!oracle.is_open(0));
        oracle.release(0);
        oracle.judge(0, 20, || (1, 0));
        assert!(oracle.is_open(0));
        oracle.message(0);
        oracle.state(0, End::Device, &value(2));
        oracle.judge(0, 30, || (2, 1));
        let closed = oracle.closed()[0];
        assert_eq!(
            (closed.start_ns, closed.end_ns, closed.messages),
            (20, Some(30), 1)
        );
        assert_eq!(closed.kind, EpisodeKind::Transient);
        assert_eq!((closed.attempts_before, closed.successes_before), (1, 0));
    }

    #[test]
    fn one_common_value_among_several_is_in_step() {
        let mut oracle = Desync::new(1);
        let two = Fingerprints::newest_first(&[[2; 16], [1; 16]]);
        oracle.state(0, End::Device, &value(1));
        oracle.state(0, End::Server, &two);
        oracle.judge(0, 1, || (0, 0));
        assert!(!oracle.is_open(0));
    }

    #[test]
    fn an_end_that_names_nothing_is_not_out_of_step() {
        let mut oracle = Desync::new(1);
        oracle.state(0, End::Device, &value(1));
        oracle.judge(0, 1, || (0, 0));
        oracle.state(0, End::Server, &Fingerprints::NONE);
        oracle.judge(0, 2, || (0, 0));
        assert!(!oracle.is_open(0));
    }

    #[test]
    fn places_of_closed_divergences_are_used_again() {
        let mut oracle = Desync::new(2);
        for pair in 0..2 {
            oracle.state(pair, End::Device, &value(1));
            oracle.state(pair, End::Server, &value(2));
            oracle.judge(pair, 1, || (0, 0));
        }
        oracle.conclude(0, EpisodeKind::Permanent, None);
        assert_eq!(oracle.suspects().collect::<Vec<_>>(), [1]);
        oracle.judge(0, 5, || (3, 2));
        assert_eq!(
            oracle
                .open_episode(0)
                .map(|episode| episode.attempts_before),
            Some(3)
        );
        assert_eq!(
            oracle
                .open_episode(1)
                .map(|episode| episode.attempts_before),
            Some(0)
        );
    }
}
