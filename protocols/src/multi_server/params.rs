//! The parameters of section "all nodes": typed, checked, shared by every machine of a world.

mod table;

use crate::parameter::{ParameterError, ParameterKind, Value, Values};
use crate::time::{LocalTime, Span};
use crate::wire::Layout;

use super::messages;

pub(crate) use table::PARAMS;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
const HOUR: u64 = 3600 * SECOND;
const DAY: u64 = 24 * HOUR;

/// The defence that the broken twin leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Without {
    /// The server does not compare beta.
    Beta,
    /// The user compares neither sigma nor Loc nor VT.
    Sigma,
    /// An unknown UID is served with C = 32 zero bytes.
    Uid,
    /// No time is checked, no beta is remembered.
    Freshness,
    /// W, X, Y, Z rest unmasked and E is not compared.
    Card,
    /// tau, omega, ack and mu are not compared.
    Proof,
    /// Whatever a mask should hide travels and rests in clear.
    Mask,
    /// SK takes no value of the session.
    SessionInputs,
    /// One slot for C at the centre, one card at the user.
    TwoSlot,
    /// Refreshed tables and lists are thrown away.
    Refresh,
    /// No limits of tables or rates; every DB_REQ is answered.
    Limits,
}

impl Without {
    /// Every value with its word.
    pub(crate) const ALL: [(&'static str, Self); 11] = [
        ("beta", Self::Beta),
        ("sigma", Self::Sigma),
        ("uid", Self::Uid),
        ("freshness", Self::Freshness),
        ("card", Self::Card),
        ("proof", Self::Proof),
        ("mask", Self::Mask),
        ("session-inputs", Self::SessionInputs),
        ("two-slot", Self::TwoSlot),
        ("refresh", Self::Refresh),
        ("limits", Self::Limits),
    ];
}

/// When a time T of another party is taken as fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// |now - T| within the window.
    TwoSided,
    /// now - T within the window; any future is fresh.
    OneSided,
    /// Always.
    Off,
}

/// What VT is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VtMode {
    /// The instant at which the session ends.
    Expiry,
    /// The lifetime of a session, ns.
    Constant,
    /// A hash of UID, as in the published prototype.
    Repo,
    /// Eight random bytes.
    Random,
}

/// A named set of defaults and rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// The text with the recommended readings.
    AsPublished,
    /// The same machines with only what the README and the second program have.
    ReadmeEquations,
    /// The published prototype.
    Literal,
    /// The smallest fix.
    Hardened,
    /// A base variant without one defence.
    Broken,
}

impl Variant {
    /// The variant of this name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        Some(match name {
            "as-published" => Self::AsPublished,
            "readme-equations" => Self::ReadmeEquations,
            "literal" => Self::Literal,
            "hardened" => Self::Hardened,
            "broken" => Self::Broken,
            _ => return None,
        })
    }
}

