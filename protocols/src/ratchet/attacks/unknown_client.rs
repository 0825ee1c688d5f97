//! `unknown-client`: ids that nobody authorised, and what the answers say about those that are.

use std::sync::Arc;

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Position, Power, Property, Setup, Stage,
    View,
};
use crate::ratchet::SERVER;
use crate::ratchet::client::PORT;
use crate::ratchet::messages::HELLO;
use crate::ratchet::params::Params;
use crate::ratchet::secrets::CLIENT_ID;
use crate::time::Span;

use super::craft::{Account, Clear, clear, junk};

const CASES: &[&str] = &["zero-key", "compare"];

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "unknown-client",
    help: "Sends a HELLO of client 99, whom nobody authorised, under a K of zeros (`zero-key`); or a \
           HELLO with a random HMAC for each id, each from an address of its own, and compares the \
           answer with that for the id 0, which nobody can have (`compare`). A round of the game is an \
           id: is it authorised?",
    powers: &[Power::Inject],
    positions: &[Position::OffPath, Position::OnPath],
    cases: CASES,
    properties: &[Property::Agreement, Property::Anonymity],
    claims: &["RT-C8"],
    control: Control::without("client"),
    claims_secrets: &[CLIENT_ID],
    stages: &[(
        "compare",
        // Half of all ids, so that neither answer is right by itself.
        Stage {
            params: &[("framing", "\"datagram\""), ("clients", "128")],
            ..super::STAGE
        },
    )],
    ..super::BASE
};

const TICK: u32 = 0;

/// Time for an answer to come.
const PATIENCE: Span = Span::from_secs(1);

#[derive(Debug)]
pub(super) struct UnknownClient {
    params: Arc<Params>,
    zero_key: bool,
    own: Address,
    account: Account,
    /// The id that was asked about last.
    asked: Option<u8>,
    /// Opcode of the answer to it.
    answer: Option<u8>,
    /// Opcode of the answer for an id that nobody can have.
    nobody: Option<u8>,
}

impl UnknownClient {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        let mut account = Account::new(params, 99, setup.first_of(SERVER));
        account.master = Some([0; 16]);
        Self {
            params: Arc::clone(params),
            zero_key: CASES[Cases::new(CASES, setup.case).turn()] == "zero-key",
            own: setup.own(0, PORT),
            account,
            asked: None,
            answer: None,
            nobody: None,
        }
    }

    /// The port says which id an answer is for.
    fn own(&self, id: u8) -> Address {
        Address::new(self.own.host, PORT + u16::from(id))
    }

    /// Asks about the next id, once it is known what came of the one before.
    fn compare(&mut self, server: Address, cx: &mut AttackContext<'_>) {
        let answer = self.answer.take();
        match self.asked {
            None => {}
            Some(0) => self.nobody = answer,
            Some(id) => cx.claim_holds(CLIENT_ID, [id], answer != self.nobody),
        }
        let next = self.asked.map_or(Some(0), |id| id.checked_add(1));
        self.asked = next;
        if let Some(client) = next {
            let shown = Clear {
                opcode: HELLO,
                client,
                round: 0,
            };
            let frame = junk(&self.params, cx, shown, 2);
            cx.inject(self.own(client), server, frame);
            cx.arm(TICK, PATIENCE);
        }
    }
}

impl Attacker for UnknownClient {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(TICK, Span::from_secs(1));
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        let Some(server) = self.account.server else {
            return;
        };
        if !self.zero_key {
            return self.compare(server, cx);
        }
        if let Some(frame) = self.account.hello(cx) {
            cx.inject(self.own, server, frame);
        }
        cx.arm(TICK, Span::from_secs(60));
    }

    fn on_mail(&mut self, view: &View<'_>, _: &mut AttackContext<'_>) {
        if self.asked.is_some_and(|id| view.to == self.own(id)) {
            self.answer = clear(&self.params, view.bytes).map(|shown| shown.opcode);
        }
    }
}
