//! Frames of the handshake once more: `replay-connect`, `replay-pass`, `replay-pass-rekeyed`,
//! `replay-encrypt`.

use crate::address::Address;
use crate::attack::kit::Answer;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Power, Property, Setup, Verdict, View,
};
use crate::crypto::group::mod_pow;
use crate::rsa_udp::messages::InnerKind;
use crate::rsa_udp::params::Params;
use crate::rsa_udp::{BROADCAST_PORT, CLIENT_PORT, DEVICE_PORT};
use crate::time::Span;

use super::tap::{Event, Tap};
use super::wire::{ENCRYPT, OwnKey, PassParts, own_salt};

pub(super) const CONNECT: AttackSpec = AttackSpec {
    id: "replay-connect",
    help: "Sends the first CONNECT it has seen to a client that no login keeps busy, from an address of \
           its own, once in each session. A user who says yes to every offer (`consent = always`) \
           answers, and is not free for the device as long as nothing comes back.",
    powers: &[Power::Observe, Power::Inject],
    properties: &[Property::Availability],
    claims: &["RU-C10"],
    control: Control::without("limits"),
    stage: super::WILLING,
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct ReplayConnect {
    tap: Tap,
    own: Address,
    recorded: Option<Vec<u8>>,
}

impl ReplayConnect {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        Self {
            tap: Tap::new(params),
            own: setup.own(0, BROADCAST_PORT),
            recorded: None,
        }
    }
}

impl Attacker for ReplayConnect {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        match self.tap.sees(view) {
            Event::Connect => {
                self.recorded.get_or_insert_with(|| view.bytes.to_vec());
            }
            // Whoever types is logged in, and may log in elsewhere too.
            Event::Up(0) => {
                if let Some(old) = &self.recorded {
                    cx.inject(self.own, view.from, old.clone());
                }
            }
            _ => {}
        }
        Verdict::Pass
    }
}

const CASES: &[&str] = &["own-address", "client-address", "dropped-attempt"];

pub(super) const PASS: AttackSpec = AttackSpec {
    id: "replay-pass",
    help: "Records a PASS and sends it once more, byte for byte, when the device is open again after \
           the session: from an address of its own, or from the client's. In `dropped-attempt` an \
           ERROR under the device's address ends the client's attempt first, and the PASS follows \
           twice. The device keeps salts after use, and has no timer that frees it.",
    powers: &[Power::Observe, Power::Inject, Power::Spoof],
    spare: &[Power::Inject, Power::Spoof],
    cases: CASES,
    properties: &[Property::Agreement, Property::Availability],
    claims: &["RU-C10"],
    control: Control::without("number"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct ReplayPass {
    tap: Tap,
    case: &'static str,
    own: Address,
    /// PASS of the session that is open: sender, receiver, frame.
    recorded: Option<(Address, Address, Vec<u8>)>,
    /// The session is there.
    open: bool,
    /// Waits for its second try.
    again: Option<(Address, Address, Vec<u8>)>,
}

impl ReplayPass {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        Self {
            tap: Tap::new(params),
            case: CASES[Cases::new(CASES, setup.case).turn()],
            own: setup.own(0, CLIENT_PORT),
            recorded: None,
            open: false,
            again: None,
        }
    }
}

impl Attacker for ReplayPass {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        match self.tap.sees(view) {
            Event::Pass => {
                let frame = (view.from, view.to, view.bytes.to_vec());
                self.open = false;
                if self.case == "dropped-attempt" {
                    cx.inject(view.to, view.from, self.tap.wire.refusal());
                    self.again = Some(frame);
                    cx.arm(0, Span::from_secs(5));
                } else {
                    self.recorded = Some(frame);
                }
            }
            Event::Login => self.open = true,
            // Only an open device offers itself.
            Event::Connect if self.open => {
                if let Some((client, device, frame)) = self.recorded.take() {
                    let own = self.case == "own-address";
                    cx.inject(if own { self.own } else { client }, device, frame);
                }
            }
            _ => {}
        }
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        if let Some((client, device, frame)) = self.again.take() {
            cx.inject(client, device, frame.clone());
            cx.inject(self.own, device, frame);
        }
    }
}

