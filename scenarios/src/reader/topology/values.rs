//! Parameters of single edges: `delay`, `loss` and `rate`, as columns of a CSV file or keys of GML.

use std::collections::BTreeMap;
use std::path::Path;

use sim_engine::Probability;
use sim_engine::link::LossModel;

use super::edges::EdgeError;
use crate::law::{self, Domain};
use crate::quantity::{Dimension, Quantity};
use crate::scenario::LinkPatch;

/// The parameters that an edge may have.
pub(super) const KEYS: [&str; 3] = ["delay", "loss", "rate"];
/// Most different sets of them.
const VALUES_MAX: usize = 20_000;

/// A value as it stands in the file, and where.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) at: (usize, usize),
}

/// All different sets of values of a file.
#[derive(Debug)]
pub(super) struct Values<'a> {
    base: &'a Path,
    rated: bool,
    known: BTreeMap<[String; 3], u16>,
    /// Each once.
    pub(super) all: Vec<LinkPatch>,
}

impl<'a> Values<'a> {
    /// For files beside `base`; `rated` says whether the links have a rate that can differ.
    pub(super) const fn new(base: &'a Path, rated: bool) -> Self {
        Self {
            base,
            rated,
            known: BTreeMap::new(),
            all: Vec::new(),
        }
    }

    /// The number of a set of values in the order of [`KEYS`]: 0 where all are empty, else from 1.
    ///
    /// # Errors
    ///
    /// The first value that is wrong.
    pub(super) fn number(&mut self, cells: &[Cell; 3]) -> Result<u16, EdgeError> {
        let key = cells.each_ref().map(|cell| cell.text.clone());
        if key.iter().all(String::is_empty) {
            return Ok(0);
        }
        if let Some(number) = self.known.get(&key) {
            return Ok(*number);
        }
        if self.all.len() >= VALUES_MAX {
            return Err(refuse(
                cells[0].at,
                format!("there are more than {VALUES_MAX} different sets of values"),
                "round them",
            ));
        }
        let mut patch = LinkPatch::default();
        let [delay, loss, rate] = cells;
        if !delay.text.is_empty() {
            let law = law::read(
                &delay.text,
                Domain::unsigned(Dimension::Duration),
                self.base,
            );
            let law = law.map_err(|error| {
                let at = (delay.at.0, delay.at.1 + error.at.start);
                refuse(at, error.reason, &error.hints.join("; "))
            })?;
            patch.delay = Some((law, None));
        }
        if !loss.text.is_empty() {
            patch.loss = Some(LossModel::Bernoulli(share(loss)?));
        }
        if !rate.text.is_empty() {
            patch.rate_bps = Some(self.rate(rate)?);
        }
        self.all.push(patch);
        let number = u16::try_from(self.all.len()).unwrap_or(u16::MAX);
        self.known.insert(key, number);
        Ok(number)
    }

    fn rate(&self, cell: &Cell) -> Result<u64, EdgeError> {
        let quantity = Quantity::parse(&cell.text, Dimension::Rate)
            .map_err(|error| refuse(cell.at, error.reason, &error.hint))?;
        if !self.rated {
            return Err(refuse(
                cell.at,
                "this link has no rate that could differ",
                "give the link a `rate` to begin with",
            ));
        }
        match quantity.integer() {
            Some(rate) if rate > 0 && !quantity.is_negative() => Ok(rate),
            _ => Err(refuse(
                cell.at,
                format!("`{}` is no rate", cell.text),
                "write for instance `250kbps`",
            )),
        }
    }
}

/// A probability: a number from 0 to 1 or a percentage.
fn share(cell: &Cell) -> Result<Probability, EdgeError> {
    let number = match cell.text.parse::<f64>() {
        Ok(number) => number,
        Err(_) => Quantity::parse(&cell.text, Dimension::Share)
            .map_err(|error| {
                let reason = error.reason.replace("a share", "a probability");
                refuse(cell.at, reason, &error.hint)
            })?
            .number(),
    };
    Probability::new(number).ok_or_else(|| {
        refuse(
            cell.at,
            format!("`{}` is no probability", cell.text),
            "a probability lies between 0 and 1, that is between 0% and 100%",
        )
    })
}

fn refuse(at: (usize, usize), reason: impl Into<String>, hint: &str) -> EdgeError {
    EdgeError {
        line: at.0,
        column: at.1,
        reason: reason.into(),
        hint: hint.to_owned(),
    }
}
