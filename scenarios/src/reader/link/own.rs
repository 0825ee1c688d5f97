//! `[[links.NAME.where]]`: parameters of single links, by a pattern of their ends.

use sim_engine::LinkParams;

use super::{Sides, directional};
use crate::diagnostic::{Span, quoted};
use crate::reader::section::{Reading, Section};
use crate::scenario::{Exception, LinkGroup, LinkPatch, NodeGroup, Pick, Topology};
use crate::tree::{Node, Value};

/// Most patterns of one link group.
const PATTERNS_MAX: usize = 1_000;

/// Members of the groups at both ends, as first and end; `None`: all.
type Ends = [Option<(u32, u32)>; 2];

/// Group (0 or 1) and member of a node that is numbered through both groups.
fn side_of(node: u32, of_a: usize) -> (u8, u32) {
    let of_a = u32::try_from(of_a).unwrap_or(u32::MAX);
    match node.checked_sub(of_a) {
        Some(member) => (1, member),
        None => (0, node),
    }
}

impl<'t> Reading<'t> {
    /// The exceptions of a link group whose parameters, up and down, are `base`; which links they
    /// concern is read when the groups are known.
    pub(super) fn exceptions(
        &self,
        section: &Section<'t>,
        base: Option<&[LinkParams; 2]>,
    ) -> Option<Vec<Exception>> {
        let Some(node) = section.get("where") else {
            return Some(Vec::new());
        };
        let list = self.one_or_more(node);
        if list.len() > PATTERNS_MAX {
            return self.refuse(
                node.span,
                format!("there are {} patterns", list.len()),
                format!("at most {PATTERNS_MAX} are possible; a file of edges names each link"),
            );
        }
        let read = list.iter().map(|node| {
            let table = self.section(format!("{}.where", section.path), node)?;
            let id = match table.get("id") {
                Some(node) => self.text(node).map(str::to_owned),
                None => Some(String::new()),
            };
            let matched = table.required(self, "match", "\"device[0..10]\"");
            let set = table.required(self, "set", "{ loss = \"20%\" }");
            table.finish(self);
            matched?;
            let (patch, _) = self.patch(set?, &table, base)?;
            Some(Exception {
                id: id?,
                ends: [None, None],
                sides: [0, 1],
                patch,
            })
        });
        let read: Vec<_> = read.collect();
        read.into_iter().collect()
    }

    /// What the table `set` of `holder` gives for a link with the parameters `base`, and those with
    /// it.
    pub(super) fn patch(
        &self,
        node: &'t Node,
        holder: &Section<'t>,
        base: Option<&[LinkParams; 2]>,
    ) -> Option<([LinkPatch; 2], [LinkParams; 2])> {
        let table = self.section(format!("{}.set", holder.path), node)?;
        let sides = self.changing(&table);
        table.finish(self);
        if table.table.entries.is_empty() {
            return self.refuse(node.span, "nothing is set", "name at least one parameter");
        }
        let Sides {
            delay,
            jitter,
            rate,
            loss,
            corrupt,
            duplicate,
        } = sides?;
        let mut both = base?.clone();
        let given = |key: &str, name: &str| {
            table
                .table
                .get(key)
                .is_some_and(|node| directional(node).is_none_or(|table| table.get(name).is_some()))
        };
        let rateless =
            |(side, name): (&LinkParams, &str)| given("rate", name) && side.rate_bps.is_none();
        if both.iter().zip(["up", "down"]).any(rateless) {
            return self.refuse(
                table.place_of("rate"),
                "this link has no rate that could change",
                "give the link a `rate` to begin with",
            );
        }
        let side = |index: usize, name: &str| LinkPatch {
            delay: given("delay", name).then(|| delay[index].clone()),
            jitter: given("jitter", name).then(|| jitter[index].clone()),
            rate_bps: rate[index].filter(|_| given("rate", name)),
            loss: given("loss", name).then(|| loss[index].clone()),
            corrupt: given("corrupt", name).then(|| corrupt[index]),
            duplicate: given("duplicate", name).then(|| duplicate[index]),
        };
        let patch = [side(0, "up"), side(1, "down")];
        for (patch, params) in patch.iter().zip(&mut both) {
            patch.apply(params);
        }
        self.check_params(&table, &both).then_some((patch, both))
    }

