//! LoRa: time on the air, collisions, capture, duty cycle, receive windows.

use super::*;

/// Time on the air at 125 kHz and 4/5 in microseconds: physical payloads of 16, 51, 222, 29, 64 and
/// 235 bytes, SF7 to SF12.
const AIRTIMES_US: [[u64; 6]; 6] = [
    [51_456, 102_656, 348_416, 66_816, 118_016, 368_896],
    [92_672, 184_832, 614_912, 123_392, 215_552, 655_872],
    [164_864, 328_704, 1_106_944, 226_304, 390_144, 1_168_384],
    [329_728, 616_448, 2_009_088, 411_648, 698_368, 2_131_968],
    [659_456, 1_314_816, 4_427_776, 905_216, 1_560_576, 4_673_536],
    [
        1_318_912, 2_465_792, 8_036_352, 1_646_592, 2_793_472, 8_364_032,
    ],
];

#[test]
fn time_on_the_air_is_that_of_the_data_sheet() {
    for (factor, row) in (7..).zip(AIRTIMES_US) {
        for (bytes, expected) in [16, 51, 222, 29, 64, 235].into_iter().zip(row) {
            let airtime = Modulation::lorawan(factor).airtime(bytes);
            assert_eq!(airtime.0, expected * 1_000, "SF{factor} {bytes} B");
        }
    }
    let other = Modulation {
        bandwidth_hz: 250_000,
        coding_rate: 4,
        checksum: false,
        implicit_header: true,
        preamble: 6,
        ..Modulation::lorawan(10)
    };
    // ceil((160 - 40 + 28 - 20) / 40) = 4 blocks of 8 symbols: 6 + 4.25 + 8 + 32 symbols of 4.096 ms.
    assert_eq!(other.airtime(20).0, 205_824_000);
    // At 500 kHz a symbol of SF12 lasts 8.192 ms: no optimisation,
    // ceil(124 / 48) = 3 blocks of 5 symbols: 8 + 4.25 + 8 + 15 symbols.
    let wide = Modulation {
        bandwidth_hz: 500_000,
        ..Modulation::lorawan(12)
    };
    assert_eq!(wide.airtime(16).0, 288_768_000);
}

#[test]
fn a_duty_cycle_prescribes_a_silence() {
    let duty = |share_ppb| DutyCycle {
        share_ppb,
        waits: true,
    };
    let airtime = SimDuration(2_793_472_000);
    assert_eq!(duty(10_000_000).silence(airtime).0, 276_553_728_000);
    assert_eq!(duty(100_000_000).silence(airtime).0, 25_141_248_000);
    assert_eq!(duty(1_000_000_000).silence(airtime), SimDuration::ZERO);
}

fn sf(factor: u8) -> Option<Modulation> {
    Some(Modulation::lorawan(factor))
}

#[test]
fn a_thousand_devices_at_sf12_lose_what_aloha_says() {
    let params = MediumParams {
        channels: 3,
        ..MediumParams::default()
    };
    let mut cell = Cell::with_modulation(1_000, params, LinkParams::default(), sf(12));
    poisson(&mut cell, 1.0 / 3_600.0, 51, 200 * 3_600);
    let stats = cell.stats();
    let survived = stats.received as f64 / stats.transmissions as f64;
    // Frames of one device wait for each other, all others collide: 999 senders.
    let expected = libm::exp(-2.0 * 999.0 * 2.465_792 / (3_600.0 * 3.0));
    assert!((expected - 0.633_705).abs() < 1e-5, "{expected}");
    assert!(stats.transmissions > 190_000);
    assert!((survived - expected).abs() < 0.006, "{survived} {expected}");
}

#[test]
fn a_frame_waits_for_the_end_of_the_silence_or_is_refused() {
    let run = |waits| {
        let params = MediumParams {
            duty: Some(DutyCycle {
                share_ppb: 10_000_000,
                waits,
            }),
            ..MediumParams::default()
        };
        let mut cell = Cell::with_modulation(1, params, LinkParams::default(), sf(7));
        for at in [0, 1] {
            cell.send_at(at * S, 0, 16);
        }
        cell.bench.run(100 * S);
        (cell.ends(), cell.stats())
    };
    let airtime = 51_456_000;
    let (ends, stats) = run(true);
    let second = 100 * airtime + airtime;
    assert_eq!(
        ends,
        [(airtime, Fate::Delivered), (second, Fate::Delivered)]
    );
    assert_eq!(stats.duty_waits, 1);
    let (ends, stats) = run(false);
    assert_eq!(ends, [(airtime, Fate::Delivered), (S, Fate::QueueDrop)]);
    assert_eq!(stats.duty_refusals, 1);
}

