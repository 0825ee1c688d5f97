//! `validation.csv`: the simulator against closed forms.

use crate::table::{table, words};

words! {
    /// What came of a comparison with a closed form.
    Verdict {
        /// The exact value lies in the interval.
        Passed = "passed",
        /// It lay outside, and inside when the case was repeated with more replications.
        PassedRepeated = "passed-repeated",
        /// It lies outside.
        Failed = "failed",
    }
}

table! {
    /// The table of comparisons with closed forms.
    Validations, "validation.csv",
    "one row per family, point and quantity, in the order of `badlink validate`";
    /// One quantity of one scenario, simulated and exact.
    Validation<'a> {
        family: &'a str, "text", "Family of closed forms.";
        point: &'a str, "text", "The parameters of the scenario, in words.";
        quantity: &'a str, "text", "What is compared.";
        unit: &'a str, "text", "Unit of the three values.";
        replications: u64, "count", "Independent runs behind the value.";
        seed: u64, "count", "Seed of the first; each further one has the next.";
        simulated: f64, "metric", "Mean over the runs.";
        ci_low: f64, "metric", "Lower end of the interval at 99.9 % (Student).";
        ci_high: f64, "metric", "Upper end.";
        exact: f64, "metric", "What the formula says.";
        deviation: f64, "metric", "Simulated less exact, in half-widths of the interval; within -1 and 1 is good.";
        verdict: Verdict, "text", "passed, passed-repeated (on a repetition with ten times the runs) or failed.";
    }
}
