//! One end of a byte stream: connection, retransmission, order, congestion.
//!
//! A machine without input or output: segments, requests and expiries in, segments and events out
//! through a [`Sink`]; the caller keeps the timer that [`Stream::deadline_ns`] asks for. Sequence
//! numbers are counted in 64 bits from the SYN, which is number 0; the wire has their low 32 bits
//! above the initial number.
//!
//! As TCP (RFC 9293) with the timer of RFC 6298, NewReno (RFC 6582) and an initial window of ten
//! segments (RFC 6928). Left out: options, selective acknowledgement, window scaling, delayed
//! acknowledgement, keep-alive, urgent data, path MTU discovery.

mod receiver;
mod sender;

use std::collections::VecDeque;

use self::receiver::Early;
use self::sender::{Chunk, Congestion, Kind};
use super::config::StreamSettings;
use super::rto::Rto;
use super::segment::{Flags, Segment};

/// What a segment is about, for the caller's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct About<M> {
    /// What the caller attached to the record, or to the connection.
    pub(crate) meta: M,
    /// 1 for the first transmission.
    pub(crate) transmission: u32,
    /// The payload is one whole record.
    pub(crate) whole: bool,
    /// The payload ends a record.
    pub(crate) last: bool,
}

/// Receives what a stream does.
pub(crate) trait Sink<M> {
    /// A segment goes out; ports are the caller's.
    fn emit(&mut self, segment: &Segment<'_>, about: &About<M>);
    /// The connection is open.
    fn opened(&mut self);
    /// Bytes in order; they end at number `end` of the peer's stream.
    fn bytes(&mut self, bytes: &[u8], meta: M, end: u64);
    /// The peer has closed its direction.
    fn closed(&mut self);
    /// The connection is gone.
    fn reset(&mut self);
    /// Bytes were acknowledged that, as far as [`Stream::note_delivered`] says, never arrived.
    fn forged(&mut self, meta: M);
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// SYN sent.
    Opening,
    /// SYN received and answered.
    Answering,
    /// Open in both directions, or closing.
    Open,
    /// Over.
    Dead,
}

/// One end of a connection; `M` is what the caller attaches to a record.
#[derive(Clone, Debug)]
pub(crate) struct Stream<M> {
    settings: StreamSettings,
    mss: usize,
    phase: Phase,
    /// Initial sequence numbers: own, the peer's.
    isn: u32,
    irs: u32,
    /// Oldest number not acknowledged, and one above the highest sent.
    una: u64,
    high: u64,
    /// One above the last number queued.
    end: u64,
    /// What is not acknowledged, in order: `sent` pieces of it are on their way.
    queue: VecDeque<Chunk<M>>,
    sent: usize,
    /// Closed by this end.
    finishing: bool,
    /// How far the peer has the bytes, as the simulator knows.
    delivered: u64,
    congestion: Congestion,
    rto: Rto,
    /// Timeouts in a row.
    timeouts: u32,
    deadline_ns: Option<u64>,
    /// Number expected next from the peer.
    rcv: u64,
    early: Vec<Early<M>>,
    /// The peer has closed, and everything before that is here.
    peer_done: bool,
    ack_due: bool,
    /// What belongs to no record.
    meta: M,
}

impl<M: Copy> Stream<M> {
    fn new(settings: StreamSettings, mss: usize, isn: u32, meta: M, phase: Phase) -> Self {
        let mut stream = Self {
            settings,
            mss: mss.max(1),
            phase,
            isn,
            irs: 0,
            una: 0,
            high: 0,
            end: 0,
            queue: VecDeque::new(),
            sent: 0,
            finishing: false,
            delivered: 0,
            congestion: Congestion::new(mss.max(1)),
            rto: Rto::new(&settings),
            timeouts: 0,
            deadline_ns: None,
            rcv: 0,
            early: Vec::new(),
            peer_done: false,
            ack_due: false,
            meta,
        };
        stream.append(Kind::Syn, &[], meta, (false, false));
        stream
    }

    /// Opens a connection.
    pub(crate) fn connect(
        (settings, mss, isn): (StreamSettings, usize, u32),
        meta: M,
        now: u64,
        sink: &mut impl Sink<M>,
    ) -> Self {
        let mut stream = Self::new(settings, mss, isn, meta, Phase::Opening);
        stream.push(now, sink);
        stream
    }

