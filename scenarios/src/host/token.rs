//! Tokens of commands at a node's CPU.
//!
//! Kinds of protocol timers are those of the protocol; the host has none of its own at a node's
//! CPU. A command's token is one of these, with what it is about in the low bits. Nothing in it
//! is numbered across nodes, since tokens are part of a node's fingerprint.

/// Start the machine.
pub(crate) const START: u64 = 1 << 56;
/// Abort what is under way with the node in the low half.
pub(crate) const ABORT: u64 = 2 << 56;
/// End the session that the last attempt left open with the node in the low half.
pub(crate) const FINISH: u64 = 3 << 56;
/// The command of the node's own attempt of the number in the low half.
pub(crate) const STEP: u64 = 4 << 56;
/// First storage anew for this node, by the policy of the workload in the low half.
pub(crate) const REPROVISION: u64 = 5 << 56;
/// First storage anew for what this node shares with the node in the low half.
pub(crate) const RENEW: u64 = 6 << 56;
/// What happened next to the stream whose ticket is in the other bits.
pub(crate) const STREAM: u64 = 7 << 56;
/// Start the machine again after a loss of power.
pub(crate) const RESTART: u64 = 8 << 56;
/// A party that an adversary plays sends what it was given.
pub(crate) const PLAY: u64 = 9 << 56;
/// First storage anew for this node, by the step of its attempt of this number, like [`STEP`].
pub(crate) const RENEWED: u64 = 10 << 56;
/// The kind of a token.
pub(crate) const KIND: u64 = 0xFF << 56;

/// The attempt, node or workload in a token.
pub(crate) const fn low(token: u64) -> u32 {
    (token & 0xFFFF_FFFF) as u32
}
