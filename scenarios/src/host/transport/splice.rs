//! A connection that passes an adversary who acts on whole records: what it took out, put in or
//! changed, and how the two ends' numbers differ since.
//!
//! To both ends it looks as if the other were there: what the adversary takes off the stream is
//! acknowledged in the receiver's name once everything before it has arrived, and what it puts in
//! shifts the numbers that follow. As long as it changes nothing, every segment passes as it is. It
//! stands behind everything on the link that loses packets, so what it puts in arrives; should the
//! receiver have had no room, repeated acknowledgements bring it again.
//!
//! A machine without input or output, like the ends themselves ([`super::stream`]).

use std::collections::BTreeMap;

use super::segment::{Flags, Segment};

/// Segments of one record that are held until the record is whole; a longer one passes as it is.
pub(crate) const HELD_MAX: usize = 8;

/// A change of one direction: so many bytes of the sender from `at` on became `put`.
#[derive(Clone, Debug)]
struct Edit {
    at: u64,
    len: u64,
    put: Vec<u8>,
}

/// A segment that waits at the adversary; `M` is what the caller attaches.
#[derive(Clone, Debug)]
pub(crate) struct Waiting<M> {
    /// Number of its first byte.
    at: u64,
    /// Payload.
    pub(crate) payload: Vec<u8>,
    /// It ends a record.
    last: bool,
    /// The caller's.
    pub(crate) meta: M,
}

/// One direction of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Way<M> {
    isn: u32,
    /// The sender's number that is decided about next.
    next: u64,
    /// Receiver's number minus sender's number behind everything that is forgotten.
    base: i64,
    edits: Vec<Edit>,
    /// Segments that came before the bytes in front of them.
    early: BTreeMap<u64, Waiting<M>>,
    /// Segments of the record that is not whole.
    partial: Vec<Waiting<M>>,
    /// The record under way is too long to be held.
    passing: bool,
    /// What the receiver has acknowledged, in its numbers.
    acked: u64,
    /// What the sender has been told, in its numbers.
    told: u64,
    /// The sender has closed.
    closed: bool,
    /// Records that the adversary holds back.
    pub(crate) holding: u32,
}

/// What becomes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It goes on.
    Pass,
    /// It is taken off the stream.
    Take,
    /// It is taken off the stream and comes back: until then its sender cannot close.
    Hold,
    /// It goes on as these bytes.
    Replace(Vec<u8>),
}

/// What becomes of a segment that passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Passing {
    /// As it is.
    Same,
    /// With other numbers.
    Numbers(Vec<u8>),
    /// With another payload.
    Payload(Vec<u8>),
    /// It is taken off the link.
    Taken,
}

/// A segment that the adversary sends.
#[derive(Clone, Debug)]
pub(crate) struct Sent<M> {
    /// In the direction of the segment at hand, else against it.
    pub(crate) onward: bool,
    /// The encoded segment.
    pub(crate) bytes: Vec<u8>,
    /// Whether it carries a payload, and the whole of a record.
    pub(crate) payload: Option<bool>,
    /// The segment that it stands for.
    pub(crate) meta: Option<M>,
}

/// Ports of a segment: from, to.
type Ports = (u16, u16);

impl<M: Copy> Way<M> {
    const fn new(isn: u32) -> Self {
        Self {
            isn,
            next: 1,
            base: 0,
            edits: Vec::new(),
            early: BTreeMap::new(),
            partial: Vec::new(),
            passing: false,
            acked: 0,
            told: 0,
            closed: false,
            holding: 0,
        }
    }

    /// The receiver's number for the sender's number `at`.
    fn onward(&self, at: u64) -> u64 {
        let shift: i64 = self
            .edits
            .iter()
            .filter(|edit| edit.at + edit.len <= at)
            .map(shift_of)
            .sum();
        at.saturating_add_signed(self.base + shift)
    }

