//! Packets that the link carries in frames: fragmentation, and frames repeated until acknowledged.
//!
//! **Fragmentation** is that of 6LoWPAN (RFC 4944, section 5.3): a datagram longer than the MTU is
//! cut into frames of at most the MTU; the first has a header of 4 bytes, each further one of 5, and
//! all but the last carry a multiple of 8 bytes. There is no recovery of fragments: with *n* frames
//! lost independently with probability *p* the datagram is lost with 1 − (1 − *p*)^n. What has
//! arrived of it is thrown away when the rest is not there after the reassembly timeout.
//!
//! **ARQ** is stop-and-wait: a frame is sent up to 1 + *retries* times, until an acknowledgement
//! comes. With frame loss *p* and acknowledgements that are never lost the mean number of
//! transmissions is (1 − *p*^(R+1))/(1 − *p*), and the frame is lost with *p*^(R+1). A repeated frame
//! that had arrived already is recognised by the receiver. A sender that gives up a frame sends no
//! further fragment of its datagram; without ARQ it cannot know and sends them all.
//!
//! Every frame takes the medium, with overhead. The frames of one packet are sent in a row.

use super::draws::{self, PacketDraws};
use super::transit::{Medium, Stopped, delay, first_start, hit, lost, serialisation};
use super::{ClassState, Extra};
use crate::packet::Fate;
use crate::rng::Probability;
use crate::time::{SimDuration, SimTime};

/// Bytes of the header of the first fragment.
pub const FIRST_HEADER_BYTES: u32 = 4;
/// Bytes of the header of every other fragment.
pub const NEXT_HEADER_BYTES: u32 = 5;
/// Fragments but the last carry a multiple of this.
const UNIT_BYTES: u32 = 8;
/// Longest datagram: its size has 11 bits in the header.
pub const DATAGRAM_MAX_BYTES: u32 = 2_047;
/// The smallest MTU that fragments fit into.
pub const FRAGMENT_MTU_MIN_BYTES: u32 = NEXT_HEADER_BYTES + UNIT_BYTES;

/// Cutting of datagrams that are longer than the MTU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fragmentation {
    /// How long the receiver waits for the rest of a datagram, from its first fragment on.
    pub timeout: SimDuration,
}

/// Frames that are repeated until they are acknowledged.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Arq {
    /// Repetitions after the first transmission, at most [`RETRIES_MAX`].
    pub retries: u8,
    /// From the end of a frame to its repetition.
    pub timeout: SimDuration,
    /// What the timeout is multiplied by with each repetition, at least 1.
    pub backoff: f64,
    /// How long the medium is taken by an acknowledgement, turnaround included.
    pub ack_time: SimDuration,
    /// How often an acknowledgement is lost.
    pub ack_loss: Probability,
}

/// Most repetitions of a frame.
pub const RETRIES_MAX: u8 = 15;

/// Number of frames of a packet, `None` if it is too long for its link.
#[must_use]
pub fn frames_of(
    bytes: u32,
    mtu: Option<u32>,
    fragmentation: Option<Fragmentation>,
) -> Option<u32> {
    match mtu {
        Some(mtu) if bytes > mtu => {
            if fragmentation.is_none() || bytes > DATAGRAM_MAX_BYTES || mtu < FRAGMENT_MTU_MIN_BYTES
            {
                return None;
            }
            let mut sent = 0;
            let mut frames = 0;
            while sent < bytes {
                sent += payload(bytes, sent, mtu).0;
                frames += 1;
            }
            Some(frames)
        }
        _ => Some(1),
    }
}

/// What the next fragment carries after `sent` of `total` bytes: payload, and header bytes.
fn payload(total: u32, sent: u32, mtu: u32) -> (u32, u32) {
    let header = if sent == 0 {
        FIRST_HEADER_BYTES
    } else {
        NEXT_HEADER_BYTES
    };
    let room = mtu - header;
    let left = total - sent;
    if left <= room {
        (left, header)
    } else {
        (room - room % UNIT_BYTES, header)
    }
}

