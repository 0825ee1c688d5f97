//! A hierarchical timing wheel with a sorted front.
//!
//! **Model.** Eight levels of 256 slots cover all 64 bits of time: level `l` looks at byte `l` of
//! the time, and an entry stands at the level of the highest byte in which its time differs from
//! `cursor`. Whatever is due before `horizon` stands in `front`, sorted so that the next event is
//! last; everything else stands unsorted in the slots. When the front runs empty, the earliest
//! slot is opened: a small one, of whatever level, is sorted straight into the front; a large one
//! is first distributed over the levels below. If pushes make the front long, its far half goes
//! back into the slots and the horizon with it.
//!
//! Slots are chains of fixed chunks of one pool, so nothing is allocated per event once the pool
//! has grown to the largest number of pending events. Of entries that may be cancelled a table holds
//! the place in the slots: cancelling takes an entry out of its slot at once. In the front, which is
//! short and sorted, it is searched for by its key and leaves a void entry behind, so that an entry
//! that comes to the front, as nearly every one does, costs the table nothing.
//!
//! **Cost.** A push is constant time; a pop is constant plus the sort of a small slot; an entry is
//! moved at most once per level, in practice once or twice. A cancel is constant.

mod peek;

use super::{Entry, Handle, Payload};
use crate::order::{Class, EventKey};
use crate::slab::NONE;
use crate::time::SimTime;

/// Bits of the time that one level looks at.
const LEVEL_BITS: u32 = 8;
const SLOTS: usize = 1 << LEVEL_BITS;
const LEVELS: usize = (u64::BITS / LEVEL_BITS) as usize;
/// Words of one level's occupancy bitmap.
const BITMAP_WORDS: usize = SLOTS / 64;
/// Entries per chunk: one KiB, a few cache lines to stream, and little waste in sparse slots.
const CHUNK: usize = 32;
/// Slots up to this size are sorted at once, at whatever level.
const DIRECT_SORT_MAX: u32 = 192;
/// Length of the front from which no further slot is opened.
const FRONT_ENOUGH: usize = 24;
/// A slot with more entries than this is not opened as a further one.
const FRONT_FURTHER: u32 = 24;
/// Nor one of a level above this, 256 ns wide: what is pushed in between could not be given back, and
/// into wide slots much is pushed.
const FURTHER_LEVEL: usize = 1;
/// Length from which the front gives back its far half, so that an insertion stays cheap.
const FRONT_MAX: usize = 576;

/// Handle of what is left of a cancelled entry in the front or in the next round.
const VOID: u32 = Handle::LIMIT;

/// One slot: a chain of chunks of which only the first may be partly filled.
#[derive(Clone, Copy, Debug)]
struct Slot {
    head: u32,
    count: u32,
}

/// The pending events.
#[derive(Clone, Debug)]
pub(crate) struct Wheel {
    /// The slots of all levels, level by level.
    slots: Vec<Slot>,
    /// One bit per slot that is not empty.
    occupied: [[u64; BITMAP_WORDS]; LEVELS],
    /// One bit per level with an occupied slot.
    occupied_levels: u32,
    /// Everything in the slots is at or after both; `cursor <= horizon`.
    cursor: u64,
    horizon: u64,
    /// Entries due before `horizon` in descending order of their keys.
    front: Vec<Entry>,
    /// What was pushed for the running instant.
    next_round: Vec<Entry>,
    now: u64,
    round: u32,
    pool: Vec<Entry>,
    /// Next chunk in the chain, per chunk of the pool.
    chunk_next: Vec<u32>,
    chunks_free: Vec<u32>,
    /// Per handle the entry's place in the pool, or in the next round; of no meaning once it stands
    /// in the front.
    locations: Vec<u32>,
    live: usize,
    /// Whether the front was filled since it was last asked.
    refilled: bool,
}

const EMPTY_SLOT: Slot = Slot {
    head: NONE,
    count: 0,
};

/// Fills places of the pool that hold nothing.
const BLANK: Entry = Entry {
    key: EventKey::new(SimTime::ZERO, Class::Fault, 0, 0),
    payload: Payload {
        node: 0,
        data: 0,
        tag: 0,
    },
    handle: NONE,
};

impl Wheel {
    pub(crate) fn new() -> Self {
        Self {
            slots: vec![EMPTY_SLOT; LEVELS * SLOTS],
            occupied: [[0; BITMAP_WORDS]; LEVELS],
            occupied_levels: 0,
            cursor: 0,
            horizon: 0,
            front: Vec::new(),
            next_round: Vec::new(),
            now: 0,
            round: 0,
            pool: Vec::new(),
            chunk_next: Vec::new(),
            chunks_free: Vec::new(),
            locations: Vec::new(),
            live: 0,
            refilled: false,
        }
    }

