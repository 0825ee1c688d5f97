//! `queue` with its management, and `shaper`.

use sim_engine::{Aqm, Codel, QueueLimit, Red, Shaper, SimDuration};

use crate::reader::section::{Reading, Section};
use crate::tree::{Node, Value};

/// A queue as the file gives it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Queue {
    pub(super) limit: QueueLimit,
    pub(super) aqm: Option<Aqm>,
}

impl<'t> Reading<'t> {
    pub(super) fn queue(&self, node: &'t Node, link: &str) -> Option<Queue> {
        let example = "write `queue = { packets = 10 }` or `queue = { bytes = \"4KiB\" }`; the \
                       packet in service counts too";
        let Value::Table(_) = &node.value else {
            return self.refuse(
                node.span,
                format!("a queue is a table, not {}", node.value.kind()),
                example,
            );
        };
        let table = self.section(format!("{link}.queue"), node)?;
        let packets = table.get("packets");
        let bytes = table.get("bytes");
        let aqm = self.aqm(&table);
        table.finish(self);
        let limit = match (packets, bytes) {
            (Some(node), None) => self
                .integer(node, 1, u64::from(u32::MAX))
                .and_then(|count| u32::try_from(count).ok())
                .map(QueueLimit::Packets),
            (None, Some(node)) => self.size(node).map(QueueLimit::Bytes),
            (None, None) if matches!(aqm, Some(Some(_))) => Some(QueueLimit::Unbounded),
            _ => self.refuse(
                node.span,
                "a queue is limited in packets or in bytes",
                example,
            ),
        };
        Some(Queue {
            limit: limit?,
            aqm: aqm?,
        })
    }

    /// `aqm` and the keys of the kind it names.
    fn aqm(&self, table: &Section<'t>) -> Option<Option<Aqm>> {
        let Some(node) = table.get("aqm") else {
            return Some(None);
        };
        let kinds = ["red", "codel"];
        let kind = self.choice(node, "kinds of queue management", "queue management", kinds)?;
        if kind == 0 {
            let min = self.mean_queue(table, "min");
            let max = self.mean_queue(table, "max");
            let max_p = match table.get("max_p") {
                Some(node) => self.share(node),
                None => Some(0.1),
            };
            let weight = match table.get("weight") {
                Some(node) => self.number(node, f64::MIN_POSITIVE, 1.0),
                None => Some(0.002),
            };
            let (min, max) = (min?, max?);
            if min >= max {
                return self.refuse(
                    table.place_of("max"),
                    format!("`max` ({max}) must be greater than `min` ({min})"),
                    "both are average queues in packets, for instance `min = 5, max = 15`",
                );
            }
            return Some(Some(Aqm::Red(Red {
                min,
                max,
                max_p: max_p?,
                weight: weight?,
            })));
        }
        let target = self.time_or(table, "target", 5_000_000);
        let interval = self.time_or(table, "interval", 100_000_000);
        Some(Some(Aqm::Codel(Codel {
            target: SimDuration(target?),
            interval: SimDuration(interval?),
        })))
    }

    fn mean_queue(&self, table: &Section<'t>, key: &'static str) -> Option<f64> {
        let example = if key == "min" { "5" } else { "15" };
        let node = table.required(self, key, example)?;
        self.number(node, 0.0, 1e9)
    }

    /// A duration above zero, or its default.
    fn time_or(&self, table: &Section<'t>, key: &'static str, default: u64) -> Option<u64> {
        let Some(node) = table.get(key) else {
            return Some(default);
        };
        match self.duration(node)? {
            0 => self.refuse(node.span, format!("`{key}` must last longer than zero"), ""),
            time => Some(time),
        }
    }

    pub(super) fn shaper(&self, node: &'t Node, link: &str) -> Option<Shaper> {
        let table = self.section(format!("{link}.shaper"), node)?;
        let rate = table
            .required(self, "rate", "\"100kbps\"")
            .and_then(|node| self.positive_rate(node));
        let burst = table
            .required(self, "burst", "\"4KiB\"")
            .and_then(|node| self.size_within(node, 1, 1 << 30));
        table.finish(self);
        Some(Shaper {
            rate_bps: rate?,
            burst_bytes: burst?,
        })
    }
}
