//! In the steady state machines allocate nothing: their buffers come from the pool.

use super::super::*;
use super::support::*;
use crate::address::Address;
use crate::context::{Buffers, Context};
use crate::crypto::Crypto;
use crate::effect::{Effect, Effects};
use crate::machine::{Command, Incoming, Machine};
use crate::storage::{MemoryStorage, Record, Storage, Write};
use crate::{Channel, Destination, LocalTime};

/// Two records whose bytes are overwritten in place, as flash would be.
struct Flash([(Record, Vec<u8>); 2]);

impl Flash {
    fn new(storage: &MemoryStorage) -> Self {
        let mut records = storage.iter();
        let mut next = || {
            let found = records
                .next()
                .map(|(record, bytes)| (record, bytes.to_vec()));
            found.unwrap_or((Record::new(vault::VAULTS, 1), Vec::new()))
        };
        Self([next(), next()])
    }
}

impl Storage for Flash {
    fn read(&self, record: Record) -> Option<&[u8]> {
        let found = self.0.iter().find(|(known, _)| *known == record);
        found
            .map(|(_, bytes)| &bytes[..])
            .filter(|bytes| !bytes.is_empty())
    }

    fn next(&self, _table: u8, _from: u32) -> Option<Record> {
        None
    }
}

/// A machine with its storage and entropy; everything else is shared.
struct Node<M> {
    machine: M,
    flash: Flash,
    entropy: Seeded,
}

#[derive(Default)]
struct Shared {
    crypto: Crypto,
    effects: Effects,
    buffers: Buffers,
    /// The frame on its way.
    frame: Vec<u8>,
}

impl Shared {
    /// One call; the last frame sent is on its way afterwards, stores are carried out.
    fn call<M: Machine>(
        &mut self,
        node: &mut Node<M>,
        run: impl FnOnce(&mut M, &[u8], &mut Context<'_>),
    ) {
        self.effects.clear();
        self.crypto.meter.clear();
        let mut cx = Context {
            now: LocalTime(0),
            storage: &node.flash,
            entropy: &mut node.entropy,
            crypto: &mut self.crypto,
            effects: &mut self.effects,
            buffers: &mut self.buffers,
        };
        run(&mut node.machine, &self.frame, &mut cx);
        for effect in self.effects.iter() {
            match effect {
                Effect::Send {
                    bytes,
                    to: Destination::Address(_),
                    ..
                } => {
                    self.frame.clear();
                    self.frame.extend_from_slice(bytes);
                }
                Effect::Store { batch } => {
                    for write in batch.writes() {
                        let Write::Put(record, bytes) = write else {
                            continue;
                        };
                        let slot = node.flash.0.iter_mut().find(|(known, _)| *known == record);
                        let (_, held) = slot.expect("a known record");
                        held.clear();
                        held.extend_from_slice(bytes);
                    }
                }
                _ => {}
            }
        }
    }

    fn deliver<M: Machine>(&mut self, node: &mut Node<M>, from: Address, to: Address) {
        self.call(node, |machine, frame, cx| {
            let incoming = Incoming {
                from,
                to,
                channel: Channel::Public,
                bytes: frame,
            };
            machine.on_message(incoming, cx);
        });
    }

    fn handshake<D: Machine, S: Machine>(&mut self, device: &mut Node<D>, server: &mut Node<S>) {
        self.call(device, |machine, _, cx| {
            let command = Command {
                id: AUTHENTICATE_COMMAND,
                peer: None,
                args: &[],
            };
            machine.on_command(&command, cx);
        });
        for _ in 0..2 {
            self.deliver(server, device_at(1), SERVER_AT);
            self.deliver(device, SERVER_AT, device_at(1));
        }
        assert_eq!(device.machine.state(), "SESSION");
    }
}

fn allocations<D: Machine, S: Machine>(mut world: World<Seeded, D, S>) -> u64 {
    let first = world.devices.remove(0);
    let mut device = Node {
        flash: Flash::new(&first.storage),
        machine: first.machine,
        entropy: first.entropy,
    };
    let mut server = Node {
        flash: Flash::new(&world.server.storage),
        machine: world.server.machine,
        entropy: world.server.entropy,
    };
    let mut shared = Shared::default();
    // The pool hands its buffers out in turns: after some rounds each has met its largest use.
    for _ in 0..30 {
        shared.handshake(&mut device, &mut server);
    }
    let counted = allocation_counter::measure(|| {
        for _ in 0..20 {
            shared.handshake(&mut device, &mut server);
        }
    });
    counted.count_total
}

#[test]
fn handshakes_in_the_steady_state_allocate_nothing() {
    assert_eq!(allocations(World::new(&[])), 0);
    assert_eq!(allocations(HardenedWorld::hardened(1, &[])), 0);
}
