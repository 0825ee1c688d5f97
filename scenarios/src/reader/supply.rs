//! The keys of a node group about radio, battery, storage and clock.

use super::section::{Reading, Section};
use crate::diagnostic::quoted;
use crate::law::Domain;
use crate::profile::Profile;
use crate::quantity::{Dimension, Quantity};
use crate::radio;
use crate::scenario::Clock;
use crate::supply::{Supply, Wear, Worn};
use crate::tree::{Node, Value};
use sim_engine::Law;

/// Supply voltage where neither battery nor radio names one, mV.
const SUPPLY_MV: u64 = 3_000;

impl<'t> Reading<'t> {
    /// `radio`, `sleep_power`, `battery` and `storage` of a node group with this profile.
    pub(crate) fn supply(
        &self,
        name: &str,
        section: &Section<'t>,
        profile: Option<&Profile>,
    ) -> Option<Supply> {
        let mut supply = Supply::default();
        let mut good = true;
        if let Some(node) = section.get("radio") {
            match self.radio(node, section) {
                Some((radio, listen)) => {
                    self.assume(radio.assumption());
                    supply.radio = Some(radio);
                    supply.listen = listen;
                }
                None => good = false,
            }
        }
        if let Some(node) = section.get("sleep_power") {
            match self.base_units(node, Dimension::Power) {
                Some(power) => supply.sleep_nw = power,
                None => good = false,
            }
        }
        if let Some(node) = section.get("battery") {
            let by_radio = supply.radio.as_ref().map(|radio| radio.supply_mv);
            match self.battery(name, node, section, by_radio) {
                Some(energy) => supply.battery_nj = Some(energy),
                None => good = false,
            }
        }
        if section.get("storage").is_some() {
            match self.wear(section, profile) {
                Some(wear) => supply.wear = Some(wear),
                None => good = false,
            }
        }
        good.then_some(supply)
    }

