//! Why a device that lags is now and then accepted when the challenge has an even size.
//!
//! The published update XORs *every* partition of the vault with the same `h` and with its own
//! number: `P_i' = P_i ^ h ^ word(i)`. A partition is as long as the hash, so it holds `c` keys
//! (SHA-512 and 128-bit keys: 4). Two vaults of which one was updated more often therefore differ
//! only by some unknown `x` of one partition's length that stands in every partition, and by
//! `word(i)` in the last byte of each when the numbers of updates differ by an odd number.
//!
//! `key(C)` is an XOR of keys, so `x` drops out of it when `C` takes an even number of keys from
//! every place within a partition, and the words drop out when the numbers of the partitions whose
//! last key is in `C` cancel. Such a `C` has an even number of indices: it needs no secret, both
//! ends compute the same key for it although their vaults differ. When the server draws one as C1,
//! it can read the M3 of a device that lags: it accepts, and updates once more. When the device has
//! drawn one as C2 as well, it reads M4, accepts too, and the session is good. The vaults stay as
//! they are, out of step: the divergence is `silent`, not `permanent`. An odd number of indices
//! takes an odd number of keys from some place, so `x` never drops out and nothing is accepted.
//!
//! With 8 keys and 4 indices, 3 of 70 sets are such after one lost M4, and 6 of 70 once the lag is
//! even. The closed forms below count them; the simulation has to agree.

use reports::statistics::proportion::{clopper_pearson, garwood};
use scenarios::host::attempt::Outcome;
use scenarios::oracle::EpisodeKind;

use crate::simulation::{Closed, LEVEL, Ledger, of_kind, permanent, run_into, scenario};

/// A vault as far as this question goes.
#[derive(Clone, Copy, Debug)]
struct Shape {
    keys: u32,
    challenge: u32,
    key_bits: u32,
    update_hash: &'static str,
}

impl Shape {
    const DEFAULT: Self = Self {
        keys: 8,
        challenge: 4,
        key_bits: 128,
        update_hash: "sha512",
    };

    /// Keys per partition.
    fn per_partition(self) -> u32 {
        let hash_bits = if self.update_hash == "sha512" {
            512
        } else {
            256
        };
        hash_bits / self.key_bits
    }

    /// Sets of `challenge` indices, and those among them for which a lagging vault gives the same
    /// key; `odd` when the numbers of updates differ by an odd number.
    fn sets(self, odd: bool) -> (u64, u64) {
        let (mut all, mut blind) = (0, 0);
        for set in 0..1_u64 << self.keys {
            if set.count_ones() != self.challenge {
                continue;
            }
            all += 1;
            let chosen = || (0..self.keys).filter(|key| set >> key & 1 == 1);
            let c = self.per_partition();
            let even = (0..c).all(|place| chosen().filter(|key| key % c == place).count() % 2 == 0);
            let words = chosen()
                .filter(|key| key % c == c - 1)
                .fold(0, |word, key| word ^ (key / c));
            blind += u64::from(even && !(odd && words != 0));
        }
        (all, blind)
    }

    /// Probabilities that an attempt of a lagging device is accepted by the server, and by both.
    /// C2 is any set but C1.
    fn accepted(self, odd: bool) -> (f64, f64) {
        let (all, blind) = self.sets(odd);
        #[allow(clippy::cast_precision_loss, reason = "a few thousand sets")]
        let share = |part: u64, whole: u64| part as f64 / whole as f64;
        let server = share(blind, all);
        (server, server * share(blind.saturating_sub(1), all - 1))
    }

    /// Devices whose first M4 is dropped and that then make `attempts` honest attempts.
    fn text(self, devices: u32, attempts: u32, seed: u64) -> String {
        let Self {
            keys,
            challenge,
            key_bits,
            update_hash,
        } = self;
        format!(
            r#"
schema = 1
[scenario]
name = "lag"
[run]
duration = "{}s"
seed = {seed}
[protocol]
name = "secure-vault"
params = {{ keys = {keys}, challenge = {challenge}, key_bits = {key_bits}, update_hash = "{update_hash}" }}
[nodes.device]
role = "device"
count = {devices}
start = "uniform(0s, 15s)"
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
delay = "20ms"
[workload.reauth]
from = "device"
to = "server"
do = "authenticate"
every = "15s"
count = {}
[adversaries.mitm]
on = "access"
powers = ["drop"]
[[adversaries.mitm.rules]]
id = "first-final"
match = {{ direction = "down", message = "M4", nth = 1 }}
action = "drop"
[output]
traces = []
figures = []
"#,
            15 * (attempts + 2),
            attempts + 1,
        )
    }
}

