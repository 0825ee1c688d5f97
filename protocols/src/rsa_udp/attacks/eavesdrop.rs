//! `eavesdrop`, `solve-dh` and `steal-rsa`: what reading alone gives.

use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Grant, Need, Power, Property, Stage, Verdict,
    View,
};
use crate::crypto::rsa::PrivateKey;
use crate::crypto::rsa::pair::Pair;
use crate::rsa_udp::params::Params;

use super::tap::{Event, Tap};
use super::wire::Wire;

pub(super) const EAVESDROP: AttackSpec = AttackSpec {
    id: "eavesdrop",
    help: "Reads every frame. Names the text of every SEALED frame that shows it, and links logins by \
           the user name that PASS carries in clear.",
    powers: &[Power::Observe],
    properties: &[Property::Secrecy, Property::Anonymity],
    claims: &["RU-C1", "RU-C7"],
    control: Control::without("cipher"),
    claims_secrets: &["payload", "password", "rsa-key"],
    stage: Stage {
        nodes: &[("device", 2), ("client", 2)],
        duration: "5h",
        ..super::STAGE
    },
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Eavesdrop {
    wire: Wire,
    /// The login before: its PASS and user name.
    last: Option<(u64, Vec<u8>)>,
}

impl Eavesdrop {
    pub(super) fn new(params: &Params) -> Self {
        Self {
            wire: Wire::new(params),
            last: None,
        }
    }
}

impl Attacker for Eavesdrop {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        cx.tried();
        if let Some(pass) = self.wire.pass(view.bytes) {
            if let Some((first, user)) = &self.last {
                cx.claim_link(*first, view.frame, *user == pass.user);
            }
            self.last = Some((view.frame, pass.user));
        } else if view.message == Some(super::wire::SEALED)
            && let Some((_, _, text)) = self.wire.open(cx, None, view.bytes)
            && !text.is_empty()
        {
            cx.claim("payload", view.from.host, text);
        }
        Verdict::Pass
    }
}

pub(super) const SOLVE_DH: AttackSpec = AttackSpec {
    id: "solve-dh",
    help: "Takes the two Diffie-Hellman values of a login from PASS and ENCRYPT and solves one of them \
           by baby and giant steps: 325 each in the published group. S = the other to that power.",
    powers: &[Power::Observe],
    properties: &[Property::Secrecy],
    claims: &["RU-C1", "RU-C9"],
    control: Control::without("cipher"),
    claims_secrets: &["sequence"],
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct SolveDh(Tap);

impl SolveDh {
    pub(super) fn new(params: &Params) -> Self {
        Self(Tap::new(params))
    }
}

impl Attacker for SolveDh {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.0.sees(view) == Event::Login
            && let Some(session) = self.0.session(view).cloned()
        {
            cx.tried();
            if let Some(shared) = self.0.shared(&session)
                && let Ok(shared) = u32::try_from(shared)
            {
                cx.claim("sequence", session.device.host, shared.to_be_bytes());
            }
        }
        Verdict::Pass
    }
}

pub(super) const STEAL_RSA: AttackSpec = AttackSpec {
    id: "steal-rsa",
    help: "Records every SEALED frame; the private key of the device leaks afterwards and opens all \
           that was ever sent to it. RSA pairs stay for ever, so there is no forward secrecy.",
    powers: &[Power::Observe],
    knows: &[Need {
        secret: "rsa-key",
        of: "device",
        at: "50min",
    }],
    properties: &[Property::Secrecy],
    claims: &["RU-C1", "RU-C9"],
    control: Control::without("cipher"),
    claims_secrets: &["payload"],
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct StealRsa {
    wire: Wire,
    /// Receiver, sender, frame.
    recorded: Vec<(u32, u32, Vec<u8>)>,
    key: Option<(u32, PrivateKey)>,
}

impl StealRsa {
    pub(super) fn new(params: &Params) -> Self {
        Self {
            wire: Wire::new(params),
            recorded: Vec::new(),
            key: None,
        }
    }

    fn read(&self, from: u32, frame: &[u8], cx: &mut AttackContext<'_>) {
        let own = self.key.as_ref().map(|(_, key)| key);
        cx.tried();
        if let Some((_, _, text)) = self.wire.open(cx, own, frame)
            && !text.is_empty()
        {
            cx.claim("payload", from, text);
        }
    }
}

impl Attacker for StealRsa {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if view.message == Some(super::wire::SEALED) {
            match &self.key {
                Some((of, _)) if *of == view.to.host => {
                    self.read(view.from.host, view.bytes, cx);
                }
                Some(_) => {}
                None => {
                    let frame = view.bytes.to_vec();
                    self.recorded.push((view.to.host, view.from.host, frame));
                }
            }
        }
        Verdict::Pass
    }

    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        let key = Pair::parse(grant.bytes()).and_then(|pair| pair.private_key());
        self.key = key.map(|key| (grant.of, key));
        if self.key.is_some() {
            for (to, from, frame) in core::mem::take(&mut self.recorded) {
                if to == grant.of {
                    self.read(from, &frame, cx);
                }
            }
        }
    }
}
