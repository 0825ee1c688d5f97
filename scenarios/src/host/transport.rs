//! What is between a machine's messages and the packets of a link: nothing for datagrams, streams
//! and confirmable exchanges else.
//!
//! The state machines below (`stream`) know no simulator. Here their segments become packets, their
//! expiries timers of the node, and their events calls of its machine. Transport work has no price;
//! segments wait for the processor like every packet. A node that loses its power loses its
//! connections, and its peers learn of it when they send (RST) or give up.

pub mod carried;
pub mod config;

mod coap;
mod confirm;
mod exchange;
mod rto;
mod segment;
mod stream;
mod table;

use protocols::{Address, Channel, StreamEvent};
use sim_engine::{
    BroadcastPart, Direction, LinkId, NodeId, Outbox, PacketMeta, SimDuration, SimTime, TimerId,
};

use self::carried::{Carried, Part};
use self::config::{StreamSettings, Transport};
use self::segment::{HEADER_BYTES, Segment};
use self::stream::{About, Sink, Stream, refusal};
pub use self::table::Transports;
use self::table::{Body, End, Event, Key, Meta};
use super::attempt::AttemptId;
use super::tables::{Header, NO_RULE, Tables};
use super::tally::TransportCounts;
use super::{NO_PAIR, World, token};

/// Kind of the timers of streams, above those of any protocol.
pub(super) const TIMER: u8 = 0xFE;

/// Bytes before each datagram on a stream: its length, big-endian.
const PREFIX_BYTES: usize = 4;

/// Longest datagram on a stream.
const RECORD_MAX: usize = 1 << 24;

/// Payload of a segment where no MTU says less (Ethernet's).
const MSS: usize = 1460;

/// Payload bytes of a segment under `settings` on links with these MTUs.
#[must_use]
pub fn mss(settings: &StreamSettings, mtus: [Option<u32>; 2]) -> usize {
    if let Some(mss) = settings.mss {
        return mss as usize;
    }
    let least = mtus.into_iter().flatten().min();
    let fits = least.map_or(MSS, |mtu| (mtu as usize).saturating_sub(HEADER_BYTES));
    fits.clamp(1, MSS)
}

/// The header of a segment, bytes.
pub const SEGMENT_HEADER_BYTES: u32 = HEADER_BYTES as u32;

/// Turns what a stream does into packets and events.
struct Wire<'a, 'w, T: Tables> {
    out: &'a mut Outbox<'w, World<T>>,
    key: Key,
    route: (LinkId, Direction),
    machine: bool,
    inbox: &'a mut std::collections::VecDeque<Event>,
    /// Pairs that a forged acknowledgement lets go.
    forged: &'a mut Vec<u32>,
    packet: &'a mut Vec<u8>,
    counts: &'a mut TransportCounts,
}

impl<T: Tables> Sink<Meta> for Wire<'_, '_, T> {
    fn emit(&mut self, segment: &Segment<'_>, about: &About<Meta>) {
        let segment = Segment {
            from_port: self.key.port,
            to_port: self.key.far.port,
            ..*segment
        };
        let header = Header {
            from: self.key.own(),
            to: self.key.far,
            channel: self.key.channel(),
            attempt: about.meta.attempt,
            pair: about.meta.pair,
            rule: NO_RULE,
            carried: carried(&segment, about.whole, about.transmission, self.machine),
        };
        self.counts.sent(about.transmission);
        self.packet.clear();
        segment.encode(self.packet);
        self.out
            .send(self.route.0, self.route.1, header, self.packet);
    }

    fn opened(&mut self) {
        self.inbox.push_back(Event::Opened);
    }

    fn bytes(&mut self, bytes: &[u8], meta: Meta, end: u64) {
        let bytes = bytes.to_vec();
        self.inbox.push_back(Event::Bytes { bytes, meta, end });
    }

    fn closed(&mut self) {
        self.inbox.push_back(Event::Closed);
    }

