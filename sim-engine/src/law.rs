//! Probability laws of delays, think times and other non-negative or signed quantities.
//!
//! A law is unit-free: the unit is that of its parameters, nanoseconds where the engine uses it.
//! Every law takes exactly one draw of 64 bits through its quantile function (inverse CDF), so the
//! number of draws never depends on their values and two runs with common random numbers stay in
//! step when a parameter changes.
//!
//! **Model.** The draw `u` is mapped to the middle of one of 2^52 equal cells of (0, 1), so neither
//! end is ever reached and `ln 0` cannot occur. The truncated normal law is truncated, not clamped:
//! there is no atom at its bounds. **Determinism.** All transcendental functions are `libm`'s.

mod error;
mod gamma;
mod normal;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use self::error::LawError;
use self::gamma::{ln_gamma, quantile_of_gamma};
use self::normal::density_of_normal;
pub(crate) use self::normal::{normal_cdf, quantile_of_normal};
pub use self::table::Point;
use crate::time::SimDuration;

/// A validated probability law.
#[derive(Clone, PartialEq, Debug)]
pub struct Law(Form);

/// The parameters, valid by construction of [`Law`].
#[derive(Clone, PartialEq, Debug)]
enum Form {
    Constant(f64),
    Uniform {
        low: f64,
        high: f64,
    },
    Normal {
        mu: f64,
        sigma: f64,
        low: f64,
        high: f64,
    },
    Exponential {
        min: f64,
        excess: f64,
    },
    Lognormal {
        median: f64,
        sigma: f64,
    },
    Pareto {
        scale: f64,
        shape: f64,
    },
    Weibull {
        scale: f64,
        shape: f64,
    },
    Gamma {
        shape: f64,
        scale: f64,
    },
    /// Quantiles at equally spaced probabilities, ascending, at least one.
    Empirical(Arc<[f64]>),
    /// Quantiles at probabilities of their own.
    Table(Arc<[Point]>),
}

impl Law {
    /// Nothing at all: constant zero.
    pub const ZERO: Self = Self(Form::Constant(0.0));

    /// Always `value`.
    ///
    /// # Errors
    /// If `value` is not finite.
    pub fn constant(value: f64) -> Result<Self, LawError> {
        finite("value", value)?;
        Ok(Self(Form::Constant(value)))
    }

    /// Uniform between `low` and `high`.
    ///
    /// # Errors
    /// If a bound is not finite or `low > high`.
    pub fn uniform(low: f64, high: f64) -> Result<Self, LawError> {
        finite("low", low)?;
        finite("high", high)?;
        ordered("low", low, "high", high)?;
        Ok(Self(Form::Uniform { low, high }))
    }

    /// Normal with mean `mu` and standard deviation `sigma` before truncation to `[low, high]`.
    ///
    /// Bounds may be infinite. Truncation keeps the shape inside the bounds and moves the mean.
    ///
    /// # Errors
    /// If `mu` or `sigma` is not finite, `sigma <= 0`, `low >= high`, or the interval lies so far
    /// from `mu` (38 standard deviations) that it has no probability in double precision.
    pub fn normal(mu: f64, sigma: f64, low: f64, high: f64) -> Result<Self, LawError> {
        finite("mu", mu)?;
        positive("sigma", sigma)?;
        for (name, bound) in [("min", low), ("max", high)] {
            if bound.is_nan() {
                return Err(LawError::NotFinite {
                    parameter: name,
                    value: bound,
                });
            }
        }
        if low >= high {
            return Err(LawError::Order {
                low: "min",
                high: "max",
            });
        }
        let (a, b) = ((low - mu) / sigma, (high - mu) / sigma);
        if mass_between(a, b) <= 0.0 {
            return Err(LawError::NoMass);
        }
        Ok(Self(Form::Normal {
            mu,
            sigma,
            low,
            high,
        }))
    }

    /// `min` plus an exponential excess of mean `excess`.
    ///
    /// # Errors
    /// If `min` is not finite or `excess` not positive.
    pub fn exponential(min: f64, excess: f64) -> Result<Self, LawError> {
        finite("min", min)?;
        positive("mean", excess)?;
        Ok(Self(Form::Exponential { min, excess }))
    }

    /// Lognormal: `median * exp(sigma * z)`.
    ///
    /// # Errors
    /// If `median` or `sigma` is not positive and finite.
    pub fn lognormal(median: f64, sigma: f64) -> Result<Self, LawError> {
        positive("median", median)?;
        positive("sigma", sigma)?;
        Ok(Self(Form::Lognormal { median, sigma }))
    }

