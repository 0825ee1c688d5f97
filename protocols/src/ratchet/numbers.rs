//! Lists of numbers as text, and the aggregate as text (section 3.4).

use std::io::Write as _;

use super::choice::{NumberGrammar, ResponseForm};
use super::params::Params;
use crate::context::Context;

/// A list was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// Reads a list and hands its values to `take`, in order; `scratch` is working memory.
///
/// # Errors
///
/// When the text is no list of 1 to `numbers_max` values of the grammar in force; those before the
/// fault have been handed over by then.
pub(super) fn read(
    params: &Params,
    text: &[u8],
    scratch: &mut Vec<u8>,
    mut take: impl FnMut(f64),
) -> Result<(), Refused> {
    for (index, item) in text.split(|byte| *byte == b',').enumerate() {
        if index == params.numbers_max {
            return Err(Refused);
        }
        let value = match params.number_grammar {
            NumberGrammar::Strict => strict(item),
            NumberGrammar::Lenient => lenient(item, scratch),
        };
        take(value.ok_or(Refused)?);
    }
    Ok(())
}

/// Removes the ASCII digits at the start of `text`; `None` when there is none.
fn digits(text: &[u8]) -> Option<(usize, &[u8])> {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then(|| (count, &text[count..]))
}

/// Removes a sign, where there is one.
fn unsigned(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"+")
        .or_else(|| text.strip_prefix(b"-"))
        .unwrap_or(text)
}

fn strict(item: &[u8]) -> Option<f64> {
    let lead = item.iter().take_while(|byte| **byte == b' ').count();
    let trail = item.iter().rev().take_while(|byte| **byte == b' ').count();
    let item = item.get(lead..item.len().checked_sub(trail)?)?;
    let (_, mut rest) = digits(unsigned(item))?;
    if let Some(fraction) = rest.strip_prefix(b".") {
        rest = digits(fraction)?.1;
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let (count, after) = digits(unsigned(exponent))?;
        rest = if count <= 3 { after } else { return None };
    }
    if !rest.is_empty() {
        return None;
    }
    let value: f64 = core::str::from_utf8(item).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

/// What the prototype's parser takes: surrounding white space, any decimal digits of Unicode, `_`
/// between digits, `nan`, `inf`, `infinity`, a point without digits on one side, overflow.
fn lenient(item: &[u8], scratch: &mut Vec<u8>) -> Option<f64> {
    let item = core::str::from_utf8(item).ok()?;
    let blank = |c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c);
    scratch.clear();
    for c in item.trim_matches(blank).chars() {
        let byte = decimal_digit(c).map_or_else(|| u8::try_from(c).ok(), Some)?;
        if !byte.is_ascii() {
            return None;
        }
        scratch.push(byte);
    }
    let between_digits = |at: usize| {
        let digit = |at: Option<usize>| {
            at.and_then(|at| scratch.get(at))
                .is_some_and(u8::is_ascii_digit)
        };
        digit(at.checked_sub(1)) && digit(at.checked_add(1))
    };
    let misplaced = (0..scratch.len()).any(|at| scratch[at] == b'_' && !between_digits(at));
    if misplaced {
        return None;
    }
    scratch.retain(|byte| *byte != b'_');
    core::str::from_utf8(scratch).ok()?.parse().ok()
}

/// The ASCII digit of the same value, for a decimal digit of any script.
fn decimal_digit(c: char) -> Option<u8> {
    if c.is_ascii() {
        return None;
    }
    let code = u32::from(c);
    let block = ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?;
    let value = u8::try_from(code - ZEROS[block])
        .ok()
        .filter(|value| *value < 10)?;
    Some(b'0' + value)
}

/// The zeros of all scripts beyond ASCII (Unicode 14, category Nd), ascending; nine digits follow
/// each of them.
const ZEROS: [u32; 65] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6,
    0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50,
    0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
    0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650,
    0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50,
    0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// What is left of a round's values once they are added up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Aggregate {
    /// Sum, added left to right.
    pub(super) sum: f64,
    /// Number of values added.
    pub(super) count: u32,
}

impl Aggregate {
    /// Appends the payload of a RESPONSE.
    pub(super) fn write(self, form: ResponseForm, out: &mut Vec<u8>) {
        let average = self.sum / f64::from(self.count);
        match form {
            ResponseForm::Average => out.extend_from_slice(b"Aggregated: "),
            ResponseForm::SumCountAverage => {
                out.extend_from_slice(b"Aggregated sum=");
                write_two_decimals(self.sum, out);
                // Writing into memory cannot fail.
                let _ = write!(out, ", count={}, avg=", self.count);
            }
        }
        write_two_decimals(average, out);
    }
}

