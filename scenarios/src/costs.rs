//! What a protocol costs, counted by the code that runs: operations per role and phase, bits per
//! message, durable storage and writes, and with a device profile time and energy.
//!
//! **Where it sits.** `badlink costs` measures and shows. Nothing is simulated: one party of each
//! role runs one honest pass through all phases ([`protocols::drive`]), and everything counted is
//! what its meter counted.
//!
//! **Model.** Costs are those of an honest pass without loss, resends or adversary. Time is the sum
//! of the operations' times under the profile; radio and waiting are not in it.
//!
//! **Determinism.** A choice of protocol and profiles gives the same tables on every machine.

mod notation;
mod paper;
mod sheet;
mod wire;

use std::fmt;
use std::sync::Arc;

use protocols::drive::{self, Call, Ending, HashStream, HashStreams, Pump, Witness};
use protocols::meter::{Operation, Primitive, Totals};
use protocols::parameter::{ParameterError, Value};
use protocols::protocol::Protocol;
use protocols::{Effect, LocalTime};

use crate::diagnostic::{Diagnostics, listed, quoted, suggestions};
use crate::profile::{self, Profile};
use crate::reader::read_protocol;
use crate::scenario::ProtocolChoice;

pub use notation::symbol;
pub use sheet::{rows, tables};
pub use wire::{FieldCost, MessageCost};

/// What all clocks show at the start: 2026-01-01T00:00:00Z.
const CLOCK: LocalTime = LocalTime(1_767_225_600_000_000_000);

/// The costs of one variant of a protocol.
#[derive(Clone)]
pub struct Costs {
    /// The protocol.
    pub protocol: &'static dyn Protocol,
    /// Its variant.
    pub variant: String,
    /// The parameters in force that are not the protocol's defaults: name and value in words.
    pub settings: Vec<(&'static str, String)>,
    /// What each role computed in each phase, in that order; only where it computed anything.
    pub work: Vec<Work>,
    /// Every message, in the order of the specification.
    pub messages: Vec<MessageCost>,
    /// What each role holds durably.
    pub storage: Vec<Holding>,
    /// The commands of the pass that did not end as they should: name and why.
    pub unfinished: Vec<(&'static str, String)>,
    /// The profiles that time and energy are given for.
    pub profiles: Vec<Arc<Profile>>,
}

impl fmt::Debug for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Costs")
            .field("protocol", &self.protocol.name())
            .field("variant", &self.variant)
            .finish_non_exhaustive()
    }
}

/// What one role computed in one phase.
#[derive(Clone, Debug)]
pub struct Work {
    /// Role: its number in the protocol's list.
    pub role: u8,
    /// Phase: its number in the protocol's list.
    pub phase: u8,
    /// Sums by primitive, durable writes included.
    pub totals: Totals,
    /// Time and energy under each profile, in the order of [`Costs::profiles`].
    pub prices: Vec<Price>,
    /// Every operation, in order.
    pub operations: Vec<Operation>,
}

/// Time and energy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Busy time, ns.
    pub time_ns: u64,
    /// Energy, nJ.
    pub energy_nj: u64,
}

/// What a role holds durably: one party, with one party of every other role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Role: its number in the protocol's list.
    pub role: u8,
    /// Records before the pass.
    pub records_before: u64,
    /// Their bytes.
    pub bytes_before: u64,
    /// Records after it.
    pub records_after: u64,
    /// Their bytes.
    pub bytes_after: u64,
}

/// Chooses a protocol for measuring: what its honest pass needs is set where `params` says nothing.
///
/// # Errors
///
/// As [`read_protocol`].
pub fn choose(
    name: &str,
    variant: Option<&str>,
    params: &[(String, String)],
) -> Result<ProtocolChoice, Diagnostics> {
    let mut all = Vec::new();
    if let Some(protocol) = protocols::registry::find(name) {
        for (key, value) in protocol.rehearsal().params {
            if !params.iter().any(|(given, _)| given == key) {
                all.push((key.to_owned(), in_notation(&value)));
            }
        }
    }
    all.extend_from_slice(params);
    read_protocol(name, variant, &all, "--set")
}

/// A value of a rehearsal in the notation of scenario files.
fn in_notation(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Text(word) => word.clone(),
        other => format!("{other:?}"),
    }
}

/// The profiles of these names.
///
/// # Errors
///
/// A name that does not exist.
pub fn profiles(names: &[String]) -> Result<Vec<Arc<Profile>>, Diagnostics> {
    let one = |name: &String| {
        profile::find(name).ok_or_else(|| {
            let [meant, list] = suggestions(name, "profiles", profile::names());
            let hint = if meant.is_empty() { list } else { meant };
            Diagnostics::general(format!("there is no profile {}", quoted(name)), hint)
        })
    };
    names.iter().map(one).collect()
}

