//! Confirmable exchanges between machines and links: [`super::exchange`] in a world.

use protocols::Address;
use sim_engine::{Direction, LinkId, NodeId, Outbox, SimDuration, SimTime, StreamName};

use super::World;
use super::carried::{Carried, Part};
use super::coap::{HEADER_BYTES, Kind, Message};
use super::config::{ConfirmableSettings, Transport};
use super::exchange::{Exchanges, Sink};
use super::table::{Body, End, Key, Meta};
use crate::host::NO_PAIR;
use crate::host::tables::{Header, Journey, NO_RULE, Tables};
use crate::host::tally::TransportCounts;

/// What happened to exchanges, in order.
enum Happened {
    Message(Vec<u8>, Meta),
    Over(Meta),
}

struct Wire<'a, 'w, T: Tables> {
    out: &'a mut Outbox<'w, World<T>>,
    key: Key,
    route: (LinkId, Direction),
    happened: &'a mut Vec<Happened>,
    packet: &'a mut Vec<u8>,
    counts: &'a mut TransportCounts,
    /// The stream of first timeouts.
    timeouts: u64,
}

impl<T: Tables> Sink<Meta> for Wire<'_, '_, T> {
    fn emit(&mut self, message: &Message<'_>, meta: Meta, transmission: u32) {
        let part = match (message.payload, message.kind) {
            (Some(_), _) => Part::Whole,
            (None, Kind::Reset) => Part::Rst,
            (None, _) => Part::Ack,
        };
        let header = Header {
            from: self.key.own(),
            to: self.key.far,
            channel: self.key.channel(),
            attempt: meta.attempt,
            pair: meta.pair,
            rule: NO_RULE,
            carried: Carried {
                part,
                skip: u8::try_from(HEADER_BYTES).unwrap_or(0),
                transmission: u8::try_from(transmission).unwrap_or(u8::MAX),
            },
            journey: Journey::default(),
        };
        self.counts.sent(transmission);
        self.packet.clear();
        message.encode(self.packet);
        self.out
            .send(self.route.0, self.route.1, header, self.packet);
    }

    fn message(&mut self, payload: &[u8], meta: Meta) {
        let message = Happened::Message(payload.to_vec(), meta);
        self.happened.push(message);
    }

    fn over(&mut self, meta: Meta, given_up: bool) {
        self.counts.given_up += u64::from(given_up);
        self.happened.push(Happened::Over(meta));
    }

    fn draw(&mut self, n: u64) -> u64 {
        let now = self.out.now().0;
        let block = self.out.streams().block(self.timeouts, now);
        block[usize::try_from(n % block.len() as u64).unwrap_or(0)]
    }
}

impl<T: Tables> World<T> {
    /// A message for a link of confirmable exchanges.
    pub(super) fn write_confirmable(
        &mut self,
        now: SimTime,
        route: (LinkId, Direction),
        header: &Header,
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        let node = NodeId(header.from.host);
        let key = Key::new(header.from, header.to, header.channel);
        let meta = Meta {
            attempt: header.attempt,
            pair: header.pair,
        };
        let Some(slot) = self.exchanges_of(now, node, (key, route), out) else {
            return self.let_go(now.0, header.pair);
        };
        let once = matches!(header.carried.part, Part::Broadcast | Part::BroadcastCopy);
        self.with_exchanges(now, slot, out, |exchanges, wire| {
            if once {
                exchanges.send_once(bytes, meta, wire);
            } else {
                exchanges.send(bytes, meta, now.0, wire);
            }
        });
    }

    /// A packet arrived on a link of confirmable exchanges.
    pub(super) fn on_confirmable(
        &mut self,
        now: SimTime,
        node: NodeId,
        (header, route): (&Header, (LinkId, Direction)),
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(message) = Message::decode(bytes) else {
            self.tally.transport.damaged += 1;
            return;
        };
        let own = Address::new(node.0, header.to.port);
        let key = Key::new(own, header.from, header.channel);
        let Some(slot) = self.exchanges_of(now, node, (key, route), out) else {
            return;
        };
        let meta = Meta {
            attempt: header.attempt,
            pair: header.pair,
        };
        if let Some(transports) = &mut self.transports {
            transports.in_hand.insert(node.0, (slot, header.attempt));
        }
        self.with_exchanges(now, slot, out, |exchanges, wire| {
            exchanges.on_message(&message, meta, now.0, wire);
        });
        if out.busy_until() <= now {
            self.message_handled(now, node, out);
        }
    }

    /// The timer of an end has expired.
    pub(super) fn on_exchange_timer(
        &mut self,
        now: SimTime,
        slot: u32,
        out: &mut Outbox<'_, Self>,
    ) {
        self.with_exchanges(now, slot, out, |exchanges, wire| {
            exchanges.on_timer(now.0, wire);
        });
    }

