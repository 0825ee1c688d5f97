//! The source, and a sink's answers to it.

use super::super::{ABORT, SEND, job_tag};
use super::*;
use crate::address::{Channel, Destination};
use crate::effect::Effect;
use crate::machine::{Arg, Machine as _};
use crate::output::{Output, Principal, Reason, Scope};
use crate::protocol::Completion;
use crate::testing::{outputs, sent};

fn asking() -> (Roster, Bench<Source, Script>) {
    let reply: &[_] = &[("reply", Value::Bool(true))];
    let roster = roster(&[("load", SOURCE, 1, reply), ("end", SINK, 1, reply)]);
    let machine = sources(&roster, 0).remove(0);
    (roster, bench(machine))
}

fn reject(scope: Scope, word: &'static str, session: Option<[u8; 8]>) -> Output {
    Output::Rejected {
        peer: None,
        session,
        scope,
        reason: Reason::new(word),
    }
}

#[test]
fn a_send_is_one_job_to_the_peer_and_nothing_else() {
    let roster = roster(&[("load", SOURCE, 1, &[]), ("end", SINK, 2, &[])]);
    let mut source = bench(sources(&roster, 0).remove(0));
    for number in 0..3 {
        let effects = source.command(SEND, Some(at(12, SINK)), &[]);
        let bytes = frame(Kind::Job, 0, 1, number, 0, 64);
        let expected = [Effect::Send {
            from_port: port(SOURCE),
            to: Destination::Address(at(12, SINK)),
            channel: Channel::Public,
            bytes: &bytes,
        }];
        assert_eq!(effects.iter().collect::<Vec<_>>(), expected);
    }
    assert_eq!(source.entropy.consumed(), 0);
}

#[test]
fn a_send_that_waits_says_what_it_sent() {
    let (_, mut source) = asking();
    let effects = source.command(SEND, None, &[]);
    let bytes = frame(Kind::Job, 0, 1, 0, 0, 64);
    assert_eq!(sent(effects), std::slice::from_ref(&bytes));
    let digest = crate::crypto::sha256_unmetered(&[&bytes])[..8]
        .try_into()
        .unwrap();
    let expected = Output::DataSent {
        session: job_tag(10, 0),
        seq: 0,
        digest,
    };
    assert_eq!(outputs(effects), [expected]);
    assert_eq!(source.machine.state(), "WAITING");
}

#[test]
fn done_from_a_sink_accepts_the_job_once() {
    let (roster, mut source) = asking();
    let mut sink = sink(&roster, 1);
    let job = sent(source.command(SEND, None, &[])).remove(0);
    let effects = sink.message(at(10, SOURCE), at(11, SINK), &job);
    let run = job_tag(10, 0);
    let running = Output::Running {
        peer: Principal::id(SOURCE, 10),
        run,
    };
    assert_eq!(outputs(effects), [running]);
    let done = sent(effects).remove(0);
    assert_eq!(done, frame(Kind::Done, 0, 1, 0, 0, 16));
    let accepted = Output::Accepted {
        peer: Principal::id(SINK, 11),
        session: run,
        run,
        key_id: None,
    };
    let effects = source.message(at(11, SINK), at(10, SOURCE), &done);
    assert_eq!(outputs(effects), [accepted]);
    let effects = source.message(at(11, SINK), at(10, SOURCE), &done);
    assert_eq!(outputs(effects), [reject(Scope::Frame, "late", Some(run))]);
}

#[test]
fn full_rejects_the_attempt_of_its_job_only() {
    let (_, mut source) = asking();
    source.command(SEND, None, &[]);
    source.command(SEND, None, &[]);
    let full = frame(Kind::Full, 0, 1, 0, 0, 16);
    let effects = source.message(at(20, STATION), at(10, SOURCE), &full);
    let expected = Output::Rejected {
        peer: Some(Principal::id(STATION, 20)),
        session: Some(job_tag(10, 0)),
        scope: Scope::Attempt,
        reason: Reason::new("full"),
    };
    assert_eq!(outputs(effects), [expected]);
    assert_eq!(source.machine.state(), "WAITING");
}

