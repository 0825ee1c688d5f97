//! First storage anew: what an operator does about an initiator that fails again and again.
//!
//! A workload with a `reprovision` policy counts the requests of each initiator that failed in a
//! row. When there are enough, an operator comes after the policy's time: the initiator and the
//! partners that keep a record about it get new first storage and start again, as after a loss of
//! power; what else a partner keeps stays, its sessions in memory are lost. The operator reads and
//! writes at both ends directly, so nothing of it passes a link or costs processor time.
//!
//! The new values come from streams of their own, named by party, purpose and how often the
//! initiator was provisioned, so that nobody else's randomness moves.

use std::collections::BTreeMap;

use protocols::Record;
use protocols::entropy::Entropy;
use protocols::protocol::Instance;
use protocols::roster::{Group, Party, ProvisionSink, Roster, Streams as PartyStreams};
use protocols::storage::Write;
use sim_engine::{LazyStream, NodeId, Outbox, SimTime, StreamName, Streams, TimerId};

use super::attempt::AttemptId;
use super::tables::Tables;
use super::workload::control;
use super::{NO_PAIR, NodeEntropy, World};
use crate::oracle::EpisodeKind;

/// What gives single initiators first storage anew.
#[derive(Debug)]
pub struct Reprovisioning {
    roster: Roster,
    streams: Streams,
    /// How often each initiator was provisioned anew.
    generations: BTreeMap<u32, u32>,
}

/// One record of new first storage.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Renewed {
    node: u32,
    record: Record,
    bytes: Vec<u8>,
}

impl Reprovisioning {
    /// For the parties of `roster`, with randomness from `streams`.
    #[must_use]
    pub const fn new(roster: Roster, streams: Streams) -> Self {
        Self {
            roster,
            streams,
            generations: BTreeMap::new(),
        }
    }

    /// Takes over how often the initiators that are theirs were provisioned in a part of the world.
    pub(super) fn absorb(&mut self, part: Self, is_theirs: impl Fn(u32) -> bool) {
        let generations = part.generations.into_iter();
        self.generations
            .extend(generations.filter(|(node, _)| is_theirs(*node)));
    }

    /// The records of the latest provisioning of `initiator`: all of its own, and of each partner
    /// the one about it.
    fn records(&mut self, instance: &dyn Instance, initiator: u32) -> Vec<Renewed> {
        let party = self.roster.parties[initiator as usize];
        let about = instance.record_about(&self.roster, &party);
        let few = few(&self.roster, &party);
        let mut streams = Anew {
            streams: &mut self.streams,
            all: &self.roster,
            few: &few,
            generation: self.generations.get(&initiator).copied().unwrap_or(0),
        };
        let mut collected = Collected {
            few: &few,
            records: Vec::new(),
        };
        instance.provision(&few, &mut streams, &mut collected);
        let mut records = collected.records;
        records.retain(|new| new.node == initiator || Some(new.record) == about);
        records
    }
}

/// A roster of `party` and its link neighbours alone. Groups keep their places; members are numbered
/// anew, which [`Anew`] undoes.
fn few(all: &Roster, party: &Party) -> Roster {
    let (start, end) = party.neighbours;
    let mut hosts = all.neighbours[start as usize..end as usize].to_vec();
    hosts.push(party.host);
    hosts.sort_unstable();
    let mut few = Roster {
        groups: all
            .groups
            .iter()
            .map(|group| Group {
                first: 0,
                count: 0,
                ..group.clone()
            })
            .collect(),
        ..Roster::default()
    };
    let places = || (0u32..).zip(&hosts);
    let own = places()
        .find(|(_, host)| **host == party.host)
        .map_or(0, |(place, _)| place);
    for &host in &hosts {
        let old = all.parties[host as usize];
        let group = &mut few.groups[old.group as usize];
        if group.count == 0 {
            group.first = few.parties.len();
        }
        let member = u32::try_from(group.count).unwrap_or(u32::MAX);
        group.count += 1;
        let from = few.neighbours.len();
        if host == party.host {
            let others = places().map(|(place, _)| place);
            few.neighbours.extend(others.filter(|&other| other != own));
        } else {
            few.neighbours.push(own);
        }
        let bound = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        few.parties.push(Party {
            member,
            neighbours: (bound(from), bound(few.neighbours.len())),
            ..old
        });
    }
    few
}

/// The streams of one provisioning anew.
struct Anew<'a> {
    streams: &'a mut Streams,
    all: &'a Roster,
    few: &'a Roster,
    generation: u32,
}

impl Anew<'_> {
    /// The number within the whole group of a member of the small roster.
    fn member_of_all(&self, group: &str, member: u32) -> u32 {
        let place = self.few.groups.iter().position(|other| other.name == group);
        let party = place.and_then(|place| {
            let party = self.few.group(place).get(member as usize)?;
            self.all.parties.get(party.host as usize)
        });
        party.map_or(member, |party| party.member)
    }
}

