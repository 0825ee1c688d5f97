//! One step of a story as a sentence: the command line and the session player say the same.

use crate::read::story::StoryStep;
use crate::rows::StepKind;

/// Hexadecimal digits of a value that a reader is shown.
const DIGITS_MAX: usize = 16;
/// Bytes of a text that a reader is shown.
const TEXT_MAX: usize = 60;

/// What the node of `step` did, without its name and without the fields of a message.
#[must_use]
pub fn sentence(step: &StoryStep) -> String {
    let message = if step.message.is_empty() {
        "a frame"
    } else {
        &step.message
    };
    let mut text = match step.kind {
        StepKind::Send => {
            let (to, fate) = (step.word("@to"), step.word("@fate"));
            let to = if to.is_empty() {
                to
            } else {
                format!(" to {to}")
            };
            format!("sends {message}{to}: {}", outcome_of(&fate))
        }
        StepKind::Receive => {
            let (from, fate) = (step.word("@from"), step.word("@fate"));
            let from = if from.is_empty() {
                from
            } else if from == "adversary" {
                String::from(" from an address of the adversary's own")
            } else {
                format!(" that claims to come from {from}")
            };
            match fate.as_str() {
                "injected" => format!("receives {message}{from}: the adversary made it"),
                "adversary-modified" => {
                    format!("receives {message}{from}: the adversary changed it")
                }
                "corrupted" => format!("receives {message}{from}: the channel flipped bits of it"),
                "duplicated" => format!("receives {message}{from}: one copy more"),
                _ => format!("receives {message}{from}").replace("that claims to come ", ""),
            }
        }
        StepKind::Adversary if !step.word("claim").is_empty() => {
            let (what, of) = (step.word("claim"), step.word("of"));
            format!("names the {what} of {of}: {}", step.word("value"))
        }
        StepKind::Adversary => {
            let deed = match step.word("@fate").as_str() {
                "adversary-drop" => "drops",
                "adversary-modified" => "changes",
                "injected" => "sends",
                "delivered" => "holds or copies",
                _ => "touches",
            };
            let rule = step.word("@rule");
            let rule = rule.split_once('.').map_or("", |(_, rule)| rule);
            let by = if rule.is_empty() {
                String::new()
            } else {
                format!(" (by {rule})")
            };
            format!("{deed} {message}{by}")
        }
        StepKind::Check if step.word("passed") == "false" => {
            format!("checks, and finds fault: {}", step.word("reason"))
        }
        StepKind::Check => String::from("checks what it has received: all is well"),
        StepKind::State => state(step),
        StepKind::Store => store(step),
        StepKind::Output => output(step),
    };
    let omitted = step.word("@omitted");
    if !omitted.is_empty() {
        text.push_str(&format!(
            " (and {omitted} further steps that were not kept)"
        ));
    }
    text
}

/// The fields of the message of `step` as it was on the wire; empty where none are stored.
#[must_use]
pub fn fields(step: &StoryStep) -> String {
    let carries = matches!(
        step.kind,
        StepKind::Send | StepKind::Receive | StepKind::Adversary
    );
    if !carries {
        return String::new();
    }
    if !step.word("claim").is_empty() {
        return String::new();
    }
    let shown = |(name, value): (String, String)| match name.as_str() {
        "@bytes" => Some(format!("bytes {}", value_text(&value))),
        "@malformed" => Some(format!("malformed: {value}")),
        _ if name.starts_with('@') => None,
        _ => Some(format!("{name} = {}", value_text(&value))),
    };
    let all: Vec<String> = step.members().into_iter().filter_map(shown).collect();
    all.join(", ")
}

fn outcome_of(fate: &str) -> &str {
    match fate {
        "delivered" => "it arrives",
        "lost" => "the channel loses it",
        "queue-drop" => "the link's queue is full and drops it",
        "backlog-drop" => "the receiver is too busy and drops it",
        "mtu-drop" => "it is too long for the link",
        "collided" => "another transmission destroys it",
        "corrupted" => "the channel flips bits of it",
        "duplicated" => "the channel doubles it",
        "adversary-drop" => "the adversary keeps it",
        "adversary-modified" => "the adversary changes it",
        "injected" => "the adversary made it",
        "node-down" => "the receiver is down",
        "" => "what became of it is not known",
        other => other,
    }
}

fn state(step: &StoryStep) -> String {
    let to = step.word("to");
    if !to.is_empty() {
        return format!("goes from {} to {to}", step.word("from"));
    }
    let values = step.word("fingerprints");
    let first: String = values
        .chars()
        .skip_while(|c| *c != '"')
        .skip(1)
        .take_while(|c| *c != '"')
        .take(DIGITS_MAX)
        .collect();
    let kept = if step.word("durable") == "true" {
        ", stored"
    } else {
        ", not stored"
    };
    if first.is_empty() {
        format!("shares nothing any more (epoch {})", step.word("epoch"))
    } else {
        format!(
            "holds the shared value {first} (epoch {}{kept})",
            step.word("epoch")
        )
    }
}

fn store(step: &StoryStep) -> String {
    let records: serde_json::Value =
        serde_json::from_str(&step.word("records")).unwrap_or_default();
    let count = records.as_array().map_or(0, Vec::len);
    let bytes: u64 = records
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|record| record.get("bytes")?.as_u64())
        .sum();
    format!(
        "writes {} to durable storage ({bytes} B)",
        crate::format::counted(count as u64, "record")
    )
}

fn output(step: &StoryStep) -> String {
    let short = |name: &str| value_text(&step.word(name));
    match step.word("output").as_str() {
        "running" => format!("declares that it runs this session (run {})", short("run")),
        "accepted" => {
            let key = match short("key_id") {
                none if none.is_empty() => none,
                key => format!(", key {key}"),
            };
            format!(
                "accepts (session {}, run {}{key})",
                short("session"),
                short("run")
            )
        }
        "rejected" => {
            let what = match step.word("scope").as_str() {
                "frame" => "drops the frame",
                "command" => "refuses the command",
                _ => "gives the attempt up",
            };
            format!("{what}: {}", step.word("reason"))
        }
        "ended" => format!("ends the session: {}", step.word("reason")),
        "data-sent" => format!("hands over payload {}", step.word("seq")),
        "data-accepted" => format!("accepts payload {}", step.word("seq")),
        "named" => String::from("names a secret"),
        "halted" => String::from("halts for good"),
        other => other.to_owned(),
    }
}

/// A value for a reader: long ones are cut, with their length.
fn value_text(value: &str) -> String {
    let hex = value.len() > DIGITS_MAX + 4 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hex {
        return format!("{}… ({} B)", &value[..DIGITS_MAX], value.len() / 2);
    }
    if value.chars().count() > TEXT_MAX {
        let head: String = value.chars().take(TEXT_MAX).collect();
        return format!("{head}…");
    }
    value.to_owned()
}
