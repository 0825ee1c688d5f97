//! The receiving half: bytes into order, and acknowledgements.

use super::{About, Flags, Segment, Sink, Stream, low};
use crate::host::transport::segment::WINDOW_BYTES;

/// Most segments that are kept ahead of a hole.
const EARLY_MAX: usize = 1024;

/// A segment that came before the bytes in front of it.
#[derive(Clone, Debug)]
pub(super) struct Early<M> {
    start: u64,
    bytes: Vec<u8>,
    fin: bool,
    meta: M,
}

impl<M: Copy> Stream<M> {
    /// Takes payload and FIN of a segment.
    pub(super) fn take_data(&mut self, segment: &Segment<'_>, meta: M, sink: &mut impl Sink<M>) {
        let length = segment.payload.len() as u64;
        let start = self.offset(segment.seq);
        let fits = start.is_some_and(|start| start + length <= self.rcv + u64::from(WINDOW_BYTES));
        let (Some(start), true, false) = (start, fits, self.peer_done) else {
            self.acknowledge_now(sink);
            return;
        };
        if start > self.rcv {
            self.keep_early(start, segment, meta);
            // Says at once that something is missing.
            self.acknowledge_now(sink);
            return;
        }
        if start + length + u64::from(segment.flags.fin) <= self.rcv {
            self.acknowledge_now(sink);
            return;
        }
        let filled_a_hole = !self.early.is_empty();
        self.take(start, segment.payload, segment.flags.fin, meta, sink);
        while let Some(at) = self.early.iter().position(|early| early.start <= self.rcv) {
            let early = self.early.remove(at);
            self.take(early.start, &early.bytes, early.fin, early.meta, sink);
        }
        self.ack_due = true;
        if filled_a_hole {
            self.acknowledge_now(sink);
        }
    }

    fn take(&mut self, start: u64, bytes: &[u8], fin: bool, meta: M, sink: &mut impl Sink<M>) {
        let known = usize::try_from(self.rcv.saturating_sub(start)).unwrap_or(usize::MAX);
        let fresh = bytes.get(known..).unwrap_or(&[]);
        if !fresh.is_empty() {
            self.rcv += fresh.len() as u64;
            sink.bytes(fresh, meta, self.rcv);
        }
        if fin && !self.peer_done && start + bytes.len() as u64 == self.rcv {
            self.rcv += 1;
            self.peer_done = true;
            self.early.clear();
            sink.closed();
        }
    }

    fn keep_early(&mut self, start: u64, segment: &Segment<'_>, meta: M) {
        let known = self.early.iter().any(|early| early.start == start);
        if known || self.early.len() >= EARLY_MAX {
            return;
        }
        self.early.push(Early {
            start,
            bytes: segment.payload.to_vec(),
            fin: segment.flags.fin,
            meta,
        });
    }

    /// Sends an acknowledgement of its own.
    pub(super) fn acknowledge_now(&mut self, sink: &mut impl Sink<M>) {
        self.ack_due = false;
        let segment = Segment {
            from_port: 0,
            to_port: 0,
            seq: self.isn.wrapping_add(low(self.high)),
            ack: self.irs.wrapping_add(low(self.rcv)),
            flags: Flags {
                ack: true,
                ..Flags::default()
            },
            payload: &[],
        };
        let about = About {
            meta: self.meta,
            transmission: 1,
            whole: false,
            last: false,
        };
        sink.emit(&segment, &about);
    }
}
