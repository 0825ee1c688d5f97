//! Loss models, seen in the sequence of packets of one sender.

use super::formula;
use super::observe::Observed;
use super::queues::share;
use super::{Case, Effort, Quantity, cases};

/// A source that sends to a sink at constant distance over a link that loses.
pub(super) struct Stream<'a> {
    pub(super) family: &'static str,
    pub(super) point: String,
    /// The line `loss = ...` and others of the link.
    pub(super) link: &'a str,
    /// From packet to packet.
    pub(super) every: &'a str,
    /// Packets in a replication at full effort.
    pub(super) packets: u64,
    /// Length of a packet, bytes.
    pub(super) bytes: u64,
}

impl Stream<'_> {
    pub(super) fn case(self, effort: Effort, quantities: Vec<Quantity>) -> Case {
        let seed = cases::seed(self.family, &self.point);
        let text = format!(
            r#"# {family}: {point}.
schema = 1

[scenario]
name = "{family}"

[run]
duration = "365d"
seed = {seed}

[protocol]
name = "traffic"

[nodes.source]
role = "source"
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
every = "{}"
count = {}
"#,
            self.bytes,
            self.link,
            self.every,
            effort.scaled(self.packets),
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

/// The share of packets lost.
pub(super) fn loss(exact: f64) -> Quantity {
    Quantity::observed("loss", "share", exact, |observed| {
        share(
            observed.losses().filter(|lost| *lost).count(),
            observed.packets.len(),
        )
    })
}

/// Mean length of the runs of lost packets.
pub(super) fn mean_run(exact: f64) -> Quantity {
    Quantity::observed("mean run of losses", "count", exact, |observed| {
        share(
            observed.losses().filter(|lost| *lost).count(),
            windows(observed, 2)
                .filter(|pair| pair[0] && !pair[1])
                .count(),
        )
    })
}

/// How often a loss follows a loss.
fn loss_after_loss(exact: f64) -> Quantity {
    Quantity::observed("loss after a loss", "share", exact, |observed| {
        share(
            windows(observed, 2)
                .filter(|pair| pair[0] && pair[1])
                .count(),
            windows(observed, 2).filter(|pair| pair[0]).count(),
        )
    })
}

/// Every `length` packets in a row: lost or not.
fn windows(observed: &Observed, length: usize) -> impl Iterator<Item = Vec<bool>> + '_ {
    let packets = observed.packets.windows(length);
    packets.map(|window| window.iter().map(|packet| packet.lost).collect())
}

/// Independent loss.
pub(super) fn bernoulli(effort: Effort) -> Vec<Case> {
    let point = |p: f64| {
        let stream = Stream {
            family: "bernoulli",
            point: format!("p = {p}"),
            link: &format!("loss = {p}"),
            every: "10ms",
            packets: 100_000,
            bytes: 64,
        };
        let quantities = vec![loss(p), mean_run(1.0 / (1.0 - p)), loss_after_loss(p)];
        stream.case(effort, quantities)
    };
    [0.01, 0.1, 0.5].map(point).into()
}

/// The chain that loses everything in its bad state, per packet and per time slot.
pub(super) fn gilbert(effort: Effort) -> Vec<Case> {
    let mut cases = Vec::new();
    for (p, r) in [(0.02, 0.3), (0.1, 0.5), (0.005, 0.05)] {
        // Between two packets the chain makes so many steps.
        for (step, every, steps) in [
            ("per = \"packet\"", "10ms", 1.0),
            ("per = \"slot\", slot = \"10ms\"", "10ms", 1.0),
            ("per = \"slot\", slot = \"10ms\"", "40ms", 4.0),
        ] {
            let share = p / (p + r);
            let correlation = libm::pow(1.0 - p - r, steps);
            let again = share + (1.0 - share) * correlation;
            let stream = Stream {
                family: "gilbert",
                point: format!("p = {p}, r = {r}, {step}, a packet every {every}"),
                link: &format!(
                    "loss = {{ model = \"gilbert\", good_to_bad = {p}, bad_to_good = {r}, {step} }}"
                ),
                every,
                packets: 100_000,
                bytes: 64,
            };
            let quantities = vec![
                loss(share),
                mean_run(1.0 / (1.0 - again)),
                loss_after_loss(again),
            ];
            cases.push(stream.case(effort, quantities));
        }
    }
    cases
}

/// The chain with a loss probability in each state.
pub(super) fn gilbert_elliott(effort: Effort) -> Vec<Case> {
    let point = |(p, r, good, bad): (f64, f64, f64, f64)| {
        let (share, again, run) = formula::gilbert_elliott(p, r, good, bad);
        let stream = Stream {
            family: "gilbert-elliott",
            point: format!("p = {p}, r = {r}, loss {good} and {bad}"),
            link: &format!(
                "loss = {{ model = \"gilbert-elliott\", good_to_bad = {p}, bad_to_good = {r}, \
                 loss_good = {good}, loss_bad = {bad} }}"
            ),
            every: "10ms",
            packets: 100_000,
            bytes: 64,
        };
        stream.case(
            effort,
            vec![loss(share), mean_run(run), loss_after_loss(again)],
        )
    };
    [(0.02, 0.2, 0.001, 0.8), (0.1, 0.4, 0.05, 0.5)]
        .map(point)
        .into()
}

/// A message and its repeats, all lost: back to back they meet the same burst, far apart they are
/// independent. Loss that lived in the packet and not in the link could not tell the two apart.
pub(super) fn bursts(effort: Effort) -> Vec<Case> {
    let mut cases = Vec::new();
    for (p, r, repeats) in [(0.05, 0.25, 1), (0.05, 0.25, 2), (0.1, 0.4, 3)] {
        let share_bad: f64 = p / (p + r);
        for (every, exact) in [
            ("10ms", share_bad * (1.0 - r).powi(repeats)),
            // More than 100 correlation times of 1/(p+r) slots.
            ("10s", share_bad.powi(repeats + 1)),
        ] {
            let stream = Stream {
                family: "bursts",
                point: format!("p = {p}, r = {r} per 10ms, {repeats} repeats every {every}"),
                link: &format!(
                    "loss = {{ model = \"gilbert\", good_to_bad = {p}, bad_to_good = {r}, \
                     per = \"slot\", slot = \"10ms\" }}"
                ),
                every,
                packets: 100_000,
                bytes: 64,
            };
            let length = repeats.unsigned_abs() as usize + 1;
            let all_lost =
                Quantity::observed("all of them lost", "share", exact, move |observed| {
                    let lost =
                        windows(observed, length).filter(|window| window.iter().all(|lost| *lost));
                    share(lost.count(), windows(observed, length).count())
                });
            cases.push(stream.case(effort, vec![all_lost]));
        }
    }
    cases
}

/// Packets until so many in a row are lost that a receiver that follows `w` steps is left behind.
pub(super) fn resync_window(effort: Effort) -> Vec<Case> {
    let point = |(p, window): (f64, u32)| {
        let in_row = window + 1;
        let stream = Stream {
            family: "resync-window",
            point: format!("p = {p}, window {window}"),
            link: &format!("loss = {p}"),
            every: "10ms",
            packets: 100_000,
            bytes: 64,
        };
        let exact = (libm::pow(p, -f64::from(in_row)) - 1.0) / (1.0 - p);
        let until =
            Quantity::observed("packets until beyond it", "count", exact, move |observed| {
                let (mut run, mut times, mut last) = (0, 0, 0);
                for (index, lost) in observed.losses().enumerate() {
                    run = if lost { run + 1 } else { 0 };
                    if run == in_row {
                        (run, times, last) = (0, times + 1, index + 1);
                    }
                }
                share(last, times)
            });
        stream.case(effort, vec![until])
    };
    [(0.2, 1), (0.3, 2), (0.5, 3)].map(point).into()
}
