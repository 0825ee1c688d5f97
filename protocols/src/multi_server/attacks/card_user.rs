//! Who holds a card and uses it as it is meant to be used: `wrong-password`, `guess-on-card`.

use crate::Arg;
use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Grant, Need, Position, Power, Property, Puppet,
    Said, Setup, Stage, View,
};
use crate::machine::{Command, Incoming};
use crate::multi_server::directory::user_name;
use crate::multi_server::literal::card::{ReadCard, TextHead};
use crate::multi_server::literal::text::number;
use crate::multi_server::params::Params;
use crate::multi_server::{PORT, command, records, role};
use crate::storage::{Storage as _, Write};
use crate::time::Span;

/// The card in the attacker's hands.
const CARD: Need = Need {
    secret: "card",
    of: "user",
    at: "1min",
};

const CASES: &[&str] = &["one-server", "two-servers", "three-servers"];

/// Users and servers, so that a list has as many entries.
const fn servers(count: u32) -> Stage {
    let nodes: &[(&str, u32)] = match count {
        1 => &[("rc", 1), ("server", 1), ("user", 2)],
        2 => &[("rc", 1), ("server", 2), ("user", 2)],
        _ => &[("rc", 1), ("server", 3), ("user", 3)],
    };
    super::STAGE.with_nodes(nodes)
}

pub(super) const WRONG_SPEC: AttackSpec = AttackSpec {
    id: "wrong-password",
    help: "Types a wrong password at a card and logs in at every server of its list in turn, from an \
           own address, once a minute; the list has one, two or three servers (`one-server`, \
           `two-servers`, `three-servers`).",
    powers: &[Power::Inject],
    positions: &[Position::OffPath, Position::OnPath],
    knows: &[CARD],
    cases: CASES,
    control: Control::without("card"),
    stage: servers(1),
    stages: &[("two-servers", servers(2)), ("three-servers", servers(3))],
    ..super::BASE
};

/// A user's machine, made beforehand: whose card it is that it will be given is told later.
#[derive(Debug)]
struct Candidate {
    host: u32,
    name: String,
    puppet: Option<Puppet>,
}

/// A card with a terminal: the user's machine on that card, and on nothing else that the user has.
#[derive(Debug)]
struct Terminal {
    own: Address,
    candidates: Vec<Candidate>,
    puppet: Option<Puppet>,
    of: u32,
    name: String,
    servers: Vec<Address>,
}

impl Terminal {
    fn new(setup: &Setup<'_>) -> Self {
        let parties = || setup.roster.parties.iter().enumerate();
        Self {
            own: setup.own(0, PORT),
            candidates: parties()
                .filter(|(_, party)| party.role == role::USER)
                .map(|(index, party)| Candidate {
                    host: party.host,
                    name: user_name(setup.roster, party),
                    puppet: Puppet::new(setup.instance, setup.roster, index),
                })
                .collect(),
            puppet: None,
            of: 0,
            name: String::new(),
            servers: parties()
                .filter(|(_, party)| party.role == role::SERVER)
                .map(|(_, party)| Address::new(party.host, PORT))
                .collect(),
        }
    }

    /// The card goes into the terminal. ID_i is public, the password is typed at each login.
    fn take(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        let mut candidates = self.candidates.iter_mut();
        let Some(found) = candidates.find(|candidate| candidate.host == grant.of) else {
            return;
        };
        if let Some(mut puppet) = found.puppet.take() {
            let mut head = Vec::new();
            records::write_head(found.name.as_bytes(), b"to-be-typed", &mut head);
            let storage = puppet.storage();
            storage.apply(Write::Put(records::USER_HEAD, &head));
            storage.apply(Write::Put(records::USER_CARD, grant.bytes()));
            puppet.start(cx);
            self.puppet = Some(puppet);
            self.of = grant.of;
            self.name.clone_from(&found.name);
        }
    }

    /// Types a password for a login at a server; what the card's terminal wants to send.
    fn log_in(
        &mut self,
        server: usize,
        password: &[u8],
        cx: &mut AttackContext<'_>,
    ) -> Vec<(Address, Vec<u8>)> {
        let Some((puppet, server)) = self.puppet.as_mut().zip(self.servers.get(server)) else {
            return Vec::new();
        };
        let abort = Command {
            id: command::ABORT,
            peer: None,
            args: &[],
        };
        puppet.command(&abort, cx);
        let args = [Arg::Default, Arg::Bytes(password)];
        let login = Command {
            id: command::AUTHENTICATE,
            peer: Some(*server),
            args: &args,
        };
        sent(puppet.command(&login, cx))
    }

