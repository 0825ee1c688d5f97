//! Links against their definitions and against closed forms, with fixed seeds.

#![allow(clippy::unwrap_used)]

mod control;
mod models;

use super::*;
use crate::id::{Direction, LinkId, NodeId, TimerId};
use crate::packet::Fate;
use crate::rng::{Seed, StreamName};
use crate::testing::{Bench, Seen, constant};
use crate::time::{SimDuration, SimTime};

const UP: Direction = Direction::Up;

fn pair(params: LinkParams) -> (Bench, NodeId, LinkId) {
    let mut bench = Bench::new(5);
    let (a, b) = (bench.node(0, false), bench.node(0, false));
    let link = bench.link("l", a, b, params);
    (bench, a, link)
}

/// Sends packets of these lengths at once and returns (arrival, length) in order of arrival.
fn arrivals(params: LinkParams, lengths: &[usize]) -> Vec<(u64, usize)> {
    let (mut bench, a, link) = pair(params);
    bench.act(a, |out| {
        for &length in lengths {
            out.send(link, UP, 0, &vec![0; length]);
        }
    });
    bench.run(u64::MAX - 1);
    let pick = |seen: &Seen| match seen {
        Seen::Packet { at, bytes, .. } => Some((*at, bytes.len())),
        _ => None,
    };
    bench.host.log.iter().filter_map(pick).collect()
}

/// Lets `a` send packets with exponential gaps of this mean, until `count` were sent.
fn poisson(bench: &mut Bench, a: NodeId, link: LinkId, mean_gap_ns: f64, count: u64) {
    bench.host.unlogged = true;
    let law = Law::exponential(0.0, mean_gap_ns).unwrap();
    let mut streams = Seed::new(99, 0).streams();
    let stream = StreamName::new("arrivals").id();
    let tick = TimerId { kind: 0, key: 0 };
    let mut sent = 0;
    // Gaps are drawn as doubles and summed before rounding, so rounding does not add up.
    let mut at = 0.0;
    let mut next = move || {
        at += law.sample(streams.block(stream, sent / 8)[(sent % 8) as usize]);
        sent += 1;
        (sent <= count).then_some(SimTime(at as u64))
    };
    let first = next().unwrap();
    bench.host.on_control = Some(Box::new(move |(node, _), out| {
        out.send(link, UP, 0, &[0; 125]);
        if let Some(at) = next() {
            out.arm_control(node, tick, at);
        }
    }));
    bench.act(a, |out| out.arm_control(a, tick, first));
}

#[test]
fn packets_queue_for_serialisation_and_then_travel() {
    // 8 ns per byte.
    let params = LinkParams {
        rate_bps: Some(1_000_000_000),
        delay: constant(1_000),
        ..Default::default()
    };
    assert_eq!(
        arrivals(params.clone(), &[100, 50, 1]),
        [(1_800, 100), (2_200, 50), (2_208, 1)]
    );
    let overhead = LinkParams {
        overhead_bytes: 10,
        ..params
    };
    assert_eq!(arrivals(overhead, &[100, 50]), [(1_880, 100), (2_360, 50)]);
}

#[test]
fn the_queue_counts_the_packet_in_service() {
    let params = LinkParams {
        rate_bps: Some(1_000_000_000),
        queue: QueueLimit::Packets(2),
        ..Default::default()
    };
    assert_eq!(
        arrivals(params.clone(), &[10, 11, 12]),
        [(80, 10), (168, 11)]
    );
    let bytes = LinkParams {
        queue: QueueLimit::Bytes(25),
        ..params
    };
    assert_eq!(
        arrivals(bytes, &[10, 11, 12, 4]),
        [(80, 10), (168, 11), (200, 4)]
    );
}

