//! Parameters: what there is, the values of each variant, and checks.

use super::choice::{
    Choice, Defence, ErrorCodes, Evolve, Framing, HelloInActive, Kdf, MasterKey, NumberGrammar,
    Recovery, Replace, ResponseForm, SessionLookup, Variant,
};
use super::messages::{FRAME_BYTES_MIN, Wire};
use crate::parameter::{ParameterError, ParameterKind, ParameterSpec, Value, Values};
use crate::time::Span;

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3600 * SECOND;
/// Addresses that a server keeps track of.
const ADDRESSES_MAX: usize = 1024;
const ROUNDS_MAX: u64 = 1 << 20;
/// A timer of a tenth of a second to an hour.
const TIMER: ParameterKind = ParameterKind::Duration {
    min: SECOND / 10,
    max: HOUR,
    zero: None,
};

const fn spec(
    name: &'static str,
    kind: ParameterKind,
    default: &'static str,
    help: &'static str,
) -> ParameterSpec {
    ParameterSpec {
        name,
        kind,
        default,
        help,
    }
}

const fn whole(min: u64, max: u64) -> ParameterKind {
    ParameterKind::Integer { min, max }
}

const fn words<T: Choice>() -> ParameterKind {
    ParameterKind::Choice(T::WORDS)
}

/// Every parameter of the protocol, with the defaults of `as-published`.
pub(super) const PARAMS: &[ParameterSpec] = &[
    spec(
        "clients",
        whole(1, 255),
        "5",
        "authorised ids are 1 to this",
    ),
    spec(
        "master_key",
        words::<MasterKey>(),
        "random",
        "where the master keys come from",
    ),
    spec(
        "kdf",
        words::<Kdf>(),
        "hkdf-info",
        "reading of the key derivation",
    ),
    spec(
        "mac_key_bytes",
        ParameterKind::Bytes { min: 16, max: 32 },
        "16B",
        "length of the two MAC keys: 16 or 32",
    ),
    spec(
        "direction_codes",
        ParameterKind::Integers { min: 0, max: 2 },
        "[1, 2]",
        "byte for client to server and for server to client: [1, 2] or [0, 1]",
    ),
    spec(
        "framing",
        words::<Framing>(),
        "length32",
        "records on a stream, or datagrams",
    ),
    spec(
        "max_frame",
        ParameterKind::Bytes {
            min: FRAME_BYTES_MIN as u64,
            max: 65_536,
        },
        "65536B",
        "larger announced or received frames end the session",
    ),
    spec(
        "response_timeout",
        TIMER,
        "5s",
        "how long a client waits for an answer",
    ),
    spec(
        "frame_stall",
        TIMER,
        "5s",
        "age at which an incomplete record is discarded",
    ),
    spec(
        "evolve",
        words::<Evolve>(),
        "on-send",
        "when a sender moves its own keys",
    ),
    spec(
        "error_codes",
        words::<ErrorCodes>(),
        "base",
        "opcodes of error frames",
    ),
    spec(
        "hello_in_active",
        words::<HelloInActive>(),
        "restart",
        "meaning of a HELLO on an address with a live session",
    ),
    spec(
        "replace",
        words::<Replace>(),
        "after-verify",
        "when a HELLO displaces the live session of its id",
    ),
    spec(
        "session_lookup",
        words::<SessionLookup>(),
        "address",
        "how the server finds the session of a frame",
    ),
    spec(
        "numbers_max",
        whole(1, 1024),
        "256",
        "values in one CLIENT_DATA",
    ),
    spec(
        "number_grammar",
        words::<NumberGrammar>(),
        "strict",
        "what counts as a number",
    ),
    spec(
        "response_form",
        words::<ResponseForm>(),
        "average",
        "shape of the aggregate",
    ),
    spec(
        "purge_on_hello",
        ParameterKind::Bool,
        "true",
        "forget the stored values of an id when its new session starts",
    ),
    spec(
        "rounds_kept",
        ParameterKind::IntegerOrWord {
            min: 1,
            max: ROUNDS_MAX,
            word: "all",
        },
        "1024",
        "aggregation rounds kept; the lowest is dropped first",
    ),
    spec(
        "recovery",
        words::<Recovery>(),
        "off",
        "whether the client repeats lost frames",
    ),
    spec(
        "resend_after",
        TIMER,
        "2s",
        "wait before the first repetition",
    ),
    spec(
        "resend_factor",
        ParameterKind::Number {
            min: 1.0,
            max: 10.0,
        },
        "2.0",
        "each wait is this times the one before",
    ),
    spec(
        "resend_max",
        whole(0, 16),
        "4",
        "most repetitions of one frame",
    ),
    spec(
        "without",
        words::<Defence>(),
        "",
        "the defence that the broken twin leaves out",
    ),
];

