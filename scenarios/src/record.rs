//! Writes the rows of a run to its tables as they close.
//!
//! Tables that the scenario does not trace have their header only. The first failure to write is
//! kept and ends the run at the next check; nothing is written after it.

mod capture;
mod fault;
mod fields;
pub(crate) mod log;
mod sample;
mod steps;

use std::sync::Arc;

use protocols::attack::Property;
use protocols::protocol::Instance;
use reports::rows::{self, Desyncs, Faults, Messages, Sessions};
use reports::store::{Staging, StoreError};
use reports::table::TableWriter;
use sim_engine::PacketEnd;

use crate::adversary::rule_names;
use crate::host::Relation;
use crate::host::attempt::{AttemptId, NOBODY, Outcome};
use crate::host::tables::{
    FaultEvent, Happening, Header, SessionEnd, StrayAcceptance, Tables, Wanted,
};
use crate::names::Names;
use crate::oracle::{Episode, EpisodeKind};
use crate::scenario::{Scenario, StepsWanted, Trace};

use self::capture::PacketCapture;
use self::sample::Sample;
use self::steps::StepBook;

/// The two nodes of every pair of a relation.
type Ends = Arc<[(u32, u32)]>;

/// The tables of one run, open for writing.
pub struct FileTables {
    names: Arc<Names>,
    instance: Arc<dyn Instance>,
    /// Relations by name, with the ends of their pairs.
    relations: Vec<(&'static str, Ends)>,
    /// The adversaries' rules, in the order of the places that headers name.
    rules: Vec<String>,
    sessions: Option<TableWriter<Sessions>>,
    messages: Option<TableWriter<Messages>>,
    desyncs: Option<TableWriter<Desyncs>>,
    steps: Option<StepBook>,
    faults: Option<TableWriter<Faults>>,
    capture: Option<PacketCapture>,
    /// Name and kind of each fault.
    fault_names: Vec<(String, &'static str)>,
    /// The sessions that the long tables keep.
    sample: Sample,
    /// Those that `steps.csv` keeps: it has a choice of its own unless it tells all.
    sample_of_steps: Sample,
    error: Option<StoreError>,
    text: Texts,
    strays: u64,
    over: bool,
}

/// Reused memory for the texts of a row.
#[derive(Debug, Default)]
struct Texts {
    id: String,
    one: String,
    other: String,
    link: String,
    session: String,
    origin: String,
}

impl Texts {
    fn clear(&mut self) {
        for text in [
            &mut self.id,
            &mut self.one,
            &mut self.other,
            &mut self.link,
            &mut self.session,
            &mut self.origin,
        ] {
            text.clear();
        }
    }
}

impl core::fmt::Debug for FileTables {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FileTables")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl FileTables {
    /// Opens the tables of a run in `staging`; `links` are the first link and the number of links of
    /// each link group.
    ///
    /// # Errors
    ///
    /// A file that cannot be created.
    pub fn open(
        staging: &Staging,
        scenario: &Scenario,
        names: Arc<Names>,
        relations: &[Relation],
        links: &[(u32, u32)],
    ) -> Result<Self, StoreError> {
        let traced = |trace: Trace| scenario.output.traces.contains(&trace);
        let format = scenario.output.format;
        // An untraced table is complete with its header.
        let sessions = kept(
            staging.table_as::<Sessions>(format)?,
            traced(Trace::Sessions),
        )?;
        let messages = kept(
            staging.table_as::<Messages>(format)?,
            traced(Trace::Messages),
        )?;
        let desyncs = Some(staging.table::<Desyncs>()?);
        let rules = rule_names(&scenario.adversaries);
        let instance = Arc::clone(&scenario.protocol.instance);
        let mut steps = StepBook::new(
            staging.table_as(format)?,
            &scenario.output.steps,
            Arc::clone(&names),
            Arc::clone(&instance),
            rules.clone(),
        )?;
        let mut attacks = scenario
            .adversaries
            .iter()
            .filter_map(|it| it.attack.as_ref());
        let reads = |it: &Property| matches!(it, Property::Secrecy | Property::Anonymity);
        if attacks.any(|attack| attack.spec.properties.iter().any(reads))
            && let Some(book) = &mut steps
        {
            book.watch();
        }
        let capture = traced(Trace::Pcapng)
            .then(|| PacketCapture::open(staging, scenario, links))
            .transpose()?;
        Ok(Self {
            names,
            instance,
            relations: relations
                .iter()
                .map(|relation| (relation.name, Arc::clone(&relation.ends)))
                .collect(),
            rules,
            sessions,
            messages,
            desyncs,
            steps,
            faults: Some(staging.table::<Faults>()?),
            capture,
            fault_names: fault::names(scenario),
            sample: Sample::new(scenario.output.sample),
            sample_of_steps: Sample::new(
                scenario
                    .output
                    .sample
                    .filter(|_| scenario.output.steps == StepsWanted::All),
            ),
            error: None,
            text: Texts::default(),
            strays: 0,
            over: false,
        })
    }

    /// The first failure to write.
    #[must_use]
    pub const fn error(&self) -> Option<&StoreError> {
        self.error.as_ref()
    }

    /// Ends the tables and returns how many rows were written in all.
    ///
    /// # Errors
    ///
    /// The first failure to write.
    pub fn finish(self) -> Result<u64, StoreError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let mut rows = 0;
        if let Some(table) = self.sessions {
            rows += table.finish()?;
        }
        if let Some(table) = self.messages {
            rows += table.finish()?;
        }
        if let Some(table) = self.desyncs {
            rows += table.finish()?;
        }
        if let Some(book) = self.steps {
            rows += book.finish()?;
        }
        if let Some(table) = self.faults {
            rows += table.finish()?;
        }
        if let Some(capture) = self.capture {
            capture.finish()?;
        }
        Ok(rows)
    }

    fn keep(&mut self, result: Result<(), StoreError>) {
        if let Err(error) = result {
            self.error.get_or_insert(error);
            self.sessions = None;
            self.messages = None;
            self.desyncs = None;
            self.steps = None;
            self.faults = None;
            self.capture = None;
        }
    }
}

fn kept<T: reports::table::Table>(
    table: TableWriter<T>,
    traced: bool,
) -> Result<Option<TableWriter<T>>, StoreError> {
    if traced {
        return Ok(Some(table));
    }
    table.finish()?;
    Ok(None)
}

impl sim_engine::Recorder<Header> for FileTables {
    const ON: bool = true;

