//! Phases 4a, 4b and 5: proofs, masks and confirmations of the three updates.

use crate::crypto::Crypto;

use super::{Hash, h, mask, xor};
use crate::multi_server::params::{Params, Without};

/// The user's side of a request to the centre: C and UID bind every value of phases 4a and 4b.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bond<'a> {
    /// The C under which the request was made.
    pub(crate) c: &'a Hash,
    pub(crate) uid: &'a Hash,
    /// T of the request.
    pub(crate) t: u64,
}

impl Bond<'_> {
    /// tau of LIST_REQ = h(C, T, UID).
    pub(crate) fn list_proof(&self, crypto: &mut Crypto) -> Hash {
        h(crypto, &[self.c, &self.t.to_be_bytes(), self.uid])
    }

    /// Masks or unmasks a list in place: XOR with KS("list", C, UID, T, T').
    pub(crate) fn mask_list(
        &self,
        params: &Params,
        crypto: &mut Crypto,
        answered: u64,
        list: &mut [u8],
    ) {
        if !params.lacks(Without::Mask) {
            let (t, answered) = (self.t.to_be_bytes(), answered.to_be_bytes());
            mask(crypto, &[b"list", self.c, self.uid, &t, &answered], list);
        }
    }

    /// mu of LIST_REP = h("list-mac", C, UID, T, T', list).
    pub(crate) fn list_mac(&self, crypto: &mut Crypto, answered: u64, list: &[u8]) -> Hash {
        let (t, answered) = (self.t.to_be_bytes(), answered.to_be_bytes());
        h(
            crypto,
            &[b"list-mac", self.c, self.uid, &t, &answered, list],
        )
    }

    /// Masks A' into pa, or unmasks pa: XOR with h("pw", C, UID, T).
    pub(crate) fn mask_secret(&self, crypto: &mut Crypto, value: &Hash) -> Hash {
        let stream = h(crypto, &[b"pw", self.c, self.uid, &self.t.to_be_bytes()]);
        xor(crypto, value, &stream)
    }

    /// tau of PWD_REQ = h("pw-auth", C, UID, T, A').
    pub(crate) fn secret_proof(&self, crypto: &mut Crypto, a: &Hash) -> Hash {
        let t = self.t.to_be_bytes();
        h(crypto, &[b"pw-auth", self.c, self.uid, &t, a])
    }

    /// Masks C' into cx, or unmasks cx: XOR with h("c", C, UID, T, T').
    pub(crate) fn mask_c(
        &self,
        params: &Params,
        crypto: &mut Crypto,
        answered: u64,
        value: &Hash,
    ) -> Hash {
        self.mask_issue(params, crypto, b"c", answered, value)
    }

    /// Masks D' into dx, or unmasks dx: XOR with h("d", C, UID, T, T').
    pub(crate) fn mask_d(
        &self,
        params: &Params,
        crypto: &mut Crypto,
        answered: u64,
        value: &Hash,
    ) -> Hash {
        self.mask_issue(params, crypto, b"d", answered, value)
    }

    fn mask_issue(
        &self,
        params: &Params,
        crypto: &mut Crypto,
        label: &[u8],
        answered: u64,
        value: &Hash,
    ) -> Hash {
        if params.lacks(Without::Mask) {
            return *value;
        }
        let (t, answered) = (self.t.to_be_bytes(), answered.to_be_bytes());
        let stream = h(crypto, &[label, self.c, self.uid, &t, &answered]);
        xor(crypto, value, &stream)
    }

    /// mu of PWD_REP = h("pw-ok", C, UID, T, T', version, C', D').
    pub(crate) fn issue_mac(
        &self,
        crypto: &mut Crypto,
        answered: u64,
        version: u32,
        (c, d): (&Hash, &Hash),
    ) -> Hash {
        let (t, answered) = (self.t.to_be_bytes(), answered.to_be_bytes());
        let version = version.to_be_bytes();
        let parts: [&[u8]; 8] = [b"pw-ok", self.c, self.uid, &t, &answered, &version, c, d];
        h(crypto, &parts)
    }
}

/// ack of PWD_ACK = h("pw-ack", C', UID, version).
pub(crate) fn acknowledgement(crypto: &mut Crypto, c: &Hash, uid: &Hash, version: u32) -> Hash {
    h(crypto, &[b"pw-ack", c, uid, &version.to_be_bytes()])
}

/// omega of DB_REQ = h(Q_j, T, SSK_j).
pub(crate) fn table_proof(crypto: &mut Crypto, q: &Hash, t: u64, ssk: &Hash) -> Hash {
    h(crypto, &[q, &t.to_be_bytes(), ssk])
}

/// The keys and times of one exchange of phase 5.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TableBond<'a> {
    pub(crate) ssk: &'a Hash,
    pub(crate) q: &'a Hash,
    /// T of DB_REQ.
    pub(crate) t: u64,
    /// T' of DB_REP.
    pub(crate) answered: u64,
}

impl TableBond<'_> {
    /// Masks or unmasks records in place: XOR with KS("db", SSK_j, Q_j, T, T').
    pub(crate) fn mask(&self, params: &Params, crypto: &mut Crypto, records: &mut [u8]) {
        if !params.lacks(Without::Mask) {
            let (t, answered) = (self.t.to_be_bytes(), self.answered.to_be_bytes());
            mask(crypto, &[b"db", self.ssk, self.q, &t, &answered], records);
        }
    }

    /// mu of DB_REP = h("db-mac", SSK_j, Q_j, T, T', records).
    pub(crate) fn mac(&self, crypto: &mut Crypto, records: &[u8]) -> Hash {
        let (t, answered) = (self.t.to_be_bytes(), self.answered.to_be_bytes());
        h(
            crypto,
            &[b"db-mac", self.ssk, self.q, &t, &answered, records],
        )
    }
}