    fn reset(&mut self) {
        self.inbox.push_back(Event::Reset);
    }

    fn forged(&mut self, meta: Meta) {
        self.forged.push(meta.pair);
    }
}

fn carried(segment: &Segment<'_>, whole: bool, transmission: u32, machine: bool) -> Carried {
    let flags = segment.flags;
    let part = match (flags.rst, flags.syn, flags.fin) {
        (true, ..) => Part::Rst,
        (_, true, _) if flags.ack => Part::SynAck,
        (_, true, _) => Part::Syn,
        (.., true) => Part::Fin,
        _ if segment.payload.is_empty() => Part::Ack,
        _ if whole => Part::Whole,
        _ => Part::Piece,
    };
    let prefix = if machine { 0 } else { PREFIX_BYTES };
    Carried {
        part,
        skip: u8::try_from(HEADER_BYTES + prefix).unwrap_or(0),
        transmission: u8::try_from(transmission).unwrap_or(u8::MAX),
    }
}

/// Offers a packet to its link. A broadcast is one frame on a shared medium.
fn send_datagram<T: Tables>(
    (link, direction): (LinkId, Direction),
    header: Header,
    bytes: &[u8],
    out: &mut Outbox<'_, World<T>>,
) {
    let part = match header.carried.part {
        Part::Broadcast => BroadcastPart::First,
        Part::BroadcastCopy => BroadcastPart::Further,
        _ => return out.send(link, direction, header, bytes),
    };
    out.send_broadcast(link, direction, header, bytes, part);
}

impl<T: Tables> World<T> {
    /// Gives a message to the link it takes, or to the transport of that link.
    #[inline]
    pub(super) fn offer(
        &mut self,
        now: SimTime,
        route: (LinkId, Direction),
        header: Header,
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(transports) = &self.transports else {
            send_datagram(route, header, bytes, out);
            return;
        };
        match transports.of(route.0) {
            (Transport::Datagram, _) => send_datagram(route, header, bytes, out),
            (Transport::Stream(_), _) if header.carried.part == Part::Write => {
                self.write(now, &header, bytes, out);
            }
            (Transport::Stream(_), _) => self.write_datagram(now, route, &header, bytes, out),
            (Transport::Confirmable(_), _) => {
                self.write_confirmable(now, route, &header, bytes, out);
            }
        }
    }

    /// A packet that the transport of its link takes first; false when there is none.
    pub(super) fn take_segment(
        &mut self,
        now: SimTime,
        node: NodeId,
        (header, meta): (&Header, &PacketMeta),
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) -> bool {
        let Some(transports) = &self.transports else {
            return false;
        };
        match transports.of(meta.link) {
            (Transport::Datagram, _) => return false,
            (Transport::Stream(settings), mss) => {
                let route = (meta.link, meta.direction.reversed());
                self.on_segment(now, node, (header, route), (settings, mss), bytes, out);
            }
            (Transport::Confirmable(_), _) => {
                let route = (meta.link, meta.direction.reversed());
                self.on_confirmable(now, node, (header, route), bytes, out);
            }
        }
        true
    }

    /// Opens a stream from `node` to `to`, for its machine.
    pub(super) fn open_stream(
        &mut self,
        now: SimTime,
        node: NodeId,
        to: Address,
        attempt: AttemptId,
        out: &mut Outbox<'_, Self>,
    ) {
        let Some((channel, route)) = self.stream_route(node.0, to.host) else {
            self.tally.unroutable += 1;
            return;
        };
        let Some(transports) = &mut self.transports else {
            return;
        };
        // A stream that the machine has with the same end already is closed first.
        let old = transports.find_known(node.0, to);
        if old.is_some() {
            self.close_stream(now, node, to, out);
        }
        let Some(transports) = &mut self.transports else {
            return;
        };
        let port = transports.next_port(node.0);
        let key = Key::new(Address::new(node.0, port), to, channel);
        if let Some(slot) = self.connect(now, (key, route), true, attempt, out)
            && let Some(transports) = &mut self.transports
        {
            transports.make_known(slot);
        }
    }

