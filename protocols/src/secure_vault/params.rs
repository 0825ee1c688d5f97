//! Typed parameters of the protocol, read once from the values given and shared by all machines.

use crate::parameter::{ParameterError, ParameterKind, ParameterSpec, Value, Values};
use crate::time::Span;

use super::messages::Wire;
use super::session::Suite;
use super::{SESSION, SESSION_COMMIT};

/// The parameters, in the order of the specification's table.
pub(super) const SPECS: &[ParameterSpec] = &[
    integer("keys", 2, 4096, "8", "keys in the vault (n)"),
    integer(
        "key_bits",
        128,
        256,
        "128",
        "bits of a vault key and AES key (m): 128 or 256",
    ),
    integer(
        "challenge",
        1,
        4095,
        "4",
        "indices in each challenge (p), below `keys`",
    ),
    choice(
        "update_hash",
        &["sha512", "sha256"],
        "hash of the HMAC that updates the vault",
    ),
    choice("cipher_mode", CIPHER_MODES, "how M3 and M4 are sealed"),
    choice(
        "commit",
        &["m4", "session-end"],
        "when the vault is updated",
    ),
    choice(
        "server_order",
        &["send-first", "store-first"],
        "order of M4 and the durable write",
    ),
    choice(
        "transcript",
        &["wire", "plain"],
        "data exchanged: as sent, or M3 and M4 in the clear",
    ),
    choice(
        "transcript_from",
        &["m1", "m3"],
        "first message of the data exchanged",
    ),
    integer("partition_from", 0, 1, "0", "first partition number"),
    choice(
        "partition_add",
        &["last", "first", "every"],
        "how the partition number enters its word",
    ),
    choice(
        "vault_tail",
        &["drop", "keep"],
        "the zero-filled end of the last partition",
    ),
    choice(
        "challenge_check",
        &["full", "range", "none"],
        "what is checked of a challenge received",
    ),
    choice(
        "pending_by",
        &["device", "session"],
        "what a pending handshake is told apart by",
    ),
    integer(
        "pending_max",
        1,
        1 << 20,
        "1024",
        "handshakes the server remembers",
    ),
    duration(
        "pending_timeout",
        0,
        HOUR,
        Some("never"),
        "0s",
        "how long it remembers them",
    ),
    choice(
        "session_id",
        &["random", "counter"],
        "how the device chooses session ids",
    ),
    duration(
        "reply_timeout",
        100 * MILLI,
        HOUR,
        None,
        "10s",
        "how long the device waits for M2 and M4",
    ),
    duration(
        "session_length",
        0,
        30 * DAY,
        Some("until `finish`"),
        "0s",
        "both ends end a session after this time",
    ),
    choice(
        "first_vault",
        &["per-device", "shared"],
        "independent first vaults, or one for all devices",
    ),
    choice(
        "at_rest",
        &["clear", "sealed"],
        "the device's vault in the clear, or under a storage key",
    ),
    ParameterSpec {
        name: "hardened_epoch",
        kind: ParameterKind::Bool,
        default: "true",
        help: "`hardened` only: M1 carries the epoch of the vault",
    },
    choice(
        "recovery",
        &["off", "resend"],
        "whether M1 and M3 are repeated (default of `hardened`: resend)",
    ),
    duration(
        "resend_after",
        100 * MILLI,
        HOUR,
        None,
        "2s",
        "`resend`: wait before the first copy",
    ),
    ParameterSpec {
        name: "resend_factor",
        kind: ParameterKind::Number {
            min: 1.0,
            max: 16.0,
        },
        default: "2.0",
        help: "`resend`: growth of the wait from copy to copy",
    },
    integer("resend_max", 0, 16, "4", "`resend`: copies of each message"),
    ParameterSpec {
        name: "without",
        kind: ParameterKind::Choice(Without::WORDS),
        default: "",
        help: "`broken` only: the defence that is left out (default r1)",
    },
];

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1000 * MILLI;
const HOUR: u64 = 3600 * SECOND;
const DAY: u64 = 24 * HOUR;

