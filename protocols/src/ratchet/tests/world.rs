//! A server and some clients with a perfect network between them, of streams or of datagrams.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::{ClientBench, SERVER_AT, ServerBench, at, client, server, story};
use crate::address::{Address, Destination};
use crate::effect::{Effect, Effects};
use crate::machine::{Arg, StreamEvent};
use crate::output::Output;
use crate::ratchet::params::Params;

/// What is on its way to a party: 0 is the server, else the client's id.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    /// Receiver.
    pub(super) to: u8,
    /// Far end.
    pub(super) from: u8,
    /// What arrives.
    pub(super) event: Event,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Opened,
    Closed,
    Bytes(Vec<u8>),
    Datagram(Vec<u8>),
}

/// The parties and what is on its way.
pub(super) struct World {
    pub(super) server: ServerBench,
    pub(super) clients: Vec<ClientBench>,
    pub(super) on_way: VecDeque<Parcel>,
    /// True when the machines must not send on a stream that is not open.
    strict: bool,
    /// Open ends of streams: client, and whose end it is.
    ends: BTreeSet<(u8, u8)>,
    /// Everything sent, in order: sender and bytes.
    pub(super) wire: Vec<(u8, Vec<u8>)>,
    /// Everything said, in order: speaker and output.
    pub(super) outputs: Vec<(u8, Output)>,
    /// Everything done, in order.
    pub(super) story: Vec<String>,
}

impl World {
    pub(super) fn new(params: &Arc<Params>, clients: u8) -> Self {
        Self {
            server: server(params),
            clients: (1..=clients).map(|id| client(params, id)).collect(),
            on_way: VecDeque::new(),
            strict: true,
            ends: BTreeSet::new(),
            wire: Vec::new(),
            outputs: Vec::new(),
            story: Vec::new(),
        }
    }

    /// Puts up with sending on streams that are not open, as after a restart.
    pub(super) fn lenient(&mut self) {
        self.strict = false;
    }

    pub(super) fn client(&mut self, id: u8) -> &mut ClientBench {
        &mut self.clients[usize::from(id) - 1]
    }

    /// Takes note of what `party` did, and puts what it sent on its way.
    pub(super) fn done(&mut self, party: u8, effects: &Effects) {
        let peer = |address: Address| {
            if address == SERVER_AT {
                0
            } else {
                address.host as u8
            }
        };
        for effect in effects.iter() {
            match effect {
                Effect::Send { to, bytes, .. } => {
                    self.wire.push((party, bytes.to_vec()));
                    let (to, event) = match to {
                        Destination::Stream(to) => (peer(to), Event::Bytes(bytes.to_vec())),
                        Destination::Address(to) => (peer(to), Event::Datagram(bytes.to_vec())),
                        Destination::Broadcast(_) => panic!("nobody broadcasts"),
                    };
                    let id = party.max(to);
                    let datagram = matches!(event, Event::Datagram(_));
                    assert!(
                        !self.strict || datagram || self.ends.contains(&(id, party)),
                        "the stream is open"
                    );
                    if datagram || self.ends.contains(&(id, to)) {
                        self.on_way.push_back(Parcel {
                            to,
                            from: party,
                            event,
                        });
                    }
                }
                Effect::OpenStream { to } => {
                    self.ends.extend([(party, 0), (party, party)]);
                    let to = peer(to);
                    self.on_way.push_back(Parcel {
                        to,
                        from: party,
                        event: Event::Opened,
                    });
                    self.on_way.push_back(Parcel {
                        to: party,
                        from: to,
                        event: Event::Opened,
                    });
                }
                Effect::CloseStream { to } => {
                    let to = peer(to);
                    let id = party.max(to);
                    self.ends.remove(&(id, party));
                    // What is on its way to the closing end arrives nowhere.
                    self.on_way
                        .retain(|parcel| parcel.to != party || parcel.from != to);
                    if self.ends.contains(&(id, to)) {
                        self.on_way.push_back(Parcel {
                            to,
                            from: party,
                            event: Event::Closed,
                        });
                    }
                }
                Effect::Output(output) => self.outputs.push((party, output)),
                _ => {}
            }
        }
        self.story.extend(
            story(effects)
                .into_iter()
                .map(|word| format!("{party}: {word}")),
        );
    }

    /// Delivers one parcel.
    pub(super) fn deliver(&mut self, parcel: Parcel) {
        let Parcel { to, from, event } = parcel;
        if usize::from(to) > self.clients.len() {
            return; // A stranger's address.
        }
        if event == Event::Closed {
            self.ends.remove(&(to.max(from), to));
        }
        let (far, own) = if to == 0 {
            (at(from), SERVER_AT)
        } else {
            (SERVER_AT, at(to))
        };
        let effects = match (&event, to) {
            (Event::Datagram(bytes), 0) => self.server.message(far, own, bytes),
            (Event::Datagram(bytes), id) => self.client(id).message(far, own, bytes),
            (_, 0) => self.server.stream(far, stream_event(&event)),
            (_, id) => self.client(id).stream(far, stream_event(&event)),
        };
        let effects = effects.clone();
        self.done(to, &effects);
    }

    /// Delivers everything until nothing is on its way.
    pub(super) fn settle(&mut self) {
        while let Some(parcel) = self.on_way.pop_front() {
            self.deliver(parcel);
        }
    }

    /// Gives a command to a client and delivers everything that follows.
    pub(super) fn command(&mut self, id: u8, command: u8, args: &[Arg<'_>]) {
        self.ask(id, command, args);
        self.settle();
    }

    /// Gives a command to a client and delivers nothing yet.
    pub(super) fn ask(&mut self, id: u8, command: u8, args: &[Arg<'_>]) {
        let effects = self
            .client(id)
            .command(command, Some(SERVER_AT), args)
            .clone();
        self.done(id, &effects);
    }

    /// Forgets what was noted.
    pub(super) fn turn_page(&mut self) {
        self.wire.clear();
        self.outputs.clear();
        self.story.clear();
    }

    /// The last values that both ends of client `id` named; empty: nothing.
    pub(super) fn shared(&self, id: u8) -> [Vec<crate::output::Fingerprint>; 2] {
        let last = |speaker: u8| {
            let mut last = Vec::new();
            for (party, output) in &self.outputs {
                if let Output::SharedState {
                    peer, fingerprints, ..
                } = output
                    && *party == speaker
                    && (speaker != 0 || peer.value == u64::from(id))
                {
                    last = fingerprints.as_slice().to_vec();
                }
            }
            last
        };
        [last(id), last(0)]
    }
}

fn stream_event(event: &Event) -> StreamEvent<'_> {
    match event {
        Event::Opened => StreamEvent::Opened,
        Event::Closed => StreamEvent::Closed,
        Event::Bytes(bytes) | Event::Datagram(bytes) => StreamEvent::Bytes(bytes),
    }
}
