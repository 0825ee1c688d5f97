//! `loss`: a probability, a recording, or a table with `model`.

use sim_engine::link::loss::{BitErrors, Intuitive, Transitions};
use sim_engine::link::{ChainStep, LossModel};
use sim_engine::{LawError, SimDuration};

use crate::diagnostic::Span;
use crate::quantity::Dimension;
use crate::reader::section::{Reading, Section};
use crate::tree::{Node, Value};

/// The models that a table may name.
const MODELS: [&str; 5] = ["bernoulli", "gilbert", "gilbert-elliott", "markov4", "ber"];

impl<'t> Reading<'t> {
    /// A loss model.
    pub(super) fn loss(&self, node: &'t Node, link: &str) -> Option<LossModel> {
        if let Some(recording) = self.loss_recording(node) {
            return recording;
        }
        let Value::Table(_) = &node.value else {
            let p = self.share(node)?;
            return self.model(node.span, LossModel::bernoulli(p));
        };
        let table = self.section(format!("{link}.loss"), node)?;
        let model = table
            .required(self, "model", "\"gilbert\"")
            .and_then(|node| self.choice(node, "loss models", "loss model", MODELS));
        let read = match model? {
            0 => {
                let p = self.share_of(&table, "p");
                table.finish(self);
                LossModel::bernoulli(p?)
            }
            1 => {
                let p = self.share_of(&table, "good_to_bad");
                let r = self.share_of(&table, "bad_to_good");
                let bad = self.share_or(&table, "loss_bad", 1.0);
                let step = self.chain_step(&table);
                table.finish(self);
                LossModel::gilbert_elliott(p?, r?, 0.0, bad?, step?)
            }
            2 => {
                let p = self.share_of(&table, "good_to_bad");
                let r = self.share_of(&table, "bad_to_good");
                let good = self.share_of(&table, "loss_good");
                let bad = self.share_of(&table, "loss_bad");
                let step = self.chain_step(&table);
                table.finish(self);
                LossModel::gilbert_elliott(p?, r?, good?, bad?, step?)
            }
            3 => return self.four_state(node, &table),
            _ => return self.bit_errors(node, &table),
        };
        self.model(node.span, read)
    }

    /// `markov4`, by its transitions or by the five intuitive parameters.
    fn four_state(&self, node: &'t Node, table: &Section<'t>) -> Option<LossModel> {
        let intuitive = ["p_loss", "burst", "density", "isolated", "good_run"];
        let is_intuitive = intuitive.iter().any(|&key| table.table.get(key).is_some());
        if is_intuitive {
            let loss = self.share_of(table, "p_loss");
            let burst = self.length_of(table, "burst");
            let density = self.share_or(table, "density", 1.0);
            let isolated = self.share_or(table, "isolated", 0.0);
            let good_run = if density.is_some_and(|density| density < 1.0) {
                self.length_of(table, "good_run")
            } else {
                Some(1.0)
            };
            let step = self.chain_step(table);
            table.finish(self);
            let wanted = Intuitive {
                loss: loss?,
                burst: burst?,
                density: density?,
                isolated: isolated?,
                good_run: good_run?,
            };
            let step = step?;
            let chain = wanted
                .transitions()
                .and_then(|transitions| LossModel::four_state(transitions, step));
            return chain.map_or_else(
                |error| {
                    self.refuse(
                        node.span,
                        format!("no chain of four states has these properties ({error})"),
                        "isolated losses must not exceed p_loss, p_loss must be below the density, \
                         and a burst must be long enough for its losses: burst * density >= 1",
                    )
                },
                Some,
            );
        }
        let p13 = self.share_of(table, "p13");
        let p31 = self.share_of(table, "p31");
        let p32 = self.share_or(table, "p32", 0.0);
        let p23 = self.share_or(table, "p23", 1.0);
        let p14 = self.share_or(table, "p14", 0.0);
        let step = self.chain_step(table);
        table.finish(self);
        let transitions = Transitions {
            p13: p13?,
            p31: p31?,
            p32: p32?,
            p23: p23?,
            p14: p14?,
        };
        match LossModel::four_state(transitions, step?) {
            Ok(model) => Some(model),
            Err(LawError::NotProbability { parameter, value }) => self.refuse(
                node.span,
                format!("{parameter} is {value}, more than 1"),
                "the transitions that leave one state share a probability of 1",
            ),
            Err(_) => self.refuse(
                node.span,
                "this chain enters a state that it never leaves",
                "give `p31`, and with `p32` also `p23`, a value above zero",
            ),
        }
    }

    /// `ber`, by the bit error rate or by the signal-to-noise ratio.
    fn bit_errors(&self, node: &'t Node, table: &Section<'t>) -> Option<LossModel> {
        let rate = table.get("ber");
        let snr = table.get("snr");
        table.finish(self);
        let errors = match (rate, snr) {
            (Some(rate), None) => BitErrors::new(self.share(rate)?),
            (None, Some(snr)) => {
                let level = self.quantity(snr, Dimension::Level)?.number();
                if !(-100.0..=100.0).contains(&level) {
                    return self.refuse(
                        snr.span,
                        format!("{level}dB is out of range"),
                        "it must lie between -100dB and 100dB",
                    );
                }
                BitErrors::oqpsk(level)
            }
            _ => {
                return self.refuse(
                    node.span,
                    "the model `ber` takes a bit error rate or a signal-to-noise ratio",
                    "write `ber = 1e-5`, or `snr = \"1dB\"` for the O-QPSK of IEEE 802.15.4",
                );
            }
        };
        match errors {
            Ok(errors) if errors.rate() <= 0.0 => Some(LossModel::None),
            Ok(errors) => Some(LossModel::BitErrors(errors)),
            Err(error) => self.refuse(node.span, error.to_string(), ""),
        }
    }

    fn model(&self, place: Span, read: Result<LossModel, LawError>) -> Option<LossModel> {
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

    fn share_or(&self, table: &Section<'t>, key: &'static str, default: f64) -> Option<f64> {
        match table.get(key) {
            Some(node) => self.share(node),
            None => Some(default),
        }
    }

    /// A mean number of packets.
    fn length_of(&self, table: &Section<'t>, key: &'static str) -> Option<f64> {
        let node = table.required(self, key, "4")?;
        self.number(node, 1.0, 1e9)
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
}
