//! The attack in code that an adversary carries out, and what it is told.

use protocols::attack::{AttackSpec, Position, Power};
use sim_engine::Powers;

use super::POWERS;
use crate::diagnostic::{Diagnostic, listed, quoted, suggestions};
use crate::host::STORAGE;
use crate::reader::section::{Reading, Section};
use crate::scenario::{AttackChoice, GrantTime, Knowledge, NodeGroup, ProtocolChoice};
use crate::tree::{Node, Value};

/// Where an adversary has been put.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// On a link.
    pub(super) on_path: bool,
    /// Beside one.
    pub(super) off_path: bool,
    /// In the place of a party.
    pub(super) seated: bool,
}

/// The engine's form of declared powers.
pub(super) fn declared(powers: &[Power]) -> Powers {
    let mut all = Powers::default();
    for power in POWERS {
        if powers
            .iter()
            .any(|declared| declared.as_str() == power.name)
        {
            (power.grant)(&mut all);
        }
    }
    all
}

impl<'t> Reading<'t> {
    /// The attack named at `node`.
    pub(super) fn attack(
        &self,
        node: &'t Node,
        choice: &ProtocolChoice,
    ) -> Option<&'static AttackSpec> {
        let all = choice.protocol.attacks();
        let kind = format!("attacks on {}", quoted(choice.protocol.name()));
        let index = self.choice(node, &kind, "attack", all.iter().map(|spec| spec.id))?;
        let spec = &all[index];
        let known = spec.variants.is_empty()
            || choice.variant == "broken"
            || spec.variants.contains(&choice.variant.as_str());
        if !known {
            return self.refuse(
                node.span,
                format!(
                    "the attack {} has no steps in the variant {}",
                    quoted(spec.id),
                    quoted(&choice.variant)
                ),
                format!(
                    "variants that it attacks: {}",
                    listed(spec.variants.iter().copied())
                ),
            );
        }
        Some(spec)
    }

    /// Its case and parameters.
    pub(super) fn attack_choice(
        &self,
        section: &Section<'t>,
        spec: &'static AttackSpec,
    ) -> Option<AttackChoice> {
        let params = section.section(self, "params");
        let mut case = None;
        if let Some(node) = params.as_ref().and_then(|params| params.get("case")) {
            if spec.cases.is_empty() {
                return self.refuse(
                    node.span,
                    format!("the attack {} has one case only", quoted(spec.id)),
                    "leave `case` out",
                );
            }
            let index = self.choice(node, "cases", "case", spec.cases.iter().copied())?;
            case = Some(spec.cases[index]);
        }
        let params = self.parameters(params.as_ref(), spec.params, &[]);
        Some(AttackChoice { spec, case, params })
    }

    /// Whether the attack can do its work where it was put and with what it may do.
    pub(super) fn check_attack(
        &self,
        section: &Section<'t>,
        spec: &'static AttackSpec,
        choice: &ProtocolChoice,
        standing: Standing,
        powers: &Powers,
    ) {
        let allowed = |position| spec.positions.contains(&position);
        let keys = || {
            let keys = spec.positions.iter().map(|position| position.key());
            listed(keys)
        };
        let stands = [
            (standing.on_path, Position::OnPath),
            (standing.off_path, Position::OffPath),
            (standing.seated, Position::Insider),
        ];
        if !stands.into_iter().any(|(here, at)| here && allowed(at)) {
            self.refuse::<()>(
                section.place_of("attack"),
                format!("the attack {} cannot be made from here", quoted(spec.id)),
                format!("say where it stands with one of these keys: {}", keys()),
            );
        }
        let missing: Vec<&str> = spec
            .powers
            .iter()
            .filter(|power| !spec.spare.contains(power))
            .map(|power| power.as_str())
            .filter(|name| {
                let has = POWERS.iter().find(|power| power.name == *name);
                has.is_some_and(|power| !(power.has)(powers))
            })
            .collect();
        if !missing.is_empty() {
            let names = |spare: bool| {
                let powers = spec.powers.iter();
                let wanted = powers.filter(move |power| spec.spare.contains(power) == spare);
                let names: Vec<String> = wanted.map(|power| quoted(power.as_str())).collect();
                names.join(", ")
            };
            let mut hint = format!("powers it needs: {}", names(false));
            if !spec.spare.is_empty() {
                hint = format!("{hint}; for some of its steps also: {}", names(true));
            }
            self.report(
                Diagnostic::at(
                    section.place_of("powers"),
                    format!(
                        "the attack {} needs the power {}, which was not granted",
                        quoted(spec.id),
                        listed(missing.iter().copied())
                    ),
                )
                .hint(hint),
            );
        }
        let held = self.known_secrets(section);
        for need in spec.knows {
            // In the place of another party than in the first stage, that party's secrets are enough.
            let elsewhere = spec.stages.iter().any(|(_, stage)| {
                stage.plays(need.of) != spec.stage.plays(need.of) && !stage.seat.is_empty()
            });
            if standing.seated && elsewhere {
                continue;
            }
            if held.iter().any(|(secret, _)| *secret == need.secret) {
                continue;
            }
            let roles = choice.protocol.roles();
            let of = roles
                .iter()
                .find(|role| role.name == need.of)
                .map_or(need.of, |role| role.name);
            self.report(
                Diagnostic::at(
                    section.place_of("knows"),
                    format!(
                        "the attack {} needs to know {}, which was not granted",
                        quoted(spec.id),
                        quoted(need.secret)
                    ),
                )
                .hint(format!(
                    "add it: `knows = [{{ secret = \"{}\", of = \"{of}[0]\", at = \"{}\" }}]`",
                    need.secret, need.at
                )),
            );
        }
    }

    /// What stands under `secret` in the list of what an adversary knows.
    fn known_secrets(&self, section: &Section<'t>) -> Vec<(&'t str, &'t Node)> {
        let Some(Value::List(list)) = section.get("knows").map(|node| &node.value) else {
            return Vec::new();
        };
        let secret = |node: &'t Node| match &node.value {
            Value::Table(table) => match &table.get("secret")?.value {
                Value::Text(text) => Some((text.as_str(), node)),
                _ => None,
            },
            _ => None,
        };
        list.iter().filter_map(secret).collect()
    }

    /// An adversary without an attack in code.
    pub(super) fn check_bare(&self, section: &Section<'t>, on_path: bool) {
        if let Some(node) = section.get("params") {
            self.refuse::<()>(
                node.span,
                "only an attack in code has parameters",
                "name one: `attack = \"...\"` (`badlink list attacks`)",
            );
        }
        if !on_path {
            self.refuse::<()>(
                section.place,
                "an adversary that stands on no link sees nothing that rules could act on",
                "put it on a link with `on`, name an attack in code with `attack`, or give it rules of \
                 the action `flood` only, which a host beside a link (`at`) can carry out",
            );
        }
    }

    /// What an adversary is told.
    pub(super) fn knows(
        &self,
        section: &Section<'t>,
        attack: Option<&'static AttackSpec>,
        choice: &ProtocolChoice,
        groups: &[NodeGroup],
    ) -> Option<Vec<Knowledge>> {
        let Some(node) = section.get("knows") else {
            return Some(Vec::new());
        };
        let list = self.list(node)?;
        if let ([first, ..], None) = (list, attack) {
            return self.refuse(
                first.span,
                "rules cannot use secrets, so none can be granted",
                "write `knows = []`, leave it out, or name an attack in code with `attack`",
            );
        }
        list.iter()
            .map(|node| self.knowledge(node, section, choice, groups))
            .collect::<Vec<_>>()
            .into_iter()
            .collect()
    }

    fn knowledge(
        &self,
        node: &'t Node,
        section: &Section<'t>,
        choice: &ProtocolChoice,
        groups: &[NodeGroup],
    ) -> Option<Knowledge> {
        let entry = self.section(format!("{}.knows", section.path), node)?;
        let kinds = choice.protocol.secrets();
        let secret = entry
            .required(self, "secret", "\"storage\"")
            .and_then(|node| {
                let names = kinds.iter().map(|kind| kind.name).chain([STORAGE]);
                let kind = format!("secrets of {}", quoted(choice.protocol.name()));
                let index = self.choice(node, &kind, "secret", names)?;
                Some(kinds.get(index))
            });
        let of = entry
            .required(self, "of", "\"device[0]\"")
            .and_then(|node| Some((node, self.one_node(node, groups)?)));
        let at = match entry.get("at") {
            None => Some(GrantTime::At(0)),
            Some(node) if matches!(&node.value, Value::Text(text) if text == "always") => {
                Some(GrantTime::Always)
            }
            Some(node) => self.duration(node).map(GrantTime::At),
        };
        entry.finish(self);
        let (secret, (place, of), at) = (secret?, of?, at?);
        if let Some(kind) = secret {
            let role = role_of(groups, of)?;
            if !kind.roles.contains(&role) {
                let roles = choice.protocol.roles();
                let holders = kind.roles.iter().filter_map(|role| {
                    let spec = roles.get(usize::from(*role))?;
                    Some(spec.name)
                });
                return self.refuse(
                    place.span,
                    format!("this node never holds a secret {}", quoted(kind.name)),
                    format!("roles that do: {}", listed(holders)),
                );
            }
        }
        Some(Knowledge {
            secret: secret.map_or(STORAGE, |kind| kind.name),
            of,
            at,
        })
    }

    /// A single node, written `device[3]`: its number in the world.
    pub(super) fn one_node(&self, node: &'t Node, groups: &[NodeGroup]) -> Option<u32> {
        let text = self.text(node)?;
        let parts = text
            .strip_suffix(']')
            .and_then(|text| text.split_once('['))
            .and_then(|(group, member)| Some((group, member.parse::<usize>().ok()?)));
        let Some((name, member)) = parts else {
            return self.refuse(
                node.span,
                format!("{} names no node", quoted(text)),
                "a node is written by its group and number from 0: `device[3]`",
            );
        };
        let mut first = 0;
        for group in groups {
            if group.name == name {
                if member < group.count {
                    return u32::try_from(first + member).ok();
                }
                return self.refuse(
                    node.span,
                    format!("there is no node {}", quoted(text)),
                    format!(
                        "`{name}` has the nodes {name}[0] to {name}[{}]",
                        group.count - 1
                    ),
                );
            }
            first += group.count;
        }
        let names = groups.iter().map(|group| group.name.as_str());
        let [meant, list] = suggestions(name, "node groups", names);
        self.report(
            Diagnostic::at(
                node.span,
                format!("there is no node group {}", quoted(name)),
            )
            .hint(meant)
            .hint(list),
        );
        None
    }
}

/// The role of a node.
fn role_of(groups: &[NodeGroup], node: u32) -> Option<u8> {
    let mut first = 0;
    groups.iter().find_map(|group| {
        let range = first..first + group.count;
        first += group.count;
        range.contains(&(node as usize)).then_some(group.role)
    })
}
