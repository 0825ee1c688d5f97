//! `[media.NAME]` and the `medium` of a link: shared channels and how links use them.

mod lora;

use sim_engine::link::LossModel;
use sim_engine::medium::{Access, Acknowledgement, CsmaCa, DutyCycle, Modulation};
use sim_engine::{
    Attachment, Law, LinkParams, LossPlace, MediumId, MediumParams, Probability, SimDuration,
};

use super::section::{Reading, Section};
use crate::diagnostic::{Diagnostic, Span, quoted, suggestions};
use crate::law::Domain;
use crate::quantity::Dimension;
use crate::scenario::{MediumModel, MediumSpec};
use crate::tree::{Node, Value};

/// Rate of IEEE 802.15.4 at 2.4 GHz, for links on such a medium that give none.
const IEEE802154_BPS: u64 = 250_000;

impl<'t> Reading<'t> {
    /// The named media; a place is kept for each, `None` where it could not be read.
    pub(crate) fn media(&self, sections: &[(&'t str, Section<'t>)]) -> Vec<Option<MediumSpec>> {
        sections
            .iter()
            .map(|(name, section)| self.medium(name, section))
            .collect()
    }

    /// The medium of a link: one that has a name, or one that only this link group uses, which is
    /// added to `media`. `Some(None)`: the link has none.
    pub(crate) fn medium_of(
        &self,
        link: &str,
        section: &Section<'t>,
        media: &mut Vec<Option<MediumSpec>>,
        names: &[&str],
    ) -> Option<Option<Attachment>> {
        let Some(node) = section.get("medium") else {
            return Some(None);
        };
        let path = format!("{}.medium", section.path);
        let (place, modulation) = match &node.value {
            Value::Text(_) => (self.medium_named(node, names)?, None),
            Value::Table(table) if table.get("use").is_some() => {
                let table = self.section(path, node)?;
                let named = table.get("use")?;
                let place = self.medium_named(named, names)?;
                let default = media[place].as_ref()?.modulation;
                let modulation = match default {
                    Some(default) => Some(self.modulation(&table, Some(default))?),
                    None => None,
                };
                table.finish(self);
                (place, modulation)
            }
            Value::Table(_) => {
                let table = self.section(path, node)?;
                let spec = self.medium(link, &table)?;
                media.push(Some(spec));
                (media.len() - 1, None)
            }
            other => {
                return self.refuse(
                    node.span,
                    format!("a medium is a table or a name, not {}", other.kind()),
                    "write `medium = { model = \"aloha\" }`, or `medium = \"NAME\"` for the table \
                     `[media.NAME]`",
                );
            }
        };
        let spec = media[place].as_ref()?;
        let modulation = modulation.or(spec.modulation);
        if let Some(modulation) = &modulation {
            self.check_factor(node.span, spec, modulation)?;
        }
        Some(Some(Attachment {
            medium: MediumId(u16::try_from(place).unwrap_or(u16::MAX)),
            modulation,
        }))
    }

    fn medium_named(&self, node: &'t Node, names: &[&str]) -> Option<usize> {
        let word = self.text(node)?;
        let found = names.iter().position(|name| *name == word);
        if found.is_none() {
            let [meant, list] = suggestions(word, "`media` has", names.iter().copied());
            let remedy = if names.is_empty() {
                format!(
                    "add a table `[media.{word}]` with its `model`, or write `medium = {{ model = .. }}`"
                )
            } else {
                list
            };
            self.report(
                Diagnostic::at(node.span, format!("there is no medium {}", quoted(word)))
                    .hint(meant)
                    .hint(remedy),
            );
        }
        found
    }