#[test]
fn a_packet_offered_when_another_departs_finds_its_place_free() {
    let params = LinkParams {
        rate_bps: Some(1_000_000_000),
        queue: QueueLimit::Packets(1),
        ..Default::default()
    };
    let (mut bench, a, link) = pair(params);
    bench.act(a, |out| out.send(link, UP, 0, &[0; 10]));
    bench.run(79);
    bench.act(a, |out| out.send(link, UP, 0, &[0; 10]));
    bench.run(80);
    bench.act(a, |out| out.send(link, UP, 0, &[0; 10]));
    bench.run(1_000);
    assert_eq!(
        bench.fates(),
        [Fate::QueueDrop, Fate::Delivered, Fate::Delivered]
    );
    let stats = bench.engine.link_stats(link, UP);
    assert_eq!((stats.offered, stats.passed, stats.queue_drops), (3, 2, 1));
    assert_eq!((stats.busy_ns, stats.in_system_ns), (160, 160));
}

#[test]
fn packets_longer_than_the_mtu_are_dropped_before_the_queue() {
    let params = LinkParams {
        mtu_bytes: Some(100),
        rate_bps: Some(1_000_000_000),
        queue: QueueLimit::Packets(1),
        ..Default::default()
    };
    assert_eq!(arrivals(params, &[101, 100]), [(800, 100)]);
}

#[test]
fn a_loss_on_the_air_uses_the_medium_and_one_at_the_ingress_does_not() {
    let lossy = |place| LinkParams {
        rate_bps: Some(1_000_000_000),
        loss: LossModel::bernoulli(1.0).unwrap(),
        loss_place: place,
        ..Default::default()
    };
    for (place, busy_ns) in [(LossPlace::Air, 800), (LossPlace::Ingress, 0)] {
        let (mut bench, a, link) = pair(lossy(place));
        bench.act(a, |out| out.send(link, UP, 0, &[0; 100]));
        bench.run(10_000);
        assert_eq!(bench.fates(), [Fate::Lost]);
        let stats = bench.engine.link_stats(link, UP);
        assert_eq!((stats.busy_ns, stats.lost, stats.passed), (busy_ns, 1, 0));
    }
}

#[test]
fn an_ordered_link_lets_no_packet_overtake() {
    let delay = Law::uniform(0.0, 1e6).unwrap();
    let params = LinkParams {
        delay,
        ..Default::default()
    };
    let lengths: Vec<usize> = (1..200).collect();
    let free = arrivals(params.clone(), &lengths);
    let ordered = arrivals(
        LinkParams {
            in_order: true,
            ..params
        },
        &lengths,
    );
    assert!(
        !free.is_sorted_by_key(|&(_, length)| length),
        "jitter reorders"
    );
    assert!(ordered.is_sorted_by_key(|&(_, length)| length));
    assert_eq!(
        free.last().map(|last| last.0),
        ordered.last().map(|last| last.0)
    );
}

#[test]
fn a_corrupted_packet_is_dropped_below_a_checksum_and_changed_above_it() {
    let corrupting = |checked| LinkParams {
        corruption: Some(Corruption {
            probability: Probability::ALWAYS,
            damage: Damage::Bits(1),
            checked,
        }),
        ..Default::default()
    };
    let (mut bench, a, link) = pair(corrupting(true));
    bench.act(a, |out| out.send(link, UP, 0, &[0; 40]));
    bench.run(10);
    assert_eq!(bench.handled(), []);
    assert_eq!(bench.fates(), [Fate::Corrupted]);

    let (mut bench, a, link) = pair(corrupting(false));
    bench.act(a, |out| {
        for _ in 0..500 {
            out.send(link, UP, 0, &[0; 40]);
        }
    });
    bench.run(10);
    let mut hit = [false; 320];
    for seen in bench.handled() {
        let Seen::Packet { bytes, .. } = seen else {
            unreachable!("only packets were sent")
        };
        let ones: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
        assert_eq!(ones, 1, "exactly one bit is flipped");
        let byte = bytes.iter().position(|&byte| byte != 0).unwrap();
        hit[byte * 8 + bytes[byte].trailing_zeros() as usize] = true;
    }
    // 500 throws into 320 places leave about 320 exp(-500/320) = 67 of them empty.
    let empty = hit.iter().filter(|&&hit| !hit).count();
    assert!((45..90).contains(&empty), "{empty}");
}

