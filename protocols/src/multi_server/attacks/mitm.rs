//! `mitm-outsider`: between the two ends, or in the place of the server, without any secret.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::frames::{frame, reply, request, text_frame, text_reply, text_request};
use super::passive::{SETTLED, text_key};
use crate::address::Address;
use crate::attack::{
    ALL_POWERS, AttackContext, AttackSpec, Attacker, Cases, Control, Property, Setup, Verdict, View,
};
use crate::multi_server::literal::messages as text;
use crate::multi_server::literal::text::{hex, seconds};
use crate::multi_server::messages::{AuthRep, Message};
use crate::multi_server::params::Params;

const CASES: &[&str] = &["zero", "random", "own-beta", "cut-and-paste"];

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "mitm-outsider",
    help: "Answers a request in the place of the server with gamma and sigma of zeros (`zero`) or at \
           random (`random`), passes a request on with a beta of its own (`own-beta`), or gives a user \
           the answer that was meant for the session before (`cut-and-paste`). In the prototype gamma \
           opens with what travels in clear, so it names the SK that the user then holds.",
    powers: ALL_POWERS,
    cases: CASES,
    properties: &[Property::Agreement, Property::Secrecy],
    control: Control::without("sigma"),
    claims_secrets: &["session-key"],
    stage: super::BUSY,
    ..super::BASE
};

/// The attacker.
#[derive(Debug)]
pub(super) struct Mitm {
    params: Arc<Params>,
    cases: Cases,
    /// The answer before.
    last: Option<Vec<u8>>,
    places: BTreeMap<Address, String>,
    found: Vec<(u32, [u8; 32])>,
}

impl Mitm {
    pub(super) fn new(params: Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params,
            cases: Cases::new(CASES, setup.case),
            last: None,
            places: BTreeMap::new(),
            found: Vec::new(),
        }
    }

    fn words(case: usize, cx: &mut AttackContext<'_>) -> ([u8; 32], [u8; 32], [u8; 16]) {
        let mut all = ([0; 32], [0; 32], [0; 16]);
        if case > 0 {
            cx.random(&mut all.0);
            cx.random(&mut all.1);
            cx.random(&mut all.2);
        }
        all
    }
}

impl Attacker for Mitm {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let params = Arc::clone(&self.params);
        if reply(&params, view.bytes).is_some() || text_reply(&params, view.bytes).is_some() {
            self.last = Some(view.bytes.to_vec());
            return Verdict::Pass;
        }
        if let Some(mut asked) = request(&params, view.bytes) {
            let case = self.cases.turn();
            let (gamma, sigma, nonce) = Self::words(case, cx);
            if case == 2 {
                asked.beta = gamma;
                return Verdict::Modify(frame(&params, &Message::AuthReq(asked)));
            }
            let answer = if case == 3 {
                match &self.last {
                    Some(last) => last.clone(),
                    None => return Verdict::Pass,
                }
            } else {
                let forged = AuthRep {
                    gamma,
                    sigma,
                    t2: cx.now.0,
                    nonce: asked.nonce.map(|_| nonce),
                };
                frame(&params, &Message::AuthRep(forged))
            };
            cx.inject(view.to, view.from, answer);
            return Verdict::Drop;
        }
        if let Some(mut asked) = text_request(&params, view.bytes) {
            let case = self.cases.turn();
            let (gamma, sigma, _) = Self::words(case, cx);
            if case == 2 {
                asked.beta = hex(&gamma);
                return Verdict::Modify(text_frame(&params, &text::Message::AuthReq(asked)));
            }
            let answer = if case == 3 {
                match &self.last {
                    Some(last) => last.clone(),
                    None => return Verdict::Pass,
                }
            } else {
                text_frame(
                    &params,
                    &text::Message::AuthRep(text::AuthRep {
                        t2: seconds(cx.now.0).to_string(),
                        gamma: hex(&gamma),
                        sigma: hex(&sigma),
                    }),
                )
            };
            if let Some(told) = text_reply(&params, &answer)
                && let Some(loc) = self.places.get(&view.to)
            {
                let key = text_key(&asked, &told.gamma, loc, cx);
                self.found.push((view.from.host, key));
                cx.arm(0, SETTLED);
            }
            cx.inject(view.to, view.from, answer);
            return Verdict::Drop;
        }
        if params.literal()
            && let Ok(text::Message::Info { loc, .. }) = text::decode(&params, view.bytes)
        {
            self.places.insert(view.from, text::plain(&loc).to_owned());
        }
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        for (user, key) in self.found.drain(..) {
            cx.claim("session-key", user, key);
        }
    }
}
