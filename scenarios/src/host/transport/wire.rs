//! What a stream does, as packets of its link and events of its machine.

use super::*;

/// Turns what a stream does into packets and events.
pub(super) struct Wire<'a, 'w, T: Tables> {
    pub(super) out: &'a mut Outbox<'w, World<T>>,
    pub(super) key: Key,
    pub(super) route: (LinkId, Direction),
    pub(super) machine: bool,
    /// The adversary at the other end, and whether it stands beside the link.
    pub(super) mail: Option<(u32, bool)>,
    pub(super) inbox: &'a mut std::collections::VecDeque<Event>,
    /// Pairs that a forged acknowledgement lets go.
    pub(super) forged: &'a mut Vec<u32>,
    pub(super) packet: &'a mut Vec<u8>,
    pub(super) counts: &'a mut TransportCounts,
}

impl<T: Tables> Sink<Meta> for Wire<'_, '_, T> {
    fn emit(&mut self, segment: &Segment<'_>, about: &About<Meta>) {
        let segment = Segment {
            from_port: self.key.port,
            to_port: self.key.far.port,
            ..*segment
        };
        let carried = carried(&segment, about.whole, about.transmission, self.machine);
        let header = Header {
            from: self.key.own(),
            to: self.key.far,
            channel: self.key.channel(),
            attempt: about.meta.attempt,
            pair: about.meta.pair,
            rule: NO_RULE,
            carried: Carried {
                part: match carried.part {
                    Part::Piece if about.last => Part::LastPiece,
                    part => part,
                },
                ..carried
            },
            journey: Journey::default(),
        };
        self.counts.sent(about.transmission);
        self.packet.clear();
        segment.encode(self.packet);
        match self.mail {
            // The other end is an adversary's own address.
            Some((tap, whole)) => self.out.mail(tap, self.route, whole, header, self.packet),
            None => self
                .out
                .send(self.route.0, self.route.1, header, self.packet),
        }
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

pub(crate) fn carried(
    segment: &Segment<'_>,
    whole: bool,
    transmission: u32,
    machine: bool,
) -> Carried {
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
