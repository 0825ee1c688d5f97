//! The text encoding of the printed program.
//!
//! A datagram is `VERB:field,field,...`: split at the first colon, then at every comma, with no
//! trimming and no escaping. A sealed frame is base64 in lines of 76 characters.

use std::borrow::Cow;

use crate::crypto::rsa::pem;
use crate::wire::{Field, FieldKind, Layout, Width};

use super::super::params::Params;
use super::super::{AUTHENTICATE, CLIENT, DEVICE, SEND_DATA};

/// What a device says to a third party.
pub const BUSY: &[u8] = b"device is already connected.";

/// A datagram that has a colon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What stands before the first colon.
    pub verb: &'a [u8],
    /// What stands between the commas after it.
    pub fields: Vec<&'a [u8]>,
}

impl<'a> Message<'a> {
    /// Splits a datagram; `None` when it has no colon.
    #[must_use]
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        let (verb, rest) = split_first(datagram, b':')?;
        Some(Self {
            verb,
            fields: rest.split(|byte| *byte == b',').collect(),
        })
    }
}

fn split_first(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|byte| *byte == at)?;
    Some((&bytes[..place], &bytes[place + 1..]))
}

/// Splits at the last comma.
#[must_use]
pub fn split_last_comma(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().rposition(|byte| *byte == b',')?;
    Some((&bytes[..place], &bytes[place + 1..]))
}

/// What a device finds in a sealed frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// `DATA:text,seq`.
    Data(&'a [u8], Decimal<'a>),
    /// `FIN:seq`.
    Fin(Decimal<'a>),
}

impl<'a> Line<'a> {
    /// Reads a line; `None` for another verb, a missing comma, a number that is not decimal.
    #[must_use]
    pub fn parse(plain: &'a [u8]) -> Option<Self> {
        let (verb, rest) = split_first(plain, b':')?;
        match verb {
            b"DATA" => {
                let (text, seq) = split_last_comma(rest)?;
                Some(Self::Data(text, Decimal::parse(seq)?))
            }
            b"FIN" => Some(Self::Fin(Decimal::parse(rest)?)),
            _ => None,
        }
    }
}

/// Start of every echo.
pub const ECHO: &[u8] = b"You sent IOT: ";

/// A decimal number of any length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal<'a>(&'a [u8]);

impl<'a> Decimal<'a> {
    /// The number in a text of one or more digits; `None` for any other text.
    #[must_use]
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let decimal = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        decimal.then_some(Self(text))
    }

    /// The number modulo `modulus`, which is not 0.
    #[must_use]
    pub fn modulo(&self, modulus: u32) -> u32 {
        let modulus = u64::from(modulus.max(1));
        let digit = |byte: &u8| u64::from(byte - b'0');
        let rest = self
            .0
            .iter()
            .fold(0, |rest, byte| (rest * 10 + digit(byte)) % modulus);
        u32::try_from(rest).unwrap_or(0)
    }

    /// The number; `None` when it has more than 64 bits.
    #[must_use]
    pub fn value(&self) -> Option<u64> {
        self.0.iter().try_fold(0_u64, |sum, byte| {
            sum.checked_mul(10)?.checked_add(u64::from(byte - b'0'))
        })
    }

    /// Its bits, rounded up where it has more than 64.
    #[must_use]
    pub fn bits(&self) -> u64 {
        match self.value() {
            Some(value) => u64::from(u64::BITS - value.leading_zeros()).max(1),
            // A decimal digit has less than 3.322 bits.
            None => (self.0.len() as u64 * 3_322).div_ceil(1_000),
        }
    }
}

/// The 16 bytes that a salt's text stands for; the text itself when it is no salt.
#[must_use]
pub fn salt_bytes(text: &[u8]) -> Cow<'_, [u8]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let byte = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
    let bytes: Option<Vec<u8>> = if text.len() == 32 {
        text.chunks(2).map(byte).collect()
    } else {
        None
    };
    bytes.map_or(Cow::Borrowed(text), Cow::Owned)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends base64 in lines of 76 characters, each ended by a line feed.
pub fn base64_encode(bytes: &[u8], out: &mut Vec<u8>) {
    for line in bytes.chunks(57) {
        for group in line.chunks(3) {
            let mut word = [0; 4];
            word[1..=group.len()].copy_from_slice(group);
            let word = u32::from_be_bytes(word);
            for place in 0..4 {
                let digit = usize::try_from(word >> (18 - 6 * place) & 0x3F).unwrap_or(0);
                let filled = place as usize <= group.len();
                out.push(if filled { ALPHABET[digit] } else { b'=' });
            }
        }
        out.push(b'\n');
    }
}

/// The bytes of a base64 text; characters outside the alphabet are skipped, and bits that make no
/// whole byte are dropped.
#[must_use]
pub fn base64_decode(text: &[u8]) -> Vec<u8> {
    let digits = text
        .iter()
        .take_while(|byte| **byte != b'=')
        .filter_map(|byte| ALPHABET.iter().position(|known| known == byte));
    let (mut bytes, mut bits, mut word) = (Vec::new(), 0, 0_u32);
    for digit in digits {
        word = word << 6 | u32::try_from(digit).unwrap_or(0);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(word >> bits & 0xFF).unwrap_or(0));
        }
    }
    bytes
}

