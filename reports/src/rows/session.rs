//! `sessions.csv`: every attempt step, with its outcome as decided from both ends.

use crate::table::{table, words};

words! {
    /// How a session ended; where several hold, the first in this order.
    Outcome {
        /// Both ends accepted, with different session keys.
        Mismatch = "mismatch",
        /// Both ends accepted, with no differing session key.
        Accepted = "accepted",
        /// A step without an acceptance of its own reached its end.
        Completed = "completed",
        /// Only one end accepted.
        HalfOpen = "half-open",
        /// The initiator refused, or was refused, before any acceptance.
        Rejected = "rejected",
        /// The deadline passed.
        Timeout = "timeout",
        /// The initiator crashed or the run ended.
        Aborted = "aborted",
    }
}

table! {
    /// The table of sessions.
    Sessions, "sessions.csv",
    "one row per attempt step, in the order in which they close";
    /// One attempt step of an initiator, or an acceptance that no honest attempt led to.
    Session<'a> {
        session: &'a str, "text", "Identifier of the session, INITIATOR/N.";
        device: &'a str, "text", "Node that initiated, whatever its role is called.";
        server: &'a str, "text", "Node that responded, whatever its role is called.";
        attempt: Option<u64>, "count", "Number of the attempt at its initiator, from 1; empty when no honest attempt led to the acceptance.";
        started_ns: u64, "ns", "When the workload opened the step.";
        ended_ns: u64, "ns", "When the step closed.";
        outcome: Outcome, "text", "mismatch, accepted, completed, half-open, rejected, timeout or aborted; decided from both ends.";
        reason: &'a str, "text", "Why it did not succeed, in the protocol's words; empty for a success.";
        messages: u64, "count", "Messages sent for the session by both ends, resends included.";
        bytes: u64, "B", "Wire bytes of those messages.";
        latency_ns: Option<u64>, "ns", "Start until both ends have accepted; empty unless accepted.";
        phase: &'a str, "text", "Name of the command that the step gave.";
        request: Option<u64>, "count", "Number of the workload request at its initiator, from 1, which retries share.";
        retry as "try": Option<u32>, "count", "1 for the first try of the request, one more per workload retry.";
    }
}
