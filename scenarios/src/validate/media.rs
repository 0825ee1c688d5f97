//! Shared media: what many senders carry, and what one sender waits for.
//!
//! **Source.** N. Abramson, The ALOHA system, 1970; L. G. Roberts, ALOHA packet system with and
//! without slots and capture, 1975; L. Kleinrock and F. A. Tobagi, Packet switching in radio channels,
//! part I, 1975; IEEE 802.15.4-2006; SX1276 data sheet (time on the air); ETSI EN 300 220.

use super::observe::{Observed, Packet};
use super::queues::share;
use super::{Case, Effort, Quantity, cases};

/// Stations that send to one sink on one channel.
pub(super) struct Air<'a> {
    pub(super) family: &'static str,
    pub(super) point: String,
    pub(super) stations: u64,
    /// Length of a frame, bytes.
    pub(super) bytes: u64,
    /// The lines `rate`, `medium` and others of the link.
    pub(super) link: &'a str,
    /// The lines `every`, `first`, `count` of the workload.
    pub(super) load: String,
    /// Length of a run, ms.
    pub(super) span_ms: u64,
    /// Further tables.
    pub(super) more: &'a str,
}

impl Air<'_> {
    pub(super) fn case(self, effort: Effort, quantities: Vec<Quantity>) -> Case {
        let seed = cases::seed(self.family, &self.point);
        let text = format!(
            r#"# {family}: {point}.
schema = 1

[scenario]
name = "{family}"

[run]
duration = "{}ms"
settle = "0s"
seed = {seed}

[protocol]
name = "traffic"

[nodes.source]
role = "source"
count = {}
params = {{ size = "{}B" }}

[nodes.sink]
role = "sink"

[links.air]
between = ["source", "sink"]
direction = "up"
{}

[workload.load]
from = "source"
to = "sink"
do = "send"
{}
{}"#,
            self.span_ms,
            self.stations,
            self.bytes,
            self.link,
            self.load,
            self.more,
            family = self.family,
            point = self.point,
        );
        Case {
            family: self.family,
            point: self.point,
            text,
            seed,
            replications: effort.replications(),
            quantities,
        }
    }
}

/// A frame of 100 bytes at 100 kbit/s.
const FRAME_MS: f64 = 8.0;
/// Stations that make up a Poisson process of frames, each with its own line.
const MANY: u64 = 1000;

/// Poisson load of `load` frames per airtime from many stations.
fn crowd(
    effort: Effort,
    family: &'static str,
    label: &str,
    medium: &str,
    load: f64,
    frames: u64,
    carried: f64,
) -> Case {
    #[allow(clippy::cast_precision_loss, reason = "a few stations and frames")]
    let (stations, frames) = (MANY as f64, effort.scaled(frames) as f64);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a span below a day"
    )]
    let span_ms = (frames * FRAME_MS / load) as u64;
    let gap = FRAME_MS * 1e6 * stations / load;
    let air = Air {
        family,
        point: format!("G = {load}{label}"),
        stations: MANY,
        bytes: 100,
        link: &format!("rate = \"100kbps\"\nmedium = {{ {medium} }}"),
        load: format!("first = \"exp({gap}ns)\"\nevery = \"exp({gap}ns)\""),
        span_ms,
        more: "",
    };
    let throughput = Quantity::metric("throughput", "share", "medium_throughput.air", carried);
    let offered = Quantity::metric("offered load", "share", "medium_load.air", load);
    air.case(effort, vec![throughput, offered])
}

/// Pure ALOHA: a frame survives when none of the n-1 others begins within a frame before or after.
pub(super) fn aloha(effort: Effort) -> Vec<Case> {
    #[allow(clippy::cast_precision_loss, reason = "a few stations")]
    let others = (MANY - 1) as f64 / MANY as f64;
    let point = |load: f64| {
        let carried = load * libm::exp(-2.0 * load * others);
        crowd(
            effort,
            "aloha",
            "",
            "model = \"aloha\"",
            load,
            40_000,
            carried,
        )
    };
    [0.1, 0.5, 1.5].map(point).into()
}

