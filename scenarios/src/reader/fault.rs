//! `[faults.NAME]`: what goes wrong with nodes and links, and when.

use sim_engine::{Direction, Law};

use super::section::{Reading, Section};
use super::workload::Cast;
use crate::diagnostic::{Diagnostic, quoted, suggestions};
use crate::fault::{
    Effect, FaultSpec, Members, PacketName, Point, Selector, Snapshot, Trigger, What, WritePoint,
};
use crate::law::Domain;
use crate::quantity::{Dimension, duration_text};
use crate::scenario::Transport;
use crate::tree::{Node, Value};

/// Most instants of one fault.
const INSTANTS_MAX: usize = 256;

/// Durations.
const SPAN: Domain = Domain::unsigned(Dimension::Duration);

impl<'t> Reading<'t> {
    /// One fault.
    pub(crate) fn fault(
        &self,
        name: &str,
        section: &Section<'t>,
        cast: Cast<'_>,
    ) -> Option<FaultSpec> {
        let target = match section.get("target") {
            Some(node) => self.node_members(node, cast).map(Some),
            None => Some(None),
        };
        let trigger = self.trigger(section, cast);
        let effect = self.effect(section, cast);
        section.finish(self);
        let (target, trigger, effect) = (target?, trigger?, effect?);
        let counted = match &trigger {
            Trigger::When(selector) => selector.node,
            _ => None,
        };
        if effect.is_of_links() {
            if target.is_some() {
                return self.refuse(
                    section.place_of("target"),
                    format!("`{}` strikes links, not a target", effect.kind()),
                    "the effect's own keys say which links; leave `target` out",
                );
            }
            if matches!(trigger, Trigger::When(_)) && counted.is_none() {
                return self.refuse(
                    section.place_of("when"),
                    "nothing says whose messages are counted",
                    "name the node in `when`: `node = \"device[0]\"`",
                );
            }
        } else if target.is_none() && counted.is_none() {
            return self.refuse(
                section.place,
                format!("{} lacks `target`", quoted(&section.path)),
                "add the nodes that it strikes: `target = \"device\"`, `\"device[3]\"` or \
                 `\"device[0..10]\"`",
            );
        }
        Some(FaultSpec {
            name: name.to_owned(),
            target,
            trigger,
            effect,
        })
    }

    fn trigger(&self, section: &Section<'t>, cast: Cast<'_>) -> Option<Trigger> {
        let (at, process, when) = (
            section.get("at"),
            section.get("process"),
            section.get("when"),
        );
        match (at, process, when) {
            (Some(node), None, None) => {
                let elements = self.one_or_more(node);
                if elements.is_empty() || elements.len() > INSTANTS_MAX {
                    return self.refuse(
                        node.span,
                        format!("{} instants are given", elements.len()),
                        format!("give at least one and at most {INSTANTS_MAX}"),
                    );
                }
                let laws: Vec<Option<Law>> = elements
                    .iter()
                    .map(|element| self.law(element, SPAN))
                    .collect();
                let laws: Option<Vec<Law>> = laws.into_iter().collect();
                Some(Trigger::At(laws?))
            }
            (None, Some(node), None) => {
                let law = self.law(node, SPAN)?;
                if law.mean_ns().0 == 0 {
                    return self.refuse(
                        node.span,
                        "a process needs intervals with a mean of at least 1 ns",
                        "write for instance `process = \"exp(30d)\"`",
                    );
                }
                Some(Trigger::Process(law))
            }
            (None, None, Some(_)) => self.selector(section, cast).map(Trigger::When),
            (None, None, None) => self.refuse(
                section.place,
                format!("{} never strikes", quoted(&section.path)),
                "say when: `at = \"1h\"`, `process = \"exp(30d)\"`, or \
                 `when = { message = \"M3\", nth = 2 }`",
            ),
            _ => self.refuse(
                section.place,
                format!(
                    "{} has more than one of `at`, `process` and `when`",
                    quoted(&section.path)
                ),
                "keep one; write a second fault for the other",
            ),
        }
    }

