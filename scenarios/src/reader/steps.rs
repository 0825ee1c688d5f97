//! `[output] steps`: which sessions tell their inner story.

use super::section::Reading;
use crate::diagnostic::{Diagnostic, quoted, suggestions};
use crate::scenario::{NodeGroup, StepsWanted};
use crate::tree::{Node, Value};

const WORDS: [&str; 3] = ["failed", "none", "all"];

impl<'t> Reading<'t> {
    /// A word, or a list of sessions as tables name them.
    pub(crate) fn steps_wanted(&self, node: &'t Node) -> StepsWanted {
        if let Value::List(list) = &node.value {
            let sessions = list.iter().filter_map(|element| self.session(element));
            return StepsWanted::Sessions(sessions.collect());
        }
        match self.choice(node, "choices", "choice of steps", WORDS) {
            Some(1) => StepsWanted::None,
            Some(2) => StepsWanted::All,
            _ => StepsWanted::Failed,
        }
    }

    /// `device[3]/17`: initiator and number.
    fn session(&self, node: &'t Node) -> Option<(String, u32)> {
        let text = self.text(node)?;
        let parts = text.rsplit_once('/').and_then(|(initiator, number)| {
            let number: u32 = number.parse().ok().filter(|number| *number > 0)?;
            member(initiator)?;
            Some((initiator.to_owned(), number))
        });
        if parts.is_none() {
            self.report(
                Diagnostic::at(node.span, format!("{} names no session", quoted(text))).hint(
                    "write the initiator, its place in its group from 0, and its session from 1, as \
                     in `device[3]/17`",
                ),
            );
        }
        parts
    }

    /// Reports sessions whose initiator is no node of the scenario.
    pub(crate) fn check_steps_wanted(&self, output: Option<&'t Node>, groups: &[NodeGroup]) {
        let Some(Value::Table(table)) = output.map(|node| &node.value) else {
            return;
        };
        let Some(Value::List(list)) = table.get("steps").map(|node| &node.value) else {
            return;
        };
        for element in list {
            let Value::Text(text) = &element.value else {
                continue;
            };
            let Some((group, index)) = text.rsplit_once('/').and_then(|(node, _)| member(node))
            else {
                continue;
            };
            let names = groups.iter().map(|group| group.name.as_str());
            match groups.iter().find(|known| known.name == group) {
                None => {
                    let [meant, list] = suggestions(group, "node groups", names);
                    let title = format!("there is no node group {}", quoted(group));
                    self.report(Diagnostic::at(element.span, title).hint(meant).hint(list));
                }
                Some(known) if index >= known.count => {
                    let title = format!(
                        "{} has {} nodes, so there is no {}",
                        quoted(group),
                        known.count,
                        quoted(&format!("{group}[{index}]"))
                    );
                    let hint = format!("numbers go from 0 to {}", known.count.saturating_sub(1));
                    self.report(Diagnostic::at(element.span, title).hint(hint));
                }
                Some(_) => {}
            }
        }
    }
}

/// Group and place of a node's name.
fn member(name: &str) -> Option<(&str, usize)> {
    let (group, index) = name.strip_suffix(']')?.split_once('[')?;
    Some((group, index.parse().ok()?))
}
