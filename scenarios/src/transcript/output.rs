//! What a transcript holds, as JSON. Byte strings are lower-case hexadecimal.

use std::collections::BTreeMap;

use serde::Serialize;

/// A whole session.
#[derive(Clone, Debug, Serialize)]
pub struct Transcript {
    /// Name of the protocol.
    pub protocol: &'static str,
    /// Its variant.
    pub variant: String,
    /// Every parameter in force, in words.
    pub settings: BTreeMap<&'static str, String>,
    /// The parties in roster order.
    pub parties: Vec<Party>,
    /// Which streams the first storage was made from, and how many bytes of each.
    pub provisioning: Vec<Drawn>,
    /// First storage: party to `table/key` to bytes.
    pub storage_before: BTreeMap<String, BTreeMap<String, String>>,
    /// The steps, and how each ended.
    pub steps: Vec<Step>,
    /// Every message in the order of sending.
    pub messages: Vec<Message>,
    /// Every call of a machine, in order.
    pub calls: Vec<Call>,
    /// Storage at the end.
    pub storage_after: BTreeMap<String, BTreeMap<String, String>>,
    /// Random bytes that each party drew.
    pub entropy: Vec<Entropy>,
}

/// One party.
#[derive(Clone, Debug, Serialize)]
pub struct Party {
    /// Its name: `group[member]`.
    pub party: String,
    /// Its role.
    pub role: &'static str,
    /// Its host number.
    pub host: u32,
    /// The port of its role.
    pub port: u16,
}

/// A stream of provisioning.
#[derive(Clone, Debug, Serialize)]
pub struct Drawn {
    /// `group[member]/purpose`.
    pub stream: String,
    /// How many bytes were drawn.
    pub bytes: usize,
}

/// One step of the inputs.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// The party, empty for waiting.
    pub party: String,
    /// The command, `wait` or `restart`.
    pub command: String,
    /// `done`, `refused: REASON`, `failed: REASON` or `unfinished`.
    pub ended: String,
}

impl Step {
    pub(super) fn command(party: &str, command: &str, ended: String) -> Self {
        Self {
            party: party.to_owned(),
            command: command.to_owned(),
            ended,
        }
    }

    pub(super) fn waited(wait_ns: u64) -> Self {
        Self::command("", "wait", format!("done: {wait_ns} ns"))
    }

    pub(super) fn restarted(party: &str) -> Self {
        Self::command(party, "restart", String::from("done"))
    }
}

/// One message.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// Its number, from 0.
    pub number: u64,
    /// Sender.
    pub from: String,
    /// Sender's port; `null` on a stream.
    pub from_port: Option<u16>,
    /// Receiver, or `broadcast`.
    pub to: String,
    /// Receiver's port.
    pub to_port: u16,
    /// `public`, `secure` or `stream`.
    pub channel: &'static str,
    /// Its name on the wire, `null` when it is none of the protocol's messages.
    pub name: Option<&'static str>,
    /// True when the inputs lost it.
    pub lost: bool,
    /// The bytes.
    pub bytes: String,
    /// Its fields in order; empty when its layout does not fit.
    pub fields: Vec<Field>,
}

/// One field of a message.
#[derive(Clone, Debug, Serialize)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: String,
    /// Its value, where it is a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<u64>,
    /// Its text, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// One call of a machine.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// The party.
    pub party: String,
    /// Its clock, ns since 1970.
    pub clock_ns: u64,
    /// What it was called with.
    pub input: Input,
    /// The bytes of each random request, in order.
    pub random: Vec<String>,
    /// Every primitive, in order.
    pub work: Vec<Work>,
    /// What the meter counted, durable writes included, in order.
    pub operations: Vec<Operation>,
    /// What it wants done, in order.
    pub effects: Vec<Effect>,
}

/// What a machine was called with.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// The node starts.
    Start,
    /// Message of this number arrived.
    Message(u64),
    /// The stream to this party opened.
    Opened(String),
    /// The stream to this party was closed.
    Closed(String),
    /// The stream to this party broke.
    Reset(String),
    /// A timer expired.
    Timer(Timer),
    /// A command.
    Command(&'static str),
    /// Power came back.
    Restart,
}

/// A timer.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Timer {
    /// Its name.
    pub name: &'static str,
    /// Tells timers of one name apart.
    pub key: u32,
}

/// One primitive.
#[derive(Clone, Debug, Serialize)]
pub struct Work {
    /// Its name.
    pub function: &'static str,
    /// What went in.
    pub inputs: Vec<Field>,
    /// What came out.
    pub output: String,
}

/// One metered operation.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Operation {
    /// Its name in cost tables.
    pub operation: &'static str,
    /// The phase it belongs to.
    pub phase: &'static str,
    /// How often, or how many blocks or rows.
    pub count: u32,
    /// How many bytes.
    pub bytes: u32,
}

/// One effect.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Message of this number is sent.
    Send(u64),
    /// A stream is opened to this party.
    OpenStream(String),
    /// The stream to this party is closed.
    CloseStream(String),
    /// A timer is armed.
    Arm {
        /// Which.
        timer: Timer,
        /// For how long, ns.
        after_ns: u64,
    },
    /// A timer is cancelled.
    Cancel(Timer),
    /// Records are written.
    Store {
        /// True when all of it lands or nothing does.
        atomic: bool,
        /// `table/key` and bytes in order; `null` for a record that is removed.
        records: Vec<(String, Option<String>)>,
    },
    /// The party tells its observers something.
    Output(Box<Said>),
    /// The party ignores everything from now on.
    Halt,
}

/// An output.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Said {
    /// `running`, `accepted`, `rejected`, `ended`, `data-sent`, `data-accepted`, `shared-state`,
    /// `named` or `halted`.
    pub kind: &'static str,
    /// The peer, or the party's new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Fingerprint of the transcript so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Fingerprint of the session key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// `command`, `frame` or `attempt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<&'static str>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Number of the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// First 8 bytes of SHA-256 of the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The relation whose state is shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<&'static str>,
    /// A counter for readers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// Fingerprints of the shared values, newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprints: Option<Vec<String>>,
    /// True when the values survive a restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub durable: Option<bool>,
}

/// Random bytes of one party.
#[derive(Clone, Debug, Serialize)]
pub struct Entropy {
    /// The party.
    pub party: String,
    /// Requests.
    pub requests: u64,
    /// Bytes.
    pub bytes: u64,
}
