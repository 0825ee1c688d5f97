//! Adversaries that act on whole records of a stream on which they stand.
//!
//! To the two ends of a connection such an adversary is the other end ([`splice`]): what it takes off
//! is acknowledged, what it puts in arrives in order. Records that it delays, keeps or repeats come
//! back here when their time has come.

use protocols::Address;
use protocols::attack::{OWN_HOSTS, Power, Verdict as Decision};
use sim_engine::order::TAP_ENTITY_BASE;
use sim_engine::{
    Direction, Injection, LinkId, NodeId, Outbox, Passage, SimTime, Source, TimerId, Verdict,
};

use super::super::tables::{Header, Place, Tables};
use super::super::transport::PREFIX_BYTES;
use super::super::transport::carried::{Carried, Part};
use super::super::transport::config::Transport;
use super::super::transport::segment::Segment;
use super::super::transport::splice::{self, Passing, Sent, Splice};
use super::super::{NO_PAIR, World};
use super::control;
use crate::attack::{Mind, Wish};
use crate::record::log::Turn;

/// A connection as an adversary names it: link, address at its end `a`, address at its end `b`.
pub(crate) type Connection = (u32, Address, Address);

/// A record that is put into a connection.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The connection.
    pub(crate) connection: Connection,
    /// Direction 0 (up) or 1.
    pub(crate) side: usize,
    /// Its bytes, with the length before it where a datagram has one.
    pub(crate) bytes: Vec<u8>,
    /// What the tables say of it.
    pub(crate) header: Header,
    /// Whose it is.
    pub(crate) source: Source,
    /// It was taken off the connection before, which cannot close as long as it is held back.
    pub(crate) held: bool,
}

/// What came of the decision about the record that passes right now.
#[derive(Clone, Copy, Debug, Default)]
struct Decided {
    /// It was dropped.
    dropped: bool,
    /// Something was done with it.
    acted: bool,
    /// What the adversary may not do.
    beyond: Option<Verdict>,
}

const fn way_of(link: u32, side: usize) -> (LinkId, Direction) {
    let direction = if side == 0 {
        Direction::Up
    } else {
        Direction::Down
    };
    (LinkId(link), direction)
}

impl<T: Tables> World<T> {
    /// Whether the messages of a link travel on streams.
    pub(super) fn carries_streams(&self, link: u32) -> bool {
        let transports = self.transports.as_ref();
        transports.is_some_and(|all| matches!(all.of(LinkId(link)).0, Transport::Stream(_)))
    }

    /// A segment passes an adversary that acts on records; `None` when none stands there.
    pub(in crate::host) fn tap_on_stream(
        &mut self,
        now: SimTime,
        passage: &Passage<'_>,
        header: &mut Header,
        rewritten: &mut Vec<u8>,
    ) -> Option<Verdict> {
        if self.attacks.is_empty() || !header.carried.by_transport() {
            return None;
        }
        let link = passage.meta.link.0;
        let place = self.attacks.at(passage.tap as usize, link)?;
        if !self.attacks.instances[place].by_records || !self.carries_streams(link) {
            return None;
        }
        let Some(segment) = Segment::decode(passage.bytes) else {
            return Some(Verdict::Pass);
        };
        if let Some(stream) = self.attacks.own_stream(link, header.to, header.from) {
            let bytes = passage.bytes.to_vec();
            let header = *header;
            let wishes = &mut self.attacks.instances[place].wishes;
            wishes.push(Wish::Hears {
                stream,
                header,
                bytes,
            });
            return Some(Verdict::Take);
        }
        let side = passage.meta.direction.index();
        let connection = if side == 0 {
            (link, header.from, header.to)
        } else {
            (link, header.to, header.from)
        };
        let known = self.attacks.instances[place]
            .connections
            .remove(&connection);
        let mut splice = match known {
            Some(splice) => splice,
            None if segment.flags.syn => Splice::new((connection.1.port, connection.2.port)),
            None => return Some(Verdict::Pass),
        };
        let last = header.carried.ends_record();
        let mut decided = Decided::default();
        let mut sent = Vec::new();
        let tap = passage.tap;
        let stands = Turn::of(passage.event.0, passage.event.1).place();
        let passing = splice.pass(
            side,
            (&segment, last),
            *header,
            &mut |record, meta| {
                self.decide_record(
                    (now, stands),
                    (tap, place),
                    (connection, side),
                    meta,
                    record,
                    &mut decided,
                )
            },
            &mut sent,
        );
        if !splice.over {
            let instance = &mut self.attacks.instances[place];
            instance.connections.insert(connection, splice);
        }
        let own = *header;
        for sent in sent {
            self.wish_segment(place, (link, side), &own, sent);
        }
        if decided.acted {
            header.rule = self.attack_rule(tap, link);
        }
        if let Some(verdict) = decided.beyond {
            // The engine ends the run and says which power is missing.
            return Some(verdict);
        }
        Some(match passing {
            Passing::Same => Verdict::Pass,
            Passing::Numbers(bytes) => {
                *rewritten = bytes;
                Verdict::Renumber
            }
            Passing::Payload(bytes) => {
                *rewritten = bytes;
                Verdict::Modify
            }
            Passing::Taken if decided.dropped => Verdict::Drop,
            Passing::Taken => Verdict::Take,
        })
    }

