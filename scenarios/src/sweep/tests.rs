//! Plans, execution and storage, with a runner that costs nothing.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::directory::{Invocation, StudyDirectory};
use super::execute::{Ended, Execution, Shard};
use super::ledger::Ledger;
use super::plan::Plan;
use super::simulate::{Failure, Keep, Observer, Outcome, Runner};
use super::{join, segment, tables};
use crate::scenario::Scenario;

const BASE: &str = r#"
schema = 1
[run]
duration = "1h"
seed = 5
[protocol]
name = "secure-vault"
[nodes.device]
role = "device"
count = 2
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
delay = "20ms"
[workload.w]
from = "device"
to = "server"
do = "authenticate"
every = "10min"
"#;

const AXES: &str = r#"
[sweep]
replications = 4
[sweep.grid.loss]
set = "links.access.loss"
values = ["0%", "1%", "5%"]
[sweep.grid.variant]
set = "protocol.variant"
values = ["as-published", "hardened"]
"#;

fn plan(sweep: &str) -> Plan {
    let base = crate::read_text("s.toml", &format!("{BASE}{sweep}"), &[]).unwrap();
    Plan::new(&base, "test 1", None).unwrap()
}

/// The message for a study that cannot be read or planned.
fn refused(sweep: &str) -> String {
    let error = match crate::read_text("s.toml", &format!("{BASE}{sweep}"), &[]) {
        Err(error) => error,
        Ok(base) => Plan::new(&base, "test 1", Some(1_000_000)).unwrap_err(),
    };
    error.render(false)
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

/// A clock that stands still, and an interruption after so many runs.
struct Quiet {
    stored: AtomicU64,
    stop_after: u64,
}

impl Quiet {
    fn new(stop_after: u64) -> Self {
        Self {
            stored: AtomicU64::new(0),
            stop_after,
        }
    }
}

impl Observer for Quiet {
    fn now_ms(&self) -> u64 {
        0
    }
    fn interrupted(&self) -> bool {
        self.stored.load(Ordering::SeqCst) >= self.stop_after
    }
    fn stored(&self, _failed: bool) {
        self.stored.fetch_add(1, Ordering::SeqCst);
    }
    fn warn(&self, _text: &str) {}
}

/// Values that depend on the seed and the loss, as runs do; some runs fail on request.
struct Fake {
    panics_on: Option<u64>,
}

impl Runner for Fake {
    fn run(
        &self,
        scenario: &Scenario,
        _keep: Option<&Keep<'_>>,
        _observer: &dyn Observer,
    ) -> Result<Outcome, Failure> {
        let seed = scenario.run.seed;
        assert_ne!(self.panics_on, Some(seed), "seed {seed} is not liked");
        let noise = (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f64 / 16_777_216.0;
        let shift = scenario.canonical.len() as f64;
        Ok(Outcome {
            fingerprint: format!("{seed:032x}"),
            names: vec!["attempts".into(), "success_rate".into()],
            values: vec![Some(shift + noise), Some(noise)],
            lifetimes: Vec::new(),
            steady: Vec::new(),
            files: Vec::new(),
        })
    }
}

fn pool(jobs: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .build()
        .unwrap()
}

struct Go<'a> {
    plan: &'a Plan,
    directory: &'a Path,
    jobs: usize,
    shard: Shard,
    stop_after: u64,
    panics_on: Option<u64>,
    label: &'a str,
}

impl<'a> Go<'a> {
    fn new(plan: &'a Plan, directory: &'a Path) -> Self {
        Self {
            plan,
            directory,
            jobs: 1,
            shard: Shard::WHOLE,
            stop_after: u64::MAX,
            panics_on: None,
            label: "test",
        }
    }

    fn run(&self) -> (Ended, Ledger) {
        StudyDirectory::open(
            self.directory,
            self.plan,
            "test 1",
            false,
            &Invocation::default(),
        )
        .unwrap();
        let (mut ledger, _) = Ledger::open(self.plan, &[self.directory]).unwrap();
        let runner = Fake {
            panics_on: self.panics_on,
        };
        let observer = Quiet::new(self.stop_after);
        let execution = Execution {
            plan: self.plan,
            shard: self.shard,
            directory: self.directory,
            program: "test 1",
            label: self.label,
            runner: &runner,
            observer: &observer,
        };
        let ended = pool(self.jobs)
            .install(|| execution.run(&mut ledger))
            .unwrap();
        (ended, ledger)
    }

    fn tables(&self) -> BTreeMap<String, String> {
        let directory = StudyDirectory::existing(self.directory).unwrap();
        let (mut ledger, _) = Ledger::open(self.plan, &[self.directory]).unwrap();
        tables::write(self.plan, &mut ledger, &directory).unwrap();
        let mut found = BTreeMap::new();
        for name in [
            "points",
            "runs",
            "aggregate",
            "differences",
            "survival",
            "dictionary",
        ] {
            let file = format!("{name}.csv");
            let text = fs::read_to_string(self.directory.join(&file)).unwrap();
            found.insert(file, text);
        }
        found
    }
}

/// The tables of an undisturbed study.
fn reference(plan: &Plan) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let go = Go::new(plan, folder.path());
    assert_eq!(go.run().0, Ended::Complete);
    go.tables()
}

