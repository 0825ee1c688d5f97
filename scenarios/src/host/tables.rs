//! What a world tells those who write it down.

use protocols::output::{Output, Reason, Tag};
use protocols::{Address, Channel};
use sim_engine::Recorder;

use super::attempt::{Attempt, AttemptId, Outcome};
use super::transport::carried::Carried;
use crate::oracle::Episode;

/// No rule.
pub const NO_RULE: u16 = u16::MAX;

/// The simulator's own knowledge of a packet, invisible to machines and adversaries.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// The address it claims to come from.
    pub from: Address,
    /// The address it goes to.
    pub to: Address,
    /// Public or secure.
    pub channel: Channel,
    /// The attempt it belongs to.
    pub attempt: AttemptId,
    /// The pair whose rest it disturbs, `u32::MAX` for none.
    pub pair: u32,
    /// The adversary's rule that acted on it last, by place in the list of all rules of all
    /// adversaries; [`NO_RULE`] as long as none did.
    pub rule: u16,
    /// What it is to the transport of its link.
    pub carried: Carried,
    /// What it has behind it.
    pub journey: Journey,
}

/// The way of a packet that relays pass on, up to its present link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Journey {
    /// Its first link; this and what follows say something where `links` is not 0.
    pub link: u32,
    /// Its sender on it.
    pub sender: u32,
    /// Its number there.
    pub number: u32,
    /// Which copy it was there.
    pub copy: u8,
    /// Whether it went down.
    pub down: bool,
    /// Links that it has crossed.
    pub links: u8,
}

/// A closed attempt.
#[derive(Clone, Copy, Debug)]
pub struct SessionEnd<'a> {
    /// The attempt as it stood at the end.
    pub attempt: &'a Attempt,
    /// The command's name.
    pub phase: &'static str,
    /// When it closed, ns.
    pub ended_ns: u64,
    /// What came of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
}

/// An acceptance that no honest attempt asked for.
#[derive(Clone, Copy, Debug)]
pub struct StrayAcceptance {
    /// The node that accepted.
    pub node: u32,
    /// The node it believes in, if it is one of the world's.
    pub peer: Option<u32>,
    /// When, ns.
    pub at_ns: u64,
    /// The session it names.
    pub session: Tag,
}

/// What happened inside a node, for the story of a session.
#[derive(Clone, Copy, Debug)]
pub enum Happening<'a> {
    /// The machine went from one state to another.
    State {
        /// Before the call.
        from: &'static str,
        /// After it.
        to: &'static str,
    },
    /// A durable write has ended; its batch as `super::effects::records` reads it.
    Stored(&'a [u8]),
    /// The machine made a statement.
    Output(&'a Output),
    /// An adversary names a secret, and is right.
    Claimed {
        /// Its place among the rules of all adversaries.
        rule: u16,
        /// What kind of secret.
        kind: &'static str,
        /// Whose.
        of: u32,
        /// What it came up with.
        bytes: &'a [u8],
    },
}

/// A moment of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultMoment {
    /// It strikes.
    Strike,
    /// It would strike, but the place is out of order already.
    Void,
    /// Its effect is over.
    End,
}

/// A fault has struck or is over.
#[derive(Clone, Copy, Debug)]
pub struct FaultEvent {
    /// When, ns.
    pub at_ns: u64,
    /// The fault: its place in the scenario's list.
    pub fault: usize,
    /// Which moment.
    pub moment: FaultMoment,
    /// The node it strikes; [`NOBODY`](super::attempt::NOBODY) for faults of links.
    pub node: u32,
    /// The link it strikes, where it is one.
    pub link: Option<u32>,
    /// The attempt that the node has open.
    pub attempt: AttemptId,
    /// How long it lasts or how far the clock jumps, ns; `None`: for good, or neither.
    pub value: Option<i64>,
}

/// What a table-keeper looks at; the rest need not be told to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Ends of packets.
    pub packets: bool,
    /// What happens inside nodes, and openings of attempts.
    pub happenings: bool,
    /// Closed attempts, stray acceptances, faults.
    pub rows: bool,
}

/// A place in the total order of events, for comparing places that parts of a world know.
pub type Place = [u128; 2];

/// Receives the rows of a run as they close. Implementations only write: a world never reads from
/// them, so recording cannot change a run.
pub trait Tables: Recorder<Header> {
    /// Whether what happens inside nodes is wanted; asked before every telling.
    #[inline]
    fn listens(&self) -> bool {
        false
    }
    /// Where the running event stands, for parts of a world, whose first of everything is the whole's
    /// by this; where there is one part nobody asks.
    #[inline]
    fn place(&self) -> Place {
        [0; 2]
    }
    /// What is worth telling from now on; what it leaves out is not wanted later either.
    fn wanted(&self) -> Wanted {
        Wanted {
            packets: true,
            happenings: true,
            rows: true,
        }
    }
    /// An attempt has been opened.
    fn opened(&mut self, _attempt: AttemptId) {}
    /// Something happened inside a node on behalf of an attempt.
    fn happening(&mut self, _at_ns: u64, _node: u32, _attempt: AttemptId, _what: Happening<'_>) {}
    /// A property was violated in an attempt.
    fn witness(&mut self, _attempt: AttemptId) {}
    /// An attempt has closed.
    fn session(&mut self, end: &SessionEnd<'_>);
    /// A party accepted outside any attempt.
    fn stray_acceptance(&mut self, stray: &StrayAcceptance);
    /// A divergence has come to an end or got its verdict.
    fn desync(&mut self, relation: usize, episode: &Episode);
    /// A fault has struck or is over.
    fn fault(&mut self, event: &FaultEvent) {
        let _ = event;
    }
    /// The run is over and an honest continuation begins: from now on only verdicts are written.
    fn continuation_begins(&mut self);
}

/// Writes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTables;

impl Recorder<Header> for NoTables {
    const ON: bool = false;

    fn packet(&mut self, _end: &sim_engine::PacketEnd<'_, Header>) {}
}

impl Tables for NoTables {
    fn wanted(&self) -> Wanted {
        Wanted {
            packets: false,
            happenings: false,
            rows: false,
        }
    }

    fn session(&mut self, _end: &SessionEnd<'_>) {}
    fn stray_acceptance(&mut self, _stray: &StrayAcceptance) {}
    fn desync(&mut self, _relation: usize, _episode: &Episode) {}
    fn continuation_begins(&mut self) {}
}
