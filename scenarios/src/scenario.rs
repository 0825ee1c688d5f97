//! A scenario, read and checked: what the world is built from.
//!
//! Nothing here is text any more: every name is resolved to its place in the list it names, every
//! quantity is a number in base units (the unit stands last in the field's name), every default is
//! filled in. [`crate::reader`] makes it; nobody changes it afterwards.

mod adversary;
mod medium;
mod own;
mod relay;
mod topology;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use protocols::parameter::{ParameterError, Values};
use protocols::protocol::{CommandSpec, Completion, Instance, Protocol};
use reports::table::format::TableFormat;
use sha2::{Digest, Sha256};
use sim_engine::{DirectionMask, Law, LinkParams};

use crate::diagnostic::Diagnostics;
use crate::fault::FaultSpec;
use crate::profile::Profile;
use crate::reader::origin::Origin;
use crate::supply::Supply;
use crate::sweep::spec::Study;

pub use self::adversary::{
    Action, AdversarySpec, AttackChoice, Edit, Frame, GrantTime, Knowledge, Layer, Matching, Rule,
    Scope,
};

/// Most nodes that a scenario may have.
pub const NODES_MAX: usize = 10_000_000;

/// A complete, checked scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name: the default name of the results' directory.
    pub name: String,
    /// What it shows, in a sentence; may be empty.
    pub description: String,
    /// The file it was read from, as given; relative names in it are relative to this file.
    pub path: PathBuf,
    /// Times and seed.
    pub run: RunSettings,
    /// The protocol with variant and parameters.
    pub protocol: ProtocolChoice,
    /// The node groups in the order of the file; at least one.
    pub groups: Vec<NodeGroup>,
    /// The links in the order of the file; may be empty.
    pub links: Vec<LinkGroup>,
    /// The shared media: the named ones in the order of the file, then those of single links.
    pub media: Vec<MediumSpec>,
    /// The workloads in the order of the file; may be empty.
    pub workloads: Vec<Workload>,
    /// The adversaries in the order of the file; may be empty.
    pub adversaries: Vec<AdversarySpec>,
    /// The faults in the order of the file; may be empty.
    pub faults: Vec<FaultSpec>,
    /// What to write.
    pub output: OutputSettings,
    /// What a sweep varies and what is expected; `None`: one run, and nothing expected.
    pub study: Option<Arc<Study>>,
    /// The file as read.
    pub text: String,
    /// The overrides in the order given, as (path, value).
    pub overrides: Vec<(String, String)>,
    /// Every resolved value, defaults included, one `path = value` a line in a fixed order.
    ///
    /// Comments, layout and the order of keys do not change it; the order of named tables does,
    /// since it numbers the nodes. It holds neither `name` and `description` nor `[output]`, which
    /// change no run.
    pub canonical: String,
    /// What a reader of the results must know: absent profiles, engineering defaults, presets.
    pub assumptions: Vec<String>,
    /// Where the values stand, for messages of later stages.
    pub(crate) origin: Arc<Origin>,
}

impl Scenario {
    /// SHA-256 of [`Scenario::canonical`]: the scenario's identity. Two files with the same hash
    /// describe the same run.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.canonical.as_bytes()).into()
    }

    /// Number of nodes in all groups.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.groups.iter().map(|group| group.count).sum()
    }

    /// A message about the value at `path` (`nodes.device.count`), for what only a later stage can
    /// find out. The position is that of the longest part of the path that the file has.
    #[must_use]
    pub fn refuse(&self, path: &str, reason: &str, hint: &str) -> Diagnostics {
        self.origin.refuse(path, reason, hint)
    }

    /// A message about what [`Instance::check`] refuses: its name is `group` or `group.parameter`.
    #[must_use]
    pub fn refuse_roster(&self, error: &ParameterError) -> Diagnostics {
        let path = match error.name.split_once('.') {
            Some((group, parameter)) => format!("nodes.{group}.params.{parameter}"),
            None => format!("nodes.{}", error.name),
        };
        self.refuse(&path, &error.reason, &error.hint)
    }
}

/// Times and seed of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSettings {
    /// No attempt starts later, ns.
    pub duration_ns: u64,
    /// How long the world runs on after `duration_ns`, without attempts, adversaries and faults,
    /// ns. Default: the longest deadline of any step.
    pub settle_ns: u64,
    /// What happens earlier is left out of the statistics, ns; less than `duration_ns`.
    pub warmup_ns: u64,
    /// Whether steady-state metrics get intervals from this one run, and who says where its
    /// warm-up ends.
    pub steady: Option<WarmUp>,
    /// The root seed.
    pub seed: u64,
    /// What a perfect clock shows at the start, ns since 1970-01-01T00:00:00Z.
    pub epoch_ns: u64,
}

