//! SEALED frames once more: `replay-data`, `replay-data-later`, `replay-echo`, and `steer-dh`.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Power, Property, Setup, Verdict, View,
};
use crate::crypto::group::mod_pow;
use crate::rsa_udp::params::Params;
use crate::time::Span;

use super::tap::{Event, Tap};
use super::wire::{ENCRYPT, PASS};

const WATCH_AND_SPOOF: &[Power] = &[Power::Observe, Power::Spoof];

pub(super) const DATA: AttackSpec = AttackSpec {
    id: "replay-data",
    help: "Sends every SEALED frame of the client a second time, right behind the first.",
    powers: WATCH_AND_SPOOF,
    properties: &[Property::Integrity],
    claims: &["RU-C10"],
    control: Control::without("sequence"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct ReplayData(Tap);

impl ReplayData {
    pub(super) fn new(params: &Params) -> Self {
        Self(Tap::new(params))
    }
}

impl Attacker for ReplayData {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if matches!(self.0.sees(view), Event::Up(_)) {
            cx.inject(view.from, view.to, view.bytes.to_vec());
        }
        Verdict::Pass
    }
}

pub(super) const LATER: AttackSpec = AttackSpec {
    id: "replay-data-later",
    help: "Keeps the client's SEALED frames of all sessions under their numbers, which follow from S, \
           and S from the two public values. In each later session sends the recorded frame whose \
           number the device expects next: the frame does not say to which session it belongs. Numbers \
           meet by chance (a birthday among p - 1 values), so it is tried with a small group.",
    powers: WATCH_AND_SPOOF,
    properties: &[Property::Integrity],
    claims: &["RU-C10"],
    control: Control::without("sequence"),
    stage: super::STAGE.with_params(&[("rsa_bits", "1024"), ("dh_prime", "227")]),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct ReplayLater {
    tap: Tap,
    /// Frames by receiver and number.
    recorded: BTreeMap<(u32, u64), Vec<u8>>,
}

impl ReplayLater {
    pub(super) fn new(params: &Params) -> Self {
        Self {
            tap: Tap::new(params),
            recorded: BTreeMap::new(),
        }
    }
}

impl Attacker for ReplayLater {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let event = self.tap.sees(view);
        let next = match event {
            Event::Login => 0,
            Event::Up(index) => index + 1,
            _ => return Verdict::Pass,
        };
        let Some(session) = self.tap.session(view).cloned() else {
            return Verdict::Pass;
        };
        let Some(first) = self.tap.shared(&session) else {
            return Verdict::Pass;
        };
        cx.tried();
        let device = session.device;
        if let Event::Up(index) = event {
            self.recorded
                .insert((device.host, first + 2 * index), view.bytes.to_vec());
        }
        if event == Event::Login
            && let Some(frame) = self.recorded.get(&(device.host, first + 2 * next))
        {
            cx.inject(session.client, device, frame.clone());
        }
        Verdict::Pass
    }
}

const ECHO_CASES: &[&str] = &["prompt", "await"];

pub(super) const ECHO: AttackSpec = AttackSpec {
    id: "replay-echo",
    help: "Sends the echo before to the client again: two seconds behind the next one, when the client \
           may type (`prompt`), or right behind a DATA, when it waits for another (`await`).",
    powers: WATCH_AND_SPOOF,
    cases: ECHO_CASES,
    properties: &[Property::Integrity, Property::Desync],
    claims: &["RU-C10"],
    control: Control::without("sequence"),
    stage: super::LASTING,
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct ReplayEcho {
    tap: Tap,
    awaiting: bool,
    last: Option<Vec<u8>>,
    /// Device, client and frame that waits until the client may type.
    due: Option<(Address, Address, Vec<u8>)>,
}

impl ReplayEcho {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        let case = Cases::new(ECHO_CASES, setup.case).turn();
        Self {
            tap: Tap::new(params),
            awaiting: ECHO_CASES[case] == "await",
            last: None,
            due: None,
        }
    }
}

impl Attacker for ReplayEcho {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        match self.tap.sees(view) {
            Event::Login => self.last = None,
            Event::Down(_) => {
                let before = self.last.replace(view.bytes.to_vec());
                if let (false, Some(before)) = (self.awaiting, before) {
                    self.due = Some((view.from, view.to, before));
                    cx.arm(0, Span::from_secs(2));
                }
            }
            Event::Up(_) if self.awaiting => {
                if let Some(before) = &self.last {
                    cx.inject(view.to, view.from, before.clone());
                }
            }
            _ => {}
        }
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        if let Some((device, client, frame)) = self.due.take() {
            cx.inject(device, client, frame);
        }
    }
}

const STEER_CASES: &[&str] = &[
    "zero",
    "one",
    "minus-one",
    "prime",
    "max",
    "order-4",
    "order-5",
    "order-10",
    "order-20",
    "orders",
];

