//! The four-state Markov model of losses ("general and intuitive").
//!
//! | state | meaning | packet |
//! |---|---|---|
//! | 1 | good, in a gap | received |
//! | 2 | good, within a burst | received |
//! | 3 | bad, within a burst | lost |
//! | 4 | bad, isolated in a gap | lost |
//!
//! Transitions: 1→3 `p13`, 1→4 `p14`, 3→1 `p31`, 3→2 `p32`, 2→3 `p23`, 4→1 always; a state is kept
//! with what is left of 1. With the weight of state 1 set to 1 the long-run weights are
//! `w3 = p13 / p31`, `w2 = w3 p32 / p23`, `w4 = p14`. Source: Salsano, Ludovici, Ordine, Giannuzzi,
//! "Definition of a general and intuitive loss model for packet networks", 2012.

use super::{ChainState, ChainStep, probability};
use crate::law::{LawError, unit_open};
use crate::time::SimTime;

/// States in the order of their numbers, from 0.
const STATES: usize = 4;

type Matrix = [[f64; STATES]; STATES];

/// The transition probabilities of the model.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Transitions {
    /// From a gap into a burst.
    pub p13: f64,
    /// From a burst's loss into a gap.
    pub p31: f64,
    /// From a burst's loss to a packet received within the burst.
    pub p32: f64,
    /// From there back to a loss.
    pub p23: f64,
    /// From a gap to an isolated loss.
    pub p14: f64,
}

/// The five parameters that say what one sees.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Intuitive {
    /// Long-run share of packets lost.
    pub loss: f64,
    /// Mean length of a burst, packets, those received in it included.
    pub burst: f64,
    /// Share of losses within a burst.
    pub density: f64,
    /// Probability that a packet in a gap is an isolated loss.
    pub isolated: f64,
    /// Mean number of packets received in a row within a burst.
    pub good_run: f64,
}

/// A checked four-state chain.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FourState {
    matrix: Matrix,
    /// The long-run law.
    stationary: [f64; STATES],
    step: ChainStep,
}

impl Intuitive {
    /// The transition probabilities with these properties.
    ///
    /// # Errors
    /// If no transition probabilities have them.
    pub fn transitions(&self) -> Result<Transitions, LawError> {
        let Self {
            loss,
            burst,
            density,
            isolated,
            good_run,
        } = *self;
        probability("loss", loss)?;
        probability("density", density)?;
        probability("isolated", isolated)?;
        for (parameter, value) in [("burst", burst), ("good_run", good_run)] {
            if !value.is_finite() || value < 1.0 {
                return Err(LawError::NotPositive { parameter, value });
            }
        }
        if loss < isolated || density <= loss {
            return Err(LawError::Order {
                low: if loss < isolated { "isolated" } else { "loss" },
                high: if loss < isolated { "loss" } else { "density" },
            });
        }
        let transitions = Transitions {
            p13: (loss - isolated) / (burst * (1.0 - isolated) * (density - loss)),
            p31: 1.0 / (density * burst),
            p32: (1.0 - density) / (density * good_run),
            p23: 1.0 / good_run,
            p14: isolated / (1.0 - isolated),
        };
        transitions.check()?;
        Ok(transitions)
    }
}

impl Transitions {
    fn check(&self) -> Result<(), LawError> {
        let Self {
            p13,
            p31,
            p32,
            p23,
            p14,
        } = *self;
        for (parameter, value) in [
            ("p13", p13),
            ("p31", p31),
            ("p32", p32),
            ("p23", p23),
            ("p14", p14),
            ("p13 + p14", p13 + p14),
            ("p31 + p32", p31 + p32),
        ] {
            probability(parameter, value)?;
        }
        // States that are entered and never left would swallow the chain.
        if p13 > 0.0 && p31 <= 0.0 {
            return Err(LawError::NotPositive {
                parameter: "p31",
                value: p31,
            });
        }
        if p13 > 0.0 && p32 > 0.0 && p23 <= 0.0 {
            return Err(LawError::NotPositive {
                parameter: "p23",
                value: p23,
            });
        }
        Ok(())
    }
}

impl FourState {
    /// A chain with these transitions.
    ///
    /// # Errors
    /// If one is no probability, two that leave the same state exceed 1 together, or a state can be
    /// entered and never left.
    pub fn new(transitions: Transitions, step: ChainStep) -> Result<Self, LawError> {
        transitions.check()?;
        super::check_step(step)?;
        let Transitions {
            p13,
            p31,
            p32,
            p23,
            p14,
        } = transitions;
        let matrix = [
            [1.0 - p13 - p14, 0.0, p13, p14],
            [0.0, 1.0 - p23, p23, 0.0],
            [p31, p32, 1.0 - p31 - p32, 0.0],
            [1.0, 0.0, 0.0, 0.0],
        ];
        let bad = if p13 > 0.0 { p13 / p31 } else { 0.0 };
        let pause = if bad > 0.0 && p32 > 0.0 {
            bad * p32 / p23
        } else {
            0.0
        };
        let sum = 1.0 + pause + bad + p14;
        Ok(Self {
            matrix,
            stationary: [1.0 / sum, pause / sum, bad / sum, p14 / sum],
            step,
        })
    }

