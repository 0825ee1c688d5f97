//! The models that a scenario may ask for beside the plain ones, through a whole engine.

use super::*;
use crate::link::frames::{DATAGRAM_MAX_BYTES, Fragmentation};
use crate::link::loss::{BitErrors, Transitions};
use crate::stats::LinkStats;

fn p(value: f64) -> Probability {
    Probability::new(value).unwrap()
}

/// Sends `count` packets of `length` bytes, `gap_ns` apart, and returns fates and counters.
fn sent(params: LinkParams, length: usize, gap_ns: u64, count: u32) -> (Bench, LinkStats) {
    let (mut bench, a, link) = pair(params);
    let tick = TimerId { kind: 0, key: 0 };
    let mut left = count;
    bench.host.on_control = Some(Box::new(move |(node, _), out| {
        out.send(link, UP, 0, &vec![0; length]);
        left -= 1;
        if left > 0 {
            let at = out.now().checked_add(SimDuration(gap_ns)).unwrap();
            out.arm_control(node, tick, at);
        }
    }));
    bench.act(a, |out| out.arm_control(a, tick, SimTime(1)));
    bench.run(u64::MAX - 1);
    assert_eq!(bench.engine.blocks_live(), 0);
    let stats = bench.engine.link_stats(link, UP);
    (bench, stats)
}

fn count(bench: &Bench, fate: Fate) -> f64 {
    bench.fates().iter().filter(|&&seen| seen == fate).count() as f64
}

#[test]
fn frames_are_repeated_until_acknowledged() {
    for (loss, retries, ack_loss) in [(0.3, 3, 0.0), (0.5, 7, 0.0), (0.2, 2, 0.25), (0.3, 0, 0.0)] {
        let params = LinkParams {
            loss: LossModel::bernoulli(loss).unwrap(),
            arq: Some(Arq {
                retries,
                timeout: SimDuration(100),
                backoff: 1.0,
                ack_time: SimDuration(10),
                ack_loss: p(ack_loss),
            }),
            ..Default::default()
        };
        let n = 100_000.0;
        let (bench, stats) = sent(params, 20, 1_000_000, 100_000);
        let lost = loss.powi(i32::from(retries) + 1);
        assert!((count(&bench, Fate::Lost) / n - lost).abs() < 0.005);
        assert_eq!(stats.lost as f64, count(&bench, Fate::Lost));
        let again: f64 = 1.0 - (1.0 - loss) * (1.0 - ack_loss);
        let mean = (1.0 - again.powi(i32::from(retries) + 1)) / (1.0 - again);
        let frames = stats.frames as f64 / n;
        assert!(
            (frames / mean - 1.0).abs() < 0.01,
            "{frames} against {mean}"
        );
    }
}

#[test]
fn a_repeated_frame_comes_later_and_holds_the_link() {
    // 80 ns on the air; lost, lost, through; then the acknowledgement.
    let params = LinkParams {
        rate_bps: Some(1_000_000_000),
        delay: constant(1_000),
        loss: LossModel::replay(&[true, true, false, false]).unwrap(),
        arq: Some(Arq {
            retries: 3,
            timeout: SimDuration(100),
            backoff: 2.0,
            ack_time: SimDuration(40),
            ack_loss: Probability::NEVER,
        }),
        ..Default::default()
    };
    // First: 80 + 100 + 80 + 200 + 80 = 540; the next may start at 580.
    assert_eq!(arrivals(params, &[10, 10]), [(1_540, 10), (1_660, 10)]);
}

#[test]
fn a_fragmented_datagram_is_lost_with_any_of_its_frames() {
    for (length, frames) in [(1_280, 14), (304, 4), (90, 1)] {
        let params = LinkParams {
            mtu_bytes: Some(102),
            fragmentation: Some(Fragmentation {
                timeout: SimDuration(60_000_000_000),
            }),
            loss: LossModel::bernoulli(0.05).unwrap(),
            ..Default::default()
        };
        let (bench, stats) = sent(params, length, 1_000, 40_000);
        let exact = 1.0 - 0.95f64.powi(frames);
        let share = count(&bench, Fate::Lost) / 40_000.0;
        assert!((share - exact).abs() < 0.01, "{length}: {share} {exact}");
        assert_eq!(stats.frames, 40_000 * frames as u64);
    }
}

#[test]
fn fragments_take_the_medium_with_their_headers() {
    // 8 ns per byte: 100 + 4 header bytes and 96 + 5, ..., with 10 bytes of overhead each.
    let params = LinkParams {
        rate_bps: Some(1_000_000_000),
        overhead_bytes: 10,
        mtu_bytes: Some(102),
        fragmentation: Some(Fragmentation {
            timeout: SimDuration(1_000_000_000),
        }),
        delay: constant(7),
        ..Default::default()
    };
    // 200 = 96 + 96 + 8 bytes: 110 + 111 + 23 bytes on the air.
    assert_eq!(arrivals(params.clone(), &[200]), [(244 * 8 + 7, 200)]);
    let too_long = DATAGRAM_MAX_BYTES as usize + 1;
    assert_eq!(arrivals(params, &[too_long]), []);
}

