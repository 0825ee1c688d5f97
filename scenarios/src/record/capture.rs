//! `packets.pcapng`: every packet with true headers at the end of its way over its link.
//!
//! A packet is written when its fate is settled, which is the order of virtual time, so nothing is
//! kept back and time stamps never go back.

use core::fmt::Write as _;

use reports::pcapng::{Capture, Carrier, Endpoint, Packet};
use reports::store::{Staging, StoreError};
use sim_engine::{Direction, Fate, PacketEnd};

use crate::host::tables::Header;
use crate::host::transport::carried::Part;
use crate::names::Names;
use crate::scenario::{Scenario, Transport};

/// The first node's address, 10.0.0.1; the others follow.
const NODES: u32 = 0x0A00_0001;

/// The first adversary's address, 172.16.0.1; the others follow.
const ADVERSARIES: u32 = 0xAC10_0001;

/// No interface yet.
const NONE: u32 = u32::MAX;

/// The capture of one run.
#[derive(Debug)]
pub(super) struct PacketCapture {
    file: Capture,
    /// First link of each link group and what its messages travel by.
    groups: Vec<(u32, Transport)>,
    /// Interface of each link that has carried something.
    interfaces: Vec<u32>,
    /// Whether the address of a node has its name.
    named: Vec<bool>,
    text: String,
}

impl PacketCapture {
    /// Begins the capture, given the first link and the number of links of each link group.
    pub(super) fn open(
        staging: &Staging,
        scenario: &Scenario,
        links: &[(u32, u32)],
    ) -> Result<Self, StoreError> {
        let transports = scenario.links.iter().map(|link| link.transport);
        let groups = links.iter().map(|(first, _)| *first).zip(transports);
        let count = links.iter().map(|(first, count)| first + count).max();
        let program = concat!("badlink ", env!("CARGO_PKG_VERSION"));
        Ok(Self {
            file: Capture::open(staging, program)?,
            groups: groups.collect(),
            interfaces: vec![NONE; count.unwrap_or(0) as usize],
            named: vec![false; scenario.node_count()],
            text: String::new(),
        })
    }

    /// Ends the capture.
    pub(super) fn finish(self) -> Result<u64, StoreError> {
        self.file.finish()
    }

    /// Writes a packet whose fate is settled.
    pub(super) fn packet(
        &mut self,
        end: &PacketEnd<'_, Header>,
        names: &Names,
        rules: &[String],
    ) -> Result<(), StoreError> {
        let header = end.header;
        let link = end.meta.link.0;
        let transport = self.transport(link);
        let interface = self.interface(link, transport, names)?;
        let [from, to] = [header.from, header.to].map(|at| Endpoint {
            address: address(at.host),
            port: at.port,
        });
        for host in [header.from.host, header.to.host] {
            self.name(host, names)?;
        }
        // A broadcast goes past the streams of a link.
        let broadcast = matches!(header.carried.part, Part::Broadcast | Part::BroadcastCopy);
        let carrier = match transport {
            Transport::Stream(_) if !broadcast => Carrier::Segment,
            _ => Carrier::Datagram,
        };
        self.comment(end, names, rules);
        self.file.packet(&Packet {
            interface,
            at_ns: end.at.0,
            up: end.meta.direction == Direction::Up,
            from,
            to,
            hops: header.journey.links,
            carrier,
            bytes: end.bytes,
            comment: &self.text,
        })
    }

    /// Tells of a packet that did not simply arrive: its fate, the rule that acted on it, its name in
    /// `messages.csv`, and when it was sent.
    fn comment(&mut self, end: &PacketEnd<'_, Header>, names: &Names, rules: &[String]) {
        let text = &mut self.text;
        text.clear();
        let rule = rules.get(usize::from(end.header.rule));
        if end.fate == Fate::Delivered && rule.is_none() {
            return;
        }
        let meta = end.meta;
        // Writing to a string cannot fail.
        let _ = write!(text, "fate={}", super::fate(end.fate));
        if let Some(rule) = rule {
            let _ = write!(text, " rule={rule}");
        }
        text.push_str(" packet=");
        names.packet(
            (meta.link.0, meta.direction),
            meta.sender,
            (meta.number, meta.copy),
            text,
        );
        let _ = write!(text, " sent_ns={}", meta.sent.0);
    }

    fn transport(&self, link: u32) -> Transport {
        let at = self.groups.partition_point(|(first, _)| *first <= link);
        let group = at.checked_sub(1).and_then(|at| self.groups.get(at));
        group.map_or(Transport::Datagram, |(_, transport)| *transport)
    }

    /// The interface of a link, described before its first packet.
    fn interface(
        &mut self,
        link: u32,
        transport: Transport,
        names: &Names,
    ) -> Result<u32, StoreError> {
        let place = link as usize;
        if place >= self.interfaces.len() {
            self.interfaces.resize(place + 1, NONE);
        }
        if self.interfaces[place] == NONE {
            self.text.clear();
            names.link(link, &mut self.text);
            self.interfaces[place] = self.file.interface(&self.text, transport.name())?;
        }
        Ok(self.interfaces[place])
    }

    /// Names the address of a node before its first packet.
    fn name(&mut self, host: u32, names: &Names) -> Result<(), StoreError> {
        match self.named.get_mut(host as usize) {
            Some(named) if !*named => *named = true,
            _ => return Ok(()),
        }
        self.text.clear();
        names.node(host, &mut self.text);
        self.file.name(address(host), &self.text)
    }
}

/// The IPv4 address of a host.
const fn address(host: u32) -> u32 {
    match host.checked_sub(sim_engine::order::TAP_ENTITY_BASE) {
        Some(adversary) => ADVERSARIES.wrapping_add(adversary),
        None => NODES.wrapping_add(host),
    }
}
