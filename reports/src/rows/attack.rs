//! `attacks.csv`: what each adversary did, and what an oracle says it achieved.

use crate::table::table;

table! {
    /// The table of attacks.
    Attacks, "attacks.csv",
    "one row per rule with its counts, and one per adversary and property judged, in the order of the scenario";
    /// One judged property of one adversary's rule or attack.
    Attack<'a> {
        adversary: &'a str, "text", "Name of the adversary in the scenario.";
        on: &'a str, "text", "Where it stands: a link, a segment, or the party it plays.";
        powers: &'a str, "text", "Powers granted, separated by spaces.";
        rule: &'a str, "text", "Rule of the scenario; empty for an attack in code.";
        attack: &'a str, "text", "Attack in code by its identifier; empty for a rule.";
        matches: u64, "count", "Packets that fitted the rule or that the attack looked at.";
        actions: u64, "count", "Times it really acted.";
        verdict: &'a str, "text", "resisted, broken, degraded or not-exercised.";
        property: &'a str, "text", "Property judged: agreement, secrecy, integrity, availability, lock-out, desync or anonymity.";
        note: &'a str, "text", "What qualifies the verdict, e.g. a selective adversary; empty if nothing does.";
        case: &'a str, "text", "Case of the attack; empty where there is one, or all come in turn.";
        claims: &'a str, "text", "Claims of the protocol's authors that the attack tests, separated by spaces.";
        violations: u64, "count", "Times the property was violated.";
        witness_ns: Option<u64>, "ns", "When it was violated first, or limited harm was done first.";
        session: &'a str, "text", "The session of the witness, where it happened in one.";
        witness: &'a str, "text", "What happened then.";
    }
}
