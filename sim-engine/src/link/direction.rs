//! The state of one link direction, and what a class of links has precomputed.

use std::collections::VecDeque;

use super::loss::ChainState;
use super::{LinkParams, LossModel};
use crate::slab::NONE;
use crate::stats::LinkStats;
use crate::time::{SimDuration, SimTime};

/// One link: its name for the streams, its ends and its two directions.
#[derive(Clone, Debug)]
pub(crate) struct LinkState {
    pub(crate) name: u64,
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) directions: [DirectionState; 2],
}

/// What every direction needs. Kept to sixteen bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DirectionState {
    /// Packets offered by the direction's own end.
    pub(crate) packets: u32,
    pub(crate) lost: u32,
    /// Index of the [`Extra`], or [`NONE`].
    pub(crate) extra: u32,
    pub(crate) class: u16,
    pub(crate) tapped: bool,
    /// Causes that hold the direction down at present.
    pub(crate) cuts: u8,
}

/// What only some directions need: a queue, a chain, an order, further counters.
#[derive(Clone, Debug)]
pub(crate) struct Extra {
    /// When the sender is done with all it has accepted.
    pub(crate) busy_until: SimTime,
    /// The latest arrival so far, for links that keep the order.
    pub(crate) last_arrival: SimTime,
    pub(crate) chain: ChainState,
    /// Departure time and length of each packet that had not left when last looked at, in order.
    pub(crate) departures: VecDeque<(SimTime, u32)>,
    pub(crate) queued_bytes: u64,
    /// Index of the tap place, or [`NONE`].
    pub(crate) tap_place: u32,
    /// Counters with future service included; `offered`, `passed` and `lost` are not kept here.
    pub(crate) totals: LinkStats,
}

impl DirectionState {
    pub(crate) const fn new(class: u16) -> Self {
        Self {
            packets: 0,
            lost: 0,
            extra: NONE,
            class,
            tapped: false,
            cuts: 0,
        }
    }
}

impl Extra {
    pub(crate) fn new() -> Self {
        Self {
            busy_until: SimTime::ZERO,
            last_arrival: SimTime::ZERO,
            chain: ChainState::default(),
            departures: VecDeque::new(),
            queued_bytes: 0,
            tap_place: NONE,
            totals: LinkStats::default(),
        }
    }

    /// Forgets the packets that have left. A departure at exactly `now` has left.
    #[inline]
    pub(crate) fn settle(&mut self, now: SimTime) {
        while let Some(&(departure, bytes)) = self.departures.front() {
            if departure > now {
                break;
            }
            self.departures.pop_front();
            self.queued_bytes -= u64::from(bytes);
        }
    }

    /// The counters at `now`: service that lies in the future is taken out again.
    pub(crate) fn totals_at(&self, now: SimTime) -> LinkStats {
        let mut stats = self.totals;
        stats.busy_ns -= u128::from(self.busy_until.since(now).0);
        let ahead: u128 = self
            .departures
            .iter()
            .map(|&(departure, _)| u128::from(departure.since(now).0))
            .sum();
        stats.in_system_ns = stats.sojourn_ns - ahead;
        stats
    }
}

/// The parameters of a class, with what follows from them.
#[derive(Clone, Debug)]
pub(crate) struct ClassState {
    pub(crate) params: LinkParams,
    /// The propagation delay if it is constant.
    pub(crate) fixed_delay: Option<SimDuration>,
    /// The jitter if it is constant.
    pub(crate) fixed_jitter: Option<SimDuration>,
    /// The mean of the whole delay, for quiet links.
    pub(crate) mean_delay: SimDuration,
    /// Whether directions need an [`Extra`].
    pub(crate) needs_extra: bool,
}

impl ClassState {
    pub(crate) fn new(params: LinkParams) -> Self {
        let fixed = |law: &crate::law::Law| law.as_constant().map(|_| law.mean_ns());
        let needs_extra = params.mtu_bytes.is_some()
            || params.rate_bps.is_some_and(|rate| rate > 0)
            || matches!(params.loss, LossModel::Chain(_))
            || params.corruption.is_some()
            || !params.duplication.is_never()
            || params.in_order;
        Self {
            fixed_delay: fixed(&params.delay),
            fixed_jitter: fixed(&params.jitter),
            mean_delay: SimDuration(
                params
                    .delay
                    .mean_ns()
                    .0
                    .saturating_add(params.jitter.mean_ns().0),
            ),
            needs_extra,
            params,
        }
    }
}