/// Appends a value with two decimals, half to even on the exact binary value.
fn write_two_decimals(value: f64, out: &mut Vec<u8>) {
    if value.is_nan() {
        out.extend_from_slice(b"nan");
    } else {
        // Rust formats a given precision exactly, rounds half to even, and prints `inf`.
        let _ = write!(out, "{value:.2}");
    }
}

/// Appends the default list: two values of 10.0 to 40.0 in steps of 0.1. Draws each of them.
pub(super) fn write_default(cx: &mut Context<'_>, out: &mut Vec<u8>) {
    for separator in ["", ","] {
        let tenths = 100 + cx.uniform(301);
        let _ = write!(out, "{separator}{}.{}", tenths / 10, tenths % 10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::{Value, Values};

    fn params(grammar: &str) -> Params {
        let mut values = Values::default();
        values.set("number_grammar", Value::Text(grammar.to_owned()));
        values.set("numbers_max", Value::Integer(3));
        Params::new("as-published", &values).unwrap()
    }

    fn list(grammar: &str, text: &str) -> Option<Vec<f64>> {
        let mut values = Vec::new();
        let take = |value| values.push(value);
        read(&params(grammar), text.as_bytes(), &mut Vec::new(), take)
            .ok()
            .map(|()| values)
    }

    fn shown(value: f64) -> String {
        let mut out = Vec::new();
        write_two_decimals(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_strict_grammar_takes_finite_ascii_decimals() {
        assert_eq!(
            list("strict", " 10.5 ,-2,+3e-1"),
            Some(vec![10.5, -2.0, 0.3])
        );
        assert_eq!(list("strict", "1E005"), Some(vec![1e5]));
        assert_eq!(list("strict", "1e-400"), Some(vec![0.0]));
    }

    #[test]
    fn the_strict_grammar_refuses_everything_else() {
        for text in [
            "", " ", "1,", ",1", "nan", "inf", "1e400", ".5", "5.", "1_0", "1e", "1e0001", "+",
            "--1", "1 2", "1\t", "\u{661}", "0x1", "1,2,3,4", "1.e5", "1;2",
        ] {
            assert_eq!(list("strict", text), None, "{text:?}");
        }
    }

    #[test]
    fn the_lenient_grammar_takes_what_the_prototype_takes() {
        assert_eq!(
            list("lenient", "\u{661}\u{6f2}.5,1_0,.5"),
            Some(vec![12.5, 10.0, 0.5])
        );
        assert_eq!(list("lenient", " 5. \t,1_0e1_0"), Some(vec![5.0, 1e11]));
        assert_eq!(
            list("lenient", "1e400,-Infinity"),
            Some(vec![f64::INFINITY, f64::NEG_INFINITY])
        );
        assert!(list("lenient", "nAn").unwrap()[0].is_nan());
        for text in [
            "", "_1", "1_", "1__0", "1_.5", "in_f", "\u{e9}", "1,,2", "e5", "1 2", "\u{2161}",
        ] {
            assert_eq!(list("lenient", text), None, "{text:?}");
        }
    }

    #[test]
    fn two_decimals_are_rounded_half_to_even_on_the_exact_value() {
        let cases = [
            (0.125, "0.12"),
            (0.375, "0.38"),
            (2.675, "2.67"),
            (-0.001, "-0.00"),
        ];
        for (value, text) in cases {
            assert_eq!(shown(value), text);
        }
        assert_eq!(shown(f64::NAN), "nan");
        assert_eq!(shown(f64::INFINITY), "inf");
        assert_eq!(shown(f64::NEG_INFINITY), "-inf");
    }

    #[test]
    fn both_forms_of_the_aggregate_are_written() {
        let aggregate = Aggregate {
            sum: 40.6,
            count: 2,
        };
        let mut out = Vec::new();
        aggregate.write(ResponseForm::Average, &mut out);
        assert_eq!(out, b"Aggregated: 20.30");
        out.clear();
        aggregate.write(ResponseForm::SumCountAverage, &mut out);
        assert_eq!(out, b"Aggregated sum=40.60, count=2, avg=20.30");
    }
}