/// Who says where the warm-up of a steady state ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmUp {
    /// `run.warmup`.
    Given,
    /// Each series itself, by MSER-5.
    Mser5,
}

impl WarmUp {
    /// The word in the canonical text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Mser5 => "mser-5",
        }
    }
}

/// The protocol that the nodes speak.
#[derive(Clone)]
pub struct ProtocolChoice {
    /// The protocol.
    pub protocol: &'static dyn Protocol,
    /// Its variant's name.
    pub variant: String,
    /// The parameters given.
    pub params: Values,
    /// The protocol with variant and parameters fixed.
    pub instance: Arc<dyn Instance>,
}

impl fmt::Debug for ProtocolChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtocolChoice")
            .field("protocol", &self.protocol.name())
            .field("variant", &self.variant)
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

/// Nodes that share everything but their place in the group.
#[derive(Clone, Debug)]
pub struct NodeGroup {
    /// Its name.
    pub name: String,
    /// Its role: the place in the protocol's list.
    pub role: u8,
    /// Number of nodes, from 1.
    pub count: usize,
    /// What computing costs; `None`: no time and no energy.
    pub profile: Option<Arc<Profile>>,
    /// When a node starts, ns after the start of the run; one draw per node.
    pub start: Law,
    /// The nodes' clocks.
    pub clock: Clock,
    /// What they live on.
    pub supply: Supply,
    /// Packets that may wait for the CPU.
    pub backlog: u32,
    /// The parameters given for the role.
    pub params: Values,
    /// What its nodes do as relays; `None`: they are parties of the protocol.
    pub relay: Option<RelaySpec>,
}

/// The clocks of a node group; one draw per node and law.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Local time minus true time at the start, ns; may be negative.
    pub offset: Law,
    /// How much faster than true time it runs, parts per million; may be negative.
    pub drift_ppm: Law,
    /// A random walk of the offset: standard deviation of a step, ns, and span between steps, ns.
    pub walk: Option<(u64, u64)>,
    /// Jumps: when, ns after the start of the run, and how far, ns.
    pub steps: Vec<(u64, i64)>,
    /// What a reading is a multiple of, ns.
    pub granularity_ns: u64,
}

/// Links between two groups.
#[derive(Clone, Debug)]
pub struct LinkGroup {
    /// Its name.
    pub name: String,
    /// The group at end `a`, the first of `between`: index in [`Scenario::groups`].
    pub a: usize,
    /// The group at end `b`.
    pub b: usize,
    /// Directions that carry packets.
    pub directions: DirectionMask,
    /// Which channel it is.
    pub channel: LinkChannel,
    /// What messages travel by.
    pub transport: Transport,
    /// The preset that it starts from.
    pub preset: Option<String>,
    /// Parameters from `a` to `b`.
    pub up: LinkParams,
    /// Parameters from `b` to `a`.
    pub down: LinkParams,
    /// How a node of the larger group finds its partner in the smaller one.
    pub pick: Pick,
    /// Which nodes are joined; `None`: each of the larger group with the one that `pick` says.
    pub topology: Option<Topology>,
    /// Outages, and parameters that change while the world runs.
    pub schedule: Vec<LinkChange>,
    /// Links whose parameters are not those of the group.
    pub own: Own,
}

impl LinkGroup {
    /// The number of its links.
    #[must_use]
    pub fn link_count(&self, groups: &[NodeGroup]) -> usize {
        let (a, b) = (groups[self.a].count, groups[self.b].count);
        match &self.topology {
            None => a.max(b),
            Some(Topology::Full) => a.saturating_mul(b),
            Some(Topology::Random { k }) => a.max(b).saturating_mul(*k as usize),
            Some(Topology::Edges(edges) | Topology::Joint(edges)) => edges.len(),
        }
    }
}

/// Links that are down, or have other parameters, for a while.
#[derive(Clone, Debug)]
pub struct LinkChange {
    /// Its name; may be empty.
    pub id: String,
    /// When it begins.
    pub occurs: Occurrence,
    /// How long it lasts, ns; `None`: to the end.
    pub lasting: Option<Law>,
    /// The directions concerned.
    pub directions: DirectionMask,
    /// The links concerned, as stretches of their numbers, both ends included; empty: all.
    pub members: Vec<(u32, u32)>,
    /// Whether a random process is one for all links instead of one for each.
    pub together: bool,
    /// The parameters meanwhile, up and down; `None`: the links are down.
    pub set: Option<Box<[LinkParams; 2]>>,
}