    fn packet(&mut self, end: &PacketEnd<'_, Header>) {
        if let Some(book) = self.steps.as_mut().filter(|_| !self.over) {
            book.packet(end);
        }
        if !self.sample.keeps(end.header.attempt, &self.names) {
            return;
        }
        if let Some(capture) = self.capture.as_mut().filter(|_| !self.over) {
            let result = capture.packet(end, &self.names, &self.rules);
            self.keep(result);
        }
        let Some(table) = self.messages.as_mut().filter(|_| !self.over) else {
            return;
        };
        let Texts {
            id,
            one,
            other,
            link,
            session,
            origin,
        } = &mut self.text;
        for text in [&mut *id, one, other, link, session, origin] {
            text.clear();
        }
        let meta = end.meta;
        let names = &self.names;
        let journey = end.header.journey;
        // On its way over relays a packet is for the party it is addressed to.
        let over_relays = journey.links > 0 || names.is_relay(end.to.0);
        let receiver = if over_relays {
            end.header.to.host
        } else {
            end.to.0
        };
        if journey.links > 0 {
            names.origin(&journey, origin);
        }
        names.packet(
            (meta.link.0, meta.direction),
            meta.sender,
            (meta.number, meta.copy),
            id,
        );
        names.link(meta.link.0, link);
        names.node(end.header.from.host, one);
        names.node(receiver, other);
        if end.header.attempt.is_some() {
            let attempt = end.header.attempt;
            names.session(attempt.initiator, attempt.number, session);
        }
        let carried = end.header.carried;
        let message = carried.message(end.bytes);
        let message = message.and_then(|message| self.instance.classify(message));
        let message = message.and_then(|index| self.instance.layouts().get(index));
        let row = rows::Message {
            packet: id,
            sent_ns: meta.sent.0,
            arrived_ns: end.arrived.map(|at| at.0),
            link,
            from: one,
            to: other,
            message: message.map_or_else(|| carried.name(), |layout| layout.name),
            session,
            bytes: u64::from(meta.bytes_len),
            fate: fate(end.fate),
            rule: self
                .rules
                .get(usize::from(end.header.rule))
                .map_or("", String::as_str),
            transmission: carried
                .by_transport()
                .then_some(u64::from(carried.transmission)),
            hop: over_relays.then_some(u64::from(journey.links) + 1),
            origin,
        };
        let result = table.write(&row);
        self.keep(result);
    }
}

impl Tables for FileTables {
    fn wanted(&self) -> Wanted {
        let happenings = self.listens();
        Wanted {
            packets: happenings || self.messages.is_some() || self.capture.is_some(),
            happenings,
            rows: true,
        }
    }

