//! `passive-leak`: every k1 and k2 leaks; what do they say about the next ones.

use std::collections::BTreeMap;

use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Grant, Need, Power, Property, Verdict, View,
};
use crate::secure_vault::DEVICE;
use crate::secure_vault::equations::Key;
use crate::secure_vault::messages::{M2, M4, indices};
use crate::secure_vault::params::{Params, Variant};

use super::algebra::{Epochs, Known, key, named};
use super::forge::{self, Seen};

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "passive-leak",
    help: "Watches, with k1 and k2 of every session leaked by a side channel, and keeps all equations \
           over rows and updates. An update adds one hash to all partitions: in sums with an even \
           number of rows at each place of a partition it cancels out, so those stay known for ever. \
           Names key(C1) of a later challenge before the device uses it, whenever it follows. Where \
           each row is hashed by itself (`literal`, `hardened`) nothing cancels out.",
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
    claims_secrets: &["challenge-key"],
    stage: super::STAGE.with_params(&[("challenge", "4")]),
    ..super::BASE
};

/// What is known of one device, under two suppositions: the vault changes, or it never does.
#[derive(Debug)]
struct Watch {
    changing: (Epochs, Known),
    constant: Option<(Epochs, Known)>,
    seen: Seen,
    /// k1 of the session under way.
    k1: Key,
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
                seen: Seen::default(),
                k1: Key::default(),
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
        let params = self.params.clone();
        let device = match view.to_role {
            Some(DEVICE) => view.to.host,
            _ => view.from.host,
        };
        let watch = self.watch(device);
        watch.seen.keep(view);
        match view.message {
            Some(M2) => {
                cx.tried();
                let (c1, _) = forge::challenge(&params, view.bytes);
                let list = indices(&c1);
                let (epochs, known) = &watch.changing;
                let unchanged = watch.constant.as_ref();
                let found = epochs
                    .value(known, list)
                    .or_else(|| unchanged.and_then(|(epochs, known)| epochs.value(known, list)));
                if let Some(key) = found {
                    let named = named(list, &key[..params.key_bytes]);
                    cx.claim("challenge-key", device, named);
                }
            }
            Some(M4) => {
                let (epochs, known) = &mut watch.changing;
                if matches!(params.variant, Variant::Literal | Variant::Hardened) {
                    *known = Known::default();
                } else {
                    epochs.updates += 1;
                }
            }
            _ => {}
        }
        Verdict::Pass
    }

    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        let params = self.params.clone();
        let leaked = key(grant.bytes());
        let watch = self.watch(grant.of);
        if grant.secret == "k1" {
            let (list, _) = forge::challenge(&params, &watch.seen.m2);
            watch.learn(&list, &leaked);
            watch.k1 = leaked;
        } else if let Some(third) = forge::third(&params, &watch.seen, &watch.k1, cx.crypto) {
            // With k1, M3 opens and shows which challenge k2 is the key of.
            watch.learn(&third.c2, &leaked);
        }
    }
}
