//! The regularized incomplete beta function and its inverse, for counts of any size.
//!
//! The exact tests and intervals of rates rest on it. Libraries stop the continued fraction after a
//! fixed number of steps, which holds for some ten thousand trials; a run of a million devices has
//! tens of millions, whose middle needs as many steps as the square root of the count.
//!
//! Source: NIST Digital Library of Mathematical Functions, 8.17 (8.17.22 the continued fraction, taken
//! for the side of the mean on which it converges fast; 5.11.1 Stirling's series); Lentz's method, in
//! Thompson & Barnett, J. Comput. Phys. 64 (1986); the deviance form of the factor before it: Loader,
//! "Fast and Accurate Computation of Binomial Probabilities" (2000).

/// Keeps a denominator of Lentz's method away from zero.
const TINY: f64 = 1e-300;
/// A factor so near to one ends the continued fraction.
const CLOSE: f64 = 1e-15;

/// The probability that a beta variable with the shapes `a`, `b` (both above 0) is at most `x`, which
/// lies between 0 and 1.
pub(super) fn regularized(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = front(a, b, x);
    let below = if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(a, b, x) / a
    } else {
        1.0 - front * fraction(b, a, 1.0 - x) / b
    };
    below.clamp(0.0, 1.0)
}

/// `x^a (1 - x)^b / B(a, b)`, through what the shapes miss of their means: the logarithms of the gamma
/// function themselves cancel to seven digits at ten million.
fn front(a: f64, b: f64, x: f64) -> f64 {
    let sum = a + b;
    let scale = libm::sqrt(a * b / (sum * core::f64::consts::TAU));
    let exponent = stirling_rest(sum)
        - stirling_rest(a)
        - stirling_rest(b)
        - deviance(a, sum * x)
        - deviance(b, sum * (1.0 - x));
    scale * libm::exp(exponent)
}

/// `count ln(count / mean) + mean - count`.
fn deviance(count: f64, mean: f64) -> f64 {
    let excess = (count - mean) / mean;
    mean * ((1.0 + excess) * libm::log1p(excess) - excess)
}

/// What Stirling's formula misses of the logarithm of the gamma function at `z > 0`.
fn stirling_rest(z: f64) -> f64 {
    if z < 16.0 {
        let half_ln_tau = libm::log(core::f64::consts::TAU) / 2.0;
        return libm::lgamma(z) - ((z - 0.5) * libm::log(z) - z + half_ln_tau);
    }
    let square = z * z;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square) / z
}

/// The continued fraction, for `x` below the mean.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let guarded = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / guarded(1.0 - (a + b) * x / (a + 1.0));
    let mut product = d;
    let steps = 100.0 + 10.0 * libm::sqrt(a.max(b));
    let mut step = 1.0;
    while step <= steps {
        let twice = 2.0 * step;
        let even = step * (b - step) * x / ((a + twice - 1.0) * (a + twice));
        let odd = -(a + step) * (a + b + step) * x / ((a + twice) * (a + twice + 1.0));
        let mut factor = 1.0;
        for term in [even, odd] {
            d = 1.0 / guarded(1.0 + term * d);
            c = guarded(1.0 + term / c);
            factor = c * d;
            product *= factor;
        }
        if (factor - 1.0).abs() < CLOSE {
            break;
        }
        step += 1.0;
    }
    product
}

/// The `x` at which [`regularized`] reaches `share`, above 0 and below 1.
///
/// Bisection, which cannot run away: first for the exponent, since a bound may be a billionth, then
/// for the value.
pub(super) fn inverse(a: f64, b: f64, share: f64) -> f64 {
    let mut low = 1.0;
    let mut high = 1.0;
    while regularized(a, b, low) > share && low > f64::MIN_POSITIVE {
        high = low;
        low /= 2.0;
    }
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return middle;
        }
        if regularized(a, b, middle) > share {
            high = middle;
        } else {
            low = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(left: f64, right: f64, relative: f64) {
        assert!((left / right - 1.0).abs() < relative, "{left} {right}");
    }

    #[test]
    fn with_a_shape_of_one_it_is_a_power() {
        for (b, x) in [(1.0, 0.25), (7.0, 0.1), (2.4e7, 1e-7)] {
            let exact = -libm::expm1(b * libm::log1p(-x));
            assert_near(regularized(1.0, b, x), exact, 1e-9);
            assert_near(regularized(b, 1.0, 1.0 - x), 1.0 - exact, 1e-8);
        }
    }

    #[test]
    fn it_is_symmetric() {
        for (a, b, x) in [(3.0, 998.0, 0.002), (500.5, 1.5e6, 0.0003), (2.0, 2.0, 0.5)] {
            assert_near(regularized(a, b, x), 1.0 - regularized(b, a, 1.0 - x), 1e-9);
        }
    }

    #[test]
    fn half_of_equal_shapes_lies_below_the_middle_however_large() {
        for shape in [1.0, 40.0, 1e4, 1.2e7] {
            assert_near(regularized(shape, shape, 0.5), 0.5, 1e-11);
            assert_near(inverse(shape, shape, 0.5), 0.5, 1e-11);
        }
    }

    #[test]
    fn the_inverse_finds_the_way_back() {
        for (a, b) in [
            (1.0, 1.0),
            (1.0, 2.4e7),
            (4.0, 997.0),
            (3e5, 7e5),
            (2.4e7, 1.0),
        ] {
            for share in [5e-5, 0.025, 0.5, 0.975, 0.99995] {
                assert_near(regularized(a, b, inverse(a, b, share)), share, 1e-8);
            }
        }
    }
}