    fn listens(&self) -> bool {
        !self.over && self.steps.as_ref().is_some_and(StepBook::listens)
    }

    fn opened(&mut self, attempt: AttemptId) {
        if let Some(book) = self.steps.as_mut().filter(|_| !self.over)
            && self.sample_of_steps.keeps(attempt, &self.names)
        {
            book.opened(attempt);
        }
    }

    fn witness(&mut self, attempt: AttemptId) {
        if let Some(book) = self.steps.as_mut().filter(|_| !self.over) {
            book.witness(attempt);
        }
    }

    fn happening(&mut self, at_ns: u64, node: u32, attempt: AttemptId, what: Happening<'_>) {
        if let Some(book) = &mut self.steps {
            book.happening(at_ns, node, attempt, what);
        }
    }

    fn session(&mut self, end: &SessionEnd<'_>) {
        if let Some(book) = self.steps.as_mut().filter(|_| !self.over) {
            let result = book.closed(end.attempt.id, end.outcome);
            self.keep(result);
        }
        if !self.sample.keeps(end.attempt.id, &self.names) {
            return;
        }
        let Some(table) = self.sessions.as_mut().filter(|_| !self.over) else {
            return;
        };
        self.text.clear();
        let Texts { id, one, other, .. } = &mut self.text;
        let attempt = end.attempt;
        self.names
            .session(attempt.id.initiator, attempt.id.number, id);
        self.names.node(attempt.id.initiator, one);
        if attempt.responder != NOBODY {
            self.names.node(attempt.responder, other);
        }
        let reason = end.reason.to_string();
        let row = rows::Session {
            session: id,
            device: one,
            server: other,
            attempt: Some(u64::from(attempt.id.number)),
            started_ns: attempt.started_ns,
            ended_ns: end.ended_ns,
            outcome: outcome(end.outcome),
            reason: &reason,
            messages: u64::from(attempt.messages),
            bytes: attempt.bytes,
            latency_ns: (end.outcome == Outcome::Accepted)
                .then(|| attempt.latency_ns())
                .flatten(),
            phase: end.phase,
            request: Some(u64::from(attempt.request)),
            retry: Some(attempt.tried),
        };
        let result = table.write(&row);
        self.keep(result);
    }

    fn stray_acceptance(&mut self, stray: &StrayAcceptance) {
        let Some(table) = self.sessions.as_mut().filter(|_| !self.over) else {
            return;
        };
        self.text.clear();
        self.strays += 1;
        let Texts { id, one, other, .. } = &mut self.text;
        self.names.node(stray.node, other);
        if let Some(peer) = stray.peer {
            self.names.node(peer, one);
        }
        id.push_str("stray/");
        id.push_str(&self.strays.to_string());
        let row = rows::Session {
            session: id,
            device: one,
            server: other,
            attempt: None,
            started_ns: stray.at_ns,
            ended_ns: stray.at_ns,
            outcome: rows::Outcome::HalfOpen,
            reason: "no-initiator",
            messages: 0,
            bytes: 0,
            latency_ns: None,
            phase: "",
            request: None,
            retry: None,
        };
        let result = table.write(&row);
        self.keep(result);
    }

