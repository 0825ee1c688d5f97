//! Secrecy: what an adversary claims to know, held against what honest parties have or had.
//!
//! Parties are asked what they hold after every input, and only fingerprints of it are kept. A claim
//! counts when it names a value that a party at `of` holds or held, that the scenario did not grant,
//! and in which the party that the adversary itself plays has no part.

use std::collections::{BTreeMap, BTreeSet};

use protocols::output::Tag;
use sha2::{Digest as _, Sha256};

use super::Evidence;
use crate::host::attempt::AttemptId;

/// What is kept of a secret.
type Print = [u8; 16];

/// A value that was claimed: itself, the key that it is, the payload that it is.
type Claimed = (Print, Option<Tag>, Option<Tag>);

fn print(kind: &str, bytes: &[u8]) -> Print {
    let mut hash = Sha256::new();
    hash.update(kind.as_bytes());
    hash.update([0]);
    hash.update(bytes);
    let hash: [u8; 32] = hash.finalize().into();
    hash.first_chunk().copied().unwrap_or_default()
}

/// A claim that an oracle has looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// When it was made, ns.
    pub at_ns: u64,
    /// What it is about.
    pub kind: String,
    /// The node whose secret it is.
    pub of: u32,
    /// What the adversary came up with, for reading.
    pub shown: String,
    /// The session, and what the adversary saw last.
    pub evidence: Evidence,
}

/// What one adversary claimed.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// Claims.
    pub claims: u64,
    /// Those that are true and were not granted.
    pub confirmed: u64,
    /// Those that name what was granted.
    pub granted: u64,
    /// The first true one.
    pub first: Option<Confirmed>,
}

/// The oracle of secrecy.
#[derive(Clone, Debug, Default)]
pub struct Secrecy {
    /// Values that parties hold or held, and the nodes that share them.
    known: BTreeMap<Print, BTreeSet<u32>>,
    /// Keys that parties stated, and the two ends.
    keys: BTreeMap<Tag, BTreeSet<u32>>,
    /// Payloads that parties sent.
    payloads: BTreeMap<Tag, BTreeSet<u32>>,
    /// In which attempt a key or a payload came up, by its fingerprint.
    sessions: BTreeMap<Tag, AttemptId>,
    /// What adversaries were told.
    granted: BTreeSet<(usize, Print)>,
    books: BTreeMap<usize, Book>,
    /// What was claimed and asked about, where other parts of the world may know more of it.
    claimed: Option<BTreeSet<Claimed>>,
}

/// A claim as it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    /// The adversary.
    pub adversary: usize,
    /// The node that it plays.
    pub seat: Option<u32>,
    /// When, ns.
    pub at_ns: u64,
    /// What kind of secret.
    pub kind: &'a str,
    /// Whose: one node, or several where the adversary cannot tell which.
    pub of: &'a [u32],
    /// The value.
    pub bytes: &'a [u8],
    /// The key that the bytes name, if they are a session key.
    pub key_id: Option<Tag>,
    /// True when the protocol itself confirms it.
    pub confirmed: bool,
    /// The session, and what the adversary saw last.
    pub evidence: Evidence,
}

impl Secrecy {
    /// `holder` has a secret that it shares with `about`.
    pub fn holds(&mut self, holder: u32, about: Option<u32>, kind: &str, bytes: &[u8]) {
        let ends = self.known.entry(print(kind, bytes)).or_default();
        ends.insert(holder);
        ends.extend(about);
    }

    /// True when a party has or had this value.
    pub fn is_held(&mut self, kind: &str, bytes: &[u8]) -> bool {
        let print = print(kind, bytes);
        if let Some(claimed) = &mut self.claimed {
            claimed.insert((print, None, None));
        }
        self.known.contains_key(&print)
    }

    /// `node` states a session key that it shares with `peer`.
    pub fn accepts(&mut self, node: u32, peer: Option<u32>, key_id: Tag) {
        let ends = self.keys.entry(key_id).or_default();
        ends.insert(node);
        ends.extend(peer);
    }

    /// `node` sends a payload.
    pub fn sends(&mut self, node: u32, digest: Tag) {
        self.payloads.entry(digest).or_default().insert(node);
    }

