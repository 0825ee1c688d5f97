//! The state of a medium: its stations, their frames, what is on the air.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Capture, DutyCycle, MediumParams, MediumStats, Modulation, SPREADING_FACTORS};
use crate::id::Direction;
use crate::packet::Fate;
use crate::slab::{NONE, Slab};
use crate::time::{SimDuration, SimTime};

/// What a scheduled event of a medium is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Step {
    /// A station senses the channel, or a clear channel assessment ends.
    Sense = 0,
    /// A frame begins.
    Begin = 1,
    /// A frame ends.
    End = 2,
    /// A sender stops waiting for an acknowledgement.
    Unanswered = 3,
    /// A receive window opens.
    Window = 4,
}

impl Step {
    pub(crate) const fn from_tag(tag: u8) -> Self {
        match tag {
            0 => Self::Sense,
            1 => Self::Begin,
            2 => Self::End,
            3 => Self::Unanswered,
            _ => Self::Window,
        }
    }
}

/// How a link direction stands to its medium.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared {
    pub(crate) medium: u16,
    /// Station of the sender, and of the receiver.
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// Received power of the link's frames, milliwatts.
    pub(crate) power_mw: f64,
}

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FrameKind {
    Data,
    /// A further receiver of a broadcast: the frame of the first one carries it.
    Rider,
    /// Acknowledges another frame.
    Ack,
}

/// A frame between its offer and its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) kind: FrameKind,
    /// The packet; for an acknowledgement the frame that it answers.
    pub(crate) packet: u32,
    /// The next receiver of the same broadcast, or [`NONE`].
    pub(crate) rider: u32,
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// Address of its draws: link, direction, packet number.
    pub(crate) link_name: u64,
    pub(crate) direction: Direction,
    pub(crate) number: u64,
    /// Draws made so far.
    pub(crate) draws: u32,
    /// Bytes of the packet, and bytes on the air.
    pub(crate) length: u32,
    pub(crate) bytes: u32,
    pub(crate) modulation: Option<Modulation>,
    pub(crate) airtime: SimDuration,
    pub(crate) offered: SimTime,
    /// When its first transmission began.
    pub(crate) first: SimTime,
    pub(crate) start: SimTime,
    pub(crate) end: SimTime,
    pub(crate) channel: u16,
    /// Whether the channel has been drawn.
    pub(crate) tuned: bool,
    /// Busy findings of the present access.
    pub(crate) findings: u32,
    /// Transmissions so far.
    pub(crate) sent: u8,
    /// Whether it shall be sent in the second receive window.
    pub(crate) second: bool,
    /// Whether the duty cycle made it wait.
    pub(crate) held_back: bool,
    /// Whether its receiver has got it already and only the acknowledgement is missing.
    pub(crate) got: bool,
    /// How its last transmission ended.
    pub(crate) fate: Fate,
    /// Whether another frame overlaps it.
    pub(crate) hit: bool,
    pub(crate) power_mw: f64,
    /// Power of overlapping frames, by spreading factor.
    pub(crate) interference_mw: [f64; SPREADING_FACTORS],
}

/// One sender and receiver on a medium: a node.
#[derive(Clone, Debug)]
pub(crate) struct Station {
    pub(crate) node: u32,
    /// Name for draws that belong to a pair of stations.
    pub(crate) name: u64,
    /// Frames that wait, the one in access not included.
    pub(crate) line: VecDeque<u32>,
    pub(crate) line_bytes: u64,
    /// The frame in access or on the air, or [`NONE`].
    pub(crate) current: u32,
    /// Its last broadcast, and the frame that carries it; [`NONE`] if it was refused or has ended.
    pub(crate) broadcast: (u64, u32),
    /// Its last transmission.
    pub(crate) sending_from: SimTime,
    pub(crate) sending_until: SimTime,
    /// Until when it must be silent: on the sub-band, and on that of the second receive window.
    pub(crate) silent_until: [SimTime; 2],
    /// Until when it keeps its receive windows free of transmissions of its own.
    pub(crate) listening_until: SimTime,
    /// Receive windows: frames for this station that wait, and the end of its last uplink.
    pub(crate) mail: VecDeque<u32>,
    pub(crate) uplink: Option<Uplink>,
}