    /// Asks the attacker about a whole record.
    fn decide_record(
        &mut self,
        (now, stands): (SimTime, Place),
        (tap, place): (u32, usize),
        (connection, side): (Connection, usize),
        header: Header,
        record: &[u8],
        decided: &mut Decided,
    ) -> splice::Fate {
        let blind = self.attacks.instances[place]
            .lacks
            .contains(&Power::Observe);
        if now.0 >= self.attacks.until_ns || blind {
            return splice::Fate::Pass;
        }
        let prefix = if self.instance.streams() {
            0
        } else {
            PREFIX_BYTES
        };
        let Some(message) = record.get(prefix..) else {
            return splice::Fate::Pass;
        };
        let direction = way_of(connection.0, side).1;
        let header = Header {
            carried: Carried::MESSAGE,
            ..header
        };
        let carried = self.carried_inside(place, &header, message);
        if let Some(Mind::Rules(rules)) = &mut self.attacks.instances[place].attacker {
            rules.tell(direction, header.attempt, carried);
        }
        let view = self.view(place, &header, message);
        let decision = self.with_attacker(now, place, |attacker, cx| attacker.on_packet(&view, cx));
        let decision = match decision {
            None | Some(Decision::Pass) => return splice::Fate::Pass,
            Some(Decision::Modify(bytes)) if bytes == message => return splice::Fate::Pass,
            Some(decision) => decision,
        };
        decided.acted = true;
        let instance = &mut self.attacks.instances[place];
        instance.acted += 1;
        instance.last_ns = Some(now.0);
        self.touches(stands, header.attempt);
        let asked = match &decision {
            Decision::Pass => Verdict::Pass,
            Decision::Drop => Verdict::Drop,
            Decision::Delay(_) => Verdict::Delay(sim_engine::SimDuration::ZERO),
            Decision::Hold => Verdict::Hold,
            Decision::Duplicate { copies, .. } => Verdict::Duplicate {
                copies: *copies,
                after: sim_engine::SimDuration::ZERO,
            },
            Decision::Modify(_) => Verdict::Modify,
            Decision::Redirect(_) => Verdict::Redirect,
        };
        let adversary = self.attacks.instances[place].adversary;
        let powers = self.taps.all()[adversary].spec.powers;
        if powers.missing_for(&asked).is_some() {
            decided.beyond = Some(asked);
            return splice::Fate::Pass;
        }
        let rule = self.attack_rule(tap, connection.0);
        let later = |held: bool| Record {
            connection,
            side,
            bytes: record.to_vec(),
            header: Header {
                rule,
                pair: if held { header.pair } else { NO_PAIR },
                ..header
            },
            source: Source::Forwarded,
            held,
        };
        match decision {
            Decision::Drop => {
                decided.dropped = true;
                splice::Fate::Take
            }
            Decision::Modify(bytes) => splice::Fate::Replace(self.framed(&bytes)),
            Decision::Delay(by) => {
                self.keep_record(place, later(true), Some(by.nanos()), view.frame);
                splice::Fate::Hold
            }
            Decision::Hold => {
                self.keep_record(place, later(true), None, view.frame);
                splice::Fate::Hold
            }
            Decision::Duplicate { copies, after } => {
                for copy in 1..=u64::from(copies) {
                    let after_ns = after.nanos().saturating_mul(copy);
                    self.keep_record(place, later(false), Some(after_ns), view.frame);
                }
                splice::Fate::Pass
            }
            Decision::Redirect(to) => {
                let header = Header { to, ..header };
                let bytes = message.to_vec();
                let wishes = &mut self.attacks.instances[place].wishes;
                wishes.push(Wish::Redirect { header, bytes });
                splice::Fate::Take
            }
            Decision::Pass => splice::Fate::Pass,
        }
    }

