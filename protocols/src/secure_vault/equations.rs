//! The equations of the protocol: keys from challenges, the vault update, and the tags that only
//! observers see.

use crate::context::Context;
use crate::crypto::{self, Crypto};
use crate::output::Tag;

use super::messages::{Indices, indices};
use super::params::{Params, PartitionAdd, Transcript, TranscriptFrom, UpdateHash, Without};

/// Longest key of the vault, bytes.
pub(super) const KEY_BYTES_MAX: usize = 32;

/// A key of mb bytes; the rest is zero.
pub(super) type Key = [u8; KEY_BYTES_MAX];

/// key(C): the XOR of the rows of `vault` that `list` names, with multiplicity. An index without a
/// row counts as a row of zeros. p - 1 rows are counted.
pub(super) fn combined_key(
    crypto: &mut Crypto,
    vault: &[u8],
    key_bytes: usize,
    list: Indices<'_>,
) -> Key {
    let row = |index: &[u8; 2]| {
        let start = usize::from(u16::from_be_bytes(*index)) * key_bytes;
        vault.get(start..start + key_bytes).unwrap_or(&[])
    };
    let mut key = [0; KEY_BYTES_MAX];
    let mut rows = list.iter().map(row);
    let first = rows.next().unwrap_or(&[]);
    key[..first.len()].copy_from_slice(first);
    crypto.xor_rows(&mut key[..key_bytes], rows);
    key
}

/// Redraws of a challenge that equals the other one before a fixed one is taken. Two fair draws
/// are equal with probability one half at most, so this never happens but with entropy that
/// repeats itself.
const REDRAWS_MAX: u32 = 128;

/// Draws p distinct indices in ascending order, uniform over the sets that differ from `other`,
/// and appends them to `out` in wire form.
pub(super) fn draw_challenge(
    cx: &mut Context<'_>,
    params: &Params,
    other: Option<Indices<'_>>,
    out: &mut Vec<u8>,
) {
    let mut pool = cx.buffers.take();
    let start = out.len();
    for _ in 0..=REDRAWS_MAX {
        pool.clear();
        pool.extend((0..params.keys).flat_map(u16::to_be_bytes));
        let (all, _) = pool.as_chunks_mut::<2>();
        let mut left = u64::from(params.keys);
        for taken in 0..params.challenge {
            let distance = usize::try_from(cx.uniform(left)).unwrap_or(0);
            all.swap(taken, taken + distance);
            left -= 1;
        }
        let drawn = &mut all[..params.challenge];
        drawn.sort_unstable();
        out.truncate(start);
        out.extend_from_slice(drawn.as_flattened());
        if other.is_none_or(|other| !same_set(indices(&out[start..]), other)) {
            cx.buffers.give(pool);
            return;
        }
    }
    cx.buffers.give(pool);
    out.truncate(start);
    fixed_challenge(params, other, out);
}

/// Appends the first p indices, or the last p when the first are `other`.
pub(super) fn fixed_challenge(params: &Params, other: Option<Indices<'_>>, out: &mut Vec<u8>) {
    let start = out.len();
    let count = u16::try_from(params.challenge).unwrap_or(u16::MAX);
    out.extend((0..count).flat_map(u16::to_be_bytes));
    if other.is_some_and(|other| same_set(indices(&out[start..]), other)) {
        out.truncate(start);
        out.extend((params.keys - count..params.keys).flat_map(u16::to_be_bytes));
    }
}

/// Whether two lists name the same set of indices, whatever order and repetition.
pub(super) fn same_set(left: Indices<'_>, right: Indices<'_>) -> bool {
    let ascends = |list: Indices<'_>| list.is_sorted_by(|before, after| before < after);
    if ascends(left) && ascends(right) {
        return left == right;
    }
    members(left) == members(right)
}

