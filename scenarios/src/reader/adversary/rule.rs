//! One rule of an adversary.

use sim_engine::{Direction, Powers, Probability};

use crate::diagnostic::{Diagnostic, quoted};
use crate::law::Domain;
use crate::quantity::Dimension;
use crate::reader::section::{Reading, Section};
use crate::scenario::{Action, Matching, ProtocolChoice, Rule};
use crate::tree::Node;

/// Most copies that one rule makes of one packet.
const COPIES_MAX: u64 = 255;

impl<'t> Reading<'t> {
    /// One rule.
    pub(super) fn rule(
        &self,
        node: &'t Node,
        path: &str,
        powers: Option<Powers>,
        choice: &ProtocolChoice,
    ) -> Option<Rule> {
        let section = self.section(path, node)?;
        let id = section
            .required(self, "id", "\"drop-final\"")
            .and_then(|node| {
                let id = self.text(node)?;
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                if !id.is_empty() && id.len() <= 64 && id.chars().all(plain) {
                    return Some(id.to_owned());
                }
                self.refuse(
                    node.span,
                    format!("{} is no good id", quoted(id)),
                    "ids are made of ASCII letters, digits, `-` and `_`, at most 64 of them",
                )
            });
        let matching = match section.get("match") {
            Some(_) => self.matching(&section, choice),
            None => Some(Matching::default()),
        };
        let probability = match section.get("probability") {
            Some(node) => self.probability(node),
            None => Some(Probability::ALWAYS),
        };
        let action = self.action(&section, powers);
        section.finish(self);
        Some(Rule {
            id: id?,
            matching: matching?,
            action: action?,
            probability: probability?,
        })
    }

    fn matching(&self, section: &Section<'t>, choice: &ProtocolChoice) -> Option<Matching> {
        let table = section.section(self, "match")?;
        let direction = match table.get("direction") {
            Some(node) => self
                .choice(node, "directions", "direction", ["up", "down"])
                .map(|index| Some([Direction::Up, Direction::Down][index])),
            None => Some(None),
        };
        let messages = match table.get("message") {
            Some(node) => self.messages(node, choice),
            None => Some(Vec::new()),
        };
        let nth = match table.get("nth") {
            Some(node) => self.integer(node, 1, u64::MAX).map(Some),
            None => Some(None),
        };
        table.finish(self);
        Some(Matching {
            direction: direction?,
            messages: messages?,
            nth: nth?,
        })
    }

    pub(in crate::reader) fn messages(
        &self,
        node: &'t Node,
        choice: &ProtocolChoice,
    ) -> Option<Vec<usize>> {
        let layouts = choice.instance.layouts();
        let kind = format!("messages of {}", quoted(choice.protocol.name()));
        self.one_or_more(node)
            .iter()
            .map(|element| {
                self.choice(
                    element,
                    &kind,
                    "message",
                    layouts.iter().map(|layout| layout.name),
                )
            })
            .collect()
    }

    /// The action with its own keys; its power must have been declared.
    fn action(&self, section: &Section<'t>, powers: Option<Powers>) -> Option<Action> {
        let node = section.required(self, "action", "\"drop\"")?;
        let index = self.choice(node, "actions", "action", ["drop", "delay", "duplicate"])?;
        let (action, power) = match index {
            0 => (Some(Action::Drop), "drop"),
            1 => {
                let by = section
                    .required(self, "by", "\"2s\"")
                    .and_then(|node| self.law(node, Domain::unsigned(Dimension::Duration)));
                (by.map(|by| Action::Delay { by }), "delay")
            }
            _ => {
                let copies = match section.get("copies") {
                    Some(node) => self.integer(node, 1, COPIES_MAX),
                    None => Some(1),
                };
                let after = match section.get("after") {
                    Some(node) => self.duration(node),
                    None => Some(0),
                };
                let copies = copies.and_then(|copies| u8::try_from(copies).ok());
                let action = copies
                    .zip(after)
                    .map(|(copies, after_ns)| Action::Duplicate { copies, after_ns });
                (action, "duplicate")
            }
        };
        let granted = powers.is_none_or(|powers| match power {
            "drop" => powers.drop,
            "delay" => powers.delay || powers.reorder,
            _ => powers.duplicate,
        });
        if !granted {
            self.report(
                Diagnostic::at(
                    node.span,
                    format!("this adversary has not declared the power `{power}`"),
                )
                .hint(format!("add it: `powers = [\"{power}\", ...]`")),
            );
        }
        action
    }
}