    /// A message as it stands on a stream.
    pub(super) fn framed(&self, message: &[u8]) -> Vec<u8> {
        if self.instance.streams() {
            return message.to_vec();
        }
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        [&length.to_be_bytes()[..], message].concat()
    }

    /// Keeps a record for a time, or until it is released.
    fn keep_record(&mut self, place: usize, record: Record, after_ns: Option<u64>, frame: u64) {
        if record.held {
            self.hold(record.header.pair);
        }
        let instance = &mut self.attacks.instances[place];
        match after_ns {
            Some(after_ns) => instance.wishes.push(Wish::Later { record, after_ns }),
            None => {
                instance.kept.insert(frame, record);
            }
        }
    }

    /// Asks for a segment of the adversary to be sent when the call is through.
    fn wish_segment(
        &mut self,
        place: usize,
        (link, side): (u32, usize),
        own: &Header,
        sent: Sent<Header>,
    ) {
        let side = if sent.onward { side } else { 1 - side };
        let (from, to) = if sent.onward {
            (own.from, own.to)
        } else {
            (own.to, own.from)
        };
        let base = sent.meta.unwrap_or(Header {
            pair: NO_PAIR,
            ..*own
        });
        let header = Header {
            from,
            to,
            carried: Carried {
                part: part_of(sent.payload),
                transmission: 1,
                ..own.carried
            },
            ..base
        };
        let wishes = &mut self.attacks.instances[place].wishes;
        wishes.push(Wish::Segment {
            way: way_of(link, side),
            header,
            bytes: sent.bytes,
        });
    }

    /// Arms the moment at which a record goes on.
    pub(super) fn arm_record(
        &mut self,
        now: SimTime,
        (place, owner): (usize, NodeId),
        record: Record,
        after_ns: u64,
        out: &mut Outbox<'_, Self>,
    ) {
        let key = self.attacks.next_record;
        self.attacks.next_record = key.wrapping_add(1);
        self.attacks.records.insert(key, (place, record));
        let id = TimerId {
            kind: control::RECORD,
            key,
        };
        let at = SimTime(now.0.saturating_add(after_ns));
        out.as_entity(owner).arm_control(owner, id, at);
    }

    /// The moment of a record has come.
    pub(super) fn record_is_due(&mut self, key: u32, out: &mut Outbox<'_, Self>) {
        if let Some((place, record)) = self.attacks.records.remove(&key) {
            if record.held {
                self.no_longer_held(place, &record);
            }
            self.insert_record(place, record, out);
        }
    }

    /// A record that was held back goes on: its sender may close when none is left.
    pub(super) fn no_longer_held(&mut self, place: usize, record: &Record) {
        let connections = &mut self.attacks.instances[place].connections;
        let splice = connections.get_mut(&record.connection);
        if let Some(way) = splice.and_then(|splice| splice.way(record.side)) {
            way.holding = way.holding.saturating_sub(1);
        }
    }