impl PartyStreams for Anew<'_> {
    fn with(
        &mut self,
        group: &str,
        member: u32,
        purpose: &str,
        use_it: &mut dyn FnMut(&mut dyn Entropy),
    ) {
        let name = StreamName::new("provision")
            .text(group)
            .index(u64::from(self.member_of_all(group, member)))
            .text(purpose)
            .index(u64::from(self.generation))
            .id();
        use_it(&mut NodeEntropy {
            streams: self.streams,
            name,
            position: &mut LazyStream::default(),
        });
    }
}

/// What provisioning puts, by node.
struct Collected<'a> {
    few: &'a Roster,
    records: Vec<Renewed>,
}

impl ProvisionSink for Collected<'_> {
    fn put(&mut self, party: usize, record: Record, bytes: &[u8]) {
        self.records.push(Renewed {
            node: self.few.parties[party].host,
            record,
            bytes: bytes.to_vec(),
        });
    }
}

impl<T: Tables> World<T> {
    /// A request of `node` has failed for good: an operator is called when it was one too many.
    pub(super) fn request_failed(
        &mut self,
        now: SimTime,
        node: u32,
        workload: usize,
        out: &mut Outbox<'_, Self>,
    ) {
        let member = self.place(node).1 as usize;
        let plan = &mut self.workloads.plans[workload];
        let initiator = &mut plan.initiators[member];
        initiator.failures = initiator.failures.saturating_add(1);
        if let Some(policy) = plan.reprovision
            && initiator.failures >= policy.after
        {
            let at = now.0.saturating_add(policy.time_ns);
            // Like requests, visits begin only while the run lasts; who waits for one goes on waiting.
            if at < self.workloads.duration_ns {
                let id = TimerId {
                    kind: control::REPROVISION,
                    key: u32::try_from(workload).unwrap_or(u32::MAX),
                };
                out.arm_control(NodeId(node), id, SimTime(at));
            }
            return;
        }
        self.request_over(now, node, workload, out);
    }

    /// Gives `node` first storage anew and lets its partners follow; then requests go on.
    ///
    /// It runs at the node's processor, so no write of an earlier call is still to come.
    pub(super) fn reprovision(
        &mut self,
        now: SimTime,
        node: NodeId,
        workload: u32,
        out: &mut Outbox<'_, Self>,
    ) {
        self.provision_anew(now, node, out);
        let workload = workload as usize;
        let member = self.place(node.0).1 as usize;
        self.workloads.plans[workload].initiators[member].failures = 0;
        self.request_over(now, node.0, workload, out);
    }

    /// First storage anew for `node` and, as soon as their processors are free, for its partners.
    pub(super) fn provision_anew(
        &mut self,
        now: SimTime,
        node: NodeId,
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(reprovisioning) = &mut self.reprovisioning else {
            return;
        };
        *reprovisioning.generations.entry(node.0).or_default() += 1;
        let records = reprovisioning.records(&*self.instance, node.0);
        self.tally.reprovisions += 1;
        let kept = |record: &Record| {
            records
                .iter()
                .any(|new| (new.node, new.record) == (node.0, *record))
        };
        for old in self.depot.records(node.0) {
            if !kept(&old) {
                self.persist(now, node.0, Write::Delete(old));
            }
        }
        self.store_anew(now, node.0, &records);
        let mut partners: Vec<u32> = records.iter().map(|new| new.node).collect();
        partners.retain(|partner| *partner != node.0);
        partners.sort_unstable();
        partners.dedup();
        for partner in &partners {
            let pair = self.pair_between(node.0, *partner);
            if let Some((relation, pair)) = self.relation_of(pair) {
                let oracle = &mut self.relations[relation].oracle;
                // Held until the partner has its records too.
                oracle.hold(pair);
                oracle.conclude(pair, EpisodeKind::Reprovisioned, Some(now.0));
            }
        }
        self.flush_desync(out);
        self.forget_session(node.0);
        self.restart_machine(now, node, NO_PAIR, out);
        for partner in partners {
            self.command_surely(partner, super::token::RENEW | u64::from(node.0), out);
        }
    }

    /// Gives `node` its record about `initiator`, which has just been provisioned anew.
    pub(super) fn renew_partner(
        &mut self,
        now: SimTime,
        node: NodeId,
        initiator: u32,
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(reprovisioning) = &mut self.reprovisioning else {
            return;
        };
        let records = reprovisioning.records(&*self.instance, initiator);
        self.store_anew(now, node.0, &records);
        let pair = self.pair_between(initiator, node.0);
        self.restart_machine(now, node, pair, out);
    }

    /// Writes those of `records` that are `node`'s.
    fn store_anew(&mut self, now: SimTime, node: u32, records: &[Renewed]) {
        for new in records.iter().filter(|new| new.node == node) {
            self.tally.reprovision_bytes += new.bytes.len() as u64;
            self.persist(now, node, Write::Put(new.record, &new.bytes));
        }
    }

    /// Starts the machine of `node` again, also one that had halted.
    pub(super) fn restart_machine(
        &mut self,
        now: SimTime,
        node: NodeId,
        holding: u32,
        out: &mut Outbox<'_, Self>,
    ) {
        self.halted[node.0 as usize] = false;
        self.lose_streams(now, node, out);
        self.call(
            now,
            node,
            (AttemptId::NONE, holding),
            out,
            |column, member, cx| column.on_restart(member, cx),
        );
    }
}