    fn selector(&self, section: &Section<'t>, cast: Cast<'_>) -> Option<Selector> {
        let table = section.section(self, "when")?;
        let node = match table.get("node") {
            Some(node) => self.node_members(node, cast).map(Some),
            None => Some(None),
        };
        let (message, packet, write) = (
            table.get("message"),
            table.get("packet"),
            table.get("write"),
        );
        let mut nth = match table.get("nth") {
            Some(node) => match &node.value {
                Value::Text(word) if word == "every" => Some(None),
                _ => self.integer(node, 1, u64::MAX).map(Some),
            },
            None => Some(Some(1)),
        };
        let point = match table.get("point") {
            Some(node) => {
                let names = Point::ALL.iter().map(|point| point.as_str());
                self.choice(node, "points", "point", names)
                    .map(|index| Point::ALL[index])
            }
            None => Some(Point::Sent),
        };
        table.finish(self);
        let what = match (message, packet, write) {
            (Some(node), None, None) => self.messages(node, cast.choice).map(What::Messages),
            (None, Some(node), None) => {
                if table.table.get("nth").is_some() {
                    return self.refuse(
                        table.place_of("nth"),
                        "a packet has no `nth`: there is one of its name",
                        "leave `nth` out, or select by `message`",
                    );
                }
                self.packet_name(node, cast).map(What::Packet)
            }
            (None, None, Some(node)) => {
                for key in ["nth", "point"] {
                    if table.table.get(key).is_some() {
                        return self.refuse(
                            table.place_of(key),
                            format!("`{key}` says nothing about a write"),
                            "`write = 3` is the third durable write of the node",
                        );
                    }
                }
                nth = self.integer(node, 1, u64::MAX).map(Some);
                Some(What::Writes)
            }
            _ => self.refuse(
                table.place,
                "a selector names exactly one of `message`, `packet` and `write`",
                "write for instance `when = { message = \"M3\", nth = 2 }`",
            ),
        };
        Some(Selector {
            node: node?,
            what: what?,
            nth: nth?,
            point: point?,
        })
    }

    /// `access[3]/up/device[3]/17`, as `messages.csv` has it.
    fn packet_name(&self, node: &'t Node, cast: Cast<'_>) -> Option<PacketName> {
        let text = self.text(node)?;
        let bad = |reason: &str| {
            self.refuse(
                node.span,
                format!("{} is no packet: {reason}", quoted(text)),
                "copy it from the column `packet` of messages.csv: `access[3]/up/device[3]/17`",
            )
        };
        let parts: Vec<&str> = text.split('/').collect();
        let [link, direction, sender, number] = parts[..] else {
            return bad("it does not have four parts");
        };
        let direction = match direction {
            "up" => Direction::Up,
            "down" => Direction::Down,
            _ => return bad("its second part is neither `up` nor `down`"),
        };
        let Ok(number) = number.parse() else {
            return bad("its last part is no number");
        };
        let links = cast
            .links
            .iter()
            .enumerate()
            .map(|(index, link)| (index, link.name.as_str(), link.link_count(cast.groups)));
        let groups = cast.groups.iter().enumerate();
        let groups = groups.map(|(index, group)| (index, group.name.as_str(), group.count));
        let link = one_of(link, links);
        let sender = one_of(sender, groups);
        if let Some((index, _)) = link
            && cast.links[index].transport != Transport::Datagram
        {
            return bad("its link carries a stream, whose segments no fault selects");
        }
        match (link, sender) {
            (Some(link), Some(sender)) => Some(PacketName {
                link,
                direction,
                sender,
                number,
            }),
            (None, _) => bad("there is no such link"),
            _ => bad("there is no such sender"),
        }
    }

    fn effect(&self, section: &Section<'t>, cast: Cast<'_>) -> Option<Effect> {
        section.required(self, "effect", "{ kind = \"reboot\", downtime = \"5s\" }")?;
        let table = section.section(self, "effect")?;
        let kind = table
            .required(self, "kind", "\"reboot\"")
            .and_then(|node| self.choice(node, "effects", "effect", Effect::KINDS));
        let effect = match kind.map(|kind| Effect::KINDS[kind]) {
            None => return None,
            Some("crash") => self
                .optional_span(&table, "downtime")
                .map(|downtime| Effect::Crash { downtime }),
            Some("reboot") => self
                .downtime(&table)
                .map(|downtime| Effect::Reboot { downtime }),
            Some("rollback") => {
                let to = table
                    .required(self, "to", "\"1h\"")
                    .and_then(|node| self.snapshot(node));
                let downtime = self.downtime(&table);
                to.zip(downtime)
                    .map(|(to, downtime)| Effect::Rollback { to, downtime })
            }
            Some("torn-write") => self.torn_write(&table),
            Some("stuck") => table
                .required(self, "for", "\"10s\"")
                .and_then(|node| self.law(node, SPAN))
                .map(|span| Effect::Stuck { span }),
            Some("battery-death") => Some(Effect::BatteryDeath),
            Some("clock-step") => table
                .required(self, "by", "\"-2h\"")
                .and_then(|node| self.law(node, Domain::signed(Dimension::Duration)))
                .map(|by| Effect::ClockStep { by }),
            Some("link-down") => self.link_down(&table, cast),
            Some(_) => self.partition(&table, cast),
        };
        table.finish(self);
        effect
    }

