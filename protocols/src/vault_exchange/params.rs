//! Typed parameters, read once from the values given and shared by all machines.

use super::messages::Wire;
use super::specs::{MILLI, SECOND, SPECS, WITHOUT};
use crate::parameter::{ParameterError, ParameterKind, Value, Values};
use crate::time::Span;

/// Which text the machines follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// The README, with a timer added.
    AsPublished,
    /// The published program.
    Literal,
    /// Three messages with nonces and MACs; the combined key is never sent.
    Hardened,
    /// `AsPublished` without one rule.
    Broken,
}

impl Variant {
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "as-published" => Some(Self::AsPublished),
            "literal" => Some(Self::Literal),
            "hardened" => Some(Self::Hardened),
            "broken" => Some(Self::Broken),
            _ => None,
        }
    }

    /// What the variant fixes: a value given must be this one.
    const fn fixes(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Literal => &[
                ("device_update", "at-reply"),
                ("reply_timeout", "0s"),
                ("challenge_check", "none"),
                ("request_queue", "unlimited"),
            ],
            Self::Hardened => &[("challenge_check", "full"), ("recovery", "resend")],
            Self::AsPublished | Self::Broken => &[],
        }
    }
}

/// What is checked of the indices in a request, beyond its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChallengeCheck {
    /// Nothing; an index past the vault counts as an all-zero key.
    None,
    /// Each is below n.
    Range,
    /// There are p, each below n, all different.
    Full,
    /// The published program: a signed byte, negative ones count from the end of the vault.
    Signed,
}

/// The rule that a broken twin leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Without {
    /// The device takes a KEY only while it waits for one, from its server.
    Wait,
    /// Only addresses with a vault are answered.
    Vault,
    /// KEY carries the combined key alone.
    Secrecy,
    /// The vault changes.
    Update,
    /// One session at a time, each of some length.
    Session,
    /// The vault survives a restart.
    Durable,
    /// Requests wait for the end of a session.
    Queue,
}

impl Without {
    fn from_word(word: &str) -> Option<Self> {
        const ALL: [Without; 7] = [
            Without::Wait,
            Without::Vault,
            Without::Secrecy,
            Without::Update,
            Without::Session,
            Without::Durable,
            Without::Queue,
        ];
        let place = WITHOUT.iter().position(|known| *known == word)?;
        ALL.get(place).copied()
    }

    const fn word(self) -> &'static str {
        WITHOUT[self as usize]
    }
}

/// How copies of a request are spaced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Resend {
    /// Wait before the first copy.
    pub(super) after: Span,
    /// Growth of the wait from copy to copy.
    pub(super) factor: f64,
    /// Number of copies.
    pub(super) max: u8,
}

/// All parameters in force.
#[derive(Clone, Debug)]
pub(super) struct Params {
    pub(super) variant: Variant,
    /// Keys in the vault (n), 2..=256.
    pub(super) keys: usize,
    /// Bytes of a key (mb), 16 or 32.
    pub(super) key_bytes: usize,
    /// Indices in a request (p), 1..=n.
    pub(super) challenge: usize,
    /// Sessions that one command runs, at least 1.
    pub(super) sessions: u32,
    pub(super) session_length: Span,
    /// The device updates when KEY arrives, not at the end of the session.
    pub(super) update_at_reply: bool,
    /// Requests kept per device during a session; `usize::MAX` for no limit.
    pub(super) request_queue: usize,
    pub(super) challenge_check: ChallengeCheck,
    /// `None`: the device waits for ever.
    pub(super) reply_timeout: Option<Span>,
    pub(super) shared_vault: bool,
    pub(super) resend: Option<Resend>,
    pub(super) without: Option<Without>,
    pub(super) wire: Wire,
}

