//! `secure-vault`: mutual authentication of an IoT device and a server from a shared key vault.
//!
//! Both ends hold a vault of n keys. The server challenges with a set of key indices; the device
//! answers under the XOR of those keys and challenges back; each end contributes half of the
//! session key, and the vault is then updated by an HMAC over the data exchanged. Frames are
//! datagrams; the server finds the handshake of an M3 by the address it came from.
//!
//! Model: the variant `as-published` follows the paper with the reading that its text suggests
//! where it is silent; every such reading is a parameter. `literal` is the published prototype,
//! `hardened` the smallest fix, and `broken` leaves one defence out as a positive control for
//! attacks. Left out: AES-GCM, and any use of t in `literal`.
//!
//! Where it sits: [`Device`] and [`Server`] serve `as-published` and `broken`; the other variants
//! have machines of their own, since messages and storage differ. Layouts, challenges, the table
//! of handshakes and application frames are common.
//!
//! Determinism: random values are drawn in the order in which the text names them, the IV last,
//! each as one request of its exact length.
//!
//! Source: T. Shah, S. Venkatesan, "Authentication of IoT Device and IoT Server Using Secure
//! Vaults", TrustCom/BigDataSE 2018, pp. 819-824.
//!
//! | paper | here |
//! |---|---|
//! | n, m, p | `keys`, `key_bits` (`key_bytes` = m/8), `challenge` |
//! | K\[i\], C1, C2 | rows of the vault record, index lists in wire form |
//! | k1, k2 | `equations::combined_key` of C1 and C2 |
//! | r1, r2, t1, t2, t | nonces, key shares, session key t = t1 XOR t2 |
//! | h, P_i | HMAC of the update and partition i, in `equations::update_vault` |

mod attacks;
mod device;
mod equations;
mod hardened;
mod literal;
mod messages;
mod params;
mod provision;
mod sealing;
mod secrets;
mod server;
mod session;
mod table;
mod vault;
mod waiting;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::attack::{AttackSpec, Attacker, Holder, Property, Secret, SecretSpec, Setup};
use crate::meter::Primitive;
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

pub use device::Device;
pub use hardened::{HardenedDevice, HardenedServer};
pub use literal::{LiteralDevice, LiteralServer};
pub use server::Server;

use hardened::Hardened;
use literal::Literal;
use params::{Params, Variant};

/// Role: the constrained device.
pub const DEVICE: u8 = 0;
/// Role: the server with the vaults of all its devices.
pub const SERVER: u8 = 1;

/// Both roles listen here.
pub const PORT: u16 = 7701;

/// Command of the device: log in.
pub const AUTHENTICATE_COMMAND: u8 = 0;
/// Command of the device: send application data to the server.
pub const SEND_DATA_UP: u8 = 1;
/// Command of the server: send application data to the device named.
pub const SEND_DATA_DOWN: u8 = 2;
/// Command of the device: end the session.
pub const FINISH_COMMAND: u8 = 3;
/// Command of the device: drop handshake and session, send nothing.
pub const ABORT: u8 = 4;

/// Phase: M1 to M4 and the update of `commit = m4`.
const AUTHENTICATE: u8 = 0;
/// Phase: application data.
const SEND_DATA: u8 = 1;
/// Phase: END and the update of `commit = session-end`.
const FINISH: u8 = 2;

/// Timer of the device: no answer came.
const REPLY: u8 = 0;
/// Timer of both: the session has lasted long enough.
const SESSION: u8 = 1;
/// The same where the end of a session updates the vault.
const SESSION_COMMIT: u8 = 2;
/// Timer of the server: a handshake has been pending too long; the key is its slot.
const PENDING: u8 = 3;
/// Timer of the device: send the message in hand once more.
const RESEND: u8 = 4;

