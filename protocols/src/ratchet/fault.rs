//! What can be wrong with a frame, and how the server says so to the peer (section 6).

use super::choice::ErrorCodes;
use super::messages::{DESYNC, TERMINATE};
use crate::output::{Place, Reason};

/// Why a frame was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The decoder refused this place.
    Malformed(Place),
    /// The client id is not the session's.
    Id,
    /// The round is lower than expected.
    RoundLow,
    /// The round is higher than expected.
    RoundHigh,
    /// The direction is legal, but not for a frame to this end.
    Direction,
    /// The HMAC is wrong.
    Mac,
    /// The ciphertext is no whole number of blocks, and that was noticed after the HMAC only.
    Blocks,
    /// The padding is wrong.
    Padding,
    /// The list of numbers is refused.
    Number,
    /// The opcode is not legal here.
    Opcode,
    /// There is no round after the last one.
    RoundLimit,
}

impl Fault {
    /// The reason word that travels in an error frame.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Malformed(place) => place.field,
            Self::Id => "client",
            Self::RoundLow | Self::RoundHigh => "round",
            Self::Direction => "direction",
            Self::Mac => "mac",
            Self::Blocks => "ciphertext",
            Self::Padding => "padding",
            Self::Number => "number",
            Self::Opcode => "opcode",
            Self::RoundLimit => "round-limit",
        }
    }

    /// The reason as observers see it: the failed step of the verification.
    pub(super) const fn reason(self) -> Reason {
        match self {
            Self::Malformed(place) => Reason::malformed(place),
            Self::Id => Reason::new("id"),
            other => Reason::new(other.word()),
        }
    }

    /// The opcode of the error frame.
    pub(super) fn opcode(self, codes: ErrorCodes) -> u8 {
        match (codes, self, self.word()) {
            (ErrorCodes::Base, _, "round" | "mac") => DESYNC,
            (ErrorCodes::Extended, Self::RoundLow, _) => 52,
            (ErrorCodes::Extended, Self::RoundHigh, _) => 53,
            (ErrorCodes::Extended, _, "mac") => 51,
            (ErrorCodes::Extended, _, "ciphertext") => 54,
            (ErrorCodes::Extended, _, "direction") => 55,
            _ => TERMINATE,
        }
    }

    /// Appends the payload of the error frame.
    pub(super) fn write(self, codes: ErrorCodes, out: &mut Vec<u8>) {
        let opcode = self.opcode(codes);
        if let Some((_, text, width)) = TEXTS.iter().find(|(known, ..)| *known == opcode) {
            out.extend_from_slice(text.as_bytes());
            out.resize(out.len() + width.saturating_sub(text.len()), b' ');
            return;
        }
        if codes == ErrorCodes::Extended && self != Self::RoundLimit {
            out.extend_from_slice(b"Error: ");
        }
        out.extend_from_slice(self.word().as_bytes());
    }
}

/// Texts of the extended codes, filled with spaces on the right to the prototype's lengths.
const TEXTS: &[(u8, &str, usize)] = &[
    (51, "message authentication code does not match", 80),
    (52, "round number is lower than expected", 64),
    (53, "round number is higher than expected", 48),
    (54, "ciphertext is not a whole number of blocks", 48),
    (55, "direction byte is not the expected one", 80),
];

/// The prototype's answer to any opcode but HELLO and DATA.
pub(super) const PROTOTYPE_OPCODE_TEXT: &[u8] = b"Illegal opcode";

/// What a verified error or TERMINATE frame says, as one of the words of section 6.
pub(super) fn peer_word(opcode: u8, payload: &[u8]) -> &'static str {
    match opcode {
        51 => return "mac",
        52 | 53 => return "round",
        54 => return "ciphertext",
        55 => return "direction",
        _ => {}
    }
    let word = payload.strip_prefix(b"Error: ").unwrap_or(payload);
    let known = WORDS.iter().find(|known| known.as_bytes() == word);
    known.copied().unwrap_or(match opcode {
        DESYNC | TERMINATE => "terminated",
        _ => "opcode",
    })
}

const WORDS: &[&str] = &[
    "round",
    "mac",
    "length",
    "ciphertext",
    "opcode",
    "direction",
    "client",
    "padding",
    "number",
    "round-limit",
    "done",
];