    fn mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        let Some(puppet) = &mut self.puppet else {
            return;
        };
        let incoming = Incoming {
            from: view.from,
            to: view.to,
            channel: view.channel,
            bytes: view.bytes,
        };
        for (to, bytes) in sent(puppet.message(incoming, cx)) {
            cx.inject(self.own, to, bytes);
        }
    }
}

fn sent(said: Vec<Said>) -> Vec<(Address, Vec<u8>)> {
    let frames = said.into_iter();
    frames
        .filter_map(|said| match said {
            Said::Send { to, bytes, .. } => Some((to, bytes)),
            _ => None,
        })
        .collect()
}

/// `wrong-password`.
#[derive(Debug)]
pub(super) struct WrongPassword {
    terminal: Terminal,
    server: usize,
}

impl WrongPassword {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            terminal: Terminal::new(setup),
            server: 0,
        }
    }
}

impl Attacker for WrongPassword {
    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        self.terminal.take(grant, cx);
        cx.arm(0, Span::from_secs(60));
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        cx.arm(0, Span::from_secs(60));
        cx.tried();
        let server = self.server;
        self.server = (server + 1) % self.terminal.servers.len().max(1);
        for (to, bytes) in self.terminal.log_in(server, b"not-the-password", cx) {
            cx.inject(self.terminal.own, to, bytes);
        }
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        self.terminal.mail(view, cx);
    }
}

pub(super) const GUESS_SPEC: AttackSpec = AttackSpec {
    id: "guess-on-card",
    help: "Types one word of 1024 after the other at a card in hand, one a second, and names each with \
           which the card opens. Nobody else notices anything: nothing is sent before it opens. Only a \
           counter on the card ends it. In the prototype, whose card opens with any word, it takes \
           those with which the last entry of the list is one.",
    powers: &[],
    positions: &[Position::OffPath, Position::OnPath],
    knows: &[
        CARD,
        Need {
            secret: "word-list",
            of: "user",
            at: "1min",
        },
    ],
    properties: &[Property::Secrecy],
    control: Control::without("card"),
    claims_secrets: &["password"],
    ..super::BASE
};

/// `guess-on-card`.
#[derive(Debug)]
pub(super) struct GuessOnCard {
    terminal: Terminal,
    literal: bool,
    /// ID_j of the last server of the list.
    last: String,
    words: Vec<Vec<u8>>,
    next: usize,
}

impl GuessOnCard {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        let last = super::own_server::server_ids(setup).pop();
        Self {
            terminal: Terminal::new(setup),
            literal: params.literal(),
            last: String::from_utf8(last.unwrap_or_default()).unwrap_or_default(),
            words: Vec::new(),
            next: 0,
        }
    }

    /// Whether the card opens with a word.
    fn opens(&mut self, word: &[u8], cx: &mut AttackContext<'_>) -> bool {
        if !self.literal {
            let last = self.terminal.servers.len().saturating_sub(1);
            return !self.terminal.log_in(last, word, cx).is_empty();
        }
        let Some(puppet) = &mut self.terminal.puppet else {
            return false;
        };
        let Ok(password) = core::str::from_utf8(word) else {
            return false;
        };
        let card = puppet.storage().read(records::USER_CARD);
        let head = TextHead {
            id: &self.terminal.name,
            password,
        };
        let read = card.and_then(|card| ReadCard::read(cx.crypto, &head, card));
        read.is_some_and(|read| {
            let ssk = read.find(&self.last).map(|(ssk, _)| ssk);
            ssk.is_some_and(|ssk| ssk.len() == 64 && number(ssk).is_some())
        })
    }
}

impl Attacker for GuessOnCard {
    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        if grant.secret == "word-list" {
            let words = grant.bytes().split(|byte| *byte == b'\n');
            self.words = words.map(<[u8]>::to_vec).collect();
        } else {
            self.terminal.take(grant, cx);
        }
        cx.arm(0, Span::from_secs(1));
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        let Some(word) = self.words.get(self.next).cloned() else {
            return;
        };
        self.next += 1;
        cx.arm(0, Span::from_secs(1));
        cx.tried();
        if self.opens(&word, cx) {
            cx.claim("password", self.terminal.of, word);
        }
    }
}
