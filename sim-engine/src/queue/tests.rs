//! The wheel against the reference, under random work.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::reference::Reference;
use super::{Handle, Payload, Wheel};
use crate::order::{Class, EventKey};
use crate::time::SimTime;

/// One step of work. Numbers select among what is possible at that moment.
#[derive(Clone, Debug)]
enum Step {
    /// Push an event this far ahead.
    Push { ahead: u64, class: u8, origin: u32 },
    /// Push an event that can be cancelled.
    Arm { ahead: u64, class: u8, origin: u32 },
    /// Cancel one of the pending events that can be.
    Cancel { which: usize },
    /// Replace one of them.
    Rearm { which: usize, ahead: u64 },
    /// Take events as long as they are due within this time.
    Pop { within: u64, count: usize },
}

/// Distances on all scales, with many equal ones and many zeros.
fn ahead() -> impl Strategy<Value = u64> {
    prop_oneof![
        2 => Just(0u64),
        3 => 0u64..4,
        3 => 0u64..300,
        3 => 0u64..70_000,
        2 => 0u64..20_000_000,
        2 => 0u64..60_000_000_000,
        1 => 0u64..(1 << 50),
        1 => Just(1_000_000u64),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (ahead(), 0u8..7, 0u32..4)
            .prop_map(|(ahead, class, origin)| Step::Push { ahead, class, origin }),
        3 => (ahead(), 0u8..7, 0u32..4)
            .prop_map(|(ahead, class, origin)| Step::Arm { ahead, class, origin }),
        1 => any::<usize>().prop_map(|which| Step::Cancel { which }),
        1 => (any::<usize>(), ahead()).prop_map(|(which, ahead)| Step::Rearm { which, ahead }),
        3 => (ahead(), 0usize..12).prop_map(|(within, count)| Step::Pop { within, count }),
    ]
}

/// Runs both queues side by side.
struct Pair {
    wheel: Wheel,
    reference: Reference,
    /// What can be cancelled.
    armed: Vec<(Handle, EventKey)>,
    now: u64,
    seq: u32,
}

impl Pair {
    fn new() -> Self {
        Self {
            wheel: Wheel::new(),
            reference: Reference::default(),
            armed: Vec::new(),
            now: 0,
            seq: 0,
        }
    }

    fn key(&mut self, ahead: u64, class: u8, origin: u32) -> (EventKey, Payload) {
        self.seq += 1;
        let class = Class::ALL[usize::from(class)];
        let key = EventKey::new(SimTime(self.now + ahead), class, origin, self.seq);
        (
            key,
            Payload {
                node: origin,
                data: self.seq,
                tag: 0,
            },
        )
    }

    fn push(&mut self, ahead: u64, class: u8, origin: u32) {
        let (key, payload) = self.key(ahead, class, origin);
        self.wheel.push(key, payload);
        self.reference.push(key, payload);
    }

    fn arm(&mut self, ahead: u64, class: u8, origin: u32) {
        let (key, payload) = self.key(ahead, class, origin);
        // Numbers are used again, as the records of timers are.
        let taken = |number: &u32| self.armed.iter().any(|(handle, _)| handle.0 == *number);
        let handle = Handle((0..).find(|number| !taken(number)).unwrap());
        self.wheel.push_tracked(key, payload, handle);
        self.reference.push(key, payload);
        self.armed.push((handle, key));
    }

    fn cancel(&mut self, which: usize) {
        if !self.armed.is_empty() {
            let (handle, key) = self.armed.swap_remove(which % self.armed.len());
            self.wheel.cancel(handle, key);
            self.reference.cancel(key);
        }
    }

