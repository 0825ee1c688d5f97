//! What the world does: CPU, timers, effects, crashes, taps, order, independence.

#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;

use super::*;
use crate::id::TimerId;
use crate::law::Law;
use crate::link::{LinkParams, LossModel};
use crate::order::Class;
use crate::packet::Fate;
use crate::recorder::{EventTrace, NullRecorder, Recorder};
use crate::tap::Verdict;
use crate::testing::{Bench, Seen, constant};
use crate::time::SimDuration;

const TICK: TimerId = TimerId { kind: 1, key: 7 };

fn ideal(delay_ns: u64) -> LinkParams {
    LinkParams {
        delay: constant(delay_ns),
        ..LinkParams::default()
    }
}

/// Instants at which packets were taken, per packet number.
fn taken(bench: &Bench) -> Vec<(u64, u64)> {
    let pick = |seen: &Seen| match seen {
        Seen::Packet { at, number, .. } => Some((*at, *number)),
        _ => None,
    };
    bench.host.log.iter().filter_map(pick).collect()
}

#[test]
fn a_request_is_answered_over_a_link_with_delay() {
    let mut bench = Bench::new(1);
    let (device, server) = (bench.node(0, false), bench.node(0, true));
    let link = bench.link("access", device, server, ideal(1_000));
    bench.act(device, |out| out.send(link, Direction::Up, 9, b"hello"));
    assert_eq!(bench.run(10_000), RunEnd::Drained);
    assert_eq!(bench.engine.now(), SimTime(10_000));
    assert_eq!(bench.engine.events(), 2);
    let packet = |at, node| Seen::Packet {
        at,
        node,
        number: 0,
        bytes: b"hello".to_vec(),
    };
    assert_eq!(bench.handled(), [packet(1_000, 1), packet(2_000, 0)]);
    assert_eq!(bench.engine.packets_live(), 0);
    assert_eq!(bench.engine.blocks_live(), 0);
}

#[test]
fn packets_that_find_the_cpu_busy_wait_in_one_line() {
    let mut bench = Bench::new(1);
    let (device, server) = (bench.node(0, false), bench.node(100, false));
    let link = bench.link("l", device, server, ideal(10));
    bench.act(device, |out| {
        for _ in 0..3 {
            out.send(link, Direction::Up, 0, b"x");
        }
    });
    bench.act(server, |out| out.command(server, 5));
    bench.run(1_000);
    // The command comes first and keeps the CPU busy until 100.
    assert_eq!(taken(&bench), [(100, 0), (200, 1), (300, 2)]);
    let stats = bench.engine.node_stats(server);
    assert_eq!((stats.arrivals, stats.served, stats.drops), (3, 3, 0));
    assert_eq!(stats.wait_ns, 90 + 190 + 290);
    assert_eq!(stats.sojourn_ns, 190 + 290 + 390);
    assert_eq!(stats.busy_ns, 400);
    assert_eq!(stats.in_system_ns, stats.sojourn_ns);
}

#[test]
fn only_packets_count_against_the_backlog() {
    let mut bench = Bench::new(1);
    let device = bench.node(0, false);
    bench.host.scripts.push(crate::testing::Script {
        cost: SimDuration(100),
        echo: false,
    });
    let server = bench.engine.add_node(9, NodeConfig { backlog: 2 }).unwrap();
    let link = bench.link("l", device, server, ideal(10));
    bench.act(server, |out| {
        out.arm(TICK, SimDuration(1));
        out.command(server, 1);
        out.command(server, 2);
    });
    bench.act(device, |out| {
        for _ in 0..4 {
            out.send(link, Direction::Up, 0, b"x");
        }
    });
    bench.run(10_000);
    use Fate::{BacklogDrop, Delivered};
    assert_eq!(
        bench.fates(),
        [Delivered, Delivered, BacklogDrop, BacklogDrop]
    );
    let stats = bench.engine.node_stats(server);
    assert_eq!((stats.arrivals, stats.served, stats.drops), (4, 2, 2));
    assert_eq!(
        bench.handled().len(),
        5,
        "two commands, one timer, two packets"
    );
    assert_eq!(bench.engine.blocks_live(), 0);
}

