//! `laboratory.csv`: one damage at a time, and whether the two ends find together again.

use crate::table::table;

table! {
    /// The table of the desynchronisation laboratory.
    Laboratory, "laboratory.csv",
    "one row per experiment, in the order of messages, writes and storages";
    /// One experiment.
    LaboratoryRow<'a> {
        protocol: &'a str, "text", "Name of the protocol.";
        variant: &'a str, "text", "Variant.";
        target: &'a str, "text", "What is struck: a message, a durable write of a node, or a node's storage.";
        damage: &'a str, "text", "What is done to it; xN: N times in a row.";
        kind: &'a str, "text", "Worst outcome: in-step, transient (heals by itself), silent (out of step, sessions succeed), permanent, or not-exercised (the moment never came).";
        trials: u64, "count", "Runs under different seeds.";
        hits: u64, "count", "Runs with that outcome.";
        recovery_ns: Option<u64>, "ns", "Longest time out of step before the ends found together.";
        recovery_messages: Option<u64>, "count", "Most messages of the pair in that time.";
        failed: f64, "count", "Attempts that did not succeed, mean over the runs.";
        replay: &'a str, "text", "Command that runs the experiment again, from the directory of the result.";
        failure: &'a str, "text", "Why runs have no outcome; empty when all have.";
    }
}
