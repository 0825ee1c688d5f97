//! `ratchet`: a symmetric key ratchet between one server and several clients.
//!
//! Every message is encrypted (AES-128-CBC) and then authenticated (HMAC-SHA-256) under keys of its
//! direction, and every message moves those keys on. The server aggregates the numbers that its
//! clients send, round by round, and answers each with the average. A session starts with HELLO and
//! CHALLENGE under keys derived from the client's master key, and any fault ends it.
//!
//! | symbol of the text | here |
//! |---|---|
//! | K, master key of a client | record `client::IDENTITY`, table `server::KEYS` |
//! | C2S_Enc, C2S_Mac, S2C_Enc, S2C_Mac | `equations::Keys { c2s, s2c }`, each an `equations::Pair` |
//! | H, the key derivation | `equations::derive`, read as the parameter `kdf` says |
//! | opcode, client id, round, direction, IV | `messages::Header`, `messages::Frame` |
//! | phase machine of the server, of the client | `server`, `client` |
//!
//! A frame travels as a record of a stream (a 4-byte length before it), or as a datagram. The
//! machines draw only from their own entropy, in the order in which a message names its random
//! parts, the IV last.
//!
//! Source: README and SECURITY.md of the lab assignment "Secure Multi-Client Communication with
//! Symmetric Keys" (course CS5.470, January 2026), and the published solution
//! `Ayushsheta2005/SNSLAB1`, whose own behaviour is the variant `literal`.

mod attacks;
mod choice;
mod client;
mod equations;
mod fault;
mod messages;
mod numbers;
mod params;
mod provision;
mod records;
mod secrets;
mod server;
mod verification;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use self::client::Client;
use self::params::Params;
pub use self::server::Server;
use crate::attack::{AttackSpec, Attacker, Holder, Property, Secret, SecretSpec, Setup};
use crate::output::{Principal, Tag};
use crate::parameter::{ParameterError, ParameterSpec, Values};
use crate::protocol::{
    ClaimSpec, CommandSpec, Completion, Instance, Protocol, RelationSpec, RoleSpec, TimerSpec,
    VariantSpec,
};
use crate::registry::Column;
use crate::roster::{Party, ProvisionSink, Roster, Streams};
use crate::storage::Record;
use crate::time::Span;
use crate::wire::Layout;

/// Role of the aggregation server.
const SERVER: u8 = 0;
/// Role of a client.
const CLIENT: u8 = 1;

/// Phase of HELLO and CHALLENGE.
const AUTHENTICATE: u8 = 0;
/// Phase of DATA and RESPONSE.
const SEND_DATA: u8 = 1;
/// Phase of an orderly end.
const FINISH: u8 = 2;

/// Numbers of the commands.
mod command {
    pub(super) const AUTHENTICATE: u8 = 0;
    pub(super) const SEND_DATA: u8 = 1;
    pub(super) const FINISH: u8 = 2;
    pub(super) const ABORT: u8 = 3;
}

/// Numbers of the timers.
mod timer {
    pub(super) const RESPONSE: u8 = 0;
    pub(super) const STALL: u8 = 1;
    pub(super) const RESEND: u8 = 2;
    pub(super) const PENDING: u8 = 3;
}

/// The protocol.
#[derive(Clone, Copy, Debug)]
pub struct Ratchet;

