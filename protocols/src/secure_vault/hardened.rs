//! The variant `hardened`: the smallest changes after which the attacks on the published protocol
//! find nothing.
//!
//! Messages are authenticated before they are opened, under keys that depend on the transcript; M1
//! names the epoch of the device's vault; the server keeps the vault before the last update until
//! it hears that the device has updated too; both ends write so that a power cut leaves either the
//! old or the new vault; and a frame that fails changes nothing. M1 and M3 are repeated by default.

mod device;
mod equations;
mod forge;
mod messages;
mod provision;
mod server;
mod slots;

use std::sync::Arc;

use crate::output::Principal;
use crate::protocol::Instance;
use crate::registry::Column;
use crate::roster::{Party, ProvisionSink, Roster, Streams};
use crate::storage::Record;
use crate::time::Span;
use crate::wire::Layout;

use super::DEVICE;
use super::params::Params;
use super::vault::VAULTS;
use messages::Wire;

pub(super) use equations::update_vault;
pub(super) use forge::{answer, fourth, session_key, third};

pub use device::HardenedDevice;
pub use server::HardenedServer;
pub(super) use slots::{device_vault, server_vaults};

/// Bytes of r1 and r2.
const NONCE_BYTES: usize = 16;

/// Parameters and layouts, shared by all machines.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) params: Params,
    wire: Wire,
}

/// `hardened` with its parameters.
#[derive(Debug)]
pub(super) struct Hardened {
    pub(super) setup: Arc<Setup>,
}

impl Hardened {
    pub(super) fn new(params: Params) -> Self {
        let wire = Wire::new(&params);
        Self {
            setup: Arc::new(Setup { params, wire }),
        }
    }
}

impl Instance for Hardened {
    fn layouts(&self) -> &[Layout] {
        &self.setup.wire.layouts
    }

    fn attacker(
        &self,
        id: &str,
        setup: &crate::attack::Setup<'_>,
    ) -> Result<Box<dyn crate::attack::Attacker>, crate::parameter::ParameterError> {
        super::attacks::build(&self.setup.params, id, setup)
    }

    fn secrets(
        &self,
        holder: &crate::attack::Holder<'_>,
        out: &mut dyn FnMut(crate::attack::Secret<'_>),
    ) {
        super::secrets::list(&self.setup.params, holder, out);
    }

    fn confirms(&self, holder: &crate::attack::Holder<'_>, kind: &str, bytes: &[u8]) -> bool {
        super::secrets::confirms(&self.setup.params, holder, kind, bytes)
    }

    fn key_id(&self, key: &[u8]) -> Option<crate::output::Tag> {
        let whole = key.len() == super::secrets::key_bytes(&self.setup.params);
        whole.then(|| super::equations::key_tag(key))
    }

    fn port(&self, _role: u8) -> u16 {
        super::PORT
    }

    fn deadline(&self, command: u8) -> Span {
        super::deadline(&self.setup.params, command)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        self.setup.params.settings()
    }

    fn provision(&self, roster: &Roster, streams: &mut dyn Streams, sink: &mut dyn ProvisionSink) {
        provision::provision(&self.setup.params, roster, streams, sink);
    }

    fn record_about(&self, _roster: &Roster, party: &Party) -> Option<Record> {
        (party.role == DEVICE).then_some(Record::new(VAULTS, party.ordinal))
    }

    fn machines(&self, roster: &Roster, group: usize) -> Column {
        provision::machines(&self.setup, roster, group)
    }

    fn principal(&self, _roster: &Roster, party: &Party) -> Principal {
        super::provision::principal(party)
    }
}
