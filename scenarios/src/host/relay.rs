//! Relays: what comes to one goes on over the next link of its way.
//!
//! Store and forward. The packet waits for the relay's processor like any input (the backlog is the
//! forwarding queue), the processor works on it, and then it is offered to the next link, whose
//! queue, loss, delay and MTU are its own. Addresses, channel, attempt and what it holds stay; bytes
//! are passed on as they came. A relay repeats nothing and answers nothing: streams and exchanges
//! are between the ends.

use protocols::Address;
use sim_engine::order::TAP_ENTITY_BASE;
use sim_engine::{
    Block, Direction, Law, LinkId, NodeId, Outbox, PacketMeta, SimDuration, SimTime, StreamName,
};

use super::fault::Moment;
use super::tables::{Header, Journey, Tables};
use super::{Deferred, NO_PAIR, World};
use crate::fault::Point;

/// What one group of relays does.
#[derive(Clone, Debug)]
pub struct RelayGroup {
    /// How long the processor works on a packet, ns.
    pub processing: Law,
    /// The group's part of the names of its streams.
    pub stream: StreamName,
}

/// The relays of a world.
#[derive(Clone, Debug)]
pub struct Relays {
    first_group: usize,
    first_node: u32,
    groups: Vec<RelayGroup>,
    /// First link of each link group with its part of the names of streams, ascending.
    links: Vec<(u32, StreamName)>,
    /// Packets that each group of relays has passed on.
    pub passed_on: Vec<u64>,
    /// Packets that had crossed as many links as a relay allows.
    pub over_limit: u64,
}

impl Relays {
    /// Relays from group and node on; `links` are the first links of all link groups.
    #[must_use]
    pub fn new(
        (first_group, first_node): (usize, u32),
        groups: Vec<RelayGroup>,
        links: Vec<(u32, StreamName)>,
    ) -> Self {
        Self {
            first_group,
            first_node,
            passed_on: vec![0; groups.len()],
            groups,
            links,
            over_limit: 0,
        }
    }

    /// Whether the nodes of a group are relays.
    pub(super) const fn has_group(&self, group: usize) -> bool {
        group >= self.first_group
    }

    /// Adds what relays did in a part of the same world.
    pub(super) fn absorb(&mut self, part: &Self) {
        for (own, more) in self.passed_on.iter_mut().zip(&part.passed_on) {
            *own += more;
        }
        self.over_limit += part.over_limit;
    }

    /// Whether a node is a relay.
    #[inline]
    pub(super) const fn has(&self, node: u32) -> bool {
        node >= self.first_node
    }

    /// How long a relay works on a packet. The draw is the packet's own, by the way it came and its
    /// number there: what another packet draws never moves it.
    fn processing_ns<T: Tables>(
        &self,
        (group, member): (usize, u32),
        meta: &PacketMeta,
        out: &mut Outbox<'_, World<T>>,
    ) -> u64 {
        let Some(relay) = self.groups.get(group - self.first_group) else {
            return 0;
        };
        if relay.processing.as_constant().is_some() {
            return relay.processing.sample_ns(0).0;
        }
        let at = self
            .links
            .partition_point(|(first, _)| *first <= meta.link.0);
        let Some((first, link)) = at.checked_sub(1).and_then(|at| self.links.get(at)) else {
            return 0;
        };
        let link = link.index(u64::from(meta.link.0 - first));
        let foreign = meta.sender.checked_sub(TAP_ENTITY_BASE);
        let stream = relay
            .stream
            .index(u64::from(member))
            .index(link.id())
            .index(meta.direction.index() as u64)
            .index(foreign.map_or(0, |tap| u64::from(tap) + 1));
        let draws = out.streams().block(stream.id(), meta.number);
        relay
            .processing
            .sample_ns(draws[usize::from(meta.copy) % draws.len()])
            .0
    }
}

/// A packet inside a relay.
#[derive(Clone, Copy, Debug)]
pub struct Forwarded {
    /// The next link and direction.
    pub link: (LinkId, Direction),
    /// Its metadata.
    pub header: Header,
    /// Its bytes.
    pub bytes: Block,
}

impl<T: Tables> World<T> {
    /// A packet has come to a node; false when the node is no relay and takes it for itself.
    #[inline]
    pub(super) fn pass_on(
        &mut self,
        now: SimTime,
        node: NodeId,
        (header, meta): (&Header, &PacketMeta),
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) -> bool {
        let is_relay = self.relays.as_ref().is_some_and(|all| all.has(node.0));
        if is_relay {
            self.relay(now, node, (*header, meta), bytes, out);
        }
        is_relay
    }

