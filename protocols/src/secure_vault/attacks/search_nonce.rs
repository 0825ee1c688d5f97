//! `search-nonce`: the prototype's numbers are short enough to try them all.

use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Grant, Need, Power, Property, Setup, Verdict,
    View,
};
use crate::parameter::{ParameterKind, ParameterSpec};
use crate::secure_vault::DEVICE;
use crate::secure_vault::equations::Key;
use crate::secure_vault::literal;
use crate::secure_vault::messages::{M2, M4};
use crate::secure_vault::params::{Params, Variant};

use super::algebra::key;
use super::eavesdrop::Eavesdrop;
use super::forge::Seen;

/// The number that are tried for one session unless a scenario says otherwise.
const TRIES: u64 = 1 << 16;

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "search-nonce",
    help: "Told k2 of each session, the one key under which M4 is sealed together with t1: tries every \
           t1 in its range until M4 opens as two numbers, and has r2, t2 and the session key t1 XOR t2. \
           The prototype draws its numbers from 0 to 10^10, whatever the length of its keys. `tries` \
           candidates a session, from 0 on; where numbers are longer the search stops there.",
    powers: &[Power::Observe],
    knows: &[Need {
        secret: "k2",
        of: "device",
        at: "always",
    }],
    params: &[ParameterSpec {
        name: "tries",
        kind: ParameterKind::Integer {
            min: 1,
            max: 10_000_000_001,
        },
        default: "65536",
        help: "candidates for t1 that are tried in each session",
    }],
    properties: &[Property::Secrecy],
    claims: &["SV-C5"],
    control: Control::without("cipher"),
    variants: &["literal"],
    claims_secrets: &["session-key"],
    // The whole range takes a core about half an hour a session; the cost grows with the range.
    stage: super::STAGE.with_params(&[("challenge", "3"), ("numbers", "65535")]),
    ..super::BASE
};

/// The attacker.
#[derive(Debug)]
pub(super) struct SearchNonce {
    literal: bool,
    key_bytes: usize,
    tries: u64,
    /// The device whose keys leak, and the last of them.
    device: u32,
    k2: Key,
    seen: Seen,
    /// What is to be read where nothing is sealed.
    ears: Eavesdrop,
}

impl SearchNonce {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        Self {
            literal: params.variant == Variant::Literal,
            key_bytes: params.key_bytes,
            tries: setup.params.integer("tries", TRIES),
            device: u32::MAX,
            k2: Key::default(),
            seen: Seen::default(),
            ears: Eavesdrop::new(params),
        }
    }

    /// Tries every t1 on the M4 that was seen.
    fn search(&self, cx: &mut AttackContext<'_>) {
        for number in 0..self.tries {
            let t1 = literal::share(number);
            let mut sealing = self.k2;
            for (byte, more) in sealing.iter_mut().zip(&t1) {
                *byte ^= more;
            }
            let opened = literal::fourth(cx.crypto, &sealing[..self.key_bytes], &self.seen.m4);
            if let Some((t2, _)) = opened {
                let t = t1.iter().zip(&t2).map(|(one, other)| one ^ other);
                cx.claim("session-key", self.device, t.collect::<Vec<u8>>());
                return;
            }
        }
    }
}

impl Attacker for SearchNonce {
    fn on_grant(&mut self, grant: &Grant, _: &mut AttackContext<'_>) {
        self.device = grant.of;
        self.k2 = key(grant.bytes());
    }

    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if !self.literal {
            return self.ears.on_packet(view, cx);
        }
        let device = match view.to_role {
            Some(DEVICE) => view.to.host,
            _ => view.from.host,
        };
        if device == self.device || self.device == u32::MAX {
            self.seen.keep(view);
        }
        match view.message {
            Some(M2) => cx.tried(),
            Some(M4) if device == self.device => self.search(cx),
            _ => {}
        }
        Verdict::Pass
    }
}
