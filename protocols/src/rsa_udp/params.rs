//! The parameters of `rsa-udp`: their declaration, and the typed values that machines hold.

use crate::crypto::group;
use crate::crypto::rsa::{Arithmetic, OaepHash};
use crate::parameter::{ParameterError, Values};
use crate::time::Span;
use crate::wire::Layout;

use super::{literal, messages};

mod declaration;
mod settings;

pub(super) use declaration::SPECS;

use declaration::{HOUR, SECOND};

/// The defence left out by the broken twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// The device does not compare login_hash.
    Password,
    /// The client does not compare server_hash.
    ServerHash,
    /// Any number is taken as cached.
    Number,
    /// Nobody compares sequence numbers.
    Sequence,
    /// A connected device takes every sender for its peer.
    Peer,
    /// SEALED carries the inner frame in clear.
    Cipher,
    /// The stored value and both hashes are the password itself.
    Hash,
    /// As `Cipher` and `Sequence`, and DATA and ECHO are taken for each other.
    Binding,
    /// Lists of one entry, ten broadcasts for every datagram, halting on values out of range.
    Limits,
    /// Nobody returns to the state in which a login is possible.
    Retry,
}

/// Which form of the protocol runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// The logic of the printed program in a compact binary encoding, with readings where it is
    /// silent.
    AsPublished,
    /// The printed program with its text encoding and its halting rules.
    Literal,
    /// MACs over transcript and inner frames, consumed salts, time limits.
    Hardened,
    /// As published without one defence.
    Broken(Without),
}

/// The user's answer to CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Yes to what a command asked for, else nothing.
    OnCommand,
    /// Yes.
    Always,
    /// No, and the asking address is blocked.
    Never,
}

/// Time limits of `recovery = timed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// How long the client waits for the answer to PASS.
    pub login_timeout: Span,
    /// How long the client waits for an echo before it sends the same DATA again.
    pub resend_after: Span,
    /// How often the same DATA is sent again.
    pub resend_max: u8,
    /// How long the device stays with a peer of which it accepts no frame.
    pub idle_timeout: Span,
}

/// Diffie-Hellman over a small prime field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Modulus `p`, prime, below 2^31.
    pub prime: u32,
    /// Generator `g`, 2..p-2.
    pub generator: u32,
    /// Own exponents are uniform in 0..=this.
    pub exponent_max: u64,
}

/// Everything a machine needs to know; shared by all machines of a world.
#[derive(Clone, Debug)]
pub struct Params {
    /// The variant.
    pub variant: Variant,
    /// Modulus bits.
    pub rsa_bits: u16,
    /// Public exponent.
    pub rsa_exponent: u32,
    /// Hash of OAEP and MGF1.
    pub oaep_hash: OaepHash,
    /// The group of the sequence numbers.
    pub group: Group,
    /// Device turn without a datagram.
    pub turn_timeout: Span,
    /// Interval at which the device empties its block list; zero: it blocks nobody.
    pub device_block_time: Span,
    /// Interval at which the client empties its block list; zero: it blocks nobody.
    pub client_block_time: Span,
    /// (number, salt) pairs the device remembers.
    pub salt_cache: usize,
    /// Logins a client may hold.
    pub connections_max: usize,
    /// The user's answer to CONNECT.
    pub consent: Consent,
    /// A salt is removed once it has served a login.
    pub consume_salt: bool,
    /// CONNECT goes out only at start, when `turn` fires, and on return to OPEN.
    pub broadcast_on_timer: bool,
    /// The device blocks senders as the text says.
    pub block: bool,
    /// From CONNECT to PASS.
    pub think_time: Span,
    /// 0: a pair each; N: the i-th party uses pair i mod N.
    pub key_pool: u16,
    /// Whether RSA is computed.
    pub arithmetic: Arithmetic,
    /// Time limits, where there are any.
    pub recovery: Option<Recovery>,
    /// The layouts of all messages on the wire.
    pub layouts: Vec<Layout>,
}

