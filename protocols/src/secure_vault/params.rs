//! Typed parameters of the protocol, read once from the values given and shared by all machines.

mod given;
mod specs;
mod words;

use crate::parameter::{ParameterError, Values};
use crate::time::Span;

use super::messages::Wire;
use super::session::Suite;
use super::{SESSION, SESSION_COMMIT};

use given::{Given, refused, small, time};
use specs::SECOND;

pub(super) use specs::SPECS;
pub(super) use words::{
    AtRest, ChallengeCheck, CipherMode, Commit, FirstVault, PartitionAdd, PendingBy, Recovery,
    ServerOrder, SessionId, Transcript, TranscriptFrom, UpdateHash, Variant, VaultTail, Without,
    Word,
};

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
    /// `literal`: r1, r2, t1 and t2 are uniform from 0 to this.
    pub(super) numbers: u64,
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
            (Variant::Broken, Some(_)) => Some(given.word("without", Without::R1)?),
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
            given.word("challenge_check", ChallengeCheck::Full)?
        };
        let recovery = given.word(
            "recovery",
            if hardened {
                Recovery::Resend
            } else {
                Recovery::Off
            },
        )?;
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
            update_hash: given.word("update_hash", UpdateHash::Sha512)?,
            cipher_mode: given.word("cipher_mode", CipherMode::Cbc)?,
            commit: given.word("commit", Commit::M4)?,
            server_order: given.word("server_order", ServerOrder::SendFirst)?,
            transcript: given.word("transcript", Transcript::Wire)?,
            transcript_from: given.word("transcript_from", TranscriptFrom::M1)?,
            partition_from: small(given.integer("partition_from", 0)?),
            partition_add: given.word("partition_add", PartitionAdd::Last)?,
            vault_tail: given.word("vault_tail", VaultTail::Drop)?,
            challenge_check,
            pending_by: given.word("pending_by", pending_by)?,
            pending_max: if without == Some(Without::Pending) {
                1
            } else {
                small(pending_max)
            },
            pending_timeout: given
                .duration("pending_timeout", if hardened { 30 * SECOND } else { 0 })?,
            session_id: given.word("session_id", SessionId::Random)?,
            reply_timeout: given.duration("reply_timeout", 10 * SECOND)?,
            session_length: given.duration("session_length", 0)?,
            first_vault: given.word("first_vault", first_vault)?,
            at_rest: given.word("at_rest", AtRest::Clear)?,
            hardened_epoch: values.flag("hardened_epoch", true),
            resend: (recovery == Recovery::Resend).then_some(resend),
            numbers: given.integer("numbers", 10_000_000_000)?,
            without,
            wire: Wire::default(),
        };
        if without == Some(Without::VerifyBeforeCommit) && params.commit == Commit::SessionEnd {
            return Err(refused(
                "commit",
                "without `verify-before-commit` the vault is updated when M2 is sent",
                "m4",
            ));
        }
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
                    "numbers" => match self.variant {
                        Variant::Literal => self.numbers.to_string(),
                        _ => "none".into(),
                    },
                    "resend_max" => resend.map_or_else(no_resend, |resend| resend.max.to_string()),
                    _ => self.without.map_or("none", Without::word).into(),
                };
                (spec.name, text)
            })
            .collect()
    }
}