/// What honest attempts of lagging devices came to.
struct Observed {
    /// All of them, in the order of their ends.
    attempts: Vec<Closed>,
    permanent: usize,
    silent: usize,
}

fn observe(shape: Shape, devices: u32, attempts: u32, seed: u64) -> Observed {
    let mut ledger = Ledger::default();
    let finished = run_into(&scenario(&shape.text(devices, attempts, seed)), &mut ledger);
    let (first, later): (Vec<Closed>, Vec<Closed>) = ledger
        .closed
        .into_iter()
        .partition(|closed| closed.number == 1);
    assert!(
        first
            .iter()
            .all(|closed| closed.outcome == Outcome::HalfOpen),
        "the dropped M4"
    );
    assert_eq!(later.len(), (devices * attempts) as usize);
    let silent = of_kind(&finished, EpisodeKind::Silent).len();
    let permanent = permanent(&finished).len();
    assert_eq!(
        permanent + silent,
        devices as usize,
        "nobody comes into step again"
    );
    Observed {
        attempts: later,
        permanent,
        silent,
    }
}

#[test]
fn three_of_seventy_sets_are_blind_after_one_lost_message_and_six_once_the_lag_is_even() {
    assert_eq!(Shape::DEFAULT.sets(true), (70, 3));
    assert_eq!(Shape::DEFAULT.sets(false), (70, 6));
}

#[test]
fn with_an_odd_challenge_a_lagging_device_is_never_accepted() {
    for challenge in [1, 3, 5, 7] {
        let shape = Shape {
            challenge,
            ..Shape::DEFAULT
        };
        assert_eq!((shape.sets(true).1, shape.sets(false).1), (0, 0));
        let seen = observe(shape, 200, 20, 200 + u64::from(challenge));
        assert!(
            seen.attempts
                .iter()
                .all(|closed| closed.outcome == Outcome::Rejected)
        );
        assert_eq!(seen.silent, 0, "every divergence is permanent");
    }
}

#[test]
fn with_an_even_challenge_the_server_accepts_a_lagging_device_as_often_as_sets_are_blind() {
    let shapes = [
        (Shape::DEFAULT, 6000, 300),
        (
            Shape {
                challenge: 2,
                ..Shape::DEFAULT
            },
            3000,
            301,
        ),
        (
            Shape {
                challenge: 6,
                ..Shape::DEFAULT
            },
            6000,
            302,
        ),
        (
            Shape {
                update_hash: "sha256",
                ..Shape::DEFAULT
            },
            3000,
            303,
        ),
        (
            Shape {
                keys: 16,
                challenge: 4,
                ..Shape::DEFAULT
            },
            6000,
            304,
        ),
        (
            Shape {
                key_bits: 256,
                ..Shape::DEFAULT
            },
            3000,
            305,
        ),
    ];
    for (shape, devices, seed) in shapes {
        // The second attempt of every device is its first one after exactly one lost M4.
        let seen = observe(shape, devices, 1, seed);
        let server = |closed: &&Closed| closed.outcome != Outcome::Rejected;
        let accepted = seen.attempts.iter().filter(server).count() as u64;
        let (expected, _) = shape.accepted(true);
        let interval = clopper_pearson(accepted, u64::from(devices), LEVEL).unwrap();
        assert!(
            interval.low <= expected && expected <= interval.high,
            "{shape:?}: {accepted} of {devices} and not {expected}"
        );
    }
}

#[test]
fn with_an_even_challenge_sessions_of_lagging_devices_succeed_at_the_rate_of_two_blind_sets() {
    let shape = Shape::DEFAULT;
    let seen = observe(shape, 2000, 40, 400);
    // Every acceptance by the server alone changes whether the lag is odd: a device's history says
    // which rate its next attempt has.
    let mut odd = std::collections::BTreeMap::new();
    let (mut expected, mut both, mut alone) = (0.0, 0, 0);
    for closed in &seen.attempts {
        let odd = odd.entry(closed.initiator).or_insert(true);
        expected += shape.accepted(*odd).1;
        match closed.outcome {
            Outcome::Accepted => both += 1,
            Outcome::HalfOpen => {
                alone += 1;
                *odd = !*odd;
            }
            _ => assert_eq!(closed.outcome, Outcome::Rejected),
        }
    }
    let interval = garwood(both, LEVEL);
    assert!(
        both > 100 && alone > 2000,
        "{both} by both, {alone} by the server alone"
    );
    assert!(
        interval.low <= expected && expected <= interval.high,
        "{both} sessions of lagging devices and not {expected}"
    );
    assert!(
        seen.silent > 20,
        "some succeed within the 20 attempts of the continuation"
    );
    assert!(seen.permanent > 1500, "most do not");
}
