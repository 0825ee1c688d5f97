//! Exact running totals of a station: integer time integrals, advanced at every event.

use crate::machine::StationTotals;
use crate::time::LocalTime;

/// Jobs in the station and busy servers right now, and their integrals so far.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    totals: StationTotals,
    in_system: u64,
    busy: u32,
    advanced_to: LocalTime,
}

impl Tally {
    /// Nothing has happened; the integrals begin at `start`.
    pub(super) fn new(servers: u32) -> Self {
        Self {
            totals: StationTotals {
                servers,
                ..StationTotals::default()
            },
            in_system: 0,
            busy: 0,
            advanced_to: LocalTime(0),
        }
    }

    pub(super) const fn in_system(&self) -> u64 {
        self.in_system
    }

    pub(super) const fn busy(&self) -> u32 {
        self.busy
    }

    /// Brings the integrals up to `now`. A clock that was set back adds nothing.
    pub(super) fn advance(&mut self, now: LocalTime) {
        self.totals = self.at(now);
        self.advanced_to = now;
    }

    /// The totals as they are at `now`.
    pub(super) fn at(&self, now: LocalTime) -> StationTotals {
        let passed = u128::from(now.since(self.advanced_to).nanos());
        StationTotals {
            in_system_ns: self.totals.in_system_ns + passed * u128::from(self.in_system),
            busy_ns: self.totals.busy_ns + passed * u128::from(self.busy),
            ..self.totals
        }
    }

    pub(super) const fn arrived(&mut self) {
        self.totals.arrivals += 1;
    }

    pub(super) const fn refused(&mut self) {
        self.totals.refusals += 1;
    }

    pub(super) const fn entered(&mut self) {
        self.in_system += 1;
    }

    /// Service of a job that arrived at `arrived` begins at `now`.
    pub(super) fn begun(&mut self, arrived: LocalTime, now: LocalTime) {
        self.totals.begun += 1;
        self.totals.wait_ns += u128::from(now.since(arrived).nanos());
    }

    pub(super) const fn server_taken(&mut self) {
        self.busy += 1;
    }

    pub(super) const fn server_freed(&mut self) {
        self.busy = self.busy.saturating_sub(1);
    }

    /// A job that arrived at `arrived` leaves, served, at `now`.
    pub(super) fn served(&mut self, arrived: LocalTime, now: LocalTime) {
        self.in_system = self.in_system.saturating_sub(1);
        self.totals.served += 1;
        self.totals.sojourn_ns += u128::from(now.since(arrived).nanos());
    }

    /// Power came back at `now`: the jobs that were here are gone. They count as present until now,
    /// since a station does not learn when its power went.
    pub(super) fn emptied(&mut self, now: LocalTime) {
        self.advance(now);
        self.in_system = 0;
        self.busy = 0;
    }
}