    /// A medium from its table.
    fn medium(&self, name: &str, table: &Section<'t>) -> Option<MediumSpec> {
        let models = MediumModel::ALL.map(MediumModel::as_str);
        let model = table
            .required(self, "model", "\"aloha\"")
            .and_then(|node| self.choice(node, "media", "medium", models))
            .map(|index| MediumModel::ALL[index])?;
        let mut modulation = None;
        let params = match model {
            MediumModel::Aloha => {
                let propagation = self.time_of(table, "propagation");
                let channels = self.channels(table);
                let duty = self.duty(table);
                table.finish(self);
                MediumParams {
                    propagation: propagation?,
                    channels: channels?,
                    duty: duty?,
                    ..MediumParams::default()
                }
            }
            MediumModel::SlottedAloha => {
                let slot = self.slot_of(table);
                let persistence = self.probability_of(table, "persistence", Probability::ALWAYS);
                let propagation = self.time_of(table, "propagation");
                let channels = self.channels(table);
                table.finish(self);
                let persistence = persistence?;
                if persistence.is_never() {
                    return self.refuse(
                        table.place_of("persistence"),
                        "a frame that never uses a slot is never sent",
                        "give `persistence` a value above zero",
                    );
                }
                MediumParams {
                    access: Access::Slotted {
                        slot: slot?,
                        persistence,
                    },
                    propagation: propagation?,
                    channels: channels?,
                    ..MediumParams::default()
                }
            }
            MediumModel::Csma => {
                let backoff = match table.get("backoff") {
                    Some(node) => self
                        .law(node, Domain::unsigned(Dimension::Duration))
                        .map(Some),
                    None => Some(None),
                };
                let attempts = self.attempts(table);
                let propagation = self.time_of(table, "propagation");
                let hidden = self.probability_of(table, "hidden", Probability::NEVER);
                table.finish(self);
                let (backoff, attempts) = (backoff?, attempts?);
                if backoff.is_none() && attempts.is_some_and(|attempts| attempts > 1) {
                    return self.refuse(
                        table.place_of("attempts"),
                        "without `backoff` a frame that finds the channel busy is given up at once",
                        "say when it senses again: `backoff = \"exp(20ms)\"`",
                    );
                }
                if backoff.as_ref().and_then(Law::as_constant) == Some(0.0) {
                    return self.refuse(
                        table.place_of("backoff"),
                        "a backoff of zero senses the same busy channel again for ever",
                        "give it a length, for instance `backoff = \"exp(20ms)\"`",
                    );
                }
                let once = if backoff.is_some() { u32::MAX } else { 1 };
                MediumParams {
                    access: Access::Csma {
                        attempts: attempts.unwrap_or(once),
                        backoff: backoff.unwrap_or(Law::ZERO),
                    },
                    propagation: propagation?,
                    hidden: hidden?,
                    ..MediumParams::default()
                }
            }
            MediumModel::Contention => {
                let window = table
                    .required(self, "window", "8")
                    .and_then(|node| self.integer(node, 1, 1 << 20));
                let slot = self.slot_of(table);
                let attempts = self.attempts(table);
                let propagation = self.time_of(table, "propagation");
                let hidden = self.probability_of(table, "hidden", Probability::NEVER);
                table.finish(self);
                MediumParams {
                    access: Access::Contention {
                        window: u32::try_from(window?).unwrap_or(u32::MAX),
                        slot: slot?,
                        attempts: attempts?.unwrap_or(u32::MAX),
                    },
                    propagation: propagation?,
                    hidden: hidden?,
                    ..MediumParams::default()
                }
            }
            MediumModel::Ieee802154 => {
                let constants = self.csma_ca(table);
                let propagation = self.time_of(table, "propagation");
                let hidden = self.probability_of(table, "hidden", Probability::NEVER);
                table.finish(self);
                MediumParams {
                    access: Access::CsmaCa(constants?),
                    propagation: propagation?,
                    hidden: hidden?,
                    ..MediumParams::default()
                }
            }
            MediumModel::Lora => {
                let (params, read) = self.lora(table)?;
                modulation = Some(read);
                params
            }
        };
        Some(MediumSpec {
            name: name.to_owned(),
            model,
            params,
            modulation,
        })
    }

