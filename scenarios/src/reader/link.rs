//! `[links.NAME]`: links between node groups, from a preset or key by key.

use protocols::wire::{Layout, Width};
use sim_engine::link::{ChainStep, LossModel};
use sim_engine::{DirectionMask, Law, LinkParams, LossPlace, QueueLimit, SimDuration};

use super::section::{Reading, Section};
use crate::diagnostic::{Diagnostic, Span, quoted, suggestions};
use crate::law::Domain;
use crate::preset;
use crate::quantity::Dimension;
use crate::scenario::{LinkChannel, LinkGroup, NodeGroup, Pick, ProtocolChoice, Transport};
use crate::tree::{Node, Value};

impl<'t> Reading<'t> {
    /// All links; a place is kept for each, `None` where it could not be read.
    pub(crate) fn link_groups(
        &self,
        sections: &mut [(&'t str, Section<'t>)],
        groups: &[&str],
        presets: &'t preset::Presets,
    ) -> Vec<Option<LinkGroup>> {
        sections
            .iter_mut()
            .map(|(name, section)| self.link_group(name, section, groups, presets))
            .collect()
    }

    fn link_group(
        &self,
        name: &str,
        section: &mut Section<'t>,
        groups: &[&str],
        presets: &'t preset::Presets,
    ) -> Option<LinkGroup> {
        let between = section
            .required(self, "between", "[\"device\", \"server\"]")
            .and_then(|node| self.between(node, groups));
        let directions = match section.get("direction") {
            Some(node) => self
                .choice(node, "directions", "direction", ["both", "up", "down"])
                .map(|index| [DirectionMask::BOTH, DirectionMask::UP, DirectionMask::DOWN][index]),
            None => Some(DirectionMask::BOTH),
        };
        let channel = match section.get("channel") {
            Some(node) => self
                .choice(node, "channels", "channel", ["public", "secure"])
                .map(|index| [LinkChannel::Public, LinkChannel::Secure][index]),
            None => Some(LinkChannel::Public),
        };
        let transport = match section.get("transport") {
            Some(node) => self.transport(node, &section.path),
            None => Some(Transport::Datagram),
        };
        let pick = match section.get("pick") {
            Some(node) => self
                .choice(
                    node,
                    "ways to pick",
                    "way to pick",
                    ["fixed", "uniform", "round-robin"],
                )
                .map(|index| [Pick::Fixed, Pick::Uniform, Pick::RoundRobin][index]),
            None => Some(Pick::Fixed),
        };
        let preset = section
            .get("preset")
            .and_then(|node| self.preset(node, presets));
        if let Some(preset) = preset {
            section.base = Some(&preset.table);
            self.assume(preset.assumption(section.table));
        }
        let params = self.link_params(section);
        section.finish(self);
        let (a, b) = between?;
        let [up, down] = params?;
        Some(LinkGroup {
            name: name.to_owned(),
            a,
            b,
            directions: directions?,
            channel: channel?,
            transport: transport?,
            preset: preset.map(|preset| preset.name.as_str()).map(str::to_owned),
            up,
            down,
            pick: pick?,
        })
    }

