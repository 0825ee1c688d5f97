//! `vault-exchange`: challenge indices out, combined key back, both vaults XORed with it.
//!
//! The first published prototype of a vault scheme: a device names some rows of the vault it
//! shares with the server, the server answers with their XOR, and after a while both XOR that value
//! into every row. Nothing on the wire names a device, nothing is authenticated, nothing is
//! acknowledged.
//!
//! **Model.** One frame is one datagram. Each side has its own durable copy of the vault, equal at
//! the start; the server finds it by the device's address. One command runs several sessions.
//! `literal` follows the published program (serialised sizes, one connection, faults end it);
//! `hardened` replaces the reply by a proof of knowledge in both directions and is a pair of
//! machines of its own; `broken` leaves one rule of `as-published` out.
//!
//! | text | here |
//! |---|---|
//! | secure vault of n keys of m bits | record `epoch (4) \|\| K[0] \|\| .. \|\| K[n-1]`, `keys`, `key_bits` |
//! | challenge indices | field `indices` of `INDICES`, `challenge` many |
//! | combined key | field `key` of `KEY` |
//! | session, vault update | timer `session`, `session_length`, `device_update` |
//!
//! **Determinism.** A request draws p - 1 or p bounded integers and nothing else; `hardened` then
//! draws the session id and a nonce, its server a nonce per answer.
//!
//! **Source.** README "Authentication of IoT Device and IoT Server Using Secure Vaults" and program
//! of the public repository `MikeIsBack/CPS-Final-Project` as of 12 January 2025.

mod attacks;
mod device;
mod directory;
mod equations;
mod hardened;
mod messages;
mod params;
mod patience;
mod provision;
mod secrets;
mod server;
mod specs;
mod table;
mod vault;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::attack::{AttackSpec, Attacker, Holder, Property, Secret, SecretSpec, Setup};
use crate::drive::Rehearsal;
use crate::output::{Principal, Tag};
use crate::parameter::{ParameterError, ParameterSpec, Value, Values};
use crate::protocol::{
    ClaimSpec, CommandSpec, Completion, Instance, Protocol, RelationSpec, RoleSpec, TimerSpec,
    VariantSpec,
};
use crate::registry::Column;
use crate::roster::{Party, ProvisionSink, Roster, Streams};
use crate::storage::Record;
use crate::time::Span;
use crate::wire::Layout;

pub use device::Device;
pub use hardened::{HardenedDevice, HardenedServer};
pub use server::Server;

use params::Params;

/// The role with one vault.
pub const DEVICE: u8 = 0;
/// The role with a vault per device.
pub const SERVER: u8 = 1;

/// Command: run the sessions that the parameter `sessions` asks for.
pub const AUTHENTICATE: u8 = 0;
/// Command: give up.
pub const ABORT: u8 = 1;

/// The port of both roles.
const PORT: u16 = 7702;

/// The only phase.
const PHASE: u8 = 0;

/// Timer: the device has waited long enough.
const REPLY_TIMER: u8 = 0;
/// Timer: the session is over; at the server its key is the device's principal.
const SESSION_TIMER: u8 = 1;
/// Timer: the device repeats its request.
const RESEND_TIMER: u8 = 2;
/// Timer of `hardened`: the server has waited long enough for CONFIRM; key as `session`.
const CONFIRM_TIMER: u8 = 3;
/// Timer of `hardened`: time for the device's next session. Nothing shared depends on it.
const SPACING_TIMER: u8 = 4;

/// Why a session ends.
const SESSION_END: &str = "session-end";

/// The protocol.
#[derive(Debug)]
pub struct VaultExchange;

