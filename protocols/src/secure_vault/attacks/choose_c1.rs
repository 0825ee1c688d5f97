//! `choose-c1`: asks a device for keys of challenges of its own choice until it can answer any.

use std::collections::BTreeMap;

use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Grant, Need, Property, Setup, Verdict,
    View,
};
use crate::secure_vault::DEVICE;
use crate::secure_vault::equations::Key;
use crate::secure_vault::messages::{M1, M2, M3, indices};
use crate::secure_vault::params::{Params, Variant};
use crate::time::Span;

use super::algebra::{Epochs, Known, Sum, key, named};
use super::forge::{self, Seen};

const CASES: &[&str] = &["independent-sets", "one-index", "equal-indices"];

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "choose-c1",
    help: "Plays the server towards the device and asks for one challenge after the other within one \
           epoch, chosen so that their keys add up to every key; the leaked k1 of each gives an \
           equation. With enough of them it answers the server's own challenges in the device's place. \
           The cases ask for sets of p indices, for single indices, for one index p times.",
    powers: super::IN_PLACE,
    knows: &[Need {
        secret: "k1",
        of: "device",
        at: "always",
    }],
    cases: CASES,
    properties: &[Property::Secrecy, Property::Agreement],
    claims: &["SV-C3", "SV-C5"],
    control: Control::without("challenge"),
    claims_secrets: &["challenge-key"],
    // So few keys also in `literal`: the number of questions is that of the keys.
    stage: super::STAGE.with_params(&[("keys", "8"), ("challenge", "3")]),
    ..super::BASE
};

/// What is known of one device.
#[derive(Debug, Default)]
struct Victim {
    id: u32,
    known: Known,
    /// Questions asked so far.
    asked: usize,
    /// The list that the device answers now.
    open: Option<Vec<u8>>,
    /// The last M1 of the device itself.
    first: Vec<u8>,
    /// The M1 under which the attacker logs in to the server in its place.
    posing: Option<Vec<u8>>,
    /// The question asked last, and the key that leaked when it was answered.
    asking: (Vec<u8>, Key),
    /// The epoch of its vault, which M3 says where M1 does not.
    epoch: u32,
}

#[derive(Debug)]
pub(super) struct ChooseC1 {
    params: Params,
    epochs: Epochs,
    questions: Vec<Vec<u8>>,
    victims: BTreeMap<u32, Victim>,
    server: Option<crate::address::Address>,
}

impl ChooseC1 {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        let case = CASES[Cases::new(CASES, setup.case).turn()];
        let parties = setup.roster.parties.iter();
        let victims = parties.filter(|party| party.role == DEVICE).map(|party| {
            let victim = Victim {
                id: party.ordinal,
                ..Victim::default()
            };
            (party.host, victim)
        });
        Self {
            params: params.clone(),
            epochs: Epochs::new(params),
            questions: questions(params, case),
            victims: victims.collect(),
            server: setup.first_of(crate::secure_vault::SERVER),
        }
    }
}

/// Lists to ask for, in wire form.
fn questions(params: &Params, case: &str) -> Vec<Vec<u8>> {
    let wire =
        |list: &[u16]| -> Vec<u8> { list.iter().flat_map(|index| index.to_be_bytes()).collect() };
    match case {
        "one-index" => (0..params.keys).map(|index| wire(&[index])).collect(),
        "equal-indices" => (0..params.keys)
            .map(|index| wire(&vec![index; params.challenge]))
            .collect(),
        _ => independent(params).iter().map(|list| wire(list)).collect(),
    }
}

/// Sets of p indices whose keys span those of all such sets: a window that one index after the other
/// joins, each question an equation that the earlier ones do not give.
fn independent(params: &Params) -> Vec<Vec<u16>> {
    let count = u16::try_from(params.challenge).unwrap_or(u16::MAX);
    let base: Vec<u16> = (0..count).collect();
    let mut sets = vec![base.clone()];
    // Every index beyond the first p takes the place of each of them in turn, and one beyond them
    // closes the circle; what depends on earlier sets is left out.
    let (mut known, mut chosen) = (Known::default(), Vec::new());
    for index in count..params.keys {
        for place in 0..base.len() {
            let mut set = base.clone();
            set[place] = index;
            set.sort_unstable();
            sets.push(set);
        }
    }
    for set in sets {
        let mut sum = Sum::default();
        set.iter().for_each(|index| sum.toggle(usize::from(*index)));
        if known.value(sum.clone()).is_none() {
            known.learn(sum, Key::default());
            chosen.push(set);
        }
    }
    chosen
}

impl Attacker for ChooseC1 {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        match view.message {
            Some(M1) => {
                let Some(victim) = self.victims.get_mut(&view.from.host) else {
                    return Verdict::Pass;
                };
                victim.first = view.bytes.to_vec();
                let Some(list) = self.questions.get(victim.asked) else {
                    // All is known: the device goes on undisturbed, and its place is taken.
                    return Verdict::Drop;
                };
                let frame = forge::question(&self.params, view.bytes, indices(list), cx);
                victim.open = Some(list.clone());
                victim.asking.0.clone_from(&frame);
                cx.inject(view.to, view.from, frame);
                Verdict::Drop
            }
            Some(M2) => {
                let Some(victim) = self.victims.get_mut(&view.to.host) else {
                    return Verdict::Pass;
                };
                let Some(m1) = victim.posing.take() else {
                    return Verdict::Pass;
                };
                let (c1, _) = forge::challenge(&self.params, view.bytes);
                if let Some(k1) = self.epochs.value(&victim.known, indices(&c1)) {
                    let mb = self.params.key_bytes;
                    let named = named(indices(&c1), &k1[..mb]);
                    cx.claim("challenge-key", view.to.host, named);
                    let seen = Seen {
                        m1,
                        m2: view.bytes.to_vec(),
                        ..Seen::default()
                    };
                    let frame = forge::answer(&self.params, &seen, (&k1, victim.epoch), cx);
                    cx.inject(view.to, view.from, frame);
                }
                Verdict::Drop
            }
            // The device's answers are for this attacker; its own do not pass here.
            Some(M3) => {
                if let Some(victim) = self.victims.get_mut(&view.from.host)
                    && self.params.variant == Variant::Hardened
                {
                    let seen = Seen {
                        m1: victim.first.clone(),
                        m2: victim.asking.0.clone(),
                        m3: view.bytes.to_vec(),
                        ..Seen::default()
                    };
                    let opened = forge::third(&self.params, &seen, &victim.asking.1, cx.crypto);
                    victim.epoch = opened.map_or(victim.epoch, |third| third.epoch());
                }
                Verdict::Drop
            }
            _ => Verdict::Pass,
        }
    }

    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        let Some(victim) = self.victims.get_mut(&grant.of) else {
            return;
        };
        let Some(list) = victim.open.take() else {
            return;
        };
        victim.asking.1 = key(grant.bytes());
        let learnt = self
            .epochs
            .learn(&mut victim.known, indices(&list), &victim.asking.1.clone());
        if learnt {
            victim.asked += 1;
        }
        if victim.asked == self.questions.len() {
            cx.arm(grant.of, Span::from_secs(15));
        }
    }

    fn on_timer(&mut self, host: u32, cx: &mut AttackContext<'_>) {
        if let (Some(victim), Some(server)) = (self.victims.get_mut(&host), self.server) {
            let epoch = forge::epoch_of(&victim.first);
            let frame = forge::opening(&self.params, victim.id, epoch, cx);
            victim.posing = Some(frame.clone());
            cx.inject(forge::address(host), server, frame);
        }
    }
}
