//! `impostor-device`, `impostor-stranger`, `stay-unnoticed`, `impostor-server`, `unasked-key`:
//! without any vault.

use std::sync::Arc;

use super::forge::{self, Couple, Kind};
use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Position, Power, Property, Setup, Verdict,
    View,
};
use crate::time::Span;
use crate::vault_exchange::PORT;
use crate::vault_exchange::params::Params;

pub(super) const DEVICE_SPEC: AttackSpec = AttackSpec {
    id: "impostor-device",
    help: "Without a vault runs five whole sessions under the device's address while the device is \
           silent: a request is all that it takes.",
    powers: &[Power::Spoof],
    positions: BLIND,
    properties: &[Property::Agreement, Property::Desync],
    claims: &["VX-C1", "VX-C4"],
    control: Control::without("vault"),
    stage: super::SILENT,
    ..super::BASE
};

pub(super) const STRANGER_SPEC: AttackSpec = AttackSpec {
    id: "impostor-stranger",
    help: "Without a vault runs five sessions from an address of its own that has none either.",
    powers: &[Power::Inject],
    positions: BLIND,
    control: Control::without("vault"),
    stage: super::SILENT,
    ..super::BASE
};

pub(super) const UNNOTICED_SPEC: AttackSpec = AttackSpec {
    id: "stay-unnoticed",
    help: "Runs one forged session under the device's address, which changes the server's vault alone, \
           and is silent ever after. Honest sessions follow: does anybody report a fault?",
    powers: &[Power::Spoof],
    positions: BLIND,
    properties: &[Property::Desync, Property::Agreement],
    claims: &["VX-C4"],
    control: Control::without("vault"),
    stage: super::SILENT,
    ..super::BASE
};

/// Attacks that need to see nothing.
const BLIND: &[Position] = &[Position::OffPath, Position::OnPath];

const NEXT: u32 = 0;
const CONFIRM: u32 = 1;

/// Runs sessions as a device. It need not hear the answers.
#[derive(Debug)]
pub(super) struct Pose {
    params: Arc<Params>,
    couple: Couple,
    from: Address,
    left: u32,
    request: Vec<u8>,
}

impl Pose {
    fn new(params: &Arc<Params>, setup: &Setup<'_>, own: bool, sessions: u32) -> Self {
        let couple = Couple::new(setup);
        Self {
            params: Arc::clone(params),
            couple,
            from: if own {
                setup.own(0, PORT)
            } else {
                couple.device
            },
            left: sessions,
            request: Vec::new(),
        }
    }

    pub(super) fn device(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self::new(params, setup, false, 5)
    }

    pub(super) fn stranger(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self::new(params, setup, true, 5)
    }

    pub(super) fn once(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self::new(params, setup, false, 1)
    }
}

impl Attacker for Pose {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(NEXT, Span::from_secs(5));
    }

    fn on_timer(&mut self, timer: u32, cx: &mut AttackContext<'_>) {
        if timer == CONFIRM {
            let frame = forge::confirm(&self.request, cx);
            cx.inject(self.from, self.couple.server, frame);
            return;
        }
        let list = forge::challenge(&self.params, cx);
        self.request = forge::request(&self.params, self.couple.id, &list, cx);
        cx.inject(self.from, self.couple.server, self.request.clone());
        if self.params.hardened() {
            cx.arm(CONFIRM, Span::from_secs(1));
        }
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            cx.arm(NEXT, Span::from_secs(12));
        }
    }
}

const SERVER_CASES: &[&str] = &["1", "2", "3", "random"];

pub(super) const SERVER_SPEC: AttackSpec = AttackSpec {
    id: "impostor-server",
    help: "Keeps every INDICES from the server and answers it with a key of its own: the constants 1, 2 \
           and 3, or a random one. The device cannot judge a key.",
    powers: &[Power::Spoof, Power::Drop],
    cases: SERVER_CASES,
    properties: &[Property::Agreement, Property::Desync],
    claims: &["VX-C1", "VX-C4"],
    ..super::BASE
};

/// Answers in the server's place.
#[derive(Debug)]
pub(super) struct ImpostorServer {
    params: Arc<Params>,
    cases: Cases,
}

impl ImpostorServer {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params: Arc::clone(params),
            cases: Cases::new(SERVER_CASES, setup.case),
        }
    }
}

impl Attacker for ImpostorServer {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if forge::kind(&self.params, view.bytes) != Some(Kind::Question) {
            return Verdict::Pass;
        }
        let mut key = forge::random_key(&self.params, cx);
        let constant = self.cases.turn() + 1;
        if constant < SERVER_CASES.len()
            && let Some((last, rest)) = key.split_last_mut()
        {
            rest.fill(0);
            *last = u8::try_from(constant).unwrap_or(0);
        }
        let frame = forge::answer(&self.params, &key, view.bytes, cx);
        cx.inject(view.to, view.from, frame);
        Verdict::Drop
    }
}

const UNASKED_CASES: &[&str] = &["idle", "session"];

pub(super) const UNASKED_SPEC: AttackSpec = AttackSpec {
    id: "unasked-key",
    help: "Sends the device four random KEYs under the server's address, blindly: before it has asked \
           for anything (`idle`), or between its sessions' exchanges (`session`).",
    powers: &[Power::Spoof],
    positions: BLIND,
    cases: UNASKED_CASES,
    properties: &[Property::Agreement, Property::Desync],
    stage: super::SILENT,
    ..super::BASE
};

/// Sends keys that nobody asked for.
#[derive(Debug)]
pub(super) struct UnaskedKey {
    params: Arc<Params>,
    couple: Couple,
    first: Span,
    left: u32,
}

impl UnaskedKey {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        let session = UNASKED_CASES[Cases::new(UNASKED_CASES, setup.case).turn()] == "session";
        Self {
            params: Arc::clone(params),
            couple: Couple::new(setup),
            // The stage's device begins between the third and the fourth minute.
            first: Span::from_secs(if session { 260 } else { 20 }),
            left: if setup.case.is_none() { 40 } else { 4 },
        }
    }
}

impl Attacker for UnaskedKey {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(NEXT, self.first);
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        let key = forge::random_key(&self.params, cx);
        let frame = forge::answer(&self.params, &key, &[], cx);
        cx.inject(self.couple.server, self.couple.device, frame);
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            cx.arm(NEXT, Span::from_millis(13_700));
        }
    }
}
