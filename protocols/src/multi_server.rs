//! `multi-server`: one registration, many servers; users with smart cards; hashes and XOR only.
//!
//! A registration centre gives each server a key SSK_j and each user a smart card. A user then logs
//! in at any server with one request and one answer. The centre also hands out the list of servers
//! (phase 4a), cards for a new password (phase 4b) and, to servers, the table of users (phase 5).
//! Phases 1 and 2 need a secure channel, all others are public. One frame is one datagram.
//!
//! | symbol | where |
//! |---|---|
//! | K_rc | record of the centre |
//! | ID_j, Loc_j, r_S, P_j, PW_j | `Identity` of a server |
//! | SSK_j, Q_j, SRT_j | `ServerRow::{ssk, q}`; SRT_j is not kept |
//! | UID_i, C_i | `UserRow::{uid, c}` |
//! | ID_i, PW_i | `Head`: in the person's head |
//! | W, X, Y, Z, E | `CardView::{w, x, y, z, e}` |
//! | A, B, D, USK | computed when a card is built or opened, never kept |
//! | T1, T2, T, T' | `t1`, `t2`, `t`, `answered`: ns of the sender's own clock |
//! | alpha, beta, gamma, sigma | `AuthReq`, `AuthRep` |
//! | VT | `Grant::vt` |
//! | dT | `freshness_window` |
//!
//! Variants: `as-published`; `readme-equations`, the same machines with only what the README and a
//! second public program have (other defaults of seven parameters); `literal`, the published
//! prototype, with machines of its own; `hardened`; `broken`.
//!
//! Source: README "Privacy-Preserving Mutual Authentication and Key Agreement Protocol" of the
//! repository darthlazius/privacy_preserving_mutual_auth_sop, after T. Limbasiya, S. K. Sahay,
//! B. Sridharan, Information Systems Frontiers, 2021, DOI 10.1007/s10796-021-10115-x.

mod attacks;
mod declaration;
mod directory;
mod equations;
mod exchange;
mod literal;
mod messages;
mod params;
mod provision;
mod rc;
mod records;
mod secrets;
mod server;
mod sessions;
mod user;

#[cfg(test)]
mod tests;

pub use literal::{LiteralCentre, LiteralServer, LiteralUser};
pub use rc::RegistrationCentre;
pub use server::Server;
pub use user::User;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::attack::{AttackSpec, Attacker, Holder, Secret, SecretSpec, Setup};
use crate::drive::Rehearsal;
use crate::output::{Principal, Tag};
use crate::parameter::{ParameterError, ParameterSpec, Value, Values};
use crate::protocol::{
    ClaimSpec, CommandSpec, Instance, Protocol, RelationSpec, RoleSpec, TimerSpec, VariantSpec,
};
use crate::registry::Column;
use crate::roster::{Party, ProvisionSink, Roster, Streams};
use crate::time::Span;
use crate::wire::Layout;

use declaration::{CLAIMS, COMMANDS, RELATIONS, ROLES, TIMERS, VARIANTS};
use directory::{Directory, server_id, server_location, user_name};
use literal::LiteralInstance;
use messages::padded;
use params::{PARAMS, Params};

/// The port of every role.
pub(crate) const PORT: u16 = 7703;

/// Numbers of the roles.
pub(crate) mod role {
    pub(crate) const RC: u8 = 0;
    pub(crate) const SERVER: u8 = 1;
    pub(crate) const USER: u8 = 2;
}

/// Numbers of the phases.
pub(crate) mod phase {
    pub(crate) const REGISTER: u8 = 0;
    pub(crate) const AUTHENTICATE: u8 = 1;
    pub(crate) const UPDATE_LIST: u8 = 2;
    pub(crate) const CHANGE_PASSWORD: u8 = 3;
    pub(crate) const DB_UPDATE: u8 = 4;
}