impl Protocol for Ratchet {
    fn name(&self) -> &'static str {
        "ratchet"
    }

    fn summary(&self) -> &'static str {
        "symmetric key ratchet: AES-128-CBC and HMAC-SHA-256, keys that move with every message, aggregation over clients"
    }

    fn source(&self) -> &'static str {
        "README and SECURITY.md, lab assignment 1 of course CS5.470, January 2026; prototype Ayushsheta2005/SNSLAB1"
    }

    fn roles(&self) -> &'static [RoleSpec] {
        &[
            RoleSpec {
                name: "server",
                params: &[],
                help: "aggregation server; holds the master keys of all authorised ids",
            },
            RoleSpec {
                name: "client",
                params: params::CLIENT_PARAMS,
                help: "sends lists of numbers; holds its id and its master key",
            },
        ]
    }

    fn commands(&self) -> &'static [CommandSpec] {
        const COMMANDS: &[CommandSpec] = &[
            CommandSpec {
                name: "authenticate",
                role: CLIENT,
                peer: Some(SERVER),
                args: &[],
                phase: AUTHENTICATE,
                done: Completion::AcceptedBoth,
                concurrent: false,
                help: "start a session",
            },
            CommandSpec {
                name: "send-data",
                role: CLIENT,
                peer: Some(SERVER),
                args: &[("list", "two values of 10.0 to 40.0 with one decimal")],
                phase: SEND_DATA,
                done: Completion::DataAtInitiator,
                concurrent: true,
                help: "send a list of numbers and wait for the aggregate of the round",
            },
            CommandSpec {
                name: "finish",
                role: CLIENT,
                peer: Some(SERVER),
                args: &[],
                phase: FINISH,
                done: Completion::EndedBoth,
                concurrent: false,
                help: "end the session",
            },
            CommandSpec {
                name: "abort",
                role: CLIENT,
                peer: Some(SERVER),
                args: &[],
                phase: FINISH,
                done: Completion::Handled,
                concurrent: false,
                help: "drop the session without a word",
            },
        ];
        COMMANDS
    }

    fn phases(&self) -> &'static [&'static str] {
        &["authenticate", "send-data", "finish"]
    }

    fn timers(&self) -> &'static [TimerSpec] {
        const fn timer(name: &'static str) -> TimerSpec {
            TimerSpec {
                name,
                changes_shared_state: true,
            }
        }
        const TIMERS: &[TimerSpec] = &[
            timer("response"),
            timer("stall"),
            timer("resend"),
            timer("pending"),
        ];
        TIMERS
    }

    fn params(&self) -> &'static [ParameterSpec] {
        params::PARAMS
    }

    fn variants(&self) -> &'static [VariantSpec] {
        &[
            VariantSpec {
                name: "as-published",
                help: "what README and SECURITY.md say, with the recommended readings",
            },
            VariantSpec {
                name: "literal",
                help: "what the published prototype does",
            },
            VariantSpec {
                name: "hardened",
                help: "nonces of both ends in the keys, answers bound to questions, faults dropped",
            },
            VariantSpec {
                name: "broken",
                help: "as-published without the defence that `without` names",
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
            name: "keys",
            device: CLIENT,
            server: SERVER,
        }]
    }

    fn streams(&self) -> bool {
        true
    }

    fn configure(
        &self,
        variant: &str,
        params: &Values,
    ) -> Result<Arc<dyn Instance>, ParameterError> {
        let params = Arc::new(Params::new(variant, params)?);
        Ok(Arc::new(Configured { params }))
    }
}

const fn claim(id: &'static str, text: &'static str, stance: &'static str) -> ClaimSpec {
    ClaimSpec {
        id,
        text,
        stance,
        source: "README and SECURITY.md",
        properties: &[],
    }
}