/// The message that a datagram is: its place in [`layouts`].
#[must_use]
pub fn classify(datagram: &[u8]) -> Option<usize> {
    const STARTS: [&[u8]; 5] = [b"CONNECT:", b"ACK:PASS,", b"ACK:ENCRYPT,", b"ERROR:", BUSY];
    if let Some(place) = STARTS.iter().position(|start| datagram.starts_with(start)) {
        return Some(place);
    }
    let base64 = |byte: &u8| ALPHABET.contains(byte) || [b'=', b'\n'].contains(byte);
    (!datagram.is_empty() && datagram.iter().all(base64)).then_some(STARTS.len())
}

/// The layouts of CONNECT, PASS, ENCRYPT, ERROR, BUSY and SEALED. Text that varies on both sides of
/// a comma is one field.
#[must_use]
pub fn layouts(params: &Params) -> Vec<Layout> {
    let k = params.modulus_bytes();
    let field = |name, width, kind| Field { name, width, kind };
    let fixed = |name, width: usize| {
        let width = Width::Fixed(u32::try_from(width).unwrap_or(u32::MAX));
        field(name, width, FieldKind::Text)
    };
    let rest = |name, max: u32| {
        let width = Width::Rest {
            min: 1,
            max,
            multiple_of: 1,
        };
        field(name, width, FieldKind::Text)
    };
    let layout = |name, phase, sender, fields| Layout {
        name,
        tag: None,
        phase,
        sender,
        fields,
    };
    // The size of a key's text depends on its number of bits only.
    let mut modulus = vec![0xFF; k];
    modulus[0] = 0x80;
    let key = pem::encode(&modulus, params.rsa_exponent).map_or(0, |text| text.len());
    let sealed = k.div_ceil(57) + k.div_ceil(3) * 4;
    vec![
        layout(
            "CONNECT",
            AUTHENTICATE,
            Some(DEVICE),
            vec![
                fixed("verb", 8),
                fixed("salt", 32),
                fixed("comma", 1),
                rest("number_name", 8192),
            ],
        ),
        layout(
            "PASS",
            AUTHENTICATE,
            Some(CLIENT),
            vec![
                fixed("verb", 9),
                rest("number_user_hash_salt_value", 8192),
                fixed("comma", 1),
                fixed("key", key),
            ],
        ),
        layout(
            "ENCRYPT",
            AUTHENTICATE,
            Some(DEVICE),
            vec![
                fixed("verb", 12),
                fixed("key", key),
                fixed("comma", 1),
                fixed("server_hash", 64),
                fixed("comma", 1),
                rest("dh_public", 8192),
            ],
        ),
        layout(
            "ERROR",
            AUTHENTICATE,
            Some(DEVICE),
            vec![fixed("verb", 6), rest("code", 16)],
        ),
        layout(
            "BUSY",
            AUTHENTICATE,
            Some(DEVICE),
            vec![fixed("text", BUSY.len())],
        ),
        layout("SEALED", SEND_DATA, None, vec![fixed("base64", sealed)]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_goes_both_ways_and_skips_foreign_characters() {
        for length in 0..200_u8 {
            let bytes: Vec<u8> = (0..length).collect();
            let mut text = Vec::new();
            base64_encode(&bytes, &mut text);
            assert!(
                text.split(|byte| *byte == b'\n')
                    .all(|line| line.len() <= 76)
            );
            assert_eq!(base64_decode(&text), bytes);
            let spaced: Vec<u8> = text.iter().flat_map(|byte| [*byte, b'!']).collect();
            assert_eq!(base64_decode(&spaced), bytes);
        }
        let mut text = Vec::new();
        base64_encode(b"any carnal pleas", &mut text);
        assert_eq!(text, b"YW55IGNhcm5hbCBwbGVhcw==\n");
    }

    #[test]
    fn decimals_of_any_length_have_a_rest_and_a_size() {
        let number = |text: &'static str| Decimal::parse(text.as_bytes());
        assert_eq!(number("105341").unwrap().modulo(105_341), 0);
        assert_eq!(number("18446744073709551616").unwrap().modulo(1_000), 616);
        assert_eq!(number("18446744073709551616").unwrap().value(), None);
        assert_eq!(number("00").unwrap().value(), Some(0));
        assert_eq!(number("255").unwrap().bits(), 8);
        let long = "9".repeat(7_000);
        assert_eq!(Decimal::parse(long.as_bytes()).unwrap().bits(), 23_254);
        for bad in ["", "-1", "1 ", "+1", "1a", "\u{661}"] {
            assert_eq!(Decimal::parse(bad.as_bytes()), None);
        }
    }

    #[test]
    fn lines_are_split_at_the_first_colon_and_the_last_comma() {
        let seq = Decimal::parse(b"7").unwrap();
        assert_eq!(
            Line::parse(b"DATA:a,b:c,7"),
            Some(Line::Data(b"a,b:c", seq))
        );
        assert_eq!(Line::parse(b"FIN:7"), Some(Line::Fin(seq)));
        for bad in [
            &b"DATA:a"[..],
            b"DATA:a,x",
            b"FIN:",
            b"ECHO:a,7",
            b"no colon,7",
        ] {
            assert_eq!(Line::parse(bad), None);
        }
    }
}
