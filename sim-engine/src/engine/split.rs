//! Parts of a world that run apart, and how they become one again.
//!
//! A world can be run part by part, at the same time:
//! every part is the whole world, built alike, that handles only the events of its own nodes. Where
//! no link leads from part to part they need nothing of one another; else see
//! [`Engine::cross_to`]. What
//! belongs to no node (the owner of starts and of changes of links) is handled by every part, so
//! that its numbering of events and its fingerprint are those of the undivided world. Afterwards
//! [`Engine::absorb`] takes the nodes of another part over, with all that is under way there.

use super::Engine;
use crate::arena::Block;
use crate::cpu::Item;
use crate::host::Host;
use crate::id::NodeId;
use crate::medium::Step;
use crate::order::{Class, TAP_ENTITY_BASE};
use crate::queue::{Entry, Payload};
use crate::slab::NONE;
use crate::time::SimTime;
use crate::timers::{Armed, State, TimerName};

impl<H: Host> Engine<H> {
    /// Leaves the nodes of which `foreign` is true to other parts: whatever is armed for them or
    /// asked of them from now on is numbered as ever and then forgotten. Without any, all nodes are
    /// this part's again.
    ///
    /// `taps` says the same of adversaries: one part plays each of them. What packets do at a tap is a
    /// matter of the part that runs their sender.
    pub fn leave_to_others(&mut self, foreign: Vec<bool>, taps: Vec<bool>) {
        self.world.foreign = foreign;
        self.world.foreign_taps = taps;
    }

    /// Events that belong to no node, which every part of a split world handles.
    #[must_use]
    pub const fn common_events(&self) -> u64 {
        self.common_events
    }

    /// The same world for a host that differs in its recorder only.
    #[must_use]
    pub fn rehosted<G>(self) -> Engine<G>
    where
        G: Host<Header = H::Header, Effect = H::Effect>,
    {
        Engine {
            world: self.world,
            events: self.events,
            common_events: self.common_events,
            next_check: self.next_check,
            pause_at: self.pause_at,
            inbox: self.inbox,
            rewritten: self.rewritten,
        }
    }

    /// Takes over the nodes and the adversaries of which `theirs` is true, with the links of the
    /// nodes, from a part of the same world that has reached the same instant.
    ///
    /// `rename` is called for every effect that is not yet released: it replaces the blocks that
    /// the effect names by what the given function says they are called here.
    pub fn absorb(
        &mut self,
        mut part: Self,
        (theirs, their_taps): (&[bool], &[bool]),
        mut rename: impl FnMut(&mut H::Effect, &mut dyn FnMut(Block) -> Block),
    ) {
        let is_theirs = |entity: u32| match entity.checked_sub(TAP_ENTITY_BASE) {
            None => theirs.get(entity as usize) == Some(&true),
            Some(tap) => their_taps.get(tap as usize) == Some(&true),
        };
        self.events += part.events - part.common_events;
        if let Some(error) = part.world.error.take() {
            self.world.fail(error);
        }
        let frames = self.absorb_events(&mut part, is_theirs);
        let (world, other) = (&mut self.world, &mut part.world);
        for (number, node) in other.nodes.iter().enumerate() {
            if theirs.get(number) != Some(&true) {
                continue;
            }
            world.nodes[number] = *node;
            if node.cpu == NONE {
                continue;
            }
            let mut cpu = other.cpus[node.cpu as usize];
            let (arena, packets) = (&mut world.arena, &mut world.packets);
            let (other_arena, other_packets) = (&mut other.arena, &mut other.packets);
            let (timers, other_timers) = (&mut world.timers, &mut other.timers);
            let item = |item| match item {
                Item::Packet(index) => {
                    let mut packet = other_packets.remove(index);
                    packet.block = arena.keep(other_arena.get(packet.block));
                    Item::Packet(packets.insert(packet))
                }
                Item::Timer { timer, stamp } => {
                    let name = TimerName::timer(NodeId(number as u32), timer);
                    let waits =
                        |armed: &Armed| armed.stands(State::Queued) && armed.stamp() == stamp;
                    if let Some(armed) = other_timers.get_mut(name).copied().filter(waits) {
                        let handle = timers.place(name);
                        timers.at(handle).take_over(&armed);
                    }
                    Item::Timer { timer, stamp }
                }
                Item::Command(token) => Item::Command(token),
            };
            cpu.move_lists(
                (&mut other.waiting, &mut world.waiting),
                (&mut other.effects, &mut world.effects),
                item,
            );
            let (arena, other_arena) = (&mut world.arena, &other.arena);
            cpu.for_each_effect(&mut world.effects, |effect| {
                rename(effect, &mut |block| arena.keep(other_arena.get(block)));
            });
            world.nodes[number].cpu = world.cpus.len() as u32;
            world.cpus.push(cpu);
        }
        self.absorb_links(&mut part, is_theirs);
        self.absorb_media(&mut part, is_theirs, &frames);
        self.absorb_taps(&mut part, their_taps);
        if let (Some(own), Some(other)) = (&mut self.world.baseline, part.world.baseline) {
            for (number, stats) in other.nodes.into_iter().enumerate() {
                if theirs.get(number) == Some(&true) {
                    own.nodes[number] = stats;
                }
            }
            for (number, stats) in other.links.into_iter().enumerate() {
                let link = &self.world.links[number];
                for (index, end) in [link.a, link.b].into_iter().enumerate() {
                    if is_theirs(end) {
                        own.links[number][index] = stats[index];
                    }
                }
            }
            for (number, stats) in other.media.into_iter().enumerate() {
                if self.world.media[number].home().is_some_and(is_theirs) {
                    own.media[number] = stats;
                }
            }
        }
    }