const CIPHER_MODES: &[&str] = &["cbc", "cbc-nopad", "ecb", "ecb-nopad", "ctr", "gcm"];

const fn integer(
    name: &'static str,
    min: u64,
    max: u64,
    default: &'static str,
    help: &'static str,
) -> ParameterSpec {
    ParameterSpec {
        name,
        kind: ParameterKind::Integer { min, max },
        default,
        help,
    }
}

/// A choice whose first word is the default.
const fn choice(
    name: &'static str,
    words: &'static [&'static str],
    help: &'static str,
) -> ParameterSpec {
    ParameterSpec {
        name,
        kind: ParameterKind::Choice(words),
        default: words[0],
        help,
    }
}

const fn duration(
    name: &'static str,
    min: u64,
    max: u64,
    zero: Option<&'static str>,
    default: &'static str,
    help: &'static str,
) -> ParameterSpec {
    ParameterSpec {
        name,
        kind: ParameterKind::Duration { min, max, zero },
        default,
        help,
    }
}

/// Declares an enum whose variants are the words of a parameter.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// The words, in the order of the variants.
            pub(super) const WORDS: &'static [&'static str] = &[$($word),+];

            fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }

            pub(super) const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

words! {
    /// The four variants.
    Variant {
        AsPublished = "as-published",
        Literal = "literal",
        Hardened = "hardened",
        Broken = "broken",
    }
}
words! {
    /// Hash of the update HMAC.
    UpdateHash { Sha512 = "sha512", Sha256 = "sha256" }
}
words! {
    /// How M3 and M4 are sealed.
    CipherMode {
        /// Random IV, CBC, PKCS#7.
        Cbc = "cbc",
        /// Random IV, CBC, zero fill.
        CbcNopad = "cbc-nopad",
        /// ECB, PKCS#7.
        Ecb = "ecb",
        /// ECB, zero fill.
        EcbNopad = "ecb-nopad",
        /// Random initial counter block, CTR.
        Ctr = "ctr",
    }
}
words! {
    /// When the vault is updated.
    Commit { M4 = "m4", SessionEnd = "session-end" }
}
words! {
    /// Order of M4 and the durable write at the server.
    ServerOrder { SendFirst = "send-first", StoreFirst = "store-first" }
}
words! {
    /// What of M3 and M4 counts as exchanged.
    Transcript { Wire = "wire", Plain = "plain" }
}
words! {
    /// First message that counts as exchanged.
    TranscriptFrom { M1 = "m1", M3 = "m3" }
}
words! {
    /// How a partition's number enters its word.
    PartitionAdd { Last = "last", First = "first", Every = "every" }
}
words! {
    /// What happens to the end of the last partition.
    VaultTail { Drop = "drop", Keep = "keep" }
}
words! {
    /// What is checked of a challenge received.
    ChallengeCheck { Full = "full", Range = "range", None = "none" }
}
words! {
    /// What a pending handshake is told apart by.
    PendingBy { Device = "device", Session = "session" }
}
words! {
    /// How the device chooses session ids.
    SessionId { Random = "random", Counter = "counter" }
}
words! {
    /// Whether devices start with vaults of their own.
    FirstVault { PerDevice = "per-device", Shared = "shared" }
}
words! {
    /// Whether the device's vault lies in the clear.
    AtRest { Clear = "clear", Sealed = "sealed" }
}
words! {
    /// The defence a broken twin leaves out.
    Without {
        /// The server's check of r1.
        R1 = "r1",
        /// The device's check of r2.
        R2 = "r2",
        /// Encryption of M3 and M4.
        Cipher = "cipher",
        /// The vault belongs to the id.
        DeviceId = "device-id",
        /// Checks of challenges.
        Challenge = "challenge",
        /// The server commits only after it has verified.
        VerifyBeforeCommit = "verify-before-commit",
        /// The vault changes.
        Update = "update",
        /// The vault survives a restart.
        Durable = "durable",
        /// Authentication of application frames.
        Mac = "mac",
        /// Several handshakes at a time.
        Pending = "pending",
    }
}

