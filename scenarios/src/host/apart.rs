//! A world whose parts exchange packets: what joins two nodes of different parts.
//!
//! Each node's machine, processor, timers and outgoing links belong to its part. What the simulator
//! knows about *both* ends of a link has no latency, though: an attempt is over at the instant at
//! which its responder accepts, and a pair of nodes is at rest when the last of both is done. So
//! where two parts meet, one of them *leads* and the other follows at a distance: the part of the
//! responder leads, that of the initiator follows ([`crate::run::split`] has the levels). All that
//! joins the two nodes (the attempt, the statements of agreement, their relation) is kept by the
//! part that follows. The part that leads keeps nothing of it and needs nothing of it: it writes
//! down what its node says and does as [`Post`]s, each with its place in the one order of events,
//! and the part that follows carries them out in between its own events, exactly there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use protocols::Principal;
use protocols::output::{Output, Scope};
use sim_engine::order::EventKey;
use sim_engine::{NodeId, Outbox};

use super::World;
use super::attempt::AttemptId;
use super::tables::Tables;
use crate::oracle::Cause;
use crate::record::log::Turn;

/// What a node of another part did that concerns a node of this one too.
#[derive(Clone, Copy, Debug)]
enum What {
    /// It sent a message of an attempt.
    Sent { attempt: AttemptId, bytes: u32 },
    /// Something of a pair is under way; `message`: one of its messages.
    Hold { pair: u32, message: bool },
    /// Something of a pair has come to its end.
    LetGo { pair: u32 },
    /// Its machine made a statement while in `state`.
    Said {
        output: Output,
        attempt: AttemptId,
        state: &'static str,
    },
    /// It lost its power, or got it back.
    Power { off: bool },
    /// It is handling this, where oracles watch an adversary.
    Handles { cause: Option<Cause> },
    /// An adversary has done something to an attempt.
    Touched { attempt: AttemptId },
}

/// One thing that happened in a part that leads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Post {
    /// Where it stands in the order of events.
    pub(crate) turn: Turn,
    node: u32,
    what: What,
}

impl Post {
    /// The node that did it.
    pub(crate) const fn node(&self) -> NodeId {
        NodeId(self.node)
    }
}

/// Who runs which node, and who leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The part of each node.
    pub(crate) part_of: Arc<[u16]>,
    /// How far each part follows behind those that lead: 0 for them.
    pub(crate) levels: Arc<[u8]>,
    /// Whether each node leads over a link to another part.
    pub(crate) leads: Arc<[bool]>,
}

impl Parts {
    /// The part that keeps what joins two nodes; `None` where neither follows the other.
    pub(crate) fn keeper(&self, one: u32, other: u32) -> Option<u16> {
        let parts = [one, other].map(|node| self.part_of.get(node as usize).copied());
        let [Some(one), Some(other)] = parts else {
            return None;
        };
        let [level, other_level] = [one, other].map(|part| self.levels[usize::from(part)]);
        match level.cmp(&other_level) {
            _ if one == other => Some(one),
            core::cmp::Ordering::Greater => Some(one),
            core::cmp::Ordering::Less => Some(other),
            core::cmp::Ordering::Equal => None,
        }
    }
}

/// What a part of a world knows about the others.
#[derive(Debug)]
pub(crate) struct Apart {
    parts: Parts,
    own: u16,
    /// The running event.
    turn: Turn,
    /// How many rows and posts the running event has told, shared with the tables, so that rows that
    /// come of a post stand between those of the event it belongs to.
    step: Arc<AtomicU32>,
    /// What goes to each part.
    posts: Vec<Vec<Post>>,
    /// Nodes of parts that lead and have no power.
    off: BTreeSet<u32>,
    /// While a post is carried out: the state of the machine that it is about.
    within: Option<&'static str>,
    /// Whether each node leads over a link to another part.
    leads: Arc<[bool]>,
    /// Names of peers that nobody is known to have.
    strangers: BTreeSet<Principal>,
    /// What shows that this way of sharing does not give the bytes of one thread.
    met: Option<&'static str>,
}

const ACROSS: &str = "a statement joins nodes of parts that do not follow one another";

