//! `eavesdrop`: reads everything, names what it can, and tells sessions apart by their devices.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Position, Power, Property, Verdict, View,
};
use crate::secure_vault::messages::{M1, M2, M3, M4, tag_of};
use crate::secure_vault::params::Params;

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "eavesdrop",
    help: "Reads every message. Where M3 shows the r1 of M2 in clear, it takes t1 from M3 and t2 from \
           M4 and names the session key t1 XOR t2. It links sessions by the device_id in M1.",
    powers: &[Power::Observe],
    spare: &[],
    positions: &[Position::OnPath],
    knows: &[],
    params: &[],
    cases: &[],
    properties: &[Property::Secrecy, Property::Anonymity],
    claims: &["SV-C1"],
    case_claims: &[],
    control: Control::without("cipher"),
    variants: &[],
    claims_secrets: &["session-key"],
    stage: super::STAGE,
    stages: &[],
};

/// What has been read of a handshake between two addresses.
#[derive(Debug, Default)]
struct Reading {
    r1: Vec<u8>,
    t1: Vec<u8>,
}

/// The attacker.
#[derive(Debug)]
pub(super) struct Eavesdrop {
    key_bytes: usize,
    /// Handshakes under way, by the address of the device.
    readings: BTreeMap<Address, Reading>,
    /// The session before: its first frame and device_id.
    last: Option<(u64, Vec<u8>)>,
}

impl Eavesdrop {
    pub(super) const fn new(params: &Params) -> Self {
        Self {
            key_bytes: params.key_bytes,
            readings: BTreeMap::new(),
            last: None,
        }
    }

    /// Two sessions with the same device_id are of the same device.
    fn link(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        // In the prototype's text the id ends at the first bar.
        let text = view.bytes.windows(2).position(|pair| pair == b"||");
        let id = match text {
            Some(end) if view.bytes[0] != tag_of(M1) => &view.bytes[..end],
            _ => view.bytes.get(1..5).unwrap_or(&[]),
        };
        let id = id.to_vec();
        if let Some((first, before)) = &self.last {
            cx.claim_link(*first, view.frame, *before == id);
        }
        self.last = Some((view.frame, id));
    }
}

impl Attacker for Eavesdrop {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let mb = self.key_bytes;
        let body = view.bytes.get(1..).unwrap_or(&[]);
        match view.message {
            Some(M1) => {
                cx.tried();
                self.readings.insert(view.from, Reading::default());
                self.link(view, cx);
            }
            Some(M2) => {
                if let Some(reading) = self.readings.get_mut(&view.to) {
                    reading.r1 = body[body.len().saturating_sub(mb)..].to_vec();
                }
            }
            Some(M3) => {
                if let Some(reading) = self.readings.get_mut(&view.from)
                    && body.starts_with(&reading.r1)
                {
                    reading.t1 = body.get(mb..2 * mb).unwrap_or(&[]).to_vec();
                }
            }
            Some(M4) => {
                if let Some(reading) = self.readings.remove(&view.to)
                    && let Some(t2) = body.get(mb..2 * mb)
                    && !reading.t1.is_empty()
                {
                    let pairs = reading.t1.iter().zip(t2);
                    let t: Vec<u8> = pairs.map(|(one, other)| one ^ other).collect();
                    cx.claim("session-key", view.to.host, t);
                }
            }
            _ => {}
        }
        Verdict::Pass
    }
}
