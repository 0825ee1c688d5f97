//! Time on the air: how long the radios of both ends of a link send and receive.
//!
//! Every transmission counts: each fragment, each repetition by the link, each acknowledgement, and
//! on a shared medium each assessment of the channel and each wait for an acknowledgement, which is
//! receiving. A receiver receives what reaches it, damaged frames and what adversaries send included; it
//! hears nothing of what is lost or destroyed. Nothing is told unless [`crate::Engine::meter_air`] asks for it.

use crate::link::serialisation;
use crate::order::TAP_ENTITY_BASE;
use crate::time::SimDuration;
use crate::world::{After, World};

/// What one packet added to the air of its link direction and has not been told yet, ns.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct AirTime {
    /// Frames sent by the sender.
    pub(crate) sent_ns: u64,
    /// Of these, what reached the receiver.
    pub(crate) received_ns: u64,
    /// Acknowledgements sent by the receiver.
    pub(crate) answered_ns: u64,
    /// Of these, what reached the sender.
    pub(crate) acknowledged_ns: u64,
}

impl AirTime {
    const NONE: Self = Self {
        sent_ns: 0,
        received_ns: 0,
        answered_ns: 0,
        acknowledged_ns: 0,
    };
}

impl<P: Copy, E: Copy> World<P, E> {
    /// Tells what the last packet on a link direction took of the air.
    #[inline]
    pub(crate) fn tell_air(&mut self, extra: u32, from: u32, to: u32) {
        if self.meters_air {
            self.tell_air_of(extra, from, to);
        }
    }

    fn tell_air_of(&mut self, extra: u32, from: u32, to: u32) {
        let Some(extra) = self.extras.get_mut(extra as usize) else {
            return;
        };
        let air = core::mem::replace(&mut extra.air, AirTime::NONE);
        self.aired(from, air.sent_ns, air.acknowledged_ns);
        self.aired(to, air.answered_ns, air.received_ns);
    }

    /// A packet reaches its receiver: one of an adversary was not told when it was sent.
    #[inline]
    pub(crate) fn hear(&mut self, packet: u32, to: u32) {
        if self.meters_air && self.packets.get(packet).meta.sender >= TAP_ENTITY_BASE {
            self.hear_adversary(packet, to);
        }
    }

    fn hear_adversary(&mut self, packet: u32, to: u32) {
        let meta = self.packets.get(packet).meta;
        let link = &self.links[meta.link.0 as usize];
        let class = usize::from(link.directions[meta.direction.index()].class);
        let class = &self.classes[class];
        let bytes = meta.bytes_len.saturating_add(class.params.overhead_bytes);
        let modulation = class.params.medium.and_then(|medium| medium.modulation);
        let time = match modulation {
            Some(modulation) => modulation.airtime(bytes),
            None => serialisation(u64::from(bytes), class.air_bps.or(class.params.rate_bps)),
        };
        self.aired(to, 0, time.0);
    }

    /// A node has sent and received for so long.
    #[inline]
    pub(crate) fn aired(&mut self, node: u32, sent_ns: u64, received_ns: u64) {
        if self.meters_air && sent_ns + received_ns > 0 {
            self.after.push(After::Aired {
                node,
                sent: SimDuration(sent_ns),
                received: SimDuration(received_ns),
            });
        }
    }

    /// The node of a station on a medium has sent and received for so long.
    #[inline]
    pub(crate) fn station_aired(
        &mut self,
        medium: usize,
        station: u32,
        sent: SimDuration,
        received: SimDuration,
    ) {
        if self.meters_air {
            let node = self.media[medium].stations[station as usize].node;
            self.aired(node, sent.0, received.0);
        }
    }
}
