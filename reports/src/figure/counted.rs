//! Values by how often they occur: what a distribution function needs, in memory that does not grow with
//! the number of observations.

use std::collections::BTreeMap;

use crate::statistics::distribution::EmpiricalStep;
use crate::statistics::quantile;

/// Distinct values that are kept exactly; beyond, all are rounded to four significant digits, which
/// leaves at most 9000 a decade.
const EXACT_MAX: usize = 1 << 18;

/// Ascending distinct values, each with the number of observations that are at most it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    ends: Vec<(u64, u64)>,
    rounded: bool,
}

/// Values that are still coming.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathering {
    counts: BTreeMap<u64, u64>,
    rounded: bool,
}

impl Gathering {
    pub(super) fn add(&mut self, value: u64) {
        let value = if self.rounded {
            to_four_digits(value)
        } else {
            value
        };
        *self.counts.entry(value).or_insert(0) += 1;
        if self.counts.len() > EXACT_MAX && !self.rounded {
            self.rounded = true;
            for (value, count) in std::mem::take(&mut self.counts) {
                *self.counts.entry(to_four_digits(value)).or_insert(0) += count;
            }
        }
    }

    pub(super) fn finish(self) -> Counted {
        let mut below = 0;
        let end = |(value, count)| {
            below += count;
            (value, below)
        };
        Counted {
            ends: self.counts.into_iter().map(end).collect(),
            rounded: self.rounded,
        }
    }
}

fn to_four_digits(value: u64) -> u64 {
    let unit = 10_u64.pow(value.checked_ilog10().unwrap_or(0).saturating_sub(3));
    (value / unit) * unit
        + if value % unit * 2 >= unit && unit > 1 {
            unit
        } else {
            0
        }
}

impl Counted {
    /// All `values`, exactly.
    pub(super) fn of(values: Vec<u64>) -> Self {
        let mut gathering = Gathering::default();
        for value in values {
            *gathering.counts.entry(value).or_insert(0) += 1;
        }
        gathering.finish()
    }

    /// Values and how often each occurs.
    pub(super) fn of_counts(counts: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut gathering = Gathering::default();
        for (value, count) in counts {
            *gathering.counts.entry(value).or_insert(0) += count;
        }
        gathering.finish()
    }

    /// The number of observations.
    pub(super) fn len(&self) -> u64 {
        self.ends.last().map_or(0, |(_, below)| *below)
    }

    pub(super) const fn is_rounded(&self) -> bool {
        self.rounded
    }

    /// The distinct values, ascending.
    pub(super) fn values(&self) -> impl Iterator<Item = u64> + '_ {
        self.ends.iter().map(|(value, _)| *value)
    }

    /// Observations of 0.
    pub(super) fn zeros(&self) -> u64 {
        match self.ends.first() {
            Some((0, count)) => *count,
            _ => 0,
        }
    }

    /// The steps of the distribution function.
    pub(super) fn steps(&self) -> Vec<EmpiricalStep> {
        let n = self.len() as f64;
        let step = |(value, below): &(u64, u64)| EmpiricalStep {
            value: *value,
            share: *below as f64 / n,
        };
        self.ends.iter().map(step).collect()
    }

    /// The observation of this rank, from 1.
    fn at(&self, rank: u64) -> Option<u64> {
        let place = self.ends.partition_point(|(_, below)| *below < rank);
        self.ends.get(place).map(|(value, _)| *value)
    }

    /// The `share` quantile.
    pub(super) fn quantile(&self, share: f64) -> Option<u64> {
        self.at(quantile::rank(self.len(), share)?)
    }

    /// Values that enclose the `share` quantile at `level`.
    pub(super) fn interval(&self, share: f64, level: f64) -> (Option<u64>, Option<u64>) {
        let ranks = quantile::interval_ranks(self.len(), share, level);
        let value = |rank: u64| self.at(rank);
        (ranks.low.and_then(value), ranks.high.and_then(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_values_have_the_quantiles_of_all() {
        let mut sorted: Vec<u64> = (0..5000_u64).map(|value| value * value % 997).collect();
        let counted = Counted::of(sorted.clone());
        sorted.sort_unstable();
        for share in [0.01, 0.5, 0.95, 0.99] {
            assert_eq!(counted.quantile(share), quantile::of_sorted(&sorted, share));
            let interval = quantile::interval_of_sorted(&sorted, share, 0.95);
            assert_eq!(counted.interval(share, 0.95), interval);
        }
        assert_eq!(
            counted.steps(),
            crate::statistics::distribution::empirical(&sorted)
        );
        assert_eq!(
            counted.zeros() as usize,
            sorted.partition_point(|it| *it == 0)
        );
    }

    #[test]
    fn many_values_are_rounded_and_take_no_more_memory() {
        let mut gathering = Gathering::default();
        for value in 0..1_000_000_u64 {
            gathering.add(1_000_000_000 + value * 1_000);
        }
        assert!(gathering.counts.len() < 10_000);
        let counted = gathering.finish();
        assert!(counted.is_rounded());
        assert_eq!(counted.len(), 1_000_000);
        assert_eq!(counted.quantile(0.5), Some(1_500_000_000));
        assert_eq!(
            (to_four_digits(12_345_678), to_four_digits(99_996)),
            (12_350_000, 100_000)
        );
        assert_eq!(
            (to_four_digits(0), to_four_digits(12), to_four_digits(9_999)),
            (0, 12, 9_999)
        );
    }
}