impl Apart {
    pub(crate) fn new(parts: Parts, own: u16, step: Arc<AtomicU32>) -> Self {
        Self {
            posts: parts.levels.iter().map(|_| Vec::new()).collect(),
            leads: Arc::clone(&parts.leads),
            parts,
            own,
            turn: Turn::FIRST,
            step,
            off: BTreeSet::new(),
            within: None,
            strangers: BTreeSet::new(),
            met: None,
        }
    }

    /// An event of this part begins.
    #[inline]
    pub(crate) fn begin(&mut self, round: u32, key: EventKey) {
        self.turn = Turn::of(round, key);
    }

    /// What goes to `part`, to be emptied by the caller.
    pub(crate) fn posts(&mut self, part: usize) -> &mut Vec<Post> {
        &mut self.posts[part]
    }

    /// Why one thread has to give the result, once that shows.
    pub(crate) const fn met(&self) -> Option<&'static str> {
        self.met
    }

    fn post(&mut self, part: u16, node: u32, what: What) {
        if self.within.is_some() {
            self.met.get_or_insert(ACROSS);
            return;
        }
        let level = |part: u16| self.parts.levels[usize::from(part)];
        if level(part) <= level(self.own) {
            // It has gone past this already.
            self.met.get_or_insert(ACROSS);
            return;
        }
        let step = self.step.load(Ordering::Relaxed);
        // Rows that the running event tells from now on stand behind what comes of this.
        self.step.store(step + 2, Ordering::Relaxed);
        let turn = self.turn.at_step(step + 1);
        self.posts[usize::from(part)].push(Post { turn, node, what });
    }

    fn part(&self, node: u32) -> Option<u16> {
        self.parts.part_of.get(node as usize).copied()
    }

    /// The part that keeps what joins `node` and `other`, if it is not this one.
    fn elsewhere(&mut self, node: u32, other: u32) -> Option<u16> {
        let keeper = self.parts.keeper(node, other);
        if keeper.is_none() {
            self.met.get_or_insert(ACROSS);
        }
        keeper.filter(|part| *part != self.own)
    }

    /// An adversary has done something to an attempt of another part.
    fn touched(&mut self, attempt: AttemptId) {
        if let Some(part) = self.of_attempt(attempt) {
            self.post(part, attempt.initiator, What::Touched { attempt });
        }
    }

    /// The part of an attempt's initiator, if it is not this one.
    fn of_attempt(&self, attempt: AttemptId) -> Option<u16> {
        self.part(attempt.initiator)
            .filter(|part| *part != self.own)
    }
}

impl<T: Tables> World<T> {
    /// Carries out what a node of another part did, within the event that `out` stands in.
    pub(crate) fn take_post(&mut self, post: &Post, out: &mut Outbox<'_, Self>) {
        let (now, node) = (post.turn.at(), NodeId(post.node));
        if let Some(apart) = &mut self.apart {
            apart.within = Some("");
        }
        match post.what {
            What::Sent { attempt, bytes } => {
                self.workloads.count_message(attempt, bytes as usize);
            }
            What::Hold { pair, message } => self.hold_pair(pair, message),
            What::LetGo { pair } => self.let_go(now.0, pair),
            What::Said {
                output,
                attempt,
                state,
            } => {
                if let Some(apart) = &mut self.apart {
                    apart.within = Some(state);
                }
                self.judge_output(now, node, attempt, &output, out);
            }
            What::Handles { cause } => {
                self.watch.in_hand.insert(post.node, cause);
            }
            What::Touched { attempt } => {
                let place = out.recorder().place();
                self.watch.availability.touch(place, attempt);
            }
            What::Power { off } => {
                if let Some(apart) = &mut self.apart {
                    if off {
                        apart.off.insert(post.node);
                    } else {
                        apart.off.remove(&post.node);
                    }
                }
            }
        }
        if let Some(apart) = &mut self.apart {
            apart.within = None;
        }
    }

