//! `badlink sweep FILE --dry-run`: what would be done.

use std::path::Path;

use reports::format;
use scenarios::sweep::plan::Plan;
use serde_json::json;

use crate::exit::{Exit, say};
use crate::verb::check::Estimate;

/// Points that are listed.
const LISTED: usize = 100;
/// Points whose cost is estimated; the others are taken to be like these.
const ESTIMATED: usize = 200;
/// Events a second on one core, a round figure for protocol handshakes.
const EVENTS_PER_SECOND: f64 = 5e5;
/// Seconds that a run takes before its first event.
const START_SECONDS: f64 = 1e-3;
/// Bytes that are stored of a run and stand in its rows.
const RUN_BYTES: f64 = 1_200.0;
/// Bytes of a point's rows in the tables.
const POINT_BYTES: f64 = 12_000.0;

#[allow(clippy::cast_precision_loss, reason = "an estimate")]
pub(super) fn run(plan: &Plan, place: &Path, jobs: usize, as_json: bool) -> Exit {
    let replications = plan.replications();
    let runs = plan.runs();
    let sample = plan.points.len().min(ESTIMATED);
    let step = plan.points.len().div_ceil(sample.max(1)).max(1);
    let (mut events, mut kept_bytes, mut looked) = (0.0, 0.0, 0.0_f64);
    for point in (0..plan.points.len()).step_by(step) {
        if let Ok(scenario) = plan.scenario(point) {
            let estimate = Estimate::of(&scenario, 0);
            events += estimate.events;
            kept_bytes += estimate.disk_bytes;
            looked += 1.0;
        }
    }
    let per_run = events / looked.max(1.0);
    let seconds = runs as f64 * (per_run / EVENTS_PER_SECOND + START_SECONDS) / jobs as f64;
    let mut disk = runs as f64 * RUN_BYTES + plan.points.len() as f64 * POINT_BYTES;
    if plan.study.keep_traces {
        disk += runs as f64 * kept_bytes / looked.max(1.0);
    }
    if as_json {
        let points: Vec<_> = (0..plan.points.len())
            .map(|point| {
                let axes: serde_json::Map<String, serde_json::Value> = plan
                    .study
                    .axes
                    .iter()
                    .zip(plan.texts(point))
                    .map(|(axis, text)| (axis.name.clone(), json!(text)))
                    .collect();
                json!({ "point": point, "axes": axes, "first_key": hex(&plan.run_key(point, 0)),
                        "first_seed": plan.seed(point, 0) })
            })
            .collect();
        say(json!({
            "points": points, "replications": replications, "runs": runs, "jobs": jobs,
            "events": per_run * runs as f64, "seconds": seconds, "disk_bytes": disk,
            "directory": place, "study": plan.key.as_str(),
        }));
        return Exit::Good;
    }
    for point in 0..plan.points.len().min(LISTED) {
        say(format_args!("point {point:>4}  {}", plan.describe(point)));
    }
    if plan.points.len() > LISTED {
        say(format_args!(
            "... and {} more points",
            plan.points.len() - LISTED
        ));
    }
    let upto = if plan.study.stopping.is_some() {
        "at most "
    } else {
        ""
    };
    say(format_args!(
        "points        {}\nreplications  {upto}{replications}\nruns          {upto}{}\n\
         events        about {}\ntime          about {} with {jobs} jobs\ndisk          about {} MB\n\
         directory     {}",
        format::count(plan.points.len() as u64),
        format::count(runs),
        format::significant(per_run * runs as f64, 2),
        format::duration(seconds * 1e9),
        format::significant(disk / 1e6, 2),
        place.display(),
    ));
    if plan.study.keep_traces {
        say(format_args!(
            "note: every run keeps its tables: {} directories",
            format::count(runs)
        ));
    }
    Exit::Good
}

fn hex(key: &[u8]) -> String {
    scenarios::results::hex(key)
}
