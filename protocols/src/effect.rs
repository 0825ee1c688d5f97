//! What a machine wants done: values, in order, owned and reused by the driver.
//!
//! A machine appends effects through its [`crate::Context`]; the driver reads them back in the
//! order of emission as [`Effect`] values, which tests compare and print. The bytes of all effects
//! of a call lie in one buffer, so that a steady state allocates nothing.

use crate::address::{Address, Channel, Destination};
use crate::machine::Timer;
use crate::output::Output;
use crate::storage::{Record, Write};
use crate::time::Span;

/// One effect, borrowed from the [`Effects`] it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<'a> {
    /// Send one datagram or one record on a stream.
    Send {
        /// Own port; meaningless on a stream.
        from_port: u16,
        /// Where to.
        to: Destination,
        /// Public or secure channel.
        channel: Channel,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Open a stream to an address; [`crate::StreamEvent::Opened`] follows.
    OpenStream {
        /// The far end.
        to: Address,
    },
    /// Close the stream whose far end is this address.
    CloseStream {
        /// The far end.
        to: Address,
    },
    /// Arm a timer; one that is armed already is replaced.
    Arm {
        /// The timer.
        timer: Timer,
        /// How long from now, on the node's oscillator.
        after: Span,
    },
    /// Cancel a timer; nothing happens when it is not armed.
    Cancel {
        /// The timer.
        timer: Timer,
    },
    /// Write durable records; the effects after it wait until it has ended.
    Store {
        /// The writes, in order.
        batch: Batch<'a>,
    },
    /// Tell the observers something.
    Output(Output),
    /// Ignore everything until the next restart.
    Halt,
}

#[derive(Clone, Copy, Debug)]
struct Bytes {
    start: u32,
    end: u32,
}

#[derive(Clone, Copy, Debug)]
enum Item {
    Send {
        from_port: u16,
        to: Destination,
        channel: Channel,
        bytes: Bytes,
    },
    OpenStream {
        to: Address,
    },
    CloseStream {
        to: Address,
    },
    Arm {
        timer: Timer,
        after: Span,
    },
    Cancel {
        timer: Timer,
    },
    Store {
        atomic: bool,
        first: u32,
        last: u32,
    },
    Output(Output),
    Halt,
}

#[derive(Clone, Copy, Debug)]
enum Line {
    Put(Record, Bytes),
    Delete(Record),
}

/// The ordered effects of one call of a machine.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    items: Vec<(u32, Item)>,
    lines: Vec<Line>,
    bytes: Vec<u8>,
}

/// Room that stays reserved between calls, effects. A server that starts tells of every peer at once,
/// which for a million of them is 100 MB that no later call needs.
const KEPT_MAX: usize = 4096;

impl Effects {
    /// Forgets all effects and keeps as much memory as an ordinary call needs.
    pub fn clear(&mut self) {
        self.items.clear();
        self.lines.clear();
        self.bytes.clear();
        self.items.shrink_to(KEPT_MAX);
        self.lines.shrink_to(KEPT_MAX);
        self.bytes.shrink_to(KEPT_MAX * 64);
    }

