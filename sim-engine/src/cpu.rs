//! The CPU of a node: busy times, the waiting line, deferred effects, statistics.
//!
//! **Model.** A handler runs at the arrival of its input if the CPU is free and nobody waits; the
//! CPU is then busy for the declared cost. Packets, timer expiries and commands that come meanwhile
//! wait in one FIFO line; only packets count against the backlog. Preemption and several cores are
//! not modelled.
//!
//! A node that was never busy and never deferred anything has no [`Cpu`] at all.

use crate::id::TimerId;
use crate::slab::{NONE, Slab};
use crate::stats::NodeStats;
use crate::time::{SimDuration, SimTime};

/// The state of a CPU that has been used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu {
    pub(crate) busy_until: SimTime,
    waiting_head: u32,
    waiting_tail: u32,
    /// Packets among the waiting inputs.
    pub(crate) packets_waiting: u32,
    effects_head: u32,
    effects_tail: u32,
    /// Whether an event that takes the next input is pending.
    pub(crate) take_pending: bool,
    /// Whether an event that releases effects is pending.
    pub(crate) release_pending: bool,
    /// How often the node's 32-bit count of arrivals overflowed.
    pub(crate) arrival_wraps: u32,
    drops: u64,
    served: u64,
    wait_ns: u128,
    sojourn_ns: u128,
    /// All busy time ordered so far, future included.
    busy_ns: u128,
    /// When the last packet that was taken is done.
    packet_done: SimTime,
    /// Time in system of packets taken or lost, the future of the last one included.
    in_system_ns: u128,
    /// Sum of the arrival times of the packets that wait.
    waiting_arrivals_ns: u128,
}

/// One input in the waiting line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) item: Item,
    pub(crate) arrived: SimTime,
    next: u32,
}

/// What waits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item {
    /// Index of the packet.
    Packet(u32),
    /// A timer expiry, void unless the timer still has this stamp.
    Timer { timer: TimerId, stamp: u32 },
    /// The host's token.
    Command(u64),
}

/// One effect that is not yet released.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deferred<E> {
    pub(crate) due: SimTime,
    pub(crate) effect: E,
    next: u32,
}

impl Cpu {
    pub(crate) const fn new() -> Self {
        Self {
            busy_until: SimTime::ZERO,
            waiting_head: NONE,
            waiting_tail: NONE,
            packets_waiting: 0,
            effects_head: NONE,
            effects_tail: NONE,
            take_pending: false,
            release_pending: false,
            arrival_wraps: 0,
            drops: 0,
            served: 0,
            wait_ns: 0,
            sojourn_ns: 0,
            busy_ns: 0,
            packet_done: SimTime::ZERO,
            in_system_ns: 0,
            waiting_arrivals_ns: 0,
        }
    }

    /// Whether an input that comes at `now` has to wait.
    pub(crate) const fn is_occupied(&self, now: SimTime) -> bool {
        self.busy_until.0 > now.0 || self.waiting_head != NONE
    }

    /// Whether somebody waits.
    pub(crate) const fn has_waiting(&self) -> bool {
        self.waiting_head != NONE
    }

    /// Whether an effect is not yet released.
    pub(crate) const fn has_deferred(&self) -> bool {
        self.effects_head != NONE
    }

    /// Makes the CPU busy until `until`, or leaves it if it is busy longer.
    pub(crate) fn extend(&mut self, now: SimTime, until: SimTime) {
        let from = self.busy_until.max(now);
        if until > from {
            self.busy_ns += u128::from(until.since(from).0);
            self.busy_until = until;
        }
    }

    pub(crate) fn count_drop(&mut self) {
        self.drops += 1;
    }

    /// Accounts for a packet that was taken at `now` and keeps the CPU busy from then on.
    pub(crate) fn count_served(&mut self, arrived: SimTime, now: SimTime) {
        let done = self.busy_until.max(now);
        let sojourn = u128::from(done.since(arrived).0);
        self.served += 1;
        self.wait_ns += u128::from(now.since(arrived).0);
        self.sojourn_ns += sojourn;
        self.in_system_ns += sojourn;
        self.packet_done = done;
    }

    /// Appends to the waiting line.
    pub(crate) fn enqueue(&mut self, line: &mut Slab<Waiting>, item: Item, arrived: SimTime) {
        if matches!(item, Item::Packet(_)) {
            self.packets_waiting += 1;
            self.waiting_arrivals_ns += u128::from(arrived.0);
        }
        let index = line.insert(Waiting {
            item,
            arrived,
            next: NONE,
        });
        match self.waiting_tail {
            NONE => self.waiting_head = index,
            tail => line.get_mut(tail).next = index,
        }
        self.waiting_tail = index;
    }

    /// Takes the first of the waiting line.
    pub(crate) fn dequeue(&mut self, line: &mut Slab<Waiting>) -> Option<Waiting> {
        if self.waiting_head == NONE {
            return None;
        }
        let waiting = line.remove(self.waiting_head);
        self.waiting_head = waiting.next;
        if waiting.next == NONE {
            self.waiting_tail = NONE;
        }
        if matches!(waiting.item, Item::Packet(_)) {
            self.packets_waiting -= 1;
            self.waiting_arrivals_ns -= u128::from(waiting.arrived.0);
        }
        Some(waiting)
    }

