//! `[links.NAME]`: links between node groups, from a preset or key by key.

mod damage;
mod frames;
mod loss;
mod own;
mod queue;
mod schedule;
mod trace;

use std::sync::Arc;

use protocols::wire::{Layout, Width};
use sim_engine::link::LossModel;
use sim_engine::link::frames::FRAGMENT_MTU_MIN_BYTES;
use sim_engine::{
    Attachment, Corruption, DirectionMask, Law, LinkParams, LossPlace, MediumId, Probability,
    QueueLimit, Reordering,
};

use self::queue::Queue;

use super::section::{Reading, Section};
use crate::diagnostic::{Diagnostic, quoted, suggestions};
use crate::law::Domain;
use crate::preset;
use crate::quantity::Dimension;
use crate::scenario::{
    LinkChannel, LinkGroup, MediumSpec, NodeGroup, Own, Pick, ProtocolChoice, Transport,
};
use crate::tree::{Node, Value};

/// What delays are.
const NANOSECONDS: Domain = Domain::unsigned(Dimension::Duration);

/// The parameters that may change while the world runs, up and down.
struct Sides {
    delay: [(Law, Option<Arc<[u64]>>); 2],
    jitter: [(Law, Option<f64>); 2],
    rate: [Option<u64>; 2],
    loss: [LossModel; 2],
    corrupt: [Option<Corruption>; 2],
    duplicate: [Probability; 2],
}

impl<'t> Reading<'t> {
    /// All links; a place is kept for each, `None` where it could not be read.
    pub(crate) fn link_groups(
        &self,
        sections: &mut [(&'t str, Section<'t>)],
        groups: &[&str],
        presets: &'t preset::Presets,
        (media, media_names): (&mut Vec<Option<MediumSpec>>, &[&str]),
    ) -> Vec<Option<LinkGroup>> {
        sections
            .iter_mut()
            .map(|(name, section)| {
                self.link_group(name, section, groups, presets, (&mut *media, media_names))
            })
            .collect()
    }

    fn link_group(
        &self,
        name: &str,
        section: &mut Section<'t>,
        groups: &[&str],
        presets: &'t preset::Presets,
        (media, media_names): (&mut Vec<Option<MediumSpec>>, &[&str]),
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
        let topology = self.topology(section);
        let medium = self.medium_of(name, section, media, media_names);
        // A medium that could not be read has been reported, and is no reason for further messages.
        let unread = Attachment {
            medium: MediumId(0),
            modulation: None,
        };
        let params = self.link_params(section, medium.unwrap_or(Some(unread)));
        let mut schedule = self.schedule(section, params.as_ref());
        let exceptions = self.exceptions(section, params.as_ref());
        section.finish(self);
        let (a, b) = between?;
        let mut params = params?;
        if let Some(attachment) = medium? {
            let spec = media[usize::from(attachment.medium.0)].as_ref()?;
            self.on_medium(section, spec, attachment, &mut params)?;
            for change in schedule.iter_mut().flatten() {
                if let Some(sides) = &mut change.set {
                    self.on_medium(section, spec, attachment, sides)?;
                }
            }
            for exception in exceptions.iter().flatten() {
                let mut sides = params.clone();
                for (patch, side) in exception.patch.iter().zip(&mut sides) {
                    patch.apply(side);
                }
                self.on_medium(section, spec, attachment, &mut sides)?;
            }
        }
        let [up, down] = params;
        // What it joins is known when the groups' sizes are.
        topology?;
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
            schedule: schedule?,
            topology: None,
            own: Own {
                exceptions: exceptions?,
                ..Own::default()
            },
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
        Some((a_index, b_index))
    }

    /// The place of a node group that is named at `node`.
    pub(crate) fn group(&self, node: &'t Node, groups: &[&str]) -> Option<usize> {
        self.choice(node, "node groups", "node group", groups.iter().copied())
    }

