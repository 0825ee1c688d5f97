//! `oversize` and `cross-client`: users with an account of their own.

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Grant, Need, Position, Power, Property,
    Puppet, Said, Setup, View,
};
use crate::machine::{Arg, Command, Incoming, Timer};
use crate::rsa_udp::equations::Stored;
use crate::rsa_udp::messages::InnerKind;
use crate::rsa_udp::params::{Params, Variant};
use crate::rsa_udp::records;
use crate::rsa_udp::{
    CLIENT_PORT, COMMAND_AUTHENTICATE, COMMAND_FINISH, COMMAND_SEND_DATA, DEVICE, DEVICE_PORT,
};
use crate::time::Span;

use super::wire::{CONNECT, ENCRYPT, EncryptParts, PassParts, Wire, own_salt};

/// The own machine of an insider.
#[derive(Debug)]
struct Account {
    puppet: Option<Puppet>,
    own: Address,
    device: Option<Address>,
    timers: Vec<Timer>,
}

/// Timers from here on are the attacker's own.
const OWN_TIMERS: u32 = 1_000;

impl Account {
    fn new(setup: &Setup<'_>) -> Self {
        let seat = setup.seat.unwrap_or(0);
        let host = setup.roster.parties.get(seat).map_or(0, |party| party.host);
        Self {
            puppet: Puppet::new(setup.instance, setup.roster, seat),
            own: Address::new(host, CLIENT_PORT),
            device: setup.first_of(DEVICE),
            timers: Vec::new(),
        }
    }

    fn call(
        &mut self,
        cx: &mut AttackContext<'_>,
        run: impl FnOnce(&mut Puppet, &mut AttackContext<'_>) -> Vec<Said>,
    ) {
        let Some(mut puppet) = self.puppet.take() else {
            return;
        };
        let said = run(&mut puppet, cx);
        self.puppet = Some(puppet);
        for one in said {
            match one {
                Said::Send { to, bytes, .. } => cx.inject(self.own, to, bytes),
                Said::Arm(timer, after) => {
                    let place = self.timers.iter().position(|known| *known == timer);
                    let place = place.unwrap_or_else(|| {
                        self.timers.push(timer);
                        self.timers.len() - 1
                    });
                    cx.arm(u32::try_from(place).unwrap_or(0), after);
                }
                Said::Cancel(timer) => {
                    if let Some(place) = self.timers.iter().position(|known| *known == timer) {
                        cx.cancel(u32::try_from(place).unwrap_or(0));
                    }
                }
                Said::Output(_) => {}
            }
        }
    }

    fn command(&mut self, id: u8, args: &[Arg<'_>], cx: &mut AttackContext<'_>) {
        let peer = self.device;
        self.call(cx, |puppet, cx| {
            puppet.command(&Command { id, peer, args }, cx)
        });
    }

    fn mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        let incoming = Incoming {
            from: view.from,
            to: view.to,
            channel: view.channel,
            bytes: view.bytes,
        };
        self.call(cx, |puppet, cx| puppet.message(incoming, cx));
    }

    fn timer(&mut self, timer: u32, cx: &mut AttackContext<'_>) {
        if let Some(timer) = self.timers.get(timer as usize).copied() {
            self.call(cx, |puppet, cx| puppet.timer(timer, cx));
        }
    }

    fn install(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        if let Some(puppet) = &mut self.puppet {
            puppet.install(grant);
        }
        self.call(cx, Puppet::start);
    }

    fn state(&self) -> &'static str {
        self.puppet.as_ref().map_or("", Puppet::state)
    }
}

const OVERSIZE_CASES: &[&str] = &["text", "number"];