/// Slotted ALOHA: exactly one of n stations has a frame in a slot.
pub(super) fn slotted_aloha(effort: Effort) -> Vec<Case> {
    let point = |load: f64| {
        #[allow(clippy::cast_precision_loss, reason = "a few stations")]
        let n = MANY as f64;
        let carried = load * libm::pow(1.0 - load / n, n - 1.0);
        let medium = "model = \"slotted-aloha\", slot = \"8ms\"";
        crowd(effort, "slotted-aloha", "", medium, load, 40_000, carried)
    };
    let mut cases: Vec<Case> = [0.3, 1.0, 2.0].map(point).into();
    for (stations, p) in [(5u64, 0.2f64), (10, 0.05)] {
        // A frame a slot and station is more than anybody gets rid of.
        let slots = effort.scaled(10_000);
        let air = Air {
            family: "slotted-aloha",
            point: format!("{stations} saturated stations, p = {p}"),
            stations,
            bytes: 100,
            link: &format!(
                "rate = \"100kbps\"\nmedium = {{ model = \"slotted-aloha\", slot = \"8ms\", persistence = {p} }}"
            ),
            load: String::from("every = \"8ms\""),
            span_ms: slots * 8,
            more: "",
        };
        #[allow(clippy::cast_precision_loss, reason = "a few stations")]
        let n = stations as f64;
        let carried = n * p * libm::pow(1.0 - p, n - 1.0);
        cases.push(air.case(
            effort,
            vec![Quantity::metric(
                "throughput",
                "share",
                "medium_throughput.air",
                carried,
            )],
        ));
    }
    cases
}

/// Non-persistent carrier sensing; who finds the channel busy gives the frame up, so that sensings are
/// Poisson as the formula wants them.
pub(super) fn csma(effort: Effort) -> Vec<Case> {
    let point = |(a, load): (f64, f64)| {
        let idle = libm::exp(-a * load);
        let carried = load * idle / (load * (1.0 + 2.0 * a) + idle);
        let medium = format!(
            "model = \"csma\", propagation = \"{}us\"",
            a * FRAME_MS * 1e3
        );
        let label = format!(", a = {a}");
        crowd(effort, "csma", &label, &medium, load, 40_000, carried)
    };
    [(0.1, 1.0), (0.05, 3.0), (0.25, 0.5)].map(point).into()
}

/// n stations choose among W slots at once; the earliest choice is unique, or its frames collide.
pub(super) fn contention(effort: Effort) -> Vec<Case> {
    let point = |(stations, window): (u32, u32)| {
        let rounds = effort.scaled(5_000);
        let air = Air {
            family: "contention",
            point: format!("{stations} stations, {window} slots"),
            stations: u64::from(stations),
            bytes: 100,
            link: &format!(
                "rate = \"100kbps\"\nmedium = {{ model = \"contention\", window = {window}, slot = \"1ms\", attempts = 1 }}"
            ),
            load: format!("every = \"1s\"\ncount = {rounds}"),
            span_ms: (rounds + 1) * 1000,
            more: "",
        };
        let w = f64::from(window);
        let unique: f64 = f64::from(stations)
            * (0..window)
                .map(|k| libm::pow((w - 1.0 - f64::from(k)) / w, f64::from(stations) - 1.0) / w)
                .sum::<f64>();
        let won = Quantity::observed("rounds that are won", "share", unique, move |observed| {
            let through = observed.packets.iter().filter(|it| it.delay_ns.is_some());
            share(through.count(), observed.packets.len() / stations as usize)
        });
        air.case(effort, vec![won])
    };
    [(5, 8), (2, 4), (10, 8)].map(point).into()
}