/// Entries of a block list; then the oldest goes.
const BLOCK_LIST_MAX: usize = 4096;

impl Params {
    /// Types and checks the values given.
    ///
    /// # Errors
    ///
    /// A value out of its range, a word that is not in the list, an RSA size that is not offered,
    /// a group that is none, `without` outside `broken`, a value that `hardened` fixes otherwise.
    pub fn new(variant: &str, values: &Values) -> Result<Self, ParameterError> {
        declaration::check_ranges(values)?;
        let variant = variant_of(variant, values)?;
        let hardened = variant == Variant::Hardened;
        if hardened {
            refuse_other(values, "recovery", "timed")?;
            refuse_other(values, "broadcast", "on-timer")?;
            refuse_other(values, "block", "never")?;
            if !values.flag("consume_salt", true) {
                return Err(fixed("consume_salt", "true"));
            }
        }
        if variant == Variant::Literal && values.text("recovery", "off") == "timed" {
            return Err(refused(
                "recovery",
                "the printed program has no timers".to_owned(),
                "use recovery = \"off\", or another variant",
            ));
        }
        let timed = hardened || values.text("recovery", "off") == "timed";
        let span = |name, default| Span(values.integer(name, default));
        let recovery = timed.then(|| Recovery {
            login_timeout: span("login_timeout", 30 * SECOND),
            resend_after: span("resend_after", 30 * SECOND),
            resend_max: narrow(values.integer("resend_max", 3)),
            idle_timeout: span("idle_timeout", 60 * SECOND),
        });
        let rsa_bits = values.integer("rsa_bits", 4096);
        if ![1024, 2048, 3072, 4096].contains(&rsa_bits) {
            return Err(refused(
                "rsa_bits",
                format!("no modulus of {rsa_bits} bits is offered"),
                "use 1024, 2048, 3072 or 4096",
            ));
        }
        let rsa_exponent = values.integer("rsa_exponent", 65_537);
        if rsa_exponent.is_multiple_of(2) {
            return Err(refused(
                "rsa_exponent",
                "an even exponent has no inverse".to_owned(),
                "use an odd number",
            ));
        }
        let mut params = Self {
            variant,
            rsa_bits: narrow(rsa_bits),
            rsa_exponent: narrow(rsa_exponent),
            oaep_hash: match values.text("oaep_hash", "sha1") {
                "sha256" => OaepHash::Sha256,
                _ => OaepHash::Sha1,
            },
            group: group_of(values)?,
            turn_timeout: span("turn_timeout", 60 * SECOND),
            device_block_time: span("device_block_time", HOUR),
            client_block_time: span("client_block_time", 600 * SECOND),
            salt_cache: narrow(values.integer("salt_cache", 10)),
            connections_max: narrow(values.integer("connections_max", 5)),
            consent: match values.text("consent", "on-command") {
                "always" => Consent::Always,
                "never" => Consent::Never,
                _ => Consent::OnCommand,
            },
            consume_salt: timed || values.flag("consume_salt", false),
            broadcast_on_timer: hardened || values.text("broadcast", "every-turn") == "on-timer",
            block: !hardened && values.text("block", "text") == "text",
            think_time: span("think_time", 0),
            key_pool: narrow(values.integer("key_pool", 0)),
            arithmetic: match values.text("rsa_mode", "real") {
                "modelled" => Arithmetic::Modelled,
                _ => Arithmetic::Real,
            },
            recovery,
            layouts: Vec::new(),
        };
        params.layouts = match variant {
            Variant::Literal => literal::text::layouts(&params),
            _ => messages::layouts(&params),
        };
        Ok(params)
    }

    /// True when the broken twin leaves out `defence`.
    #[must_use]
    pub fn lacks(&self, defence: Without) -> bool {
        self.variant == Variant::Broken(defence)
    }

    /// True in the hardened variant.
    #[must_use]
    pub fn hardened(&self) -> bool {
        self.variant == Variant::Hardened
    }