/// A station's last uplink, after which its receive windows open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uplink {
    pub(crate) end: SimTime,
    pub(crate) channel: u16,
    pub(crate) modulation: Option<Modulation>,
    /// Whether a frame has been appointed to one of its windows.
    pub(crate) taken: bool,
}

/// A transmission as others hear it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) station: u32,
    pub(crate) start: SimTime,
    pub(crate) end: SimTime,
}

/// One medium.
#[derive(Clone, Debug)]
pub(crate) struct Medium {
    pub(crate) params: MediumParams,
    pub(crate) stations: Vec<Station>,
    of_node: BTreeMap<u32, u32>,
    /// Pairs of stations with a link; kept only where stations may be hidden from each other.
    pub(crate) linked: BTreeSet<(u32, u32)>,
    pub(crate) frames: Slab<Frame>,
    /// Frames on the air.
    pub(crate) air: Vec<u32>,
    /// Transmissions that somebody may still hear, in the order in which they began.
    pub(crate) heard: VecDeque<Heard>,
    pub(crate) occupied_until: SimTime,
    pub(crate) totals: MediumStats,
}

impl Medium {
    pub(crate) fn new(params: MediumParams) -> Self {
        Self {
            params,
            stations: Vec::new(),
            of_node: BTreeMap::new(),
            linked: BTreeSet::new(),
            frames: Slab::new(),
            air: Vec::new(),
            heard: VecDeque::new(),
            occupied_until: SimTime::ZERO,
            totals: MediumStats::default(),
        }
    }

    /// The station of a node, made if it has none. `name` is that of its first link and end.
    pub(crate) fn station(&mut self, node: u32, name: u64) -> u32 {
        if let Some(&station) = self.of_node.get(&node) {
            return station;
        }
        let number = self.stations.len() as u32;
        self.of_node.insert(node, number);
        self.stations.push(Station {
            node,
            name,
            line: VecDeque::new(),
            line_bytes: 0,
            current: NONE,
            broadcast: (0, NONE),
            sending_from: SimTime::ZERO,
            sending_until: SimTime::ZERO,
            silent_until: [SimTime::ZERO; 2],
            listening_until: SimTime::ZERO,
            mail: VecDeque::new(),
            uplink: None,
        });
        number
    }

    /// The node of its first station: all its nodes are of one part.
    pub(crate) fn home(&self) -> Option<u32> {
        self.stations.first().map(|station| station.node)
    }

    /// Names the packets of all frames anew that wait, are on the air, or are `about` to be.
    pub(crate) fn rename_packets(
        &mut self,
        about: impl Iterator<Item = u32>,
        mut rename: impl FnMut(u32) -> u32,
    ) {
        let mut live: BTreeSet<u32> = about.collect();
        live.extend(&self.air);
        for station in &self.stations {
            live.extend(&station.line);
            live.extend(&station.mail);
            live.insert(station.current);
        }
        live.remove(&NONE);
        let mut heads: Vec<u32> = live.iter().copied().collect();
        while let Some(index) = heads.pop() {
            let frame = self.frames.get_mut(index);
            if frame.kind == FrameKind::Ack {
                continue;
            }
            if !frame.got {
                frame.packet = rename(frame.packet);
            }
            if frame.rider != NONE && live.insert(frame.rider) {
                heads.push(frame.rider);
            }
        }
    }

