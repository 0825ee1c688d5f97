//! A session from fixed inputs: every message, output, store, random byte and intermediate value.
//!
//! **Where it sits.** `badlink transcript` reads [`Inputs`] and writes a [`Transcript`], both JSON,
//! so that an independent implementation can be held against the machines value by value. No
//! simulator takes part: the machines run over [`protocols::drive`].
//!
//! **Model.** Messages arrive at once and in order, unless the inputs lose them; computing takes no
//! time; timers expire while a step is not done, or when the inputs wait.
//!
//! **Determinism.** The transcript is a function of the inputs. Randomness comes from the inputs
//! alone; what is too short is an error, never filled up.

mod entropy;
mod input;
mod output;
mod scribe;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use protocols::drive::{self, DELIVERIES_MAX, Ending, Order, Pump};
use protocols::roster::Roster;
use protocols::storage::MemoryStorage;
use protocols::{Arg, LocalTime, Span};

use crate::diagnostic::{Diagnostics, listed, quoted, suggestions};
use crate::reader::read_protocol;
use crate::scenario::ProtocolChoice;

use self::entropy::{Given, GivenStreams, Log};
use self::input::{Action, Argument};
use self::scribe::Scribe;

pub use self::input::Inputs;
pub use self::output::Transcript;

/// What all clocks show at the start unless the inputs say otherwise: 2026-01-01T00:00:00Z.
const CLOCK_NS: u64 = 1_767_225_600_000_000_000;

/// Runs a session.
///
/// # Errors
///
/// A name that does not exist, a value that is refused, or randomness that does not suffice.
pub fn run(inputs: &Inputs) -> Result<Transcript, Diagnostics> {
    let choice = choose(inputs)?;
    let (protocol, instance) = (choice.protocol, &*choice.instance);
    let casts = inputs.casts(protocol)?;
    let roster = drive::roster(&casts);
    instance
        .check(&roster)
        .map_err(|error| Diagnostics::general(error.to_string(), error.hint))?;
    let names = Names::new(&roster);
    inputs.check_names(&names)?;

    let (storage, provisioned) = provision(inputs, &choice, &roster, &names)?;
    let log = Rc::new(RefCell::new(Log::default()));
    let entropies = inputs.entropies(&names, &log)?;
    let clock = LocalTime(inputs.clock_ns.unwrap_or(CLOCK_NS));
    let parties = storage.iter().cloned().zip(entropies);
    let mut pump = Pump::new(instance, &roster, parties, clock);
    for (name, clock_ns) in &inputs.clocks {
        pump.set_clock(names.party(name)?, LocalTime(*clock_ns));
    }
    inputs.lose.iter().for_each(|number| pump.lose(*number));
    pump.trace();

    let mut scribe = Scribe::new(&choice, &roster, &names, Rc::clone(&log), &inputs.lose);
    pump.start(&mut scribe);
    short(&log, &names)?;
    let mut steps = Vec::new();
    for step in &inputs.steps {
        steps.push(perform(
            step,
            &choice,
            &roster,
            &names,
            &mut pump,
            &mut scribe,
        )?);
        short(&log, &names)?;
    }
    let after: Vec<MemoryStorage> = (0..roster.parties.len())
        .map(|party| pump.storage(party).clone())
        .collect();
    Ok(scribe.finish(provisioned, &storage, &after, steps))
}

fn choose(inputs: &Inputs) -> Result<ProtocolChoice, Diagnostics> {
    let Some(name) = &inputs.protocol else {
        return Err(Diagnostics::general(
            "no protocol is named",
            format!(
                "add `protocol` to the inputs; there are {}",
                crate::costs::known()
            ),
        ));
    };
    read_protocol(name, inputs.variant.as_deref(), &inputs.params()?, "params")
}

/// The first storage of every party, and how many bytes of which stream it took.
fn provision(
    inputs: &Inputs,
    choice: &ProtocolChoice,
    roster: &Roster,
    names: &Names,
) -> Result<(Vec<MemoryStorage>, Vec<output::Drawn>), Diagnostics> {
    let given = inputs.storage(names)?;
    let mut streams = GivenStreams::new(inputs.streams()?);
    let complete = (0..roster.parties.len()).all(|party| given.contains_key(&party));
    let mut storage = if complete {
        vec![MemoryStorage::default(); roster.parties.len()]
    } else {
        let storage = drive::provision(&*choice.instance, roster, &mut streams);
        streams.check()?;
        storage
    };
    for (party, records) in given {
        storage[party] = records;
    }
    Ok((storage, streams.drawn()))
}