    /// Number of effects.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.items.len()
    }

    /// True when there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The effects in the order of emission.
    pub fn iter(&self) -> impl Iterator<Item = Effect<'_>> {
        (0..self.items.len()).map(|index| self.get(index).1)
    }

    /// Effect `index`, 0 first, with the number of metered operations that precede it.
    ///
    /// # Panics
    ///
    /// When `index` is [`Effects::len`] or more.
    #[must_use]
    #[inline]
    pub fn get(&self, index: usize) -> (u32, Effect<'_>) {
        let (mark, item) = self.items[index];
        let effect = match item {
            Item::Send {
                from_port,
                to,
                channel,
                bytes,
            } => Effect::Send {
                from_port,
                to,
                channel,
                bytes: self.slice(bytes),
            },
            Item::OpenStream { to } => Effect::OpenStream { to },
            Item::CloseStream { to } => Effect::CloseStream { to },
            Item::Arm { timer, after } => Effect::Arm { timer, after },
            Item::Cancel { timer } => Effect::Cancel { timer },
            Item::Store {
                atomic,
                first,
                last,
            } => {
                let lines = &self.lines[first as usize..last as usize];
                Effect::Store {
                    batch: Batch {
                        atomic,
                        lines,
                        bytes: &self.bytes,
                    },
                }
            }
            Item::Output(output) => Effect::Output(output),
            Item::Halt => Effect::Halt,
        };
        (mark, effect)
    }

    /// Effect `index`, if there is one and it is a statement, with the number of metered operations
    /// that precede it: statements are long, and most effects are one, so a driver may look here
    /// first and copy none.
    #[must_use]
    #[inline]
    pub fn statement(&self, index: usize) -> Option<(u32, &Output)> {
        match self.items.get(index)? {
            (mark, Item::Output(output)) => Some((*mark, output)),
            _ => None,
        }
    }

    fn slice(&self, bytes: Bytes) -> &[u8] {
        &self.bytes[bytes.start as usize..bytes.end as usize]
    }

    fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
        let start = position(&self.bytes);
        write(&mut self.bytes);
        Bytes {
            start,
            end: position(&self.bytes),
        }
    }

    pub(crate) fn send(
        &mut self,
        mark: u32,
        from_port: u16,
        to: Destination,
        channel: Channel,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let bytes = self.append(write);
        self.items.push((
            mark,
            Item::Send {
                from_port,
                to,
                channel,
                bytes,
            },
        ));
    }

    pub(crate) fn open_stream(&mut self, mark: u32, to: Address) {
        self.items.push((mark, Item::OpenStream { to }));
    }

    pub(crate) fn close_stream(&mut self, mark: u32, to: Address) {
        self.items.push((mark, Item::CloseStream { to }));
    }

    pub(crate) fn arm(&mut self, mark: u32, timer: Timer, after: Span) {
        self.items.push((mark, Item::Arm { timer, after }));
    }

    pub(crate) fn cancel(&mut self, mark: u32, timer: Timer) {
        self.items.push((mark, Item::Cancel { timer }));
    }

    pub(crate) fn store(
        &mut self,
        mark: u32,
        atomic: bool,
        fill: impl FnOnce(&mut BatchWriter<'_>),
    ) {
        let first = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        fill(&mut BatchWriter {
            lines: &mut self.lines,
            bytes: &mut self.bytes,
        });
        let last = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        self.items.push((
            mark,
            Item::Store {
                atomic,
                first,
                last,
            },
        ));
    }

    pub(crate) fn output(&mut self, mark: u32, output: Output) {
        self.items.push((mark, Item::Output(output)));
    }

    pub(crate) fn halt(&mut self, mark: u32) {
        self.items.push((mark, Item::Halt));
    }
}

fn position(bytes: &[u8]) -> u32 {
    // One call of a machine never writes 4 GiB: payloads are bounded by the protocols.
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// The writes of one [`Effect::Store`].
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    /// True when all of it lands or nothing does (written aside, then flipped); else its bytes land
    /// in order and a power cut leaves a prefix.
    pub atomic: bool,
    lines: &'a [Line],
    bytes: &'a [u8],
}

impl<'a> Batch<'a> {
    /// The writes in order.
    pub fn writes(&self) -> impl Iterator<Item = Write<'a>> + use<'a> {
        let bytes = self.bytes;
        self.lines.iter().map(move |line| match *line {
            Line::Put(record, span) => {
                Write::Put(record, &bytes[span.start as usize..span.end as usize])
            }
            Line::Delete(record) => Write::Delete(record),
        })
    }

    /// How many bytes the batch writes; a deletion counts none.
    #[must_use]
    pub fn size(&self) -> usize {
        self.writes()
            .map(|write| {
                if let Write::Put(_, bytes) = write {
                    bytes.len()
                } else {
                    0
                }
            })
            .sum()
    }
}

impl PartialEq for Batch<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.atomic == other.atomic && self.writes().eq(other.writes())
    }
}

impl Eq for Batch<'_> {}

impl core::fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Batch")
            .field("atomic", &self.atomic)
            .field("writes", &self.writes().collect::<Vec<_>>())
            .finish()
    }
}

/// Collects the writes of one [`Effect::Store`].
#[derive(Debug)]
pub struct BatchWriter<'a> {
    lines: &'a mut Vec<Line>,
    bytes: &'a mut Vec<u8>,
}

impl BatchWriter<'_> {
    /// The record gets the bytes that `write` appends.
    pub fn put(&mut self, record: Record, write: impl FnOnce(&mut Vec<u8>)) {
        let start = position(self.bytes);
        write(self.bytes);
        self.lines.push(Line::Put(
            record,
            Bytes {
                start,
                end: position(self.bytes),
            },
        ));
    }

    /// The record is removed.
    pub fn delete(&mut self, record: Record) {
        self.lines.push(Line::Delete(record));
    }
}