pub(super) const OVERSIZE: AttackSpec = AttackSpec {
    id: "oversize",
    help: "A user with an account logs in and sends lines of every length from ten below the limit to one \
           above it; to the printed program, from 44 to 14 bytes below what OAEP carries, since its echo \
           is longer than the line (`text`). Or logs in with a Diffie-Hellman value beyond every range \
           (`number`). Nobody needs any power for that.",
    cases: OVERSIZE_CASES,
    powers: &[],
    positions: &[Position::Insider],
    knows: &[Need {
        secret: "storage",
        of: "client",
        at: "0s",
    }],
    properties: &[Property::Availability],
    claims: &[],
    control: Control::without("limits"),
    stage: super::STAGE
        .with_nodes(&[("device", 1), ("client", 2)])
        .with_seat("client[1]"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Oversize {
    account: Account,
    wire: Wire,
    user: Vec<u8>,
    password: Vec<u8>,
    /// Logins with a value out of range that are left.
    numbers: u32,
    lengths: core::ops::RangeInclusive<usize>,
    finished: bool,
}

const NEXT: u32 = OWN_TIMERS;

impl Oversize {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        let limit = params.text_max();
        // What the printed program seals: DATA:, the text, a comma and a decimal number.
        let lengths = if params.variant == Variant::Literal {
            limit.saturating_sub(31)..=limit.saturating_sub(1)
        } else {
            limit - 10..=limit + 1
        };
        let number = Cases::new(OVERSIZE_CASES, setup.case).turn() == 1;
        Self {
            account: Account::new(setup),
            wire: Wire::new(params),
            user: Vec::new(),
            password: Vec::new(),
            numbers: if number { 5 } else { 0 },
            lengths,
            finished: number,
        }
    }

    /// The device is open: a login of its own with the largest value that there is.
    fn large_number(&mut self, offer: &View<'_>, cx: &mut AttackContext<'_>) {
        let Some(offered) = self.wire.connect(offer.bytes) else {
            return;
        };
        let stored = Stored::new(cx.crypto, &self.wire.params, &self.password);
        let mut pass = PassParts {
            number: offered.number,
            client_salt: own_salt(cx),
            dh_public: u32::MAX,
            exponent: 65_537,
            modulus: vec![0xFF; usize::from(self.wire.params.rsa_bits / 8)],
            user: self.user.clone(),
            ..PassParts::default()
        };
        pass.login_hash = self
            .wire
            .login_proof(cx.crypto, &stored, &offered.salt, &pass);
        let device = Address::new(offer.from.host, DEVICE_PORT);
        self.numbers -= 1;
        cx.inject(self.account.own, device, self.wire.pass_frame(&pass));
    }
}

impl Attacker for Oversize {
    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        let record = |wanted| {
            let mut all = grant.values.iter();
            let found = all.find(|value| value.record == Some(wanted));
            found.map_or_else(Vec::new, |value| value.bytes.clone())
        };
        self.user = record(records::NAME);
        self.password = record(records::PASSWORD);
        self.account.install(grant, cx);
        cx.arm(NEXT, Span::from_secs(600));
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        if self.numbers > 0 && view.message == Some(CONNECT) {
            self.large_number(view, cx);
        }
        self.account.mail(view, cx);
    }

    fn on_timer(&mut self, timer: u32, cx: &mut AttackContext<'_>) {
        if timer != NEXT {
            return self.account.timer(timer, cx);
        }
        match self.account.state() {
            "IDLE" if !self.finished => {
                self.account.command(COMMAND_AUTHENTICATE, &[], cx);
                cx.arm(NEXT, Span::from_secs(2));
            }
            "PROMPT" => {
                if let Some(length) = self.lengths.next() {
                    let line = vec![b'x'; length];
                    let args = [Arg::Bytes(&line)];
                    self.account.command(COMMAND_SEND_DATA, &args, cx);
                    cx.arm(NEXT, Span::from_millis(200));
                } else {
                    self.finished = true;
                    self.account.command(COMMAND_FINISH, &[], cx);
                }
            }
            _ => cx.arm(NEXT, Span::from_secs(1)),
        }
    }
}

const CROSS_CASES: &[&str] = &[
    "own-address",
    "own-address-with-s",
    "client-address",
    "client-address-with-s",
];

pub(super) const CROSS: AttackSpec = AttackSpec {
    id: "cross-client",
    help: "A second user has learned the device's public key from a login of its own. While the first user \
           is connected, it seals DATA to the device, under its own address or under the first user's, \
           with a guessed number or with the one that the device expects (told by the scenario: it \
           follows from the first user's login, `solve-dh`).",
    powers: &[Power::Inject, Power::Spoof],
    positions: &[Position::Insider],
    knows: &[
        Need {
            secret: "storage",
            of: "client",
            at: "0s",
        },
        Need {
            secret: "sequence",
            of: "device",
            at: "always",
        },
    ],
    cases: CROSS_CASES,
    properties: &[Property::Integrity],
    claims: &["RU-C5", "RU-C11"],
    control: Control::without("peer"),
    stage: super::STAGE
        .with_nodes(&[("device", 1), ("client", 2)])
        .with_seat("client[1]"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct CrossClient {
    wire: Wire,
    account: Account,
    case: &'static str,
    /// The first client.
    victim: Option<Address>,
    key: Option<EncryptParts>,
    begun: bool,
}

impl CrossClient {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        let account = Account::new(setup);
        let parties = setup.roster.parties.iter();
        let victim = parties
            .filter(|party| party.role == crate::rsa_udp::CLIENT)
            .map(|party| Address::new(party.host, CLIENT_PORT))
            .find(|address| *address != account.own);
        Self {
            wire: Wire::new(params),
            case: CROSS_CASES[Cases::new(CROSS_CASES, setup.case).turn()],
            account,
            victim,
            key: None,
            begun: false,
        }
    }
}

impl Attacker for CrossClient {
    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        if grant.secret == "storage" {
            self.account.install(grant, cx);
            cx.arm(NEXT, Span::from_millis(1));
            return;
        }
        // The device is connected to somebody, and this is the first number.
        let (Some(key), Some(victim)) = (self.key.clone(), self.victim) else {
            return;
        };
        let Some(first) = grant.bytes().first_chunk::<4>().copied() else {
            return;
        };
        let first = if self.case.ends_with("with-s") {
            u64::from(u32::from_be_bytes(first))
        } else {
            cx.uniform(u64::from(self.wire.params.group.prime))
        };
        let from = if self.case.starts_with("own") {
            self.account.own
        } else {
            victim
        };
        let line = (InnerKind::Data, first, &b"open the door"[..]);
        let frame = self.wire.seal(cx, (&key.modulus, key.exponent), line);
        if let (Some(frame), Some(device)) = (frame, self.account.device) {
            cx.inject(from, Address::new(device.host, DEVICE_PORT), frame);
        }
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        let key = (view.message == Some(ENCRYPT))
            .then(|| self.wire.encrypt(view.bytes))
            .flatten();
        self.account.mail(view, cx);
        if key.is_some() {
            self.key = key;
            self.account.command(COMMAND_FINISH, &[], cx);
        }
    }

    fn on_timer(&mut self, timer: u32, cx: &mut AttackContext<'_>) {
        if timer != NEXT {
            return self.account.timer(timer, cx);
        }
        if !self.begun {
            self.begun = true;
            self.account.command(COMMAND_AUTHENTICATE, &[], cx);
        }
    }
}