    /// The parameters of both directions: up, down.
    fn link_params(
        &self,
        section: &Section<'t>,
        medium: Option<Attachment>,
    ) -> Option<[LinkParams; 2]> {
        let path = section.path.as_str();
        let sides = self.changing(section);
        let mtu = self.both(section, "mtu", None, |node| self.mtu(node).map(Some));
        let fragmentation = self.both(section, "fragmentation", None, |node| {
            self.fragmentation(node, path)
        });
        let overhead = self.both(section, "overhead", 0, |node| {
            self.size_within(node, 0, 65_535)
        });
        let queue = self.both(section, "queue", Queue::default(), |node| {
            self.queue(node, path)
        });
        let shaper = self.both(section, "shaper", None, |node| {
            self.shaper(node, path).map(Some)
        });
        let arq = self.both(section, "arq", None, |node| self.arq(node, path));
        let loss_at = self.both(section, "loss_at", LossPlace::Air, |node| {
            self.choice(node, "places of loss", "place of loss", ["air", "ingress"])
                .map(|index| [LossPlace::Air, LossPlace::Ingress][index])
        });
        let reorder = self.both(section, "reorder", None, |node| self.reorder(node, path));
        let order = self.both(section, "order", false, |node| {
            self.choice(node, "orders", "order", ["any", "keep"])
                .map(|index| index == 1)
        });
        let sides = sides?;
        let (mtu, fragmentation, overhead) = (mtu?, fragmentation?, overhead?);
        let (queue, shaper, arq, loss_at) = (queue?, shaper?, arq?, loss_at?);
        let (reorder, order) = (reorder?, order?);
        let both = [0, 1].map(|index| {
            let (delay, delay_replay) = sides.delay[index].clone();
            let (jitter, jitter_correlation) = sides.jitter[index].clone();
            LinkParams {
                mtu_bytes: mtu[index],
                rate_bps: sides.rate[index],
                overhead_bytes: overhead[index],
                queue: queue[index].limit,
                aqm: queue[index].aqm,
                shaper: shaper[index],
                fragmentation: fragmentation[index],
                arq: arq[index],
                loss: sides.loss[index].clone(),
                loss_place: loss_at[index],
                corruption: sides.corrupt[index],
                duplication: sides.duplicate[index],
                delay,
                delay_replay,
                jitter,
                jitter_correlation,
                reordering: reorder[index].clone(),
                in_order: order[index],
                medium,
            }
        });
        self.check_params(section, &both).then_some(both)
    }

    /// The parameters that may change while the world runs.
    fn changing(&self, section: &Section<'t>) -> Option<Sides> {
        let path = section.path.as_str();
        let delay = self.both(section, "delay", (Law::ZERO, None), |node| {
            match self.delay_recording(node) {
                Some(recording) => Some((Law::ZERO, Some(recording?))),
                None => Some((self.law(node, NANOSECONDS)?, None)),
            }
        });
        let jitter = self.both(section, "jitter", (Law::ZERO, None), |node| {
            self.jitter(node, path)
        });
        let rate = self.both(section, "rate", None, |node| {
            self.positive_rate(node).map(Some)
        });
        let loss = self.both(section, "loss", LossModel::None, |node| {
            self.loss(node, path)
        });
        let corrupt = self.both(section, "corrupt", None, |node| self.corrupt(node, path));
        let duplicate = self.both(section, "duplicate", Probability::NEVER, |node| {
            self.probability(node)
        });
        Some(Sides {
            delay: delay?,
            jitter: jitter?,
            rate: rate?,
            loss: loss?,
            corrupt: corrupt?,
            duplicate: duplicate?,
        })
    }