impl Protocol for VaultExchange {
    fn name(&self) -> &'static str {
        "vault-exchange"
    }

    fn summary(&self) -> &'static str {
        "challenge indices out, combined key back, both vaults XORed with it"
    }

    fn source(&self) -> &'static str {
        "MikeIsBack/CPS-Final-Project, README and program of 12 January 2025"
    }

    fn roles(&self) -> &'static [RoleSpec] {
        &[
            RoleSpec {
                name: "device",
                params: &[],
                help: "holds one vault and asks for combined keys",
            },
            RoleSpec {
                name: "server",
                params: &[],
                help: "holds a vault per device and answers",
            },
        ]
    }

    fn commands(&self) -> &'static [CommandSpec] {
        &[
            CommandSpec {
                name: "authenticate",
                role: DEVICE,
                peer: Some(SERVER),
                args: &[],
                phase: PHASE,
                done: Completion::SessionsBoth,
                concurrent: false,
                help: "run `sessions` sessions, each a step of its own",
            },
            CommandSpec {
                name: "abort",
                role: DEVICE,
                peer: None,
                args: &[],
                phase: PHASE,
                done: Completion::Handled,
                concurrent: false,
                help: "stop waiting; a session under way keeps its update",
            },
        ]
    }

    fn phases(&self) -> &'static [&'static str] {
        &["authenticate"]
    }

    fn timers(&self) -> &'static [TimerSpec] {
        &[
            TimerSpec {
                name: "reply",
                changes_shared_state: false,
            },
            TimerSpec {
                name: "session",
                changes_shared_state: true,
            },
            TimerSpec {
                name: "resend",
                changes_shared_state: false,
            },
            TimerSpec {
                name: "confirm",
                changes_shared_state: false,
            },
            TimerSpec {
                name: "spacing",
                changes_shared_state: false,
            },
        ]
    }

    fn params(&self) -> &'static [ParameterSpec] {
        specs::SPECS
    }

    fn variants(&self) -> &'static [VariantSpec] {
        &[
            VariantSpec {
                name: "as-published",
                help: "the README: both sides update after the session",
            },
            VariantSpec {
                name: "literal",
                help: "the published program: its sizes, its one connection, its ends",
            },
            VariantSpec {
                name: "hardened",
                help: "proofs in both directions; the combined key is never sent",
            },
            VariantSpec {
                name: "broken",
                help: "`as-published` without the rule that `without` names: a positive control",
            },
        ]
    }

    fn claims(&self) -> &'static [ClaimSpec] {
        CLAIMS
    }

    fn attacks(&self) -> &'static [AttackSpec] {
        attacks::SPECS
    }

    fn secrets(&self) -> &'static [SecretSpec] {
        secrets::SPECS
    }

    fn relations(&self) -> &'static [RelationSpec] {
        &[RelationSpec {
            name: "vault",
            device: DEVICE,
            server: SERVER,
        }]
    }

    fn rehearsal(&self) -> Rehearsal {
        Rehearsal {
            params: vec![("sessions", Value::Integer(1))],
            commands: vec![AUTHENTICATE],
        }
    }

    fn configure(
        &self,
        variant: &str,
        params: &Values,
    ) -> Result<Arc<dyn Instance>, ParameterError> {
        let params = Params::new(variant, params)?;
        Ok(Arc::new(Configured {
            params: Arc::new(params),
        }))
    }
}

const fn claim(id: &'static str, text: &'static str) -> ClaimSpec {
    ClaimSpec {
        id,
        text,
        stance: "resists",
        source: "README",
        properties: &[],
    }
}

const CLAIMS: &[ClaimSpec] = &[
    claim(
        "VX-C1",
        "device and server authenticate each other, session by session",
    )
    .about(&[Property::Agreement]),
    claim("VX-C2", "secure: keys are managed with AES-128").about(&[Property::Secrecy]),
    claim(
        "VX-C3",
        "the vault changes after each session, which raises security",
    ),
    claim(
        "VX-C4",
        "the saved update keeps device and server synchronised",
    )
    .about(&[Property::Desync, Property::LockOut]),
    claim(
        "VX-C5",
        "the combined key serves for authentication and for the update",
    ),
];

/// The protocol with its parameters fixed.
#[derive(Debug)]
struct Configured {
    params: Arc<Params>,
}

impl Instance for Configured {
    fn layouts(&self) -> &[Layout] {
        self.params.wire.layouts()
    }

    fn port(&self, _role: u8) -> u16 {
        PORT
    }

    fn deadline(&self, command: u8) -> Span {
        if command == AUTHENTICATE {
            self.params.deadline()
        } else {
            Span::ZERO
        }
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        self.params.settings()
    }

    fn provision(&self, roster: &Roster, streams: &mut dyn Streams, sink: &mut dyn ProvisionSink) {
        provision::provision(&self.params, roster, streams, sink);
    }

    fn record_about(&self, _roster: &Roster, party: &Party) -> Option<Record> {
        (party.role == DEVICE).then_some(Record::new(vault::VAULTS, party.ordinal))
    }

    fn machines(&self, roster: &Roster, group: usize) -> Column {
        provision::machines(&self.params, roster, group)
    }

    fn attacker(&self, id: &str, setup: &Setup<'_>) -> Result<Box<dyn Attacker>, ParameterError> {
        attacks::build(&self.params, id, setup)
    }

    fn secrets(&self, holder: &Holder<'_>, out: &mut dyn FnMut(Secret<'_>)) {
        secrets::list(&self.params, holder, out);
    }

    fn confirms(&self, holder: &Holder<'_>, kind: &str, bytes: &[u8]) -> bool {
        secrets::confirms(&self.params, holder, kind, bytes)
    }

    fn key_id(&self, key: &[u8]) -> Option<Tag> {
        Some(crate::crypto::tag("key-id", &[key]))
    }

    fn principal(&self, _roster: &Roster, party: &Party) -> Principal {
        let by_id = self.params.hardened() && party.role == DEVICE;
        let value = if by_id { party.ordinal } else { party.host };
        Principal::id(party.role, u64::from(value))
    }
}
