//! Streams: one TCP listener for each party, one connection for each stream.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};

use protocols::Address;
use protocols::machine::StreamEvent;

/// Longest piece that one look at a stream reads. Short, so that records arrive in pieces, as they
/// may on any network.
const PIECE_MAX: usize = 61;

/// What happened to a stream.
pub(super) enum Piece {
    Opened,
    Bytes(Vec<u8>),
    Closed,
    Reset,
}

impl Piece {
    /// The same as machines take it.
    pub(super) fn event(&self) -> StreamEvent<'_> {
        match self {
            Self::Opened => StreamEvent::Opened,
            Self::Bytes(bytes) => StreamEvent::Bytes(bytes),
            Self::Closed => StreamEvent::Closed,
            Self::Reset => StreamEvent::Reset,
        }
    }
}

/// One end of a stream: the own address, then that of the far end.
type End = (Address, Address);

/// A connection and what the kernel has not taken yet.
struct Connection {
    stream: TcpStream,
    unsent: Vec<u8>,
}

impl Connection {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            unsent: Vec::new(),
        })
    }

    /// Hands to the kernel what it takes. A broken connection shows when it is read.
    fn flush(&mut self) {
        while let Ok(taken) = self.stream.write(&self.unsent) {
            self.unsent.drain(..taken);
            if taken == 0 {
                break;
            }
        }
    }

    /// One look at what has arrived; `None` when there is nothing.
    fn look(&mut self) -> Option<Piece> {
        let mut piece = [0; PIECE_MAX];
        match self.stream.read(&mut piece) {
            Ok(0) => Some(Piece::Closed),
            Ok(length) => Some(Piece::Bytes(piece[..length].to_vec())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(_) => Some(Piece::Reset),
        }
    }
}

/// All TCP sockets of a world.
pub(super) struct Streams {
    listeners: BTreeMap<Address, TcpListener>,
    connections: BTreeMap<End, Connection>,
    /// Whose local socket address it is, for connections that nobody has accepted yet.
    callers: BTreeMap<SocketAddr, Address>,
    /// Streams opened since the last look, at the end that opened them.
    opened: Vec<End>,
    /// Accepted connections that wait until the last stream between the same two ends is over.
    waiting: Vec<(End, TcpStream)>,
}

impl Streams {
    /// Listens at every address.
    pub(super) fn listen(addresses: &[Address]) -> io::Result<Self> {
        let mut listeners = BTreeMap::new();
        for &address in addresses {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            listeners.insert(address, listener);
        }
        Ok(Self {
            listeners,
            connections: BTreeMap::new(),
            callers: BTreeMap::new(),
            opened: Vec::new(),
            waiting: Vec::new(),
        })
    }

    /// Connects; a stream to where nobody listens never opens.
    pub(super) fn open(&mut self, own: Address, far: Address) -> io::Result<()> {
        let Some(listener) = self.listeners.get(&far) else {
            return Ok(());
        };
        let stream = TcpStream::connect(listener.local_addr()?)?;
        self.callers.insert(stream.local_addr()?, own);
        self.connections
            .insert((own, far), Connection::new(stream)?);
        self.opened.push((own, far));
        Ok(())
    }

    /// Sends on an open stream; nothing happens when there is none.
    pub(super) fn send(&mut self, own: Address, far: Address, bytes: &[u8]) {
        if let Some(connection) = self.connections.get_mut(&(own, far)) {
            connection.unsent.extend_from_slice(bytes);
            connection.flush();
        }
    }

    /// Closes the own end. A failed shutdown means that the far end was faster.
    pub(super) fn close(&mut self, own: Address, far: Address) {
        if let Some(mut connection) = self.connections.remove(&(own, far)) {
            connection.flush();
            let _ = connection.stream.shutdown(Shutdown::Write);
        }
    }

    /// Drops every stream of a party that has lost power.
    pub(super) fn discard(&mut self, own: Address) {
        self.connections.retain(|end, _| end.0 != own);
        self.opened.retain(|end| end.0 != own);
        self.waiting.retain(|(end, _)| end.0 != own);
    }

    /// What has happened, at most one piece for each stream: (own, far, piece).
    pub(super) fn arrived(&mut self) -> io::Result<Vec<(Address, Address, Piece)>> {
        let mut all: Vec<_> = self
            .opened
            .drain(..)
            .map(|(own, far)| (own, far, Piece::Opened))
            .collect();
        for (&(own, far), connection) in &mut self.connections {
            connection.flush();
            all.extend(connection.look().map(|piece| (own, far, piece)));
        }
        let over = |piece: &Piece| matches!(piece, Piece::Closed | Piece::Reset);
        for (own, far, _) in all.iter().filter(|(_, _, piece)| over(piece)) {
            self.connections.remove(&(*own, *far));
        }
        // What ends a stream is handed over before the next one between the same ends opens, or
        // the answer to the end of the old one would close the new one.
        if all.is_empty() {
            self.accept()?;
            for (end, stream) in std::mem::take(&mut self.waiting) {
                if let Entry::Vacant(place) = self.connections.entry(end) {
                    place.insert(Connection::new(stream)?);
                    all.push((end.0, end.1, Piece::Opened));
                } else {
                    self.waiting.push((end, stream));
                }
            }
        }
        Ok(all)
    }

    /// Takes what connected; strangers are turned away.
    fn accept(&mut self) -> io::Result<()> {
        for (&own, listener) in &self.listeners {
            match listener.accept() {
                Ok((stream, caller)) => {
                    let far = self.callers.remove(&caller);
                    self.waiting.extend(far.map(|far| ((own, far), stream)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