#[test]
fn a_packet_that_arrives_when_the_cpu_becomes_free_finds_its_place_free() {
    let mut bench = Bench::new(1);
    let device = bench.node(0, false);
    bench.host.scripts.push(crate::testing::Script {
        cost: SimDuration(100),
        echo: false,
    });
    let server = bench.engine.add_node(9, NodeConfig { backlog: 1 }).unwrap();
    let link = bench.link("l", device, server, ideal(10));
    bench.host.on_control = Some(Box::new(move |_, out| {
        out.send(link, Direction::Up, 0, b"x");
    }));
    // Arrivals at 10 (taken), 20 (waits until 110) and exactly 110.
    bench.act(device, |out| {
        for (key, at) in [(0, 0), (1, 10), (2, 100)] {
            out.arm_control(device, TimerId { kind: 0, key }, SimTime(at));
        }
    });
    bench.run(1_000);
    assert_eq!(taken(&bench), [(10, 0), (110, 1), (210, 2)]);
}

#[test]
fn integrals_cover_what_is_under_way_at_the_reset_and_at_the_end() {
    let mut bench = Bench::new(1);
    let (device, server) = (bench.node(0, false), bench.node(100, false));
    let link = bench.link("l", device, server, ideal(10));
    bench.act(device, |out| {
        for _ in 0..3 {
            out.send(link, Direction::Up, 0, b"x");
        }
    });
    // In system: three from 10, two from 110, one from 210 until 310.
    bench.run(60);
    assert_eq!(bench.engine.node_stats(server).in_system_ns, 3 * 50);
    bench.engine.reset_stats();
    assert_eq!(bench.engine.node_stats(server).in_system_ns, 0);
    bench.run(160);
    let stats = bench.engine.node_stats(server);
    assert_eq!(stats.in_system_ns, 3 * 50 + 2 * 50);
    assert_eq!((stats.served, stats.wait_ns, stats.busy_ns), (1, 100, 100));
    bench.run(1_000);
    assert_eq!(
        bench.engine.node_stats(server).in_system_ns,
        3 * 50 + 2 * 100 + 100
    );
}

#[test]
fn arming_again_replaces_and_cancelling_disarms() {
    let mut bench = Bench::new(1);
    let node = bench.node(0, false);
    bench.act(node, |out| {
        out.arm(TICK, SimDuration(50));
        out.arm(TICK, SimDuration(80));
        out.arm(TimerId { kind: 1, key: 8 }, SimDuration(60));
        out.cancel(TimerId { kind: 1, key: 8 });
        assert!(out.is_armed(TICK));
        assert!(!out.is_armed(TimerId { kind: 1, key: 8 }));
    });
    bench.run(1_000);
    assert_eq!(
        bench.handled(),
        [Seen::Timer {
            at: 80,
            node: 0,
            kind: 1,
            key: 7
        }]
    );
    assert_eq!((bench.engine.events(), bench.engine.timers_live()), (1, 0));
}

/// A timer that has expired behind a busy CPU can still be taken back.
#[test]
fn a_queued_expiry_is_void_if_the_timer_is_cancelled_or_armed_again() {
    for rearm in [false, true] {
        let mut bench = Bench::new(1);
        let node = bench.node(100, false);
        bench.act(node, |out| {
            out.command(node, 1);
            out.command(node, 2);
            out.arm(TICK, SimDuration(50));
        });
        // Command 1 is taken at 0, command 2 at 100; the timer expires at 50 and waits behind.
        bench.host.on_input = Some(Box::new(move |(_, what), out| {
            if what == 2 {
                assert!(out.is_armed(TICK));
                if rearm {
                    out.arm(TICK, SimDuration(500));
                } else {
                    out.cancel(TICK);
                }
            }
        }));
        bench.run(10_000);
        let expiries: Vec<Seen> = bench
            .handled()
            .into_iter()
            .filter(|seen| matches!(seen, Seen::Timer { .. }))
            .collect();
        let at = 600;
        let expected = [Seen::Timer {
            at,
            node: 0,
            kind: 1,
            key: 7,
        }];
        assert_eq!(expiries, if rearm { &expected[..] } else { &[] });
        assert_eq!(bench.engine.timers_live(), 0);
    }
}

