//! What a run shows besides its metrics: sessions, packets and lifetimes of pairs.

use std::sync::Arc;

use protocols::protocol::Instance;
use reports::metric::Metric;
use sim_engine::{Fate, MediumStats, PacketEnd, Recorder};

use crate::build::build;
use crate::host::tables::{Header, NoTables, SessionEnd, StrayAcceptance, Tables};
use crate::metrics::metrics;
use crate::oracle::Episode;
use crate::run::{Finished, RunError, Unwatched, drive};
use crate::scenario::Scenario;

/// A field of a message: wire name of the message, and the field.
pub(super) type FieldName = (&'static str, &'static str);

/// A closed session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    pub(super) initiator: u32,
    pub(super) request: u32,
    pub(super) started_ns: u64,
    pub(super) ended_ns: u64,
    pub(super) success: bool,
}

/// The end of a packet's life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    pub(super) link: u32,
    pub(super) number: u64,
    pub(super) sent_ns: u64,
    pub(super) lost: bool,
    /// Destroyed on a shared medium.
    pub(super) collided: bool,
    /// Until it reached the far end.
    pub(super) delay_ns: Option<u64>,
}

/// The life of a pair up to its first divergence that does not heal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// Attempts up to the divergence, that one included; `None` when there was none.
    pub(super) attempts: Option<u32>,
    /// Accepted ones among them.
    pub(super) successes: u32,
}

/// One run as its checks see it.
#[derive(Debug, Default)]
pub(super) struct Observed {
    metrics: Vec<Metric>,
    /// In the order in which they closed.
    pub(super) sessions: Vec<Session>,
    /// By link, then by number.
    pub(super) packets: Vec<Packet>,
    /// By pair.
    pub(super) lives: Vec<Life>,
    /// Counters of the shared media.
    media: Vec<MediumStats>,
    /// Transmissions a packet, over all links.
    pub(super) frames: Option<f64>,
    /// First node of each group.
    pub(super) groups: Vec<u32>,
    /// Values of the field that was asked for, with the receiver, in the order of the packets' ends.
    pub(super) fields: Vec<(u32, Vec<u8>)>,
}

impl Observed {
    /// A metric's value.
    pub(super) fn metric(&self, name: &str) -> Option<f64> {
        let found = self.metrics.iter().find(|metric| metric.name == name);
        found.and_then(|metric| metric.value)
    }

    /// Whether each packet was lost.
    pub(super) fn losses(&self) -> impl Iterator<Item = bool> + Clone + '_ {
        self.packets.iter().map(|packet| packet.lost)
    }

    /// Packets that were destroyed on a shared medium.
    pub(super) fn collisions(&self) -> usize {
        let packets = self.packets.iter();
        packets.filter(|packet| packet.collided).count()
    }

    /// A counter of the only medium, by frame that was handed to it.
    pub(super) fn per_frame(&self, counter: impl Fn(&MediumStats) -> u128) -> Option<f64> {
        let stats = self.media.first()?;
        #[allow(clippy::cast_precision_loss, reason = "counts of one run")]
        let mean = counter(stats) as f64 / stats.frames as f64;
        (stats.frames > 0).then_some(mean)
    }
}

