//! `rsa-udp`: RSA-OAEP messages over UDP, with broadcast discovery and salted login.
//!
//! A device broadcasts CONNECT with a salt; a client answers with PASS, which proves its user's
//! password by a salted hash and carries its RSA key and a Diffie-Hellman value; the device answers
//! with ENCRYPT, which proves the same of itself. From then on every message is sealed to the
//! receiver's RSA key and carries a sequence number that starts at the Diffie-Hellman secret. No
//! signature and no MAC binds a message to its sender.
//!
//! Source: the project report "Secure Communication for Smart IoT Objects" (course CSE3009, VIT,
//! 2019 and 2021), which prints its whole program, and the published prototype
//! `abapat/Security-of-Things` (2016).
//!
//! | text | here |
//! |---|---|
//! | password hash of the user table | [`equations::Stored`] |
//! | salt of the broadcast, message number | `salt`, `number` of CONNECT |
//! | hash of password hash and salt | `login_hash`, `server_hash` ([`equations::salted_hash`]) |
//! | g, p, a, g^a mod p | [`params::Group`], [`equations::draw_exponent`] |
//! | shared secret, sequence number | `first` (S), `n` |
//! | connection table, block list | `connection`, [`block_list`] |
//!
//! Two machines: [`Device`] and [`Client`]. The device holds one client and a user table; a client
//! may be logged in to several devices. All secrets are provisioned; nothing but `add-user` writes
//! durable storage. Draws come from the party's own entropy in the order in which the frames name
//! them, the OAEP octets last.

mod attacks;
pub mod block_list;
mod client;
mod connection;
mod device;
pub mod equations;
mod inner;
pub mod literal;
pub mod messages;
pub mod params;
mod provision;
pub mod records;
pub mod sealing;
mod secrets;

#[cfg(test)]
mod tests;

pub use client::Client;
pub use device::Device;

use std::sync::Arc;

use crate::attack::{AttackSpec, Attacker, Holder, Property, Secret, SecretSpec, Setup};
use crate::crypto::rsa::Arithmetic;
use crate::drive::Rehearsal;
use crate::output::Principal;
use crate::parameter::{ParameterError, ParameterKind, ParameterSpec, Value, Values};
use crate::protocol::{
    ClaimSpec, CommandSpec, Completion, Instance, Protocol, RelationSpec, RoleSpec, TimerSpec,
    VariantSpec,
};
use crate::registry::Column;
use crate::roster::{Party, ProvisionSink, Roster, Streams};
use crate::time::Span;
use crate::wire::Layout;

use literal::{LiteralClient, LiteralDevice};
use params::{Params, Variant};

/// Role of the device.
pub const DEVICE: u8 = 0;
/// Role of the client.
pub const CLIENT: u8 = 1;

/// Port at which a device listens and from which it answers.
pub const DEVICE_PORT: u16 = 50_001;
/// Port of everything a client does.
pub const CLIENT_PORT: u16 = 50_000;
/// Port from which a device sends CONNECT; nobody listens there.
pub const BROADCAST_PORT: u16 = 49_152;

const AUTHENTICATE: u8 = 0;
const SEND_DATA: u8 = 1;
const FINISH: u8 = 2;
const ADD_USER: u8 = 3;

/// Log in; argument: password.
pub const COMMAND_AUTHENTICATE: u8 = 0;
/// Send a line; argument: text.
pub const COMMAND_SEND_DATA: u8 = 1;
/// Log out.
pub const COMMAND_FINISH: u8 = 2;
/// Add a user to the table; arguments: name, password.
pub const COMMAND_ADD_USER: u8 = 3;
/// Drop the session state of a device.
pub const COMMAND_ABORT: u8 = 4;

