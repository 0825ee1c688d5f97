//! The client's end of the stream: records out of bytes, and how the stream ends.

use super::{Client, State};
use crate::context::Context;
use crate::machine::Timer;
use crate::output::{Reason, Scope};
use crate::ratchet::records::{self, Record};
use crate::ratchet::timer;

impl Client {
    /// Bytes of the stream arrived.
    pub(super) fn feed(&mut self, bytes: &[u8], cx: &mut Context<'_>) {
        let mut waiting = core::mem::take(&mut self.partial);
        let waited = !waiting.is_empty();
        if waited {
            waiting.extend_from_slice(bytes);
        }
        let whole = if waited { &waiting[..] } else { bytes };
        let mut rest = whole;
        while self.stream
            && !self.halted
            && let Some((record, after)) = records::next(rest, self.params.max_frame)
        {
            rest = after;
            match record {
                Record::Frame(frame) => self.on_frame(frame, cx),
                Record::Close | Record::Oversize => self.closed(cx),
            }
        }
        let consumed = if self.stream {
            whole.len() - rest.len()
        } else {
            whole.len()
        };
        self.partial = records::rest(cx.buffers, waiting, bytes, consumed);
        let stall = Timer::only(timer::STALL);
        match self.params.frame_stall {
            Some(_) if waited && self.partial.is_empty() => cx.cancel(stall),
            // The age of a record counts from its first byte.
            Some(after) if !self.partial.is_empty() && (!waited || consumed > 0) => {
                cx.arm(stall, after)
            }
            _ => {}
        }
    }

    /// C9: the server ended the stream, or what counts as that.
    pub(super) fn closed(&mut self, cx: &mut Context<'_>) {
        if self.open() {
            self.refuse(cx, Scope::Attempt, "closed");
        }
        self.end(cx, Reason::new("closed"), State::Terminated, false);
    }

    /// Closes the stream, where there is one; `says_close`: with a `CLOSE` record, unless nothing
    /// could be sent yet.
    pub(super) fn hang_up(&mut self, cx: &mut Context<'_>, says_close: bool) {
        if !self.partial.is_empty() {
            cx.buffers.give(core::mem::take(&mut self.partial));
            if self.params.frame_stall.is_some() {
                cx.cancel(Timer::only(timer::STALL));
            }
        }
        if !core::mem::take(&mut self.stream) {
            return;
        }
        let opened = self
            .session
            .as_ref()
            .is_some_and(|session| !session.sent.is_empty());
        if says_close && opened {
            records::send_close(cx, self.server);
        }
        cx.close_stream(self.server);
    }
}
