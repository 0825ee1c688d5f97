//! The texts of the prototype: separators, sets, decimal numbers, base64 in one line.

use crate::context::Context;
use crate::crypto::{Crypto, pkcs7_unpad};

use super::super::messages::Indices;
use super::super::params::Params;
use super::super::sealing;

/// What stands between two parts of a message.
pub(super) const SEPARATOR: &[u8] = b"||";

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The parts before and after the first separator.
pub(super) fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = find(text, SEPARATOR)?;
    Some((&text[..at], &text[at + SEPARATOR.len()..]))
}

/// Where `wanted` first occurs.
pub(super) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len().max(1))
        .position(|part| part == wanted)
}

/// A decimal number, blanks around it allowed.
pub(super) fn number(text: &[u8]) -> Option<u128> {
    let digits = text.trim_ascii();
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u128, |value, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value.checked_mul(10)?.checked_add(u128::from(digit))
    })
}

/// Appends a number in decimal.
pub(super) fn write_number(number: u128, out: &mut Vec<u8>) {
    out.extend_from_slice(number.to_string().as_bytes());
}

/// Appends a set: braces, indices joined by comma and blank.
pub(super) fn write_set(list: Indices<'_>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (place, index) in list.iter().enumerate() {
        if place > 0 {
            out.extend_from_slice(b", ");
        }
        write_number(u128::from(u16::from_be_bytes(*index)), out);
    }
    out.push(b'}');
}

/// Appends the indices of a comma-joined list, without its braces, in wire form.
///
/// `None` when an element is no number or has no key; what was appended before it stays.
pub(super) fn parse_list(text: &[u8], keys: u16, out: &mut Vec<u8>) -> Option<()> {
    for element in text.split(|byte| *byte == b',') {
        let index = u16::try_from(number(element)?).ok()?;
        if index >= keys {
            return None;
        }
        out.extend(index.to_be_bytes());
    }
    Some(())
}

/// A text without its first and last byte.
pub(super) fn inner(text: &[u8]) -> &[u8] {
    text.get(1..text.len().saturating_sub(1)).unwrap_or(&[])
}

/// Appends base64(IV || CBC(key, text)) to `out`.
pub(super) fn seal(
    cx: &mut Context<'_>,
    params: &Params,
    key: &[u8],
    text: &[u8],
    out: &mut Vec<u8>,
) {
    let mut sealed = cx.buffers.take();
    sealing::seal(cx, params, key, text, &mut sealed);
    encode_base64(&sealed, out);
    cx.buffers.give(sealed);
}

/// The text in base64(IV || CBC(key, text)), in `out`; false when it does not open.
pub(super) fn open(crypto: &mut Crypto, key: &[u8], sealed: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    if decode_base64(sealed, out).is_none() {
        return false;
    }
    let Some((iv, blocks)) = out.split_first_chunk_mut::<16>() else {
        return false;
    };
    if blocks.is_empty() || !blocks.len().is_multiple_of(16) {
        return false;
    }
    let key = crypto.aes_key(key);
    crypto.cbc_decrypt(&key, iv, blocks);
    let Some(length) = pkcs7_unpad(blocks).map(<[u8]>::len) else {
        return false;
    };
    out.copy_within(16..16 + length, 0);
    out.truncate(length);
    true
}

/// Whether a text has the alphabet and length of base64.
pub(super) fn is_base64(text: &[u8]) -> bool {
    text.len().is_multiple_of(4)
        && text
            .iter()
            .all(|byte| *byte == b'=' || ALPHABET.contains(byte))
}

fn encode_base64(bytes: &[u8], out: &mut Vec<u8>) {
    for group in bytes.chunks(3) {
        let mut word = [0; 4];
        word[1..=group.len()].copy_from_slice(group);
        let word = u32::from_be_bytes(word);
        for place in 0..4 {
            out.push(if place <= group.len() {
                ALPHABET[(word >> (18 - 6 * place) & 63) as usize]
            } else {
                b'='
            });
        }
    }
}

fn decode_base64(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (groups, rest) = text.as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    for (place, group) in groups.iter().enumerate() {
        let fill = group.iter().rev().take_while(|byte| **byte == b'=').count();
        if fill > 2 || (fill > 0 && place + 1 < groups.len()) {
            return None;
        }
        let mut word = 0u32;
        for byte in &group[..4 - fill] {
            let value = ALPHABET.iter().position(|letter| letter == byte)?;
            word = word << 6 | u32::try_from(value).ok()?;
        }
        let bytes = (word << (6 * fill)).to_be_bytes();
        out.extend_from_slice(&bytes[1..4 - fill]);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn base64_matches_rfc_4648_and_refuses_what_it_would_not_write() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let (mut encoded, mut decoded) = (Vec::new(), Vec::new());
            encode_base64(bytes.as_bytes(), &mut encoded);
            assert_eq!(encoded, text.as_bytes());
            decode_base64(text.as_bytes(), &mut decoded).unwrap();
            assert_eq!(decoded, bytes.as_bytes());
        }
        for text in ["Z", "Zg=", "Zg==Zg==", "Z===", "Zm9v\n", "Zm 9"] {
            assert!(
                decode_base64(text.as_bytes(), &mut Vec::new()).is_none(),
                "{text}"
            );
        }
    }

    #[test]
    fn numbers_are_decimal_and_sets_are_written_as_the_prototype_does() {
        assert_eq!(number(b" 42 "), Some(42));
        for text in [&b""[..], b"4 2", b"-1", b"4x", &[b'9'; 40]] {
            assert_eq!(number(text), None);
        }
        let mut set = Vec::new();
        write_set(&[[0, 7], [3, 231]], &mut set);
        assert_eq!(set, b"{7, 999}");
        let mut list = Vec::new();
        parse_list(inner(&set), 1000, &mut list).unwrap();
        assert_eq!(list, [0, 7, 3, 231]);
        assert!(parse_list(b"7, 1000", 1000, &mut list).is_none());
        assert!(parse_list(b"", 1000, &mut list).is_none());
    }
}
