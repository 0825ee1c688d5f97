//! `stolen-t`: the key of one session leaks.

use crate::attack::kit::message;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Errand, Grant, Need, Power, Property, Setup,
    Verdict, View,
};
use crate::crypto::{pkcs7_pad, pkcs7_unpad};
use crate::secure_vault::messages::{DATA_UP, tag_of};
use crate::secure_vault::params::Params;

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "stolen-t",
    help: "The session key t of one session leaks while it is open. Reads its data, recorded or live, \
           and sends data of its own under the device's address; tries the same key on the next \
           sessions.",
    powers: &[Power::Observe, Power::Inject, Power::Spoof],
    // Without it the session is read, not written.
    spare: &[Power::Spoof],
    knows: &[Need {
        secret: "session-key",
        of: "device",
        at: "30min",
    }],
    properties: &[Property::Secrecy, Property::Integrity],
    claims: &["SV-C8", "SV-C2"],
    control: Control::without("update"),
    variants: super::WITH_DATA,
    claims_secrets: &["payload"],
    stage: super::STAGE.with_errands(&[Errand {
        from: "device",
        to: "server",
        commands: &["authenticate", "send-data"],
        every: "exp(1min)",
        first: "",
    }]),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct StolenT {
    key_bytes: usize,
    data: Option<usize>,
    /// The last data of each device: addresses and frame.
    last: Vec<(crate::address::Address, crate::address::Address, Vec<u8>)>,
    key: Vec<u8>,
    of: u32,
}

impl StolenT {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        Self {
            key_bytes: params.key_bytes,
            data: message(setup.instance, "DATA_UP"),
            last: Vec::new(),
            key: Vec::new(),
            of: u32::MAX,
        }
    }

    /// The keys of AES and of the HMAC: `hardened` has two, the others use t for both.
    fn keys(&self) -> (&[u8], &[u8]) {
        let (cipher, rest) = self.key.split_at(self.key_bytes.min(self.key.len()));
        (cipher, if rest.is_empty() { cipher } else { rest })
    }

    /// Reads a frame under the stolen key; claims its text.
    fn read(&self, frame: &[u8], cx: &mut AttackContext<'_>) {
        let (Some(iv), Some(rest)) = (frame.get(5..21), frame.get(21..)) else {
            return;
        };
        let Some((ciphertext, mac)) = rest.split_at_checked(rest.len().saturating_sub(32)) else {
            return;
        };
        let covered = &frame[..frame.len() - 32];
        let (cipher, authentic) = self.keys();
        if cx.crypto.hmac_sha256(authentic, &[covered]) != mac {
            return;
        }
        let mut text = ciphertext.to_vec();
        let key = cx.crypto.aes_key(cipher);
        let iv = iv.try_into().unwrap_or([0; 16]);
        cx.crypto.cbc_decrypt(&key, &iv, &mut text);
        if let Some(plain) = pkcs7_unpad(&text) {
            cx.claim("payload", self.of, plain);
        }
    }

    /// Data of its own under the next number.
    fn forge(&self, after: &[u8], cx: &mut AttackContext<'_>) -> Vec<u8> {
        let seq = after
            .get(1..5)
            .and_then(|bytes| bytes.first_chunk::<4>())
            .map_or(0, |bytes| u32::from_be_bytes(*bytes).wrapping_add(1));
        let mut frame = vec![tag_of(DATA_UP)];
        frame.extend(seq.to_be_bytes());
        let mut iv = [0; 16];
        cx.random(&mut iv);
        frame.extend(iv);
        frame.extend(b"not from the device");
        pkcs7_pad(&mut frame, 21);
        let (cipher, authentic) = self.keys();
        let key = cx.crypto.aes_key(cipher);
        cx.crypto.cbc_encrypt(&key, &iv, &mut frame[21..]);
        let mac = cx.crypto.hmac_sha256(authentic, &[&frame]);
        frame.extend(mac);
        frame
    }
}

impl Attacker for StolenT {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.data.is_some() && view.message == self.data {
            if !self.key.is_empty() {
                cx.tried();
                self.read(view.bytes, cx);
            }
            self.last.retain(|(from, ..)| *from != view.from);
            self.last.push((view.from, view.to, view.bytes.to_vec()));
        }
        Verdict::Pass
    }

    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        self.of = grant.of;
        self.key = grant.bytes().to_vec();
        if self.key.is_empty() {
            return;
        }
        let last = self.last.iter().find(|(from, ..)| from.host == grant.of);
        if let Some((from, to, frame)) = last {
            self.read(frame, cx);
            let forged = self.forge(frame, cx);
            cx.inject(*from, *to, forged);
        }
    }
}
