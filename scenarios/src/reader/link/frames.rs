//! `arq` and `fragmentation`.

use sim_engine::link::frames::RETRIES_MAX;
use sim_engine::{Arq, Fragmentation, Probability, SimDuration};

use crate::reader::section::Reading;
use crate::tree::{Node, Value};

/// Reassembly timeout of RFC 4944, ns: at most a minute.
const REASSEMBLY_NS: u64 = 60_000_000_000;

impl<'t> Reading<'t> {
    /// `arq = { retries, timeout, backoff, ack_time, ack_loss }`, or `"none"` against a preset's.
    pub(super) fn arq(&self, node: &'t Node, link: &str) -> Option<Option<Arq>> {
        if matches!(&node.value, Value::Text(word) if word == "none") {
            return Some(None);
        }
        let Value::Table(_) = &node.value else {
            return self.refuse(
                node.span,
                format!("`arq` is a table, not {}", node.value.kind()),
                "write `arq = { retries = 3, timeout = \"864us\" }`, or `arq = \"none\"`",
            );
        };
        let table = self.section(format!("{link}.arq"), node)?;
        let retries = table
            .required(self, "retries", "3")
            .and_then(|node| self.integer(node, 0, u64::from(RETRIES_MAX)));
        let time = |key| match table.get(key) {
            Some(node) => self.duration(node),
            None => Some(0),
        };
        let timeout = time("timeout");
        let backoff = match table.get("backoff") {
            Some(node) => self.number(node, 1.0, 100.0),
            None => Some(1.0),
        };
        let ack_time = time("ack_time");
        let ack_loss = match table.get("ack_loss") {
            Some(node) => self.probability(node),
            None => Some(Probability::NEVER),
        };
        table.finish(self);
        Some(Some(Arq {
            retries: u8::try_from(retries?).unwrap_or(RETRIES_MAX),
            timeout: SimDuration(timeout?),
            backoff: backoff?,
            ack_time: SimDuration(ack_time?),
            ack_loss: ack_loss?,
        }))
    }

    /// `fragmentation = "6lowpan"`, `{ scheme = "6lowpan", timeout = "5s" }`, or `"none"`.
    pub(super) fn fragmentation(
        &self,
        node: &'t Node,
        link: &str,
    ) -> Option<Option<Fragmentation>> {
        let schemes = ["6lowpan", "none"];
        let scheme =
            |node: &'t Node| self.choice(node, "schemes", "scheme of fragmentation", schemes);
        let Value::Table(_) = &node.value else {
            return Some((scheme(node)? == 0).then_some(Fragmentation {
                timeout: SimDuration(REASSEMBLY_NS),
            }));
        };
        let table = self.section(format!("{link}.fragmentation"), node)?;
        let scheme = table
            .required(self, "scheme", "\"6lowpan\"")
            .and_then(scheme);
        let timeout = match scheme {
            Some(0) => match table.get("timeout") {
                Some(node) => self.duration(node),
                None => Some(REASSEMBLY_NS),
            },
            _ => Some(0),
        };
        table.finish(self);
        let timeout = SimDuration(timeout?);
        Some((scheme? == 0).then_some(Fragmentation { timeout }))
    }
}
