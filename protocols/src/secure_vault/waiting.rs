//! How a device waits for an answer: copies of the message in hand at growing distances, then the
//! end of its patience.

use crate::context::Context;
use crate::machine::Timer;

use super::params::Params;
use super::{REPLY, RESEND};

/// Arms what fires next while a message is unanswered: the next copy, else the end of waiting.
pub(super) fn arm_wait(cx: &mut Context<'_>, params: &Params, copies: u8) {
    match params.resend {
        Some(resend) if copies < resend.max => {
            // Repeated multiplication: the same on every machine.
            let growth = (0..copies).fold(1.0, |product, _| product * resend.factor);
            cx.arm(Timer::only(RESEND), resend.after.scale(growth));
        }
        _ => cx.arm(Timer::only(REPLY), params.reply_timeout),
    }
}

/// Waits for the answer to the next message: what was armed for the one before is void.
pub(super) fn arm_next_wait(cx: &mut Context<'_>, params: &Params) {
    if params.resend.is_some() {
        cx.cancel(Timer::only(REPLY));
    }
    arm_wait(cx, params, 0);
}

/// Waits no longer.
pub(super) fn cancel_wait(cx: &mut Context<'_>, params: &Params) {
    if params.resend.is_some() {
        cx.cancel(Timer::only(RESEND));
    }
    cx.cancel(Timer::only(REPLY));
}
