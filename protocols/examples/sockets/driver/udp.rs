//! Datagrams: one UDP socket for each address and channel that a party sends from or listens on.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use protocols::{Address, Channel};

use super::Line;

/// Longest datagram over IPv4.
const DATAGRAM_MAX: usize = 65_507;

/// A datagram that has arrived.
pub(super) struct Datagram {
    /// The sender's address.
    pub(super) from: Address,
    /// The own address it was sent to.
    pub(super) to: Address,
    /// The channel it came over.
    pub(super) channel: Channel,
    /// The bytes.
    pub(super) bytes: Vec<u8>,
}

/// All UDP sockets of a world.
pub(super) struct Datagrams {
    sockets: BTreeMap<Line, UdpSocket>,
    lines: BTreeMap<SocketAddr, Line>,
    buffer: Vec<u8>,
}

impl Datagrams {
    /// Binds a public and a secure socket for each address.
    pub(super) fn bind(addresses: &[Address]) -> io::Result<Self> {
        let mut all = Self {
            sockets: BTreeMap::new(),
            lines: BTreeMap::new(),
            buffer: vec![0; DATAGRAM_MAX],
        };
        for &address in addresses {
            all.socket((address, Channel::Public))?;
            all.socket((address, Channel::Secure))?;
        }
        Ok(all)
    }

    fn socket(&mut self, line: Line) -> io::Result<&UdpSocket> {
        if !self.sockets.contains_key(&line) {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.set_nonblocking(true)?;
            self.lines.insert(socket.local_addr()?, line);
            self.sockets.insert(line, socket);
        }
        Ok(&self.sockets[&line])
    }

    /// Sends from one address to another; nothing happens when nobody listens there.
    pub(super) fn send(
        &mut self,
        from: Address,
        to: Address,
        channel: Channel,
        bytes: &[u8],
    ) -> io::Result<()> {
        let Some(far) = self.sockets.get(&(to, channel)) else {
            return Ok(());
        };
        let far = far.local_addr()?;
        self.socket((from, channel))?.send_to(bytes, far)?;
        Ok(())
    }

    /// Sends to `port` of every other host.
    pub(super) fn broadcast(&mut self, from: Address, port: u16, bytes: &[u8]) -> io::Result<()> {
        let meant = |(address, channel): &&Line| {
            address.port == port && address.host != from.host && *channel == Channel::Public
        };
        let all: Vec<Line> = self.sockets.keys().filter(meant).copied().collect();
        for (to, channel) in all {
            self.send(from, to, channel, bytes)?;
        }
        Ok(())
    }

    /// What has arrived: at most one datagram for each socket. Datagrams of strangers are dropped.
    pub(super) fn arrived(&mut self) -> io::Result<Vec<Datagram>> {
        let mut all = Vec::new();
        for (&(to, channel), socket) in &self.sockets {
            let (length, sender) = match socket.recv_from(&mut self.buffer) {
                Ok(arrived) => arrived,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            };
            if let Some(&(from, _)) = self.lines.get(&sender) {
                all.push(Datagram {
                    from,
                    to,
                    channel,
                    bytes: self.buffer[..length].to_vec(),
                });
            }
        }
        Ok(all)
    }

    /// Forgets what waits for a host that has lost power.
    pub(super) fn discard(&mut self, host: u32) -> io::Result<()> {
        let own = self.sockets.iter().filter(|(line, _)| line.0.host == host);
        for (_, socket) in own {
            let ended = loop {
                if let Err(error) = socket.recv_from(&mut self.buffer) {
                    break error;
                }
            };
            if ended.kind() != io::ErrorKind::WouldBlock {
                return Err(ended);
            }
        }
        Ok(())
    }
}
