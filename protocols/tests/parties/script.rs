//! Scripts of actions on all parties of a session, read from bytes: what a fuzzer writes and what a
//! test draws. Messages are delivered, dropped, doubled, reordered, changed and made up; timers
//! fire when due and when not; power fails; commands come in any order.
//!
//! Whatever the script, no machine may panic, an input may cause only so many effects, and who
//! accepts must be meant: the peer it names has at some time been running the protocol with it.

use std::collections::BTreeSet;

use protocols::machine::{Arg, Command};
use protocols::{Address, Channel, Output, Timer};

use crate::sockets::honest::{Cast, Event, play_step};
use crate::sockets::sessions::{SESSIONS, Session};
use crate::world::{Input, Load, Parcel, World};

/// Most effects of one input at a party that serves a handful of others.
const EFFECTS_MAX: usize = 200;

/// Most actions of a script.
const ACTIONS_MAX: usize = 400;

/// True when a variant is convinced by messages that no peer sent: by design of its text (nothing
/// is authenticated, or nothing is compared), or because it is a control for attacks.
pub(crate) fn convinced_by_anybody(session: &Session) -> bool {
    matches!(
        (session.protocol, session.variant),
        ("vault-exchange", "as-published" | "literal")
            | ("multi-server", "literal")
            | ("traffic", _)
            | (_, "broken")
    )
}

/// A session's parties, ready to be cloned for each script.
#[derive(Clone)]
pub(crate) struct Stage {
    session: &'static Session,
    world: World,
}

impl Stage {
    /// Every session on a stage of its own.
    pub(crate) fn all() -> Vec<Self> {
        let stage = |session: &'static Session| {
            let cast = Cast::new(session).expect("a session is well formed");
            let world = World::new(&cast, 1);
            Self { session, world }
        };
        SESSIONS.iter().map(stage).collect()
    }

    /// The stage that the first byte of `bytes` picks plays the rest.
    pub(crate) fn play_any(all: &[Self], bytes: &[u8]) {
        if let Some((pick, script)) = bytes.split_first() {
            all[usize::from(*pick) % all.len()].play(script);
        }
    }

    /// Every message of the honest session, in order.
    pub(crate) fn recorded(&self) -> Vec<Vec<u8>> {
        let mut world = self.world.clone();
        world.sent = Some(Vec::new());
        for step in self.session.steps {
            let _ = play_step(&self.world.cast, &mut world, step);
        }
        world.sent.unwrap_or_default()
    }

    /// Decodes a frame by every layout of the session, and hands it to every party, once fresh and
    /// once after the first `steps` steps of the honest session.
    pub(crate) fn decode(&self, steps: usize, frame: &[u8]) {
        let instance = &self.world.cast.instance;
        let named = instance.classify(frame);
        assert!(named.is_none_or(|message| message < instance.layouts().len()));
        for layout in instance.layouts() {
            if let Ok(located) = layout.locate(frame) {
                let total: usize = (0..layout.fields.len())
                    .map(|field| located.field(field).len())
                    .sum();
                assert_eq!(
                    total,
                    frame.len(),
                    "{}: fields cover the frame",
                    layout.name
                );
            }
        }
        let mut later = self.world.clone();
        for step in self.session.steps.iter().take(steps) {
            let _ = play_step(&self.world.cast, &mut later, step);
        }
        for mut world in [self.world.clone(), later] {
            for (from, to) in pairs(world.nodes.len()) {
                let load = if instance.streams() {
                    let length = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes();
                    Load::Bytes([&length, frame].concat())
                } else {
                    Load::Datagram(frame.to_vec())
                };
                world.arrive(&Parcel {
                    from: world.nodes[from].address,
                    to: world.nodes[to].address,
                    channel: Channel::Public,
                    load,
                });
                let (effects, _) = world.last_effects();
                assert!(effects <= EFFECTS_MAX, "{effects} effects of one input");
            }
        }
    }

    /// The session of this stage.
    pub(crate) const fn session(&self) -> &'static Session {
        self.session
    }

    /// Plays a script from the start of the world; the result is how often a party accepted.
    pub(crate) fn play(&self, script: &[u8]) -> u32 {
        let mut play = Play {
            world: self.world.clone(),
            session: self.session,
            rest: script,
            step: 0,
            running: BTreeSet::new(),
            accepted: 0,
        };
        for _ in 0..ACTIONS_MAX {
            let Some(action) = play.byte() else {
                break;
            };
            play.act(action);
            play.check();
        }
        play.accepted
    }
}

/// All ordered pairs of different parties.
fn pairs(parties: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..parties)
        .flat_map(move |one| (0..parties).map(move |other| (one, other)))
        .filter(|(one, other)| one != other)
}