#[test]
fn abort_gives_up_the_oldest_job_or_the_one_named() {
    let (_, mut source) = asking();
    for _ in 0..3 {
        source.command(SEND, None, &[]);
    }
    assert!(source.command(ABORT, None, &[]).is_empty());
    assert!(source.command(ABORT, None, &[Arg::Integer(2)]).is_empty());
    let mut words = Vec::new();
    for number in 0..3 {
        let done = frame(Kind::Done, 0, 1, number, 0, 16);
        words.extend(outputs(source.message(at(11, SINK), at(10, SOURCE), &done)));
    }
    assert_eq!(words[0], reject(Scope::Frame, "late", Some(job_tag(10, 0))));
    assert!(matches!(words[1], Output::Accepted { .. }));
    assert_eq!(words[2], reject(Scope::Frame, "late", Some(job_tag(10, 2))));
}

#[test]
fn a_restart_forgets_open_jobs_and_repeats_no_number() {
    let (_, mut source) = asking();
    source.command(SEND, None, &[]);
    assert!(source.restart().is_empty());
    assert_eq!(source.machine.state(), "IDLE");
    let job = sent(source.command(SEND, None, &[])).remove(0);
    assert_eq!(job, frame(Kind::Job, 0, 1, 1, 0, 64));
}

#[test]
fn frames_that_are_no_answer_to_this_source_are_dropped() {
    let (_, mut source) = asking();
    source.command(SEND, None, &[]);
    for bytes in [
        frame(Kind::Job, 0, 1, 0, 0, 16),
        frame(Kind::Done, 0, 2, 0, 0, 16),
    ] {
        let effects = source.message(at(11, SINK), at(10, SOURCE), &bytes);
        assert_eq!(outputs(effects), [reject(Scope::Frame, "unexpected", None)]);
    }
}

#[test]
fn a_source_without_anybody_to_send_to_refuses_the_command() {
    let roster = roster(&[("load", SOURCE, 1, &[])]);
    let mut source = bench(sources(&roster, 0).remove(0));
    let effects = source.command(SEND, None, &[]);
    assert_eq!(outputs(effects), [reject(Scope::Command, "no-peer", None)]);
}

#[test]
fn size_class_and_branch_are_drawn_in_this_order() {
    let params: &[_] = &[
        ("size", law(1000)),
        ("class", law(300)),
        ("route", shares(&[("left", 0.5), ("right", 0.5)])),
    ];
    let roster = roster(&[
        ("load", SOURCE, 1, params),
        ("left", SINK, 1, &[]),
        ("right", SINK, 1, &[]),
    ]);
    instance().check(&roster).unwrap();
    let mut source = bench(sources(&roster, 0).remove(0));
    source.entropy = words(&[100, 5, u64::MAX, 3, 299, 0]);
    let effects = source.command(SEND, None, &[]);
    assert_eq!(sent(effects), [frame(Kind::Job, 5, 1, 0, 0, 100)]);
    let to = effects.iter().find_map(|effect| match effect {
        Effect::Send { to, .. } => Some(to),
        _ => None,
    });
    assert_eq!(to, Some(Destination::Address(at(12, SINK))));
    assert_eq!(source.entropy.consumed(), 24);
    // A size below the header and a class above a byte are taken as the nearer end.
    let effects = source.command(SEND, None, &[]);
    assert_eq!(sent(effects), [frame(Kind::Job, 255, 1, 1, 0, 16)]);
    assert_eq!(source.entropy.consumed(), 48);
}

#[test]
fn a_send_is_done_at_once_unless_it_waits_for_the_answer() {
    let (waiting, _) = asking();
    let plain = roster(&[("load", SOURCE, 1, &[])]);
    let send = &Traffic.commands()[usize::from(SEND)];
    let abort = &Traffic.commands()[usize::from(ABORT)];
    let done = |roster: &Roster, command| instance().completion(roster, 0, command);
    assert_eq!(done(&plain, send), Completion::Handled);
    assert_eq!(done(&waiting, send), Completion::AcceptedInitiator);
    assert_eq!(done(&waiting, abort), Completion::Handled);
}
