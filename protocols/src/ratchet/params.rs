//! Parameters: the values in force under each variant, and which of them go together.

mod declared;
mod reader;

pub(super) use self::declared::{CLIENT_PARAMS, PARAMS};
use self::declared::{HOUR, SECOND};
use self::reader::Reader;
pub(super) use self::reader::refuse;
use super::choice::{
    Choice, Defence, ErrorCodes, Evolve, Framing, HelloInActive, Kdf, MasterKey, NumberGrammar,
    Recovery, Replace, ResponseForm, SessionLookup, Variant,
};
use super::messages::{FRAME_BYTES_MIN, HEADER_BYTES, Wire};
use crate::parameter::{ParameterError, Values};
use crate::time::Span;

/// Addresses that a server keeps track of.
const ADDRESSES_MAX: usize = 1024;

/// Variant and parameters in force, shared by all machines of a world.
#[derive(Clone, Debug)]
pub(super) struct Params {
    /// The variant.
    pub(super) variant: Variant,
    /// Authorised ids are 1 to this.
    pub(super) clients: u8,
    /// Where master keys come from.
    pub(super) master_key: MasterKey,
    /// Reading of the key derivation.
    pub(super) kdf: Kdf,
    /// M: length of a MAC key, 16 or 32.
    pub(super) mac_key_bytes: usize,
    /// Direction bytes: client to server, server to client.
    pub(super) directions: [u8; 2],
    /// How frames travel.
    pub(super) framing: Framing,
    /// Longest frame, bytes.
    pub(super) max_frame: u32,
    /// Wait for an answer; `None`: for ever.
    pub(super) response_timeout: Option<Span>,
    /// Age limit of an incomplete record; `None`: none.
    pub(super) frame_stall: Option<Span>,
    /// When a sender moves its own keys.
    pub(super) evolve: Evolve,
    /// Opcodes of error frames.
    pub(super) error_codes: ErrorCodes,
    /// Meaning of a HELLO on an address with a live session.
    pub(super) hello_in_active: HelloInActive,
    /// When a HELLO displaces the live session of its id.
    pub(super) replace: Replace,
    /// How the server finds a session.
    pub(super) session_lookup: SessionLookup,
    /// Most values in one list.
    pub(super) numbers_max: usize,
    /// What counts as a number.
    pub(super) number_grammar: NumberGrammar,
    /// Shape of the aggregate.
    pub(super) response_form: ResponseForm,
    /// Whether a new session forgets the old values of its id.
    pub(super) purge_on_hello: bool,
    /// Most rounds kept; `None`: all.
    pub(super) rounds_kept: Option<u32>,
    /// Whether frames are repeated.
    pub(super) recovery: Recovery,
    /// Wait before the first repetition.
    pub(super) resend_after: Span,
    /// Factor from one wait to the next.
    pub(super) resend_factor: f64,
    /// Most repetitions.
    pub(super) resend_max: u32,
    /// Defence left out; `None` outside the broken twin.
    pub(super) without: Option<Defence>,
    /// Most addresses the server keeps; `None`: any number.
    pub(super) addresses_max: Option<usize>,
    /// Layouts that follow from the above.
    pub(super) wire: Wire,
}

