//! Means and quantiles against known values and an independent implementation.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use statrs::distribution::{ContinuousCDF, Gamma, Normal};

use super::*;
use crate::rng::Seed;

fn close(a: f64, b: f64, relative: f64) -> bool {
    (a - b).abs() <= relative * a.abs().max(b.abs()).max(1e-300)
}

/// Every law once, with finite variance.
fn all() -> Vec<Law> {
    vec![
        Law::constant(3.0).unwrap(),
        Law::uniform(-2.0, 5.0).unwrap(),
        Law::normal(10.0, 5.0, 0.0, f64::INFINITY).unwrap(),
        Law::normal(0.0, 1.0, 3.0, 4.0).unwrap(),
        Law::normal(0.0, 1.0, f64::NEG_INFINITY, f64::INFINITY).unwrap(),
        Law::exponential(2.0, 7.0).unwrap(),
        Law::lognormal(25.0, 0.4).unwrap(),
        Law::pareto(1.5, 4.5).unwrap(),
        Law::weibull(3.0, 0.8).unwrap(),
        Law::gamma(0.5, 2.0).unwrap(),
        Law::gamma(30.0, 0.1).unwrap(),
        Law::empirical(&[1.0, 2.0, 2.0, 10.0]).unwrap(),
    ]
}

#[test]
fn sample_means_agree_with_the_exact_means() {
    let mut streams = Seed::new(7, 0).streams();
    for (number, law) in (0..).zip(all()) {
        let count = 40_000u64;
        let (mut sum, mut squares) = (0.0, 0.0);
        for block in 0..count / 8 {
            for draw in *streams.block(number, block) {
                let value = law.sample(draw) - law.mean();
                sum += value;
                squares += value * value;
            }
        }
        let standard_error = (squares / (count as f64)).sqrt() / (count as f64).sqrt();
        let mean_error = sum / count as f64;
        assert!(
            mean_error.abs() <= 4.0 * standard_error + 1e-12,
            "{law}: off by {mean_error}"
        );
    }
}

#[test]
fn quantiles_ascend_and_stay_finite_at_the_ends_of_the_range() {
    for law in all() {
        let mut last = f64::NEG_INFINITY;
        for draw in [0, 1, 1 << 20, 1 << 60, 1 << 63, u64::MAX - 1, u64::MAX] {
            let value = law.sample(draw);
            assert!(
                value.is_finite() && value >= last,
                "{law}: {value} after {last}"
            );
            last = value;
        }
    }
}

#[test]
fn truncation_is_not_clamping() {
    let law = Law::normal(10.0, 5.0, 0.0, f64::INFINITY).unwrap();
    assert!(close(law.mean(), 10.276_2, 1e-5), "{}", law.mean());
    // A clamped law would have 2 % of its values at zero.
    assert!(law.quantile(0.01) > 0.1);
}

#[test]
fn closed_forms_of_the_means() {
    assert!(close(Law::weibull(2.0, 0.5).unwrap().mean(), 4.0, 1e-14));
    assert!(close(
        Law::lognormal(25.0, 0.4).unwrap().mean(),
        25.0 * libm::exp(0.08),
        1e-14
    ));
    assert!(close(Law::pareto(2.0, 3.0).unwrap().mean(), 3.0, 1e-15));
    assert!(close(
        Law::empirical(&[0.0, 1.0, 5.0]).unwrap().mean(),
        1.75,
        1e-15
    ));
    assert_eq!(Law::pareto(2.0, 0.9).unwrap().mean(), f64::INFINITY);
}

#[test]
fn the_normal_quantile_has_full_precision() {
    // Values of another algorithm (Wichura's AS 241).
    for (p, z) in [
        (0.975, 1.959_963_984_540_054),
        (0.9, 1.281_551_565_544_600_4),
        (1e-10, -6.361_340_902_404_056),
        (1e-300, -37.047_096_299_361_2),
    ] {
        assert!(
            close(quantile_of_normal(p), z, 1e-14),
            "{p}: {}",
            quantile_of_normal(p)
        );
    }
    assert!(quantile_of_normal(0.5).abs() < 1e-16);
}

#[test]
fn a_truncated_tail_beyond_all_nines_keeps_its_shape() {
    let law = Law::normal(0.0, 1.0, 9.0, f64::INFINITY).unwrap();
    // Far out the excess is nearly exponential with the hazard rate of the tail.
    let median_excess = law.quantile(0.5) - 9.0;
    assert!(close(median_excess, 0.075_5, 0.02), "{median_excess}");
}

#[test]
fn refuses_parameters_that_make_no_law() {
    assert!(matches!(
        Law::constant(f64::NAN),
        Err(LawError::NotFinite { .. })
    ));
    assert!(matches!(
        Law::uniform(2.0, 1.0),
        Err(LawError::Order { .. })
    ));
    assert!(matches!(
        Law::normal(0.0, 0.0, 0.0, 1.0),
        Err(LawError::NotPositive { .. })
    ));
    assert!(matches!(
        Law::normal(0.0, 1.0, 60.0, 61.0),
        Err(LawError::NoMass)
    ));
    assert!(matches!(
        Law::exponential(0.0, -1.0),
        Err(LawError::NotPositive { .. })
    ));
    assert!(matches!(Law::empirical(&[]), Err(LawError::Empty)));
    assert!(matches!(
        Law::empirical(&[2.0, 1.0]),
        Err(LawError::Order { .. })
    ));
    let error = Law::gamma(f64::INFINITY, 1.0).unwrap_err();
    assert_eq!(error.to_string(), "shape must be a finite number, not inf");
}

#[test]
fn durations_are_rounded_and_never_negative() {
    assert_eq!(Law::constant(2.5).unwrap().sample_ns(0).0, 3);
    assert_eq!(Law::constant(-2.5).unwrap().sample_ns(0).0, 0);
    assert_eq!(Law::pareto(1.0, 0.5).unwrap().mean_ns().0, u64::MAX);
}

#[test]
fn prints_itself_in_the_notation_of_scenarios() {
    let texts: Vec<String> = all().iter().map(ToString::to_string).collect();
    assert_eq!(texts[2], "normal(10, 5, min=0)");
    assert_eq!(texts[5], "exp(7, min=2)");
    assert_eq!(texts[6], "lognormal(median=25, sigma=0.4)");
}

proptest! {
    #[test]
    fn normal_quantiles_agree_with_another_implementation(p in 1e-9f64..0.999_999_999) {
        let other = Normal::standard().inverse_cdf(p);
        let own = quantile_of_normal(p);
        prop_assert!((own - other).abs() < 1e-9 * other.abs().max(1.0), "{} {}", own, other);
    }

    #[test]
    fn gamma_quantiles_invert_another_implementations_cdf(
        shape in 0.05f64..200.0,
        p in 1e-6f64..0.999_999,
    ) {
        let value = Law::gamma(shape, 1.0).unwrap().quantile(p);
        let back = Gamma::new(shape, 1.0).unwrap().cdf(value);
        prop_assert!(close(back, p, 1e-9), "{} {}", back, p);
    }

    #[test]
    fn truncated_normal_values_stay_within_their_bounds(
        low in -5.0f64..5.0,
        width in 0.001f64..10.0,
        draw in any::<u64>(),
    ) {
        let law = Law::normal(0.3, 1.2, low, low + width).unwrap();
        let value = law.sample(draw);
        prop_assert!((low..=low + width).contains(&value));
        prop_assert!((low..=low + width).contains(&law.mean()));
    }
}