    /// Pending events that were not cancelled.
    pub(crate) const fn len(&self) -> usize {
        self.live
    }

    /// Entries for which the slots have room, whether they are in use or not.
    #[cfg(test)]
    pub(crate) const fn capacity_entries(&self) -> usize {
        self.pool.len()
    }

    /// Rounds of the running instant before the current one.
    pub(crate) const fn round(&self) -> u32 {
        self.round
    }

    /// Whether a slot was opened since the last call.
    #[inline]
    pub(crate) const fn take_refilled(&mut self) -> bool {
        std::mem::replace(&mut self.refilled, false)
    }

    /// What will be handled soon.
    pub(crate) fn upcoming(&self) -> &[Entry] {
        &self.front
    }

    /// The entries of the running round that were not handled yet, next one first.
    pub(crate) fn running_round(&self) -> impl Iterator<Item = EventKey> {
        let now = self.now;
        self.front
            .iter()
            .rev()
            .map(|entry| entry.key)
            .take_while(move |key| key.time().0 == now)
    }

    /// Adds an event that is never cancelled. Its time must not be before that of the last pop.
    #[inline]
    pub(crate) fn push(&mut self, key: EventKey, payload: Payload) {
        self.live += 1;
        self.place(key, payload, NONE);
    }

    /// Adds an event that can be cancelled through the handle.
    #[inline]
    pub(crate) fn push_tracked(&mut self, key: EventKey, payload: Payload, handle: Handle) {
        if handle.0 as usize >= self.locations.len() {
            self.more_locations(handle);
        }
        self.live += 1;
        self.place(key, payload, handle.0);
    }

    #[cold]
    fn more_locations(&mut self, handle: Handle) {
        self.locations.resize(handle.0 as usize + 1, NONE);
    }

    /// Takes a pending event out again. `key` and `handle` must be those of one that was neither
    /// popped nor cancelled.
    pub(crate) fn cancel(&mut self, handle: Handle, key: EventKey) {
        self.live -= 1;
        let location = self.locations[handle.0 as usize];
        let time = key.time().0;
        // Whether it stands in the slots follows from its time, as it did when it was placed.
        if time >= self.horizon && time != self.now {
            self.take_out(location);
            return;
        }
        let at = self.front.partition_point(|other| other.key > key);
        let found = match self.front.get_mut(at) {
            Some(entry) if entry.key == key => Some(entry),
            _ => {
                let waiting = self.next_round.get_mut(location as usize);
                waiting.filter(|entry| entry.key == key)
            }
        };
        match found {
            Some(entry) => entry.handle = VOID,
            // The running instant was set from outside and its slot not opened yet.
            None => self.take_out(location),
        }
    }

    /// The next event in order, unless it is due after `until`.
    #[inline]
    pub(crate) fn pop(&mut self, until: SimTime) -> Option<Entry> {
        loop {
            match self.front.last() {
                // Voids go first: a cancelled event must not even move the clock.
                Some(entry) if entry.handle == VOID => {
                    self.front.pop();
                    continue;
                }
                Some(entry) if entry.key.time().0 == self.now => {}
                _ if !self.next_round.is_empty() => {
                    self.begin_round();
                    continue;
                }
                Some(entry) => {
                    let time = entry.key.time();
                    if time > until {
                        return None;
                    }
                    self.now = time.0;
                    self.round = 0;
                }
                None => {
                    if !self.open_next_slot(until.0) {
                        return None;
                    }
                    continue;
                }
            }
            self.live -= 1;
            return self.front.pop();
        }
    }

    #[cold]
    fn begin_round(&mut self) {
        // A round of nothing but cancelled events is none.
        self.next_round.retain(|entry| entry.handle != VOID);
        if self.next_round.is_empty() {
            return;
        }
        self.round += 1;
        sort_descending(&mut self.next_round);
        self.front.append(&mut self.next_round);
    }

    #[inline]
    fn place(&mut self, key: EventKey, payload: Payload, handle: u32) {
        let time = key.time().0;
        debug_assert!(
            time >= self.now,
            "the engine checks that no event is scheduled in the past"
        );
        if time >= self.horizon && time != self.now {
            self.place_in_slot(key, payload, handle);
        } else {
            self.place_in_front(Entry {
                key,
                payload,
                handle,
            });
        }
    }