    /// True when SEALED carries the inner frame in clear.
    #[must_use]
    pub fn clear(&self) -> bool {
        self.lacks(Without::Cipher) || self.lacks(Without::Binding)
    }

    /// True when sequence numbers are compared.
    #[must_use]
    pub fn compares_sequence(&self) -> bool {
        !self.lacks(Without::Sequence) && !self.lacks(Without::Binding)
    }

    /// `k`: bytes of a modulus.
    #[must_use]
    pub fn modulus_bytes(&self) -> usize {
        usize::from(self.rsa_bits / 8)
    }

    /// Bytes of text that an inner frame may carry.
    #[must_use]
    pub fn text_max(&self) -> usize {
        let tag = if self.hardened() { 16 } else { 0 };
        self.oaep_hash
            .text_max(self.modulus_bytes())
            .saturating_sub(9 + tag)
    }

    /// Entries of a block list.
    #[must_use]
    pub fn block_list_max(&self) -> usize {
        if self.lacks(Without::Limits) {
            1
        } else {
            BLOCK_LIST_MAX
        }
    }

    /// (number, salt) pairs that the device remembers.
    #[must_use]
    pub fn salts_max(&self) -> usize {
        if self.lacks(Without::Limits) {
            1
        } else {
            self.salt_cache
        }
    }
}

/// A value within its checked range as a smaller type.
fn narrow<T: TryFrom<u64>>(value: u64) -> T {
    T::try_from(value).unwrap_or_else(|_| unreachable!("the range of the parameter fits its type"))
}

fn variant_of(name: &str, values: &Values) -> Result<Variant, ParameterError> {
    let variant = match name {
        "as-published" => Variant::AsPublished,
        "literal" => Variant::Literal,
        "hardened" => Variant::Hardened,
        "broken" => Variant::Broken(match values.text("without", "password") {
            "server-hash" => Without::ServerHash,
            "number" => Without::Number,
            "sequence" => Without::Sequence,
            "peer" => Without::Peer,
            "cipher" => Without::Cipher,
            "hash" => Without::Hash,
            "binding" => Without::Binding,
            "limits" => Without::Limits,
            "retry" => Without::Retry,
            _ => Without::Password,
        }),
        _ => {
            return Err(refused(
                "variant",
                format!("there is no variant `{name}`"),
                "use as-published, literal, hardened or broken",
            ));
        }
    };
    let leaves_out = values.get("without").is_some();
    if leaves_out && !matches!(variant, Variant::Broken(_)) {
        return Err(refused(
            "without",
            format!("`{name}` leaves no defence out"),
            "use it with variant = \"broken\" only",
        ));
    }
    Ok(variant)
}

fn group_of(values: &Values) -> Result<Group, ParameterError> {
    let prime = narrow(values.integer("dh_prime", 105_341));
    let generator = narrow(values.integer("dh_generator", 3));
    if !group::is_prime(prime) {
        return Err(refused(
            "dh_prime",
            format!("{prime} is not prime"),
            "use a prime below 2^31",
        ));
    }
    if generator > prime - 2 {
        return Err(refused(
            "dh_generator",
            format!("{generator} is not in 2..p-2"),
            "use a number from 2 to dh_prime - 2",
        ));
    }
    Ok(Group {
        prime,
        generator,
        exponent_max: values.integer("dh_exponent_max", 500_000),
    })
}

fn refuse_other(values: &Values, name: &'static str, fixed_to: &str) -> Result<(), ParameterError> {
    if values.text(name, fixed_to) == fixed_to {
        Ok(())
    } else {
        Err(fixed(name, fixed_to))
    }
}

fn fixed(name: &str, value: &str) -> ParameterError {
    refused(
        name,
        format!("the hardened variant fixes it to `{value}`"),
        "leave it out, or use another variant",
    )
}

pub(super) fn refused(name: &str, reason: String, hint: &str) -> ParameterError {
    ParameterError {
        name: name.to_owned(),
        reason,
        hint: hint.to_owned(),
    }
}
