//! Changes to the prototype's texts: like those to binary fields, at the same places.

use crate::attack::kit::{Change, Part};

const fn change(case: &'static str, message: &'static str, make: fn(&mut [u8])) -> Change {
    Change {
        case,
        message,
        part: Part::With("text", make),
    }
}

/// The lowest bit of a digit: it stays a digit.
fn flip(digit: Option<&mut u8>) {
    if let Some(digit) = digit.filter(|digit| digit.is_ascii_digit()) {
        *digit ^= 1;
    }
}

fn bar(text: &[u8]) -> usize {
    let found = text.windows(2).position(|pair| pair == b"||");
    found.unwrap_or(text.len())
}

fn device_id(text: &mut [u8]) {
    flip(text.first_mut());
}

fn other_device(text: &mut [u8]) {
    let end = bar(text);
    if let Some(digit) = text[..end].last_mut()
        && digit.is_ascii_digit()
    {
        *digit = if *digit == b'9' { b'1' } else { *digit + 1 };
    }
}

fn session_id(text: &mut [u8]) {
    flip(text.last_mut());
}

fn r1(text: &mut [u8]) {
    let before = text.len().saturating_sub(2);
    flip(text.get_mut(before));
}

/// The first two members of the set of M2: where they start, where the first ends, where both end.
fn first_two(text: &[u8]) -> Option<(usize, usize, usize)> {
    let comma = text.iter().position(|byte| *byte == b',')?;
    let rest = text.get(comma + 2..)?;
    let next = rest.iter().position(|byte| matches!(byte, b',' | b'}'))?;
    Some((2, comma, comma + 2 + next))
}

fn replace_index(text: &mut [u8]) {
    if let Some((_, end, _)) = first_two(text) {
        flip(text.get_mut(end - 1));
    }
}

fn swap_indices(text: &mut [u8]) {
    if let Some((start, end, last)) = first_two(text) {
        let turned = [&text[end + 2..last], b", ", &text[start..end]].concat();
        text[start..last].copy_from_slice(&turned);
    }
}

/// Both become the shorter one; a blank behind a number says nothing.
fn double_index(text: &mut [u8]) {
    if let Some((start, end, last)) = first_two(text) {
        let (one, other) = (text[start..end].to_vec(), text[end + 2..last].to_vec());
        let short = if one.len() <= other.len() { one } else { other };
        let both = [&short[..], b", ", &short].concat();
        text[start..last].fill(b' ');
        text[start..start + both.len()].copy_from_slice(&both);
    }
}

/// The set has one member.
fn one_index(text: &mut [u8]) {
    if let Some((_, end, _)) = first_two(text)
        && let Some(length) = text[end..].iter().position(|byte| *byte == b'}')
    {
        text[end..end + length].fill(b' ');
    }
}

pub(super) const M1: &[Change] = &[
    change("device-id", "M1", device_id),
    change("other-device", "M1", other_device),
    change("other-device-shared", "M1", other_device),
    change("session-id", "M1", session_id),
];

pub(super) const M2: &[Change] = &[
    change("r1", "M2", r1),
    change("replace-index", "M2", replace_index),
    change("swap-indices", "M2", swap_indices),
    change("double-index", "M2", double_index),
    change("one-index", "M2", one_index),
];

pub(super) const SHARED: &[Change] = &[change("rename", "M1", other_device)];

pub(super) const MITM: &[Change] = &[
    change("M1-device-id", "M1", device_id),
    change("M1-session-id", "M1", session_id),
    change("M2-c1", "M2", swap_indices),
    change("M2-r1", "M2", r1),
    Change {
        case: "M3",
        message: "M3",
        part: Part::AnyBit,
    },
    Change {
        case: "M4",
        message: "M4",
        part: Part::AnyBit,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str, make: fn(&mut [u8])) -> String {
        let mut bytes = text.as_bytes().to_vec();
        make(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[test]
    fn texts_change_at_the_place_that_is_meant() {
        assert_eq!(made("12||40", device_id), "02||40");
        assert_eq!(made("12||40", other_device), "13||40");
        assert_eq!(made("12||40", session_id), "12||41");
        let m2 = "{{7, 120, 999}||55}";
        assert_eq!(made(m2, r1), "{{7, 120, 999}||54}");
        assert_eq!(made(m2, replace_index), "{{6, 120, 999}||55}");
        assert_eq!(made(m2, swap_indices), "{{120, 7, 999}||55}");
        assert_eq!(made(m2, double_index), "{{7, 7  , 999}||55}");
        assert_eq!(made(m2, one_index), "{{7          }||55}");
    }
}
