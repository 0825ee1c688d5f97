//! The variant `hardened`: three messages with nonces and MACs under the combined key, which is
//! never sent.
//!
//! The device commits first, when REPLY has proved that the server knows the combined key; the
//! server when CONFIRM has. In between, and for ever when CONFIRM is lost, the device is one update
//! ahead: it keeps the vault before, and REPLY names the server's epoch, so the next session goes
//! on from the server's vault.

mod device;
mod pending;
mod server;

pub use device::HardenedDevice;
pub use server::HardenedServer;

use super::params::Params;
use super::vault::{EPOCH_BYTES, Vault};
use crate::crypto;
use crate::output::{Fingerprint, Tag};

/// What a device stores: its current vault and, from the first update on, the one before.
#[derive(Clone, Copy, Debug)]
struct Slots<'a> {
    current: Vault<'a>,
    previous: Option<Vault<'a>>,
}

impl<'a> Slots<'a> {
    /// Reads the record; `None` when its length is wrong.
    fn parse(params: &Params, record: &'a [u8]) -> Option<Self> {
        let slot = EPOCH_BYTES + params.vault_bytes();
        let (current, previous) = record.split_at_checked(slot)?;
        Some(Self {
            current: Vault::parse(params, current)?,
            previous: match previous {
                [] => None,
                _ => Some(Vault::parse(params, previous)?),
            },
        })
    }

    /// The slot of an epoch.
    fn with_epoch(&self, epoch: u32) -> Option<Vault<'a>> {
        [Some(self.current), self.previous]
            .into_iter()
            .flatten()
            .find(|slot| slot.epoch == epoch)
    }
}

fn fingerprint(vault: &Vault<'_>) -> Fingerprint {
    crypto::fingerprint(&[vault.keys])
}

/// Names the combined key for observers, bound to the session.
fn key_id(combined: &[u8], indices: &[u8], reply: &[u8]) -> Tag {
    use super::messages::body;
    let key = crypto::hmac_sha256_unmetered(combined, &[body(indices), body(reply)]);
    crypto::tag("key-id", &[&key])
}
