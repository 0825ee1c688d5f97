//! `[adversaries.NAME]` and its rules.

mod attack;
mod inner;
mod layer;
mod never;
mod rule;

use sim_engine::Powers;

use self::attack::{Standing, declared};
use super::section::{Reading, Section};
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::{
    Action, AdversarySpec, LinkChannel, LinkGroup, NodeGroup, ProtocolChoice, Rule, Scope,
};
use crate::tree::Node;

/// A power that an adversary may declare.
pub(super) struct Power {
    /// Its name in the scenario file.
    pub(super) name: &'static str,
    /// Whether it is among the declared ones.
    pub(super) has: fn(&Powers) -> bool,
    pub(super) grant: fn(&mut Powers),
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

impl<'t> Reading<'t> {
    /// One adversary.
    pub(crate) fn adversary(
        &self,
        name: &str,
        section: &Section<'t>,
        choice: &ProtocolChoice,
        (groups, links): (&[NodeGroup], &[LinkGroup]),
    ) -> Option<AdversarySpec> {
        let names = links.iter().map(|link| link.name.as_str());
        let place = |key| {
            section
                .get(key)
                .map(|node| self.choice(node, "links", "link", names.clone()))
        };
        let (on, at) = (place("on"), place("at"));
        let seat = section.get("as").map(|node| {
            let seat = self.one_node(node, groups)?;
            let parties = groups.iter().filter(|group| !group.is_relay());
            if seat as usize >= parties.map(|group| group.count).sum() {
                return self.refuse(
                    node.span,
                    "a relay is no party that could be played",
                    "stand on one of its links instead: `on = \"...\"`",
                );
            }
            Some(seat)
        });
        if let (Some(_), Some(_)) = (on, at) {
            self.refuse::<()>(
                section.place_of("at"),
                "an adversary stands on a link or beside one",
                "leave out `on`, which lets it see what passes, or `at`",
            );
            return None;
        }
        if on.is_none() && at.is_none() && seat.is_none() {
            section.required(self, "on", "\"access\"");
        }
        let off_path = at.is_some();
        let attack = section.get("attack").map(|node| self.attack(node, choice));
        let attack = match attack {
            Some(attack) => Some(attack?),
            None => None,
        };
        let (powers, breaks_channel) = match (section.get("powers"), attack) {
            (Some(node), _) => self.powers(node)?,
            (None, Some(spec)) => (declared(spec.powers), false),
            (None, None) => {
                section.required(self, "powers", "[\"observe\", \"drop\"]");
                return None;
            }
        };
        let scope = match section.get("scope") {
            Some(node) => {
                let index = self.choice(node, "scopes", "scope", ["link", "all"])?;
                [Scope::Link, Scope::All][index]
            }
            None => Scope::All,
        };
        let link = on.or(at).flatten().and_then(|link| links.get(link));
        let layer = self.layer(section, link, &powers);
        let knows = self.knows(section, attack, choice, groups);
        let attack = match attack {
            Some(spec) => {
                let standing = Standing {
                    on_path: on.is_some(),
                    off_path,
                    seated: seat.is_some(),
                };
                self.check_attack(section, spec, choice, standing, &powers);
                Some(self.attack_choice(section, spec)?)
            }
            None => None,
        };
        let list = section.get("rules").and_then(|node| self.list(node));
        section.finish(self);
        let mut rules = Vec::new();
        let list = list.unwrap_or_default();
        let path = format!("{}.rules", section.path);
        for node in list {
            let place = rule::Place {
                choice,
                groups,
                link: on.or(at).flatten().and_then(|link| links.get(link)),
            };
            let Some(rule) = self.rule(node, &path, Some(powers), place) else {
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
        if attack.is_none() {
            let floods = |rule: &Rule| matches!(rule.action, Action::Flood { .. });
            let beside = off_path && !rules.is_empty() && rules.iter().all(floods);
            self.check_bare(section, on.is_some() || beside);
        }
        let link = match on.or(at) {
            Some(link) => Some(link?),
            None => None,
        };
        let seat = match seat {
            Some(seat) => Some(seat?),
            None => None,
        };
        Some(AdversarySpec {
            name: name.to_owned(),
            link,
            off_path,
            seat,
            scope,
            layer: layer?,
            powers,
            breaks_channel,
            rules,
            attack,
            knows: knows?,
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
            let Some(link) = adversary.link.filter(|_| !adversary.off_path) else {
                continue;
            };
            let place = sections[later].1.place_of("on");
            let rival = adversaries[..later]
                .iter()
                .position(|other| other.is_on_path() && other.link == Some(link));
            let link = &links[link];
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
            let reads = reads.filter(|_| !adversary.breaks_channel);
            if let (LinkChannel::Secure, Some(rule)) = (link.channel, reads) {
                self.refuse::<()>(
                    place,
                    format!(
                        "rule {} matches messages, but nobody can read the secure link {}",
                        quoted(&rule.id),
                        quoted(&link.name)
                    ),
                    "match by `direction` and `nth` alone, stand on a public link, or add the power \
                     `break-channel`",
                );
            }
        }
    }

    /// The powers, and whether secure channels are broken too.
    fn powers(&self, node: &'t Node) -> Option<(Powers, bool)> {
        let mut powers = Powers::default();
        let mut breaks_channel = false;
        let mut good = true;
        for element in self.list(node)? {
            let names = POWERS.iter().map(|power| power.name);
            let names = names.chain(["break-channel"]);
            match self.choice(element, "powers", "power", names) {
                Some(index) => match POWERS.get(index) {
                    Some(power) => (power.grant)(&mut powers),
                    None => breaks_channel = true,
                },
                None => good = false,
            }
        }
        good.then_some((powers, breaks_channel))
    }
}
