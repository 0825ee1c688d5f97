//! How long a device waits for an answer, and the copies of its request that it sends meanwhile.
//!
//! One timer at a time: `resend` while copies are left, then `reply`, so that the time-out counts
//! from the last copy.

use super::params::Params;
use super::{REPLY_TIMER, RESEND_TIMER};
use crate::context::Context;
use crate::machine::Timer;
use crate::time::Span;

/// The copies of the open request sent so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    copies: u8,
}

impl Patience {
    /// No request is open.
    pub(super) const fn new() -> Self {
        Self { copies: 0 }
    }

    /// The request has been sent for the first time.
    pub(super) fn start(&mut self, params: &Params, cx: &mut Context<'_>) {
        self.copies = 0;
        self.arm(params, cx);
    }

    /// A copy has been sent.
    pub(super) fn repeated(&mut self, params: &Params, cx: &mut Context<'_>) {
        self.copies = self.copies.saturating_add(1);
        self.arm(params, cx);
    }

    /// The answer is here, or nobody waits for it any longer.
    pub(super) fn stop(self, params: &Params, cx: &mut Context<'_>) {
        if let Some((timer, _)) = self.next(params) {
            cx.cancel(timer);
        }
    }

    fn arm(self, params: &Params, cx: &mut Context<'_>) {
        if let Some((timer, after)) = self.next(params) {
            cx.arm(timer, after);
        }
    }

    fn next(self, params: &Params) -> Option<(Timer, Span)> {
        match params.resend {
            Some(resend) if self.copies < resend.max => {
                let wait = (0..self.copies).fold(resend.after, |wait, _| wait.scale(resend.factor));
                Some((Timer::only(RESEND_TIMER), wait))
            }
            _ => {
                let timer = Timer::only(REPLY_TIMER);
                params.reply_timeout.map(|after| (timer, after))
            }
        }
    }
}
