//! The computations of the exchange, metered.

use super::messages::{MAC_BYTES, body};
use super::params::Params;
use crate::context::Context;
use crate::crypto::Crypto;

/// Longest key, bytes.
pub(super) const KEY_BYTES_MAX: usize = 32;

/// Draws a challenge: p distinct indices by partial shuffle of 0..n-1, in the order drawn.
pub(super) fn draw_challenge<'a>(
    params: &Params,
    work: &'a mut [u8; 256],
    cx: &mut Context<'_>,
) -> &'a [u8] {
    for (index, entry) in (0..=255).zip(work.iter_mut()) {
        *entry = index;
    }
    for j in 0..params.challenge {
        let distance = cx.uniform((params.keys - j) as u64);
        work.swap(j, j + usize::try_from(distance).unwrap_or(0));
    }
    &work[..params.challenge]
}

/// XOR of the rows that the indices name, with multiplicity; an index past the vault counts as an
/// all-zero key. The result is as long as a key.
pub(super) fn combine(
    params: &Params,
    keys: &[u8],
    indices: &[u8],
    crypto: &mut Crypto,
) -> [u8; KEY_BYTES_MAX] {
    let mut combined = [0; KEY_BYTES_MAX];
    let target = &mut combined[..params.key_bytes];
    let rows = indices
        .iter()
        .map(|index| params.wire.row(*index).map(|row| row * params.key_bytes));
    for (place, start) in rows.enumerate() {
        let row = start.and_then(|start| keys.get(start..start + params.key_bytes));
        match (place, row) {
            (_, None) => {}
            (0, Some(row)) => target.copy_from_slice(row),
            (_, Some(row)) => crypto.xor(target, row),
        }
    }
    combined
}

/// The published update: every row XOR the combined key, in place.
pub(super) fn update_rows(params: &Params, keys: &mut [u8], combined: &[u8], crypto: &mut Crypto) {
    for row in keys.chunks_exact_mut(params.key_bytes) {
        crypto.xor(row, combined);
    }
}

/// MAC of a hardened frame: `covered` is the frame up to its MAC, tag included; `before` are the
/// bodies of the frames before it.
pub(super) fn mac(
    combined: &[u8],
    covered: &[u8],
    before: [&[u8]; 2],
    crypto: &mut Crypto,
) -> [u8; MAC_BYTES] {
    let (tag, rest) = covered.split_at(covered.len().min(1));
    let full = crypto.hmac_sha256(combined, &[tag, before[0], before[1], rest]);
    let mut half = [0; MAC_BYTES];
    half.copy_from_slice(&full[..MAC_BYTES]);
    half
}

/// The hardened update: HMAC-SHA256 in counter mode, keyed from the old vault and the transcript.
/// Appends as many bytes as `keys` has.
pub(super) fn derive_vault(
    keys: &[u8],
    indices: &[u8],
    reply: &[u8],
    out: &mut Vec<u8>,
    crypto: &mut Crypto,
) {
    let salt = crypto.sha256(&[body(indices), body(reply)]);
    let prk = crypto.hmac_sha256(&salt, &[keys]);
    let end = out.len() + keys.len();
    let mut counter = 0_u32;
    while out.len() < end {
        let block = crypto.hmac_sha256(&prk, &[&counter.to_be_bytes()]);
        let take = (end - out.len()).min(block.len());
        out.extend_from_slice(&block[..take]);
        counter += 1;
    }
}
