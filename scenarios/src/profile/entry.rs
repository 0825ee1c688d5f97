//! Profiles as their files have them.

use std::collections::BTreeMap;

use protocols::meter::Primitive;
use serde::Deserialize;

use super::{Basis, Cost, Endurance, Factors, Profile};

/// A profile as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    summary: String,
    clock_hz: u64,
    active_power_uw: u64,
    power_basis: String,
    power_source: String,
    symmetric_band: (f64, f64),
    public_key_band: (f64, f64),
    endurance: Option<EnduranceEntry>,
    pub(super) costs: BTreeMap<String, CostEntry>,
}

/// What storage stands, as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnduranceEntry {
    writes: u64,
    basis: Basis,
    source: String,
}

/// A cost as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CostEntry {
    #[serde(default)]
    call_ns: f64,
    #[serde(default)]
    block_ns: f64,
    #[serde(default)]
    byte_ns: f64,
    block_4096_ns: Option<f64>,
    basis: Basis,
    source: String,
}

impl Entry {
    pub(super) fn into_profile(mut self, name: String) -> Profile {
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
                double_ps: entry.block_4096_ns.map(picoseconds),
                basis: entry.basis,
                source: entry.source,
            }
        };
        Profile {
            costs: Primitive::ALL.into_iter().map(&mut take).collect(),
            name,
            summary: self.summary,
            clock_hz: self.clock_hz,
            factors: Factors::ONE,
            active_power_uw: self.active_power_uw,
            power_basis: format!("{}: {}", self.power_basis, self.power_source),
            symmetric_band: self.symmetric_band,
            public_key_band: self.public_key_band,
            endurance: self.endurance.map(|endurance| Endurance {
                writes: endurance.writes,
                basis: endurance.basis,
                source: endurance.source,
            }),
        }
    }
}
