//! Frames: loss by four states and by bit errors, repetition on the link, and fragments.

use super::loss::{Stream, loss, mean_run};
use super::{Case, Effort, Quantity};

/// The four-state chain (GI): good, lost in a burst, received in a burst, isolated loss.
///
/// **Source.** S. Salsano, F. Ludovici, A. Ordine, D. Giannuzzi, Definition of a general and intuitive
/// loss model for packet networks, 2012.
pub(super) fn four_states(effort: Effort) -> Vec<Case> {
    let point = |(p13, p31, p32, p23, p14): (f64, f64, f64, f64, f64)| {
        // Stationary weights with that of state 1 as unit.
        let (w4, w3) = (p14, p13 / p31);
        let w2 = w3 * p32 / p23;
        let share = (w3 + w4) / (1.0 + w2 + w3 + w4);
        // A run of losses ends with a step from 3 to 1 or 2, or after an isolated loss.
        let run = (w3 + w4) / (w3 * (p31 + p32) + w4);
        let stream = Stream {
            family: "four-states",
            point: format!("p13 = {p13}, p31 = {p31}, p32 = {p32}, p23 = {p23}, p14 = {p14}"),
            link: &format!(
                "loss = {{ model = \"markov4\", p13 = {p13}, p31 = {p31}, p32 = {p32}, p23 = {p23}, p14 = {p14} }}"
            ),
            every: "10ms",
            packets: 100_000,
            bytes: 64,
        };
        stream.case(effort, vec![loss(share), mean_run(run)])
    };
    let mut cases: Vec<Case> = [(0.02, 0.3, 0.1, 0.4, 0.01), (0.05, 0.5, 0.2, 0.3, 0.0)]
        .map(point)
        .into();
    // The same asked for by what one sees: 5 % lost, bursts of 10 with density 0.7.
    let seen = Stream {
        family: "four-states",
        point: "p_loss = 5%, burst = 10, density = 0.7, isolated = 1%, good_run = 2".into(),
        link: "loss = { model = \"markov4\", p_loss = \"5%\", burst = 10, density = 0.7, isolated = \"1%\", good_run = 2 }",
        every: "10ms",
        packets: 100_000,
        bytes: 64,
    };
    cases.push(seen.case(effort, vec![loss(0.05)]));
    cases
}

/// PER = 1 - (1 - BER)^(8 bytes).
pub(super) fn bit_errors(effort: Effort) -> Vec<Case> {
    let mut cases = Vec::new();
    for (key, ber) in [
        ("ber = 1e-4".to_owned(), 1e-4),
        ("ber = 1e-5".to_owned(), 1e-5),
        ("snr = \"0dB\"".to_owned(), oqpsk(0.0)),
        ("snr = \"-1dB\"".to_owned(), oqpsk(-1.0)),
    ] {
        for bytes in [32u32, 127] {
            let lost = -libm::expm1(8.0 * f64::from(bytes) * libm::log1p(-ber));
            let stream = Stream {
                family: "bit-errors",
                point: format!("{key}, {bytes} B"),
                link: &format!("loss = {{ model = \"ber\", {key} }}"),
                every: "10ms",
                packets: 100_000,
                bytes: u64::from(bytes),
            };
            cases.push(stream.case(effort, vec![loss(lost)]));
        }
    }
    cases
}

/// Bit error rate of the O-QPSK of IEEE 802.15.4 at 2450 MHz for a signal-to-noise ratio in dB.
fn oqpsk(db: f64) -> f64 {
    let snr = libm::pow(10.0, db / 10.0);
    let mut binomial = 16.0;
    let mut sum = 0.0;
    for k in 2..=16 {
        let k = f64::from(k);
        binomial *= (17.0 - k) / k;
        let sign = if k % 2.0 == 0.0 { 1.0 } else { -1.0 };
        sum += sign * binomial * libm::exp(20.0 * snr * (1.0 / k - 1.0));
    }
    8.0 / 15.0 / 16.0 * sum
}

/// Frames that are repeated until acknowledged.
pub(super) fn arq(effort: Effort) -> Vec<Case> {
    let point = |(p, retries): (f64, i32)| {
        let lost = p.powi(retries + 1);
        let stream = Stream {
            family: "arq",
            point: format!("p = {p}, {retries} retries"),
            link: &format!("loss = {p}\narq = {{ retries = {retries}, timeout = \"1ms\" }}"),
            every: "1s",
            packets: 100_000,
            bytes: 64,
        };
        let frames = Quantity::observed(
            "frames a packet",
            "count",
            (1.0 - lost) / (1.0 - p),
            |observed| observed.frames,
        );
        stream.case(effort, vec![loss(lost), frames])
    };
    [(0.1, 3), (0.3, 3), (0.6, 1), (0.5, 7)].map(point).into()
}

/// Datagrams in fragments without recovery, alone and under the link's repetitions.
pub(super) fn fragments(effort: Effort) -> Vec<Case> {
    let mut cases = Vec::new();
    // 256 bytes and 48 of headers in frames of 102: four of 96 and less.
    for (bytes, mtu, count) in [(64u64, "13B", 8), (304, "102B", 4), (1280, "102B", 14)] {
        for (p, retries) in [(0.05f64, 0), (0.2, 3)] {
            let frame_lost = p.powi(retries + 1);
            let arq = if retries == 0 {
                String::new()
            } else {
                format!("\narq = {{ retries = {retries}, timeout = \"1ms\" }}")
            };
            let stream = Stream {
                family: "fragments",
                point: format!("{bytes} B over {mtu}, p = {p}, {retries} retries"),
                link: &format!("mtu = \"{mtu}\"\nfragmentation = \"6lowpan\"\nloss = {p}{arq}"),
                every: "1min",
                packets: 50_000,
                bytes,
            };
            let lost = 1.0 - (1.0 - frame_lost).powi(count);
            cases.push(stream.case(effort, vec![loss(lost)]));
        }
    }
    cases
}
