//! `corrupt`, `reorder`, `order` and `jitter`: what happens to single packets and their order.

use sim_engine::{Corruption, Damage, Law, Reordering};

use super::NANOSECONDS;
use crate::reader::section::Reading;
use crate::tree::{Node, Value};

/// Most bits that a damage changes, and longest burst.
const BITS_MAX: u64 = 64;

impl<'t> Reading<'t> {
    /// A probability (one bit, above the checksum), or
    /// `{ probability, bits | burst, checksum = "above" | "below" }`.
    pub(super) fn corrupt(&self, node: &'t Node, link: &str) -> Option<Option<Corruption>> {
        let Value::Table(_) = &node.value else {
            let probability = self.probability(node)?;
            return Some((!probability.is_never()).then_some(Corruption {
                probability,
                damage: Damage::Bits(1),
                checked: false,
            }));
        };
        let table = self.section(format!("{link}.corrupt"), node)?;
        let probability = table
            .required(self, "probability", "\"1%\"")
            .and_then(|node| self.probability(node));
        let (bits, burst) = (table.get("bits"), table.get("burst"));
        let checked = match table.get("checksum") {
            Some(node) => self
                .choice(node, "places", "place", ["above", "below"])
                .map(|index| index == 1),
            None => Some(false),
        };
        table.finish(self);
        let count = |node| {
            self.integer(node, 1, BITS_MAX)
                .and_then(|count| u8::try_from(count).ok())
        };
        let damage = match (bits, burst) {
            (None, None) => Some(Damage::Bits(1)),
            (Some(node), None) => count(node).map(Damage::Bits),
            (None, Some(node)) => count(node).map(Damage::Burst),
            (Some(_), Some(node)) => self.refuse(
                node.span,
                "damage is so many single bits or one burst, not both",
                "keep `bits` or `burst`",
            ),
        };
        let (probability, damage, checked) = (probability?, damage?, checked?);
        Some((!probability.is_never()).then_some(Corruption {
            probability,
            damage,
            checked,
        }))
    }

    /// `{ probability, gap }`: ahead of others; `{ probability, by }`: held back.
    pub(super) fn reorder(&self, node: &'t Node, link: &str) -> Option<Option<Reordering>> {
        let Value::Table(_) = &node.value else {
            return self.refuse(
                node.span,
                format!("`reorder` is a table, not {}", node.value.kind()),
                "write `reorder = { probability = \"25%\", gap = 5 }`, or \
                 `reorder = { probability = \"5%\", by = \"20ms\" }`",
            );
        };
        let table = self.section(format!("{link}.reorder"), node)?;
        let probability = table
            .required(self, "probability", "\"25%\"")
            .and_then(|node| self.probability(node));
        let (gap, by) = (table.get("gap"), table.get("by"));
        table.finish(self);
        if let (Some(_), Some(by)) = (gap, by) {
            return self.refuse(
                by.span,
                "a packet goes ahead (`gap`) or is held back (`by`), not both",
                "",
            );
        }
        let law = by.map(|node| self.law(node, NANOSECONDS));
        let gap = gap.map_or(Some(1), |node| {
            self.integer(node, 1, u64::from(u32::MAX))
                .and_then(|gap| u32::try_from(gap).ok())
        });
        let (probability, gap) = (probability?, gap?);
        let how = match law {
            Some(by) => Reordering::Held {
                probability,
                by: by?,
            },
            None => Reordering::Ahead { probability, gap },
        };
        Some((!probability.is_never()).then_some(how))
    }

    /// A law, or `{ law, correlation }`.
    pub(super) fn jitter(&self, node: &'t Node, link: &str) -> Option<(Law, Option<f64>)> {
        let Value::Table(_) = &node.value else {
            return Some((self.law(node, NANOSECONDS)?, None));
        };
        let table = self.section(format!("{link}.jitter"), node)?;
        let law = table
            .required(self, "law", "\"exp(5ms)\"")
            .and_then(|node| self.law(node, NANOSECONDS));
        let correlation = table
            .required(self, "correlation", "0.5")
            .and_then(|node| self.share(node));
        let place = table.place_of("correlation");
        table.finish(self);
        let (law, correlation) = (law?, correlation?);
        if correlation >= 1.0 {
            return self.refuse(
                place,
                "a correlation of 1 never changes",
                "it must be below 1",
            );
        }
        if law.as_constant().is_some() {
            return self.refuse(place, "a constant jitter has no correlation", "");
        }
        Some((law, (correlation > 0.0).then_some(correlation)))
    }
}