#[test]
fn a_datagram_whose_fragments_come_too_far_apart_is_thrown_away() {
    let params = |timeout| LinkParams {
        rate_bps: Some(1_000_000_000),
        mtu_bytes: Some(102),
        fragmentation: Some(Fragmentation {
            timeout: SimDuration(timeout),
        }),
        ..Default::default()
    };
    // First and last frame of 200 bytes end 114 bytes = 912 ns apart.
    assert_eq!(arrivals(params(912), &[200]).len(), 1);
    assert_eq!(arrivals(params(911), &[200]).len(), 0);
}

#[test]
fn with_repetitions_a_datagram_survives_as_the_closed_form_says() {
    let params = LinkParams {
        mtu_bytes: Some(102),
        fragmentation: Some(Fragmentation {
            timeout: SimDuration(60_000_000_000),
        }),
        loss: LossModel::bernoulli(0.4).unwrap(),
        arq: Some(Arq {
            retries: 3,
            timeout: SimDuration(100),
            backoff: 1.0,
            ack_time: SimDuration(0),
            ack_loss: Probability::NEVER,
        }),
        ..Default::default()
    };
    let (bench, _) = sent(params, 1_280, 1_000, 20_000);
    let exact = 1.0 - (1.0 - 0.4f64.powi(4)).powi(14);
    let share = count(&bench, Fate::Lost) / 20_000.0;
    assert!((share - exact).abs() < 0.015, "{share} {exact}");
}

/// P(0) = p(1 − d) + p²d, P(2) = d(1 − p)².
#[test]
fn copies_are_lost_on_their_own() {
    let (loss, copies) = (0.3, 0.4);
    let params = LinkParams {
        loss: LossModel::bernoulli(loss).unwrap(),
        duplication: p(copies),
        ..Default::default()
    };
    let n = 100_000.0;
    let (bench, stats) = sent(params, 20, 1_000, 100_000);
    let none = count(&bench, Fate::Lost) / n;
    let two = count(&bench, Fate::Duplicated) / n;
    let exact = loss * (1.0 - copies) + loss * loss * copies;
    assert!((none - exact).abs() < 0.006, "{none} {exact}");
    let exact = copies * (1.0 - loss) * (1.0 - loss);
    assert!((two - exact).abs() < 0.006, "{two} {exact}");
    assert_eq!(stats.duplicated as f64, two * n);
    assert_eq!(stats.passed + stats.lost, 100_000);
}

#[test]
fn bit_errors_lose_long_packets() {
    for (length, exact) in [(127, 0.151_364), (20, 0.025_514)] {
        let params = LinkParams {
            loss: LossModel::BitErrors(BitErrors::oqpsk(0.0).unwrap()),
            ..Default::default()
        };
        let (bench, _) = sent(params, length, 1_000, 200_000);
        let share = count(&bench, Fate::Lost) / 200_000.0;
        assert!((share - exact).abs() < 0.003, "{share} {exact}");
    }
}

#[test]
fn the_four_state_chain_loses_as_its_closed_form_says() {
    let transitions = Transitions {
        p13: 0.02,
        p31: 0.3,
        p32: 0.1,
        p23: 0.4,
        p14: 0.01,
    };
    let slot = ChainStep::Slot(SimDuration(1_000));
    for step in [ChainStep::Packet, slot] {
        let loss = LossModel::four_state(transitions, step).unwrap();
        let lost = losses(loss, 1_000, 400_000);
        assert!((share(&lost) - 0.070_122).abs() < 0.004, "{}", share(&lost));
        let runs = lost.windows(2).filter(|pair| pair[0] && !pair[1]).count();
        let mean = lost.iter().filter(|&&lost| lost).count() as f64 / runs as f64;
        // (pi3 + pi4) / (pi3 (p31 + p32) + pi4) with pi3 = 1/15, pi4 = 0.01.
        let exact = (1.0 / 15.0 + 0.01) / (0.4 / 15.0 + 0.01);
        assert!((mean / exact - 1.0).abs() < 0.02, "{mean} {exact}");
    }
}

#[test]
fn recordings_are_replayed_in_order_and_from_the_start_again() {
    let loss = LossModel::replay(&[false, true, true]).unwrap();
    let lost = losses(loss, 10, 7);
    assert_eq!(lost, [false, true, true, false, true, true, false]);
    let params = LinkParams {
        delay_replay: Some([10, 500, 20].into()),
        ..Default::default()
    };
    let seen = arrivals(params, &[1, 2, 3, 4]);
    assert_eq!(seen, [(10, 1), (10, 4), (20, 3), (500, 2)]);
}