fn perform(
    step: &input::Step,
    choice: &ProtocolChoice,
    roster: &Roster,
    names: &Names,
    pump: &mut Pump<Given>,
    scribe: &mut Scribe<'_>,
) -> Result<output::Step, Diagnostics> {
    match step.action()? {
        Action::Wait(wait_ns) => {
            pump.settle(DELIVERIES_MAX, scribe);
            pump.wait(Span(wait_ns), DELIVERIES_MAX, scribe);
            Ok(output::Step::waited(wait_ns))
        }
        Action::Restart(restart) => {
            pump.restart(names.party(restart)?, scribe);
            pump.settle(DELIVERIES_MAX, scribe);
            Ok(output::Step::restarted(restart))
        }
        Action::Command {
            party,
            command,
            peer,
            args,
        } => {
            let index = names.party(party)?;
            let role = roster.parties[index].role;
            let found = (0..)
                .zip(choice.protocol.commands())
                .find(|(_, spec)| spec.name == command && spec.role == role);
            let Some((id, spec)) = found else {
                let known = choice.protocol.commands().iter();
                let known = known.filter(|spec| spec.role == role).map(|spec| spec.name);
                return Err(Diagnostics::general(
                    format!("{} knows no command {}", quoted(party), quoted(command)),
                    format!("its commands: {}", listed(known)),
                ));
            };
            let peer = match peer {
                Some(peer) => Some(names.party(peer)?),
                None => first_peer(roster, role, spec.peer),
            };
            if args.len() > spec.args.len() {
                let known = spec.args.iter().map(|(name, _)| *name);
                return Err(Diagnostics::general(
                    format!("{} takes {} arguments", quoted(command), spec.args.len()),
                    format!("its arguments: {}", listed(known)),
                ));
            }
            let args: Vec<Argument> = args
                .iter()
                .map(|arg| arg.argument())
                .collect::<Result<_, _>>()?;
            let args: Vec<Arg<'_>> = args.iter().map(Argument::as_arg).collect();
            let group = roster.parties[index].group as usize;
            let order = Order {
                party: index,
                peer,
                command: id,
                args: &args,
                done: choice.instance.completion(roster, group, spec),
            };
            let ending = pump.perform(&order, scribe);
            Ok(output::Step::command(party, command, ending_word(ending)))
        }
    }
}

fn ending_word(ending: Ending) -> String {
    match ending {
        Ending::Done => String::from("done"),
        Ending::Refused(reason) => format!("refused: {reason}"),
        Ending::Failed(reason) => format!("failed: {reason}"),
        Ending::Unfinished => String::from("unfinished"),
    }
}

/// The first party of the peer's role, or of any other role where the command names none.
fn first_peer(roster: &Roster, own: u8, peer: Option<u8>) -> Option<usize> {
    let fits = |role: u8| peer.map_or(role != own, |wanted| role == wanted);
    roster.parties.iter().position(|party| fits(party.role))
}

/// Reports randomness that was asked for and not given.
fn short(log: &RefCell<Log>, names: &Names) -> Result<(), Diagnostics> {
    let log = log.borrow();
    let Some(short) = &log.short else {
        return Ok(());
    };
    let party = names.of(short.party);
    Err(Diagnostics::general(
        format!(
            "the entropy of {} does not suffice: its request {} asks for {} bytes, {} are left",
            quoted(party),
            short.request,
            short.wanted,
            short.left
        ),
        format!(
            "give more bytes in `entropy.{party}`, or the endless stream {{\"stream\": \"LABEL\"}}"
        ),
    ))
}

/// The names of the parties: `group[member]`, and the group alone where it has one member.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    names: Vec<String>,
    places: BTreeMap<String, usize>,
}

impl Names {
    fn new(roster: &Roster) -> Self {
        let mut all = Self {
            names: Vec::new(),
            places: BTreeMap::new(),
        };
        for (index, party) in roster.parties.iter().enumerate() {
            let group = &roster.groups[party.group as usize];
            let name = format!("{}[{}]", group.name, party.member);
            if group.count == 1 {
                all.places.insert(group.name.clone(), index);
            }
            all.places.insert(name.clone(), index);
            all.names.push(name);
        }
        all
    }

    fn of(&self, party: usize) -> &str {
        &self.names[party]
    }

    fn party(&self, name: &str) -> Result<usize, Diagnostics> {
        self.places.get(name).copied().ok_or_else(|| {
            let known = self.names.iter().map(String::as_str);
            let [meant, list] = suggestions(name, "parties", known);
            let hint = if meant.is_empty() {
                list
            } else {
                format!("{meant} {list}")
            };
            Diagnostics::general(format!("there is no party {}", quoted(name)), hint)
        })
    }
}

#[cfg(test)]
mod tests;
