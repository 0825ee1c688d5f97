//! Active queue management: dropping before the queue is full.
//!
//! **RED** (Floyd, Jacobson 1993) decides when a packet arrives. The average queue follows
//! `avg ← (1 − w) avg + w q`, with `q` the packets in the system that the arrival finds; after a
//! pause of the link it decays by `(1 − w)^m`, with `m` the pause in serialisation times of the
//! packet that ends it. Below `min` nothing is dropped, from `max` on everything. In between
//! `p_b = max_p (avg − min)/(max − min)`, and the packet is dropped with `p_b / (1 − c p_b)`, where
//! `c` packets were kept since the last drop: under a constant average the gap between two drops is
//! uniform on 1 to `1/p_b`, its mean `(1/p_b + 1)/2`.
//!
//! **CoDel** (RFC 8289) decides when a packet would be sent. When packets have waited for `target`
//! or longer during a whole `interval`, and more than a packet's worth of bytes waits behind, one is
//! dropped, and while that goes on the next `interval/√n` after the one before.

use super::LinkParams;
use crate::rng::Probability;
use crate::time::{SimDuration, SimTime};

/// How a queue is managed besides its limit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Aqm {
    /// Random early detection.
    Red(Red),
    /// Controlled delay.
    Codel(Codel),
}

/// Parameters of RED.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Red {
    /// Average queue, packets, below which nothing is dropped.
    pub min: f64,
    /// Average queue from which on everything is dropped; above `min`.
    pub max: f64,
    /// Drop probability that is approached at `max`, 0 to 1.
    pub max_p: f64,
    /// Weight of the newest sample, above 0 to 1.
    pub weight: f64,
}

/// Parameters of CoDel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Codel {
    /// Waiting time that is tolerated.
    pub target: SimDuration,
    /// How long it must be exceeded before anything is dropped.
    pub interval: SimDuration,
}

/// What RED remembers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct RedState {
    average: f64,
    /// Packets kept since the last drop or since the average was below `min`.
    kept: u32,
}

/// What CoDel remembers. The names are those of the RFC.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct CodelState {
    first_above: Option<SimTime>,
    drop_next: SimTime,
    count: u32,
    last_count: u32,
    dropping: bool,
}

impl RedState {
    pub(crate) const fn new() -> Self {
        Self {
            average: 0.0,
            kept: 0,
        }
    }

    /// Whether a packet that finds `queue` packets is dropped. `idle` is how long the link has been
    /// idle, `service` what this packet will take; `draw` is asked for at most once.
    pub(crate) fn drops(
        &mut self,
        red: &Red,
        queue: usize,
        idle: SimDuration,
        service: SimDuration,
        draw: impl FnOnce() -> u64,
    ) -> bool {
        if queue == 0 {
            let pause = idle.0 as f64 / service.0.max(1) as f64;
            self.average *= libm::pow(1.0 - red.weight, pause);
        } else {
            self.average += red.weight * (queue as f64 - self.average);
        }
        if self.average < red.min {
            self.kept = 0;
            return false;
        }
        let dropped = self.average >= red.max || {
            let base = red.max_p * (self.average - red.min) / (red.max - red.min);
            let left = 1.0 - f64::from(self.kept) * base;
            let p = if left > base { base / left } else { 1.0 };
            Probability::new(p).is_some_and(|p| !p.is_never() && p.accepts(draw()))
        };
        self.kept = if dropped {
            0
        } else {
            self.kept.saturating_add(1)
        };
        dropped
    }
}

impl CodelState {
    /// Takes packets out at `now` until one is to be sent. `next` gives the oldest waiting packet
    /// with its arrival and the bytes that wait behind it; `drop` is told which to drop.
    ///
    /// This is the pseudo-code of RFC 8289, section 5.6, with `maxpacket` given.
    pub(crate) fn dequeue<T: Copy>(
        &mut self,
        codel: &Codel,
        max_packet: u64,
        now: SimTime,
        mut next: impl FnMut() -> Option<(T, SimTime, u64)>,
        mut drop: impl FnMut(T),
    ) -> Option<T> {
        let mut take = |state: &mut Self| -> (Option<T>, bool) {
            let Some((packet, arrived, behind)) = next() else {
                state.first_above = None;
                return (None, false);
            };
            (
                Some(packet),
                state.ok_to_drop(codel, max_packet, now, arrived, behind),
            )
        };
        let (mut packet, ok_to_drop) = take(self);
        if self.dropping {
            self.dropping = ok_to_drop;
            while self.dropping && now >= self.drop_next {
                if let Some(dropped) = packet {
                    drop(dropped);
                }
                self.count = self.count.saturating_add(1);
                let (following, ok_to_drop) = take(self);
                packet = following;
                self.dropping = ok_to_drop;
                if ok_to_drop {
                    self.drop_next = control_law(codel, self.drop_next, self.count);
                }
            }
        } else if ok_to_drop {
            if let Some(dropped) = packet {
                drop(dropped);
            }
            let (following, _) = take(self);
            packet = following;
            self.dropping = true;
            // If the queue was controlled a moment ago, the rate that did it is a good start.
            let delta = self.count.saturating_sub(self.last_count);
            let recent = now.since(self.drop_next).0 < codel.interval.0.saturating_mul(16);
            self.count = if delta > 1 && recent { delta } else { 1 };
            self.drop_next = control_law(codel, now, self.count);
            self.last_count = self.count;
        }
        packet
    }