/// One station whose assessments find the channel busy with probability b.
pub(super) fn csma_ca(effort: Effort) -> Vec<Case> {
    let point = |b: f64| {
        let frames = effort.scaled(20_000);
        let air = Air {
            family: "csma-ca",
            point: format!("b = {b}"),
            stations: 1,
            bytes: 64,
            link: &format!("medium = {{ model = \"ieee802154\", busy = {b} }}"),
            load: format!("every = \"1s\"\ncount = {frames}"),
            span_ms: (frames + 1) * 1000,
            more: "",
        };
        let power = |i: i32| b.powi(i);
        // Exponents 3, 4, 5, 5, 5; a unit is 320 us.
        let units = [7.0, 15.0, 31.0, 31.0, 31.0];
        let backoff: f64 = (0..5)
            .zip(units)
            .map(|(i, most)| power(i) * most / 2.0 * 320e3)
            .sum();
        let assessments = (1.0 - power(5)) / (1.0 - b);
        air.case(
            effort,
            vec![
                Quantity::metric("given up", "share", "medium_given_up_rate.air", power(5)),
                Quantity::observed("assessments a frame", "count", assessments, |observed| {
                    observed.per_frame(|stats| u128::from(stats.assessments))
                }),
                Quantity::observed("backoff a frame", "ns", backoff, |observed| {
                    observed.per_frame(|stats| stats.backoff_ns)
                }),
            ],
        )
    };
    [0.0, 0.3, 0.5, 0.8].map(point).into()
}

/// Time on the air of LoRa at 125 kHz, 4/5, 8 symbols of preamble, explicit header, CRC; ns.
fn time_on_air(sf: u32, bytes: u32) -> f64 {
    let symbol = f64::from(1u32 << sf) / 125e3;
    let slow = if symbol > 0.016 { 2.0 } else { 0.0 };
    let factor = f64::from(sf);
    let blocks =
        libm::ceil((8.0 * f64::from(bytes) - 4.0 * factor + 28.0 + 16.0) / (4.0 * (factor - slow)));
    (8.0 + 4.25 + 8.0 + blocks.max(0.0) * 5.0) * symbol * 1e9
}

/// LoRa: the time on the air, and who survives among n devices on C channels.
pub(super) fn lora(effort: Effort) -> Vec<Case> {
    let mut cases = Vec::new();
    for (sf, bytes) in [(7u32, 16u32), (9, 29), (10, 51), (12, 222)] {
        let air = Air {
            family: "lora",
            point: format!("SF{sf}, {bytes} B, one device"),
            stations: 1,
            bytes: u64::from(bytes),
            link: &format!("medium = {{ model = \"lora\", sf = {sf} }}"),
            load: String::from("every = \"1h\"\ncount = 10"),
            span_ms: 12 * 3_600_000,
            more: "",
        };
        let exact = time_on_air(sf, bytes);
        let time = Quantity::observed("time on the air", "ns", exact, |observed| {
            mean_delay(observed.packets.iter())
        });
        cases.push(air.case(effort, vec![time]));
    }
    for (devices, sf, bytes, channels, period_s) in [
        (1000u32, 12u32, 51u32, 3u32, 3600u32),
        (200, 7, 222, 1, 120),
    ] {
        let frames = effort.scaled(20_000);
        let air = Air {
            family: "lora",
            point: format!(
                "{devices} devices, SF{sf}, {bytes} B, {channels} channels, one a {period_s} s"
            ),
            stations: u64::from(devices),
            bytes: u64::from(bytes),
            link: &format!("medium = {{ model = \"lora\", sf = {sf}, channels = {channels} }}"),
            load: format!("first = \"exp({period_s}s)\"\nevery = \"exp({period_s}s)\""),
            span_ms: frames * u64::from(period_s) * 1000 / u64::from(devices),
            more: "",
        };
        let exposed = 2.0 * f64::from(devices - 1) * time_on_air(sf, bytes)
            / (f64::from(period_s) * 1e9 * f64::from(channels));
        let survives = Quantity::observed("survives", "share", libm::exp(-exposed), |observed| {
            let all = observed.packets.len();
            share(all - observed.collisions(), all)
        });
        cases.push(air.case(effort, vec![survives]));
    }
    cases
}

