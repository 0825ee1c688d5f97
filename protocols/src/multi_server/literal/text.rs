//! Numbers as texts, the way the prototype computes: hashes of concatenated texts, XOR of
//! right-aligned integers, hex without leading zeros.

use crate::crypto::Crypto;
use crate::multi_server::equations::Hash;

/// SHA-256 over the texts joined.
pub(crate) fn digest(crypto: &mut Crypto, texts: &[&str]) -> Hash {
    let mut parts: [&[u8]; 8] = [&[]; 8];
    for (part, text) in parts.iter_mut().zip(texts) {
        *part = text.as_bytes();
    }
    crypto.sha256(&parts[..texts.len().min(8)])
}

/// Lower-case hex digits of bytes, two per byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| digits(*byte)).collect()
}

fn digits(byte: u8) -> [char; 2] {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    [digit(byte >> 4), digit(byte & 15)]
}

/// The integer of a hex text, big-endian; `None` when something else than a hex digit is in it or
/// it is empty.
pub(crate) fn number(text: &str) -> Option<Vec<u8>> {
    let values: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let mut values = values.filter(|values| !values.is_empty())?;
    if !values.len().is_multiple_of(2) {
        values.insert(0, 0);
    }
    Some(
        values
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

/// `left XOR right` of two right-aligned integers, as long as the longer one.
pub(crate) fn xor(crypto: &mut Crypto, left: &[u8], right: &[u8]) -> Vec<u8> {
    let (longer, shorter) = if left.len() >= right.len() {
        (left, right)
    } else {
        (right, left)
    };
    let mut out = longer.to_vec();
    let start = longer.len() - shorter.len();
    crypto.xor(&mut out[start..], shorter);
    out
}

/// Hex of an integer without leading zeros; 0 is `0`.
pub(crate) fn bare_hex(number: &[u8]) -> String {
    let all = hex(number);
    let bare = all.trim_start_matches('0');
    if bare.is_empty() {
        "0".to_owned()
    } else {
        bare.to_owned()
    }
}

/// Hex of an integer without leading zeros, filled to at least 64 digits.
pub(crate) fn filled_hex(number: &[u8]) -> String {
    format!("{:0>64}", bare_hex(number))
}

/// The text in bytes; those that are no UTF-8 are skipped.
pub(crate) fn readable(bytes: &[u8]) -> String {
    bytes.utf8_chunks().map(|chunk| chunk.valid()).collect()
}

/// Whole seconds of a time, decimal.
pub(crate) fn seconds(now_ns: u64) -> u64 {
    now_ns / 1_000_000_000
}

/// A time in decimal seconds with its fraction: at least one digit, no further zeros at the end.
pub(crate) fn fractional_seconds(now_ns: u64) -> String {
    let nanos = format!("{:09}", now_ns % 1_000_000_000);
    let fraction = nanos.trim_end_matches('0');
    let fraction = if fraction.is_empty() { "0" } else { fraction };
    format!("{}.{fraction}", seconds(now_ns))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn integers_are_right_aligned_and_lose_leading_zeros() {
        let mut crypto = Crypto::default();
        assert_eq!(xor(&mut crypto, &[1, 2, 3], &[3]), [1, 2, 0]);
        assert_eq!(bare_hex(&[0, 0x0a, 0]), "a00");
        assert_eq!(bare_hex(&[0]), "0");
        assert_eq!(filled_hex(&[1]).len(), 64);
        assert_eq!(number("a00").unwrap(), [0x0a, 0]);
        assert_eq!((number(""), number("xy")), (None, None));
    }

    #[test]
    fn seconds_have_a_fraction_of_at_least_one_digit() {
        assert_eq!(fractional_seconds(0), "0.0");
        assert_eq!(fractional_seconds(1_250_000_000), "1.25");
        assert_eq!(seconds(1_999_999_999), 1);
    }

    #[test]
    fn bytes_that_are_no_text_are_skipped() {
        assert_eq!(readable(b"a\xFFb\xC3"), "ab");
    }
}