#[test]
fn a_grid_has_every_combination_and_the_last_axis_varies_fastest() {
    let plan = plan(AXES);
    let names: Vec<String> = (0..plan.points.len())
        .map(|point| plan.describe(point))
        .collect();
    assert_eq!(names.len(), 6);
    assert_eq!(names[0], "loss = 0%, variant = as-published");
    assert_eq!(names[1], "loss = 0%, variant = hardened");
    assert_eq!(names[5], "loss = 5%, variant = hardened");
    assert_eq!(plan.runs(), 24);
}

#[test]
fn axes_of_a_zip_go_in_step_and_multiply_the_grid() {
    let zip = "[sweep.zip.count]\nset = \"nodes.device.count\"\nvalues = [1, 2]\n\
               [sweep.zip.pace]\nset = \"workload.w.every\"\nvalues = [\"1min\", \"2min\"]\n";
    let plan = plan(&format!("{AXES}{zip}"));
    assert_eq!(plan.points.len(), 12);
    assert_eq!(
        plan.describe(1),
        "loss = 0%, variant = as-published, count = 2, pace = 2min"
    );
}

#[test]
fn one_axis_may_set_several_paths_and_whole_tables() {
    let axis = "[sweep.grid.world]\nset = [\"protocol\", \"nodes.device.count\"]\n\
                labels = [\"a\", \"b\"]\n\
                values = [[{ name = \"secure-vault\" }, 3], [{ name = \"vault-exchange\" }, 4]]\n\
                [sweep.grid.same]\nset = [\"links.access.loss\", \"links.access.duplicate\"]\n\
                values = [\"0%\"]\n";
    let base =
        format!("{BASE}[sweep]\n{axis}").replace("links.access.duplicate", "links.access.jitter");
    let base = base.replace("values = [\"0%\"]", "values = [[\"1%\", \"3ms\"]]");
    let base = crate::read_text("s.toml", &base, &[]).unwrap();
    let plan = Plan::new(&base, "test 1", None).unwrap();
    let second = plan.scenario(1).unwrap();
    assert_eq!(second.protocol.protocol.name(), "vault-exchange");
    assert_eq!(second.groups[0].count, 4);
    assert_eq!(plan.describe(1), "world = b, same = 1% 3ms");
}

