//! One event: from the queue to the host.

use super::Engine;
use crate::cpu::Item;
use crate::error::EngineError;
use crate::fingerprint::{Kind, digest};
use crate::host::{Host, Input};
use crate::id::{NodeId, TimerId};
use crate::order::{Class, TAP_ENTITY_BASE};
use crate::outbox::Outbox;
use crate::packet::{Fate, PacketEnd};
use crate::queue::{Entry, Handle, Payload};
use crate::recorder::Recorder;
use crate::slab::NONE;
use crate::tap::{Passage, Verdict};
use crate::time::{SimDuration, SimTime};
use crate::timers::{State, TimerName};
use crate::world::After;

impl<H: Host> Engine<H> {
    #[inline]
    pub(super) fn handle(
        &mut self,
        host: &mut H,
        recorder: &mut H::Recorder,
        Entry {
            key,
            payload,
            handle,
        }: Entry,
    ) {
        let node = NodeId(payload.node);
        match key.class() {
            Class::Delivery => self.deliver(host, recorder, node, payload.data),
            Class::Timer => self.expire(host, recorder, payload, Handle(handle)),
            Class::Release => self.release(host, recorder, payload),
            Class::Cpu => self.take(host, recorder, payload),
            Class::Control | Class::Fault => {
                let control = timer_of(payload);
                let common = self.world.nodes.len() as u32..TAP_ENTITY_BASE;
                self.common_events += u64::from(common.contains(&node.0));
                self.world.timers.at(Handle(handle)).put(State::Fired);
                self.world
                    .note(recorder, node, Kind::Control, digest_of_timer(control));
                let world = &mut self.world;
                let now = world.now;
                host.on_control(now, node, control, &mut Outbox::new(world, recorder, node));
                self.world.timers.remove_fired(Handle(handle));
            }
            Class::Tap => match payload.node.checked_sub(TAP_ENTITY_BASE) {
                None => self.tap(host, recorder, payload.data),
                Some(tap) => self.mail(host, recorder, tap, payload.data),
            },
            Class::Line => self.world.look_at_line(payload.data),
            Class::Medium => self.world.medium_event(payload),
        }
    }

    /// Works off what a handler left to be told to the host.
    pub(super) fn settle(&mut self, host: &mut H, recorder: &mut H::Recorder) {
        let mut next = 0;
        while let Some(&after) = self.world.after.get(next) {
            next += 1;
            match after {
                After::Ended { packet, fate } => {
                    let sender = NodeId(self.world.packets.get(packet).meta.sender);
                    self.end_packet(host, recorder, packet, fate, sender, Kind::SendEnded);
                    self.world.free_packet(packet);
                }
                After::Copied { packet } => {
                    let copy = self.world.packets.get(packet);
                    host.on_copied(&copy.header, &copy.meta);
                }
                After::Tap { packet } => self.tap(host, recorder, packet),
                After::Crossed { packet } => {
                    self.world.free_packet(packet);
                }
                After::EffectLost { node, effect } => {
                    let world = &mut self.world;
                    let now = world.now;
                    host.on_effect_lost(now, node, effect, &mut Outbox::new(world, recorder, node));
                }
                After::Aired {
                    node,
                    sent,
                    received,
                } => {
                    let (world, node) = (&mut self.world, NodeId(node));
                    let (now, out) = (world.now, &mut Outbox::new(world, recorder, node));
                    host.on_aired(now, node, (sent, received), out);
                }
                After::InputLost { node, input } => {
                    let world = &mut self.world;
                    let now = world.now;
                    host.on_input_lost(now, node, input, &mut Outbox::new(world, recorder, node));
                }
            }
        }
        self.world.after.clear();
    }

