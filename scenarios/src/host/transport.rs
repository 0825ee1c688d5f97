//! What is between a machine's messages and the packets of a link: nothing for datagrams, streams
//! and confirmable exchanges else.
//!
//! The state machines below (`stream`) know no simulator. Here their segments become packets, their
//! expiries timers of the node, and their events calls of its machine. Transport work has no price;
//! segments wait for the processor like every packet. A node that loses its power loses its
//! connections, and its peers learn of it when they send (RST) or give up.

pub mod carried;
pub mod config;

mod arrivals;
mod coap;
mod confirm;
mod ends;
mod exchange;
mod rto;
pub(crate) mod segment;
pub(crate) mod splice;
pub(crate) mod stream;
mod table;
pub(crate) mod wire;

use protocols::{Address, Channel, StreamEvent};
use sim_engine::{
    BroadcastPart, Direction, LinkId, NodeId, Outbox, PacketMeta, SimDuration, SimTime,
};

use self::carried::{Carried, Part};
use self::config::{StreamSettings, Transport};
use self::segment::{HEADER_BYTES, Segment};
use self::stream::{About, Sink, Stream, refusal};
pub(super) use self::table::Meta;
pub use self::table::Transports;
use self::table::{Body, End, Event, Key};
use self::wire::{Wire, carried};
use super::attempt::AttemptId;
use super::tables::{Header, Journey, NO_RULE, Tables};
use super::tally::TransportCounts;
use super::{NO_PAIR, World, token};

/// Kind of the timers of streams, above those of any protocol.
pub(super) const TIMER: u8 = 0xFE;

/// Bytes before each datagram on a stream: its length, big-endian.
pub(super) const PREFIX_BYTES: usize = 4;

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
            (Transport::Stream(_), _) if self.instance.streams() => {
                // A party that an adversary plays: its records need a stream of the machine's kind.
                let node = NodeId(header.from.host);
                if self.known_stream(now, node, header.to, out).is_none() {
                    self.open_stream(now, node, header.to, header.attempt, out);
                }
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
}