    /// The constants of unslotted CSMA-CA.
    fn csma_ca(&self, table: &Section<'t>) -> Option<CsmaCa> {
        let normal = CsmaCa::default();
        let small = |key, default: u8, max| match table.get(key) {
            Some(node) => self
                .integer(node, 0, max)
                .and_then(|value| u8::try_from(value).ok()),
            None => Some(default),
        };
        let min_exponent = small("min_be", normal.min_exponent, 8);
        let max_exponent = small("max_be", normal.max_exponent, 8);
        let max_backoffs = small("max_backoffs", normal.max_backoffs, 5);
        let busy = self.probability_of(table, "busy", Probability::NEVER);
        let acknowledged = match table.get("ack") {
            Some(node) => self.flag(node),
            None => Some(true),
        };
        let asked = table.get("retries");
        let retries = small("retries", 3, 7);
        let (min_exponent, max_exponent) = (min_exponent?, max_exponent?);
        if min_exponent > max_exponent {
            return self.refuse(
                table.place_of("min_be"),
                format!("`min_be` is {min_exponent}, above `max_be`, which is {max_exponent}"),
                "the first backoff exponent is the smallest; the standard has 3 and 5",
            );
        }
        let acknowledged = acknowledged?;
        if let (false, Some(node)) = (acknowledged, asked) {
            return self.refuse(
                node.span,
                "without acknowledgements nobody knows what to repeat",
                "leave `retries` out, or `ack = false`",
            );
        }
        let retries = retries?;
        Some(CsmaCa {
            min_exponent,
            max_exponent,
            max_backoffs: max_backoffs?,
            busy: busy?,
            acknowledgement: normal
                .acknowledgement
                .filter(|_| acknowledged)
                .map(|normal| Acknowledgement { retries, ..normal }),
            ..normal
        })
    }

    fn attempts(&self, table: &Section<'t>) -> Option<Option<u32>> {
        match table.get("attempts") {
            Some(node) => self
                .integer(node, 1, u64::from(u32::MAX))
                .map(|attempts| u32::try_from(attempts).ok()),
            None => Some(None),
        }
    }

    fn slot_of(&self, table: &Section<'t>) -> Option<SimDuration> {
        let node = table.required(self, "slot", "\"10ms\"")?;
        match self.duration(node)? {
            0 => self.refuse(node.span, "a slot must last longer than zero", ""),
            slot => Some(SimDuration(slot)),
        }
    }

    /// A duration that is zero unless given.
    fn time_of(&self, table: &Section<'t>, key: &'static str) -> Option<SimDuration> {
        match table.get(key) {
            Some(node) => self.duration(node).map(SimDuration),
            None => Some(SimDuration::ZERO),
        }
    }

    fn probability_of(
        &self,
        table: &Section<'t>,
        key: &'static str,
        default: Probability,
    ) -> Option<Probability> {
        match table.get(key) {
            Some(node) => self.probability(node),
            None => Some(default),
        }
    }

    fn channels(&self, table: &Section<'t>) -> Option<u16> {
        match table.get("channels") {
            Some(node) => self
                .integer(node, 1, 1_000)
                .and_then(|channels| u16::try_from(channels).ok()),
            None => Some(1),
        }
    }

    /// `duty_cycle`, and what becomes of a frame that comes too early.
    fn duty(&self, table: &Section<'t>) -> Option<Option<DutyCycle>> {
        let share = table.get("duty_cycle");
        let early = table.get("over_duty");
        let waits = match early {
            Some(node) => self
                .choice(
                    node,
                    "ways to keep a duty cycle",
                    "way to keep a duty cycle",
                    ["wait", "refuse"],
                )
                .map(|index| index == 0),
            None => Some(true),
        };
        match (share, early) {
            (Some(node), _) => {
                let share_ppb = self.duty_share(node)?;
                Some(Some(DutyCycle {
                    share_ppb,
                    waits: waits?,
                }))
            }
            (None, Some(node)) => self.refuse(
                node.span,
                "there is no duty cycle to keep",
                "add `duty_cycle = \"1%\"`, or leave `over_duty` out",
            ),
            (None, None) => Some(None),
        }
    }

