//! The smart card of the prototype: how it is built, and read with any password.

use super::text::{digest, filled_hex, hex, number, readable, xor};
use crate::crypto::Crypto;
use crate::multi_server::equations::{Hash, xor as xor_hashes};
use crate::multi_server::records::Reader;

/// ID_i and a password.
#[derive(Clone, Copy)]
pub(crate) struct TextHead<'a> {
    pub(crate) id: &'a str,
    pub(crate) password: &'a str,
}

impl TextHead<'_> {
    /// A = H(ID, PW).
    pub(crate) fn secret(&self, crypto: &mut Crypto) -> Hash {
        digest(crypto, &[self.id, self.password])
    }

    /// UID = H(r1, ID, r2).
    pub(crate) fn uid(&self, crypto: &mut Crypto, r1: &str, r2: &str) -> Hash {
        digest(crypto, &[r1, self.id, r2])
    }

    /// H(r1, ID, PW) XOR H(ID, PW, r2), which masks the end of the list text.
    fn list_mask(&self, crypto: &mut Crypto, r1: &str, r2: &str) -> Hash {
        let first = digest(crypto, &[r1, self.id, self.password]);
        let second = digest(crypto, &[self.id, self.password, r2]);
        xor_hashes(crypto, &first, &second)
    }

    /// H(r2, ID) XOR H(r1, PW), which masks C.
    fn c_mask(&self, crypto: &mut Crypto, r1: &str, r2: &str) -> Hash {
        let second = digest(crypto, &[r2, self.id]);
        let first = digest(crypto, &[r1, self.password]);
        xor_hashes(crypto, &second, &first)
    }
}

/// What a card of the prototype is made of; the record is W 64, X 32, Y 32, E 32, Z.
pub(crate) struct TextCard<'a> {
    pub(crate) head: TextHead<'a>,
    pub(crate) r1: &'a str,
    pub(crate) r2: &'a str,
    pub(crate) uid: &'a Hash,
    pub(crate) a: &'a Hash,
    pub(crate) c: &'a Hash,
    pub(crate) d: &'a Hash,
    pub(crate) list: &'a str,
}

impl TextCard<'_> {
    /// Appends the card record.
    pub(crate) fn build(&self, crypto: &mut Crypto, out: &mut Vec<u8>) {
        let TextHead { password, .. } = self.head;
        let both = format!("{}{}", self.r1, self.r2);
        // 64 characters against a hash of 32 bytes: r1 stays in clear.
        out.extend_from_slice(&xor(crypto, both.as_bytes(), self.a));
        let mask = self.head.c_mask(crypto, self.r1, self.r2);
        out.extend_from_slice(&xor_hashes(crypto, &mask, self.c));
        let first = digest(crypto, &[self.r1, password]);
        let second = digest(crypto, &[self.r2, password]);
        let b = xor_hashes(crypto, &first, &second);
        out.extend_from_slice(&xor_hashes(crypto, &b, self.d));
        let usk = xor_hashes(crypto, self.a, self.d);
        let e = digest(crypto, &[&hex(self.uid), password, &hex(&usk)]);
        out.extend_from_slice(&e);
        let mask = self.head.list_mask(crypto, self.r1, self.r2);
        out.extend_from_slice(&xor(crypto, self.list.as_bytes(), &mask));
    }
}

/// A card as it was read with some password, right or wrong: E is not compared.
pub(crate) struct ReadCard {
    pub(crate) uid: Hash,
    pub(crate) c: Hash,
    list: String,
}

impl ReadCard {
    /// Reads a record; `None` when it is too short to be a card.
    pub(crate) fn read(crypto: &mut Crypto, head: &TextHead<'_>, record: &[u8]) -> Option<Self> {
        let mut reader = Reader(record);
        let (w, x): ([u8; 64], Hash) = (reader.take()?, reader.take()?);
        let _rest: ([u8; 32], [u8; 32]) = (reader.take()?, reader.take()?);
        let a = head.secret(crypto);
        let both = readable(&xor(crypto, &w, &a));
        let cut = both.char_indices().nth(32).map_or(both.len(), |(at, _)| at);
        let (r1, r2) = both.split_at(cut);
        let mask = head.list_mask(crypto, r1, r2);
        let list = number(&filled_hex(&xor(crypto, reader.0, &mask)));
        let mask = head.c_mask(crypto, r1, r2);
        Some(Self {
            uid: head.uid(crypto, r1, r2),
            c: xor_hashes(crypto, &mask, &x),
            list: list.map_or_else(String::new, |list| readable(&list).trim().to_owned()),
        })
    }

    /// The list text.
    pub(crate) fn list(&self) -> &str {
        &self.list
    }

    /// SSK and Loc of the first entry of server `id`; entries without three parts are skipped.
    pub(crate) fn find(&self, id: &str) -> Option<(&str, &str)> {
        self.list.split(';').find_map(|entry| {
            let mut parts = entry.split('.');
            let found = (parts.next()?, parts.next()?, parts.next()?);
            let three = parts.next().is_none();
            (three && found.0 == id && !found.1.is_empty()).then_some((found.1, found.2))
        })
    }
}