    /// Closes the stream of `node`'s machine with `to`; the machine hears no more of it.
    pub(super) fn close_stream(
        &mut self,
        now: SimTime,
        node: NodeId,
        to: Address,
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(slot) = self.known_stream(now, node, to, out) else {
            return;
        };
        let mut untold = std::collections::VecDeque::new();
        if let Some(transports) = &mut self.transports {
            transports.make_unknown(slot);
            if let Some(end) = transports.end(slot) {
                untold = core::mem::take(&mut end.inbox);
            }
        }
        self.forget_events(now, untold);
        self.with_stream(now, slot, out, |stream, now, wire| stream.close(now, wire));
        self.tidy(now, slot, out);
    }

    /// The route of a stream: over a public link where there is one.
    pub(super) fn stream_route(
        &self,
        node: u32,
        to: u32,
    ) -> Option<(Channel, (LinkId, Direction))> {
        if to as usize >= self.group_of.len() {
            return None;
        }
        [Channel::Public, Channel::Secure]
            .into_iter()
            .find_map(|channel| {
                let route = self
                    .routes
                    .find(self.place(node), self.place(to), channel)?;
                Some((channel, route))
            })
    }

    /// A machine's record for a stream that it knows. On any other it is lost without a trace.
    fn write(&mut self, now: SimTime, header: &Header, bytes: &[u8], out: &mut Outbox<'_, Self>) {
        let node = NodeId(header.from.host);
        match self.known_stream(now, node, header.to, out) {
            Some(slot) => self.queue(now, slot, header, bytes, out),
            None => self.let_go(now.0, header.pair),
        }
    }

    /// A datagram for a link that carries streams: a record with its length before it, on the
    /// connection of the two addresses, which the first datagram opens.
    fn write_datagram(
        &mut self,
        now: SimTime,
        route: (LinkId, Direction),
        header: &Header,
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        let node = NodeId(header.from.host);
        let key = Key::new(header.from, header.to, header.channel);
        let found = self.living(now, node, &key, out);
        let slot = match found {
            Some(slot) => Some(slot),
            None => self.connect(now, (key, route), false, header.attempt, out),
        };
        let Some(slot) = slot else {
            return self.let_go(now.0, header.pair);
        };
        let mut record = core::mem::take(&mut self.scratch.record);
        record.clear();
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        record.extend_from_slice(&length.to_be_bytes());
        record.extend_from_slice(bytes);
        self.queue(now, slot, header, &record, out);
        self.scratch.record = record;
    }

    fn queue(
        &mut self,
        now: SimTime,
        slot: u32,
        header: &Header,
        record: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        let meta = Meta {
            attempt: header.attempt,
            pair: header.pair,
        };
        let other = Meta::bare(header.attempt);
        self.with_stream(now, slot, out, |stream, now, wire| {
            stream.send(record, (meta, other), now, wire);
        });
        self.tidy(now, slot, out);
    }

    /// Opens a connection and returns its slot.
    fn connect(
        &mut self,
        now: SimTime,
        (key, route): (Key, (LinkId, Direction)),
        machine: bool,
        attempt: AttemptId,
        out: &mut Outbox<'_, Self>,
    ) -> Option<u32> {
        let isn = self.initial_number(now, &key, out);
        let incarnation = out.incarnation(NodeId(key.node));
        let transports = self.transports.as_mut()?;
        let (Transport::Stream(settings), mss) = transports.of(route.0) else {
            return None;
        };
        let meta = Meta::bare(attempt);
        let slot = transports.insert(End {
            machine,
            attempt,
            ..End::new(key, route, incarnation, Body::New)
        });
        self.tally.transport.connections += 1;
        self.with_new_stream(now, slot, out, |now, wire| {
            Stream::connect((settings, mss, isn), meta, now, wire)
        });
        Some(slot)
    }

