//! `[[links.NAME.schedule]]`: outages, partitions and parameters that change.

use sim_engine::{Direction, DirectionMask, Law, LinkParams};

use super::NANOSECONDS;
use crate::diagnostic::quoted;
use crate::reader::section::{Reading, Section};
use crate::scenario::{LinkChange, LinkGroup, Occurrence};
use crate::tree::{Node, Value};

/// Most changes of one link group.
const CHANGES_MAX: usize = 100;
/// Most stretches of members that one change names.
const STRETCHES_MAX: usize = 1_000;

impl<'t> Reading<'t> {
    /// The changes of a link group whose parameters, up and down, are `base`.
    pub(super) fn schedule(
        &self,
        section: &Section<'t>,
        base: Option<&[LinkParams; 2]>,
    ) -> Option<Vec<LinkChange>> {
        let Some(node) = section.get("schedule") else {
            return Some(Vec::new());
        };
        let list = self.one_or_more(node);
        if list.len() > CHANGES_MAX {
            return self.refuse(
                node.span,
                format!("there are {} changes", list.len()),
                format!("at most {CHANGES_MAX} are possible; `every` repeats one"),
            );
        }
        let read: Vec<_> = list
            .iter()
            .map(|node| self.change(node, &section.path, base))
            .collect();
        read.into_iter().collect()
    }

    fn change(
        &self,
        node: &'t Node,
        link: &str,
        base: Option<&[LinkParams; 2]>,
    ) -> Option<LinkChange> {
        let table = self.section(format!("{link}.schedule"), node)?;
        let id = match table.get("id") {
            Some(node) => self.text(node).map(str::to_owned),
            None => Some(String::new()),
        };
        let at = table.get("at").map(|node| self.duration(node));
        let every = table.get("every").map(|node| self.duration(node));
        let process = table.get("process").map(|node| self.positive_law(node));
        let lasting = table.get("for").map(|node| self.positive_law(node));
        let direction = match table.get("direction") {
            Some(node) => self
                .choice(node, "directions", "direction", ["both", "up", "down"])
                .map(|index| [DirectionMask::BOTH, DirectionMask::UP, DirectionMask::DOWN][index]),
            None => Some(DirectionMask::BOTH),
        };
        let members = match table.get("members") {
            Some(node) => self.stretches(node),
            None => Some(Vec::new()),
        };
        let down = table.get("down").map(|node| (node, self.flag(node)));
        let set = table.get("set");
        let together = match table.get("together") {
            Some(node) if process.is_none() => self.refuse(
                node.span,
                "`together` says how a random `process` is drawn, and there is none",
                "without `process` all links change at the same instants",
            ),
            Some(node) => self.flag(node),
            None => Some(false),
        };
        table.finish(self);
        let occurs = match (at, every, process) {
            (Some(at), None, None) => Some(Occurrence::Once(at?)),
            (at, Some(every), None) => {
                let every = every?;
                #[allow(clippy::cast_precision_loss, reason = "a comparison of scales")]
                let fits = lasting.as_ref().is_some_and(|law| {
                    let constant = law.as_ref().and_then(Law::as_constant);
                    constant.is_none_or(|lasts| lasts < every as f64)
                });
                if !fits {
                    return self.refuse(
                        table.place_of("every"),
                        "a change that repeats must be over before it begins again",
                        "give `for` a duration shorter than `every`",
                    );
                }
                Some(Occurrence::Every {
                    first_ns: at.unwrap_or(Some(every))?,
                    every_ns: every,
                })
            }
            (None, None, Some(process)) => {
                if lasting.is_none() {
                    return self.refuse(
                        table.place,
                        "a random change must end before the next can begin",
                        "say how long each lasts, for instance `for = \"exp(10min)\"`",
                    );
                }
                Some(Occurrence::Process(process?))
            }
            (None, None, None) => self.refuse(
                table.place,
                format!("{} does not say when", quoted(&table.path)),
                "write `at = \"1h\"`, `every = \"1d\"` or `process = \"exp(30d)\"`",
            ),
            (_, _, Some(_)) => self.refuse(
                table.place_of("process"),
                "a random process has no other times",
                "give `process` alone, or `at` and `every`",
            ),
        };
        let changed = match (down, set) {
            (Some((_, Some(true))), None) => Some(None),
            (Some((_, None)), _) => None,
            (Some((node, Some(false))), None) => self.refuse(
                node.span,
                "links are up unless a change takes them down",
                "write `down = true`, and `for` for how long",
            ),
            (None, Some(node)) => {
                let patched = self.patch(node, &table, base);
                patched.map(|(_, both)| Some(both))
            }
            (Some((_, Some(_))), Some(node)) => self.refuse(
                node.span,
                "a link that is down needs no parameters",
                "give `down` or `set`; two changes may overlap",
            ),
            (None, None) => self.refuse(
                table.place,
                format!("{} does not say what changes", quoted(&table.path)),
                "write `down = true`, or for instance `set = { loss = \"50%\" }`",
            ),
        };
        let lasting = match lasting {
            Some(law) => Some(law?),
            None => None,
        };
        Some(LinkChange {
            id: id?,
            occurs: occurs?,
            lasting,
            directions: direction?,
            members: members?,
            together: together?,
            set: changed?.map(Box::new),
        })
    }