    /// A key or a payload belongs to an attempt.
    pub fn tells(&mut self, print: Tag, attempt: AttemptId) {
        if attempt.is_some() {
            self.sessions.entry(print).or_insert(attempt);
        }
    }

    /// The attempt that a session key or payload belongs to, where that is known.
    #[must_use]
    pub fn session_of(&self, kind: &str, bytes: &[u8], key_id: Option<Tag>) -> Option<AttemptId> {
        let payload = || {
            let digest: [u8; 32] = Sha256::digest(bytes).into();
            digest.first_chunk().copied()
        };
        let print = key_id.or_else(|| (kind == "payload").then(payload).flatten())?;
        self.sessions.get(&print).copied()
    }

    /// The scenario tells `adversary` a value.
    pub fn grant(&mut self, adversary: usize, kind: &str, bytes: &[u8]) {
        self.granted.insert((adversary, print(kind, bytes)));
    }

    /// Whose secret a claim names: of those it may be about, the first that has it.
    #[must_use]
    pub fn owner(&self, claim: &Statement<'_>) -> Option<u32> {
        let digest: [u8; 32] = Sha256::digest(claim.bytes).into();
        let payload = digest
            .first_chunk::<8>()
            .and_then(|it| self.payloads.get(it));
        let known = self.known.get(&print(claim.kind, claim.bytes));
        let key = claim.key_id.and_then(|id| self.keys.get(&id));
        let holders = || [key, known, payload].into_iter().flatten();
        let has = |of: &&u32| holders().any(|ends| ends.contains(of));
        let mut of = claim.of.iter();
        of.find(has).or_else(|| claim.of.first()).copied()
    }

    /// Judges a claim; true when it breaks secrecy.
    pub fn judge(&mut self, claim: &Statement<'_>) -> bool {
        let print = print(claim.kind, claim.bytes);
        let owner = self.owner(claim);
        if let Some(claimed) = &mut self.claimed {
            let digest: [u8; 32] = Sha256::digest(claim.bytes).into();
            claimed.insert((print, claim.key_id, digest.first_chunk().copied()));
        }
        let book = self.books.entry(claim.adversary).or_default();
        book.claims += 1;
        if self.granted.contains(&(claim.adversary, print)) {
            book.granted += 1;
            return false;
        }
        let digest: [u8; 32] = Sha256::digest(claim.bytes).into();
        let payload: Tag = digest.first_chunk().copied().unwrap_or_default();
        let payload = (claim.kind == "payload")
            .then(|| self.payloads.get(&payload))
            .flatten();
        let key = claim.key_id.and_then(|id| self.keys.get(&id));
        let known = self.known.get(&print);
        let shared = known
            .into_iter()
            .chain(key)
            .chain(payload)
            .any(|ends| fits(ends, claim));
        let own = claim.seat.is_some_and(|seat| claim.of.contains(&seat));
        if !shared && (!claim.confirmed || own) {
            return false;
        }
        book.confirmed += 1;
        book.first.get_or_insert_with(|| Confirmed {
            at_ns: claim.at_ns,
            kind: claim.kind.to_owned(),
            of: owner.unwrap_or(0),
            shown: shown(claim.bytes),
            evidence: claim.evidence,
        });
        true
    }

    /// From now on this is a part of a world: what is claimed is noted.
    pub(super) fn begin_part(&mut self) {
        self.claimed = Some(BTreeSet::new());
    }

    /// Whether another part of the world knows more than this one about what was claimed here.
    pub(super) fn is_outdone_by(&self, other: &Self) -> bool {
        let more = |own: Option<&BTreeSet<u32>>, theirs: Option<&BTreeSet<u32>>| {
            theirs.is_some_and(|theirs| own.is_none_or(|own| !theirs.is_subset(own)))
        };
        let tells = |print: &Tag| {
            let theirs = other.sessions.get(print);
            theirs.is_some() && theirs != self.sessions.get(print)
        };
        let mut claimed = self.claimed.iter().flatten();
        claimed.any(|(print, key, payload)| {
            more(self.known.get(print), other.known.get(print))
                || key
                    .iter()
                    .any(|key| more(self.keys.get(key), other.keys.get(key)) || tells(key))
                || payload.iter().any(|payload| {
                    more(self.payloads.get(payload), other.payloads.get(payload)) || tells(payload)
                })
        })
    }