    fn torn_write(&self, table: &Section<'t>) -> Option<Effect> {
        let point = match table.get("point") {
            Some(node) => {
                let names = WritePoint::ALL.iter().map(|point| point.as_str());
                self.choice(node, "points of a write", "point", names)
                    .map(|index| WritePoint::ALL[index])
            }
            None => Some(WritePoint::Torn),
        };
        let bytes = match table.get("bytes") {
            Some(node) => self.size(node).map(Some),
            None => Some(None),
        };
        let downtime = self.downtime(table);
        let (point, bytes) = (point?, bytes?);
        if bytes.is_some() && point != WritePoint::Torn {
            return self.refuse(
                table.place_of("bytes"),
                format!("`bytes` says nothing about the point `{}`", point.as_str()),
                "it is the part of a `torn` write that lands",
            );
        }
        Some(Effect::TornWrite {
            point,
            bytes,
            downtime: downtime?,
        })
    }

    fn link_down(&self, table: &Section<'t>, cast: Cast<'_>) -> Option<Effect> {
        let links = table
            .required(self, "link", "\"access\"")
            .and_then(|node| self.link_members(node, cast));
        let direction = match table.get("direction") {
            Some(node) => self
                .choice(node, "directions", "direction", ["both", "up", "down"])
                .map(|index| [None, Some(Direction::Up), Some(Direction::Down)][index]),
            None => Some(None),
        };
        let span = self.optional_span(table, "for");
        Some(Effect::LinkDown {
            links: links?,
            direction: direction?,
            span: span?,
        })
    }

    fn partition(&self, table: &Section<'t>, cast: Cast<'_>) -> Option<Effect> {
        let node = table.required(self, "groups", "[\"device[0..10]\", \"server\"]");
        let sets = node.and_then(|node| {
            let elements = self.list(node)?;
            if elements.len() < 2 {
                return self.refuse(
                    node.span,
                    "a partition needs at least two sets of nodes",
                    "write for instance `groups = [\"device[0..10]\", \"server\"]`",
                );
            }
            let sets: Vec<Option<Vec<Members>>> = elements
                .iter()
                .map(|set| {
                    let set = self.one_or_more(set).iter();
                    let members: Vec<_> = set.map(|one| self.node_members(one, cast)).collect();
                    members.into_iter().collect()
                })
                .collect();
            let sets: Option<Vec<Vec<Members>>> = sets.into_iter().collect();
            sets.filter(|sets| self.sets_are_apart(node, sets))
        });
        let one_way = match table.get("one_way") {
            Some(node) => self.flag(node),
            None => Some(false),
        };
        let span = self.optional_span(table, "for");
        Some(Effect::Partition {
            sets: sets?,
            one_way: one_way?,
            span: span?,
        })
    }

    fn sets_are_apart(&self, node: &'t Node, sets: &[Vec<Members>]) -> bool {
        let meet = |one: &Members, other: &Members| {
            one.contains(other.group, other.first) || other.contains(one.group, one.first)
        };
        for (index, set) in sets.iter().enumerate() {
            let earlier = sets[..index].iter().flatten();
            if earlier
                .into_iter()
                .any(|one| set.iter().any(|other| meet(one, other)))
            {
                return self
                    .refuse::<()>(
                        node.span,
                        "a node stands in two sets of the partition",
                        "give each node one side, or none to keep all its links",
                    )
                    .is_some();
            }
        }
        true
    }

    fn snapshot(&self, node: &'t Node) -> Option<Snapshot> {
        match &node.value {
            Value::Text(word) if word == "first" => Some(Snapshot::First),
            Value::Text(_) => self.duration(node).map(Snapshot::Age),
            Value::Table(_) => {
                let table = self.section("to", node)?;
                let (age, sessions, at) =
                    (table.get("age"), table.get("sessions"), table.get("at"));
                table.finish(self);
                match (age, sessions, at) {
                    (Some(node), None, None) => self.duration(node).map(Snapshot::Age),
                    (None, Some(node), None) => {
                        self.integer(node, 1, u64::MAX).map(Snapshot::Sessions)
                    }
                    (None, None, Some(node)) => self.duration(node).map(Snapshot::At),
                    _ => self.refuse(
                        node.span,
                        "a snapshot is named by exactly one of `age`, `sessions` and `at`",
                        "write for instance `to = { sessions = 2 }`",
                    ),
                }
            }
            other => self.refuse(
                node.span,
                format!("a snapshot is wanted here, not {}", other.kind()),
                "write `\"first\"`, an age such as `\"1h\"`, or `{ sessions = 2 }`",
            ),
        }
    }