/// How copies of M1 and M3 are spaced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Resend {
    /// Wait before the first copy.
    pub(super) after: Span,
    /// Growth of the wait from copy to copy.
    pub(super) factor: f64,
    /// Number of copies of each message.
    pub(super) max: u8,
}

/// All parameters in force.
#[derive(Clone, Debug)]
pub(super) struct Params {
    pub(super) variant: Variant,
    /// Number of keys (n).
    pub(super) keys: u16,
    /// Bytes of a key (mb).
    pub(super) key_bytes: usize,
    /// Indices in a challenge (p).
    pub(super) challenge: usize,
    pub(super) update_hash: UpdateHash,
    pub(super) cipher_mode: CipherMode,
    pub(super) commit: Commit,
    pub(super) server_order: ServerOrder,
    pub(super) transcript: Transcript,
    pub(super) transcript_from: TranscriptFrom,
    pub(super) partition_from: u32,
    pub(super) partition_add: PartitionAdd,
    pub(super) vault_tail: VaultTail,
    pub(super) challenge_check: ChallengeCheck,
    pub(super) pending_by: PendingBy,
    pub(super) pending_max: usize,
    /// Zero: never.
    pub(super) pending_timeout: Span,
    pub(super) session_id: SessionId,
    pub(super) reply_timeout: Span,
    /// Zero: until `finish`.
    pub(super) session_length: Span,
    pub(super) first_vault: FirstVault,
    pub(super) at_rest: AtRest,
    pub(super) hardened_epoch: bool,
    pub(super) resend: Option<Resend>,
    pub(super) without: Option<Without>,
    pub(super) wire: Wire,
}

