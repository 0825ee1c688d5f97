//! Linear algebra over the rows of a vault.
//!
//! Every combined key is a sum of rows, and every update adds one known sum to all rows. So whoever
//! has seen all keys knows how far the rows have drifted from the first ones, and each key is one
//! equation about those: an odd sum carries the drift, an even one does not change at all.

use std::collections::BTreeMap;

use super::forge::{Key, add, widen};
use crate::vault_exchange::params::Params;

/// A set of rows that are added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rows([u64; 4]);

impl Rows {
    /// The rows that indices name; twice is not at all.
    pub(super) fn of(params: &Params, list: &[u8]) -> Self {
        let mut rows = Self::default();
        for row in list.iter().filter_map(|index| params.wire.row(*index)) {
            rows.0[row / 64 % 4] ^= 1 << (row % 64);
        }
        rows
    }

    fn is_odd(self) -> bool {
        self.0.iter().map(|word| word.count_ones()).sum::<u32>() % 2 == 1
    }

    fn first(self) -> Option<usize> {
        let word = self.0.iter().position(|word| *word != 0)?;
        Some(word * 64 + self.0[word].trailing_zeros() as usize)
    }

    const fn has(self, row: usize) -> bool {
        self.0[row / 64] >> (row % 64) & 1 == 1
    }

    fn add(&mut self, other: Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word ^= more;
        }
    }
}

/// What is known of the first rows of one vault, on the assumption that it changes or that it does
/// not.
#[derive(Clone, Debug)]
struct Model {
    changes: bool,
    /// False once what was seen contradicts the assumption.
    sound: bool,
    /// Sum of all updates.
    drift: Key,
    /// Known sums of first rows, each beginning with another row.
    sums: BTreeMap<usize, (Rows, Key)>,
}

impl Model {
    const fn new(changes: bool) -> Self {
        Self {
            changes,
            sound: true,
            drift: [0; 32],
            sums: BTreeMap::new(),
        }
    }

    fn reduce(&self, mut rows: Rows, mut value: Key) -> (Rows, Key) {
        for (first, (known, amount)) in &self.sums {
            if rows.has(*first) {
                rows.add(*known);
                add(&mut value, amount);
            }
        }
        (rows, value)
    }

    fn learn(&mut self, rows: Rows, key: &Key) {
        let mut value = *key;
        if rows.is_odd() {
            add(&mut value, &self.drift);
        }
        let (rest, value) = self.reduce(rows, value);
        match rest.first() {
            Some(first) => {
                self.sums.insert(first, (rest, value));
            }
            None => self.sound &= value == Key::default(),
        }
    }

    fn value(&self, rows: Rows) -> Option<Key> {
        let (rest, mut value) = self.reduce(rows, Key::default());
        if rows.is_odd() {
            add(&mut value, &self.drift);
        }
        (self.sound && rest.first().is_none()).then_some(value)
    }
}

/// What is known of one vault.
#[derive(Clone, Debug)]
pub(super) struct Models([Model; 2]);

impl Default for Models {
    fn default() -> Self {
        Self([Model::new(true), Model::new(false)])
    }
}

impl Models {
    /// Learns that a sum of rows has a value now.
    pub(super) fn learn(&mut self, rows: Rows, value: &[u8]) {
        let value = widen(value);
        self.0
            .iter_mut()
            .for_each(|model| model.learn(rows, &value));
    }

    /// The vault is updated with a key.
    pub(super) fn update(&mut self, key: &[u8]) {
        for model in self.0.iter_mut().filter(|model| model.changes) {
            add(&mut model.drift, &widen(key));
        }
    }

    /// The value that a sum of rows has now, if it follows from what was seen: one for each
    /// assumption that still holds and gives another.
    pub(super) fn values(&self, rows: Rows) -> Vec<Key> {
        let mut values: Vec<Key> = self
            .0
            .iter()
            .filter_map(|model| model.value(rows))
            .collect();
        values.dedup();
        values
    }
}
