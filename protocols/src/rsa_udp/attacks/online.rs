//! `guess-online` and `rogue-device`: an own address towards the device, and towards the client.

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Position, Power, Property, Setup, View,
};
use crate::rsa_udp::equations::Stored;
use crate::rsa_udp::params::Params;
use crate::rsa_udp::{BROADCAST_PORT, CLIENT, CLIENT_PORT, DEVICE, DEVICE_PORT, provision};
use crate::time::Span;

use super::dictionary::search;
use super::wire::{CONNECT, ConnectParts, ENCRYPT, ERROR, OwnKey, PASS, PassParts, Wire, own_salt};
use super::words::{self, word};

/// Names of the users of a world: whoever is there has one.
pub(super) fn user_name(setup: &Setup<'_>) -> Vec<u8> {
    let mut parties = setup.roster.parties.iter();
    let user = parties.find(|party| party.role == CLIENT);
    user.map(|party| provision::name(setup.roster, party).into_bytes())
        .unwrap_or_default()
}

pub(super) const GUESS: AttackSpec = AttackSpec {
    id: "guess-online",
    help: "Answers CONNECT with a PASS of the first user and the next word of a list (`words`), from an \
           address of its own that changes each time; on ERROR the next word follows at once, since \
           nobody counts tries.",
    powers: &[Power::Inject],
    positions: &[Position::OffPath, Position::OnPath],
    params: words::PARAMS,
    properties: &[Property::Agreement, Property::Availability],
    claims: &["RU-C5"],
    control: Control::without("password"),
    stage: super::STAGE.with_params(super::WEAK_PASSWORD),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Guess {
    wire: Wire,
    user: Vec<u8>,
    own_host: u32,
    size: u64,
    next: u64,
    own: OwnKey,
    offer: Option<(Address, ConnectParts)>,
    /// A guess is under way: the address that it came from.
    waiting: Option<Address>,
}

impl Guess {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        Self {
            wire: Wire::new(params),
            user: user_name(setup),
            own_host: setup.own_host,
            size: setup.params.integer("words", 1000),
            next: 0,
            own: OwnKey::default(),
            offer: None,
            waiting: None,
        }
    }

    fn guess(&mut self, cx: &mut AttackContext<'_>) {
        let Some((device, offer)) = self.offer.clone() else {
            return;
        };
        if self.next >= self.size {
            return;
        }
        let Some((modulus, exponent, _)) = self.own.get(&self.wire.params, cx) else {
            return;
        };
        let mut pass = PassParts {
            number: offer.number,
            client_salt: own_salt(cx),
            dh_public: self.wire.params.group.generator,
            exponent,
            modulus,
            user: self.user.clone(),
            ..PassParts::default()
        };
        let stored = Stored::new(cx.crypto, &self.wire.params, &word(self.next));
        pass.login_hash = self
            .wire
            .login_proof(cx.crypto, &stored, &offer.salt, &pass);
        let hosts = u64::from(crate::attack::HOSTS_EACH);
        let host = self.own_host + u32::try_from(self.next % hosts).unwrap_or(0);
        let from = Address::new(host, CLIENT_PORT);
        self.next += 1;
        self.waiting = Some(from);
        cx.inject(from, device, self.wire.pass_frame(&pass));
        // A frame that is not answered is given up.
        cx.arm(0, Span::from_secs(5));
    }
}