impl Params {
    /// Reads and checks the values given for a variant.
    ///
    /// # Errors
    ///
    /// An unknown variant, a value out of range, `without` outside `broken`, or a combination that
    /// contradicts the variant.
    pub(super) fn new(variant: &str, given: &Values) -> Result<Self, ParameterError> {
        let variant = Variant::parse(variant).ok_or_else(|| {
            refuse(
                "variant",
                format!("there is no variant `{variant}`"),
                format!("one of {}", Variant::WORDS.join(", ")),
            )
        })?;
        let literal = variant == Variant::Literal;
        let hardened = variant == Variant::Hardened;
        let read = Reader { given };
        let pick = |prototype, otherwise| if literal { prototype } else { otherwise };
        let without = read.without(variant)?;
        let timer = |name, default_s: u64| {
            let unlimited = literal && given.get(name).is_none();
            let span = read.integer(name, default_s * SECOND)?;
            Ok((!unlimited).then_some(Span(span)))
        };
        let mut params = Self {
            variant,
            clients: u8::try_from(read.integer("clients", 5)?).unwrap_or(u8::MAX),
            master_key: read.choice(
                "master_key",
                if literal {
                    MasterKey::Ascii
                } else {
                    MasterKey::Random
                },
            )?,
            kdf: read.choice("kdf", if literal { Kdf::Sha256 } else { Kdf::HkdfInfo })?,
            mac_key_bytes: read.mac_key_bytes()?,
            directions: read.directions()?,
            framing: read.choice("framing", Framing::Length32)?,
            max_frame: match given.get("max_frame") {
                None if literal => u32::MAX,
                _ => u32::try_from(read.integer("max_frame", 65_536)?).unwrap_or(u32::MAX),
            },
            response_timeout: timer("response_timeout", 5)?,
            frame_stall: timer("frame_stall", 5)?,
            evolve: read.choice("evolve", Evolve::OnSend)?,
            error_codes: read.choice(
                "error_codes",
                if literal {
                    ErrorCodes::Extended
                } else {
                    ErrorCodes::Base
                },
            )?,
            hello_in_active: read.choice("hello_in_active", HelloInActive::Restart)?,
            replace: read.choice(
                "replace",
                if literal {
                    Replace::BeforeVerify
                } else {
                    Replace::AfterVerify
                },
            )?,
            session_lookup: read.choice(
                "session_lookup",
                if literal {
                    SessionLookup::FrameId
                } else {
                    SessionLookup::Address
                },
            )?,
            numbers_max: usize::try_from(read.integer("numbers_max", 256)?).unwrap_or(usize::MAX),
            number_grammar: read.choice(
                "number_grammar",
                pick(NumberGrammar::Lenient, NumberGrammar::Strict),
            )?,
            response_form: read.choice("response_form", ResponseForm::Average)?,
            purge_on_hello: given.flag("purge_on_hello", !literal),
            rounds_kept: read.rounds_kept(literal)?,
            recovery: read.choice(
                "recovery",
                if hardened {
                    Recovery::Resend
                } else {
                    Recovery::Off
                },
            )?,
            resend_after: Span(read.integer("resend_after", 2 * SECOND)?),
            resend_factor: read.number("resend_factor", 2.0)?,
            resend_max: u32::try_from(read.integer("resend_max", 4)?).unwrap_or(u32::MAX),
            without,
            addresses_max: Some(ADDRESSES_MAX),
            wire: Wire::default(),
        };
        params.check_variant()?;
        params.leave_out();
        params.wire = Wire::new(&params);
        Ok(params)
    }

    /// Refuses values that contradict the machine of the variant.
    fn check_variant(&self) -> Result<(), ParameterError> {
        let fixed = |name: &str, value: &str| {
            Err(refuse(
                name,
                format!("`{}` fixes it to `{value}`", self.variant.word()),
                "leave it out, or choose the variant `as-published`".to_owned(),
            ))
        };
        match self.variant {
            Variant::Literal => {
                if self.error_codes != ErrorCodes::Extended {
                    return fixed("error_codes", "extended");
                }
                if self.hello_in_active != HelloInActive::Restart {
                    return fixed("hello_in_active", "restart");
                }
                if self.replace != Replace::BeforeVerify {
                    return fixed("replace", "before-verify");
                }
                if self.session_lookup != SessionLookup::FrameId {
                    return fixed("session_lookup", "frame-id");
                }
                if self.recovery != Recovery::Off {
                    return fixed("recovery", "off");
                }
            }
            Variant::Hardened => {
                if self.replace != Replace::AfterVerify {
                    return fixed("replace", "after-verify");
                }
                if self.session_lookup != SessionLookup::Address {
                    return fixed("session_lookup", "address");
                }
            }
            Variant::AsPublished | Variant::Broken => {}
        }
        Ok(())
    }

    /// Turns a defence that is a parameter off.
    fn leave_out(&mut self) {
        match self.without {
            Some(Defence::Replace) => self.replace = Replace::BeforeVerify,
            Some(Defence::Id | Defence::Header | Defence::Connection) => {
                self.session_lookup = SessionLookup::FrameId;
            }
            Some(Defence::Numbers) => {
                self.number_grammar = NumberGrammar::Lenient;
                self.purge_on_hello = false;
            }
            Some(Defence::Caps) => {
                self.rounds_kept = None;
                self.max_frame = u32::MAX;
                self.frame_stall = None;
                self.response_timeout = None;
                self.addresses_max = None;
            }
            _ => {}
        }
    }

    /// True for the variant of this name.
    pub(super) fn is(&self, variant: Variant) -> bool {
        self.variant == variant
    }