#[test]
fn filters_leave_what_satisfies_them() {
    let with = |filter: &str| {
        let sweep = AXES.replace("replications = 4", &format!("where = {filter}"));
        let plan = plan(&sweep);
        (0..plan.points.len())
            .map(|point| plan.texts(point).collect::<Vec<_>>().join("/"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        with("\"loss <= 0.01 and variant == hardened\""),
        ["0%/hardened", "1%/hardened"]
    );
    assert_eq!(
        with("\"not (loss < 5%) or variant in [hardened]\"").len(),
        4
    );
    assert_eq!(
        with("[\"loss > 0%\", \"protocol.variant != 'hardened'\"]").len(),
        2
    );
}

#[test]
fn what_is_wrong_with_a_study_is_said_with_its_place() {
    let cases: [(&str, &[&str]); 14] = [
        (
            "[sweep.zip.a]\nset = \"run.duration\"\nvalues = [\"1h\", \"2h\"]\n[sweep.zip.b]\n\
             set = \"nodes.device.count\"\nvalues = [1]\n",
            &["has 1 values, but `a` has 2", "s.toml:2"],
        ),
        (
            "[sweep.grid.a]\nset = \"links.acess.loss\"\nvalues = [\"1%\"]\n",
            &[
                "there is no `acess` in `links`",
                "did you mean `access`",
                "s.toml:2",
            ],
        ),
        (
            "[sweep.grid.a]\nset = \"links.access.losss\"\nvalues = [\"1%\"]\n",
            &["there is no key `losss`", "did you mean `loss`", "s.toml:2"],
        ),
        (
            "[sweep.grid.a]\nset = \"nodes.device.count\"\nvalues = [1, \"many\"]\n",
            &["a whole number is wanted here", "s.toml:2"],
        ),
        (
            "[sweep.grid.a]\nset = \"nodes.device.count\"\nvalues = [1, 2]\n[sweep]\nwhere = \"a > 2\"\n",
            &["leaves no point of the study", "it has 2"],
        ),
        (
            "[sweep]\nwhere = \"lost > 2%\"\n[sweep.grid.loss]\nset = \"links.access.loss\"\n\
             values = [\"1%\"]\n",
            &["there is no axis `lost`", "did you mean `loss`"],
        ),
        (
            "[sweep]\nwhere = \"loss > 2ms\"\n[sweep.grid.loss]\nset = \"links.access.loss\"\n\
             values = [\"1%\"]\n",
            &["`2ms` measures something else than `loss`"],
        ),
        (
            "[sweep]\nreplications = 2000000\n",
            &["this study has 2000000 runs", "--yes"],
        ),
        (
            "[sweep.grid.seed]\nset = \"run.seed\"\nvalues = [1]\n",
            &["results have a column `seed` anyway"],
        ),
        (
            "[sweep.grid.a]\nset = \"run.seed\"\nvalues = [1, 1]\n",
            &["the value `1` stands twice"],
        ),
        (
            "[sweep.grid.a]\nset = \"run.seed\"\nvalues = [1]\nvalue = 3\n",
            &["there is no key `value`", "did you mean `values`"],
        ),
        (
            "[sweep.grid.a]\nset = \"run.duration\"\nvalues = [\"1h\", \"60min\"]\n",
            &["are the same scenario"],
        ),
        (
            "[[expect]]\nthat = \"metrics.desync_rat.mean <= 1%\"\n",
            &[
                "there is no metric `desync_rat`",
                "did you mean `desync_rate`",
            ],
        ),
        (
            "[[expect]]\nthat = \"metrics.desync_rate.mean <= 1ms\"\n",
            &["does not measure what metrics.desync_rate.mean is"],
        ),
    ];
    for (sweep, parts) in cases {
        assert_says(&refused(sweep), parts);
    }
}

#[test]
fn replications_meet_the_same_noise_at_every_point_unless_told_otherwise() {
    let common = plan(AXES);
    assert_eq!(common.seed(0, 0), 5);
    assert!((0..4).all(|r| common.seed(0, r) == common.seed(5, r)));
    let own = plan(&AXES.replace("replications = 4", "common_random = false"));
    assert_ne!(own.seed(0, 1), own.seed(5, 1));
}

#[test]
fn jobs_interruptions_and_shards_reach_no_byte_of_the_tables() {
    let plan = plan(AXES);
    let expected = reference(&plan);
    assert!(
        expected["runs.csv"].lines().count() == 25,
        "{}",
        expected["runs.csv"]
    );

    let folder = tempfile::tempdir().unwrap();
    let mut go = Go::new(&plan, folder.path());
    (go.jobs, go.stop_after) = (3, 7);
    let (ended, ledger) = go.run();
    assert_eq!(ended, Ended::Interrupted);
    assert!((7..24).contains(&ledger.stored()));
    go.stop_after = u64::MAX;
    assert_eq!(go.run().0, Ended::Complete);
    assert_eq!(go.tables(), expected);

    let homes = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    for (index, home) in (0..).zip(&homes) {
        let mut go = Go::new(&plan, home.path());
        go.shard = Shard { index, of: 3 };
        assert_eq!(go.run().1.stored(), 8);
    }
    let sources: Vec<&Path> = homes.iter().rev().map(tempfile::TempDir::path).collect();
    let (mut ledger, _) = Ledger::open(&plan, &sources).unwrap();
    let target = tempfile::tempdir().unwrap();
    let opened = StudyDirectory::open(
        target.path(),
        &plan,
        "test 1",
        false,
        &Invocation::default(),
    )
    .unwrap();
    join::join(&plan, &mut ledger, &sources, &opened, "test 1").unwrap();
    assert_eq!(Go::new(&plan, target.path()).tables(), expected);
}

#[test]
fn two_copies_at_the_same_time_do_no_harm() {
    let plan = plan(AXES);
    let folder = tempfile::tempdir().unwrap();
    let go = Go::new(&plan, folder.path());
    // The second one read the directory before the first one wrote.
    let (mut ledger, _) = Ledger::open(&plan, &[folder.path()]).unwrap();
    go.run();
    let execution = Execution {
        plan: &plan,
        shard: Shard::WHOLE,
        directory: folder.path(),
        program: "test 1",
        label: "copy",
        runner: &Fake { panics_on: None },
        observer: &Quiet::new(u64::MAX),
    };
    pool(1).install(|| execution.run(&mut ledger)).unwrap();
    assert_eq!(go.tables(), reference(&plan));
}

#[test]
fn a_torn_line_is_computed_again_and_a_foreign_segment_is_refused() {
    let plan = plan(AXES);
    let folder = tempfile::tempdir().unwrap();
    let go = Go::new(&plan, folder.path());
    go.run();
    let path = segment::list(folder.path()).unwrap().remove(0);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 40]).unwrap();
    let (ledger, notes) = Ledger::open(&plan, &[folder.path()]).unwrap();
    assert_eq!(ledger.stored(), 23);
    assert_says(
        &notes.warnings.join("\n"),
        &["was cut off", "computed again"],
    );
    go.run();
    assert_eq!(go.tables(), reference(&plan));

    // Damage in the middle is named with its line.
    let mut bytes = bytes;
    let third = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .nth(3)
        .unwrap()
        .0;
    bytes[third - 10] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let (_, notes) = Ledger::open(&plan, &[folder.path()]).unwrap();
    assert_says(&notes.warnings.join("\n"), &["is damaged at line 4"]);

    let other = self::plan(&AXES.replace("\"5%\"", "\"6%\""));
    let error = Ledger::open(&other, &[folder.path()]).unwrap_err();
    assert_says(&error.to_string(), &["holds another result"]);
    let opened = StudyDirectory::open(
        folder.path(),
        &other,
        "test 1",
        false,
        &Invocation::default(),
    );
    assert_says(
        &opened.unwrap_err().to_string(),
        &["holds another result", "--force"],
    );
}