    fn desync(&mut self, relation: usize, episode: &Episode) {
        let Some(table) = &mut self.desyncs else {
            return;
        };
        self.text.clear();
        let Texts {
            one,
            other,
            session,
            ..
        } = &mut self.text;
        let Some((name, ends)) = self.relations.get(relation) else {
            return;
        };
        let Some((device, server)) = ends.get(episode.pair as usize) else {
            return;
        };
        self.names.node(*device, one);
        self.names.node(*server, other);
        // The latest attempt of the device that had begun is the one that the ends diverged in.
        if episode.attempts_before > 0 {
            self.names
                .session(*device, episode.attempts_before, session);
        }
        let recovered = episode.end_ns.is_some();
        let row = rows::Desync {
            device: one,
            server: other,
            relation: name,
            kind: kind(episode.kind),
            start_ns: episode.start_ns,
            end_ns: episode.end_ns,
            recovery_ns: episode.end_ns.map(|end| end - episode.start_ns),
            recovery_messages: recovered.then_some(u64::from(episode.messages)),
            attempts_before: u64::from(episode.attempts_before),
            successes_before: u64::from(episode.successes_before),
            cause_session: session,
        };
        let result = table.write(&row);
        self.keep(result);
    }

    fn fault(&mut self, event: &FaultEvent) {
        self.write_fault(event);
    }

    fn continuation_begins(&mut self) {
        self.over = true;
    }
}

/// The engine's word for a fate as a table has it.
#[must_use]
pub const fn fate(fate: sim_engine::Fate) -> rows::Fate {
    use sim_engine::Fate as Engine;
    match fate {
        Engine::Delivered => rows::Fate::Delivered,
        Engine::Lost => rows::Fate::Lost,
        Engine::QueueDrop => rows::Fate::QueueDrop,
        Engine::BacklogDrop => rows::Fate::BacklogDrop,
        Engine::MtuDrop => rows::Fate::MtuDrop,
        Engine::Collided => rows::Fate::Collided,
        Engine::Corrupted => rows::Fate::Corrupted,
        Engine::Duplicated => rows::Fate::Duplicated,
        Engine::AdversaryDrop => rows::Fate::AdversaryDrop,
        Engine::AdversaryModified => rows::Fate::AdversaryModified,
        Engine::Injected => rows::Fate::Injected,
        Engine::NodeDown => rows::Fate::NodeDown,
    }
}

/// The host's word for an outcome as a table has it.
#[must_use]
pub const fn outcome(outcome: Outcome) -> rows::Outcome {
    match outcome {
        Outcome::Mismatch => rows::Outcome::Mismatch,
        Outcome::Accepted => rows::Outcome::Accepted,
        Outcome::Completed => rows::Outcome::Completed,
        Outcome::HalfOpen => rows::Outcome::HalfOpen,
        Outcome::Rejected => rows::Outcome::Rejected,
        Outcome::Timeout => rows::Outcome::Timeout,
        Outcome::Aborted => rows::Outcome::Aborted,
    }
}

const fn kind(kind: EpisodeKind) -> rows::DesyncKind {
    match kind {
        EpisodeKind::Silent => rows::DesyncKind::Silent,
        EpisodeKind::Transient => rows::DesyncKind::Transient,
        EpisodeKind::Permanent => rows::DesyncKind::Permanent,
        EpisodeKind::Reprovisioned => rows::DesyncKind::Reprovisioned,
        EpisodeKind::Open | EpisodeKind::Unresolved => rows::DesyncKind::Unresolved,
    }
}
