//! CPU lines, busy times, effects, crashes, statistics.

#![allow(clippy::unwrap_used)]

use super::*;

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

/// A world may have millions of nodes: what each costs while nothing happens is a budget.
#[test]
fn an_idle_node_with_a_link_takes_eighty_bytes() {
    assert_eq!(size_of::<NodeState>(), 32);
    assert_eq!(size_of::<LinkState>(), 48);
    assert_eq!(size_of::<Entry>(), 32);
}
