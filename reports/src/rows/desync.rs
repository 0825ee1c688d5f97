//! `desync.csv`: every period in which two ends shared no common value at rest.

use crate::table::{table, words};

words! {
    /// What a divergence of shared state came to.
    DesyncKind {
        /// Sessions still succeed although the ends differ.
        Silent = "silent",
        /// The ends found back by themselves.
        Transient = "transient",
        /// Still out of step after settling, and honest attempts without any disturbance all fail.
        Permanent = "permanent",
        /// Ended by new first storage at both ends.
        Reprovisioned = "reprovisioned",
        /// Still out of step after settling, and no workload reaches the pair to show what follows.
        Unresolved = "unresolved",
    }
}

table! {
    /// The table of divergences.
    Desyncs, "desync.csv",
    "one row per pair, relation and period out of step, in the order in which they are judged";
    /// One period in which a pair was out of step.
    Desync<'a> {
        device: &'a str, "text", "Initiating node of the pair.";
        server: &'a str, "text", "Responding node of the pair.";
        relation: &'a str, "text", "Shared state concerned, in the protocol's words.";
        kind: DesyncKind, "text", "silent, transient, permanent, reprovisioned, or unresolved where no workload reaches the pair.";
        start_ns: u64, "ns", "When the ends last diverged, first seen at rest.";
        end_ns: Option<u64>, "ns", "When they had a common value again; empty if they never did.";
        recovery_ns: Option<u64>, "ns", "Time from divergence to recovery; empty if they never recovered.";
        recovery_messages: Option<u64>, "count", "Messages of the pair from divergence to recovery; empty if they never recovered.";
        attempts_before: u64, "count", "Attempts that the device had begun when the ends diverged, the fatal one included.";
        successes_before: u64, "count", "Of these, successful ones.";
        cause_session: &'a str, "text", "Latest session of the device when the ends diverged; empty if it had made none.";
    }
}
