//! A station under random load against the recursions that define its queue.

use std::collections::BTreeMap;

use super::*;
use crate::effect::Effect;
use crate::machine::{Machine as _, StationTotals, Timer};
use crate::time::LocalTime;
use proptest::prelude::*;

/// Runs (gap before arrival, service time) pairs through a station of `servers`, to the end.
fn run(servers: u64, jobs: &[(u64, u64)]) -> (StationTotals, u64) {
    let roster = roster(&[
        ("load", SOURCE, 1, &[]),
        (
            "cpu",
            STATION,
            1,
            &[
                ("service", law(u64::MAX)),
                ("servers", Value::Integer(servers)),
            ],
        ),
    ]);
    let mut station = station(&roster, 1);
    station.entropy = words(&jobs.iter().map(|job| job.1).collect::<Vec<_>>());
    let mut timers: BTreeMap<(u64, Timer), ()> = BTreeMap::new();
    let mut arrivals = jobs.iter().enumerate();
    let mut next = arrivals.next();
    let mut clock = 0;
    let mut arrival_at = jobs[0].0;
    loop {
        let timer = timers.first_key_value().map(|(key, ())| *key);
        let effects = match (timer, next) {
            (Some((due, timer)), _) if next.is_none() || due <= arrival_at => {
                timers.remove(&(due, timer));
                clock = due;
                station.now = LocalTime(clock);
                station.timer(timer)
            }
            (_, Some((number, _))) => {
                clock = arrival_at;
                station.now = LocalTime(clock);
                next = arrivals.next();
                arrival_at += next.map_or(0, |(_, job)| job.0);
                let job = frame(Kind::Job, 0, 1, number as u64, 0, 16);
                station.message(at(10, SOURCE), at(11, STATION), &job)
            }
            _ => break,
        };
        for effect in effects.iter() {
            if let Effect::Arm { timer, after } = effect {
                timers.insert((clock + after.nanos(), timer), ());
            }
        }
    }
    (station.machine.station(LocalTime(clock)).unwrap(), clock)
}

proptest! {
    /// Kiefer and Wolfowitz: the wait of a job is the smallest remaining work at its arrival; with
    /// one server this is Lindley's recursion.
    #[test]
    fn waits_follow_the_recursion_of_the_remaining_work(
        servers in 1..5_usize,
        jobs in proptest::collection::vec((0..50_u64, 0..120_u64), 1..200),
    ) {
        let mut work = vec![0_u64; servers];
        let (mut wait, mut sojourn, mut busy) = (0_u128, 0_u128, 0_u128);
        for (gap, service) in &jobs {
            work.iter_mut().for_each(|left| *left = left.saturating_sub(*gap));
            work.sort_unstable();
            wait += u128::from(work[0]);
            sojourn += u128::from(work[0] + service);
            busy += u128::from(*service);
            work[0] += service;
        }
        let (totals, _) = run(servers as u64, &jobs);
        prop_assert_eq!(totals.served, jobs.len() as u64);
        prop_assert_eq!(totals.wait_ns, wait);
        prop_assert_eq!(totals.sojourn_ns, sojourn);
        prop_assert_eq!(totals.busy_ns, busy);
        // Little's law over a period that begins and ends empty is exact.
        prop_assert_eq!(totals.in_system_ns, sojourn);
    }
}