    fn downtime(&self, table: &Section<'t>) -> Option<Law> {
        match table.get("downtime") {
            Some(node) => self.law(node, SPAN),
            None => Some(Law::ZERO),
        }
    }

    /// A span that may be left out; `Some(None)` then.
    fn optional_span(&self, table: &Section<'t>, key: &'static str) -> Option<Option<Law>> {
        match table.get(key) {
            Some(node) => self.law(node, SPAN).map(Some),
            None => Some(None),
        }
    }

    /// `device`, `device[3]` or `device[0..10]`.
    fn node_members(&self, node: &'t Node, cast: Cast<'_>) -> Option<Members> {
        let groups = cast.groups.iter();
        let groups = groups.map(|group| (group.name.as_str(), group.count));
        self.members(node, "node groups", "node group", groups)
    }

    /// `access`, `access[3]` or `access[0..10]`.
    fn link_members(&self, node: &'t Node, cast: Cast<'_>) -> Option<Members> {
        let links = cast.links.iter();
        let links = links.map(|link| (link.name.as_str(), link.link_count(cast.groups)));
        self.members(node, "links", "link", links)
    }

    /// A group's members, as `device`, `device[3]` or `device[0..10]`; `groups` are names and sizes.
    pub(crate) fn members<'n>(
        &self,
        node: &'t Node,
        kind: &str,
        one: &str,
        mut groups: impl Iterator<Item = (&'n str, usize)> + Clone,
    ) -> Option<Members> {
        let text = self.text(node)?;
        let (name, range) = match text.split_once('[') {
            Some((name, rest)) => (name, rest.strip_suffix(']')),
            None => (text, Some("")),
        };
        let Some(group) = groups.clone().position(|(known, _)| known == name) else {
            let [meant, list] = suggestions(name, kind, groups.map(|(name, _)| name));
            self.report(
                Diagnostic::at(node.span, format!("there is no {one} {}", quoted(name)))
                    .hint(meant)
                    .hint(list),
            );
            return None;
        };
        let count = groups.nth(group).map_or(0, |(_, count)| count);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let parsed = match range {
            Some("") if text == name => Some((0, count)),
            Some(range) => match range.split_once("..") {
                None => range
                    .parse::<u32>()
                    .ok()
                    .and_then(|first| Some((first, first.checked_add(1)?))),
                Some((first, end)) => first.parse().ok().zip(end.parse().ok()),
            },
            None => None,
        };
        let Some((first, end)) = parsed else {
            return self.refuse(
                node.span,
                format!("{} names no members", quoted(text)),
                format!("write `{name}`, `{name}[3]`, or `{name}[0..10]` for the members 0 to 9"),
            );
        };
        if first >= end || end > count {
            return self.refuse(
                node.span,
                format!("{} names no members of {count}", quoted(text)),
                format!("members are numbered from 0; `{name}[0..{count}]` are all of them"),
            );
        }
        Some(Members {
            group,
            first,
            count: end - first,
        })
    }

    /// Instants that the run does not reach.
    pub(crate) fn check_faults(
        &self,
        faults: &[FaultSpec],
        sections: &[(&'t str, Section<'t>)],
        end_ns: u64,
    ) {
        for (fault, (_, section)) in faults.iter().zip(sections) {
            let Trigger::At(laws) = &fault.trigger else {
                continue;
            };
            #[allow(clippy::cast_precision_loss, reason = "a comparison of scales")]
            let late = laws
                .iter()
                .any(|law| law.quantile(f64::EPSILON) > end_ns as f64);
            if late {
                self.refuse::<()>(
                    section.place_of("at"),
                    format!(
                        "fault {} strikes after the run is over",
                        quoted(&fault.name)
                    ),
                    format!(
                        "the run lasts {}, its settle time included",
                        duration_text(end_ns)
                    ),
                );
            }
        }
    }
}

/// The group and member that `device[3]` names; a group of one is named without an index.
fn one_of<'n>(
    text: &str,
    mut groups: impl Iterator<Item = (usize, &'n str, usize)>,
) -> Option<(usize, u32)> {
    let (name, member) = match text.split_once('[') {
        Some((name, rest)) => (name, rest.strip_suffix(']')?.parse().ok()?),
        None => (text, 0),
    };
    let (index, _, count) = groups.find(|(_, known, _)| *known == name)?;
    ((member as usize) < count).then_some((index, member))
}
