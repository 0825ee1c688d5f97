//! The IPv4 header (RFC 791) before a packet, and the UDP header (RFC 768) before a datagram.

use super::{Endpoint, Packet};

const IP_BYTES: usize = 20;
const UDP_BYTES: usize = 8;
/// Longest IP packet.
const LONGEST: usize = 65_535;
/// Where the checksum stands in a TCP header.
const TCP_SUM: usize = 16;

/// What carries a packet's bytes above IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// UDP: the bytes are the payload, and the header is added.
    Datagram,
    /// TCP: the bytes begin with a TCP header whose checksum leaves out the pseudo header; it is
    /// added. A wrong checksum stays wrong.
    Segment,
}

/// Appends the headers and the bytes, cut to what an IP packet can hold; returns the length before
/// the cut.
pub(super) fn append(packet: &Packet<'_>, out: &mut Vec<u8>) -> usize {
    let (protocol, header) = match packet.carrier {
        Carrier::Datagram => (17, UDP_BYTES),
        Carrier::Segment => (6, 0),
    };
    let whole = IP_BYTES + header + packet.bytes.len();
    let kept = &packet.bytes[..packet.bytes.len().min(LONGEST - IP_BYTES - header)];
    let above = header + kept.len();
    let Endpoint { address: from, .. } = packet.from;
    let Endpoint { address: to, .. } = packet.to;
    let start = out.len();
    // Version 4, five words, no service class; not to be fragmented; 64 hops
    // less those behind it.
    out.extend_from_slice(&[0x45, 0]);
    out.extend_from_slice(&short(IP_BYTES + above).to_be_bytes());
    let left = 64u8.saturating_sub(packet.hops);
    out.extend_from_slice(&[0, 0, 0x40, 0, left, protocol, 0, 0]);
    out.extend_from_slice(&from.to_be_bytes());
    out.extend_from_slice(&to.to_be_bytes());
    let sum = !fold(words(&out[start..]));
    out[start + 10..start + 12].copy_from_slice(&sum.to_be_bytes());

    let pseudo = halves(from) + halves(to) + u64::from(protocol) + u64::from(short(above));
    let start = out.len();
    match packet.carrier {
        Carrier::Datagram => {
            for half in [packet.from.port, packet.to.port, short(above), 0] {
                out.extend_from_slice(&half.to_be_bytes());
            }
            out.extend_from_slice(kept);
            let sum = match !fold(pseudo + words(&out[start..])) {
                // No checksum is what zero would say.
                0 => u16::MAX,
                sum => sum,
            };
            out[start + 6..start + 8].copy_from_slice(&sum.to_be_bytes());
        }
        Carrier::Segment => {
            out.extend_from_slice(kept);
            if let Some([high, low]) = out.get_mut(start + TCP_SUM..start + TCP_SUM + 2) {
                let old = u16::from_be_bytes([*high, *low]);
                let sum = !fold(u64::from(!old) + pseudo);
                [*high, *low] = sum.to_be_bytes();
            }
        }
    }
    whole
}

fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

fn halves(value: u32) -> u64 {
    u64::from(value >> 16) + u64::from(value & 0xFFFF)
}

/// The sum of the 16-bit words, an odd last byte as the high half of one.
fn words(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    let sum: u64 = words
        .iter()
        .map(|word| u64::from(u16::from_be_bytes(*word)))
        .sum();
    sum + rest.first().map_or(0, |last| u64::from(*last) << 8)
}

/// Ones' complement: carries come back in at the low end (RFC 1071).
fn fold(mut sum: u64) -> u16 {
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(carrier: Carrier, bytes: &[u8]) -> Packet<'_> {
        Packet {
            interface: 0,
            at_ns: 0,
            up: true,
            from: Endpoint {
                address: 0x0A00_0001,
                port: 40_000,
            },
            to: Endpoint {
                address: 0x0A00_0002,
                port: 7701,
            },
            hops: 0,
            carrier,
            bytes,
            comment: "",
        }
    }

    #[test]
    fn each_relay_takes_one_from_the_time_to_live() {
        for hops in [0, 3, 200] {
            let mut out = Vec::new();
            let mut packet = packet(Carrier::Datagram, b"abc");
            packet.hops = hops;
            append(&packet, &mut out);
            assert_eq!(out[8], 64u8.saturating_sub(hops));
            assert_eq!(fold(words(&out[..IP_BYTES])), u16::MAX);
        }
    }

    #[test]
    fn a_datagram_has_both_headers_with_sums_that_hold() {
        let mut out = Vec::new();
        assert_eq!(append(&packet(Carrier::Datagram, b"abc"), &mut out), 31);
        assert_eq!(out.len(), 31);
        assert_eq!(fold(words(&out[..20])), 0xFFFF, "IP");
        let pseudo = halves(0x0A00_0001) + halves(0x0A00_0002) + 17 + 11;
        assert_eq!(fold(pseudo + words(&out[20..])), 0xFFFF, "UDP");
        assert_eq!(out[20..26], [0x9C, 0x40, 0x1E, 0x15, 0, 11]);
    }

    #[test]
    fn a_segment_gets_the_pseudo_header_and_a_wrong_sum_stays_wrong() {
        let mut segment = [7_u8; 23];
        segment[16..18].fill(0);
        let sum = !fold(words(&segment));
        segment[16..18].copy_from_slice(&sum.to_be_bytes());
        let pseudo = halves(0x0A00_0001) + halves(0x0A00_0002) + 6 + 23;
        let mut out = Vec::new();
        append(&packet(Carrier::Segment, &segment), &mut out);
        assert_eq!(fold(pseudo + words(&out[20..])), 0xFFFF);
        segment[20] ^= 1;
        out.clear();
        append(&packet(Carrier::Segment, &segment), &mut out);
        assert_ne!(fold(pseudo + words(&out[20..])), 0xFFFF);
    }

    #[test]
    fn what_no_ip_packet_can_hold_is_cut_and_counted() {
        let mut out = Vec::new();
        let whole = append(&packet(Carrier::Datagram, &[1; 70_000]), &mut out);
        assert_eq!((whole, out.len()), (70_028, LONGEST));
    }
}
