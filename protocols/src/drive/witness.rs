//! What a driven call shows: its input, what it computed, and its effects.

use crate::address::Address;
use crate::crypto::trace::Work;
use crate::effect::{Effect, Effects};
use crate::machine::{Command, Incoming, StreamEvent, Timer};
use crate::meter::{Operation, Primitive};
use crate::time::LocalTime;

/// What a machine was called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// The node starts.
    Start,
    /// A datagram arrived: message `number` of the drive, counted from 0 in the order of sending.
    Message {
        /// Which message.
        number: u64,
        /// The datagram.
        incoming: Incoming<'a>,
    },
    /// Something happened to a stream.
    Stream {
        /// Which message, where it carries bytes.
        number: Option<u64>,
        /// The far end.
        peer: Address,
        /// What happened.
        event: StreamEvent<'a>,
    },
    /// A timer expired.
    Timer(Timer),
    /// The application asked.
    Command(Command<'a>),
    /// Power came back.
    Restart,
}

/// One call of a machine.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Index of the party in the roster.
    pub party: usize,
    /// Its clock.
    pub now: LocalTime,
    /// What it was called with.
    pub input: Input<'a>,
    /// What it computed, in order, without durable writes.
    pub operations: &'a [Operation],
    /// Inputs and outputs of what it computed; empty unless [`super::Pump::trace`] was called.
    pub work: &'a [Work],
    /// What it wants done.
    pub effects: &'a Effects,
}

impl Call<'_> {
    /// What the call cost, in order: its operations, and each store as a durable write in the phase
    /// of the operation before it (the first phase where there is none).
    pub fn costs(&self) -> impl Iterator<Item = Operation> + '_ {
        let mut costs = Vec::with_capacity(self.operations.len() + 1);
        let mut done = 0;
        for index in 0..self.effects.len() {
            let (mark, effect) = self.effects.get(index);
            let mark = (mark as usize).min(self.operations.len());
            costs.extend_from_slice(&self.operations[done..mark]);
            done = mark;
            if let Effect::Store { batch } = effect {
                costs.push(Operation {
                    primitive: Primitive::DurableWrite,
                    phase: done
                        .checked_sub(1)
                        .map_or(0, |last| self.operations[last].phase),
                    count: 1,
                    bytes: u32::try_from(batch.size()).unwrap_or(u32::MAX),
                });
            }
        }
        costs.extend_from_slice(&self.operations[done..]);
        costs.into_iter()
    }
}

/// Sees every call of a drive, before its effects are carried out.
pub trait Witness {
    /// A machine was called.
    fn saw(&mut self, call: &Call<'_>);
}

/// A witness that looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Witness for Silent {
    fn saw(&mut self, _call: &Call<'_>) {}
}
