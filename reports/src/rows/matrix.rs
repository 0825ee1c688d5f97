//! `matrix.csv` and `claims.csv`: protocols against attacks, claims beside what was observed.

use crate::table::table;

table! {
    /// The table of attacks on protocols.
    Matrix, "matrix.csv",
    "one row per attack, variant and property, those first where a claim differs from what was observed";
    /// One attack on one variant, judged by one property; of several cases the worst.
    MatrixRow<'a> {
        protocol: &'a str, "text", "Name of the protocol.";
        variant: &'a str, "text", "Variant that was attacked.";
        attack: &'a str, "text", "Attack by its identifier.";
        claim: &'a str, "text", "Claims of the protocol's authors that the attack tests, separated by spaces.";
        verdict: &'a str, "text", "resisted, broken, degraded, not-exercised (it never acted) or not-tested (it did not beat the broken twin). Resisted means that this attacker failed so many times; it is no proof.";
        property: &'a str, "text", "Property judged: agreement, secrecy, integrity, availability, lock-out, desync or anonymity.";
        trials: u64, "count", "Runs under different seeds.";
        successes: u64, "count", "Runs in which the property was violated.";
        ci_low: Option<f64>, "share", "Lower end of the exact (Clopper-Pearson) 95 % interval of the rate of success.";
        ci_high: Option<f64>, "share", "Upper end of that interval.";
        acted: u64, "count", "Times the attack really acted, all trials together.";
        control: &'a str, "text", "Whether the attack violates any of its properties on the broken twin: beaten, not-beaten, or not-needed where the variant itself is broken.";
        replay: &'a str, "text", "Command that runs the cell's scenario again, from the directory of the result.";
        case: &'a str, "text", "Case of the attack that is shown; empty where there is one only.";
        witness: &'a str, "text", "What happened first in the run that the command shows.";
        failure: &'a str, "text", "Why runs have no verdict; empty when all have.";
    }
}

table! {
    /// The claims of the authors.
    Claims, "claims.csv",
    "one row per claim, in the order of the protocols";
    /// One claim beside the worst verdict of the attacks that test it.
    Claim<'a> {
        protocol: &'a str, "text", "Name of the protocol.";
        claim: &'a str, "text", "Identifier of the claim.";
        text: &'a str, "text", "What the authors say.";
        source: &'a str, "text", "Where they say it.";
        stance: &'a str, "text", "resists: the protocol is said to stand it; admits: a limit that the authors name themselves.";
        verdict: &'a str, "text", "Worst verdict of any attack that tests it, on as-published; not-tested where none does.";
        by: &'a str, "text", "That attack, its case where it has several, and the property.";
    }
}
