//! A segment on the wire: the 20 bytes of a TCP header without options (RFC 9293), and payload.
//!
//! The checksum is that of the RFC without the pseudo header, since links here carry no IP header.
//! A segment whose checksum is wrong is dropped, so a stream turns corruption into loss.

/// Bytes before the payload.
pub(crate) const HEADER_BYTES: usize = 20;

/// The receive window that every end announces; it is never scaled.
pub(crate) const WINDOW_BYTES: u16 = u16::MAX;

/// Control bits of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// The sender has no more to send.
    pub(crate) fin: bool,
    /// Opens a connection.
    pub(crate) syn: bool,
    /// Refuses or breaks a connection.
    pub(crate) rst: bool,
    /// The acknowledgement number counts.
    pub(crate) ack: bool,
}

impl Flags {
    const fn byte(self) -> u8 {
        self.fin as u8 | (self.syn as u8) << 1 | (self.rst as u8) << 2 | (self.ack as u8) << 4
    }

    const fn read(byte: u8) -> Self {
        Self {
            fin: byte & 1 != 0,
            syn: byte & 2 != 0,
            rst: byte & 4 != 0,
            ack: byte & 16 != 0,
        }
    }
}

/// One segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    /// Port of the sender.
    pub(crate) from_port: u16,
    /// Port of the receiver.
    pub(crate) to_port: u16,
    /// Number of the first payload byte, or of SYN or FIN.
    pub(crate) seq: u32,
    /// Number of the byte expected next.
    pub(crate) ack: u32,
    /// Control bits.
    pub(crate) flags: Flags,
    /// Payload.
    pub(crate) payload: &'a [u8],
}

impl<'a> Segment<'a> {
    /// Appends the segment to `out`.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.from_port.to_be_bytes());
        out.extend_from_slice(&self.to_port.to_be_bytes());
        out.extend_from_slice(&self.seq.to_be_bytes());
        out.extend_from_slice(&self.ack.to_be_bytes());
        // Data offset: five words.
        out.extend_from_slice(&[5 << 4, self.flags.byte()]);
        out.extend_from_slice(&WINDOW_BYTES.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(self.payload);
        let sum = !sum(&out[start..]);
        out[start + 16..start + 18].copy_from_slice(&sum.to_be_bytes());
    }

    /// Reads a segment; `None` when it is none, or damaged.
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (header, payload) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        if header[12] != 5 << 4 || sum(bytes) != u16::MAX {
            return None;
        }
        let two = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let four = |at: usize| u32::from(two(at)) << 16 | u32::from(two(at + 2));
        Some(Self {
            from_port: two(0),
            to_port: two(2),
            seq: four(4),
            ack: four(8),
            flags: Flags::read(header[13]),
            payload,
        })
    }
}

/// The Internet checksum's sum (RFC 1071): 16-bit words in ones' complement.
fn sum(bytes: &[u8]) -> u16 {
    let (words, rest) = bytes.as_chunks::<2>();
    let mut sum: u64 = words
        .iter()
        .map(|word| u64::from(u16::from_be_bytes(*word)))
        .sum();
    if let [last] = rest {
        sum += u64::from(*last) << 8;
    }
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn example(payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let flags = Flags {
            ack: true,
            ..Flags::default()
        };
        Segment {
            from_port: 0x1234,
            to_port: 80,
            seq: 0xDEAD_BEEF,
            ack: 7,
            flags,
            payload,
        }
        .encode(&mut bytes);
        bytes
    }

    #[test]
    fn a_segment_is_twenty_bytes_and_its_payload() {
        let bytes = example(b"abc");
        let header = "12340050deadbeef000000075010ffff";
        let hex: String = bytes[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hex, header);
        assert_eq!(&bytes[20..], b"abc");
        let read = Segment::decode(&bytes).unwrap();
        assert_eq!(
            (read.seq, read.ack, read.payload),
            (0xDEAD_BEEF, 7, &b"abc"[..])
        );
        assert!(read.flags.ack && !read.flags.syn);
    }

    #[test]
    fn every_single_bit_error_is_found() {
        for payload in [&b""[..], b"a", b"an even number of b.."] {
            let good = example(payload);
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(Segment::decode(&bad), None, "bit {bit}");
            }
        }
    }

    #[test]
    fn what_is_too_short_is_no_segment() {
        let bytes = example(b"");
        assert!((0..20).all(|length| Segment::decode(&bytes[..length]).is_none()));
    }
}
