//! Drives machines by hand: no simulator, manual time, effects as lists.

use crate::address::{Address, Channel};
use crate::context::{Buffers, Context};
use crate::crypto::Crypto;
use crate::effect::{Effect, Effects};
use crate::entropy::Entropy;
use crate::machine::{Arg, Command, Incoming, Machine, StreamEvent, Timer};
use crate::output::Output;
use crate::storage::MemoryStorage;
use crate::time::LocalTime;

/// One machine with everything a driver owns: storage, entropy, clock, effects.
#[derive(Clone, Debug)]
pub struct Bench<M, E> {
    /// The machine.
    pub machine: M,
    /// Its durable storage; stores of effects are applied at once.
    pub storage: MemoryStorage,
    /// Its entropy.
    pub entropy: E,
    /// Its clock.
    pub now: LocalTime,
    /// The metered primitives of the last call.
    pub crypto: Crypto,
    effects: Effects,
    buffers: Buffers,
}

impl<M: Machine, E: Entropy> Bench<M, E> {
    /// A machine with the given storage and entropy, at time 0.
    pub fn new(machine: M, storage: MemoryStorage, entropy: E) -> Self {
        Self {
            machine,
            storage,
            entropy,
            now: LocalTime(0),
            crypto: Crypto::default(),
            effects: Effects::default(),
            buffers: Buffers::default(),
        }
    }

    /// Runs one call and applies its stores; the effects stay readable until the next call.
    pub fn call(&mut self, run: impl FnOnce(&mut M, &mut Context<'_>)) -> &Effects {
        self.effects.clear();
        self.crypto.meter.clear();
        let mut cx = Context {
            now: self.now,
            storage: &self.storage,
            entropy: &mut self.entropy,
            crypto: &mut self.crypto,
            effects: &mut self.effects,
            buffers: &mut self.buffers,
        };
        run(&mut self.machine, &mut cx);
        for effect in self.effects.iter() {
            if let Effect::Store { batch } = effect {
                batch.writes().for_each(|write| self.storage.apply(write));
            }
        }
        &self.effects
    }

    /// [`Machine::on_start`].
    pub fn start(&mut self) -> &Effects {
        self.call(|machine, cx| machine.on_start(cx))
    }

    /// [`Machine::on_message`] on the public channel.
    pub fn message(&mut self, from: Address, to: Address, bytes: &[u8]) -> &Effects {
        let incoming = Incoming {
            from,
            to,
            channel: Channel::Public,
            bytes,
        };
        self.call(|machine, cx| machine.on_message(incoming, cx))
    }

    /// [`Machine::on_message`] on the secure channel.
    pub fn secure_message(&mut self, from: Address, to: Address, bytes: &[u8]) -> &Effects {
        let incoming = Incoming {
            from,
            to,
            channel: Channel::Secure,
            bytes,
        };
        self.call(|machine, cx| machine.on_message(incoming, cx))
    }

    /// [`Machine::on_stream`].
    pub fn stream(&mut self, peer: Address, event: StreamEvent<'_>) -> &Effects {
        self.call(|machine, cx| machine.on_stream(peer, event, cx))
    }

    /// [`Machine::on_timer`].
    pub fn timer(&mut self, timer: Timer) -> &Effects {
        self.call(|machine, cx| machine.on_timer(timer, cx))
    }

    /// [`Machine::on_command`].
    pub fn command(&mut self, id: u8, peer: Option<Address>, args: &[Arg<'_>]) -> &Effects {
        self.call(|machine, cx| machine.on_command(&Command { id, peer, args }, cx))
    }

    /// [`Machine::on_restart`].
    pub fn restart(&mut self) -> &Effects {
        self.call(|machine, cx| machine.on_restart(cx))
    }
}

/// The bytes of all messages sent, in order.
#[must_use]
pub fn sent(effects: &Effects) -> Vec<Vec<u8>> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send { bytes, .. } => Some(bytes.to_vec()),
            _ => None,
        })
        .collect()
}

/// All outputs, in order.
#[must_use]
pub fn outputs(effects: &Effects) -> Vec<Output> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Output(output) => Some(output),
            _ => None,
        })
        .collect()
}

/// Reads hexadecimal digits; blanks are skipped.
///
/// # Panics
///
/// On anything that is no hexadecimal digit, and on an odd number of them.
#[must_use]
pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| {
            c.to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
                .expect("a hex digit")
        })
        .collect();
    assert!(
        digits.len().is_multiple_of(2),
        "an even number of hex digits"
    );
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}
