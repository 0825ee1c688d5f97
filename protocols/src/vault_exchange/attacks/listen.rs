//! What all that listen share: which request a key answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::algebra::{Models, Rows};
use super::forge::{self, Kind};
use crate::attack::View;
use crate::vault_exchange::params::Params;

/// What has just been heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The device at this host asks: the vault of both ends is at rest.
    Asked(u32),
    /// The device at this host is answered.
    Answered(u32),
}

/// Ears with a memory.
#[derive(Debug)]
pub(super) struct Ears {
    pub(super) params: Arc<Params>,
    /// The indices under way, by the device's host.
    pub(super) asked: BTreeMap<u32, Vec<u8>>,
    /// What is known, by the device's host.
    pub(super) models: BTreeMap<u32, Models>,
}

impl Ears {
    pub(super) fn new(params: &Arc<Params>) -> Self {
        Self {
            params: Arc::clone(params),
            asked: BTreeMap::new(),
            models: BTreeMap::new(),
        }
    }

    /// What is known of a device's vault.
    pub(super) fn model(&mut self, host: u32) -> &mut Models {
        self.models.entry(host).or_default()
    }

    /// Hears a frame. A key is learnt at once, and with it the update that follows.
    pub(super) fn hear(&mut self, view: &View<'_>) -> Option<Heard> {
        match forge::kind(&self.params, view.bytes)? {
            Kind::Question => {
                let list = forge::indices(&self.params, view.bytes).to_vec();
                self.asked.insert(view.from.host, list);
                Some(Heard::Asked(view.from.host))
            }
            Kind::Answer => {
                let host = view.to.host;
                if let Some(list) = self.asked.get(&host)
                    && let Some(key) = forge::combined(&self.params, view.bytes)
                {
                    let rows = Rows::of(&self.params, list);
                    let model = self.models.entry(host).or_default();
                    model.learn(rows, key);
                    model.update(key);
                }
                Some(Heard::Answered(host))
            }
            Kind::Confirm => None,
        }
    }
}