    /// Tells how a packet ended, and takes it into the chain of `entity`.
    #[inline]
    fn end_packet(
        &mut self,
        host: &mut H,
        recorder: &mut H::Recorder,
        index: u32,
        fate: Fate,
        entity: NodeId,
        kind: Kind,
    ) {
        let world = &mut self.world;
        let arrived = kind != Kind::SendEnded;
        let now = world.now;
        let to = world.far_end(index);
        let packet = world.packets.get_mut(index);
        packet.meta.arrived = if arrived { now } else { packet.meta.sent };
        let packet = world.packets.get(index);
        let bytes = world.arena.slice(packet.block, packet.meta.bytes_len);
        let digest = digest(bytes) ^ (fate as u64).rotate_right(8);
        let end = PacketEnd {
            header: &packet.header,
            meta: &packet.meta,
            bytes,
            fate,
            to,
            at: now,
            arrived: arrived.then_some(now),
        };
        host.on_packet_end(now, &end);
        if H::Recorder::ON {
            recorder.packet(&end);
        }
        world.note(recorder, entity, kind, digest);
    }

    #[inline]
    fn deliver(&mut self, host: &mut H, recorder: &mut H::Recorder, node: NodeId, index: u32) {
        let world = &mut self.world;
        world.hear(index, node.0);
        let refused = if world.is_down(node) {
            Some(Fate::NodeDown)
        } else {
            world.count_arrival(node);
            let now = world.now;
            let state = &world.nodes[node.0 as usize];
            match world.cpus.get(state.cpu as usize) {
                Some(cpu)
                    if cpu.is_occupied(now)
                        && cpu.packets_waiting >= world.backlogs[usize::from(state.config)] =>
                {
                    world.cpu_mut(node).count_drop();
                    Some(Fate::BacklogDrop)
                }
                _ => None,
            }
        };
        if let Some(fate) = refused {
            self.end_packet(host, recorder, index, fate, node, Kind::Refused);
            self.world.free_packet(index);
            return;
        }
        let fate = self.world.packets.get(index).fate;
        self.end_packet(host, recorder, index, fate, node, Kind::Delivered);
        let now = self.world.now;
        if self.world.cpu(node).is_some_and(|cpu| cpu.is_occupied(now)) {
            self.world.enqueue(node, Item::Packet(index));
        } else {
            self.take_packet(host, recorder, node, index, now);
        }
    }

    /// The CPU takes a packet that arrived at `arrived`.
    #[inline]
    fn take_packet(
        &mut self,
        host: &mut H,
        recorder: &mut H::Recorder,
        node: NodeId,
        index: u32,
        arrived: SimTime,
    ) {
        let world = &mut self.world;
        let packet = world.packets.remove(index);
        self.inbox.clear();
        self.inbox
            .extend_from_slice(world.arena.slice(packet.block, packet.meta.bytes_len));
        world.arena.free(packet.block);
        let input = Input::Packet {
            header: packet.header,
            meta: packet.meta,
            bytes: &self.inbox,
        };
        let now = world.now;
        host.on_input(now, node, input, &mut Outbox::new(world, recorder, node));
        if self.world.nodes[node.0 as usize].cpu != NONE {
            self.world.cpu_mut(node).count_served(arrived, now);
        }
    }

    /// A timer expires: taken at once if the CPU is free, else put into the line.
    fn expire(
        &mut self,
        host: &mut H,
        recorder: &mut H::Recorder,
        payload: Payload,
        handle: Handle,
    ) {
        let (node, timer) = (NodeId(payload.node), timer_of(payload));
        let world = &mut self.world;
        let now = world.now;
        let state = &world.nodes[node.0 as usize];
        let cpu = world.cpus.get(state.cpu as usize);
        let occupied = cpu.is_some_and(|cpu| cpu.is_occupied(now));
        let armed = world.timers.at(handle);
        if state.is_down() || armed.incarnation != state.incarnation {
            world.timers.remove_at(handle);
            return;
        }
        if occupied {
            armed.put(State::Queued);
            let stamp = armed.stamp();
            world.enqueue(node, Item::Timer { timer, stamp });
            return;
        }
        armed.put(State::Fired);
        world.note(recorder, node, Kind::Timer, digest_of_timer(timer));
        host.on_input(
            now,
            node,
            Input::Timer(timer),
            &mut Outbox::new(world, recorder, node),
        );
        self.world.timers.remove_fired(handle);
    }