    /// Puts a frame on the air at `now`: it and what it overlaps do harm to each other.
    pub(crate) fn begin(&mut self, index: u32, now: SimTime, end: SimTime) {
        let mut frame = *self.frames.get(index);
        frame.start = now;
        frame.end = end;
        frame.hit = false;
        frame.interference_mw = [0.0; SPREADING_FACTORS];
        let factor = frame.factor();
        for &other_index in &self.air {
            let other = self.frames.get_mut(other_index);
            if other.end <= now || other.channel != frame.channel {
                continue;
            }
            match self.params.capture {
                Capture::None if other.factor() == factor => {
                    other.hit = true;
                    frame.hit = true;
                }
                Capture::None => {}
                Capture::Thresholds(_) => {
                    other.interference_mw[factor] += frame.power_mw;
                    frame.interference_mw[other.factor()] += other.power_mw;
                }
            }
        }
        *self.frames.get_mut(index) = frame;
        self.air.push(index);
        let station = &mut self.stations[frame.from as usize];
        station.sending_from = now;
        station.sending_until = end;
        self.heard.push_back(Heard {
            station: frame.from,
            start: now,
            end,
        });
        let from = self.occupied_until.max(now);
        self.totals.occupied_ns += u128::from(end.since(from).0);
        self.occupied_until = self.occupied_until.max(end);
    }

    /// Takes a frame off the air.
    pub(crate) fn leave(&mut self, index: u32) {
        if let Some(at) = self.air.iter().position(|&other| other == index) {
            self.air.swap_remove(at);
        }
    }

    /// Whether `frame`, received with `power_mw`, is destroyed by what overlapped it.
    pub(crate) fn destroys(&self, frame: &Frame, power_mw: f64) -> bool {
        match &self.params.capture {
            Capture::None => frame.hit,
            Capture::Thresholds(thresholds) => {
                let row = &thresholds[frame.factor()];
                frame
                    .interference_mw
                    .iter()
                    .zip(row)
                    .any(|(&noise, &threshold)| {
                        noise > 0.0 && power_mw < noise * milliwatts(threshold)
                    })
            }
        }
    }

    /// The duty cycle of the sub-band, or of that of the second receive window.
    pub(crate) fn duty(&self, second: bool) -> Option<DutyCycle> {
        match (second, &self.params.windows) {
            (true, Some(windows)) => windows.second_duty,
            _ => self.params.duty,
        }
    }

    /// Whether a station was transmitting at any time while `frame` was on the air.
    pub(crate) fn is_deaf(&self, station: u32, frame: &Frame) -> bool {
        let station = &self.stations[station as usize];
        station.sending_until > frame.start && station.sending_from < frame.end
    }

    /// Forgets transmissions that nobody can hear at `from` or later.
    pub(crate) fn forget(&mut self, from: SimTime) {
        let propagation = self.params.propagation.0;
        while let Some(first) = self.heard.front() {
            if first.end.0.saturating_add(propagation) > from.0 {
                break;
            }
            self.heard.pop_front();
        }
    }

    /// The latest instant until which a station hears one of the transmissions that it hears at any
    /// time from `from` to `to`; `None`: the channel is idle for it.
    pub(crate) fn hears(
        &self,
        from: SimTime,
        to: SimTime,
        mut audible: impl FnMut(u32) -> bool,
    ) -> Option<SimTime> {
        let propagation = self.params.propagation.0;
        let mut latest = None;
        for other in &self.heard {
            let start = other.start.0.saturating_add(propagation);
            let end = other.end.0.saturating_add(propagation);
            if start < to.0 && end > from.0 && audible(other.station) {
                latest = latest.max(Some(SimTime(end)));
            }
        }
        latest
    }

    /// The counters at `now`: what lies in the future is taken out again.
    pub(crate) fn totals_at(&self, now: SimTime) -> MediumStats {
        let mut stats = self.totals;
        stats.occupied_ns -= u128::from(self.occupied_until.since(now).0);
        stats
    }
}

impl Frame {
    /// Place of its spreading factor; 0 where there is none.
    pub(crate) fn factor(&self) -> usize {
        self.modulation.map_or(0, |modulation| modulation.factor())
    }
}

/// Milliwatts of a power in dBm.
pub(crate) fn milliwatts(dbm: f64) -> f64 {
    libm::pow(10.0, dbm / 10.0)
}
