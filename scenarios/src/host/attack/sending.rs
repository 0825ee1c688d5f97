//! What attackers send, and what nodes send to the addresses that an adversary listens at.

use protocols::attack::OWN_HOSTS;
use protocols::{Address, Channel};
use sim_engine::{Direction, Injection, LinkId, NodeId, Outbox, SimDuration, Source};

use crate::host::attempt::AttemptId;
use crate::host::effects::Price;
use crate::host::tables::{Header, Journey, NO_RULE, Tables};
use crate::host::transport::carried::{Carried, Part};
use crate::host::{Deferred, NO_PAIR, World, token};

impl<T: Tables> World<T> {
    pub(super) fn send_as_attacker(
        &mut self,
        place: usize,
        header: Header,
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        let adversary = self.attacks.instances[place].adversary;
        let seat = self.taps.all()[adversary].spec.seat;
        if seat == Some(header.from.host) {
            // It is nobody's session, but from now on the adversary has acted.
            self.touches(out.recorder().place(), AttemptId::NONE);
            if out.node().0 == header.from.host {
                self.send_played(header, bytes, out);
            } else {
                let node = header.from.host;
                let outgoing = self.attacks.outgoing.entry(node).or_default();
                outgoing.push((header, bytes.to_vec()));
                out.command(NodeId(node), token::PLAY);
            }
            return;
        }
        let source = if self.attacks.owner(header.from.host) == Some(place) {
            Source::Own
        } else {
            Source::Spoofed
        };
        self.put_on_link(place, header, source, bytes, out);
    }

    /// The party that an attacker plays sends a frame of its own.
    pub(super) fn send_played(&mut self, header: Header, bytes: &[u8], out: &mut Outbox<'_, Self>) {
        let way = (header.from, header.to, header.channel);
        let whole = (AttemptId::NONE, Part::Message);
        self.send(out.now(), way, whole, bytes, &Price::default(), out);
    }

    /// The node that is played sends what has been waiting for its turn.
    pub(in crate::host) fn play_outgoing(&mut self, node: u32, out: &mut Outbox<'_, Self>) {
        for (header, bytes) in self.attacks.outgoing.remove(&node).unwrap_or_default() {
            self.send_played(header, &bytes, out);
        }
    }

    pub(super) fn put_on_link(
        &mut self,
        place: usize,
        header: Header,
        source: Source,
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        let way = self.attacks.way(place, header.from.host, header.to.host);
        let Some(way) = way.or_else(|| self.attack_way_over_relays(place, &header)) else {
            self.tally.unroutable += 1;
            return;
        };
        if header.from.host >= OWN_HOSTS {
            let back = (header.from.host, header.to.host);
            self.attacks.instances[place].ways.insert(back, way);
        }
        let touched = self
            .workloads
            .open_between(header.from.host, header.to.host);
        self.touches(out.recorder().place(), touched);
        if self.carries_streams(way.0.0) {
            self.put_on_stream(place, way, (header, source), bytes, out);
            return;
        }
        let adversary = self.attacks.instances[place].adversary;
        let how = Injection {
            source,
            whole: !self.taps.all()[adversary].spec.is_on_path(),
        };
        let tap = u32::try_from(adversary).unwrap_or(0);
        out.inject(tap, way, how, header, bytes);
    }

    /// A party sends to an own address of an attacker: which way the frame goes, if any.
    pub(in crate::host) fn mail_way(
        &self,
        header: &Header,
    ) -> Option<(u32, (LinkId, Direction), bool)> {
        let place = self.attacks.owner(header.to.host)?;
        let instance = &self.attacks.instances[place];
        let there = instance.ways.get(&(header.to.host, header.from.host));
        let way = match there {
            Some((link, Direction::Up)) => (*link, Direction::Down),
            Some((link, Direction::Down)) => (*link, Direction::Up),
            None => self.attacks.way_from(place, header.from.host)?,
        };
        let whole = !self.taps.all()[instance.adversary].spec.is_on_path();
        let tap = u32::try_from(instance.adversary).unwrap_or(0);
        Some((tap, way, whole))
    }

    /// Attackers beside the links of `node` hear what it broadcasts: their own hosts are on the
    /// segment. Those on the path see it pass instead.
    pub(in crate::host) fn listeners(&self, node: u32) -> Vec<u32> {
        let beside = |place: &usize| {
            let instance = &self.attacks.instances[*place];
            let spec = &self.taps.all()[instance.adversary].spec;
            !spec.is_on_path()
                && spec.seat.is_none()
                && self.attacks.way_from(*place, node).is_some()
        };
        (0..self.attacks.instances.len())
            .filter(beside)
            .map(crate::attack::own_host)
            .collect()
    }

    /// A party sends to an address that is no party's: an adversary's, or nobody's.
    pub(in crate::host) fn send_beyond(
        &mut self,
        (from, to, channel): (Address, Address, Channel),
        attempt: AttemptId,
        bytes: &[u8],
        price: &Price,
        out: &mut Outbox<'_, Self>,
    ) {
        if self.attacks.owner(to.host).is_none() {
            self.tally.unroutable += 1;
            return;
        }
        self.workloads.count_message(attempt, bytes.len());
        let header = Header {
            from,
            to,
            channel,
            attempt,
            pair: NO_PAIR,
            rule: NO_RULE,
            carried: Carried::MESSAGE,
            journey: Journey::default(),
        };
        if price.total_ns == 0 {
            self.mail(header, bytes, out);
        } else {
            let bytes = out.keep(bytes);
            out.defer(
                SimDuration(price.total_ns),
                Deferred::Mail { header, bytes },
            );
        }
    }

    /// A frame of a party goes to an adversary's own address.
    pub(in crate::host) fn mail(
        &mut self,
        header: Header,
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        match self.mail_way(&header) {
            Some((tap, way, whole)) => out.mail(tap, way, whole, header, bytes),
            None => self.tally.unroutable += 1,
        }
    }

    /// A party broadcasts: adversaries beside its links hear it too.
    pub(in crate::host) fn overheard(
        &mut self,
        (from, port, channel): (Address, u16, Channel),
        attempt: AttemptId,
        bytes: &[u8],
        price: &Price,
        out: &mut Outbox<'_, Self>,
    ) {
        if self.attacks.is_empty() || channel != Channel::Public {
            return;
        }
        for host in self.listeners(from.host) {
            let to = Address::new(host, port);
            self.send_beyond((from, to, channel), attempt, bytes, price, out);
        }
    }
}
