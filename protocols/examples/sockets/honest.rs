//! Plays an honest session on a stage: gives each command and waits for what completes it.
//!
//! A stage is anything that runs machines: real sockets, or a network in memory. Which outputs
//! complete a command is what the protocol declares about it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use protocols::Output;
use protocols::machine::Arg;
use protocols::output::{Scope, Tag};
use protocols::parameter::ParameterError;
use protocols::protocol::{Completion, Instance, Protocol};
use protocols::registry::find;
use protocols::roster::Roster;

use super::provision::full_mesh;
use super::sessions::{Session, Step, values};

/// What the parties of a stage let others see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A machine gave an output.
    Said(Output),
    /// A machine wrote durable storage.
    Stored,
}

/// Something that runs the parties of one world.
pub(crate) trait Stage {
    /// Gives command number `command` to `party`, about party `peer`.
    fn command(
        &mut self,
        party: usize,
        command: u8,
        peer: usize,
        args: &[Arg<'_>],
    ) -> Result<(), Failure>;

    /// Takes volatile state and timers from `party` and starts it again.
    fn power_cut(&mut self, party: usize) -> Result<(), Failure>;

    /// Runs all parties until `done` is true of the events so far, each handed over once; false
    /// when the stage's patience ends first.
    fn run_until(&mut self, done: &mut dyn FnMut(usize, &Event) -> bool) -> Result<bool, Failure>;
}

/// Why a session did not go as honest parties expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failure {}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<ParameterError> for Failure {
    fn from(error: ParameterError) -> Self {
        Self(error.to_string())
    }
}

/// A session's protocol with its parameters fixed, and who takes part.
#[derive(Clone)]
pub(crate) struct Cast {
    /// The protocol.
    pub(crate) protocol: &'static dyn Protocol,
    /// It with its parameters fixed.
    pub(crate) instance: Arc<dyn Instance>,
    /// The parties.
    pub(crate) roster: Roster,
}

impl Cast {
    /// The cast of `session`.
    pub(crate) fn new(session: &Session) -> Result<Self, Failure> {
        let unknown = |what: &str| Failure(format!("{}: no {what}", session.protocol));
        let protocol = find(session.protocol).ok_or_else(|| unknown("such protocol"))?;
        let instance = protocol.configure(session.variant, &values(session.params))?;
        let role = |name| {
            let place = (0..)
                .zip(protocol.roles())
                .find(|(_, role)| role.name == name);
            place.map(|(place, _)| place).ok_or_else(|| unknown(name))
        };
        let mut groups = Vec::new();
        for &(name, role_name, count, params) in session.groups {
            groups.push((name, role(role_name)?, count, values(params)));
        }
        Ok(Self {
            protocol,
            instance,
            roster: full_mesh(&groups),
        })
    }

    /// The number of a command that `party` takes.
    pub(crate) fn command(&self, party: usize, name: &str) -> Result<u8, Failure> {
        let role = self.roster.parties[party].role;
        (0..)
            .zip(self.protocol.commands())
            .find(|(_, command)| command.name == name && command.role == role)
            .map(|(number, _)| number)
            .ok_or_else(|| Failure(format!("party {party} takes no command `{name}`")))
    }

    /// How many acceptances and ends at each end complete `command` of `party`.
    fn wanted(&self, party: usize, command: u8) -> Wanted {
        let group = self.roster.parties[party].group as usize;
        let spec = &self.protocol.commands()[usize::from(command)];
        let completion = self.instance.completion(&self.roster, group, spec);
        let settings = self.instance.settings();
        let sessions = settings.iter().find(|(name, _)| *name == "sessions");
        let sessions = sessions.and_then(|(_, count)| count.parse().ok());
        Wanted {
            completion,
            sessions: sessions.unwrap_or(1),
        }
    }
}

/// What completes a step.
struct Wanted {
    completion: Completion,
    /// Sessions that one command runs, where it runs several.
    sessions: usize,
}

/// What the two ends of a step have said so far: initiator first.
#[derive(Default)]
struct Ends {
    accepted: [Vec<(Tag, Option<Tag>)>; 2],
    data: [usize; 2],
    ended: [usize; 2],
    stored: bool,
    refused: Option<&'static str>,
}

impl Ends {
    fn note(&mut self, end: usize, event: &Event) {
        match *event {
            Event::Stored => self.stored |= end == 0,
            Event::Said(output) => match output {
                Output::Accepted {
                    session, key_id, ..
                } => self.accepted[end].push((session, key_id)),
                Output::DataAccepted { .. } => self.data[end] += 1,
                Output::Ended { .. } => self.ended[end] += 1,
                Output::Rejected { scope, reason, .. } if end == 0 && scope != Scope::Frame => {
                    self.refused = Some(reason.word);
                }
                _ => {}
            },
        }
    }

    fn complete(&self, wanted: &Wanted) -> bool {
        let all = |counts: [usize; 2], least| counts.iter().all(|count| *count >= least);
        let accepted = [self.accepted[0].len(), self.accepted[1].len()];
        match wanted.completion {
            Completion::AcceptedBoth => all(accepted, 1),
            Completion::AcceptedInitiator => accepted[0] >= 1,
            Completion::DataAtInitiator => self.data[0] >= 1,
            Completion::DataAtResponder => self.data[1] >= 1,
            Completion::EndedBoth => all(self.ended, 1),
            Completion::SessionsBoth => {
                all(accepted, wanted.sessions) && all(self.ended, wanted.sessions)
            }
            Completion::StoredAtInitiator => self.stored,
            Completion::Handled => true,
            _ => false,
        }
    }

    /// Every session that the initiator accepted, the responder accepted too, with the same key
    /// where both name one.
    fn agree(&self) -> bool {
        let [initiator, responder] = &self.accepted;
        initiator.iter().all(|(session, key)| {
            let other = responder.iter().find(|(other, _)| other == session);
            other.is_some_and(|(_, other)| key.is_none() || other.is_none() || key == other)
        })
    }
}

/// Gives one command and waits until it is complete.
pub(crate) fn ask(
    cast: &Cast,
    stage: &mut impl Stage,
    party: usize,
    command: &str,
    peer: usize,
    args: &[Arg<'_>],
) -> Result<(), Failure> {
    let number = cast.command(party, command)?;
    let wanted = cast.wanted(party, number);
    let fail = |why: &str| Failure(format!("party {party}, {command}: {why}"));
    stage.command(party, number, peer, args)?;
    let mut ends = Ends::default();
    let mut look = |who: usize, event: &Event| {
        if who == party {
            ends.note(0, event);
        } else if who == peer {
            ends.note(1, event);
        }
        ends.complete(&wanted) || ends.refused.is_some()
    };
    // A command may be complete without a single event.
    let finished = wanted.completion == Completion::Handled || stage.run_until(&mut look)?;
    if let Some(reason) = ends.refused {
        return Err(fail(reason));
    }
    if !finished {
        return Err(fail("nothing more happens"));
    }
    let by_both = matches!(
        wanted.completion,
        Completion::AcceptedBoth | Completion::SessionsBoth
    );
    if by_both && !ends.agree() {
        return Err(fail("the ends accepted different sessions or keys"));
    }
    Ok(())
}

/// Plays one step.
pub(crate) fn play_step(cast: &Cast, stage: &mut impl Stage, step: &Step) -> Result<(), Failure> {
    match *step {
        Step::Ask {
            party,
            command,
            peer,
            args,
        } => ask(cast, stage, party, command, peer, args),
        Step::PowerCut(party) => stage.power_cut(party),
    }
}