#[test]
fn control_events_wait_for_no_cpu_and_can_be_taken_back() {
    let mut bench = Bench::new(1);
    let node = bench.node(1_000, false);
    let owner = NodeId(500);
    bench.act(node, |out| {
        out.command(node, 1);
        out.arm_control(owner, TICK, SimTime(10));
        out.arm_control(node, TICK, SimTime(20));
        out.arm_control(node, TICK, SimTime(30));
        out.arm_control(owner, TimerId { kind: 2, key: 0 }, SimTime(15));
        out.cancel_control(owner, TimerId { kind: 2, key: 0 });
    });
    bench.run(100);
    let control = |at, owner| Seen::Control {
        at,
        owner,
        kind: 1,
        key: 7,
    };
    assert_eq!(bench.handled()[1..], [control(10, 500), control(30, 0)]);
}

#[test]
fn effects_are_released_in_emission_order() {
    let mut bench = Bench::new(1);
    let node = bench.node(0, false);
    bench.act(node, |out| {
        out.defer(SimDuration(30), 1);
        out.defer(SimDuration(10), 2);
        out.defer(SimDuration(40), 3);
        assert!(out.has_deferred());
    });
    bench.run(1_000);
    let release = |at, effect| Seen::Release {
        at,
        node: 0,
        effect,
    };
    assert_eq!(
        bench.handled(),
        [release(30, 1), release(30, 2), release(40, 3)]
    );
    assert_eq!(
        bench.engine.events(),
        2,
        "one pending release event per node"
    );
    assert!(bench.engine.is_idle(node));
}

#[test]
fn a_crash_takes_line_effects_and_timers_and_refuses_packets() {
    let mut bench = Bench::new(1);
    let (device, server) = (bench.node(0, false), bench.node(100, false));
    let link = bench.link("l", device, server, ideal(10));
    bench.act(device, |out| {
        for _ in 0..3 {
            out.send(link, Direction::Up, 0, b"x");
        }
    });
    bench.act(server, |out| {
        out.arm(TICK, SimDuration(300));
        out.defer(SimDuration(200), 9);
        out.arm_fault(server, TimerId { kind: 0, key: 0 }, SimTime(50));
        out.arm_control(server, TimerId { kind: 0, key: 1 }, SimTime(120));
        out.arm_control(server, TimerId { kind: 0, key: 2 }, SimTime(60));
    });
    bench.host.on_control = Some(Box::new(move |(node, control), out| match control.key {
        0 => out.crash(node),
        1 => {
            out.restart(node);
            out.command(node, 77);
        }
        _ => {
            out.command(node, 66);
            out.arm(TICK, SimDuration(1));
        }
    }));
    bench.run(55);
    assert_eq!(
        bench.engine.node_stats(server).busy_ns,
        40,
        "busy time ends with the power"
    );
    bench.act(device, |out| out.send(link, Direction::Up, 0, b"late"));
    bench.run(1_000);
    assert_eq!(taken(&bench), [(10, 0)]);
    assert!(bench.host.log.contains(&Seen::Lost { node: 1, effect: 9 }));
    assert!(bench.host.log.contains(&Seen::Command {
        at: 120,
        node: 1,
        token: 77
    }));
    let void = |seen: &Seen| {
        matches!(
            seen,
            Seen::Release { .. } | Seen::Timer { .. } | Seen::Command { token: 66, .. }
        )
    };
    assert!(!bench.host.log.iter().any(void));
    assert_eq!(bench.fates().last(), Some(&Fate::NodeDown));
    assert_eq!(bench.engine.blocks_live(), 0);
    assert_eq!(bench.engine.effects_live(), 0);
    let stats = bench.engine.node_stats(server);
    assert_eq!(
        stats.in_system_ns,
        3 * 40,
        "packets leave the system with the crash"
    );
}

