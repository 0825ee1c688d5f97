//! Linear algebra over bits: what sums of unknown rows say about other sums.
//!
//! All equations of the vault are XORs of rows, so whoever knows some sums knows every sum in their
//! span, and nothing else.

use std::collections::BTreeMap;

use crate::secure_vault::equations::{Key, add_word};
use crate::secure_vault::messages::Indices;
use crate::secure_vault::params::{Params, UpdateHash};

/// A set of unknowns that are added up: one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum(Vec<u64>);

impl Sum {
    /// Adds an unknown; twice is not at all.
    pub(super) fn toggle(&mut self, unknown: usize) {
        let word = unknown / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] ^= 1 << (unknown % 64);
    }

    fn first(&self) -> Option<usize> {
        let word = self.0.iter().position(|word| *word != 0)?;
        Some(word * 64 + self.0[word].trailing_zeros() as usize)
    }

    fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word ^= more;
        }
    }
}

/// Known sums, reduced: each begins with another unknown.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    sums: BTreeMap<usize, (Sum, Key)>,
}

fn xor(into: &mut Key, other: &Key) {
    for (byte, more) in into.iter_mut().zip(other) {
        *byte ^= more;
    }
}

impl Known {
    /// What is left of a sum when everything known is taken out of it.
    fn reduce(&self, mut sum: Sum, mut value: Key) -> (Sum, Key) {
        for (first, (known, amount)) in &self.sums {
            let set = sum.0.get(first / 64).unwrap_or(&0) >> (first % 64) & 1 == 1;
            if set {
                sum.add(known);
                xor(&mut value, amount);
            }
        }
        (sum, value)
    }

    /// Learns that `sum` is `value`; false when that contradicts what is known.
    pub(super) fn learn(&mut self, sum: Sum, value: Key) -> bool {
        let (rest, value) = self.reduce(sum, value);
        match rest.first() {
            Some(first) => {
                self.sums.insert(first, (rest, value));
                true
            }
            None => value == Key::default(),
        }
    }

    /// The value of a sum, if it follows from what is known.
    pub(super) fn value(&self, sum: Sum) -> Option<Key> {
        let (rest, value) = self.reduce(sum, Key::default());
        rest.first().is_none().then_some(value)
    }
}

/// How rows of a vault change from epoch to epoch: each update adds a part of one unknown hash, the
/// same part for all rows at the same place of a partition, and a known word.
#[derive(Clone, Debug)]
pub(super) struct Epochs {
    keys: usize,
    key_bytes: usize,
    /// Rows in a partition: parts of the hash.
    parts: usize,
    /// The known words of all rows.
    words: Vec<u8>,
    /// Updates so far.
    pub(super) updates: usize,
}

impl Epochs {
    pub(super) fn new(params: &Params) -> Self {
        let hash_bytes = match params.update_hash {
            UpdateHash::Sha256 => 32,
            UpdateHash::Sha512 => 64,
        };
        let keys = usize::from(params.keys);
        let mut words = vec![0; keys * params.key_bytes];
        for (partition, number) in words.chunks_mut(hash_bytes).zip(params.partition_from..) {
            add_word(partition, hash_bytes, number, params.partition_add);
        }
        Self {
            keys,
            key_bytes: params.key_bytes,
            parts: hash_bytes / params.key_bytes,
            words,
            updates: 0,
        }
    }

    /// Which part of the hash is added to a row.
    pub(super) const fn part(&self, row: usize) -> usize {
        row % self.parts
    }

    /// The known word of a row.
    pub(super) fn word(&self, row: usize) -> Key {
        let mut word = Key::default();
        let start = row * self.key_bytes;
        if let Some(bytes) = self.words.get(start..start + self.key_bytes) {
            word[..self.key_bytes].copy_from_slice(bytes);
        }
        word
    }

    /// key(C) now, as a sum of first rows and parts of hashes, and its known part.
    pub(super) fn sum(&self, list: Indices<'_>) -> (Sum, Key) {
        let (mut sum, mut known) = (Sum::default(), Key::default());
        for index in list {
            let row = usize::from(u16::from_be_bytes(*index));
            if row >= self.keys {
                continue;
            }
            sum.toggle(row);
            for update in 0..self.updates {
                sum.toggle(self.keys + update * self.parts + self.part(row));
            }
            if self.updates % 2 == 1 {
                xor(&mut known, &self.word(row));
            }
        }
        (sum, known)
    }

    /// Learns key(C) of now.
    pub(super) fn learn(&self, known: &mut Known, list: Indices<'_>, key: &Key) -> bool {
        let (sum, mut value) = self.sum(list);
        xor(&mut value, key);
        known.learn(sum, value)
    }

    /// key(C) of now, if it follows.
    pub(super) fn value(&self, known: &Known, list: Indices<'_>) -> Option<Key> {
        let (sum, constant) = self.sum(list);
        let mut value = known.value(sum)?;
        xor(&mut value, &constant);
        Some(value)
    }
}

/// A key of mb bytes in the fixed width of equations.
pub(super) fn key(bytes: &[u8]) -> Key {
    let mut key = Key::default();
    let width = bytes.len().min(key.len());
    key[..width].copy_from_slice(&bytes[..width]);
    key
}

/// What a claim of kind `challenge-key` says: the list, then its key.
pub(super) fn named(list: Indices<'_>, key: &[u8]) -> Vec<u8> {
    let mut bytes = list.as_flattened().to_vec();
    bytes.extend_from_slice(key);
    bytes
}
