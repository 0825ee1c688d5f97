//! `vault-before`: a vault that leaks once, followed from session to session.

use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Grant, Need, Power, Property, Setup,
    Verdict, View,
};
use crate::secure_vault::equations::combined_key;
use crate::secure_vault::messages::{M2, M4, indices};
use crate::secure_vault::params::Params;

use super::algebra::named;
use super::forge::{self, Seen};

const CASES: &[&str] = &["follow", "gap"];

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "vault-before",
    help: "The vault of one device leaks once. From then on every session is read and the update \
           computed along (`follow`); or one session is missed (`gap`), after which the trail is lost \
           as soon as the vault really changes. Names key(C1), session keys, and logs in as the device \
           in the end.",
    powers: &[Power::Observe, Power::Spoof],
    // Following takes eyes only; logging in takes the device's address.
    spare: &[Power::Spoof],
    knows: &[Need {
        secret: "vault",
        of: "device",
        at: "10min",
    }],
    cases: CASES,
    properties: &[Property::Secrecy, Property::Agreement],
    claims: &["SV-C2"],
    control: Control::without("update"),
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
    seen: Seen,
    /// The M1 under which it logs in itself.
    opening: Vec<u8>,
    sessions: u32,
    posing: bool,
    /// The epoch of the vault as followed.
    epoch: u32,
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
            seen: Seen::default(),
            opening: Vec::new(),
            sessions: 0,
            posing: false,
            epoch: 0,
        }
    }

    /// Reads the session that M4 closes, and goes along with the update.
    fn follow(&mut self, cx: &mut AttackContext<'_>) {
        let (params, seen) = (&self.params, &self.seen);
        let mb = params.key_bytes;
        let (c1, _) = forge::challenge(params, &seen.m2);
        for vault in &self.vaults {
            let k1 = combined_key(cx.crypto, vault, mb, indices(&c1));
            let Some(third) = forge::third(params, seen, &k1, cx.crypto) else {
                continue;
            };
            let k2 = combined_key(cx.crypto, vault, mb, indices(&third.c2));
            let Some(fourth) = forge::fourth(params, seen, &third, &k2, cx.crypto) else {
                continue;
            };
            let both = (&third, &fourth);
            let t = forge::session_key(params, seen, both, cx.crypto);
            cx.claim("session-key", self.host, t);
            let new = forge::next_vault(params, seen, both, vault, cx.crypto);
            self.epoch = third.epoch().wrapping_add(1);
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
        self.seen = Seen::default();
    }

    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.vaults.is_empty() || (view.from.host != self.host && view.to.host != self.host) {
            return Verdict::Pass;
        }
        let mb = self.params.key_bytes;
        self.seen.keep(view);
        match view.message {
            Some(M2) => {
                let (c1, _) = forge::challenge(&self.params, view.bytes);
                let Some(vault) = self.vaults.first() else {
                    return Verdict::Pass;
                };
                let k1 = combined_key(cx.crypto, vault, mb, indices(&c1));
                cx.claim("challenge-key", self.host, named(indices(&c1), &k1[..mb]));
                if self.posing {
                    self.posing = false;
                    let seen = Seen {
                        m1: self.opening.clone(),
                        ..self.seen.clone()
                    };
                    let frame = forge::answer(&self.params, &seen, (&k1, self.epoch), cx);
                    cx.inject(view.to, view.from, frame);
                }
            }
            Some(M4) if !self.seen.m2.is_empty() => {
                self.sessions += 1;
                if !self.gap || self.sessions != 1 {
                    self.follow(cx);
                }
                if self.sessions == FOLLOWED {
                    self.posing = true;
                    // The device has changed its vault since the epoch that it named.
                    let epoch = forge::epoch_of(&self.seen.m1).wrapping_add(1);
                    self.opening = forge::opening(&self.params, self.id, epoch, cx);
                    cx.inject(view.to, view.from, self.opening.clone());
                }
            }
            _ => {}
        }
        Verdict::Pass
    }
}