    /// The handler that ran at `node` is through with everything: an acknowledgement that is still
    /// due goes.
    #[inline]
    pub(in crate::host) fn message_handled(
        &mut self,
        now: SimTime,
        node: NodeId,
        out: &mut Outbox<'_, Self>,
    ) {
        if self.transports.is_some() {
            self.exchange_handled(now, node, out);
        }
    }

    fn exchange_handled(&mut self, now: SimTime, node: NodeId, out: &mut Outbox<'_, Self>) {
        let Some(transports) = &mut self.transports else {
            return;
        };
        if let Some((slot, attempt)) = transports.in_hand.remove(&node.0) {
            self.with_exchanges(now, slot, out, |exchanges, wire| {
                exchanges.handled(Meta::bare(attempt), wire);
            });
        }
    }

    /// The end of `key`, made if there is none.
    fn exchanges_of(
        &mut self,
        now: SimTime,
        node: NodeId,
        (key, route): (Key, (LinkId, Direction)),
        out: &mut Outbox<'_, Self>,
    ) -> Option<u32> {
        if let Some(slot) = self.living(now, node, &key, out) {
            return Some(slot);
        }
        let stream = self.transport_stream(&key).text("message-id").id();
        let first_id = out.streams().block(stream, now.0)[0] & 0xFFFF;
        let incarnation = out.incarnation(node);
        let transports = self.transports.as_mut()?;
        let (Transport::Confirmable(settings), _) = transports.of(route.0) else {
            return None;
        };
        let settings: ConfirmableSettings = settings;
        let exchanges = Exchanges::new(settings, u16::try_from(first_id).unwrap_or(0));
        let body = Body::Exchanges(exchanges);
        Some(transports.insert(End::new(key, route, incarnation, body)))
    }

    /// The streams of an end's draws.
    pub(super) fn transport_stream(&self, key: &Key) -> StreamName {
        let name = |node: u32| {
            self.randomness
                .names
                .get(node as usize)
                .copied()
                .unwrap_or(0)
        };
        StreamName::new("transport")
            .index(name(key.node))
            .index(name(key.far.host))
            .index(u64::from(key.port))
    }

    fn with_exchanges(
        &mut self,
        now: SimTime,
        slot: u32,
        out: &mut Outbox<'_, Self>,
        run: impl FnOnce(&mut Exchanges<Meta>, &mut Wire<'_, '_, T>),
    ) {
        let Some(mut transports) = self.transports.take() else {
            return;
        };
        let mut packet = core::mem::take(&mut transports.scratch);
        let timer = transports.timer(slot);
        let mut happened = Vec::new();
        let mut place = None;
        if let Some(end) = transports.end(slot)
            && let Body::Exchanges(exchanges) = &mut end.body
        {
            place = Some(end.key);
            let mut wire = Wire {
                timeouts: self.transport_stream(&end.key).text("ack-timeout").id(),
                out: &mut *out,
                key: end.key,
                route: end.route,
                happened: &mut happened,
                packet: &mut packet,
                counts: &mut self.tally.transport,
            };
            run(exchanges, &mut wire);
            let wanted = exchanges.deadline_ns();
            if wanted != end.armed_ns {
                end.armed_ns = wanted;
                match wanted {
                    Some(at) => {
                        let (group, member) = self.place(end.key.node);
                        let after = self
                            .clock(group, member)
                            .true_span(at.saturating_sub(now.0));
                        out.arm(timer, SimDuration(after));
                    }
                    None => out.cancel(timer),
                }
            }
        }
        transports.scratch = packet;
        self.transports = Some(transports);
        let Some(key) = place else {
            return;
        };
        for event in happened {
            match event {
                Happened::Message(bytes, meta) => {
                    // The sender's exchange goes on holding the pair; this is the handler's own hold.
                    self.hold(meta.pair);
                    let header = Header {
                        from: key.far,
                        to: key.own(),
                        channel: key.channel(),
                        attempt: meta.attempt,
                        pair: meta.pair,
                        rule: NO_RULE,
                        carried: Carried::MESSAGE,
                        journey: Journey::default(),
                    };
                    self.on_packet(now, NodeId(key.node), (&header, None), &bytes, out);
                }
                Happened::Over(meta) => self.let_go(now.0, meta.pair),
            }
        }
    }

    /// One more reason why a pair is not at rest.
    pub(in crate::host) fn hold(&mut self, pair: u32) {
        if pair != NO_PAIR
            && let Some((relation, pair)) = self.relation_of(pair)
        {
            self.relations[relation].oracle.hold(pair);
        }
    }
}