    fn ok_to_drop(
        &mut self,
        codel: &Codel,
        max_packet: u64,
        now: SimTime,
        arrived: SimTime,
        behind: u64,
    ) -> bool {
        if now.since(arrived) < codel.target || behind <= max_packet {
            self.first_above = None;
            return false;
        }
        match self.first_above {
            None => {
                self.first_above = now.checked_add(codel.interval);
                false
            }
            Some(first_above) => now >= first_above,
        }
    }
}

/// When the next packet is dropped: `interval / sqrt(count)` after `from`.
fn control_law(codel: &Codel, from: SimTime, count: u32) -> SimTime {
    let gap = codel.interval.0 as f64 / libm::sqrt(f64::from(count.max(1)));
    from.checked_add(SimDuration(libm::round(gap) as u64))
        .unwrap_or(SimTime::LAST)
}

impl LinkParams {
    /// CoDel's parameters, if it manages the queue and there is one.
    pub(crate) fn codel(&self) -> Option<Codel> {
        match self.aqm {
            Some(Aqm::Codel(codel)) if self.queues() => Some(codel),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Under a constant average the gaps between drops are uniform on 1 to 1/p_b.
    #[test]
    fn red_spreads_its_drops_evenly() {
        let red = Red {
            min: 5.0,
            max: 15.0,
            max_p: 0.1,
            weight: 0.002,
        };
        let mut state = RedState {
            average: 10.0,
            kept: 0,
        };
        let mut streams = crate::rng::Seed::new(3, 0).streams();
        let (mut gap, mut gaps) = (0u32, Vec::new());
        for number in 0..200_000 {
            gap += 1;
            let draw = || streams.block(7, number)[0];
            if state.drops(&red, 10, SimDuration::ZERO, SimDuration(1), draw) {
                gaps.push(gap);
                gap = 0;
            }
        }
        let mean = gaps.iter().sum::<u32>() as f64 / gaps.len() as f64;
        // Standard deviation of the mean: sqrt((20² − 1)/12 / 19000) = 0.042.
        assert!((mean - 10.5).abs() < 0.17, "{mean}");
        assert_eq!(gaps.iter().max(), Some(&20));
        for wanted in 1..=20 {
            let count = gaps.iter().filter(|&&gap| gap == wanted).count() as f64;
            let share = count / gaps.len() as f64;
            assert!((share - 0.05).abs() < 0.007, "{wanted}: {share}");
        }
    }

    #[test]
    fn red_follows_the_queue_and_forgets_over_a_pause() {
        let red = Red {
            min: 50.0,
            max: 100.0,
            max_p: 0.1,
            weight: 0.25,
        };
        let mut state = RedState::new();
        let mut arrives = |queue, idle| {
            state.drops(&red, queue, SimDuration(idle), SimDuration(10), || 0);
            state.average
        };
        assert_eq!(arrives(8, 0), 2.0);
        assert_eq!(arrives(8, 0), 3.5);
        assert_eq!(arrives(0, 20), 3.5 * 0.5625);
    }

    /// 100, 70.7107, 57.7350, 50 ms.
    #[test]
    fn codel_drops_faster_and_faster() {
        let codel = Codel {
            target: SimDuration(5_000_000),
            interval: SimDuration(100_000_000),
        };
        let mut state = CodelState::default();
        let mut drops = Vec::new();
        // A queue that never gets shorter, seen every 10 us.
        for tick in 0..50_000u64 {
            let now = SimTime(10_000_000 + tick * 10_000);
            let next = || Some((now.0, SimTime(now.0 - 10_000_000), 10_000));
            state.dequeue(&codel, 1_500, now, next, |at| drops.push(at));
        }
        let gaps: Vec<u64> = drops.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(drops[0], 110_000_000);
        for (gap, exact) in gaps.iter().zip([100e6, 70.7107e6, 57.7350e6, 50e6]) {
            assert!((*gap as f64 - exact).abs() <= 20_000.0, "{gap}: {exact}");
        }
    }

    #[test]
    fn codel_lets_a_queue_of_one_packet_wait() {
        let codel = Codel {
            target: SimDuration(5),
            interval: SimDuration(100),
        };
        let mut state = CodelState::default();
        for now in (1_000..100_000).step_by(10) {
            let next = || Some(((), SimTime(now - 500), 1_500));
            state.dequeue(&codel, 1_500, SimTime(now), next, |()| panic!("a drop"));
        }
    }
}