impl Params {
    /// Reads and checks the values given for a variant.
    ///
    /// # Errors
    ///
    /// A value out of range, a combination without meaning, or a parameter that the variant fixes.
    pub(super) fn new(variant: &str, values: &Values) -> Result<Self, ParameterError> {
        let variant = Variant::from_word(variant).ok_or_else(|| ParameterError {
            name: "variant".into(),
            reason: format!("there is no variant `{variant}`"),
            hint: format!("one of {}", Variant::WORDS.join(", ")),
        })?;
        if matches!(variant, Variant::Literal | Variant::Hardened) {
            return Err(refused(
                "variant",
                "this build does not have it",
                "as-published or broken",
            ));
        }
        let given = Given { values, variant };
        given.refuse_fixed()?;
        let literal = variant == Variant::Literal;
        let hardened = variant == Variant::Hardened;
        let keys = given.integer("keys", if literal { 1000 } else { 8 })?;
        let key_bits = given.integer("key_bits", if literal { 256 } else { 128 })?;
        if key_bits != 128 && key_bits != 256 {
            return Err(refused(
                "key_bits",
                "AES keys have 128 or 256 bits here",
                "128 or 256",
            ));
        }
        let challenge = given.integer("challenge", if literal { 200 } else { 4 })?;
        if challenge >= keys {
            return Err(ParameterError {
                name: "challenge".into(),
                reason: format!("{challenge} of {keys} keys leave no second challenge to choose"),
                hint: format!("at most {}", keys - 1),
            });
        }
        if values.text("cipher_mode", "cbc") == "gcm" {
            return Err(refused(
                "cipher_mode",
                "this build has no AES-GCM",
                "cbc, cbc-nopad, ecb, ecb-nopad or ctr",
            ));
        }
        let without = match (variant, values.get("without")) {
            (Variant::Broken, None) => Some(Without::R1),
            (Variant::Broken, Some(_)) => {
                Some(given.word("without", Without::WORDS, Without::from_word, Without::R1)?)
            }
            (_, None) => None,
            (_, Some(_)) => {
                return Err(refused(
                    "without",
                    "only the variant `broken` leaves a defence out",
                    "variant = \"broken\"",
                ));
            }
        };
        let challenge_check = if without == Some(Without::Challenge) {
            ChallengeCheck::None
        } else {
            given.word(
                "challenge_check",
                ChallengeCheck::WORDS,
                ChallengeCheck::from_word,
                ChallengeCheck::Full,
            )?
        };
        let recovery = given.flag_word("recovery", "resend", hardened)?;
        let resend = Resend {
            after: given.duration("resend_after", 2 * SECOND)?,
            factor: given.number("resend_factor", 2.0)?,
            max: small(given.integer("resend_max", 4)?),
        };
        let first_vault = if literal {
            FirstVault::Shared
        } else {
            FirstVault::PerDevice
        };
        let pending_by = if hardened {
            PendingBy::Session
        } else {
            PendingBy::Device
        };
        let pending_max = given.integer("pending_max", 1024)?;
        let mut params = Self {
            variant,
            keys: small(keys),
            key_bytes: small::<usize>(key_bits / 8),
            challenge: small(challenge),
            update_hash: given.word(
                "update_hash",
                UpdateHash::WORDS,
                UpdateHash::from_word,
                UpdateHash::Sha512,
            )?,
            cipher_mode: given.word(
                "cipher_mode",
                CipherMode::WORDS,
                CipherMode::from_word,
                CipherMode::Cbc,
            )?,
            commit: given.word("commit", Commit::WORDS, Commit::from_word, Commit::M4)?,
            server_order: given.word(
                "server_order",
                ServerOrder::WORDS,
                ServerOrder::from_word,
                ServerOrder::SendFirst,
            )?,
            transcript: given.word(
                "transcript",
                Transcript::WORDS,
                Transcript::from_word,
                Transcript::Wire,
            )?,
            transcript_from: given.word(
                "transcript_from",
                TranscriptFrom::WORDS,
                TranscriptFrom::from_word,
                TranscriptFrom::M1,
            )?,
            partition_from: small(given.integer("partition_from", 0)?),
            partition_add: given.word(
                "partition_add",
                PartitionAdd::WORDS,
                PartitionAdd::from_word,
                PartitionAdd::Last,
            )?,
            vault_tail: given.word(
                "vault_tail",
                VaultTail::WORDS,
                VaultTail::from_word,
                VaultTail::Drop,
            )?,
            challenge_check,
            pending_by: given.word(
                "pending_by",
                PendingBy::WORDS,
                PendingBy::from_word,
                pending_by,
            )?,
            pending_max: if without == Some(Without::Pending) {
                1
            } else {
                small(pending_max)
            },
            pending_timeout: given
                .duration("pending_timeout", if hardened { 30 * SECOND } else { 0 })?,
            session_id: given.word(
                "session_id",
                SessionId::WORDS,
                SessionId::from_word,
                SessionId::Random,
            )?,
            reply_timeout: given.duration("reply_timeout", 10 * SECOND)?,
            session_length: given.duration("session_length", 0)?,
            first_vault: given.word(
                "first_vault",
                FirstVault::WORDS,
                FirstVault::from_word,
                first_vault,
            )?,
            at_rest: given.word("at_rest", AtRest::WORDS, AtRest::from_word, AtRest::Clear)?,
            hardened_epoch: values.flag("hardened_epoch", true),
            resend: recovery.then_some(resend),
            without,
            wire: Wire::default(),
        };
        params.wire = Wire::new(&params);
        Ok(params)
    }

    /// Bytes of the vault: n * mb.
    pub(super) fn vault_bytes(&self) -> usize {
        usize::from(self.keys) * self.key_bytes
    }

    /// Bytes of the update hash (kb).
    pub(super) const fn hash_bytes(&self) -> usize {
        match self.update_hash {
            UpdateHash::Sha512 => 64,
            UpdateHash::Sha256 => 32,
        }
    }

    /// Bytes that the record keeps behind the vault.
    pub(super) fn tail_bytes(&self) -> usize {
        match self.vault_tail {
            VaultTail::Drop => 0,
            VaultTail::Keep => {
                self.vault_bytes().next_multiple_of(self.hash_bytes()) - self.vault_bytes()
            }
        }
    }

