//! What a handler leaves for later.

use protocols::Address;
use sim_engine::{Block, TimerId};

use super::attempt::AttemptId;
use super::fault::{Strike, Tear, Writing};
use super::relay::Forwarded;
use super::tables::Header;

/// A deferred effect of a handler; its bytes lie in the engine's arena.
#[derive(Clone, Copy, Debug)]
pub enum Deferred {
    /// Offer a packet to a link.
    Send {
        /// The link and direction.
        link: (sim_engine::LinkId, sim_engine::Direction),
        /// The packet's metadata.
        header: Header,
        /// Its bytes.
        bytes: Block,
    },
    /// Offer a packet that a relay passes on to its next link.
    Forward(Forwarded),
    /// Arm a timer.
    Arm {
        /// The timer.
        timer: TimerId,
        /// From the release on, in true time, ns.
        after_ns: u64,
    },
    /// Cancel a timer.
    Cancel {
        /// The timer.
        timer: TimerId,
    },
    /// A durable write has ended.
    Stored {
        /// The write.
        writing: Writing,
        /// The attempt it belongs to.
        attempt: AttemptId,
    },
    /// Send a packet to an adversary's own address.
    Mail {
        /// The packet's metadata.
        header: Header,
        /// Its bytes.
        bytes: Block,
    },
    /// A statement to the oracles.
    Output {
        /// The statement.
        output: protocols::Output,
        /// The attempt it belongs to.
        attempt: AttemptId,
    },
    /// A part of a durable write has landed, and power is lost.
    Torn {
        /// The write.
        writing: Writing,
        /// What tears it.
        tear: Tear,
    },
    /// A fault strikes between two effects.
    Strike {
        /// The strike.
        strike: Strike,
        /// Whether it ends a torn write, so that it takes the power.
        ends_write: bool,
    },
    /// The machine halts.
    Halt,
    /// Open a stream.
    Open {
        /// The far end.
        to: Address,
        /// The attempt it belongs to.
        attempt: AttemptId,
    },
    /// Close a stream.
    Close {
        /// The far end.
        to: Address,
    },
    /// The handler is through: what held the pair lets go, and its attempt may be complete.
    Done {
        /// The pair, or [`NO_PAIR`](super::NO_PAIR).
        pair: u32,
        /// The attempt whose command this was.
        attempt: AttemptId,
    },
}
