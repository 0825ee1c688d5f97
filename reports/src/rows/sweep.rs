//! The tables of a sweep: `points.csv`, `runs.csv`, `aggregate.csv`, `differences.csv`,
//! `survival.csv` and `closed-forms.csv`.
//!
//! Their width depends on the study: one column per axis and, in `runs.csv`, one per metric. In the
//! schemas below these stand as the two placeholders [`AXES`] and [`METRICS`]; a [`Wide`] puts the
//! study's own names in their place.

use crate::table::{Column, Line, Schema, Table as _};

/// Stands in a schema for one column per axis.
pub const AXES: &str = "<axis columns>";
/// Stands in a schema for one column per metric.
pub const METRICS: &str = "<metric columns>";

const fn column(name: &'static str, unit: &'static str, meaning: &'static str) -> Column {
    Column {
        name,
        unit,
        meaning,
    }
}

const AXIS_COLUMNS: Column = column(
    AXES,
    "text",
    "One column per axis, named after it: the value as the scenario file writes it, or its label.",
);
const POINT: Column = column("point", "count", "Number of the point in the plan, from 0.");

/// `points.csv`.
pub const POINTS: Schema = Schema {
    file: "points.csv",
    about: "one row per point, in the order of the plan",
    columns: &[
        POINT,
        AXIS_COLUMNS,
        column(
            "scenario_hash",
            "text",
            "Hash of the resolved scenario of the point, with the root seed.",
        ),
        column(
            "replications",
            "count",
            "Replications planned; with sequential stopping, those it came to.",
        ),
        column("ok", "count", "Of these, finished."),
        column("failed", "count", "Of these, failed."),
        column(
            "stop",
            "text",
            "fixed; with sequential stopping reached or maximum.",
        ),
        column(
            "target",
            "share",
            "Relative half-width aimed at; empty without sequential stopping.",
        ),
        column(
            "reached",
            "share",
            "Largest relative half-width of the metrics watched; empty without sequential stopping or where a mean is 0.",
        ),
    ],
};

/// `runs.csv`.
pub const RUNS: Schema = Schema {
    file: "runs.csv",
    about: "one row per run, by point and replication",
    columns: &[
        POINT,
        column("replication", "count", "Number of the replication, from 0."),
        column("seed", "count", "Root seed of the run."),
        column(
            "key",
            "text",
            "Hash of everything that decides the run, in hexadecimal; `badlink replay DIR KEY` takes it.",
        ),
        column("status", "text", "ok or failed."),
        column(
            "fingerprint",
            "text",
            "Fingerprint of the run; empty where it failed.",
        ),
        AXIS_COLUMNS,
        column(
            METRICS,
            "metric",
            "One column per metric of any point; empty where the run has no such value.",
        ),
        column(
            "error",
            "text",
            "Why the run failed; empty where it did not.",
        ),
    ],
};

/// `aggregate.csv`.
pub const AGGREGATES: Schema = Schema {
    file: "aggregate.csv",
    about: "one row per point and metric, over the finished replications",
    columns: &[
        POINT,
        AXIS_COLUMNS,
        column("metric", "text", "Name of the metric."),
        column("n", "count", "Replications that have a value."),
        column(
            "mean",
            "metric",
            "Mean of their values; empty without any, and for survival times.",
        ),
        column(
            "sd",
            "metric",
            "Their sample standard deviation; empty below two.",
        ),
        column(
            "ci_low",
            "metric",
            "Lower end of the interval; empty where there is none.",
        ),
        column(
            "ci_high",
            "metric",
            "Upper end of the interval; empty where there is none.",
        ),
        column(
            "p50",
            "metric",
            "Median of the values; for survival times the Kaplan-Meier median.",
        ),
        column("p95", "metric", "95 % quantile of the values."),
        column("p99", "metric", "99 % quantile of the values."),
        column(
            "method",
            "text",
            "How the interval was found, and what makes it doubtful.",
        ),
        column("level", "share", "Coverage that the intervals aim at."),
        column("unit", "text", "Unit of the metric."),
        column(
            "p50_low",
            "metric",
            "Lower end of the order-statistic interval of the median; empty where n is too small.",
        ),
        column("p50_high", "metric", "Upper end of it."),
        column(
            "p95_low",
            "metric",
            "The same of the 95 % quantile, lower end.",
        ),
        column("p95_high", "metric", "Upper end of it."),
    ],
};

/// `differences.csv`.
pub const DIFFERENCES: Schema = Schema {
    file: "differences.csv",
    about: "one row per point that has a baseline and metric, over replications of both",
    columns: &[
        POINT,
        column(
            "baseline",
            "count",
            "Number of the point it is compared with.",
        ),
        AXIS_COLUMNS,
        column("metric", "text", "Name of the metric."),
        column(
            "n",
            "count",
            "Replications that have a value at both points.",
        ),
        column(
            "mean",
            "metric",
            "Mean of value minus value of the baseline.",
        ),
        column(
            "sd",
            "metric",
            "Standard deviation of the differences; empty below two.",
        ),
        column(
            "ci_low",
            "metric",
            "Lower end of the interval of the mean difference.",
        ),
        column("ci_high", "metric", "Upper end of it."),
        column(
            "correlation",
            "share",
            "Correlation of both over replications, -1 to 1: what common random numbers achieved; empty where one never varies.",
        ),
        column(
            "p_value",
            "share",
            "Two-sided probability of such a difference if there were none.",
        ),
        column(
            "p_holm",
            "share",
            "The same, adjusted for all points compared on this metric (Holm).",
        ),
        column(
            "method",
            "text",
            "How the interval was found, and what makes it doubtful.",
        ),
        column("level", "share", "Coverage that the interval aims at."),
        column("unit", "text", "Unit of the metric."),
    ],
};

