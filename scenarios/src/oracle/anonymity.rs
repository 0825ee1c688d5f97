//! Anonymity: a game of guessing who sent what.
//!
//! Parties that are configured alike act in random order, and the adversary guesses, round by round,
//! which of them a frame came from, or whether two frames came from the same. Guessing wins when it
//! is right more often than the best constant answer would be, beyond chance.

use crate::host::attempt::AttemptId;
use reports::statistics::proportion::clopper_pearson;

/// Fewest rounds of a game.
pub const ROUNDS_MIN: u64 = 100;

/// Level of the interval.
const LEVEL: f64 = 0.95;

/// The oracle of anonymity, for one adversary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anonymity {
    /// Guesses.
    pub rounds: u64,
    /// Right ones.
    pub right: u64,
    /// Rounds whose answer is "the same", or the host that was asked about least.
    pub same: u64,
    /// When the first right guess was made, ns.
    pub first_ns: Option<u64>,
    /// The session of the frame that it was about.
    pub first_session: Option<AttemptId>,
}

impl Anonymity {
    /// A round: what was guessed, and what is true.
    pub fn guess(&mut self, at_ns: u64, session: AttemptId, guess: bool, truth: bool) {
        self.rounds += 1;
        self.same += u64::from(truth);
        if guess == truth {
            self.right += 1;
            self.first_ns.get_or_insert(at_ns);
            self.first_session.get_or_insert(session);
        }
    }

    /// True when there were enough rounds to judge.
    #[must_use]
    pub const fn is_played(&self) -> bool {
        self.rounds >= ROUNDS_MIN
    }

    /// True when the guesses beat both one half and the best constant answer.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        reason = "rounds of a game stay far below 2^53"
    )]
    pub fn is_beaten(&self) -> bool {
        if !self.is_played() {
            return false;
        }
        let constant = self.same.max(self.rounds - self.same) as f64 / self.rounds as f64;
        clopper_pearson(self.right, self.rounds, LEVEL)
            .is_some_and(|interval| interval.low > constant.max(0.5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn game(rounds: u64, guess: impl Fn(u64) -> bool, truth: impl Fn(u64) -> bool) -> Anonymity {
        let mut game = Anonymity::default();
        (0..rounds)
            .for_each(|round| game.guess(round, AttemptId::NONE, guess(round), truth(round)));
        game
    }

    #[test]
    fn knowing_wins_and_guessing_does_not() {
        let coin = |round: u64| (round * 2_654_435_761) >> 7 & 1 == 1;
        assert!(game(100, coin, coin).is_beaten());
        assert!(!game(99, coin, coin).is_beaten(), "too few rounds");
        assert!(!game(400, |round| coin(round + 1), coin).is_beaten());
    }

    #[test]
    fn a_constant_answer_wins_nothing_even_where_it_is_mostly_right() {
        assert!(!game(1000, |_| true, |round| round % 10 != 0).is_beaten());
    }
}
