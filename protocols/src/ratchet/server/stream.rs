//! The server's end of the streams: records out of bytes, and how a stream ends.

use super::Server;
use super::peers::Peer;
use super::session::Place;
use crate::address::Address;
use crate::context::Context;
use crate::machine::Timer;
use crate::output::Reason;
use crate::ratchet::choice::{Defence, Variant};
use crate::ratchet::records::{self, Record};
use crate::ratchet::timer;

/// What a server that sets itself no limit runs into: the connections that its system gives it.
const SYSTEM_ADDRESSES_MAX: usize = 2048;

impl Server {
    /// Notes an address; the one idle longest is forgotten when there are too many.
    pub(super) fn meet(&mut self, cx: &mut Context<'_>, address: Address) {
        let full = self
            .params
            .addresses_max
            .is_some_and(|most| self.peers.len() >= most);
        if self.params.lacks(Defence::Caps) && self.peers.len() >= SYSTEM_ADDRESSES_MAX {
            return self.halt(cx);
        }
        if full
            && self.peers.slot(address).is_none()
            && let Some(idlest) = self.peers.idlest()
        {
            let reason = Reason::new("forgotten");
            self.hang_up(cx, idlest, true);
            self.forget_at(cx, idlest, reason);
            self.drop_peer(cx, idlest);
        }
        self.peers.touch(address);
    }

    /// Bytes of a stream arrived.
    pub(super) fn feed(&mut self, peer: Address, bytes: &[u8], cx: &mut Context<'_>) {
        self.meet(cx, peer);
        let Some(slot) = self.peers.slot(peer) else {
            return;
        };
        let mut waiting = self
            .peers
            .get_mut(peer)
            .map(Peer::take_partial)
            .unwrap_or_default();
        let waited = !waiting.is_empty();
        if waited {
            waiting.extend_from_slice(bytes);
        }
        let whole = if waited { &waiting[..] } else { bytes };
        let mut rest = whole;
        while !self.halted
            && self.peers.slot(peer).is_some()
            && let Some((record, after)) = records::next(rest, self.params.max_frame)
        {
            rest = after;
            match record {
                Record::Frame(frame) => self.on_frame(peer, frame, cx),
                Record::Close => self.closed(cx, peer, Reason::new("closed")),
                Record::Oversize => self.closed(cx, peer, Reason::new("oversize")),
            }
        }
        let open = self.peers.slot(peer).is_some();
        let consumed = if open {
            whole.len() - rest.len()
        } else {
            whole.len()
        };
        let partial = records::rest(cx.buffers, waiting, bytes, consumed);
        let stall = Timer {
            kind: timer::STALL,
            key: slot,
        };
        match self.params.frame_stall {
            Some(_) if waited && partial.is_empty() => cx.cancel(stall),
            // The age of a record counts from its first byte.
            Some(after) if !partial.is_empty() && (!waited || consumed > 0) => cx.arm(stall, after),
            _ => {}
        }
        if let Some(entry) = self.peers.get_mut(peer) {
            entry.partial = partial;
        }
    }

    /// S1: the peer ended the stream, or what counts as that.
    pub(super) fn closed(&mut self, cx: &mut Context<'_>, address: Address, reason: Reason) {
        let Some(entry) = self.peers.get_mut(address) else {
            return;
        };
        let last = entry.last_id;
        if self.params.is(Variant::Literal) {
            // The prototype deletes by the last id seen here, whoever owns it by now.
            if let Some(id) = last {
                self.forget(cx, Place::Live(id), reason);
            }
        } else {
            self.forget_at(cx, address, reason);
        }
        self.hang_up(cx, address, false);
        self.drop_peer(cx, address);
    }

    /// An incomplete record is too old.
    pub(super) fn stalled(&mut self, cx: &mut Context<'_>, slot: u32) {
        let Some(address) = self.peers.address(slot) else {
            return;
        };
        let partial = self.peers.get_mut(address).map(Peer::take_partial);
        if let Some(partial) = partial.filter(|partial| !partial.is_empty()) {
            cx.buffers.give(partial);
            self.closed(cx, address, Reason::new("stalled"));
        }
    }

    /// Closes a stream; `says_close`: with a `CLOSE` record. Datagrams have no end.
    pub(super) fn hang_up(&self, cx: &mut Context<'_>, address: Address, says_close: bool) {
        if !self.params.streams() {
            return;
        }
        if says_close {
            records::send_close(cx, address);
        }
        cx.close_stream(address);
    }

    /// Forgets an address, its incomplete record and its timer.
    pub(super) fn drop_peer(&mut self, cx: &mut Context<'_>, address: Address) {
        let Some((slot, peer)) = self.peers.remove(address) else {
            return;
        };
        if !peer.partial.is_empty() && self.params.frame_stall.is_some() {
            cx.cancel(Timer {
                kind: timer::STALL,
                key: slot,
            });
        }
        cx.buffers.give(peer.partial);
    }
}
