//! Everything a machine may see and touch during one call.

use crate::address::{Address, Channel, Destination};
use crate::crypto::Crypto;
use crate::effect::{BatchWriter, Effects};
use crate::entropy::{self, Entropy};
use crate::machine::Timer;
use crate::meter::Primitive;
use crate::output::{Output, Principal, Reason, Scope, Tag};
use crate::storage::Storage;
use crate::time::{LocalTime, Span};

/// What a machine is given for one call.
///
/// The parts are public so that a machine may read storage while it computes and writes effects.
pub struct Context<'a> {
    /// The node's own clock, read once at the start of the call.
    pub now: LocalTime,
    /// Durable storage, as it was at the start of the call.
    pub storage: &'a dyn Storage,
    /// The only source of randomness; draw through [`Context::random`] and [`Context::uniform`].
    pub entropy: &'a mut dyn Entropy,
    /// Metered primitives.
    pub crypto: &'a mut Crypto,
    /// The outbox.
    pub effects: &'a mut Effects,
    /// Memory for state that lasts from one call to a later one.
    pub buffers: &'a mut Buffers,
}

impl Context<'_> {
    /// Sets the phase that the following operations are counted for.
    pub fn phase(&mut self, phase: u8) {
        self.crypto.meter.phase(phase);
    }

    /// Draws random bytes: one request of exactly `out.len()` bytes.
    pub fn random(&mut self, out: &mut [u8]) {
        self.crypto.meter.add(Primitive::Random, 1, out.len());
        self.entropy.fill(out);
    }

    /// Draws an integer uniform in `0..below` (see [`entropy::uniform`]).
    pub fn uniform(&mut self, below: u64) -> u64 {
        if below > 1 {
            let bits = u64::BITS - (below - 1).leading_zeros();
            self.crypto
                .meter
                .add(Primitive::Random, 1, bits.div_ceil(8) as usize);
        }
        entropy::uniform(self.entropy, below)
    }

    fn mark(&self) -> u32 {
        self.crypto.meter.mark()
    }

    /// Sends one datagram of the bytes that `write` appends.
    pub fn send(
        &mut self,
        from_port: u16,
        to: Address,
        channel: Channel,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        self.send_to(from_port, Destination::Address(to), channel, write);
    }

    /// Sends one datagram, broadcast or stream record of the bytes that `write` appends.
    pub fn send_to(
        &mut self,
        from_port: u16,
        to: Destination,
        channel: Channel,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let mark = self.mark();
        self.effects.send(mark, from_port, to, channel, write);
    }

    /// Opens a stream to `to`.
    pub fn open_stream(&mut self, to: Address) {
        let mark = self.mark();
        self.effects.open_stream(mark, to);
    }

    /// Closes the stream whose far end is `to`.
    pub fn close_stream(&mut self, to: Address) {
        let mark = self.mark();
        self.effects.close_stream(mark, to);
    }

    /// Arms `timer`, replacing it if it is armed.
    pub fn arm(&mut self, timer: Timer, after: Span) {
        let mark = self.mark();
        self.effects.arm(mark, timer, after);
    }

    /// Cancels `timer`.
    pub fn cancel(&mut self, timer: Timer) {
        let mark = self.mark();
        self.effects.cancel(mark, timer);
    }

    /// Writes durable records in place: a power cut leaves a prefix of the bytes.
    pub fn store(&mut self, fill: impl FnOnce(&mut BatchWriter<'_>)) {
        let mark = self.mark();
        self.effects.store(mark, false, fill);
    }

    /// Writes durable records as one atomic batch: all or nothing.
    pub fn store_atomic(&mut self, fill: impl FnOnce(&mut BatchWriter<'_>)) {
        let mark = self.mark();
        self.effects.store(mark, true, fill);
    }

    /// Tells the observers something.
    pub fn output(&mut self, output: Output) {
        let mark = self.mark();
        self.effects.output(mark, output);
    }

    /// Says that something was refused.
    pub fn reject(
        &mut self,
        scope: Scope,
        reason: impl Into<Reason>,
        peer: Option<Principal>,
        session: Option<Tag>,
    ) {
        self.output(Output::Rejected {
            peer,
            session,
            scope,
            reason: reason.into(),
        });
    }

    /// Ignores everything until the next restart, and says so.
    pub fn halt(&mut self) {
        self.output(Output::Halted);
        let mark = self.mark();
        self.effects.halt(mark);
    }
}

impl From<&'static str> for Reason {
    fn from(word: &'static str) -> Self {
        Self::new(word)
    }
}

/// A pool of byte buffers for state that lives only while a handshake runs.
///
/// A machine takes a buffer when it leaves its idle state and gives it back when it returns, so
/// that an idle party holds no memory and a busy world allocates nothing new. A buffer that is not
/// given back (a crash) is simply freed.
#[derive(Clone, Debug, Default)]
pub struct Buffers {
    free: Vec<Vec<u8>>,
}

/// More idle buffers than this are freed rather than kept.
const KEPT_MAX: usize = 4096;

impl Buffers {
    /// An empty buffer; it may have capacity from earlier use.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_default()
    }

    /// Gives a buffer back.
    pub fn give(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() > 0 && self.free.len() < KEPT_MAX {
            buffer.clear();
            self.free.push(buffer);
        }
    }
}
