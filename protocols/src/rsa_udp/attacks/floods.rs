//! Datagrams that take a place or a turn: `third-party`, `block-poison`, `evict-salts`,
//! `broadcast-flood`, `jam-login`.

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Position, Power, Property, Setup, Stage,
    View,
};
use crate::parameter::{ParameterKind, ParameterSpec};
use crate::rsa_udp::params::Params;
use crate::rsa_udp::{BROADCAST_PORT, CLIENT, CLIENT_PORT, DEVICE, DEVICE_PORT};
use crate::time::Span;

use super::wire::{CONNECT, ConnectParts, Wire, own_salt};

const BESIDE: &[Position] = &[Position::OffPath, Position::OnPath];

const fn gap(default: &'static str) -> ParameterSpec {
    ParameterSpec {
        name: "gap",
        kind: ParameterKind::Duration {
            min: 1_000,
            max: 86_400_000_000_000,
            zero: None,
        },
        default,
        help: "time between two datagrams",
    }
}

pub(super) const THIRD_PARTY: AttackSpec = AttackSpec {
    id: "third-party",
    help: "Sends the device one arbitrary datagram after the other, one every `gap`, each from another \
           address of its own. An open device lets it go; one that is connected says that it is taken \
           and blocks the sender, and the printed program ends itself.",
    powers: &[Power::Inject],
    positions: BESIDE,
    params: &[gap("1s")],
    properties: &[Property::Availability],
    claims: &["RU-C11"],
    control: Control::without("peer"),
    stage: Stage {
        delay: "400ms",
        ..super::STAGE
    },
    ..super::BASE
};

/// One datagram after the other to the device.
#[derive(Debug)]
pub(super) struct Sender {
    device: Option<Address>,
    from: Vec<Address>,
    bytes: Vec<u8>,
    /// Until the first one, and from each to the next.
    first: Span,
    gap: Span,
    next: usize,
}

impl Sender {
    fn new(setup: &Setup<'_>, from: Vec<Address>, bytes: &[u8], gap: u64) -> Self {
        let gap = Span(setup.params.integer("gap", gap).max(1_000));
        Self {
            device: setup.first_of(DEVICE),
            from,
            bytes: bytes.to_vec(),
            first: gap,
            gap,
            next: 0,
        }
    }

    pub(super) fn third_party(setup: &Setup<'_>) -> Self {
        let hosts = 0..crate::attack::HOSTS_EACH;
        let from = hosts.map(|host| setup.own(host, CLIENT_PORT)).collect();
        // No frame begins like this, and it has a colon.
        Self::new(setup, from, b"\x05:", 1_000_000_000)
    }

    pub(super) fn block_poison(setup: &Setup<'_>) -> Self {
        let parties = setup.roster.parties.iter();
        let clients = parties.filter(|party| party.role == CLIENT);
        let from = clients.map(|party| Address::new(party.host, CLIENT_PORT));
        let all = Self::new(setup, from.collect(), &[0xFF], 600_000_000_000);
        // Not in the moment in which the device empties its list.
        let first = Span::from_secs(61);
        Self { first, ..all }
    }

    pub(super) fn broadcast_flood(setup: &Setup<'_>) -> Self {
        let blocked = Cases::new(FLOOD_CASES, setup.case).turn() == 0;
        let from = vec![setup.own(0, CLIENT_PORT)];
        let bytes: &[u8] = if blocked { &[0xFF] } else { b"\x05:" };
        Self::new(setup, from, bytes, 10_000_000)
    }
}

impl Attacker for Sender {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(0, self.first);
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        cx.arm(0, self.gap);
        let Some(device) = self.device else {
            return;
        };
        if let Some(from) = self.from.get(self.next) {
            cx.inject(*from, device, self.bytes.clone());
        }
        self.next = (self.next + 1) % self.from.len().max(1);
    }
}

pub(super) const BLOCK_POISON: AttackSpec = AttackSpec {
    id: "block-poison",
    help: "Sends the device the byte 0xFF under the address of a client, the first after 61 s and then one \
           every `gap`. An open device puts the sender on its block list, where it stays for up to \
           `device_block_time`: the client's PASS is not heard, and the client waits for an answer.",
    powers: &[Power::Spoof],
    positions: BESIDE,
    params: &[gap("10min")],
    properties: &[Property::Availability, Property::LockOut],
    claims: &["RU-C5"],
    control: Control::without("limits"),
    // The list is emptied after an hour, and once more an hour later.
    stage: Stage {
        duration: "65min",
        settle: "150s",
        ..super::STAGE
    },
    ..super::BASE
};

