//! Attackers that need code: sans-IO like the parties they attack.
//!
//! An [`Attacker`] sees what its position and powers let it see, decides about frames that pass it
//! ([`Verdict`]), and asks for everything else through its [`AttackContext`]: frames of its own,
//! timers, claims. It draws from the context only, never reaches into a party, and never judges its
//! own success: it [`Claim`]s, and oracles that see both ends judge.
//!
//! What there is to attack with is declared ([`AttackSpec`]) by the protocol that it attacks.

mod context;
mod grant;
pub mod kit;
mod puppet;
mod spec;

pub use context::{Action, Actions, AttackContext, Claim};
pub use grant::{Grant, Granted, Holder, Secret, SecretSpec};
pub use puppet::{Puppet, Said};
pub use spec::{
    ALL_POWERS, AttackSpec, CaseParams, Control, Errand, Need, Position, Power, Property, Stage,
};

use core::fmt;

use crate::address::{Address, Channel};
use crate::parameter::Values;
use crate::protocol::Instance;
use crate::roster::Roster;
use crate::time::Span;

/// First host number of adversaries' own addresses; parties have lower ones.
pub const OWN_HOSTS: u32 = 0xF000_0000;

/// Own host numbers of one instance of an adversary.
pub const HOSTS_EACH: u32 = 256;

/// An attacker. Every method has a default that does nothing, so an attack writes what it needs.
pub trait Attacker: fmt::Debug + Send {
    /// The world starts; grants of time 0 have been given.
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        let _ = cx;
    }

    /// A frame passes the place on a link where the adversary stands. What the verdict needs must be
    /// among its powers, else the run ends with an error.
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let _ = (view, cx);
        Verdict::Pass
    }

    /// A frame to an address of its own, or, for an insider, to the party that it plays.
    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        let _ = (view, cx);
    }

    /// A timer armed earlier has expired.
    fn on_timer(&mut self, timer: u32, cx: &mut AttackContext<'_>) {
        let _ = (timer, cx);
    }

    /// A secret that the scenario grants.
    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        let _ = (grant, cx);
    }
}

/// A frame as an adversary sees it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Names the frame in claims and in [`AttackContext::release`]; counts up from 1.
    pub frame: u64,
    /// The sender's address as the frame claims it. In a game of anonymity all parties of a role
    /// show the same host number.
    pub from: Address,
    /// Where it goes.
    pub to: Address,
    /// The role of the party at `from`; `None` when it is nobody's address.
    pub from_role: Option<u8>,
    /// The role of the party at `to`.
    pub to_role: Option<u8>,
    /// Public or secure. On a secure channel `bytes` is empty unless the adversary may break it.
    pub channel: Channel,
    /// The message that the bytes are: its place in [`Instance::layouts`].
    pub message: Option<usize>,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// What becomes of a frame that passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on unchanged.
    Pass,
    /// It is taken off the link.
    Drop,
    /// It is held for so long on top of the link's own delay.
    Delay(Span),
    /// It is held until [`AttackContext::release`] names it, at the latest until the adversary stops.
    Hold,
    /// It goes on, followed by copies, each `after` later than the one before.
    Duplicate {
        /// Number of copies.
        copies: u8,
        /// Distance between arrivals.
        after: Span,
    },
    /// It goes on with these bytes.
    Modify(Vec<u8>),
    /// It goes to another address instead.
    Redirect(Address),
}

/// What an attacker is built from: what is public, what the scenario sets, and nothing secret.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// The protocol's instance, for layouts, ports and machines of its own.
    pub instance: &'a dyn Instance,
    /// Who takes part: hosts, roles and ids are public.
    pub roster: &'a Roster,
    /// The parties (indices in [`Roster::parties`]) at the ends of the links on which it stands,
    /// ascending.
    pub near: &'a [usize],
    /// The party that it plays: index in [`Roster::parties`].
    pub seat: Option<usize>,
    /// Its first own host; [`HOSTS_EACH`] in a row are its own.
    pub own_host: u32,
    /// The case of the attack; `None`: all in turn.
    pub case: Option<&'a str>,
    /// Its parameters.
    pub params: &'a Values,
    /// Powers of [`AttackSpec::spare`] that it was not granted.
    pub lacks: &'a [Power],
}

impl Setup<'_> {
    /// An own address: host `index` (modulo [`HOSTS_EACH`]), any port.
    #[must_use]
    pub const fn own(&self, index: u32, port: u16) -> Address {
        Address::new(self.own_host + index % HOSTS_EACH, port)
    }

    /// The first party of `role` that stands next to the attacker, else the first of all: its
    /// address under the role's port.
    #[must_use]
    pub fn first_of(&self, role: u8) -> Option<Address> {
        let parties = &self.roster.parties;
        let near = self.near.iter().filter_map(|index| parties.get(*index));
        let found = near
            .chain(parties)
            .find(|party| party.role == role)
            .map(|party| party.host)?;
        Some(Address::new(found, self.instance.port(role)))
    }
}

/// Goes through the cases of an attack: one that was chosen, or all in turn.
#[derive(Clone, Debug)]
pub struct Cases {
    count: usize,
    only: Option<usize>,
    next: usize,
}

impl Cases {
    /// The cases called `names`; `case` chooses one. A name that is none of them chooses the first:
    /// the scenario reader has refused it before.
    #[must_use]
    pub fn new(names: &[&str], case: Option<&str>) -> Self {
        Self {
            count: names.len().max(1),
            only: case.map(|case| names.iter().position(|name| *name == case).unwrap_or(0)),
            next: 0,
        }
    }

    /// The case of the next try.
    pub const fn turn(&mut self) -> usize {
        if let Some(only) = self.only {
            return only;
        }
        let case = self.next;
        self.next = (self.next + 1) % self.count;
        case
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_go_round_or_stay_at_the_chosen_one() {
        let mut all = Cases::new(&["a", "b"], None);
        assert_eq!([all.turn(), all.turn(), all.turn()], [0, 1, 0]);
        let mut one = Cases::new(&["a", "b"], Some("b"));
        assert_eq!([one.turn(), one.turn()], [1, 1]);
    }
}
