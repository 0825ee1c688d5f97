//! `steal-master`: K of a client leaks.

use std::sync::Arc;

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Grant, Need, Power, Property, Setup,
    Verdict, View,
};
use crate::ratchet::client::PORT;
use crate::ratchet::messages::{CHALLENGE, DATA, HELLO, RESPONSE};
use crate::ratchet::params::Params;
use crate::ratchet::secrets::{MASTER_KEY, SESSION_KEY};
use crate::ratchet::{CLIENT, SERVER};
use crate::time::Span;

use super::craft::{Account, Follower, clear, in_clear, master};

const CASES: &[&str] = &["recorded", "live", "pose"];

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "steal-master",
    help: "K of a client leaks after ten minutes. Reads the sessions recorded before (`recorded`), \
           those that follow (`live`), or logs in with it from an address of its own (`pose`). Every \
           key of every session follows from K and the bytes on the wire.",
    powers: &[Power::Observe, Power::Inject],
    spare: &[Power::Inject],
    knows: &[Need {
        secret: MASTER_KEY,
        of: "client",
        at: "10min",
    }],
    cases: CASES,
    properties: &[Property::Secrecy, Property::Agreement],
    claims: &["RT-C12"],
    control: Control::without("cipher"),
    claims_secrets: &[SESSION_KEY],
    ..super::BASE
};

const POSE: u32 = 0;

#[derive(Debug)]
pub(super) struct StealMaster {
    params: Arc<Params>,
    case: &'static str,
    own: Address,
    victim: u32,
    frames: Vec<(u32, Vec<u8>)>,
    account: Account,
    follower: Option<Follower>,
}

impl StealMaster {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params: Arc::clone(params),
            case: CASES[Cases::new(CASES, setup.case).turn()],
            own: setup.own(0, PORT),
            victim: setup.first_of(CLIENT).map_or(0, |address| address.host),
            frames: Vec::new(),
            account: Account::new(params, super::victim(setup), setup.first_of(SERVER)),
            follower: None,
        }
    }

    /// A frame of the victim's, with K at hand.
    fn follow(&mut self, from: u32, bytes: &[u8], cx: &mut AttackContext<'_>) {
        let (Some(key), Some(shown)) = (self.account.master, clear(&self.params, bytes)) else {
            return;
        };
        if shown.opcode == HELLO {
            self.follower = Some(Follower::from_master(&self.params, cx, &key));
        }
        let Some(follower) = &mut self.follower else {
            return;
        };
        let Some(read) = follower.read(cx, bytes) else {
            return;
        };
        match read.shown.opcode {
            DATA | RESPONSE => cx.claim("payload", from, read.payload),
            CHALLENGE => {
                let keys = follower.keys.joined(&self.params);
                cx.claim(SESSION_KEY, self.victim, keys);
            }
            _ => {}
        }
    }
}

impl Attacker for StealMaster {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if view.from.host != self.victim && view.to.host != self.victim {
            return Verdict::Pass;
        }
        if self.account.master.is_none() {
            self.frames.push((view.from.host, view.bytes.to_vec()));
            let text = in_clear(&self.params, view.bytes);
            if let Some(text) = text.filter(|_| self.case == "recorded") {
                cx.claim("payload", view.from.host, text);
            }
        } else if self.case == "live" {
            cx.tried();
            self.follow(view.from.host, view.bytes, cx);
        }
        Verdict::Pass
    }

    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        if grant.of != self.victim {
            return;
        }
        self.account.master = master(grant);
        let frames = core::mem::take(&mut self.frames);
        match self.case {
            "recorded" => {
                cx.tried();
                for (from, bytes) in &frames {
                    self.follow(*from, bytes, cx);
                }
            }
            "pose" => cx.arm(POSE, Span::from_secs(1)),
            _ => {}
        }
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        if let (Some(frame), Some(server)) = (self.account.hello(cx), self.account.server) {
            cx.inject(self.own, server, frame);
        }
        cx.arm(POSE, Span::from_secs(60));
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        let Some(read) = self.account.answer(cx, view.bytes) else {
            return;
        };
        if read.shown.opcode == CHALLENGE
            && let Some(frame) = self.account.data(cx, b"10.0,20.0")
        {
            cx.inject(self.own, view.from, frame);
        }
    }
}
