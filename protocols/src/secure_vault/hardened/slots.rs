//! Durable records of `hardened`.
//!
//! Device: two copies, each slot || first 8 bytes of SHA-256(slot); the older one is overwritten.
//! Server: one atomic record for each device: current slot || flags || previous slot || last M3
//! answered. A slot is epoch 4 || vault n * mb.

use crate::address::Address;
use crate::crypto::Crypto;
use crate::storage::{Record, Storage};

use super::super::params::{AtRest, Params};
use super::super::vault::{EPOCH_BYTES, VAULTS, body, epoch, toggle_seal};

/// Bytes of a copy's checksum.
const CHECKSUM_BYTES: usize = 8;
/// Bytes of an address: host 4, port 2.
const ADDRESS_BYTES: usize = 6;
/// Bytes of the hash of an answered M3.
const HASH_BYTES: usize = 32;

/// Flag: there is a previous slot.
const HAS_PREVIOUS: u8 = 1;
/// Flag: there is an answered M3.
const HAS_ANSWERED: u8 = 2;

/// Bytes of a slot.
pub(super) fn slot_bytes(params: &Params) -> usize {
    EPOCH_BYTES + params.vault_bytes()
}

fn checksum(crypto: &mut Crypto, slot: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = crypto.sha256(&[slot]);
    hash.first_chunk().copied().unwrap_or_default()
}

/// Appends the checksum that makes a slot a copy.
pub(super) fn add_checksum(crypto: &mut Crypto, copy: &mut Vec<u8>) {
    let sum = checksum(crypto, copy);
    copy.extend_from_slice(&sum);
}

/// The slot of the device's copy `which`, 0 or 1, whatever its checksum.
pub(super) fn copy(storage: &dyn Storage, which: u8) -> Option<&[u8]> {
    let bytes = storage.read(Record::new(VAULTS, u32::from(which)))?;
    bytes
        .split_last_chunk::<CHECKSUM_BYTES>()
        .map(|split| split.0)
}

/// Which copy of the device has a good checksum and the newest epoch; 0 when none is good.
pub(super) fn newest_copy(crypto: &mut Crypto, storage: &dyn Storage) -> u8 {
    let mut best = None;
    for which in 0..2 {
        let stored = storage.read(Record::new(VAULTS, u32::from(which)));
        let split = stored.and_then(|bytes| bytes.split_last_chunk::<CHECKSUM_BYTES>());
        if let Some((slot, sum)) = split
            && checksum(crypto, slot) == *sum
            && best.is_none_or(|(newest, _)| epoch(slot) > newest)
        {
            best = Some((epoch(slot), which));
        }
    }
    best.map_or(0, |(_, which)| which)
}

/// The vault that the device uses, in the clear, for observers.
pub(in crate::secure_vault) fn device_vault(params: &Params, storage: &dyn Storage) -> Vec<u8> {
    let which = newest_copy(&mut Crypto::default(), storage);
    let mut slot = copy(storage, which).unwrap_or(&[]).to_vec();
    if params.at_rest == AtRest::Sealed {
        toggle_seal(&mut Crypto::default(), storage, &mut slot);
    }
    body(&slot).to_vec()
}

/// The vaults of one device that the server would take, newest first, for observers.
pub(in crate::secure_vault) fn server_vaults(params: &Params, record: &[u8]) -> Vec<Vec<u8>> {
    let slots = Slots::read(params, record);
    let all = slots.iter().flat_map(Slots::all);
    all.map(|slot| body(slot).to_vec()).collect()
}

/// The last M3 that was answered, as the server remembers it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered<'a> {
    /// Where it came from.
    pub(super) from: Address,
    /// SHA-256 of its body.
    pub(super) third: &'a [u8],
    /// Body of the M4 that answered it.
    pub(super) fourth: &'a [u8],
}

/// What the server knows of one device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots<'a> {
    /// The newest slot.
    pub(super) current: &'a [u8],
    /// The slot that the device may still have.
    pub(super) previous: Option<&'a [u8]>,
    /// The last M3 answered.
    pub(super) answered: Option<Answered<'a>>,
}

impl<'a> Slots<'a> {
    /// Reads a record; `None` when it is shorter than it says.
    pub(super) fn read(params: &Params, record: &'a [u8]) -> Option<Self> {
        let bytes = slot_bytes(params);
        let (current, rest) = record.split_at_checked(bytes)?;
        let (&flags, mut rest) = rest.split_first()?;
        let mut previous = None;
        if flags & HAS_PREVIOUS != 0 {
            let (slot, after) = rest.split_at_checked(bytes)?;
            (previous, rest) = (Some(slot), after);
        }
        let mut answered = None;
        if flags & HAS_ANSWERED != 0 {
            let (address, after) = rest.split_first_chunk::<ADDRESS_BYTES>()?;
            let [h0, h1, h2, h3, p0, p1] = *address;
            let from = Address::new(
                u32::from_be_bytes([h0, h1, h2, h3]),
                u16::from_be_bytes([p0, p1]),
            );
            let (third, fourth) = after.split_at_checked(HASH_BYTES)?;
            answered = Some(Answered {
                from,
                third,
                fourth,
            });
        }
        Some(Self {
            current,
            previous,
            answered,
        })
    }

    /// Appends the record to `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.current);
        let previous = if self.previous.is_some() {
            HAS_PREVIOUS
        } else {
            0
        };
        let answered = if self.answered.is_some() {
            HAS_ANSWERED
        } else {
            0
        };
        out.push(previous | answered);
        out.extend_from_slice(self.previous.unwrap_or(&[]));
        if let Some(answered) = &self.answered {
            out.extend(answered.from.host.to_be_bytes());
            out.extend(answered.from.port.to_be_bytes());
            out.extend_from_slice(answered.third);
            out.extend_from_slice(answered.fourth);
        }
    }

    /// The slots, newest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        [Some(self.current), self.previous].into_iter().flatten()
    }
}