#[test]
fn more_replications_go_on_with_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let few = plan(AXES);
    Go::new(&few, folder.path()).run();
    let many = plan(&AXES.replace("replications = 4", "replications = 6"));
    let (ledger, _) = Ledger::open(&many, &[folder.path()]).unwrap();
    assert_eq!(ledger.stored(), 24);
    let go = Go::new(&many, folder.path());
    go.run();
    assert_eq!(go.tables(), reference(&many));
    let (_, notes) = Ledger::open(&few, &[folder.path()]).unwrap();
    assert_eq!(notes.unplanned, 12);
}

#[test]
fn a_panicking_run_is_stored_with_its_seed_and_message_and_the_others_go_on() {
    let plan = plan(AXES);
    let seed = plan.seed(0, 2);
    let folder = tempfile::tempdir().unwrap();
    let mut go = Go::new(&plan, folder.path());
    (go.jobs, go.panics_on) = (2, Some(seed));
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let (ended, mut ledger) = go.run();
    std::panic::set_hook(hook);
    assert_eq!(ended, Ended::Complete);
    // Common random numbers: the same seed at all six points.
    assert_eq!((ledger.stored(), ledger.failed()), (24, 6));
    let runs = &go.tables()["runs.csv"];
    assert_says(runs, &[",failed,", "panicked: ", "is not liked"]);
    // Stored failures stand until somebody asks.
    assert_eq!(ledger.forget_failed(), 6);
    assert_eq!((ledger.stored(), ledger.failed()), (18, 0));
}

