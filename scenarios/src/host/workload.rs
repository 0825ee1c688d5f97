//! The life of an attempt: when requests begin, what a step waits for, what follows a failure.
//!
//! A workload opens a request at each node's start and then by `every`, counted from the start of
//! the one before. A request is a list of steps; each step is an attempt of its own. A failed step
//! ends the list, and a retry runs the list anew. A request that comes due while the node is still
//! busy with the one before begins as soon as that one is over; commands that may overlap
//! (`send` of a source) are the exception.

mod outage;
mod progress;
mod renewal;
mod request;
mod split;

use std::collections::BTreeMap;

use protocols::output::Tag;
use protocols::protocol::Completion;
use sim_engine::{StreamName, Streams};

use super::attempt::{Attempt, AttemptId, NOBODY, OpenAttempts};
use crate::scenario::{Reprovision, Retry, StepArg};

/// The state of an initiator's machine that has nothing under way.
const IDLE: &str = "IDLE";

/// Control events of the host.
pub(crate) mod control {
    /// A node starts.
    pub(crate) const START: u8 = 1;
    /// The next request of a workload is due; the key is the workload.
    pub(crate) const NEXT: u8 = 2;
    /// A retry is due; the key is the workload.
    pub(crate) const RETRY: u8 = 3;
    /// The deadline of an attempt; the key is its number.
    pub(crate) const DEADLINE: u8 = 4;
    /// The next attempt of the honest continuation.
    pub(crate) const FORK: u8 = 5;
    /// An operator has come to a node that failed too often; the key is the workload.
    pub(crate) const REPROVISION: u8 = 6;
    /// An operator is through with what a step asked for; the key is the number of the attempt.
    pub(crate) const RENEWED: u8 = 7;
}

/// One step as it runs.
#[derive(Clone, Debug)]
pub struct StepPlan {
    /// The command.
    pub command: u8,
    /// Its name.
    pub name: &'static str,
    /// The group of the responder.
    pub to: Option<usize>,
    /// Its arguments.
    pub args: Vec<Option<StepArg>>,
    /// What completes it.
    pub done: Completion,
    /// True when several may be open at once.
    pub concurrent: bool,
    /// How long it may take, ns; 0: no limit.
    pub deadline_ns: u64,
}

/// One workload as it runs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The group of its initiators.
    pub from: usize,
    /// Its steps.
    pub steps: Vec<StepPlan>,
    /// From the start of a node to its first request.
    pub first: Option<sim_engine::Law>,
    /// From the start of a request to that of the next.
    pub every: Option<sim_engine::Law>,
    /// What follows a failure.
    pub retry: Option<Retry>,
    /// What follows several failed requests in a row.
    pub reprovision: Option<Reprovision>,
    /// Most requests per initiator.
    pub count: Option<u64>,
    /// The name that the streams of all initiators begin with.
    pub stream_group: StreamName,
    /// Its own name.
    pub name: String,
    /// The initiators, by member.
    pub initiators: Vec<Initiator>,
}

impl Plan {
    /// A word of the place of its initiator `member` in it, to have it near when it is needed.
    #[inline]
    pub(super) fn touch(&self, member: u32) -> u64 {
        let member = member as usize;
        let requests = self.initiators.get(member).map_or(0, |own| own.requests);
        u64::from(requests)
    }

    /// The stream of the intervals of initiator `member`: computed, since a million of them kept would
    /// be read once an hour each.
    pub(super) fn stream(&self, member: u32) -> u64 {
        let node = self.stream_group.index(u64::from(member));
        node.text("workload").text(&self.name).id()
    }

    /// The first of its steps by which an initiator authenticates: one that ends with acceptances.
    pub(crate) fn authenticates(&self) -> Option<usize> {
        self.steps.iter().position(|step| {
            matches!(
                step.done,
                Completion::AcceptedBoth | Completion::AcceptedInitiator | Completion::SessionsBoth
            )
        })
    }
}

/// One initiator's place in a workload.
#[derive(Clone, Copy, Debug, Default)]
pub struct Initiator {
    requests: u32,
    tried: u32,
    /// Requests in a row that failed for good.
    pub(super) failures: u32,
    /// The list is under way, or a retry of it or an operator is awaited.
    active: bool,
    /// The next request is due and waits for this one, or for power.
    due: bool,
    /// A retry is due and waits for power.
    retry_due: bool,
}

/// One node's attempts.
#[derive(Clone, Copy, Debug)]
struct NodeBook {
    attempts: u32,
    accepted: u32,
    /// Slot of the open attempt plus 1; 0 when none is open.
    open: u32,
    /// The node that it has opened a session with which has not ended; [`NOBODY`] for none.
    session_with: u32,
    /// The workload plus 1 whose last attempt failed; 0 when it succeeded.
    failed: u32,
}