/// The device's turn is over without a datagram.
pub const TIMER_TURN: u8 = 0;
/// The device's peer has been silent for too long.
pub const TIMER_IDLE: u8 = 1;
/// The user has thought.
pub const TIMER_THINK: u8 = 2;
/// No answer to PASS.
pub const TIMER_LOGIN: u8 = 3;
/// No echo; the key is the device's host.
pub const TIMER_RESEND: u8 = 4;

/// Sequence numbers stay below this.
const SEQ_MAX: u64 = 1 << 63;
/// Lines that a client keeps waiting for an echo.
const QUEUE_MAX: usize = 16;

const DEVICE_PARAMS: &[ParameterSpec] = &[
    ParameterSpec {
        name: "device_name",
        kind: ParameterKind::Text { min: 1, max: 64 },
        default: "",
        help: "UTF-8 without comma and control characters; a group of several appends the member's \
               number; default: dev and the number among all devices",
    },
    ParameterSpec {
        name: "users",
        kind: ParameterKind::Text {
            min: 0,
            max: 65_536,
        },
        default: "",
        help: "user names in the device's table, separated by commas; default: every user",
    },
];

const CLIENT_PARAMS: &[ParameterSpec] = &[
    ParameterSpec {
        name: "user_name",
        kind: ParameterKind::Text { min: 1, max: 64 },
        default: "",
        help: "UTF-8 without comma, colon and control characters; a group of several appends the \
               member's number; default: user and the number among all clients",
    },
    ParameterSpec {
        name: "password",
        kind: ParameterKind::Text { min: 1, max: 256 },
        default: "",
        help: "shared by the whole group; default: 12 random letters for each client",
    },
];

/// The protocol.
#[derive(Clone, Copy, Debug)]
pub struct RsaUdp;