#[test]
fn sequential_stopping_ends_points_by_their_own_values_whatever_the_jobs() {
    let stopping =
        "[sweep.stopping]\nmetrics = [\"success_rate\"]\nrelative = \"12%\"\nmax = 400\n";
    let plan = plan(&format!(
        "{}{stopping}",
        AXES.replace("replications = 4\n", "")
    ));
    let expected = reference(&plan);
    let points: Vec<&str> = expected["points.csv"].lines().skip(1).collect();
    assert!(
        points.iter().all(|line| line.contains(",reached,0.12,")),
        "{points:#?}"
    );
    let folder = tempfile::tempdir().unwrap();
    let mut go = Go::new(&plan, folder.path());
    (go.jobs, go.stop_after) = (3, 50);
    assert_eq!(go.run().0, Ended::Interrupted);
    go.stop_after = u64::MAX;
    go.run();
    assert_eq!(go.tables(), expected);
    // Points are whole in a shard, since one replication depends on those before.
    let half = Shard { index: 1, of: 2 };
    assert!(half.has(&plan, 1, 0) && half.has(&plan, 1, 7) && !half.has(&plan, 2, 7));
}

#[test]
fn expectations_are_told_with_the_amount() {
    let expects = "[[expect]]\nthat = \"metrics.success_rate.mean >= 99%\"\nwhere = \"loss == 1%\"\n\
                   [[expect]]\nthat = \"metrics.attempts.ci_low <= metrics.attempts.ci_high\"\n\
                   [[expect]]\nthat = \"metrics.latency_mean_ns <= 1s\"\n";
    let plan = plan(&format!("{AXES}{expects}"));
    let folder = tempfile::tempdir().unwrap();
    let go = Go::new(&plan, folder.path());
    let (_, mut ledger) = go.run();
    let directory = StudyDirectory::existing(folder.path()).unwrap();
    let written = tables::write(&plan, &mut ledger, &directory).unwrap();
    let told: Vec<String> = written.violations.iter().map(ToString::to_string).collect();
    // Two points with that loss, and six without any latency.
    assert_eq!(told.len(), 8, "{told:#?}");
    assert_says(
        &told.join("\n"),
        &[
            "at point 2 (loss = 1%, variant = as-published)",
            "below (n = 4)",
            "there is no value (n = 0)",
        ],
    );
}

#[test]
fn differences_are_paired_and_correlation_is_told() {
    let sweep = AXES.replace(
        "replications = 4",
        "replications = 4\nbaseline = { variant = \"as-published\" }",
    );
    let tables = reference(&plan(&sweep));
    let differences: Vec<&str> = tables["differences.csv"].lines().skip(1).collect();
    // Three points differ from their baseline, in two metrics each.
    assert_eq!(differences.len(), 6, "{differences:#?}");
    assert!(
        differences[0].starts_with("1,0,0%,hardened,attempts,4,"),
        "{}",
        differences[0]
    );
    // The fake adds a constant to the same noise.
    assert!(
        differences.iter().all(|line| line.contains(",1,")),
        "{differences:#?}"
    );
}