impl Params {
    /// Reads and checks the values given for a variant.
    ///
    /// # Errors
    ///
    /// A value out of range, a combination without meaning, or a value that the variant fixes
    /// otherwise.
    pub(super) fn new(variant: &str, values: &Values) -> Result<Self, ParameterError> {
        let variant = Variant::from_word(variant).ok_or_else(|| {
            refused(
                "variant",
                format!("there is no variant `{variant}`"),
                "one of as-published, literal, hardened, broken",
            )
        })?;
        check_ranges(values)?;
        check_fixed(variant, values)?;
        let literal = variant == Variant::Literal;
        let hardened = variant == Variant::Hardened;
        let without = read_without(variant, values)?;
        let (keys, key_bits, challenge) = read_sizes(values, literal)?;
        let queue_default = if literal { u64::MAX } else { 4 };
        let request_queue = match without {
            Some(Without::Queue) => 0,
            _ => values.integer("request_queue", queue_default),
        };
        let challenge_check = match (variant, values.text("challenge_check", "range")) {
            (Variant::Literal, _) => ChallengeCheck::Signed,
            (Variant::Hardened, _) | (_, "full") => ChallengeCheck::Full,
            (_, "none") => ChallengeCheck::None,
            _ => ChallengeCheck::Range,
        };
        let timeout = values.integer("reply_timeout", if literal { 0 } else { 5 * SECOND });
        let repeats = hardened || values.text("recovery", "off") == "resend";
        let resend = Resend {
            after: Span(values.integer("resend_after", 2 * SECOND)),
            factor: values.number("resend_factor", 2.0),
            max: small(values.integer("resend_max", 4)),
        };
        let at_reply = values.text("device_update", "session-end") == "at-reply";
        let mut params = Self {
            variant,
            keys: small(keys),
            key_bytes: small(key_bits / 8),
            challenge: small(challenge),
            sessions: small(values.integer("sessions", 3)),
            session_length: Span(values.integer("session_length", 10 * SECOND)),
            update_at_reply: literal || at_reply || without == Some(Without::Wait),
            request_queue: usize::try_from(request_queue).unwrap_or(usize::MAX),
            challenge_check,
            reply_timeout: (timeout > 0).then_some(Span(timeout)),
            shared_vault: values.text("first_vault", "per-device") == "shared",
            resend: repeats.then_some(resend),
            without,
            wire: Wire::default(),
        };
        params.wire = Wire::new(&params);
        Ok(params)
    }

    /// True in the variant that follows the published program.
    pub(super) fn literal(&self) -> bool {
        self.variant == Variant::Literal
    }

    /// True in the variant with nonces and MACs.
    pub(super) fn hardened(&self) -> bool {
        self.variant == Variant::Hardened
    }

    /// Bytes of all keys of a vault.
    pub(super) const fn vault_bytes(&self) -> usize {
        self.keys * self.key_bytes
    }

    /// Default deadline of one session.
    pub(super) fn deadline(&self) -> Span {
        let wait = self.reply_timeout.unwrap_or(Span::from_secs(30));
        let copies = if self.resend.is_some() { 30 } else { 0 };
        let nanos = self.session_length.nanos() + wait.nanos() + (15 + copies) * SECOND;
        Span(nanos)
    }

    /// Every parameter in force, in the order of [`SPECS`].
    pub(super) fn settings(&self) -> Vec<(&'static str, String)> {
        SPECS
            .iter()
            .map(|spec| (spec.name, self.setting(spec.name)))
            .collect()
    }

    fn setting(&self, name: &str) -> String {
        let word = |truth, yes: &str, no: &str| String::from(if truth { yes } else { no });
        match name {
            "keys" => self.keys.to_string(),
            "key_bits" => (self.key_bytes * 8).to_string(),
            "challenge" => self.challenge.to_string(),
            "sessions" => self.sessions.to_string(),
            "session_length" => in_words(self.session_length),
            "device_update" => word(self.update_at_reply, "at-reply", "session-end"),
            "request_queue" if self.request_queue == usize::MAX => "unlimited".into(),
            "request_queue" => self.request_queue.to_string(),
            "challenge_check" => match self.challenge_check {
                ChallengeCheck::None | ChallengeCheck::Signed => "none".into(),
                ChallengeCheck::Range => "range".into(),
                ChallengeCheck::Full => "full".into(),
            },
            "reply_timeout" => in_words(self.reply_timeout.unwrap_or(Span::ZERO)),
            "first_vault" => word(self.shared_vault, "shared", "per-device"),
            "recovery" => word(self.resend.is_some(), "resend", "off"),
            "resend_after" => self.resend_setting(|resend| in_words(resend.after)),
            "resend_factor" => self.resend_setting(|resend| format!("{:?}", resend.factor)),
            "resend_max" => self.resend_setting(|resend| resend.max.to_string()),
            _ => self.without.map_or("none", Without::word).into(),
        }
    }

