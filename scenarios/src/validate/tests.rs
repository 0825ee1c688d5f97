//! The formulas at points known from elsewhere, and the judgement of rows.

use super::formula::{erlang_b, erlang_c, gilbert_elliott, loss_m_d_1_k, loss_m_m_1_k, wait_m_d_1};
use super::secrets::{binomial, draws_until_all};
use super::{Case, Effort, FAMILIES, Quantity, Row, Verdict, all};

#[track_caller]
fn near(value: f64, expected: f64) {
    assert!(
        (value / expected - 1.0).abs() < 1e-5,
        "{value} is not {expected}"
    );
}

#[test]
fn formulas_agree_with_known_values() {
    near(loss_m_d_1_k(0.95, 5), 0.082_788_5);
    near(loss_m_d_1_k(0.95, 10), 0.030_595_6);
    near(loss_m_m_1_k(1.0, 4), 0.2);
    near(loss_m_m_1_k(0.5, 1), 1.0 / 3.0);
    // Tables of Erlang: 5 servers at 3 Erlang.
    near(erlang_b(5, 3.0), 0.110_054);
    near(erlang_c(5, 3.0), 0.236_152);
    // One server: M/M/1, who waits is who finds it busy.
    near(erlang_c(1, 0.7), 0.7);
    let (loss, again, run) = gilbert_elliott(0.02, 0.2, 0.001, 0.8);
    near(loss, 0.073_636_4);
    near(again, 0.632_506);
    near(run, 2.721_13);
}

/// One at a time it is the collector's sum n (1 + 1/2 + ... + 1/n); all at once it takes one draw.
#[test]
fn coupons_agree_with_the_harmonic_sum() {
    near(draws_until_all(4, 1), 4.0 * (1.0 + 0.5 + 1.0 / 3.0 + 0.25));
    near(draws_until_all(5, 5), 1.0);
    // Two of four: after the first draw, each further one is the missing pair with 1/6, ...
    near(draws_until_all(4, 2), 3.8);
    near(binomial(16, 3), 560.0);
}

#[test]
fn the_wait_behind_constant_services_is_a_distribution_with_the_known_mean() {
    near(wait_m_d_1(0.6, 0.0), 0.4);
    // Mean by the area over the distribution: rho / (2 (1 - rho)).
    let step = 1e-3;
    let area: f64 = (0..15_000)
        .map(|index| (1.0 - wait_m_d_1(0.6, (f64::from(index) + 0.5) * step)) * step)
        .sum();
    assert!((area - 0.75).abs() < 1e-3, "{area}");
}

#[test]
fn every_case_is_a_scenario_with_a_seed_of_its_own() {
    for effort in [Effort::Quick, Effort::Full] {
        let cases = all(effort, |_| true);
        let mut seeds: Vec<u64> = cases.iter().map(|case| case.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), cases.len());
        for case in &cases {
            let read = crate::read_text("case.toml", &case.text, &[]);
            let place = format!("{} {}", case.family, case.point);
            let scenario = read.unwrap_or_else(|error| panic!("{place}: {}", error.render(false)));
            assert_eq!(scenario.run.seed, case.seed, "{place}");
        }
    }
    for family in FAMILIES {
        assert!(!all(Effort::Quick, |name| name == family.name).is_empty());
    }
}

/// A case whose values the test makes up.
fn made_up(exact: f64) -> Case {
    Case {
        family: "made-up",
        point: String::new(),
        text: String::new(),
        seed: 0,
        replications: 4,
        quantities: vec![Quantity::metric("value", "count", "none", exact)],
    }
}

fn judged(exact: f64, series: u64, values: &[f64]) -> Row {
    let values: Vec<Vec<f64>> = values.iter().map(|value| vec![*value]).collect();
    made_up(exact).judge(series, &values).remove(0)
}

#[test]
fn a_row_passes_when_the_exact_value_lies_in_the_interval() {
    // Mean 10, deviation 1, n = 4: t(3; 99.9 %) = 12.924, half-width 6.462.
    let values = [9.0, 9.0, 11.0, 11.0];
    let spread = 2.0 / 3f64.sqrt();
    let half_width = 12.923_98 * spread / 2.0;
    let inside = judged(10.0 + 0.99 * half_width, 0, &values);
    near(inside.half_width, half_width);
    assert_eq!(inside.verdict, Verdict::Passed);
    near(inside.deviation(), -0.99);
    assert_eq!(
        judged(10.0 + 0.99 * half_width, 1, &values).verdict,
        Verdict::PassedRepeated
    );
    let outside = judged(10.0 - 1.01 * half_width, 0, &values);
    assert_eq!(outside.verdict, Verdict::Failed);
    assert!(outside.deviation() > 1.0);
}

#[test]
fn values_without_spread_must_be_equal() {
    assert_eq!(judged(0.25, 0, &[0.25; 4]).verdict, Verdict::Passed);
    let row = judged(0.25, 0, &[0.250_001; 4]);
    assert_eq!(row.verdict, Verdict::Failed);
    assert_eq!(row.deviation(), f64::INFINITY);
}

#[test]
fn a_wrong_formula_is_found() {
    // The same scenario against a wait that is 3 % too long.
    let mut case = all(Effort::Quick, |name| name == "m-m-1").remove(0);
    let run = |case: &Case| -> Vec<Vec<f64>> {
        (0..case.replications)
            .map(|replication| case.observe(0, replication).unwrap())
            .collect()
    };
    let values = run(&case);
    assert!(
        case.judge(0, &values)
            .iter()
            .all(|row| row.verdict == Verdict::Passed)
    );
    for quantity in &mut case.quantities {
        quantity.exact *= 1.1;
    }
    assert!(
        case.judge(0, &values)
            .iter()
            .any(|row| row.verdict == Verdict::Failed)
    );
}