    /// The sender's number for the receiver's number `at`: bytes that were taken out count as arrived
    /// with what stands before them, those that were put in belong to the byte behind.
    pub(crate) fn back(&self, at: u64) -> u64 {
        let mut shift = self.base;
        for edit in &self.edits {
            let start = edit.at.saturating_add_signed(shift);
            if at < start {
                break;
            }
            if at < start + edit.put.len() as u64 {
                return edit.at;
            }
            shift += shift_of(edit);
        }
        at.saturating_add_signed(-shift)
    }

    /// Forgets changes that nobody can ask for again.
    fn forget(&mut self) {
        while let Some(first) = self.edits.first() {
            let start = first.at.saturating_add_signed(self.base);
            let through = start + first.put.len() as u64 <= self.acked;
            if !through || first.at + first.len > self.told {
                return;
            }
            self.base += shift_of(first);
            self.edits.remove(0);
        }
    }

    /// The sender's 64-bit number of a segment.
    fn number(&self, seq: u32) -> u64 {
        let low = u32::try_from(self.next & 0xFFFF_FFFF).unwrap_or(0);
        let ahead = seq.wrapping_sub(self.isn.wrapping_add(low)).cast_signed();
        self.next.saturating_add_signed(i64::from(ahead))
    }

    /// The receiver's 64-bit number of an acknowledgement.
    fn ack_number(&self, ack: u32) -> u64 {
        let low = u32::try_from(self.acked & 0xFFFF_FFFF).unwrap_or(0);
        let ahead = ack.wrapping_sub(self.isn.wrapping_add(low)).cast_signed();
        self.acked.saturating_add_signed(i64::from(ahead))
    }

    fn seq(&self, onward: u64) -> u32 {
        self.isn
            .wrapping_add(u32::try_from(onward & 0xFFFF_FFFF).unwrap_or(0))
    }

    fn is_changed(&self) -> bool {
        self.base != 0 || !self.edits.is_empty()
    }
}

fn shift_of(edit: &Edit) -> i64 {
    i64::try_from(edit.put.len()).unwrap_or(i64::MAX) - i64::try_from(edit.len).unwrap_or(0)
}

/// A connection, both directions: that of the end which opened it first.
#[derive(Clone, Debug)]
pub(crate) struct Splice<M> {
    /// Direction 0 and 1, as the caller numbers them; `None` until its SYN has passed.
    ways: [Option<Way<M>>; 2],
    /// Ports of segments of direction 0.
    ports: Ports,
    /// A reset has passed.
    pub(crate) over: bool,
}

impl<M: Copy> Splice<M> {
    /// A connection that is being opened; `ports` are those of direction 0.
    pub(crate) const fn new(ports: Ports) -> Self {
        Self {
            ways: [None, None],
            ports,
            over: false,
        }
    }

    /// One direction.
    pub(crate) const fn way(&mut self, side: usize) -> Option<&mut Way<M>> {
        self.ways[side & 1].as_mut()
    }

    /// The sender's number for a number of the receiver of direction `side`.
    pub(crate) fn back(&self, side: usize, at: u64) -> u64 {
        self.ways[side & 1].as_ref().map_or(at, |way| way.back(at))
    }

    /// Whether both ends are there and `side` may still send.
    pub(crate) fn is_open(&self, side: usize) -> bool {
        let open = |way: &Option<Way<M>>| way.as_ref().is_some_and(|way| !way.closed);
        !self.over && open(&self.ways[side & 1]) && self.ways[1 - (side & 1)].is_some()
    }

    fn ports_of(&self, side: usize) -> Ports {
        match side & 1 {
            0 => self.ports,
            _ => (self.ports.1, self.ports.0),
        }
    }

    /// A segment of direction `side` on behalf of its sender.
    fn encode(&self, side: usize, onward: u64, flags: Flags, payload: &[u8]) -> Vec<u8> {
        let (from_port, to_port) = self.ports_of(side);
        let way = self.ways[side & 1].as_ref();
        let other = self.ways[1 - (side & 1)].as_ref();
        let mut bytes = Vec::new();
        Segment {
            from_port,
            to_port,
            seq: way.map_or(0, |way| way.seq(onward)),
            ack: other.map_or(0, |way| way.seq(way.told)),
            flags,
            payload,
        }
        .encode(&mut bytes);
        bytes
    }

