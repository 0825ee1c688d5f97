//! An open session: its key, its counters, and the application frames under it.

use crate::address::Address;
use crate::context::Context;
use crate::crypto::{RunningSha256, pkcs7_pad, pkcs7_unpad};
use crate::machine::Arg;
use crate::output::{Output, Tag};

use super::PORT;
use super::equations::payload_digest;
use super::messages::{Application, DATA_UP, END, PAYLOAD_MAX, tag_of};

/// Bytes of payload that `send-data` draws when it is given none.
const PAYLOAD_DEFAULT: usize = 16;

/// Storage for a session key that is AES key and HMAC key in one.
pub(super) const ONE_KEY: usize = 32;
/// Storage for an AES key followed by an HMAC key of 32 bytes.
pub(super) const TWO_KEYS: usize = 64;

/// One end of a session. `KEY` is [`ONE_KEY`] or [`TWO_KEYS`].
#[derive(Clone, Debug)]
pub(super) struct Session<const KEY: usize> {
    key: [u8; KEY],
    tag: Tag,
    sent: u32,
    received: u32,
}

/// Data exchanged, collected until the end of the session (`commit = session-end`).
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    /// D of the handshake.
    data: Vec<u8>,
    up: RunningSha256,
    down: RunningSha256,
}

impl Ledger {
    /// Starts with D of the handshake.
    pub(super) fn new(data: Vec<u8>) -> Self {
        Self {
            data,
            up: RunningSha256::default(),
            down: RunningSha256::default(),
        }
    }

    fn add(&mut self, cx: &mut Context<'_>, message: usize, body: &[u8]) {
        let direction = if message == DATA_UP {
            &mut self.up
        } else {
            &mut self.down
        };
        cx.crypto.sha256_add(direction, body);
    }

    /// D with the hashes of both directions behind it.
    pub(super) fn close(self, cx: &mut Context<'_>) -> Vec<u8> {
        let Self { mut data, up, down } = self;
        data.extend(cx.crypto.sha256_end(up));
        data.extend(cx.crypto.sha256_end(down));
        data
    }
}

/// What both ends need to know to write and read application frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suite {
    /// Bytes of the AES key (mb).
    pub(super) key_bytes: usize,
    /// False in the broken twin that ignores MAC and number.
    pub(super) authenticated: bool,
}

impl<const KEY: usize> Session<KEY> {
    /// A session with a fresh key; bytes past `KEY` are left out.
    pub(super) fn new(key: &[u8], tag: Tag) -> Self {
        let mut held = [0; KEY];
        for (byte, given) in held.iter_mut().zip(key) {
            *byte = *given;
        }
        Self {
            key: held,
            tag,
            sent: 0,
            received: 0,
        }
    }

    /// The key, for observers.
    pub(super) const fn key(&self) -> [u8; KEY] {
        self.key
    }

    /// Names the session to observers.
    pub(super) const fn tag(&self) -> Tag {
        self.tag
    }

    fn aes_key(&self, suite: Suite) -> &[u8] {
        &self.key[..suite.key_bytes.min(KEY)]
    }

    fn mac_key(&self, suite: Suite) -> &[u8] {
        if KEY == ONE_KEY {
            self.aes_key(suite)
        } else {
            let start = suite.key_bytes.min(KEY - 32);
            &self.key[start..start + 32]
        }
    }

