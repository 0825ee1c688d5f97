//! The waiting room of a station: first come, first served within a class, lower class first.
//!
//! All waiting jobs lie in one slab of linked lists, one list per class, so that a steady state
//! allocates nothing and a pop costs the same however many classes wait.

/// Ends a list.
const NIL: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Slot<T> {
    item: T,
    next: u32,
}

#[derive(Clone, Copy, Debug)]
struct Lane {
    head: u32,
    tail: u32,
}

const EMPTY: Lane = Lane {
    head: NIL,
    tail: NIL,
};

/// A queue with one lane, or one lane per class.
#[derive(Clone, Debug)]
pub(super) struct Waiting<T> {
    slots: Vec<Slot<T>>,
    free: u32,
    lanes: Box<[Lane]>,
    occupied: [u64; 4],
}

impl<T: Copy> Waiting<T> {
    /// An empty room; `by_class` says whether classes matter.
    pub(super) fn new(by_class: bool) -> Self {
        Self {
            slots: Vec::new(),
            free: NIL,
            lanes: vec![EMPTY; if by_class { 256 } else { 1 }].into(),
            occupied: [0; 4],
        }
    }

    /// Adds `item` behind all that wait in its class.
    pub(super) fn push(&mut self, class: u8, item: T) {
        let index = self.fill_slot(item);
        let lane_number = usize::from(class).min(self.lanes.len() - 1);
        let lane = &mut self.lanes[lane_number];
        if lane.head == NIL {
            lane.head = index;
        } else {
            self.slots[lane.tail as usize].next = index;
        }
        lane.tail = index;
        self.occupied[lane_number / 64] |= 1 << (lane_number % 64);
    }

    fn fill_slot(&mut self, item: T) -> u32 {
        let slot = Slot { item, next: NIL };
        if self.free == NIL {
            let index = u32::try_from(self.slots.len()).expect("fewer than 2^32 jobs fit memory");
            self.slots.push(slot);
            index
        } else {
            let index = self.free;
            self.free = self.slots[index as usize].next;
            self.slots[index as usize] = slot;
            index
        }
    }

    /// Takes the job that goes next.
    pub(super) fn pop(&mut self) -> Option<T> {
        let word = self.occupied.iter().position(|word| *word != 0)?;
        let lane_number = word * 64 + self.occupied[word].trailing_zeros() as usize;
        let lane = &mut self.lanes[lane_number];
        let index = lane.head;
        let slot = &mut self.slots[index as usize];
        lane.head = slot.next;
        slot.next = self.free;
        self.free = index;
        if lane.head == NIL {
            lane.tail = NIL;
            self.occupied[word] &= !(1 << (lane_number % 64));
        }
        Some(slot.item)
    }

    /// Forgets all jobs and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.free = NIL;
        self.lanes.fill(EMPTY);
        self.occupied = [0; 4];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    #[test]
    fn the_lowest_class_goes_first_and_each_class_in_order_of_arrival() {
        let mut room = Waiting::new(true);
        for (class, item) in [(200, 'a'), (3, 'b'), (255, 'c'), (3, 'd'), (0, 'e')] {
            room.push(class, item);
        }
        let order: String = std::iter::from_fn(|| room.pop()).collect();
        assert_eq!(order, "ebdac");
    }

    #[test]
    fn one_lane_ignores_the_class() {
        let mut room = Waiting::new(false);
        for (class, item) in [(200, 'a'), (3, 'b'), (255, 'c')] {
            room.push(class, item);
        }
        let order: String = std::iter::from_fn(|| room.pop()).collect();
        assert_eq!(order, "abc");
    }

    proptest! {
        #[test]
        fn behaves_like_one_plain_queue_per_class(
            steps in proptest::collection::vec(proptest::option::of(any::<u8>()), 0..200)
        ) {
            let mut room = Waiting::new(true);
            let mut plain = vec![VecDeque::new(); 256];
            for (number, step) in steps.into_iter().enumerate() {
                if let Some(class) = step {
                    room.push(class, number);
                    plain[usize::from(class)].push_back(number);
                } else {
                    let expected = plain.iter_mut().find_map(VecDeque::pop_front);
                    prop_assert_eq!(room.pop(), expected);
                }
            }
        }
    }
}
