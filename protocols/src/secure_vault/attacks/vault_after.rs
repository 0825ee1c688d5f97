//! `vault-after`: a vault that leaks late, and what it says about earlier sessions.

use std::collections::BTreeMap;

use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Grant, Need, Power, Property, Verdict, View,
};
use crate::secure_vault::equations::Key;
use crate::secure_vault::messages::{Indices, M2, M3, M4, indices};
use crate::secure_vault::params::Params;
use crate::secure_vault::sealing::open;

use super::algebra::{Epochs, key};
use super::forge;

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "vault-after",
    help: "Records every session; one device's vault leaks at the end. The hash of an update cannot be \
           computed backwards, but it cancels out in a key of an even number of rows at each place of \
           a partition: such keys of earlier sessions are the same sums of the later vault. Opens M3 \
           and M4 with them.",
    powers: &[Power::Observe],
    knows: &[Need {
        secret: "vault",
        of: "device",
        at: "80min",
    }],
    properties: &[Property::Secrecy],
    claims: &["SV-C2"],
    control: Control::without("update"),
    variants: super::PAPER,
    claims_secrets: &["session-key", "k1", "k2"],
    stage: super::STAGE.with_params(&[("challenge", "4")]),
    ..super::BASE
};

/// One recorded session.
#[derive(Clone, Debug, Default)]
struct Record {
    m2: Vec<u8>,
    m3: Vec<u8>,
    m4: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct VaultAfter {
    params: Params,
    epochs: Epochs,
    records: BTreeMap<u32, Vec<Record>>,
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
    fn readings(&self, vault: &[u8], list: Indices<'_>, updates: usize) -> [Option<Key>; 2] {
        [
            self.earlier(vault, list, updates),
            self.earlier(vault, list, 0),
        ]
    }

    fn solve(
        &self,
        host: u32,
        vault: &[u8],
        record: &Record,
        updates: usize,
        cx: &mut AttackContext<'_>,
    ) {
        let params = &self.params;
        let mb = params.key_bytes;
        let (c1, r1) = forge::challenge(params, &record.m2);
        let mut plain = Vec::new();
        for k1 in self.readings(vault, c1, updates).into_iter().flatten() {
            let sealed = record.m3.get(1..).unwrap_or(&[]);
            let length = params.plain3_bytes();
            if !open(cx.crypto, params, &k1[..mb], sealed, length, &mut plain)
                || !plain.starts_with(r1)
            {
                continue;
            }
            cx.claim("k1", host, &k1[..mb]);
            let t1 = key(&plain[mb..2 * mb]);
            let c2 = plain[2 * mb..2 * mb + params.challenge_bytes()].to_vec();
            for k2 in self
                .readings(vault, indices(&c2), updates)
                .into_iter()
                .flatten()
            {
                let mut sealing = k2;
                for (byte, more) in sealing.iter_mut().zip(&t1) {
                    *byte ^= more;
                }
                let sealed = record.m4.get(1..).unwrap_or(&[]);
                let length = params.plain4_bytes();
                let mut fourth = Vec::new();
                if open(
                    cx.crypto,
                    params,
                    &sealing[..mb],
                    sealed,
                    length,
                    &mut fourth,
                ) {
                    let t = t1.iter().zip(&fourth[mb..]).map(|(one, other)| one ^ other);
                    cx.claim("session-key", host, t.collect::<Vec<u8>>());
                }
            }
        }
    }
}

impl Attacker for VaultAfter {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let bytes = view.bytes.to_vec();
        match view.message {
            Some(M2) => {
                cx.tried();
                let sessions = self.records.entry(view.to.host).or_default();
                sessions.push(Record {
                    m2: bytes,
                    ..Record::default()
                });
            }
            Some(M3) => {
                if let Some(last) = self.records.entry(view.from.host).or_default().last_mut() {
                    last.m3 = bytes;
                }
            }
            Some(M4) => {
                if let Some(last) = self.records.entry(view.to.host).or_default().last_mut() {
                    last.m4 = bytes;
                }
            }
            _ => {}
        }
        Verdict::Pass
    }

    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        let records = self.records.get(&grant.of).cloned().unwrap_or_default();
        let complete: Vec<&Record> = records
            .iter()
            .filter(|record| !record.m4.is_empty())
            .collect();
        for (before, record) in complete.iter().rev().enumerate() {
            self.solve(grant.of, grant.bytes(), record, before + 1, cx);
        }
    }
}