    /// Pareto (type I) with smallest value `scale` and tail exponent `shape`.
    ///
    /// # Errors
    /// If a parameter is not positive and finite.
    pub fn pareto(scale: f64, shape: f64) -> Result<Self, LawError> {
        positive("scale", scale)?;
        positive("shape", shape)?;
        Ok(Self(Form::Pareto { scale, shape }))
    }

    /// Weibull; a shape below 1 gives a heavier tail than the exponential law.
    ///
    /// # Errors
    /// If a parameter is not positive and finite.
    pub fn weibull(scale: f64, shape: f64) -> Result<Self, LawError> {
        positive("scale", scale)?;
        positive("shape", shape)?;
        Ok(Self(Form::Weibull { scale, shape }))
    }

    /// Gamma with mean `shape * scale`.
    ///
    /// # Errors
    /// If a parameter is not positive and finite.
    pub fn gamma(shape: f64, scale: f64) -> Result<Self, LawError> {
        positive("shape", shape)?;
        positive("scale", scale)?;
        Ok(Self(Form::Gamma { shape, scale }))
    }

    /// Linear interpolation between quantiles at the probabilities `0, 1/(n-1), ..., 1`.
    ///
    /// A sorted sample may be given as it is. There is no value outside the first and the last.
    ///
    /// # Errors
    /// If there is no quantile, one is not finite, or they do not ascend.
    pub fn empirical(quantiles: &[f64]) -> Result<Self, LawError> {
        if quantiles.is_empty() {
            return Err(LawError::Empty);
        }
        for &value in quantiles {
            finite("quantile", value)?;
        }
        if !quantiles.is_sorted() {
            return Err(LawError::Order {
                low: "a quantile",
                high: "the next",
            });
        }
        Ok(Self(Form::Empirical(quantiles.into())))
    }

    /// Lower and upper end of a uniform law.
    #[must_use]
    pub const fn as_uniform(&self) -> Option<(f64, f64)> {
        match self.0 {
            Form::Uniform { low, high } => Some((low, high)),
            _ => None,
        }
    }

    /// Minimum and mean excess of a shifted exponential law.
    #[must_use]
    pub const fn as_exponential(&self) -> Option<(f64, f64)> {
        match self.0 {
            Form::Exponential { min, excess } => Some((min, excess)),
            _ => None,
        }
    }

    /// The only value of a constant law. Such a law needs no draw.
    #[must_use]
    pub fn as_constant(&self) -> Option<f64> {
        match &self.0 {
            Form::Constant(value) => Some(*value),
            Form::Uniform { low, high } if low == high => Some(*low),
            Form::Empirical(quantiles) if quantiles.len() == 1 => quantiles.first().copied(),
            _ => None,
        }
    }

    /// The value for 64 random bits.
    #[must_use]
    pub fn sample(&self, draw: u64) -> f64 {
        self.quantile(unit_open(draw))
    }

    /// The value for 64 random bits as a duration, if the unit of the law is the nanosecond.
    ///
    /// Rounded to the nearest nanosecond; negative values give zero.
    #[must_use]
    pub fn sample_ns(&self, draw: u64) -> SimDuration {
        to_duration(self.sample(draw))
    }

    /// The value at probability `p` as a duration, if the unit of the law is the nanosecond.
    #[must_use]
    pub fn quantile_ns(&self, p: f64) -> SimDuration {
        to_duration(self.quantile(p))
    }

    /// The mean as a duration, if the unit of the law is the nanosecond.
    ///
    /// An infinite mean gives the longest duration.
    #[must_use]
    pub fn mean_ns(&self) -> SimDuration {
        to_duration(self.mean())
    }

    /// The value below which the law lies with probability `p`, for `0 < p < 1`.
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        match &self.0 {
            Form::Constant(value) => *value,
            Form::Uniform { low, high } => low + (high - low) * p,
            Form::Normal {
                mu,
                sigma,
                low,
                high,
            } => {
                let z = truncated_quantile((low - mu) / sigma, (high - mu) / sigma, p);
                // Rounding may step over a bound by one unit in the last place.
                (mu + sigma * z).clamp(*low, *high)
            }
            Form::Exponential { min, excess } => min - excess * libm::log1p(-p),
            Form::Lognormal { median, sigma } => median * libm::exp(sigma * quantile_of_normal(p)),
            Form::Pareto { scale, shape } => scale * libm::exp(-libm::log1p(-p) / shape),
            Form::Weibull { scale, shape } => scale * libm::pow(-libm::log1p(-p), 1.0 / shape),
            Form::Gamma { shape, scale } => scale * quantile_of_gamma(*shape, p),
            Form::Table(points) => table::quantile(points, p),
            Form::Empirical(quantiles) => {
                let position = p * (quantiles.len() - 1) as f64;
                let below = position as usize;
                let next = (below + 1).min(quantiles.len() - 1);
                let (low, high) = (quantiles[below], quantiles[next]);
                low + (high - low) * (position - below as f64)
            }
        }
    }

    /// The exact mean; infinite for a Pareto law with shape at most 1.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match &self.0 {
            Form::Constant(value) => *value,
            Form::Uniform { low, high } => low + (high - low) / 2.0,
            Form::Normal {
                mu,
                sigma,
                low,
                high,
            } => {
                let (a, b) = ((low - mu) / sigma, (high - mu) / sigma);
                let shift = (density_of_normal(a) - density_of_normal(b)) / mass_between(a, b);
                mu + sigma * shift
            }
            Form::Exponential { min, excess } => min + excess,
            Form::Lognormal { median, sigma } => median * libm::exp(sigma * sigma / 2.0),
            Form::Pareto { shape, .. } if *shape <= 1.0 => f64::INFINITY,
            Form::Pareto { scale, shape } => shape * scale / (shape - 1.0),
            Form::Weibull { scale, shape } => scale * libm::exp(ln_gamma(1.0 + 1.0 / shape)),
            Form::Gamma { shape, scale } => shape * scale,
            Form::Empirical(quantiles) => mean_of_quantiles(quantiles),
            Form::Table(points) => table::mean(points),
        }
    }
}

