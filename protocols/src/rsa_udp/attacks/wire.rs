//! Frames as an attacker reads and writes them, the same for the compact and the printed form.

use crate::attack::AttackContext;
use crate::crypto::Crypto;
use crate::crypto::rsa::pair::{self, Pair};
use crate::crypto::rsa::{Arithmetic, PrivateKey, PublicKey, pem};
use crate::rsa_udp::equations::{self, Stored, hardened};
use crate::rsa_udp::literal::text::{self, Message};
use crate::rsa_udp::messages::{
    self, Encrypt, Frame, Inner, InnerKind, Pass, SEALED_HEADER, Salt, salt_from,
};
use crate::rsa_udp::params::{Params, Variant};
use crate::rsa_udp::sealing;

/// Places of the messages among the layouts of every variant.
pub(super) const CONNECT: usize = 0;
pub(super) const PASS: usize = 1;
pub(super) const ENCRYPT: usize = 2;
pub(super) const ERROR: usize = 3;
pub(super) const SEALED: usize = 5;

/// What a PASS says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PassParts {
    pub(super) number: u64,
    pub(super) login_hash: [u8; 32],
    pub(super) client_salt: Salt,
    pub(super) dh_public: u32,
    pub(super) exponent: u32,
    pub(super) modulus: Vec<u8>,
    pub(super) user: Vec<u8>,
}

/// What an ENCRYPT says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EncryptParts {
    pub(super) server_hash: [u8; 32],
    pub(super) dh_public: u32,
    pub(super) exponent: u32,
    pub(super) modulus: Vec<u8>,
}

/// What a CONNECT says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ConnectParts {
    pub(super) salt: Salt,
    pub(super) number: u64,
    pub(super) name: Vec<u8>,
}

/// Reads and writes the frames of a variant.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) params: Params,
}

impl Wire {
    pub(super) fn new(params: &Params) -> Self {
        Self {
            params: params.clone(),
        }
    }

    fn is_text(&self) -> bool {
        self.params.variant == Variant::Literal
    }

    pub(super) fn connect(&self, bytes: &[u8]) -> Option<ConnectParts> {
        if self.is_text() {
            let message = Message::parse(bytes)?;
            let [salt, number, name] = message.fields[..] else {
                return None;
            };
            return Some(ConnectParts {
                salt: unhex(salt)?,
                number: decimal(number)?,
                name: name.to_vec(),
            });
        }
        match messages::decode(&self.params.layouts, bytes) {
            Ok(Frame::Connect { salt, number, name }) => Some(ConnectParts {
                salt,
                number: u64::from(number),
                name: name.to_vec(),
            }),
            _ => None,
        }
    }

    pub(super) fn connect_frame(&self, parts: &ConnectParts) -> Vec<u8> {
        let mut out = Vec::new();
        if self.is_text() {
            let salt: [u8; 32] = equations::hex(&parts.salt);
            out.extend(b"CONNECT:");
            out.extend(salt);
            out.extend(format!(",{},", parts.number).as_bytes());
            out.extend(&parts.name);
        } else {
            Frame::Connect {
                salt: parts.salt,
                number: u32::try_from(parts.number).unwrap_or(0),
                name: &parts.name,
            }
            .encode(&mut out);
        }
        out
    }

    pub(super) fn pass(&self, bytes: &[u8]) -> Option<PassParts> {
        if self.is_text() {
            let message = Message::parse(bytes)?;
            let [b"PASS", number, user, login, salt, dh_public, key] = message.fields[..] else {
                return None;
            };
            let key = pem::decode(key, Arithmetic::Real)?;
            return Some(PassParts {
                number: decimal(number)?,
                login_hash: unhex(login)?,
                client_salt: unhex(salt)?,
                dh_public: u32::try_from(decimal(dh_public)?).ok()?,
                exponent: key.exponent(),
                modulus: key.modulus().to_vec(),
                user: user.to_vec(),
            });
        }
        match messages::decode(&self.params.layouts, bytes) {
            Ok(Frame::Pass(pass)) => Some(PassParts {
                number: u64::from(pass.number),
                login_hash: pass.login_hash,
                client_salt: pass.client_salt,
                dh_public: pass.dh_public,
                exponent: pass.exponent,
                modulus: pass.modulus.to_vec(),
                user: pass.user.to_vec(),
            }),
            _ => None,
        }
    }