    /// Answers the SYN of a peer.
    pub(crate) fn accept(
        (settings, mss, isn): (StreamSettings, usize, u32),
        syn: &Segment<'_>,
        meta: M,
        now: u64,
        sink: &mut impl Sink<M>,
    ) -> Self {
        let mut stream = Self::new(settings, mss, isn, meta, Phase::Answering);
        stream.irs = syn.seq;
        stream.rcv = 1;
        stream.push(now, sink);
        stream
    }

    /// When [`Stream::on_timer`] is to be called, ns; `None`: not at all.
    pub(crate) const fn deadline_ns(&self) -> Option<u64> {
        self.deadline_ns
    }

    /// The connection is over and may be forgotten.
    pub(crate) fn is_dead(&self) -> bool {
        self.phase == Phase::Dead
    }

    /// Whether `syn` opens another connection than this one: the peer has forgotten this one.
    pub(crate) fn is_replaced_by(&self, syn: &Segment<'_>) -> bool {
        syn.flags.syn
            && !syn.flags.ack
            && !syn.flags.rst
            && matches!(self.phase, Phase::Answering | Phase::Open)
            && syn.seq != self.irs
    }

    /// The initial numbers of both ends, which name the connection: own, the peer's.
    pub(crate) const fn identity(&self) -> (u32, u32) {
        (self.isn, self.irs)
    }

    /// The peer has received everything below `end`.
    pub(crate) fn note_delivered(&mut self, end: u64) {
        self.delivered = self.delivered.max(end);
    }

    /// What is attached to records that have not reached the peer.
    pub(crate) fn undelivered(&self) -> impl Iterator<Item = M> {
        let chunks = self.queue.iter();
        chunks
            .filter(|chunk| chunk.kind == Kind::Data && chunk.end() > self.delivered)
            .map(|chunk| chunk.meta)
    }

    /// Queues a record. `meta` goes with its last byte, `other` with the bytes before.
    pub(crate) fn send(
        &mut self,
        record: &[u8],
        (meta, other): (M, M),
        now: u64,
        sink: &mut impl Sink<M>,
    ) {
        if self.finishing || self.is_dead() {
            return;
        }
        let pieces = record.len().div_ceil(self.mss);
        for (index, piece) in record.chunks(self.mss).enumerate() {
            let last = index + 1 == pieces;
            let meta = if last { meta } else { other };
            self.append(Kind::Data, piece, meta, (index == 0, last));
        }
        self.push(now, sink);
    }

    /// Closes this end once everything queued is through.
    pub(crate) fn close(&mut self, now: u64, sink: &mut impl Sink<M>) {
        if self.finishing || self.is_dead() {
            return;
        }
        self.finishing = true;
        if self.phase == Phase::Opening {
            // Nobody has answered yet: nothing to close.
            self.die();
            return;
        }
        self.append(Kind::Fin, &[], self.meta, (false, false));
        self.push(now, sink);
    }

    /// A segment arrived; `meta` is what its sender attached.
    pub(crate) fn on_segment(
        &mut self,
        segment: &Segment<'_>,
        meta: M,
        now: u64,
        sink: &mut impl Sink<M>,
    ) {
        let flags = segment.flags;
        let acked = self.acknowledged(segment);
        match self.phase {
            Phase::Dead => return,
            Phase::Opening => {
                let ours = acked == Some(1);
                if flags.ack && !ours {
                    if !flags.rst {
                        self.refuse(segment, sink);
                    }
                    return;
                }
                if flags.rst {
                    if flags.ack {
                        self.break_off(sink);
                    }
                    return;
                }
                if !flags.syn {
                    return;
                }
                self.irs = segment.seq;
                self.rcv = 1;
                if flags.ack {
                    self.ack_due = true;
                    self.acknowledge(1, now, sink);
                    self.open(sink);
                } else {
                    // Both ends have opened at the same time.
                    self.phase = Phase::Answering;
                    self.repeat_first(now, sink);
                }
            }
            Phase::Answering | Phase::Open => {
                if flags.rst {
                    let at = self.offset(segment.seq);
                    if at.is_some_and(|at| at >= self.rcv && at - self.rcv <= u64::from(u16::MAX)) {
                        self.break_off(sink);
                    }
                    return;
                }
                if flags.syn && !flags.ack {
                    // A repeated SYN: the answer was lost, or is on its way.
                    if self.phase == Phase::Answering {
                        self.repeat_first(now, sink);
                    } else {
                        self.acknowledge_now(sink);
                    }
                    return;
                }
                let Some(acked) = acked else {
                    if flags.ack && self.phase == Phase::Answering {
                        self.refuse(segment, sink);
                    }
                    return;
                };
                if flags.syn {
                    self.ack_due = true;
                }
                if self.phase == Phase::Answering && acked >= 1 {
                    self.open(sink);
                }
                let bare = segment.payload.is_empty() && !flags.fin && !flags.syn;
                if acked > self.una {
                    self.acknowledge(acked, now, sink);
                } else if acked == self.una && bare {
                    self.duplicate_ack(now, sink);
                }
                if !segment.payload.is_empty() || flags.fin {
                    self.take_data(segment, meta, sink);
                }
            }
        }
        self.push(now, sink);
        self.check_over();
    }