    /// The CPU has become free and takes what waits, until it is busy again.
    fn take(&mut self, host: &mut H, recorder: &mut H::Recorder, payload: Payload) {
        if !self.world.is_current(payload) {
            return;
        }
        let node = NodeId(payload.node);
        let now = self.world.now;
        // Inputs that come during this loop join the line behind and are taken by it too, unless a
        // handler made the CPU busy or took its power.
        while self.world.is_current(payload) {
            let world = &mut self.world;
            let cpu = &mut world.cpus[world.nodes[node.0 as usize].cpu as usize];
            if cpu.busy_until > now {
                break;
            }
            let Some(waiting) = cpu.dequeue(&mut world.waiting) else {
                break;
            };
            match waiting.item {
                Item::Packet(index) => {
                    let meta = &world.packets.get(index).meta;
                    let digest = meta.number ^ u64::from(meta.sender) << 32;
                    world.note(recorder, node, Kind::TakenPacket, digest);
                    self.take_packet(host, recorder, node, index, waiting.arrived);
                }
                Item::Timer { timer, stamp } => {
                    let name = TimerName::timer(node, timer);
                    // Cancelled or armed again while it waited?
                    let Some(handle) = world.timers.find(name) else {
                        continue;
                    };
                    let armed = world.timers.at(handle);
                    if !armed.stands(State::Queued) || armed.stamp() != stamp {
                        continue;
                    }
                    armed.put(State::Fired);
                    world.note(recorder, node, Kind::TakenTimer, digest_of_timer(timer));
                    let input = Input::Timer(timer);
                    host.on_input(now, node, input, &mut Outbox::new(world, recorder, node));
                    self.world.timers.remove_fired(handle);
                }
                Item::Command(token) => {
                    world.note(recorder, node, Kind::TakenCommand, token);
                    let input = Input::Command(token);
                    host.on_input(now, node, input, &mut Outbox::new(world, recorder, node));
                }
            }
        }
        if self.world.is_current(payload) {
            self.world.cpu_mut(node).take_pending = false;
            self.world.schedule_take(node);
        }
    }

    /// Deferred effects are due.
    fn release(&mut self, host: &mut H, recorder: &mut H::Recorder, payload: Payload) {
        if !self.world.is_current(payload) {
            return;
        }
        let node = NodeId(payload.node);
        while let Some(effect) = self.world.take_due_effect(node) {
            let world = &mut self.world;
            let now = world.now;
            world.note(recorder, node, Kind::Release, 0);
            host.on_release(now, node, effect, &mut Outbox::new(world, recorder, node));
        }
        if self.world.is_current(payload) {
            self.world.cpu_mut(node).release_pending = false;
            self.world.schedule_release(node);
        }
    }

