//! Links of a group that have parameters of their own.

use std::sync::Arc;

use sim_engine::link::LossModel;
use sim_engine::{Corruption, Law, LinkParams, Probability};

/// Parameters that replace those of a link in one direction; `None` keeps what is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkPatch {
    /// Law of the delay, or recorded delays.
    pub delay: Option<(Law, Option<Arc<[u64]>>)>,
    /// Law of the jitter and its correlation.
    pub jitter: Option<(Law, Option<f64>)>,
    /// Rate, bit/s.
    pub rate_bps: Option<u64>,
    /// Loss model.
    pub loss: Option<LossModel>,
    /// Corruption; `Some(None)`: none.
    pub corrupt: Option<Option<Corruption>>,
    /// Probability of a second copy.
    pub duplicate: Option<Probability>,
}

impl LinkPatch {
    /// Which parameters it replaces, as bits in the order of the fields.
    #[must_use]
    pub(crate) fn given(&self) -> u8 {
        let given = [
            self.delay.is_some(),
            self.jitter.is_some(),
            self.rate_bps.is_some(),
            self.loss.is_some(),
            self.corrupt.is_some(),
            self.duplicate.is_some(),
        ];
        given
            .into_iter()
            .rev()
            .fold(0, |bits, one| bits * 2 + u8::from(one))
    }

    /// Puts what this holds into `params`.
    pub fn apply(&self, params: &mut LinkParams) {
        if let Some((law, replay)) = &self.delay {
            (params.delay, params.delay_replay) = (law.clone(), replay.clone());
        }
        if let Some((law, correlation)) = &self.jitter {
            (params.jitter, params.jitter_correlation) = (law.clone(), *correlation);
        }
        if self.rate_bps.is_some() {
            params.rate_bps = self.rate_bps;
        }
        if let Some(loss) = &self.loss {
            params.loss = loss.clone();
        }
        if let Some(corrupt) = self.corrupt {
            params.corruption = corrupt;
        }
        if let Some(duplicate) = self.duplicate {
            params.duplication = duplicate;
        }
    }
}

/// Parameters of the links that a pattern names.
#[derive(Clone, Debug)]
pub struct Exception {
    /// Its name; may be empty.
    pub id: String,
    /// Members of the first and of the second group, as first and end; `None`: all. Where the links
    /// join any nodes of both groups, members of the groups that `sides` says.
    pub ends: [Option<(u32, u32)>; 2],
    /// The groups of `ends`: 0 for the first, 1 for the second.
    pub sides: [u8; 2],
    /// What these links have, up and down.
    pub patch: [LinkPatch; 2],
}

impl Exception {
    /// Whether it holds for the link between member `a` of the first and `b` of the second group.
    #[must_use]
    pub fn matches(&self, a: u32, b: u32) -> bool {
        let within = |end: Option<(u32, u32)>, member: u32| {
            end.is_none_or(|(first, end)| (first..end).contains(&member))
        };
        within(self.ends[0], a) && within(self.ends[1], b)
    }

    /// Whether it holds for a link between any nodes of both groups, given as group and member.
    #[must_use]
    pub fn matches_joint(&self, ends: [(u8, u32); 2]) -> bool {
        let within = |place: usize, (side, member): (u8, u32)| {
            self.ends[place].is_none_or(|(first, end)| {
                self.sides[place] == side && (first..end).contains(&member)
            })
        };
        let [one, other] = ends;
        within(0, one) && within(1, other) || within(0, other) && within(1, one)
    }
}

/// The links of a group that differ from the group's parameters.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// What edges of a file say, each once; for both directions.
    pub values: Vec<LinkPatch>,
    /// For each edge of [`super::Topology::Edges`] 0, or one more than its place in `values`; empty
    /// where no edge says anything.
    pub edges: Vec<u16>,
    /// What the scenario says over that; later ones over earlier ones.
    pub exceptions: Vec<Exception>,
}

impl Own {
    /// Whether all links are alike.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.edges.is_empty() && self.exceptions.is_empty()
    }

    /// What holds for a link: 0 or one more than a place in `values`, then places in `exceptions`.
    /// `edge` is its place among the edges of a file.
    pub(crate) fn of(&self, (a, b): (u32, u32), edge: Option<usize>) -> Vec<u16> {
        self.holding(edge, |exception| exception.matches(a, b))
    }

    /// The same for a link between any nodes of both groups, by group (0 or 1) and member.
    pub(crate) fn of_joint(&self, ends: [(u8, u32); 2], edge: usize) -> Vec<u16> {
        self.holding(Some(edge), |exception| exception.matches_joint(ends))
    }

    fn holding(&self, edge: Option<usize>, holds: impl Fn(&Exception) -> bool) -> Vec<u16> {
        let value = edge.and_then(|edge| self.edges.get(edge)).copied();
        let holding = (0..)
            .zip(&self.exceptions)
            .filter(|(_, exception)| holds(exception));
        let mut all = vec![value.unwrap_or(0)];
        all.extend(holding.map(|(place, _)| place));
        all
    }

    /// `base` with all that [`Self::of`] named.
    pub(crate) fn params(&self, base: [LinkParams; 2], of: &[u16]) -> [LinkParams; 2] {
        let mut both = base;
        let Some((value, exceptions)) = of.split_first() else {
            return both;
        };
        for (side, params) in both.iter_mut().enumerate() {
            if let Some(value) = value
                .checked_sub(1)
                .and_then(|value| self.values.get(usize::from(value)))
            {
                value.apply(params);
            }
            for place in exceptions {
                self.exceptions[usize::from(*place)].patch[side].apply(params);
            }
        }
        both
    }
}
