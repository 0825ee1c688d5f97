//! One rule of an adversary.

use protocols::wire::{FieldKind, Layout, Width};
use sim_engine::{Direction, Powers, Probability};

use super::POWERS;
use super::inner::on_the_wire;
use super::never::misfit;
use crate::diagnostic::{Diagnostic, Span, quoted, suggestions};
use crate::law::Domain;
use crate::quantity::Dimension;
use crate::reader::section::{Reading, Section};
use crate::scenario::{Action, Edit, Frame, LinkGroup, Matching, NodeGroup, ProtocolChoice, Rule};
use crate::tree::{Node, Value};

/// The words of `action`.
const ACTIONS: [&str; 8] = [
    "drop",
    "delay",
    "duplicate",
    "replay",
    "modify",
    "reflect",
    "inject",
    "flood",
];

/// Longest packet that a rule makes, bytes.
const LENGTH_MAX: u64 = 65_535;

/// What a rule can speak of.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The protocol.
    pub(super) choice: &'a ProtocolChoice,
    /// The node groups.
    pub(super) groups: &'a [NodeGroup],
    /// The link on which the adversary stands.
    pub(super) link: Option<&'a LinkGroup>,
}

/// Most copies that one rule makes of one packet.
const COPIES_MAX: u64 = 255;