/// Parameters of a client node.
pub(super) const CLIENT_PARAMS: &[ParameterSpec] = &[spec(
    "id",
    whole(1, 255),
    "",
    "client id; without it, the number of the node among all clients",
)];

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
            Some(Defence::Id) => self.session_lookup = SessionLookup::FrameId,
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
        !matches!(self.without, Some(Defence::Freshness | Defence::Binding))
    }

    /// True when step (2) of the verification is made.
    pub(super) fn checks_id(&self) -> bool {
        !self.lacks(Defence::Id) && !self.is(Variant::Literal)
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

/// A refusal of parameter `name`.
pub(super) fn refuse(name: &str, reason: String, hint: String) -> ParameterError {
    ParameterError {
        name: name.to_owned(),
        reason,
        hint,
    }
}

/// Reads typed values and checks them against [`PARAMS`].
struct Reader<'a> {
    given: &'a Values,
}

impl Reader<'_> {
    fn kind(name: &str) -> Option<ParameterKind> {
        PARAMS
            .iter()
            .find(|spec| spec.name == name)
            .map(|spec| spec.kind)
    }

    fn integer(&self, name: &str, default: u64) -> Result<u64, ParameterError> {
        let Some(given) = self.given.get(name) else {
            return Ok(default);
        };
        let (min, max) = match Self::kind(name) {
            Some(
                ParameterKind::Integer { min, max }
                | ParameterKind::Bytes { min, max }
                | ParameterKind::Duration { min, max, .. }
                | ParameterKind::IntegerOrWord { min, max, .. },
            ) => (min, max),
            _ => (0, u64::MAX),
        };
        match given {
            Value::Integer(value) if (min..=max).contains(value) => Ok(*value),
            _ => Err(refuse(
                name,
                "is out of range".to_owned(),
                format!("{min} to {max}"),
            )),
        }
    }

    fn number(&self, name: &str, default: f64) -> Result<f64, ParameterError> {
        let value = self.given.number(name, default);
        match Self::kind(name) {
            Some(ParameterKind::Number { min, max }) if !(min..=max).contains(&value) => {
                Err(refuse(
                    name,
                    "is out of range".to_owned(),
                    format!("{min} to {max}"),
                ))
            }
            _ => Ok(value),
        }
    }

    fn choice<T: Choice>(&self, name: &str, default: T) -> Result<T, ParameterError> {
        let word = match self.given.get(name) {
            None => return Ok(default),
            Some(Value::Text(word)) => word.as_str(),
            Some(_) => "",
        };
        T::parse(word).ok_or_else(|| {
            refuse(
                name,
                "is none of the words".to_owned(),
                format!("one of {}", T::WORDS.join(", ")),
            )
        })
    }

    fn without(&self, variant: Variant) -> Result<Option<Defence>, ParameterError> {
        match (variant, self.given.get("without")) {
            (Variant::Broken, _) => self.choice("without", Defence::Mac).map(Some),
            (_, None | Some(Value::None)) => Ok(None),
            _ => Err(refuse(
                "without",
                format!("`{}` leaves no defence out", variant.word()),
                "choose the variant `broken`".to_owned(),
            )),
        }
    }

    fn mac_key_bytes(&self) -> Result<usize, ParameterError> {
        match self.integer("mac_key_bytes", 16)? {
            16 => Ok(16),
            32 => Ok(32),
            _ => Err(refuse(
                "mac_key_bytes",
                "has two possible values".to_owned(),
                "16B or 32B".to_owned(),
            )),
        }
    }

    fn directions(&self) -> Result<[u8; 2], ParameterError> {
        match self.given.get("direction_codes") {
            None => Ok([1, 2]),
            Some(Value::Integers(codes)) if codes == &[1, 2] => Ok([1, 2]),
            Some(Value::Integers(codes)) if codes == &[0, 1] => Ok([0, 1]),
            Some(_) => Err(refuse(
                "direction_codes",
                "has two possible values".to_owned(),
                "[1, 2] or [0, 1]".to_owned(),
            )),
        }
    }

    fn rounds_kept(&self, literal: bool) -> Result<Option<u32>, ParameterError> {
        match self.given.get("rounds_kept") {
            None if literal => Ok(None),
            Some(Value::None) => Ok(None),
            Some(Value::Text(word)) if word == "all" => Ok(None),
            _ => {
                let rounds = self.integer("rounds_kept", 1024)?;
                Ok(Some(u32::try_from(rounds).unwrap_or(u32::MAX)))
            }
        }
    }
}