/// Exact mean of the piecewise linear quantile function.
fn mean_of_quantiles(quantiles: &[f64]) -> f64 {
    if quantiles.len() == 1 {
        return quantiles[0];
    }
    let sum: f64 = quantiles
        .windows(2)
        .map(|pair| (pair[0] + pair[1]) / 2.0)
        .sum();
    sum / (quantiles.len() - 1) as f64
}

/// The middle of the cell of (0, 1) that the upper 52 bits of a draw select.
///
/// 52 bits and one half fit a double exactly, so the result is strictly inside the interval.
#[must_use]
pub fn unit_open(draw: u64) -> f64 {
    ((draw >> 12) as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0)
}

/// Rounds to whole nanoseconds. The cast saturates at both ends of the range.
fn to_duration(ns: f64) -> SimDuration {
    SimDuration(libm::round(ns) as u64)
}

/// Probability of the standard normal law between `a` and `b`, precise in both tails.
fn mass_between(a: f64, b: f64) -> f64 {
    if a > 0.0 {
        normal_cdf(-a) - normal_cdf(-b)
    } else {
        normal_cdf(b) - normal_cdf(a)
    }
}

/// Quantile of the standard normal law truncated to `[a, b]`.
fn truncated_quantile(a: f64, b: f64, p: f64) -> f64 {
    if a > 0.0 {
        // In the upper tail the CDF is all nines; its mirror image keeps full precision.
        return -truncated_quantile(-b, -a, 1.0 - p);
    }
    let at = normal_cdf(a);
    quantile_of_normal(at + p * (normal_cdf(b) - at))
}

fn finite(parameter: &'static str, value: f64) -> Result<(), LawError> {
    if value.is_finite() {
        Ok(())
    } else {
        Err(LawError::NotFinite { parameter, value })
    }
}

fn positive(parameter: &'static str, value: f64) -> Result<(), LawError> {
    finite(parameter, value)?;
    if value > 0.0 {
        Ok(())
    } else {
        Err(LawError::NotPositive { parameter, value })
    }
}

fn ordered(low: &'static str, a: f64, high: &'static str, b: f64) -> Result<(), LawError> {
    if a <= b {
        Ok(())
    } else {
        Err(LawError::Order { low, high })
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Constant(value) => write!(f, "{value}"),
            Form::Uniform { low, high } => write!(f, "uniform({low}, {high})"),
            Form::Normal {
                mu,
                sigma,
                low,
                high,
            } => {
                write!(f, "normal({mu}, {sigma}")?;
                if low.is_finite() {
                    write!(f, ", min={low}")?;
                }
                if high.is_finite() {
                    write!(f, ", max={high}")?;
                }
                f.write_str(")")
            }
            Form::Exponential { min, excess } if *min == 0.0 => write!(f, "exp({excess})"),
            Form::Exponential { min, excess } => write!(f, "exp({excess}, min={min})"),
            Form::Lognormal { median, sigma } => {
                write!(f, "lognormal(median={median}, sigma={sigma})")
            }
            Form::Pareto { scale, shape } => write!(f, "pareto(scale={scale}, shape={shape})"),
            Form::Weibull { scale, shape } => write!(f, "weibull(scale={scale}, shape={shape})"),
            Form::Gamma { shape, scale } => write!(f, "gamma(shape={shape}, scale={scale})"),
            Form::Empirical(quantiles) => write!(f, "empirical({} quantiles)", quantiles.len()),
            Form::Table(points) => write!(f, "empirical({} points)", points.len()),
        }
    }
}