/// Runs a scenario; `listens` when more than its metrics is wanted, `field` when the values of a field
/// of a message are.
pub(super) fn run(
    scenario: &Scenario,
    listens: bool,
    field: Option<FieldName>,
) -> Result<Observed, RunError> {
    if !listens {
        let finished = drive_into(scenario, &mut NoTables)?;
        return Ok(Observed {
            metrics: metrics(scenario, &finished),
            ..Observed::default()
        });
    }
    let mut tables = Listener {
        warmup_ns: scenario.run.warmup_ns,
        wanted: field.map(|field| (Arc::clone(&scenario.protocol.instance), field)),
        ..Listener::default()
    };
    let (mut frames, mut offered) = (0u64, 0u64);
    let built = build(scenario).map_err(RunError::Scenario)?;
    let finished = drive(scenario, built, &mut tables, &mut Unwatched, |view| {
        for (first, count) in view.links {
            for stats in (*first..*first + *count).flat_map(|link| view.link_stats(link)) {
                frames += stats.frames;
                offered += stats.offered;
            }
        }
    })
    .map_err(RunError::Engine)?;
    #[allow(clippy::cast_precision_loss, reason = "counts of one run")]
    let frames = (offered > 0).then(|| frames as f64 / offered as f64);
    tables
        .packets
        .sort_unstable_by_key(|packet| (packet.link, packet.number));
    let mut lives = Vec::new();
    for relation in &finished.world.relations {
        let first = lives.len();
        let none = Life {
            attempts: None,
            successes: 0,
        };
        lives.resize(first + relation.ends.len(), none);
        for episode in relation.oracle.closed() {
            let life = &mut lives[first + episode.pair as usize];
            if episode.kind.is_loss() && life.attempts.is_none() {
                *life = Life {
                    attempts: Some(episode.attempts_before),
                    successes: episode.successes_before,
                };
            }
        }
    }
    Ok(Observed {
        metrics: metrics(scenario, &finished),
        sessions: tables.sessions,
        packets: tables.packets,
        fields: tables.fields,
        media: finished.media,
        frames,
        lives,
        groups: finished
            .world
            .groups
            .iter()
            .map(|group| group.first)
            .collect(),
    })
}

fn drive_into<T: Tables>(scenario: &Scenario, tables: &mut T) -> Result<Finished<T>, RunError> {
    let built = build(scenario).map_err(RunError::Scenario)?;
    drive(scenario, built, tables, &mut Unwatched, |_| {}).map_err(RunError::Engine)
}

/// Keeps what begins after the warm-up.
#[derive(Default)]
struct Listener {
    warmup_ns: u64,
    /// Whose fields are read, and which: message and field.
    wanted: Option<(Arc<dyn Instance>, FieldName)>,
    fields: Vec<(u32, Vec<u8>)>,
    sessions: Vec<Session>,
    packets: Vec<Packet>,
    over: bool,
}

impl Recorder<Header> for Listener {
    const ON: bool = true;

    fn packet(&mut self, end: &PacketEnd<'_, Header>) {
        if self.over || end.meta.sent.0 < self.warmup_ns {
            return;
        }
        if let Some((instance, field)) = &self.wanted
            && let Some(value) = field_of(instance.as_ref(), *field, end.bytes)
        {
            self.fields.push((end.to.0, value));
        }
        self.packets.push(Packet {
            link: end.meta.link.0 * 2
                + u32::from(end.meta.direction == sim_engine::Direction::Down),
            number: end.meta.number,
            sent_ns: end.meta.sent.0,
            lost: end.fate == Fate::Lost,
            collided: end.fate == Fate::Collided,
            delay_ns: end.arrived.map(|at| at.0 - end.meta.sent.0),
        });
    }
}

/// The value of a field of a frame, if it is of that message.
fn field_of(
    instance: &dyn Instance,
    (message, field): (&str, &str),
    frame: &[u8],
) -> Option<Vec<u8>> {
    let layout = instance.layouts().get(instance.classify(frame)?)?;
    let index = layout.fields.iter().position(|it| it.name == field)?;
    let located = layout
        .locate(frame)
        .ok()
        .filter(|_| layout.name == message)?;
    Some(located.field(index).to_vec())
}

impl Tables for Listener {
    fn session(&mut self, end: &SessionEnd<'_>) {
        let attempt = end.attempt;
        if self.over || attempt.started_ns < self.warmup_ns {
            return;
        }
        self.sessions.push(Session {
            initiator: attempt.id.initiator,
            request: attempt.request,
            started_ns: attempt.started_ns,
            ended_ns: end.ended_ns,
            success: end.outcome.is_success(),
        });
    }

    fn stray_acceptance(&mut self, _stray: &StrayAcceptance) {}
    fn desync(&mut self, _relation: usize, _episode: &Episode) {}

    fn continuation_begins(&mut self) {
        self.over = true;
    }
}
