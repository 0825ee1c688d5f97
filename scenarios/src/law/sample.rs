//! Files of measured values: samples and quantiles for laws, recordings for links.
//!
//! One value a line, or a probability and its quantile. Lines that start with `#` are comments; nothing else may stand between values,
//! so that a hole in a measurement is seen and not closed up.

use std::fs;
use std::ops::Range;
use std::path::Path;

use super::{Domain, negative, reason_of};
use crate::diagnostic::quoted;
use crate::notation::{Argument, ArgumentValue, Bound, NotationError};
use crate::quantity::{Dimension, Quantity};
use sim_engine::law::Point;

/// Largest file, bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// A file that an argument names, read.
pub(super) struct File {
    at: Range<usize>,
    /// Its path as messages show it.
    shown: String,
    text: String,
}

impl File {
    /// Reads the file that `argument` names, relative to `base`.
    pub(super) fn open(argument: Option<&Argument>, base: &Path) -> Result<Self, NotationError> {
        let Some(Argument {
            value: ArgumentValue::File(name),
            at,
        }) = argument
        else {
            return Err(NotationError::new(0..0, "no file is named"));
        };
        let path = base.join(name);
        let shown = quoted(&path.display().to_string());
        let refused = |reason: String| NotationError::new(at.clone(), reason);
        let failed =
            |error: std::io::Error| refused(format!("cannot read {shown}: {}", reason_of(&error)));
        let size = fs::metadata(&path).map_err(failed)?;
        if !size.is_file() {
            return Err(refused(format!("{shown} is no file")));
        }
        if size.len() > FILE_BYTES_MAX {
            return Err(refused(format!("{shown} is larger than 16 MiB")));
        }
        let text = fs::read_to_string(&path).map_err(failed)?;
        Ok(Self {
            at: at.clone(),
            shown,
            text,
        })
    }

    /// Its lines with values, numbered from 1.
    fn lines(&self) -> Result<Vec<(usize, &str)>, NotationError> {
        let text = self.text.strip_prefix('\u{feff}').unwrap_or(&self.text);
        let mut found = Vec::new();
        for (number, line) in (1..).zip(text.trim_end().lines()) {
            let line = line.trim();
            if line.is_empty() && !found.is_empty() {
                return Err(self
                    .refused(number, "a value is missing")
                    .hint("empty lines may stand before the first and after the last value only"));
            }
            if !line.is_empty() && !line.starts_with('#') {
                found.push((number, line));
            }
        }
        Ok(found)
    }

    fn refused(&self, line: usize, reason: &str) -> NotationError {
        NotationError::new(
            self.at.clone(),
            format!("{}, line {line}: {reason}", self.shown),
        )
    }

    pub(super) fn empty(&self, hint: &str) -> NotationError {
        NotationError::new(self.at.clone(), format!("{} holds no value", self.shown)).hint(hint)
    }

    /// One quantity a line, or plain numbers under a first line that names their unit.
    pub(super) fn values(&self, domain: Domain) -> Result<Vec<f64>, NotationError> {
        let mut unit = "";
        let mut values = Vec::new();
        for (number, line) in self.lines()? {
            if values.is_empty() && unit.is_empty() && is_unit(line) {
                unit = line;
                continue;
            }
            values.push(self.value(number, &format!("{line}{unit}"), domain)?);
        }
        Ok(values)
    }