    fn relay(
        &mut self,
        now: SimTime,
        node: NodeId,
        (mut header, meta): (Header, &PacketMeta),
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        if meta.sender >= TAP_ENTITY_BASE {
            // What an adversary made holds nobody, on its further links neither.
            header.pair = NO_PAIR;
        }
        if self.faults.is_some() {
            let moment = |point| relay_moment(point, node, (&header, meta), bytes);
            self.message_moment(now, &moment(Point::Received), out);
            if out.is_down(node) {
                self.drop_relayed(now, &header);
                return;
            }
            self.message_moment(now, &moment(Point::Handled), out);
        }
        header.journey.go_on(meta);
        let crossed = u32::from(header.journey.links);
        let next = self.routes.hops().map(|hops| {
            let next = hops.next_link(node.0, header.to.host, header.channel);
            (next, hops.limit(node.0))
        });
        let Some((Some(link), limit)) = next else {
            self.tally.unroutable += 1;
            self.drop_relayed(now, &header);
            return;
        };
        let place = self.place(node.0);
        let Some(relays) = &mut self.relays else {
            return;
        };
        if crossed >= limit {
            relays.over_limit += 1;
            self.drop_relayed(now, &header);
            return;
        }
        if let Some(count) = relays.passed_on.get_mut(place.0 - relays.first_group) {
            *count += 1;
        }
        let cost_ns = relays.processing_ns(place, meta, out);
        if cost_ns == 0 {
            self.forward(now, link, &header, bytes, out);
        } else {
            self.spend_time(now, place, cost_ns);
            let bytes = out.keep(bytes);
            out.busy(SimDuration(cost_ns));
            let forwarded = Forwarded {
                link,
                header,
                bytes,
            };
            out.defer(SimDuration(cost_ns), Deferred::Forward(forwarded));
            self.check_battery(now, node.0, out);
        }
        self.strike_when_paid(now, cost_ns, out);
    }

    /// Offers a packet to the next link of its way.
    fn forward(
        &mut self,
        now: SimTime,
        link: (LinkId, Direction),
        header: &Header,
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        let node = out.node();
        out.send(link.0, link.1, *header, bytes);
        if self.faults.is_some() {
            let own = Address::new(node.0, 0);
            let moment = Moment {
                point: Point::Sent,
                from: own,
                to: own,
                relay: true,
                way: Some(link),
                packet: None,
                bytes: header.carried.message(bytes).unwrap_or(&[]),
            };
            self.message_moment(now, &moment, out);
        }
    }

    /// The processor of a relay is through with a packet.
    pub(super) fn release_forwarded(
        &mut self,
        now: SimTime,
        forwarded: &Forwarded,
        out: &mut Outbox<'_, Self>,
    ) {
        let mut packet = core::mem::take(&mut self.scratch.batch);
        packet.clear();
        packet.extend_from_slice(out.block(forwarded.bytes));
        out.free(forwarded.bytes);
        self.forward(now, forwarded.link, &forwarded.header, &packet, out);
        self.scratch.batch = packet;
    }

    /// The link on which an adversary puts a frame to a party that none of its links reaches: one that
    /// leads to a relay, if there is one that of the sender, and the nearest to the goal.
    pub(super) fn attack_way_over_relays(
        &self,
        place: usize,
        header: &Header,
    ) -> Option<(LinkId, Direction)> {
        let hops = self.routes.hops()?;
        let ways = self.attacks.links_of(place).flat_map(|(link, a, b)| {
            [(b, Direction::Up), (a, Direction::Down)].map(|(far, direction)| {
                let links = hops
                    .is_relay(far)
                    .then(|| hops.distance(far, header.to.host, header.channel))
                    .flatten()?;
                let foreign = ![a, b].contains(&header.from.host);
                Some((foreign, links, LinkId(link), direction))
            })
        });
        let (_, _, link, direction) = ways.flatten().min()?;
        Some((link, direction))
    }

    /// A packet has ended inside a relay: what it held lets go.
    pub(super) fn drop_relayed(&mut self, now: SimTime, header: &Header) {
        // A record is held by its end of the connection.
        if !header.carried.by_transport() {
            self.let_go(now.0, header.pair);
        }
    }

    fn spend_time(&mut self, now: SimTime, (group, member): (usize, u32), cost_ns: u64) {
        let group = &mut self.groups[group];
        if let (Some(profile), Some(usage)) = (&group.profile, group.usage.get_mut(member as usize))
        {
            usage.cpu_ns += cost_ns;
            let energy_nj = profile.energy_nj(cost_ns);
            usage.energy_nj += energy_nj;
            self.tally.energy(now.0, energy_nj);
        }
    }
}

/// A moment at a relay: it counts to the relay, not to the ends.
fn relay_moment<'a>(
    point: Point,
    node: NodeId,
    (header, meta): (&Header, &PacketMeta),
    bytes: &'a [u8],
) -> Moment<'a> {
    let own = Address {
        host: node.0,
        port: 0,
    };
    Moment {
        point,
        from: own,
        to: own,
        relay: true,
        way: Some((meta.link, meta.direction)),
        packet: Some((meta.sender, meta.number)),
        // What a transport does on its own is no message of the protocol.
        bytes: header.carried.message(bytes).unwrap_or(&[]),
    }
}

impl Journey {
    /// Another link lies behind the packet.
    fn go_on(&mut self, meta: &PacketMeta) {
        if self.links == 0 {
            self.link = meta.link.0;
            self.down = meta.direction == Direction::Down;
            self.sender = meta.sender;
            self.number = u32::try_from(meta.number).unwrap_or(u32::MAX);
            self.copy = meta.copy;
        }
        self.links = self.links.saturating_add(1);
    }
}

#[cfg(test)]
mod tests;
