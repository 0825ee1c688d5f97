//! The values stored per round, and their aggregate (section 3.4).
//!
//! Rounds stand in ascending order; a round is a chain of entries in the order in which ids first
//! stored in it, an entry a chain of small blocks of values. Chains live in two pools that reuse
//! what is freed, so that a full store allocates nothing more.

use std::collections::VecDeque;

use crate::output::Tag;
use crate::ratchet::numbers::Aggregate;

/// End of a chain.
const NIL: u32 = u32::MAX;
/// Values in a block: with its link it fills half a cache line.
const BLOCK_VALUES: usize = 3;

/// All rounds that are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rounds {
    /// Rounds in ascending order.
    rounds: VecDeque<Round>,
    entries: Pool<Entry>,
    blocks: Pool<Block>,
}

#[derive(Clone, Copy, Debug)]
struct Round {
    number: u32,
    first: u32,
}

/// What one id stored in one round.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    id: u8,
    first: u32,
    origin: Origin,
}

/// Where a list comes from, for observers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The session in which it was accepted.
    pub(crate) session: Tag,
    /// Its digest.
    pub(crate) digest: Tag,
}

#[derive(Clone, Copy, Debug, Default)]
struct Block {
    values: [f64; BLOCK_VALUES],
    used: u32,
}

impl Rounds {
    /// Stores the values of `id` in a round; earlier ones of the same id are replaced in their
    /// place.
    pub(crate) fn store(&mut self, number: u32, id: u8, origin: Origin, values: &[f64]) {
        let at = self.rounds.partition_point(|round| round.number < number);
        if self
            .rounds
            .get(at)
            .is_none_or(|round| round.number != number)
        {
            self.rounds.insert(at, Round { number, first: NIL });
        }
        let first = self.chain(values);
        let mut last = NIL;
        let mut entry = self.rounds[at].first;
        while let Some((stored, next)) = self.entries.get_mut(entry) {
            if stored.id == id {
                stored.origin = origin;
                let old = core::mem::replace(&mut stored.first, first);
                self.blocks.free_chain(old);
                return;
            }
            last = entry;
            entry = next;
        }
        let added = self.entries.add(Entry { id, first, origin });
        if last == NIL {
            self.rounds[at].first = added;
        } else {
            self.entries.link(last, added);
        }
    }

    fn chain(&mut self, values: &[f64]) -> u32 {
        let mut first = NIL;
        // From the last block to the first, so that each links to one that is there.
        for chunk in values.chunks(BLOCK_VALUES).rev() {
            let mut block = Block {
                used: u32::try_from(chunk.len()).unwrap_or(0),
                ..Block::default()
            };
            block.values[..chunk.len()].copy_from_slice(chunk);
            let added = self.blocks.add(block);
            self.blocks.link(added, first);
            first = added;
        }
        first
    }

    /// Adds up the values of a round, left to right, of all ids that are live.
    pub(crate) fn aggregate(&self, number: u32, live: impl Fn(u8) -> bool) -> Aggregate {
        let mut aggregate = Aggregate::default();
        let at = self.rounds.partition_point(|round| round.number < number);
        let Some(round) = self.rounds.get(at).filter(|round| round.number == number) else {
            return aggregate;
        };
        for entry in self
            .entries
            .chain(round.first)
            .filter(|entry| live(entry.id))
        {
            for block in self.blocks.chain(entry.first) {
                for value in &block.values[..block.used as usize] {
                    aggregate.sum += value;
                    aggregate.count += 1;
                }
            }
        }
        aggregate
    }

    /// Where the lists of a round come from that `over` says belong to a session that is over.
    pub(crate) fn left_over(
        &self,
        number: u32,
        over: impl Fn(u8, Tag) -> bool,
    ) -> impl Iterator<Item = Origin> {
        let at = self.rounds.partition_point(|round| round.number < number);
        let round = self.rounds.get(at).filter(|round| round.number == number);
        self.entries
            .chain(round.map_or(NIL, |round| round.first))
            .filter(move |entry| over(entry.id, entry.origin.session))
            .map(|entry| entry.origin)
    }

    /// Drops the lowest rounds until at most `kept` are left.
    pub(crate) fn trim(&mut self, kept: u32) {
        while self.rounds.len() > kept as usize {
            let Some(round) = self.rounds.pop_front() else {
                return;
            };
            let (entries, blocks) = (&mut self.entries, &mut self.blocks);
            for entry in entries.chain(round.first) {
                blocks.free_chain(entry.first);
            }
            entries.free_chain(round.first);
        }
    }

    /// Forgets everything that `id` stored; a round that is empty then is no longer kept.
    pub(crate) fn purge(&mut self, id: u8) {
        let (entries, blocks) = (&mut self.entries, &mut self.blocks);
        self.rounds.retain_mut(|round| {
            let mut before = NIL;
            let mut at = round.first;
            while let Some((entry, next)) = entries.get_mut(at) {
                if entry.id == id {
                    blocks.free_chain(entry.first);
                    if before == NIL {
                        round.first = next;
                    } else {
                        entries.link(before, next);
                    }
                    entries.free(at);
                    break;
                }
                before = at;
                at = next;
            }
            round.first != NIL
        });
    }

    /// Forgets everything and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.rounds.clear();
        self.entries.clear();
        self.blocks.clear();
    }
}

