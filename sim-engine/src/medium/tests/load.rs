//! Throughput against load.

use super::*;

/// Load and throughput of a cell of 400 Poisson sources with frames of 8 ms.
fn loaded(access: Access, load: f64, propagation: u64, seconds: u64) -> (f64, f64) {
    let params = MediumParams {
        access,
        propagation: SimDuration(propagation),
        ..MediumParams::default()
    };
    let stations = 400;
    let mut cell = Cell::new(stations, params, kilobit());
    let rate = load / (0.008 * stations as f64);
    poisson(&mut cell, rate, 1, seconds);
    let stats = cell.stats();
    let span = (seconds * S) as f64;
    (
        stats.offered_ns as f64 / span,
        stats.received_ns as f64 / span,
    )
}

#[test]
fn pure_aloha_carries_g_e_to_the_minus_2g() {
    for load in [0.1, 0.5, 1.2] {
        let (offered, carried) = loaded(Access::Aloha, load, 0, 2_000);
        let expected = offered * libm::exp(-2.0 * offered);
        assert!((offered - load).abs() < 0.02 * load, "{offered}");
        assert!(
            (carried - expected).abs() < 0.02 * expected,
            "{load}: {carried} {expected}"
        );
    }
}

#[test]
fn slotted_aloha_carries_g_e_to_the_minus_g() {
    let access = Access::Slotted {
        slot: SimDuration(8 * MS),
        persistence: Probability::ALWAYS,
    };
    for load in [0.3, 1.0, 2.0] {
        let (offered, carried) = loaded(access.clone(), load, 0, 2_000);
        let expected = offered * libm::exp(-offered);
        assert!(
            (carried - expected).abs() < 0.02 * expected,
            "{load}: {carried} {expected}"
        );
    }
}

/// Kleinrock and Tobagi: S = G e^(-aG) / (G (1 + 2a) + e^(-aG)); blocked frames are given up, so
/// the load is that of the sources.
#[test]
fn csma_carries_what_kleinrock_and_tobagi_say() {
    let access = Access::Csma {
        backoff: constant(0),
        attempts: 1,
    };
    for (a, load) in [(0.1, 1.0), (0.05, 3.0), (0.25, 0.5)] {
        let propagation = (a * 8e6) as u64;
        let (offered, carried) = loaded(access.clone(), load, propagation, 2_000);
        let idle = libm::exp(-a * offered);
        let expected = offered * idle / (offered * (1.0 + 2.0 * a) + idle);
        assert!(
            (carried - expected).abs() < 0.02 * expected,
            "a={a} G={load}: {carried} {expected}"
        );
    }
}

/// Saturated stations that use a slot with probability p each: N p (1-p)^(N-1) of the slots carry a
/// frame.
#[test]
fn few_saturated_stations_share_slots_binomially() {
    for (stations, p) in [(5u64, 0.2), (10, 0.05)] {
        let params = MediumParams {
            access: Access::Slotted {
                slot: SimDuration(8 * MS),
                persistence: Probability::new(p).unwrap(),
            },
            ..MediumParams::default()
        };
        let mut cell = Cell::new(stations, params, kilobit());
        let slots = 20_000u64;
        for device in 0..stations as usize {
            let node = cell.devices[device];
            let link = cell.links[device];
            cell.bench.act(node, |out| {
                for _ in 0..slots {
                    out.send(link, Direction::Up, 0, &[0]);
                }
            });
        }
        cell.bench.host.unlogged = true;
        cell.bench.run(slots * 8 * MS);
        let n = stations as f64;
        let expected = n * p * libm::pow(1.0 - p, n - 1.0);
        let carried = cell.stats().received as f64 / slots as f64;
        let sd = (expected * (1.0 - expected) / slots as f64).sqrt();
        assert!(
            (carried - expected).abs() < 4.0 * sd,
            "{carried} {expected}"
        );
    }
}

/// The earliest of n slot choices among W is unique with probability
/// n sum_k (1/W) ((W-1-k)/W)^(n-1): 0.713501 for 5 in 8.
#[test]
fn contention_is_won_by_a_unique_earliest_slot() {
    let params = MediumParams {
        access: Access::Contention {
            window: 8,
            slot: SimDuration(MS),
            attempts: 1,
        },
        ..MediumParams::default()
    };
    let mut cell = Cell::new(5, params, kilobit());
    cell.bench.host.unlogged = true;
    let rounds = 20_000u64;
    for round in 0..rounds {
        cell.bench.run(round * 100 * MS);
        for (node, link) in cell.devices.clone().into_iter().zip(cell.links.clone()) {
            cell.bench
                .act(node, |out| out.send(link, Direction::Up, 0, &[0]));
        }
    }
    cell.bench.run((rounds + 1) * 100 * MS);
    let won = cell.stats().received as f64 / rounds as f64;
    assert!((won - 0.713_501).abs() < 0.013, "{won}");
}