/// Sends all frames of one packet from `from` on.
pub(super) fn send(
    class: &ClassState,
    extra: &mut Extra,
    draws: &mut PacketDraws<'_>,
    from: SimTime,
    bytes: u32,
    quiet: bool,
) -> Result<Medium, Stopped> {
    let params = &class.params;
    let cut = params.mtu_bytes.filter(|&mtu| bytes > mtu);
    let attempts = 1 + params.arq.map_or(0, |arq| u16::from(arq.retries));
    let mut medium = Medium::new(from);
    let mut at = from;
    let (mut sent, mut fragment) = (0, 0);
    // Arrival of the first and of the latest fragment.
    let mut window: Option<(SimTime, SimTime)> = None;
    let mut last_received = from;
    loop {
        let (payload, header) = cut.map_or((bytes, 0), |mtu| payload(bytes, sent, mtu));
        let frame = Frame {
            bytes: payload + header,
            page: fragment * attempts,
        };
        let tried = frame.send(class, extra, draws, &mut medium, at, quiet)?;
        at = tried.free;
        match tried.received {
            Ok(received) => {
                draws.page = frame.page;
                let arrival = received
                    .checked_add(delay(class, extra, draws, quiet)?)
                    .ok_or(Stopped::BeyondTime)?;
                last_received = received;
                let (first, last) = window.unwrap_or((arrival, arrival));
                window = Some((first.min(arrival), last.max(arrival)));
            }
            Err(fate) => {
                medium.fate.get_or_insert(fate);
                if params.arq.is_some() {
                    break;
                }
            }
        }
        sent += payload;
        fragment += 1;
        if sent >= bytes {
            break;
        }
    }
    draws.page = 0;
    medium.free = at;
    medium.departure = last_received;
    if let Some((first, last)) = window {
        medium.arrival = last;
        let waits = params.fragmentation.map(|cutting| cutting.timeout);
        if !quiet && waits.is_some_and(|timeout| last.since(first) > timeout) {
            medium.fate.get_or_insert(Fate::Lost);
        }
    }
    Ok(medium)
}

/// One frame: its bytes on the air, and the page of draws of its first transmission.
struct Frame {
    bytes: u32,
    page: u16,
}

/// What came of one frame.
struct Tried {
    /// When the sender is done with it.
    free: SimTime,
    /// When its last bit was first received, or how it ended.
    received: Result<SimTime, Fate>,
}

impl Frame {
    fn send(
        &self,
        class: &ClassState,
        extra: &mut Extra,
        draws: &mut PacketDraws<'_>,
        medium: &mut Medium,
        mut at: SimTime,
        quiet: bool,
    ) -> Result<Tried, Stopped> {
        let params = &class.params;
        let on_air = u64::from(self.bytes) + u64::from(params.overhead_bytes);
        let service = serialisation(on_air, params.rate_bps);
        let mut received = Err(Fate::Lost);
        let retries = params.arq.map_or(0, |arq| arq.retries);
        let mut timeout = params.arq.map_or(SimDuration::ZERO, |arq| arq.timeout);
        for attempt in 0..=retries {
            let start = first_start(class, extra, at, on_air);
            medium.begin(start);
            let end = start.checked_add(service).ok_or(Stopped::BeyondTime)?;
            extra.totals.frames += 1;
            extra.air.sent_ns += service.0;
            at = end;
            if quiet {
                extra.air.received_ns += service.0;
                received = Ok(end);
                break;
            }
            draws.page = self.page + u16::from(attempt);
            let fate = if lost(&params.loss, &mut extra.chain, draws, end, self.bytes) {
                Some(Fate::Lost)
            } else {
                match hit(class, draws, self.bytes) {
                    Some(_) if params.corruption.is_some_and(|how| how.checked) => {
                        Some(Fate::Corrupted)
                    }
                    random => {
                        if received.is_err() {
                            medium.flips = medium.flips.or(random);
                        }
                        None
                    }
                }
            };
            match (fate, received) {
                (None, Err(_)) => received = Ok(end),
                (Some(fate), Err(_)) => received = Err(fate),
                (_, Ok(_)) => {}
            }
            if fate != Some(Fate::Lost) {
                extra.air.received_ns += service.0;
            }
            let Some(arq) = params.arq else {
                break;
            };
            if fate.is_none() {
                extra.air.answered_ns += arq.ack_time.0;
            }
            let acknowledged = fate.is_none() && {
                draws.page += draws::ACK_PAGE;
                arq.ack_loss.is_never() || !arq.ack_loss.accepts(draws.slot(draws::ACK))
            };
            if acknowledged {
                extra.air.acknowledged_ns += arq.ack_time.0;
                at = end.checked_add(arq.ack_time).ok_or(Stopped::BeyondTime)?;
                break;
            }
            at = end.checked_add(timeout).ok_or(Stopped::BeyondTime)?;
            timeout = SimDuration((timeout.0 as f64 * arq.backoff) as u64);
        }
        Ok(Tried { free: at, received })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of frames from the standard's header sizes.
    #[test]
    fn datagrams_are_cut_as_the_standard_says() {
        let cutting = Some(Fragmentation {
            timeout: SimDuration(60),
        });
        for (bytes, mtu, frames) in [
            (1_280, 102, Some(14)),
            (1_280, 81, Some(18)),
            (304, 102, Some(4)),
            (304, 81, Some(5)),
            (512, 102, Some(6)),
            (102, 102, Some(1)),
            (103, 102, Some(2)),
            (2_047, 102, Some(22)),
            (2_048, 102, None),
        ] {
            assert_eq!(frames_of(bytes, Some(mtu), cutting), frames, "{bytes}");
        }
        assert_eq!(frames_of(103, Some(102), None), None);
        assert_eq!(frames_of(100_000, None, None), Some(1));
    }
}
