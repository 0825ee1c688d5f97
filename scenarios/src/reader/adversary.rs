//! `[adversaries.NAME]` and its rules.

use sim_engine::{Direction, Powers, Probability};

use super::section::{Reading, Section};
use crate::diagnostic::{Diagnostic, quoted};
use crate::law::Domain;
use crate::quantity::Dimension;
use crate::scenario::{
    Action, AdversarySpec, LinkChannel, LinkGroup, Matching, ProtocolChoice, Rule,
};
use crate::tree::Node;

/// A power that an adversary may declare.
pub(super) struct Power {
    /// Its name in the scenario file.
    pub(super) name: &'static str,
    /// Whether it is among the declared ones.
    pub(super) has: fn(&Powers) -> bool,
    grant: fn(&mut Powers),
}

macro_rules! powers {
    ($($name:ident),+ $(,)?) => {
        [$(Power {
            name: stringify!($name),
            has: |powers| powers.$name,
            grant: |powers| powers.$name = true,
        }),+]
    };
}

/// Every power.
pub(super) const POWERS: [Power; 9] = powers![
    observe, drop, delay, duplicate, reorder, modify, inject, spoof, redirect
];

/// Most copies that one rule makes of one packet.
const COPIES_MAX: u64 = 255;

impl<'t> Reading<'t> {
    /// One adversary.
    pub(crate) fn adversary(
        &self,
        name: &str,
        section: &Section<'t>,
        choice: &ProtocolChoice,
        links: &[LinkGroup],
    ) -> Option<AdversarySpec> {
        let names = links.iter().map(|link| link.name.as_str());
        let link = section
            .required(self, "on", "\"access\"")
            .and_then(|node| self.choice(node, "links", "link", names));
        let powers = section
            .required(self, "powers", "[\"observe\", \"drop\"]")
            .and_then(|node| self.powers(node));
        if let Some(node) = section.get("knows")
            && let Some([first, ..]) = self.list(node)
        {
            self.refuse::<()>(
                first.span,
                "rules cannot use secrets, so none can be granted",
                "write `knows = []`, or leave it out",
            );
        }
        let list = section.get("rules").and_then(|node| self.list(node));
        section.finish(self);
        let mut rules = Vec::new();
        let list = list.unwrap_or_default();
        let path = format!("{}.rules", section.path);
        for node in list {
            let Some(rule) = self.rule(node, &path, powers, choice) else {
                continue;
            };
            if rules.iter().any(|other: &Rule| other.id == rule.id) {
                self.refuse::<()>(
                    node.span,
                    format!("a rule with the id {} stands above", quoted(&rule.id)),
                    "ids are parts of paths and must differ within an adversary",
                );
            }
            rules.push(rule);
        }
        if rules.len() < list.len() {
            return None;
        }
        Some(AdversarySpec {
            name: name.to_owned(),
            link: link?,
            powers: powers?,
            rules,
        })
    }

    /// Links that have room for one adversary only, and rules about what nobody can read.
    pub(crate) fn check_adversaries(
        &self,
        adversaries: &[AdversarySpec],
        sections: &[(&'t str, Section<'t>)],
        links: &[LinkGroup],
    ) {
        for (later, adversary) in adversaries.iter().enumerate() {
            let (place, link) = (sections[later].1.place_of("on"), &links[adversary.link]);
            let rival = adversaries[..later]
                .iter()
                .position(|other| other.link == adversary.link);
            if let Some(earlier) = rival {
                self.report(
                    Diagnostic::at(
                        place,
                        format!("the link {} has an adversary already", quoted(&link.name)),
                    )
                    .related(sections[earlier].1.place_of("on"), "this one")
                    .hint("a link has room for one: give it the powers and rules of both"),
                );
            }
            let reads = adversary
                .rules
                .iter()
                .find(|rule| !rule.matching.messages.is_empty());
            if let (LinkChannel::Secure, Some(rule)) = (link.channel, reads) {
                self.refuse::<()>(
                    place,
                    format!(
                        "rule {} matches messages, but nobody can read the secure link {}",
                        quoted(&rule.id),
                        quoted(&link.name)
                    ),
                    "match by `direction` and `nth` alone, or stand on a public link",
                );
            }
        }
    }

    fn powers(&self, node: &'t Node) -> Option<Powers> {
        let mut powers = Powers::default();
        let mut good = true;
        for element in self.list(node)? {
            let names = POWERS.iter().map(|power| power.name);
            match self.choice(element, "powers", "power", names) {
                Some(index) => (POWERS[index].grant)(&mut powers),
                None => good = false,
            }
        }
        good.then_some(powers)
    }

    fn rule(
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

    pub(super) fn messages(&self, node: &'t Node, choice: &ProtocolChoice) -> Option<Vec<usize>> {
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