    /// Bytes of an index list in its wire form: 2p.
    pub(super) const fn challenge_bytes(&self) -> usize {
        2 * self.challenge
    }

    /// Bytes of M3's plaintext (x3): r1, t1, c2, r2.
    pub(super) const fn plain3_bytes(&self) -> usize {
        3 * self.key_bytes + self.challenge_bytes()
    }

    /// Bytes of M4's plaintext (x4): r2, t2.
    pub(super) const fn plain4_bytes(&self) -> usize {
        2 * self.key_bytes
    }

    /// How application frames are keyed and judged.
    pub(super) fn suite(&self) -> Suite {
        Suite {
            key_bytes: self.key_bytes,
            authenticated: self.without != Some(Without::Mac),
        }
    }

    /// The timer that ends a session: of its own kind where its expiry changes the vault.
    pub(super) fn session_timer(&self) -> u8 {
        match self.commit {
            Commit::M4 => SESSION,
            Commit::SessionEnd => SESSION_COMMIT,
        }
    }

    /// The values in force, in the order of [`SPECS`].
    pub(super) fn settings(&self) -> Vec<(&'static str, String)> {
        let resend = self.resend.as_ref();
        let no_resend = || "off".to_owned();
        SPECS
            .iter()
            .map(|spec| {
                let text = match spec.name {
                    "keys" => self.keys.to_string(),
                    "key_bits" => (8 * self.key_bytes).to_string(),
                    "challenge" => self.challenge.to_string(),
                    "update_hash" => self.update_hash.word().into(),
                    "cipher_mode" => self.cipher_mode.word().into(),
                    "commit" => self.commit.word().into(),
                    "server_order" => self.server_order.word().into(),
                    "transcript" => self.transcript.word().into(),
                    "transcript_from" => self.transcript_from.word().into(),
                    "partition_from" => self.partition_from.to_string(),
                    "partition_add" => self.partition_add.word().into(),
                    "vault_tail" => self.vault_tail.word().into(),
                    "challenge_check" => self.challenge_check.word().into(),
                    "pending_by" => self.pending_by.word().into(),
                    "pending_max" => self.pending_max.to_string(),
                    "pending_timeout" => time(self.pending_timeout),
                    "session_id" => self.session_id.word().into(),
                    "reply_timeout" => time(self.reply_timeout),
                    "session_length" => time(self.session_length),
                    "first_vault" => self.first_vault.word().into(),
                    "at_rest" => self.at_rest.word().into(),
                    "hardened_epoch" => self.hardened_epoch.to_string(),
                    "recovery" => if resend.is_some() { "resend" } else { "off" }.into(),
                    "resend_after" => resend.map_or_else(no_resend, |resend| time(resend.after)),
                    "resend_factor" => {
                        resend.map_or_else(no_resend, |resend| resend.factor.to_string())
                    }
                    "resend_max" => resend.map_or_else(no_resend, |resend| resend.max.to_string()),
                    _ => self.without.map_or("none", Without::word).into(),
                };
                (spec.name, text)
            })
            .collect()
    }
}

fn time(span: Span) -> String {
    let nanos = span.nanos();
    if nanos.is_multiple_of(SECOND) {
        format!("{}s", nanos / SECOND)
    } else if nanos.is_multiple_of(MILLI) {
        format!("{}ms", nanos / MILLI)
    } else {
        format!("{nanos}ns")
    }
}

/// Narrows a number whose range was checked.
fn small<T: TryFrom<u64> + Default>(value: u64) -> T {
    T::try_from(value).unwrap_or_default()
}

fn refused(name: &str, reason: &str, hint: &str) -> ParameterError {
    ParameterError {
        name: name.into(),
        reason: reason.into(),
        hint: hint.into(),
    }
}

/// Parameters that `hardened` fixes.
const FIXED_BY_HARDENED: &[&str] = &[
    "cipher_mode",
    "commit",
    "server_order",
    "transcript",
    "transcript_from",
    "partition_from",
    "partition_add",
    "vault_tail",
    "update_hash",
    "challenge_check",
];

