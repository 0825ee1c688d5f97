//! `vault-before` and `vault-after`: a vault that leaks once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::forge::{self, Kind};
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Grant, Need, Power, Property, Verdict, View,
};
use crate::crypto::Crypto;
use crate::vault_exchange::equations::{combine, derive_vault, mac, update_rows};
use crate::vault_exchange::messages::{REPLY_COVERED, body};
use crate::vault_exchange::params::Params;

pub(super) const BEFORE_SPEC: AttackSpec = AttackSpec {
    id: "vault-before",
    help: "The device's vault leaks in the middle of its sessions. From then on every key is computed \
           from the request before the answer is there, and every later vault along with it \
           (`hardened`: session key and vault, from request and REPLY).",
    powers: &[Power::Observe],
    knows: &[Need {
        secret: "vault",
        of: "device",
        at: "95s",
    }],
    properties: &[Property::Secrecy],
    claims: &["VX-C3"],
    control: Control::without("update"),
    claims_secrets: &["challenge-key", "session-key", "vault"],
    stage: super::STAGE.with_params(&[("sessions", "20"), ("challenge", "3")]),
    ..super::BASE
};

pub(super) const AFTER_SPEC: AttackSpec = AttackSpec {
    id: "vault-after",
    help: "Records every session; the device's vault leaks at the end. Takes the updates back one after \
           the other and names all earlier vaults and their keys. The hash of the hardened update cannot \
           be taken back.",
    powers: &[Power::Observe],
    knows: &[Need {
        secret: "vault",
        of: "device",
        at: "4min",
    }],
    properties: &[Property::Secrecy],
    claims: &["VX-C3"],
    control: Control::without("update"),
    claims_secrets: &["vault", "session-key"],
    stage: super::STAGE.with_params(&[("sessions", "20"), ("challenge", "3")]),
    ..super::BASE
};

/// Adds a key to every row.
fn shifted(params: &Params, vault: &[u8], key: &[u8]) -> Vec<u8> {
    let mut next = vault.to_vec();
    update_rows(params, &mut next, key, &mut Crypto::default());
    next
}

/// Follows a vault forwards.
#[derive(Debug)]
pub(super) struct VaultBefore {
    params: Arc<Params>,
    host: u32,
    /// What the vault may be now, and what leaked.
    vaults: Vec<Vec<u8>>,
    /// The key of the session that the leak may have met half done.
    last_key: Vec<u8>,
    request: Vec<u8>,
    /// `hardened`: the session key to name when the device has accepted.
    session_key: Option<[u8; 32]>,
}

impl VaultBefore {
    pub(super) fn new(params: &Arc<Params>) -> Self {
        Self {
            params: Arc::clone(params),
            host: u32::MAX,
            vaults: Vec::new(),
            last_key: Vec::new(),
            request: Vec::new(),
            session_key: None,
        }
    }

    /// Names the key of the request that passes, and the vaults that may be there now.
    fn predict(&self, cx: &mut AttackContext<'_>) {
        let params = &self.params;
        let list = forge::indices(params, &self.request);
        for vault in &self.vaults {
            cx.claim("vault", self.host, vault.clone());
            let key = combine(params, vault, list, cx.crypto);
            let named = forge::named(params, list, &key);
            cx.claim("challenge-key", self.host, named);
        }
    }

    /// Goes along with the update of the published exchange. A sum of an even number of rows fits
    /// before the update and after it, so more than one vault may stay.
    fn follow(&mut self, key: &[u8]) {
        let params = &self.params;
        let list = forge::indices(params, &self.request);
        let mut crypto = Crypto::default();
        let mut fitting = self.vaults.clone();
        fitting.retain(|vault| combine(params, vault, list, &mut crypto)[..key.len()] == *key);
        if !fitting.is_empty() {
            self.vaults = fitting;
        }
        let after = self.vaults.iter().map(|vault| shifted(params, vault, key));
        let mut next: Vec<Vec<u8>> = after.collect();
        next.append(&mut self.vaults);
        next.truncate(8);
        self.vaults = next;
    }