impl Protocol for RsaUdp {
    fn name(&self) -> &'static str {
        "rsa-udp"
    }

    fn broadcasts(&self) -> bool {
        true
    }

    fn summary(&self) -> &'static str {
        "RSA-OAEP messages over UDP with broadcast discovery, salted login, toy Diffie-Hellman \
         sequence numbers and block lists"
    }

    fn source(&self) -> &'static str {
        "Secure Communication for Smart IoT Objects, project report CSE3009, VIT, 2019/2021; \
         prototype abapat/Security-of-Things, 2016"
    }

    fn roles(&self) -> &'static [RoleSpec] {
        &[
            RoleSpec {
                name: "device",
                params: DEVICE_PARAMS,
                help: "offers itself by broadcast, serves one client at a time, echoes its lines",
            },
            RoleSpec {
                name: "client",
                params: CLIENT_PARAMS,
                help: "logs one user in to devices and sends lines",
            },
        ]
    }

    fn commands(&self) -> &'static [CommandSpec] {
        &[
            CommandSpec {
                name: "authenticate",
                role: CLIENT,
                peer: Some(DEVICE),
                args: &[("password", "the client's own")],
                phase: AUTHENTICATE,
                done: Completion::AcceptedBoth,
                concurrent: false,
                help: "wait for the next CONNECT of the device and log in",
            },
            CommandSpec {
                name: "send-data",
                role: CLIENT,
                peer: Some(DEVICE),
                args: &[("text", "16 printable bytes")],
                phase: SEND_DATA,
                done: Completion::DataAtInitiator,
                concurrent: true,
                help: "send a line and wait for its echo",
            },
            CommandSpec {
                name: "finish",
                role: CLIENT,
                peer: Some(DEVICE),
                args: &[],
                phase: FINISH,
                done: Completion::EndedBoth,
                concurrent: true,
                help: "log out",
            },
            CommandSpec {
                name: "add-user",
                role: DEVICE,
                peer: None,
                args: &[("name", "none"), ("password", "none")],
                phase: ADD_USER,
                done: Completion::Handled,
                concurrent: true,
                help: "add a user to the device's table",
            },
            CommandSpec {
                name: "abort",
                role: CLIENT,
                peer: Some(DEVICE),
                args: &[],
                phase: AUTHENTICATE,
                done: Completion::Handled,
                concurrent: true,
                help: "drop waiting command, pending login and connection; the device is not told",
            },
        ]
    }

    fn phases(&self) -> &'static [&'static str] {
        &["authenticate", "send-data", "finish", "add-user"]
    }

    fn timers(&self) -> &'static [TimerSpec] {
        const fn timer(name: &'static str, changes_shared_state: bool) -> TimerSpec {
            TimerSpec {
                name,
                changes_shared_state,
            }
        }
        &const {
            [
                timer("turn", false),
                timer("idle", true),
                timer("think", false),
                timer("login", false),
                timer("resend", true),
            ]
        }
    }

    fn params(&self) -> &'static [ParameterSpec] {
        params::SPECS
    }

    fn variants(&self) -> &'static [VariantSpec] {
        &[
            VariantSpec {
                name: "as-published",
                help: "the logic of the printed program, bad input dropped where that would end it",
            },
            VariantSpec {
                name: "literal",
                help: "the printed program: text on the wire, parties halt where it would end",
            },
            VariantSpec {
                name: "hardened",
                help: "MACs over the transcript and every inner frame, consumed salts, time limits",
            },
            VariantSpec {
                name: "broken",
                help: "as-published without the defence that `without` names; for controls only",
            },
        ]
    }

    fn claims(&self) -> &'static [ClaimSpec] {
        const REPORT: &str = "report \"Secure Communication for Smart IoT Objects\" (CSE3009, VIT, 2019 and 2021), discussion of security";
        const fn resists(id: &'static str, text: &'static str, source: &'static str) -> ClaimSpec {
            ClaimSpec {
                id,
                text,
                stance: "resists",
                source,
                properties: &[],
            }
        }
        &const {
            [
                resists(
                    "RU-C1",
                    "resistant to eavesdropping; the messages are confidential",
                    REPORT,
                )
                .about(&[Property::Secrecy]),
                resists("RU-C2", "resistant to man in the middle", REPORT),
                resists(
                    "RU-C3",
                    "resistant to ARP spoofing and every attack that intercepts traffic",
                    REPORT,
                ),
                resists("RU-C4", "integrity of what is transmitted", REPORT)
                    .about(&[Property::Agreement, Property::Integrity]),
                resists("RU-C5", "authentication of user and device", REPORT)
                    .about(&[Property::Agreement]),
                resists("RU-C6", "non-repudiation", REPORT),
                resists("RU-C7", "anonymity", REPORT).about(&[Property::Anonymity]),
                resists("RU-C8", "the database staff cannot see passwords", REPORT),
                resists(
                    "RU-C9",
                    "RSA (and SHA-256) cannot be broken in practice",
                    REPORT,
                ),
                resists(
                    "RU-C10",
                    "the three-message handshake excludes replay",
                    "commit history of the published prototype, abapat/Security-of-Things (2016)",
                ),
                resists(
                    "RU-C11",
                    "while connected, other parties are ignored",
                    REPORT,
                ),
            ]
        }
    }

    fn attacks(&self) -> &'static [AttackSpec] {
        attacks::SPECS
    }

    fn secrets(&self) -> &'static [SecretSpec] {
        secrets::SPECS
    }

    fn relations(&self) -> &'static [RelationSpec] {
        &[RelationSpec {
            name: "connection",
            device: CLIENT,
            server: DEVICE,
        }]
    }

    fn rehearsal(&self) -> Rehearsal {
        Rehearsal {
            // Sizes and operations are those of real keys, which take long to make.
            params: vec![("rsa_mode", Value::Text("modelled".to_owned()))],
            commands: vec![COMMAND_AUTHENTICATE, COMMAND_SEND_DATA, COMMAND_FINISH],
        }
    }

    fn configure(
        &self,
        variant: &str,
        params: &Values,
    ) -> Result<Arc<dyn Instance>, ParameterError> {
        Ok(Arc::new(Configured {
            params: Arc::new(Params::new(variant, params)?),
        }))
    }
}