    /// True when `defence` is the one left out.
    pub(super) fn lacks(&self, defence: Defence) -> bool {
        self.without == Some(defence)
    }

    /// True when keys move at all.
    pub(super) const fn evolves(&self) -> bool {
        !matches!(
            self.without,
            Some(Defence::Ratchet | Defence::Freshness | Defence::Binding)
        )
    }

    /// True when step (3) of the verification is made.
    pub(super) const fn checks_round(&self) -> bool {
        !matches!(
            self.without,
            Some(Defence::Freshness | Defence::Binding | Defence::Header)
        )
    }

    /// True when step (4) of the verification is made.
    pub(super) const fn checks_direction(&self) -> bool {
        !matches!(self.without, Some(Defence::Binding | Defence::Header))
    }

    /// True when payloads are encrypted.
    pub(super) const fn encrypts(&self) -> bool {
        !matches!(self.without, Some(Defence::Cipher | Defence::Connection))
    }

    /// What the HMAC covers of everything before it.
    pub(super) fn covered<'a>(&self, signed: &'a [u8]) -> &'a [u8] {
        if self.lacks(Defence::Header) {
            return signed.get(HEADER_BYTES..).unwrap_or(&[]);
        }
        signed
    }

    /// True when a frame is so short that a receiver without a check of lengths reads beyond its end.
    pub(super) fn overruns(&self, frame: &[u8]) -> bool {
        self.lacks(Defence::Length) && frame.len() < FRAME_BYTES_MIN
    }

    /// True when step (2) of the verification is made.
    pub(super) fn checks_id(&self) -> bool {
        let lacks = matches!(
            self.without,
            Some(Defence::Id | Defence::Header | Defence::Connection)
        );
        !lacks && !self.is(Variant::Literal)
    }

    /// True when frames travel as records on a stream.
    pub(super) fn streams(&self) -> bool {
        self.framing == Framing::Length32
    }

    /// True when frames are repeated.
    pub(super) fn resends(&self) -> bool {
        self.recovery == Recovery::Resend
    }

    /// The values in force, in the order of [`PARAMS`].
    pub(super) fn settings(&self) -> Vec<(&'static str, String)> {
        let span = |span: Option<Span>| span.map_or_else(|| "off".to_owned(), duration);
        let value = |name| match name {
            "clients" => self.clients.to_string(),
            "master_key" => self.master_key.word().to_owned(),
            "kdf" => self.kdf.word().to_owned(),
            "mac_key_bytes" => format!("{}B", self.mac_key_bytes),
            "direction_codes" => format!("[{}, {}]", self.directions[0], self.directions[1]),
            "framing" => self.framing.word().to_owned(),
            "max_frame" => format!("{}B", self.max_frame),
            "response_timeout" => span(self.response_timeout),
            "frame_stall" => span(self.frame_stall),
            "evolve" => self.evolve.word().to_owned(),
            "error_codes" => self.error_codes.word().to_owned(),
            "hello_in_active" => self.hello_in_active.word().to_owned(),
            "replace" => self.replace.word().to_owned(),
            "session_lookup" => self.session_lookup.word().to_owned(),
            "numbers_max" => self.numbers_max.to_string(),
            "number_grammar" => self.number_grammar.word().to_owned(),
            "response_form" => self.response_form.word().to_owned(),
            "purge_on_hello" => self.purge_on_hello.to_string(),
            "rounds_kept" => self
                .rounds_kept
                .map_or_else(|| "all".to_owned(), |rounds| rounds.to_string()),
            "recovery" => self.recovery.word().to_owned(),
            "resend_after" => duration(self.resend_after),
            "resend_factor" => format!("{:?}", self.resend_factor),
            "resend_max" => self.resend_max.to_string(),
            _ => self.without.map_or("none", Choice::word).to_owned(),
        };
        PARAMS
            .iter()
            .map(|spec| (spec.name, value(spec.name)))
            .collect()
    }
}

/// A span in the scenario's notation, in the largest unit that keeps it whole.
fn duration(span: Span) -> String {
    let units = [
        ("h", HOUR),
        ("min", 60 * SECOND),
        ("s", SECOND),
        ("ms", 1_000_000),
        ("us", 1000),
    ];
    let whole = units
        .iter()
        .find(|(_, unit)| span.0 >= *unit && span.0.is_multiple_of(*unit));
    whole.map_or_else(
        || format!("{}ns", span.0),
        |(name, unit)| format!("{}{name}", span.0 / unit),
    )
}
