//! From the notation of a law to the engine's law, and to the view that a protocol machine has of
//! it.
//!
//! Laws over quantities that cannot be negative never give a negative value: a constant or a bound
//! below zero is an error, and a normal law without `min` is truncated at 0 (truncated, not
//! clamped: there is no pile of values at 0).

mod sample;

use std::ops::Range;
use std::path::Path;

use protocols::law::Sampler;
use sha2::{Digest, Sha256};
use sim_engine::{Law, LawError};

use self::sample::File;
pub(crate) use self::sample::{losses, recording};
use crate::diagnostic::quoted;
use crate::notation::{Argument, ArgumentValue, Bound, Form, NotationError};
use crate::quantity::{Dimension, Quantity};

/// What a law is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Domain {
    /// The dimension of its values.
    pub(crate) dimension: Dimension,
    /// Whether values may be negative.
    pub(crate) signed: bool,
}

impl Domain {
    /// Values that cannot be negative.
    pub(crate) const fn unsigned(dimension: Dimension) -> Self {
        Self {
            dimension,
            signed: false,
        }
    }

    /// Values of either sign.
    pub(crate) const fn signed(dimension: Dimension) -> Self {
        Self {
            dimension,
            signed: true,
        }
    }
}

/// Reads `text` as a law over `domain`; file names in it are relative to `base`.
///
/// # Errors
///
/// What [`crate::notation::read`] refuses, values that the law does not allow, or a file that
/// cannot be read.
pub(crate) fn read(text: &str, domain: Domain, base: &Path) -> Result<Law, NotationError> {
    match crate::notation::read(text, domain.dimension)? {
        Bound::Constant(quantity) => constant(text, quantity, domain),
        Bound::Law { form, arguments } => {
            let given = Given {
                text,
                form,
                arguments: &arguments,
                domain,
            };
            given.build(base)
        }
    }
}

fn constant(text: &str, quantity: Quantity, domain: Domain) -> Result<Law, NotationError> {
    if quantity.is_negative() && !domain.signed {
        return Err(negative(0..text.len(), domain));
    }
    Law::constant(quantity.number())
        .map_err(|_| NotationError::new(0..text.len(), "this number is too large"))
}

fn negative(at: Range<usize>, domain: Domain) -> NotationError {
    NotationError::new(
        at,
        format!("{} cannot be negative here", domain.dimension.name()),
    )
}

/// A law with its arguments, ready to be built.
struct Given<'a> {
    text: &'a str,
    form: &'static Form,
    arguments: &'a [Option<Argument>],
    domain: Domain,
}