    fn on_segment(
        &mut self,
        now: SimTime,
        node: NodeId,
        (header, route): (&Header, (LinkId, Direction)),
        (settings, mss): (StreamSettings, usize),
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(segment) = Segment::decode(bytes) else {
            self.tally.transport.damaged += 1;
            return;
        };
        let own = Address::new(node.0, segment.to_port);
        let far = Address::new(header.from.host, segment.from_port);
        let key = Key::new(own, far, header.channel);
        let meta = Meta {
            attempt: header.attempt,
            pair: header.pair,
        };
        let mut slot = self.living(now, node, &key, out);
        if let Some(old) = slot
            && self
                .stream_of(old)
                .is_some_and(|stream| stream.is_replaced_by(&segment))
        {
            // The peer has lost its end and opens anew.
            self.break_end(now, old, out);
            slot = None;
        }
        let slot = match slot {
            Some(slot) => {
                self.with_stream(now, slot, out, |stream, now, wire| {
                    stream.on_segment(&segment, meta, now, wire);
                });
                slot
            }
            None => {
                let flags = segment.flags;
                let streams = self.instance.streams();
                let listens = !streams || segment.to_port == self.port(node.0);
                if !flags.syn || flags.ack || flags.rst || !listens {
                    // A late acknowledgement for a connection that has closed: what TIME-WAIT is for.
                    let bare = flags.ack && !flags.syn && !flags.fin && segment.payload.is_empty();
                    if !flags.rst && !bare {
                        self.answer_with_rst((&key, route), &segment, header.attempt, out);
                    }
                    return;
                }
                let isn = self.initial_number(now, &key, out);
                let incarnation = out.incarnation(node);
                let Some(transports) = &mut self.transports else {
                    return;
                };
                let slot = transports.insert(End {
                    machine: streams,
                    attempt: header.attempt,
                    ..End::new(key, route, incarnation, Body::New)
                });
                let bare = Meta::bare(header.attempt);
                self.with_new_stream(now, slot, out, |now, wire| {
                    Stream::accept((settings, mss, isn), &segment, bare, now, wire)
                });
                slot
            }
        };
        self.tell(now, node, slot, out);
        self.with_stream(now, slot, out, |stream, _, wire| stream.flush(wire));
        self.tidy(now, slot, out);
    }

    /// A timer of kind [`TIMER`] has expired.
    pub(super) fn on_stream_timer(
        &mut self,
        now: SimTime,
        node: NodeId,
        slot: u32,
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(end) = self.transports.as_mut().and_then(|all| all.end(slot)) else {
            return;
        };
        end.armed_ns = None;
        if matches!(end.body, Body::Exchanges(_)) {
            return self.on_exchange_timer(now, slot, out);
        }
        self.with_stream(now, slot, out, |stream, now, wire| {
            stream.on_timer(now, wire)
        });
        if self.stream_of(slot).is_some_and(Stream::is_dead) {
            self.tally.transport.given_up += 1;
        }
        self.tell(now, node, slot, out);
        self.tidy(now, slot, out);
    }

    /// The command to tell the next event of a stream has its turn.
    pub(super) fn on_stream_command(
        &mut self,
        now: SimTime,
        node: NodeId,
        ticket: u64,
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(transports) = &mut self.transports else {
            return;
        };
        let Some(slot) = transports.redeem(ticket) else {
            return;
        };
        if let Some(end) = transports.end(slot) {
            end.told_later = false;
        }
        self.tell(now, node, slot, out);
        self.tidy(now, slot, out);
    }

