//! Device profiles: what computing and durable writes cost in time and energy.
//!
//! **Model.** An operation of a primitive costs `calls * call + blocks * block + bytes * byte`, where
//! the number of blocks follows from the primitive's own padding (see [`Profile::cost_ns`]); energy
//! is active power times time. All arithmetic is in integers of picoseconds, so costs are equal on
//! every machine. The same code on the same core differs by the factor k between builds and
//! compilers; [`Profile::symmetric_band`] and [`Profile::public_key_band`] give its usual range, and
//! a scenario may set it ([`Profile::with_factors`]).
//!
//! **Source.** Every value stands in `data/profiles/` with its basis and its source.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use protocols::meter::{Operation, Primitive};
use serde::Deserialize;

mod entry;

use entry::Entry;

/// The files of profiles.
const TEXTS: [&str; 3] = [
    include_str!("../data/profiles/avr.toml"),
    include_str!("../data/profiles/microcontrollers.toml"),
    include_str!("../data/profiles/linux.toml"),
];

/// Modulus for which the costs of RSA and of powers are given, bytes.
const MODULUS_BYTES: u128 = 256;

/// A device class.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name in the scenario file.
    pub name: String,
    /// One line: what it stands for.
    pub summary: String,
    /// Clock rate of the core, Hz.
    pub clock_hz: u64,
    /// Power while computing, microwatts.
    pub active_power_uw: u64,
    /// Basis and source of the power, in words.
    pub power_basis: String,
    /// The factors k that these costs hold: symmetric and public key; 1 and 1 as published.
    pub factors: Factors,
    /// Usual range of the factor k for hashes, ciphers and all other computing: from, to.
    pub symmetric_band: (f64, f64),
    /// Usual range of the factor k for RSA and powers: from, to.
    pub public_key_band: (f64, f64),
    /// Durable writes that a place of its storage stands; `None`: more than any run has.
    pub endurance: Option<Endurance>,
    /// By primitive, in the order of [`Primitive::ALL`].
    costs: Vec<Cost>,
}

/// How many durable writes a place of storage stands.
#[derive(Clone, Debug)]
pub struct Endurance {
    /// Writes, each with an erasure where the part needs one.
    pub writes: u64,
    /// Where the number comes from.
    pub basis: Basis,
    /// The source, in words.
    pub source: String,
}

/// How much slower this build is than the one behind the profile's numbers: 2 takes twice the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// Of hashes, ciphers and all other computing; not of storage.
    pub symmetric: f64,
    /// Of RSA and powers.
    pub public_key: f64,
}

impl Factors {
    /// As published.
    pub const ONE: Self = Self {
        symmetric: 1.0,
        public_key: 1.0,
    };

    /// The factor of a primitive: storage belongs to the part, not to the build.
    fn of(self, primitive: Primitive) -> f64 {
        match primitive {
            Primitive::RsaPublic | Primitive::RsaPrivate | Primitive::ModPow => self.public_key,
            Primitive::DurableWrite | Primitive::DbRead => 1.0,
            _ => self.symmetric,
        }
    }
}

/// What one primitive costs.
#[derive(Clone, Debug)]
pub struct Cost {
    call_ps: u64,
    block_ps: u64,
    byte_ps: u64,
    /// The block at twice the modulus (4096 bits), where that was measured too.
    double_ps: Option<u64>,
    /// Where the value comes from.
    pub basis: Basis,
    /// The source or the derivation, in words.
    pub source: String,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Basis {
    /// Read in the source named.
    #[serde(rename = "published")]
    Published,
    /// Follows from published values by the formula named.
    #[serde(rename = "derived")]
    Derived,
    /// No publication behind it.
    #[serde(rename = "engineering default")]
    EngineeringDefault,
}

impl Basis {
    /// Its name in lists.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Derived => "derived",
            Self::EngineeringDefault => "engineering default",
        }
    }
}

impl Profile {
    /// Time for one operation, ns, rounded to the nearest.
    ///
    /// Blocks of a call on `n` bytes: SHA-1 and SHA-256 `ceil((n + 9) / 64)`, SHA-512
    /// `ceil((n + 17) / 128)`, HMAC three more (inner key, outer key, outer digest), a key
    /// derivation one HMAC of 4 blocks for the extraction and one for every 32 derived bytes. AES
    /// and GHASH count blocks themselves. With a modulus of `m` bytes, a public RSA operation costs
    /// `(m / 256)^2` and a private one or a power `(m / 256)^3` of the cost at 256 bytes. Where 512
    /// bytes were measured too, sizes between lie on the power law through both points, and larger
    /// ones grow from the second.
    #[must_use]
    pub fn cost_ns(&self, operation: &Operation) -> u64 {
        let cost = self.cost(operation.primitive);
        let count = u128::from(operation.count);
        let bytes = u128::from(operation.bytes);
        let each = bytes.div_ceil(count.max(1));
        let (calls, blocks, degree) = match operation.primitive {
            Primitive::Sha1 | Primitive::Sha256 => (count, count * (each + 9).div_ceil(64), 0),
            Primitive::Sha512 => (count, count * (each + 17).div_ceil(128), 0),
            Primitive::HmacSha256 => (count, count * (3 + (each + 9).div_ceil(64)), 0),
            Primitive::HmacSha512 => (count, count * (3 + (each + 17).div_ceil(128)), 0),
            Primitive::Kdf => (count, count * (4 + 4 * each.div_ceil(32)), 0),
            Primitive::Aes128Encrypt
            | Primitive::Aes128Decrypt
            | Primitive::Aes256Encrypt
            | Primitive::Aes256Decrypt
            | Primitive::Ghash => (0, count, 0),
            Primitive::RsaPublic => (count, count, 2),
            Primitive::RsaPrivate | Primitive::ModPow => (count, count, 3),
            _ => (count, 0, 0),
        };
        let block_ps = if degree == 0 {
            blocks * u128::from(cost.block_ps)
        } else {
            blocks.saturating_mul(cost.at_modulus(each, degree))
        };
        let total_ps =
            calls * u128::from(cost.call_ps) + block_ps + bytes * u128::from(cost.byte_ps);
        u64::try_from((total_ps + 500) / 1_000).unwrap_or(u64::MAX)
    }

