//! What the engine calls: inputs, releases, controls, and the ends of packets.

use protocols::{Incoming, Timer};
use sim_engine::order::TAP_ENTITY_BASE;
use sim_engine::{
    Ahead, Fate, Input, LostInput, NodeId, Outbox, PacketEnd, PacketMeta, Passage, SimDuration,
    SimTime, TapDraw, TimerId, Verdict,
};

use super::attempt::AttemptId;
use super::fault::Moment;
use super::tables::{Header, Tables};
use super::{Deferred, NO_PAIR, World, fault, schedule, transport};
use crate::fault::Point;
use crate::record::log::Turn;

impl<T: Tables> sim_engine::Host for World<T> {
    type Header = Header;
    type Effect = Deferred;
    type Recorder = T;

    fn on_input(
        &mut self,
        now: SimTime,
        node: NodeId,
        input: Input<'_, Header>,
        out: &mut Outbox<'_, Self>,
    ) {
        match input {
            Input::Packet {
                mut header,
                meta,
                bytes,
            } => {
                if self.pass_on(now, node, (&header, &meta), bytes, out) {
                    return;
                }
                if self.take_segment(now, node, (&header, &meta), bytes, out) {
                    return;
                }
                header.pair = held(&header, &meta);
                self.on_packet(now, node, (&header, Some(&meta)), bytes, out);
            }
            Input::Timer(timer) if timer.kind == transport::TIMER => {
                self.on_stream_timer(now, node, timer.key, out);
            }
            Input::Timer(timer) => {
                let attempt = self.workloads.open_attempt(node.0);
                self.on_protocol_timer(now, node, timer, attempt, out);
            }
            Input::Command(token) => self.on_command_token(now, node, token, out),
        }
    }

    fn on_release(
        &mut self,
        now: SimTime,
        node: NodeId,
        effect: Deferred,
        out: &mut Outbox<'_, Self>,
    ) {
        self.release(now, node, effect, out);
    }

    fn on_control(
        &mut self,
        now: SimTime,
        owner: NodeId,
        control: TimerId,
        out: &mut Outbox<'_, Self>,
    ) {
        if owner.0 >= TAP_ENTITY_BASE {
            self.on_attack_control(now, owner, control, out);
            return;
        }
        if control.kind == schedule::CONTROL {
            self.change_links(now, control, out);
        } else if control.kind >= fault::control::FIRST {
            self.on_fault_control(now, owner, control, out);
        } else {
            self.on_workload_control(now, owner.0, control, out);
        }
    }

    fn on_packet_end(&mut self, now: SimTime, end: &PacketEnd<'_, Header>) {
        self.tally.packet(end.fate, end.bytes.len());
        let arrives = matches!(
            end.fate,
            Fate::Delivered | Fate::Duplicated | Fate::AdversaryModified | Fate::Injected
        ) || (end.fate == Fate::Corrupted && end.arrived.is_some());
        // A delivered packet goes on holding its pair until its handler is through.
        if !arrives {
            self.let_go(now.0, held(end.header, end.meta));
        }
    }

    fn on_aired(
        &mut self,
        now: SimTime,
        node: NodeId,
        sent_and_received: (SimDuration, SimDuration),
        out: &mut Outbox<'_, Self>,
    ) {
        self.pay_for_air(now, node, sent_and_received, out);
    }

    fn on_copied(&mut self, header: &Header, meta: &PacketMeta) {
        self.hold_pair(held(header, meta), false);
    }

    fn on_tap(
        &mut self,
        now: SimTime,
        passage: Passage<'_>,
        header: &mut Header,
        draw: &mut TapDraw,
        rewritten: &mut Vec<u8>,
    ) -> Verdict {
        let place = Turn::of(passage.event.0, passage.event.1).place();
        if let Some(verdict) = self.tap_on_stream(now, &passage, header, rewritten) {
            return verdict;
        }
        let verdict = self.attack_on_tap(now, &passage, header, rewritten);
        if let Some(verdict) = verdict.filter(|verdict| *verdict != Verdict::Pass) {
            header.rule = self.attack_rule(passage.tap, passage.meta.link.0);
            self.touches(place, header.attempt);
            return verdict;
        }
        if self.attacks.acts_by_rules(passage.tap as usize) {
            return Verdict::Pass;
        }
        let message = header.carried.message(passage.bytes);
        let message = message.and_then(|message| self.instance.classify(message));
        let Passage { tap, meta, .. } = passage;
        let (verdict, rule) = self.taps.decide(now, tap, meta, message, draw);
        if let Some(rule) = rule {
            header.rule = rule;
            self.touches(place, header.attempt);
        }
        verdict
    }