#[test]
fn packets_that_go_ahead_leave_their_delay_out() {
    let params = LinkParams {
        delay: constant(1_000),
        reordering: Some(Reordering::Ahead {
            probability: Probability::ALWAYS,
            gap: 3,
        }),
        ..Default::default()
    };
    let seen = arrivals(params.clone(), &[1, 2, 3, 4, 5, 6]);
    assert_eq!(
        seen,
        [
            (0, 3),
            (0, 6),
            (1_000, 1),
            (1_000, 2),
            (1_000, 4),
            (1_000, 5)
        ]
    );
    let held = LinkParams {
        reordering: Some(Reordering::Held {
            probability: p(0.25),
            by: constant(500),
        }),
        ..params
    };
    let (bench, _) = sent(held, 1, 10_000, 40_000);
    let late = |seen: &&Seen| matches!(seen, Seen::Packet { at, .. } if at % 10_000 == 1_501);
    let share = bench.host.log.iter().filter(late).count() as f64 / 40_000.0;
    assert!((share - 0.25).abs() < 0.008, "{share}");
}

#[test]
fn a_shaper_lets_a_burst_pass_and_then_its_rate() {
    let params = LinkParams {
        shaper: Some(Shaper {
            rate_bps: 1_000_000,
            burst_bytes: 3_000,
        }),
        ..Default::default()
    };
    let seen = arrivals(params.clone(), &[1_000, 1_000, 1_000, 1_000, 1_000]);
    let at: Vec<u64> = seen.iter().map(|(at, _)| *at).collect();
    assert_eq!(at, [0, 0, 0, 8_000_000, 16_000_000]);
    assert_eq!(arrivals(params.clone(), &[3_001]), []);
    let limited = LinkParams {
        queue: QueueLimit::Packets(1),
        ..params
    };
    let (bench, stats) = sent(limited, 1_000, 1, 5);
    assert_eq!(count(&bench, Fate::QueueDrop), 1.0);
    // Three pass at once, the fourth waits 8 ms, the fifth finds it there.
    assert_eq!(
        (stats.queued, stats.busy_ns, stats.wait_ns),
        (4, 7_999_997, 7_999_997)
    );
}

/// With a target that is never reached the line is a plain queue: M/D/1 as above.
#[test]
fn codel_without_cause_is_a_plain_queue() {
    let plain = LinkParams {
        rate_bps: Some(1_000_000),
        queue: QueueLimit::Packets(5),
        delay: constant(3),
        ..Default::default()
    };
    let managed = LinkParams {
        aqm: Some(Aqm::Codel(Codel {
            target: SimDuration(1 << 60),
            interval: SimDuration(1 << 60),
        })),
        ..plain.clone()
    };
    let run = |params: LinkParams| {
        let (mut bench, a, link) = pair(params);
        poisson(&mut bench, a, link, 1e6 / 0.95, 50_000);
        bench.host.unlogged = false;
        bench.run(u64::MAX - 1);
        let arrived: Vec<Seen> = bench
            .handled()
            .into_iter()
            .filter(|seen| matches!(seen, Seen::Packet { .. }))
            .collect();
        (arrived, bench.engine.link_stats(link, UP))
    };
    let (plain, managed) = (run(plain), run(managed));
    assert!(plain.1.queue_drops > 3_000);
    assert_eq!(plain.1, managed.1);
    assert!(plain.0 == managed.0);
}

#[test]
fn codel_keeps_a_standing_queue_short() {
    let params = |aqm| LinkParams {
        rate_bps: Some(10_000_000),
        aqm,
        ..Default::default()
    };
    let codel = Aqm::Codel(Codel {
        target: SimDuration(5_000_000),
        interval: SimDuration(100_000_000),
    });
    // 1000 bytes take 0.8 ms; 5 % more is offered than fits.
    let wait = |aqm| {
        let (_, stats) = sent(params(aqm), 1_000, 760_000, 20_000);
        stats.wait_ns as f64 / stats.queued as f64 / 1e6
    };
    let (tail, managed) = (wait(None), wait(Some(codel)));
    assert!(tail > 300.0, "{tail} ms");
    assert!(managed < 40.0, "{managed} ms");
}

#[test]
fn red_drops_before_the_queue_is_full() {
    let params = LinkParams {
        rate_bps: Some(1_000_000),
        queue: QueueLimit::Packets(100),
        aqm: Some(Aqm::Red(Red {
            min: 5.0,
            max: 15.0,
            max_p: 0.1,
            weight: 0.002,
        })),
        ..Default::default()
    };
    let (mut bench, a, link) = pair(params);
    poisson(&mut bench, a, link, 1e6 / 1.05, 400_000);
    bench.run(u64::MAX - 1);
    let stats = bench.engine.link_stats(link, UP);
    let drops = stats.queue_drops as f64 / stats.offered as f64;
    // More than does not fit (1 - 1/1.05), less than the drop rate at an average of 15: 2/11.
    assert!((0.048..0.12).contains(&drops), "{drops}");
    let mean = stats.in_system_ns as f64 / stats.busy_ns as f64;
    assert!((5.0..15.0).contains(&mean), "{mean}");
}