    /// Long-run share of packets lost.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.stationary[2] + self.stationary[3]
    }

    /// Advances the chain to a packet at `at`; returns whether the packet is lost.
    pub(crate) fn advance(
        &self,
        state: &mut ChainState,
        at: SimTime,
        draw: impl FnOnce() -> u64,
    ) -> bool {
        let steps = state.advance_to(self.step, at);
        let law = match steps {
            None => Some(self.stationary),
            Some(0) => None,
            Some(steps) => Some(self.after(usize::from(state.state), steps)),
        };
        if let Some(law) = law {
            state.state = pick(&law, unit_open(draw()));
        }
        state.state >= 2
    }

    /// The law of the state `steps` steps after `from`: the row of the matrix' power.
    fn after(&self, from: usize, mut steps: u64) -> [f64; STATES] {
        if steps == 1 {
            return self.matrix[from];
        }
        let mut row = [0.0; STATES];
        row[from] = 1.0;
        let mut power = self.matrix;
        loop {
            if steps & 1 == 1 {
                row = through(&row, &power);
            }
            steps >>= 1;
            if steps == 0 {
                return row;
            }
            power = power.map(|line| through(&line, &power));
        }
    }
}

/// The row vector `row` times `matrix`.
fn through(row: &[f64; STATES], matrix: &Matrix) -> [f64; STATES] {
    let mut result = [0.0; STATES];
    for (weight, line) in row.iter().zip(matrix) {
        for (sum, value) in result.iter_mut().zip(line) {
            *sum += weight * value;
        }
    }
    result
}

/// The state that `u` from (0, 1) falls into; states without weight are never picked.
fn pick(law: &[f64; STATES], u: f64) -> u8 {
    let mut below = 0.0;
    let mut last = 0;
    for (state, weight) in (0u8..).zip(law) {
        if *weight <= 0.0 {
            continue;
        }
        below += weight;
        if u < below {
            return state;
        }
        last = state;
    }
    last
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The example of the literature: .02/.3/.1/.4/.01 loses 7.0122 %.
    const EXAMPLE: Transitions = Transitions {
        p13: 0.02,
        p31: 0.3,
        p32: 0.1,
        p23: 0.4,
        p14: 0.01,
    };

    #[test]
    fn the_long_run_loss_is_the_closed_form() {
        let chain = FourState::new(EXAMPLE, ChainStep::Packet).unwrap();
        assert!(
            (chain.mean() - 0.070_122_0).abs() < 1e-7,
            "{}",
            chain.mean()
        );
        // The long-run law is kept by a step, and by many.
        let after = through(&chain.stationary, &chain.matrix);
        for (one, other) in after.iter().zip(&chain.stationary) {
            assert!((one - other).abs() < 1e-15);
        }
        for (one, other) in chain.after(2, 1_000_000).iter().zip(&chain.stationary) {
            assert!((one - other).abs() < 1e-9);
        }
    }

    #[test]
    fn many_steps_at_once_are_the_steps_one_by_one() {
        let chain = FourState::new(EXAMPLE, ChainStep::Packet).unwrap();
        let mut row = [0.0, 1.0, 0.0, 0.0];
        for steps in 1..40 {
            row = through(&row, &chain.matrix);
            for (one, other) in chain.after(1, steps).iter().zip(&row) {
                assert!((one - other).abs() < 1e-14, "{steps}");
            }
        }
    }

    #[test]
    fn the_intuitive_parameters_come_back() {
        let wanted = Intuitive {
            loss: 0.05,
            burst: 10.0,
            density: 0.7,
            isolated: 0.01,
            good_run: 2.0,
        };
        let found = wanted.transitions().unwrap();
        let chain = FourState::new(found, ChainStep::Packet).unwrap();
        assert!((chain.mean() - 0.05).abs() < 1e-12, "{}", chain.mean());
        let burst = (1.0 / found.p31) * (1.0 + found.p32 / found.p23);
        assert!((burst - 10.0).abs() < 1e-12, "{burst}");
        let [_, pause, bad, _] = chain.stationary;
        assert!((bad / (bad + pause) - 0.7).abs() < 1e-12);
    }

    #[test]
    fn refuses_chains_that_are_none_or_never_come_back() {
        let refused = |transitions| FourState::new(transitions, ChainStep::Packet).is_err();
        assert!(refused(Transitions {
            p13: 0.6,
            p14: 0.5,
            ..EXAMPLE
        }));
        assert!(refused(Transitions {
            p31: 0.0,
            ..EXAMPLE
        }));
        assert!(refused(Transitions {
            p23: 0.0,
            ..EXAMPLE
        }));
        assert!(refused(Transitions {
            p31: 0.8,
            p32: 0.3,
            ..EXAMPLE
        }));
        assert!(!refused(Transitions {
            p13: 0.0,
            p31: 0.0,
            p23: 0.0,
            ..EXAMPLE
        }));
        let contrary = Intuitive {
            loss: 0.5,
            burst: 2.0,
            density: 0.4,
            isolated: 0.0,
            good_run: 1.0,
        };
        assert!(contrary.transitions().is_err());
    }
}