    /// A law of durations that is not nothing at all.
    fn positive_law(&self, node: &'t Node) -> Option<Law> {
        let law = self.law(node, NANOSECONDS)?;
        if law.as_constant().is_some_and(|value| value < 1.0) {
            return self.refuse(node.span, "this must last longer than zero", "");
        }
        Some(law)
    }

    /// Numbers of links, and stretches of them: `[0, "10-19"]`.
    fn stretches(&self, node: &'t Node) -> Option<Vec<(u32, u32)>> {
        let list = self.one_or_more(node);
        if list.is_empty() || list.len() > STRETCHES_MAX {
            return self.refuse(
                node.span,
                format!("{} entries name no links", list.len()),
                "leave `members` out for all links of the group",
            );
        }
        let stretch = |node: &'t Node| -> Option<(u32, u32)> {
            if let Value::Text(text) = &node.value {
                let parsed = text.split_once('-').and_then(|(first, last)| {
                    Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
                });
                return match parsed {
                    Some((first, last)) if first <= last => Some((first, last)),
                    _ => self.refuse(
                        node.span,
                        format!("{} is no stretch of links", quoted(text)),
                        "write for instance `\"10-19\"`: the links with these numbers, both included",
                    ),
                };
            }
            let number = self.integer(node, 0, u64::from(u32::MAX - 1))?;
            let number = u32::try_from(number).ok()?;
            Some((number, number))
        };
        let read: Vec<_> = list.iter().map(stretch).collect();
        read.into_iter().collect()
    }

    /// Changes that never happen, or concern links that do not exist.
    pub(crate) fn check_schedules(
        &self,
        links: &[LinkGroup],
        sections: &[(&'t str, Section<'t>)],
        counts: impl Fn(&LinkGroup) -> usize,
        duration_ns: u64,
    ) {
        for (link, (_, section)) in links.iter().zip(sections) {
            let Some(node) = section.table.get("schedule") else {
                continue;
            };
            let count = counts(link);
            for (change, node) in link.schedule.iter().zip(self.one_or_more(node)) {
                let place = |key: &str| match &node.value {
                    Value::Table(table) => table.get(key).map_or(node.span, |node| node.span),
                    _ => node.span,
                };
                let first = match change.occurs {
                    Occurrence::Once(at) => Some((at, "at")),
                    Occurrence::Every { first_ns, .. } => Some((
                        first_ns,
                        if matches!(&node.value, Value::Table(table) if table.get("at").is_some()) {
                            "at"
                        } else {
                            "every"
                        },
                    )),
                    Occurrence::Process(_) => None,
                };
                if let Some((at, key)) = first
                    && at >= duration_ns
                {
                    self.refuse::<()>(
                        place(key),
                        "this change would begin when the run is over",
                        "changes begin before `run.duration` has passed",
                    );
                }
                let beyond = change
                    .members
                    .iter()
                    .find(|(_, last)| *last as usize >= count);
                if let Some((_, last)) = beyond {
                    self.refuse::<()>(
                        place("members"),
                        format!("there is no link {last} in {}", quoted(&link.name)),
                        format!("it has {count} links, numbered from 0"),
                    );
                }
                let carries = |direction| {
                    link.directions.contains(direction) && change.directions.contains(direction)
                };
                if !carries(Direction::Up) && !carries(Direction::Down) {
                    self.refuse::<()>(
                        place("direction"),
                        "the link carries nothing in this direction",
                        "",
                    );
                }
            }
        }
    }
}