    fn pop(&mut self, until: u64) -> bool {
        let (wheel, reference) = (
            self.wheel
                .pop(SimTime(until))
                .map(|entry| (entry.key, entry.payload)),
            self.reference.pop(SimTime(until)),
        );
        assert_eq!(wheel, reference);
        assert_eq!(self.wheel.len(), self.reference.len());
        let Some((key, _)) = wheel else {
            // As the engine does: time passes although nothing happened.
            self.now = self.now.max(until);
            return false;
        };
        assert_eq!(self.wheel.round(), self.reference.round());
        self.now = key.time().0;
        self.armed.retain(|&(_, armed)| armed != key);
        true
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Push {
                ahead,
                class,
                origin,
            } => self.push(ahead, class, origin),
            Step::Arm {
                ahead,
                class,
                origin,
            } => self.arm(ahead, class, origin),
            Step::Cancel { which } => self.cancel(which),
            Step::Rearm { which, ahead } => {
                let before = self.armed.len();
                self.cancel(which);
                if before > 0 {
                    self.arm(ahead, 6, 1);
                }
            }
            Step::Pop { within, count } => {
                let until = self.now + within;
                for _ in 0..count {
                    if !self.pop(until) {
                        break;
                    }
                }
            }
        }
    }

    fn drain(&mut self) {
        while self.pop(u64::MAX - 1) {}
        assert_eq!(self.wheel.len(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn gives_the_order_of_the_reference_under_any_work(
        steps in prop::collection::vec(step(), 0..600),
    ) {
        let mut pair = Pair::new();
        for step in steps {
            pair.take(step);
        }
        pair.drain();
    }

    /// Many events close together make the front long, so that it is cut, also within ties.
    #[test]
    fn gives_the_order_of_the_reference_when_the_front_is_cut(
        width in 1u64..400,
        pushes in prop::collection::vec((0u64..1 << 20, any::<bool>(), any::<u8>()), 300..900),
    ) {
        let mut pair = Pair::new();
        // One far event opens a wide slot, into which all others fall.
        pair.push((1 << 24) + 1, 5, 0);
        pair.push((1 << 24) + 2, 5, 0);
        pair.pop(u64::MAX - 1);
        for (ahead, tracked, action) in pushes {
            let ahead = ahead % width;
            if tracked {
                pair.arm(ahead, action % 7, 1);
            } else {
                pair.push(ahead, action % 7, 1);
            }
            match action % 11 {
                0 => pair.cancel(usize::from(action)),
                1 => {
                    pair.pop(u64::MAX - 1);
                }
                _ => {}
            }
        }
        pair.drain();
    }
}

#[test]
fn many_events_at_one_instant_come_in_the_order_of_their_keys() {
    let mut pair = Pair::new();
    for round in 0..3 {
        for origin in (0..2_000).rev() {
            pair.push(1_000, 5, origin % 7);
            pair.arm(1_000, 6, round);
        }
    }
    for which in 0..1_500 {
        pair.cancel(which * 3);
    }
    pair.drain();
}

/// Slots with few entries are opened together. What is then pushed between them makes the front long,
/// and it is cut behind the start of the last of them, before which no slot begins any more.
#[test]
fn a_front_of_several_slots_is_cut_behind_the_last_of_them() {
    let mut pair = Pair::new();
    // More than are sorted at once, within one slot of 65 us.
    for place in 0..400 {
        pair.push((1 << 17) + place * 160, 5, 0);
    }
    assert!(pair.pop(u64::MAX - 1));
    for place in 0..2_000u64 {
        pair.push((place * 7_919) % 5_000, 5, 1);
    }
    pair.drain();
}

#[test]
fn the_last_instant_of_time_is_reached() {
    let mut pair = Pair::new();
    pair.push(SimTime::LAST.0, 5, 0);
    pair.push(SimTime::LAST.0 - 1, 5, 0);
    pair.arm(1 << 63, 5, 0);
    pair.drain();
}

/// What stands in a slot is in no particular order, so this also covers the way back from a slot
/// to its chunks.
#[test]
fn a_cancelled_entry_frees_its_place_at_once() {
    let mut wheel = Wheel::new();
    let payload = Payload {
        node: 0,
        data: 0,
        tag: 0,
    };
    for turn in 0..100u32 {
        let key = |i: u32| {
            let at = SimTime(5_000_000_000 + u64::from(i));
            EventKey::new(at, Class::Timer, turn, i)
        };
        for i in 0..100 {
            wheel.push_tracked(key(i), payload, Handle(i));
        }
        for i in 0..100 {
            wheel.cancel(Handle(i), key(i));
        }
        assert_eq!(wheel.len(), 0);
    }
    assert!(
        wheel.capacity_entries() <= 128,
        "cancelled timers do not pile up"
    );
}
