//! The variant `literal`: the published prototype's own behaviour.
//!
//! Values are texts: a hash is SHA-256 over plain concatenation and is used as 64 hex digits, XOR
//! is between right-aligned integers, a list is `ID.SSK.Loc` entries joined by `;`. AUTH_REQ and
//! AUTH_REP are JSON objects, AUTH_REQ carries C and UID in clear, and the user checks neither E
//! nor sigma. Phases 1, 2, 3 and 5 exist; phase 5 moves nothing. The user learns ID_j from the
//! server's unauthenticated INFO.
//!
//! Left out: what the prototype computes and never uses (E' and sigma' at the user).
//!
//! Source: rc.py, server1.py and user1.py of the repository named in the parent module.

pub(crate) mod card;
pub(crate) mod centre;
pub(crate) mod messages;
pub(crate) mod provision;
pub(crate) mod server;
pub(crate) mod text;
pub(crate) mod user;

use std::sync::Arc;

use crate::attack::{Attacker, Holder, Secret, Setup};
use crate::output::{Principal, Tag};
use crate::parameter::ParameterError;
use crate::protocol::Instance;
use crate::registry::Column;
use crate::roster::{Party, ProvisionSink, Roster, Streams};
use crate::time::Span;
use crate::wire::Layout;

use super::directory::Directory;
use super::params::Params;
use super::{PORT, attacks, check_roster, principal, role, secrets};

pub use centre::LiteralCentre;
pub use server::LiteralServer;
pub use user::LiteralUser;

/// How old a time may be for the prototype, s.
pub(crate) const WINDOW_S: u64 = 60;

/// The prototype with its parameters fixed.
#[derive(Debug)]
pub(crate) struct LiteralInstance {
    pub(crate) params: Arc<Params>,
}

impl Instance for LiteralInstance {
    fn layouts(&self) -> &[Layout] {
        &self.params.layouts
    }

    fn classify(&self, bytes: &[u8]) -> Option<usize> {
        messages::classify(&self.params.layouts, bytes)
    }

    fn port(&self, _role: u8) -> u16 {
        PORT
    }

    fn deadline(&self, _command: u8) -> Span {
        Span::from_secs(30)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        self.params.settings()
    }

    fn check(&self, roster: &Roster) -> Result<(), ParameterError> {
        check_roster(&self.params, roster)
    }

    fn provision(&self, roster: &Roster, streams: &mut dyn Streams, sink: &mut dyn ProvisionSink) {
        provision::provision(&self.params, roster, streams, sink);
    }

    fn machines(&self, roster: &Roster, group: usize) -> Column {
        let params = || Arc::clone(&self.params);
        let directory = Arc::new(Directory::new(roster));
        let parties = roster.group(group).iter();
        match roster.groups[group].role {
            role::RC => Column::MultiServerLiteralCentre(
                parties.map(|_| LiteralCentre::new(params())).collect(),
            ),
            role::SERVER => Column::MultiServerLiteralServer(
                parties
                    .map(|_| LiteralServer::new(params(), Arc::clone(&directory)))
                    .collect(),
            ),
            _ => Column::MultiServerLiteralUser(
                parties
                    .map(|_| LiteralUser::new(params(), Arc::clone(&directory)))
                    .collect(),
            ),
        }
    }

    fn principal(&self, roster: &Roster, party: &Party) -> Principal {
        principal(roster, party)
    }

    fn attacker(&self, id: &str, setup: &Setup<'_>) -> Result<Box<dyn Attacker>, ParameterError> {
        attacks::build(&self.params, id, setup)
    }

    fn secrets(&self, holder: &Holder<'_>, out: &mut dyn FnMut(Secret<'_>)) {
        secrets::list(&self.params, holder, out);
    }

    fn confirms(&self, holder: &Holder<'_>, kind: &str, bytes: &[u8]) -> bool {
        secrets::confirms(holder, kind, bytes)
    }

    fn key_id(&self, key: &[u8]) -> Option<Tag> {
        secrets::key_id(key)
    }
}