    fn preset(&self, node: &'t Node, presets: &'t preset::Presets) -> Option<&'t preset::Preset> {
        let word = self.text(node)?;
        let found = presets.find(word);
        if found.is_none() {
            let [meant, list] = suggestions(word, "presets", presets.names());
            self.report(
                Diagnostic::at(node.span, format!("there is no preset {}", quoted(word)))
                    .hint(meant)
                    .hint(list),
            );
        }
        found
    }

    fn between(&self, node: &'t Node, groups: &[&str]) -> Option<(usize, usize)> {
        let ends = self.list(node)?;
        let [a, b] = ends else {
            return self.refuse(
                node.span,
                format!("a link has two ends, not {}", ends.len()),
                "name two node groups: `between = [\"device\", \"server\"]`",
            );
        };
        let a_index = self.group(a, groups);
        let b_index = self.group(b, groups);
        let (a_index, b_index) = (a_index?, b_index?);
        if a_index == b_index {
            return self.refuse(
                node.span,
                "both ends of this link are the same group",
                "a link joins two different groups",
            );
        }
        Some((a_index, b_index))
    }

    /// The place of a node group that is named at `node`.
    pub(crate) fn group(&self, node: &'t Node, groups: &[&str]) -> Option<usize> {
        self.choice(node, "node groups", "node group", groups.iter().copied())
    }

    /// The parameters of both directions: up, down.
    fn link_params(&self, section: &Section<'t>) -> Option<[LinkParams; 2]> {
        let nanoseconds = Domain::unsigned(Dimension::Duration);
        let delay = self.both(section, "delay", Law::ZERO, |node| {
            self.law(node, nanoseconds)
        });
        let jitter = self.both(section, "jitter", Law::ZERO, |node| {
            self.law(node, nanoseconds)
        });
        let rate = self.both(section, "rate", None, |node| {
            self.positive_rate(node).map(Some)
        });
        let mtu = self.both(section, "mtu", None, |node| self.mtu(node).map(Some));
        let overhead = self.both(section, "overhead", 0, |node| {
            self.size_within(node, 0, 65_535)
        });
        let queue = self.both(section, "queue", QueueLimit::Unbounded, |node| {
            self.queue(node, &section.path)
        });
        let loss = self.both(section, "loss", LossModel::None, |node| {
            self.loss(node, &section.path)
        });
        let loss_at = self.both(section, "loss_at", LossPlace::Air, |node| {
            self.choice(node, "places of loss", "place of loss", ["air", "ingress"])
                .map(|index| [LossPlace::Air, LossPlace::Ingress][index])
        });
        if let (Some(queues), Some(rates)) = (&queue, &rate)
            && queues
                .iter()
                .zip(rates)
                .any(|(queue, rate)| *queue != QueueLimit::Unbounded && rate.is_none())
        {
            self.refuse::<()>(
                section.place_of("queue"),
                "a queue needs a rate",
                "without `rate` packets leave at once, and nothing ever waits: add for instance \
                 `rate = \"250kbps\"`",
            );
        }
        let (delay, jitter, rate, mtu) = (delay?, jitter?, rate?, mtu?);
        let (overhead, queue, loss, loss_at) = (overhead?, queue?, loss?, loss_at?);
        Some([0, 1].map(|index| LinkParams {
            mtu_bytes: mtu[index],
            rate_bps: rate[index],
            overhead_bytes: overhead[index],
            queue: queue[index],
            loss: loss[index],
            loss_place: loss_at[index],
            delay: delay[index].clone(),
            jitter: jitter[index].clone(),
            ..LinkParams::default()
        }))
    }

    /// A value of both directions, given once, as `{ up = .., down = .. }`, or not at all. A
    /// direction that such a table leaves out keeps what the preset says.
    fn both<T: Clone>(
        &self,
        section: &Section<'t>,
        key: &'static str,
        default: T,
        read: impl Fn(&'t Node) -> Option<T>,
    ) -> Option<[T; 2]> {
        let node = section.get(key);
        let preset = section.base.and_then(|base| base.get(key));
        let side = |from: Option<&'t Node>, name: &'static str| match from {
            Some(node) => match directional(node) {
                Some(table) => table.get(name),
                None => Some(node),
            },
            None => None,
        };
        if let Some(table) = node.and_then(directional) {
            let unknown = table
                .entries
                .iter()
                .find(|entry| entry.key != "up" && entry.key != "down");
            if let Some(entry) = unknown {
                return self.refuse(
                    entry.key_span,
                    format!(
                        "there is no key {} beside `up` and `down`",
                        quoted(&entry.key)
                    ),
                    "",
                );
            }
        }
        let mut values = [default.clone(), default];
        let mut good = true;
        let mut last: Option<(&Node, T)> = None;
        for (value, name) in values.iter_mut().zip(["up", "down"]) {
            let Some(found) = side(node, name).or_else(|| side(preset, name)) else {
                continue;
            };
            // The same text for both directions is read, and blamed, once.
            if let Some((node, read)) = &last
                && std::ptr::eq(*node, found)
            {
                *value = read.clone();
                continue;
            }
            match read(found) {
                Some(read) => {
                    *value = read.clone();
                    last = Some((found, read));
                }
                None => {
                    good = false;
                    if node.and_then(directional).is_none() {
                        break;
                    }
                }
            }
        }
        good.then_some(values)
    }

    fn positive_rate(&self, node: &'t Node) -> Option<u64> {
        match self.rate(node)? {
            0 => self.refuse(
                node.span,
                "a rate of zero carries nothing",
                "leave `rate` out for a link without serialisation and queue",
            ),
            rate => Some(rate),
        }
    }

    fn mtu(&self, node: &'t Node) -> Option<u32> {
        self.size_within(node, 1, 16 << 20)
    }

    pub(crate) fn size_within(&self, node: &'t Node, min: u32, max: u32) -> Option<u32> {
        let size = self.size(node)?;
        match u32::try_from(size) {
            Ok(size) if (min..=max).contains(&size) => Some(size),
            _ => self.refuse(
                node.span,
                format!("{size}B is out of range"),
                format!("it must lie between {min}B and {max}B"),
            ),
        }
    }

    fn queue(&self, node: &'t Node, link: &str) -> Option<QueueLimit> {
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
        table.finish(self);
        match (packets, bytes) {
            (Some(node), None) => self
                .integer(node, 1, u64::from(u32::MAX))
                .and_then(|count| u32::try_from(count).ok())
                .map(QueueLimit::Packets),
            (None, Some(node)) => self.size(node).map(QueueLimit::Bytes),
            _ => self.refuse(
                node.span,
                "a queue is limited in packets or in bytes",
                example,
            ),
        }
    }

    fn loss(&self, node: &'t Node, link: &str) -> Option<LossModel> {
        let Value::Table(_) = &node.value else {
            let p = self.share(node)?;
            return self.model(node.span, LossModel::bernoulli(p));
        };
        let table = self.section(format!("{link}.loss"), node)?;
        let models = ["bernoulli", "gilbert", "gilbert-elliott"];
        let model = table
            .required(self, "model", "\"gilbert\"")
            .and_then(|node| self.choice(node, "loss models", "loss model", models));
        let read = match model? {
            0 => {
                let p = self.share_of(&table, "p");
                table.finish(self);
                LossModel::bernoulli(p?)
            }
            1 => {
                let p = self.share_of(&table, "good_to_bad");
                let r = self.share_of(&table, "bad_to_good");
                let step = self.chain_step(&table);
                table.finish(self);
                LossModel::gilbert(p?, r?, step?)
            }
            _ => {
                let p = self.share_of(&table, "good_to_bad");
                let r = self.share_of(&table, "bad_to_good");
                let good = self.share_of(&table, "loss_good");
                let bad = self.share_of(&table, "loss_bad");
                let step = self.chain_step(&table);
                table.finish(self);
                LossModel::gilbert_elliott(p?, r?, good?, bad?, step?)
            }
        };
        self.model(node.span, read)
    }

    fn model(
        &self,
        place: Span,
        read: Result<LossModel, sim_engine::LawError>,
    ) -> Option<LossModel> {
        match read {
            Ok(model) => Some(model),
            Err(_) => self.refuse(
                place,
                "a chain that never changes its state has no long-run loss",
                "give `good_to_bad` or `bad_to_good` a value above zero",
            ),
        }
    }

    fn share_of(&self, table: &Section<'t>, key: &'static str) -> Option<f64> {
        let node = table.required(self, key, "\"1%\"")?;
        self.share(node)
    }

    /// When a loss chain steps: `per = "packet"` (default), or `per = "slot"` with `slot`.
    fn chain_step(&self, table: &Section<'t>) -> Option<ChainStep> {
        let per = match table.get("per") {
            Some(node) => self.choice(node, "steps", "step", ["packet", "slot"])?,
            None => 0,
        };
        if per == 0 {
            return Some(ChainStep::Packet);
        }
        let node = table.required(self, "slot", "\"10ms\"")?;
        match self.duration(node)? {
            0 => self.refuse(node.span, "a slot must last longer than zero", ""),
            slot => Some(ChainStep::Slot(SimDuration(slot))),
        }
    }

    /// Notes messages that cannot pass a link, since every attempt that needs them will fail.
    pub(crate) fn note_long_messages(
        &self,
        links: &[LinkGroup],
        groups: &[NodeGroup],
        choice: &ProtocolChoice,
    ) {
        for link in links {
            for (sender, params, carries) in [
                (link.a, &link.up, link.directions.up),
                (link.b, &link.down, link.directions.down),
            ] {
                let whole = !matches!(link.transport, Transport::Stream(_));
                let Some(mtu) = params.mtu_bytes.filter(|_| carries && whole) else {
                    continue;
                };
                let role = groups[sender].role;
                for layout in choice.instance.layouts() {
                    let sends = layout.sender.is_none_or(|sender| sender == role);
                    let length = shortest(layout);
                    if sends && length > mtu {
                        self.assume(format!(
                            "message {} has {length} B or more, but link `{}` drops what is longer \
                             than {mtu} B: no attempt that needs it can succeed",
                            layout.name, link.name
                        ));
                    }
                }
            }
        }
    }

    /// Links among which a packet would have to choose.
    pub(crate) fn check_links(&self, links: &[LinkGroup], sections: &[(&'t str, Section<'t>)]) {
        for (later, link) in links.iter().enumerate() {
            let rival = links[..later].iter().position(|other| rivals(other, link));
            if let Some(earlier) = rival {
                self.report(
                    Diagnostic::at(
                        sections[later].1.place,
                        format!(
                            "`{}` and `{}` join the same groups over the same channel",
                            links[earlier].name, link.name
                        ),
                    )
                    .related(sections[earlier].1.place, "this is the other one")
                    .hint(
                        "packets choose their link by pair and channel; remove one, make one \
                         `channel = \"secure\"`, or give each its own `direction`",
                    ),
                );
            }
        }
    }
}

/// The shortest frame of a layout, bytes.
fn shortest(layout: &Layout) -> u32 {
    let widths = layout.fields.iter().map(|field| match field.width {
        Width::Fixed(width) => width,
        Width::Rest { min, .. } => min,
        Width::Counted { .. } => 0,
    });
    widths.fold(0, u32::saturating_add)
}

/// The table of a value that is given per direction.
fn directional(node: &Node) -> Option<&crate::tree::Table> {
    match &node.value {
        Value::Table(table) if table.get("up").is_some() || table.get("down").is_some() => {
            Some(table)
        }
        _ => None,
    }
}

fn rivals(one: &LinkGroup, other: &LinkGroup) -> bool {
    if one.channel != other.channel {
        return false;
    }
    let (up, down) = if (one.a, one.b) == (other.a, other.b) {
        (other.directions.up, other.directions.down)
    } else if (one.a, one.b) == (other.b, other.a) {
        (other.directions.down, other.directions.up)
    } else {
        return false;
    };
    (one.directions.up && up) || (one.directions.down && down)
}
