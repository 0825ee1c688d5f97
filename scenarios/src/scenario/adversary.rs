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
    /// How often it acts on a matching packet; one draw per packet.
    pub probability: Probability,
}

/// Which packets a rule is about; every part that is given must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// The direction of travel.
    pub direction: Option<Direction>,
    /// Messages: places in [`Instance::layouts`]; empty: any.
    pub messages: Vec<usize>,
    /// Only the n-th packet of each link and direction, from 1, for which the rest fits.
    pub nth: Option<u64>,
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
}