/// Measures one honest pass.
///
/// # Errors
///
/// Parameters that one party of each role cannot run with.
pub fn measure(choice: &ProtocolChoice, profiles: &[Arc<Profile>]) -> Result<Costs, Diagnostics> {
    let (protocol, instance) = (choice.protocol, &*choice.instance);
    let roster = drive::one_of_each(protocol);
    instance.check(&roster).map_err(refused)?;
    let storage = drive::provision(instance, &roster, &mut HashStreams::new("costs"));
    let before: Vec<(u64, u64)> = storage.iter().map(held).collect();
    let parties = storage
        .into_iter()
        .zip(&roster.parties)
        .map(|(held, party)| {
            let label = format!("costs/{}", party.host);
            (held, HashStream::new(label.as_bytes()))
        });
    let mut pump = Pump::new(instance, &roster, parties, CLOCK);
    let mut ledger = Ledger {
        roles: roster.parties.iter().map(|party| party.role).collect(),
        work: Vec::new(),
        wire: wire::Tally::new(protocol, instance),
    };
    let endings = drive::rehearse(&mut pump, protocol, instance, &roster, &mut ledger);
    let Ledger { mut work, wire, .. } = ledger;
    work.sort_by_key(|work| (work.role, work.phase));
    for work in &mut work {
        work.prices = profiles
            .iter()
            .map(|p| price(p, &work.operations))
            .collect();
    }
    let storage = roster.parties.iter().enumerate().map(|(index, party)| {
        let (records_after, bytes_after) = held(pump.storage(index));
        Holding {
            role: party.role,
            records_before: before[index].0,
            bytes_before: before[index].1,
            records_after,
            bytes_after,
        }
    });
    let unfinished = endings.iter().filter_map(|(id, ending)| {
        let command = protocol.commands().get(usize::from(*id))?.name;
        let why = match ending {
            Ending::Done => return None,
            Ending::Refused(reason) => format!("refused: {reason}"),
            Ending::Failed(reason) => format!("failed: {reason}"),
            Ending::Unfinished => String::from("never completed"),
        };
        Some((command, why))
    });
    let defaults = protocol.params();
    let changed = |(name, value): &(&'static str, String)| {
        let default = defaults.iter().find(|spec| spec.name == *name);
        choice.params.get(name).is_some() && default.is_none_or(|spec| spec.default != value)
    };
    Ok(Costs {
        protocol,
        variant: choice.variant.clone(),
        settings: instance.settings().into_iter().filter(changed).collect(),
        work,
        messages: wire.messages(),
        storage: storage.collect(),
        unfinished: unfinished.collect(),
        profiles: profiles.to_vec(),
    })
}

fn refused(error: ParameterError) -> Diagnostics {
    Diagnostics::general(error.to_string(), error.hint)
}

/// Records and bytes of a storage.
fn held(storage: &protocols::storage::MemoryStorage) -> (u64, u64) {
    storage.iter().fold((0, 0), |(records, bytes), record| {
        (records + 1, bytes + record.1.len() as u64)
    })
}

/// Time and energy of operations under a profile.
fn price<'a>(profile: &Profile, operations: impl IntoIterator<Item = &'a Operation>) -> Price {
    let times = operations.into_iter().map(|one| profile.cost_ns(one));
    let time_ns = times.sum();
    Price {
        time_ns,
        energy_nj: profile.energy_nj(time_ns),
    }
}

/// Sees the pass and keeps its books.
struct Ledger<'a> {
    roles: Vec<u8>,
    work: Vec<Work>,
    wire: wire::Tally<'a>,
}

impl Witness for Ledger<'_> {
    fn saw(&mut self, call: &Call<'_>) {
        let role = self.roles[call.party];
        for cost in call.costs() {
            let place = (role, cost.phase);
            let found = self
                .work
                .iter()
                .position(|work| (work.role, work.phase) == place);
            let index = found.unwrap_or_else(|| {
                self.work.push(Work {
                    role,
                    phase: cost.phase,
                    totals: Totals::default(),
                    prices: Vec::new(),
                    operations: Vec::new(),
                });
                self.work.len() - 1
            });
            self.work[index].totals.add(&cost);
            self.work[index].operations.push(cost);
        }
        for effect in call.effects.iter() {
            if let Effect::Send { bytes, .. } = effect {
                self.wire.sent(bytes);
            }
        }
    }
}

impl Costs {
    /// Name of a role.
    #[must_use]
    pub fn role(&self, role: u8) -> &'static str {
        let roles = self.protocol.roles();
        roles.get(usize::from(role)).map_or("", |role| role.name)
    }

    /// Name of a phase.
    #[must_use]
    pub fn phase(&self, phase: u8) -> &'static str {
        let phases = self.protocol.phases();
        phases.get(usize::from(phase)).copied().unwrap_or("")
    }

    /// Count and bytes of a primitive that a role performed in a phase.
    #[must_use]
    pub fn of(&self, role: &str, phase: &str, primitive: Primitive) -> (u64, u64) {
        let here = |work: &&Work| self.role(work.role) == role && self.phase(work.phase) == phase;
        let found = self.work.iter().find(here);
        found.map_or((0, 0), |work| work.totals.of(primitive))
    }
}

/// The protocols that costs are shown for unless one is named: those that compute anything.
pub fn measured() -> impl Iterator<Item = &'static str> {
    let all = protocols::registry::PROTOCOLS.iter();
    all.filter(|protocol| !protocol.claims().is_empty())
        .map(|protocol| protocol.name())
}

/// The names of all protocols, for messages.
#[must_use]
pub fn known() -> String {
    listed(protocols::registry::PROTOCOLS.iter().map(|p| p.name()))
}

#[cfg(test)]
mod tests;