/// Parameters in force.
#[derive(Clone, Debug)]
pub(crate) struct Params {
    /// The variant asked for.
    pub(crate) variant: Variant,
    /// Phases 1 and 2 run over the secure link rather than before time 0.
    pub(crate) in_band: bool,
    /// dT: how old a fresh time may be.
    pub(crate) window: Span,
    /// Which times are fresh.
    pub(crate) freshness: Freshness,
    /// The server remembers each accepted beta for twice the window.
    pub(crate) replay_cache: bool,
    /// The user compares Loc of AUTH_REP with its list.
    pub(crate) check_location: bool,
    /// What VT is.
    pub(crate) vt_mode: VtMode,
    /// How long SK lives.
    pub(crate) session_lifetime: Span,
    /// REJECT carries the reason.
    pub(crate) detailed_errors: bool,
    /// How long an answer is waited for.
    pub(crate) reply_timeout: Span,
    /// How often a user repeats AUTH_REQ after a REJECT, 0..5.
    pub(crate) reject_retry: u8,
    /// The pause before that.
    pub(crate) reject_retry_after: Span,
    /// Period of phase 5 at each server; zero: only on command.
    pub(crate) db_update_every: Span,
    /// A beta mismatch of a known UID triggers phase 5.
    pub(crate) refresh_on_failure: bool,
    /// Shortest time between two such triggers.
    pub(crate) refresh_min: Span,
    /// omega is required in phase 5.
    pub(crate) db_proof: bool,
    /// List records carry Q_j.
    pub(crate) list_q: bool,
    /// How long a replaced SSK_j stays valid at the server.
    pub(crate) ssk_grace: Span,
    /// Most servers at the centre.
    pub(crate) servers_max: u16,
    /// Most users at the centre and in a server's table.
    pub(crate) users_max: u16,
    /// Lost messages are repeated within the attempt.
    pub(crate) resend: bool,
    /// Most repetitions of AUTH_REQ, LIST_REQ and DB_REQ.
    pub(crate) resend_max: u8,
    /// How long PWD_REQ is repeated.
    pub(crate) pwd_give_up: Span,
    /// What the broken twin leaves out.
    pub(crate) without: Option<Without>,
    /// The base of the broken twin is `literal`.
    pub(crate) literal_base: bool,
    /// All messages, in the order of their tags.
    pub(crate) layouts: Vec<Layout>,
}

impl Params {
    /// Reads and checks the parameters of a variant.
    ///
    /// # Errors
    ///
    /// An unknown variant, a value out of range, `without` or `base` outside `broken`, a base that
    /// does not know the defence left out.
    pub(crate) fn new(variant: &str, values: &Values) -> Result<Self, ParameterError> {
        let chosen = Variant::find(variant).ok_or_else(|| {
            refuse(
                "variant",
                format!("there is no variant `{variant}` of multi-server"),
                "as-published, readme-equations, literal, hardened or broken",
            )
        })?;
        check_ranges(values)?;
        let readme = chosen == Variant::ReadmeEquations;
        let without = without(chosen, values)?;
        let literal_base = base(chosen, values, without)?;
        let limits = without != Some(Without::Limits);
        let span = |name, default| Span(values.integer(name, default));
        let table_max = |name, default| {
            let given = values.integer(name, default);
            u16::try_from(if limits { given } else { TABLE_MAX }).unwrap_or(u16::MAX)
        };
        let small = |name, default| u8::try_from(values.integer(name, default)).unwrap_or(u8::MAX);
        let default_freshness = if readme { "one-sided" } else { "two-sided" };
        let default_list = if readme { "id-ssk-loc-q" } else { "id-ssk-loc" };
        let default_recovery = if chosen == Variant::Hardened {
            "resend"
        } else {
            "off"
        };
        let mut params = Self {
            variant: chosen,
            in_band: values.text("registration", "provisioned") == "in-band",
            window: span("freshness_window", 5 * SECOND),
            freshness: match values.text("freshness", default_freshness) {
                "off" => Freshness::Off,
                "one-sided" => Freshness::OneSided,
                _ => Freshness::TwoSided,
            },
            replay_cache: values.flag("replay_cache", !readme),
            check_location: values.flag("check_location", !readme),
            vt_mode: match values.text("vt_mode", if readme { "constant" } else { "expiry" }) {
                "constant" => VtMode::Constant,
                "repo" => VtMode::Repo,
                "random" => VtMode::Random,
                _ => VtMode::Expiry,
            },
            session_lifetime: span("session_lifetime", 600 * SECOND),
            detailed_errors: !limits || values.text("errors", "uniform") == "detailed",
            reply_timeout: span("reply_timeout", 5 * SECOND),
            reject_retry: small("reject_retry", u64::from(!readme)),
            reject_retry_after: span("reject_retry_after", 2 * SECOND),
            db_update_every: span("db_update_every", HOUR),
            refresh_on_failure: values.flag("refresh_on_failure", !readme),
            refresh_min: span("refresh_min", 60 * SECOND),
            db_proof: values.flag("db_proof", true),
            list_q: values.text("list_fields", default_list) == "id-ssk-loc-q",
            ssk_grace: span("ssk_grace", 7 * DAY),
            servers_max: table_max("servers_max", 256),
            users_max: table_max("users_max", TABLE_MAX),
            resend: values.text("recovery", default_recovery) == "resend",
            resend_max: small("resend_max", 3),
            pwd_give_up: span("pwd_give_up", DAY),
            without,
            literal_base,
            layouts: Vec::new(),
        };
        if without == Some(Without::Freshness) {
            params.freshness = Freshness::Off;
            params.replay_cache = false;
        }
        if !limits {
            params.refresh_min = Span::ZERO;
        }
        params.layouts = messages::layouts(&params);
        Ok(params)
    }

