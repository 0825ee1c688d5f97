//! The cards at hand: opening the right one, counting attempts, finding a server in its list.

use crate::crypto::Crypto;
use crate::storage::Record;
use crate::{Arg, Context};

use super::User;
use crate::multi_server::equations::Hash;
use crate::multi_server::equations::card::{
    ATTEMPTS_MAX, CardShape, CardView, Head, Opened, mask_list, open,
};
use crate::multi_server::messages::unpadded;
use crate::multi_server::params::Params;
use crate::multi_server::records;

/// A card that was opened, and where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenCard<'a> {
    pub(super) record: Record,
    pub(super) view: CardView<'a>,
    pub(super) opened: Opened,
}

/// A server in the list of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) ssk: Hash,
    pub(super) loc: [u8; 24],
}

/// Opens the new card, then the old one, where there are two.
///
/// Effects, in `hardened`: `Store` of the counter before each attempt. A card that has seen too
/// many attempts is passed over.
pub(super) fn open_any<'a>(
    params: &Params,
    cx: &mut Context<'a>,
    head: &Head<'_>,
) -> Option<OpenCard<'a>> {
    for record in [records::USER_NEW_CARD, records::USER_CARD] {
        let Some(bytes) = cx.storage.read(record) else {
            continue;
        };
        let Some(view) = CardView::read(params, bytes) else {
            continue;
        };
        if params.hardened() {
            if view.attempts >= ATTEMPTS_MAX {
                continue;
            }
            write_attempts(params, cx, record, bytes, view.attempts + 1);
        }
        if let Some(opened) = open(params, cx.crypto, head, &view) {
            return Some(OpenCard {
                record,
                view,
                opened,
            });
        }
    }
    None
}

/// Writes 0 into the counter of every card where it is not 0, `except` one that was written anew.
pub(super) fn clear_attempts(params: &Params, cx: &mut Context<'_>, except: &[Record]) {
    for record in [records::USER_NEW_CARD, records::USER_CARD] {
        if let Some(bytes) = cx.storage.read(record)
            && let Some(view) = CardView::read(params, bytes)
            && view.attempts != 0
            && !except.contains(&record)
        {
            write_attempts(params, cx, record, bytes, 0);
        }
    }
}

fn write_attempts(
    params: &Params,
    cx: &mut Context<'_>,
    record: Record,
    card: &[u8],
    attempts: u8,
) {
    cx.store(|batch| batch.put(record, |out| write_counted(params, card, attempts, out)));
}

/// Appends a card with its counter at 0, where it has one.
pub(super) fn write_cleared(params: &Params, card: &[u8], out: &mut Vec<u8>) {
    write_counted(params, card, 0, out);
}

fn write_counted(params: &Params, card: &[u8], attempts: u8, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(card);
    let counter = start + CardShape::of(params).head() - 1;
    if params.hardened()
        && let Some(byte) = out.get_mut(counter)
    {
        *byte = attempts;
    }
}

impl OpenCard<'_> {
    /// The list in clear, in a pooled buffer.
    pub(super) fn list(&self, params: &Params, cx: &mut Context<'_>) -> Vec<u8> {
        let mut list = cx.buffers.take();
        list.extend_from_slice(self.view.z);
        mask_list(
            params,
            cx.crypto,
            &self.opened.m0,
            self.view.version,
            &mut list,
        );
        list
    }

    /// The entry of server `id` in the list.
    pub(super) fn find(&self, params: &Params, cx: &mut Context<'_>, id: &[u8]) -> Option<Entry> {
        let list = self.list(params, cx);
        let found = list
            .chunks_exact(params.list_record())
            .find(|record| unpadded(&record[..16]) == id)
            .and_then(|record| {
                Some(Entry {
                    ssk: record.get(16..48)?.try_into().ok()?,
                    loc: record.get(48..72)?.try_into().ok()?,
                })
            });
        cx.buffers.give(list);
        found
    }
}

impl User {
    /// The head takes PW' when the new card is written. Where power was lost before that, no card opens
    /// with PW', and the person goes on with PW.
    pub(super) fn recall(&mut self, cx: &Context<'_>) {
        let opens = |password: &[u8]| {
            let head = self.head(cx.storage, Arg::Bytes(password));
            let cards = [records::USER_NEW_CARD, records::USER_CARD];
            let mut views = cards
                .iter()
                .filter_map(|record| CardView::read(&self.params, cx.storage.read(*record)?));
            head.is_some_and(|head| {
                views.any(|view| open(&self.params, &mut Crypto::default(), &head, &view).is_some())
            })
        };
        let lost = self.memory.as_ref().is_some_and(|memory| {
            let taken = memory.password.as_deref();
            let previous = memory.previous.as_deref();
            taken
                .zip(previous)
                .is_some_and(|(taken, previous)| !opens(taken) && opens(previous))
        });
        if lost && let Some(memory) = &mut self.memory {
            memory.password = memory.previous.take();
        }
    }
}

/// Opens a card with the head for observers only: nothing is metered, nothing counted.
pub(super) fn observe(user: &User, cx: &Context<'_>, record: Record) -> Option<Opened> {
    let view = CardView::read(&user.params, cx.storage.read(record)?)?;
    let head = user.head(cx.storage, Arg::Default)?;
    let previous = user
        .memory
        .as_ref()
        .and_then(|memory| memory.previous.as_deref());
    [Some(head.password), previous]
        .into_iter()
        .flatten()
        .find_map(|password| {
            let head = Head { password, ..head };
            open(&user.params, &mut Crypto::default(), &head, &view)
        })
}