/// Numbers of the commands.
pub(crate) mod command {
    pub(crate) const REGISTER: u8 = 0;
    pub(crate) const AUTHENTICATE: u8 = 1;
    pub(crate) const UPDATE_LIST: u8 = 2;
    pub(crate) const CHANGE_PASSWORD: u8 = 3;
    pub(crate) const DB_UPDATE: u8 = 4;
    pub(crate) const REISSUE: u8 = 5;
    pub(crate) const ABORT: u8 = 6;
}

/// Numbers of the timers.
pub(crate) mod timer {
    /// No answer came.
    pub(crate) const REPLY: u8 = 0;
    /// No answer to PWD_REQ came.
    pub(crate) const PWD_REPLY: u8 = 1;
    /// AUTH_REQ is repeated after a REJECT.
    pub(crate) const RETRY: u8 = 2;
    /// PWD_REQ is not repeated any longer.
    pub(crate) const GIVE_UP: u8 = 3;
    /// SK of a slot is forgotten.
    pub(crate) const SESSION: u8 = 4;
    /// Phase 5 is due.
    pub(crate) const DB_UPDATE: u8 = 5;
}

/// Numbers of the relations.
pub(crate) mod relation {
    pub(crate) const CARD: u8 = 0;
    pub(crate) const SERVER_KEY: u8 = 1;
}

/// The protocol.
#[derive(Debug)]
pub struct MultiServer;

impl Protocol for MultiServer {
    fn name(&self) -> &'static str {
        "multi-server"
    }

    fn summary(&self) -> &'static str {
        "registration centre, servers, users with smart cards; five phases; SHA-256 and XOR only"
    }

    fn names_itself(&self) -> bool {
        true
    }

    fn source(&self) -> &'static str {
        "Limbasiya, Sahay, Sridharan: Privacy-Preserving Mutual Authentication and Key Agreement \
         Scheme for Multi-Server Healthcare System, Information Systems Frontiers, 2021, \
         DOI 10.1007/s10796-021-10115-x"
    }

    fn roles(&self) -> &'static [RoleSpec] {
        ROLES
    }

    fn commands(&self) -> &'static [CommandSpec] {
        COMMANDS
    }

    fn phases(&self) -> &'static [&'static str] {
        &[
            "register",
            "authenticate",
            "update-list",
            "change-password",
            "db-update",
        ]
    }

    fn timers(&self) -> &'static [TimerSpec] {
        TIMERS
    }

    fn params(&self) -> &'static [ParameterSpec] {
        PARAMS
    }

    fn variants(&self) -> &'static [VariantSpec] {
        VARIANTS
    }

    fn claims(&self) -> &'static [ClaimSpec] {
        CLAIMS
    }

    fn relations(&self) -> &'static [RelationSpec] {
        RELATIONS
    }

    fn attacks(&self) -> &'static [AttackSpec] {
        attacks::SPECS
    }

    fn secrets(&self) -> &'static [SecretSpec] {
        secrets::SPECS
    }

    fn rehearsal(&self) -> Rehearsal {
        Rehearsal {
            params: vec![("registration", Value::Text("in-band".to_owned()))],
            // A server that has been registered runs phase 5 by itself.
            commands: vec![
                command::REGISTER,
                command::AUTHENTICATE,
                command::UPDATE_LIST,
                command::CHANGE_PASSWORD,
            ],
        }
    }

    fn configure(
        &self,
        variant: &str,
        params: &Values,
    ) -> Result<Arc<dyn Instance>, ParameterError> {
        let params = Arc::new(Params::new(variant, params)?);
        if params.literal() {
            return Ok(Arc::new(LiteralInstance { params }));
        }
        Ok(Arc::new(Configured { params }))
    }
}

/// The protocol with its parameters fixed.
#[derive(Debug)]
struct Configured {
    params: Arc<Params>,
}

impl Instance for Configured {
    fn layouts(&self) -> &[Layout] {
        &self.params.layouts
    }