#[test]
fn a_duplicated_packet_arrives_twice_with_delays_of_its_own() {
    let delay = Law::uniform(0.0, 1e6).unwrap();
    let params = LinkParams {
        delay,
        duplication: Probability::new(0.25).unwrap(),
        ..Default::default()
    };
    let (mut bench, a, link) = pair(params);
    bench.act(a, |out| {
        for _ in 0..4_000 {
            out.send(link, UP, 0, b"x");
        }
    });
    bench.run(u64::MAX - 1);
    let copies = bench
        .fates()
        .iter()
        .filter(|&&fate| fate == Fate::Duplicated)
        .count();
    let originals = bench
        .fates()
        .iter()
        .filter(|&&fate| fate == Fate::Delivered)
        .count();
    assert_eq!(originals, 4_000);
    // Four standard deviations of a binomial count.
    assert!(copies.abs_diff(1_000) < 110, "{copies}");
    assert_eq!(bench.engine.blocks_live(), 0);
}

#[test]
fn what_one_packet_draws_does_not_move_the_next_ones() {
    let delay = Law::uniform(0.0, 1e6).unwrap();
    let plain = LinkParams {
        delay,
        ..Default::default()
    };
    let drawing = LinkParams {
        loss: LossModel::bernoulli(0.3).unwrap(),
        ..plain.clone()
    };
    let lengths: Vec<usize> = (1..300).collect();
    let mut all = arrivals(plain, &lengths);
    let some = arrivals(drawing, &lengths);
    assert!(some.len() < 250);
    all.retain(|arrival| some.contains(arrival));
    assert_eq!(
        all, some,
        "packets that are not lost arrive at the same instants"
    );
}

#[test]
fn an_ideal_link_touches_no_random_stream() {
    let (mut bench, a, link) = pair(LinkParams {
        delay: constant(5),
        ..Default::default()
    });
    bench.act(a, |out| {
        out.send(link, UP, 0, b"x");
        assert!(!out.streams().is_used());
    });
}

/// Mean wait rho D / (2 (1 - rho)); the number in system follows from Little's law.
#[test]
fn a_link_with_poisson_arrivals_waits_like_m_d_1() {
    for rho in [0.5, 0.8] {
        // 125 bytes at 1 Mbit/s take one millisecond.
        let service_ns = 1e6;
        let (mut bench, a, link) = pair(LinkParams {
            rate_bps: Some(1_000_000),
            ..Default::default()
        });
        poisson(&mut bench, a, link, service_ns / rho, 400_000);
        bench.run(u64::MAX - 1);
        let stats = bench.engine.link_stats(link, UP);
        assert_eq!(stats.queued, 400_000);
        let wait = stats.wait_ns as f64 / stats.queued as f64;
        let exact = rho * service_ns / (2.0 * (1.0 - rho));
        assert!(
            (wait / exact - 1.0).abs() < 0.02,
            "load {rho}: {wait} against {exact}"
        );
        assert_eq!(stats.in_system_ns, stats.sojourn_ns);
        assert_eq!(stats.sojourn_ns - stats.wait_ns, 400_000 * 1_000_000);
    }
}

/// Loss probabilities of M/D/1/K from the literature: K counts the packet in service.
#[test]
fn a_full_queue_drops_like_m_d_1_k() {
    for (limit, exact) in [(5, 0.082_788_5), (10, 0.030_595_6)] {
        let params = LinkParams {
            rate_bps: Some(1_000_000),
            queue: QueueLimit::Packets(limit),
            ..Default::default()
        };
        let (mut bench, a, link) = pair(params);
        poisson(&mut bench, a, link, 1e6 / 0.95, 4_000_000);
        bench.run(u64::MAX - 1);
        let stats = bench.engine.link_stats(link, UP);
        let loss = stats.queue_drops as f64 / stats.offered as f64;
        assert!(
            (loss / exact - 1.0).abs() < 0.03,
            "K = {limit}: {loss} against {exact}"
        );
    }
}

