//! `faults.csv`: what struck nodes and links.

use crate::table::{table, words};

words! {
    /// A moment of a fault.
    FaultMoment {
        /// It strikes.
        Strike = "strike",
        /// It would strike, but the place is out of order already.
        Void = "void",
        /// Its effect is over.
        End = "end",
    }
}

table! {
    /// The table of faults.
    Faults, "faults.csv",
    "one row per strike of a fault and per end of one, in the order of their events";
    /// One moment of one fault.
    Fault<'a> {
        t_ns: u64, "ns", "When it happened.";
        fault: &'a str, "text", "Name of the fault; nodes.GROUP.battery and nodes.GROUP.storage where one gave out that no fault declared.";
        effect: &'a str, "text", "What it does: the effect's kind; node-dead or write-lost where storage is worn out.";
        moment: FaultMoment, "text", "strike, void (the place was out of order already) or end (power, link or clock is back).";
        node: &'a str, "text", "Node it strikes; empty for faults of links.";
        link: &'a str, "text", "Link it strikes; empty for nodes and for partitions.";
        session: &'a str, "text", "Session that the node had open as its initiator; empty if there was none.";
        span_ns: Option<i64>, "ns", "How long it lasts, or how far the clock jumps; empty for good.";
    }
}
