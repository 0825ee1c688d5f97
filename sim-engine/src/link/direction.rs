//! The state of one link direction, and what a class of links has precomputed.

use std::collections::VecDeque;

use super::LinkParams;
use super::aqm::{Codel, CodelState, RedState};
use super::loss::ChainState;
use super::reorder::DelayState;
use super::shaper::{Bucket, Shaper};
use crate::air::AirTime;
use crate::medium::Shared;
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
    /// The shared medium, if the direction uses one.
    pub(crate) shared: Option<Shared>,
    /// Packets that wait for the medium or are on it.
    pub(crate) held: u64,
    /// Counters with future service included; `offered`, `passed` and `lost` are not kept here.
    pub(crate) totals: LinkStats,
    /// What its last packet took of the air, if anybody asks.
    pub(crate) air: AirTime,
    /// What only few classes need.
    gear: Option<Box<Gear>>,
}

/// The state of what few link directions have.
#[derive(Clone, Debug)]
pub(crate) struct Gear {
    pub(crate) red: RedState,
    pub(crate) codel: CodelState,
    pub(crate) delays: DelayState,
    pub(crate) line: Line,
    bucket: Option<(Shaper, Bucket)>,
}

/// Packets that wait for a decision at the moment of sending, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    /// Place of the packet, when it was offered, its length.
    pub(crate) packets: VecDeque<(u32, SimTime, u32)>,
    pub(crate) bytes: u64,
    /// The longest packet seen.
    pub(crate) longest: u64,
    /// Time that packets which were dropped in the end had waited, ns.
    pub(crate) dropped_wait_ns: u128,
    /// When the next look at the line is scheduled, once it is.
    pub(crate) look_at: Option<SimTime>,
}

impl Gear {
    /// The bucket of this shaper, full if it is another one than before.
    pub(crate) fn bucket(&mut self, shaper: &Shaper) -> &mut Bucket {
        if self.bucket.is_none_or(|(known, _)| known != *shaper) {
            self.bucket = None;
        }
        let (_, bucket) = self
            .bucket
            .get_or_insert_with(|| (*shaper, Bucket::full(shaper)));
        bucket
    }
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
            shared: None,
            held: 0,
            totals: LinkStats::default(),
            air: AirTime::default(),
            gear: None,
        }
    }

    /// The state of what few directions have, made when it is first needed.
    #[inline]
    pub(crate) fn gear(&mut self) -> &mut Gear {
        self.gear.get_or_insert_with(|| {
            Box::new(Gear {
                red: RedState::new(),
                codel: CodelState::default(),
                delays: DelayState::default(),
                line: Line::default(),
                bucket: None,
            })
        })
    }

    /// Gives the packets that wait for a decision other places.
    pub(crate) fn rename_waiting(&mut self, mut place: impl FnMut(u32) -> u32) {
        if let Some(gear) = &mut self.gear {
            for (index, _, _) in &mut gear.line.packets {
                *index = place(*index);
            }
        }
    }

    /// Packets and bytes in the system: being sent, to be sent, or waiting for a decision.
    pub(crate) fn in_system(&self) -> (usize, u64) {
        let (packets, bytes) = (self.departures.len(), self.queued_bytes);
        match &self.gear {
            None => (packets, bytes),
            Some(gear) => (packets + gear.line.packets.len(), bytes + gear.line.bytes),
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
        if let Some(gear) = &self.gear {
            let waiting = gear.line.packets.iter();
            stats.in_system_ns += gear.line.dropped_wait_ns
                + waiting
                    .map(|&(_, offered, _)| u128::from(now.since(offered).0))
                    .sum::<u128>();
        }
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
    /// The rate that gives a frame's time on a shared medium.
    pub(crate) air_bps: Option<u64>,
    /// Whether directions need an [`Extra`].
    pub(crate) needs_extra: bool,
    /// Whether packets wait for one another: there is a rate, or a shaper.
    pub(crate) queues: bool,
    /// CoDel's parameters, if it manages the queue.
    pub(crate) codel: Option<Codel>,
    /// Whether packets go in frames: cut, or repeated.
    pub(crate) framed: bool,
}

impl ClassState {
    pub(crate) fn new(mut params: LinkParams) -> Self {
        // On a shared medium a frame has waited and been sent when it comes to the link.
        let air_bps = match params.medium {
            Some(_) => params.rate_bps.take(),
            None => None,
        };
        let fixed = |law: &crate::law::Law| law.as_constant().map(|_| law.mean_ns());
        let queues = params.queues();
        let framed = params.arq.is_some() || params.fragmentation.is_some();
        let needs_extra = queues
            || framed
            || params.mtu_bytes.is_some()
            || params.loss.has_state()
            || (params.loss_place == super::LossPlace::Ingress
                && params.loss != super::LossModel::None)
            || params.corruption.is_some()
            || !params.duplication.is_never()
            || params.reordering.is_some()
            || params.jitter_correlation.is_some()
            || params.in_order
            || params.medium.is_some();
        let recording = params.delay_replay.as_deref();
        let mean_delay = match recording {
            Some(recording) if !recording.is_empty() => {
                let sum: u128 = recording.iter().map(|&delay| u128::from(delay)).sum();
                u64::try_from(sum / recording.len() as u128).unwrap_or(u64::MAX)
            }
            _ => params.delay.mean_ns().0,
        };
        Self {
            fixed_delay: fixed(&params.delay).filter(|_| recording.is_none()),
            fixed_jitter: fixed(&params.jitter),
            mean_delay: SimDuration(mean_delay.saturating_add(params.jitter.mean_ns().0)),
            queues,
            codel: params.codel(),
            framed,
            needs_extra,
            air_bps,
            params,
        }
    }
}
