//! `steps.csv`: the inner story of the sessions worth telling.

use crate::table::{table, words};

words! {
    /// What a step is.
    StepKind {
        /// A party handed a message to its link.
        Send = "send",
        /// A party received a message.
        Receive = "receive",
        /// A party verified something.
        Check = "check",
        /// A party changed its volatile state.
        State = "state",
        /// A party wrote durable storage.
        Store = "store",
        /// A party told its application something.
        Output = "output",
        /// An adversary acted.
        Adversary = "adversary",
    }
}

table! {
    /// The table of steps.
    Steps, "steps.csv",
    "one row per step of each kept session, by session as they close, then in the order of their events";
    /// One step of one session.
    Step<'a> {
        t_ns: u64, "ns", "When it happened.";
        session: &'a str, "text", "Session it belongs to.";
        node: &'a str, "text", "Node or adversary that took it.";
        kind: StepKind, "text", "send, receive, check, state, store, output or adversary.";
        message: &'a str, "text", "Wire name of the message concerned; empty if none is.";
        detail: &'a str, "text", "Decoded fields as a JSON object; empty if there are none.";
    }
}
