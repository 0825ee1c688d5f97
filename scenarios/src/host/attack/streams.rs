//! Connections that adversaries open themselves, and what a party that one plays hears on its own.

use protocols::attack::OWN_HOSTS;
use protocols::{Address, Channel};
use sim_engine::order::TAP_ENTITY_BASE;
use sim_engine::{Direction, LinkId, NodeId, Outbox, SimTime, Source, TimerId};

use super::super::attempt::AttemptId;
use super::super::tables::{Header, Journey, NO_RULE, Tables};
use super::super::transport::carried::Carried;
use super::super::transport::config::Transport;
use super::super::transport::segment::Segment;
use super::super::transport::stream::{About, Sink, Stream};
use super::super::transport::wire::carried;
use super::super::transport::{Meta, PREFIX_BYTES};
use super::super::{NO_PAIR, World};
use super::control;

/// A connection that an adversary has opened.
#[derive(Clone, Debug)]
pub(crate) struct OwnStream {
    /// The instance.
    pub(crate) place: usize,
    /// The link and the direction in which the adversary sends.
    pub(crate) way: (LinkId, Direction),
    /// The address that it uses, its own or somebody else's.
    pub(crate) from: Address,
    /// The party at the other end.
    pub(crate) to: Address,
    channel: Channel,
    source: Source,
    stream: Stream<Meta>,
    /// Bytes of a record that is not whole.
    partial: Vec<u8>,
}

impl OwnStream {
    /// Whether the connection still stands.
    pub(crate) fn lives(&self) -> bool {
        !self.stream.is_dead()
    }
}

/// What a stream did, to be carried out afterwards.
#[derive(Default)]
struct Done {
    segments: Vec<(Vec<u8>, Carried, Meta)>,
    bytes: Vec<(Vec<u8>, Meta)>,
    closed: bool,
    machine: bool,
    ports: (u16, u16),
}

impl Sink<Meta> for Done {
    fn emit(&mut self, segment: &Segment<'_>, about: &About<Meta>) {
        let segment = Segment {
            from_port: self.ports.0,
            to_port: self.ports.1,
            ..*segment
        };
        let mut bytes = Vec::new();
        segment.encode(&mut bytes);
        let what = carried(&segment, about.whole, about.transmission, self.machine);
        self.segments.push((bytes, what, about.meta));
    }

    fn opened(&mut self) {}

    fn bytes(&mut self, bytes: &[u8], meta: Meta, _end: u64) {
        self.bytes.push((bytes.to_vec(), meta));
    }

    fn closed(&mut self) {
        self.closed = true;
    }

    fn reset(&mut self) {}

    fn forged(&mut self, _meta: Meta) {}
}

impl<T: Tables> World<T> {
    /// Sends a record on a connection of the adversary's own, which it opens where there is none.
    pub(super) fn send_on_own_stream(
        &mut self,
        place: usize,
        way: (LinkId, Direction),
        (header, source): (Header, Source),
        record: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        let now = out.now();
        let adversary = self.attacks.instances[place].adversary;
        let on_path = self.taps.all()[adversary].spec.is_on_path();
        if header.from.host < OWN_HOSTS && !on_path {
            // It would never see the answers that open a connection in somebody else's name.
            self.tally.unroutable += 1;
            return;
        }
        let meta = Meta::bare(AttemptId::NONE);
        let known = self
            .attacks
            .own_stream(way.0.0, header.from, header.to)
            .filter(|index| self.attacks.streams[*index].lives());
        let (index, mut done) = match known {
            Some(index) => (index, self.done_of(index)),
            None => {
                let Some((Transport::Stream(settings), mss)) =
                    self.transports.as_ref().map(|all| all.of(way.0))
                else {
                    return;
                };
                let mut done = Done {
                    machine: self.instance.streams(),
                    ports: (header.from.port, header.to.port),
                    ..Done::default()
                };
                // As the RFC has it: a clock of its own, and no draw.
                let isn = u32::try_from((now.0 / 4_000) & 0xFFFF_FFFF).unwrap_or(0);
                let stream = Stream::connect((settings, mss, isn), meta, now.0, &mut done);
                self.attacks.streams.push(OwnStream {
                    place,
                    way,
                    from: header.from,
                    to: header.to,
                    channel: header.channel,
                    source,
                    stream,
                    partial: Vec::new(),
                });
                self.tally.transport.connections += 1;
                (self.attacks.streams.len() - 1, done)
            }
        };
        let own = &mut self.attacks.streams[index];
        own.stream.send(record, (meta, meta), now.0, &mut done);
        self.own_stream_did(now, index, done, out);
    }

    fn done_of(&self, index: usize) -> Done {
        let own = &self.attacks.streams[index];
        Done {
            machine: self.instance.streams(),
            ports: (own.from.port, own.to.port),
            ..Done::default()
        }
    }

