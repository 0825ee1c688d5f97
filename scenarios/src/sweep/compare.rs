//! Two studies side by side: every metric at every point that both have.

use std::collections::BTreeMap;

use reports::statistics::mean::mean_and_deviation;
use reports::store::StoreError;

use super::aggregate::{Difference, difference};
use super::ledger::Ledger;
use super::plan::Plan;
use super::stop::Targets;
use super::tables;
use crate::metrics::LEVEL;
use crate::sweep::execute::Shard;
use crate::sweep::expect::unit_of;

/// One metric at one place of both.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What the common axes have there; empty without axes.
    pub place: String,
    /// Name of the metric.
    pub metric: String,
    /// Its unit.
    pub unit: &'static str,
    /// Mean of the first.
    pub first: Option<f64>,
    /// Mean of the second.
    pub second: Option<f64>,
    /// First minus second; `None` where they have no replication in common.
    pub difference: Option<Difference>,
}

/// Values of one side: by metric, one per replication.
pub type Side = Vec<(String, Vec<Option<f64>>)>;

/// Compares two sides metric by metric; `common_random` says whether equal replications met the
/// same noise.
#[must_use]
pub fn rows(place: &str, first: &Side, second: &Side, common_random: bool) -> Vec<Row> {
    let mean = |values: &[Option<f64>]| {
        let present: Vec<f64> = values.iter().copied().flatten().collect();
        mean_and_deviation(&present).map(|(mean, _)| mean)
    };
    first
        .iter()
        .filter_map(|(metric, own)| {
            let (_, other) = second.iter().find(|(name, _)| name == metric)?;
            Some(Row {
                place: place.to_owned(),
                metric: metric.clone(),
                unit: unit_of(metric),
                first: mean(own),
                second: mean(other),
                difference: difference(metric, own, other, common_random, LEVEL),
            })
        })
        .collect()
}

/// Why two studies cannot be compared.
#[derive(Clone, Debug)]
pub enum CompareError {
    /// Their points cannot be told apart by the axes that both have.
    Axes(String),
    /// They have no point in common.
    Nothing,
    /// Stored runs cannot be read.
    Store(StoreError),
}

/// Compares the points that two studies have in common.
///
/// # Errors
///
/// See [`CompareError`].
pub fn studies(
    first: (&Plan, &mut Ledger),
    second: (&Plan, &mut Ledger),
) -> Result<Vec<Row>, CompareError> {
    let common: Vec<&str> = first
        .0
        .study
        .axes
        .iter()
        .map(|axis| axis.name.as_str())
        .filter(|name| second.0.study.axes.iter().any(|axis| axis.name == *name))
        .collect();
    let places = |plan: &Plan| -> Result<BTreeMap<Vec<String>, usize>, CompareError> {
        let mut found = BTreeMap::new();
        for point in 0..plan.points.len() {
            let texts: Vec<&str> = plan.texts(point).collect();
            let key: Vec<String> = common
                .iter()
                .filter_map(|name| {
                    let at = plan.study.axes.iter().position(|axis| axis.name == *name)?;
                    Some(texts[at].to_owned())
                })
                .collect();
            if found.insert(key, point).is_some() {
                return Err(CompareError::Axes(plan.base.name.clone()));
            }
        }
        Ok(found)
    };
    let (own, other) = (places(first.0)?, places(second.0)?);
    let mut all = Vec::new();
    let mut ordered: Vec<(&Vec<String>, usize, usize)> = own
        .iter()
        .filter_map(|(key, point)| Some((key, *point, *other.get(key)?)))
        .collect();
    ordered.sort_by_key(|(_, point, _)| *point);
    for (key, point, partner) in ordered {
        let place: Vec<String> = common
            .iter()
            .zip(key)
            .map(|(name, text)| format!("{name} = {text}"))
            .collect();
        let a = side(first.0, &mut *first.1, point).map_err(CompareError::Store)?;
        let b = side(second.0, &mut *second.1, partner).map_err(CompareError::Store)?;
        let seeds = (0..4).all(|at| first.0.seed(point, at) == second.0.seed(partner, at));
        all.extend(rows(&place.join(", "), &a, &b, seeds));
    }
    if all.is_empty() {
        return Err(CompareError::Nothing);
    }
    Ok(all)
}

/// The values of a point, by metric.
fn side(plan: &Plan, ledger: &mut Ledger, point: usize) -> Result<Side, StoreError> {
    let mut targets = Targets::new(plan);
    targets.advance(plan, Shard::WHOLE, ledger)?;
    let n = targets.wanted()[point];
    let mut names = Vec::new();
    for replication in 0..n {
        if ledger.has(point, replication) && !ledger.has_failed(point, replication) {
            names = ledger.names(point, replication)?;
            break;
        }
    }
    let values = tables::values(ledger, point, n, &names)?;
    Ok(names.into_iter().zip(values).collect())
}
