//! Random and mutated inputs, drawn from a seed: frames that look like a protocol's own, pieces of
//! recorded ones, plain noise, and commands with arguments good and bad.

use protocols::machine::{Arg, Command};
use protocols::wire::{Layout, Width};
use protocols::{Address, Channel};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::sockets::honest::Cast;
use crate::world::{Input, Load, World};

/// Frames kept for mutation; a new one replaces an older one.
const KEPT_MAX: usize = 256;

/// Longest random part of a frame: longer than every declared field but application data.
const PART_MAX: u64 = 600;

/// Longest datagram over IPv4, now and then.
const DATAGRAM_MAX: u64 = 65_507;

/// A source of hostile inputs for one protocol.
pub(crate) struct Noise {
    rng: ChaCha8Rng,
    layouts: Vec<Layout>,
    frames: Vec<Vec<u8>>,
}

impl Noise {
    /// Inputs that follow from `seed`; `frames` are recorded ones to mutate.
    pub(crate) fn new(seed: u64, cast: &Cast, frames: Vec<Vec<u8>>) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            layouts: cast.instance.layouts().to_vec(),
            frames,
        }
    }

    /// A number in 0..`limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.rng.next_u64() % limit.max(1)
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    fn random(&mut self, length: u64) -> Vec<u8> {
        let mut bytes = vec![0; length as usize];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// Public, mostly.
    pub(crate) fn channel(&mut self) -> Channel {
        if self.chance(4) {
            Channel::Secure
        } else {
            Channel::Public
        }
    }

    /// An address that an input claims to come from: a peer's, mostly.
    pub(crate) fn far(&mut self, own: Address, world: &World) -> Address {
        let index = self.below(world.nodes.len() as u64) as usize;
        match self.below(16) {
            0 => own,
            1 => Address::new(self.below(1 << 32) as u32, self.below(1 << 16) as u16),
            2 => Address::new(world.nodes[index].address.host, self.below(1 << 16) as u16),
            _ => world.nodes[index].address,
        }
    }

    /// Keeps a frame for mutation.
    pub(crate) fn keep(&mut self, load: &Load) {
        if let Load::Datagram(bytes) | Load::Bytes(bytes) = load {
            if self.frames.len() < KEPT_MAX {
                self.frames.push(bytes.clone());
            } else {
                let place = self.below(KEPT_MAX as u64) as usize;
                self.frames[place].clone_from(bytes);
            }
        }
    }

    /// A frame: recorded and unchanged, recorded and changed, laid out like a message with random
    /// fields, or noise.
    pub(crate) fn frame(&mut self) -> Vec<u8> {
        match self.below(20) {
            0..2 => self.recorded(),
            2..11 => {
                let frame = self.recorded();
                self.changed(frame)
            }
            11..17 => self.laid_out(),
            17..19 => {
                let length = self.below(PART_MAX);
                self.random(length)
            }
            _ if self.chance(50) => {
                let length = self.below(DATAGRAM_MAX + 1);
                self.random(length)
            }
            _ => {
                let length = self.below(8);
                self.random(length)
            }
        }
    }

    fn recorded(&mut self) -> Vec<u8> {
        let place = self.below(self.frames.len() as u64) as usize;
        self.frames.get(place).cloned().unwrap_or_default()
    }

    fn changed(&mut self, mut frame: Vec<u8>) -> Vec<u8> {
        for _ in 0..=self.below(3) {
            let place = self.below(frame.len() as u64) as usize;
            match self.below(8) {
                0..3 => {
                    let bit = 1 << self.below(8);
                    if let Some(byte) = frame.get_mut(place) {
                        *byte ^= bit;
                    }
                }
                3 => {
                    // Edges of length fields and numbers.
                    let edge = [0, 1, 0x7F, 0x80, 0xFF][self.below(5) as usize];
                    if let Some(byte) = frame.get_mut(place) {
                        *byte = edge;
                    }
                }
                4 => frame.truncate(place),
                5 => {
                    let more = self.below(40);
                    frame.extend(self.random(more));
                }
                6 => {
                    let other = self.recorded();
                    let from = self.below(other.len() as u64 + 1) as usize;
                    frame.truncate(place);
                    frame.extend_from_slice(&other[from..]);
                }
                _ => {
                    let tag = self.below(80) as u8;
                    if let Some(byte) = frame.first_mut() {
                        *byte = tag;
                    }
                }
            }
        }
        frame
    }

    /// A frame with the tag and widths of a message and random fields.
    fn laid_out(&mut self) -> Vec<u8> {
        let place = self.below(self.layouts.len() as u64) as usize;
        let Some(layout) = self.layouts.get(place).cloned() else {
            return Vec::new();
        };
        let mut frame = Vec::new();
        let mut starts = Vec::new();
        for (index, field) in layout.fields.iter().enumerate() {
            starts.push(frame.len());
            let width = match field.width {
                Width::Fixed(width) => u64::from(width),
                Width::Counted { field, unit } => {
                    let start = starts.get(usize::from(field)).copied().unwrap_or(0);
                    let end = starts.get(usize::from(field) + 1).copied().unwrap_or(start);
                    let count = frame[start..end]
                        .iter()
                        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
                    count.saturating_mul(u64::from(unit)).min(PART_MAX)
                }
                Width::Rest {
                    min,
                    max,
                    multiple_of,
                } => {
                    let span = u64::from(max.saturating_sub(min)).min(PART_MAX);
                    let more = self.below(span + 1);
                    u64::from(min) + more - more % u64::from(multiple_of.max(1))
                }
            };
            frame.extend(self.random(width));
            if index == 0
                && let (Some(tag), Some(first)) = (layout.tag, frame.first_mut())
            {
                *first = tag;
            }
        }
        frame
    }

    /// The length that is announced before a record: the right one, mostly.
    pub(crate) fn record_length(&mut self, record: &[u8]) -> [u8; 4] {
        let right = record.len() as u32;
        match self.below(10) {
            0 => self.below(1 << 32) as u32,
            1 => right.wrapping_add(self.below(9) as u32).wrapping_sub(4),
            _ => right,
        }
        .to_be_bytes()
    }

    /// Gives a command, known or not, with arguments good or bad.
    pub(crate) fn command(&mut self, world: &mut World, party: usize) {
        let commands = world.cast.protocol.commands().len() as u64;
        let id = self.below(commands + 1) as u8;
        let own = world.nodes[party].address;
        let peer = self.far(own, world);
        let length = [0, 1, 5, 16, 40, 1024, 1025, 5000][self.below(8) as usize];
        let bytes = match self.below(3) {
            0 => b"21.5, 3".to_vec(),
            _ => self.random(length),
        };
        let arg = |pick| match pick {
            0 => Arg::Bytes(&bytes),
            1 => Arg::Integer(length),
            _ => Arg::Default,
        };
        let args = [arg(self.below(4)), arg(self.below(4))];
        let command = Command {
            id,
            peer: (!self.chance(8)).then_some(peer),
            args: &args[..self.below(3) as usize],
        };
        world.handle(party, &Input::Command(command));
    }
}
