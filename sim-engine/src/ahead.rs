//! Reading the engine's own state ahead of the events that need it.
//!
//! In a large world nearly every event meets a node that is not in the cache. Words that are read one
//! after the other without anything in between are fetched at the same time; what is read does not
//! matter and is dropped.

use crate::id::{LinkId, NodeId};
use crate::link::LinkState;
use crate::world::NodeState;

/// The engine's nodes and links, to be read ahead.
#[derive(Clone, Copy, Debug)]
pub struct Ahead<'a> {
    pub(crate) nodes: &'a [NodeState],
    pub(crate) links: &'a [LinkState],
}

impl Ahead<'_> {
    /// A word of a node's state.
    #[inline]
    #[must_use]
    pub fn node(&self, node: NodeId) -> u64 {
        let state = self.nodes.get(node.0 as usize);
        state.map_or(0, |state| u64::from(state.seq))
    }

    /// Words of a link's state.
    #[inline]
    #[must_use]
    pub fn link(&self, link: LinkId) -> u64 {
        let state = self.links.get(link.0 as usize);
        state.map_or(0, |state| {
            state.name ^ u64::from(state.directions[1].packets)
        })
    }
}
