//! The sink: counts jobs, and answers them where it is told to.

use std::sync::Arc;

use super::messages::{self, Header, Kind};
use super::params::SinkParams;
use super::{SINK, SOURCE, job_tag, port};
use crate::address::{Address, Channel};
use crate::context::Context;
use crate::machine::{Command, Incoming, Machine, StationTotals, Timer};
use crate::output::{Output, Principal, Scope};
use crate::roster::Roster;
use crate::time::LocalTime;
use crate::wire::Layout;

/// A party that counts jobs: in the totals a single server that needs no time.
#[derive(Clone, Debug)]
pub struct Sink {
    params: Arc<SinkParams>,
    sources: Sources,
    arrivals: u64,
}

/// Builds the sinks of one group.
pub(super) fn build(roster: &Roster, group: usize, layouts: &Arc<[Layout]>) -> Vec<Sink> {
    let params = Arc::new(SinkParams::new(&roster.groups[group].params, layouts));
    let sink = Sink {
        sources: Sources::of(roster, params.reply),
        params,
        arrivals: 0,
    };
    vec![sink; roster.groups[group].count]
}

/// Finds the source of a job that is to be answered.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    /// Host by source number, 1 first; empty where nothing is answered.
    hosts: Arc<[u32]>,
}

impl Sources {
    pub(super) fn of(roster: &Roster, reply: bool) -> Self {
        let sources = roster.parties.iter().filter(|party| party.role == SOURCE);
        let limit = if reply { usize::from(u16::MAX) } else { 0 };
        Self {
            hosts: sources.take(limit).map(|party| party.host).collect(),
        }
    }

    /// The host to answer: the sender of a job that has passed no station, else the one that the
    /// frame names.
    pub(super) fn host(&self, header: &Header, from: Address) -> Option<u32> {
        if header.hops == 0 {
            return Some(from.host);
        }
        let index = usize::from(header.source).checked_sub(1)?;
        self.hosts.get(index).copied()
    }
}

/// Tells the source at `host` what became of its job.
///
/// `Running` comes before `DONE`, on which the source accepts; the answerer has nothing to accept.
pub(super) fn answer(kind: Kind, role: u8, host: u32, header: &Header, cx: &mut Context<'_>) {
    let session = job_tag(host, header.number);
    if kind == Kind::Done {
        cx.output(Output::Running {
            peer: Principal::id(SOURCE, u64::from(host)),
            run: session,
        });
    }
    let to = Address::new(host, port(SOURCE));
    cx.send(port(role), to, Channel::Public, |out| {
        messages::encode(kind, header, messages::HEADER_BYTES, out);
    });
}

impl Machine for Sink {
    fn on_start(&mut self, _cx: &mut Context<'_>) {}

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        match messages::decode(&self.params.layouts, incoming.bytes) {
            Err(place) => cx.reject(Scope::Frame, place, None, None),
            Ok((Kind::Job, header)) => {
                self.arrivals += 1;
                if self.params.reply
                    && let Some(host) = self.sources.host(&header, incoming.from)
                {
                    answer(Kind::Done, SINK, host, &header, cx);
                }
            }
            Ok(_) => cx.reject(Scope::Frame, "unexpected", None, None),
        }
    }

    fn on_timer(&mut self, _timer: Timer, _cx: &mut Context<'_>) {}

    fn on_command(&mut self, _command: &Command<'_>, cx: &mut Context<'_>) {
        cx.reject(Scope::Command, "unknown-command", None, None);
    }

    fn on_restart(&mut self, _cx: &mut Context<'_>) {}

    fn state(&self) -> &'static str {
        "IDLE"
    }

    fn station(&self, _now: LocalTime) -> Option<StationTotals> {
        Some(StationTotals {
            arrivals: self.arrivals,
            begun: self.arrivals,
            served: self.arrivals,
            servers: 1,
            ..StationTotals::default()
        })
    }
}