    /// Refuses parameters that have no meaning beside the others; says whether all have one.
    fn check_params(&self, section: &Section<'t>, both: &[LinkParams; 2]) -> bool {
        // On a shared medium frames have a length without a rate of the link.
        let timeless = |side: &LinkParams| side.medium.is_none() && !side.queues();
        let before = self.problems.count();
        let any = |wrong: &dyn Fn(&LinkParams) -> bool| both.iter().any(wrong);
        let refuse = |key: &str, reason: &str, hint: &str| {
            self.refuse::<()>(section.place_of(key), reason, hint);
        };
        if any(&|side| {
            timeless(side) && (side.queue != QueueLimit::Unbounded || side.aqm.is_some())
        }) {
            refuse(
                "queue",
                "a queue needs a rate",
                "without `rate` packets leave at once, and nothing ever waits: add for instance \
                 `rate = \"250kbps\"`",
            );
        }
        if section.table.get("overhead").is_some()
            && any(&|side| timeless(side) && side.overhead_bytes > 0)
        {
            refuse(
                "overhead",
                "overhead needs a rate",
                "without `rate` bytes take no time on the medium: add for instance \
                 `rate = \"250kbps\"`",
            );
        }
        if section.table.get("loss_at").is_some() && section.get("loss").is_none() {
            refuse(
                "loss_at",
                "nothing is lost here",
                "add for instance `loss = \"5%\"`",
            );
        }
        if any(&|side| side.fragmentation.is_some() && side.mtu_bytes.is_none()) {
            refuse(
                "fragmentation",
                "fragmentation needs an MTU",
                "add the longest frame's payload, for instance `mtu = \"102B\"`",
            );
        }
        let small = |side: &LinkParams| {
            let mtu = side.mtu_bytes.unwrap_or(u32::MAX);
            side.fragmentation.is_some() && mtu < FRAGMENT_MTU_MIN_BYTES
        };
        if any(&small) {
            refuse(
                "mtu",
                "fragments do not fit into this MTU",
                "a fragment has a header of up to 5B and carries multiples of 8B: at least 13B",
            );
        }
        if any(&|side| side.arq.is_some() && side.loss_place == LossPlace::Ingress) {
            refuse(
                "arq",
                "what is lost at the ingress is no frame that could be repeated",
                "leave `loss_at = \"ingress\"` out, or `arq`",
            );
        }
        let framed = |side: &LinkParams| side.arq.is_some() || side.fragmentation.is_some();
        if any(&|side| !side.duplication.is_never() && framed(side)) {
            refuse(
                "duplicate",
                "a link that numbers its frames recognises copies",
                "leave `duplicate` out, or `arq` and `fragmentation`",
            );
        }
        if any(&|side| side.reordering.is_some() && side.in_order) {
            refuse(
                "reorder",
                "a link that keeps the order reorders nothing",
                "leave `order = \"keep\"` out, or `reorder`",
            );
        }
        let at_once = |side: &LinkParams| {
            matches!(side.reordering, Some(Reordering::Ahead { .. }))
                && side.delay_replay.is_none()
                && side.delay.as_constant() == Some(0.0)
                && side.jitter.as_constant() == Some(0.0)
        };
        if any(&at_once) {
            refuse(
                "reorder",
                "a packet that goes at once overtakes none on a link without delay",
                "add a `delay`, or hold packets back: `reorder = { probability = \"5%\", by = \"20ms\" }`",
            );
        }
        self.problems.count() == before
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
                if !carries || !whole {
                    continue;
                }
                let role = groups[sender].role;
                for layout in choice.instance.layouts() {
                    let sends = layout.sender.is_none_or(|sender| sender == role);
                    let length = shortest(layout);
                    if sends && params.too_long(length) {
                        let limit = longest(params, length);
                        self.assume(format!(
                            "message {} has {length} B or more, but link `{}` drops what is longer \
                             than {limit} B: no attempt that needs it can succeed",
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

/// The longest packet below `bytes` that passes a link.
fn longest(params: &LinkParams, bytes: u32) -> u32 {
    let (mut passes, mut fails) = (0, bytes);
    while fails - passes > 1 {
        let middle = passes + (fails - passes) / 2;
        if params.too_long(middle) {
            fails = middle;
        } else {
            passes = middle;
        }
    }
    passes
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