    /// A share of time in parts per billion.
    fn duty_share(&self, node: &'t Node) -> Option<u32> {
        let share = self.share(node)?;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share is between 0 and 1"
        )]
        let parts = libm::round(share * 1e9) as u32;
        match parts {
            0 => self.refuse(
                node.span,
                "under a duty cycle of zero nothing is ever sent",
                "EU868 has 0.1%, 1% and 10%",
            ),
            parts => Some(parts),
        }
    }

    /// What a medium asks of the links on it, and fills in for them.
    pub(crate) fn on_medium(
        &self,
        section: &Section<'t>,
        spec: &MediumSpec,
        attachment: Attachment,
        params: &mut [LinkParams; 2],
    ) -> Option<()> {
        for side in &mut *params {
            side.medium = Some(attachment);
            if spec.model == MediumModel::Ieee802154 {
                side.rate_bps.get_or_insert(IEEE802154_BPS);
            }
            // What a preset says of a link that nobody shares gives way to the medium's model.
            if section.table.get("arq").is_none() {
                side.arq = None;
            }
            if section.table.get("fragmentation").is_none() {
                side.fragmentation = None;
            }
        }
        let own = [
            ("arq", params.iter().any(|side| side.arq.is_some())),
            (
                "fragmentation",
                params.iter().any(|side| side.fragmentation.is_some()),
            ),
            ("shaper", params.iter().any(|side| side.shaper.is_some())),
            ("queue", params.iter().any(|side| side.aqm.is_some())),
        ];
        for (key, given) in own {
            if given {
                let what = if key == "queue" { "aqm" } else { key };
                return self.refuse(
                    section.place_of(key),
                    format!("on a shared medium there is no `{what}` of a link"),
                    "the medium's own model repeats frames, and its line is plain; leave the key \
                     or the preset that has it out",
                );
            }
        }
        if spec.model == MediumModel::Lora {
            if section.get("rate").is_some() {
                return self.refuse(
                    section.place_of("rate"),
                    "the time on the air of LoRa follows from its modulation, not from a rate",
                    "leave `rate` out and choose `sf`, `bandwidth` and `coding_rate` of the medium",
                );
            }
        } else if params.iter().any(|side| side.rate_bps.is_none()) {
            return self.refuse(
                section.place_of("medium"),
                "frames on this medium have no length without a rate",
                "give the link both directions' rate, for instance `rate = \"250kbps\"`",
            );
        }
        if params
            .iter()
            .any(|side| side.loss_place == LossPlace::Ingress && side.loss != LossModel::None)
        {
            return self.refuse(
                section.place_of("loss_at"),
                "on a shared medium frames are lost on the air",
                "leave `loss_at` out",
            );
        }
        Some(())
    }

    /// Media that no link uses.
    pub(crate) fn check_media(
        &self,
        sections: &[(&'t str, Section<'t>)],
        links: &[crate::scenario::LinkGroup],
    ) {
        for (place, (name, section)) in sections.iter().enumerate() {
            let uses = |side: &LinkParams| {
                side.medium
                    .is_some_and(|medium| usize::from(medium.medium.0) == place)
            };
            if !links.iter().any(|link| uses(&link.up) || uses(&link.down)) {
                self.refuse::<()>(
                    section.place,
                    format!("no link uses the medium {}", quoted(name)),
                    format!("write `medium = \"{name}\"` at a link, or remove the table"),
                );
            }
        }
    }

    fn check_factor(&self, place: Span, spec: &MediumSpec, modulation: &Modulation) -> Option<()> {
        let captures = matches!(
            spec.params.capture,
            sim_engine::medium::Capture::Thresholds(_)
        );
        if captures && modulation.spreading_factor < 7 {
            return self.refuse(
                place,
                "there are no capture thresholds for spreading factor 6",
                "use 7 to 12, or leave `capture` out",
            );
        }
        Some(())
    }
}