    /// True when `time`, read from another party's clock, is fresh at `now`.
    pub(crate) fn fresh(&self, now: LocalTime, time: u64) -> bool {
        let distance = match self.freshness {
            Freshness::TwoSided => now.0.abs_diff(time),
            Freshness::OneSided => now.0.saturating_sub(time),
            Freshness::Off => return true,
        };
        distance <= self.window.0
    }

    /// True when the broken twin leaves this defence out.
    pub(crate) fn lacks(&self, defence: Without) -> bool {
        self.without == Some(defence)
    }

    /// True where the machines are those of the prototype.
    pub(crate) fn literal(&self) -> bool {
        self.variant == Variant::Literal || self.literal_base
    }

    /// True in the variant `hardened`.
    pub(crate) fn hardened(&self) -> bool {
        self.variant == Variant::Hardened
    }

    /// Bytes of one list record: 72, or 104 with Q_j.
    pub(crate) const fn list_record(&self) -> usize {
        if self.list_q { 104 } else { 72 }
    }

    /// Every parameter in words, in the order of [`PARAMS`].
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let of = |on: bool, yes: &str, no: &str| if on { yes.to_owned() } else { no.to_owned() };
        let words = |name: &str| match name {
            "registration" => of(self.in_band, "in-band", "provisioned"),
            "freshness_window" => duration(self.window),
            "freshness" => match self.freshness {
                Freshness::TwoSided => "two-sided".to_owned(),
                Freshness::OneSided => "one-sided".to_owned(),
                Freshness::Off => "off".to_owned(),
            },
            "replay_cache" => self.replay_cache.to_string(),
            "check_location" => self.check_location.to_string(),
            "vt_mode" => match self.vt_mode {
                VtMode::Expiry => "expiry".to_owned(),
                VtMode::Constant => "constant".to_owned(),
                VtMode::Repo => "repo".to_owned(),
                VtMode::Random => "random".to_owned(),
            },
            "session_lifetime" => duration(self.session_lifetime),
            "errors" => of(self.detailed_errors, "detailed", "uniform"),
            "reply_timeout" => duration(self.reply_timeout),
            "reject_retry" => self.reject_retry.to_string(),
            "reject_retry_after" => duration(self.reject_retry_after),
            "db_update_every" => duration(self.db_update_every),
            "refresh_on_failure" => self.refresh_on_failure.to_string(),
            "refresh_min" => duration(self.refresh_min),
            "db_proof" => self.db_proof.to_string(),
            "list_fields" => of(self.list_q, "id-ssk-loc-q", "id-ssk-loc"),
            "ssk_grace" => duration(self.ssk_grace),
            "servers_max" => self.servers_max.to_string(),
            "users_max" => self.users_max.to_string(),
            "recovery" => of(self.resend, "resend", "off"),
            "resend_max" => self.resend_max.to_string(),
            "pwd_give_up" => duration(self.pwd_give_up),
            "base" => of(self.literal_base, "literal", "as-published"),
            _ => Without::ALL
                .iter()
                .find(|(_, value)| self.without == Some(*value))
                .map_or_else(|| "none".to_owned(), |(word, _)| (*word).to_owned()),
        };
        PARAMS
            .iter()
            .map(|spec| (spec.name, words(spec.name)))
            .collect()
    }
}

