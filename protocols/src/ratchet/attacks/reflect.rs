//! Frames to where they do not belong: `reflect-to-server`, `reflect-to-client`,
//! `other-connection`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::Address;
use crate::attack::kit::{Reflect, message};
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Power, Property, Setup, Verdict, View,
};
use crate::ratchet::client::PORT;
use crate::ratchet::params::Params;

use super::craft::in_clear;

pub(super) const SERVER_SPEC: AttackSpec = AttackSpec {
    id: "reflect-to-server",
    help: "Sends every RESPONSE back to the server, under the client's address.",
    powers: &[Power::Observe, Power::Spoof],
    properties: &[Property::Integrity, Property::Availability],
    claims: &["RT-C5"],
    control: Control::without("binding"),
    ..super::BASE
};

pub(super) fn to_server(setup: &Setup<'_>) -> Reflect {
    Reflect::new(setup, "SERVER_AGGR_RESPONSE", None, false)
}

pub(super) const CLIENT_SPEC: AttackSpec = AttackSpec {
    id: "reflect-to-client",
    help: "Takes RESPONSE r off the path and delivers the client's own DATA r to it instead, under \
           the server's address.",
    powers: super::IN_PLACE,
    properties: &[Property::Integrity, Property::Availability],
    claims: &["RT-C5"],
    control: Control::without("binding"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct ToClient {
    data: Option<usize>,
    response: Option<usize>,
    /// The last DATA of each client.
    kept: BTreeMap<u32, Vec<u8>>,
}

impl ToClient {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            data: message(setup.instance, "CLIENT_DATA"),
            response: message(setup.instance, "SERVER_AGGR_RESPONSE"),
            kept: BTreeMap::new(),
        }
    }
}

impl Attacker for ToClient {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if view.message == self.data {
            self.kept.insert(view.from.host, view.bytes.to_vec());
        } else if view.message == self.response
            && let Some(bytes) = self.kept.remove(&view.to.host)
        {
            cx.inject(view.from, view.to, bytes);
            return Verdict::Drop;
        }
        Verdict::Pass
    }
}

pub(super) const OTHER_SPEC: AttackSpec = AttackSpec {
    id: "other-connection",
    help: "Takes the second DATA of every session off the path and delivers it from an address of \
           its own; reads the answer, if one comes and can be read.",
    powers: &[Power::Observe, Power::Drop, Power::Inject],
    properties: &[Property::Availability, Property::Secrecy],
    claims: &["RT-C8"],
    control: Control::without("connection"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct OtherConnection {
    params: Arc<Params>,
    data: Option<usize>,
    hello: Option<usize>,
    own: Address,
    victim: u32,
    seen: u32,
}

impl OtherConnection {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params: Arc::clone(params),
            data: message(setup.instance, "CLIENT_DATA"),
            hello: message(setup.instance, "CLIENT_HELLO"),
            own: setup.own(0, PORT),
            victim: setup
                .first_of(crate::ratchet::CLIENT)
                .map_or(0, |address| address.host),
            seen: 0,
        }
    }
}

impl Attacker for OtherConnection {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if view.from.host != self.victim {
            return Verdict::Pass;
        }
        if view.message == self.hello {
            self.seen = 0;
        } else if view.message == self.data {
            self.seen += 1;
            if self.seen == 2 {
                cx.inject(self.own, view.to, view.bytes.to_vec());
                return Verdict::Drop;
            }
        }
        Verdict::Pass
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        if let Some(text) = in_clear(&self.params, view.bytes) {
            cx.claim("payload", view.from.host, text);
        }
    }
}