/// What the paper itself counts for one session of a device: one AES operation for each message
/// that is sealed and one HMAC, whatever their sizes. The meter counts what the code computes;
/// energy tables show this rule beside it, under its own name.
pub const PAPER_COUNT: &[(Primitive, u32)] = &[
    (Primitive::Aes128Encrypt, 1),
    (Primitive::Aes128Decrypt, 1),
    (Primitive::HmacSha512, 1),
];

/// Relation: the vault of one device.
const VAULT_RELATION: u8 = 0;

/// The protocol.
#[derive(Debug)]
pub struct SecureVault;

impl Protocol for SecureVault {
    fn name(&self) -> &'static str {
        "secure-vault"
    }

    fn summary(&self) -> &'static str {
        "mutual authentication from a shared vault of keys that changes with every session"
    }

    fn source(&self) -> &'static str {
        "T. Shah, S. Venkatesan, \"Authentication of IoT Device and IoT Server Using Secure \
         Vaults\", TrustCom/BigDataSE 2018, pp. 819-824"
    }

    fn roles(&self) -> &'static [RoleSpec] {
        &[
            RoleSpec {
                name: "device",
                params: &[],
                help: "constrained device with one vault",
            },
            RoleSpec {
                name: "server",
                params: &[],
                help: "server with one vault for each of its devices",
            },
        ]
    }

    fn commands(&self) -> &'static [CommandSpec] {
        COMMANDS
    }

    fn phases(&self) -> &'static [&'static str] {
        &["authenticate", "send-data", "finish"]
    }

    fn timers(&self) -> &'static [TimerSpec] {
        TIMERS
    }

    fn params(&self) -> &'static [ParameterSpec] {
        params::SPECS
    }

    fn variants(&self) -> &'static [VariantSpec] {
        VARIANTS
    }

    fn claims(&self) -> &'static [ClaimSpec] {
        CLAIMS
    }

    fn relations(&self) -> &'static [RelationSpec] {
        &[RelationSpec {
            name: "vault",
            device: DEVICE,
            server: SERVER,
        }]
    }

    fn attacks(&self) -> &'static [AttackSpec] {
        attacks::SPECS
    }

    fn secrets(&self) -> &'static [SecretSpec] {
        secrets::SPECS
    }

    fn configure(
        &self,
        variant: &str,
        values: &Values,
    ) -> Result<Arc<dyn Instance>, ParameterError> {
        let params = Params::new(variant, values)?;
        Ok(match params.variant {
            Variant::Hardened => Arc::new(Hardened::new(params)),
            Variant::Literal => Arc::new(Literal::new(params)),
            Variant::AsPublished | Variant::Broken => Arc::new(Configured {
                params: Arc::new(params),
            }),
        })
    }
}

const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "authenticate",
        role: DEVICE,
        peer: Some(SERVER),
        args: &[],
        phase: AUTHENTICATE,
        done: Completion::AcceptedBoth,
        concurrent: false,
        help: "log in; an open session is ended first",
    },
    CommandSpec {
        name: "send-data",
        role: DEVICE,
        peer: Some(SERVER),
        args: &[("bytes", "16 random bytes")],
        phase: SEND_DATA,
        done: Completion::DataAtResponder,
        concurrent: false,
        help: "send 0 to 1024 bytes to the server",
    },
    CommandSpec {
        name: "send-data",
        role: SERVER,
        peer: Some(DEVICE),
        args: &[("bytes", "16 random bytes")],
        phase: SEND_DATA,
        done: Completion::DataAtResponder,
        concurrent: true,
        help: "send 0 to 1024 bytes to a device",
    },
    CommandSpec {
        name: "finish",
        role: DEVICE,
        peer: Some(SERVER),
        args: &[],
        phase: FINISH,
        done: Completion::EndedBoth,
        concurrent: false,
        help: "end the session",
    },
    CommandSpec {
        name: "abort",
        role: DEVICE,
        peer: None,
        args: &[],
        phase: AUTHENTICATE,
        done: Completion::Handled,
        concurrent: false,
        help: "drop handshake and session and send nothing",
    },
];