    /// Goes along with the hardened update, if a vault fits the MAC.
    fn follow_hardened(&mut self, reply: &[u8], cx: &mut AttackContext<'_>) {
        let params = &self.params;
        let list = forge::indices(params, &self.request);
        let Some((covered, sent)) = reply.split_at_checked(REPLY_COVERED) else {
            return;
        };
        for vault in &self.vaults {
            let key = combine(params, vault, list, cx.crypto);
            let key = &key[..params.key_bytes];
            if mac(key, covered, [body(&self.request), &[]], cx.crypto) != sent {
                continue;
            }
            let bodies = [body(&self.request), body(reply)];
            self.session_key = Some(cx.crypto.hmac_sha256(key, &bodies));
            let mut next = Vec::new();
            derive_vault(vault, &self.request, reply, &mut next, cx.crypto);
            self.vaults = vec![next, vault.clone()];
            return;
        }
    }
}

impl Attacker for VaultBefore {
    fn on_grant(&mut self, grant: &Grant, _: &mut AttackContext<'_>) {
        self.host = grant.of;
        self.vaults = vec![grant.bytes().to_vec()];
        if !self.last_key.is_empty() {
            let more: Vec<Vec<u8>> = self
                .vaults
                .iter()
                .map(|vault| shifted(&self.params, vault, &self.last_key))
                .collect();
            self.vaults.extend(more);
        }
    }

    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        match forge::kind(&self.params, view.bytes) {
            Some(Kind::Question) => {
                self.request = view.bytes.to_vec();
                if view.from.host == self.host {
                    cx.tried();
                    self.predict(cx);
                }
            }
            Some(Kind::Answer) => match forge::combined(&self.params, view.bytes) {
                Some(key) => {
                    self.last_key = key.to_vec();
                    if view.to.host == self.host {
                        self.follow(key);
                    }
                }
                None if view.to.host == self.host => self.follow_hardened(view.bytes, cx),
                None => {}
            },
            Some(Kind::Confirm) => {
                if let Some(key) = self.session_key.take() {
                    cx.claim("session-key", self.host, key);
                }
            }
            None => {}
        }
        Verdict::Pass
    }
}

/// A session as recorded: request and answer.
type Session = (Vec<u8>, Vec<u8>);

/// Follows a vault backwards.
#[derive(Debug)]
pub(super) struct VaultAfter {
    params: Arc<Params>,
    /// Requests under way, by the device's host.
    asked: BTreeMap<u32, Vec<u8>>,
    /// Sessions seen, by the device's host.
    sessions: BTreeMap<u32, Vec<Session>>,
}

impl VaultAfter {
    pub(super) fn new(params: &Arc<Params>) -> Self {
        Self {
            params: Arc::clone(params),
            asked: BTreeMap::new(),
            sessions: BTreeMap::new(),
        }
    }

    /// Names the key of a recorded session under a vault that it may have had.
    fn name(
        &self,
        host: u32,
        vault: &[u8],
        (request, reply): (&[u8], &[u8]),
        cx: &mut AttackContext<'_>,
    ) {
        let params = &self.params;
        let key = combine(params, vault, forge::indices(params, request), cx.crypto);
        let key = &key[..params.key_bytes];
        if params.hardened() {
            let key = cx.crypto.hmac_sha256(key, &[body(request), body(reply)]);
            cx.claim("session-key", host, key);
        } else {
            cx.claim("session-key", host, key);
        }
    }
}

impl Attacker for VaultAfter {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        match forge::kind(&self.params, view.bytes) {
            Some(Kind::Question) => {
                self.asked.insert(view.from.host, view.bytes.to_vec());
            }
            Some(Kind::Answer) => {
                cx.tried();
                if let Some(request) = self.asked.remove(&view.to.host) {
                    let sessions = self.sessions.entry(view.to.host).or_default();
                    sessions.push((request, view.bytes.to_vec()));
                }
            }
            _ => {}
        }
        Verdict::Pass
    }

    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        let leaked = grant.bytes();
        let mut vault = leaked.to_vec();
        for (request, reply) in self.sessions.get(&grant.of).into_iter().flatten().rev() {
            // It may never have changed.
            self.name(grant.of, leaked, (request, reply), cx);
            let Some(key) = forge::combined(&self.params, reply) else {
                continue;
            };
            vault = shifted(&self.params, &vault, key);
            cx.claim("vault", grant.of, vault.clone());
            self.name(grant.of, &vault, (request, reply), cx);
        }
    }
}
