//! What a party of a protocol is: a state machine without input or output of its own.

use crate::address::{Address, Channel};
use crate::context::Context;

/// A party of a protocol.
///
/// Each method handles one input to the end and writes what must happen into the context's
/// effects. None of them blocks, reads a clock, draws from a global generator, or panics, whatever
/// the input. Decoding is the machine's own job, since malformed input is part of it.
pub trait Machine: Clone {
    /// The node starts for the first time.
    fn on_start(&mut self, cx: &mut Context<'_>);

    /// A datagram arrived, or a record on an open stream where the protocol frames its own.
    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>);

    /// Something happened to the stream whose far end is `peer`. Protocols without streams keep
    /// the default, which ignores it.
    fn on_stream(&mut self, peer: Address, event: StreamEvent<'_>, cx: &mut Context<'_>) {
        let _ = (peer, event, cx);
    }

    /// A timer armed earlier has expired.
    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>);

    /// The application asks for something.
    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>);

    /// Power came back: volatile state is gone, only durable storage is left. The driver has
    /// cancelled every timer.
    fn on_restart(&mut self, cx: &mut Context<'_>);

    /// The name of the state the machine is in, for traces.
    fn state(&self) -> &'static str;

    /// Queueing figures of a service station, for machines that are one.
    ///
    /// The figures are running totals since the start, up to `now`.
    fn station(&self, now: crate::time::LocalTime) -> Option<StationTotals> {
        let _ = now;
        None
    }
}

/// A message as it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incoming<'a> {
    /// The sender's address as the packet claims it: never a proof.
    pub from: Address,
    /// The own address it was sent to.
    pub to: Address,
    /// Public or secure channel.
    pub channel: Channel,
    /// The bytes; may be empty.
    pub bytes: &'a [u8],
}

/// What can happen to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEvent<'a> {
    /// It is open and may be sent on.
    Opened,
    /// Bytes arrived in order; their cut into pieces means nothing.
    Bytes(&'a [u8]),
    /// The far end closed it.
    Closed,
    /// It broke.
    Reset,
}

/// Names a timer of one machine.
///
/// `kind` is declared by the protocol ([`crate::protocol::TimerSpec`]), `key` tells timers of one
/// kind apart (a device id, a connection number), 0 where there is only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer {
    /// Which of the protocol's timers.
    pub kind: u8,
    /// Which one of that kind.
    pub key: u32,
}

impl Timer {
    /// The only timer of a kind.
    #[must_use]
    pub const fn only(kind: u8) -> Self {
        Self { kind, key: 0 }
    }
}

/// What the application asks a machine for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command<'a> {
    /// Which command: its place in [`crate::protocol::Protocol::commands`].
    pub id: u8,
    /// The node the command is about, where it has one: its host number and the port of the role.
    pub peer: Option<Address>,
    /// Its arguments in the declared order; missing ones have their default.
    pub args: &'a [Arg<'a>],
}

impl<'a> Command<'a> {
    /// The argument at `index`, [`Arg::Default`] when it is not given.
    #[must_use]
    pub fn arg(&self, index: usize) -> Arg<'a> {
        self.args.get(index).copied().unwrap_or(Arg::Default)
    }
}

/// One argument of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg<'a> {
    /// Not given: the command's default holds.
    Default,
    /// Bytes or text.
    Bytes(&'a [u8]),
    /// A count or a size.
    Integer(u64),
}

/// Running totals of a service station.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StationTotals {
    /// Jobs that arrived, refused ones included.
    pub arrivals: u64,
    /// Jobs refused because the station was full.
    pub refusals: u64,
    /// Jobs whose service has begun.
    pub begun: u64,
    /// Jobs served to the end.
    pub served: u64,
    /// Time spent waiting for a server by the jobs whose service has begun, ns.
    pub wait_ns: u128,
    /// Time spent in the station by the jobs that were served, ns.
    pub sojourn_ns: u128,
    /// Integral over time of the number of jobs in the station, job·ns.
    pub in_system_ns: u128,
    /// Integral over time of the number of busy servers, server·ns.
    pub busy_ns: u128,
    /// Number of servers.
    pub servers: u32,
}
