//! Links that carry nothing: outages and partitions.

use sim_engine::{Direction, LinkId, NodeId, Outbox, SimTime, TimerId};

use super::{Place, Strike, WORD_SPAN, control};
use crate::fault::{Effect, Members};
use crate::host::World;
use crate::host::tables::{FaultMoment, Tables};

/// One cut that lasts.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    strike: Strike,
    /// What it cut.
    sides: Vec<(LinkId, Direction)>,
}

const BOTH: [Direction; 2] = [Direction::Up, Direction::Down];

impl<T: Tables> World<T> {
    /// Cuts the links of a strike and arms the end of that.
    pub(super) fn cut(
        &mut self,
        now: SimTime,
        strike: Strike,
        effect: &Effect,
        out: &mut Outbox<'_, Self>,
    ) {
        let (sides, span) = match (effect, strike.place) {
            (
                Effect::LinkDown {
                    links,
                    direction,
                    span,
                },
                place,
            ) => {
                let first = self.routes.links()[links.group].first;
                let members = match place {
                    Place::Link(_, member) => member..member + 1,
                    _ => links.first..links.first + links.count,
                };
                let directions = BOTH
                    .into_iter()
                    .filter(|side| direction.is_none_or(|only| only == *side));
                let sides = members.flat_map(|member| {
                    let link = LinkId(first + member);
                    directions.clone().map(move |side| (link, side))
                });
                (sides.collect::<Vec<_>>(), span)
            }
            (
                Effect::Partition {
                    sets,
                    one_way,
                    span,
                },
                _,
            ) => (self.sides_between(sets, *one_way), span),
            _ => return,
        };
        let span_ns = span.as_ref().map(|law| {
            let draw = self.fault_draw(strike.fault, strike.place, strike.number, WORD_SPAN);
            law.sample_ns(draw).0
        });
        for (link, side) in &sides {
            out.set_link_down(*link, *side, true);
        }
        let value = span_ns.and_then(|span| i64::try_from(span).ok());
        self.struck(now, strike, value, out);
        // Whoever's event it is ends it too, so that who knows of the one knows of the other.
        let owner = out.node();
        if let (Some(span), Some(faults)) = (span_ns, &mut self.faults) {
            let own = faults.cuts.range((owner.0, 0)..=(owner.0, u32::MAX));
            let number = own
                .last()
                .map_or(0, |((_, last), _)| last.saturating_add(1));
            let id = TimerId {
                kind: control::MEND,
                key: number,
            };
            faults.cuts.insert((owner.0, number), Cut { strike, sides });
            out.arm_fault(owner, id, SimTime(now.0.saturating_add(span)));
        }
    }

    /// A cut ends.
    pub(super) fn mend(&mut self, now: SimTime, cut: (u32, u32), out: &mut Outbox<'_, Self>) {
        let Some(faults) = &mut self.faults else {
            return;
        };
        let Some(cut) = faults.cuts.get_mut(&cut) else {
            return;
        };
        let strike = cut.strike;
        for (link, side) in core::mem::take(&mut cut.sides) {
            out.set_link_down(link, side, false);
        }
        self.tell_fault(now, strike, FaultMoment::End, None, out);
    }

    /// What leads from one set of nodes to another.
    fn sides_between(&self, sets: &[Vec<Members>], one_way: bool) -> Vec<(LinkId, Direction)> {
        let side_of = |group: usize, member: u32| {
            sets.iter()
                .position(|set| set.iter().any(|one| one.contains(group, member)))
        };
        let mut sides = Vec::new();
        for route in self.routes.links() {
            for member in 0..route.many {
                let [(group_a, a), (group_b, b)] = route.ends(member);
                let (Some(a), Some(b)) = (side_of(group_a, a), side_of(group_b, b)) else {
                    continue;
                };
                let link = LinkId(route.first + member);
                if a < b || a > b && !one_way {
                    sides.push((link, Direction::Up));
                }
                if b < a || b > a && !one_way {
                    sides.push((link, Direction::Down));
                }
            }
        }
        sides
    }

    /// The links that a strike by selector at `node` cuts: its own, where the fault names several.
    pub(super) fn link_place(&self, links: &Members, node: u32) -> Place {
        let group = u16::try_from(links.group).unwrap_or(u16::MAX);
        let mut own = (links.first..links.first + links.count)
            .map(|member| Place::Link(group, member))
            .filter(|place| self.owner_of(*place) == NodeId(node));
        own.next().unwrap_or(Place::World)
    }
}
