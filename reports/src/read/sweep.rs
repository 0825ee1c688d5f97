//! The tables of a sweep: runs and aggregates by point, with the axes that the sweep varied.

use std::path::{Path, PathBuf};

use super::sheet::Sheet;
use crate::store::{MANIFEST, Manifest, StoreError};

/// A sweep's result directory.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepResult {
    directory: PathBuf,
    manifest: Manifest,
    /// `aggregate.csv`.
    pub aggregate: Sheet,
    /// Names of the axes, in the order of the columns.
    pub axes: Vec<String>,
    /// Names of the metrics, in the order of the file.
    pub metrics: Vec<String>,
}

/// One aggregated number.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// Values of the axes as the file has them.
    pub axes: Vec<String>,
    /// Name of the metric.
    pub metric: String,
    /// Runs behind it.
    pub n: u64,
    /// Mean over the runs; `None` when none had a value.
    pub mean: Option<f64>,
    /// Standard deviation over the runs.
    pub sd: Option<f64>,
    /// Lower and upper end of the interval.
    pub interval: Option<(f64, f64)>,
    /// How the interval was computed.
    pub method: String,
    /// Coverage that the interval aims at; 0 where unknown.
    pub level: f64,
    /// Unit of the metric.
    pub unit: String,
}

/// What theory says of a metric at a point.
#[derive(Clone, Debug, PartialEq)]
pub struct Exact {
    /// Values of the axes as the file has them.
    pub axes: Vec<String>,
    /// The exact value.
    pub value: f64,
}

/// The unit that a metric's name tells.
fn usual_unit(metric: &str) -> &'static str {
    let ends = |suffix: &str| metric.ends_with(suffix);
    if ends("_ns") {
        "ns"
    } else if ends("_nj") {
        "nJ"
    } else if ends("_rate") || ends("utilisation") {
        "share"
    } else if metric.starts_with("bytes") || ends("_bytes") {
        "B"
    } else {
        "count"
    }
}

impl SweepResult {
    /// Opens the result of a sweep.
    ///
    /// # Errors
    /// `NotAResult` without a manifest; `Damaged` or `Io` for a table that cannot be read.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let manifest = Manifest::read(directory)?.ok_or_else(|| StoreError::NotAResult {
            path: directory.join(MANIFEST),
        })?;
        let aggregate = Sheet::read(&directory.join("aggregate.csv"))?;
        let (from, to) = (aggregate.column("point")?, aggregate.column("metric")?);
        let axes = aggregate
            .columns
            .get(from + 1..to)
            .unwrap_or_default()
            .to_vec();
        let mut metrics: Vec<String> = Vec::new();
        for row in 0..aggregate.rows.len() {
            let metric = aggregate.text(row, to);
            if !metrics.iter().any(|known| known == metric) {
                metrics.push(metric.to_owned());
            }
        }
        Ok(Self {
            directory: directory.to_owned(),
            manifest,
            aggregate,
            axes,
            metrics,
        })
    }

    /// The distinct values of an axis, in the order of the points.
    #[must_use]
    pub fn values_of(&self, axis: &str) -> Vec<String> {
        let mut values: Vec<String> = Vec::new();
        let Ok(column) = self.aggregate.column(axis) else {
            return values;
        };
        for row in 0..self.aggregate.rows.len() {
            let value = self.aggregate.text(row, column);
            if !values.iter().any(|known| known == value) {
                values.push(value.to_owned());
            }
        }
        values
    }

    /// Where it stands.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the directory is the result of.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What theory says of one metric, in the order of the points; nothing where the table is missing,
    /// as in a result of an older version.
    ///
    /// # Errors
    /// `Damaged` with the line of a cell that is no number.
    pub fn exact(&self, metric: &str) -> Result<Vec<Exact>, StoreError> {
        let path = self.directory.join("closed-forms.csv");
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let sheet = Sheet::read(&path)?;
        let (from, name, exact) = (
            sheet.column("point")? + 1,
            sheet.column("metric")?,
            sheet.column("exact")?,
        );
        let mut found = Vec::new();
        for row in (0..sheet.rows.len()).filter(|row| sheet.text(*row, name) == metric) {
            let Some(value) = sheet.number(row, exact)? else {
                continue;
            };
            let axes = (from..name).map(|at| sheet.text(row, at).to_owned());
            found.push(Exact {
                axes: axes.collect(),
                value,
            });
        }
        Ok(found)
    }

    /// The aggregates of one metric, in the order of the points.
    ///
    /// # Errors
    /// `Damaged` with the line of a cell that is no number.
    pub fn of_metric(&self, metric: &str) -> Result<Vec<Aggregate>, StoreError> {
        let sheet = &self.aggregate;
        let column = |name| sheet.column(name);
        let (point, named) = (column("point")?, column("metric")?);
        let (n, mean, sd) = (column("n")?, column("mean")?, column("sd")?);
        let (low, high, method) = (column("ci_low")?, column("ci_high")?, column("method")?);
        // Columns after the fixed ones may be missing.
        let (level, unit) = (column("level").ok(), column("unit").ok());
        let mut found = Vec::new();
        for row in 0..sheet.rows.len() {
            if sheet.text(row, named) != metric {
                continue;
            }
            let axes = sheet.rows[row]
                .get(point + 1..named)
                .unwrap_or_default()
                .to_vec();
            let interval = match (sheet.number(row, low)?, sheet.number(row, high)?) {
                (Some(low), Some(high)) => Some((low, high)),
                _ => None,
            };
            let runs = sheet.number(row, n)?.unwrap_or(0.0);
            found.push(Aggregate {
                axes,
                metric: metric.to_owned(),
                n: runs as u64,
                mean: sheet.number(row, mean)?,
                sd: sheet.number(row, sd)?,
                interval,
                method: sheet.text(row, method).to_owned(),
                level: match level {
                    Some(level) => sheet.number(row, level)?.unwrap_or(0.0),
                    None => 0.0,
                },
                unit: unit.map_or_else(
                    || usual_unit(metric).to_owned(),
                    |unit| sheet.text(row, unit).to_owned(),
                ),
            });
        }
        Ok(found)
    }

    /// `runs.csv`.
    ///
    /// # Errors
    /// `Io` or `Damaged`.
    pub fn runs(&self) -> Result<Sheet, StoreError> {
        Sheet::read(&self.directory.join("runs.csv"))
    }
}
