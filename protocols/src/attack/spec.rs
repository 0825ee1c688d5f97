//! The declaration of an attack: what it needs, what it aims at, and how it is put to the test.

use crate::parameter::ParameterSpec;

/// What an adversary may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Power {
    /// Keep and read frames of others.
    Observe,
    /// Take frames off a link.
    Drop,
    /// Hold frames back.
    Delay,
    /// Send copies of a frame that passes.
    Duplicate,
    /// Change the order of frames.
    Reorder,
    /// Change bytes.
    Modify,
    /// Send frames of its own.
    Inject,
    /// Send frames under somebody else's address.
    Spoof,
    /// Send a frame to another node than it was meant for.
    Redirect,
}

impl Power {
    /// Its name in the scenario file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Drop => "drop",
            Self::Delay => "delay",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::Modify => "modify",
            Self::Inject => "inject",
            Self::Spoof => "spoof",
            Self::Redirect => "redirect",
        }
    }
}

/// The eight powers of an adversary that owns the link.
pub const ALL_POWERS: &[Power] = &[
    Power::Observe,
    Power::Drop,
    Power::Delay,
    Power::Duplicate,
    Power::Reorder,
    Power::Modify,
    Power::Inject,
    Power::Spoof,
];

/// What an attack aims at; each is judged by an oracle of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// Whoever accepts has a partner that was running with it.
    Agreement,
    /// Keys, passwords, rows and payloads stay unknown.
    Secrecy,
    /// Payloads arrive as sent and in the promised order.
    Integrity,
    /// Sessions succeed.
    Availability,
    /// Devices can authenticate once everything has ended.
    LockOut,
    /// Both ends share a value.
    Desync,
    /// Who took part stays unknown.
    Anonymity,
}

impl Property {
    /// All, in the order of tables.
    pub const ALL: [Self; 7] = [
        Self::Agreement,
        Self::Secrecy,
        Self::Integrity,
        Self::Availability,
        Self::LockOut,
        Self::Desync,
        Self::Anonymity,
    ];

    /// Its name in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agreement => "agreement",
            Self::Secrecy => "secrecy",
            Self::Integrity => "integrity",
            Self::Availability => "availability",
            Self::LockOut => "lock-out",
            Self::Desync => "desync",
            Self::Anonymity => "anonymity",
        }
    }
}

/// Where an attacker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// On a link (`on`).
    OnPath,
    /// A host beside a link, with addresses of its own (`at`).
    OffPath,
    /// It plays a party (`as`).
    Insider,
}

impl Position {
    /// The key of the scenario file.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::OnPath => "on",
            Self::OffPath => "at",
            Self::Insider => "as",
        }
    }
}

/// A secret that the attack must be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Which secret: a name of [`crate::protocol::Protocol::secrets`], or `storage`.
    pub secret: &'static str,
    /// The role of its holder.
    pub of: &'static str,
    /// When it is granted in the attack's own stage, in the scenario's notation (`0s`, `1min`), or
    /// `always`: each new value as soon as the holder has it.
    pub at: &'static str,
}

/// The twin of the protocol that the attack must beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// The twin's variant; `broken`, or where no twin can be beaten the variant that lacks the
    /// defence by itself.
    pub variant: &'static str,
    /// Its parameter `without`; empty: none.
    pub without: &'static str,
    /// Further parameters of the twin: name and value in the scenario's notation.
    pub params: &'static [(&'static str, &'static str)],
}

impl Control {
    /// The broken twin without `without`.
    #[must_use]
    pub const fn without(without: &'static str) -> Self {
        Self {
            variant: "broken",
            without,
            params: &[],
        }
    }
}

/// What honest parties do while an attack runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errand {
    /// The role of the initiators.
    pub from: &'static str,
    /// The role of the responder, where the first command has one.
    pub to: &'static str,
    /// The commands, in order.
    pub commands: &'static [&'static str],
    /// From one start to the next, in the scenario's notation; empty: once.
    pub every: &'static str,
    /// From a party's start to its first time, in the scenario's notation; empty: at once.
    pub first: &'static str,
}

