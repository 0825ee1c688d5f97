//! Copies over a lossy link.

use super::super::{ABORT, AUTHENTICATE, REPLY_TIMER, RESEND_TIMER, SESSION_TIMER};
use super::*;
use crate::machine::Timer;
use crate::testing::sent;

const RESEND: Timer = Timer::only(RESEND_TIMER);
const REPLY: Timer = Timer::only(REPLY_TIMER);

fn pair() -> Pair {
    Pair::new("as-published", &[("recovery", word("resend"))])
}

fn arm<'a>(timer: Timer, seconds: u64) -> Effect<'a> {
    let after = Span(SECOND.nanos() * seconds);
    Effect::Arm { timer, after }
}

#[test]
fn four_copies_at_doubling_distance_then_the_time_out() {
    let mut pair = pair();
    let effects = pair.device.command(AUTHENTICATE, None, &[]);
    let request = sent(effects).remove(0);
    assert_eq!(list(effects)[2], arm(RESEND, 2));
    for (copy, wait) in [
        arm(RESEND, 4),
        arm(RESEND, 8),
        arm(RESEND, 16),
        arm(REPLY, 5),
    ]
    .into_iter()
    .enumerate()
    {
        let effects = pair.device.timer(RESEND);
        let expected = [send(SERVER_AT, &request), wait];
        assert_eq!(list(effects), expected, "copy {copy}");
    }
    let effects = pair.device.timer(REPLY);
    let expected = [rejected(Scope::Attempt, Some(SERVER_NAME), "timeout")];
    assert_eq!(list(effects), expected);
}

#[test]
fn the_timer_that_is_armed_is_the_one_cancelled() {
    for (copies, timer) in [(0, RESEND), (3, RESEND), (4, REPLY)] {
        let mut pair = pair();
        pair.device.command(AUTHENTICATE, None, &[]);
        for _ in 0..copies {
            pair.device.timer(RESEND);
        }
        let effects = pair.device.command(ABORT, None, &[]);
        assert_eq!(list(effects), [Effect::Cancel { timer }]);
    }
}

#[test]
fn a_copy_in_a_session_is_answered_with_the_same_key_and_nothing_else() {
    let mut pair = pair();
    let request: &[u8] = &[1, 2, 0, 1];
    let answer = sent(pair.server.message(DEVICE_AT, SERVER_AT, request)).remove(0);
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, request);
    assert_eq!(list(effects), [send(DEVICE_AT, &answer)]);
    // Other bytes are another request.
    assert!(
        pair.server
            .message(DEVICE_AT, SERVER_AT, &[1, 1, 0])
            .is_empty()
    );
    let effects = pair.server.timer(SERVER_SESSION);
    assert_eq!(sent(effects).len(), 1, "the other request waited");
}

#[test]
fn a_lost_key_costs_nothing_but_time() {
    let mut pair = pair();
    let request = sent(pair.device.command(AUTHENTICATE, None, &[])).remove(0);
    pair.server.message(DEVICE_AT, SERVER_AT, &request);
    let copy = sent(pair.device.timer(RESEND)).remove(0);
    assert_eq!(copy, request);
    let answer = sent(pair.server.message(DEVICE_AT, SERVER_AT, &copy)).remove(0);
    pair.device.message(SERVER_AT, DEVICE_AT, &answer);
    pair.server.timer(SERVER_SESSION);
    pair.device.timer(Timer::only(SESSION_TIMER));
    assert_eq!(pair.device_vault(), pair.server_vault());
}
