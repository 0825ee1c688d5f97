//! Running totals of one run, in integers, in constant memory.

use std::collections::BTreeSet;

use hdrhistogram::Histogram;
use sim_engine::Fate;

use super::attempt::Outcome;

/// Longest latency told apart, ns: a week.
const LATENCY_MAX_NS: u64 = 7 * 86_400 * 1_000_000_000;

/// What transports did in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransportCounts {
    /// Packets that a transport made, repetitions included.
    pub segments: u64,
    /// Those that repeated an earlier one.
    pub retransmissions: u64,
    /// Connections that were begun.
    pub connections: u64,
    /// Connections and exchanges that were given up.
    pub given_up: u64,
    /// Packets that were dropped because their checksum was wrong, or because they were none.
    pub damaged: u64,
}

impl TransportCounts {
    /// A packet goes out for the `transmission`-th time, from 1.
    pub const fn sent(&mut self, transmission: u32) {
        self.segments += 1;
        if transmission > 1 {
            self.retransmissions += 1;
        }
    }
}

/// Every fate, in the order of declaration.
const FATES: [Fate; 12] = [
    Fate::Delivered,
    Fate::Lost,
    Fate::QueueDrop,
    Fate::BacklogDrop,
    Fate::MtuDrop,
    Fate::Collided,
    Fate::Corrupted,
    Fate::Duplicated,
    Fate::AdversaryDrop,
    Fate::AdversaryModified,
    Fate::Injected,
    Fate::NodeDown,
];

/// Running totals of one run.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Length of the run including the settle time, ns.
    pub span_ns: u64,
    /// Closed attempts by outcome, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; Outcome::ALL.len()],
    /// Width of a time bin, ns.
    pub bin_ns: u64,
    /// The same by time of closing, in bins from 0.
    pub outcomes_over_time: Vec<[u64; Outcome::ALL.len()]>,
    /// Energy of all nodes by time of spending, nJ, in the same bins; empty until some is spent.
    pub energy_over_time: Vec<u64>,
    /// Latencies of accepted attempts, ns, to four significant digits.
    pub latency: Histogram<u64>,
    /// Their sum, ns.
    pub latency_sum_ns: u128,
    /// Packets by fate, in the order of declaration of [`Fate`].
    pub fates: [u64; 12],
    /// Bytes of all packets whose life has ended.
    pub bytes: u64,
    /// Messages and bytes of closed attempts.
    pub attempt_messages: u64,
    /// Bytes of closed attempts.
    pub attempt_bytes: u64,
    /// Frames that were refused without ending anything.
    pub frames_refused: u64,
    /// Acceptances without a partner.
    pub agreement_violations: u64,
    /// Acceptances that no attempt asked for.
    pub stray_acceptances: u64,
    /// Acceptances and refusals of attempts that had closed already.
    pub late: u64,
    /// Messages to a node that no link leads to.
    pub unroutable: u64,
    /// Machines that halted.
    pub halted: u64,
    /// Initiators that were given first storage anew.
    pub reprovisions: u64,
    /// Bytes of the records written for it, at both ends.
    pub reprovision_bytes: u64,
    /// What transports sent.
    pub transport: TransportCounts,
    /// Divergences handed to the tables so far, by relation.
    pub(crate) episodes_written: Vec<usize>,
    /// Whether a divergence has ended that was not handed to the tables yet.
    pub(crate) unwritten: bool,
    /// Armed timers that keep a pair from rest: node, kind, key.
    pub(crate) holding_timers: BTreeSet<(u32, u8, u32)>,
}

impl Tally {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(span_ns: u64) -> Self {
        let bin_ns = reports::bins::width_ns(span_ns);
        let bins = usize::try_from(span_ns / bin_ns).unwrap_or(0) + 1;
        Self {
            span_ns,
            outcomes: [0; Outcome::ALL.len()],
            bin_ns,
            outcomes_over_time: vec![[0; Outcome::ALL.len()]; bins],
            energy_over_time: Vec::new(),
            latency: Histogram::new_with_bounds(1, LATENCY_MAX_NS, 4)
                .expect("bounds and digits are within the library's range"),
            latency_sum_ns: 0,
            fates: [0; 12],
            bytes: 0,
            attempt_messages: 0,
            attempt_bytes: 0,
            frames_refused: 0,
            agreement_violations: 0,
            stray_acceptances: 0,
            late: 0,
            unroutable: 0,
            halted: 0,
            reprovisions: 0,
            reprovision_bytes: 0,
            transport: TransportCounts::default(),
            episodes_written: Vec::new(),
            unwritten: false,
            holding_timers: BTreeSet::new(),
        }
    }

