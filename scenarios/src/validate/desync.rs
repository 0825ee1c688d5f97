//! Loss of step: `secure-vault` as published, in which one lost message ends it for good.

use super::observe::{Life, Observed};
use super::queues::share;
use super::{Case, Effort, Quantity, cases};

/// Devices that authenticate again and again.
struct World<'a> {
    family: &'static str,
    point: String,
    devices: u64,
    attempts: u64,
    /// `loss` of the link, and an adversary.
    trouble: &'a str,
    /// Further keys of the link, a line each.
    loss: String,
}

impl World<'_> {
    fn case(self, effort: Effort, quantities: Vec<Quantity>) -> Case {
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
name = "secure-vault"
variant = "as-published"
params = {{ challenge = 3 }}

[nodes.device]
role = "device"
count = {}

[nodes.server]
role = "server"

[links.path]
between = ["device", "server"]
delay = "10ms"
{}

[workload.load]
from = "device"
to = "server"
do = "authenticate"
every = "1min"
count = {}
deadline = "10s"
{}"#,
            self.devices,
            self.loss,
            self.attempts,
            self.trouble,
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

/// Drops the last message with a probability, and nothing else.
fn drop_last(p: f64) -> String {
    format!(
        r#"
[adversaries.mitm]
on = "path"
powers = ["drop"]

[[adversaries.mitm.rules]]
id = "drop-final"
match = {{ direction = "down", message = "M4" }}
action = "drop"
probability = {p}
"#
    )
}

/// Attempts of lost devices up to the loss.
fn attempts(observed: &Observed) -> impl Iterator<Item = f64> + Clone + '_ {
    observed
        .lives
        .iter()
        .filter_map(|life| life.attempts.map(f64::from))
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let count = values.clone().count();
    #[allow(clippy::cast_precision_loss, reason = "a number of devices")]
    let mean = values.sum::<f64>() / count as f64;
    (count > 0).then_some(mean)
}

fn mean_attempts(exact: f64) -> Quantity {
    Quantity::observed("attempts up to the loss", "count", exact, |observed| {
        mean(attempts(observed))
    })
}

/// Attempts after which a fleet of losses with probability `d` is lost but for one in 10^7.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive number"
)]
fn all_lost_after(d: f64) -> u64 {
    libm::ceil(libm::log(1e-7) / libm::log1p(-d)) as u64
}

/// Only the last message is lost.
pub(super) fn last_message(effort: Effort) -> Vec<Case> {
    let mut cases = Vec::new();
    for p in [0.05, 0.2] {
        let trouble = drop_last(p);
        let world = |point: String, attempts| World {
            family: "desync-last-message",
            point,
            devices: effort.scaled(250),
            attempts,
            trouble: &trouble,
            loss: String::new(),
        };
        let n = 10u32;
        let survival = Quantity::metric(
            "lost after n attempts",
            "share",
            "desync_rate",
            1.0 - libm::pow(1.0 - p, f64::from(n)),
        );
        let until = world(format!("p = {p}, n = {n}"), u64::from(n));
        cases.push(until.case(effort, vec![survival]));
        let to_the_end = world(format!("p = {p}, to the last device"), all_lost_after(p));
        let variance = (1.0 - p) / (p * p);
        let squares = Quantity::observed("variance of it", "count^2", variance, move |observed| {
            mean(attempts(observed).map(|n| (n - 1.0 / p) * (n - 1.0 / p)))
        });
        cases.push(to_the_end.case(effort, vec![mean_attempts(1.0 / p), squares]));
    }
    cases
}

/// Every message is lost with the same probability; only the loss of the last one is fatal.
pub(super) fn any_message(effort: Effort) -> Vec<Case> {
    let point = |p: f64| {
        let fatal = (1.0 - p) * (1.0 - p) * (1.0 - p) * p;
        let world = World {
            family: "desync-k-messages",
            point: format!("k = 4, p = {p}"),
            devices: effort.scaled(250),
            attempts: all_lost_after(fatal),
            trouble: "",
            loss: format!("loss = {p}"),
        };
        let successes =
            Quantity::observed("successes before", "count", (1.0 - p) / p, |observed| {
                let lost = |life: &&Life| life.attempts.is_some();
                let lives = observed.lives.iter().filter(lost);
                mean(lives.map(|life| f64::from(life.successes)))
            });
        world.case(effort, vec![mean_attempts(1.0 / fatal), successes])
    };
    [0.1, 0.3].map(point).into()
}