    fn port(&self, _role: u8) -> u16 {
        PORT
    }

    fn deadline(&self, command: u8) -> Span {
        match command {
            command::REGISTER | command::ABORT => Span::from_secs(30),
            _ if !self.params.resend => Span::from_secs(30),
            command::CHANGE_PASSWORD => Span(
                self.params
                    .pwd_give_up
                    .0
                    .saturating_add(Span::from_secs(30).0),
            ),
            _ => Span::from_secs(90),
        }
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
            role::RC => Column::MultiServerCentre(
                parties.map(|_| RegistrationCentre::new(params())).collect(),
            ),
            role::SERVER => Column::MultiServerServer(
                parties
                    .map(|_| Server::new(params(), Arc::clone(&directory)))
                    .collect(),
            ),
            _ => Column::MultiServerUser(
                parties
                    .map(|_| User::new(params(), Arc::clone(&directory)))
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

/// The principal of a party as far as the roster tells.
///
/// A user is known by its UID, which holds random values: it says so itself by `Output::Named`.
fn principal(roster: &Roster, party: &Party) -> Principal {
    match party.role {
        role::SERVER => rc::server_principal(&padded(server_id(roster, party).as_bytes())),
        role => Principal::id(role, party.host.into()),
    }
}

/// Most bytes of ID_j, Loc_j, ID_i and any password.
const LONGEST: [(&str, usize); 3] = [("id", 16), ("location", 24), ("password", 64)];

fn check_roster(params: &Params, roster: &Roster) -> Result<(), ParameterError> {
    let count = |role| provision::of_role(roster, role).count();
    let refuse = |name: String, reason: String, hint: &str| {
        Err(ParameterError {
            name,
            reason,
            hint: hint.to_owned(),
        })
    };
    if count(role::RC) != 1 {
        let reason = format!(
            "there must be one registration centre, not {}",
            count(role::RC)
        );
        return refuse("rc".to_owned(), reason, "one group of role rc with count 1");
    }
    let tables = [
        (role::SERVER, "servers_max", params.servers_max),
        (role::USER, "users_max", params.users_max),
    ];
    for (role, name, most) in tables {
        if count(role) > usize::from(most) {
            let reason = format!(
                "{} parties of role {} are more than {name} = {most}",
                count(role),
                ROLES[usize::from(role)].name
            );
            return refuse(name.to_owned(), reason, "fewer parties, or a larger table");
        }
    }
    let mut ids = BTreeSet::new();
    for party in &roster.parties {
        let group = &roster.groups[party.group as usize];
        let at = |name: &str| format!("{}.{name}", group.name);
        let texts = match party.role {
            role::SERVER => vec![
                ("id", server_id(roster, party)),
                ("location", server_location(roster, party)),
            ],
            role::USER => vec![("id", user_name(roster, party))],
            _ => Vec::new(),
        };
        for (name, value) in &texts {
            let longest = LONGEST.iter().find(|(known, _)| known == name);
            let most = if party.role == role::USER {
                64
            } else {
                longest.map_or(64, |(_, most)| *most)
            };
            if value.len() > most || value.chars().any(char::is_control) {
                let reason =
                    format!("`{value}` must have 1 to {most} bytes and no control character");
                return refuse(at(name), reason, "a shorter text");
            }
        }
        let quoted = |(name, value): &(&str, String)| *name == "id" && value.contains(['"', '\\']);
        if params.literal() && party.role == role::SERVER && texts.iter().any(quoted) {
            let reason = "the prototype's JSON has no escapes for quotes".to_owned();
            return refuse(at("id"), reason, "an id without quotes and backslashes");
        }
        if party.role == role::SERVER && !ids.insert(server_id(roster, party)) {
            let reason = format!("two servers are called `{}`", server_id(roster, party));
            return refuse(
                at("id"),
                reason,
                "one group per server with an id of its own, or no id",
            );
        }
    }
    Ok(())
}
