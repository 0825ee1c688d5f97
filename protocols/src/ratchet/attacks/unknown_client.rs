//! `unknown-client`: ids that nobody authorised, and what the answers say about those that are.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Position, Power, Property, Setup, View,
};
use crate::ratchet::SERVER;
use crate::ratchet::client::PORT;
use crate::ratchet::messages::HELLO;
use crate::ratchet::params::Params;
use crate::time::Span;

use super::craft::{Account, Clear, junk};

const CASES: &[&str] = &["zero-key", "compare"];

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "unknown-client",
    help: "Sends a HELLO of client 99 under a K of zeros; or a HELLO with a random HMAC for each of \
           the 256 ids, each from an address of its own, and compares the answers: ids that are \
           authorised get an error frame.",
    powers: &[Power::Inject],
    positions: &[Position::OffPath, Position::OnPath],
    cases: CASES,
    properties: &[Property::Agreement, Property::Anonymity],
    claims: &["RT-C8"],
    control: Control::without("client"),
    ..super::BASE
};

const TICK: u32 = 0;

#[derive(Debug)]
pub(super) struct UnknownClient {
    params: Arc<Params>,
    zero_key: bool,
    own: Address,
    account: Account,
    next: u32,
    /// Length of the answer for each id.
    answers: BTreeMap<u8, usize>,
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
            next: 0,
            answers: BTreeMap::new(),
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
        if self.zero_key {
            if let Some(frame) = self.account.hello(cx) {
                cx.inject(self.own, server, frame);
            }
            cx.arm(TICK, Span::from_secs(60));
            return;
        }
        let Ok(client) = u8::try_from(self.next) else {
            return;
        };
        let shown = Clear {
            opcode: HELLO,
            client,
            round: 0,
        };
        let frame = junk(&self.params, cx, shown, 2);
        // The port says which id an answer is for.
        let from = Address::new(self.own.host, PORT + u16::from(client));
        cx.inject(from, server, frame);
        self.next += 1;
        cx.arm(TICK, Span::from_millis(20));
    }

    fn on_mail(&mut self, view: &View<'_>, _: &mut AttackContext<'_>) {
        let id = view.to.port.checked_sub(PORT).map(u8::try_from);
        if let Some(Ok(id)) = id {
            self.answers.insert(id, view.bytes.len());
        }
    }
}