    /// Puts a record into its connection; false when that is gone.
    pub(super) fn insert_record(
        &mut self,
        place: usize,
        record: Record,
        out: &mut Outbox<'_, Self>,
    ) -> bool {
        let link = record.connection.0;
        let mss = self
            .transports
            .as_ref()
            .map_or(1, |transports| transports.of(LinkId(link)).1);
        let mut sent = Vec::new();
        let connections = &mut self.attacks.instances[place].connections;
        let open = connections
            .get_mut(&record.connection)
            .is_some_and(|splice| splice.insert(record.side, &record.bytes, mss, true, &mut sent));
        if !open {
            self.tally.unroutable += 1;
            if record.held {
                self.let_go(out.now().0, record.header.pair);
            }
            return false;
        }
        let (_, a, b) = record.connection;
        let (from, to) = if record.side == 0 { (a, b) } else { (b, a) };
        let prefix = if self.instance.streams() {
            0
        } else {
            PREFIX_BYTES
        };
        let skip = super::super::transport::SEGMENT_HEADER_BYTES as usize + prefix;
        for sent in sent {
            let header = Header {
                from,
                to,
                carried: Carried {
                    part: part_of(sent.payload),
                    skip: u8::try_from(skip).unwrap_or(0),
                    transmission: 1,
                },
                ..record.header
            };
            let way = way_of(link, record.side);
            self.send_segment(place, way, record.source, (header, &sent.bytes), out);
        }
        true
    }

    /// Sends an encoded segment from where the adversary stands.
    pub(super) fn send_segment(
        &mut self,
        place: usize,
        way: (LinkId, Direction),
        source: Source,
        (header, bytes): (Header, &[u8]),
        out: &mut Outbox<'_, Self>,
    ) {
        let adversary = self.attacks.instances[place].adversary;
        let how = Injection {
            source,
            whole: !self.taps.all()[adversary].spec.is_on_path(),
        };
        let tap = u32::try_from(adversary).unwrap_or(0);
        let owner = NodeId(TAP_ENTITY_BASE + tap);
        out.as_entity(owner).inject(tap, way, how, header, bytes);
    }

    /// Puts a frame of its own on a link that carries streams: into the connection between its two
    /// addresses, else between its two hosts, else on a connection that it opens.
    pub(super) fn put_on_stream(
        &mut self,
        place: usize,
        way: (LinkId, Direction),
        (header, source): (Header, Source),
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        let record = self.framed(bytes);
        let (link, side) = (way.0.0, way.1.index());
        let ends = if side == 0 {
            (header.from, header.to)
        } else {
            (header.to, header.from)
        };
        let connections = &self.attacks.instances[place].connections;
        let exact = (link, ends.0, ends.1);
        let open = |connection: &&Connection| {
            let found = connections.get(*connection);
            found.is_some_and(|splice| splice.is_open(side))
        };
        let between = |connection: &&Connection| {
            (connection.0, connection.1.host, connection.2.host) == (link, ends.0.host, ends.1.host)
        };
        let found = [exact].iter().find(open).copied().or_else(|| {
            let mut newest_first = connections.keys().rev();
            newest_first.find(|it| between(it) && open(it)).copied()
        });
        if let Some(connection) = found.filter(|_| header.from.host < OWN_HOSTS) {
            let record = Record {
                connection,
                side,
                bytes: record,
                header,
                source,
                held: false,
            };
            self.insert_record(place, record, out);
            return;
        }
        self.send_on_own_stream(place, way, (header, source), &record, out);
    }
}

/// What a segment is, by whether it has a payload and that is whole.
const fn part_of(payload: Option<bool>) -> Part {
    match payload {
        None => Part::Ack,
        Some(true) => Part::Whole,
        Some(false) => Part::Piece,
    }
}