    /// Something of a pair is under way; `message`: one of its messages.
    #[inline]
    pub(super) fn hold_pair(&mut self, pair: u32, message: bool) {
        if self.apart.is_some() && self.pair_is_elsewhere(pair, What::Hold { pair, message }) {
            return;
        }
        if let Some((relation, pair)) = self.relation_of(pair) {
            let oracle = &mut self.relations[relation].oracle;
            oracle.hold(pair);
            if message {
                oracle.message(pair);
            }
        }
    }

    /// Leaves the end of something of a pair to the part that keeps the pair; false when that is
    /// this one.
    #[inline]
    pub(super) fn let_go_elsewhere(&mut self, pair: u32) -> bool {
        self.apart.is_some() && self.pair_is_elsewhere(pair, What::LetGo { pair })
    }

    #[cold]
    #[inline(never)]
    fn pair_is_elsewhere(&mut self, pair: u32, what: What) -> bool {
        let Some((relation, place)) = self.relation_of(pair) else {
            return false;
        };
        let Some((device, server)) = self.relations[relation].ends.get(place as usize).copied()
        else {
            return false;
        };
        let Some(apart) = &mut self.apart else {
            return false;
        };
        let Some(part) = apart.elsewhere(device, server) else {
            return false;
        };
        let own_is_device = apart.part(device) == Some(apart.own);
        let node = if own_is_device { device } else { server };
        apart.post(part, node, what);
        true
    }

    /// `node` sent a message of `attempt`.
    #[inline]
    pub(super) fn count_message(&mut self, node: u32, attempt: AttemptId, bytes: usize) {
        if let Some(apart) = &mut self.apart
            && let Some(part) = apart.of_attempt(attempt)
        {
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            apart.post(part, node, What::Sent { attempt, bytes });
            return;
        }
        self.workloads.count_message(attempt, bytes);
    }

    /// A node of this part lost its power, or got it back: parts that follow have to know.
    pub(super) fn tell_power(&mut self, node: u32, off: bool) {
        if let Some(apart) = &mut self.apart {
            let level = apart.parts.levels[usize::from(apart.own)];
            for part in 0..u16::try_from(apart.posts.len()).unwrap_or(u16::MAX) {
                if apart.parts.levels[usize::from(part)] > level {
                    apart.post(part, node, What::Power { off });
                }
            }
        }
    }

    /// Whether a node of a part that leads has no power.
    pub(super) fn is_off_elsewhere(&self, node: u32) -> bool {
        let apart = self.apart.as_ref();
        apart.is_some_and(|apart| apart.off.contains(&node))
    }