/// Parameters that `literal` leaves open.
const OPEN_IN_LITERAL: &[&str] = &["keys", "key_bits", "challenge", "first_vault", "without"];

/// The values given, read with their ranges.
struct Given<'a> {
    values: &'a Values,
    variant: Variant,
}

impl Given<'_> {
    fn refuse_fixed(&self) -> Result<(), ParameterError> {
        for name in self.values.names() {
            let fixed = match self.variant {
                Variant::Hardened => FIXED_BY_HARDENED.contains(&name),
                Variant::Literal => !OPEN_IN_LITERAL.contains(&name),
                Variant::AsPublished | Variant::Broken => false,
            };
            if fixed {
                return Err(ParameterError {
                    name: name.into(),
                    reason: format!("the variant `{}` fixes it", self.variant.word()),
                    hint: "leave it out, or choose the variant `as-published`".into(),
                });
            }
        }
        Ok(())
    }

    fn spec(name: &str) -> Option<&'static ParameterSpec> {
        SPECS.iter().find(|spec| spec.name == name)
    }

    fn integer(&self, name: &'static str, default: u64) -> Result<u64, ParameterError> {
        let value = match self.values.get(name) {
            None => default,
            Some(Value::Integer(value)) => *value,
            Some(_) => return Err(refused(name, "it is a whole number", "")),
        };
        match Self::spec(name).map(|spec| spec.kind) {
            Some(ParameterKind::Integer { min, max }) if !(min..=max).contains(&value) => {
                Err(ParameterError {
                    name: name.into(),
                    reason: format!("{value} is out of range"),
                    hint: format!("{min} to {max}"),
                })
            }
            _ => Ok(value),
        }
    }

    fn duration(&self, name: &'static str, default: u64) -> Result<Span, ParameterError> {
        let value = match self.values.get(name) {
            None => default,
            Some(Value::Integer(value)) => *value,
            Some(_) => return Err(refused(name, "it is a duration", "")),
        };
        match Self::spec(name).map(|spec| spec.kind) {
            Some(ParameterKind::Duration { min, max, .. }) if !(min..=max).contains(&value) => {
                Err(ParameterError {
                    name: name.into(),
                    reason: format!("{} is out of range", time(Span(value))),
                    hint: format!("{} to {}", time(Span(min)), time(Span(max))),
                })
            }
            _ => Ok(Span(value)),
        }
    }

    fn number(&self, name: &'static str, default: f64) -> Result<f64, ParameterError> {
        let value = self.values.number(name, default);
        match Self::spec(name).map(|spec| spec.kind) {
            Some(ParameterKind::Number { min, max }) if !(min..=max).contains(&value) => {
                Err(ParameterError {
                    name: name.into(),
                    reason: format!("{value} is out of range"),
                    hint: format!("{min} to {max}"),
                })
            }
            _ => Ok(value),
        }
    }

    fn word<T>(
        &self,
        name: &'static str,
        words: &[&str],
        from_word: fn(&str) -> Option<T>,
        default: T,
    ) -> Result<T, ParameterError> {
        match self.values.get(name) {
            None => Ok(default),
            Some(Value::Text(word)) => from_word(word).ok_or_else(|| ParameterError {
                name: name.into(),
                reason: format!("`{word}` is none of its words"),
                hint: words.join(", "),
            }),
            Some(_) => Err(ParameterError {
                name: name.into(),
                reason: "it is a word".into(),
                hint: words.join(", "),
            }),
        }
    }

    fn flag_word(
        &self,
        name: &'static str,
        yes: &'static str,
        default: bool,
    ) -> Result<bool, ParameterError> {
        match self.values.get(name) {
            None => Ok(default),
            Some(Value::Text(word)) if word == yes => Ok(true),
            Some(Value::Text(word)) if word == "off" => Ok(false),
            Some(_) => Err(refused(name, "it is `off` or `resend`", "off, resend")),
        }
    }
}
