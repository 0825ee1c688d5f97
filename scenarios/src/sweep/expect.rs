//! `[[expect]]`: what must hold of metrics and aggregates, and by how much it does not.
//!
//! `metrics.desync_rate.mean <= 1%` is tested at every point that the clause's `where` leaves. An
//! absent value (an empty denominator, a point without finished runs) fails the clause.

use std::fmt;

use reports::metric::Metric;

use crate::diagnostic::{listed, quoted, suggestions};
use crate::metrics::METRICS;
use crate::quantity::{Dimension, Quantity};
use crate::sweep::condition::{Comparison, Condition, ConditionError, Kind, Token, tokens};

/// A clause.
#[derive(Clone, Debug)]
pub struct Expect {
    /// As written.
    pub text: String,
    pub(crate) left: Term,
    pub(crate) how: Comparison,
    pub(crate) right: Side,
    /// The points it is about; `None`: all.
    pub(crate) filter: Option<Condition>,
}

/// A number of a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Where it is looked up.
    pub source: TermSource,
    /// The metric, with its place.
    pub metric: String,
    /// Which column.
    pub statistic: Statistic,
}

/// Where a number of a clause is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermSource {
    /// `aggregate.csv`, or the metrics of a single run.
    Metrics,
    /// `differences.csv`.
    Differences,
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match self.source {
            TermSource::Metrics => "metrics",
            TermSource::Differences => "differences",
        };
        write!(f, "{source}.{}.{}", self.metric, self.statistic.as_str())
    }
}

/// A column that a clause can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Values.
    N,
    /// Mean.
    Mean,
    /// Standard deviation.
    Sd,
    /// Lower end of the interval.
    CiLow,
    /// Upper end of the interval.
    CiHigh,
    /// Median.
    P50,
    /// 95 % quantile.
    P95,
    /// 99 % quantile.
    P99,
}

impl Statistic {
    const ALL: [Self; 8] = [
        Self::N,
        Self::Mean,
        Self::Sd,
        Self::CiLow,
        Self::CiHigh,
        Self::P50,
        Self::P95,
        Self::P99,
    ];

    /// The column's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::N => "n",
            Self::Mean => "mean",
            Self::Sd => "sd",
            Self::CiLow => "ci_low",
            Self::CiHigh => "ci_high",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
        }
    }
}

/// The right side of a clause.
#[derive(Clone, Debug)]
pub(crate) enum Side {
    /// A constant in the metric's unit.
    Constant(f64),
    /// Another number, times a factor.
    Term(Term, f64),
}

/// Parses the comparison of a clause.
pub(crate) fn parse(text: &str) -> Result<(Term, Comparison, Side), ConditionError> {
    let tokens = tokens(text)?;
    let end = text.len().saturating_sub(1)..text.len();
    let fault = |token: Option<&Token>, reason: &str| ConditionError {
        at: token.map_or_else(|| end.clone(), |token| token.at.clone()),
        reason: reason.to_owned(),
        hint: "write for instance `metrics.desync_rate.mean <= 1%`".to_owned(),
    };
    let Some(Token {
        kind: Kind::Word(word),
        at,
    }) = tokens.first()
    else {
        return Err(fault(tokens.first(), "a metric is wanted here"));
    };
    let left = term(word, at)?;
    let Some(Token {
        kind: Kind::Compare(how),
        ..
    }) = tokens.get(1)
    else {
        return Err(fault(tokens.get(1), "a comparison is wanted here"));
    };
    let number = |token: Option<&Token>| match token {
        Some(Token {
            kind: Kind::Word(word),
            at,
        }) if !is_term(word) => constant(word, at, &left).map(Some),
        _ => Ok(None),
    };
    let factor = |token: Option<&Token>| match token {
        Some(Token {
            kind: Kind::Word(word),
            ..
        }) => word.parse::<f64>().ok(),
        _ => None,
    };
    let other = |token: Option<&Token>| match token {
        Some(Token {
            kind: Kind::Word(word),
            at,
        }) if is_term(word) => term(word, at).map(Some),
        _ => Ok(None),
    };
    let rest = &tokens[2..];
    let side = match rest {
        [one] => match (number(Some(one))?, other(Some(one))?) {
            (Some(value), _) => Side::Constant(value),
            (None, Some(term)) => Side::Term(term, 1.0),
            (None, None) => return Err(fault(Some(one), "a number or a metric is wanted here")),
        },
        [one, times, two] if times.kind == Kind::Times => {
            let first = (factor(Some(one)), other(Some(two))?);
            let second = (factor(Some(two)), other(Some(one))?);
            match (first, second) {
                ((Some(factor), Some(term)), _) | (_, (Some(factor), Some(term))) => {
                    Side::Term(term, factor)
                }
                _ => {
                    return Err(fault(
                        Some(times),
                        "`*` multiplies a metric by a plain number",
                    ));
                }
            }
        }
        other => {
            return Err(fault(
                other.get(1),
                "the clause goes on where it should end",
            ));
        }
    };
    Ok((left, *how, side))
}

