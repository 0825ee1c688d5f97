//! A story as a Mermaid sequence diagram.

use super::{Explained, sentence};
use crate::read::story::StoryStep;
use crate::rows::StepKind;

/// Writes the diagram.
pub(super) fn diagram(told: &Explained) -> String {
    let steps = &told.story.steps;
    let initiator = told
        .story
        .session
        .rsplit_once('/')
        .map_or("", |(name, _)| name);
    let mut lanes = vec![(initiator.to_owned(), false)];
    for step in steps {
        add(&mut lanes, &step.node, step.kind == StepKind::Adversary);
        add(&mut lanes, &step.word("@to"), false);
        add(&mut lanes, &step.word("@from"), false);
    }
    let mut out = String::from("sequenceDiagram\n    autonumber\n");
    for (index, (name, adversary)) in lanes.iter().enumerate() {
        let role = if *adversary { " (adversary)" } else { "" };
        out.push_str(&format!(
            "    participant P{index} as {}{role}\n",
            plain(name)
        ));
    }
    let lane = |name: &str| lanes.iter().position(|(known, _)| known == name);
    out.push_str(&format!("    Note over P0: {}\n", plain(&told.title())));
    for (index, step) in steps.iter().enumerate() {
        if let Some(at) = lane(&step.node) {
            line(step, at, &lane, steps, &mut out);
        }
        for broke in told.breaks_after(index) {
            let last = lanes.len() - 1;
            let over = if last == 0 {
                String::from("P0")
            } else {
                format!("P0,P{last}")
            };
            out.push_str(&format!("    Note over {over}: {}\n", plain(&broke.text)));
        }
    }
    out
}

fn add(lanes: &mut Vec<(String, bool)>, name: &str, adversary: bool) {
    // An address of an adversary's own is no lane: the adversary has one.
    if !name.is_empty() && name != "adversary" && !lanes.iter().any(|(known, _)| known == name) {
        lanes.push((name.to_owned(), adversary));
    }
}

fn line(
    step: &StoryStep,
    at: usize,
    lane: &dyn Fn(&str) -> Option<usize>,
    steps: &[StoryStep],
    out: &mut String,
) {
    let name = plain(match step.message.as_str() {
        "" => "a frame",
        name => name,
    });
    let packet = step.word("@packet");
    let of_packet = |kind: StepKind| {
        let mut all = steps.iter();
        all.find(|other| other.kind == kind && other.word("@packet") == packet)
    };
    match step.kind {
        StepKind::Send => {
            let fate = step.word("@fate");
            // What an adversary takes goes to it; its own act says the rest.
            let taken = of_packet(StepKind::Adversary)
                .filter(|_| fate.starts_with("adversary"))
                .and_then(|act| lane(&act.node));
            let Some(to) = taken.or_else(|| lane(&step.word("@to"))) else {
                return;
            };
            let arrives = taken.is_some() || of_packet(StepKind::Receive).is_some();
            let (arrow, note) = if arrives {
                ("->>", String::new())
            } else {
                ("-x", format!(" ({})", plain(&fate)))
            };
            out.push_str(&format!("    P{at}{arrow}P{to}: {name}{note}\n"));
        }
        StepKind::Receive => {
            let fate = step.word("@fate");
            let sent = of_packet(StepKind::Send);
            let direct = sent.is_some_and(|sent| !sent.word("@fate").starts_with("adversary"));
            if direct {
                return;
            }
            let act = of_packet(StepKind::Adversary).and_then(|act| lane(&act.node));
            if let Some(from) = act.or_else(|| lane(&step.word("@from"))) {
                out.push_str(&format!("    P{from}->>P{at}: {name} ({})\n", plain(&fate)));
            }
        }
        // What another line says already.
        StepKind::Output if ["rejected", "named"].contains(&step.word("output").as_str()) => {}
        StepKind::Check if step.word("passed") != "false" => {}
        _ => out.push_str(&format!(
            "    Note over P{at}: {}\n",
            plain(&sentence(step))
        )),
    }
}

/// Text without what Mermaid takes for its own: entities stand for the few characters concerned.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '#' | ';' | '<' | '>' | '%' | '&' | '@' => out.push_str(&format!("#{};", u32::from(c))),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