    /// Points of a quantile function, one a line: probability and value with a comma between them,
    /// under a first line that names the columns or the value's unit if there is one. `None`: the
    /// file has one column.
    pub(super) fn points(&self, domain: Domain) -> Result<Option<Vec<Point>>, NotationError> {
        let lines = self.lines()?;
        let Some((_, first)) = lines.first() else {
            return Ok(None);
        };
        if !first.contains(',') {
            return Ok(None);
        }
        let mut unit = "";
        let mut points: Vec<Point> = Vec::new();
        for (at, (number, line)) in lines.into_iter().enumerate() {
            let Some((probability, value)) = line.split_once(',') else {
                return Err(self
                    .refused(number, "a probability and a value are wanted")
                    .hint("write for instance `0.95,120ms`"));
            };
            let (probability, value) = (probability.trim(), value.trim());
            // Names of columns; a unit may stand in the place of the second.
            if at == 0 && probability.starts_with(|c: char| c.is_ascii_alphabetic()) {
                let is_known = Quantity::parse(&format!("1{value}"), domain.dimension).is_ok();
                unit = if is_known { value } else { "" };
                continue;
            }
            let share = Quantity::parse(probability, Dimension::Share)
                .map_err(|error| self.refused(number, &error.reason))?;
            let point = Point {
                probability: share.number(),
                value: self.value(number, &format!("{value}{unit}"), domain)?,
            };
            if !(0.0..=1.0).contains(&point.probability) {
                return Err(self.refused(number, "a probability lies between 0 and 1"));
            }
            if let Some(before) = points.last()
                && (before.probability >= point.probability || before.value > point.value)
            {
                return Err(self
                    .refused(number, "a quantile function only ascends")
                    .hint("sort the lines by probability; values must not decrease"));
            }
            points.push(point);
        }
        if points.is_empty() {
            return Err(self.empty("a probability and a value a line, such as `0.95,120ms`"));
        }
        Ok(Some(points))
    }

    fn value(&self, number: usize, text: &str, domain: Domain) -> Result<f64, NotationError> {
        let quantity = Quantity::parse(text, domain.dimension)
            .map_err(|error| self.refused(number, &format!("{}; {}", error.reason, error.hint)))?;
        if quantity.is_negative() && !domain.signed {
            return Err(self.refused(number, &negative(0..0, domain).reason));
        }
        Ok(quantity.number())
    }

    /// `true` for each packet that was lost: `1` or `lost`, against `0` or `delivered`.
    fn losses(&self) -> Result<Vec<bool>, NotationError> {
        let mut lines = self.lines()?;
        let word = |line: &str| line.starts_with(|c: char| c.is_ascii_alphabetic());
        // A word above numbers is the column's name.
        if let [(_, first), (_, second), ..] = lines.as_slice()
            && word(first)
            && !word(second)
        {
            lines.remove(0);
        }
        let read = |(number, line): (usize, &str)| match line {
            "1" | "lost" => Ok(true),
            "0" | "delivered" => Ok(false),
            other => Err(self
                .refused(
                    number,
                    &format!("{} says of no packet what became of it", quoted(other)),
                )
                .hint("write `0` or `delivered`, `1` or `lost`, one packet a line")),
        };
        lines.into_iter().map(read).collect()
    }
}

/// Whether a line is a unit and not a value.
fn is_unit(line: &str) -> bool {
    line.chars().all(|c| c.is_alphabetic() || c == '%')
}

/// The file of a recording.
fn recorded(text: &str, dimension: Dimension, base: &Path) -> Result<File, NotationError> {
    match crate::notation::read(text, dimension)? {
        Bound::Law { form, arguments } if form.name == "trace" => {
            File::open(arguments.first().and_then(Option::as_ref), base)
        }
        _ => Err(NotationError::new(0..text.len(), "this is no recording")),
    }
}

/// The values of the recording that `text` names, in their order.
///
/// # Errors
///
/// What the notation refuses, or a file without values or with others than these.
pub(crate) fn recording(
    text: &str,
    domain: Domain,
    base: &Path,
) -> Result<Vec<f64>, NotationError> {
    let file = recorded(text, domain.dimension, base)?;
    let values = file.values(domain)?;
    if values.is_empty() {
        return Err(file.empty("one value a line, with its unit"));
    }
    Ok(values)
}

/// The losses of the recording that `text` names, in their order.
///
/// # Errors
///
/// As [`recording`].
pub(crate) fn losses(text: &str, base: &Path) -> Result<Vec<bool>, NotationError> {
    let file = recorded(text, Dimension::Share, base)?;
    let lost = file.losses()?;
    if lost.is_empty() {
        return Err(file.empty("`0` or `delivered`, `1` or `lost`, one packet a line"));
    }
    Ok(lost)
}