impl<'t> Reading<'t> {
    /// One rule.
    pub(super) fn rule(
        &self,
        node: &'t Node,
        path: &str,
        powers: Option<Powers>,
        place: Place<'_>,
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
            Some(_) => self.matching(&section, place),
            None => Some(Matching::default()),
        };
        let probability = match section.get("probability") {
            Some(node) => self.probability(node),
            None => Some(Probability::ALWAYS),
        };
        let coin = match section.get("coin") {
            Some(node) => self
                .choice(node, "coins", "coin", ["packet", "session"])
                .map(|index| index == 1),
            None => Some(false),
        };
        // Read with those of the other rules, which must agree.
        section.get("layer");
        let oracle_match = match section.get("oracle_match") {
            Some(node) => self.flag(node),
            None => Some(false),
        };
        let messages = matching
            .as_ref()
            .map_or_else(Vec::new, |it| on_the_wire(it, place.choice));
        let action = self.action(&section, powers, place, &messages);
        if matches!(action, Some(Action::Flood { .. })) {
            self.check_flood(&section);
        }
        let matched = matching.as_ref();
        let hidden = matched.is_some_and(|it| !it.sessions.is_empty() || !it.inner.is_empty());
        let inner = matched.map_or(&[][..], |it| &it.inner);
        self.check_inner(&section, inner, place.choice, oracle_match);
        if oracle_match == Some(true) && !hidden {
            self.refuse::<()>(
                section.place_of("oracle_match"),
                "nothing in this rule goes by what an adversary cannot see",
                "leave `oracle_match` out; what it allows is `match.session` and messages inside others",
            );
        }
        section.finish(self);
        Some(Rule {
            id: id?,
            matching: matching?,
            action: action?,
            probability: probability?,
            per_session: coin?,
            oracle_match: oracle_match?,
        })
    }

    fn matching(&self, section: &Section<'t>, place: Place<'_>) -> Option<Matching> {
        let table = section.section(self, "match")?;
        let direction = match table.get("direction") {
            Some(node) => self
                .choice(node, "directions", "direction", ["up", "down"])
                .map(|index| Some([Direction::Up, Direction::Down][index])),
            None => Some(None),
        };
        let messages = match table.get("message") {
            Some(node) => self.outer_and_inner(node, place.choice),
            None => Some((Vec::new(), Vec::new())),
        };
        let (messages, inner) =
            messages.map_or((None, None), |(outer, inner)| (Some(outer), Some(inner)));
        let nth = match table.get("nth") {
            Some(node) => self.integer(node, 1, u64::MAX).map(Some),
            None => Some(None),
        };
        let end = |key| match table.get(key) {
            Some(node) => self.one_node(node, place.groups).map(Some),
            None => Some(None),
        };
        let (from, to, node) = (end("from"), end("to"), end("node"));
        let sessions = match table.get("session") {
            Some(node) => self
                .one_or_more(node)
                .iter()
                .map(|node| {
                    let number = self.integer(node, 1, u64::from(u32::MAX))?;
                    u32::try_from(number).ok()
                })
                .collect(),
            None => Some(Vec::new()),
        };
        let time = |key| match table.get(key) {
            Some(node) => self.duration(node).map(Some),
            None => Some(None),
        };
        let (after, before) = (time("after"), time("before"));
        let named = messages.as_deref().unwrap_or(&[]);
        let fields = match table.get("fields") {
            Some(node) => self.field_values(node, place.choice, named),
            None => Some(Vec::new()),
        };
        table.finish(self);
        if let (Some(Some(after)), Some(Some(before))) = (after, before)
            && before <= after
        {
            self.refuse::<()>(
                table.place_of("before"),
                "this window ends before it begins, so the rule can never match",
                "`before` must be later than `after`",
            );
        }
        let matching = Matching {
            direction: direction?,
            messages: messages?,
            inner: inner?,
            nth: nth?,
            from: from?,
            to: to?,
            node: node?,
            sessions: sessions?,
            fields: fields?,
            after_ns: after?.unwrap_or(0),
            before_ns: before?,
        };
        self.check_can_match(&table, &matching, place);
        Some(matching)
    }

    /// Values of fields that every one of `messages` has.
    fn field_values(
        &self,
        node: &'t Node,
        choice: &ProtocolChoice,
        messages: &[usize],
    ) -> Option<Vec<(String, Vec<u8>)>> {
        let Value::Table(table) = &node.value else {
            return self.refuse(
                node.span,
                format!(
                    "a table of fields is wanted here, not {}",
                    node.value.kind()
                ),
                "for instance `{ device_id = 3 }`",
            );
        };
        let values = table.entries.iter().map(|entry| {
            self.known_field(&entry.key, entry.key_span, choice, messages)?;
            let value = self.bytes(&entry.node)?;
            let layouts = choice.instance.layouts();
            let fields = messages.iter().filter_map(|message| {
                let mut fields = layouts.get(*message)?.fields.iter();
                fields.find(|field| field.name == entry.key)
            });
            for field in fields {
                if let Some((reason, hint)) = misfit(field, &value) {
                    return self.refuse(entry.node.span, reason, hint);
                }
            }
            Some((entry.key.clone(), value))
        });
        values.collect::<Vec<_>>().into_iter().collect()
    }

    /// Refuses a field that one of `messages` does not have.
    fn known_field(
        &self,
        name: &str,
        span: Span,
        choice: &ProtocolChoice,
        messages: &[usize],
    ) -> Option<()> {
        let layouts = choice.instance.layouts();
        if messages.is_empty() {
            return self.refuse(
                span,
                "fields belong to messages, and this rule names none",
                "add `message` to `match`",
            );
        }
        for message in messages {
            let fields = layouts[*message].fields.iter().map(|field| field.name);
            if fields.clone().any(|field| field == name) {
                continue;
            }
            let kind = format!("fields of {}", layouts[*message].name);
            let [meant, list] = suggestions(name, &kind, fields);
            self.report(
                Diagnostic::at(
                    span,
                    format!("{} has no field {}", layouts[*message].name, quoted(name)),
                )
                .hint(meant)
                .hint(list),
            );
            return None;
        }
        Some(())
    }

    /// Bytes: a whole number, or hexadecimal text that begins with `0x`.
    fn bytes(&self, node: &'t Node) -> Option<Vec<u8>> {
        if !matches!(node.value, Value::Text(_)) {
            let value = self.integer(node, 0, u64::MAX)?;
            return Some(value.to_be_bytes().to_vec());
        }
        let text = self.text(node)?;
        let digits = text
            .strip_prefix("0x")
            .filter(|digits| digits.len() % 2 == 0);
        let bytes = digits.and_then(|digits| {
            let pairs = digits.as_bytes().chunks(2);
            pairs
                .map(|pair| {
                    let pair = core::str::from_utf8(pair).ok()?;
                    u8::from_str_radix(pair, 16).ok()
                })
                .collect::<Option<Vec<u8>>>()
        });
        if bytes.is_none() {
            return self.refuse(
                node.span,
                format!("{} is no value of a field", quoted(text)),
                "write a whole number, or bytes as `\"0x0a1b\"`",
            );
        }
        bytes
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
    fn action(
        &self,
        section: &Section<'t>,
        powers: Option<Powers>,
        place: Place<'_>,
        messages: &[usize],
    ) -> Option<Action> {
        let node = section.required(self, "action", "\"drop\"")?;
        let index = self.choice(node, "actions", "action", ACTIONS)?;
        let after = || match section.get("after") {
            Some(node) => self.duration(node),
            None => Some(0),
        };
        let (action, needed): (Option<Action>, &[&str]) = match ACTIONS[index] {
            "drop" => (Some(Action::Drop), &["drop"]),
            "delay" => {
                let by = section
                    .required(self, "by", "\"2s\"")
                    .and_then(|node| self.law(node, Domain::unsigned(Dimension::Duration)));
                (by.map(|by| Action::Delay { by }), &["delay"])
            }
            "duplicate" => {
                let copies = match section.get("copies") {
                    Some(node) => self.integer(node, 1, COPIES_MAX),
                    None => Some(1),
                };
                let copies = copies.and_then(|copies| u8::try_from(copies).ok());
                let action = copies
                    .zip(after())
                    .map(|(copies, after_ns)| Action::Duplicate { copies, after_ns });
                (action, &["duplicate"])
            }
            "replay" => {
                let flag = |key| section.get(key).map_or(Some(false), |node| self.flag(node));
                let (own, session) = (flag("own_address"), flag("session"));
                let to = match section.get("to") {
                    Some(node) => self.one_node(node, place.groups).map(Some),
                    None => Some(None),
                };
                let needed: &[&str] = if own == Some(true) {
                    &["observe", "inject"]
                } else {
                    &["observe", "spoof"]
                };
                let action = (|| {
                    Some(Action::Replay {
                        after_ns: after()?,
                        to: to?,
                        own: own?,
                        session: session?,
                    })
                })();
                (action, needed)
            }
            "modify" => (
                self.edits(section, place.choice, messages)
                    .map(Action::Modify),
                &["modify"],
            ),
            "reflect" => (Some(Action::Reflect), &["spoof"]),
            word => {
                let frame = self.frame(section, place, after());
                let needed: &[&str] = match &frame {
                    Some(frame) if frame.from.is_some() => &["spoof"],
                    _ => &["inject"],
                };
                if word == "inject" {
                    (frame.map(Action::Inject), needed)
                } else {
                    let every = section
                        .required(self, "every", "\"10ms\"")
                        .and_then(|node| self.law(node, Domain::unsigned(Dimension::Duration)));
                    let action = frame
                        .zip(every)
                        .map(|(frame, every)| Action::Flood { frame, every });
                    (action, needed)
                }
            }
        };
        self.check_powers(node, powers, needed);
        action
    }

    fn check_powers(&self, node: &'t Node, powers: Option<Powers>, needed: &[&str]) {
        let Some(powers) = powers else { return };
        for power in needed {
            let has = |name: &str| {
                let known = POWERS.iter().find(|known| known.name == name);
                known.is_some_and(|known| (known.has)(&powers))
            };
            if has(power) || *power == "delay" && has("reorder") {
                continue;
            }
            self.report(
                Diagnostic::at(
                    node.span,
                    format!("this adversary has not declared the power `{power}`"),
                )
                .hint(format!("add it: `powers = [\"{power}\", ...]`")),
            );
        }
    }

    /// What `modify` does, in the order flip, set, swap, truncate, extend.
    fn edits(
        &self,
        section: &Section<'t>,
        choice: &ProtocolChoice,
        messages: &[usize],
    ) -> Option<Vec<Edit>> {
        let mut edits = Vec::new();
        if let Some(flip) = section.section(self, "flip") {
            let field = match flip.get("field") {
                Some(node) => {
                    let name = self.text(node)?;
                    self.known_field(name, node.span, choice, messages)?;
                    Some(name.to_owned())
                }
                None => None,
            };
            let bits: Option<Vec<Option<u64>>> = match flip.get("bit") {
                Some(node) => self
                    .one_or_more(node)
                    .iter()
                    .map(|node| Some(Some(self.integer(node, 0, u64::from(u32::MAX))?)))
                    .collect(),
                None => Some(vec![None]),
            };
            flip.finish(self);
            edits.extend(bits?.into_iter().map(|bit| Edit::Flip {
                field: field.clone(),
                bit,
            }));
        }
        if let Some(node) = section.get("set") {
            for (field, value) in self.field_values(node, choice, messages)? {
                edits.push(Edit::Set { field, value });
            }
        }
        if let Some(swap) = section.section(self, "swap") {
            let field = swap.required(self, "field", "\"r1\"")?;
            let with = swap.required(self, "with", "\"M2.r1\"")?;
            swap.finish(self);
            let name = self.text(field)?;
            self.known_field(name, field.span, choice, messages)?;
            let text = self.text(with)?;
            let layouts = choice.instance.layouts();
            let (message, other) = text.split_once('.').unwrap_or((text, ""));
            let index = layouts.iter().position(|layout| layout.name == message);
            let Some(index) = index else {
                let names = layouts.iter().map(|layout| layout.name);
                let [meant, list] = suggestions(message, "messages", names);
                self.report(
                    Diagnostic::at(
                        with.span,
                        format!("there is no message {}", quoted(message)),
                    )
                    .hint(meant)
                    .hint(list),
                );
                return None;
            };
            self.known_field(other, with.span, choice, &[index])?;
            edits.push(Edit::Swap {
                field: name.to_owned(),
                message: index,
                other: other.to_owned(),
            });
        }
        for (key, cut) in [("truncate", true), ("extend", false)] {
            if let Some(node) = section.get(key) {
                let size = usize::try_from(self.size(node)?.min(LENGTH_MAX)).ok()?;
                edits.push(if cut {
                    Edit::Truncate(size)
                } else {
                    Edit::Extend(size)
                });
            }
        }
        if edits.is_empty() {
            return self.refuse(
                section.place_of("action"),
                "`modify` is not told what to change",
                "add `flip`, `set`, `swap`, `truncate` or `extend`",
            );
        }
        Some(edits)
    }

    /// A frame of its own, from `message`, `fields`, `from` and `to`.
    fn frame(
        &self,
        section: &Section<'t>,
        place: Place<'_>,
        after_ns: Option<u64>,
    ) -> Option<Frame> {
        let layouts = place.choice.instance.layouts();
        let message = section
            .required(self, "message", "\"M1\"")
            .and_then(|node| self.messages(node, place.choice)?.first().copied());
        let to = section
            .required(self, "to", "\"server[0]\"")
            .and_then(|node| self.one_node(node, place.groups));
        let from = match section.get("from") {
            Some(node) => self.one_node(node, place.groups).map(Some),
            None => Some(None),
        };
        let fields = match (section.get("fields"), message) {
            (Some(node), Some(message)) => self.field_values(node, place.choice, &[message]),
            _ => Some(Vec::new()),
        };
        let bytes = build_frame(&layouts[message?], &fields?);
        Some(Frame {
            from: from?,
            to: to?,
            after_ns: after_ns?,
            bytes,
        })
    }
}

/// A frame with these fields; the others are zero, and those of no fixed width as short as they may.
fn build_frame(layout: &Layout, fields: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in &layout.fields {
        let given = fields.iter().find(|(name, _)| name == field.name);
        let given = given.map(|(_, value)| value.as_slice());
        match (field.width, field.kind) {
            (Width::Fixed(1), FieldKind::Tag) if given.is_none() => {
                bytes.push(layout.tag.unwrap_or(0));
            }
            (Width::Fixed(width), _) => {
                let start = bytes.len();
                bytes.resize(start + width as usize, 0);
                let value = given.unwrap_or(&[]);
                let count = value.len().min(width as usize);
                let end = bytes.len();
                bytes[end - count..].copy_from_slice(&value[value.len() - count..]);
            }
            (Width::Rest { min, .. }, _) => match given {
                Some(value) => bytes.extend_from_slice(value),
                None => bytes.resize(bytes.len() + min as usize, 0),
            },
            (Width::Counted { .. }, _) => bytes.extend_from_slice(given.unwrap_or(&[])),
        }
    }
    bytes
}
