//! Loss models: independent losses and two-state chains.
//!
//! The chain is Gilbert–Elliott's: a good and a bad state with their own loss probabilities. It
//! steps once per packet or once per time slot. Between two packets that lie `k` slots apart the
//! exact `k`-step transition probability is used, so one draw suffices however long the silence.
//! The first state is drawn from the stationary law. Source of the closed forms: Gilbert (1960),
//! Elliott (1963).

use crate::law::LawError;
use crate::rng::Probability;
use crate::time::{SimDuration, SimTime};

/// When a burst-loss chain makes a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChainStep {
    /// With every packet.
    Packet,
    /// With every time slot of this length, which must not be zero, counted from the start of the
    /// run.
    Slot(SimDuration),
}

/// How packets are lost.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum LossModel {
    /// None is.
    None,
    /// Each with the same probability, independently.
    Bernoulli(Probability),
    /// By a two-state chain.
    Chain(TwoState),
}

/// A two-state chain with a loss probability per state.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TwoState {
    good_to_bad: f64,
    bad_to_good: f64,
    loss_good: Probability,
    loss_bad: Probability,
    step: ChainStep,
}

/// The state of one link direction's chain. It belongs to the link, not to a packet.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct ChainState {
    /// Number of the slot up to which the chain was advanced.
    slot: u64,
    started: bool,
    bad: bool,
}

impl LossModel {
    /// Independent losses with probability `p`.
    ///
    /// # Errors
    /// If `p` is not a probability.
    pub fn bernoulli(p: f64) -> Result<Self, LawError> {
        let probability = probability("loss", p)?;
        Ok(if probability.is_never() {
            Self::None
        } else {
            Self::Bernoulli(probability)
        })
    }

    /// Gilbert's simple model: every packet of the bad state is lost, none of the good state.
    ///
    /// The long-run loss is `p / (p + r)`, the mean loss run `1 / r`.
    ///
    /// # Errors
    /// As [`LossModel::gilbert_elliott`].
    pub fn gilbert(p: f64, r: f64, step: ChainStep) -> Result<Self, LawError> {
        Self::gilbert_elliott(p, r, 0.0, 1.0, step)
    }

    /// Gilbert–Elliott with transition probabilities and loss probabilities per state.
    ///
    /// # Errors
    /// If an argument is not a probability, both transitions are zero (the chain would have no
    /// stationary law), or the slot is empty.
    pub fn gilbert_elliott(
        good_to_bad: f64,
        bad_to_good: f64,
        loss_good: f64,
        loss_bad: f64,
        step: ChainStep,
    ) -> Result<Self, LawError> {
        probability("good_to_bad", good_to_bad)?;
        probability("bad_to_good", bad_to_good)?;
        if good_to_bad + bad_to_good <= 0.0 {
            return Err(LawError::NotPositive {
                parameter: "good_to_bad",
                value: good_to_bad,
            });
        }
        if step == ChainStep::Slot(SimDuration::ZERO) {
            return Err(LawError::NotPositive {
                parameter: "slot",
                value: 0.0,
            });
        }
        Ok(Self::Chain(TwoState {
            good_to_bad,
            bad_to_good,
            loss_good: probability("loss_good", loss_good)?,
            loss_bad: probability("loss_bad", loss_bad)?,
            step,
        }))
    }

    /// The long-run share of packets lost, if packets come independently of the chain.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Bernoulli(p) => p.value(),
            Self::Chain(chain) => {
                let bad = chain.stationary_bad();
                bad * chain.loss_bad.value() + (1.0 - bad) * chain.loss_good.value()
            }
        }
    }
}

impl TwoState {
    fn stationary_bad(&self) -> f64 {
        self.good_to_bad / (self.good_to_bad + self.bad_to_good)
    }

    /// Advances the chain to a packet at `at` and returns the packet's loss probability.
    ///
    /// `draw` is asked for at most once, and not at all if the state cannot have changed.
    pub(crate) fn advance(
        &self,
        state: &mut ChainState,
        at: SimTime,
        draw: impl FnOnce() -> u64,
    ) -> Probability {
        let (slot, steps) = match self.step {
            ChainStep::Packet => (0, 1),
            ChainStep::Slot(length) => {
                // Packets of other senders may be offered out of order around a tap; time that has
                // been accounted for stays so.
                let slot = (at.0 / length.0).max(state.slot);
                (slot, slot - state.slot)
            }
        };
        let stationary = self.stationary_bad();
        let bad = if !state.started {
            Some(stationary)
        } else if steps == 0 {
            None
        } else {
            // Exact k-step transition: the deviation from the stationary law shrinks by the second
            // eigenvalue 1 - p - r with every step.
            let eigenvalue = 1.0 - self.good_to_bad - self.bad_to_good;
            let start = if state.bad { 1.0 } else { 0.0 };
            Some(stationary + (start - stationary) * power(eigenvalue, steps))
        };
        if let Some(bad) = bad {
            let probability = Probability::new(bad.clamp(0.0, 1.0)).unwrap_or_default();
            state.bad = probability.accepts(draw());
        }
        state.started = true;
        state.slot = slot;
        if state.bad {
            self.loss_bad
        } else {
            self.loss_good
        }
    }
}

/// `base` to a whole power by squaring: exact in its order of operations on every machine.
fn power(mut base: f64, mut exponent: u64) -> f64 {
    let mut result = 1.0;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= base;
        }
        base *= base;
        exponent >>= 1;
    }
    result
}

fn probability(parameter: &'static str, value: f64) -> Result<Probability, LawError> {
    Probability::new(value).ok_or(LawError::NotProbability { parameter, value })
}