    /// Tells the machine what happened first; the processor comes back for the rest.
    fn tell(&mut self, now: SimTime, node: NodeId, slot: u32, out: &mut Outbox<'_, Self>) {
        let Some(transports) = &mut self.transports else {
            return;
        };
        let Some(end) = transports.end(slot).filter(|end| !end.told_later) else {
            return;
        };
        let Some(event) = end.inbox.pop_front() else {
            return;
        };
        let (far, machine, known, attempt) = (end.key.far, end.machine, end.known, end.attempt);
        let more = !end.inbox.is_empty();
        if more {
            end.told_later = true;
            let ticket = transports.ticket(slot);
            out.command(node, token::STREAM | ticket);
        }
        let bare = Meta::bare(attempt);
        match event {
            Event::Opened if machine => {
                if let Some(transports) = &mut self.transports {
                    transports.make_known(slot);
                }
                self.call_stream(now, node, far, (StreamEvent::Opened, bare), out);
            }
            Event::Bytes { bytes, meta, .. } if machine && known => {
                self.call_stream(now, node, far, (StreamEvent::Bytes(&bytes), meta), out);
            }
            Event::Bytes { bytes, meta, .. } if !machine => {
                self.take_records(now, node, slot, (&bytes, meta), out);
            }
            Event::Bytes { meta, .. } => self.let_go(now.0, meta.pair),
            Event::Closed => {
                if let Some(transports) = &mut self.transports {
                    transports.make_unknown(slot);
                }
                if machine && known {
                    self.call_stream(now, node, far, (StreamEvent::Closed, bare), out);
                }
                self.with_stream(now, slot, out, |stream, now, wire| stream.close(now, wire));
            }
            Event::Reset if machine && known => {
                if let Some(transports) = &mut self.transports {
                    transports.make_unknown(slot);
                }
                self.call_stream(now, node, far, (StreamEvent::Reset, bare), out);
            }
            Event::Opened | Event::Reset => {}
        }
    }

