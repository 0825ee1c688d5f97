//! Links that change while the world runs: outages, partitions, other parameters.
//!
//! A change of the scenario is one *item*, or one per link where each link has its own random
//! process. An item is armed for its beginning, then for its end, then for its next beginning.
//! Outages, and everything that begins at random, stop when the run's duration is over, so that what
//! follows shows whether the protocol recovers; a change of parameters that says no end stays.
//!
//! **Determinism.** Beginnings and lengths come from a stream named by the link group, the change
//! and, where each link has its own, the link.

use std::collections::BTreeMap;

use sim_engine::{
    Direction, DirectionMask, Law, LinkClass, LinkId, Outbox, SimTime, StreamName, Streams, TimerId,
};

use super::World;
use super::tables::Tables;
use crate::scenario::Occurrence;

/// Kind of the control events.
pub(crate) const CONTROL: u8 = 32;

/// One change that is under way or will be.
#[derive(Clone, Debug)]
pub struct Item {
    /// When it begins.
    pub occurs: Occurrence,
    /// How long it lasts, ns; `None`: to the end.
    pub lasting: Option<Law>,
    /// Its directions.
    pub directions: DirectionMask,
    /// Its links, as stretches of the engine's numbers, both ends included.
    pub links: Vec<(u32, u32)>,
    /// Other parameters, up and down; `None`: the links are down.
    pub classes: Option<[LinkClass; 2]>,
    /// Parameters of these links at other times.
    pub usual: [LinkClass; 2],
    /// Stream of its draws.
    pub stream: u64,
}

/// An item with what has happened to it.
#[derive(Clone, Debug)]
struct Running {
    item: Item,
    /// Times that it has begun.
    count: u64,
    active: bool,
    /// When its next beginning is due, ns.
    begins_ns: u64,
}

/// All changes of a run.
#[derive(Clone, Debug)]
pub struct Schedule {
    items: Vec<Running>,
    streams: Streams,
    /// When random changes and outages stop, ns.
    until_ns: u64,
    /// Changes of parameters under way, per link and direction, in the order of their beginnings.
    set: BTreeMap<(u32, u8), Vec<u32>>,
}

impl Schedule {
    /// The changes `items` of a run whose duration is `until_ns`.
    #[must_use]
    pub fn new(items: Vec<Item>, streams: Streams, until_ns: u64) -> Self {
        Self {
            items: items
                .into_iter()
                .map(|item| Running {
                    item,
                    count: 0,
                    active: false,
                    begins_ns: 0,
                })
                .collect(),
            streams,
            until_ns,
            set: BTreeMap::new(),
        }
    }

    /// The classes, up and down, that links from `first` on may get for a time.
    pub(crate) fn classes_on(&self, first: u32, count: u32) -> Vec<[LinkClass; 2]> {
        let meets = |(from, to): &(u32, u32)| *from < first.saturating_add(count) && *to >= first;
        let items = self.items.iter().map(|running| &running.item);
        items
            .filter(|item| item.links.iter().any(meets))
            .filter_map(|item| item.classes)
            .collect()
    }

    /// The stream of a change, named by its id or its place in the list: of one link, or of all of
    /// the group together.
    #[must_use]
    pub fn stream(group: &str, (id, place): (&str, usize), link: Option<u32>) -> u64 {
        let name = StreamName::new("link-schedule").text(group);
        let name = if id.is_empty() {
            name.index(place as u64)
        } else {
            name.text(id)
        };
        match link {
            Some(link) => name.index(u64::from(link)).id(),
            None => name.id(),
        }
    }

