//! What a protocol declares about itself, once, for everybody: the scenario reader, the host, the
//! oracles, the cost tables, the lists and the documentation.

use core::fmt;
use std::sync::Arc;

use crate::attack::{AttackSpec, Attacker, Holder, Property, Secret, SecretSpec, Setup};
use crate::drive::Rehearsal;
use crate::output::{Principal, Tag};
use crate::parameter::{ParameterError, ParameterSpec, Values};
use crate::registry::Column;
use crate::roster::{Party, ProvisionSink, Roster, Streams};
use crate::storage::Record;
use crate::time::Span;
use crate::wire::Layout;

/// A role of a protocol; its number is its place in [`Protocol::roles`].
#[derive(Clone, Copy, Debug)]
pub struct RoleSpec {
    /// Name in the scenario file.
    pub name: &'static str,
    /// Parameters of a node of this role.
    pub params: &'static [ParameterSpec],
    /// One line of explanation.
    pub help: &'static str,
}

/// A command; its id is its place in [`Protocol::commands`].
#[derive(Clone, Copy, Debug)]
pub struct CommandSpec {
    /// Name in the scenario file.
    pub name: &'static str,
    /// The role that takes it.
    pub role: u8,
    /// The role of the node it is about; `None` where it is about none, or about one of any role.
    pub peer: Option<u8>,
    /// Its arguments in order: name and default in words.
    pub args: &'static [(&'static str, &'static str)],
    /// Its phase: the place in [`Protocol::phases`].
    pub phase: u8,
    /// What completes a step of it.
    pub done: Completion,
    /// True when several may be open at once at one initiator.
    pub concurrent: bool,
    /// One line of explanation.
    pub help: &'static str,
}

/// What completes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Completion {
    /// `Accepted` at both ends.
    AcceptedBoth,
    /// `Accepted` at the initiator; the responder's is judged when the attempt closes.
    AcceptedInitiator,
    /// `DataAccepted` at the initiator.
    DataAtInitiator,
    /// `DataAccepted` at the responder.
    DataAtResponder,
    /// `Ended` at both ends.
    EndedBoth,
    /// Accepted when both ends gave `Accepted`, closed when both gave `Ended`; one command makes
    /// several such steps, each opened by the initiator's `Running`.
    SessionsBoth,
    /// A durable write at the initiator.
    StoredAtInitiator,
    /// At once, when the command has been handled.
    Handled,
}

/// A kind of timer; its number is its place in [`Protocol::timers`].
#[derive(Clone, Copy, Debug)]
pub struct TimerSpec {
    /// Name in traces.
    pub name: &'static str,
    /// True when its expiry changes what two parties share, so that the pair is not at rest while
    /// it is armed.
    pub changes_shared_state: bool,
}

/// A variant of a protocol.
#[derive(Clone, Copy, Debug)]
pub struct VariantSpec {
    /// Name in the scenario file.
    pub name: &'static str,
    /// One line of explanation.
    pub help: &'static str,
}

/// A claim of a protocol's authors.
#[derive(Clone, Copy, Debug)]
pub struct ClaimSpec {
    /// Full id, `SV-C1`.
    pub id: &'static str,
    /// The claim in the authors' sense, shortened.
    pub text: &'static str,
    /// `resists`, or `admits` where the text itself names the weakness.
    pub stance: &'static str,
    /// Where it stands.
    pub source: &'static str,
    /// The properties that it is about; empty: all that an attack on it aims at.
    pub properties: &'static [Property],
}

impl ClaimSpec {
    /// The same claim, where attacks on it aim at more than it is about.
    #[must_use]
    pub const fn about(self, properties: &'static [Property]) -> Self {
        Self { properties, ..self }
    }
}

/// A relation between two roles whose ends share state; its number is its place in
/// [`Protocol::relations`].
#[derive(Clone, Copy, Debug)]
pub struct RelationSpec {
    /// Name in tables.
    pub name: &'static str,
    /// The role that counts as the device of the relation.
    pub device: u8,
    /// The role at the other end.
    pub server: u8,
}

/// A protocol: what there is before any parameter is chosen.
pub trait Protocol: Sync {
    /// Name in the scenario file.
    fn name(&self) -> &'static str;
    /// One line: what it is.
    fn summary(&self) -> &'static str;
    /// Its published source.
    fn source(&self) -> &'static str;
    /// Its roles.
    fn roles(&self) -> &'static [RoleSpec];
    /// Its commands.
    fn commands(&self) -> &'static [CommandSpec];
    /// Its phases, by name.
    fn phases(&self) -> &'static [&'static str];
    /// Its timers.
    fn timers(&self) -> &'static [TimerSpec];
    /// Its parameters, for all nodes.
    fn params(&self) -> &'static [ParameterSpec];
    /// Its variants, the default first.
    fn variants(&self) -> &'static [VariantSpec];
    /// The claims of its authors.
    fn claims(&self) -> &'static [ClaimSpec];
    /// The relations whose ends share state.
    fn relations(&self) -> &'static [RelationSpec];
    /// Whether application data arrives in the order in which it was sent, or not at all.
    fn ordered(&self) -> bool {
        true
    }

    /// The attacks on it that need code, in the order of the specification.
    fn attacks(&self) -> &'static [AttackSpec] {
        &[]
    }

    /// The secrets that its parties hold: what a scenario may grant an adversary, and what an
    /// adversary may claim to know.
    fn secrets(&self) -> &'static [SecretSpec] {
        &[]
    }

    /// True when its machines open streams, so that a link carries streams by default.
    fn streams(&self) -> bool {
        false
    }

    /// True when parties get their names while it runs ([`crate::Output::Named`]).
    fn names_itself(&self) -> bool {
        false
    }

    /// True when its machines find each other by broadcasts, which end at the neighbours.
    fn broadcasts(&self) -> bool {
        false
    }

    /// One honest pass through all phases, in an order in which each command finds what it needs;
    /// by default every command but `abort` and those with an argument that has no default.
    fn rehearsal(&self) -> Rehearsal {
        let performed = |spec: &CommandSpec| {
            spec.name != "abort" && spec.args.iter().all(|(_, default)| *default != "none")
        };
        let numbered = (0..).zip(self.commands());
        Rehearsal {
            params: Vec::new(),
            commands: numbered
                .filter(|(_, spec)| performed(spec))
                .map(|(id, _)| id)
                .collect(),
        }
    }

    /// Fixes variant and parameters.
    ///
    /// # Errors
    ///
    /// A combination that the specification does not allow.
    fn configure(
        &self,
        variant: &str,
        params: &Values,
    ) -> Result<Arc<dyn Instance>, ParameterError>;
}

