//! The sending half: what is queued, what is on its way, and how much may be.

use super::{About, Flags, Phase, Segment, Sink, Stream, low};
use crate::host::transport::segment::WINDOW_BYTES;

/// What a piece of the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Syn,
    Data,
    Fin,
}

/// A piece of the stream that is sent, and sent again, as one segment.
#[derive(Clone, Debug)]
pub(super) struct Chunk<M> {
    pub(super) kind: Kind,
    seq: u64,
    bytes: Vec<u8>,
    pub(super) meta: M,
    whole: bool,
    last: bool,
    transmissions: u32,
    sent_ns: u64,
}

impl<M> Chunk<M> {
    /// Sequence numbers it takes.
    fn length(&self) -> u64 {
        match self.kind {
            Kind::Data => self.bytes.len() as u64,
            Kind::Syn | Kind::Fin => 1,
        }
    }

    /// One above its last number.
    pub(super) fn end(&self) -> u64 {
        self.seq + self.length()
    }
}

/// How many bytes may be on their way (RFC 5681, RFC 6582).
#[derive(Clone, Copy, Debug)]
pub(super) struct Congestion {
    mss: u64,
    window: u64,
    threshold: u64,
    duplicates: u32,
    /// Where the recovery under way ends, or ended.
    recover: u64,
    recovering: bool,
}

impl Congestion {
    pub(super) const fn new(mss: usize) -> Self {
        let mss = mss as u64;
        let least = if 2 * mss > 14_600 { 2 * mss } else { 14_600 };
        Self {
            mss,
            window: if 10 * mss < least { 10 * mss } else { least },
            threshold: u64::MAX,
            duplicates: 0,
            recover: 0,
            recovering: false,
        }
    }

    fn halve(&mut self, flight: u64) {
        self.threshold = (flight / 2).max(2 * self.mss);
    }

    pub(super) fn timed_out(&mut self, flight: u64, high: u64) {
        self.halve(flight);
        self.window = self.mss;
        self.recovering = false;
        self.duplicates = 0;
        self.recover = high;
    }

    /// New bytes were acknowledged, up to number `acked`; true when the first segment left is taken
    /// for lost.
    fn advanced(&mut self, acked: u64, bytes: u64) -> bool {
        self.duplicates = 0;
        if self.recovering {
            if acked < self.recover {
                // A partial acknowledgement: the next hole is lost too.
                self.window = self.window.saturating_sub(bytes).max(self.mss) + self.mss;
                return true;
            }
            self.recovering = false;
            self.window = self.threshold;
            return false;
        }
        self.window += if self.window < self.threshold {
            bytes.min(self.mss)
        } else {
            (self.mss * self.mss / self.window).max(1)
        };
        false
    }

    /// The same acknowledgement again; true when the first segment is taken for lost.
    fn repeated(&mut self, una: u64, high: u64, flight: u64) -> bool {
        self.duplicates += 1;
        if self.recovering {
            self.window += self.mss;
            return false;
        }
        if self.duplicates != 3 || una <= self.recover && self.recover > 0 {
            return false;
        }
        self.halve(flight);
        self.window = self.threshold + 3 * self.mss;
        self.recover = high;
        self.recovering = true;
        true
    }
}

impl<M: Copy> Stream<M> {
    pub(super) fn append(
        &mut self,
        kind: Kind,
        bytes: &[u8],
        meta: M,
        (first, last): (bool, bool),
    ) {
        let chunk = Chunk {
            kind,
            seq: self.end,
            bytes: bytes.to_vec(),
            meta,
            whole: first && last,
            last,
            transmissions: 0,
            sent_ns: 0,
        };
        self.end = chunk.end();
        self.queue.push_back(chunk);
    }

    /// Bytes on their way.
    pub(super) fn flight(&self) -> u64 {
        self.queue.range(..self.sent).map(Chunk::length).sum()
    }

    /// Sends what the windows allow.
    pub(super) fn push(&mut self, now: u64, sink: &mut impl Sink<M>) {
        while let Some(next) = self.queue.get(self.sent) {
            if self.is_dead() || next.kind != Kind::Syn && self.phase != Phase::Open {
                return;
            }
            let flight = self.flight();
            let window = self.congestion.window.min(u64::from(WINDOW_BYTES));
            if flight > 0 && flight + next.length() > window {
                return;
            }
            self.transmit_next(now, sink);
        }
    }

    /// Sends the first piece that is not on its way.
    pub(super) fn transmit_next(&mut self, now: u64, sink: &mut impl Sink<M>) {
        if self.sent < self.queue.len() {
            let index = self.sent;
            self.sent += 1;
            self.transmit(index, now, sink);
        }
    }

    /// Sends the first piece again, without an expiry.
    pub(super) fn repeat_first(&mut self, now: u64, sink: &mut impl Sink<M>) {
        if self.sent > 0 {
            self.transmit(0, now, sink);
        }
    }

    fn transmit(&mut self, index: usize, now: u64, sink: &mut impl Sink<M>) {
        let acknowledges = self.phase != Phase::Opening;
        let ack = self.irs.wrapping_add(low(self.rcv));
        let Some(chunk) = self.queue.get_mut(index) else {
            return;
        };
        chunk.transmissions += 1;
        chunk.sent_ns = now;
        self.high = self.high.max(chunk.end());
        let segment = Segment {
            from_port: 0,
            to_port: 0,
            seq: self.isn.wrapping_add(low(chunk.seq)),
            ack: if acknowledges { ack } else { 0 },
            flags: Flags {
                syn: chunk.kind == Kind::Syn,
                fin: chunk.kind == Kind::Fin,
                ack: acknowledges,
                rst: false,
            },
            payload: &chunk.bytes,
        };
        let about = About {
            meta: chunk.meta,
            transmission: chunk.transmissions,
            whole: chunk.whole,
            last: chunk.last,
        };
        sink.emit(&segment, &about);
        self.ack_due = false;
        if self.deadline_ns.is_none() {
            self.deadline_ns = Some(now.saturating_add(self.rto.timeout_ns()));
        }
    }

    /// An acknowledgement of everything below `acked`.
    pub(super) fn acknowledge(&mut self, acked: u64, now: u64, sink: &mut impl Sink<M>) {
        let mut sample = None;
        while let Some(first) = self.queue.front()
            && first.end() <= acked
        {
            // Karn's rule: a segment that was sent twice measures nothing.
            sample = (first.transmissions == 1).then_some(first.sent_ns);
            if first.kind == Kind::Syn && first.transmissions > 1 {
                self.rto.opened_late(&self.settings);
            }
            if first.kind == Kind::Data && first.end() > self.delivered {
                sink.forged(first.meta);
            }
            self.queue.pop_front();
            self.sent = self.sent.saturating_sub(1);
        }
        if let Some(sent_ns) = sample {
            self.rto
                .measured(now.saturating_sub(sent_ns), &self.settings);
        }
        let bytes = acked - self.una;
        self.una = acked;
        self.timeouts = 0;
        let lost = self.congestion.advanced(acked, bytes);
        let outstanding = self.sent > 0;
        self.deadline_ns = outstanding.then(|| now.saturating_add(self.rto.timeout_ns()));
        if lost && outstanding {
            self.transmit(0, now, sink);
        }
    }

    /// The acknowledgement that was there before.
    pub(super) fn duplicate_ack(&mut self, now: u64, sink: &mut impl Sink<M>) {
        if self.sent == 0 {
            return;
        }
        let flight = self.flight();
        if self.congestion.repeated(self.una, self.high, flight) {
            self.transmit(0, now, sink);
        }
    }
}
