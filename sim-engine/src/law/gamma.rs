//! The gamma law with scale 1: CDF and quantile.

use super::normal::quantile_of_normal;

/// Terms after which the series and the fraction have converged for every double.
const TERMS_MAX: u32 = 2_000;
/// Bisection halves the bracket at least once in two steps, so this reaches the last bit.
const STEPS_MAX: u32 = 200;

/// Natural logarithm of the gamma function for a positive argument.
pub(super) fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// Probability of a value below `x`, for `shape > 0` and `x > 0`.
///
/// The power series converges fast below the mean, Lentz's continued fraction above it.
fn gamma_cdf(shape: f64, x: f64) -> f64 {
    let factor = libm::exp(shape * libm::log(x) - x - ln_gamma(shape));
    if x < shape + 1.0 {
        let mut term = 1.0 / shape;
        let mut sum = term;
        for n in 1..TERMS_MAX {
            term *= x / (shape + f64::from(n));
            sum += term;
            if term < sum * f64::EPSILON {
                break;
            }
        }
        return factor * sum;
    }
    let tiny = 1e-300;
    let mut b = x + 1.0 - shape;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / b;
    let mut h = d;
    for n in 1..TERMS_MAX {
        let a = -f64::from(n) * (f64::from(n) - shape);
        b += 2.0;
        d = 1.0 / nonzero(a * d + b, tiny);
        c = nonzero(b + a / c, tiny);
        let delta = c * d;
        h *= delta;
        if libm::fabs(delta - 1.0) < f64::EPSILON {
            break;
        }
    }
    1.0 - factor * h
}

/// Lentz's method replaces a vanishing denominator by a tiny one.
fn nonzero(value: f64, tiny: f64) -> f64 {
    if libm::fabs(value) < tiny {
        tiny
    } else {
        value
    }
}

/// The value below which the law lies with probability `p`, `0 < p < 1`.
///
/// Newton's method from the Wilson–Hilferty guess, kept inside a bracket by bisection.
pub(super) fn quantile_of_gamma(shape: f64, p: f64) -> f64 {
    let ninth = 1.0 / (9.0 * shape);
    let cube = 1.0 - ninth + quantile_of_normal(p) * libm::sqrt(ninth);
    let guess = shape * cube * cube * cube;
    // For small p the CDF is p = x^shape / gamma(shape + 1), which is exact at the lower end.
    let lower_end = libm::exp((libm::log(p) + ln_gamma(shape + 1.0)) / shape);
    let mut x = if guess > lower_end { guess } else { lower_end };
    if x <= 0.0 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, f64::INFINITY);
    for _ in 0..STEPS_MAX {
        let error = gamma_cdf(shape, x) - p;
        if error > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let density = libm::exp((shape - 1.0) * libm::log(x) - x - ln_gamma(shape));
        let newton = x - error / density;
        let next = if newton > low && newton < high {
            newton
        } else if high.is_finite() {
            low + (high - low) / 2.0
        } else {
            2.0 * x
        };
        if libm::fabs(next - x) <= 4.0 * f64::EPSILON * x {
            return next;
        }
        x = next;
    }
    x
}