/// The scenario in which an attack is tried when nobody names another.
///
/// Texts are in the scenario's notation. Parties are linked role by role as the errands ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Roles and how many parties there are of each.
    pub nodes: &'static [(&'static str, u32)],
    /// What the parties do.
    pub errands: &'static [Errand],
    /// Parameters of the protocol: name and value in the scenario's notation; `role.name` for one of
    /// the role's nodes.
    pub params: &'static [(&'static str, &'static str)],
    /// Pairs of roles that have a secure link besides the public one.
    pub secure: &'static [(&'static str, &'static str)],
    /// The two roles on whose public link the attacker stands, or beside it; empty: those of the
    /// first errand. With `-secure` behind the second, it is the secure link of a pair in `secure`
    /// as written there, and an attacker that stands on it may read it.
    pub on: (&'static str, &'static str),
    /// The party that an insider plays, `role[number]`; empty: none.
    pub seat: &'static str,
    /// Delay of each link, one way.
    pub delay: &'static str,
    /// Length of the run.
    pub duration: &'static str,
    /// How long it runs on without adversary.
    pub settle: &'static str,
    /// Further keys of the nodes of a role, a line of the scenario file each: a profile, a clock.
    pub node_keys: &'static [(&'static str, &'static str)],
    /// Further keys of every public link, as lines of the scenario file: a rate, a queue.
    pub link_keys: &'static str,
    /// Further tables at the end of the scenario file, such as faults.
    pub tables: &'static str,
    /// Cases that are tried under further parameters of the protocol; all others take those above.
    pub cases: &'static [CaseParams],
}

/// A case that depends on parameters of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseParams {
    /// The case: a name of [`AttackSpec::cases`].
    pub case: &'static str,
    /// Name and value in the scenario's notation; in the place of the stage's own.
    pub params: &'static [(&'static str, &'static str)],
    /// The variants that have these parameters; empty: all that the attack is for.
    pub variants: &'static [&'static str],
}

impl Stage {
    /// This stage with other parameters.
    #[must_use]
    pub const fn with_params(self, params: &'static [(&'static str, &'static str)]) -> Self {
        Self { params, ..self }
    }

    /// This stage with cases that depend on parameters.
    #[must_use]
    pub const fn with_cases(self, cases: &'static [CaseParams]) -> Self {
        Self { cases, ..self }
    }

    /// This stage with the attacker on, or beside, the public link of two roles.
    #[must_use]
    pub const fn on(self, one: &'static str, other: &'static str) -> Self {
        Self {
            on: (one, other),
            ..self
        }
    }

    /// This stage with an insider in the place of a party, `role[number]`.
    #[must_use]
    pub const fn with_seat(self, seat: &'static str) -> Self {
        Self { seat, ..self }
    }

    /// Whether an insider plays a party of this role here.
    #[must_use]
    pub fn plays(&self, role: &str) -> bool {
        self.seat.split('[').next() == Some(role)
    }

    /// This stage with other numbers of parties.
    #[must_use]
    pub const fn with_nodes(self, nodes: &'static [(&'static str, u32)]) -> Self {
        Self { nodes, ..self }
    }

    /// This stage with other errands.
    #[must_use]
    pub const fn with_errands(self, errands: &'static [Errand]) -> Self {
        Self { errands, ..self }
    }
}

/// An attack.
#[derive(Clone, Copy, Debug)]
pub struct AttackSpec {
    /// Its id, exactly as in the specification.
    pub id: &'static str,
    /// One paragraph: what it does.
    pub help: &'static str,
    /// Powers of all its steps: what it is granted unless the scenario says otherwise.
    pub powers: &'static [Power],
    /// Those of [`Self::powers`] without which only some of its steps are left out: what they would
    /// send is not sent, and without [`Power::Observe`] it sees its own mail alone.
    pub spare: &'static [Power],
    /// Where it can stand; the first is where it is tried.
    pub positions: &'static [Position],
    /// Secrets it must be granted.
    pub knows: &'static [Need],
    /// Its parameters, `case` not among them.
    pub params: &'static [ParameterSpec],
    /// Its cases; empty: there is one.
    pub cases: &'static [&'static str],
    /// What it aims at.
    pub properties: &'static [Property],
    /// The claims that it tests, full ids.
    pub claims: &'static [&'static str],
    /// Claims that only some of its cases test: the claim, and those cases.
    pub case_claims: &'static [(&'static str, &'static [&'static str])],
    /// The twin that it must beat.
    pub control: Control,
    /// Variants that it can attack; empty: all but `broken`, which is for the control.
    pub variants: &'static [&'static str],
    /// Secrets that it may claim: names of [`crate::protocol::Protocol::secrets`].
    pub claims_secrets: &'static [&'static str],
    /// Where it is tried.
    pub stage: Stage,
    /// Cases that are tried elsewhere: each with its own stage.
    pub stages: &'static [(&'static str, Stage)],
}

impl AttackSpec {
    /// Whether a case tests a claim that the attack tests.
    #[must_use]
    pub fn tests(&self, claim: &str, case: Option<&str>) -> bool {
        let mut limited = self.case_claims.iter();
        let limited = limited.find(|(id, _)| *id == claim);
        limited.is_none_or(|(_, cases)| case.is_some_and(|case| cases.contains(&case)))
    }

    /// Where a case is tried.
    #[must_use]
    pub fn stage_of(&self, case: Option<&str>) -> &Stage {
        let own = self.stages.iter().find(|(name, _)| Some(*name) == case);
        own.map_or(&self.stage, |(_, stage)| stage)
    }
}