    const ACK: Flags = Flags {
        fin: false,
        syn: false,
        rst: false,
        ack: true,
    };

    /// An acknowledgement to the sender of `side`, in its receiver's name.
    fn acknowledge(&mut self, side: usize, onward: bool, out: &mut Vec<Sent<M>>) {
        let Some(way) = &mut self.ways[side & 1] else {
            return;
        };
        way.told = way.told.max(way.back(way.acked));
        let at = match &self.ways[1 - (side & 1)] {
            Some(other) => other.onward(other.next),
            None => return,
        };
        let bytes = self.encode(1 - (side & 1), at, Self::ACK, &[]);
        out.push(Sent {
            onward,
            bytes,
            payload: None,
            meta: None,
        });
    }

    /// Puts a record into direction `side`, in segments of at most `mss` bytes; false when its sender
    /// has closed, or when no connection is there.
    pub(crate) fn insert(
        &mut self,
        side: usize,
        record: &[u8],
        mss: usize,
        onward: bool,
        out: &mut Vec<Sent<M>>,
    ) -> bool {
        if !self.is_open(side) {
            return false;
        }
        let Some(way) = &mut self.ways[side & 1] else {
            return false;
        };
        let mut at = way.onward(way.next);
        way.edits.push(Edit {
            at: way.next,
            len: 0,
            put: record.to_vec(),
        });
        let whole = record.len() <= mss;
        for piece in record.chunks(mss.max(1)) {
            let bytes = self.encode(side, at, Self::ACK, piece);
            at += piece.len() as u64;
            out.push(Sent {
                onward,
                bytes,
                payload: Some(whole),
                meta: None,
            });
        }
        true
    }