/// Messages from the server are repeated by the link up to R times: M2's loss harms nothing, M4's is
/// fatal, and either takes R+1 losses in a row.
pub(super) fn repeats(effort: Effort) -> Vec<Case> {
    let point = |(p, retries): (f64, i32)| {
        let lost = p.powi(retries + 1);
        let fatal = (1.0 - lost) * lost;
        let world = World {
            family: "desync-repeats",
            point: format!("p = {p} from the server, R = {retries}"),
            devices: effort.scaled(250),
            attempts: all_lost_after(fatal),
            trouble: "",
            loss: format!(
                "loss = {{ up = 0, down = {p} }}\narq = {{ retries = {retries}, timeout = \"1ms\" }}"
            ),
        };
        world.case(effort, vec![mean_attempts(1.0 / fatal)])
    };
    [(0.3, 1), (0.5, 3)].map(point).into()
}

/// Loss of step under bursts: messages from the server meet a Gilbert chain that steps with time, the
/// others arrive. M2, M4 and sessions are far apart, so each of the two is lost with P = p/(p+r) alone,
/// and the link's R repetitions, one slot apart, with P (1-r)^R. Loss that lived in the packet would
/// give P^(R+1).
pub(super) fn bursts(effort: Effort) -> Vec<Case> {
    let mut cases = super::loss::bursts(effort);
    for (p, r, retries) in [(0.05, 0.2, 0), (0.05, 0.2, 1), (0.1, 0.3, 2)] {
        let bad: f64 = p / (p + r);
        let lost = bad * libm::pow(1.0 - r, f64::from(retries));
        let fatal = (1.0 - lost) * lost;
        let world = World {
            family: "bursts",
            point: format!(
                "loss of step, p = {p}, r = {r} per 100us, {retries} repeats every 100us"
            ),
            devices: effort.scaled(250),
            attempts: all_lost_after(fatal),
            trouble: "",
            loss: format!(
                "loss = {{ up = 0, down = {{ model = \"gilbert\", good_to_bad = {p}, bad_to_good = {r}, \
                 per = \"slot\", slot = \"100us\" }} }}\narq = {{ retries = {retries}, timeout = \"100us\" }}"
            ),
        };
        let successes = Quantity::observed(
            "successes before",
            "count",
            (1.0 - lost) / lost,
            |observed| {
                let lost = |life: &&Life| life.attempts.is_some();
                let lives = observed.lives.iter().filter(lost);
                mean(lives.map(|life| f64::from(life.successes)))
            },
        );
        cases.push(world.case(effort, vec![mean_attempts(1.0 / fatal), successes]));
    }
    cases
}

/// The first and the last of N devices to be lost.
pub(super) fn fleet(effort: Effort) -> Vec<Case> {
    let point = |(p, size): (f64, usize)| {
        let trouble = drop_last(p);
        let world = World {
            family: "fleet",
            point: format!("N = {size}, d = {p}"),
            devices: effort.scaled(50) * size as u64,
            attempts: all_lost_after(p),
            trouble: &trouble,
            loss: String::new(),
        };
        #[allow(clippy::cast_precision_loss, reason = "a small fleet")]
        let number = size as f64;
        let first = 1.0 / (1.0 - libm::pow(1.0 - p, number));
        let last: f64 = (0..10_000)
            .map(|t| 1.0 - libm::pow(1.0 - libm::pow(1.0 - p, f64::from(t)), number))
            .sum();
        // Devices are independent, so one run holds many fleets.
        let over_fleets = move |observed: &Observed, pick: fn(u32, u32) -> u32| {
            let fleets = observed.lives.chunks_exact(size);
            let extreme =
                |fleet: &[Life]| fleet.iter().filter_map(|life| life.attempts).reduce(pick);
            let picked: Vec<f64> = fleets.filter_map(extreme).map(f64::from).collect();
            mean(picked.iter().copied())
        };
        world.case(
            effort,
            vec![
                Quantity::observed(
                    "attempts up to the first",
                    "count",
                    first,
                    move |observed| over_fleets(observed, u32::min),
                ),
                Quantity::observed("attempts up to the last", "count", last, move |observed| {
                    over_fleets(observed, u32::max)
                }),
                Quantity::observed("devices lost", "share", 1.0, |observed| {
                    share(attempts(observed).count(), observed.lives.len())
                }),
            ],
        )
    };
    [(0.1, 5), (0.05, 20)].map(point).into()
}