    fn on_tap_done(&mut self, now: SimTime, tap: u32, out: &mut Outbox<'_, Self>) {
        self.attack_on_tap_done(now, tap, out);
    }

    fn on_mail(
        &mut self,
        now: SimTime,
        _tap: u32,
        header: &Header,
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        if header.carried.by_transport() {
            self.own_stream_hears(now, header, bytes, out);
        } else if let Some(place) = self.attacks.owner(header.to.host) {
            self.attack_on_mail(now, place, header, bytes, out);
        }
    }

    #[inline]
    fn on_settled(&mut self, recorder: &mut T) {
        // At once, so that the order of rows is that of the ends of divergences and of nothing else.
        if self.tally.unwritten {
            self.write_desync(recorder);
        }
    }

    fn touch(&self, entity: NodeId) -> u64 {
        self.touch_node(entity.0)
    }

    fn touch_control(&self, owner: NodeId, engine: Ahead<'_>) -> u64 {
        self.touch_attempts(&[owner.0], engine)
    }

    fn on_effect_lost(
        &mut self,
        now: SimTime,
        node: NodeId,
        effect: Deferred,
        out: &mut Outbox<'_, Self>,
    ) {
        match effect {
            Deferred::Send { header, bytes, .. } => {
                out.free(bytes);
                self.let_go(now.0, header.pair);
            }
            Deferred::Forward(packet) => {
                out.free(packet.bytes);
                self.drop_relayed(now, &packet.header);
            }
            Deferred::Stored { writing, .. } => self.write_lost(now, node.0, writing, out),
            Deferred::Torn { writing, .. } => self.write_lost(now, node.0, writing, out),
            Deferred::Mail { bytes, .. } => out.free(bytes),
            Deferred::Done { pair, .. } => self.let_go(now.0, pair),
            _ => {}
        }
    }

    fn on_input_lost(
        &mut self,
        now: SimTime,
        node: NodeId,
        input: LostInput<Header>,
        out: &mut Outbox<'_, Self>,
    ) {
        self.input_lost(now, node.0, input, out);
    }
}

/// The pair that this packet holds: that of its header for what a node sent itself and for copies
/// that the link made of it, none for an adversary's packets.
pub(crate) const fn held(header: &Header, meta: &PacketMeta) -> u32 {
    if header.carried.by_transport() {
        // A record is held by its end of the connection, however often it is sent.
        return NO_PAIR;
    }
    if meta.sender < TAP_ENTITY_BASE {
        header.pair
    } else {
        NO_PAIR
    }
}

impl<T: Tables> World<T> {
    pub(super) fn on_packet(
        &mut self,
        now: SimTime,
        node: NodeId,
        (header, meta): (&Header, Option<&PacketMeta>),
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        if let Some(place) = self.attacks.seats.get(&node.0).copied() {
            self.let_go(now.0, header.pair);
            self.attack_on_mail(now, place, header, bytes, out);
            return;
        }
        if self.faults.is_some() {
            let moment = |point| Moment {
                point,
                from: header.from,
                to: header.to,
                relay: false,
                way: meta.map(|meta| (meta.link, meta.direction)),
                packet: meta.map(|meta| (meta.sender, meta.number)),
                bytes,
            };
            self.message_moment(now, &moment(Point::Received), out);
            if out.is_down(node) {
                self.let_go(now.0, header.pair);
                return;
            }
            self.message_moment(now, &moment(Point::Handled), out);
        }
        let attempt = self.workloads.attempt_in_hand(node.0, header.attempt);
        if self.halted[node.0 as usize] {
            self.let_go(now.0, header.pair);
            return;
        }
        self.takes_in_hand(node.0, Some((header, bytes)));
        let incoming = Incoming {
            from: header.from,
            to: header.to,
            channel: header.channel,
            bytes,
        };
        self.call(
            now,
            node,
            (attempt, header.pair),
            out,
            |column, member, cx| {
                column.on_message(member, incoming, cx);
            },
        );
    }

    pub(super) fn on_protocol_timer(
        &mut self,
        now: SimTime,
        node: NodeId,
        timer: TimerId,
        attempt: AttemptId,
        out: &mut Outbox<'_, Self>,
    ) {
        let held = self.timer_expires(node.0, timer);
        if self.halted[node.0 as usize] {
            self.let_go(now.0, held);
            return;
        }
        self.takes_in_hand(node.0, None);
        let timer = Timer {
            kind: timer.kind,
            key: timer.key,
        };
        self.call(now, node, (attempt, held), out, |column, member, cx| {
            column.on_timer(member, timer, cx);
        });
    }
}
