//! Recorded frames of a client, sent again: `replay-data`, `replay-session`, `replay-hello`.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::attack::kit::message;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Power, Property, Setup, Verdict, View,
};
use crate::ratchet::client::PORT;
use crate::time::Span;

/// Places of the messages in the layouts.
#[derive(Clone, Copy, Debug)]
struct Names {
    hello: Option<usize>,
    challenge: Option<usize>,
    data: Option<usize>,
    response: Option<usize>,
    terminate: Option<usize>,
}

impl Names {
    fn new(setup: &Setup<'_>) -> Self {
        let of = |name| message(setup.instance, name);
        Self {
            hello: of("CLIENT_HELLO"),
            challenge: of("SERVER_CHALLENGE"),
            data: of("CLIENT_DATA"),
            response: of("SERVER_AGGR_RESPONSE"),
            terminate: of("TERMINATE"),
        }
    }
}

pub(super) const DATA_SPEC: AttackSpec = AttackSpec {
    id: "replay-data",
    help: "Records DATA r, and sends the same bytes to the server under the client's address once \
           RESPONSE r has passed.",
    powers: &[Power::Observe, Power::Spoof],
    properties: &[
        Property::Agreement,
        Property::Availability,
        Property::Integrity,
    ],
    control: Control::without("freshness"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Data {
    names: Names,
    /// The last DATA of each client.
    kept: BTreeMap<u32, (Address, Vec<u8>)>,
}

impl Data {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            names: Names::new(setup),
            kept: BTreeMap::new(),
        }
    }
}

impl Attacker for Data {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if view.message == self.names.data {
            self.kept
                .insert(view.from.host, (view.to, view.bytes.to_vec()));
        } else if view.message == self.names.response
            && let Some((server, bytes)) = self.kept.remove(&view.to.host)
        {
            cx.inject(view.to, server, bytes);
        }
        Verdict::Pass
    }
}

pub(super) const SESSION_SPEC: AttackSpec = AttackSpec {
    id: "replay-session",
    help: "Records a whole session of a client. Ten seconds after its end sends the HELLO and all \
           DATA again from an address of its own, in order, each after an answer. Nothing that the \
           server sends enters the keys of the client's direction: they move as they did the first \
           time.",
    powers: &[Power::Observe, Power::Inject],
    properties: &[Property::Agreement, Property::Integrity],
    claims: &["RT-C3", "RT-C8"],
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Session {
    names: Names,
    own: Address,
    server: Address,
    /// The frames of each client's present session.
    recording: BTreeMap<u32, Vec<Vec<u8>>>,
    /// A session that is over.
    waiting: Option<Vec<Vec<u8>>>,
    /// What is left to play, last frame first.
    playing: Vec<Vec<u8>>,
}

const PLAY: u32 = 0;

impl Session {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            names: Names::new(setup),
            own: setup.own(0, PORT),
            server: Address::default(),
            recording: BTreeMap::new(),
            waiting: None,
            playing: Vec::new(),
        }
    }

    fn next(&mut self, cx: &mut AttackContext<'_>) {
        if let Some(frame) = self.playing.pop() {
            cx.inject(self.own, self.server, frame);
        }
    }
}

impl Attacker for Session {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let bytes = || view.bytes.to_vec();
        if view.message == self.names.hello {
            self.server = view.to;
            self.recording.insert(view.from.host, vec![bytes()]);
        } else if view.message == self.names.data {
            if let Some(frames) = self.recording.get_mut(&view.from.host) {
                frames.push(bytes());
            }
        } else if view.message == self.names.terminate
            && let Some(frames) = self.recording.remove(&view.from.host)
            && frames.len() > 1
            && self.waiting.is_none()
        {
            self.waiting = Some(frames);
            cx.arm(PLAY, Span::from_secs(10));
        }
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        if let Some(frames) = self.waiting.take() {
            self.playing = frames;
            self.playing.reverse();
            self.next(cx);
        }
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        if view.message == self.names.challenge || view.message == self.names.response {
            self.next(cx);
        } else {
            self.playing.clear();
        }
    }
}

pub(super) const HELLO_SPEC: AttackSpec = AttackSpec {
    id: "replay-hello",
    help: "Keeps a HELLO of a client and sends it from an address of its own while the client is in \
           the middle of a later session. The HELLO is still good, and a good HELLO displaces the \
           live session of its id.",
    powers: &[Power::Observe, Power::Inject],
    properties: &[Property::Agreement, Property::Availability],
    control: Control::without("replace"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Hello {
    names: Names,
    own: Address,
    /// The first HELLO of each client, and whether another session has begun since.
    kept: BTreeMap<u32, (Vec<u8>, bool)>,
}

impl Hello {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            names: Names::new(setup),
            own: setup.own(0, PORT),
            kept: BTreeMap::new(),
        }
    }
}

impl Attacker for Hello {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if view.message == self.names.hello {
            let kept = self.kept.entry(view.from.host);
            kept.and_modify(|(_, later)| *later = true)
                .or_insert_with(|| (view.bytes.to_vec(), false));
        } else if view.message == self.names.response
            && let Some((hello, later)) = self.kept.get_mut(&view.to.host)
            && *later
        {
            *later = false;
            cx.inject(self.own, view.from, hello.clone());
        }
        Verdict::Pass
    }
}
