//! From a machine's statements to the oracles and to the attempt they belong to.

use protocols::output::{Output, Scope};
use sim_engine::{NodeId, Outbox, SimTime, TimerId};

use super::attempt::{Acceptance, AttemptId, NOBODY};
use super::tables::{Happening, StrayAcceptance, Tables};
use super::{NO_PAIR, World};
use crate::oracle::agreement;
use crate::oracle::desync::End;

impl<T: Tables> World<T> {
    /// Whether an acceptance in the course of an attempt is between other roles than the attempt's.
    fn is_aside(&self, attempt: AttemptId, node: u32, peer: Option<u32>) -> bool {
        let role = |node: u32| self.groups[self.place(node).0].role;
        let (Some(peer), Some(open)) = (peer, self.workloads.under_way(attempt)) else {
            return false;
        };
        let (one, other) = (open.id.initiator, open.responder);
        let far = if node == one {
            other
        } else if node == other {
            one
        } else {
            return false;
        };
        far != NOBODY && role(far) != role(peer)
    }

    /// Hands one statement to everybody whom it concerns.
    pub(super) fn on_output(
        &mut self,
        now: SimTime,
        node: NodeId,
        attempt: AttemptId,
        output: &Output,
        out: &mut Outbox<'_, Self>,
    ) {
        if out.recorder().listens() {
            let what = Happening::Output(output);
            out.recorder().happening(now.0, node.0, attempt, what);
        }
        if self.apart.is_some() && self.says_elsewhere(node.0, attempt, output) {
            return;
        }
        self.judge_output(now, node, attempt, output, out);
    }

    /// Hands a statement to the oracles and to its attempt.
    pub(super) fn judge_output(
        &mut self,
        now: SimTime,
        node: NodeId,
        attempt: AttemptId,
        output: &Output,
        out: &mut Outbox<'_, Self>,
    ) {
        match *output {
            Output::Named { principal } => self.principals.name(principal, node.0),
            Output::Running { peer, run } => {
                if let Some(peer) = self.node_of(node.0, peer) {
                    self.agreement.running(node.0, peer, run, attempt);
                }
            }
            Output::Accepted {
                peer,
                session,
                run,
                key_id,
            } => {
                let peer = self.node_of(node.0, peer);
                let partner = self.agreement.accepted(node.0, peer, run);
                if let Some(key_id) = key_id.filter(|_| self.watch.on) {
                    self.watch.secrecy.accepts(node.0, peer, key_id);
                }
                let tagged = self.attempt_of(node.0, attempt, Some(session));
                // What a timer of its own made the responder say carries no tag: the attempt is that
                // in which its partner was running the same transcript.
                let attempt = match partner {
                    Some(theirs) if !tagged.is_some() => theirs,
                    _ => tagged,
                };
                if partner.is_none() {
                    self.tally.agreement_violations += 1;
                    let violation = agreement::Violation {
                        at_ns: now.0,
                        node: node.0,
                        peer,
                        run,
                        evidence: self.evidence(node.0, peer, (attempt, session), out),
                    };
                    self.agreement.violated(violation);
                    out.recorder().witness(violation.evidence.attempt);
                }
                // What one of the ends agrees on with a third party meanwhile is not the attempt's.
                let attempt = if self.is_aside(attempt, node.0, peer) {
                    AttemptId::NONE
                } else {
                    attempt
                };
                if self.watch.on {
                    let about = if attempt.is_some() {
                        attempt
                    } else {
                        self.session_about(node.0, peer)
                    };
                    self.watch.named(session, about);
                    if let Some(key_id) = key_id {
                        self.watch.secrecy.tells(key_id, about);
                    }
                }
                let acceptance = Acceptance {
                    at_ns: now.0,
                    session,
                    key_id,
                };
                if attempt.is_some() {
                    self.accepted(now, node, attempt, acceptance, out);
                } else {
                    let stray = StrayAcceptance {
                        node: node.0,
                        peer,
                        at_ns: now.0,
                        session,
                    };
                    self.tally.stray_acceptances += 1;
                    out.recorder().stray_acceptance(&stray);
                }
            }
            Output::Rejected {
                scope,
                reason,
                session,
                peer,
            } => match scope {
                Scope::Frame => self.tally.frames_refused += 1,
                Scope::Command | Scope::Attempt => {
                    let attempt = self.attempt_of(node.0, attempt, session);
                    // What a late packet of an attempt that is over makes its initiator give up is the
                    // attempt that it has open now.
                    let late = attempt.initiator == node.0
                        && attempt.is_some()
                        && self.workloads.under_way(attempt).is_none();
                    let attempt = if late && scope == Scope::Attempt {
                        self.workloads.open_attempt(node.0)
                    } else {
                        attempt
                    };
                    let attempt = match (peer.and_then(|peer| self.node_of(node.0, peer)), session)
                    {
                        (Some(peer), Some(session)) if !attempt.is_some() => {
                            self.workloads.by_acceptance(peer, session)
                        }
                        _ => attempt,
                    };
                    self.refused(now, node, attempt, reason, out);
                }
            },
            Output::Ended { peer, session, .. } => {
                // An end by a timer carries no tag: the session tells which attempt it was.
                let peer = self.node_of(node.0, peer);
                let attempt = if attempt.is_some() {
                    attempt
                } else {
                    peer.map_or(attempt, |peer| self.workloads.by_acceptance(peer, session))
                };
                self.ended(now, node, attempt, out);
            }
            Output::DataSent {
                session,
                seq,
                digest,
            } => {
                if self.watch.on {
                    self.watch.secrecy.sends(node.0, digest);
                    self.watch.secrecy.tells(digest, attempt);
                    self.watch.integrity.sent(node.0, session, seq, digest);
                }
                self.data_sent(node, attempt, session);
            }
            Output::DataAccepted {
                session,
                seq,
                digest,
            } => {
                if self.watch.on {
                    let attempt = if attempt.is_some() {
                        attempt
                    } else {
                        self.watch.attempt_named(session).unwrap_or(attempt)
                    };
                    let evidence = self.evidence(node.0, None, (attempt, session), out);
                    let oracle = &mut self.watch.integrity;
                    if !oracle.accepted(now.0, node.0, (session, seq), digest, evidence) {
                        self.watch.unexplained(session);
                        out.recorder().witness(evidence.attempt);
                    }
                }
                // An answer to a frame that an adversary made carries no tag.
                let attempt = self.attempt_of(node.0, attempt, Some(session));
                self.data_accepted(now, node, attempt, out);
            }
            Output::DataReused {
                session,
                seq,
                digest,
            } => {
                if self.watch.on {
                    let evidence = self.evidence(node.0, None, (attempt, session), out);
                    let oracle = &mut self.watch.integrity;
                    if !oracle.reused(now.0, node.0, (session, seq), digest, evidence) {
                        out.recorder().witness(evidence.attempt);
                    }
                }
            }
            Output::SharedState {
                peer,
                relation,
                fingerprints,
                ..
            } => {
                let Some(peer) = self.node_of(node.0, peer) else {
                    return;
                };
                let relation = usize::from(relation);
                let Some(known) = self.relations.get_mut(relation) else {
                    return;
                };
                let Some(pair) = known.pair(node.0, peer) else {
                    return;
                };
                let device = known
                    .ends
                    .get(pair as usize)
                    .is_some_and(|ends| ends.0 == node.0);
                let end = if device { End::Device } else { End::Server };
                known.oracle.state(pair, end, &fingerprints);
                self.judge(now.0, relation, pair);
                self.flush_desync(out);
            }
            Output::Halted => self.tally.halted += 1,
        }
    }

