//! Where messages come from and go to.

/// A transport address: a host number and a port.
///
/// The host number is whatever the driver uses to tell hosts apart: the node number in a simulated
/// world, the four octets of an IPv4 address over real sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Host number.
    pub host: u32,
    /// Port, 0..65535.
    pub port: u16,
}

impl Address {
    /// The address of `port` at `host`.
    #[must_use]
    pub const fn new(host: u32, port: u16) -> Self {
        Self { host, port }
    }
}

/// What kind of link carries a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Everybody on the path may read and change it.
    #[default]
    Public,
    /// Assumed by the protocol text to be out of an adversary's reach (registration at a counter,
    /// a TLS connection, ...).
    Secure,
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// One datagram to one address.
    Address(Address),
    /// One datagram to this port of every host of the sender's segment.
    Broadcast(u16),
    /// One record on the open stream whose far end is this address.
    Stream(Address),
}