    /// A segment passes in direction `side`; `last` says whether its payload ends a record. `decide` is
    /// asked about each whole record; what the adversary sends besides goes into `out`.
    pub(crate) fn pass(
        &mut self,
        side: usize,
        (segment, last): (&Segment<'_>, bool),
        meta: M,
        decide: &mut dyn FnMut(&[u8], M) -> Fate,
        out: &mut Vec<Sent<M>>,
    ) -> Passing {
        let flags = segment.flags;
        if flags.syn {
            let known = self.ways[side & 1]
                .as_ref()
                .is_some_and(|way| way.isn == segment.seq);
            if !known {
                self.ways[side & 1] = Some(Way::new(segment.seq));
                self.over = false;
                if !flags.ack {
                    self.ways[1 - (side & 1)] = None;
                }
            }
            if flags.ack {
                self.heard(side, segment, false, out);
            }
            return Passing::Same;
        }
        if self.ways[side & 1].is_none() {
            return Passing::Same;
        }
        let bare = segment.payload.is_empty() && !flags.fin && !flags.rst;
        let told = |splice: &Self| {
            splice.ways[1 - (side & 1)]
                .as_ref()
                .map_or(0, |way| way.told)
        };
        let before = told(self);
        let ack = if flags.ack {
            self.heard(side, segment, bare, out)
        } else {
            segment.ack
        };
        let news = told(self) > before;
        if flags.rst {
            self.over = true;
        }
        if !segment.payload.is_empty() {
            let passing = self.data(side, (segment, last, ack), meta, decide, out);
            if passing == Passing::Taken && news {
                // The receiver still has to learn what the segment acknowledged.
                self.acknowledge(1 - (side & 1), true, out);
            }
            return passing;
        }
        let Some(way) = &mut self.ways[side & 1] else {
            return Passing::Same;
        };
        let at = way.number(segment.seq);
        if flags.fin && at >= way.next {
            if at > way.next || way.holding > 0 || !way.partial.is_empty() {
                // The sender repeats it; by then nothing is held back or missing any more.
                return Passing::Taken;
            }
            way.closed = true;
            way.next = at + 1;
        }
        let seq = way.seq(way.onward(at));
        renumbered(segment, seq, ack)
    }

    /// What a segment of direction `side` acknowledges of the other one: the number for the other end.
    fn heard(
        &mut self,
        side: usize,
        segment: &Segment<'_>,
        bare: bool,
        out: &mut Vec<Sent<M>>,
    ) -> u32 {
        let other = 1 - (side & 1);
        let Some(way) = &mut self.ways[other] else {
            return segment.ack;
        };
        let acked = way.ack_number(segment.ack);
        let repeated = bare && acked == way.acked;
        way.acked = way.acked.max(acked);
        let number = way.back(acked);
        way.told = way.told.max(number);
        let seq = way.seq(number);
        let mut again = Vec::new();
        if repeated && way.is_changed() {
            // Something that was put in has not arrived: nobody else would send it again.
            let mut shift = way.base;
            for edit in &way.edits {
                let start = edit.at.saturating_add_signed(shift);
                let end = start + edit.put.len() as u64;
                if edit.len == 0 && (start..end).contains(&acked) {
                    again.push((start, edit.put.clone()));
                }
                shift += shift_of(edit);
            }
        }
        way.forget();
        for (start, put) in again {
            let bytes = self.encode(other, start, Self::ACK, &put);
            out.push(Sent {
                onward: false,
                bytes,
                payload: Some(false),
                meta: None,
            });
        }
        seq
    }

    fn data(
        &mut self,
        side: usize,
        (segment, last, ack): (&Segment<'_>, bool, u32),
        meta: M,
        decide: &mut dyn FnMut(&[u8], M) -> Fate,
        out: &mut Vec<Sent<M>>,
    ) -> Passing {
        let Some(way) = &mut self.ways[side & 1] else {
            return Passing::Same;
        };
        let at = way.number(segment.seq);
        if at < way.next {
            return self.again(side, (segment, at, ack), out);
        }
        let waiting = Waiting {
            at,
            payload: segment.payload.to_vec(),
            last,
            meta,
        };
        if at > way.next {
            way.early.entry(at).or_insert(waiting);
            self.acknowledge(side, false, out);
            return Passing::Taken;
        }
        let passing = self.take(side, waiting, Some((segment, ack)), decide, out);
        // What has been waiting for this one.
        while let Some(way) = &mut self.ways[side & 1] {
            let next = way.next;
            let Some(waiting) = way.early.remove(&next) else {
                way.early.retain(|at, _| *at > next);
                break;
            };
            self.take(side, waiting, None, decide, out);
        }
        passing
    }

    /// The next segment in order; `here` is the one that passes, if it is that.
    fn take(
        &mut self,
        side: usize,
        waiting: Waiting<M>,
        here: Option<(&Segment<'_>, u32)>,
        decide: &mut dyn FnMut(&[u8], M) -> Fate,
        out: &mut Vec<Sent<M>>,
    ) -> Passing {
        let Some(way) = &mut self.ways[side & 1] else {
            return Passing::Same;
        };
        way.next = waiting.at + waiting.payload.len() as u64;
        let (ends, meta) = (waiting.last, waiting.meta);
        if way.passing {
            way.passing = !ends;
            return self.forward(side, waiting, (here, false), out);
        }
        way.partial.push(waiting);
        if !ends && way.partial.len() < HELD_MAX {
            return Passing::Taken;
        }
        let mut held = core::mem::take(&mut way.partial);
        let fate = if ends {
            let record: Vec<u8> = held.iter().flat_map(|it| it.payload.clone()).collect();
            decide(&record, meta)
        } else {
            way.passing = true;
            Fate::Pass
        };
        let Some(final_piece) = held.pop() else {
            return Passing::Same;
        };
        match fate {
            Fate::Pass => {
                let whole = held.is_empty();
                for piece in held {
                    self.forward(side, piece, (None, false), out);
                }
                self.forward(side, final_piece, (here, whole), out)
            }
            Fate::Take | Fate::Hold | Fate::Replace(_) => {
                let first = held.first().map_or(final_piece.at, |piece| piece.at);
                let Some(way) = &mut self.ways[side & 1] else {
                    return Passing::Taken;
                };
                let start = way.onward(first);
                way.holding += u32::from(fate == Fate::Hold);
                let put = match fate {
                    Fate::Replace(bytes) => bytes,
                    _ => Vec::new(),
                };
                way.edits.push(Edit {
                    at: first,
                    len: way.next - first,
                    put: put.clone(),
                });
                if put.is_empty() {
                    if way.back(way.acked) > way.told {
                        self.acknowledge(side, false, out);
                    }
                    return Passing::Taken;
                }
                let bytes = self.encode(side, start, Self::ACK, &put);
                if here.is_some() {
                    return Passing::Payload(bytes);
                }
                out.push(Sent {
                    onward: true,
                    bytes,
                    payload: Some(true),
                    meta: Some(meta),
                });
                Passing::Taken
            }
        }
    }

    /// Lets a segment go on: itself where it passes, else one like it.
    fn forward(
        &self,
        side: usize,
        piece: Waiting<M>,
        (here, whole): (Option<(&Segment<'_>, u32)>, bool),
        out: &mut Vec<Sent<M>>,
    ) -> Passing {
        let Some(way) = &self.ways[side & 1] else {
            return Passing::Same;
        };
        let onward = way.onward(piece.at);
        if let Some((segment, ack)) = here {
            return renumbered(segment, way.seq(onward), ack);
        }
        out.push(Sent {
            onward: true,
            bytes: self.encode(side, onward, Self::ACK, &piece.payload),
            payload: Some(whole),
            meta: Some(piece.meta),
        });
        Passing::Taken
    }

    /// A segment that has been decided about comes once more.
    fn again(
        &mut self,
        side: usize,
        (segment, at, ack): (&Segment<'_>, u64, u32),
        out: &mut Vec<Sent<M>>,
    ) -> Passing {
        let Some(way) = &mut self.ways[side & 1] else {
            return Passing::Same;
        };
        if let Some(first) = way.partial.first()
            && at >= first.at
        {
            // Its sender goes on with the rest of the record once it knows that this part is there,
            // and nothing behind the adversary is lost. What stands before the record must have
            // arrived: that acknowledgement would cover it too.
            if way.back(way.acked) >= first.at {
                way.told = way.told.max(way.next);
                self.acknowledge(side, false, out);
            }
            return Passing::Taken;
        }
        let end = at + segment.payload.len() as u64;
        let stale = end <= way.told && way.is_changed();
        let edit = way
            .edits
            .iter()
            .find(|edit| edit.len > 0 && edit.at <= at && at < edit.at + edit.len);
        match edit {
            Some(edit) if edit.at == at && !edit.put.is_empty() => {
                let put = edit.put.clone();
                let before: i64 = way
                    .edits
                    .iter()
                    .take_while(|edit| edit.at < at || edit.len == 0 && edit.at == at)
                    .map(shift_of)
                    .sum();
                let start = at.saturating_add_signed(way.base + before);
                Passing::Payload(self.encode(side, start, Self::ACK, &put))
            }
            None if !stale => {
                let seq = way.seq(way.onward(at));
                renumbered(segment, seq, ack)
            }
            _ => {
                self.acknowledge(side, false, out);
                Passing::Taken
            }
        }
    }
}

/// The segment under other numbers.
fn renumbered(segment: &Segment<'_>, seq: u32, ack: u32) -> Passing {
    if seq == segment.seq && ack == segment.ack {
        return Passing::Same;
    }
    let mut bytes = Vec::new();
    Segment {
        seq,
        ack,
        ..*segment
    }
    .encode(&mut bytes);
    Passing::Numbers(bytes)
}

#[cfg(test)]
mod tests;