pub(super) const REKEYED: AttackSpec = AttackSpec {
    id: "replay-pass-rekeyed",
    help: "Takes login_hash, number and user of a recorded PASS, puts client_salt, Diffie-Hellman value \
           and RSA key of its own beside them, logs in from an address of its own when the device is \
           open again, and sends DATA. login_hash covers nothing but the device's salt.",
    powers: &[Power::Observe, Power::Inject],
    properties: &[Property::Agreement, Property::Integrity],
    claims: &["RU-C10"],
    control: Control::without("number"),
    ..super::BASE
};

/// Exponent of the attacker's own Diffie-Hellman value.
const EXPONENT: u64 = 12_345;

#[derive(Debug)]
pub(super) struct Rekeyed {
    tap: Tap,
    own: Address,
    key: OwnKey,
    recorded: Option<(Address, PassParts)>,
    open: bool,
}

impl Rekeyed {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        Self {
            tap: Tap::new(params),
            own: setup.own(0, CLIENT_PORT),
            key: OwnKey::default(),
            recorded: None,
            open: false,
        }
    }
}

impl Attacker for Rekeyed {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        match self.tap.sees(view) {
            Event::Pass => {
                let pass = self.tap.pending(view.from).cloned();
                self.recorded = pass.map(|pass| (view.to, pass));
                self.open = false;
            }
            Event::Login => self.open = true,
            Event::Connect if self.open => {
                let params = self.tap.wire.params.clone();
                if let Some((device, pass)) = self.recorded.take()
                    && let Some((modulus, exponent, _)) = self.key.get(&params, cx)
                {
                    let group = params.group;
                    let frame = self.tap.wire.pass_frame(&PassParts {
                        client_salt: own_salt(cx),
                        dh_public: mod_pow(group.generator, EXPONENT, group.prime),
                        modulus,
                        exponent,
                        ..pass
                    });
                    cx.inject(self.own, device, frame);
                }
            }
            _ => {}
        }
        Verdict::Pass
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        if view.message != Some(ENCRYPT) {
            return;
        }
        let Some(encrypt) = self.tap.wire.encrypt(view.bytes) else {
            return;
        };
        let prime = self.tap.wire.params.group.prime;
        let first = u64::from(mod_pow(encrypt.dh_public, EXPONENT, prime));
        let key = (&encrypt.modulus[..], encrypt.exponent);
        let line = (InnerKind::Data, first, &b"open the door"[..]);
        if let Some(frame) = self.tap.wire.seal(cx, key, line) {
            cx.inject(self.own, view.from, frame);
        }
    }
}

const ENCRYPT_CASES: &[&str] = &["answer", "connected"];

pub(super) const REPLAY_ENCRYPT: AttackSpec = AttackSpec {
    id: "replay-encrypt",
    help: "Keeps a new PASS from the device and answers it with the ENCRYPT of an earlier login \
           (`answer`), or sends that ENCRYPT to the client when it is connected (`connected`).",
    powers: super::IN_PLACE,
    cases: ENCRYPT_CASES,
    claims: &["RU-C10"],
    control: Control::without("server-hash"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct ReplayEncrypt {
    connected: bool,
    answer: Answer,
    recorded: Option<Vec<u8>>,
    passes: u32,
}

impl ReplayEncrypt {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            connected: Cases::new(ENCRYPT_CASES, setup.case).turn() == 1,
            answer: Answer::new(setup, "PASS", "ENCRYPT"),
            recorded: None,
            passes: 0,
        }
    }
}

impl Attacker for ReplayEncrypt {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let host = view.to.host;
        match view.message {
            Some(ENCRYPT) if self.connected => {
                let old = self
                    .recorded
                    .get_or_insert_with(|| view.bytes.to_vec())
                    .clone();
                let device = Address::new(view.from.host, DEVICE_PORT);
                // Behind the genuine one: the client is connected then.
                cx.inject(device, Address::new(host, CLIENT_PORT), old);
                Verdict::Pass
            }
            Some(ENCRYPT) => self.answer.on_packet(view, cx),
            // Every second login is let through, so that sessions go on.
            Some(super::wire::PASS) if !self.connected => {
                self.passes += 1;
                if self.passes.is_multiple_of(2) {
                    self.answer.on_packet(view, cx)
                } else {
                    Verdict::Pass
                }
            }
            _ => Verdict::Pass,
        }
    }
}
