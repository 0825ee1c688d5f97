//! Radios: the power of each state, from `data/radios.toml`, where every value has its source.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use crate::profile::Basis;

const TEXT: &str = include_str!("../data/radios.toml");

/// A radio.
#[derive(Clone, Debug, PartialEq)]
pub struct Radio {
    /// Its name in the scenario file.
    pub name: String,
    /// One line: what it is.
    pub summary: String,
    /// Supply voltage, mV.
    pub supply_mv: u64,
    /// Power while sending, nW.
    pub tx_nw: u64,
    /// Power while receiving or listening, nW.
    pub rx_nw: u64,
    /// Power asleep, nW.
    pub sleep_nw: u64,
    /// Where the currents come from.
    pub basis: Basis,
    /// The source, in words.
    pub source: String,
}

impl Radio {
    /// What a reader of the results must know about it.
    pub(crate) fn assumption(&self) -> String {
        format!(
            "radio `{}`: its currents are {} ({})",
            self.name,
            match self.basis {
                Basis::EngineeringDefault => "an engineering default",
                _ => self.basis.as_str(),
            },
            self.source
        )
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    summary: String,
    supply_mv: u64,
    tx_ua: f64,
    rx_ua: f64,
    sleep_ua: f64,
    basis: Basis,
    source: String,
}

/// All radios, by name.
#[must_use]
pub fn all() -> &'static [Arc<Radio>] {
    static RADIOS: OnceLock<Vec<Arc<Radio>>> = OnceLock::new();
    RADIOS.get_or_init(|| {
        let data: BTreeMap<String, Entry> =
            toml::from_str(TEXT).expect("the embedded radios are well formed, as a test asserts");
        data.into_iter()
            .map(|(name, entry)| {
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_precision_loss,
                    reason = "a current of a data sheet times a voltage"
                )]
                let power = |ua: f64| (ua * entry.supply_mv as f64 + 0.5) as u64;
                Arc::new(Radio {
                    name,
                    tx_nw: power(entry.tx_ua),
                    rx_nw: power(entry.rx_ua),
                    sleep_nw: power(entry.sleep_ua),
                    summary: entry.summary,
                    supply_mv: entry.supply_mv,
                    basis: entry.basis,
                    source: entry.source,
                })
            })
            .collect()
    })
}

/// The names of all radios.
pub(crate) fn names() -> impl Iterator<Item = &'static str> + Clone {
    all().iter().map(|radio| radio.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 17.4 mA at 3 V and 250 kbit/s are 208.8 nJ a bit.
    #[test]
    fn a_bit_costs_what_the_literature_says() {
        let radio = all().iter().find(|radio| radio.name == "cc2420");
        let per_bit_nj = radio.map(|radio| radio.tx_nw * 4 / 1_000_000);
        assert_eq!(per_bit_nj, Some(208));
        assert_eq!(all().len(), names().count());
    }
}
