//! What a request and its answer have in common in every phase: refusals, and the statements about
//! them to observers.

use crate::output::{Output, Principal, Scope, Tag};
use crate::{Address, Channel, Context, Incoming};

use super::equations::tag;
use super::messages::{Message, UNEXPECTED};
use super::params::Params;

/// Why a request is refused; the code travels in REJECT where `errors` is `detailed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// 1 stale, 2 unknown, 3 exists, 4 proof, 5 internal.
    pub(crate) code: u8,
    /// The true reason, for the trace.
    pub(crate) word: &'static str,
}

impl Refusal {
    pub(crate) const STALE: Self = Self::new(1, "stale");
    pub(crate) const UNKNOWN: Self = Self::new(2, "unknown");
    pub(crate) const UNKNOWN_USER: Self = Self::new(2, "unknown-user");
    pub(crate) const EXISTS: Self = Self::new(3, "exists");
    pub(crate) const PROOF: Self = Self::new(4, "proof");
    pub(crate) const BETA: Self = Self::new(4, "beta");
    pub(crate) const REPLAY: Self = Self::new(1, "replay");
    pub(crate) const OVERFLOW: Self = Self::new(5, "overflow");
    pub(crate) const FULL: Self = Self::new(5, "full");
    pub(crate) const INTERNAL: Self = Self::new(5, "internal");

    const fn new(code: u8, word: &'static str) -> Self {
        Self { code, word }
    }
}

/// Where a message came from: the way back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// The own port it arrived at.
    pub(crate) port: u16,
    /// The address it claims to come from.
    pub(crate) to: Address,
    /// The channel it used.
    pub(crate) channel: Channel,
}

impl Way {
    /// The way back to the sender of `incoming`.
    pub(crate) const fn back(incoming: &Incoming<'_>) -> Self {
        Self {
            port: incoming.to.port,
            to: incoming.from,
            channel: incoming.channel,
        }
    }

    /// Refuses a well-formed request. Effects: `Send` REJECT, `Rejected`.
    pub(crate) fn refuse(
        self,
        params: &Params,
        cx: &mut Context<'_>,
        refusal: Refusal,
        peer: Option<Principal>,
    ) {
        let code = if params.detailed_errors {
            refusal.code
        } else {
            0
        };
        cx.send(self.port, self.to, self.channel, |out| {
            Message::Reject { code }.encode(params, out);
        });
        cx.reject(Scope::Frame, refusal.word, peer, None);
    }

    /// Sends a request outside phase 3. Effects: `Running`, `Send`. Returns the frame in a pooled
    /// buffer.
    pub(crate) fn request(
        self,
        params: &Params,
        cx: &mut Context<'_>,
        peer: Principal,
        message: &Message<'_>,
    ) -> Vec<u8> {
        let mut frame = cx.buffers.take();
        message.encode(params, &mut frame);
        self.request_frame(cx, peer, &frame);
        frame
    }

    /// Sends a request that is encoded already. Effects: `Running`, `Send`.
    pub(crate) fn request_frame(self, cx: &mut Context<'_>, peer: Principal, frame: &[u8]) {
        let run = tag("run", &[frame]);
        cx.output(Output::Running { peer, run });
        cx.send(self.port, self.to, self.channel, |out| {
            out.extend_from_slice(frame)
        });
    }

    /// Answers a request outside phase 3. Effects: `Running`, `Send`, `Accepted`.
    pub(crate) fn answer(
        self,
        params: &Params,
        cx: &mut Context<'_>,
        peer: Principal,
        request: &[u8],
        reply: &Message<'_>,
    ) {
        let mut frame = cx.buffers.take();
        reply.encode(params, &mut frame);
        self.answer_frame(cx, peer, request, &frame);
        cx.buffers.give(frame);
    }

    /// Answers with a frame that is encoded already. Effects: `Running`, `Send`, `Accepted`.
    pub(crate) fn answer_frame(
        self,
        cx: &mut Context<'_>,
        peer: Principal,
        request: &[u8],
        reply: &[u8],
    ) {
        let run = tag("run", &[request, reply]);
        cx.output(Output::Running { peer, run });
        cx.send(self.port, self.to, self.channel, |out| {
            out.extend_from_slice(reply)
        });
        let run = tag("run", &[request]);
        accept(cx, peer, session(request, reply), run);
    }
}

/// The session of an exchange outside phase 3.
fn session(request: &[u8], reply: &[u8]) -> Tag {
    tag("session", &[request, reply])
}

/// The requester accepts an answer outside phase 3. Effect: `Accepted`.
pub(crate) fn accept_answer(cx: &mut Context<'_>, peer: Principal, request: &[u8], reply: &[u8]) {
    let run = tag("run", &[request, reply]);
    accept(cx, peer, session(request, reply), run);
}

fn accept(cx: &mut Context<'_>, peer: Principal, session: Tag, run: Tag) {
    cx.output(Output::Accepted {
        peer,
        session,
        run,
        key_id: None,
    });
}

/// Drops a frame that is well formed but not expected here and now.
pub(crate) fn drop_unexpected(cx: &mut Context<'_>) {
    cx.reject(Scope::Frame, UNEXPECTED, None, None);
}