impl Default for NodeBook {
    fn default() -> Self {
        Self {
            attempts: 0,
            accepted: 0,
            open: 0,
            session_with: NOBODY,
            failed: 0,
        }
    }
}

/// Starts with their nodes, in the order of the nodes; those that never start are relays.
fn starts(starts_ns: &[u64]) -> Vec<(u64, u32)> {
    let mut all = Vec::with_capacity(starts_ns.len());
    let nodes = starts_ns.iter().copied().zip(0u32..);
    all.extend(nodes.filter(|(at_ns, _)| *at_ns < u64::MAX));
    all
}

/// All workloads of a world.
#[derive(Debug)]
pub struct Workloads {
    /// The workloads.
    pub plans: Vec<Plan>,
    /// No new attempt from here on, ns.
    pub duration_ns: u64,
    /// Attempts that began earlier are left out of the totals, ns.
    pub warmup_ns: u64,
    /// Command `abort` of each role.
    pub abort: Vec<Option<u8>>,
    /// Command `finish` of each role.
    pub finish: Vec<Option<u8>>,
    /// The honest continuation, once it runs.
    pub(crate) fork: Option<crate::fork::Fork>,
    /// When which node starts, ns; taken from the end once the run has begun.
    starts: Vec<(u64, u32)>,
    streams: Streams,
    nodes: Vec<NodeBook>,
    open: OpenAttempts,
    /// Attempts that overlap others of their node, by initiator and number.
    overlapping: BTreeMap<(u32, u32), u32>,
    /// Sessions that are over, of initiators whose command may go on with another.
    between: BTreeMap<u32, Attempt>,
    /// Initiators whose attempt the end of the run cut off, and with whom it was.
    cut_off: BTreeMap<u32, u32>,
    /// Attempts of overlapping kinds by initiator and session.
    by_session: BTreeMap<(u32, Tag), AttemptId>,
}

impl Workloads {
    /// Workloads over `starts_ns.len()` nodes.
    #[must_use]
    pub fn new(
        plans: Vec<Plan>,
        (duration_ns, warmup_ns): (u64, u64),
        (abort, finish): (Vec<Option<u8>>, Vec<Option<u8>>),
        starts_ns: Vec<u64>,
        streams: Streams,
    ) -> Self {
        Self {
            plans,
            duration_ns,
            warmup_ns,
            abort,
            finish,
            fork: None,
            nodes: vec![NodeBook::default(); starts_ns.len()],
            starts: starts(&starts_ns),
            streams,
            open: OpenAttempts::default(),
            overlapping: BTreeMap::new(),
            between: BTreeMap::new(),
            cut_off: BTreeMap::new(),
            by_session: BTreeMap::new(),
        }
    }

    /// The open attempt of a node.
    #[must_use]
    #[inline]
    pub fn open_attempt(&self, node: u32) -> AttemptId {
        let slot = self.nodes[node as usize].open;
        slot.checked_sub(1)
            .and_then(|slot| self.open.get(slot))
            .map_or(AttemptId::NONE, |attempt| attempt.id)
    }

    /// A word of the node's book, to have it near when it is needed.
    #[must_use]
    pub fn touch(&self, node: u32) -> u64 {
        self.nodes
            .get(node as usize)
            .map_or(0, |book| u64::from(book.open))
    }

    /// Nodes that have not started.
    pub(super) const fn starts_left(&self) -> usize {
        self.starts.len()
    }

