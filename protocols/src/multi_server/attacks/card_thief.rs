//! Who has copied a card: `card-thief-guess`, `card-thief-read`.

use std::sync::Arc;

use super::frames::{entries, request, text_request, unmask};
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Grant, Need, Power, Property, Setup,
    Verdict, View,
};
use crate::multi_server::directory::user_name;
use crate::multi_server::equations::Hash;
use crate::multi_server::equations::card::{CardView, Head, Opened, mask_list, recover};
use crate::multi_server::literal::card::{ReadCard, TextHead};
use crate::multi_server::literal::text::{digest, hex, number, xor as text_xor};
use crate::multi_server::messages::{AuthReq, check_text, unpadded};
use crate::multi_server::params::Params;
use crate::multi_server::role;
use crate::output::Place;

const CASES: &[&str] = &["e", "request", "w"];

pub(super) const CARD: Need = Need {
    secret: "card",
    of: "user",
    at: "5min",
};

pub(super) const WORD_LIST: Need = Need {
    secret: "word-list",
    of: "user",
    at: "5min",
};

pub(super) const GUESS_SPEC: AttackSpec = AttackSpec {
    id: "card-thief-guess",
    help: "Opens a copied card with each of 1024 words and looks whether E fits (`e`), whether the UID \
           and SSK that come out make the alpha of a recorded request (`request`), or, in the \
           prototype, whether W opens to hex digits (`w`). It names the password when exactly one word \
           is left.",
    powers: &[Power::Observe],
    knows: &[CARD, WORD_LIST],
    cases: CASES,
    properties: &[Property::Secrecy],
    control: Control::without("mask"),
    claims_secrets: &["password"],
    ..super::BASE
};

/// `card-thief-guess`.
#[derive(Debug)]
pub(super) struct Guess {
    params: Arc<Params>,
    case: usize,
    /// Host and ID_i of every user: names are public.
    names: Vec<(u32, String)>,
    of: u32,
    card: Vec<u8>,
    words: Vec<Vec<u8>>,
    done: bool,
}

impl Guess {
    pub(super) fn new(params: Arc<Params>, setup: &Setup<'_>) -> Self {
        let parties = setup.roster.parties.iter();
        let users = parties.filter(|party| party.role == role::USER);
        Self {
            params,
            case: Cases::new(CASES, setup.case).turn(),
            names: users
                .map(|party| (party.host, user_name(setup.roster, party)))
                .collect(),
            of: 0,
            card: Vec::new(),
            words: Vec::new(),
            done: false,
        }
    }

    fn name(&self) -> &str {
        let found = self.names.iter().find(|(host, _)| *host == self.of);
        found.map_or("", |(_, name)| name)
    }

    /// Names the password when exactly one word passes `test`.
    fn search(
        &mut self,
        cx: &mut AttackContext<'_>,
        test: impl Fn(&Params, &str, &[u8], &[u8], &mut AttackContext<'_>) -> bool,
    ) {
        if self.card.is_empty() || self.words.is_empty() {
            return;
        }
        cx.tried();
        let name = self.name().to_owned();
        let mut left = self
            .words
            .iter()
            .filter(|word| test(&self.params, &name, word, &self.card, cx));
        let found = left.next().cloned();
        let unique = left.next().is_none();
        if let Some(word) = found.filter(|_| unique) {
            self.done = true;
            cx.claim("password", self.of, word);
        }
    }
}

fn open(
    params: &Params,
    name: &str,
    password: &[u8],
    card: &[u8],
    cx: &mut AttackContext<'_>,
) -> Option<(Opened, Vec<u8>, bool)> {
    let view = CardView::read(params, card)?;
    let head = Head {
        id: name.as_bytes(),
        password,
    };
    let (opened, fits) = recover(params, cx.crypto, &head, &view);
    let mut list = view.z.to_vec();
    mask_list(params, cx.crypto, &opened.m0, view.version, &mut list);
    Some((opened, list, fits))
}

/// Whether a request was made with this UID and one of these keys.
fn made(
    params: &Params,
    asked: &AuthReq,
    uid: &Hash,
    list: &[u8],
    cx: &mut AttackContext<'_>,
) -> bool {
    let list = entries(params, list);
    list.iter()
        .any(|entry| unmask(params, cx.crypto, asked, entry) == *uid)
}

impl Attacker for Guess {
    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        self.of = grant.of;
        if grant.secret == "card" {
            self.card = grant.bytes().to_vec();
        } else {
            let words = grant.bytes().split(|byte| *byte == b'\n');
            self.words = words.map(<[u8]>::to_vec).collect();
        }
        let literal = self.params.literal();
        match (self.case, literal) {
            (0, false) => self.search(cx, |params, name, word, card, cx| {
                open(params, name, word, card, cx).is_some_and(|(.., fits)| fits)
            }),
            (0, true) => self.search(cx, |_, name, word, card, cx| {
                let Ok(password) = core::str::from_utf8(word) else {
                    return false;
                };
                text_e_fits(&TextHead { id: name, password }, card, cx).unwrap_or(false)
            }),
            (2, true) => self.search(cx, |_, name, word, card, cx| {
                let password = core::str::from_utf8(word).unwrap_or_default();
                let a = digest(cx.crypto, &[name, password]);
                let w = card.get(..64).unwrap_or_default();
                let both = text_xor(cx.crypto, w, &a);
                both.iter().all(u8::is_ascii_hexdigit)
            }),
            _ => {}
        }
    }

    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.case != 1 || self.done || view.from.host != self.of {
            return Verdict::Pass;
        }
        if let Some(asked) = request(&self.params, view.bytes) {
            self.search(cx, |params, name, word, card, cx| {
                open(params, name, word, card, cx)
                    .is_some_and(|(opened, list, _)| made(params, &asked, &opened.uid, &list, cx))
            });
        } else if let Some(asked) = text_request(&self.params, view.bytes) {
            self.search(cx, |_, name, word, card, cx| {
                let Ok(password) = core::str::from_utf8(word) else {
                    return false;
                };
                let head = TextHead { id: name, password };
                let read = ReadCard::read(cx.crypto, &head, card);
                read.is_some_and(|read| hex(&read.uid) == asked.uid)
            });
        }
        Verdict::Pass
    }
}

