//! Ways over relays: tandems of queues, sums of hops, and delivery over several lossy links.

use super::queues::{SERVICE_NS, share};
use super::stations::sojourn;
use super::{Case, Effort, Quantity, cases};

/// A source and a sink with relays between them. Requests go over the relays; answers take a link of
/// their own without delay, so that the latency of a session is that of the way there.
struct Way<'a> {
    point: String,
    /// Tables of the relays and of their links.
    network: &'a str,
    /// From request to request.
    every: &'a str,
    /// Requests of a replication.
    requests: u64,
    /// Length of the run.
    duration: String,
    /// Left out at its beginning.
    warmup: String,
}

impl Way<'_> {
    fn case(self, effort: Effort, quantities: Vec<Quantity>) -> Case {
        let seed = cases::seed("relay", &self.point);
        let text = format!(
            r#"# relay: {}.
schema = 1

[scenario]
name = "relay"

[run]
duration = "{}"
warmup = "{}"
settle = "1s"
seed = {seed}

[protocol]
name = "traffic"

[nodes.source]
role = "source"
params = {{ size = "100B", reply = true }}

[nodes.sink]
role = "sink"
params = {{ reply = true }}

[links.answer]
between = ["sink", "source"]
direction = "up"

{}
[workload.load]
from = "source"
to = "sink"
do = "send"
every = "{}"
count = {}
deadline = "1h"
"#,
            self.point, self.duration, self.warmup, self.network, self.every, self.requests,
        );
        Case {
            family: "relay",
            point: self.point,
            text,
            seed,
            replications: effort.replications(),
            quantities,
        }
    }
}

/// Poisson arrivals, exponential processing: each relay is an M/M/1 queue of its own, and the sojourns
/// add up.
///
/// **Source.** P. J. Burke, The output of a queueing system, Operations Research 4 (1956); J. R.
/// Jackson, Networks of waiting lines, Operations Research 5 (1957).
pub(super) fn ways(effort: Effort) -> Vec<Case> {
    let mut all: Vec<Case> = [&[1.0, 0.8, 0.5][..], &[1.0; 6]]
        .into_iter()
        .flat_map(|means| [0.3, 0.8].map(|load| tandem(effort, means, load)))
        .collect();
    all.extend([1, 4, 9].map(|relays| hops(effort, relays)));
    all.extend([(2, 0.1), (5, 0.2)].map(|(relays, p)| lossy(effort, relays, p)));
    all
}

/// `means` are those of the relays' processing, ms; the first is busy for `load` of the time.
fn tandem(effort: Effort, means: &[f64], load: f64) -> Case {
    let mut network = String::new();
    let mut before = "source".to_owned();
    for (number, mean) in means.iter().enumerate() {
        network.push_str(&format!(
            "[nodes.relay{number}]\nrole = \"relay\"\nbacklog = 1000000\n\
             params = {{ processing = \"exp({mean}ms)\" }}\n\n\
             [links.in{number}]\nbetween = [\"{before}\", \"relay{number}\"]\ndirection = \"up\"\n\n"
        ));
        before = format!("relay{number}");
    }
    network.push_str(&format!(
        "[links.out]\nbetween = [\"{before}\", \"sink\"]\ndirection = \"up\"\n\n"
    ));
    // Arrivals per ms.
    let rate = load / means.first().copied().unwrap_or(1.0);
    let exact: f64 = means.iter().map(|mean| 1.0 / (1.0 / mean - rate)).sum();
    let span_ms = effort.scaled(150_000);
    let way = Way {
        point: format!(
            "{} relays of exp({means:?} ms), {rate} packets/ms",
            means.len()
        ),
        network: &network,
        every: &format!("exp({}ns)", SERVICE_NS / rate),
        requests: u64::from(u32::MAX),
        duration: format!("{span_ms}ms"),
        warmup: format!("{}ms", span_ms / 10),
    };
    way.case(
        effort,
        vec![sojourn("way over the relays", 0, exact * SERVICE_NS)],
    )
}

/// A line of relays, seldom used: delays, serialisation and processing add up to the nanosecond.
fn hops(effort: Effort, relays: u32) -> Case {
    let network = format!(
        "[nodes.relay]\nrole = \"relay\"\ncount = {relays}\nparams = {{ processing = \"300us\" }}\n\n\
         [links.in]\nbetween = [\"source\", \"relay\"]\n\
         topology = {{ edges = [[\"source\", \"relay[{}]\"]] }}\n\
         delay = \"2ms\"\nrate = \"1Mbps\"\n\n\
         [links.line]\nbetween = [\"relay\", \"sink\"]\ntopology = {{ tree = 1 }}\n\
         delay = \"7ms\"\nrate = \"250kbps\"\n\n",
        relays - 1,
    );
    // 100 B take 0.8 ms at 1 Mbit/s and 3.2 ms at 250 kbit/s.
    let exact = 2.8e6 + f64::from(relays) * (0.3e6 + 10.2e6);
    let way = Way {
        point: format!("{relays} relays, 100 B at 250 kbit/s"),
        network: &network,
        every: "1s",
        requests: 100,
        duration: "200s".to_owned(),
        warmup: "0s".to_owned(),
    };
    way.case(effort, vec![sojourn("way over the relays", 0, exact)])
}

/// Delivery over `relays` relays, each link of which loses with probability `p`: (1-p)^(relays+1).
fn lossy(effort: Effort, relays: u32, p: f64) -> Case {
    let network = format!(
        "[nodes.relay]\nrole = \"relay\"\ncount = {relays}\n\n\
         [links.in]\nbetween = [\"source\", \"relay\"]\n\
         topology = {{ edges = [[\"source\", \"relay[{}]\"]] }}\nloss = {p}\n\n\
         [links.line]\nbetween = [\"relay\", \"sink\"]\ntopology = {{ tree = 1 }}\nloss = {p}\n\n",
        relays - 1,
    );
    let requests = effort.scaled(50_000);
    let way = Way {
        point: format!("{relays} relays, p = {p}"),
        network: &network,
        every: "10ms",
        requests,
        duration: format!("{}ms", requests * 10),
        warmup: "0s".to_owned(),
    };
    let delivered = Quantity::observed(
        "delivered",
        "share",
        (1.0 - p).powi(relays.cast_signed() + 1),
        |observed| {
            let sessions = observed.sessions.iter();
            let done = sessions.filter(|session| session.success).count();
            share(done, observed.sessions.len())
        },
    );
    way.case(effort, vec![delivered])
}