/// A protocol with variant and parameters fixed.
pub trait Instance: fmt::Debug + Send + Sync {
    /// The layouts of all messages, in the order of the specification.
    fn layouts(&self) -> &[Layout];

    /// The message that `bytes` is on the wire: its place in [`Instance::layouts`]. Only the bytes
    /// are looked at; `None` when they are no known message.
    fn classify(&self, bytes: &[u8]) -> Option<usize> {
        let tag = *bytes.first()?;
        self.layouts()
            .iter()
            .position(|layout| layout.tag == Some(tag))
    }

    /// Messages that travel sealed inside others, where nobody on the path can tell them apart: name
    /// and the message on the wire that carries it.
    fn inner_messages(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Which of [`Instance::inner_messages`] the frame carries, by what its receiver knows: for
    /// observers that see both ends. `None` when it carries none, or cannot be opened.
    fn inner(&self, receiver: &Holder<'_>, frame: &[u8]) -> Option<usize> {
        let _ = (receiver, frame);
        None
    }

    /// True when the machines open streams under these parameters: every link between their roles
    /// must then carry streams, and datagrams otherwise. [`Protocol::streams`] is what holds under
    /// the defaults.
    fn streams(&self) -> bool {
        false
    }

    /// The port that a role listens on.
    fn port(&self, role: u8) -> u16;

    /// The default deadline of a command.
    fn deadline(&self, command: u8) -> Span;

    /// What completes a step of `command` when a node of `group` (index in [`Roster::groups`]) gives
    /// it: what the specification of the command says, unless a parameter of the group decides.
    fn completion(&self, roster: &Roster, group: usize, command: &CommandSpec) -> Completion {
        let _ = (roster, group);
        command.done
    }

    /// The parameter values in force, defaults included: (name, value in words), in the order of
    /// [`Protocol::params`].
    fn settings(&self) -> Vec<(&'static str, String)>;

    /// Why this configuration must not face an adversary; `None` when it may. Shortcuts that spare
    /// arithmetic or share keys between parties give an adversary what the protocol does not.
    fn refuses_adversary(&self) -> Option<ParameterError> {
        None
    }

    /// Checks the roster (numbers of parties, node parameters) before anything is built.
    ///
    /// # Errors
    ///
    /// What the specification does not allow; the name is `group` or `group.parameter`.
    fn check(&self, roster: &Roster) -> Result<(), ParameterError> {
        let _ = roster;
        Ok(())
    }

    /// Gives every party its first durable storage: the one place that sees both ends.
    fn provision(&self, roster: &Roster, streams: &mut dyn Streams, sink: &mut dyn ProvisionSink);

    /// The record under which a partner of `party` keeps what it shares with it, where the two can
    /// be given first storage anew without anybody else: provisioning a roster of `party` and its
    /// partners then gives records that fit the rest of the world. `None` where they cannot, as
    /// when others hold values drawn together with those of `party`.
    fn record_about(&self, roster: &Roster, party: &Party) -> Option<Record> {
        let _ = (roster, party);
        None
    }

    /// Builds the machines of one group, in roster order.
    fn machines(&self, roster: &Roster, group: usize) -> Column;

    /// Builds an attacker: the attack of [`Protocol::attacks`] with this id.
    ///
    /// # Errors
    ///
    /// An attack that this variant does not know, or a parameter that it refuses.
    fn attacker(&self, id: &str, setup: &Setup<'_>) -> Result<Box<dyn Attacker>, ParameterError> {
        let _ = setup;
        Err(ParameterError {
            name: String::new(),
            reason: format!("this variant knows no attack `{id}`"),
            hint: "`badlink list attacks` names what there is".to_owned(),
        })
    }

    /// Lists the secrets that a party holds right now. For grants and for oracles only: no machine
    /// and no attacker calls it.
    fn secrets(&self, holder: &Holder<'_>, out: &mut dyn FnMut(Secret<'_>)) {
        let _ = (holder, out);
    }

    /// The `key_id` that a party would state if `key` were its session key: what confirms a claim of
    /// kind `session-key`. `None` where sessions have no key.
    fn key_id(&self, key: &[u8]) -> Option<Tag> {
        let _ = key;
        None
    }

    /// Whether a claim about a secret of `holder` is true where comparing values is not enough, as
    /// for a key that is computed from what the holder has. The default is never.
    fn confirms(&self, holder: &Holder<'_>, kind: &str, bytes: &[u8]) -> bool {
        let _ = (holder, kind, bytes);
        false
    }

    /// The principal by which others know `party`.
    fn principal(&self, roster: &Roster, party: &Party) -> Principal;
}
