//! Who holds a card and uses it as it is meant to be used: `wrong-password`, `guess-on-card`.

use crate::Arg;
use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Grant, Need, Position, Power, Property,
    Puppet, Said, Setup, View,
};
use crate::machine::{Command, Incoming};
use crate::multi_server::{PORT, command, role};
use crate::time::Span;

/// A copy of everything a user stores; names and passwords in it are not used.
const STORAGE: Need = Need {
    secret: "storage",
    of: "user",
    at: "1min",
};

const CASES: &[&str] = &["first", "second", "third"];

pub(super) const WRONG_SPEC: AttackSpec = AttackSpec {
    id: "wrong-password",
    help: "Types a wrong password at a card and logs in at the first, second or third server of its \
           list, from an own address, once a minute.",
    powers: &[Power::Inject],
    positions: &[Position::OffPath, Position::OnPath],
    knows: &[STORAGE],
    cases: CASES,
    control: Control::without("card"),
    stage: super::TWO_SERVERS.with_nodes(&[("rc", 1), ("server", 3), ("user", 3)]),
    ..super::BASE
};

/// A card with a terminal: the user's machine on a copied storage.
#[derive(Debug)]
struct Terminal {
    own: Address,
    /// A machine for each user, made beforehand: whose card it is is told later.
    puppets: Vec<(u32, Option<Puppet>)>,
    puppet: Option<Puppet>,
    of: u32,
    servers: Vec<Address>,
}

impl Terminal {
    fn new(setup: &Setup<'_>) -> Self {
        let parties = || setup.roster.parties.iter().enumerate();
        Self {
            own: setup.own(0, PORT),
            puppets: parties()
                .filter(|(_, party)| party.role == role::USER)
                .map(|(index, party)| {
                    let puppet = Puppet::new(setup.instance, setup.roster, index);
                    (party.host, puppet)
                })
                .collect(),
            puppet: None,
            of: 0,
            servers: parties()
                .filter(|(_, party)| party.role == role::SERVER)
                .map(|(_, party)| Address::new(party.host, PORT))
                .collect(),
        }
    }

    fn take(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        let mut puppets = self.puppets.iter_mut();
        let found = puppets.find(|(host, _)| *host == grant.of);
        if let Some(mut puppet) = found.and_then(|(_, puppet)| puppet.take()) {
            puppet.install(grant);
            puppet.start(cx);
            self.puppet = Some(puppet);
            self.of = grant.of;
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
    cases: Cases,
}

impl WrongPassword {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            terminal: Terminal::new(setup),
            cases: Cases::new(CASES, setup.case),
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
        let server = self.cases.turn();
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
           counter on the card ends it.",
    powers: &[],
    positions: &[Position::OffPath, Position::OnPath],
    knows: &[
        STORAGE,
        Need {
            secret: "word-list",
            of: "user",
            at: "1min",
        },
    ],
    properties: &[Property::Secrecy],
    control: Control::without("card"),
    variants: super::BINARY,
    claims_secrets: &["password"],
    ..super::BASE
};

/// `guess-on-card`.
#[derive(Debug)]
pub(super) struct GuessOnCard {
    terminal: Terminal,
    words: Vec<Vec<u8>>,
    next: usize,
}

impl GuessOnCard {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            terminal: Terminal::new(setup),
            words: Vec::new(),
            next: 0,
        }
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
        if !self.terminal.log_in(0, &word, cx).is_empty() {
            cx.claim("password", self.terminal.of, word);
        }
    }
}
