//! The station's transitions, one test each, on lists of effects.

use super::super::{SERVICE, job_tag};
use super::*;
use crate::address::{Channel, Destination};
use crate::effect::Effect;
use crate::machine::{Machine as _, StationTotals, Timer};
use crate::output::{Output, Principal, Reason, Scope};
use crate::testing::{outputs, sent};
use crate::time::{LocalTime, Span};

const SECOND: u64 = 1_000_000_000;

/// A source (host 10), the station under test (host 11), and a sink (host 12).
fn line(params: &[(&'static str, Value)]) -> Bench<Station, Script> {
    let roster = roster(&[
        ("load", SOURCE, 1, &[]),
        ("cpu", STATION, 1, params),
        ("end", SINK, 1, &[]),
    ]);
    instance().check(&roster).unwrap();
    station(&roster, 1)
}

fn arrive(station: &mut Bench<Station, Script>, at_ns: u64, class: u8, number: u64) {
    station.now = LocalTime(at_ns);
    let job = frame(Kind::Job, class, 1, number, 0, 64);
    station.message(at(10, SOURCE), at(11, STATION), &job);
}

fn expire(station: &mut Bench<Station, Script>, at_ns: u64, server: u32) -> Vec<Vec<u8>> {
    station.now = LocalTime(at_ns);
    let timer = Timer {
        kind: SERVICE,
        key: server,
    };
    sent(station.timer(timer))
}

fn number_of(job: &[u8]) -> u64 {
    u64::from_be_bytes(job[4..12].try_into().unwrap())
}

fn totals(station: &Bench<Station, Script>, now_ns: u64) -> StationTotals {
    station.machine.station(LocalTime(now_ns)).unwrap()
}

#[test]
fn an_idle_server_begins_at_once_and_arms_its_timer() {
    let mut station = line(&[("service", Value::Integer(3 * SECOND))]);
    let job = frame(Kind::Job, 0, 1, 0, 0, 64);
    let effects = station.message(at(10, SOURCE), at(11, STATION), &job);
    let expected = [Effect::Arm {
        timer: Timer::only(SERVICE),
        after: Span::from_secs(3),
    }];
    assert_eq!(effects.iter().collect::<Vec<_>>(), expected);
    assert_eq!(station.machine.state(), "BUSY");
}

#[test]
fn totals_of_a_single_server_are_exact() {
    let mut station = line(&[("service", Value::Integer(3 * SECOND))]);
    arrive(&mut station, SECOND, 0, 0); // served 1..4
    arrive(&mut station, 2 * SECOND, 0, 1); // served 4..7, waits 2
    expire(&mut station, 4 * SECOND, 0);
    let between = totals(&station, 5 * SECOND);
    assert_eq!((between.begun, between.served), (2, 1));
    expire(&mut station, 7 * SECOND, 0);
    let second = u128::from(SECOND);
    let expected = StationTotals {
        arrivals: 2,
        refusals: 0,
        begun: 2,
        served: 2,
        wait_ns: 2 * second,
        sojourn_ns: (3 + 5) * second,
        in_system_ns: (1 + 2 * 2 + 3) * second,
        busy_ns: 6 * second,
        servers: 1,
    };
    assert_eq!(totals(&station, 10 * SECOND), expected);
    assert_eq!(station.machine.state(), "IDLE");
}

#[test]
fn asking_for_totals_changes_nothing() {
    let mut station = line(&[("service", Value::Integer(3 * SECOND))]);
    arrive(&mut station, 0, 0, 0);
    let once = totals(&station, 2 * SECOND);
    assert_eq!(totals(&station, 2 * SECOND), once);
    assert_eq!(once.busy_ns, 2 * u128::from(SECOND));
    expire(&mut station, 3 * SECOND, 0);
    assert_eq!(totals(&station, 9 * SECOND).busy_ns, 3 * u128::from(SECOND));
}

#[test]
fn parallel_servers_have_a_timer_each() {
    let mut station = line(&[
        ("service", Value::Integer(10)),
        ("servers", Value::Integer(2)),
    ]);
    for number in 0..3 {
        arrive(&mut station, number, 0, number);
    }
    assert_eq!(totals(&station, 5).begun, 2);
    expire(&mut station, 11, 1);
    let after = totals(&station, 11);
    assert_eq!((after.begun, after.served, after.wait_ns), (3, 1, 9));
}

#[test]
fn a_timer_of_an_idle_server_is_ignored() {
    let mut station = line(&[("service", Value::Integer(10))]);
    assert!(expire(&mut station, 5, 0).is_empty());
    assert!(expire(&mut station, 5, u32::MAX).is_empty());
    assert_eq!(
        totals(&station, 9),
        StationTotals {
            servers: 1,
            ..StationTotals::default()
        }
    );
}

#[test]
fn a_full_station_drops_and_counts() {
    let mut station = line(&[
        ("service", Value::Integer(10)),
        ("capacity", Value::Integer(2)),
    ]);
    for number in 0..2 {
        arrive(&mut station, 0, 0, number);
    }
    let job = frame(Kind::Job, 0, 1, 2, 0, 64);
    let effects = station.message(at(10, SOURCE), at(11, STATION), &job);
    let expected = Output::Rejected {
        peer: None,
        session: None,
        scope: Scope::Frame,
        reason: Reason::new("full"),
    };
    assert_eq!(
        effects.iter().collect::<Vec<_>>(),
        [Effect::Output(expected)]
    );
    let totals = totals(&station, 0);
    assert_eq!((totals.arrivals, totals.refusals), (3, 1));
}

#[test]
fn a_full_station_that_answers_says_full_to_the_source() {
    let mut station = line(&[
        ("service", Value::Integer(10)),
        ("capacity", Value::Integer(1)),
        ("reply", Value::Bool(true)),
    ]);
    arrive(&mut station, 0, 0, 0);
    let job = frame(Kind::Job, 4, 1, 1, 0, 64);
    let effects = station.message(at(10, SOURCE), at(11, STATION), &job);
    let full = frame(Kind::Full, 4, 1, 1, 0, 16);
    let expected = [
        Effect::Output(Output::Rejected {
            peer: Some(Principal::id(SOURCE, 10)),
            session: Some(job_tag(10, 1)),
            scope: Scope::Frame,
            reason: Reason::new("full"),
        }),
        Effect::Send {
            from_port: port(STATION),
            to: Destination::Address(at(10, SOURCE)),
            channel: Channel::Public,
            bytes: &full,
        },
    ];
    assert_eq!(effects.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_refused_job_uses_its_draws_all_the_same() {
    let mut station = line(&[
        ("service", law(1000)),
        ("capacity", Value::Integer(1)),
        ("route", shares(&[("end", 0.5)])),
    ]);
    station.entropy = words(&[100, 0, 200, 0, 300, u64::MAX]);
    arrive(&mut station, 0, 0, 0);
    arrive(&mut station, 50, 0, 1);
    assert_eq!(expire(&mut station, 100, 0).len(), 1);
    arrive(&mut station, 200, 0, 2);
    assert_eq!(station.entropy.consumed(), 48);
    assert_eq!(totals(&station, 200).refusals, 1);
    // Service of the third took its own draw, and its branch leaves the network.
    assert!(expire(&mut station, 500, 0).is_empty());
    assert_eq!(totals(&station, 500).sojourn_ns, 400);
}

#[test]
fn a_lower_class_overtakes_waiting_jobs_but_not_the_one_in_service() {
    let mut station = line(&[
        ("service", Value::Integer(10)),
        ("priority", Value::Text("non-preemptive".into())),
        ("route", shares(&[("end", 1.0)])),
    ]);
    for (number, class) in [(0, 9), (1, 9), (2, 5), (3, 5), (4, 0)] {
        arrive(&mut station, number, class, number);
    }
    let order: Vec<u64> = (1..=5)
        .map(|turn| number_of(&expire(&mut station, 10 * turn, 0)[0]))
        .collect();
    assert_eq!(order, [0, 4, 2, 3, 1]);
}

#[test]
fn a_served_job_goes_on_with_its_size_and_one_hop_more() {
    let mut station = line(&[
        ("service", Value::Integer(10)),
        ("route", shares(&[("end", 1.0)])),
    ]);
    let job = frame(Kind::Job, 3, 1, 8, 6, 100);
    station.message(at(10, SOURCE), at(11, STATION), &job);
    station.now = LocalTime(10);
    let effects = station.timer(Timer::only(SERVICE));
    let onward = frame(Kind::Job, 3, 1, 8, 7, 100);
    let expected = [Effect::Send {
        from_port: port(STATION),
        to: Destination::Address(at(12, SINK)),
        channel: Channel::Public,
        bytes: &onward,
    }];
    assert_eq!(effects.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_job_that_leaves_here_is_answered_where_it_came_from() {
    let mut station = line(&[
        ("service", Value::Integer(10)),
        ("reply", Value::Bool(true)),
    ]);
    // Hop 0: the sender is the source. Later: the source is found by its number.
    for (hops, from, source) in [(0, at(10, SOURCE), 1), (2, at(12, SINK), 1)] {
        let job = frame(Kind::Job, 0, source, 8, hops, 100);
        station.message(from, at(11, STATION), &job);
        station.now = station.now.after(Span(10));
        let effects = station.timer(Timer::only(SERVICE));
        let done = frame(Kind::Done, 0, 1, 8, hops, 16);
        let expected = [
            Effect::Output(Output::Running {
                peer: Principal::id(SOURCE, 10),
                run: job_tag(10, 8),
            }),
            Effect::Send {
                from_port: port(STATION),
                to: Destination::Address(at(10, SOURCE)),
                channel: Channel::Public,
                bytes: &done,
            },
        ];
        assert_eq!(effects.iter().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_forwarded_job_of_an_unknown_source_is_served_and_not_answered() {
    let mut station = line(&[("reply", Value::Bool(true))]);
    for source in [0, 2, u16::MAX] {
        let job = frame(Kind::Job, 0, source, 8, 1, 16);
        assert!(
            station
                .message(at(12, SINK), at(11, STATION), &job)
                .is_empty()
        );
    }
    assert_eq!(totals(&station, 0).served, 3);
}

#[test]
fn service_without_duration_needs_no_timer() {
    let mut station = line(&[("route", shares(&[("end", 1.0)]))]);
    let job = frame(Kind::Job, 0, 1, 0, 0, 16);
    let effects = station.message(at(10, SOURCE), at(11, STATION), &job);
    assert_eq!(sent(effects), [frame(Kind::Job, 0, 1, 0, 1, 16)]);
    assert_eq!(effects.len(), 1);
}

#[test]
fn a_restart_loses_the_jobs_and_keeps_the_totals() {
    let mut station = line(&[("service", Value::Integer(10))]);
    for number in 0..3 {
        arrive(&mut station, 0, 0, number);
    }
    station.now = LocalTime(4);
    assert!(station.restart().is_empty());
    assert_eq!(station.machine.state(), "IDLE");
    assert!(expire(&mut station, 10, 0).is_empty());
    let totals = totals(&station, 100);
    assert_eq!((totals.arrivals, totals.served), (3, 0));
    assert_eq!((totals.in_system_ns, totals.busy_ns), (12, 4));
    arrive(&mut station, 100, 0, 3);
    assert_eq!(station.machine.station(LocalTime(103)).unwrap().busy_ns, 7);
}

#[test]
fn answers_and_commands_are_refused() {
    let mut station = line(&[]);
    for kind in [Kind::Done, Kind::Full] {
        let bytes = frame(kind, 0, 1, 0, 0, 16);
        let effects = station.message(at(10, SOURCE), at(11, STATION), &bytes);
        let word = outputs(effects).into_iter().map(|output| match output {
            Output::Rejected { scope, reason, .. } => (scope, reason.word),
            _ => panic!("{output:?}"),
        });
        assert_eq!(word.collect::<Vec<_>>(), [(Scope::Frame, "unexpected")]);
    }
    let effects = station.command(0, None, &[]);
    assert!(matches!(
        outputs(effects)[..],
        [Output::Rejected {
            scope: Scope::Command,
            ..
        }]
    ));
}

#[test]
fn a_sink_counts_what_arrives() {
    let roster = roster(&[("load", SOURCE, 1, &[]), ("end", SINK, 1, &[])]);
    let mut sink = sink(&roster, 1);
    for number in 0..5 {
        let job = frame(Kind::Job, 0, 1, number, 2, 64);
        assert!(sink.message(at(10, SOURCE), at(11, SINK), &job).is_empty());
    }
    let totals = sink.machine.station(LocalTime(0)).unwrap();
    assert_eq!((totals.arrivals, totals.served), (5, 5));
}
