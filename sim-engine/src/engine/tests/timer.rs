//! Timers and control events.

#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn arming_again_replaces_and_cancelling_disarms() {
    let mut bench = Bench::new(1);
    let node = bench.node(0, false);
    bench.act(node, |out| {
        out.arm(TICK, SimDuration(50));
        out.arm(TICK, SimDuration(80));
        out.arm(TimerId { kind: 1, key: 8 }, SimDuration(60));
        out.cancel(TimerId { kind: 1, key: 8 });
        assert!(out.is_armed(TICK));
        assert!(!out.is_armed(TimerId { kind: 1, key: 8 }));
    });
    bench.run(1_000);
    assert_eq!(
        bench.handled(),
        [Seen::Timer {
            at: 80,
            node: 0,
            kind: 1,
            key: 7
        }]
    );
    assert_eq!((bench.engine.events(), bench.engine.timers_live()), (1, 0));
}

/// A timer that has expired behind a busy CPU can still be taken back.
#[test]
fn a_queued_expiry_is_void_if_the_timer_is_cancelled_or_armed_again() {
    for rearm in [false, true] {
        let mut bench = Bench::new(1);
        let node = bench.node(100, false);
        bench.act(node, |out| {
            out.command(node, 1);
            out.command(node, 2);
            out.arm(TICK, SimDuration(50));
        });
        // Command 1 is taken at 0, command 2 at 100; the timer expires at 50 and waits behind.
        bench.host.on_input = Some(Box::new(move |(_, what), out| {
            if what == 2 {
                assert!(out.is_armed(TICK));
                if rearm {
                    out.arm(TICK, SimDuration(500));
                } else {
                    out.cancel(TICK);
                }
            }
        }));
        bench.run(10_000);
        let expiries: Vec<Seen> = bench
            .handled()
            .into_iter()
            .filter(|seen| matches!(seen, Seen::Timer { .. }))
            .collect();
        let at = 600;
        let expected = [Seen::Timer {
            at,
            node: 0,
            kind: 1,
            key: 7,
        }];
        assert_eq!(expiries, if rearm { &expected[..] } else { &[] });
        assert_eq!(bench.engine.timers_live(), 0);
    }
}

#[test]
fn control_events_wait_for_no_cpu_and_can_be_taken_back() {
    let mut bench = Bench::new(1);
    let node = bench.node(1_000, false);
    let owner = NodeId(500);
    bench.act(node, |out| {
        out.command(node, 1);
        out.arm_control(owner, TICK, SimTime(10));
        out.arm_control(node, TICK, SimTime(20));
        out.arm_control(node, TICK, SimTime(30));
        out.arm_control(owner, TimerId { kind: 2, key: 0 }, SimTime(15));
        out.cancel_control(owner, TimerId { kind: 2, key: 0 });
    });
    bench.run(100);
    let control = |at, owner| Seen::Control {
        at,
        owner,
        kind: 1,
        key: 7,
    };
    assert_eq!(bench.handled()[1..], [control(10, 500), control(30, 0)]);
}

#[test]
fn a_timer_of_the_new_incarnation_is_not_mixed_up_with_the_old_one() {
    let mut bench = Bench::new(1);
    let node = bench.node(0, false);
    bench.act(node, |out| {
        out.arm(TICK, SimDuration(100));
        out.arm(TimerId { kind: 1, key: 8 }, SimDuration(110));
        out.crash(node);
        out.restart(node);
        assert!(!out.is_armed(TICK));
        out.arm(TICK, SimDuration(200));
    });
    bench.run(1_000);
    assert_eq!(
        bench.handled(),
        [Seen::Timer {
            at: 200,
            node: 0,
            kind: 1,
            key: 7
        }]
    );
    assert_eq!(bench.engine.timers_live(), 0);
}

#[test]
fn time_that_stands_still_is_an_error_that_names_the_cycle() {
    let mut bench = Bench::new(1);
    let node = bench.node(0, false);
    bench.host.on_control = Some(Box::new(move |(owner, control), out| {
        out.arm_control(owner, control, out.now());
    }));
    bench.act(node, |out| out.arm_control(node, TICK, SimTime(5)));
    let error = bench.try_run(10).unwrap_err();
    let members = vec![(Class::Control, 0)];
    assert_eq!(
        error,
        EngineError::RoundCycle {
            at: SimTime(5),
            rounds: 1_000_001,
            members
        }
    );
    assert_eq!(
        bench.try_run(10).unwrap_err(),
        error,
        "a failed run cannot go on"
    );
}