impl Given<'_> {
    fn build(&self, base: &Path) -> Result<Law, NotationError> {
        let low = if self.domain.signed {
            f64::NEG_INFINITY
        } else {
            0.0
        };
        let law = match self.form.name {
            "exp" => Law::exponential(0.0, self.number(0)),
            "uniform" => Law::uniform(self.bounded(0)?, self.number(1)),
            "normal" => Law::normal(
                self.number(0),
                self.number(1),
                self.optional(2)?.unwrap_or(low),
                self.optional(3)?.unwrap_or(f64::INFINITY),
            ),
            "lognormal" => Law::lognormal(self.number(0), self.number(1)),
            "pareto" => Law::pareto(self.number(0), self.number(1)),
            "weibull" => Law::weibull(self.number(1), self.number(0)),
            "gamma" => Law::gamma(self.number(1), self.number(0) / self.number(1)),
            "shifted-exp" => Law::exponential(self.bounded(0)?, self.number(1)),
            "empirical" => return self.empirical(base),
            "trace" => {
                let hint = "for values drawn from a sample write `empirical(\"file.csv\")`";
                let reason = "a recording is no law: it can stand in `delay` and `loss` of a link";
                return Err(NotationError::new(0..self.text.len(), reason).hint(hint));
            }
            other => unreachable!("the law `{other}` is declared but not built"),
        };
        law.map_err(|error| self.refused(&error))
    }

    /// The number given as argument `index`, which is a required one.
    fn number(&self, index: usize) -> f64 {
        match self.arguments[index]
            .as_ref()
            .map(|argument| &argument.value)
        {
            Some(ArgumentValue::Number(number)) => *number,
            _ => f64::NAN,
        }
    }

    /// The number given as argument `index`, refused below zero where values cannot be negative.
    fn bounded(&self, index: usize) -> Result<f64, NotationError> {
        let number = self.number(index);
        if number < 0.0 && !self.domain.signed {
            return Err(negative(self.at(index), self.domain));
        }
        Ok(number)
    }

    fn optional(&self, index: usize) -> Result<Option<f64>, NotationError> {
        match self.arguments[index] {
            Some(_) => self.bounded(index).map(Some),
            None => Ok(None),
        }
    }

    fn at(&self, index: usize) -> Range<usize> {
        self.arguments[index]
            .as_ref()
            .map_or(0..self.text.len(), |argument| argument.at.clone())
    }

    /// The engine's refusal in the words of the notation, pointing at the argument.
    fn refused(&self, error: &LawError) -> NotationError {
        let whole = 0..self.text.len();
        match error {
            LawError::NotFinite { parameter, .. } => {
                let (at, name) = self.named(parameter);
                NotationError::new(at, format!("{name} must be a finite number"))
            }
            LawError::NotPositive { parameter, .. } => {
                let (at, name) = self.named(parameter);
                NotationError::new(at, format!("{name} must be greater than zero"))
            }
            LawError::Order { low, high } => NotationError::new(
                whole,
                format!(
                    "{} must be smaller than {}",
                    self.named(low).1,
                    self.named(high).1
                ),
            ),
            other => NotationError::new(whole, other.to_string()),
        }
    }

    /// Place and name of what the engine calls `parameter`.
    fn named(&self, parameter: &str) -> (Range<usize>, String) {
        let index = match (self.form.name, parameter) {
            ("uniform", "low") | ("exp" | "normal", "mean" | "mu") => 0,
            ("uniform", "high") | ("normal", "sigma") => 1,
            ("pareto" | "gamma", "scale") | ("weibull", "shape") => 0,
            ("pareto" | "gamma", "shape") | ("weibull", "scale") => 1,
            _ => self
                .form
                .parameters
                .iter()
                .position(|known| known.names.contains(&parameter))
                .unwrap_or(0),
        };
        (self.at(index), quoted(self.form.parameters[index].names[0]))
    }

    fn empirical(&self, base: &Path) -> Result<Law, NotationError> {
        let file = File::open(self.arguments[0].as_ref(), base)?;
        if let Some(points) = file.points(self.domain)? {
            return Law::table(&points).map_err(|error| self.refused(&error));
        }
        let mut sample = file.values(self.domain)?;
        sample.sort_by(f64::total_cmp);
        Law::empirical(&sample).map_err(|_| file.empty("one value a line, with its unit"))
    }
}

/// What the operating system says, in a few words that are the same on every system.
pub(crate) fn reason_of(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}

/// A law as a protocol machine sees it.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    /// The law, in base units.
    pub(crate) law: Law,
}

impl Sampler for Drawn {
    fn sample(&self, draw: u64) -> u64 {
        round(self.law.sample(draw))
    }

    fn constant(&self) -> Option<u64> {
        self.law.as_constant().map(round)
    }

    fn describe(&self) -> String {
        text(&self.law)
    }
}

/// The law in base units, an empirical one by the digest of its values: equal texts mean equal laws.
pub(crate) fn text(law: &Law) -> String {
    let text = law.to_string();
    if !text.starts_with("empirical") {
        return text;
    }
    let digest = Sha256::digest(format!("{law:?}").as_bytes());
    let hex: String = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{text} {hex}")
}