const CLAIMS: &[ClaimSpec] = &[
    claim(
        "RT-C1",
        "payloads stay confidential towards anyone without the keys (passive man in the middle)",
        "resists",
    )
    .about(&[Property::Secrecy]),
    claim(
        "RT-C2",
        "any change of a message is detected before decryption",
        "resists",
    )
    .about(&[Property::Agreement, Property::Integrity]),
    claim(
        "RT-C3",
        "replayed messages are rejected, answered with KEY_DESYNC_ERROR",
        "resists",
    )
    .about(&[Property::Agreement, Property::Integrity]),
    claim("RT-C4", "messages out of order are rejected", "resists")
        .about(&[Property::Agreement, Property::Integrity]),
    claim(
        "RT-C5",
        "reflected messages are rejected by direction byte and directional keys",
        "resists",
    )
    .about(&[Property::Agreement, Property::Integrity]),
    claim(
        "RT-C6",
        "dropped packets do not desynchronise the keys; the client can retry",
        "resists",
    )
    .about(&[Property::Desync, Property::LockOut]),
    claim(
        "RT-C7",
        "key desynchronisation is detected at once",
        "resists",
    )
    .about(&[Property::Agreement, Property::Desync]),
    claim(
        "RT-C8",
        "only holders of a master key can take part; nobody can pose as server or client; nothing leaks to unauthorised parties",
        "resists",
    ),
    claim(
        "RT-C9",
        "wrong opcodes for the phase terminate the session",
        "resists",
    )
    .about(&[Property::Agreement, Property::Integrity]),
    claim(
        "RT-C10",
        "padding manipulation is detected, no padding oracle",
        "resists",
    ),
    claim("RT-C11", "forward secrecy within a session", "resists").about(&[Property::Secrecy]),
    claim(
        "RT-C12",
        "no secrecy across sessions once K is known",
        "admits",
    )
    .about(&[Property::Secrecy]),
    claim(
        "RT-C13",
        "no defence against flooding and network-level dropping",
        "admits",
    ),
    claim(
        "RT-C14",
        "metadata (sizes, timing, ids) is visible",
        "admits",
    )
    .about(&[Property::Anonymity]),
];

/// The protocol with variant and parameters fixed.
#[derive(Debug)]
struct Configured {
    params: Arc<Params>,
}

impl Instance for Configured {
    fn layouts(&self) -> &[Layout] {
        &self.params.wire.layouts
    }

    fn classify(&self, bytes: &[u8]) -> Option<usize> {
        self.params.wire.classify(&self.params, bytes)
    }

    fn streams(&self) -> bool {
        self.params.streams()
    }

    fn port(&self, role: u8) -> u16 {
        if role == SERVER {
            server::PORT
        } else {
            client::PORT
        }
    }

    fn deadline(&self, command: u8) -> Span {
        let repeated = matches!(command, command::AUTHENTICATE | command::SEND_DATA);
        Span::from_secs(if repeated && self.params.resends() {
            45
        } else {
            30
        })
    }

    fn completion(&self, _roster: &Roster, _group: usize, command: &CommandSpec) -> Completion {
        // The hardened server accepts with the first DATA, which belongs to a later command.
        if command.done == Completion::AcceptedBoth && self.params.is(choice::Variant::Hardened) {
            return Completion::AcceptedInitiator;
        }
        command.done
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        self.params.settings()
    }

    fn check(&self, roster: &Roster) -> Result<(), ParameterError> {
        provision::check(&self.params, roster)
    }

    fn provision(&self, roster: &Roster, streams: &mut dyn Streams, sink: &mut dyn ProvisionSink) {
        provision::provision(&self.params, roster, streams, sink);
    }

    fn record_about(&self, roster: &Roster, party: &Party) -> Option<Record> {
        provision::record_about(roster, party)
    }

    fn machines(&self, roster: &Roster, group: usize) -> Column {
        provision::machines(&self.params, roster, group)
    }

    fn principal(&self, roster: &Roster, party: &Party) -> Principal {
        provision::principal(roster, party)
    }

    fn attacker(&self, id: &str, setup: &Setup<'_>) -> Result<Box<dyn Attacker>, ParameterError> {
        attacks::build(&self.params, id, setup)
    }

    fn secrets(&self, holder: &Holder<'_>, out: &mut dyn FnMut(Secret<'_>)) {
        secrets::list(&self.params, holder, out);
    }

    fn key_id(&self, key: &[u8]) -> Option<Tag> {
        let keys = equations::Keys::split(&self.params, key)?;
        Some(equations::key_id(&self.params, &keys))
    }
}
