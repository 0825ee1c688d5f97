//! Addresses that a party listens to no more, until the list is emptied.

use std::collections::VecDeque;

use crate::address::Address;
use crate::time::{LocalTime, Span};

/// A block list: bounded, the oldest entry goes first, emptied at an interval of the node's clock.
#[derive(Clone, Debug, Default)]
pub struct BlockList {
    entries: VecDeque<Address>,
    refresh: LocalTime,
}

impl BlockList {
    /// An empty list whose interval is over.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            refresh: LocalTime(0),
        }
    }

    /// Empties the list when its interval is over; the first call does so too.
    pub fn refresh(&mut self, now: LocalTime, interval: Span) {
        if now >= self.refresh {
            self.entries.clear();
            self.refresh = now.after(interval);
        }
    }

    /// Puts an address on the list; with an interval of zero nobody is blocked.
    pub fn block(&mut self, address: Address, interval: Span, entries_max: usize) {
        if interval == Span::ZERO || self.contains(address) {
            return;
        }
        if self.entries.len() >= entries_max {
            self.entries.pop_front();
        }
        self.entries.push_back(address);
    }

    /// True when the address is on the list.
    #[must_use]
    pub fn contains(&self, address: Address) -> bool {
        self.entries.contains(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Span = Span::from_secs(10);

    #[test]
    fn the_oldest_entry_goes_when_the_list_is_full() {
        let mut list = BlockList::default();
        for host in 0..4 {
            list.block(Address::new(host, 1), INTERVAL, 3);
        }
        assert!(!list.contains(Address::new(0, 1)));
        assert!((1..4).all(|host| list.contains(Address::new(host, 1))));
        assert!(!list.contains(Address::new(1, 2)), "another port");
    }

    #[test]
    fn the_list_is_emptied_at_its_interval_and_not_before() {
        let mut list = BlockList::default();
        list.refresh(LocalTime(5), INTERVAL);
        list.block(Address::new(1, 1), INTERVAL, 3);
        list.refresh(LocalTime(4 + INTERVAL.nanos()), INTERVAL);
        assert!(list.contains(Address::new(1, 1)));
        list.refresh(LocalTime(5 + INTERVAL.nanos()), INTERVAL);
        assert!(!list.contains(Address::new(1, 1)));
    }

    #[test]
    fn an_interval_of_zero_blocks_nobody() {
        let mut list = BlockList::default();
        list.block(Address::new(1, 1), Span::ZERO, 3);
        assert!(!list.contains(Address::new(1, 1)));
    }
}