    /// Writes the divergences that have ended since the last time.
    pub(crate) fn flush_desync(&mut self, out: &mut Outbox<'_, Self>) {
        self.write_desync(out.recorder());
    }

    /// As [`World::flush_desync`].
    pub(super) fn write_desync(&mut self, recorder: &mut T) {
        self.tally.unwritten = false;
        for (index, relation) in self.relations.iter().enumerate() {
            let written = &mut self.tally.episodes_written;
            if written.len() <= index {
                written.resize(index + 1, 0);
            }
            for episode in &relation.oracle.closed()[written[index]..] {
                recorder.desync(index, episode);
            }
            written[index] = relation.oracle.closed().len();
        }
    }

    /// A timer is armed: if its expiry changes what a pair shares, the pair is not at rest.
    pub(super) fn timer_armed(&mut self, node: u32, timer: TimerId) {
        if !self.changes_shared_state(timer) {
            return;
        }
        let pair = self.pair_of_timer(node, timer);
        if self.relation_of(pair).is_some()
            && self
                .tally
                .holding_timers
                .insert((node, timer.kind, timer.key))
        {
            self.hold_pair(pair, false);
        }
    }

    /// A timer was cancelled.
    pub(super) fn timer_gone(&mut self, now_ns: u64, node: u32, timer: TimerId) {
        let pair = self.timer_expires(node, timer);
        self.let_go(now_ns, pair);
    }

    /// A timer has expired: the pair that it held, which stays held until its handler is through.
    pub(super) fn timer_expires(&mut self, node: u32, timer: TimerId) -> u32 {
        if self
            .tally
            .holding_timers
            .remove(&(node, timer.kind, timer.key))
        {
            self.pair_of_timer(node, timer)
        } else {
            NO_PAIR
        }
    }

    fn changes_shared_state(&self, timer: TimerId) -> bool {
        let timers = self.protocol.timers();
        timers
            .get(usize::from(timer.kind))
            .is_some_and(|timer| timer.changes_shared_state)
    }

    /// The pair that a timer is about: the only pair of a node that is a device of a relation, else
    /// the pair with the device whose id is the timer's key.
    fn pair_of_timer(&self, node: u32, timer: TimerId) -> u32 {
        let mut base = 0;
        for relation in &self.relations {
            let first = relation
                .first_pair
                .get(node as usize)
                .copied()
                .unwrap_or(NO_PAIR);
            if first != NO_PAIR {
                return base + first;
            }
            let key = protocols::Principal::id(relation.device_role, u64::from(timer.key));
            let peer = self.principals.node(key);
            if let Some(pair) = peer.and_then(|peer| relation.pair(peer, node)) {
                return base + pair;
            }
            base += u32::try_from(relation.ends.len()).unwrap_or(0);
        }
        NO_PAIR
    }
}