    /// Sends the acknowledgement that is due, if no segment has carried it.
    pub(crate) fn flush(&mut self, sink: &mut impl Sink<M>) {
        if self.ack_due {
            self.acknowledge_now(sink);
        }
    }

    /// The timer expired.
    pub(crate) fn on_timer(&mut self, now: u64, sink: &mut impl Sink<M>) {
        if self.is_dead() || self.sent == 0 {
            self.deadline_ns = None;
            return;
        }
        let limit = if self.phase == Phase::Open {
            self.settings.retries
        } else {
            self.settings.connect_retries
        };
        if self.timeouts >= limit {
            self.break_off(sink);
            return;
        }
        self.timeouts += 1;
        self.rto.back_off(&self.settings);
        let flight = self.flight();
        self.congestion.timed_out(flight, self.high);
        // Everything behind the first segment counts as not sent, and follows as the window opens.
        self.sent = 0;
        self.deadline_ns = None;
        self.transmit_next(now, sink);
    }

    /// Whether every byte of this end and of the peer is through and both have closed.
    fn check_over(&mut self) {
        if self.finishing && self.queue.is_empty() && self.peer_done {
            self.die();
        }
    }

    fn open(&mut self, sink: &mut impl Sink<M>) {
        self.phase = Phase::Open;
        sink.opened();
    }

    fn die(&mut self) {
        self.phase = Phase::Dead;
        self.deadline_ns = None;
    }

    fn break_off(&mut self, sink: &mut impl Sink<M>) {
        self.die();
        self.ack_due = false;
        sink.reset();
    }

    /// What `segment` acknowledges: a number from `una` to `high`, else `None`. An old one counts as
    /// `una`.
    fn acknowledged(&self, segment: &Segment<'_>) -> Option<u64> {
        if !segment.flags.ack {
            return None;
        }
        let una = self.isn.wrapping_add(low(self.una));
        let ahead = segment.ack.wrapping_sub(una).cast_signed();
        match u64::try_from(ahead) {
            Ok(ahead) => Some(self.una + ahead).filter(|acked| *acked <= self.high),
            Err(_) => Some(self.una).filter(|_| self.una > 0),
        }
    }

    /// The number that `seq` stands for in the peer's stream; `None` before its start.
    fn offset(&self, seq: u32) -> Option<u64> {
        let next = self.irs.wrapping_add(low(self.rcv));
        let ahead = i64::from(seq.wrapping_sub(next).cast_signed());
        self.rcv.checked_add_signed(ahead)
    }

    /// Answers a segment of another connection with RST.
    fn refuse(&self, segment: &Segment<'_>, sink: &mut impl Sink<M>) {
        sink.emit(
            &refusal(segment),
            &About {
                meta: self.meta,
                transmission: 1,
                whole: false,
                last: false,
            },
        );
    }
}

/// The RST that answers `segment` where there is no connection (RFC 9293, 3.5.2). Ports are those of
/// the answer.
pub(crate) fn refusal<'a>(segment: &Segment<'a>) -> Segment<'a> {
    let length = u32::try_from(segment.payload.len()).unwrap_or(u32::MAX)
        + u32::from(segment.flags.syn)
        + u32::from(segment.flags.fin);
    let with_ack = segment.flags.ack;
    Segment {
        from_port: segment.to_port,
        to_port: segment.from_port,
        seq: if with_ack { segment.ack } else { 0 },
        ack: if with_ack {
            0
        } else {
            segment.seq.wrapping_add(length)
        },
        flags: Flags {
            rst: true,
            ack: !with_ack,
            ..Flags::default()
        },
        payload: &[],
    }
}

/// The low 32 bits.
const fn low(number: u64) -> u32 {
    (number & 0xFFFF_FFFF) as u32
}

#[cfg(test)]
mod tests;
