//! Device profiles: what computing and durable writes cost in time and energy.
//!
//! **Model.** An operation of a primitive costs `calls * call + blocks * block + bytes * byte`, where
//! the number of blocks follows from the primitive's own padding (see [`Profile::cost_ns`]); energy
//! is active power times time. All arithmetic is in integers of picoseconds, so costs are equal on
//! every machine. The same code on the same core differs by the factor k between builds and
//! compilers; [`Profile::symmetric_band`] and [`Profile::public_key_band`] give its usual range.
//!
//! **Source.** Every value stands in `data/profiles.toml` with its basis and its source.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use protocols::meter::{Operation, Primitive};
use serde::Deserialize;

const TEXT: &str = include_str!("../data/profiles.toml");

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
    /// Usual range of the factor k for hashes, ciphers and everything else: from, to.
    pub symmetric_band: (f64, f64),
    /// Usual range of the factor k for RSA and powers: from, to.
    pub public_key_band: (f64, f64),
    /// By primitive, in the order of [`Primitive::ALL`].
    costs: Vec<Cost>,
}

/// What one primitive costs.
#[derive(Clone, Debug)]
pub struct Cost {
    call_ps: u64,
    block_ps: u64,
    byte_ps: u64,
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
    /// `(m / 256)^2` and a private one or a power `(m / 256)^3` of the cost at 256 bytes.
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
        let mut block_ps = blocks * u128::from(cost.block_ps);
        for _ in 0..degree {
            block_ps = block_ps.saturating_mul(each) / MODULUS_BYTES;
        }
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

    /// What a reader of the results must know about it.
    pub(crate) fn assumption(&self) -> String {
        let of = |basis: Basis| self.costs.iter().filter(|cost| cost.basis == basis).count();
        format!(
            "profile `{}`: {} of its costs are published, {} derived, {} engineering defaults; other \
             builds differ by factors of {} to {} (symmetric) and {} to {} (public key)",
            self.name,
            of(Basis::Published),
            of(Basis::Derived),
            of(Basis::EngineeringDefault),
            self.symmetric_band.0,
            self.symmetric_band.1,
            self.public_key_band.0,
            self.public_key_band.1,
        )
    }
}

/// All profiles, by name.
#[must_use]
pub fn all() -> &'static [Arc<Profile>] {
    static PROFILES: OnceLock<Vec<Arc<Profile>>> = OnceLock::new();
    PROFILES.get_or_init(|| {
        let data: BTreeMap<String, Entry> =
            toml::from_str(TEXT).expect("the embedded profiles are well formed, as a test asserts");
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

/// A profile as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    summary: String,
    clock_hz: u64,
    active_power_uw: u64,
    power_basis: String,
    power_source: String,
    symmetric_band: (f64, f64),
    public_key_band: (f64, f64),
    costs: BTreeMap<String, CostEntry>,
}

/// A cost as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CostEntry {
    #[serde(default)]
    call_ns: f64,
    #[serde(default)]
    block_ns: f64,
    #[serde(default)]
    byte_ns: f64,
    basis: Basis,
    source: String,
}

impl Entry {
    fn into_profile(mut self, name: String) -> Profile {
        let picoseconds = |ns: f64| libm::round(ns * 1_000.0) as u64;
        let mut take = |primitive: Primitive| {
            let entry = self
                .costs
                .remove(primitive.as_str())
                .expect("every profile prices every primitive, as a test asserts");
            Cost {
                call_ps: picoseconds(entry.call_ns),
                block_ps: picoseconds(entry.block_ns),
                byte_ps: picoseconds(entry.byte_ns),
                basis: entry.basis,
                source: entry.source,
            }
        };
        Profile {
            costs: Primitive::ALL.into_iter().map(&mut take).collect(),
            name,
            summary: self.summary,
            clock_hz: self.clock_hz,
            active_power_uw: self.active_power_uw,
            power_basis: format!("{}: {}", self.power_basis, self.power_source),
            symmetric_band: self.symmetric_band,
            public_key_band: self.public_key_band,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cost(profile: &str, primitive: Primitive, count: u32, bytes: u32) -> u64 {
        let operation = Operation {
            primitive,
            phase: 0,
            count,
            bytes,
        };
        find(profile).unwrap().cost_ns(&operation)
    }

    #[test]
    fn every_profile_prices_every_primitive_and_no_other() {
        let data: BTreeMap<String, Entry> = toml::from_str(TEXT).unwrap();
        for (name, entry) in &data {
            let mut priced: Vec<&str> = entry.costs.keys().map(String::as_str).collect();
            let mut all: Vec<&str> = Primitive::ALL.iter().map(|known| known.as_str()).collect();
            priced.sort_unstable();
            all.sort_unstable();
            assert_eq!(priced, all, "{name}");
        }
        assert_eq!(all().len(), data.len());
    }

    #[test]
    fn hashes_pay_for_their_padding() {
        let block = 73_790;
        assert_eq!(cost("cortex-m4-80mhz", Primitive::Sha256, 1, 55), block);
        assert_eq!(cost("cortex-m4-80mhz", Primitive::Sha256, 1, 56), 2 * block);
        assert_eq!(
            cost("cortex-m4-80mhz", Primitive::HmacSha256, 1, 32),
            4 * block
        );
        assert_eq!(cost("cortex-m4-80mhz", Primitive::Kdf, 1, 48), 12 * block);
    }

    #[test]
    fn rsa_scales_with_its_modulus() {
        let public = 44_500_000;
        assert_eq!(
            cost("cortex-m4-80mhz", Primitive::RsaPublic, 1, 256),
            public
        );
        assert_eq!(
            cost("cortex-m4-80mhz", Primitive::RsaPublic, 1, 512),
            4 * public
        );
        let private = 2_822_000_000;
        assert_eq!(
            cost("cortex-m4-80mhz", Primitive::RsaPrivate, 1, 512),
            8 * private
        );
    }

    #[test]
    fn a_durable_write_is_set_up_once_and_pays_by_the_byte() {
        let time = cost("cortex-m4-80mhz", Primitive::DurableWrite, 1, 128);
        assert_eq!(time, 85_000_000 + 128 * 10_250);
    }

    #[test]
    fn energy_is_power_times_time() {
        // 27 mW for 1 ms are 27 uJ.
        assert_eq!(
            find("cortex-m4-80mhz").unwrap().energy_nj(1_000_000),
            27_000
        );
    }
}
