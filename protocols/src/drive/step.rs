//! One command, driven until its step is done.

use super::pump::Pump;
use super::witness::{Call, Witness};
use crate::effect::Effect;
use crate::entropy::Entropy;
use crate::machine::{Arg, Command};
use crate::output::{Output, Reason, Scope};
use crate::protocol::Completion;

/// Most deliveries between two timers.
pub const DELIVERIES_MAX: u32 = 100_000;

/// Most timers that may expire within one step.
const TIMERS_MAX: u32 = 10_000;

/// A command to a party.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Index of the party that gets it.
    pub party: usize,
    /// Index of the party that it is about, where it is about one.
    pub peer: Option<usize>,
    /// Its number in the protocol's list.
    pub command: u8,
    /// Its arguments.
    pub args: &'a [Arg<'a>],
    /// What completes its step.
    pub done: Completion,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Done,
    /// The command was refused.
    Refused(Reason),
    /// The attempt was rejected at the initiator.
    Failed(Reason),
    /// Nothing more happens, and the step is not done.
    Unfinished,
}

impl<E: Entropy> Pump<E> {
    /// Gives a command, delivers what is on its way, and lets timers expire until the step is done,
    /// refused or failed, or no timer is armed. Whatever is on its way then is delivered.
    pub fn perform(&mut self, order: &Order<'_>, witness: &mut dyn Witness) -> Ending {
        let mut judge = Judge {
            order,
            ends: [End::default(); 2],
            stored: false,
            stopped: None,
            witness,
        };
        let command = Command {
            id: order.command,
            peer: order.peer.map(|peer| self.address(peer)),
            args: order.args,
        };
        self.command(order.party, command, &mut judge);
        self.settle(DELIVERIES_MAX, &mut judge);
        for _ in 0..TIMERS_MAX {
            if let Some(ending) = judge.ending() {
                return ending;
            }
            if !self.fire_next(&mut judge) {
                break;
            }
            self.settle(DELIVERIES_MAX, &mut judge);
        }
        judge.ending().unwrap_or(Ending::Unfinished)
    }
}

/// What one end has said since the command.
#[derive(Clone, Copy, Debug, Default)]
struct End {
    accepted: u32,
    ended: u32,
    data: u32,
}

/// Judges from the outputs of both ends whether the step is done.
struct Judge<'a> {
    order: &'a Order<'a>,
    /// The initiator, then its peer.
    ends: [End; 2],
    /// The initiator wrote durably.
    stored: bool,
    stopped: Option<Ending>,
    witness: &'a mut dyn Witness,
}

impl Judge<'_> {
    fn ending(&self) -> Option<Ending> {
        let [own, far] = &self.ends;
        let done = match self.order.done {
            Completion::AcceptedBoth => own.accepted > 0 && far.accepted > 0,
            Completion::AcceptedInitiator => own.accepted > 0,
            Completion::DataAtInitiator => own.data > 0,
            Completion::DataAtResponder => far.data > 0,
            Completion::EndedBoth => own.ended > 0 && far.ended > 0,
            // Every session that the initiator opened has ended at both ends.
            Completion::SessionsBoth => {
                own.ended > 0 && far.ended >= own.ended && own.ended >= own.accepted
            }
            Completion::StoredAtInitiator => self.stored,
            Completion::Handled => true,
        };
        self.stopped.or_else(|| done.then_some(Ending::Done))
    }

    fn note(&mut self, end: usize, output: &Output) {
        let state = &mut self.ends[end];
        match output {
            Output::Accepted { .. } => state.accepted += 1,
            Output::Ended { .. } => state.ended += 1,
            Output::DataAccepted { .. } => state.data += 1,
            Output::Rejected { scope, reason, .. } if end == 0 => match scope {
                Scope::Command => self.stopped = Some(Ending::Refused(*reason)),
                Scope::Attempt => self.stopped = Some(Ending::Failed(*reason)),
                Scope::Frame => {}
            },
            _ => {}
        }
    }
}

impl Witness for Judge<'_> {
    fn saw(&mut self, call: &Call<'_>) {
        let end = if call.party == self.order.party {
            Some(0)
        } else {
            (Some(call.party) == self.order.peer).then_some(1)
        };
        if let Some(end) = end {
            for effect in call.effects.iter() {
                match effect {
                    Effect::Output(output) => self.note(end, &output),
                    Effect::Store { .. } => self.stored |= end == 0,
                    _ => {}
                }
            }
        }
        self.witness.saw(call);
    }
}
