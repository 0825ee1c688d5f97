//! The station: a queue and its servers.

use std::sync::Arc;

use super::messages::{self, Header, Kind};
use super::params::{self, StationParams};
use super::route::Route;
use super::sink::{Sources, answer};
use super::source::shared_route;
use super::tally::Tally;
use super::waiting::Waiting;
use super::{SERVICE, SOURCE, STATION, job_tag, port};
use crate::address::{Address, Channel};
use crate::context::Context;
use crate::machine::{Command, Incoming, Machine, StationTotals, Timer};
use crate::output::{Principal, Scope};
use crate::roster::Roster;
use crate::time::{LocalTime, Span};
use crate::wire::Layout;

/// A party that queues and serves jobs.
#[derive(Clone, Debug)]
pub struct Station {
    params: Arc<StationParams>,
    route: Option<Arc<Route>>,
    sources: Sources,
    waiting: Waiting<Job>,
    /// The job in service by server; servers that were never needed are not there.
    servers: Vec<Option<Job>>,
    /// Servers without a job, the one to be used next last.
    idle: Vec<u32>,
    tally: Tally,
}

/// A job in the station.
#[derive(Clone, Copy, Debug)]
struct Job {
    header: Header,
    /// Size of its frame, bytes.
    size: u32,
    arrived: LocalTime,
    service: Span,
    /// Where it goes after service; `None`: it leaves the network.
    next: Option<Address>,
    /// The host of its source, where an answer may be due.
    source_host: Option<u32>,
}

/// Builds the stations of one group.
pub(super) fn build(roster: &Roster, group: usize, layouts: &Arc<[Layout]>) -> Vec<Station> {
    let values = &roster.groups[group].params;
    let params = Arc::new(StationParams::new(values, layouts));
    let sources = Sources::of(roster, params.reply);
    let mut last: Option<Arc<Route>> = None;
    let parties = roster.group(group).iter();
    parties
        .map(|party| Station {
            params: Arc::clone(&params),
            route: shared_route(roster, party, params::shares(values), &mut last),
            sources: sources.clone(),
            waiting: Waiting::new(params.by_class),
            servers: Vec::new(),
            idle: Vec::new(),
            tally: Tally::new(params.servers),
        })
        .collect()
}

impl Station {
    fn arrive(&mut self, header: Header, incoming: &Incoming<'_>, cx: &mut Context<'_>) {
        self.tally.advance(cx.now);
        self.tally.arrived();
        // Drawn before the capacity is looked at, so that a refusal moves no later job's draws.
        let service = Span(self.params.service_ns.draw(cx.entropy));
        let next = self
            .route
            .as_ref()
            .and_then(|route| route.choose(cx.entropy));
        let source_host = self
            .params
            .reply
            .then(|| self.sources.host(&header, incoming.from))
            .flatten();
        if self.tally.in_system() >= self.params.capacity {
            self.refuse(&header, source_host, cx);
            return;
        }
        self.tally.entered();
        let job = Job {
            header,
            size: u32::try_from(incoming.bytes.len()).unwrap_or(u32::MAX),
            arrived: cx.now,
            service,
            next,
            source_host,
        };
        if self.tally.busy() < self.params.servers {
            self.begin(job, cx);
        } else {
            self.waiting.push(header.class, job);
        }
    }

    fn refuse(&mut self, header: &Header, source_host: Option<u32>, cx: &mut Context<'_>) {
        self.tally.refused();
        let peer = source_host.map(|host| Principal::id(SOURCE, u64::from(host)));
        let session = source_host.map(|host| job_tag(host, header.number));
        cx.reject(Scope::Frame, "full", peer, session);
        if let Some(host) = source_host {
            answer(Kind::Full, STATION, host, header, cx);
        }
    }

    /// Starts service at a server that is free; a service without duration ends at once.
    fn begin(&mut self, job: Job, cx: &mut Context<'_>) {
        self.tally.begun(job.arrived, cx.now);
        if job.service == Span::ZERO {
            self.leave(&job, cx);
            return;
        }
        let server = self.idle.pop().unwrap_or_else(|| {
            self.servers.push(None);
            u32::try_from(self.servers.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(place) = self.servers.get_mut(server as usize) {
            *place = Some(job);
        }
        self.tally.server_taken();
        let timer = Timer {
            kind: SERVICE,
            key: server,
        };
        cx.arm(timer, job.service);
    }

    fn leave(&mut self, job: &Job, cx: &mut Context<'_>) {
        self.tally.served(job.arrived, cx.now);
        if let Some(next) = job.next {
            let header = Header {
                hops: job.header.hops.saturating_add(1),
                ..job.header
            };
            cx.send(port(STATION), next, Channel::Public, |out| {
                messages::encode(Kind::Job, &header, job.size, out);
            });
        } else if let Some(host) = job.source_host {
            answer(Kind::Done, STATION, host, &job.header, cx);
        }
    }
}

impl Machine for Station {
    fn on_start(&mut self, _cx: &mut Context<'_>) {}

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        match messages::decode(&self.params.layouts, incoming.bytes) {
            Err(place) => cx.reject(Scope::Frame, place, None, None),
            Ok((Kind::Job, header)) => self.arrive(header, &incoming, cx),
            Ok(_) => cx.reject(Scope::Frame, "unexpected", None, None),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        if timer.kind != SERVICE {
            return;
        }
        let server = self.servers.get_mut(timer.key as usize);
        let Some(job) = server.and_then(Option::take) else {
            return;
        };
        self.tally.advance(cx.now);
        self.tally.server_freed();
        self.idle.push(timer.key);
        self.leave(&job, cx);
        while self.tally.busy() < self.params.servers
            && let Some(job) = self.waiting.pop()
        {
            self.begin(job, cx);
        }
    }

    fn on_command(&mut self, _command: &Command<'_>, cx: &mut Context<'_>) {
        cx.reject(Scope::Command, "unknown-command", None, None);
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        self.tally.emptied(cx.now);
        self.waiting.clear();
        self.servers.clear();
        self.idle.clear();
    }

    fn state(&self) -> &'static str {
        if self.tally.in_system() == 0 {
            "IDLE"
        } else {
            "BUSY"
        }
    }

    fn station(&self, now: LocalTime) -> Option<StationTotals> {
        Some(self.tally.at(now))
    }
}
