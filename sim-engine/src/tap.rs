//! Where an adversary stands on a link, and what it may do there.
//!
//! A tap stands half-way of the link's delay, after queue, serialisation and loss. The delay is
//! drawn once and split around the tap without rounding loss, and the packet keeps the place in the
//! event order that it would have had; so a tap whose verdict is always [`Verdict::Pass`] changes
//! no arrival, no draw and no fingerprint.

use std::collections::BTreeMap;

use crate::fingerprint::Chain;
use crate::id::Direction;
use crate::order::EventKey;
use crate::packet::PacketMeta;
use crate::rng::{DRAWS_PER_BLOCK, Probability, StreamName, Streams};
use crate::time::SimDuration;

/// A packet as it passes a tap.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'a> {
    /// The tap.
    pub tap: u32,
    /// Names the packet as long as it is held: see [`crate::Outbox::release_held`].
    pub packet: u32,
    /// Round and key of the event in which it passes.
    pub event: (u32, EventKey),
    /// The engine's metadata.
    pub meta: &'a PacketMeta,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// What an adversary decides about a packet that passes its tap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Let it go on unchanged.
    Pass,
    /// Take it off the link. Needs the power `drop`.
    Drop,
    /// Hold it for a time on top of the link's own delay. Needs the power `delay`.
    Delay(SimDuration),
    /// Let it go on, followed by copies, each `after` later than the one before. Needs the power
    /// `duplicate`. The copies are the adversary's own packets.
    Duplicate {
        /// Number of copies.
        copies: u8,
        /// Distance between the arrivals.
        after: SimDuration,
    },
    /// Keep it until [`crate::Outbox::release_held`]. Needs the power `delay` or `reorder`.
    Hold,
    /// Let it go on with the bytes that the host wrote. Needs the power `modify`.
    Modify,
    /// Take it off the link, to send it elsewhere. Needs the power `redirect`.
    Redirect,
    /// Let it go on with the bytes that the host wrote, which say the same: another numbering of a
    /// connection into which the adversary has put something. Its fate stays; it needs no power.
    Renumber,
    /// Take it off the link as the other end of a connection that the adversary answers for. What that
    /// is good for needs a power, which the host checks ([`Powers::missing_for`]).
    Take,
}

/// Whose packet an adversary puts on a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// Under an address of its own. Needs the power `inject`.
    Own,
    /// Under somebody else's address. Needs the power `spoof`.
    Spoofed,
    /// One that it took off another link. Needs the power `redirect`.
    Redirected,
    /// One that stands for what it took off this connection, or acknowledges it. Needs no power: the
    /// verdict on what was taken did.
    Forwarded,
}

/// How an adversary puts a packet on a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Injection {
    /// Whose packet it is.
    pub source: Source,
    /// True when it takes the whole way over the link, as from a host off the path: then the link
    /// may lose it. From a tap it has half of the way before it and nothing that loses it.
    pub whole: bool,
}

/// The powers that an adversary declared. The engine refuses a verdict outside them.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Powers {
    /// Keep and read packets.
    pub observe: bool,
    /// Take packets off the link.
    pub drop: bool,
    /// Hold packets back.
    pub delay: bool,
    /// Send copies of packets.
    pub duplicate: bool,
    /// Change the order of packets; includes holding them back.
    pub reorder: bool,
    /// Change bytes.
    pub modify: bool,
    /// Send packets of its own.
    pub inject: bool,
    /// Send packets under somebody else's address.
    pub spoof: bool,
    /// Send packets to another node.
    pub redirect: bool,
}

impl Powers {
    /// The power that an injection needs and this adversary lacks.
    #[must_use]
    pub const fn missing_to_inject(&self, source: Source) -> Option<&'static str> {
        match source {
            Source::Own if !self.inject => Some("inject"),
            Source::Spoofed if !self.spoof => Some("spoof"),
            Source::Redirected if !self.redirect => Some("redirect"),
            _ => None,
        }
    }

    /// The power that `verdict` needs and this adversary lacks.
    #[must_use]
    pub const fn missing_for(&self, verdict: &Verdict) -> Option<&'static str> {
        match verdict {
            Verdict::Pass | Verdict::Renumber | Verdict::Take => None,
            Verdict::Drop if self.drop => None,
            Verdict::Drop => Some("drop"),
            Verdict::Delay(_) | Verdict::Hold if self.delay || self.reorder => None,
            Verdict::Delay(_) | Verdict::Hold => Some("delay"),
            Verdict::Duplicate { .. } if self.duplicate => None,
            Verdict::Duplicate { .. } => Some("duplicate"),
            Verdict::Modify if self.modify => None,
            Verdict::Modify => Some("modify"),
            Verdict::Redirect if self.redirect => None,
            Verdict::Redirect => Some("redirect"),
        }
    }
}

/// The adversary's random numbers for one packet.
///
/// They are addressed by tap, link, direction, sender and packet number, so what an adversary draws
/// for one packet does not depend on what it drew for others. Nothing is computed until it is used.
#[derive(Clone, Debug)]
pub struct TapDraw {
    streams: Streams,
    name: StreamName,
    number: u64,
    used: u64,
}

impl TapDraw {
    pub(crate) const fn new(streams: Streams) -> Self {
        Self {
            streams,
            name: StreamName::new("tap"),
            number: 0,
            used: 0,
        }
    }

    /// Turns to a packet on a link.
    pub(crate) fn address(
        &mut self,
        tap_name: u64,
        link_name: u64,
        direction: Direction,
        sender_name: u64,
        meta: &PacketMeta,
    ) {
        self.name = StreamName::new("tap")
            .index(tap_name)
            .index(link_name)
            .index(direction.index() as u64)
            .index(sender_name)
            .index(u64::from(meta.copy));
        self.number = meta.number;
        self.used = 0;
    }

    /// The next 64 random bits for this packet.
    pub fn next_u64(&mut self) -> u64 {
        let slot = (self.used % DRAWS_PER_BLOCK as u64) as usize;
        // Packets are addressed by block; a packet that needs more than one block goes on in a
        // stream of its own, so that it never reads the next packet's numbers.
        let page = self.used / DRAWS_PER_BLOCK as u64;
        self.used += 1;
        let stream = self.name.index(page).id();
        self.streams.block(stream, self.number)[slot]
    }

    /// Whether an event of this probability happens. Draws only if it is neither 0 nor 1.
    pub fn happens(&mut self, probability: Probability) -> bool {
        if probability.is_certain() {
            return true;
        }
        !probability.is_never() && probability.accepts(self.next_u64())
    }
}

/// One adversary's tap, wherever it is installed.
#[derive(Clone, Debug)]
pub(crate) struct Tap {
    pub(crate) name: u64,
    pub(crate) seq: u32,
    /// What it may put on links.
    pub(crate) powers: Powers,
    /// Its own packets so far, by link and direction.
    pub(crate) packets: BTreeMap<(u32, u8), u32>,
    /// What it put on links, if anything.
    pub(crate) chain: Option<Chain>,
}

impl Tap {
    pub(crate) fn new(number: u64) -> Self {
        Self {
            name: StreamName::new("tap").index(number).id(),
            seq: 0,
            powers: Powers::default(),
            packets: BTreeMap::new(),
            chain: None,
        }
    }
}

/// A tap on one link direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TapPlace {
    pub(crate) tap: u32,
    pub(crate) powers: Powers,
    /// Verdicts other than passing, if there were any.
    pub(crate) chain: Option<Chain>,
}
