//! Frames of the attacker's own: reflected, repeated, and in floods.

use crate::address::Address;
use crate::attack::{AttackContext, Attacker, Setup, Verdict, View};
use crate::time::Span;

use super::message;

/// Sends a message back to its sender, as if its receiver had sent it.
#[derive(Debug)]
pub struct Reflect {
    target: Option<usize>,
    retag: Option<u8>,
    keep: bool,
}

impl Reflect {
    /// Reflects `name`; `retag` replaces its first byte, `keep` takes the frame off the link.
    #[must_use]
    pub fn new(setup: &Setup<'_>, name: &str, retag: Option<u8>, keep: bool) -> Self {
        Self {
            target: message(setup.instance, name),
            retag,
            keep,
        }
    }
}

impl Attacker for Reflect {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.target.is_none() || view.message != self.target {
            return Verdict::Pass;
        }
        let mut bytes = view.bytes.to_vec();
        if let (Some(tag), Some(first)) = (self.retag, bytes.first_mut()) {
            *first = tag;
        }
        cx.inject(view.to, view.from, bytes);
        if self.keep {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    }
}

/// Sends the same frame again and again, as fast as it is told to.
#[derive(Debug)]
pub struct Flood {
    from: Address,
    to: Address,
    frames: Vec<Vec<u8>>,
    gap: Span,
    next: usize,
}

impl Flood {
    /// Sends `frames` in turn from `from` to `to`, one every `gap`.
    #[must_use]
    pub fn new(from: Address, to: Address, frames: Vec<Vec<u8>>, gap: Span) -> Self {
        Self {
            from,
            to,
            frames,
            gap: Span(gap.0.max(1)),
            next: 0,
        }
    }
}

const TICK: u32 = 0;

impl Attacker for Flood {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(TICK, self.gap);
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        let Some(frame) = self.frames.get(self.next) else {
            return;
        };
        cx.inject(self.from, self.to, frame.clone());
        self.next = (self.next + 1) % self.frames.len();
        cx.arm(TICK, self.gap);
    }
}

/// Records one frame of a message and sends it at a rate ever after.
#[derive(Debug)]
pub struct Repeat {
    target: Option<usize>,
    own: Option<Address>,
    gap: Span,
    recorded: Option<(Address, Address, Vec<u8>)>,
}

impl Repeat {
    /// Repeats the first `name` seen, one every `gap`, from `own` or from its sender's address.
    #[must_use]
    pub fn new(setup: &Setup<'_>, name: &str, gap: Span, own: Option<Address>) -> Self {
        Self {
            target: message(setup.instance, name),
            own,
            gap: Span(gap.0.max(1)),
            recorded: None,
        }
    }
}

impl Attacker for Repeat {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.recorded.is_none() && self.target.is_some() && view.message == self.target {
            self.recorded = Some((view.from, view.to, view.bytes.to_vec()));
            cx.arm(TICK, self.gap);
        }
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        if let Some((from, to, bytes)) = &self.recorded {
            cx.inject(self.own.unwrap_or(*from), *to, bytes.clone());
            cx.arm(TICK, self.gap);
        }
    }
}
