//! The key `layer`: what an adversary acts on where messages travel on streams.

use sim_engine::Powers;

use crate::diagnostic::Span;
use crate::host::transport::config::Transport;
use crate::reader::section::{Reading, Section};
use crate::scenario::{Layer, LinkGroup};
use crate::tree::{Node, Value};

/// The words of `layer`.
const LAYERS: [&str; 2] = ["record", "packet"];

impl<'t> Reading<'t> {
    /// The layer of an adversary, from its own key or from that of its rules.
    pub(super) fn layer(
        &self,
        section: &Section<'t>,
        link: Option<&LinkGroup>,
        powers: &Powers,
    ) -> Option<Layer> {
        let mut given: Option<(Layer, Span)> = None;
        for node in self.layer_keys(section) {
            let word = self.choice(node, "layers", "layer", LAYERS)?;
            let layer = [Layer::Record, Layer::Packet][word];
            if given.is_some_and(|(before, _)| before != layer) {
                return self.refuse(
                    node.span,
                    "the rules of one adversary act on one layer",
                    "give all of them the same `layer`, or let another adversary on another link act on \
                     the other one",
                );
            }
            given = Some((layer, node.span));
        }
        let Some((layer, place)) = given else {
            return Some(Layer::Record);
        };
        let link = link?;
        if !matches!(link.transport, Transport::Stream(_)) {
            return self.refuse(
                place,
                "layers are those of a stream, and this link carries none",
                "leave `layer` out: every packet of this link is a whole message",
            );
        }
        let sends = powers.inject || powers.spoof || powers.redirect || powers.modify;
        if layer == Layer::Packet && sends {
            return self.refuse(
                place,
                "segments can only be dropped, delayed and duplicated: one that is changed or made up \
                 fits into no connection",
                "leave `layer` out, which acts on whole records, or leave out the powers modify, inject, \
                 spoof and redirect",
            );
        }
        Some(layer)
    }

    /// Where `layer` is given.
    fn layer_keys(&self, section: &Section<'t>) -> Vec<&'t Node> {
        let mut keys: Vec<&'t Node> = section.get("layer").into_iter().collect();
        if let Some(Value::List(rules)) = section.get("rules").map(|node| &node.value) {
            keys.extend(rules.iter().filter_map(|rule| match &rule.value {
                Value::Table(table) => table.get("layer"),
                _ => None,
            }));
        }
        keys
    }
}
