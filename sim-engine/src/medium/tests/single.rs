//! Single frames: overlap, lines, broadcast, taps, quiet worlds.

use super::*;
use crate::tap::{Powers, Verdict};

fn aloha(stations: u64) -> Cell {
    Cell::new(stations, MediumParams::default(), kilobit())
}

#[test]
fn frames_collide_when_they_overlap_and_not_when_they_touch() {
    for (at, fate) in [
        (7 * MS, Fate::Collided),
        (8 * MS, Fate::Delivered),
        (0, Fate::Collided),
    ] {
        let mut cell = aloha(2);
        cell.send_at(0, 0, 1);
        cell.send_at(at, 1, 1);
        cell.bench.run(S);
        assert_eq!(cell.ends(), [(8 * MS, fate), (at + 8 * MS, fate)]);
        assert_eq!(cell.bench.engine.packets_live(), 0);
    }
}

#[test]
fn a_station_sends_its_frames_one_after_the_other_up_to_its_limit() {
    let link = LinkParams {
        queue: crate::QueueLimit::Packets(2),
        ..kilobit()
    };
    let mut cell = Cell::new(1, MediumParams::default(), link);
    for at in 0..3 {
        cell.send_at(at * MS, 0, 1);
    }
    cell.bench.run(S);
    assert_eq!(
        cell.ends(),
        [
            (2 * MS, Fate::QueueDrop),
            (8 * MS, Fate::Delivered),
            (16 * MS, Fate::Delivered)
        ]
    );
    let stats = cell.bench.engine.link_stats(cell.links[0], Direction::Up);
    assert_eq!((stats.queued, stats.wait_ns), (2, u128::from(7 * MS)));
    assert_eq!(stats.busy_ns, u128::from(16 * MS));
}

#[test]
fn a_broadcast_is_one_frame_that_everybody_hears() {
    let mut cell = aloha(50);
    let (hub, links) = (cell.hub, cell.links.clone());
    cell.bench.act(hub, |out| {
        for (number, &link) in links.iter().enumerate() {
            let part = if number == 0 {
                BroadcastPart::First
            } else {
                BroadcastPart::Further
            };
            out.send_broadcast(link, Direction::Down, 0, &[1], part);
        }
    });
    cell.bench.run(S);
    assert_eq!(cell.ends().len(), 50);
    assert!(
        cell.ends()
            .iter()
            .all(|end| *end == (8 * MS, Fate::Delivered))
    );
    let stats = cell.stats();
    assert_eq!((stats.frames, stats.transmissions), (1, 1));
    assert_eq!(stats.occupied_ns, u128::from(8 * MS));
}

#[test]
fn a_tap_behind_a_medium_changes_nothing() {
    let run = |tapped: bool| {
        let link = LinkParams {
            loss: crate::LossModel::bernoulli(0.3).unwrap(),
            delay: Law::uniform(0.0, 5e6).unwrap(),
            ..kilobit()
        };
        let params = MediumParams {
            access: Access::Csma {
                backoff: Law::exponential(0.0, 2e7).unwrap(),
                attempts: 5,
            },
            ..MediumParams::default()
        };
        let mut cell = Cell::new(20, params, link);
        if tapped {
            for &link in &cell.links {
                let both = crate::DirectionMask::BOTH;
                cell.bench
                    .engine
                    .set_tap(link, both, 0, Powers::default())
                    .unwrap();
            }
            cell.bench.host.verdict = Some(Box::new(|_, _| Verdict::Pass));
        }
        poisson(&mut cell, 5.0, 1, 100);
        (cell.bench.engine.fingerprint(), cell.stats())
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn a_quiet_world_has_no_collisions() {
    let mut cell = aloha(2);
    cell.bench.engine.quiet_links();
    cell.send_at(0, 0, 1);
    cell.send_at(MS, 1, 1);
    cell.bench.run(S);
    assert_eq!(
        cell.ends(),
        [(8 * MS, Fate::Delivered), (9 * MS, Fate::Delivered)]
    );
}

#[test]
fn a_run_repeats_itself_and_another_station_moves_no_draw() {
    let run = |stations| {
        let params = MediumParams {
            channels: 4,
            ..MediumParams::default()
        };
        let mut cell = Cell::new(stations, params, kilobit());
        for at in 0..50 {
            cell.send_at(at * 100 * MS, 0, 1);
        }
        cell.bench.run(10 * S);
        cell.ends()
    };
    assert_eq!(run(1), run(1));
    assert_eq!(run(1), run(30));
}
