//! `vault-before`: a vault that leaks once, followed from session to session.

use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Grant, Need, Power, Property, Setup,
    Verdict, View,
};
use crate::secure_vault::equations::{Exchange, combined_key, update_vault};
use crate::secure_vault::messages::{M1, M2, M3, M4, indices};
use crate::secure_vault::params::Params;
use crate::secure_vault::sealing::open;

use super::algebra::named;
use super::forge;

const CASES: &[&str] = &["follow", "gap"];

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "vault-before",
    help: "The vault of one device leaks once. From then on every session is read and the update \
           computed along (`follow`); or one session is missed (`gap`), after which the trail is lost \
           as soon as the vault really changes. Names key(C1), session keys, and logs in as the device \
           in the end.",
    powers: &[Power::Observe, Power::Spoof],
    knows: &[Need {
        secret: "vault",
        of: "device",
        at: "10min",
    }],
    cases: CASES,
    properties: &[Property::Secrecy, Property::Agreement],
    claims: &["SV-C2"],
    control: Control::without("update"),
    variants: super::PAPER,
    claims_secrets: &["session-key", "challenge-key"],
    ..super::BASE
};

/// Sessions that are followed before the device is impersonated.
const FOLLOWED: u32 = 20;

#[derive(Debug)]
pub(super) struct VaultBefore {
    params: Params,
    gap: bool,
    /// The device whose vault it is.
    host: u32,
    id: u32,
    ids: Vec<(u32, u32)>,
    /// What the vault may be: as computed, and as it was (it may never change).
    vaults: Vec<Vec<u8>>,
    opening: Vec<u8>,
    m2: Vec<u8>,
    m3: Vec<u8>,
    sessions: u32,
    posing: bool,
}

impl VaultBefore {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        let case = Cases::new(CASES, setup.case).turn();
        let parties = setup.roster.parties.iter();
        Self {
            params: params.clone(),
            gap: CASES[case] == "gap",
            host: u32::MAX,
            id: 0,
            ids: parties.map(|party| (party.host, party.ordinal)).collect(),
            vaults: Vec::new(),
            opening: Vec::new(),
            m2: Vec::new(),
            m3: Vec::new(),
            sessions: 0,
            posing: false,
        }
    }

    /// Reads the session that M4 closes, and goes along with the update.
    fn follow(&mut self, m4: &[u8], cx: &mut AttackContext<'_>) {
        let params = &self.params;
        let mb = params.key_bytes;
        let (c1, r1) = forge::challenge(params, &self.m2);
        let third = self.m3.get(1..).unwrap_or(&[]);
        let fourth = m4.get(1..).unwrap_or(&[]);
        let (mut plain3, mut plain4) = (Vec::new(), Vec::new());
        for vault in &self.vaults {
            let k1 = combined_key(cx.crypto, vault, mb, c1);
            let length = params.plain3_bytes();
            if !open(cx.crypto, params, &k1[..mb], third, length, &mut plain3)
                || !plain3.starts_with(r1)
            {
                continue;
            }
            let c2 = &plain3[2 * mb..2 * mb + params.challenge_bytes()];
            let mut k2 = combined_key(cx.crypto, vault, mb, indices(c2));
            cx.crypto.xor(&mut k2[..mb], &plain3[mb..2 * mb]);
            let length = params.plain4_bytes();
            if !open(cx.crypto, params, &k2[..mb], fourth, length, &mut plain4) {
                continue;
            }
            let mut t = plain3[mb..2 * mb].to_vec();
            cx.crypto.xor(&mut t, &plain4[mb..]);
            cx.claim("session-key", self.host, t);
            let mut data = Vec::new();
            let exchange = Exchange {
                opening: &self.opening,
                third,
                fourth,
                plain3: &plain3,
                plain4: &plain4,
            };
            exchange.write(params, &mut data);
            let mut new = Vec::new();
            update_vault(cx.crypto, params, vault, &data, &mut new);
            self.vaults = vec![new, vault.clone()];
            return;
        }
    }
}

impl Attacker for VaultBefore {
    fn on_grant(&mut self, grant: &Grant, _: &mut AttackContext<'_>) {
        self.host = grant.of;
        self.id = self
            .ids
            .iter()
            .find(|(host, _)| *host == grant.of)
            .map_or(0, |(_, id)| *id);
        self.vaults = vec![grant.bytes().to_vec()];
        self.m2.clear();
    }

    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.vaults.is_empty() || (view.from.host != self.host && view.to.host != self.host) {
            return Verdict::Pass;
        }
        let mb = self.params.key_bytes;
        match view.message {
            Some(M1) => {
                self.m2.clear();
                self.opening = view.bytes[1..].to_vec();
            }
            Some(M2) => {
                self.m2 = view.bytes.to_vec();
                self.opening.extend_from_slice(&view.bytes[1..]);
                let (c1, _) = forge::challenge(&self.params, view.bytes);
                let Some(vault) = self.vaults.first() else {
                    return Verdict::Pass;
                };
                let k1 = combined_key(cx.crypto, vault, mb, c1);
                cx.claim("challenge-key", self.host, named(c1, &k1[..mb]));
                if self.posing {
                    self.posing = false;
                    let frame = forge::answer(&self.params, view.bytes, &k1, cx);
                    cx.inject(view.to, view.from, frame);
                }
            }
            Some(M3) => self.m3 = view.bytes.to_vec(),
            Some(M4) if !self.m2.is_empty() => {
                self.sessions += 1;
                if !self.gap || self.sessions != 1 {
                    self.follow(view.bytes, cx);
                }
                if self.sessions == FOLLOWED {
                    self.posing = true;
                    let frame = forge::opening(self.id, cx);
                    cx.inject(view.to, view.from, frame);
                }
            }
            _ => {}
        }
        Verdict::Pass
    }
}