    /// Takes over what is pending.
    ///
    /// Returns what events of media are about: the medium, the kind of event, the frame.
    fn absorb_events(
        &mut self,
        part: &mut Self,
        is_theirs: impl Fn(u32) -> bool,
    ) -> Vec<(usize, u32, u32)> {
        let mut frames = Vec::new();
        let (world, other) = (&mut self.world, &mut part.world);
        while let Some(Entry { key, payload, .. }) = other.queue.pop(SimTime::LAST) {
            let node = payload.node;
            let owner = match key.class() {
                // On its way to a tap a packet is with its sender.
                Class::Tap if node < TAP_ENTITY_BASE => other.packets.get(payload.data).meta.sender,
                // Names the medium, not the node.
                Class::Medium => key.origin(),
                _ => node,
            };
            if !is_theirs(owner) {
                continue;
            }
            let timer = super::dispatch::timer_of(payload);
            let name = match key.class() {
                Class::Timer => TimerName::timer(NodeId(node), timer),
                Class::Control | Class::Fault => TimerName::control(NodeId(node), timer),
                Class::Delivery | Class::Tap => {
                    let mut packet = other.packets.remove(payload.data);
                    packet.block = world.arena.keep(other.arena.get(packet.block));
                    let data = world.packets.insert(packet);
                    world.queue.push(key, Payload { data, ..payload });
                    continue;
                }
                Class::Release | Class::Cpu | Class::Line | Class::Medium => {
                    if key.class() == Class::Medium {
                        frames.push((payload.node as usize, payload.tag, payload.data));
                    }
                    world.queue.push(key, payload);
                    continue;
                }
            };
            if let Some((_, armed)) = other.timers.remove(name) {
                world.adopt_timer(name, &armed, payload);
            }
        }
        frames
    }

    /// Takes over the media of their nodes, with the packets of all frames that wait or are on the
    /// air; `pending` are the frames that events are about.
    fn absorb_media(
        &mut self,
        part: &mut Self,
        is_theirs: impl Fn(u32) -> bool,
        pending: &[(usize, u32, u32)],
    ) {
        let (world, other) = (&mut self.world, &mut part.world);
        world.broadcasts = world.broadcasts.max(other.broadcasts);
        let (arena, packets) = (&mut world.arena, &mut world.packets);
        let (other_arena, other_packets) = (&other.arena, &mut other.packets);
        for (number, theirs) in other.media.iter_mut().enumerate() {
            if !theirs.home().is_some_and(&is_theirs) {
                continue;
            }
            let of = pending.iter().filter(|(medium, ..)| *medium == number);
            let about = of.filter_map(|(_, tag, frame)| {
                (Step::from_tag(*tag as u8) != Step::Window).then_some(*frame)
            });
            theirs.rename_packets(about, |index| {
                let mut packet = other_packets.remove(index);
                packet.block = arena.keep(other_arena.get(packet.block));
                packets.insert(packet)
            });
            std::mem::swap(&mut world.media[number], theirs);
        }
    }

    /// Takes over adversaries, and what was decided at taps: each place by one part.
    fn absorb_taps(&mut self, part: &mut Self, their_taps: &[bool]) {
        let (world, other) = (&mut self.world, &mut part.world);
        for (place, theirs) in world.tap_places.iter_mut().zip(&other.tap_places) {
            place.chain = place.chain.or(theirs.chain);
        }
        for (tap, theirs) in (0u32..).zip(their_taps) {
            if !theirs {
                continue;
            }
            let own = world.taps.get_mut(tap as usize);
            if let (Some(own), Some(other)) = (own, other.taps.get_mut(tap as usize)) {
                std::mem::swap(own, other);
            }
            world
                .owners
                .take_over(NodeId(TAP_ENTITY_BASE + tap), &other.owners);
        }
    }

    /// Takes over the links that start at their nodes, with the packets that wait there.
    fn absorb_links(&mut self, part: &mut Self, is_theirs: impl Fn(u32) -> bool) {
        let (world, other) = (&mut self.world, &mut part.world);
        for (number, link) in other.links.iter().enumerate() {
            for (index, side) in link.directions.iter().enumerate() {
                let from = if index == 0 { link.a } else { link.b };
                if !is_theirs(from) {
                    continue;
                }
                let mut side = *side;
                if side.extra != NONE {
                    let fresh = crate::link::Extra::new();
                    let mut extra =
                        std::mem::replace(&mut other.extras[side.extra as usize], fresh);
                    extra.rename_waiting(|index| {
                        let mut packet = other.packets.remove(index);
                        packet.block = world.arena.keep(other.arena.get(packet.block));
                        world.packets.insert(packet)
                    });
                    let own = world.links[number].directions[index].extra;
                    if own == NONE {
                        side.extra = world.extras.len() as u32;
                        world.extras.push(extra);
                    } else {
                        side.extra = own;
                        world.extras[own as usize] = extra;
                    }
                }
                world.links[number].directions[index] = side;
            }
        }
    }
}
