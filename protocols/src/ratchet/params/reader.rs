//! Reads given values and refuses those out of range.

use super::declared::PARAMS;
use crate::parameter::{ParameterError, ParameterKind, Value, Values};
use crate::ratchet::choice::{Choice, Defence, Variant};

/// Reads typed values and checks them against [`PARAMS`].
pub(super) struct Reader<'a> {
    /// What is given.
    pub(super) given: &'a Values,
}

impl Reader<'_> {
    fn kind(name: &str) -> Option<ParameterKind> {
        PARAMS
            .iter()
            .find(|spec| spec.name == name)
            .map(|spec| spec.kind)
    }

    pub(super) fn integer(&self, name: &str, default: u64) -> Result<u64, ParameterError> {
        let Some(given) = self.given.get(name) else {
            return Ok(default);
        };
        let (min, max) = match Self::kind(name) {
            Some(
                ParameterKind::Integer { min, max }
                | ParameterKind::Bytes { min, max }
                | ParameterKind::Duration { min, max, .. }
                | ParameterKind::IntegerOrWord { min, max, .. },
            ) => (min, max),
            _ => (0, u64::MAX),
        };
        match given {
            Value::Integer(value) if (min..=max).contains(value) => Ok(*value),
            _ => Err(refuse(
                name,
                "is out of range".to_owned(),
                format!("{min} to {max}"),
            )),
        }
    }

    pub(super) fn number(&self, name: &str, default: f64) -> Result<f64, ParameterError> {
        let value = self.given.number(name, default);
        match Self::kind(name) {
            Some(ParameterKind::Number { min, max }) if !(min..=max).contains(&value) => {
                Err(refuse(
                    name,
                    "is out of range".to_owned(),
                    format!("{min} to {max}"),
                ))
            }
            _ => Ok(value),
        }
    }

    pub(super) fn choice<T: Choice>(&self, name: &str, default: T) -> Result<T, ParameterError> {
        let word = match self.given.get(name) {
            None => return Ok(default),
            Some(Value::Text(word)) => word.as_str(),
            Some(_) => "",
        };
        T::parse(word).ok_or_else(|| {
            refuse(
                name,
                "is none of the words".to_owned(),
                format!("one of {}", T::WORDS.join(", ")),
            )
        })
    }

    pub(super) fn without(&self, variant: Variant) -> Result<Option<Defence>, ParameterError> {
        match (variant, self.given.get("without")) {
            (Variant::Broken, _) => self.choice("without", Defence::Mac).map(Some),
            (_, None | Some(Value::None)) => Ok(None),
            _ => Err(refuse(
                "without",
                format!("`{}` leaves no defence out", variant.word()),
                "choose the variant `broken`".to_owned(),
            )),
        }
    }

    pub(super) fn mac_key_bytes(&self) -> Result<usize, ParameterError> {
        match self.integer("mac_key_bytes", 16)? {
            16 => Ok(16),
            32 => Ok(32),
            _ => Err(refuse(
                "mac_key_bytes",
                "has two possible values".to_owned(),
                "16B or 32B".to_owned(),
            )),
        }
    }

    pub(super) fn directions(&self) -> Result<[u8; 2], ParameterError> {
        match self.given.get("direction_codes") {
            None => Ok([1, 2]),
            Some(Value::Integers(codes)) if codes == &[1, 2] => Ok([1, 2]),
            Some(Value::Integers(codes)) if codes == &[0, 1] => Ok([0, 1]),
            Some(_) => Err(refuse(
                "direction_codes",
                "has two possible values".to_owned(),
                "[1, 2] or [0, 1]".to_owned(),
            )),
        }
    }

    pub(super) fn rounds_kept(&self, literal: bool) -> Result<Option<u32>, ParameterError> {
        match self.given.get("rounds_kept") {
            None if literal => Ok(None),
            Some(Value::None) => Ok(None),
            Some(Value::Text(word)) if word == "all" => Ok(None),
            _ => {
                let rounds = self.integer("rounds_kept", 1024)?;
                Ok(Some(u32::try_from(rounds).unwrap_or(u32::MAX)))
            }
        }
    }
}

/// A refusal of parameter `name`.
pub(in crate::ratchet) fn refuse(name: &str, reason: String, hint: String) -> ParameterError {
    ParameterError {
        name: name.to_owned(),
        reason,
        hint,
    }
}