fn is_term(word: &str) -> bool {
    word.starts_with("metrics.") || word.starts_with("differences.")
}

fn term(word: &str, at: &std::ops::Range<usize>) -> Result<Term, ConditionError> {
    let fault = |reason: String, hint: String| ConditionError {
        at: at.clone(),
        reason,
        hint,
    };
    let (source, rest) = if let Some(rest) = word.strip_prefix("metrics.") {
        (TermSource::Metrics, rest)
    } else if let Some(rest) = word.strip_prefix("differences.") {
        (TermSource::Differences, rest)
    } else {
        return Err(fault(
            format!("{} is no number of a study", quoted(word)),
            "write for instance `metrics.desync_rate.mean`".to_owned(),
        ));
    };
    let (name, statistic) = match rest.rsplit_once('.') {
        Some((name, last)) => match Statistic::ALL.iter().find(|one| one.as_str() == last) {
            Some(statistic) => (name, *statistic),
            None => (rest, Statistic::Mean),
        },
        None => (rest, Statistic::Mean),
    };
    let base = name.split('.').next().unwrap_or(name);
    if !METRICS.iter().any(|metric| metric.name == base) {
        let names = METRICS.iter().map(|metric| metric.name);
        let [meant, _] = suggestions(base, "", names);
        let hint = if meant.is_empty() {
            "`badlink list metrics` shows them".to_owned()
        } else {
            meant
        };
        return Err(fault(format!("there is no metric {}", quoted(base)), hint));
    }
    // A place may be missing a statistic that is nearly one: `station_wait_ns.cpu.meen`.
    let parts = name.split('.').count();
    let placed = ["station_", "link_"]
        .iter()
        .any(|kind| base.starts_with(kind));
    if parts > 2 || (parts == 2 && !placed) {
        let last = name.rsplit('.').next().unwrap_or(name);
        return Err(fault(
            format!("there is no {} of a metric", quoted(last)),
            format!(
                "there are {}",
                listed(Statistic::ALL.iter().map(|one| one.as_str()))
            ),
        ));
    }
    Ok(Term {
        source,
        metric: name.to_owned(),
        statistic,
    })
}

/// The unit of a metric by its name.
pub(crate) fn unit_of(metric: &str) -> &'static str {
    let base = metric.split('.').next().unwrap_or(metric);
    METRICS
        .iter()
        .find(|known| known.name == base)
        .map_or("", |known| known.unit)
}

fn constant(word: &str, at: &std::ops::Range<usize>, term: &Term) -> Result<f64, ConditionError> {
    let unit = if term.statistic == Statistic::N {
        "count"
    } else {
        unit_of(&term.metric)
    };
    let fault = |reason: String| ConditionError {
        at: at.clone(),
        reason,
        hint: match unit {
            "ns" => "it is a time: write for instance `250ms`, or plain nanoseconds".to_owned(),
            "share" => "it is a share: write for instance `5%` or `0.05`".to_owned(),
            "B" => "it is a size: write for instance `64B`".to_owned(),
            other => format!("its unit is {other}: write a plain number"),
        },
    };
    let Some(quantity) = Quantity::any(word) else {
        return Err(fault(format!("{} is no number", quoted(word))));
    };
    let fits = match quantity.dimension() {
        None => true,
        Some(Dimension::Duration) => unit == "ns",
        Some(Dimension::Share) => unit == "share",
        Some(Dimension::Size) => unit == "B",
        Some(_) => false,
    };
    if !fits {
        return Err(fault(format!(
            "{} does not measure what {term} is",
            quoted(word)
        )));
    }
    Ok(quantity.number())
}