    #[inline(never)]
    fn place_in_front(&mut self, entry: Entry) {
        if entry.key.time().0 == self.now {
            if entry.handle != NONE {
                // Fewer than there are handles.
                self.locations[entry.handle as usize] = self.next_round.len() as u32;
            }
            self.next_round.push(entry);
            return;
        }
        let at = self.front.partition_point(|other| other.key > entry.key);
        self.front.insert(at, entry);
        if self.front.len() > FRONT_MAX {
            self.shorten_front();
        }
    }

    /// Moves the far half of the front back into the slots.
    ///
    /// The cut is between two instants, so that one instant's entries are sorted together. Entries
    /// of the running instant always stay.
    #[cold]
    fn shorten_front(&mut self) {
        let middle = self.front[self.front.len() / 2].key.time().0;
        let keep_from = if middle > self.now {
            middle
        } else {
            let later = self
                .front
                .partition_point(|entry| entry.key.time().0 > self.now);
            match later.checked_sub(1) {
                Some(nearest) => self.front[nearest].key.time().0,
                None => return,
            }
        };
        // Several slots may stand in the front: what is due before the last of them has no place in the
        // slots any more, which begin at the cursor.
        let keep_from = keep_from.max(self.cursor);
        let count = self
            .front
            .partition_point(|entry| entry.key.time().0 >= keep_from);
        self.horizon = keep_from;
        for index in 0..count {
            let entry = self.front[index];
            if entry.handle != VOID {
                self.move_to_slot(entry);
            }
        }
        self.front.drain(..count);
    }

    /// Level and slot of a time, which must be at or after the cursor.
    #[inline]
    const fn slot_of(&self, time: u64) -> (usize, usize) {
        // The lowest bit set makes equal times a difference in level 0.
        let highest_bit = ((time ^ self.cursor) | 1).ilog2();
        let level = highest_bit / LEVEL_BITS;
        (
            level as usize,
            (time >> (level * LEVEL_BITS)) as usize & (SLOTS - 1),
        )
    }

    /// Takes the parts of an entry rather than the entry, and writes them one by one: an entry
    /// passed through memory in small pieces and read back in large ones stalls the processor for
    /// longer than all the rest takes.
    #[inline]
    fn place_in_slot(&mut self, key: EventKey, payload: Payload, handle: u32) {
        let position = self.room_in_slot(key.time().0);
        let entry = &mut self.pool[position];
        entry.key = key;
        entry.payload.node = payload.node;
        entry.payload.data = payload.data;
        entry.payload.tag = payload.tag;
        entry.handle = handle;
        if handle != NONE {
            // Positions are checked to be below `NONE` when the pool grows.
            self.locations[handle as usize] = position as u32;
        }
    }

    /// Puts an entry that stood elsewhere, as a whole, into a slot.
    fn move_to_slot(&mut self, entry: Entry) {
        let position = self.room_in_slot(entry.key.time().0);
        self.pool[position] = entry;
        if entry.handle != NONE {
            self.locations[entry.handle as usize] = position as u32;
        }
    }

    /// The place in the pool for one more entry of this time.
    #[inline]
    fn room_in_slot(&mut self, time: u64) -> usize {
        let (level_index, slot_index) = self.slot_of(time);
        let slot = &mut self.slots[level_index * SLOTS + slot_index];
        let offset = slot.count as usize % CHUNK;
        slot.count += 1;
        if offset == 0 {
            self.extend_slot(level_index, slot_index);
        }
        self.slots[level_index * SLOTS + slot_index].head as usize * CHUNK + offset
    }

    /// Puts an empty chunk before the others of a slot.
    fn extend_slot(&mut self, level_index: usize, slot_index: usize) {
        self.occupied[level_index][slot_index / 64] |= 1 << (slot_index % 64);
        self.occupied_levels |= 1 << level_index;
        let chunk = self.chunks_free.pop().unwrap_or_else(|| {
            let chunk = u32::try_from(self.chunk_next.len())
                .ok()
                .filter(|&chunk| chunk < NONE / CHUNK as u32)
                .expect("2^32 pending events exceed the memory of any supported machine");
            self.chunk_next.push(NONE);
            self.pool.resize(self.pool.len() + CHUNK, BLANK);
            chunk
        });
        let slot = &mut self.slots[level_index * SLOTS + slot_index];
        self.chunk_next[chunk as usize] = slot.head;
        slot.head = chunk;
    }

