//! `vault-after`: a vault that leaks late, and what it says about earlier sessions.

use std::collections::BTreeMap;

use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Grant, Need, Power, Property, Verdict, View,
};
use crate::secure_vault::DEVICE;
use crate::secure_vault::equations::Key;
use crate::secure_vault::messages::{Indices, M1, M2, M4, indices};
use crate::secure_vault::params::{Params, Variant};

use super::algebra::Epochs;
use super::forge::{self, Seen};

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "vault-after",
    help: "Records every session; one device's vault leaks at the end. The hash of an update cannot be \
           computed backwards, but it cancels out in a key of an even number of rows at each place of \
           a partition: such keys of earlier sessions are the same sums of the later vault. Opens M3 \
           and M4 with them. Where each row is hashed by itself (`literal`, `hardened`) it only tries \
           the vault as it leaked.",
    powers: &[Power::Observe],
    knows: &[Need {
        secret: "vault",
        of: "device",
        at: "80min",
    }],
    properties: &[Property::Secrecy],
    claims: &["SV-C2"],
    control: Control::without("update"),
    claims_secrets: &["session-key", "k1", "k2"],
    stage: super::STAGE.with_params(&[("challenge", "4")]),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct VaultAfter {
    params: Params,
    epochs: Epochs,
    records: BTreeMap<u32, Vec<Seen>>,
}

impl VaultAfter {
    pub(super) fn new(params: &Params) -> Self {
        Self {
            params: params.clone(),
            epochs: Epochs::new(params),
            records: BTreeMap::new(),
        }
    }

    /// key(C) so many updates before `vault`, if the hashes of the updates cancel out, or if there
    /// was no change at all.
    fn earlier(&self, vault: &[u8], list: Indices<'_>, updates: usize) -> Option<Key> {
        let mb = self.params.key_bytes;
        let (mut value, mut odd) = (Key::default(), BTreeMap::new());
        for index in list {
            let row = usize::from(u16::from_be_bytes(*index));
            let bytes = vault.get(row * mb..(row + 1) * mb)?;
            let word = self.epochs.word(row);
            for (place, byte) in value.iter_mut().enumerate().take(mb) {
                *byte ^= bytes[place];
                if updates % 2 == 1 {
                    *byte ^= word[place];
                }
            }
            *odd.entry(self.epochs.part(row)).or_insert(false) ^= true;
        }
        (updates == 0 || odd.values().all(|odd| !odd)).then_some(value)
    }

    /// Both readings of key(C): of the vault as it was, and of one that never changed.
    fn readings(&self, vault: &[u8], list: &[u8], updates: usize) -> [Option<Key>; 2] {
        let sums = !matches!(self.params.variant, Variant::Literal | Variant::Hardened);
        let list = indices(list);
        [
            self.earlier(vault, list, updates).filter(|_| sums),
            self.earlier(vault, list, 0),
        ]
    }

    fn solve(
        &self,
        host: u32,
        vault: &[u8],
        (seen, updates): (&Seen, usize),
        cx: &mut AttackContext<'_>,
    ) {
        let params = &self.params;
        let (c1, _) = forge::challenge(params, &seen.m2);
        for k1 in self.readings(vault, &c1, updates).into_iter().flatten() {
            let Some(third) = forge::third(params, seen, &k1, cx.crypto) else {
                continue;
            };
            cx.claim("k1", host, &k1[..params.key_bytes]);
            let keys = self.readings(vault, &third.c2, updates);
            for k2 in keys.into_iter().flatten() {
                if let Some(fourth) = forge::fourth(params, seen, &third, &k2, cx.crypto) {
                    let t = forge::session_key(params, seen, (&third, &fourth), cx.crypto);
                    cx.claim("session-key", host, t);
                }
            }
        }
    }
}

impl Attacker for VaultAfter {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let device = match view.to_role {
            Some(DEVICE) => view.to.host,
            _ => view.from.host,
        };
        let sessions = self.records.entry(device).or_default();
        if view.message == Some(M1) {
            // A session without M4 changed nothing at the device.
            sessions.pop_if(|last| last.m4.is_empty());
            sessions.push(Seen::default());
        }
        if let Some(last) = sessions.last_mut()
            && (view.message != Some(M4) || !last.m3.is_empty())
        {
            last.keep(view);
        }
        if view.message == Some(M2) {
            cx.tried();
        }
        Verdict::Pass
    }

    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        let records = self.records.get(&grant.of).cloned().unwrap_or_default();
        let complete = records.iter().filter(|seen| !seen.m4.is_empty());
        for (before, seen) in complete.rev().enumerate() {
            self.solve(grant.of, grant.bytes(), (seen, before + 1), cx);
        }
    }
}