/// `rsa-udp` with variant and parameters fixed.
#[derive(Debug)]
struct Configured {
    params: Arc<Params>,
}

impl Instance for Configured {
    fn layouts(&self) -> &[Layout] {
        &self.params.layouts
    }

    fn classify(&self, bytes: &[u8]) -> Option<usize> {
        if self.params.variant == Variant::Literal {
            return literal::text::classify(bytes);
        }
        let tag = usize::from(*bytes.first()?);
        (1..=self.params.layouts.len())
            .contains(&tag)
            .then(|| tag - 1)
    }

    fn port(&self, role: u8) -> u16 {
        if role == DEVICE {
            DEVICE_PORT
        } else {
            CLIENT_PORT
        }
    }

    fn inner_messages(&self) -> &'static [(&'static str, &'static str)] {
        inner::NAMES
    }

    fn inner(&self, receiver: &Holder<'_>, frame: &[u8]) -> Option<usize> {
        let sealed = self.classify(frame)?;
        let carries = self.layouts().get(sealed)?.name == "SEALED";
        carries.then(|| inner::of(&self.params, receiver, frame))?
    }

    fn deadline(&self, command: u8) -> Span {
        let default = Span::from_secs(30);
        let nanos = match (command, &self.params.recovery) {
            (COMMAND_AUTHENTICATE, _) => {
                2 * self.params.turn_timeout.nanos()
                    + self.params.think_time.nanos()
                    + default.nanos()
            }
            (COMMAND_SEND_DATA, Some(recovery)) => {
                (u64::from(recovery.resend_max) + 1) * recovery.resend_after.nanos()
                    + Span::from_secs(10).nanos()
            }
            _ => default.nanos(),
        };
        Span(nanos)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        self.params.settings()
    }

    fn refuses_adversary(&self) -> Option<ParameterError> {
        if self.params.key_pool > 0 {
            return Some(params::refused(
                "key_pool",
                "parties that share a key pair give an adversary what the protocol does not".into(),
                "use key_pool = 0",
            ));
        }
        (self.params.arithmetic == Arithmetic::Modelled).then(|| {
            params::refused(
                "rsa_mode",
                "modelled RSA keeps nothing secret".into(),
                "use rsa_mode = \"real\"",
            )
        })
    }

    fn check(&self, roster: &Roster) -> Result<(), ParameterError> {
        provision::check(roster)
    }

    fn provision(&self, roster: &Roster, streams: &mut dyn Streams, sink: &mut dyn ProvisionSink) {
        provision::provision(&self.params, roster, streams, sink);
    }

    fn machines(&self, roster: &Roster, group: usize) -> Column {
        let count = roster.groups[group].count;
        let all = (0..count).map(|_| Arc::clone(&self.params));
        let literal = self.params.variant == Variant::Literal;
        match (roster.groups[group].role, literal) {
            (DEVICE, false) => Column::RsaUdpDevice(all.map(Device::new).collect()),
            (DEVICE, true) => Column::RsaUdpLiteralDevice(all.map(LiteralDevice::new).collect()),
            (_, false) => Column::RsaUdpClient(all.map(Client::new).collect()),
            (_, true) => Column::RsaUdpLiteralClient(all.map(LiteralClient::new).collect()),
        }
    }

    fn attacker(&self, id: &str, setup: &Setup<'_>) -> Result<Box<dyn Attacker>, ParameterError> {
        attacks::build(&self.params, id, setup)
    }

    fn secrets(&self, holder: &Holder<'_>, out: &mut dyn FnMut(Secret<'_>)) {
        secrets::list(&self.params, holder, out);
    }

    fn principal(&self, roster: &Roster, party: &Party) -> Principal {
        Principal::name(party.role, provision::name(roster, party).as_bytes())
    }
}