#[test]
fn a_timer_of_the_new_incarnation_is_not_mixed_up_with_the_old_one() {
    let mut bench = Bench::new(1);
    let node = bench.node(0, false);
    bench.act(node, |out| {
        out.arm(TICK, SimDuration(100));
        out.arm(TimerId { kind: 1, key: 8 }, SimDuration(110));
        out.crash(node);
        out.restart(node);
        assert!(!out.is_armed(TICK));
        out.arm(TICK, SimDuration(200));
    });
    bench.run(1_000);
    assert_eq!(
        bench.handled(),
        [Seen::Timer {
            at: 200,
            node: 0,
            kind: 1,
            key: 7
        }]
    );
    assert_eq!(bench.engine.timers_live(), 0);
}

#[test]
fn time_that_stands_still_is_an_error_that_names_the_cycle() {
    let mut bench = Bench::new(1);
    let node = bench.node(0, false);
    bench.host.on_control = Some(Box::new(move |(owner, control), out| {
        out.arm_control(owner, control, out.now());
    }));
    bench.act(node, |out| out.arm_control(node, TICK, SimTime(5)));
    let error = bench.try_run(10).unwrap_err();
    let members = vec![(Class::Control, 0)];
    assert_eq!(
        error,
        EngineError::RoundCycle {
            at: SimTime(5),
            rounds: 1_000_001,
            members
        }
    );
    assert_eq!(
        bench.try_run(10).unwrap_err(),
        error,
        "a failed run cannot go on"
    );
}

