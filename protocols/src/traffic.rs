//! `traffic`: sources, stations and sinks, without security.
//!
//! What queueing studies, link tests and the simulator's own validation are made of. It runs over
//! the same machines' contract as every security protocol, so a closed form checks the path that
//! users run.
//!
//! A **source** sends one job per command. A **station** queues a job, serves it for a random time
//! and passes it on, answers it, or lets it leave. A **sink** counts. There is no shared state, no
//! key, no durable storage and nothing to provision.
//!
//! **Draws.** Every random quantity is one 8-byte request of the party's own stream, in a fixed
//! order per job: at a source size, class, branch; at a station service time, branch, for refused
//! jobs too. Constant laws and routes with one possible target request nothing. So the number of a
//! job (at a station: of the arrival) alone addresses its draws, and a further place in a queue
//! changes nobody's service time.
//!
//! **Bookkeeping.** A source's job counter and a station's totals belong to the experiment, not to
//! the party's memory: a restart forgets queued jobs and open requests but never repeats a job
//! number or loses a total.

mod messages;
mod params;
mod route;
mod sink;
mod source;
mod station;
mod tally;
mod waiting;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::output::{Principal, Tag};
use crate::parameter::{ParameterError, ParameterSpec, Values};
use crate::protocol::{
    ClaimSpec, CommandSpec, Completion, Instance, Protocol, RelationSpec, RoleSpec, TimerSpec,
    VariantSpec,
};
use crate::registry::Column;
use crate::roster::{Party, ProvisionSink, Roster, Streams};
use crate::time::Span;
use crate::wire::Layout;

pub use sink::Sink;
pub use source::Source;
pub use station::Station;

/// The role that sends jobs.
pub const SOURCE: u8 = 0;
/// The role that queues and serves jobs.
pub const STATION: u8 = 1;
/// The role that counts jobs.
pub const SINK: u8 = 2;

/// Command: send one job.
pub const SEND: u8 = 0;
/// Command: give up one open job, by default the oldest.
pub const ABORT: u8 = 1;

/// Timer kind: a server of a station has finished a job; its key is the server.
const SERVICE: u8 = 0;

/// The port a role listens on; it also tells a source which role has answered.
const fn port(role: u8) -> u16 {
    7800 + role as u16
}

/// Names a job for observers: the source's host number and the low half of the job's number.
const fn job_tag(source_host: u32, number: u64) -> Tag {
    ((source_host as u64) << 32 | number & 0xFFFF_FFFF).to_be_bytes()
}

/// The protocol.
#[derive(Debug)]
pub struct Traffic;

impl Protocol for Traffic {
    fn name(&self) -> &'static str {
        "traffic"
    }

    fn ordered(&self) -> bool {
        false
    }

    fn summary(&self) -> &'static str {
        "no security: sources, stations and sinks for queueing studies and validation"
    }

    fn source(&self) -> &'static str {
        "badlink; queueing terms as in L. Kleinrock, Queueing Systems, vol. 1, 1975"
    }

    fn roles(&self) -> &'static [RoleSpec] {
        &[
            RoleSpec {
                name: "source",
                params: params::SOURCE_PARAMS,
                help: "sends one job per command",
            },
            RoleSpec {
                name: "station",
                params: params::STATION_PARAMS,
                help: "queues a job, serves it, then passes it on, answers it or lets it leave",
            },
            RoleSpec {
                name: "sink",
                params: params::SINK_PARAMS,
                help: "counts jobs",
            },
        ]
    }

    fn commands(&self) -> &'static [CommandSpec] {
        &[
            CommandSpec {
                name: "send",
                role: SOURCE,
                peer: None,
                args: &[],
                phase: 0,
                done: Completion::Handled,
                concurrent: true,
                help: "one job to the peer, or along the source's route",
            },
            CommandSpec {
                name: "abort",
                role: SOURCE,
                peer: None,
                args: &[("job", "the oldest open one")],
                phase: 0,
                done: Completion::Handled,
                concurrent: true,
                help: "stop waiting for the answer to one job",
            },
        ]
    }

    fn phases(&self) -> &'static [&'static str] {
        &["send"]
    }

    fn timers(&self) -> &'static [TimerSpec] {
        &[TimerSpec {
            name: "service",
            changes_shared_state: false,
        }]
    }

    fn params(&self) -> &'static [ParameterSpec] {
        &[]
    }

    fn variants(&self) -> &'static [VariantSpec] {
        &[VariantSpec {
            name: "as-published",
            help: "the only one",
        }]
    }

    fn claims(&self) -> &'static [ClaimSpec] {
        &[]
    }

    fn relations(&self) -> &'static [RelationSpec] {
        &[]
    }

    fn configure(
        &self,
        variant: &str,
        _params: &Values,
    ) -> Result<Arc<dyn Instance>, ParameterError> {
        if variant != "as-published" {
            return Err(ParameterError {
                name: "variant".into(),
                reason: format!("`traffic` has no variant `{variant}`"),
                hint: "use `as-published`".into(),
            });
        }
        Ok(Arc::new(Configured {
            layouts: messages::layouts().into(),
        }))
    }
}

/// The protocol with its layouts built.
#[derive(Debug)]
struct Configured {
    layouts: Arc<[Layout]>,
}

impl Instance for Configured {
    fn layouts(&self) -> &[Layout] {
        &self.layouts
    }

    fn port(&self, role: u8) -> u16 {
        port(role)
    }

    fn deadline(&self, command: u8) -> Span {
        if command == SEND {
            Span::from_secs(30)
        } else {
            Span::ZERO
        }
    }

    fn completion(&self, roster: &Roster, group: usize, command: &CommandSpec) -> Completion {
        let awaits_answer = roster
            .groups
            .get(group)
            .is_some_and(|group| group.params.flag("reply", false));
        if command.name == "send" && awaits_answer {
            Completion::AcceptedInitiator
        } else {
            command.done
        }
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn check(&self, roster: &Roster) -> Result<(), ParameterError> {
        params::check(roster)
    }

    fn provision(&self, _: &Roster, _: &mut dyn Streams, _: &mut dyn ProvisionSink) {}

    fn machines(&self, roster: &Roster, group: usize) -> Column {
        match roster.groups[group].role {
            SOURCE => Column::TrafficSource(source::build(roster, group, &self.layouts)),
            STATION => Column::TrafficStation(station::build(roster, group, &self.layouts)),
            _ => Column::TrafficSink(sink::build(roster, group, &self.layouts)),
        }
    }

    fn principal(&self, _: &Roster, party: &Party) -> Principal {
        Principal::id(party.role, u64::from(party.host))
    }
}
