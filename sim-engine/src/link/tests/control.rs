//! Cuts, and parameters that change while the world runs.

use super::*;
use crate::error::EngineError;
use crate::outbox::Outbox;
use crate::testing::World;

/// Sends one packet at each of the instants 10, 20, ... and does `act` before those it names.
fn timeline(params: LinkParams, acts: Vec<(u64, Act)>) -> (Bench, Vec<u64>) {
    let (mut bench, a, link) = pair(params);
    let tick = TimerId { kind: 0, key: 0 };
    bench.host.on_control = Some(Box::new(move |(node, _), out| {
        let now = out.now().0;
        for (_, act) in acts.iter().filter(|(at, _)| *at == now) {
            act(link, out);
        }
        out.send(link, UP, 0, &[0; 10]);
        if now < 100 {
            out.arm_control(node, tick, SimTime(now + 10));
        }
    }));
    bench.act(a, |out| out.arm_control(a, tick, SimTime(10)));
    bench.run(u64::MAX - 1);
    let arrived = bench.host.log.iter().filter_map(|seen| match seen {
        Seen::Packet { number, .. } => Some(*number),
        _ => None,
    });
    let arrived = arrived.collect();
    (bench, arrived)
}

type Act = Box<dyn Fn(LinkId, &mut Outbox<'_, World>)>;

fn cut(direction: Direction, down: bool) -> Act {
    Box::new(move |link, out| out.set_link_down(link, direction, down))
}

#[test]
fn what_is_offered_to_a_cut_direction_is_lost_and_what_is_on_the_way_arrives() {
    let params = LinkParams {
        delay: constant(25),
        ..Default::default()
    };
    let acts = vec![(30, cut(UP, true)), (60, cut(UP, false))];
    let (bench, arrived) = timeline(params, acts);
    assert_eq!(arrived, [0, 1, 5, 6, 7, 8, 9]);
    let stats = bench.engine.link_stats(LinkId(0), UP);
    assert_eq!((stats.offered, stats.lost, stats.passed), (10, 3, 7));
}

#[test]
fn a_cut_of_the_other_direction_stops_nothing() {
    let acts = vec![(30, cut(Direction::Down, true))];
    assert_eq!(timeline(LinkParams::default(), acts).1.len(), 10);
}

#[test]
fn a_direction_comes_back_when_its_last_cut_is_over() {
    let acts = vec![
        (20, cut(UP, true)),
        (30, cut(UP, true)),
        (50, cut(UP, false)),
        (80, cut(UP, false)),
    ];
    assert_eq!(timeline(LinkParams::default(), acts).1, [0, 7, 8, 9]);
}

#[test]
fn a_cut_moves_no_draw_of_later_packets() {
    let params = LinkParams {
        delay: Law::uniform(0.0, 5.0).unwrap(),
        loss: LossModel::bernoulli(0.3).unwrap(),
        ..Default::default()
    };
    let (plain, _) = timeline(params.clone(), Vec::new());
    let (cut, _) = timeline(params, vec![(20, cut(UP, true)), (40, cut(UP, false))]);
    let later = |bench: &Bench| -> Vec<Seen> {
        let keep = |seen: &&Seen| matches!(seen, Seen::End { number, .. } if *number >= 3);
        bench.host.log.iter().filter(keep).cloned().collect()
    };
    assert!(later(&plain).len() == 7);
    assert_eq!(later(&plain), later(&cut));
}

#[test]
fn mending_what_is_whole_is_an_error() {
    let (mut bench, a, link) = pair(LinkParams::default());
    bench.act(a, |out| out.set_link_down(link, UP, false));
    assert!(matches!(
        bench.try_run(1),
        Err(EngineError::Unknown {
            what: "cut of link",
            ..
        })
    ));
}

#[test]
fn another_class_applies_from_its_instant_on() {
    let mut bench = Bench::new(5);
    let (a, b) = (bench.node(0, false), bench.node(0, false));
    let link = bench.link("l", a, b, LinkParams::default());
    let slow = bench
        .engine
        .add_link_class(LinkParams {
            rate_bps: Some(1_000_000_000),
            delay: constant(100),
            ..Default::default()
        })
        .unwrap();
    bench.act(a, |out| {
        out.send(link, UP, 0, &[0; 10]);
        out.set_link_class(link, UP, slow);
        out.send(link, UP, 0, &[0; 10]);
        out.send(link, UP, 0, &[0; 10]);
    });
    bench.run(u64::MAX - 1);
    let at = |seen: &Seen| match seen {
        Seen::Packet { at, .. } => Some(*at),
        _ => None,
    };
    let arrivals: Vec<u64> = bench.host.log.iter().filter_map(at).collect();
    assert_eq!(arrivals, [0, 180, 260]);
}