/// A clause that does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The clause as written.
    pub clause: String,
    /// The point: number and what it is; `None` for a single run.
    pub point: Option<(u64, String)>,
    /// What was found.
    pub found: Option<f64>,
    /// What it was compared with.
    pub wanted: Option<f64>,
    /// Observations behind it.
    pub n: u64,
    /// Unit of both.
    pub unit: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.clause)?;
        if let Some((number, name)) = &self.point {
            write!(f, ", at point {number}")?;
            if !name.is_empty() {
                write!(f, " ({name})")?;
            }
        }
        match (self.found, self.wanted) {
            (Some(found), Some(wanted)) => {
                let away = found - wanted;
                let side = if away < 0.0 { "below" } else { "above" };
                write!(
                    f,
                    ": found {} and not {}, {} {side} (n = {})",
                    shown(found, self.unit),
                    shown(wanted, self.unit),
                    shown(away.abs(), self.unit),
                    self.n
                )
            }
            (None, _) => write!(f, ": there is no value (n = {})", self.n),
            (Some(_), None) => write!(f, ": there is nothing to compare with (n = {})", self.n),
        }
    }
}

fn shown(value: f64, unit: &str) -> String {
    use reports::format;
    match unit {
        "ns" => format::duration(value),
        "share" => format::percent(value),
        "count" => format::float_text(value),
        unit => format!("{} {unit}", format::float_text(value)),
    }
}

/// Numbers that clauses are tested against.
pub(crate) trait Numbers {
    /// Value and observations of `term`.
    fn number(&self, term: &Term) -> (Option<f64>, u64);
}

impl Expect {
    /// `None` when the clause holds.
    pub(crate) fn test(
        &self,
        numbers: &impl Numbers,
        point: Option<(u64, String)>,
    ) -> Option<Violation> {
        let (found, n) = numbers.number(&self.left);
        let wanted = match &self.right {
            Side::Constant(value) => Some(*value),
            Side::Term(term, factor) => numbers.number(term).0.map(|value| value * factor),
        };
        let holds = matches!((found, wanted), (Some(a), Some(b)) if self.how.holds(a, b));
        let unit = if self.left.statistic == Statistic::N {
            "count"
        } else {
            unit_of(&self.left.metric)
        };
        (!holds).then(|| Violation {
            clause: self.text.clone(),
            point,
            found,
            wanted,
            n,
            unit,
        })
    }
}

/// The metrics of one run as numbers.
pub(crate) struct OneRun<'a>(pub(crate) &'a [Metric]);

impl Numbers for OneRun<'_> {
    fn number(&self, term: &Term) -> (Option<f64>, u64) {
        let found = self.0.iter().find(|metric| metric.name == term.metric);
        let Some(metric) = found.filter(|_| term.source == TermSource::Metrics) else {
            return (None, 0);
        };
        #[allow(clippy::cast_precision_loss, reason = "a count for a comparison")]
        let value = match term.statistic {
            Statistic::N => Some(metric.n as f64),
            Statistic::Mean | Statistic::P50 | Statistic::P95 | Statistic::P99 => metric.value,
            Statistic::Sd => None,
            Statistic::CiLow => metric.interval.map(|interval| interval.low),
            Statistic::CiHigh => metric.interval.map(|interval| interval.high),
        };
        (value, metric.n)
    }
}

/// The clauses that one run violates. Clauses about some points of a sweep are not about it.
#[must_use]
pub fn test_run(expects: &[Expect], metrics: &[Metric]) -> Vec<Violation> {
    expects
        .iter()
        .filter(|expect| expect.filter.is_none() && expect.left.source == TermSource::Metrics)
        .filter_map(|expect| expect.test(&OneRun(metrics), None))
        .collect()
}
