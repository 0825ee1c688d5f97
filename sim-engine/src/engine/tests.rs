//! What the world does, through the public interface.

#![allow(clippy::unwrap_used)]

mod cpu;
mod tap;
mod timer;

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

    let mut paused = world();
    for (wanted, reached) in [(7, 7), (1_000, 1_000), (3, 1_001)] {
        paused.engine.pause_at(wanted);
        let mut stop = |_: &Progress| ControlFlow::Break(());
        let (until, host) = (SimTime(100_000_000), &mut paused.host);
        let end = paused.engine.run(host, &mut NullRecorder, until, &mut stop);
        assert_eq!(
            (end, paused.engine.events()),
            (Ok(RunEnd::Interrupted), reached)
        );
    }
    paused.run(400_000);
    assert_eq!(paused.engine.fingerprint(), whole.engine.fingerprint());
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
            _: crate::tap::Passage<'_>,
            _: &mut u32,
            _: &mut crate::tap::TapDraw,
            _: &mut Vec<u8>,
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