/// The nearest whole number; the cast saturates at both ends of the range.
fn round(value: f64) -> u64 {
    libm::round(value) as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::notation::LAWS;

    const TIME: Domain = Domain::unsigned(Dimension::Duration);

    fn mean(text: &str) -> f64 {
        read(text, TIME, Path::new("")).unwrap().mean()
    }

    #[test]
    fn every_declared_law_is_built_from_its_own_example() {
        for form in LAWS
            .iter()
            .filter(|form| !["empirical", "trace"].contains(&form.name))
        {
            let read = read(form.example, TIME, Path::new(""));
            assert!(read.is_ok(), "{}: {read:?}", form.example);
        }
    }

    #[test]
    fn means_are_those_that_the_notation_names() {
        let close = |text: &str, ns: f64| {
            let mean = mean(text);
            assert!((mean / ns - 1.0).abs() < 1e-9, "{text}: {mean}");
        };
        close("3ms", 3e6);
        close("exp(10s)", 1e10);
        close("uniform(1ms, 5ms)", 3e6);
        close("gamma(mean=1s, shape=0.5)", 1e9);
        close("shifted-exp(min=10ms, mean=5ms)", 1.5e7);
        close("weibull(shape=1, scale=20ms)", 2e7);
        close("pareto(xm=10ms, alpha=2)", 2e7);
        close("lognormal(median=25ms, sigma=0.4)", 2.5e7 * libm::exp(0.08));
    }

    #[test]
    fn a_normal_law_is_truncated_at_zero_where_values_cannot_be_negative() {
        // Truncated, its mean is 10.2762 ms; clamped, it would be 10.0425 ms.
        let mean = mean("normal(10ms, 5ms)");
        assert!((mean - 10.2762e6).abs() < 100.0, "{mean}");
        let signed = Domain::signed(Dimension::Duration);
        let signed = read("normal(0s, 5ms)", signed, Path::new("")).unwrap();
        assert!(signed.quantile(0.1) < 0.0);
    }

    #[test]
    fn a_file_of_two_columns_is_a_quantile_function() {
        let folder = tempfile::tempdir().unwrap();
        let law = |text: &str| {
            std::fs::write(folder.path().join("q.csv"), text).unwrap();
            read("empirical(\"q.csv\")", TIME, folder.path())
        };
        for text in [
            "# measured\nquantile,ms\n0.1, 10\n50%, 20\n0.9, 100\n",
            "probability,delay\n0.1,10ms\n0.5,20ms\n0.9,0.1s\n",
        ] {
            let law = law(text).unwrap();
            assert!((law.quantile(0.7) - 60e6).abs() < 1.0, "{text}");
            assert!((law.quantile(0.999) - 100e6).abs() < 1.0, "{text}");
            assert!((law.mean() - 41e6).abs() < 1.0, "{text}");
        }
        for (text, reason) in [
            (
                "0.5,2ms\n0.4,3ms\n",
                "line 2: a quantile function only ascends",
            ),
            (
                "0.5,2ms\n0.6,1ms\n",
                "line 2: a quantile function only ascends",
            ),
            (
                "0.5,2ms\n1.4,3ms\n",
                "line 2: a probability lies between 0 and 1",
            ),
            (
                "0.5,2ms\n3ms\n",
                "line 2: a probability and a value are wanted",
            ),
            (
                "q,ms\n0.5,-2\n",
                "line 2: a duration cannot be negative here",
            ),
            ("q,ms\n", "holds no value"),
        ] {
            let error = law(text).unwrap_err();
            assert!(error.reason.ends_with(reason), "{text}: {}", error.reason);
        }
    }

    #[test]
    fn negative_values_are_refused_where_there_can_be_none() {
        for text in [
            "-1ms",
            "uniform(-1ms, 1ms)",
            "shifted-exp(min=-1ms, mean=1ms)",
        ] {
            let error = read(text, TIME, Path::new("")).unwrap_err();
            assert_eq!(error.reason, "a duration cannot be negative here", "{text}");
        }
        let drift = Domain::signed(Dimension::Drift);
        assert!(read("uniform(-20ppm, 20ppm)", drift, Path::new("")).is_ok());
    }
}