    pub(super) fn pass_frame(&self, parts: &PassParts) -> Vec<u8> {
        let mut out = Vec::new();
        if self.is_text() {
            let login: [u8; 64] = equations::hex(&parts.login_hash);
            let salt: [u8; 32] = equations::hex(&parts.client_salt);
            let key = pem::encode(&parts.modulus, parts.exponent).unwrap_or_default();
            out.extend(format!("ACK:PASS,{},", parts.number).as_bytes());
            out.extend(&parts.user);
            out.push(b',');
            out.extend(login);
            out.push(b',');
            out.extend(salt);
            out.extend(format!(",{},{key}", parts.dh_public).as_bytes());
        } else {
            Frame::Pass(Pass {
                number: u32::try_from(parts.number).unwrap_or(0),
                login_hash: parts.login_hash,
                client_salt: parts.client_salt,
                dh_public: parts.dh_public,
                exponent: parts.exponent,
                modulus: &parts.modulus,
                user: &parts.user,
            })
            .encode(&mut out);
        }
        out
    }

    pub(super) fn encrypt(&self, bytes: &[u8]) -> Option<EncryptParts> {
        if self.is_text() {
            let message = Message::parse(bytes)?;
            let [b"ENCRYPT", key, server, dh_public] = message.fields[..] else {
                return None;
            };
            let key = pem::decode(key, Arithmetic::Real)?;
            return Some(EncryptParts {
                server_hash: unhex(server)?,
                dh_public: u32::try_from(decimal(dh_public)?).ok()?,
                exponent: key.exponent(),
                modulus: key.modulus().to_vec(),
            });
        }
        match messages::decode(&self.params.layouts, bytes) {
            Ok(Frame::Encrypt(encrypt)) => Some(EncryptParts {
                server_hash: encrypt.server_hash,
                dh_public: encrypt.dh_public,
                exponent: encrypt.exponent,
                modulus: encrypt.modulus.to_vec(),
            }),
            _ => None,
        }
    }

    pub(super) fn encrypt_frame(&self, parts: &EncryptParts) -> Vec<u8> {
        let mut out = Vec::new();
        if self.is_text() {
            let key = pem::encode(&parts.modulus, parts.exponent).unwrap_or_default();
            let server: [u8; 64] = equations::hex(&parts.server_hash);
            out.extend(format!("ACK:ENCRYPT,{key},").as_bytes());
            out.extend(server);
            out.extend(format!(",{}", parts.dh_public).as_bytes());
        } else {
            Frame::Encrypt(Encrypt {
                server_hash: parts.server_hash,
                dh_public: parts.dh_public,
                exponent: parts.exponent,
                modulus: &parts.modulus,
            })
            .encode(&mut out);
        }
        out
    }

    /// The frame with which a device refuses a login.
    pub(super) fn refusal(&self) -> Vec<u8> {
        if self.is_text() {
            b"ERROR:LOGIN".to_vec()
        } else {
            vec![4, 1]
        }
    }

    /// The login_hash that somebody who has `stored` sends in this PASS.
    pub(super) fn login_proof(
        &self,
        crypto: &mut Crypto,
        stored: &Stored,
        salt: &Salt,
        pass: &PassParts,
    ) -> [u8; 32] {
        if self.params.hardened() {
            hardened::login_mac(crypto, stored, salt, &self.pass_frame(pass))
        } else {
            equations::salted_hash(crypto, &self.params, stored, salt)
        }
    }

    /// A whole SEALED frame of an inner frame; `None` when the text is too long or the key no key.
    /// An attacker has no key for the MAC of the hardened variant and leaves it out.
    pub(super) fn seal(
        &self,
        cx: &mut AttackContext<'_>,
        (modulus, exponent): (&[u8], u32),
        (kind, seq, text): (InnerKind, u64, &[u8]),
    ) -> Option<Vec<u8>> {
        let mut plain = Vec::new();
        if self.is_text() {
            match kind {
                InnerKind::Data => plain.extend(b"DATA:"),
                InnerKind::Echo => plain.extend(text::ECHO),
                InnerKind::Fin => plain.extend(b"FIN:"),
            }
            plain.extend(text);
            if kind != InnerKind::Fin {
                plain.push(b',');
            }
            plain.extend(seq.to_string().as_bytes());
        } else {
            Inner { kind, seq, text }.encode(&mut plain);
        }
        self.seal_plain(cx, (modulus, exponent), &plain)
    }