/// E of a card of the prototype, which its own user does not compare.
fn text_e_fits(head: &TextHead<'_>, card: &[u8], cx: &mut AttackContext<'_>) -> Option<bool> {
    let read = ReadCard::read(cx.crypto, head, card)?;
    let a = head.secret(cx.crypto);
    let both = text_xor(cx.crypto, card.get(..64)?, &a);
    let both = core::str::from_utf8(&both).ok()?;
    let (r1, r2) = both.split_at_checked(32)?;
    let first = digest(cx.crypto, &[r1, head.password]);
    let second = digest(cx.crypto, &[r2, head.password]);
    // USK = A XOR D, D = Y XOR B.
    let mut usk: Hash = card.get(96..128)?.try_into().ok()?;
    for mask in [&first, &second, &a] {
        cx.crypto.xor(&mut usk, mask);
    }
    let e = digest(cx.crypto, &[&hex(&read.uid), head.password, &hex(&usk)]);
    Some(card.get(128..160)? == e)
}

pub(super) const READ_SPEC: AttackSpec = AttackSpec {
    id: "card-thief-read",
    help: "Reads the list on a copied card without any password: whole list records in clear, or, in \
           the prototype, whose mask is shorter than the list, `ID.SSK.Loc` entries.",
    powers: super::OBSERVE,
    knows: &[CARD],
    properties: &[Property::Secrecy],
    claims: &["MS-C4"],
    control: Control::without("mask"),
    claims_secrets: &["ssk"],
    stage: super::TWO_SERVERS,
    ..super::BASE
};

/// `card-thief-read`.
#[derive(Debug)]
pub(super) struct Read {
    params: Arc<Params>,
    directory: crate::multi_server::directory::Directory,
}

impl Read {
    pub(super) fn new(params: Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params,
            directory: crate::multi_server::directory::Directory::new(setup.roster),
        }
    }

    fn name(&self, id: &[u8], ssk: Vec<u8>, cx: &mut AttackContext<'_>) {
        if let Some(server) = self.directory.address_of(id) {
            cx.claim("ssk", server.host, ssk);
        }
    }
}

impl Attacker for Read {
    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        cx.tried();
        let card = grant.bytes();
        if self.params.literal() {
            // Z begins behind W 64, X, Y, E.
            let z = card.get(160..).unwrap_or_default();
            for entry in z.split(|byte| *byte == b';') {
                let mut parts = entry.split(|byte| *byte == b'.');
                let (Some(id), Some(ssk)) = (parts.next(), parts.next()) else {
                    continue;
                };
                let ssk = core::str::from_utf8(ssk).ok().and_then(number);
                if let Some(ssk) = ssk {
                    self.name(id, ssk, cx);
                }
            }
            return;
        }
        let Some(view) = CardView::read(&self.params, card) else {
            return;
        };
        let nowhere = Place {
            field: "list",
            index: None,
            offset: 0,
        };
        for record in view.z.chunks_exact(self.params.list_record()) {
            if check_text(&record[..16], nowhere).is_ok() {
                self.name(unpadded(&record[..16]), record[16..48].to_vec(), cx);
            }
        }
    }
}