fn windows() -> ReceiveWindows {
    ReceiveWindows {
        first: SimDuration(S),
        second: SimDuration(2 * S),
        second_modulation: Modulation::lorawan(12),
        second_duty: None,
    }
}

#[test]
fn an_answer_waits_for_the_next_receive_window() {
    let params = MediumParams {
        windows: Some(windows()),
        ..MediumParams::default()
    };
    // Time after the end of the uplink at which the answer is ready, and its arrival after it.
    let (up, first, second) = (51_456_000, 51_456_000, 1_318_912_000);
    for (ready, arrival) in [
        (0, S + first),
        (S, S + first),
        (S + 1, 2 * S + second),
        (2 * S, 2 * S + second),
    ] {
        let mut cell = Cell::with_modulation(1, params.clone(), LinkParams::default(), sf(7));
        cell.send_at(0, 0, 16);
        cell.answer_at(up + ready, 0, 16);
        cell.bench.run(100 * S);
        assert_eq!(
            cell.ends(),
            [(up, Fate::Delivered), (up + arrival, Fate::Delivered)],
            "{ready}"
        );
    }
    // Too late: it waits for the next uplink.
    let mut cell = Cell::with_modulation(1, params, LinkParams::default(), sf(7));
    cell.send_at(0, 0, 16);
    cell.answer_at(3 * S, 0, 16);
    cell.send_at(50 * S, 0, 16);
    cell.bench.run(100 * S);
    assert_eq!(cell.ends()[2], (51 * S + up + first, Fate::Delivered));
    assert_eq!(cell.stats().windows, [1, 0]);
}

#[test]
fn a_gateway_that_transmits_hears_nothing() {
    let params = MediumParams {
        channels: 64,
        ..MediumParams::default()
    };
    let mut cell = Cell::with_modulation(2, params, LinkParams::default(), sf(7));
    cell.send_at(S + 10 * MS, 0, 16);
    cell.answer_at(S, 1, 16);
    cell.bench.run(10 * S);
    assert_eq!(
        cell.ends(),
        [
            (S + 51_456_000, Fate::Delivered),
            (S + 61_456_000, Fate::Collided)
        ]
    );
    assert_eq!((cell.stats().deaf, cell.stats().collided), (1, 1));
}

#[test]
fn the_stronger_frame_survives_by_six_decibels() {
    let run = |power: Law| {
        let params = MediumParams {
            capture: Capture::Thresholds(Box::new(SIR_THRESHOLDS_DB)),
            power_dbm: power,
            ..MediumParams::default()
        };
        let mut cell = Cell::with_modulation(2, params, LinkParams::default(), sf(9));
        cell.send_at(0, 0, 16);
        cell.send_at(10 * MS, 1, 16);
        cell.bench.run(S);
        cell.stats().received
    };
    assert_eq!(run(Law::constant(-100.0).unwrap()), 0);
    // Far apart with near certainty: one of the two is at least 6 dB above the other.
    assert_eq!(run(Law::uniform(-1_000.0, 0.0).unwrap()), 1);
}

#[test]
fn spreading_factors_do_not_touch() {
    let mut bench = Bench::new(1);
    let medium = bench.engine.add_medium(MediumParams::default()).unwrap();
    let hub = bench.node(0, false);
    for factor in [7, 8] {
        let device = bench.node(0, false);
        let params = LinkParams {
            medium: Some(Attachment {
                medium,
                modulation: sf(factor),
            }),
            ..LinkParams::default()
        };
        let link = bench.link(&factor.to_string(), device, hub, params);
        bench.act(device, |out| out.send(link, Direction::Up, 0, b"hello"));
    }
    bench.run(S);
    assert_eq!(bench.fates(), [Fate::Delivered; 2]);
}
