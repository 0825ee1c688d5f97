//! A value as TOML again, on one line.

use std::fmt::Write as _;

use super::{Node, Value};

impl Node {
    /// The value as it could stand after `key = `.
    pub(crate) fn to_toml(&self) -> String {
        let mut text = String::new();
        write(self, &mut text);
        text
    }
}

fn write(node: &Node, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = match &node.value {
        Value::Text(text) => {
            string(text, out);
            Ok(())
        }
        Value::Integer(number) => write!(out, "{number}"),
        Value::Float(number) if number.is_nan() => write!(out, "nan"),
        Value::Float(number) if number.is_infinite() => {
            write!(out, "{}inf", if *number < 0.0 { "-" } else { "" })
        }
        // The debug form always has a point or an exponent, which keeps it a float.
        Value::Float(number) => write!(out, "{number:?}"),
        Value::Bool(flag) => write!(out, "{flag}"),
        Value::Datetime(text) => write!(out, "{text}"),
        Value::List(list) => {
            out.push('[');
            for (index, node) in list.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write(node, out);
            }
            out.push(']');
            Ok(())
        }
        Value::Table(table) => {
            out.push_str("{ ");
            for (index, entry) in table.entries.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                if !entry.key.is_empty() && entry.key.chars().all(bare) {
                    out.push_str(&entry.key);
                } else {
                    string(&entry.key, out);
                }
                out.push_str(" = ");
                write(&entry.node, out);
            }
            out.push_str(" }");
            Ok(())
        }
    };
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::parse_value;

    #[test]
    fn what_is_written_is_read_as_the_same_value() {
        for text in [
            "\"a \\\"b\\\" c\"",
            "12",
            "1.5",
            "1e30",
            "true",
            "[1, \"x\", [2.0]]",
            "{ name = \"ratchet\", params = { a-b = 1 } }",
            "2026-01-01T00:00:00Z",
        ] {
            let node = parse_value(0, 0, text).unwrap();
            let written = node.to_toml();
            let again = parse_value(0, 0, &written).unwrap();
            assert_eq!(again.to_toml(), written, "{text}");
        }
        assert_eq!(parse_value(0, 0, "2.0").unwrap().to_toml(), "2.0");
    }
}
