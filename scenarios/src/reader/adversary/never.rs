//! Rules that can never match, grants that are never told: refused before the run.

use protocols::wire::{Field, FieldKind, Width};
use sim_engine::Direction;

use super::rule::Place;
use crate::diagnostic::quoted;
use crate::reader::section::{Reading, Section};
use crate::scenario::{AdversarySpec, GrantTime, Matching, NodeGroup};
use crate::tree::{Node, Value};
use crate::{duration_text, scenario::Action};

/// The keys of `match` that mean nothing to a flood, which heeds no packet.
const HEEDED: [&str; 8] = [
    "direction",
    "message",
    "nth",
    "from",
    "to",
    "node",
    "session",
    "fields",
];

/// The group of a node.
fn group_of(groups: &[NodeGroup], node: u32) -> Option<usize> {
    let mut first = 0;
    groups.iter().position(|group| {
        let range = first..first + group.count;
        first += group.count;
        range.contains(&(node as usize))
    })
}

/// Why a value of a field can never be there; `None` when it can.
pub(super) fn misfit(field: &Field, value: &[u8]) -> Option<(String, String)> {
    let Width::Fixed(width) = field.width else {
        return None;
    };
    let width = width as usize;
    match field.kind {
        FieldKind::Integer | FieldKind::Tag => {
            let zeros = value.iter().take_while(|byte| **byte == 0).count();
            (value.len() - zeros > width).then(|| {
                (
                    format!(
                        "this number does not fit into the {width} B of {}",
                        quoted(field.name)
                    ),
                    format!("{} holds 0 to 2^{} - 1", quoted(field.name), width * 8),
                )
            })
        }
        _ => (value.len() != width).then(|| {
            (
                format!(
                    "{} has {width} B, and this value {} B",
                    quoted(field.name),
                    value.len()
                ),
                format!("write all of them: `\"0x{}\"`", "0a".repeat(width.min(4))),
            )
        }),
    }
}

impl<'t> Reading<'t> {
    /// Refuses what never passes the link on which the adversary stands.
    pub(super) fn check_can_match(
        &self,
        table: &Section<'t>,
        matching: &Matching,
        place: Place<'_>,
    ) {
        let Some(link) = place.link else { return };
        let ends = [link.a, link.b];
        let name = |group: usize| quoted(&place.groups[group].name);
        let nodes = [
            ("from", matching.from),
            ("to", matching.to),
            ("node", matching.node),
        ];
        for (key, node) in nodes {
            let group = node.and_then(|node| group_of(place.groups, node));
            if let Some(group) = group
                && !ends.contains(&group)
            {
                self.refuse::<()>(
                    table.place_of(key),
                    format!(
                        "no packet of {} passes the link {}, so the rule can never match",
                        name(group),
                        quoted(&link.name)
                    ),
                    format!("it joins {} and {}", name(link.a), name(link.b)),
                );
                return;
            }
        }
        let group = |node: Option<u32>| node.and_then(|node| group_of(place.groups, node));
        let (from, to) = (group(matching.from), group(matching.to));
        // The end from which such a packet comes, by everything that says so.
        let by_direction = matching.direction.map(|direction| match direction {
            Direction::Up => link.a,
            Direction::Down => link.b,
        });
        let by_to = to.map(|to| if to == link.a { link.b } else { link.a });
        let said = [("from", from), ("to", by_to), ("direction", by_direction)];
        let mut sender = None;
        for (key, end) in said {
            let Some(end) = end else { continue };
            if *sender.get_or_insert(end) != end {
                self.refuse::<()>(
                    table.place_of(key),
                    "the ends and the direction that are named here contradict each other, so the rule \
                     can never match",
                    format!("up is from {} to {}", name(link.a), name(link.b)),
                );
                return;
            }
        }
        let layouts = place.choice.instance.layouts();
        let ends = sender.map_or_else(|| ends.to_vec(), |sender| vec![sender]);
        let roles: Vec<u8> = ends.iter().map(|end| place.groups[*end].role).collect();
        let sent = |message: &usize| {
            layouts[*message]
                .sender
                .is_none_or(|role| roles.contains(&role))
        };
        if matching.messages.is_empty() || matching.messages.iter().any(sent) {
            return;
        }
        let known = place.choice.protocol.roles();
        let senders: Vec<&str> = matching
            .messages
            .iter()
            .filter_map(|message| {
                let role = known.get(usize::from(layouts[*message].sender?))?;
                Some(role.name)
            })
            .collect();
        self.refuse::<()>(
            table.place_of("message"),
            "no message that is named here is sent from there, so the rule can never match",
            format!(
                "sent by the role {}; {} sends here",
                senders.join(", "),
                ends.iter()
                    .map(|end| name(*end))
                    .collect::<Vec<_>>()
                    .join(" or ")
            ),
        );
    }

    /// A flood goes by time alone.
    pub(super) fn check_flood(&self, section: &Section<'t>) {
        let Some(table) = section.section(self, "match") else {
            return;
        };
        for key in HEEDED {
            if table.table.get(key).is_some() {
                self.refuse::<()>(
                    table.place_of(key),
                    format!("a flood goes on whatever passes, so {} says nothing here", quoted(key)),
                    "give it `after` and `before`, or use the action `inject`, which answers a packet",
                );
            }
        }
    }

    /// Windows and grants that begin after the adversaries have stopped.
    pub(crate) fn check_times(
        &self,
        adversaries: &[AdversarySpec],
        sections: &[(&'t str, Section<'t>)],
        duration_ns: u64,
    ) {
        let hint = format!(
            "adversaries act until run.duration, which is {}",
            duration_text(duration_ns)
        );
        for (adversary, (_, section)) in adversaries.iter().zip(sections) {
            let place = |list: &'static str, index: usize, path: &[&str]| {
                let list = section.get(list).and_then(|node| self.list(node));
                list.and_then(|list| list.get(index)?.at(path))
                    .map_or(section.place, |node| node.span)
            };
            for (index, rule) in adversary.rules.iter().enumerate() {
                if rule.matching.after_ns < duration_ns {
                    continue;
                }
                let reason = if matches!(rule.action, Action::Flood { .. }) {
                    "this window begins after the adversary has stopped, so the flood never comes"
                } else {
                    "this window begins after the adversary has stopped, so the rule can never match"
                };
                let place = place("rules", index, &["match", "after"]);
                self.refuse::<()>(place, reason, hint.clone());
            }
            for (index, known) in adversary.knows.iter().enumerate() {
                if let GrantTime::At(at_ns) = known.at
                    && at_ns >= duration_ns
                {
                    let place = place("knows", index, &["at"]);
                    let reason = "this secret is told after the adversary has stopped";
                    self.refuse::<()>(place, reason, hint.clone());
                }
            }
        }
    }
}

impl Node {
    /// The value at a path of keys below this table.
    fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| match &node.value {
            Value::Table(table) => table.get(key),
            _ => None,
        })
    }
}
