//! The key `transport` of a link: a word, or a table with the word as `kind` and settings.

use super::section::{Reading, Section};
use crate::diagnostic::quoted;
use crate::host::transport::SEGMENT_HEADER_BYTES;
use crate::host::transport::config::{ConfirmableSettings, StreamSettings, Transport};
use crate::scenario::{LinkGroup, ProtocolChoice};
use crate::tree::{Node, Value};

const KINDS: [&str; 3] = ["datagram", "stream", "confirmable"];

impl<'t> Reading<'t> {
    /// What messages travel by, where the link says so.
    pub(crate) fn transport(&self, node: &'t Node, link: &str) -> Option<Transport> {
        let Value::Table(_) = &node.value else {
            let kind = self.choice(node, "transports", "transport", KINDS)?;
            return Some(match kind {
                0 => Transport::Datagram,
                1 => Transport::Stream(StreamSettings::default()),
                _ => Transport::Confirmable(ConfirmableSettings::default()),
            });
        };
        let table = self.section(format!("{link}.transport"), node)?;
        let kind = table
            .required(self, "kind", "\"stream\"")
            .and_then(|node| self.choice(node, "transports", "transport", KINDS))?;
        let read = match kind {
            0 => Some(Transport::Datagram),
            1 => self.stream_settings(&table).map(Transport::Stream),
            _ => self
                .confirmable_settings(&table)
                .map(Transport::Confirmable),
        };
        table.finish(self);
        read
    }

    fn stream_settings(&self, table: &Section<'t>) -> Option<StreamSettings> {
        let default = StreamSettings::default();
        let initial = self.span_at(table, "rto_initial", default.rto_initial_ns);
        let least = self.span_at(table, "rto_min", default.rto_min_ns);
        let most = self.span_at(table, "rto_max", default.rto_max_ns);
        let retries = self.count_at(table, "retries", 0, 1_000, default.retries);
        let connect = self.count_at(table, "connect_retries", 0, 1_000, default.connect_retries);
        let mss = match table.get("mss") {
            Some(node) => self.size_within(node, 1, 65_495).map(Some),
            None => Some(None),
        };
        let (initial, least, most) = (initial?, least?, most?);
        if least > most {
            return self.refuse(
                table.place_of("rto_min"),
                "the shortest timeout is longer than the longest",
                "give `rto_min` at most the value of `rto_max`, which is 60s unless given",
            );
        }
        Some(StreamSettings {
            rto_initial_ns: initial.clamp(least, most),
            rto_min_ns: least,
            rto_max_ns: most,
            retries: retries?,
            connect_retries: connect?,
            mss: mss?,
        })
    }

    fn confirmable_settings(&self, table: &Section<'t>) -> Option<ConfirmableSettings> {
        let default = ConfirmableSettings::default();
        let timeout = self.span_at(table, "ack_timeout", default.ack_timeout_ns);
        let factor = self.factor_at(table, "ack_random_factor", default.random_factor);
        let backoff = self.factor_at(table, "backoff", default.backoff);
        let repeats = self.count_at(table, "max_retransmit", 0, 20, default.max_retransmit);
        let lifetime = self.span_at(table, "exchange_lifetime", default.lifetime_ns);
        let nstart = self.count_at(table, "nstart", 1, 1_000, default.nstart);
        Some(ConfirmableSettings {
            ack_timeout_ns: timeout?,
            random_factor: factor?,
            backoff: backoff?,
            max_retransmit: repeats?,
            lifetime_ns: lifetime?,
            nstart: nstart?,
        })
    }

    /// A span above zero, up to a day.
    fn span_at(&self, table: &Section<'t>, key: &'static str, default: u64) -> Option<u64> {
        let Some(node) = table.get(key) else {
            return Some(default);
        };
        match self.duration(node)? {
            0 => self.refuse(node.span, format!("`{key}` must be above zero"), ""),
            long if long > 86_400_000_000_000 => self.refuse(
                node.span,
                format!("{} is longer than a day", quoted(self.slice(node.span))),
                "timeouts lie between 1ns and 24h",
            ),
            span => Some(span),
        }
    }

    fn count_at(
        &self,
        table: &Section<'t>,
        key: &'static str,
        min: u64,
        max: u64,
        default: u32,
    ) -> Option<u32> {
        let Some(node) = table.get(key) else {
            return Some(default);
        };
        self.integer(node, min, max)
            .and_then(|count| u32::try_from(count).ok())
    }

    fn factor_at(&self, table: &Section<'t>, key: &'static str, default: f64) -> Option<f64> {
        match table.get(key) {
            Some(node) => self.number(node, 1.0, 10.0),
            None => Some(default),
        }
    }

    /// Gives every link without the key the protocol's default, and refuses pairings that cannot be.
    pub(crate) fn settle_transports(
        &self,
        links: &mut [LinkGroup],
        sections: &[(&'t str, Section<'t>)],
        choice: &ProtocolChoice,
    ) {
        let speaks_streams = choice.instance.streams();
        for (link, (_, section)) in links.iter_mut().zip(sections) {
            let given = section.get("transport").is_some();
            if !given && speaks_streams {
                link.transport = Transport::Stream(StreamSettings::default());
            }
            let place = section.place_of("transport");
            let name = choice.protocol.name();
            match link.transport {
                Transport::Datagram | Transport::Confirmable(_) if speaks_streams => {
                    self.refuse::<()>(
                        place,
                        format!("`{name}` opens streams with these parameters, and this link carries none"),
                        "leave `transport` out or make it \"stream\"; `ratchet` speaks datagrams with \
                         params.framing = \"datagram\"",
                    );
                }
                Transport::Stream(_) if !speaks_streams && choice.protocol.streams() => {
                    self.refuse::<()>(
                        place,
                        format!("`{name}` speaks datagrams with these parameters, and this link carries a stream"),
                        "leave params.framing out (\"length32\"), which frames its records on a stream",
                    );
                }
                _ => {}
            }
            let both = link.directions.up && link.directions.down;
            if !both && link.transport != Transport::Datagram {
                self.refuse::<()>(
                    if given { place } else { section.place },
                    format!(
                        "a link of transport \"{}\" carries acknowledgements, so it needs both directions",
                        link.transport.name()
                    ),
                    "leave `direction` out, or make the transport \"datagram\"",
                );
            }
            if let Transport::Stream(settings) = link.transport {
                let least = [link.up.mtu_bytes, link.down.mtu_bytes]
                    .into_iter()
                    .flatten()
                    .min();
                let payload = settings.mss.unwrap_or(1);
                if let Some(mtu) = least
                    && payload.saturating_add(SEGMENT_HEADER_BYTES) > mtu
                {
                    self.refuse::<()>(
                        place,
                        format!(
                            "a segment of {payload} B with its header of {SEGMENT_HEADER_BYTES} B is longer \
                             than the link's MTU of {mtu} B"
                        ),
                        "make `mss` smaller or leave it out, which takes what the MTU leaves",
                    );
                }
            }
        }
    }
}
