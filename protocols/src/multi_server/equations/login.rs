//! Phase 3: the values of AUTH_REQ and AUTH_REP, the session key.

use crate::crypto::Crypto;

use super::{Hash, h, xor};
use crate::multi_server::messages::{Nonce, PaddedLoc};
use crate::multi_server::params::{Params, Without};

/// The verifier of a user at one server: C; in `hardened` C_ij = h("cij", C, ID_j).
pub(crate) fn verifier(params: &Params, crypto: &mut Crypto, c: &Hash, id: &[u8]) -> Hash {
    if params.hardened() {
        h(crypto, &[b"cij", c, id])
    } else {
        *c
    }
}

/// Masks UID into alpha, or unmasks alpha: XOR with h(ID_j, SSK_j, T1 [, nonce_u]).
pub(crate) fn alpha(
    params: &Params,
    crypto: &mut Crypto,
    value: &Hash,
    (id, ssk): (&[u8], &Hash),
    t1: u64,
    nonce: Option<&Nonce>,
) -> Hash {
    if params.lacks(Without::Mask) {
        return *value;
    }
    let t1 = t1.to_be_bytes();
    let stream = with_nonce(crypto, [id, ssk, &t1], nonce);
    xor(crypto, value, &stream)
}

/// beta = h(UID, SSK_j, C, T1 [, nonce_u]).
pub(crate) fn beta(
    crypto: &mut Crypto,
    uid: &Hash,
    ssk: &Hash,
    c: &Hash,
    t1: u64,
    nonce: Option<&Nonce>,
) -> Hash {
    let t1 = t1.to_be_bytes();
    with_nonce(crypto, [uid, ssk, c, &t1], nonce)
}

fn with_nonce<const N: usize>(
    crypto: &mut Crypto,
    parts: [&[u8]; N],
    nonce: Option<&Nonce>,
) -> Hash {
    let mut all: [&[u8]; 8] = [&[]; 8];
    all[..N].copy_from_slice(&parts);
    match nonce {
        Some(nonce) => {
            all[N] = nonce;
            h(crypto, &all[..=N])
        }
        None => h(crypto, &all[..N]),
    }
}

/// VT and Loc, as gamma hides them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// VT, 8 bytes.
    pub(crate) vt: u64,
    /// Loc_j, zero-filled.
    pub(crate) loc: PaddedLoc,
}

/// What both ends know of an attempt besides the grant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transcript<'a> {
    /// UID.
    pub(crate) uid: &'a Hash,
    /// ID_j, unpadded.
    pub(crate) id: &'a [u8],
    /// The verifier: C, or C_ij.
    pub(crate) c: &'a Hash,
    pub(crate) beta: &'a Hash,
    pub(crate) t1: u64,
    pub(crate) t2: u64,
    /// nonce_u and nonce_s, in `hardened`.
    pub(crate) nonces: Option<(&'a Nonce, &'a Nonce)>,
}

impl Transcript<'_> {
    fn gamma_mask(&self, crypto: &mut Crypto) -> Hash {
        let nonce = self.nonces.map(|(_, nonce)| nonce);
        with_nonce(crypto, [self.c, self.uid, self.id, self.beta], nonce)
    }

    /// gamma = (VT || Loc) XOR h(C, UID, ID_j, beta [, nonce_s]).
    pub(crate) fn gamma(&self, params: &Params, crypto: &mut Crypto, grant: &Grant) -> Hash {
        let mut gamma = [0; 32];
        gamma[..8].copy_from_slice(&grant.vt.to_be_bytes());
        gamma[8..].copy_from_slice(&grant.loc);
        if params.lacks(Without::Mask) {
            return gamma;
        }
        let stream = self.gamma_mask(crypto);
        xor(crypto, &gamma, &stream)
    }

    /// The grant in gamma.
    pub(crate) fn grant(&self, params: &Params, crypto: &mut Crypto, gamma: &Hash) -> Grant {
        let clear = if params.lacks(Without::Mask) {
            *gamma
        } else {
            let stream = self.gamma_mask(crypto);
            xor(crypto, gamma, &stream)
        };
        let (mut vt, mut loc) = ([0; 8], [0; 24]);
        vt.copy_from_slice(&clear[..8]);
        loc.copy_from_slice(&clear[8..]);
        Grant {
            vt: u64::from_be_bytes(vt),
            loc,
        }
    }

    /// sigma = h(VT, C, T2 - T1); in `hardened` h(VT, Loc, C, T1, T2, nonce_u, nonce_s).
    ///
    /// `None` when T2 - T1 does not fit a signed 64-bit integer.
    pub(crate) fn sigma(&self, crypto: &mut Crypto, grant: &Grant) -> Option<Hash> {
        let difference = i64::try_from(i128::from(self.t2) - i128::from(self.t1)).ok()?;
        let vt = grant.vt.to_be_bytes();
        Some(match self.nonces {
            None => h(crypto, &[&vt, self.c, &difference.to_be_bytes()]),
            Some((nonce_u, nonce_s)) => {
                let (t1, t2) = (self.t1.to_be_bytes(), self.t2.to_be_bytes());
                h(
                    crypto,
                    &[&vt, &grant.loc, self.c, &t1, &t2, nonce_u, nonce_s],
                )
            }
        })
    }

    /// SK = h(UID, ID_j, C, Loc, VT [, nonce_u, nonce_s]).
    pub(crate) fn session_key(&self, params: &Params, crypto: &mut Crypto, grant: &Grant) -> Hash {
        if params.lacks(Without::SessionInputs) {
            return h(crypto, &[self.uid, self.id, self.c]);
        }
        let vt = grant.vt.to_be_bytes();
        match self.nonces {
            None => h(crypto, &[self.uid, self.id, self.c, &grant.loc, &vt]),
            Some((nonce_u, nonce_s)) => {
                let parts: [&[u8]; 7] =
                    [self.uid, self.id, self.c, &grant.loc, &vt, nonce_u, nonce_s];
                h(crypto, &parts)
            }
        }
    }
}

/// VT of the mode `repo`: first 8 bytes of h(UID, "location-verification").
pub(crate) fn constant_of_user(crypto: &mut Crypto, uid: &Hash) -> u64 {
    let hash = h(crypto, &[uid, b"location-verification"]);
    hash[..8]
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}