    /// Removes the entry at a position of the pool; the last of its slot takes its place.
    fn take_out(&mut self, position: u32) {
        let time = self.pool[position as usize].key.time().0;
        // The cursor has not entered the slot since the entry was placed, so the same computation
        // finds the slot again.
        let (level_index, slot_index) = self.slot_of(time);
        let slot = &mut self.slots[level_index * SLOTS + slot_index];
        slot.count -= 1;
        let offset = slot.count as usize % CHUNK;
        let last = self.pool[slot.head as usize * CHUNK + offset];
        self.pool[position as usize] = last;
        if last.handle != NONE {
            // If it is the cancelled entry itself, nobody reads its location any more.
            self.locations[last.handle as usize] = position;
        }
        if offset == 0 {
            self.chunks_free.push(slot.head);
            slot.head = self.chunk_next[slot.head as usize];
            if slot.count == 0 {
                self.mark_empty(level_index, slot_index);
            }
        }
    }

    /// Brings the entries of the earliest slot into the front, and of the following ones as long as
    /// there are only few. False if there is none that starts by `until`.
    ///
    /// A slot with one entry is sorted as fast as it gets, but what the entry needs of the world would
    /// be waited for alone: several slots at once are read ahead together.
    fn open_next_slot(&mut self, until: u64) -> bool {
        let mut opened = false;
        while self.occupied_levels != 0 && self.front.len() < FRONT_ENOUGH {
            // Lower levels lie within the current slot of the levels above, so they come first.
            let level_index = self.occupied_levels.trailing_zeros() as usize;
            let slot_index = first_set(&self.occupied[level_index]);
            let shift = level_index as u32 * LEVEL_BITS;
            let above = self.cursor.checked_shr(shift + LEVEL_BITS).unwrap_or(0);
            let start =
                above.checked_shl(shift + LEVEL_BITS).unwrap_or(0) | (slot_index as u64) << shift;
            let count = self.slots[level_index * SLOTS + slot_index].count;
            let direct = level_index == 0 || count <= DIRECT_SORT_MAX;
            let further = direct && count <= FRONT_FURTHER && level_index <= FURTHER_LEVEL;
            if start > until || (opened && !further) {
                break;
            }
            let slot = self.empty_slot(level_index, slot_index);
            self.cursor = start;
            if direct {
                self.horizon = start.saturating_add(1 << shift);
                self.move_to_front(slot);
                opened = true;
            } else {
                self.horizon = start;
                self.distribute(slot);
            }
        }
        if opened {
            sort_descending(&mut self.front);
            self.refilled = true;
        }
        opened
    }

    /// Empties a slot and returns what it was.
    fn empty_slot(&mut self, level_index: usize, slot_index: usize) -> Slot {
        self.mark_empty(level_index, slot_index);
        std::mem::replace(
            &mut self.slots[level_index * SLOTS + slot_index],
            EMPTY_SLOT,
        )
    }

    fn mark_empty(&mut self, level_index: usize, slot_index: usize) {
        let bitmap = &mut self.occupied[level_index];
        bitmap[slot_index / 64] &= !(1 << (slot_index % 64));
        if *bitmap == [0; BITMAP_WORDS] {
            self.occupied_levels &= !(1 << level_index);
        }
    }

    fn move_to_front(&mut self, slot: Slot) {
        let mut remaining = slot.count as usize;
        let mut chunk = slot.head;
        while remaining > 0 {
            let filled = (remaining - 1) % CHUNK + 1;
            let start = chunk as usize * CHUNK;
            self.front
                .extend_from_slice(&self.pool[start..start + filled]);
            remaining -= filled;
            self.chunks_free.push(chunk);
            chunk = self.chunk_next[chunk as usize];
        }
    }

    /// Distributes a large slot over the levels below.
    fn distribute(&mut self, slot: Slot) {
        let mut remaining = slot.count as usize;
        let mut chunk = slot.head;
        while remaining > 0 {
            let filled = (remaining - 1) % CHUNK + 1;
            let start = chunk as usize * CHUNK;
            for position in start..start + filled {
                self.move_to_slot(self.pool[position]);
            }
            remaining -= filled;
            self.chunks_free.push(chunk);
            chunk = self.chunk_next[chunk as usize];
        }
    }
}

/// The next event last, so that popping moves nothing.
fn sort_descending(entries: &mut [Entry]) {
    entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.key));
}

/// Index of the lowest bit set; the bitmap must not be empty.
fn first_set(bitmap: &[u64; BITMAP_WORDS]) -> usize {
    let mut base = 0;
    for word in bitmap {
        if *word != 0 {
            return base + word.trailing_zeros() as usize;
        }
        base += 64;
    }
    base - 1
}