/// One bit for each index that occurs.
fn members(list: Indices<'_>) -> [u64; 1024] {
    let mut bits = [0; 1024];
    for index in list {
        let value = u16::from_be_bytes(*index);
        bits[usize::from(value / 64)] |= 1 << (value % 64);
    }
    bits
}

/// What one handshake exchanged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange<'a> {
    /// Bodies of M1 and M2.
    pub(super) opening: &'a [u8],
    /// Body of M3.
    pub(super) third: &'a [u8],
    /// Body of M4.
    pub(super) fourth: &'a [u8],
    /// Plaintext of M3 without padding.
    pub(super) plain3: &'a [u8],
    /// Plaintext of M4 without padding.
    pub(super) plain4: &'a [u8],
}

impl Exchange<'_> {
    /// Appends D, the data exchanged that the handshake contributes.
    pub(super) fn write(&self, params: &Params, out: &mut Vec<u8>) {
        if params.without == Some(Without::VerifyBeforeCommit) {
            out.extend_from_slice(self.opening);
            return;
        }
        if params.transcript_from == TranscriptFrom::M1 {
            out.extend_from_slice(self.opening);
        }
        let (third, fourth) = match params.transcript {
            Transcript::Wire => (self.third, self.fourth),
            Transcript::Plain => (self.plain3, self.plain4),
        };
        out.extend_from_slice(third);
        out.extend_from_slice(fourth);
    }
}

/// The new vault and tail: V is cut into partitions of kb bytes, and each is XORed with
/// h = HMAC(key = D, message = V) and the word of its number.
///
/// `vault` is V with the kept tail, if any, behind it; `data` is D. The result has the length of
/// `vault` and is appended to `out`.
pub(super) fn update_vault(
    crypto: &mut Crypto,
    params: &Params,
    vault: &[u8],
    data: &[u8],
    out: &mut Vec<u8>,
) {
    let keys = &vault[..vault.len().min(params.vault_bytes())];
    let (sha256, sha512);
    let hash: &[u8] = match params.update_hash {
        UpdateHash::Sha256 => {
            sha256 = crypto.hmac_sha256(data, &[keys]);
            &sha256
        }
        UpdateHash::Sha512 => {
            sha512 = crypto.hmac_sha512(data, &[keys]);
            &sha512
        }
    };
    let start = out.len();
    out.extend_from_slice(vault);
    let partitions = out[start..].chunks_mut(hash.len());
    for (partition, number) in partitions.zip(params.partition_from..) {
        crypto.xor(partition, hash);
        add_word(partition, hash.len(), number, params.partition_add);
    }
}

/// XORs word(number) of `word_bytes` bytes into a partition, which is shorter where its end is
/// dropped.
pub(super) fn add_word(partition: &mut [u8], word_bytes: usize, number: u32, how: PartitionAdd) {
    let [.., low] = number.to_be_bytes();
    match how {
        PartitionAdd::Last => {
            let word = number.to_be_bytes();
            let first = word_bytes - word.len();
            for (byte, part) in partition.iter_mut().skip(first).zip(word) {
                *byte ^= part;
            }
        }
        PartitionAdd::First => {
            if let Some(byte) = partition.first_mut() {
                *byte ^= low;
            }
        }
        PartitionAdd::Every => partition.iter_mut().for_each(|byte| *byte ^= low),
    }
}

/// Names the transcript so far, for observers.
pub(super) fn run_tag(bodies: &[u8]) -> Tag {
    crypto::tag("run", &[bodies])
}

/// Names a session by its four bodies, for observers.
pub(super) fn session_tag(bodies: &[u8]) -> Tag {
    crypto::tag("session", &[bodies])
}

/// Names a session key, for observers.
pub(super) fn key_tag(key: &[u8]) -> Tag {
    crypto::tag("key-id", &[key])
}

/// Names a payload, for observers.
pub(super) fn payload_digest(payload: &[u8]) -> Tag {
    crypto::tag("", &[payload])
}
