//! What is stored of a run: one line with a checksum.
//!
//! `<16 hexadecimal digits of SHA-256> <JSON>`: a line that a power cut tore, or that somebody
//! edited, is no record. Numbers are stored with nine significant digits, as the tables show them,
//! so that aggregates do not depend on whether a run was stored before.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use reports::format;

use super::plan::{PointKey, RunKey};
use crate::results::hex;

/// First line of a segment: what its records belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of this layout.
    pub badlink: u32,
    /// Name and version of the program.
    pub program: String,
    /// Key of the study.
    pub study: String,
}

/// The metrics that following records have values of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// Number that records refer to.
    pub columns: u32,
    /// Names of the metrics.
    pub names: Vec<String>,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its key.
    #[serde(with = "key")]
    pub key: RunKey,
    /// The point's key.
    #[serde(with = "key")]
    pub point: PointKey,
    /// Its replication.
    pub replication: u64,
    /// Its seed.
    pub seed: u64,
    /// Fingerprint; empty where it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fingerprint: String,
    /// Which [`Columns`] of the segment the values belong to.
    #[serde(default)]
    pub columns: u32,
    /// One value per metric, rounded to nine digits; `None` where there is none.
    #[serde(default)]
    pub values: Vec<Option<f64>>,
    /// Devices by attempts until they fell out of step for good: attempts, events, censored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifetimes: Vec<(u64, u64, u64)>,
    /// What batch means said of steady-state metrics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steady: Vec<Batched>,
    /// Files that were kept of it, with their sizes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<(String, u64)>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What batch means said of one metric of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batched {
    /// Its place among the columns.
    pub at: u32,
    /// Standard deviation of the batch means; `None` where there is no interval.
    pub deviation: Option<f64>,
    /// What was done, or why it could not be.
    pub method: String,
}

/// A line of a segment.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// The first line.
    Header(Header),
    /// Names of metrics.
    Columns(Columns),
    /// A run.
    Record(Box<Record>),
}

/// `value` as tables show it, as a number.
#[must_use]
pub fn rounded(value: Option<f64>) -> Option<f64> {
    value.and_then(format::rounded)
}

/// Appends a line with its checksum.
pub fn append(value: &impl Serialize, out: &mut Vec<u8>) {
    // Structs of texts and numbers always have a JSON form.
    let json = serde_json::to_string(value).unwrap_or_default();
    out.extend_from_slice(checksum(json.as_bytes()).as_bytes());
    out.push(b' ');
    out.extend_from_slice(json.as_bytes());
    out.push(b'\n');
}

/// The line whose bytes these are, its line feed taken off; `None` where the checksum is wrong.
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<Line> {
    let (sum, rest) = bytes.split_at_checked(16)?;
    let json = rest.strip_prefix(b" ")?;
    if checksum(json).as_bytes() != sum {
        return None;
    }
    serde_json::from_slice(json).ok()
}

fn checksum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..8])
}

mod key {
    //! Keys as hexadecimal text.

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(key: &[u8; 16], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&crate::results::hex(key))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 16], D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        super::parse_key(&text).ok_or_else(|| D::Error::custom("32 hexadecimal digits are wanted"))
    }
}

/// The key with these 32 hexadecimal digits.
#[must_use]
pub fn parse_key(text: &str) -> Option<[u8; 16]> {
    let number = (text.len() == 32 && text.is_ascii()).then(|| u128::from_str_radix(text, 16))?;
    Some(number.ok()?.to_be_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn record() -> Record {
        Record {
            key: [0xAB; 16],
            point: [1; 16],
            replication: 3,
            seed: 7,
            fingerprint: "ff".into(),
            columns: 1,
            values: vec![Some(0.1), None, Some(1e-9)],
            lifetimes: vec![(3, 1, 0)],
            steady: vec![Batched {
                at: 2,
                deviation: Some(0.5),
                method: "batch means".into(),
            }],
            files: Vec::new(),
            error: None,
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut bytes = Vec::new();
        append(&record(), &mut bytes);
        assert_eq!(bytes.pop(), Some(b'\n'));
        assert_eq!(parse(&bytes), Some(Line::Record(Box::new(record()))));
        let header = Header {
            badlink: 1,
            program: "badlink 0".into(),
            study: "x".into(),
        };
        let mut bytes = Vec::new();
        append(&header, &mut bytes);
        bytes.pop();
        assert_eq!(parse(&bytes), Some(Line::Header(header)));
    }

    #[test]
    fn any_changed_byte_and_any_cut_is_noticed() {
        let mut bytes = Vec::new();
        append(&record(), &mut bytes);
        bytes.pop();
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 1;
            assert_eq!(parse(&broken), None, "byte {at}");
            assert_eq!(parse(&bytes[..at]), None, "cut at {at}");
        }
    }
}