pub(super) const STEER: AttackSpec = AttackSpec {
    id: "steer-dh",
    help: "Raises both Diffie-Hellman values on the path to the power that leaves them in a subgroup of \
           small order (`order-4` .. `order-20`): both ends agree, and S is one of few numbers. Or puts \
           one and the same value in the place of both: 0, 1, p - 1, p, 2^32 - 1, or in turn one of \
           each order that divides p - 1 (`orders`), so that the ends part. Then it puts recorded SEALED \
           frames in the place of later ones with the same number.",
    powers: &[Power::Modify],
    cases: STEER_CASES,
    properties: &[Property::Integrity, Property::Agreement],
    claims: &["RU-C2", "RU-C4"],
    control: Control::without("sequence"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Steer {
    tap: Tap,
    case: &'static str,
    /// Orders above 2, ascending, and whose turn it is.
    orders: Vec<u32>,
    turn: usize,
    /// What stands in the place of both values, where it is one.
    value: u32,
    /// What the device got of the login under way, and the client's own value.
    to_device: u32,
    client_public: u32,
    /// First number at the device, and at the client.
    first: Option<(u64, u64)>,
    sent: u64,
    recorded: BTreeMap<u64, Vec<u8>>,
}

impl Steer {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        let order = params.group.prime - 1;
        let small = (1..=order.isqrt()).filter(|divisor| order.is_multiple_of(*divisor));
        let mut orders: Vec<u32> = small.flat_map(|it| [it, order / it]).collect();
        orders.sort_unstable();
        orders.dedup();
        orders.retain(|divisor| *divisor > 2);
        Self {
            tap: Tap::new(params),
            case: STEER_CASES[Cases::new(STEER_CASES, setup.case).turn()],
            orders,
            turn: 0,
            value: 0,
            to_device: 0,
            client_public: 0,
            first: None,
            sent: 0,
            recorded: BTreeMap::new(),
        }
    }

    /// What takes the place of a value.
    fn instead_of(&self, public: u32) -> u32 {
        let group = self.tap.wire.params.group;
        let order = self.case.strip_prefix("order-");
        match order.and_then(|order| order.parse::<u32>().ok()) {
            Some(order) => mod_pow(
                public,
                u64::from((group.prime - 1) / order.max(1)),
                group.prime,
            ),
            None => self.value,
        }
    }

    fn choose(&mut self) -> u32 {
        let group = self.tap.wire.params.group;
        let of_order = |order: u32| {
            let exponent = u64::from((group.prime - 1) / order.max(1));
            mod_pow(group.generator, exponent, group.prime)
        };
        match self.case {
            "zero" => 0,
            "one" => 1,
            "minus-one" => group.prime - 1,
            "prime" => group.prime,
            "max" => u32::MAX,
            _ => {
                let order = self.orders.get(self.turn).copied().unwrap_or(1);
                self.turn = (self.turn + 1) % self.orders.len().max(1);
                of_order(order)
            }
        }
    }
}

impl Attacker for Steer {
    fn on_packet(&mut self, view: &View<'_>, _: &mut AttackContext<'_>) -> Verdict {
        match view.message {
            Some(PASS) => {
                let Some(mut pass) = self.tap.wire.pass(view.bytes) else {
                    return Verdict::Pass;
                };
                self.client_public = pass.dh_public;
                self.value = self.choose();
                self.first = None;
                self.to_device = self.instead_of(pass.dh_public);
                pass.dh_public = self.to_device;
                Verdict::Modify(self.tap.wire.pass_frame(&pass))
            }
            Some(ENCRYPT) => {
                let Some(mut encrypt) = self.tap.wire.encrypt(view.bytes) else {
                    return Verdict::Pass;
                };
                let prime = self.tap.wire.params.group.prime;
                let device = self.tap.logarithm.of(encrypt.dh_public);
                let client = self.tap.logarithm.of(self.client_public);
                encrypt.dh_public = self.instead_of(encrypt.dh_public);
                let power = |value, exponent| u64::from(mod_pow(value, exponent, prime));
                self.first = device.zip(client).map(|(device, client)| {
                    let at_device = power(self.to_device, device);
                    (at_device, power(encrypt.dh_public, client))
                });
                self.sent = 0;
                Verdict::Modify(self.tap.wire.encrypt_frame(&encrypt))
            }
            Some(super::wire::SEALED) if view.from_role == Some(crate::rsa_udp::CLIENT) => {
                let Some((at_device, at_client)) = self.first else {
                    return Verdict::Pass;
                };
                // The number of this frame, and the one that the device expects.
                let number = at_client + 2 * self.sent;
                let expected = at_device + 2 * self.sent;
                self.sent += 1;
                let old = self.recorded.get(&expected).cloned();
                self.recorded
                    .entry(number)
                    .or_insert_with(|| view.bytes.to_vec());
                old.map_or(Verdict::Pass, Verdict::Modify)
            }
            _ => Verdict::Pass,
        }
    }
}