const TIMERS: &[TimerSpec] = &[
    TimerSpec {
        name: "reply",
        changes_shared_state: false,
    },
    TimerSpec {
        name: "session",
        changes_shared_state: false,
    },
    TimerSpec {
        name: "session-end",
        changes_shared_state: true,
    },
    TimerSpec {
        name: "pending",
        changes_shared_state: false,
    },
    TimerSpec {
        name: "resend",
        changes_shared_state: false,
    },
];

const VARIANTS: &[VariantSpec] = &[
    VariantSpec {
        name: "as-published",
        help: "the paper, with the reading that its text suggests where it is silent",
    },
    VariantSpec {
        name: "literal",
        help: "the published prototype: text messages, one loop, a shared first vault",
    },
    VariantSpec {
        name: "hardened",
        help: "the smallest changes after which the known attacks find nothing",
    },
    VariantSpec {
        name: "broken",
        help: "as-published without the defence that `without` names: a control for attacks",
    },
];

const PAPER: &str = "Shah & Venkatesan 2018";

const CLAIMS: &[ClaimSpec] = &[
    ClaimSpec {
        id: "SV-C1",
        text: "mutual authentication; a man in the middle is impossible",
        stance: "resists",
        source: PAPER,
        properties: &[Property::Agreement],
    },
    ClaimSpec {
        id: "SV-C2",
        text: "the next password cannot be predicted from earlier ones",
        stance: "resists",
        source: PAPER,
        properties: &[Property::Secrecy],
    },
    ClaimSpec {
        id: "SV-C3",
        text: "side channels are harmless: only an XOR of keys is exposed, the vault as a whole \
               cannot be recovered",
        stance: "resists",
        source: PAPER,
        properties: &[Property::Secrecy],
    },
    ClaimSpec {
        id: "SV-C4",
        text: "denial of service is impossible: nothing is allocated before authentication",
        stance: "resists",
        source: PAPER,
        properties: &[],
    },
    ClaimSpec {
        id: "SV-C5",
        text: "predicting a password costs (keys - 1)*2^bits operations",
        stance: "resists",
        source: PAPER,
        properties: &[Property::Secrecy],
    },
    ClaimSpec {
        id: "SV-C6",
        text: "rotation needs no extra message; the vault changes after every session",
        stance: "resists",
        source: PAPER,
        properties: &[],
    },
    ClaimSpec {
        id: "SV-C7",
        text: "every message arrives exactly once (assumption)",
        stance: "admits",
        source: PAPER,
        properties: &[],
    },
    ClaimSpec {
        id: "SV-C8",
        text: "the session key protects confidentiality and integrity of the session's data",
        stance: "resists",
        source: PAPER,
        properties: &[Property::Secrecy, Property::Integrity],
    },
    ClaimSpec {
        id: "SV-C9",
        text: "invalid device ids are stopped; out of sync, the stores must be reset by hand",
        stance: "admits",
        source: "README of the published prototype (Jharghaul/iot_security_uni_padua)",
        properties: &[],
    },
];

/// `as-published` or `broken` with its parameters.
#[derive(Debug)]
struct Configured {
    params: Arc<Params>,
}

impl Instance for Configured {
    fn layouts(&self) -> &[Layout] {
        &self.params.wire.layouts
    }

    fn port(&self, _role: u8) -> u16 {
        PORT
    }

    fn deadline(&self, command: u8) -> Span {
        deadline(&self.params, command)
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

    fn principal(&self, _roster: &Roster, party: &Party) -> Principal {
        provision::principal(party)
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
        (key.len() == self.params.key_bytes).then(|| equations::key_tag(key))
    }
}

/// Default deadline of a command: copies of M1 and M3 need longer than one exchange.
fn deadline(params: &Params, command: u8) -> Span {
    match (command, params.resend) {
        (AUTHENTICATE_COMMAND, Some(_)) => Span::from_secs(90),
        (ABORT, _) => Span::ZERO,
        _ => Span::from_secs(30),
    }
}