    /// The nodes that start next, at most `count` of them.
    pub(super) fn next_starts(&self, count: usize) -> impl Iterator<Item = u32> + '_ {
        self.starts.iter().rev().take(count).map(|(_, node)| *node)
    }

    /// Attempts and accepted attempts of a node so far.
    #[must_use]
    pub fn counts(&self, node: u32) -> (u32, u32) {
        self.nodes
            .get(node as usize)
            .map_or((0, 0), |book| (book.attempts, book.accepted))
    }

    /// Whether the last attempt of `node` that closed by itself was one of `workload` and failed.
    pub(crate) fn failed_last(&self, node: u32, workload: usize) -> bool {
        self.nodes
            .get(node as usize)
            .is_some_and(|book| book.failed == index(workload).saturating_add(1))
    }

    /// How many attempts are open.
    #[must_use]
    pub const fn open_count(&self) -> usize {
        self.open.len()
    }

    /// One more message belongs to `attempt`.
    #[inline]
    pub fn count_message(&mut self, attempt: AttemptId, bytes: usize) {
        if let Some(slot) = self.slot(attempt)
            && let Some(open) = self.open.get_mut(slot)
        {
            open.messages += 1;
            open.bytes += bytes as u64;
        }
    }

    /// The open attempt between two nodes, whichever began it.
    pub(super) fn open_between(&self, one: u32, other: u32) -> AttemptId {
        let of = |initiator: u32, responder: u32| {
            let current = self.nodes.get(initiator as usize)?.open.checked_sub(1);
            let overlapping = self
                .overlapping
                .range((initiator, 0)..=(initiator, u32::MAX));
            let newest_first = overlapping.rev().map(|(_, slot)| *slot);
            let mut open = current
                .into_iter()
                .chain(newest_first)
                .filter_map(|slot| self.open.get(slot));
            let found = open.find(|open| open.responder == responder)?;
            Some(found.id)
        };
        of(one, other)
            .or_else(|| of(other, one))
            .unwrap_or(AttemptId::NONE)
    }

    /// What completes an open attempt.
    pub(super) fn completion(&self, attempt: AttemptId) -> Option<Completion> {
        self.open.get(self.slot(attempt)?).map(|open| open.done)
    }

    /// The open attempt of `initiator` in which an end accepted `session`.
    pub(super) fn by_acceptance(&self, initiator: u32, session: Tag) -> AttemptId {
        let named = |open: &&Attempt| {
            [open.initiator_accepted, open.responder_accepted]
                .into_iter()
                .flatten()
                .any(|acceptance| acceptance.session == session)
        };
        let current = self.nodes[initiator as usize].open.checked_sub(1);
        let earlier = self
            .overlapping
            .range((initiator, 0)..=(initiator, u32::MAX));
        let slots = current.into_iter().chain(earlier.map(|(_, slot)| *slot));
        let mut open = slots.filter_map(|slot| self.open.get(slot));
        open.find(named).map_or(AttemptId::NONE, |open| open.id)
    }

    /// The last attempt that a node began.
    pub(super) fn last_attempt(&self, node: u32) -> Option<AttemptId> {
        let number = self.nodes.get(node as usize)?.attempts;
        (number > 0).then_some(AttemptId {
            initiator: node,
            number,
        })
    }

    /// True when the initiator of an open attempt has said that the session is over.
    pub(super) fn has_ended(&self, attempt: AttemptId) -> bool {
        self.slot(attempt)
            .and_then(|slot| self.open.get(slot))
            .is_some_and(|open| open.ended.0)
    }

    /// True when a session of `node` is over and its command may go on with another.
    #[inline]
    pub(super) fn is_between_sessions(&self, node: u32) -> bool {
        !self.between.is_empty() && self.between.contains_key(&node)
    }

    /// The session before the one that begins: out of the open ones, where it stays as an attempt
    /// that another has followed, or out of those that are over.
    fn take_session_before(&mut self, node: u32, before: AttemptId) -> Option<Attempt> {
        if let Some(over) = self.between.remove(&node) {
            return Some(over);
        }
        let slot = self.slot(before)?;
        let open = self.open.get_mut(slot)?;
        open.continued = true;
        self.overlapping.insert((node, before.number), slot);
        Some(*open)
    }

    /// An attempt while it is open.
    pub(crate) fn under_way(&self, attempt: AttemptId) -> Option<&Attempt> {
        self.open.get(self.slot(attempt)?)
    }

    /// To which attempt belongs what a node does with a packet of `tag`: an initiator's emissions
    /// belong to its open attempt whatever caused them, a responder's to that of the packet. A node
    /// that has an attempt of its own open may be the responder of another.
    #[inline]
    pub(crate) fn attempt_in_hand(&self, node: u32, tag: AttemptId) -> AttemptId {
        let own = self.open_attempt(node);
        let answers = || {
            let open = self.under_way(tag);
            tag.initiator != node && open.is_some_and(|open| open.responder == node)
        };
        if own.is_some() && !answers() {
            own
        } else {
            tag
        }
    }

    /// The slot of an attempt, if it is still open.
    #[inline]
    fn slot(&self, attempt: AttemptId) -> Option<u32> {
        let book = self.nodes.get(attempt.initiator as usize)?;
        if let Some(slot) = book.open.checked_sub(1)
            && self.open.get(slot).is_some_and(|open| open.id == attempt)
        {
            return Some(slot);
        }
        if self.overlapping.is_empty() {
            return None;
        }
        self.overlapping
            .get(&(attempt.initiator, attempt.number))
            .copied()
    }

    /// The slot of attempt `number` of `initiator`, if it is still open.
    fn slot_of(&self, initiator: u32, number: u32) -> Option<u32> {
        self.slot(AttemptId { initiator, number })
    }

    /// The attempt that a statement about `session` belongs to when its tag names none.
    fn by_session(&self, node: u32, tag: AttemptId, session: Tag) -> AttemptId {
        if tag.is_some() || self.by_session.is_empty() {
            return tag;
        }
        self.by_session
            .get(&(node, session))
            .copied()
            .unwrap_or(AttemptId::NONE)
    }
}

fn index(workload: usize) -> u32 {
    u32::try_from(workload).unwrap_or(u32::MAX)
}
