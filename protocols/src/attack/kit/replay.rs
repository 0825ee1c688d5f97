//! Frames of earlier sessions, once more.

use crate::address::Address;
use crate::attack::{AttackContext, Attacker, Setup, Verdict, View};
use crate::time::Span;

use super::message;

/// What a recorded frame is played for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long after it was recorded.
    After(Span),
    /// When the next frame of this message passes.
    Next(&'static str),
}

/// Records frames of one message and sends them again: from an own address, or from that of their
/// sender.
#[derive(Debug)]
pub struct Replay {
    target: Option<usize>,
    cue: Option<usize>,
    wait: Span,
    /// Own port and host, or `None`: the sender's address.
    own: Option<Address>,
    /// Instead of the frame's own destination.
    recorded: Option<(Address, Address, Vec<u8>)>,
    pending: Option<(Address, Address, Vec<u8>)>,
}

impl Replay {
    /// Plays `name` again; with `own` from that address, otherwise from its sender's.
    #[must_use]
    pub fn new(setup: &Setup<'_>, name: &str, when: When, own: Option<Address>) -> Self {
        let (cue, wait) = match when {
            When::After(wait) => (None, wait),
            When::Next(cue) => (message(setup.instance, cue), Span::ZERO),
        };
        Self {
            target: message(setup.instance, name),
            cue,
            wait,
            own,
            recorded: None,
            pending: None,
        }
    }

    fn play(&self, frame: (Address, Address, Vec<u8>), cx: &mut AttackContext<'_>) {
        let (from, to, bytes) = frame;
        cx.inject(self.own.unwrap_or(from), to, bytes);
    }
}

const PLAY: u32 = 0;

impl Attacker for Replay {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.cue.is_some()
            && view.message == self.cue
            && let Some(frame) = self.recorded.take()
        {
            self.play(frame, cx);
        }
        if self.target.is_some() && view.message == self.target {
            let frame = (view.from, view.to, view.bytes.to_vec());
            if self.cue.is_some() {
                self.recorded = Some(frame);
            } else {
                self.pending = Some(frame);
                cx.arm(PLAY, self.wait);
            }
        }
        Verdict::Pass
    }

    fn on_timer(&mut self, timer: u32, cx: &mut AttackContext<'_>) {
        if timer == PLAY
            && let Some(frame) = self.pending.take()
        {
            self.play(frame, cx);
        }
    }
}

/// Puts a frame of an earlier session in the place of the genuine one, under its sender's address.
#[derive(Debug)]
pub struct Replace {
    target: Option<usize>,
    oldest: bool,
    recorded: Option<Vec<u8>>,
}

impl Replace {
    /// Replaces `name` by the one before, or always by the first one seen.
    #[must_use]
    pub fn new(setup: &Setup<'_>, name: &str, oldest: bool) -> Self {
        Self {
            target: message(setup.instance, name),
            oldest,
            recorded: None,
        }
    }
}

impl Attacker for Replace {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.target.is_none() || view.message != self.target {
            return Verdict::Pass;
        }
        let Some(old) = &self.recorded else {
            self.recorded = Some(view.bytes.to_vec());
            return Verdict::Pass;
        };
        cx.inject(view.from, view.to, old.clone());
        if !self.oldest {
            self.recorded = Some(view.bytes.to_vec());
        }
        Verdict::Drop
    }
}

/// Answers a message in the place of its receiver with an earlier answer: the message itself never
/// arrives.
#[derive(Debug)]
pub struct Answer {
    question: Option<usize>,
    answer: Option<usize>,
    recorded: Option<Vec<u8>>,
}

impl Answer {
    /// Keeps `question` from its receiver and plays the first recorded `answer` for it.
    #[must_use]
    pub fn new(setup: &Setup<'_>, question: &str, answer: &str) -> Self {
        Self {
            question: message(setup.instance, question),
            answer: message(setup.instance, answer),
            recorded: None,
        }
    }
}

impl Attacker for Answer {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.answer.is_some() && view.message == self.answer {
            self.recorded.get_or_insert_with(|| view.bytes.to_vec());
            return Verdict::Pass;
        }
        if self.question.is_some()
            && view.message == self.question
            && let Some(old) = &self.recorded
        {
            cx.inject(view.to, view.from, old.clone());
            return Verdict::Drop;
        }
        Verdict::Pass
    }
}
