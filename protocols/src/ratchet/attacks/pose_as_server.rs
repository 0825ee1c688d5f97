//! `pose-as-server`: the answers of one session, played to the client in the next ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::Address;
use crate::attack::{AttackContext, AttackSpec, Attacker, Property, Setup, Verdict, View};
use crate::ratchet::messages::{CHALLENGE, DATA, HELLO, RESPONSE, TERMINATE};
use crate::ratchet::params::Params;

use super::craft::clear;

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "pose-as-server",
    help: "Records CHALLENGE and RESPONSEs of one session of a client. When the client starts again, \
           keeps its frames from the server and plays the recorded answers. Nothing that the client \
           sends enters the keys of the server's direction.",
    powers: super::IN_PLACE,
    properties: &[Property::Agreement, Property::Integrity],
    claims: &["RT-C8"],
    ..super::BASE
};

/// The answers of one session: CHALLENGE under round 0, RESPONSE r under round r.
type Answers = BTreeMap<u32, Vec<u8>>;

#[derive(Debug)]
pub(super) struct PoseAsServer {
    params: Arc<Params>,
    /// Answers per client, and whether the session they come from is over.
    known: BTreeMap<Address, (Answers, bool)>,
}

impl PoseAsServer {
    pub(super) fn new(params: &Arc<Params>, _: &Setup<'_>) -> Self {
        Self {
            params: Arc::clone(params),
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
        let (answers, complete) = self.known.entry(client).or_default();
        match shown.opcode {
            CHALLENGE | RESPONSE if !*complete => {
                answers.insert(shown.round, view.bytes.to_vec());
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
