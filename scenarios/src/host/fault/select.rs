//! Strikes by selector: the n-th message, one packet, the n-th durable write.

use protocols::Address;
use sim_engine::{Direction, LinkId, Outbox, SimTime};

use super::{Faults, Place, Strike};
use crate::fault::{Effect, FaultSpec, Members, Point, Trigger, What};
use crate::host::World;
use crate::host::tables::Tables;

/// A strike that is due.
pub(super) type Due = Strike;

/// A message at a moment of its life.
#[derive(Clone, Copy, Debug)]
pub(in crate::host) struct Moment<'a> {
    pub(in crate::host) point: Point,
    pub(in crate::host) from: Address,
    pub(in crate::host) to: Address,
    /// Whether this is a relay that passes it on; `from` and `to` are then the relay.
    pub(in crate::host) relay: bool,
    /// The link and direction that it takes; `None` for a record on a stream.
    pub(in crate::host) way: Option<(LinkId, Direction)>,
    /// Who put it there and its number; `None` when it is just being sent.
    pub(in crate::host) packet: Option<(u32, u64)>,
    pub(in crate::host) bytes: &'a [u8],
}

/// Whether any fault counts messages, and whether any counts writes or tears them.
pub(super) fn watched(specs: &[FaultSpec]) -> (bool, bool) {
    let mut watched = (false, false);
    for spec in specs {
        watched.1 |= matches!(spec.effect, Effect::TornWrite { .. });
        if let Trigger::When(selector) = &spec.trigger {
            match selector.what {
                What::Writes => watched.1 = true,
                _ => watched.0 = true,
            }
        }
    }
    watched
}

impl Faults {
    /// Counts one thing that fits at `node`; true when it is the one.
    fn counts_to(&mut self, fault: u16, node: u32, nth: Option<u64>) -> bool {
        let seen = self.seen.entry((fault, node)).or_default();
        *seen += 1;
        nth.is_none_or(|nth| *seen == nth)
    }
}

impl<T: Tables> World<T> {
    /// A message has come to a moment of its life: strikes whoever waits for that. Strikes for when
    /// it has been handled are only noted.
    #[inline]
    pub(in crate::host) fn message_moment(
        &mut self,
        now: SimTime,
        moment: &Moment<'_>,
        out: &mut Outbox<'_, Self>,
    ) {
        let watches = self
            .faults
            .as_ref()
            .is_some_and(|faults| faults.watches_messages);
        if watches {
            self.select_message(now, moment, out);
        }
    }

    fn select_message(&mut self, now: SimTime, moment: &Moment<'_>, out: &mut Outbox<'_, Self>) {
        let message = self.instance.classify(moment.bytes);
        let mut due = Vec::new();
        let count = self.faults.as_ref().map_or(0, |faults| faults.specs.len());
        for fault in 0..u16::try_from(count).unwrap_or(u16::MAX) {
            let Some(faults) = &self.faults else {
                return;
            };
            let spec = faults.spec(fault).clone();
            let Trigger::When(selector) = &spec.trigger else {
                continue;
            };
            if selector.point != moment.point {
                continue;
            }
            match &selector.what {
                What::Messages(messages) => {
                    if !message.is_some_and(|message| messages.contains(&message)) {
                        continue;
                    }
                    let Some(counted) = selector.node.or(spec.target) else {
                        continue;
                    };
                    let ends = [moment.from.host, moment.to.host];
                    let counted_at = if moment.relay { &ends[..1] } else { &ends };
                    for &node in counted_at {
                        if node as usize >= self.group_of.len() {
                            // An adversary's own address.
                            continue;
                        }
                        let (group, member) = self.place(node);
                        if counted.contains(group, member)
                            && let Some(faults) = &mut self.faults
                            && faults.counts_to(fault, node, selector.nth)
                        {
                            self.place_strikes(fault, &spec, selector.node, Some(node), &mut due);
                        }
                    }
                }
                What::Packet(name) => {
                    let link = self.routes.links()[name.link.0].first + name.link.1;
                    if Some((LinkId(link), name.direction)) != moment.way {
                        continue;
                    }
                    let sender = self.groups[name.sender.0].first + name.sender.1;
                    let Some(faults) = &mut self.faults else {
                        return;
                    };
                    let this = match moment.packet {
                        Some(packet) => packet == (sender, name.number),
                        // Packets of a sender are numbered on each way, from 0.
                        None => {
                            moment.from.host == sender
                                && faults.counts_to(fault, sender, Some(name.number + 1))
                        }
                    };
                    if this {
                        self.place_strikes(fault, &spec, selector.node, None, &mut due);
                    }
                }
                What::Writes => {}
            }
        }
        for strike in due {
            if moment.point == Point::Handled {
                if let Some(faults) = &mut self.faults {
                    faults.after_call.push((strike, false));
                }
            } else {
                self.strike(now, strike, out);
            }
        }
    }

    /// Where a selector's fault strikes that has counted to its end at `counted`.
    fn place_strikes(
        &mut self,
        fault: u16,
        spec: &FaultSpec,
        named: Option<Members>,
        counted: Option<u32>,
        due: &mut Vec<Due>,
    ) {
        let places: Vec<Place> = match (&spec.effect, counted) {
            (Effect::LinkDown { links, .. }, Some(node)) => vec![self.link_place(links, node)],
            (Effect::LinkDown { .. } | Effect::Partition { .. }, _) => vec![Place::World],
            // The node that counted is meant, unless the target is another one.
            (_, Some(node))
                if named.is_none() || spec.target.is_none_or(|it| Some(it) == named) =>
            {
                vec![Place::Node(node)]
            }
            _ => match spec.target.or(named) {
                Some(target) => self.nodes_of(target).map(Place::Node).collect(),
                None => Vec::new(),
            },
        };
        let Some(faults) = &mut self.faults else {
            return;
        };
        for place in places {
            let number = faults.number(fault, place);
            due.push(Strike {
                fault,
                place,
                number,
            });
        }
    }

    /// The faults that count durable writes and have counted to this one of `node`.
    pub(super) fn select_write(&mut self, node: u32) -> Vec<Due> {
        let mut due = Vec::new();
        let count = self.faults.as_ref().map_or(0, |faults| faults.specs.len());
        let (group, member) = self.place(node);
        for fault in 0..u16::try_from(count).unwrap_or(u16::MAX) {
            let Some(faults) = &mut self.faults else {
                break;
            };
            let spec = faults.spec(fault).clone();
            let Trigger::When(selector) = &spec.trigger else {
                continue;
            };
            let counted = selector.node.or(spec.target);
            if selector.what == What::Writes
                && counted.is_some_and(|counted| counted.contains(group, member))
                && faults.counts_to(fault, node, selector.nth)
            {
                self.place_strikes(fault, &spec, selector.node, Some(node), &mut due);
            }
        }
        due
    }
}
