//! What chance gives away: rows of a vault that have been used, challenges that come again, guesses.
//!
//! The challenge of `secure-vault` (k of n indices) is the number that all three look at: it passes in
//! clear in M2, and is one of M = C(n, k) values, each as probable as any other.
//!
//! **Source.** W. Feller, An Introduction to Probability Theory and Its Applications, vol. 1, 1968:
//! chapters II (birthdays) and IV (coupons, by inclusion and exclusion).

use std::collections::{BTreeMap, BTreeSet};

use super::observe::{FieldName, Observed};
use super::queues::share;
use super::{Case, Effort, Quantity, cases};

/// Ways to choose k of n.
pub(super) fn binomial(n: u32, k: u32) -> f64 {
    if k > n {
        return 0.0;
    }
    (0..k).fold(1.0, |ways, i| ways * f64::from(n - i) / f64::from(i + 1))
}

/// Mean number of draws of k of n until each has been drawn.
pub(super) fn draws_until_all(n: u32, k: u32) -> f64 {
    let all = binomial(n, k);
    (1..=n)
        .map(|j| {
            let sign = if j % 2 == 1 { 1.0 } else { -1.0 };
            sign * binomial(n, j) / (1.0 - binomial(n - j, k) / all)
        })
        .sum()
}

/// Devices that authenticate over a link without loss, with what stands on it.
struct Sessions<'a> {
    family: &'static str,
    point: String,
    devices: u64,
    sessions: u64,
    /// n keys, k indices in a challenge.
    vault: (u32, u32),
    adversary: &'a str,
}

impl Sessions<'_> {
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
params = {{ keys = {}, challenge = {} }}

[nodes.device]
role = "device"
count = {}

[nodes.server]
role = "server"

[links.path]
between = ["device", "server"]
delay = "10ms"

[workload.load]
from = "device"
to = "server"
do = "authenticate"
every = "1min"
count = {}
deadline = "10s"
{}"#,
            self.vault.0,
            self.vault.1,
            self.devices,
            self.sessions,
            self.adversary,
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

/// The challenge in M2.
const CHALLENGE: FieldName = ("M2", "c1");

/// The challenges that each device got, in order.
fn challenges(observed: &Observed) -> impl Iterator<Item = Vec<&[u8]>> {
    let mut by_device: BTreeMap<u32, Vec<&[u8]>> = BTreeMap::new();
    for (device, challenge) in &observed.fields {
        by_device.entry(*device).or_default().push(challenge);
    }
    by_device.into_values()
}

/// Sessions until challenges of k of n rows have named every row: what an observer of one device has
/// to wait for before it has seen each row in use.
pub(super) fn vault_exposure(effort: Effort) -> Vec<Case> {
    let point = |(n, k): (u32, u32)| {
        let exact = draws_until_all(n, k);
        // A row that is not named yet stays so with probability 1 - k/n.
        let unnamed = libm::log1p(-f64::from(k) / f64::from(n));
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small positive number"
        )]
        let sessions = libm::ceil(libm::log(1e-8 / f64::from(n)) / unnamed) as u64;
        let world = Sessions {
            family: "vault-exposure",
            point: format!("n = {n}, k = {k}"),
            devices: effort.scaled(250),
            sessions,
            vault: (n, k),
            adversary: "",
        };
        let name = ("sessions until every row was used", "count");
        let until = Quantity::field(name, CHALLENGE, exact, move |observed| {
            let all_named = |challenges: Vec<&[u8]>| {
                let mut rows = BTreeSet::new();
                let full = |challenge: &&[u8]| {
                    rows.extend(challenge.chunks(2).map(<[u8]>::to_vec));
                    rows.len() == n as usize
                };
                challenges.iter().position(full).map(|before| before + 1)
            };
            let until: Option<Vec<usize>> = challenges(observed).map(all_named).collect();
            until.and_then(|until| share(until.iter().sum(), until.len()))
        });
        world.case(effort, vec![until])
    };
    [(4, 2), (8, 3), (16, 4)].map(point).into()
}

/// Whether one of the first q challenges of a device comes twice: birthdays among M = C(n, k).
pub(super) fn nonce_collision(effort: Effort) -> Vec<Case> {
    let point = |(n, k, sessions): (u32, u32, u32)| {
        let values = binomial(n, k);
        let apart: f64 = (0..sessions).map(|i| 1.0 - f64::from(i) / values).product();
        let world = Sessions {
            family: "nonce-collision",
            point: format!("{sessions} of M = {values}"),
            devices: effort.scaled(1000),
            sessions: u64::from(sessions),
            vault: (n, k),
            adversary: "",
        };
        let name = ("devices with a value twice", "share");
        let again = Quantity::field(name, CHALLENGE, 1.0 - apart, move |observed| {
            let twice = |challenges: &Vec<&[u8]>| {
                let different: BTreeSet<&[u8]> = challenges.iter().copied().collect();
                different.len() < challenges.len()
            };
            let devices = challenges(observed).count();
            share(challenges(observed).filter(twice).count(), devices)
        });
        world.case(effort, vec![again])
    };
    [(16, 3, 10), (16, 3, 30), (8, 4, 8)].map(point).into()
}

/// An adversary that names q of the M challenges beforehand, and is right when one of them comes: it
/// keeps that M2 from the device.
pub(super) fn guessing(effort: Effort) -> Vec<Case> {
    let point = |(n, k, guesses): (u32, u32, u32)| {
        let values = binomial(n, k);
        let mut rules =
            String::from("\n[adversaries.guesser]\non = \"path\"\npowers = [\"drop\"]\n");
        // The first rows, and one after the other as the last.
        for last in k - 1..k - 1 + guesses {
            let rows = (0..k - 1).chain([last]);
            let named: String = rows.map(|row| format!("{row:04x}")).collect();
            rules += &format!(
                "\n[[adversaries.guesser.rules]]\nid = \"guess-{last}\"\nmatch = {{ message = \"M2\", \
                 fields = {{ c1 = \"0x{named}\" }} }}\naction = \"drop\"\n"
            );
        }
        let sessions = 20;
        let world = Sessions {
            family: "guessing",
            point: format!("{guesses} guesses of M = {values}"),
            devices: effort.scaled(500),
            sessions,
            vault: (n, k),
            adversary: &rules,
        };
        let right = f64::from(guesses) / values;
        let ever = -libm::expm1(sessions as f64 * libm::log1p(-right));
        let found = Quantity::observed("found within 20 sessions", "share", ever, |observed| {
            let mut hit: BTreeMap<u32, bool> = BTreeMap::new();
            for session in &observed.sessions {
                *hit.entry(session.initiator).or_default() |= !session.success;
            }
            share(hit.values().filter(|hit| **hit).count(), hit.len())
        });
        let each = Quantity::metric("right guesses", "share", "timeout_rate", right);
        world.case(effort, vec![each, found])
    };
    [(8, 3, 1), (8, 3, 4), (16, 2, 5)].map(point).into()
}