impl Attacker for Guess {
    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        match view.message {
            Some(CONNECT) => {
                if let Some(parts) = self.wire.connect(view.bytes) {
                    let device = Address::new(view.from.host, DEVICE_PORT);
                    self.offer = Some((device, parts));
                    if self.waiting.is_none() {
                        self.guess(cx);
                    }
                }
            }
            Some(ERROR) if self.waiting == Some(view.to) => self.guess(cx),
            // It is in: nothing is left to try.
            Some(ENCRYPT) => {
                cx.cancel(0);
                self.next = self.size;
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, _: u32, _: &mut AttackContext<'_>) {
        self.waiting = None;
    }
}

const CASES: &[&str] = &["zero-salt", "chosen-salt", "genuine-salt", "other-name"];

pub(super) const ROGUE: AttackSpec = AttackSpec {
    id: "rogue-device",
    help: "Offers itself to a client that answers every CONNECT (`consent = always`), from an address \
           of its own. Takes the PASS and searches its word list for the password: with a salt of zeros \
           (`zero-salt`), of its own choice (`chosen-salt`), or it keeps the client waiting until the \
           device is open, takes number, salt and name of the genuine CONNECT and passes the login_hash \
           on to the device under an address, a client_salt and a key of its own (`genuine-salt`), or \
           the whole PASS as it is, having given itself another name (`other-name`): the client has \
           talked to somebody else than the device that lets it in.",
    powers: &[Power::Inject, Power::Spoof],
    positions: &[Position::OffPath, Position::OnPath],
    params: words::PARAMS,
    cases: CASES,
    properties: &[Property::Secrecy, Property::Agreement],
    claims: &["RU-C5"],
    control: Control::without("hash"),
    claims_secrets: &["password"],
    stage: super::WILLING,
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Rogue {
    wire: Wire,
    case: &'static str,
    clients: Vec<Address>,
    own: Address,
    accomplice: Address,
    size: u64,
    key: OwnKey,
    /// What it offers, and the device whose offer it is.
    offer: ConnectParts,
    device: Option<Address>,
    /// The offer is that of the device.
    genuine: bool,
    /// A client has answered an offer and waits.
    waits: bool,
    found: bool,
}

impl Rogue {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        let case = CASES[Cases::new(CASES, setup.case).turn()];
        let parties = setup.roster.parties.iter();
        Self {
            wire: Wire::new(params),
            case,
            clients: parties
                .filter(|party| party.role == CLIENT)
                .map(|party| Address::new(party.host, CLIENT_PORT))
                .collect(),
            own: setup.own(0, BROADCAST_PORT),
            accomplice: setup.own(1, CLIENT_PORT),
            size: setup.params.integer("words", 1000),
            key: OwnKey::default(),
            offer: ConnectParts {
                number: 1,
                name: b"dev1".to_vec(),
                ..ConnectParts::default()
            },
            device: setup.first_of(DEVICE),
            genuine: false,
            waits: false,
            found: false,
        }
    }

    fn make_offer(&self, cx: &mut AttackContext<'_>) {
        let frame = self.wire.connect_frame(&self.offer);
        for client in &self.clients {
            cx.inject(self.own, *client, frame.clone());
        }
    }

    /// Sends the hash of a genuine login on, with everything else its own.
    fn pass_on(&mut self, pass: &PassParts, cx: &mut AttackContext<'_>) {
        let (Some(device), Some((modulus, exponent, _))) =
            (self.device, self.key.get(&self.wire.params, cx))
        else {
            return;
        };
        let frame = self.wire.pass_frame(&PassParts {
            client_salt: own_salt(cx),
            dh_public: self.wire.params.group.generator,
            modulus,
            exponent,
            ..pass.clone()
        });
        cx.inject(self.accomplice, device, frame);
    }

    /// Waits for the device's own offer.
    fn borrows(&self) -> bool {
        matches!(self.case, "genuine-salt" | "other-name")
    }
}

const OFFER: u32 = 0;

impl Attacker for Rogue {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(OFFER, Span::from_secs(1));
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        cx.arm(OFFER, Span::from_secs(20));
        if self.case != "zero-salt" {
            self.offer.salt = own_salt(cx);
        }
        self.genuine = false;
        self.make_offer(cx);
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        match view.message {
            // A client that does not wait answers the device itself.
            Some(CONNECT) if self.borrows() && self.waits => {
                if let Some(parts) = self.wire.connect(view.bytes) {
                    self.offer = parts;
                    if self.case == "other-name" {
                        self.offer.name = b"somebody-else".to_vec();
                    }
                    self.genuine = true;
                    self.waits = false;
                    self.device = Some(Address::new(view.from.host, DEVICE_PORT));
                    // Whoever has waited for an answer to an earlier offer is free for this one.
                    let from = Address::new(self.own.host, DEVICE_PORT);
                    for client in &self.clients {
                        cx.inject(from, *client, self.wire.refusal());
                    }
                    self.make_offer(cx);
                }
            }
            Some(PASS) => {
                let Some(pass) = self.wire.pass(view.bytes) else {
                    return;
                };
                match (self.genuine, self.case, self.device) {
                    (true, "other-name", Some(device)) => {
                        cx.inject(self.accomplice, device, view.bytes.to_vec());
                    }
                    (true, ..) => self.pass_on(&pass, cx),
                    _ => {}
                }
                self.waits = !self.genuine;
                if !self.found {
                    let proof = (&self.offer.salt, &pass);
                    let found = search(&self.wire, cx.crypto, proof, self.size);
                    if let Some(found) = found {
                        self.found = true;
                        cx.claim("password", view.from.host, found);
                    }
                }
                if !self.borrows() {
                    // The client is free for the next offer.
                    cx.inject(view.to, view.from, self.wire.refusal());
                }
            }
            _ => {}
        }
    }
}