/// `survival.csv`.
pub const SURVIVALS: Schema = Schema {
    file: "survival.csv",
    about: "one row per point and number of attempts at which devices fell out of step for good or were last seen in step",
    columns: &[
        POINT,
        AXIS_COLUMNS,
        column("attempts", "count", "Attempts begun."),
        column(
            "at_risk",
            "count",
            "Devices of all replications still in step just before.",
        ),
        column(
            "events",
            "count",
            "Devices that fell out of step with this attempt.",
        ),
        column(
            "censored",
            "count",
            "Devices last seen in step after so many attempts.",
        ),
        column(
            "survival",
            "share",
            "Kaplan-Meier estimate of the share still in step afterwards.",
        ),
        column(
            "band_low",
            "share",
            "Lower end of its pointwise band; empty where the estimate is 0 or 1.",
        ),
        column("band_high", "share", "Upper end of it."),
        column(
            "level",
            "share",
            "Coverage that the band aims at, devices taken as independent.",
        ),
    ],
};

/// `closed-forms.csv`.
pub const CLOSED_FORMS: Schema = Schema {
    file: "closed-forms.csv",
    about: "one row per point and metric for which theory has an exact answer",
    columns: &[
        POINT,
        AXIS_COLUMNS,
        column("metric", "text", "Name of the metric."),
        column("exact", "metric", "What the formula says."),
        column("unit", "text", "Unit of the metric."),
        column("formula", "text", "The formula, for a legend."),
    ],
};

/// The tables of a sweep, in the order of the documentation; `dictionary.csv` comes with them.
pub const SWEEP_TABLES: &[Schema] = &[
    POINTS,
    RUNS,
    AGGREGATES,
    DIFFERENCES,
    SURVIVALS,
    CLOSED_FORMS,
];

/// A column whose name only the study knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyColumn {
    /// Its name in the header.
    pub name: String,
    /// Its unit.
    pub unit: &'static str,
    /// What it holds, a sentence.
    pub meaning: String,
}

/// The columns of a study's tables: the schemas with the study's axes and metrics put in.
#[derive(Clone, Debug, Default)]
pub struct Wide {
    /// The axes, in the order of the file.
    pub axes: Vec<StudyColumn>,
    /// The metrics of all points.
    pub metrics: Vec<StudyColumn>,
}

impl Wide {
    /// The columns of `schema`, placeholders replaced.
    #[must_use]
    pub fn columns(&self, schema: &Schema) -> Vec<StudyColumn> {
        let mut all = Vec::new();
        for fixed in schema.columns {
            match fixed.name {
                AXES => all.extend(self.axes.iter().cloned()),
                METRICS => all.extend(self.metrics.iter().cloned()),
                _ => all.push(StudyColumn {
                    name: fixed.name.to_owned(),
                    unit: fixed.unit,
                    meaning: fixed.meaning.to_owned(),
                }),
            }
        }
        all
    }

    /// Appends the header line of `schema`.
    pub fn header(&self, schema: &Schema, out: &mut Vec<u8>) {
        let mut line = Line::new(out);
        for column in self.columns(schema) {
            line.cell(column.name.as_str());
        }
        line.end();
    }

    /// The bytes of `dictionary.csv` for all tables of a sweep.
    #[must_use]
    pub fn dictionary(&self) -> Vec<u8> {
        let mut out = Vec::new();
        super::Dictionary::SCHEMA.header(&mut out);
        for schema in SWEEP_TABLES {
            for column in self.columns(schema) {
                let mut line = Line::new(&mut out);
                line.cell(schema.file);
                line.cell(column.name.as_str());
                line.cell(column.unit);
                line.cell(column.meaning.as_str());
                line.end();
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn study() -> Wide {
        let column = |name: &str| StudyColumn {
            name: name.to_owned(),
            unit: "text",
            meaning: format!("{name}."),
        };
        Wide {
            axes: vec![column("p"), column("variant")],
            metrics: vec![column("success_rate")],
        }
    }

    #[test]
    fn fixed_columns_stand_where_the_documentation_says() {
        for (schema, wanted) in [
            (&POINTS, "point,p,variant,scenario_hash,replications,"),
            (
                &RUNS,
                "point,replication,seed,key,status,fingerprint,p,variant,success_rate,error\n",
            ),
            (
                &AGGREGATES,
                "point,p,variant,metric,n,mean,sd,ci_low,ci_high,p50,p95,p99,method,",
            ),
        ] {
            let mut out = Vec::new();
            study().header(schema, &mut out);
            let text = String::from_utf8_lossy(&out).into_owned();
            assert!(text.starts_with(wanted), "{text}");
        }
    }

    #[test]
    fn the_dictionary_names_the_columns_of_the_study() {
        let bytes = study().dictionary();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(text.starts_with("file,column,unit,meaning\npoints.csv,point,count,"));
        assert!(text.contains("\nruns.csv,success_rate,text,"));
        assert!(!text.contains('<'), "{text}");
    }
}