/// The fates of packets sent `gap` apart over a link with this loss model.
fn losses(loss: LossModel, gap_ns: u64, count: u32) -> Vec<bool> {
    let (mut bench, a, link) = pair(LinkParams {
        loss,
        ..Default::default()
    });
    let tick = TimerId { kind: 0, key: 0 };
    let mut left = count;
    bench.host.on_control = Some(Box::new(move |(node, _), out| {
        out.send(link, UP, 0, b"");
        left -= 1;
        if left > 0 {
            let at = out.now().checked_add(SimDuration(gap_ns)).unwrap();
            out.arm_control(node, tick, at);
        }
    }));
    bench.act(a, |out| out.arm_control(a, tick, SimTime(1)));
    bench.run(u64::MAX - 1);
    let mut fates: Vec<(u64, bool)> = bench
        .host
        .log
        .iter()
        .filter_map(|seen| match seen {
            Seen::End { number, fate, .. } => Some((*number, *fate == Fate::Lost)),
            _ => None,
        })
        .collect();
    fates.sort_unstable();
    fates.into_iter().map(|(_, lost)| lost).collect()
}

fn share(lost: &[bool]) -> f64 {
    lost.iter().filter(|&&lost| lost).count() as f64 / lost.len() as f64
}

/// Share of losses among the packets that follow a loss.
fn after_loss(lost: &[bool]) -> f64 {
    let following: Vec<bool> = lost
        .windows(2)
        .filter(|pair| pair[0])
        .map(|pair| pair[1])
        .collect();
    share(&following)
}

#[test]
fn gilberts_chain_loses_in_runs() {
    let (p, r) = (0.02, 0.2);
    let loss = LossModel::gilbert(p, r, ChainStep::Packet).unwrap();
    let lost = losses(loss.clone(), 10, 200_000);
    // sqrt(p q (1+c)/(1-c) / n) with c = 0.78 is 0.0018.
    assert!(
        (share(&lost) - p / (p + r)).abs() < 0.007,
        "{}",
        share(&lost)
    );
    assert!(
        (after_loss(&lost) - (1.0 - r)).abs() < 0.012,
        "{}",
        after_loss(&lost)
    );
    assert!((loss.mean(0) - p / (p + r)).abs() < 1e-15);
}

#[test]
fn the_gilbert_elliott_chain_has_its_closed_form_statistics() {
    let loss = LossModel::gilbert_elliott(0.02, 0.2, 0.001, 0.8, ChainStep::Packet).unwrap();
    let lost = losses(loss.clone(), 10, 300_000);
    assert!((loss.mean(0) - 0.073_636_4).abs() < 1e-7);
    assert!(
        (share(&lost) - 0.073_636_4).abs() < 0.005,
        "{}",
        share(&lost)
    );
    assert!(
        (after_loss(&lost) - 0.632_506).abs() < 0.015,
        "{}",
        after_loss(&lost)
    );
}

/// With one packet per slot the chain steps as per packet; with packets far apart it forgets.
#[test]
fn a_chain_that_steps_with_time_forgets_over_silence() {
    let slot = ChainStep::Slot(SimDuration(1_000));
    let loss = LossModel::gilbert(0.02, 0.2, slot).unwrap();
    for (gap_ns, steps) in [(1_000, 1), (5_000, 5), (1_000_000, 1_000)] {
        let lost = losses(loss.clone(), gap_ns, 200_000);
        let stationary: f64 = 0.02 / 0.22;
        let expected = stationary + (1.0 - stationary) * 0.78f64.powi(steps);
        assert!(
            (share(&lost) - stationary).abs() < 0.007,
            "{}",
            share(&lost)
        );
        assert!(
            (after_loss(&lost) - expected).abs() < 0.015,
            "{steps}: {}",
            after_loss(&lost)
        );
    }
    // Within one slot the state cannot change.
    let lost = losses(loss, 1, 100_000);
    assert!(after_loss(&lost) > 0.99);
}

#[test]
fn refuses_loss_models_that_are_none() {
    assert!(LossModel::bernoulli(1.5).is_err());
    assert!(LossModel::gilbert(0.0, 0.0, ChainStep::Packet).is_err());
    assert!(LossModel::gilbert(0.1, 0.1, ChainStep::Slot(SimDuration(0))).is_err());
    assert_eq!(LossModel::bernoulli(0.0), Ok(LossModel::None));
}