/// When something happens.
#[derive(Clone, Debug)]
pub enum Occurrence {
    /// Once, ns after the start of the run.
    Once(u64),
    /// Again and again at equal distances.
    Every {
        /// First time, ns after the start of the run.
        first_ns: u64,
        /// From one beginning to the next, ns.
        every_ns: u64,
    },
    /// At random: the law of the time, ns, from the end of one to the beginning of the next, and
    /// from the start of the run to the first.
    Process(Law),
}

pub use self::medium::{MediumModel, MediumSpec};
pub use self::own::{Exception, LinkPatch, Own};
pub use self::relay::{HOP_LIMIT, RELAY, RelaySpec, joined, role_name, roles_talk, talk};
pub use self::topology::Topology;

/// Who can read a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkChannel {
    /// Anybody at the link.
    Public,
    /// Nobody but its ends.
    Secure,
}

pub use crate::host::transport::config::Transport;

/// How the nodes of the larger group choose among those of the smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Node i takes node i modulo the size of the smaller group.
    Fixed,
    /// At random, drawn once per node.
    Uniform,
    /// In turn, one after the other; within one link group the same as [`Pick::Fixed`].
    RoundRobin,
}

/// What initiators do.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// The group of its initiators.
    pub from: usize,
    /// The steps of an attempt, in order; at least one.
    pub steps: Vec<Step>,
    /// From a node's start to its first attempt, ns; one draw per node. `None`: none.
    pub first: Option<Law>,
    /// From the start of an attempt to that of the next, ns; `None`: one attempt only.
    pub every: Option<Law>,
    /// New attempts after a failed one; `None`: none.
    pub retry: Option<Retry>,
    /// What follows several failed requests in a row; `None`: nothing.
    pub reprovision: Option<Reprovision>,
    /// Most attempts per initiator, retries not counted; `None`: no limit.
    pub count: Option<u64>,
}

impl Workload {
    /// The key by which it gives initiators first storage anew, if it does.
    #[must_use]
    pub fn provisions_anew(&self) -> Option<&'static str> {
        let step = |step: &Step| step.command == Step::REPROVISION;
        match self.reprovision {
            Some(_) => Some("reprovision"),
            None => self.steps.iter().any(step).then_some("do"),
        }
    }
}

/// A step of an attempt: one command.
#[derive(Clone, Debug)]
pub struct Step {
    /// The command: its place in the protocol's list.
    pub command: u8,
    /// The group of the peer, where the command has one or `to` names one.
    pub to: Option<usize>,
    /// Its arguments, per argument that the command declares; `None`: its default.
    pub args: Vec<Option<StepArg>>,
    /// How long it may take, ns; 0: as long as it likes.
    pub deadline_ns: u64,
}

impl Step {
    /// Stands for the host's own operation `reprovision`, which no protocol declares.
    pub const REPROVISION: u8 = u8::MAX;

    /// What a step of [`Step::REPROVISION`] is.
    pub const REPROVISION_SPEC: CommandSpec = CommandSpec {
        name: "reprovision",
        role: 0,
        peer: None,
        args: &[("time", "how long it takes, 0s")],
        phase: 0,
        done: Completion::Handled,
        concurrent: false,
        help: "an operation of the host: first storage anew for the initiator and its partners",
    };

    /// The declaration of its command.
    #[must_use]
    pub fn spec(&self, protocol: &dyn Protocol) -> &'static CommandSpec {
        if self.command == Self::REPROVISION {
            return &Self::REPROVISION_SPEC;
        }
        &protocol.commands()[usize::from(self.command)]
    }
}

/// An argument of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepArg {
    /// A whole number, a size in bytes or a duration in ns.
    Integer(u64),
    /// Text, as bytes.
    Text(String),
}

/// New attempts after a failed one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// From the failure to the first new attempt, ns.
    pub after_ns: u64,
    /// Each further wait is so many times the one before; at least 1.
    pub backoff: f64,
    /// Most new attempts after one failure; `None`: no limit.
    pub max: Option<u32>,
}