/// Largest table that the 2-byte maxima allow.
const TABLE_MAX: u64 = 65_535;

fn without(variant: Variant, values: &Values) -> Result<Option<Without>, ParameterError> {
    let word = match (values.get("without"), variant) {
        (Some(Value::Text(word)), _) if word == "none" && variant != Variant::Broken => {
            return Ok(None);
        }
        (None, Variant::Broken) => "beta",
        (None, _) => return Ok(None),
        (Some(Value::Text(word)), Variant::Broken) => word,
        _ => {
            return Err(refuse(
                "without",
                "only the variant `broken` leaves a defence out".to_owned(),
                "set protocol.variant = \"broken\", or remove `without`",
            ));
        }
    };
    let found = Without::ALL.iter().find(|(name, _)| *name == word);
    found.map(|(_, value)| Some(*value)).ok_or_else(|| {
        refuse(
            "without",
            format!("the broken twin must leave one defence out, and `{word}` is none"),
            "one of beta, sigma, uid, freshness, card, proof, mask, session-inputs, two-slot, \
             refresh, limits",
        )
    })
}

fn base(
    variant: Variant,
    values: &Values,
    without: Option<Without>,
) -> Result<bool, ParameterError> {
    let literal = values.text("base", "as-published") == "literal";
    if literal && variant != Variant::Broken {
        return Err(refuse(
            "base",
            "only the variant `broken` has a base".to_owned(),
            "set protocol.variant = \"literal\", or remove `base`",
        ));
    }
    if literal && without != Some(Without::Beta) {
        return Err(refuse(
            "base",
            "the twin of `literal` can leave out `beta` only".to_owned(),
            "set without = \"beta\", or base = \"as-published\"",
        ));
    }
    Ok(literal)
}

fn refuse(name: &str, reason: String, hint: &str) -> ParameterError {
    ParameterError {
        name: name.to_owned(),
        reason,
        hint: hint.to_owned(),
    }
}

fn check_ranges(values: &Values) -> Result<(), ParameterError> {
    for name in values.names() {
        let Some(spec) = PARAMS.iter().find(|spec| spec.name == name) else {
            return Err(refuse(
                name,
                "multi-server has no such parameter".to_owned(),
                "",
            ));
        };
        let Some(value) = values.get(name) else {
            continue;
        };
        let fits = match (spec.kind, value) {
            (ParameterKind::Integer { min, max }, Value::Integer(value)) => {
                (min..=max).contains(value)
            }
            (ParameterKind::Duration { min, max, zero }, Value::Integer(value)) => {
                (min..=max).contains(value) || (*value == 0 && zero.is_some())
            }
            (ParameterKind::Choice(words), Value::Text(word)) => words.contains(&word.as_str()),
            (ParameterKind::Bool, Value::Bool(_)) => true,
            _ => false,
        };
        if !fits {
            return Err(refuse(
                name,
                format!("the value is not allowed: {}", spec.help),
                "",
            ));
        }
    }
    Ok(())
}

/// A span in the largest unit that divides it.
fn duration(span: Span) -> String {
    let units = [
        (DAY, "d"),
        (HOUR, "h"),
        (60 * SECOND, "min"),
        (SECOND, "s"),
        (MS, "ms"),
    ];
    let fitting = units
        .iter()
        .find(|(unit, _)| span.0 > 0 && span.0.is_multiple_of(*unit));
    match fitting {
        Some((unit, name)) => format!("{}{name}", span.0 / unit),
        None if span.0 == 0 => "0s".to_owned(),
        None => format!("{}ns", span.0),
    }
}
