//! `steal-current`: the four keys of a round leak.

use std::sync::Arc;

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Errand, Grant, Need, Power, Property,
    Setup, Stage, Verdict, View,
};
use crate::ratchet::CLIENT;
use crate::ratchet::equations::Keys;
use crate::ratchet::messages::{DATA, HELLO, RESPONSE};
use crate::ratchet::params::Params;
use crate::ratchet::secrets::SESSION_KEY;

use super::craft::{Clear, Follower, clear, craft};

const CASES: &[&str] = &["later", "earlier", "forge"];

/// Frames that may be on their way behind the attacker when the keys leak.
const IN_FLIGHT: usize = 2;

/// The keys leak at several times, since a client has some only while a session runs.
const fn leak(at: &'static str) -> Need {
    Need {
        secret: SESSION_KEY,
        of: "client",
        at,
    }
}

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "steal-current",
    help: "The four keys of a client's present round leak. Reads the rounds of that session that \
           came before (`earlier`) or come after (`later`), or sends the next DATA in the client's \
           place (`forge`). Keys move by what is on the wire and nothing else.",
    powers: &[Power::Observe, Power::Spoof],
    spare: &[Power::Spoof],
    knows: &[
        leak("190s"),
        leak("424s"),
        leak("668s"),
        leak("1027s"),
        leak("1386s"),
    ],
    cases: CASES,
    properties: &[Property::Secrecy, Property::Integrity],
    claims: &["RT-C11"],
    // What comes after the leak is no matter of forward secrecy.
    case_claims: &[("RT-C11", &["earlier"])],
    control: Control::without("ratchet"),
    claims_secrets: &[SESSION_KEY],
    stage: Stage {
        nodes: &[("client", 1), ("server", 1)],
        errands: &[Errand {
            from: "client",
            to: "server",
            commands: &[
                "authenticate",
                "send-data",
                "send-data",
                "send-data",
                "send-data",
                "send-data",
                "send-data",
                "send-data",
                "send-data",
                "send-data",
                "send-data",
                "finish",
            ],
            every: "15s",
            first: "",
        }],
        delay: "500ms",
        ..super::STAGE
    },
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct StealCurrent {
    params: Arc<Params>,
    case: &'static str,
    victim: u32,
    /// Frames of the session so far.
    frames: Vec<(Address, Address, Vec<u8>)>,
    /// Follows the session from the leak on.
    follower: Option<Follower>,
}

impl StealCurrent {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params: Arc::clone(params),
            case: CASES[Cases::new(CASES, setup.case).turn()],
            victim: setup.first_of(CLIENT).map_or(0, |address| address.host),
            frames: Vec::new(),
            follower: None,
        }
    }

    /// Reads a frame from the leak on, and uses it.
    fn follow(&mut self, (from, to): (Address, Address), bytes: &[u8], cx: &mut AttackContext<'_>) {
        let Some(follower) = &mut self.follower else {
            return;
        };
        let read = follower.read(cx, bytes);
        if let Some(read) = read.filter(|read| matches!(read.shown.opcode, DATA | RESPONSE)) {
            if self.case == "later" {
                cx.claim("payload", from.host, read.payload);
            } else if self.case == "forge" && read.shown.opcode == RESPONSE {
                self.forge((to, from), cx);
            }
        }
    }

    /// Sends the next DATA before the client does.
    fn forge(&mut self, (client, server): (Address, Address), cx: &mut AttackContext<'_>) {
        if let Some(follower) = &self.follower {
            let shown = Clear {
                opcode: DATA,
                client: self
                    .frames
                    .first()
                    .and_then(|(_, _, hello)| clear(&self.params, hello))
                    .map_or(0, |hello| hello.client),
                round: follower.round,
            };
            let frame = craft(&self.params, cx, shown, &follower.keys.c2s, b"99.0");
            cx.inject(client, server, frame);
        }
        self.follower = None;
    }
}

impl Attacker for StealCurrent {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if view.from.host != self.victim && view.to.host != self.victim {
            return Verdict::Pass;
        }
        let Some(shown) = clear(&self.params, view.bytes) else {
            return Verdict::Pass;
        };
        if shown.opcode == HELLO {
            self.frames.clear();
            self.follower = None;
        }
        let frame = view.bytes.to_vec();
        self.frames.push((view.from, view.to, frame));
        if self.follower.is_none() {
            return Verdict::Pass;
        }
        cx.tried();
        self.follow((view.from, view.to), view.bytes, cx);
        Verdict::Pass
    }

    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        if grant.of != self.victim {
            return;
        }
        let Some(keys) = Keys::split(&self.params, grant.bytes()) else {
            return;
        };
        cx.tried();
        if self.case != "earlier" {
            self.follower = Some(Follower::from_keys(&self.params, keys, 0));
            // What has passed here may still be on its way to the client.
            let last = self.frames.len().saturating_sub(IN_FLIGHT);
            let recent = self.frames[last..].to_vec();
            for (from, to, bytes) in recent {
                self.follow((from, to), &bytes, cx);
            }
            return;
        }
        // An answer that has just passed may not have reached the client yet: it is sealed under the
        // very keys that leak, and not earlier than they.
        let answer = |frame: &&(Address, Address, Vec<u8>)| frame.0.host != self.victim;
        let under_way = usize::from(self.frames.last().as_ref().is_some_and(answer));
        let earlier = self.frames.len() - under_way;
        for (from, _, bytes) in &self.frames[..earlier] {
            // Each frame by itself: whatever was sealed under these very keys opens.
            let read = Follower::from_keys(&self.params, keys, 0).read(cx, bytes);
            let data = |opcode| matches!(opcode, DATA | RESPONSE);
            if let Some(read) = read.filter(|read| data(read.shown.opcode)) {
                cx.claim("payload", from.host, read.payload);
            }
        }
    }
}