/// Items that link to one another; freed ones are used again.
#[derive(Clone, Debug)]
struct Pool<T> {
    items: Vec<(T, u32)>,
    /// First of the chain of free items.
    free: u32,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            free: NIL,
        }
    }
}

impl<T: Copy> Pool<T> {
    /// Adds an item that links to nothing.
    fn add(&mut self, item: T) -> u32 {
        let at = self.free;
        if let Some(slot) = self.items.get_mut(at as usize) {
            self.free = slot.1;
            *slot = (item, NIL);
            return at;
        }
        let at = u32::try_from(self.items.len()).unwrap_or(NIL);
        self.items.push((item, NIL));
        at
    }

    /// The item at `at` and the one it links to.
    fn get_mut(&mut self, at: u32) -> Option<(&mut T, u32)> {
        self.items
            .get_mut(at as usize)
            .map(|(item, next)| (item, *next))
    }

    /// Links the item at `at` to `next`.
    fn link(&mut self, at: u32, next: u32) {
        if let Some(slot) = self.items.get_mut(at as usize) {
            slot.1 = next;
        }
    }

    /// The items of a chain, in order.
    fn chain(&self, first: u32) -> impl Iterator<Item = &T> {
        let mut at = first;
        core::iter::from_fn(move || {
            let (item, next) = self.items.get(at as usize)?;
            at = *next;
            Some(item)
        })
    }

    fn free(&mut self, at: u32) {
        let free = self.free;
        self.link(at, free);
        self.free = at;
    }

    fn free_chain(&mut self, first: u32) {
        let mut at = first;
        while let Some((_, next)) = self.items.get(at as usize) {
            let next = *next;
            self.free(at);
            at = next;
        }
    }

    fn clear(&mut self) {
        self.items.clear();
        self.free = NIL;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rounds: &Rounds, number: u32, live: &[u8]) -> (f64, u32) {
        let aggregate = rounds.aggregate(number, |id| live.contains(&id));
        (aggregate.sum, aggregate.count)
    }

    #[test]
    fn adds_up_the_live_ids_of_one_round() {
        let mut rounds = Rounds::default();
        rounds.store(1, 1, Origin::default(), &[10.0, 20.0]);
        rounds.store(2, 1, Origin::default(), &[1.0]);
        rounds.store(1, 2, Origin::default(), &[30.0, 40.0]);
        assert_eq!(sum(&rounds, 1, &[1]), (30.0, 2));
        assert_eq!(sum(&rounds, 1, &[1, 2]), (100.0, 4));
        assert_eq!(sum(&rounds, 3, &[1, 2]), (0.0, 0));
    }

    #[test]
    fn a_list_is_left_over_when_its_session_is_not_the_present_one() {
        let mut rounds = Rounds::default();
        let origin = |session| Origin {
            session: [session; 8],
            digest: [9; 8],
        };
        rounds.store(1, 1, origin(1), &[1.0]);
        rounds.store(1, 2, origin(2), &[2.0]);
        let over = |id: u8, session: Tag| id == 1 && session != [3; 8];
        let found: Vec<Origin> = rounds.left_over(1, over).collect();
        assert_eq!(found, [origin(1)]);
        rounds.store(1, 1, origin(3), &[1.0]);
        assert_eq!(rounds.left_over(1, over).count(), 0);
        assert_eq!(rounds.left_over(2, |_, _| true).count(), 0);
    }

    #[test]
    fn overwriting_keeps_the_place_in_the_order() {
        // Left to right, 1e16 + 1 + 1 loses both ones; in the other order it keeps them.
        let mut rounds = Rounds::default();
        rounds.store(1, 1, Origin::default(), &[0.0]);
        rounds.store(1, 2, Origin::default(), &[1.0, 1.0]);
        rounds.store(1, 1, Origin::default(), &[1e16]);
        assert_eq!(sum(&rounds, 1, &[1, 2]), (1e16, 3));
    }

    #[test]
    fn the_lowest_rounds_are_dropped_first_and_their_memory_is_used_again() {
        let mut rounds = Rounds::default();
        for number in 0..100 {
            rounds.store(number, 1, Origin::default(), &[f64::from(number); 7]);
            rounds.trim(4);
        }
        assert_eq!(sum(&rounds, 95, &[1]), (0.0, 0));
        assert_eq!(sum(&rounds, 96, &[1]), (7.0 * 96.0, 7));
        assert_eq!(
            (rounds.entries.items.len(), rounds.blocks.items.len()),
            (5, 15)
        );
    }

    #[test]
    fn a_purge_forgets_one_id_everywhere_and_empty_rounds() {
        let mut rounds = Rounds::default();
        rounds.store(1, 1, Origin::default(), &[1.0]);
        rounds.store(1, 2, Origin::default(), &[2.0]);
        rounds.store(1, 3, Origin::default(), &[4.0]);
        rounds.store(2, 2, Origin::default(), &[8.0]);
        rounds.purge(2);
        assert_eq!(sum(&rounds, 1, &[1, 2, 3]), (5.0, 2));
        assert_eq!(rounds.rounds.len(), 1);
        rounds.purge(1);
        rounds.purge(3);
        assert!(rounds.rounds.is_empty());
    }
}