    fn call_stream(
        &mut self,
        now: SimTime,
        node: NodeId,
        far: Address,
        (event, meta): (StreamEvent<'_>, Meta),
        out: &mut Outbox<'_, Self>,
    ) {
        if self.halted[node.0 as usize] {
            self.let_go(now.0, meta.pair);
            return;
        }
        let own = self.workloads.open_attempt(node.0);
        let attempt = if own.is_some() { own } else { meta.attempt };
        self.call(
            now,
            node,
            (attempt, meta.pair),
            out,
            |column, member, cx| {
                column.on_stream(member, far, event, cx);
            },
        );
    }

    /// Bytes of a stream of datagrams: every complete one goes to the machine.
    fn take_records(
        &mut self,
        now: SimTime,
        node: NodeId,
        slot: u32,
        (bytes, meta): (&[u8], Meta),
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(end) = self.transports.as_mut().and_then(|all| all.end(slot)) else {
            return self.let_go(now.0, meta.pair);
        };
        let (own, far, channel) = (end.key.own(), end.key.far, end.key.channel());
        let mut partial = core::mem::take(&mut end.partial);
        partial.extend_from_slice(bytes);
        let mut pair = meta.pair;
        let mut at = 0;
        let mut broken = false;
        while let Some((length, rest)) = partial[at..].split_first_chunk::<PREFIX_BYTES>() {
            let length = u32::from_be_bytes(*length) as usize;
            broken = length > RECORD_MAX;
            let Some(record) = rest.get(..length).filter(|_| !broken) else {
                break;
            };
            at += PREFIX_BYTES + length;
            let held = core::mem::replace(&mut pair, NO_PAIR);
            let header = Header {
                from: far,
                to: own,
                channel,
                attempt: meta.attempt,
                pair: held,
                rule: NO_RULE,
                carried: Carried::MESSAGE,
            };
            self.on_packet(now, node, (&header, None), record, out);
        }
        self.let_go(now.0, pair);
        partial.drain(..at);
        if broken {
            self.break_end(now, slot, out);
        } else if let Some(end) = self.transports.as_mut().and_then(|all| all.end(slot)) {
            end.partial = partial;
        }
    }

    /// The stream of `node`'s machine with `far`.
    fn known_stream(
        &mut self,
        now: SimTime,
        node: NodeId,
        far: Address,
        out: &mut Outbox<'_, Self>,
    ) -> Option<u32> {
        let slot = self.transports.as_ref()?.find_known(node.0, far)?;
        self.unless_lost(now, node, slot, out)
    }

    /// The living end of `key`.
    fn living(
        &mut self,
        now: SimTime,
        node: NodeId,
        key: &Key,
        out: &mut Outbox<'_, Self>,
    ) -> Option<u32> {
        let slot = self.transports.as_ref()?.find(key)?;
        self.unless_lost(now, node, slot, out)
    }

    /// `slot`, unless its node has lost its power since.
    fn unless_lost(
        &mut self,
        now: SimTime,
        node: NodeId,
        slot: u32,
        out: &mut Outbox<'_, Self>,
    ) -> Option<u32> {
        let incarnation = out.incarnation(node);
        let end = self.transports.as_mut()?.end(slot)?;
        if end.incarnation == incarnation {
            return Some(slot);
        }
        self.drop_end(now, slot);
        None
    }

    fn stream_of(&mut self, slot: u32) -> Option<&Stream<Meta>> {
        self.transports.as_mut()?.end(slot)?.stream()
    }

    /// All connections of a node are gone, without a word: it has lost its power or its memory.
    pub(crate) fn lose_streams(&mut self, now: SimTime, node: NodeId, out: &mut Outbox<'_, Self>) {
        let Some(transports) = &self.transports else {
            return;
        };
        for slot in transports.at(node.0) {
            out.cancel(TimerId {
                kind: TIMER,
                key: slot,
            });
            self.drop_end(now, slot);
        }
    }

    /// Drops an end whose machine, if it knows the stream, is told of a reset.
    fn break_end(&mut self, now: SimTime, slot: u32, out: &mut Outbox<'_, Self>) {
        let Some(transports) = &mut self.transports else {
            return;
        };
        let Some(end) = transports.end(slot) else {
            return;
        };
        let (node, far, told) = (NodeId(end.key.node), end.key.far, end.machine && end.known);
        let bare = Meta::bare(end.attempt);
        out.cancel(TimerId {
            kind: TIMER,
            key: slot,
        });
        self.drop_end(now, slot);
        if told {
            self.call_stream(now, node, far, (StreamEvent::Reset, bare), out);
        }
    }

    fn drop_end(&mut self, now: SimTime, slot: u32) {
        let Some(end) = self.transports.as_mut().and_then(|all| all.remove(slot)) else {
            return;
        };
        match &end.body {
            Body::New => {}
            Body::Stream(stream) => stream
                .undelivered()
                .for_each(|meta| self.let_go(now.0, meta.pair)),
            Body::Exchanges(exchanges) => exchanges
                .unacknowledged()
                .for_each(|meta| self.let_go(now.0, meta.pair)),
        }
        self.forget_events(now, end.inbox);
    }

    fn forget_events(&mut self, now: SimTime, events: std::collections::VecDeque<Event>) {
        for event in events {
            if let Event::Bytes { meta, .. } = event {
                self.let_go(now.0, meta.pair);
            }
        }
    }

    /// Forgets an end whose connection is over and whose machine has been told everything.
    fn tidy(&mut self, now: SimTime, slot: u32, out: &mut Outbox<'_, Self>) {
        let Some(transports) = &mut self.transports else {
            return;
        };
        let Some(end) = transports.end(slot) else {
            return;
        };
        if !end.stream().is_some_and(Stream::is_dead) {
            return;
        }
        if end.inbox.is_empty() {
            self.drop_end(now, slot);
        } else {
            transports.unlist(slot);
        }
        out.cancel(TimerId {
            kind: TIMER,
            key: slot,
        });
    }

    /// The initial sequence number of a connection: the stream of the two nodes, at this instant.
    fn initial_number(&self, now: SimTime, key: &Key, out: &mut Outbox<'_, Self>) -> u32 {
        let stream = self.transport_stream(key).id();
        let drawn = out.streams().block(stream, now.0)[0];
        u32::try_from(drawn >> 32).unwrap_or(0)
    }

    fn answer_with_rst(
        &mut self,
        (key, route): (&Key, (LinkId, Direction)),
        segment: &Segment<'_>,
        attempt: AttemptId,
        out: &mut Outbox<'_, Self>,
    ) {
        let answer = refusal(segment);
        let header = Header {
            from: key.own(),
            to: key.far,
            channel: key.channel(),
            attempt,
            pair: NO_PAIR,
            rule: NO_RULE,
            carried: carried(&answer, false, 1, false),
        };
        let mut packet = core::mem::take(&mut self.scratch.record);
        packet.clear();
        answer.encode(&mut packet);
        self.tally.transport.sent(1);
        out.send(route.0, route.1, header, &packet);
        self.scratch.record = packet;
    }

    /// Runs something of the stream in `slot` that exists.
    fn with_stream(
        &mut self,
        now: SimTime,
        slot: u32,
        out: &mut Outbox<'_, Self>,
        run: impl FnOnce(&mut Stream<Meta>, u64, &mut Wire<'_, '_, T>),
    ) {
        self.with_end(now, slot, out, |body, now, wire| {
            if let Body::Stream(stream) = body {
                run(stream, now, wire);
            }
        });
    }

    /// Runs what makes the stream of `slot`.
    fn with_new_stream(
        &mut self,
        now: SimTime,
        slot: u32,
        out: &mut Outbox<'_, Self>,
        run: impl FnOnce(u64, &mut Wire<'_, '_, T>) -> Stream<Meta>,
    ) {
        self.with_end(now, slot, out, |body, now, wire| {
            *body = Body::Stream(run(now, wire));
        });
    }

    fn with_end(
        &mut self,
        now: SimTime,
        slot: u32,
        out: &mut Outbox<'_, Self>,
        run: impl FnOnce(&mut Body, u64, &mut Wire<'_, '_, T>),
    ) {
        // Taken out for the time of the call, so that the rest of the world may change meanwhile.
        let Some(mut transports) = self.transports.take() else {
            return;
        };
        let mut packet = core::mem::take(&mut transports.scratch);
        let mut forged = Vec::new();
        let mut fresh = 0;
        if let Some(end) = transports.end(slot) {
            fresh = end.inbox.len();
            let mut wire = Wire {
                out: &mut *out,
                key: end.key,
                route: end.route,
                machine: end.machine,
                inbox: &mut end.inbox,
                forged: &mut forged,
                packet: &mut packet,
                counts: &mut self.tally.transport,
            };
            run(&mut end.body, now.0, &mut wire);
            let wanted = end.stream().and_then(Stream::deadline_ns);
            if wanted != end.armed_ns {
                end.armed_ns = wanted;
                let node = end.key.node;
                let id = TimerId {
                    kind: TIMER,
                    key: slot,
                };
                match wanted {
                    Some(at) => {
                        let (group, member) = self.place(node);
                        let after = self
                            .clock(group, member)
                            .true_span(at.saturating_sub(now.0));
                        out.arm(id, SimDuration(after));
                    }
                    None => out.cancel(id),
                }
            }
        }
        // What a record holds goes on from its sender to the event that waits for the machine.
        let mut held = Vec::new();
        if let Some(end) = transports.end(slot) {
            for event in end.inbox.iter().skip(fresh) {
                if let Event::Bytes { meta, end, .. } = event
                    && meta.pair != NO_PAIR
                {
                    held.push((meta.pair, *end));
                }
            }
        }
        held.retain(|(_, end)| !transports.note_delivered(slot, *end));
        transports.scratch = packet;
        self.transports = Some(transports);
        for (pair, _) in held {
            self.hold(pair);
        }
        for pair in forged {
            self.let_go(now.0, pair);
        }
    }
}