/// After a frame of length T a station is silent for T (1/d - 1): a server that takes T/d.
pub(super) fn duty_cycle(effort: Effort) -> Vec<Case> {
    let mut cases = Vec::new();
    for (sf, bytes, duty, load) in [(7u32, 51u32, 0.01, 0.5), (12, 51, 0.1, 0.8)] {
        let air_ns = time_on_air(sf, bytes);
        let period = air_ns / duty;
        let link = format!("medium = {{ model = \"lora\", sf = {sf}, duty_cycle = {duty} }}");
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a span below a year"
        )]
        let span = |frames: u64, gap: f64| frames * (gap / 1e6) as u64;
        let frames = 500;
        let full = Air {
            family: "duty-cycle",
            point: format!("SF{sf}, {bytes} B, d = {duty}, saturated"),
            stations: 1,
            bytes: u64::from(bytes),
            link: &link,
            load: format!("every = \"1ms\"\ncount = {frames}"),
            // The line is empty long before.
            span_ms: span(2 * frames, period),
            more: "",
        };
        let between = Quantity::observed("from frame to frame", "ns", period, distance);
        cases.push(full.case(effort, vec![between]));

        let (frames, gap) = (effort.scaled(50_000), period / load);
        let queue = Air {
            family: "duty-cycle",
            point: format!("SF{sf}, {bytes} B, d = {duty}, Poisson at {load} of the capacity"),
            stations: 1,
            bytes: u64::from(bytes),
            link: &link,
            load: format!("first = \"exp({gap}ns)\"\nevery = \"exp({gap}ns)\""),
            span_ms: span(frames, gap),
            more: "",
        };
        let wait = load * period / (2.0 * (1.0 - load));
        let delay = Quantity::observed(
            "wait and time on the air",
            "ns",
            wait + air_ns,
            |observed| mean_delay(observed.packets.iter()),
        );
        cases.push(queue.case(effort, vec![delay]));
    }
    cases
}

/// Mean time between arrivals, ns.
fn distance(observed: &Observed) -> Option<f64> {
    let arrivals = || {
        let packets = observed.packets.iter();
        packets.filter_map(|packet| Some(packet.sent_ns + packet.delay_ns?))
    };
    let (first, last) = (arrivals().min()?, arrivals().max()?);
    #[allow(clippy::cast_precision_loss, reason = "a year in ns, rounded")]
    let span = (last - first) as f64;
    #[allow(clippy::cast_precision_loss, reason = "a number of packets")]
    let gaps = arrivals().count() as f64 - 1.0;
    (gaps > 0.0).then_some(span / gaps)
}

/// Mean time to the far end, ns.
fn mean_delay<'a>(packets: impl Iterator<Item = &'a Packet>) -> Option<f64> {
    let (mut sum, mut count) = (0u128, 0u32);
    for delay in packets.filter_map(|packet| packet.delay_ns) {
        sum += u128::from(delay);
        count += 1;
    }
    #[allow(clippy::cast_precision_loss, reason = "sums of one run")]
    let sum = sum as f64;
    (count > 0).then(|| sum / f64::from(count))
}

/// A jammer that speaks for w out of every P: a frame of length tau meets it with (tau+w)/P.
pub(super) fn jammer(effort: Effort) -> Vec<Case> {
    let point = |(jam_ms, period_ms): (u64, u64)| {
        let frames = effort.scaled(20_000);
        // 100 kbit/s: 12.5 bytes a ms.
        let more = format!(
            r#"
[nodes.jammer]
role = "source"
params = {{ size = "{}B" }}

[media.band]
model = "aloha"

[links.noise]
between = ["jammer", "sink"]
direction = "up"
rate = "100kbps"
medium = "band"

[workload.noise]
from = "jammer"
to = "sink"
do = "send"
every = "{period_ms}ms"
"#,
            jam_ms * 25 / 2,
        );
        let air = Air {
            family: "jammer",
            point: format!("frame 8 ms, jammer {jam_ms} ms of every {period_ms} ms"),
            stations: 1,
            bytes: 100,
            link: "rate = \"100kbps\"\nmedium = \"band\"",
            load: format!(
                "first = \"exp(1s)\"\nevery = \"shifted-exp(min=8ms, mean=1s)\"\ncount = {frames}"
            ),
            span_ms: frames * 1010,
            more: &more,
        };
        #[allow(clippy::cast_precision_loss, reason = "small times")]
        let hit = ((8 + jam_ms) as f64 / period_ms as f64).min(1.0);
        let lost = Quantity::observed("frames that it hits", "share", hit, |observed| {
            let link = observed.packets.first()?.link;
            let own = || observed.packets.iter().filter(|packet| packet.link == link);
            share(own().filter(|it| it.collided).count(), own().count())
        });
        air.case(effort, vec![lost])
    };
    [(2, 50), (20, 100), (40, 44)].map(point).into()
}
