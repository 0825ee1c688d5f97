//! `pose-as-server`: the answers of one session, played to the client in the next ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::attack::{AttackContext, AttackSpec, Attacker, Cases, Property, Setup, Verdict, View};
use crate::ratchet::messages::{CHALLENGE, DATA, HELLO, RESPONSE, TERMINATE};
use crate::ratchet::params::Params;

use super::craft::clear;

const CASES: &[&str] = &["whole", "after-hello"];

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "pose-as-server",
    help: "Records CHALLENGE and RESPONSEs of one session of a client. When the client starts again, \
           keeps its frames from the server and plays the recorded answers (`whole`), or lets the \
           server hear the HELLO and nothing else (`after-hello`): an application that waits for both \
           ends then goes on to its data. Nothing that the client sends enters the keys of the \
           server's direction.",
    powers: super::IN_PLACE,
    cases: CASES,
    properties: &[Property::Agreement, Property::Integrity],
    claims: &["RT-C8"],
    ..super::BASE
};

/// The answers of one session: CHALLENGE under round 0, RESPONSE r under round r.
type Answers = BTreeMap<u32, Vec<u8>>;

#[derive(Debug)]
pub(super) struct PoseAsServer {
    params: Arc<Params>,
    whole: bool,
    /// Answers per client, and whether the session they come from is over.
    known: BTreeMap<u32, (Answers, bool)>,
}

impl PoseAsServer {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params: Arc::clone(params),
            whole: CASES[Cases::new(CASES, setup.case).turn()] == "whole",
            known: BTreeMap::new(),
        }
    }
}

impl Attacker for PoseAsServer {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let Some(shown) = clear(&self.params, view.bytes) else {
            return Verdict::Pass;
        };
        let from_client = view.from_role == Some(crate::ratchet::CLIENT);
        let client = if from_client { view.from } else { view.to };
        let (answers, complete) = self.known.entry(client.host).or_default();
        match shown.opcode {
            CHALLENGE | RESPONSE if !*complete => {
                answers.insert(shown.round, view.bytes.to_vec());
            }
            HELLO if *complete && !self.whole => {}
            // The server's own answer gives way to the recorded one.
            CHALLENGE if *complete => {
                if let Some(old) = answers.get(&0) {
                    cx.inject(view.from, view.to, old.clone());
                }
                return Verdict::Drop;
            }
            HELLO | DATA if *complete => {
                let round = if shown.opcode == HELLO {
                    0
                } else {
                    shown.round
                };
                if let Some(old) = answers.get(&round) {
                    cx.inject(view.to, view.from, old.clone());
                }
                return Verdict::Drop;
            }
            TERMINATE if from_client => {
                if *complete {
                    return Verdict::Drop;
                }
                *complete = answers.len() > 1;
                if !*complete {
                    answers.clear();
                }
            }
            _ => {}
        }
        Verdict::Pass
    }
}
