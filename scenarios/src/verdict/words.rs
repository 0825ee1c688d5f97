//! What a witness says, in words.

use std::fmt::Write as _;

use protocols::output::Hex;

use crate::names::Names;
use crate::oracle::Evidence;
use crate::scenario::Scenario;

/// The note of an adversary that goes by what nobody on its place could see.
pub(super) const SELECTIVE: &str = "selective adversary";

/// The name of a node.
pub(super) fn node(names: &Names, number: u32) -> String {
    let mut text = String::new();
    names.node(number, &mut text);
    text
}

/// The session, the message in hand and the state, in parentheses.
pub(super) fn led_by(scenario: &Scenario, names: &Names, evidence: &Evidence) -> String {
    let mut parts = Vec::new();
    if evidence.attempt.is_some() {
        let mut session = String::from("session ");
        let attempt = evidence.attempt;
        names.session(attempt.initiator, attempt.number, &mut session);
        parts.push(session);
    }
    if evidence.session != [0; 8] {
        parts.push(format!("named {}", Hex(&evidence.session)));
    }
    if let Some(cause) = evidence.cause {
        let layouts = scenario.protocol.instance.layouts();
        let message = cause.message.and_then(|message| layouts.get(message));
        let message = message.map_or("unknown bytes", |layout| layout.name);
        parts.push(format!(
            "on {message} from {}",
            node(names, cause.from.host)
        ));
    }
    if !evidence.state.is_empty() {
        parts.push(format!("then in state {}", evidence.state));
    }
    let mut text = String::new();
    if !parts.is_empty() {
        let _ = write!(text, " ({})", parts.join(", "));
    }
    text
}

/// The note of a verdict that harm without an adversary counts in too.
pub(super) const SHARED: &str = "losses and faults of the scenario count too";

/// The note of a verdict, with what qualifies the adversary and the verdict before it.
pub(super) fn qualified(selective: bool, shared: bool, note: String) -> String {
    let mut parts = Vec::new();
    if selective {
        parts.push(SELECTIVE);
    }
    if shared {
        parts.push(SHARED);
    }
    if !note.is_empty() {
        parts.push(&note);
    }
    parts.join("; ")
}