    /// Takes over the claims of a part of the same world, which others do not outdo.
    pub(super) fn join(&mut self, part: Self) {
        self.claimed = None;
        self.books.extend(part.books);
    }

    /// What an adversary claimed.
    #[must_use]
    pub fn book(&self, adversary: usize) -> Book {
        self.books.get(&adversary).cloned().unwrap_or_default()
    }
}

/// Bytes as they are read best: text in quotes, anything else in hexadecimal, long values cut.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const TEXT_MAX: usize = 48;
    const BYTES_MAX: usize = 16;
    let printable = |byte: &u8| (0x20..0x7F).contains(byte);
    let text = !bytes.is_empty() && bytes.iter().all(printable);
    let max = if text { TEXT_MAX } else { BYTES_MAX };
    let (kept, rest) = bytes.split_at(bytes.len().min(max));
    let end = if rest.is_empty() { "" } else { "…" };
    if text {
        let kept: String = kept.iter().copied().map(char::from).collect();
        return format!("\"{kept}{end}\"");
    }
    format!("{}{end}", crate::results::hex(kept))
}

fn fits(ends: &BTreeSet<u32>, claim: &Statement<'_>) -> bool {
    claim.of.iter().any(|of| ends.contains(of))
        && claim.seat.is_none_or(|seat| !ends.contains(&seat))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(bytes: &[u8]) -> Statement<'_> {
        Statement {
            adversary: 0,
            seat: None,
            at_ns: 5,
            kind: "row",
            of: &[1],
            bytes,
            key_id: None,
            confirmed: false,
            evidence: Evidence::default(),
        }
    }

    #[test]
    fn only_what_the_party_has_and_nobody_told_counts() {
        let mut oracle = Secrecy::default();
        oracle.holds(1, Some(9), "row", b"abc");
        oracle.holds(1, None, "row", b"told");
        oracle.grant(0, "row", b"told");
        assert!(!oracle.judge(&claim(b"guess")));
        assert!(!oracle.judge(&claim(b"told")));
        assert!(!oracle.judge(&Statement {
            of: &[2],
            ..claim(b"abc")
        }));
        assert!(!oracle.judge(&Statement {
            kind: "key",
            ..claim(b"abc")
        }));
        assert!(oracle.judge(&claim(b"abc")));
        let book = oracle.book(0);
        assert_eq!((book.claims, book.confirmed, book.granted), (5, 1, 1));
        let first = book.first.expect("there is one");
        assert_eq!((first.at_ns, first.shown.as_str()), (5, "\"abc\""));
        assert_eq!(shown(&[0; 17]), format!("{}…", "00".repeat(16)));
    }

    #[test]
    fn an_insider_claims_nothing_that_it_shares() {
        let mut oracle = Secrecy::default();
        oracle.holds(1, Some(9), "row", b"abc");
        let own = Statement {
            seat: Some(9),
            ..claim(b"abc")
        };
        assert!(!oracle.judge(&own));
        assert!(oracle.judge(&Statement {
            seat: Some(8),
            ..own
        }));
    }

    #[test]
    fn payloads_and_session_keys_are_known_by_their_fingerprints() {
        let mut oracle = Secrecy::default();
        let digest: [u8; 32] = Sha256::digest(b"hello").into();
        oracle.sends(1, digest.first_chunk().copied().expect("32 bytes"));
        assert!(oracle.judge(&Statement {
            kind: "payload",
            ..claim(b"hello")
        }));
        assert!(!oracle.judge(&Statement {
            kind: "payload",
            ..claim(b"hellO")
        }));
        oracle.accepts(1, Some(2), [7; 8]);
        let key = Statement {
            kind: "session-key",
            ..claim(b"k")
        };
        assert!(!oracle.judge(&key));
        assert!(oracle.judge(&Statement {
            key_id: Some([7; 8]),
            ..key
        }));
    }
}