pub(super) const EVICT_SALTS: AttackSpec = AttackSpec {
    id: "evict-salts",
    help: "While a user thinks (`think_time`), sends the device `count` datagrams from an address of its \
           own. Each begins a turn with a new salt, and the device remembers `salt_cache` of them: the \
           PASS comes for a number that is gone.",
    powers: &[Power::Inject],
    positions: BESIDE,
    params: &[ParameterSpec {
        name: "count",
        kind: ParameterKind::Integer { min: 1, max: 1000 },
        default: "12",
        help: "datagrams behind each CONNECT",
    }],
    properties: &[Property::Availability],
    claims: &["RU-C5"],
    control: Control::without("limits"),
    stage: super::STAGE.with_params(&[("rsa_bits", "1024"), ("think_time", "\"5s\"")]),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct EvictSalts {
    own: Address,
    device: Address,
    count: u64,
    left: u64,
}

impl EvictSalts {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        let own = setup.own(0, CLIENT_PORT);
        Self {
            own,
            device: own,
            count: setup.params.integer("count", 12),
            left: 0,
        }
    }
}

const BURST: u32 = 0;
const REST: u32 = 1;

impl Attacker for EvictSalts {
    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        // What answers the own datagrams is not the beginning of anything.
        if view.message == Some(CONNECT) && self.left == 0 {
            self.left = self.count + 1;
            self.device = Address::new(view.from.host, DEVICE_PORT);
            cx.arm(BURST, Span::from_millis(200));
        }
    }

    fn on_timer(&mut self, timer: u32, cx: &mut AttackContext<'_>) {
        if timer == REST {
            self.left = 0;
            return;
        }
        if self.left > 1 {
            self.left -= 1;
            cx.inject(self.own, self.device, *b"\x05:");
            cx.arm(BURST, Span::from_millis(20));
        } else {
            cx.arm(REST, Span::from_secs(4));
        }
    }
}

const FLOOD_CASES: &[&str] = &["blocked", "unblocked"];

pub(super) const BROADCAST_FLOOD: AttackSpec = AttackSpec {
    id: "broadcast-flood",
    help: "Sends the device one small datagram every `gap`, from an address that it blocks (`blocked`) or \
           from one that it does not. Each begins a turn, that of a blocked sender too, and in each turn \
           an open device broadcasts a CONNECT of 22 bytes and its name to every client, and forgets its \
           oldest salt: a PASS that takes longer than `salt_cache` datagrams comes too late.",
    powers: &[Power::Inject],
    positions: BESIDE,
    params: &[gap("10ms")],
    cases: FLOOD_CASES,
    properties: &[Property::Availability],
    claims: &["RU-C11"],
    control: Control::without("limits"),
    stage: Stage {
        delay: "60ms",
        duration: "8min",
        settle: "3min",
        ..super::STAGE
    },
    ..super::BASE
};

const JAM_CASES: &[&str] = &["error", "connect"];

pub(super) const JAM_LOGIN: AttackSpec = AttackSpec {
    id: "jam-login",
    help: "Sends the client an ERROR under the device's address as soon as a CONNECT is heard: nothing \
           authenticates it, the client gives up, and the device stays with the PASS that it accepts \
           (`error`). Or offers the client a number that does not exist, under the device's address, \
           every few seconds: the client waits for an answer that never comes (`connect`).",
    powers: &[Power::Inject, Power::Spoof],
    positions: BESIDE,
    cases: JAM_CASES,
    properties: &[Property::Availability, Property::LockOut],
    claims: &["RU-C5"],
    control: Control::without("retry"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct JamLogin {
    wire: Wire,
    error: bool,
    clients: Vec<Address>,
    device: Option<Address>,
    name: Vec<u8>,
}

impl JamLogin {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        let parties = setup.roster.parties.iter();
        Self {
            wire: Wire::new(params),
            error: JAM_CASES[Cases::new(JAM_CASES, setup.case).turn()] == "error",
            clients: parties
                .filter(|party| party.role == CLIENT)
                .map(|party| Address::new(party.host, CLIENT_PORT))
                .collect(),
            device: setup.first_of(DEVICE),
            name: b"dev1".to_vec(),
        }
    }
}

impl Attacker for JamLogin {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        if !self.error {
            cx.arm(0, Span::from_secs(3));
        }
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        cx.arm(0, Span::from_secs(3));
        let Some(device) = self.device else {
            return;
        };
        let frame = self.wire.connect_frame(&ConnectParts {
            salt: own_salt(cx),
            number: 4_000_000_000,
            name: self.name.clone(),
        });
        let from = Address::new(device.host, BROADCAST_PORT);
        for client in &self.clients {
            cx.inject(from, *client, frame.clone());
        }
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        if self.error && view.message == Some(CONNECT) {
            let from = Address::new(view.from.host, DEVICE_PORT);
            for client in &self.clients {
                cx.inject(from, *client, self.wire.refusal());
            }
        }
    }
}