    /// The state of the machine of `node`, which made the statement in hand.
    pub(super) fn state_behind(&self, node: u32) -> &'static str {
        let told = self.apart.as_ref().and_then(|apart| apart.within);
        told.unwrap_or_else(|| {
            let (group, member) = self.place(node);
            self.groups[group].column.state(member as usize)
        })
    }

    /// What an attempt that is not open here means: over, or one of another part, which a statement
    /// should not have reached.
    pub(super) fn missed(&mut self, attempt: AttemptId) {
        if let Some(apart) = &mut self.apart
            && apart.of_attempt(attempt).is_some()
        {
            apart.met.get_or_insert(ACROSS);
        }
    }

    /// Leaves a statement to the part that keeps what it is about; false when that is this one.
    pub(super) fn says_elsewhere(
        &mut self,
        node: u32,
        attempt: AttemptId,
        output: &Output,
    ) -> bool {
        let peer = match *output {
            // What joins no two ends, or concerns only oracles that watch where somebody attacks.
            Output::Named { .. } | Output::DataReused { .. } | Output::Halted => return false,
            Output::Rejected {
                scope: Scope::Frame,
                ..
            } => return false,
            Output::Rejected { peer, .. } => peer,
            Output::DataSent { .. } | Output::DataAccepted { .. } => None,
            Output::Running { peer, .. }
            | Output::Accepted { peer, .. }
            | Output::Ended { peer, .. }
            | Output::SharedState { peer, .. } => Some(peer),
        };
        let known = peer.and_then(|peer| self.node_of(node, peer));
        let untagged_data = matches!(
            output,
            Output::DataSent { .. } | Output::DataAccepted { .. }
        ) && !attempt.is_some();
        let untagged_data = untagged_data && (self.has_overlapping() || self.leads(node));
        let (group, member) = self.place(node);
        let state = self.groups[group].column.state(member as usize);
        let Some(apart) = &mut self.apart else {
            return false;
        };
        if let (Some(peer), None) = (peer, known) {
            apart.strangers.insert(peer);
        }
        if untagged_data {
            // Its session would tell the attempt, which another part may keep.
            apart.met.get_or_insert(ACROSS);
        }
        let of_attempt = apart.part(attempt.initiator);
        let part = match known {
            Some(peer) => {
                let part = apart.parts.keeper(node, peer);
                let about_attempt =
                    !matches!(output, Output::Running { .. } | Output::SharedState { .. });
                if part.is_none()
                    || (about_attempt && of_attempt.is_some_and(|of| Some(of) != part))
                {
                    apart.met.get_or_insert(ACROSS);
                }
                part
            }
            None => of_attempt,
        };
        let Some(part) = part.filter(|part| *part != apart.own) else {
            return false;
        };
        if self.watch.on {
            let cause = self.watch.in_hand.get(&node).copied().flatten();
            apart.post(part, node, What::Handles { cause });
        }
        let what = What::Said {
            output: *output,
            attempt,
            state,
        };
        apart.post(part, node, what);
        if matches!(output, Output::Ended { .. }) && !attempt.is_some() {
            // What the node itself knows of the session's end.
            self.forget_session(node);
        }
        true
    }

    /// Whether oracles watch an adversary, and `node` leads: what it says without a tag may belong to
    /// sessions that parts which follow keep.
    fn leads(&self, node: u32) -> bool {
        let apart = self.apart.as_ref();
        self.watch.on && apart.is_some_and(|apart| apart.leads.get(node as usize) == Some(&true))
    }

    /// Tells the part of an attempt's initiator that an adversary has done something to it; false
    /// when that is this one.
    pub(super) fn touches_elsewhere(&mut self, attempt: AttemptId) -> bool {
        if !attempt.is_some() || !self.is_foreign(attempt.initiator) {
            return false;
        }
        match &mut self.apart {
            Some(apart) => apart.touched(attempt),
            None => self.attacks.meets(ACROSS),
        }
        true
    }

    /// Begins to run as one part of a world whose links lead to others.
    pub(crate) fn stand_apart(&mut self, apart: Apart) {
        self.apart = Some(Box::new(apart));
    }

    /// What goes to `part`; `None` where no link leads to other parts.
    pub(crate) fn posts(&mut self, part: usize) -> Option<&mut Vec<Post>> {
        self.apart.as_mut().map(|apart| apart.posts(part))
    }

    /// Why one thread has to give the result, once that shows.
    pub(crate) fn has_met(&self) -> Option<&'static str> {
        let apart = self.apart.as_ref().and_then(|apart| apart.met());
        apart.or(self.attacks.met)
    }

    /// Whether a fault takes nodes of a group back to an earlier session.
    pub(crate) fn goes_back_by_sessions(&self, group: usize) -> bool {
        let faults = self.faults.as_ref();
        faults.is_some_and(|faults| faults.goes_back_by_sessions(group))
    }

    /// Tells what an event of another part has ended here, after all its posts.
    pub(crate) fn settle_posts(&mut self, recorder: &mut T) {
        if self.tally.unwritten {
            self.write_desync(recorder);
        }
    }

    /// Stands apart no longer; why one thread has to give the result after all, if so, and the names
    /// that nobody was known to have.
    pub(crate) fn stand_together(&mut self) -> (Option<&'static str>, BTreeSet<Principal>) {
        let Some(apart) = self.apart.take() else {
            return (None, BTreeSet::new());
        };
        (apart.met, apart.strangers)
    }

    fn has_overlapping(&self) -> bool {
        let plans = &self.workloads.plans;
        plans
            .iter()
            .any(|plan| plan.steps.iter().any(|step| step.concurrent))
    }

    /// The running time of an event in which a post stands.
    pub(crate) fn begin_event(&mut self, round: u32, key: EventKey) {
        if let Some(apart) = &mut self.apart {
            apart.begin(round, key);
        }
    }
}