/// A script under way.
struct Play<'a> {
    world: World,
    session: &'static Session,
    rest: &'a [u8],
    step: usize,
    /// Who has been running the protocol with whom.
    running: BTreeSet<(usize, usize)>,
    accepted: u32,
}

impl Play<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn number(&mut self, below: usize) -> usize {
        let high = usize::from(self.byte().unwrap_or(0));
        let low = usize::from(self.byte().unwrap_or(0));
        (high << 8 | low) % below.max(1)
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.number(1200).min(self.rest.len());
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        bytes.to_vec()
    }

    fn party(&mut self) -> usize {
        self.number(self.world.nodes.len())
    }

    fn act(&mut self, action: u8) {
        let cast = self.world.cast.clone();
        match action % 16 {
            0..3 => {
                if let Some(step) = self.session.steps.get(self.step) {
                    self.step += 1;
                    let _ = play_step(&cast, &mut self.world, step);
                }
            }
            3..7 => {
                self.world.deliver();
            }
            7 => self
                .world
                .wire
                .truncate(self.world.wire.len().saturating_sub(1)),
            8 => {
                let again = self.world.wire.front().cloned();
                self.world.wire.extend(again);
            }
            9 => {
                if !self.world.wire.is_empty() {
                    self.world.wire.rotate_left(1);
                }
            }
            10 => self.change(),
            11 => {
                let due = self.number(1 << 16) as u64 * 10_000_000;
                let now = self.world.now();
                self.world.fire_next(now.saturating_add(due));
            }
            12 => {
                let party = self.party();
                let timer = Timer {
                    kind: self.number(8) as u8,
                    key: self.number(5) as u32,
                };
                self.world.fire(party, timer);
            }
            13 => {
                let party = self.party();
                self.world.restart(party);
                // Who serves many says at a restart what it shares with each of them.
                self.world.forget_effects();
            }
            14 => self.make_up(),
            _ => self.command(),
        }
    }

    /// Changes the message that is delivered next.
    fn change(&mut self) {
        let (place, how, value) = (self.number(1 << 16), self.number(5), self.number(256) as u8);
        let Some(parcel) = self.world.wire.front_mut() else {
            return;
        };
        let (Load::Datagram(bytes) | Load::Bytes(bytes)) = &mut parcel.load else {
            return;
        };
        // The secure channel is out of an adversary's reach.
        if parcel.channel == Channel::Secure {
            return;
        }
        let place = place % bytes.len().max(1);
        match (how, bytes.get_mut(place)) {
            (0, _) => bytes.truncate(place),
            (1, _) => bytes.push(value),
            (2, Some(byte)) => *byte = value,
            (_, Some(byte)) => *byte ^= 1 << (value % 8),
            _ => {}
        }
    }

    fn make_up(&mut self) {
        let (from, to) = (self.party(), self.party());
        let bytes = self.bytes();
        let load = if self.world.cast.instance.streams() {
            Load::Bytes(bytes)
        } else {
            Load::Datagram(bytes)
        };
        let port = self.number(1 << 16) as u16;
        let mut from = self.world.nodes[from].address;
        if port.is_multiple_of(8) {
            from = Address::new(from.host, port);
        }
        self.world.wire.push_front(Parcel {
            from,
            to: self.world.nodes[to].address,
            channel: Channel::Public,
            load,
        });
    }

    fn command(&mut self) {
        let (party, peer) = (self.party(), self.party());
        let id = self.number(10) as u8;
        let bytes = self.bytes();
        let args = [Arg::Bytes(&bytes), Arg::Default];
        let command = Command {
            id,
            peer: Some(self.world.nodes[peer].address),
            args: &args[self.number(2)..],
        };
        self.world.handle(party, &Input::Command(command));
    }

    fn check(&mut self) {
        let (effects, _) = self.world.last_effects();
        assert!(effects <= EFFECTS_MAX, "{effects} effects of one input");
        for (party, event) in self.world.take_history() {
            let Event::Said(output) = event else {
                continue;
            };
            self.accepted += u32::from(matches!(output, Output::Accepted { .. }));
            match output {
                Output::Running { peer, .. } => {
                    if let Some(peer) = self.world.named(peer) {
                        self.running.insert((party, peer));
                    }
                }
                Output::Accepted { peer, .. } if !convinced_by_anybody(self.session) => {
                    let peer = self.world.named(peer);
                    assert!(
                        peer.is_some_and(|peer| self.running.contains(&(peer, party))),
                        "{} {}: party {party} accepted {peer:?}, which never ran with it",
                        self.session.protocol,
                        self.session.variant
                    );
                }
                _ => {}
            }
        }
    }
}
