//! Loss models: independent losses, two-state and four-state chains, bit errors, recordings.
//!
//! The two-state chain is Gilbert–Elliott's: a good and a bad state with their own loss
//! probabilities. A chain steps once per packet or once per time slot. Between two packets that lie `k` slots apart the
//! exact `k`-step transition probability is used, so one draw suffices however long the silence.
//! The first state is drawn from the stationary law. Source of the closed forms: Gilbert (1960),
//! Elliott (1963).

mod bits;
mod four_state;

use std::sync::Arc;

pub use self::bits::BitErrors;
pub use self::four_state::{FourState, Intuitive, Transitions};
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
#[derive(Clone, PartialEq, Debug)]
pub enum LossModel {
    /// None is.
    None,
    /// Each with the same probability, independently.
    Bernoulli(Probability),
    /// By a two-state chain.
    Chain(TwoState),
    /// By a four-state chain.
    FourState(FourState),
    /// Whenever a bit is wrong.
    BitErrors(BitErrors),
    /// As in a recording: every transmission takes the next entry (`true`: lost), and after the
    /// last one the first again.
    Replay(Arc<[bool]>),
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
    /// Entries of a recording used so far.
    replayed: u64,
    started: bool,
    /// Two states: 1 is the bad one. Four states: their numbers less one.
    state: u8,
}

impl ChainState {
    /// Notes a packet at `at`, and says how many steps the chain has made since the last one;
    /// `None` for the first.
    fn advance_to(&mut self, step: ChainStep, at: SimTime) -> Option<u64> {
        let (slot, steps) = match step {
            ChainStep::Packet => (0, 1),
            ChainStep::Slot(length) => {
                // Frames of one sender may leave out of order where nothing queues; time that has
                // been accounted for stays so.
                let slot = (at.0 / length.0).max(self.slot);
                (slot, slot - self.slot)
            }
        };
        self.slot = slot;
        let first = !std::mem::replace(&mut self.started, true);
        (!first).then_some(steps)
    }

    /// The next entry of a recording, which must not be empty.
    pub(crate) fn next_of(&mut self, recording: &[bool]) -> bool {
        let index = (self.replayed % recording.len().max(1) as u64) as usize;
        self.replayed += 1;
        recording.get(index).copied().unwrap_or(false)
    }
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
        check_step(step)?;
        Ok(Self::Chain(TwoState {
            good_to_bad,
            bad_to_good,
            loss_good: probability("loss_good", loss_good)?,
            loss_bad: probability("loss_bad", loss_bad)?,
            step,
        }))
    }

    /// A four-state chain.
    ///
    /// # Errors
    /// As [`FourState::new`].
    pub fn four_state(transitions: Transitions, step: ChainStep) -> Result<Self, LawError> {
        FourState::new(transitions, step).map(Self::FourState)
    }

    /// A recording of losses, repeated from its start when it is used up.
    ///
    /// # Errors
    /// If it is empty.
    pub fn replay(lost: &[bool]) -> Result<Self, LawError> {
        if lost.is_empty() {
            return Err(LawError::Empty);
        }
        Ok(Self::Replay(lost.into()))
    }

    /// The long-run share of packets lost, if packets of `bytes` bytes come independently of the
    /// chain.
    #[must_use]
    pub fn mean(&self, bytes: u32) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Bernoulli(p) => p.value(),
            Self::Chain(chain) => {
                let bad = chain.stationary_bad();
                bad * chain.loss_bad.value() + (1.0 - bad) * chain.loss_good.value()
            }
            Self::FourState(chain) => chain.mean(),
            Self::BitErrors(errors) => errors.packet(bytes),
            Self::Replay(lost) => {
                lost.iter().filter(|&&lost| lost).count() as f64 / lost.len() as f64
            }
        }
    }

    /// Whether a direction must remember something from packet to packet.
    pub(crate) const fn has_state(&self) -> bool {
        matches!(self, Self::Chain(_) | Self::FourState(_) | Self::Replay(_))
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
        let stationary = self.stationary_bad();
        let bad = match state.advance_to(self.step, at) {
            None => Some(stationary),
            Some(0) => None,
            Some(steps) => {
                // Exact k-step transition: the deviation from the stationary law shrinks by the
                // second eigenvalue 1 - p - r with every step.
                let eigenvalue = 1.0 - self.good_to_bad - self.bad_to_good;
                let start = if state.state == 1 { 1.0 } else { 0.0 };
                Some(stationary + (start - stationary) * power(eigenvalue, steps))
            }
        };
        if let Some(bad) = bad {
            let probability = Probability::new(bad.clamp(0.0, 1.0)).unwrap_or_default();
            state.state = u8::from(probability.accepts(draw()));
        }
        if state.state == 1 {
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

fn check_step(step: ChainStep) -> Result<(), LawError> {
    if step == ChainStep::Slot(SimDuration::ZERO) {
        return Err(LawError::NotPositive {
            parameter: "slot",
            value: 0.0,
        });
    }
    Ok(())
}