    /// A packet passes the adversary's tap.
    fn tap(&mut self, host: &mut H, recorder: &mut H::Recorder, index: u32) {
        let world = &mut self.world;
        let place_index = world.tap_place_of(index);
        let Some(&place) = world.tap_places.get(place_index as usize) else {
            world.pass_tap(index, SimDuration::ZERO);
            return;
        };
        let mut packet = *world.packets.get(index);
        let mut meta = packet.meta;
        meta.arrived = meta.sent;
        let sender_name = world.sender_name(meta.sender);
        let link_name = world.links[meta.link.0 as usize].name;
        let tap_name = world.taps[place.tap as usize].name;
        world
            .tap_draw
            .address(tap_name, link_name, meta.direction, sender_name, &meta);
        let bytes = world.arena.slice(packet.block, packet.meta.bytes_len);
        let now = world.now;
        let passage = Passage {
            tap: place.tap,
            packet: index,
            event: (world.queue.round(), world.current),
            meta: &meta,
            bytes,
        };
        self.rewritten.clear();
        let verdict = host.on_tap(
            now,
            passage,
            &mut packet.header,
            &mut world.tap_draw,
            &mut self.rewritten,
        );
        world.packets.get_mut(index).header = packet.header;
        if let Some(power) = place.powers.missing_for(&verdict) {
            let link = meta.link;
            world.fail(EngineError::VerdictOutsidePowers {
                tap: place.tap,
                link,
                power,
            });
            world.free_packet(index);
            return;
        }
        if verdict != Verdict::Pass {
            let chain = &mut world.tap_places[place_index as usize].chain;
            chain
                .get_or_insert(crate::fingerprint::Chain::new(tap_name ^ link_name))
                .update(world.current.0, Kind::Verdict, meta.number);
        }
        match verdict {
            Verdict::Pass => world.pass_tap(index, SimDuration::ZERO),
            Verdict::Delay(held) => world.pass_tap(index, held),
            // It stays where it is until the host lets it go.
            Verdict::Hold => {}
            Verdict::Modify => {
                if let Err(error) = world.rewrite(index, &self.rewritten) {
                    world.fail(error);
                }
                world.pass_tap(index, SimDuration::ZERO);
            }
            Verdict::Renumber => {
                let fate = world.packets.get(index).fate;
                match world.rewrite(index, &self.rewritten) {
                    Ok(()) => world.packets.get_mut(index).fate = fate,
                    Err(error) => world.fail(error),
                }
                world.pass_tap(index, SimDuration::ZERO);
            }
            Verdict::Drop | Verdict::Redirect | Verdict::Take => {
                let sender = NodeId(meta.sender);
                self.end_packet(
                    host,
                    recorder,
                    index,
                    Fate::AdversaryDrop,
                    sender,
                    Kind::SendEnded,
                );
                self.world.free_packet(index);
            }
            Verdict::Duplicate { copies, after } => {
                world.copy_from_tap(index, place_index, copies, after);
                world.pass_tap(index, SimDuration::ZERO);
            }
        }
        let world = &mut self.world;
        let entity = NodeId(TAP_ENTITY_BASE + place.tap);
        host.on_tap_done(now, place.tap, &mut Outbox::new(world, recorder, entity));
    }

    /// A packet to an adversary's own address arrives.
    fn mail(&mut self, host: &mut H, recorder: &mut H::Recorder, tap: u32, index: u32) {
        let world = &mut self.world;
        let now = world.now;
        let entity = NodeId(TAP_ENTITY_BASE + tap);
        let packet = world.packets.remove(index);
        self.inbox.clear();
        self.inbox
            .extend_from_slice(world.arena.slice(packet.block, packet.meta.bytes_len));
        world.arena.free(packet.block);
        let mut meta = packet.meta;
        meta.arrived = now;
        let end = PacketEnd {
            header: &packet.header,
            meta: &meta,
            bytes: &self.inbox,
            fate: Fate::Delivered,
            to: entity,
            at: now,
            arrived: Some(now),
        };
        host.on_packet_end(now, &end);
        if H::Recorder::ON {
            recorder.packet(&end);
        }
        world.note(recorder, entity, Kind::Delivered, digest(&self.inbox));
        let out = &mut Outbox::new(world, recorder, entity);
        host.on_mail(now, tap, &packet.header, &self.inbox, out);
    }
}

/// The name of the timer or control event that an entry is about.
pub(super) const fn timer_of(payload: Payload) -> TimerId {
    TimerId {
        kind: payload.tag as u8,
        key: payload.data,
    }
}

const fn digest_of_timer(timer: TimerId) -> u64 {
    (timer.kind as u64) << 32 | timer.key as u64
}
