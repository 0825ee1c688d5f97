//! The variant `literal`: the published prototype, text encoding included.
//!
//! Messages are text without a tag byte. The server is one loop for all devices: after an M1 it
//! takes the next datagram from anybody as M3. Errors are answered in clear. The device has no
//! timers. t is agreed on and never used: a session ends for both ends with M4.
//!
//! Source: the prototype in the public repository `Jharghaul/iot_security_uni_padua`.

mod device;
mod forge;
mod server;
mod text;

use std::sync::Arc;

use crate::crypto::Crypto;
use crate::output::Principal;
use crate::protocol::Instance;
use crate::registry::Column;
use crate::roster::{Party, ProvisionSink, Roster, Streams};
use crate::storage::Record;
use crate::time::Span;
use crate::wire::{FieldKind, Layout, Width};

use super::equations::Key;
use super::messages::field;
use super::params::Params;
use super::provision::server_address;
use super::vault::VAULTS;
use super::{AUTHENTICATE, DEVICE, SERVER};

pub(super) use forge::{answer, challenge, fourth, opening, question, share, third};

pub use device::LiteralDevice;
pub use server::LiteralServer;

/// Longest text of M4 as sent: two numbers of eleven digits and a separator fill two blocks, the
/// IV is a third.
const M4_TEXT_MAX: u32 = 64;

/// `literal` with its parameters.
#[derive(Debug)]
pub(super) struct Literal {
    params: Arc<Params>,
    layouts: Vec<Layout>,
}

impl Literal {
    pub(super) fn new(params: Params) -> Self {
        let text = |name, sender, min, max| Layout {
            name,
            tag: None,
            phase: AUTHENTICATE,
            sender: Some(sender),
            fields: vec![field(
                "text",
                Width::Rest {
                    min,
                    max,
                    multiple_of: 1,
                },
                FieldKind::Text,
            )],
        };
        Self {
            params: Arc::new(params),
            layouts: vec![
                text("M1", DEVICE, 1, u32::MAX),
                text("M2", SERVER, 1, u32::MAX),
                text("M3", DEVICE, 1, u32::MAX),
                text("M4", SERVER, 1, M4_TEXT_MAX),
                text("ERROR", SERVER, 1, u32::MAX),
            ],
        }
    }
}

impl Instance for Literal {
    fn layouts(&self) -> &[Layout] {
        &self.layouts
    }

    /// M2 starts with a brace, an error with its word, M1 has a separator; of the two base64 texts
    /// M4 is the short one.
    fn classify(&self, bytes: &[u8]) -> Option<usize> {
        let short = bytes.len() <= M4_TEXT_MAX as usize;
        match bytes.first()? {
            b'{' => Some(1),
            _ if bytes.starts_with(b"error") => Some(4),
            _ if text::split(bytes).is_some() => Some(0),
            _ if text::is_base64(bytes) => Some(if short { 3 } else { 2 }),
            _ => None,
        }
    }

    fn attacker(
        &self,
        id: &str,
        setup: &crate::attack::Setup<'_>,
    ) -> Result<Box<dyn crate::attack::Attacker>, crate::parameter::ParameterError> {
        super::attacks::build(&self.params, id, setup)
    }

    fn secrets(
        &self,
        holder: &crate::attack::Holder<'_>,
        out: &mut dyn FnMut(crate::attack::Secret<'_>),
    ) {
        super::secrets::list(&self.params, holder, out);
    }

    fn confirms(&self, holder: &crate::attack::Holder<'_>, kind: &str, bytes: &[u8]) -> bool {
        super::secrets::confirms(&self.params, holder, kind, bytes)
    }

    fn key_id(&self, key: &[u8]) -> Option<crate::output::Tag> {
        let whole = key.len() == super::secrets::key_bytes(&self.params);
        whole.then(|| super::equations::key_tag(key))
    }

    fn port(&self, _role: u8) -> u16 {
        super::PORT
    }

    fn deadline(&self, command: u8) -> Span {
        super::deadline(&self.params, command)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        self.params.settings()
    }

    fn provision(&self, roster: &Roster, streams: &mut dyn Streams, sink: &mut dyn ProvisionSink) {
        super::provision::provision(&self.params, roster, streams, sink);
    }

    fn record_about(&self, _roster: &Roster, party: &Party) -> Option<Record> {
        (party.role == DEVICE).then_some(Record::new(VAULTS, party.ordinal))
    }

    fn machines(&self, roster: &Roster, group: usize) -> Column {
        let parties = roster.group(group);
        if roster.groups[group].role == SERVER {
            let server = |_: &Party| LiteralServer::new(Arc::clone(&self.params));
            return Column::SecureVaultLiteralServer(parties.iter().map(server).collect());
        }
        let device = |party: &Party| {
            let server = server_address(roster, party);
            LiteralDevice::new(Arc::clone(&self.params), party.ordinal, server)
        };
        Column::SecureVaultLiteralDevice(parties.iter().map(device).collect())
    }

    fn principal(&self, _roster: &Roster, party: &Party) -> Principal {
        super::provision::principal(party)
    }
}

/// A number as a key: 32 bytes, little-endian.
fn number_key(number: u128) -> Key {
    let mut key = Key::default();
    key[..16].copy_from_slice(&number.to_le_bytes());
    key
}

/// Appends the updated vault to `out`: each key is XORed with its own HMAC over the texts.
pub(super) fn update_vault(
    crypto: &mut Crypto,
    params: &Params,
    vault: &[u8],
    texts: &[&[u8]],
    out: &mut Vec<u8>,
) {
    let start = out.len();
    out.extend_from_slice(vault);
    for (new, old) in out[start..]
        .chunks_mut(params.key_bytes)
        .zip(vault.chunks(params.key_bytes))
    {
        let mac = crypto.hmac_sha256(old, texts);
        crypto.xor(new, &mac);
    }
}