    /// When the item begins for the first or next time, ns; `None`: never again.
    fn next(&mut self, index: usize, now_ns: u64) -> Option<u64> {
        let running = &mut self.items[index];
        let at = match &running.item.occurs {
            Occurrence::Once(at) => (running.count == 0).then_some(*at)?,
            Occurrence::Every { first_ns, every_ns } => {
                if running.count == 0 {
                    *first_ns
                } else {
                    // One that would begin while the last one still lasts is left out.
                    let step = (*every_ns).max(1);
                    let passed = now_ns.saturating_sub(running.begins_ns) / step + 1;
                    running.begins_ns.checked_add(step.checked_mul(passed)?)?
                }
            }
            Occurrence::Process(law) => {
                let draw = self.streams.block(running.item.stream, running.count)[0];
                now_ns.checked_add(law.sample_ns(draw).as_ns())?
            }
        };
        running.begins_ns = at;
        (at < self.until_ns).then_some(at)
    }

    /// When an item that begins at `now_ns` ends; `None`: never.
    fn end(&mut self, index: usize, now_ns: u64) -> Option<u64> {
        let running = &self.items[index];
        let stops =
            running.item.classes.is_none() || matches!(running.item.occurs, Occurrence::Process(_));
        let limit = if stops { self.until_ns } else { u64::MAX };
        let end = match &running.item.lasting {
            None => u64::MAX,
            Some(law) => {
                let draw = self.streams.block(running.item.stream, running.count)[1];
                now_ns.saturating_add(law.sample_ns(draw).as_ns())
            }
        };
        let end = end.min(limit);
        (end < u64::MAX).then_some(end)
    }

    /// The class of a link direction after `item` has begun or ended there.
    fn class(&mut self, link: u32, direction: Direction, item: u32, begins: bool) -> LinkClass {
        let place = (link, direction.index() as u8);
        let under_way = self.set.entry(place).or_default();
        under_way.retain(|other| *other != item);
        if begins {
            under_way.push(item);
        }
        let last = under_way.last().copied();
        if last.is_none() {
            self.set.remove(&place);
        }
        let usual = self.items[item as usize].item.usual;
        let classes = last.and_then(|last| self.items[last as usize].item.classes);
        classes.unwrap_or(usual)[direction.index()]
    }
}

impl<T: Tables> World<T> {
    /// Arms the first beginning of every change.
    pub(crate) fn start_schedule(&mut self, out: &mut Outbox<'_, Self>) {
        for index in 0..self.schedule.items.len() {
            self.arm_beginning(index, 0, out);
        }
    }

    fn arm_beginning(&mut self, index: usize, now_ns: u64, out: &mut Outbox<'_, Self>) {
        if let Some(at) = self.schedule.next(index, now_ns) {
            self.arm_change(index, at, out);
        }
    }

    fn arm_change(&self, index: usize, at_ns: u64, out: &mut Outbox<'_, Self>) {
        let id = TimerId {
            kind: CONTROL,
            key: u32::try_from(index).unwrap_or(u32::MAX),
        };
        out.arm_fault(self.host_owner(), id, SimTime(at_ns));
    }

    /// A change begins or ends.
    pub(super) fn change_links(
        &mut self,
        now: SimTime,
        event: TimerId,
        out: &mut Outbox<'_, Self>,
    ) {
        let index = event.key as usize;
        let Some(running) = self.schedule.items.get_mut(index) else {
            return;
        };
        let begins = !running.active;
        running.active = begins;
        let ends = if begins {
            self.schedule.end(index, now.0)
        } else {
            None
        };
        if begins {
            self.schedule.items[index].count += 1;
        }
        let item = self.schedule.items[index].item.clone();
        for (first, last) in item.links {
            for link in first..=last {
                for direction in [Direction::Up, Direction::Down] {
                    if !item.directions.contains(direction) {
                        continue;
                    }
                    if item.classes.is_none() {
                        out.set_link_down(LinkId(link), direction, begins);
                    } else {
                        let class = self.schedule.class(link, direction, event.key, begins);
                        out.set_link_class(LinkId(link), direction, class);
                    }
                }
            }
        }
        match ends {
            Some(at) => self.arm_change(index, at, out),
            None if !begins => self.arm_beginning(index, now.0, out),
            None => {}
        }
    }
}
