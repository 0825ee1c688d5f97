//! A Methods paragraph, ready to be pasted.

use super::Context;
use crate::format;
use crate::read::study::{CellsKind, Study};

/// What was simulated, how, how often, and how sure the numbers are.
pub(super) fn paragraph(study: &Study, known: &Context) -> String {
    let Some(manifest) = study.manifest() else {
        return String::new();
    };
    let hash: String = manifest.scenario_hash.chars().take(16).collect();
    let mut text = format!(
        "We simulated the scenario “{}”{} with {}, a deterministic discrete-event network simulator \
         that runs the protocol's own code in every node",
        manifest.scenario,
        if known.description.is_empty() {
            String::new()
        } else {
            format!(" ({})", known.description)
        },
        manifest.program,
    );
    match study {
        Study::Run(run) => {
            let layouts =
                std::fs::read_to_string(run.directory().join("layouts.json")).unwrap_or_default();
            let layouts: serde_json::Value = serde_json::from_str(&layouts).unwrap_or_default();
            let word = |name: &str| {
                layouts
                    .get(name)
                    .and_then(serde_json::Value::as_str)
                    .unwrap_or("")
            };
            if !word("protocol").is_empty() {
                text.push_str(&format!(
                    " (protocol {}, variant {})",
                    word("protocol"),
                    word("variant")
                ));
            }
            let count = |name: &str| manifest.counts.get(name).copied().unwrap_or(0);
            text.push_str(&format!(
                ". One run covered {} of virtual time with {} and {} (root seed {}, scenario hash {hash}). \
                 Rates have exact (Clopper–Pearson) 95% intervals that take attempts or devices of the one \
                 run as independent; survival is estimated by Kaplan–Meier with a log-log band, \
                 distributions have a Dvoretzky–Kiefer–Wolfowitz band.",
                format::duration(manifest.virtual_ns as f64),
                format::counted(count("attempts"), "attempt"),
                format::counted(count("packets"), "packet"),
                manifest.seed,
            ));
        }
        Study::Sweep(sweep) => {
            let points = distinct_points(&sweep.aggregate);
            let runs: Vec<u64> = sweep
                .of_metric(sweep.metrics.first().map_or("", String::as_str))
                .unwrap_or_default()
                .iter()
                .map(|aggregate| aggregate.n)
                .collect();
            let (low, high) = (
                runs.iter().min().copied().unwrap_or(0),
                runs.iter().max().copied().unwrap_or(0),
            );
            let replications = if low == high {
                format!("{high}")
            } else {
                format!("{low} to {high}")
            };
            text.push_str(&format!(
                ". A sweep over {} gave {points} points with {replications} independent replications each; \
                 replications are the unit of all statistics. All points used the same random numbers per \
                 replication where the study asks for it. Seeds derive from the root seed {} (scenario hash \
                 {hash}). Intervals are at the level stated with each number; the methods are named in \
                 aggregate.csv.",
                if sweep.axes.is_empty() { String::from("no axis") } else { sweep.axes.join(", ") },
                manifest.seed,
            ));
        }
        Study::Cells(cells) => {
            let what = match cells.kind {
                CellsKind::Matrix => {
                    "Every attack was run against every variant and against a twin without the defence in question; a verdict counts only if the twin was beaten. “Resisted” means that this attacker failed n times and is no proof"
                }
                CellsKind::Laboratory => {
                    "Every message and every write was damaged in turn, and the shared state of both ends was compared at rest"
                }
                CellsKind::Validation => {
                    "Simulated values were compared with exact ones from theory"
                }
            };
            text.push_str(&format!(
                ". {what}. Rates have exact (Clopper–Pearson) 95% intervals (root seed {}, scenario hash {hash}).",
                manifest.seed
            ));
        }
        Study::Folder(..) => {}
    }
    for model in &known.models {
        text.push(' ');
        text.push_str(model);
    }
    if !manifest.complete {
        text.push_str(" The run was interrupted; the numbers cover a part of it.");
    }
    text
}

fn distinct_points(aggregate: &crate::read::sheet::Sheet) -> usize {
    let Ok(column) = aggregate.column("point") else {
        return 0;
    };
    let mut points: Vec<&str> = (0..aggregate.rows.len())
        .map(|row| aggregate.text(row, column))
        .collect();
    points.sort_unstable();
    points.dedup();
    points.len()
}
