//! The word list of guessers: common words, each alone and with a number behind it.

use crate::parameter::{ParameterKind, ParameterSpec};

const WORDS: &[&str] = &[
    "password", "welcome", "dragon", "monkey", "sunshine", "princess", "football", "shadow",
    "master", "letmein", "iloveyou", "admin", "secret", "summer", "winter", "flower", "hello",
    "freedom", "whatever", "starwars",
];

/// How long the list is.
pub(super) const SIZE: ParameterSpec = ParameterSpec {
    name: "words",
    kind: ParameterKind::Integer {
        min: 1,
        max: 1_000_000,
    },
    default: "1000",
    help: "words in the list: 20 common ones, alone and with 1, 2, 3, .. behind them",
};

/// Parameters of guessers.
pub(super) const PARAMS: &[ParameterSpec] = &[SIZE];

/// The n-th word, from 0.
pub(super) fn word(n: u64) -> Vec<u8> {
    let count = WORDS.len() as u64;
    let base = WORDS[usize::try_from(n % count).unwrap_or(0)];
    match n / count {
        0 => base.as_bytes().to_vec(),
        number => format!("{base}{number}").into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn words_come_alone_first() {
        assert_eq!(word(2), b"dragon");
        assert_eq!(word(142), b"dragon7");
    }
}
