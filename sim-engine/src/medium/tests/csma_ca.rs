//! Unslotted CSMA-CA of IEEE 802.15.4.

use super::*;

fn cell(stations: u64, constants: CsmaCa) -> Cell {
    let params = MediumParams {
        access: Access::CsmaCa(constants),
        ..MediumParams::default()
    };
    let link = LinkParams {
        rate_bps: Some(250_000),
        ..LinkParams::default()
    };
    Cell::new(stations, params, link)
}

/// Sends `count` frames of 100 bytes one by one.
fn one_by_one(cell: &mut Cell, count: u64) -> MediumStats {
    cell.bench.host.unlogged = true;
    let (node, link) = (cell.devices[0], cell.links[0]);
    for round in 0..count {
        cell.bench.run(round * 100 * MS);
        cell.bench
            .act(node, |out| out.send(link, Direction::Up, 0, &[0; 100]));
    }
    cell.bench.run((count + 1) * 100 * MS);
    cell.stats()
}

#[test]
fn the_first_backoff_is_1120_us_on_average() {
    let stats = one_by_one(&mut cell(1, CsmaCa::default()), 20_000);
    assert_eq!((stats.frames, stats.received), (20_000, 20_000));
    assert_eq!((stats.assessments, stats.busy), (20_000, 0));
    assert_eq!(stats.acknowledgements, 20_000);
    let mean = stats.backoff_ns as f64 / 20_000.0;
    // Uniform over 8 values: sd 733 us.
    assert!((mean - 1_120_000.0).abs() < 4.0 * 733_000.0 / 20_000f64.sqrt());
}

/// With each assessment busy with probability b: failure b^5, (1-b^5)/(1-b) assessments, mean total
/// backoff sum b^i (2^BE_i - 1) / 2 units.
#[test]
fn busy_findings_of_probability_b_fail_b_to_the_fifth() {
    for b in [0.5, 0.8] {
        let constants = CsmaCa {
            busy: Probability::new(b).unwrap(),
            ..CsmaCa::default()
        };
        let count = 20_000u64;
        let stats = one_by_one(&mut cell(1, constants), count);
        let n = count as f64;
        let fail = libm::pow(b, 5.0);
        let failed = stats.given_up as f64 / n;
        assert!((failed - fail).abs() < 4.0 * (fail * (1.0 - fail) / n).sqrt());
        let assessments = stats.assessments as f64 / n;
        let expected = (1.0 - fail) / (1.0 - b);
        assert!((assessments - expected).abs() < 0.05, "{assessments}");
        let exponents = [3, 4, 5, 5, 5];
        let backoff: f64 = (0..5)
            .map(|i| libm::pow(b, f64::from(i)) * f64::from((1 << exponents[i as usize]) - 1))
            .sum::<f64>()
            / 2.0
            * 320_000.0;
        let mean = stats.backoff_ns as f64 / n;
        assert!((mean - backoff).abs() < 0.02 * backoff, "{mean} {backoff}");
        if b == 0.5 {
            assert!((backoff - 4_490_000.0).abs() < 1.0);
        }
    }
}

/// Frame, turnaround and acknowledgement are on the air in this order, and the frame arrives at its
/// own end.
#[test]
fn a_frame_is_assessed_sent_and_acknowledged_in_time() {
    let constants = CsmaCa {
        min_exponent: 0,
        ..CsmaCa::default()
    };
    let mut cell = cell(1, constants);
    let (node, link) = (cell.devices[0], cell.links[0]);
    cell.bench.act(node, |out| {
        out.send(link, Direction::Up, 0, &[0; 100]);
        out.send(link, Direction::Up, 0, &[0; 100]);
    });
    cell.bench.run(S);
    let first = 128_000 + 192_000 + 3_200_000;
    let second = first + 192_000 + 352_000 + first;
    assert_eq!(
        cell.ends(),
        [(first, Fate::Delivered), (second, Fate::Delivered)]
    );
    assert_eq!(cell.stats().occupied_ns, 2 * (3_200_000 + 352_000));
}

/// Three repetitions when nobody answers; the chain of losses is that of four transmissions.
#[test]
fn a_frame_is_repeated_three_times_without_acknowledgement() {
    let params = MediumParams {
        access: Access::CsmaCa(CsmaCa::default()),
        ..MediumParams::default()
    };
    let link = LinkParams {
        rate_bps: Some(250_000),
        loss: crate::LossModel::bernoulli(0.5).unwrap(),
        ..LinkParams::default()
    };
    let mut cell = Cell::new(1, params, link);
    let count = 20_000u64;
    let stats = one_by_one(&mut cell, count);
    let n = count as f64;
    let of_link = cell.bench.engine.link_stats(cell.links[0], Direction::Up);
    assert_eq!(of_link.lost + of_link.passed, count);
    let lost = of_link.lost as f64 / n;
    assert!((lost - 0.0625).abs() < 4.0 * (0.0625f64 * 0.9375 / n).sqrt());
    let sent = stats.transmissions as f64 / n;
    assert!((sent - 1.875).abs() < 0.04, "{sent}");
    assert_eq!(stats.received, of_link.passed);
}

/// Under contention acknowledged frames still arrive, once each.
#[test]
fn contending_stations_deliver_each_frame_once() {
    let mut cell = cell(20, CsmaCa::default());
    poisson(&mut cell, 5.0, 50, 100);
    let stats = cell.stats();
    let mut passed = 0;
    let mut offered = 0;
    for &link in &cell.links {
        let of_link = cell.bench.engine.link_stats(link, Direction::Up);
        passed += of_link.passed;
        offered += of_link.offered;
        assert_eq!(
            of_link.offered,
            of_link.passed + of_link.collided + of_link.queue_drops
        );
    }
    assert_eq!(stats.received, passed);
    assert!(stats.collided > 100 && stats.retries > 100 && stats.busy > 1000);
    assert!(passed as f64 > 0.98 * offered as f64);
    assert_eq!(cell.bench.engine.packets_live(), 0);
    assert_eq!(cell.bench.engine.blocks_live(), 0);
}

/// Stations that do not hear each other collide more.
#[test]
fn hidden_stations_collide_more() {
    let run = |hidden| {
        let params = MediumParams {
            access: Access::CsmaCa(CsmaCa {
                acknowledgement: None,
                ..CsmaCa::default()
            }),
            hidden: Probability::new(hidden).unwrap(),
            ..MediumParams::default()
        };
        let link = LinkParams {
            rate_bps: Some(250_000),
            ..LinkParams::default()
        };
        let mut cell = Cell::new(20, params, link);
        poisson(&mut cell, 5.0, 50, 100);
        cell.stats().collided
    };
    let (none, half, all) = (run(0.0), run(0.5), run(1.0));
    assert!(none < half && half < all, "{none} {half} {all}");
}