    fn radio(
        &self,
        node: &'t Node,
        section: &Section<'t>,
    ) -> Option<(std::sync::Arc<radio::Radio>, bool)> {
        let find = |node: &'t Node| {
            self.choice(node, "radios", "radio", radio::names())
                .map(|index| radio::all()[index].clone())
        };
        if let Value::Text(_) = node.value {
            return find(node).map(|radio| (radio, false));
        }
        let table = section.section(self, "radio")?;
        let model = table.required(self, "model", "\"cc2420\"").and_then(find);
        let listen = match table.get("listen") {
            Some(node) => self.flag(node),
            None => Some(false),
        };
        table.finish(self);
        model.zip(listen)
    }

    /// A battery's energy, nJ: `"10kJ"`, `"2000mAh"` at the supply voltage, or both in a table.
    fn battery(
        &self,
        name: &str,
        node: &'t Node,
        section: &Section<'t>,
        radio_mv: Option<u64>,
    ) -> Option<u64> {
        let (capacity, voltage) = if let Value::Table(_) = node.value {
            let table = section.section(self, "battery")?;
            let capacity = table.required(self, "capacity", "\"2000mAh\"");
            let voltage = match table.get("voltage") {
                Some(node) => self.base_units(node, Dimension::Voltage).map(Some),
                None => Some(None),
            };
            table.finish(self);
            (capacity?, voltage?)
        } else {
            (node, None)
        };
        let is_charge = matches!(&capacity.value, Value::Text(text)
            if Quantity::parse(text, Dimension::Charge).is_ok());
        let energy = if is_charge {
            let charge = self.base_units(capacity, Dimension::Charge)?;
            let mv = voltage.or(radio_mv).unwrap_or_else(|| {
                self.assume(format!(
                    "the battery of nodes `{name}` is taken to give {SUPPLY_MV} mV"
                ));
                SUPPLY_MV
            });
            // Microcoulombs times millivolts are nanojoules.
            charge.checked_mul(mv)
        } else {
            if voltage.is_some() {
                return self.refuse(
                    node.span,
                    "a capacity in joules needs no voltage",
                    "leave `voltage` out, or give the capacity in mAh",
                );
            }
            Some(self.base_units(capacity, Dimension::Energy)?)
        };
        match energy {
            Some(energy) if energy > 0 => Some(energy),
            _ => self.refuse(
                capacity.span,
                "this battery is empty or larger than can be counted",
                "write for instance `battery = \"2000mAh\"`",
            ),
        }
    }

    fn wear(&self, section: &Section<'t>, profile: Option<&Profile>) -> Option<Wear> {
        let table = section.section(self, "storage")?;
        let rated = profile.and_then(|profile| profile.endurance.as_ref());
        let endurance = match (table.get("endurance"), rated) {
            (None, Some(rated)) => {
                let basis = rated.basis.as_str();
                self.assume(format!(
                    "storage stands {} writes of each record ({basis}: {})",
                    rated.writes, rated.source
                ));
                Some(rated.writes)
            }
            _ => table
                .required(self, "endurance", "100000")
                .and_then(|node| self.integer(node, 1, u64::MAX)),
        };
        let worn = match table.get("worn") {
            Some(node) => {
                let names = Worn::ALL.iter().map(|worn| worn.as_str());
                self.choice(node, "ends of storage", "end of storage", names)
                    .map(|index| Worn::ALL[index])
            }
            None => Some(Worn::NodeDead),
        };
        table.finish(self);
        Some(Wear {
            endurance: endurance?,
            worn: worn?,
        })
    }

    /// `clock = { offset, drift, walk, step, granularity }`.
    pub(super) fn clock(&self, section: &Section<'t>) -> Option<Clock> {
        let mut clock = Clock {
            offset: Law::ZERO,
            drift_ppm: Law::ZERO,
            walk: None,
            steps: Vec::new(),
            granularity_ns: 1,
        };
        if section.get("clock").is_none() {
            return Some(clock);
        }
        let table = section.section(self, "clock")?;
        let offset = match table.get("offset") {
            Some(node) => self.law(node, Domain::signed(Dimension::Duration)),
            None => Some(Law::ZERO),
        };
        let drift = match table.get("drift") {
            Some(node) => self.law(node, Domain::signed(Dimension::Drift)),
            None => Some(Law::ZERO),
        };
        let walk = match table.get("walk") {
            Some(_) => self.walk(&table).map(Some),
            None => Some(None),
        };
        let steps = match table.get("step") {
            Some(node) => {
                let list = self.one_or_more(node).iter();
                let steps: Vec<_> = list.map(|one| self.clock_step(one)).collect();
                steps.into_iter().collect()
            }
            None => Some(Vec::new()),
        };
        let granularity = match table.get("granularity") {
            Some(node) => self.granularity(node),
            None => Some(1),
        };
        table.finish(self);
        clock.granularity_ns = granularity?;
        clock.offset = offset?;
        clock.drift_ppm = drift?;
        clock.walk = walk?;
        clock.steps = steps?;
        Some(clock)
    }

    fn granularity(&self, node: &'t Node) -> Option<u64> {
        let granularity = self.duration(node)?;
        if granularity == 0 {
            return self.refuse(
                node.span,
                "a clock that shows multiples of nothing shows nothing",
                "write for instance `granularity = \"1ms\"`, or leave it out: 1 ns",
            );
        }
        Some(granularity)
    }

    fn walk(&self, clock: &Section<'t>) -> Option<(u64, u64)> {
        let table = clock.section(self, "walk")?;
        let sd = table
            .required(self, "sd", "\"10us\"")
            .and_then(|node| self.duration(node));
        let every = table
            .required(self, "every", "\"1min\"")
            .and_then(|node| self.duration(node));
        table.finish(self);
        let (sd, every) = (sd?, every?);
        if every == 0 {
            return self.refuse(
                table.place_of("every"),
                "a random walk needs a span between its steps",
                "write for instance `every = \"1min\"`",
            );
        }
        Some((sd, every))
    }

    fn clock_step(&self, node: &'t Node) -> Option<(u64, i64)> {
        let table = self.section("clock.step", node)?;
        let at = table
            .required(self, "at", "\"1h\"")
            .and_then(|node| self.duration(node));
        let by = table.required(self, "by", "\"-2s\"").and_then(|node| {
            let law = self.law(node, Domain::signed(Dimension::Duration))?;
            if law.as_constant().is_none() {
                return self.refuse(
                    node.span,
                    format!(
                        "{} is a law, but a step is one jump",
                        quoted(self.slice(node.span))
                    ),
                    "write a duration; `[faults.NAME]` with `clock-step` draws one per node",
                );
            }
            #[allow(clippy::cast_possible_truncation, reason = "such casts saturate")]
            law.as_constant().map(|by| by as i64)
        });
        table.finish(self);
        Some((at?, by?))
    }
}
