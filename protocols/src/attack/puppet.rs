//! A machine of the protocol in an attacker's hands, on the storage that it was granted.

use crate::address::{Address, Channel, Destination};
use crate::context::{Buffers, Context};
use crate::effect::{Effect, Effects};
use crate::machine::{Command, Incoming, Timer};
use crate::output::Output;
use crate::protocol::Instance;
use crate::registry::Column;
use crate::roster::Roster;
use crate::storage::{MemoryStorage, Write};
use crate::time::Span;

use super::{AttackContext, Grant};

/// What a puppet wanted done; storage has been written already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It sends a frame.
    Send {
        /// Its own port.
        from_port: u16,
        /// Where to.
        to: Address,
        /// Over which channel.
        channel: Channel,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// It arms a timer.
    Arm(Timer, Span),
    /// It takes a timer back.
    Cancel(Timer),
    /// It makes a statement. Nobody else hears it: it is no proof of anything.
    Output(Output),
}

/// One machine with storage of its own, called by hand.
#[derive(Clone, Debug)]
pub struct Puppet {
    column: Column,
    member: usize,
    storage: MemoryStorage,
    effects: Effects,
    buffers: Buffers,
}

impl Puppet {
    /// The machine of party `party` (index in [`Roster::parties`]) on nothing stored.
    #[must_use]
    pub fn new(instance: &dyn Instance, roster: &Roster, party: usize) -> Option<Self> {
        let member = roster.parties.get(party)?;
        Some(Self {
            column: instance.machines(roster, member.group as usize),
            member: member.member as usize,
            storage: MemoryStorage::default(),
            effects: Effects::default(),
            buffers: Buffers::default(),
        })
    }

    /// Takes over a granted snapshot of durable storage.
    pub fn install(&mut self, grant: &Grant) {
        for value in &grant.values {
            if let Some(record) = value.record {
                self.storage.apply(Write::Put(record, &value.bytes));
            }
        }
    }

    /// Its storage.
    pub const fn storage(&mut self) -> &mut MemoryStorage {
        &mut self.storage
    }

    /// The name of the state it is in.
    #[must_use]
    pub fn state(&self) -> &'static str {
        self.column.state(self.member)
    }

    /// It starts.
    pub fn start(&mut self, cx: &mut AttackContext<'_>) -> Vec<Said> {
        self.call(cx, |column, member, cx| column.on_start(member, cx))
    }

    /// It gets a frame.
    pub fn message(&mut self, incoming: Incoming<'_>, cx: &mut AttackContext<'_>) -> Vec<Said> {
        self.call(cx, |column, member, cx| {
            column.on_message(member, incoming, cx);
        })
    }

    /// One of its timers expires.
    pub fn timer(&mut self, timer: Timer, cx: &mut AttackContext<'_>) -> Vec<Said> {
        self.call(cx, |column, member, cx| column.on_timer(member, timer, cx))
    }

    /// It is asked for something.
    pub fn command(&mut self, command: &Command<'_>, cx: &mut AttackContext<'_>) -> Vec<Said> {
        self.call(cx, |column, member, cx| {
            column.on_command(member, command, cx);
        })
    }

    fn call(
        &mut self,
        cx: &mut AttackContext<'_>,
        run: impl FnOnce(&mut Column, usize, &mut Context<'_>),
    ) -> Vec<Said> {
        self.effects.clear();
        cx.crypto.meter.clear();
        let mut inner = Context {
            now: cx.now,
            storage: &self.storage,
            entropy: cx.entropy,
            crypto: cx.crypto,
            effects: &mut self.effects,
            buffers: &mut self.buffers,
        };
        run(&mut self.column, self.member, &mut inner);
        let mut said = Vec::new();
        for effect in self.effects.iter() {
            match effect {
                Effect::Send {
                    from_port,
                    to: Destination::Address(to) | Destination::Stream(to),
                    channel,
                    bytes,
                } => said.push(Said::Send {
                    from_port,
                    to,
                    channel,
                    bytes: bytes.to_vec(),
                }),
                Effect::Send { .. }
                | Effect::OpenStream { .. }
                | Effect::CloseStream { .. }
                | Effect::Halt => {}
                Effect::Arm { timer, after } => said.push(Said::Arm(timer, after)),
                Effect::Cancel { timer } => said.push(Said::Cancel(timer)),
                Effect::Store { batch } => {
                    batch.writes().for_each(|write| self.storage.apply(write));
                }
                Effect::Output(output) => said.push(Said::Output(output)),
            }
        }
        said
    }
}