#[test]
fn mistakes_of_the_host_are_errors_of_the_run() {
    type Mistake = fn(&mut Outbox<'_, crate::testing::World>);
    let cases: [(&str, Mistake); 5] = [
        ("there is no link 9", |out| {
            out.send(LinkId(9), Direction::Up, 0, b"")
        }),
        ("node 0 is not the start of link 0 down", |out| {
            out.send(LinkId(0), Direction::Down, 0, b"");
        }),
        ("there is no node 44", |out| out.command(NodeId(44), 0)),
        (
            "entity 0 scheduled an event beyond the end of time at 0.000000000s",
            |out| {
                out.arm(TICK, SimDuration(u64::MAX));
            },
        ),
        ("a payload of 67108865 bytes is too long", |out| {
            out.send(LinkId(0), Direction::Up, 0, &vec![0; (1 << 26) + 1]);
        }),
    ];
    for (text, act) in cases {
        let mut bench = Bench::new(1);
        let (a, b) = (bench.node(0, false), bench.node(0, false));
        bench.link("l", a, b, ideal(1));
        bench.act(a, act);
        bench.act(a, |out| out.arm(TICK, SimDuration(1)));
        assert_eq!(bench.try_run(10).unwrap_err().to_string(), text);
        assert_eq!(bench.engine.blocks_live(), 0, "{text}");
    }
}

#[test]
fn a_run_can_be_interrupted_and_continued_without_a_difference() {
    let world = || {
        let mut bench = Bench::new(3);
        let (a, b) = (bench.node(5, true), bench.node(7, true));
        let delay = Law::exponential(10.0, 50.0).unwrap();
        let link = bench.link(
            "l",
            a,
            b,
            LinkParams {
                delay,
                ..LinkParams::default()
            },
        );
        bench.act(a, |out| {
            for _ in 0..40 {
                out.send(link, Direction::Up, 0, b"ping");
            }
        });
        bench
    };
    let mut whole = world();
    whole.run(400_000);
    let mut parts = world();
    for until in [0, 1, 1, 777, 50_000, 399_999, 400_000] {
        parts.run(until);
    }
    assert_eq!(parts.engine.fingerprint(), whole.engine.fingerprint());
    assert_eq!(parts.host.log, whole.host.log);

    let mut interrupted = world();
    let mut calls = 0;
    let end = interrupted.engine.run(
        &mut interrupted.host,
        &mut NullRecorder,
        SimTime(100_000_000),
        &mut |progress| {
            calls += 1;
            assert!(progress.pending > 0);
            ControlFlow::Break(())
        },
    );
    assert_eq!((end, calls), (Ok(RunEnd::Interrupted), 1));
    assert_eq!(interrupted.engine.events(), 1 << 16);
}

#[test]
fn a_forked_world_goes_its_own_way() {
    let mut bench = Bench::new(3);
    let (a, b) = (bench.node(0, true), bench.node(0, true));
    let loss = LossModel::bernoulli(0.2).unwrap();
    let link = bench.link("l", a, b, LinkParams { loss, ..ideal(10) });
    bench.act(a, |out| out.send(link, Direction::Up, 0, b"ping"));
    let mut fork = Bench {
        engine: bench.engine.clone(),
        host: crate::testing::World::default(),
    };
    fork.host.scripts.clone_from(&bench.host.scripts);
    fork.engine.quiet_links();
    bench.run(100_000);
    fork.run(100_000);
    assert_eq!(bench.fates().last(), Some(&Fate::Lost));
    assert_eq!(fork.fates().len(), 10_000, "nothing is lost on quiet links");
}

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
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let run = |seed| {
        let mut bench = Bench::new(seed);
        let (a, b) = (bench.node(3, true), bench.node(4, true));
        let delay = Law::lognormal(1_000.0, 0.5).unwrap();
        let link = bench.link(
            "l",
            a,
            b,
            LinkParams {
                delay,
                ..LinkParams::default()
            },
        );
        bench.act(a, |out| out.send(link, Direction::Up, 0, b"ping"));
        bench.run(1_000_000);
        bench.engine.fingerprint()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

/// Records every event that enters a fingerprint.
#[derive(Default)]
struct Tracer(Vec<EventTrace>);

impl Recorder<u32> for Tracer {
    const ON: bool = true;
    const EVENTS: bool = true;

    fn packet(&mut self, _end: &crate::packet::PacketEnd<'_, u32>) {}

    fn event(&mut self, event: &EventTrace) {
        self.0.push(*event);
    }
}

#[test]
fn event_traces_come_in_the_total_order() {
    struct Traced(crate::testing::World);
    impl Host for Traced {
        type Header = u32;
        type Effect = u32;
        type Recorder = Tracer;

        fn on_input(
            &mut self,
            _now: SimTime,
            _node: NodeId,
            input: crate::host::Input<'_, u32>,
            out: &mut Outbox<'_, Self>,
        ) {
            if let crate::host::Input::Packet {
                header,
                meta,
                bytes,
            } = input
            {
                out.send(meta.link, meta.direction.reversed(), header, bytes);
            }
        }
        fn on_release(&mut self, _: SimTime, _: NodeId, _: u32, _: &mut Outbox<'_, Self>) {}
        fn on_control(&mut self, _: SimTime, _: NodeId, _: TimerId, _: &mut Outbox<'_, Self>) {}
        fn on_packet_end(&mut self, _: SimTime, _: &crate::packet::PacketEnd<'_, u32>) {}
        fn on_tap(
            &mut self,
            _: SimTime,
            _: u32,
            _: &u32,
            _: &crate::packet::PacketMeta,
            _: &[u8],
            _: &mut crate::tap::TapDraw,
        ) -> Verdict {
            Verdict::Pass
        }
    }
    let mut engine: Engine<Traced> = Engine::new(EngineConfig {
        root_seed: 1,
        replication: 0,
    });
    let mut host = Traced(crate::testing::World::default());
    host.0.scripts.clear();
    let mut tracer = Tracer::default();
    let nodes: Vec<NodeId> = (0..3)
        .map(|i| engine.add_node(i, NodeConfig::default()).unwrap())
        .collect();
    let class = engine.add_link_class(ideal(10)).unwrap();
    let links: Vec<LinkId> = [(0, 1), (1, 2), (2, 0)]
        .iter()
        .map(|&(a, b)| {
            engine
                .add_link(a as u64, nodes[a], nodes[b], class, class)
                .unwrap()
        })
        .collect();
    for (node, link) in nodes.iter().zip(&links) {
        engine.with_outbox(*node, &mut host, &mut tracer, |_, out| {
            out.send(*link, Direction::Up, 0, b"x");
        });
    }
    engine
        .run(&mut host, &mut tracer, SimTime(1_000), &mut |_| {
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(tracer.0.len(), 300);
    assert!(
        tracer
            .0
            .is_sorted_by_key(|event| (event.key.time(), event.round, event.key))
    );
}