    /// Sends one application payload.
    ///
    /// # Errors
    ///
    /// `too-long` for more than [`PAYLOAD_MAX`] bytes; nothing is drawn or sent then.
    pub(super) fn send(
        &mut self,
        cx: &mut Context<'_>,
        suite: Suite,
        message: usize,
        to: Address,
        payload: Arg<'_>,
        ledger: Option<&mut Ledger>,
    ) -> Result<(), &'static str> {
        let length = match payload {
            Arg::Default => PAYLOAD_DEFAULT,
            Arg::Bytes(bytes) => bytes.len(),
            Arg::Integer(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
        };
        if length > PAYLOAD_MAX {
            return Err("too-long");
        }
        let mut frame = cx.buffers.take();
        frame.push(tag_of(message));
        frame.extend(self.sent.to_be_bytes());
        let text = frame.len() + 16;
        frame.resize(text, 0);
        if let Arg::Bytes(bytes) = payload {
            frame.extend_from_slice(bytes);
        } else {
            frame.resize(text + length, 0);
            cx.random(&mut frame[text..]);
        }
        let digest = payload_digest(&frame[text..]);
        let mut iv = [0; 16];
        cx.random(&mut iv);
        frame[text - 16..text].copy_from_slice(&iv);
        pkcs7_pad(&mut frame, text);
        let key = cx.crypto.aes_key(self.aes_key(suite));
        cx.crypto.cbc_encrypt(&key, &iv, &mut frame[text..]);
        let mac = cx.crypto.hmac_sha256(self.mac_key(suite), &[&frame]);
        frame.extend(mac);
        if let Some(ledger) = ledger {
            ledger.add(cx, message, &frame[1..]);
        }
        cx.send(PORT, to, crate::Channel::Public, |out| {
            out.extend_from_slice(&frame);
        });
        cx.output(Output::DataSent {
            session: self.tag,
            seq: u64::from(self.sent),
            digest,
        });
        self.sent = self.sent.wrapping_add(1);
        cx.buffers.give(frame);
        Ok(())
    }

    /// Takes an application payload in.
    ///
    /// # Errors
    ///
    /// `mac`, `seq` or `padding`, judged in this order; the session is unchanged then.
    pub(super) fn accept(
        &mut self,
        cx: &mut Context<'_>,
        suite: Suite,
        frame: &Application<'_>,
        ledger: Option<&mut Ledger>,
    ) -> Result<(), &'static str> {
        self.check(cx, suite, frame)?;
        let mut text = cx.buffers.take();
        text.extend_from_slice(frame.ciphertext);
        let iv = frame.iv.try_into().unwrap_or([0; 16]);
        let key = cx.crypto.aes_key(self.aes_key(suite));
        cx.crypto.cbc_decrypt(&key, &iv, &mut text);
        let digest = pkcs7_unpad(&text).map(payload_digest);
        cx.buffers.give(text);
        let digest = digest.ok_or("padding")?;
        if let Some(ledger) = ledger {
            let (body, mac) = (frame.covered.get(1..).unwrap_or(&[]), frame.mac);
            ledger.add(cx, frame.message, body);
            ledger.add(cx, frame.message, mac);
        }
        cx.output(Output::DataAccepted {
            session: self.tag,
            seq: u64::from(frame.seq),
            digest,
        });
        self.received = self.received.wrapping_add(1);
        Ok(())
    }

    /// Judges MAC and number of a frame; of END too, whose number is how many were sent.
    ///
    /// # Errors
    ///
    /// `mac` or `seq`, judged in this order.
    pub(super) fn check(
        &self,
        cx: &mut Context<'_>,
        suite: Suite,
        frame: &Application<'_>,
    ) -> Result<(), &'static str> {
        if !suite.authenticated {
            return Ok(());
        }
        let mac = cx.crypto.hmac_sha256(self.mac_key(suite), &[frame.covered]);
        if !cx.crypto.equal(&mac, frame.mac) {
            return Err("mac");
        }
        if frame.seq == self.received {
            Ok(())
        } else {
            Err("seq")
        }
    }

    /// Sends END.
    pub(super) fn send_end(&self, cx: &mut Context<'_>, suite: Suite, to: Address) {
        let mut frame = [0; 5];
        frame[0] = tag_of(END);
        frame[1..].copy_from_slice(&self.sent.to_be_bytes());
        let mac = cx.crypto.hmac_sha256(self.mac_key(suite), &[&frame]);
        cx.send(PORT, to, crate::Channel::Public, |out| {
            out.extend_from_slice(&frame);
            out.extend_from_slice(&mac);
        });
    }
}
