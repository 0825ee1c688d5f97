//! The keys of a LoRa medium.

use sim_engine::medium::{
    Capture, DutyCycle, Modulation, ReceiveWindows, SIR_THRESHOLDS_DB, SPREADING_FACTORS,
};
use sim_engine::{Law, MediumParams, SimDuration};

use super::{Reading, Section};
use crate::law::Domain;
use crate::quantity::Dimension;
use crate::tree::{Node, Value};

impl<'t> Reading<'t> {
    /// A LoRa medium, and the modulation of links that choose none.
    pub(super) fn lora(&self, table: &Section<'t>) -> Option<(MediumParams, Modulation)> {
        let modulation = self.modulation(table, None);
        let channels = self.channels(table);
        let duty = self.duty(table);
        let capture = self.capture(table);
        let power = self.power(table);
        let windows = match table.get("receive_windows") {
            Some(_) => self.windows(table).map(Some),
            None => Some(None),
        };
        table.finish(self);
        let (capture, power) = (capture?, power?);
        let captures = capture != Capture::None;
        if captures && power.is_none() {
            return self.refuse(
                table.place_of("capture"),
                "which frame is stronger follows from received powers, and there are none",
                "add for instance `power = \"normal(-110dBm, 8dBm)\"`, drawn once per link",
            );
        }
        if !captures && power.is_some() {
            return self.refuse(
                table.place_of("power"),
                "received powers decide nothing without `capture`",
                "add `capture = \"sir\"` or `capture = \"same-sf\"`, or leave `power` out",
            );
        }
        let params = MediumParams {
            channels: channels?,
            duty: duty?,
            capture,
            power_dbm: power.unwrap_or(Law::ZERO),
            windows: windows?,
            ..MediumParams::default()
        };
        Some((params, modulation?))
    }

    /// The modulation of frames; `default` is that of the medium, where a link changes some of it.
    pub(super) fn modulation(
        &self,
        table: &Section<'t>,
        default: Option<Modulation>,
    ) -> Option<Modulation> {
        let factor = match (table.get("sf"), default) {
            (None, Some(default)) => Some(default.spreading_factor),
            _ => table
                .required(self, "sf", "9")
                .and_then(|node| self.integer(node, 6, 12))
                .and_then(|factor| u8::try_from(factor).ok()),
        };
        let normal = default.unwrap_or(Modulation::lorawan(7));
        let bandwidth = match table.get("bandwidth") {
            Some(node) => self.bandwidth(node),
            None => Some(normal.bandwidth_hz),
        };
        let rates = ["4/5", "4/6", "4/7", "4/8"];
        let coding_rate = match table.get("coding_rate") {
            Some(node) => self
                .choice(node, "coding rates", "coding rate", rates)
                .and_then(|index| u8::try_from(index + 1).ok()),
            None => Some(normal.coding_rate),
        };
        let preamble = match table.get("preamble") {
            Some(node) => self
                .integer(node, 6, 65_535)
                .and_then(|symbols| u16::try_from(symbols).ok()),
            None => Some(normal.preamble),
        };
        let checksum = match table.get("crc") {
            Some(node) => self.flag(node),
            None => Some(normal.checksum),
        };
        let implicit_header = match table.get("header") {
            Some(node) => self
                .choice(node, "headers", "header", ["explicit", "implicit"])
                .map(|index| index == 1),
            None => Some(normal.implicit_header),
        };
        let low_data_rate = match table.get("low_data_rate") {
            Some(node) => match &node.value {
                Value::Text(_) => self
                    .choice(node, "choices", "choice", ["auto"])
                    .map(|_| None),
                _ => self.flag(node).map(Some),
            },
            None => Some(normal.low_data_rate),
        };
        let (factor, implicit_header) = (factor?, implicit_header?);
        if factor == 6 && !implicit_header {
            return self.refuse(
                table.place_of("sf"),
                "spreading factor 6 has no explicit header",
                "add `header = \"implicit\"`, or use 7 to 12",
            );
        }
        Some(Modulation {
            spreading_factor: factor,
            bandwidth_hz: bandwidth?,
            coding_rate: coding_rate?,
            preamble: preamble?,
            checksum: checksum?,
            implicit_header,
            low_data_rate: low_data_rate?,
        })
    }

    /// A bandwidth in Hz that the chips have.
    fn bandwidth(&self, node: &'t Node) -> Option<u32> {
        let hertz = self.frequency(node)?;
        match u32::try_from(hertz) {
            Ok(hertz) if (7_800..=1_700_000).contains(&hertz) => Some(hertz),
            _ => self.refuse(
                node.span,
                format!("{hertz}Hz is out of range"),
                "it must lie between 7.8kHz and 1.7MHz; LoRaWAN uses 125kHz, 250kHz and 500kHz",
            ),
        }
    }

    fn capture(&self, table: &Section<'t>) -> Option<Capture> {
        let Some(node) = table.get("capture") else {
            return Some(Capture::None);
        };
        let which = self.choice(node, "captures", "capture", ["none", "same-sf", "sir"])?;
        Some(match which {
            0 => Capture::None,
            1 => {
                // Other factors are not heard at all: no interference is too strong.
                let mut thresholds = [[f64::NEG_INFINITY; SPREADING_FACTORS]; SPREADING_FACTORS];
                for (factor, row) in thresholds.iter_mut().enumerate() {
                    row[factor] = SIR_THRESHOLDS_DB[factor][factor];
                }
                Capture::Thresholds(Box::new(thresholds))
            }
            _ => Capture::Thresholds(Box::new(SIR_THRESHOLDS_DB)),
        })
    }

    fn power(&self, table: &Section<'t>) -> Option<Option<Law>> {
        match table.get("power") {
            Some(node) => self
                .law(node, Domain::signed(Dimension::Received))
                .map(Some),
            None => Some(None),
        }
    }

    /// The receive windows of class A; every key has the EU868 default.
    fn windows(&self, table: &Section<'t>) -> Option<ReceiveWindows> {
        let table = table.section(self, "receive_windows")?;
        let time = |key, default: u64| match table.get(key) {
            Some(node) => self.duration(node),
            None => Some(default),
        };
        let first = time("rx1", 1_000_000_000);
        let second = time("rx2", 2_000_000_000);
        let factor = match table.get("rx2_sf") {
            Some(node) => self
                .integer(node, 7, 12)
                .and_then(|factor| u8::try_from(factor).ok()),
            None => Some(12),
        };
        let share = match table.get("rx2_duty_cycle") {
            Some(node) => self.duty_share(node).map(Some),
            None => Some(None),
        };
        table.finish(self);
        let (first, second) = (first?, second?);
        if first >= second {
            return self.refuse(
                table.place_of("rx2"),
                "the second window opens after the first",
                "LoRaWAN has 1s and 2s",
            );
        }
        Some(ReceiveWindows {
            first: SimDuration(first),
            second: SimDuration(second),
            second_modulation: Modulation::lorawan(factor?),
            second_duty: share?.map(|share_ppb| DutyCycle {
                share_ppb,
                waits: true,
            }),
        })
    }
}