    /// Finds the links of every exception, and refuses what would concern none.
    pub(crate) fn settle_exceptions(
        &self,
        link: &mut LinkGroup,
        groups: &[NodeGroup],
        section: &Section<'t>,
    ) -> Option<()> {
        if !link.own.is_empty() && link.schedule.iter().any(|change| change.set.is_some()) {
            return self.refuse(
                section.place_of("schedule"),
                "links with parameters of their own cannot be set to others for a while",
                "a schedule of such a group may take links `down`; or give the links that change a \
                 group of their own",
            );
        }
        let Some(node) = section.table.get("where") else {
            return Some(());
        };
        let groups = (&groups[link.a], &groups[link.b]);
        let mut exceptions = std::mem::take(&mut link.own.exceptions);
        for (exception, node) in exceptions.iter_mut().zip(self.one_or_more(node)) {
            let Value::Table(table) = &node.value else {
                continue;
            };
            (exception.ends, exception.sides) = self.ends(table.get("match")?, link, groups)?;
        }
        link.own.exceptions = exceptions;
        Some(())
    }

    /// The members that a pattern names at each end.
    fn ends(
        &self,
        node: &'t Node,
        link: &LinkGroup,
        (a, b): (&NodeGroup, &NodeGroup),
    ) -> Option<(Ends, [u8; 2])> {
        let joint = matches!(link.topology, Some(Topology::Joint(_)));
        let (mut ends, mut sides) = ([None, None], [0, 1]);
        let names = self.one_or_more(node);
        if names.is_empty() || names.len() > 2 {
            return self.refuse(
                node.span,
                format!("a pattern has one or two ends, not {}", names.len()),
                "write `match = \"device[0..10]\"` or `match = [\"device[0..10]\", \"server[1]\"]`",
            );
        }
        for (place, name) in names.iter().enumerate() {
            let groups = [(a.name.as_str(), a.count), (b.name.as_str(), b.count)];
            let found = self.members(
                name,
                "groups of this link",
                "node group",
                groups.into_iter(),
            )?;
            if joint {
                // Either pattern may stand for either end.
                ends[place] = Some((found.first, found.first + found.count));
                sides[place] = u8::from(found.group == 1);
                continue;
            }
            let end = &mut ends[found.group];
            if end.is_some() {
                return self.refuse(
                    name.span,
                    "both ends of this pattern are of the same group",
                    format!(
                        "this link joins {} with {}",
                        quoted(&a.name),
                        quoted(&b.name)
                    ),
                );
            }
            *end = Some((found.first, found.first + found.count));
        }
        if joint || matches!(ends, [Some(_), Some(_)]) {
            self.some_link(node.span, link, (a, b), (ends, sides))?;
        }
        Some((ends, sides))
    }

    /// Refuses a pattern of two ends that are not linked.
    fn some_link(
        &self,
        place: Span,
        link: &LinkGroup,
        (a, b): (&NodeGroup, &NodeGroup),
        (ends, sides): (Ends, [u8; 2]),
    ) -> Option<()> {
        let holds = Exception {
            id: String::new(),
            ends,
            sides,
            patch: Default::default(),
        };
        let (many, few) = (a.count.max(b.count), a.count.min(b.count));
        let found = match (&link.topology, link.pick) {
            (Some(Topology::Full), _) => true,
            (Some(Topology::Joint(edges)), _) => edges.iter().any(|&(one, other)| {
                holds.matches_joint([one, other].map(|node| side_of(node, a.count)))
            }),
            (Some(Topology::Edges(edges)), _) => edges.iter().any(|&(a, b)| holds.matches(a, b)),
            (Some(Topology::Random { .. }), _) | (None, Pick::Uniform) => {
                return self.refuse(
                    place,
                    "who is linked with whom is drawn, so these ends may have no link",
                    "name one end",
                );
            }
            (None, Pick::Fixed | Pick::RoundRobin) => (0..many).any(|owner| {
                let number = |member: usize| u32::try_from(member).unwrap_or(u32::MAX);
                let (owner, pick) = (number(owner), number(owner % few.max(1)));
                if a.count >= b.count {
                    holds.matches(owner, pick)
                } else {
                    holds.matches(pick, owner)
                }
            }),
        };
        if found {
            return Some(());
        }
        self.refuse(
            place,
            "no link joins these ends",
            "who is linked with whom follows from `pick` or `topology`",
        )
    }
}
