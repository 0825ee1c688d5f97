//! What a user has, for grants and oracles.

use crate::Arg;
use crate::crypto::Crypto;
use crate::output::Tag;
use crate::storage::Storage;

use super::User;
use crate::multi_server::equations::Hash;
use crate::multi_server::equations::card::{CardView, Head, mask_list, open};
use crate::multi_server::params::Params;
use crate::multi_server::records;

/// What a user knows and holds.
pub(crate) struct Known<'a> {
    pub(crate) password: &'a [u8],
    pub(crate) card: &'a [u8],
    pub(crate) uid: Hash,
    pub(crate) c: Hash,
    pub(crate) list: Vec<u8>,
}

impl User {
    /// What the person with this storage knows; `None` without a card that opens.
    pub(crate) fn known<'a>(
        &'a self,
        params: &Params,
        storage: &'a dyn Storage,
    ) -> Option<Known<'a>> {
        let head = self.head(storage, Arg::Default)?;
        let previous = self.memory.as_ref().and_then(|it| it.previous.as_deref());
        let mut crypto = Crypto::default();
        for record in [records::USER_NEW_CARD, records::USER_CARD] {
            let Some(card) = storage.read(record) else {
                continue;
            };
            let Some(view) = CardView::read(params, card) else {
                continue;
            };
            for password in [Some(head.password), previous].into_iter().flatten() {
                let head = Head { password, ..head };
                if let Some(opened) = open(params, &mut crypto, &head, &view) {
                    let mut list = view.z.to_vec();
                    mask_list(params, &mut crypto, &opened.m0, view.version, &mut list);
                    return Some(Known {
                        password,
                        card,
                        uid: opened.uid,
                        c: opened.c,
                        list,
                    });
                }
            }
        }
        None
    }

    /// The live session that ends last.
    pub(crate) fn newest(&self) -> Option<(&Tag, &Hash)> {
        self.sessions.as_ref()?.newest()
    }
}