    /// A whole SEALED frame of any bytes.
    pub(super) fn seal_plain(
        &self,
        cx: &mut AttackContext<'_>,
        (modulus, exponent): (&[u8], u32),
        plain: &[u8],
    ) -> Option<Vec<u8>> {
        let mut block = Vec::new();
        if self.params.clear() {
            if plain.len() + 2 > self.params.modulus_bytes() {
                return None;
            }
            sealing::wrap(plain, self.params.modulus_bytes(), &mut block);
        } else {
            let key = PublicKey::new(modulus, exponent, Arithmetic::Real)?;
            let hash = self.params.oaep_hash;
            cx.crypto
                .rsa_seal(&mut *cx.entropy, &key, hash, plain, &mut block)
                .ok()?;
        }
        let mut frame = Vec::new();
        if self.is_text() {
            text::base64_encode(&block, &mut frame);
        } else {
            frame.extend(SEALED_HEADER);
            frame.extend(block);
        }
        Some(frame)
    }

    /// Opens a SEALED frame with a private key, or without any where the cipher is left out.
    pub(super) fn open(
        &self,
        cx: &mut AttackContext<'_>,
        own: Option<&PrivateKey>,
        frame: &[u8],
    ) -> Option<(InnerKind, u64, Vec<u8>)> {
        let block = if self.is_text() {
            text::base64_decode(frame)
        } else {
            frame.get(1..)?.to_vec()
        };
        let plain = if self.params.clear() {
            sealing::unwrap(&block)?.to_vec()
        } else {
            cx.crypto.rsa_open(own?, self.params.oaep_hash, &block)?
        };
        if self.is_text() {
            return inner_text(&plain);
        }
        let mac = if self.params.hardened() { 16 } else { 0 };
        let inner = plain.get(..plain.len().checked_sub(mac)?)?;
        let inner = Inner::decode(inner).ok()?;
        Some((inner.kind, inner.seq, inner.text.to_vec()))
    }
}

fn inner_text(plain: &[u8]) -> Option<(InnerKind, u64, Vec<u8>)> {
    if let Some(seq) = plain.strip_prefix(b"FIN:") {
        return Some((InnerKind::Fin, decimal(seq)?, Vec::new()));
    }
    let (line, seq) = text::split_last_comma(plain)?;
    let seq = decimal(seq)?;
    if let Some(line) = line.strip_prefix(b"DATA:") {
        return Some((InnerKind::Data, seq, line.to_vec()));
    }
    let line = line.strip_prefix(text::ECHO)?;
    Some((InnerKind::Echo, seq, line.to_vec()))
}

fn decimal(digits: &[u8]) -> Option<u64> {
    text::Decimal::parse(digits)?.value()
}

fn unhex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let mut out = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::try_from(value(pair[0])? << 4 | value(pair[1])?).ok()?;
    }
    Some(out)
}

/// A salt of the attacker's own.
pub(super) fn own_salt(cx: &mut AttackContext<'_>) -> Salt {
    let mut salt = [0; 16];
    cx.random(&mut salt);
    salt_from(salt)
}

/// A key pair of the attacker's own, made when it is first needed.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnKey(Option<(Vec<u8>, u32, PrivateKey)>);

impl OwnKey {
    /// Modulus, exponent and private key.
    pub(super) fn get(
        &mut self,
        params: &Params,
        cx: &mut AttackContext<'_>,
    ) -> Option<(Vec<u8>, u32, PrivateKey)> {
        if self.0.is_none() {
            let bits = params.rsa_bits;
            let bytes = pair::generate(cx.entropy, bits, params.rsa_exponent, Arithmetic::Real);
            let pair = Pair::parse(&bytes)?;
            self.0 = Some((
                pair.modulus().to_vec(),
                pair.exponent(),
                pair.private_key()?,
            ));
        }
        self.0.clone()
    }
}
