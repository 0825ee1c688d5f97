//! Adversaries as a scenario declares them.

use protocols::attack::AttackSpec;
use protocols::parameter::Values;
use sim_engine::{Direction, Law, Powers, Probability};

/// An adversary: where it stands, what it may do, what it knows, and what it does.
#[derive(Clone, Debug)]
pub struct AdversarySpec {
    /// Its name.
    pub name: String,
    /// The link on which it stands, or beside which its hosts are: index in
    /// [`super::Scenario::links`].
    pub link: Option<usize>,
    /// True when it is a host beside the link, which sees nothing that passes.
    pub off_path: bool,
    /// The node that it plays.
    pub seat: Option<u32>,
    /// How many of it there are.
    pub scope: Scope,
    /// What it acts on where messages travel on streams.
    pub layer: Layer,
    /// What it may do.
    pub powers: Powers,
    /// True when it reads and changes secure channels too.
    pub breaks_channel: bool,
    /// Its rules in the order of the file; the first that matches and whose coin falls acts.
    pub rules: Vec<Rule>,
    /// The attack in code that it carries out.
    pub attack: Option<AttackChoice>,
    /// What it is told.
    pub knows: Vec<Knowledge>,
}

impl AdversarySpec {
    /// Whether frames pass it.
    #[must_use]
    pub const fn is_on_path(&self) -> bool {
        self.link.is_some() && !self.off_path
    }
}

/// What an adversary acts on where messages travel on streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Segments, as they pass.
    Packet,
    /// Whole records: it answers for both ends of the connection.
    Record,
}

/// How many instances of an adversary there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One for each link of the group; they know nothing of each other.
    Link,
    /// One for all.
    All,
}

/// An attack in code.
#[derive(Clone, Debug)]
pub struct AttackChoice {
    /// Its declaration.
    pub spec: &'static AttackSpec,
    /// The case; `None`: all in turn.
    pub case: Option<&'static str>,
    /// Its parameters.
    pub params: Values,
}

/// A secret that an adversary is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knowledge {
    /// The name of the secret; `storage` for a snapshot of all durable records.
    pub secret: &'static str,
    /// The node whose it is.
    pub of: u32,
    /// When.
    pub at: GrantTime,
}

/// When a secret is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantTime {
    /// Once, as it is then, ns after the start of the run.
    At(u64),
    /// Each new value as soon as its holder has it.
    Always,
}

/// What an adversary does with which packets.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, unique within the adversary.
    pub id: String,
    /// The packets it is about.
    pub matching: Matching,
    /// What it does with them.
    pub action: Action,
    /// How often it acts on a matching packet.
    pub probability: Probability,
    /// True: one draw decides for all packets of a session; false: one draw per packet.
    pub per_session: bool,
    /// It may go by what nobody on its place could see.
    pub oracle_match: bool,
}

impl Rule {
    /// True when it goes by what nobody on its place could see.
    #[must_use]
    pub fn is_selective(&self) -> bool {
        self.oracle_match || !self.matching.sessions.is_empty()
    }

    /// True when it needs no memory and sends nothing of its own.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let plain = matches!(
            self.action,
            Action::Drop | Action::Delay { .. } | Action::Duplicate { .. }
        );
        plain && !self.per_session && self.matching.is_plain()
    }
}

/// Which packets a rule is about; every part that is given must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// The direction of travel.
    pub direction: Option<Direction>,
    /// Messages: places in `Instance::layouts`; empty: any.
    pub messages: Vec<usize>,
    /// Messages that travel inside others: places in `Instance::inner_messages`. No adversary can see
    /// these either.
    pub inner: Vec<usize>,
    /// Only the n-th packet of each link and direction, from 1, for which the rest fits.
    pub nth: Option<u64>,
    /// The node that the packet claims to come from.
    pub from: Option<u32>,
    /// The node that it goes to.
    pub to: Option<u32>,
    /// A node at either end.
    pub node: Option<u32>,
    /// Numbers of attempts of an initiator, from 1; empty: any. No adversary can see these: a
    /// verdict says that the adversary is selective.
    pub sessions: Vec<u32>,
    /// Fields that must have a value, by name; integers are compared as such.
    pub fields: Vec<(String, Vec<u8>)>,
    /// From this time on, ns.
    pub after_ns: u64,
    /// Before this time, ns.
    pub before_ns: Option<u64>,
}

impl Matching {
    /// True when only direction, message and number are asked for.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let plain = Self {
            direction: self.direction,
            messages: self.messages.clone(),
            nth: self.nth,
            ..Self::default()
        };
        *self == plain
    }
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Takes the packet off the link.
    Drop,
    /// Holds it for a time on top of the link's delay.
    Delay {
        /// How long, ns; one draw per packet.
        by: Law,
    },
    /// Lets it pass, followed by copies.
    Duplicate {
        /// How many, from 1.
        copies: u8,
        /// Distance between the arrivals, ns.
        after_ns: u64,
    },
    /// Lets it pass and sends it, or the recorded session before, once more.
    Replay {
        /// How much later, ns.
        after_ns: u64,
        /// To this node instead of the one it went to.
        to: Option<u32>,
        /// From an address of its own, another port each time, instead of the claimed one.
        own: bool,
        /// All frames that the sender sent in its session before this one, as they were spaced.
        session: bool,
    },
    /// Lets it go on changed.
    Modify(Vec<Edit>),
    /// Lets it pass and sends it back to its sender as if from its receiver.
    Reflect,
    /// Lets it pass and sends a frame of its own.
    Inject(Frame),
    /// Sends a frame of its own again and again, whatever passes.
    Flood {
        /// The frame.
        frame: Frame,
        /// From one to the next, ns; one draw each.
        every: Law,
    },
}

/// A change of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// One bit of a field, or of the whole packet; counted from the first bit of the first byte, or
    /// drawn.
    Flip {
        /// The field.
        field: Option<String>,
        /// The bit.
        bit: Option<u64>,
    },
    /// A field gets these bytes.
    Set {
        /// The field.
        field: String,
        /// The bytes; of an integer the low ones that fit.
        value: Vec<u8>,
    },
    /// The end is cut off: so many bytes stay.
    Truncate(usize),
    /// So many zero bytes follow.
    Extend(usize),
    /// A field gets the bytes that a field had in the last message of a kind that passed.
    Swap {
        /// The field.
        field: String,
        /// The message: place in the instance's layouts.
        message: usize,
        /// Its field.
        other: String,
    },
}

/// A frame that an adversary builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The node that it claims to come from; `None`: an own address.
    pub from: Option<u32>,
    /// The node that it goes to.
    pub to: u32,
    /// How much later than the packet that set it off, ns.
    pub after_ns: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}