    /// Energy of being busy for a time, nJ, rounded to the nearest.
    #[must_use]
    pub fn energy_nj(&self, busy_ns: u64) -> u64 {
        let energy = u128::from(busy_ns) * u128::from(self.active_power_uw);
        u64::try_from((energy + 500_000) / 1_000_000).unwrap_or(u64::MAX)
    }

    /// What one primitive costs and why.
    #[must_use]
    pub fn cost(&self, primitive: Primitive) -> &Cost {
        &self.costs[primitive as usize]
    }

    /// The primitives whose cost has no publication behind it.
    pub fn guessed(&self) -> impl Iterator<Item = &'static str> + '_ {
        Primitive::ALL
            .into_iter()
            .filter(|primitive| self.cost(*primitive).basis == Basis::EngineeringDefault)
            .map(Primitive::as_str)
    }

    /// The same device with a build that is slower by these factors.
    #[must_use]
    pub fn with_factors(&self, factors: Factors) -> Self {
        let scaled = |(primitive, cost): (Primitive, &Cost)| {
            let factor = factors.of(primitive);
            #[allow(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "positive, exact below 2^53 ps, and such casts saturate"
            )]
            let times = |ps: u64| libm::round(ps as f64 * factor) as u64;
            Cost {
                call_ps: times(cost.call_ps),
                block_ps: times(cost.block_ps),
                byte_ps: times(cost.byte_ps),
                double_ps: cost.double_ps.map(times),
                basis: cost.basis,
                source: cost.source.clone(),
            }
        };
        Self {
            factors,
            costs: Primitive::ALL
                .into_iter()
                .zip(&self.costs)
                .map(scaled)
                .collect(),
            ..self.clone()
        }
    }

    /// What a reader of the results must know about it.
    pub(crate) fn assumption(&self) -> String {
        let of = |basis: Basis| self.costs.iter().filter(|cost| cost.basis == basis).count();
        let Factors {
            symmetric,
            public_key,
        } = self.factors;
        let taken = if self.factors == Factors::ONE {
            String::new()
        } else {
            format!(", here taken {symmetric} (symmetric) and {public_key} (public key)")
        };
        format!(
            "profile `{}`: {} of its costs are published, {} derived, {} engineering defaults ({}), \
             its power {}; other builds differ by factors of {} to {} (symmetric) and {} to {} \
             (public key){taken}",
            self.name,
            of(Basis::Published),
            of(Basis::Derived),
            of(Basis::EngineeringDefault),
            self.guessed().collect::<Vec<_>>().join(", "),
            self.power_basis,
            self.symmetric_band.0,
            self.symmetric_band.1,
            self.public_key_band.0,
            self.public_key_band.1,
        )
    }
}

impl Cost {
    /// One operation with a modulus of so many bytes, ps.
    fn at_modulus(&self, bytes: u128, degree: u32) -> u128 {
        let power = |mut ps: u128, base: u128| {
            for _ in 0..degree {
                ps = ps.saturating_mul(bytes) / base;
            }
            ps
        };
        match self.double_ps {
            Some(double) if bytes >= 2 * MODULUS_BYTES => {
                power(u128::from(double), 2 * MODULUS_BYTES)
            }
            Some(double) if bytes > MODULUS_BYTES => {
                #[allow(
                    clippy::cast_precision_loss,
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "positive, and picoseconds of a measured time need no 53 bits"
                )]
                let ps = {
                    let (single, double) = (self.block_ps as f64, double as f64);
                    let octaves = libm::log2(bytes as f64 / MODULUS_BYTES as f64);
                    libm::round(single * libm::pow(double / single, octaves)) as u128
                };
                ps
            }
            _ => power(u128::from(self.block_ps), MODULUS_BYTES),
        }
    }
}

/// All profiles, by name.
#[must_use]
pub fn all() -> &'static [Arc<Profile>] {
    static PROFILES: OnceLock<Vec<Arc<Profile>>> = OnceLock::new();
    PROFILES.get_or_init(|| {
        let mut data = BTreeMap::new();
        for text in TEXTS {
            let file: BTreeMap<String, Entry> = toml::from_str(text)
                .expect("the embedded profiles are well formed, as a test asserts");
            data.extend(file);
        }
        data.into_iter()
            .map(|(name, entry)| Arc::new(entry.into_profile(name)))
            .collect()
    })
}

/// The names of all profiles.
pub(crate) fn names() -> impl Iterator<Item = &'static str> + Clone {
    all().iter().map(|profile| profile.name.as_str())
}

/// The profile of this name.
pub(crate) fn find(name: &str) -> Option<Arc<Profile>> {
    all().iter().find(|profile| profile.name == name).cloned()
}

#[cfg(test)]
mod tests;