    fn resend_setting(&self, show: impl FnOnce(&Resend) -> String) -> String {
        self.resend.as_ref().map_or_else(|| "not used".into(), show)
    }
}

fn refused(name: &str, reason: impl Into<String>, hint: &str) -> ParameterError {
    ParameterError {
        name: name.into(),
        reason: reason.into(),
        hint: hint.into(),
    }
}

/// Narrows a value that [`check_ranges`] has bounded.
fn small<T: TryFrom<u64> + Bounded>(value: u64) -> T {
    T::try_from(value).unwrap_or(T::MAX)
}

/// Integers that [`small`] narrows to.
trait Bounded {
    const MAX: Self;
}

impl Bounded for u8 {
    const MAX: Self = Self::MAX;
}

impl Bounded for u32 {
    const MAX: Self = Self::MAX;
}

impl Bounded for usize {
    const MAX: Self = Self::MAX;
}

fn check_ranges(values: &Values) -> Result<(), ParameterError> {
    for spec in SPECS {
        let Some(value) = values.get(spec.name) else {
            continue;
        };
        let fits = match (spec.kind, value) {
            (ParameterKind::Integer { min, max }, Value::Integer(value)) => {
                (min..=max).contains(value)
            }
            (ParameterKind::Duration { min, max, zero }, Value::Integer(value)) => {
                (min..=max).contains(value) || *value == 0 && zero.is_some()
            }
            (ParameterKind::Choice(words), Value::Text(word)) => words.contains(&word.as_str()),
            (ParameterKind::Number { min, max }, _) => {
                (min..=max).contains(&values.number(spec.name, f64::NAN))
            }
            _ => false,
        };
        if !fits {
            let reason = format!("{value:?} is not within its range");
            return Err(refused(spec.name, reason, spec.help));
        }
    }
    Ok(())
}

fn check_fixed(variant: Variant, values: &Values) -> Result<(), ParameterError> {
    for (name, fixed) in variant.fixes() {
        let same = match values.get(name) {
            None => true,
            Some(Value::Text(word)) => word == fixed,
            Some(Value::Integer(value)) => *value == 0 && *fixed == "0s",
            Some(_) => false,
        };
        if !same {
            let reason = format!("this variant fixes it at {fixed}");
            return Err(refused(
                name,
                reason,
                "leave it out, or choose another variant",
            ));
        }
    }
    Ok(())
}

fn read_without(variant: Variant, values: &Values) -> Result<Option<Without>, ParameterError> {
    match (variant, values.get("without")) {
        (Variant::Broken, _) => Ok(Without::from_word(values.text("without", "wait"))),
        (_, None) => Ok(None),
        (_, Some(_)) => Err(refused(
            "without",
            "only the variant `broken` leaves a rule out",
            "variant = \"broken\"",
        )),
    }
}

/// n, m and p, and what they must satisfy together.
fn read_sizes(values: &Values, literal: bool) -> Result<(u64, u64, u64), ParameterError> {
    let keys = values.integer("keys", 4);
    let key_bits = values.integer("key_bits", 128);
    let challenge = values.integer("challenge", 2);
    if key_bits != 128 && key_bits != 256 {
        let reason = format!("a key of {key_bits} bits is not an AES key of this text");
        return Err(refused("key_bits", reason, "128 or 256"));
    }
    if challenge > keys {
        let reason = format!("there are no {challenge} different indices among {keys} keys");
        return Err(refused("challenge", reason, "at most `keys`"));
    }
    if literal && keys > 128 {
        let reason = format!("an index is a signed byte here, and {keys} keys need more");
        return Err(refused(
            "keys",
            reason,
            "at most 128 in the variant `literal`",
        ));
    }
    Ok((keys, key_bits, challenge))
}

/// A span in the largest unit that shows it exactly.
fn in_words(span: Span) -> String {
    let units = [(SECOND, "s"), (MILLI, "ms"), (1_000, "us")];
    let nanos = span.nanos();
    let unit = units.iter().find(|(size, _)| nanos.is_multiple_of(*size));
    unit.map_or_else(
        || format!("{nanos}ns"),
        |(size, name)| format!("{}{name}", nanos / size),
    )
}
