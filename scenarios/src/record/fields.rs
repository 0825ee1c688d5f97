//! Frames as JSON, by the declared wire layouts.

use std::fmt::Write as _;

use protocols::output::Hex;
use protocols::protocol::Instance;
use protocols::wire::{Field, FieldKind};

/// Largest integer that every reader of JSON keeps exactly.
const EXACT_MAX: u64 = 1 << 53;

/// Appends the fields of a frame as JSON members, in wire order, and returns its wire name; a frame
/// that no layout fits gives its bytes.
pub(super) fn fields(
    instance: &dyn Instance,
    frame: &[u8],
    parts: &mut Vec<String>,
) -> &'static str {
    let layout = instance
        .classify(frame)
        .and_then(|index| instance.layouts().get(index));
    let Some(layout) = layout else {
        parts.push(format!("\"@bytes\":\"{}\"", Hex(frame)));
        return "";
    };
    match layout.locate(frame) {
        Ok(located) => {
            for (index, field) in layout.fields.iter().enumerate() {
                // What recurs is punctuation between fields, and a JSON object has each name once.
                let same = |other: &&Field| other.name == field.name;
                if layout.fields.iter().filter(same).count() > 1 {
                    continue;
                }
                let value = value(field.kind, located.field(index));
                parts.push(format!("\"{}\":{value}", field.name));
            }
        }
        Err(place) => {
            parts.push(format!("\"@malformed\":{}", quoted(&place.to_string())));
            parts.push(format!("\"@bytes\":\"{}\"", Hex(frame)));
        }
    }
    layout.name
}

fn value(kind: FieldKind, bytes: &[u8]) -> String {
    match kind {
        FieldKind::Tag | FieldKind::Integer if bytes.len() <= 8 => {
            let number = bytes
                .iter()
                .fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
            if number <= EXACT_MAX {
                number.to_string()
            } else {
                format!("\"{number}\"")
            }
        }
        FieldKind::Indices => {
            let list: Vec<String> = bytes
                .chunks_exact(2)
                .map(|pair| (u16::from(pair[0]) << 8 | u16::from(pair[1])).to_string())
                .collect();
            format!("[{}]", list.join(","))
        }
        FieldKind::Text => quoted(String::from_utf8_lossy(bytes).trim_end_matches('\0')),
        _ => format!("\"{}\"", Hex(bytes)),
    }
}

/// A text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if u32::from(c) < 0x20 || u32::from(c) == 0x7f => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_from_the_wire_stay_one_json_string() {
        let text = "a\"b\\c\n\u{1}</script>";
        let read: serde_json::Value = serde_json::from_str(&quoted(text)).expect("JSON");
        assert_eq!(read, text);
    }

    #[test]
    fn integers_are_numbers_as_long_as_every_reader_keeps_them() {
        assert_eq!(value(FieldKind::Integer, &[1, 0]), "256");
        assert_eq!(
            value(FieldKind::Integer, &[255; 8]),
            "\"18446744073709551615\""
        );
        assert_eq!(value(FieldKind::Integer, &[1; 9]), "\"010101010101010101\"");
        assert_eq!(value(FieldKind::Indices, &[0, 7, 1, 2]), "[7,258]");
        assert_eq!(value(FieldKind::Bytes, &[0xab]), "\"ab\"");
    }
}
