//! The pending events.
//!
//! A queue gives back entries in ascending [`EventKey`] order, except that what is pushed for the
//! instant that is being handled comes in a further *round*, after everything that was already
//! pending for that instant. [`wheel`] is the one in use; [`reference`] says the same in a few
//! plain lines and is what the wheel is tested against.

pub(crate) mod wheel;

#[cfg(test)]
pub(crate) mod reference;
#[cfg(test)]
mod tests;

pub(crate) use self::wheel::Wheel;
use crate::order::EventKey;

/// What an event is about: sixteen bytes together with its handle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Payload {
    /// The entity concerned.
    pub(crate) node: u32,
    /// A number whose meaning depends on the event's class.
    pub(crate) data: u32,
    /// A further small number.
    pub(crate) tag: u32,
}

/// Names a pending entry that can be cancelled. Whoever pushes the entry chooses the number, which no
/// other pending entry may have; small numbers take little memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Handle(pub(crate) u32);

impl Handle {
    /// Numbers from here on are no handles.
    pub(crate) const LIMIT: u32 = u32::MAX - 1;
}

/// One pending event: 32 bytes, half a cache line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(32))]
pub(crate) struct Entry {
    pub(crate) key: EventKey,
    pub(crate) payload: Payload,
    /// The number of its [`Handle`], or [`crate::slab::NONE`] for what is never cancelled.
    pub(crate) handle: u32,
}
