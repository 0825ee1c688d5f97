//! A capture file that Wireshark opens: pcapng with times in nanoseconds.
//!
//! Blocks are those of the IETF draft *PCAP Now Generic (pcapng) Capture File Format*: one section,
//! raw IP as link type, an interface description before the first packet of each interface, and a
//! name for every address before the first packet that shows it. Packets are written as they come,
//! in constant memory; the caller gives them in the order of their times. Time 0 is the start of the
//! run, which a reader shows as 1970-01-01.

mod headers;

use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;

use crate::store::{Operation, Staging, StoreError};
use crate::table::Sink;

pub use headers::Carrier;

/// Name of the capture in a result directory.
pub const CAPTURE: &str = "packets.pcapng";

/// Buffered bytes that are worth a system call.
const FLUSH_BYTES: usize = 64 * 1024;

/// Link type of packets that begin with an IP header.
const LINKTYPE_RAW: u16 = 101;

const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const NAMES: u32 = 4;
const PACKET: u32 = 6;

/// An IPv4 address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The address as a number: 10.0.0.1 is `0x0A00_0001`.
    pub address: u32,
    /// The port.
    pub port: u16,
}

/// A packet at the end of its way over one link.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The interface, as [`Capture::interface`] numbered it.
    pub interface: u32,
    /// When it arrived or was lost, ns since the start of the run; never less than before.
    pub at_ns: u64,
    /// True from the link's first end to its second.
    pub up: bool,
    /// Where it says it comes from.
    pub from: Endpoint,
    /// Where it goes.
    pub to: Endpoint,
    /// Relays that have passed it on, each of which takes one from its time to live.
    pub hops: u8,
    /// What carries the bytes.
    pub carrier: Carrier,
    /// What follows the IP header and, in a datagram, the UDP header.
    pub bytes: &'a [u8],
    /// What a reader is told about this packet; none if empty.
    pub comment: &'a str,
}

/// A capture file, open for writing.
pub struct Capture {
    sink: Box<dyn Sink>,
    path: PathBuf,
    buffer: Vec<u8>,
    interfaces: u32,
    packets: u64,
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture")
            .field("path", &self.path)
            .field("interfaces", &self.interfaces)
            .field("packets", &self.packets)
            .finish_non_exhaustive()
    }
}

impl Capture {
    /// Begins [`CAPTURE`] in a result; `application` says who wrote it.
    ///
    /// # Errors
    /// `Io` if the file cannot be created.
    pub fn open(staging: &Staging, application: &str) -> Result<Self, StoreError> {
        let (sink, path) = staging.open_file(CAPTURE)?;
        let mut capture = Self {
            sink,
            path,
            buffer: Vec::with_capacity(FLUSH_BYTES + FLUSH_BYTES / 4),
            interfaces: 0,
            packets: 0,
        };
        let block = capture.begin(SECTION);
        // Byte order, version 1.0, length of the section unknown.
        capture.u32(0x1A2B_3C4D);
        capture.u16(1);
        capture.u16(0);
        capture.u32(u32::MAX);
        capture.u32(u32::MAX);
        capture.option(4, application.as_bytes());
        capture.end(block)?;
        Ok(capture)
    }

    /// Adds an interface and returns its number.
    ///
    /// # Errors
    /// `Io`.
    pub fn interface(&mut self, name: &str, description: &str) -> Result<u32, StoreError> {
        let block = self.begin(INTERFACE);
        self.u16(LINKTYPE_RAW);
        self.u16(0);
        // Packets are kept whole.
        self.u32(0);
        self.option(2, name.as_bytes());
        self.option(3, description.as_bytes());
        // Times count 10^-9 s.
        self.option(9, &[9]);
        self.end(block)?;
        self.interfaces += 1;
        Ok(self.interfaces - 1)
    }

    /// Names an address.
    ///
    /// # Errors
    /// `Io`.
    pub fn name(&mut self, address: u32, name: &str) -> Result<(), StoreError> {
        let block = self.begin(NAMES);
        let name = &name.as_bytes()[..name.len().min(255)];
        self.u16(1);
        self.u16(u16::try_from(4 + name.len() + 1).unwrap_or(0));
        self.buffer.extend_from_slice(&address.to_be_bytes());
        self.buffer.extend_from_slice(name);
        self.buffer.push(0);
        self.pad(block);
        self.u32(0);
        self.close(block)
    }

    /// Writes a packet.
    ///
    /// # Errors
    /// `Io`.
    pub fn packet(&mut self, packet: &Packet<'_>) -> Result<(), StoreError> {
        let block = self.begin(PACKET);
        self.u32(packet.interface);
        let [high, low] = words(packet.at_ns);
        self.u32(high);
        self.u32(low);
        let lengths = self.buffer.len();
        self.u32(0);
        self.u32(0);
        let start = self.buffer.len();
        let whole = headers::append(packet, &mut self.buffer);
        let kept = length(self.buffer.len() - start);
        let original = length(whole).max(kept);
        self.buffer[lengths..lengths + 4].copy_from_slice(&kept.to_le_bytes());
        self.buffer[lengths + 4..lengths + 8].copy_from_slice(&original.to_le_bytes());
        self.pad(block);
        if !packet.comment.is_empty() {
            self.option(1, packet.comment.as_bytes());
        }
        // Outbound is up, inbound down.
        let direction: u32 = if packet.up { 2 } else { 1 };
        self.option(2, &direction.to_le_bytes());
        self.end(block)?;
        self.packets += 1;
        Ok(())
    }

    /// Writes what is buffered, makes it durable, and returns the number of packets.
    ///
    /// # Errors
    /// `Io`.
    pub fn finish(mut self) -> Result<u64, StoreError> {
        let written = self.sink.write_all(&self.buffer);
        written.map_err(|source| StoreError::io(Operation::Write, &self.path, source))?;
        let durable = self.sink.flush().and_then(|()| self.sink.sync());
        durable.map_err(|source| StoreError::io(Operation::Sync, &self.path, source))?;
        Ok(self.packets)
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.sink
            .take(&mut self.buffer)
            .map_err(|source| StoreError::io(Operation::Write, &self.path, source))
    }

    fn u16(&mut self, value: u16) {
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }

    /// Starts a block and returns where.
    fn begin(&mut self, kind: u32) -> usize {
        let block = self.buffer.len();
        self.u32(kind);
        self.u32(0);
        block
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        let value = &value[..value.len().min(usize::from(u16::MAX))];
        self.u16(code);
        self.u16(u16::try_from(value.len()).unwrap_or(0));
        let start = self.buffer.len();
        self.buffer.extend_from_slice(value);
        self.pad(start);
    }

    /// Fills up to a multiple of four bytes from `start` on.
    fn pad(&mut self, start: usize) {
        while !(self.buffer.len() - start).is_multiple_of(4) {
            self.buffer.push(0);
        }
    }

    /// Ends the options and the block.
    fn end(&mut self, block: usize) -> Result<(), StoreError> {
        self.u32(0);
        self.close(block)
    }

    fn close(&mut self, block: usize) -> Result<(), StoreError> {
        let total = length(self.buffer.len() - block + 4);
        self.u32(total);
        self.buffer[block + 4..block + 8].copy_from_slice(&total.to_le_bytes());
        if self.buffer.len() >= FLUSH_BYTES {
            self.flush()?;
        }
        Ok(())
    }
}

/// High and low half.
fn words(value: u64) -> [u32; 2] {
    let bytes = value.to_be_bytes();
    [0, 4].map(|at| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]))
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