    /// A segment has come to the adversary's end of a connection.
    pub(super) fn hear_on_own_stream(
        &mut self,
        now: SimTime,
        index: usize,
        header: &Header,
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(segment) = Segment::decode(bytes) else {
            self.tally.transport.damaged += 1;
            return;
        };
        let meta = Meta::bare(header.attempt);
        let mut done = self.done_of(index);
        let own = &mut self.attacks.streams[index];
        own.stream.on_segment(&segment, meta, now.0, &mut done);
        own.stream.flush(&mut done);
        self.own_stream_did(now, index, done, out);
    }

    /// A segment to an own address has arrived.
    pub(in crate::host) fn own_stream_hears(
        &mut self,
        now: SimTime,
        header: &Header,
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        let found = self.attacks.streams.iter().rposition(|own| {
            own.from == header.to && own.to == header.from && own.channel == header.channel
        });
        if let Some(index) = found {
            self.hear_on_own_stream(now, index, header, bytes, out);
        }
    }

    /// The timer of a connection has expired.
    pub(super) fn own_stream_timer(
        &mut self,
        now: SimTime,
        index: usize,
        out: &mut Outbox<'_, Self>,
    ) {
        if index >= self.attacks.streams.len() {
            return;
        }
        let mut done = self.done_of(index);
        self.attacks.streams[index]
            .stream
            .on_timer(now.0, &mut done);
        self.own_stream_did(now, index, done, out);
    }

    /// Sends the segments, arms the timer, and hands whole records to the attacker.
    fn own_stream_did(
        &mut self,
        now: SimTime,
        index: usize,
        mut done: Done,
        out: &mut Outbox<'_, Self>,
    ) {
        if done.closed {
            let own = &mut self.attacks.streams[index];
            own.stream.close(now.0, &mut done);
        }
        let own = &self.attacks.streams[index];
        let (place, way, from, to) = (own.place, own.way, own.from, own.to);
        let (channel, source, deadline) = (own.channel, own.source, own.stream.deadline_ns());
        let adversary = self.attacks.instances[place].adversary;
        for (bytes, what, meta) in &done.segments {
            let header = Header {
                from,
                to,
                channel,
                attempt: meta.attempt,
                pair: NO_PAIR,
                rule: self.attacks.rule_place[adversary],
                carried: *what,
                journey: Journey::default(),
            };
            self.tally.transport.sent(1);
            self.send_segment(place, way, source, (header, bytes), out);
        }
        let owner = NodeId(TAP_ENTITY_BASE + u32::try_from(adversary).unwrap_or(0));
        let id = TimerId {
            kind: control::STREAM,
            key: u32::try_from(index).unwrap_or(u32::MAX),
        };
        match deadline {
            Some(at_ns) => out.as_entity(owner).arm_control(owner, id, SimTime(at_ns)),
            None => out.cancel_control(owner, id),
        }
        for (bytes, meta) in done.bytes {
            let mut partial = core::mem::take(&mut self.attacks.streams[index].partial);
            partial.extend_from_slice(&bytes);
            let records = whole_records(&mut partial, done.machine);
            self.attacks.streams[index].partial = partial;
            for record in records {
                let header = Header {
                    from: to,
                    to: from,
                    channel,
                    attempt: meta.attempt,
                    pair: NO_PAIR,
                    rule: NO_RULE,
                    carried: Carried::MESSAGE,
                    journey: Journey::default(),
                };
                self.attack_on_mail(now, place, &header, &record, out);
            }
        }
    }

    /// A party that an adversary plays hears bytes on a stream of its own.
    pub(in crate::host) fn seat_hears(
        &mut self,
        now: SimTime,
        (node, place): (NodeId, usize),
        far: Address,
        (bytes, meta): (&[u8], Meta),
        out: &mut Outbox<'_, Self>,
    ) {
        let partial = self.attacks.heard.entry((node.0, far)).or_default();
        partial.extend_from_slice(bytes);
        let records = whole_records(partial, true);
        for record in records {
            let header = Header {
                from: far,
                to: Address::new(node.0, self.port(node.0)),
                channel: Channel::Public,
                attempt: meta.attempt,
                pair: NO_PAIR,
                rule: NO_RULE,
                carried: Carried::MESSAGE,
                journey: Journey::default(),
            };
            self.attack_on_mail(now, place, &header, &record, out);
        }
    }
}

/// Takes the whole records off the front; a machine's record keeps the length before it.
fn whole_records(bytes: &mut Vec<u8>, machine: bool) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<PREFIX_BYTES>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some(record) = rest.get(..length) else {
            break;
        };
        let kept = if machine {
            &bytes[..PREFIX_BYTES + length]
        } else {
            record
        };
        records.push(kept.to_vec());
        bytes.drain(..PREFIX_BYTES + length);
    }
    records
}