/// First storage anew for an initiator and its partners when it fails too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reprovision {
    /// Failed requests in a row; at least 1.
    pub after: u32,
    /// From the last failure until the new storage is in place, ns.
    pub time_ns: u64,
}

/// What a run writes beside its manifest, summary and costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputSettings {
    /// Tables, in the order of the file, each once.
    pub traces: Vec<Trace>,
    /// The sessions that `steps.csv` tells.
    pub steps: StepsWanted,
    /// Share of the sessions that the long tables keep; `None` keeps all.
    pub sample: Option<Share>,
    /// What sessions, messages and steps are written as.
    pub format: TableFormat,
    /// Figures, in the order of the file, each once.
    pub figures: Vec<Figure>,
}

/// A share above 0 and below 1, in steps of 2^-64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u64);

impl Share {
    /// `None` for anything else.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        // Shares below 1 end at 1 - 2^-53, whose multiple of 2^53 is exact.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "above 0 and below 2^53"
        )]
        let steps = (share * (1_u64 << 53) as f64) as u64;
        (share > 0.0 && share < 1.0 && steps > 0).then_some(Self(steps << 11))
    }

    /// An even 64-bit number is below it with the probability of the share.
    #[must_use]
    pub const fn threshold(self) -> u64 {
        self.0
    }

    /// The share as a number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "53 bits are all there are")]
    pub const fn number(self) -> f64 {
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Which sessions `steps.csv` tells; at most 200 that nobody asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StepsWanted {
    /// None.
    None,
    /// Those that failed or that an adversary touched.
    #[default]
    Failed,
    /// Those, and the ones named: initiator and number.
    Sessions(Vec<(String, u32)>),
    /// Every one.
    All,
}

/// A table of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trace {
    /// `sessions.csv`.
    Sessions,
    /// `messages.csv`.
    Messages,
    /// `nodes.csv`.
    Nodes,
    /// `links.csv`.
    Links,
    /// `desync.csv`.
    Desync,
    /// `steps.csv`.
    Steps,
    /// `packets.pcapng`.
    Pcapng,
}

impl Trace {
    /// All, in the order of lists.
    pub const ALL: [Self; 7] = [
        Self::Sessions,
        Self::Messages,
        Self::Nodes,
        Self::Links,
        Self::Desync,
        Self::Steps,
        Self::Pcapng,
    ];

    /// Its name in the scenario file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Messages => "messages",
            Self::Nodes => "nodes",
            Self::Links => "links",
            Self::Desync => "desync",
            Self::Steps => "steps",
            Self::Pcapng => "pcapng",
        }
    }
}

/// A figure of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Figure {
    /// Distribution of the latency of accepted attempts.
    LatencyCdf,
    /// Share of devices still in step over time or attempts.
    Survival,
    /// How attempts ended.
    Outcomes,
    /// State of devices over time.
    Timeline,
    /// Message sequence chart of one session.
    Sequence,
    /// What a session costs.
    Costs,
    /// Energy by session, node and time.
    Energy,
    /// How busy nodes and links were.
    Utilisation,
    /// Desynchronisation and lock-out by axis of a sweep.
    DesyncVs,
    /// A metric by axis of a sweep.
    MetricVs,
    /// Differences to the baseline of a sweep.
    Paired,
    /// Attacks by variant, of a matrix.
    AttackMatrix,
    /// Cells of a desynchronisation laboratory.
    DesyncLab,
    /// Simulated against exact values, of a validation.
    Validation,
}

impl Figure {
    /// All, in the order of lists.
    pub const ALL: [Self; 14] = [
        Self::LatencyCdf,
        Self::Survival,
        Self::Outcomes,
        Self::Timeline,
        Self::Sequence,
        Self::Costs,
        Self::Energy,
        Self::Utilisation,
        Self::DesyncVs,
        Self::MetricVs,
        Self::Paired,
        Self::AttackMatrix,
        Self::DesyncLab,
        Self::Validation,
    ];

    /// Its name in the scenario file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LatencyCdf => "latency-cdf",
            Self::Survival => "survival",
            Self::Outcomes => "outcomes",
            Self::Timeline => "timeline",
            Self::Sequence => "sequence",
            Self::Costs => "costs",
            Self::Energy => "energy",
            Self::Utilisation => "utilisation",
            Self::DesyncVs => "desync-vs",
            Self::MetricVs => "metric-vs",
            Self::Paired => "paired",
            Self::AttackMatrix => "attack-matrix",
            Self::DesyncLab => "desync-lab",
            Self::Validation => "validation",
        }
    }
}
