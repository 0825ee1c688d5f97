//! The live session keys of one party, and the betas a server has accepted.

use std::collections::{BTreeSet, VecDeque};

use crate::output::{Output, Principal, Reason, Tag};
use crate::time::{LocalTime, Span};
use crate::{Context, Timer};

use super::equations::Hash;
use super::timer;

/// Most live session keys at one party.
pub(crate) const SESSIONS_MAX: usize = 65_536;

/// Most betas that a server remembers.
pub(crate) const BETAS_MAX: usize = 65_536;

/// One live session.
#[derive(Clone, Copy, Debug)]
struct Session {
    peer: Principal,
    tag: Tag,
    key: Hash,
    end: LocalTime,
}

/// The live sessions, each with its timer; the key of the timer is the session's slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    slots: Vec<Option<Session>>,
    free: Vec<u32>,
    /// End and slot, ascending: lifetimes hardly differ, so nearly all come at the back and go at
    /// the front.
    ends: VecDeque<(LocalTime, u32)>,
}

impl Sessions {
    /// Keeps SK for `lifetime`. When there are too many, the one that ends first is forgotten.
    ///
    /// Effects: (`Cancel`, `Ended` of the one forgotten), `Arm`.
    pub(crate) fn open(
        &mut self,
        cx: &mut Context<'_>,
        (peer, tag): (Principal, Tag),
        key: Hash,
        lifetime: Span,
    ) {
        if self.ends.len() >= SESSIONS_MAX
            && let Some(&(_, slot)) = self.ends.front()
        {
            cx.cancel(Timer {
                kind: timer::SESSION,
                key: slot,
            });
            self.end(slot, "evicted", cx);
        }
        let end = cx.now.after(lifetime);
        let session = Session {
            peer,
            tag,
            key,
            end,
        };
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                // At most SESSIONS_MAX slots exist.
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = Some(session);
        }
        let at = self.ends.partition_point(|other| *other < (end, slot));
        self.ends.insert(at, (end, slot));
        cx.arm(
            Timer {
                kind: timer::SESSION,
                key: slot,
            },
            lifetime,
        );
    }

    /// The timer of a slot expired: SK is forgotten.
    pub(crate) fn expire(&mut self, slot: u32, cx: &mut Context<'_>) {
        self.end(slot, "expired", cx);
    }

    fn end(&mut self, slot: u32, reason: &'static str, cx: &mut Context<'_>) {
        let place = self.slots.get_mut(slot as usize);
        if let Some(session) = place.and_then(Option::take) {
            if let Ok(at) = self.ends.binary_search(&(session.end, slot)) {
                self.ends.remove(at);
            }
            self.free.push(slot);
            cx.output(Output::Ended {
                peer: session.peer,
                session: session.tag,
                reason: Reason::new(reason),
            });
        }
    }

    /// Name and SK of the live session that ends last.
    pub(crate) fn newest(&self) -> Option<(&Tag, &Hash)> {
        let (_, slot) = self.ends.back()?;
        let session = self.slots.get(*slot as usize)?.as_ref()?;
        Some((&session.tag, &session.key))
    }

    /// The newest live SK with `peer` of the session `tag`.
    pub(crate) fn key(&self, tag: &Tag) -> Option<&Hash> {
        self.slots
            .iter()
            .flatten()
            .find(|session| session.tag == *tag)
            .map(|session| &session.key)
    }
}

/// Remembers accepted betas for a while, oldest out first.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReplayCache {
    order: VecDeque<(LocalTime, Hash)>,
    known: BTreeSet<Hash>,
}

impl ReplayCache {
    /// True when `beta` was accepted within the last `span`; forgets what is older.
    pub(crate) fn contains(&mut self, now: LocalTime, span: Span, beta: &Hash) -> bool {
        while let Some((accepted, oldest)) = self.order.front()
            && now.since(*accepted) > span
        {
            self.known.remove(oldest);
            self.order.pop_front();
        }
        self.known.contains(beta)
    }

    /// Remembers an accepted `beta`.
    pub(crate) fn insert(&mut self, now: LocalTime, beta: &Hash) {
        if !self.known.insert(*beta) {
            return;
        }
        if self.order.len() >= BETAS_MAX
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back((now, *beta));
    }
}