    /// Adds what a part of the same world has counted.
    pub(crate) fn absorb(&mut self, part: Self) {
        let add = |sums: &mut [u64], more: &[u64]| {
            sums.iter_mut()
                .zip(more)
                .for_each(|(sum, more)| *sum += more);
        };
        add(&mut self.outcomes, &part.outcomes);
        let bins = self.outcomes_over_time.iter_mut();
        for (sums, more) in bins.zip(&part.outcomes_over_time) {
            add(sums, more);
        }
        let length = self.energy_over_time.len().max(part.energy_over_time.len());
        self.energy_over_time.resize(length, 0);
        add(&mut self.energy_over_time, &part.energy_over_time);
        self.latency += &part.latency;
        self.latency_sum_ns += part.latency_sum_ns;
        add(&mut self.fates, &part.fates);
        self.bytes += part.bytes;
        self.attempt_messages += part.attempt_messages;
        self.attempt_bytes += part.attempt_bytes;
        self.frames_refused += part.frames_refused;
        self.agreement_violations += part.agreement_violations;
        self.stray_acceptances += part.stray_acceptances;
        self.late += part.late;
        self.unroutable += part.unroutable;
        self.halted += part.halted;
        self.reprovisions += part.reprovisions;
        self.reprovision_bytes += part.reprovision_bytes;
        self.transport.segments += part.transport.segments;
        self.transport.retransmissions += part.transport.retransmissions;
        self.transport.connections += part.transport.connections;
        self.transport.given_up += part.transport.given_up;
        self.transport.damaged += part.transport.damaged;
        self.holding_timers.extend(part.holding_timers);
    }

    /// Forgets what was counted, at the end of the warm-up; what is under way goes on.
    pub fn restart(&mut self) {
        let episodes_written = core::mem::take(&mut self.episodes_written);
        let holding_timers = core::mem::take(&mut self.holding_timers);
        *self = Self {
            episodes_written,
            holding_timers,
            ..Self::new(self.span_ns)
        };
    }

    /// Adds energy that was spent.
    pub fn energy(&mut self, at_ns: u64, energy_nj: u64) {
        let bins = self.outcomes_over_time.len();
        if self.energy_over_time.is_empty() {
            self.energy_over_time.resize(bins, 0);
        }
        let bin = usize::try_from(at_ns / self.bin_ns).unwrap_or(bins);
        self.energy_over_time[bin.min(bins - 1)] += energy_nj;
    }

    /// Counts the end of a packet's life.
    pub fn packet(&mut self, fate: Fate, bytes: usize) {
        self.fates[fate as usize] += 1;
        self.bytes += bytes as u64;
    }

    /// Counts a closed attempt.
    pub fn attempt(&mut self, at_ns: u64, outcome: Outcome, latency_ns: Option<u64>) {
        self.outcomes[outcome as usize] += 1;
        let last = self.outcomes_over_time.len() - 1;
        let bin = usize::try_from(at_ns / self.bin_ns)
            .unwrap_or(last)
            .min(last);
        self.outcomes_over_time[bin][outcome as usize] += 1;
        if let (Outcome::Accepted, Some(latency_ns)) = (outcome, latency_ns) {
            self.latency.saturating_record(latency_ns);
            self.latency_sum_ns += u128::from(latency_ns);
        }
    }

    /// Packets whose fate has this name in tables.
    #[must_use]
    pub fn fate(&self, name: &str) -> u64 {
        let known = FATES.iter().find(|fate| fate.as_str() == name);
        known.map_or(0, |fate| self.fates[*fate as usize])
    }

    /// Closed attempts.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// Closed attempts with this outcome.
    #[must_use]
    pub const fn of(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }
}
