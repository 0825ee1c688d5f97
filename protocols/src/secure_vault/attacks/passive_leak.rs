//! `passive-leak`: every k1 and k2 leaks; what do they say about the next ones.

use std::collections::BTreeMap;

use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Grant, Need, Power, Property, Verdict, View,
};
use crate::secure_vault::equations::Key;
use crate::secure_vault::messages::{M2, M3, M4, indices};
use crate::secure_vault::params::Params;
use crate::secure_vault::sealing::open;

use super::algebra::{Epochs, Known, key, named};
use super::forge;

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "passive-leak",
    help: "Watches, with k1 and k2 of every session leaked by a side channel, and keeps all equations \
           over rows and updates. An update adds one hash to all partitions: in sums with an even \
           number of rows at each place of a partition it cancels out, so those stay known for ever. \
           Names key(C1) of a later challenge before the device uses it, whenever it follows.",
    powers: &[Power::Observe],
    knows: &[
        Need {
            secret: "k1",
            of: "device",
            at: "always",
        },
        Need {
            secret: "k2",
            of: "device",
            at: "always",
        },
    ],
    properties: &[Property::Secrecy],
    claims: &["SV-C2", "SV-C3"],
    control: Control::without("update"),
    variants: super::PAPER,
    claims_secrets: &["challenge-key"],
    stage: super::STAGE.with_params(&[("challenge", "4")]),
    ..super::BASE
};

/// What is known of one device, under two suppositions: the vault changes, or it never does.
#[derive(Debug)]
struct Watch {
    changing: (Epochs, Known),
    constant: Option<(Epochs, Known)>,
    m2: Vec<u8>,
    m3: Vec<u8>,
    c2: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct PassiveLeak {
    params: Params,
    watches: BTreeMap<u32, Watch>,
}

impl PassiveLeak {
    pub(super) fn new(params: &Params) -> Self {
        Self {
            params: params.clone(),
            watches: BTreeMap::new(),
        }
    }

    fn watch(&mut self, host: u32) -> &mut Watch {
        let params = &self.params;
        self.watches.entry(host).or_insert_with(|| {
            let fresh = (Epochs::new(params), Known::default());
            Watch {
                constant: Some(fresh.clone()),
                changing: fresh,
                m2: Vec::new(),
                m3: Vec::new(),
                c2: Vec::new(),
            }
        })
    }
}

impl Watch {
    fn learn(&mut self, list: &[u8], key: &Key) {
        let (epochs, known) = &mut self.changing;
        epochs.learn(known, indices(list), key);
        let fits = |(epochs, known): &mut (Epochs, Known)| epochs.learn(known, indices(list), key);
        if !self.constant.as_mut().is_some_and(fits) {
            self.constant = None;
        }
    }
}

impl Attacker for PassiveLeak {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let mb = self.params.key_bytes;
        match view.message {
            Some(M2) => {
                cx.tried();
                let params = self.params.clone();
                let watch = self.watch(view.to.host);
                watch.m2 = view.bytes.to_vec();
                let (c1, _) = forge::challenge(&params, view.bytes);
                let (epochs, known) = &watch.changing;
                let unchanged = watch.constant.as_ref();
                let found = epochs
                    .value(known, c1)
                    .or_else(|| unchanged.and_then(|(epochs, known)| epochs.value(known, c1)));
                if let Some(key) = found {
                    cx.claim("challenge-key", view.to.host, named(c1, &key[..mb]));
                }
            }
            Some(M3) => self.watch(view.from.host).m3 = view.bytes.to_vec(),
            Some(M4) => self.watch(view.to.host).changing.0.updates += 1,
            _ => {}
        }
        Verdict::Pass
    }

    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        let params = self.params.clone();
        let mb = params.key_bytes;
        let leaked = key(grant.bytes());
        let watch = self.watch(grant.of);
        if grant.secret == "k1" {
            let (list, _) = forge::challenge(&params, &watch.m2);
            let list = list.as_flattened().to_vec();
            watch.learn(&list, &leaked);
            // With k1, M3 opens and shows C2; it may pass after the leak, so it is kept for k2.
            watch.c2 = leaked.to_vec();
        } else {
            let k1 = core::mem::take(&mut watch.c2);
            let mut plain = Vec::new();
            let sealed = watch.m3.get(1..).unwrap_or(&[]).to_vec();
            let opened = open(
                cx.crypto,
                &params,
                k1.get(..mb).unwrap_or(&[0; 16]),
                &sealed,
                params.plain3_bytes(),
                &mut plain,
            );
            if opened && let Some(list) = plain.get(2 * mb..2 * mb + params.challenge_bytes()) {
                let list = list.to_vec();
                watch.learn(&list, &leaked);
            }
        }
    }
}
