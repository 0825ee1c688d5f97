//! The best queue known, with nothing but push and pop: what the reference loops run on.
//!
//! A hierarchical wheel of 256-slot levels whose small slots are sorted straight into a front, several
//! at once where they hold little, as in the engine, but without rounds, cancelling or a limit in time.

#![allow(dead_code, reason = "each bench uses its own part")]

/// One pending event.
#[derive(Clone, Copy, Default)]
pub(crate) struct Entry {
    /// Packed order: time in the upper half.
    pub(crate) key: u128,
    /// Whom it concerns.
    pub(crate) node: u32,
    /// What it is about.
    pub(crate) data: u32,
}

const CHUNK: usize = 32;
const NONE: u32 = u32::MAX;
const DIRECT: u32 = 96;
/// As many entries in the front are enough to read ahead.
const ENOUGH: usize = 24;
/// A further slot with more entries waits.
const FURTHER: u32 = 24;

/// The pending events.
pub(crate) struct Wheel {
    slots: Vec<(u32, u32)>,
    occupied: [[u64; 4]; 8],
    levels: u32,
    cursor: u64,
    horizon: u64,
    front: Vec<Entry>,
    pool: Vec<[Entry; CHUNK]>,
    next: Vec<u32>,
    free: Vec<u32>,
    refilled: bool,
}

impl Wheel {
    /// An empty queue.
    pub(crate) fn new() -> Self {
        Self {
            slots: vec![(NONE, 0); 8 * 256],
            occupied: [[0; 4]; 8],
            levels: 0,
            cursor: 0,
            horizon: 0,
            front: Vec::new(),
            pool: Vec::new(),
            next: Vec::new(),
            free: Vec::new(),
            refilled: false,
        }
    }

    /// The entries that were brought to the front since this was last asked, to read ahead what they
    /// concern.
    #[inline]
    pub(crate) fn upcoming(&mut self) -> &[Entry] {
        if std::mem::take(&mut self.refilled) {
            &self.front
        } else {
            &[]
        }
    }

    /// Adds an event.
    #[inline]
    pub(crate) fn push(&mut self, entry: Entry) {
        let time = (entry.key >> 64) as u64;
        if time < self.horizon {
            let at = self.front.partition_point(|other| other.key > entry.key);
            self.front.insert(at, entry);
        } else {
            self.place(entry);
        }
    }

    #[inline]
    fn place(&mut self, entry: Entry) {
        let time = (entry.key >> 64) as u64;
        let level = ((time ^ self.cursor) | 1).ilog2() as usize / 8;
        let index = (time >> (level * 8)) as usize & 255;
        let (head, count) = &mut self.slots[level * 256 + index];
        let offset = *count as usize % CHUNK;
        if offset == 0 {
            self.occupied[level][index / 64] |= 1 << (index % 64);
            self.levels |= 1 << level;
            let chunk = self.free.pop().unwrap_or_else(|| {
                self.pool.push([Entry::default(); CHUNK]);
                self.next.push(NONE);
                self.pool.len() as u32 - 1
            });
            self.next[chunk as usize] = *head;
            *head = chunk;
        }
        self.pool[*head as usize][offset] = entry;
        *count += 1;
    }

    /// The next event. There must be one.
    #[inline]
    pub(crate) fn pop(&mut self) -> Entry {
        loop {
            if let Some(entry) = self.front.pop() {
                return entry;
            }
            self.open();
        }
    }

    fn open(&mut self) {
        let mut opened = false;
        while self.levels != 0 && self.front.len() < ENOUGH {
            let level = self.levels.trailing_zeros() as usize;
            let word = self.occupied[level]
                .iter()
                .position(|&word| word != 0)
                .unwrap_or(0);
            let index = word * 64 + self.occupied[level][word].trailing_zeros() as usize;
            let place = level * 256 + index;
            let direct = level == 0 || self.slots[place].1 <= DIRECT;
            if opened && (!direct || self.slots[place].1 > FURTHER) {
                break;
            }
            self.occupied[level][word] &= !(1 << (index % 64));
            if self.occupied[level] == [0; 4] {
                self.levels &= !(1 << level);
            }
            let shift = level as u32 * 8;
            let above = self.cursor.checked_shr(shift + 8).unwrap_or(0);
            let start = above.checked_shl(shift + 8).unwrap_or(0) | (index as u64) << shift;
            let (mut chunk, count) = std::mem::replace(&mut self.slots[place], (NONE, 0));
            self.cursor = start;
            self.horizon = if direct { start + (1 << shift) } else { start };
            let mut remaining = count as usize;
            while remaining > 0 {
                let filled = (remaining - 1) % CHUNK + 1;
                if direct {
                    self.front
                        .extend_from_slice(&self.pool[chunk as usize][..filled]);
                } else {
                    for position in 0..filled {
                        self.place(self.pool[chunk as usize][position]);
                    }
                }
                remaining -= filled;
                self.free.push(chunk);
                chunk = self.next[chunk as usize];
            }
            opened |= direct;
        }
        self.front
            .sort_unstable_by_key(|entry| std::cmp::Reverse(entry.key));
        self.refilled = true;
    }
}
