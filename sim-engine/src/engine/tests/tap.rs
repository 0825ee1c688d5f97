//! Taps, and what must not change when something is added to a world.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::rng::StreamName;

/// A world in which everything draws: used to compare variants of it.
fn busy_world(silent: bool, tap: Option<Powers>) -> Bench {
    let mut bench = Bench::new(11);
    let server = bench.node(300, true);
    if silent {
        // Numbered between the others, so that all later nodes are renumbered.
        bench.host.scripts.push(crate::testing::Script::default());
        bench
            .engine
            .add_node(0xDEAD, NodeConfig::default())
            .unwrap();
    }
    for name in ["x", "y", "z"] {
        let number = bench.host.scripts.len();
        bench.host.scripts.push(crate::testing::Script {
            cost: SimDuration(40),
            echo: true,
        });
        let hash = StreamName::new("device").text(name).id();
        let device = bench.engine.add_node(hash, NodeConfig::default()).unwrap();
        assert_eq!(device.0 as usize, number);
        let params = LinkParams {
            loss: LossModel::bernoulli(0.001).unwrap(),
            delay: Law::uniform(0.0, 900.0).unwrap(),
            ..LinkParams::default()
        };
        let link = bench.link(name, device, server, params);
        if let Some(powers) = tap {
            bench
                .engine
                .set_tap(link, DirectionMask::BOTH, 0, powers)
                .unwrap();
        }
        bench.act(device, |out| {
            for _ in 0..4 {
                out.send(link, Direction::Up, 0, name.as_bytes());
            }
        });
    }
    bench
}

/// The log with the numbers of devices made comparable.
fn renumbered(bench: &Bench) -> Vec<Seen> {
    let mut log = bench.host.log.clone();
    for seen in &mut log {
        if let Seen::Packet { node, .. } = seen
            && *node > 0
        {
            *node -= 1;
        }
        if let Seen::End { sender, .. } = seen
            && *sender > 0
        {
            *sender -= 1;
        }
    }
    log
}

#[test]
fn a_silent_node_changes_nothing_for_the_others() {
    let mut without = busy_world(false, None);
    let mut with = busy_world(true, None);
    without.run(3_000_000);
    with.run(3_000_000);
    assert!(without.host.log.len() > 1_000);
    assert_eq!(renumbered(&with), without.host.log);
}

#[test]
fn a_tap_that_lets_everything_pass_changes_nothing() {
    let mut without = busy_world(false, None);
    let mut with = busy_world(
        false,
        Some(Powers {
            observe: true,
            ..Powers::default()
        }),
    );
    with.host.verdict = Some(Box::new(|_, draw| {
        draw.next_u64();
        Verdict::Pass
    }));
    without.run(3_000_000);
    with.run(3_000_000);
    assert_eq!(with.host.log, without.host.log);
    assert_eq!(with.engine.fingerprint(), without.engine.fingerprint());
    assert!(
        with.engine.events() > without.engine.events(),
        "the tap did see packets"
    );
}

#[test]
fn a_tap_drops_delays_and_duplicates_within_its_powers() {
    let mut bench = Bench::new(1);
    let (a, b) = (bench.node(0, false), bench.node(0, false));
    let link = bench.link("l", a, b, ideal(100));
    let powers = Powers {
        drop: true,
        delay: true,
        duplicate: true,
        ..Powers::default()
    };
    bench
        .engine
        .set_tap(link, DirectionMask::UP, 0, powers)
        .unwrap();
    bench.host.verdict = Some(Box::new(|number, _| match number {
        0 => Verdict::Drop,
        1 => Verdict::Delay(SimDuration(1_000)),
        2 => Verdict::Duplicate {
            copies: 2,
            after: SimDuration(7),
        },
        _ => Verdict::Pass,
    }));
    bench.act(a, |out| {
        for _ in 0..4 {
            out.send(link, Direction::Up, 0, b"x");
        }
    });
    bench.run(10_000);
    use Fate::{AdversaryDrop, Delivered, Injected};
    assert_eq!(
        bench.fates(),
        [
            AdversaryDrop,
            Delivered,
            Delivered,
            Injected,
            Injected,
            Delivered
        ]
    );
    // Copies are the adversary's own packets 0 and 1.
    assert_eq!(
        taken(&bench),
        [(100, 2), (100, 3), (107, 0), (114, 1), (1_100, 1)]
    );
    assert_eq!(bench.engine.blocks_live(), 0);
}

#[test]
fn a_verdict_outside_the_powers_ends_the_run() {
    for (verdict, power) in [
        (Verdict::Drop, "drop"),
        (Verdict::Delay(SimDuration(1)), "delay"),
        (
            Verdict::Duplicate {
                copies: 1,
                after: SimDuration(1),
            },
            "duplicate",
        ),
    ] {
        let mut bench = Bench::new(1);
        let (a, b) = (bench.node(0, false), bench.node(0, false));
        let link = bench.link("l", a, b, ideal(100));
        let powers = Powers {
            observe: true,
            ..Powers::default()
        };
        bench
            .engine
            .set_tap(link, DirectionMask::BOTH, 3, powers)
            .unwrap();
        bench.host.verdict = Some(Box::new(move |_, _| verdict));
        bench.act(a, |out| out.send(link, Direction::Up, 0, b"x"));
        let error = bench.try_run(1_000).unwrap_err();
        assert_eq!(
            error,
            EngineError::VerdictOutsidePowers {
                tap: 3,
                link,
                power
            }
        );
    }
}

#[test]
fn a_tap_that_is_taken_off_lets_pass_what_is_under_way() {
    for quiet in [false, true] {
        let mut bench = Bench::new(1);
        let (a, b) = (bench.node(0, false), bench.node(0, false));
        let link = bench.link("l", a, b, ideal(100));
        let powers = Powers {
            drop: true,
            ..Powers::default()
        };
        bench
            .engine
            .set_tap(link, DirectionMask::BOTH, 0, powers)
            .unwrap();
        bench.host.verdict = Some(Box::new(|_, _| Verdict::Drop));
        bench.act(a, |out| out.send(link, Direction::Up, 0, b"x"));
        bench.run(20);
        if quiet {
            bench.engine.quiet_links();
        } else {
            bench.engine.clear_taps();
        }
        bench.run(1_000);
        assert_eq!(bench.fates(), [Fate::Delivered]);
    }
}