    /// Appends a deferred effect. It is due no earlier than those before it.
    pub(crate) fn defer<E: Copy>(
        &mut self,
        effects: &mut Slab<Deferred<E>>,
        due: SimTime,
        effect: E,
    ) {
        if self.effects_tail == NONE {
            self.effects_head = effects.insert(Deferred {
                due,
                effect,
                next: NONE,
            });
            self.effects_tail = self.effects_head;
            return;
        }
        let due = due.max(effects.get(self.effects_tail).due);
        let index = effects.insert(Deferred {
            due,
            effect,
            next: NONE,
        });
        effects.get_mut(self.effects_tail).next = index;
        self.effects_tail = index;
    }

    /// Due time of the first deferred effect.
    pub(crate) fn first_due<E: Copy>(&self, effects: &Slab<Deferred<E>>) -> Option<SimTime> {
        (self.effects_head != NONE).then(|| effects.get(self.effects_head).due)
    }

    /// Makes every deferred effect due `span` later.
    pub(crate) fn postpone<E: Copy>(&self, effects: &mut Slab<Deferred<E>>, span: SimDuration) {
        let mut index = self.effects_head;
        while index != NONE {
            let deferred = effects.get_mut(index);
            deferred.due = deferred.due.checked_add(span).unwrap_or(SimTime::LAST);
            index = deferred.next;
        }
    }

    /// Takes the first deferred effect.
    pub(crate) fn undefer<E: Copy>(&mut self, effects: &mut Slab<Deferred<E>>) -> Option<E> {
        if self.effects_head == NONE {
            return None;
        }
        let deferred = effects.remove(self.effects_head);
        self.effects_head = deferred.next;
        if deferred.next == NONE {
            self.effects_tail = NONE;
        }
        Some(deferred.effect)
    }

    /// Moves the waiting line and the effects into other slabs; `item` says what each
    /// input is called there.
    pub(crate) fn move_lists<E: Copy>(
        &mut self,
        (line, to_line): (&mut Slab<Waiting>, &mut Slab<Waiting>),
        (effects, to_effects): (&mut Slab<Deferred<E>>, &mut Slab<Deferred<E>>),
        mut item: impl FnMut(Item) -> Item,
    ) {
        let mut index = std::mem::replace(&mut self.waiting_head, NONE);
        self.waiting_tail = NONE;
        while index != NONE {
            let waiting = line.remove(index);
            index = waiting.next;
            let moved = to_line.insert(Waiting {
                item: item(waiting.item),
                next: NONE,
                ..waiting
            });
            match self.waiting_tail {
                NONE => self.waiting_head = moved,
                tail => to_line.get_mut(tail).next = moved,
            }
            self.waiting_tail = moved;
        }
        let mut index = std::mem::replace(&mut self.effects_head, NONE);
        self.effects_tail = NONE;
        while index != NONE {
            let deferred = effects.remove(index);
            index = deferred.next;
            let moved = to_effects.insert(Deferred {
                next: NONE,
                ..deferred
            });
            match self.effects_tail {
                NONE => self.effects_head = moved,
                tail => to_effects.get_mut(tail).next = moved,
            }
            self.effects_tail = moved;
        }
    }

    /// Lets every deferred effect be changed.
    pub(crate) fn for_each_effect<E: Copy>(
        &self,
        effects: &mut Slab<Deferred<E>>,
        mut change: impl FnMut(&mut E),
    ) {
        let mut index = self.effects_head;
        while index != NONE {
            let deferred = effects.get_mut(index);
            change(&mut deferred.effect);
            index = deferred.next;
        }
    }

    /// Ends all work at `now`, as a crash does, after the line and the effects were emptied.
    ///
    /// `waited_ns` is what the packets of the line had waited.
    pub(crate) fn halt(&mut self, now: SimTime, waited_ns: u128) {
        self.in_system_ns += waited_ns;
        self.in_system_ns -= u128::from(self.packet_done.since(now).0);
        self.busy_ns -= u128::from(self.busy_until.since(now).0);
        self.packet_done = self.packet_done.min(now);
        self.busy_until = self.busy_until.min(now);
        self.take_pending = false;
        self.release_pending = false;
    }

    /// The counters at `now`, with nothing that lies in the future but whole sojourn times.
    pub(crate) fn totals_at(&self, now: SimTime) -> NodeStats {
        let waiting =
            u128::from(self.packets_waiting) * u128::from(now.0) - self.waiting_arrivals_ns;
        NodeStats {
            arrivals: u64::from(self.arrival_wraps) << 32,
            drops: self.drops,
            served: self.served,
            wait_ns: self.wait_ns,
            sojourn_ns: self.sojourn_ns,
            busy_ns: self.busy_ns - u128::from(self.busy_until.since(now).0),
            in_system_ns: self.in_system_ns + waiting - u128::from(self.packet_done.since(now).0),
        }
    }
}
