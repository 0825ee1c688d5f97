//! A disk that fails: a clear error, and never a half-written result that looks complete.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use core::ops::ControlFlow;
use reports::store::{Commit, FORMAT_VERSION, Manifest, ResultKind, Staging, StoreError};
use reports::table::Sink;
use scenarios::build::build;
use scenarios::names::Names;
use scenarios::record::FileTables;
use scenarios::run::{Monitor, Stop, drive};
use scenarios::{Progress, Scenario, results};

use crate::bad_input::GOOD;
use crate::program::{Desk, names};
use crate::simulation::scenario;

/// A file that fails at the disk's n-th operation and at every one after it.
struct Failing<S> {
    inner: S,
    budget: Arc<AtomicUsize>,
}

fn spend(budget: &AtomicUsize) -> io::Result<()> {
    let left = budget.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
        left.checked_sub(1)
    });
    left.map(|_| ())
        .map_err(|_| io::ErrorKind::StorageFull.into())
}

impl<S: Sink> Write for Failing<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        spend(&self.budget)?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<S: Sink> Sink for Failing<S> {
    fn sync(&mut self) -> io::Result<()> {
        spend(&self.budget)?;
        self.inner.sync()
    }
}

/// Stops as the command line does: as soon as a table could not be written.
struct StopOnFailure;

impl Monitor<FileTables> for StopOnFailure {
    fn check(&mut self, _: &Progress, _: u64, tables: &FileTables) -> ControlFlow<Stop> {
        if tables.error().is_some() {
            ControlFlow::Break(Stop::Writing)
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// One run into `target`, with files made by `create`.
fn store(
    scenario: &Scenario,
    target: &Path,
    create: impl Fn(&Path) -> io::Result<Box<dyn Sink>> + Send + Sync + 'static,
) -> Result<Commit, StoreError> {
    let key = results::key(scenario, "test");
    let staging = Staging::open(target, &key, false)?.with_files(Box::new(create));
    let built = build(scenario).unwrap();
    let table_names = Arc::new(Names::new(scenario, &built.links));
    let mut tables = FileTables::open(
        &staging,
        scenario,
        Arc::clone(&table_names),
        &built.world.relations,
        &built.links,
    )?;
    let mut places = Ok(0);
    let finished = drive(scenario, built, &mut tables, &mut StopOnFailure, |view| {
        places = results::places(&staging, scenario, view, &table_names);
    });
    let finished = finished.unwrap();
    places?;
    let written = results::write(&staging, scenario, &finished, tables)?;
    staging.file("report/figures/figure.svg", b"<svg/>")?;
    staging.commit(&Manifest {
        format: FORMAT_VERSION,
        kind: ResultKind::Run,
        program: "test".into(),
        scenario: scenario.name.clone(),
        scenario_hash: written.summary.scenario_hash,
        key,
        seed: scenario.run.seed,
        fingerprint: written.summary.fingerprint,
        complete: finished.stopped.is_none(),
        sample: None,
        virtual_ns: finished.ended_ns,
        counts: [].into(),
        wall_seconds: 0.0,
        cpu_seconds: None,
        events_per_second: 0.0,
        host: [].into(),
    })
}

/// A file that fails once `budget` operations of the whole disk are spent.
fn failing(
    budget: &Arc<AtomicUsize>,
) -> impl Fn(&Path) -> io::Result<Box<dyn Sink>> + Send + Sync + use<> {
    let budget = Arc::clone(budget);
    move |path| {
        spend(&budget)?;
        let inner = OpenOptions::new().write(true).create_new(true).open(path)?;
        Ok(Box::new(Failing {
            inner,
            budget: Arc::clone(&budget),
        }))
    }
}

#[test]
fn a_disk_that_fails_at_any_operation_leaves_no_result() {
    // Long enough that tables are written to while the run goes on, several times.
    let text =
        GOOD.replace("\"1h\"", "\"4d\"") + "[output]\ntraces = [\"sessions\", \"messages\"]\n";
    let scenario = scenario(&text);
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("result");
    let mut failures = 0;
    loop {
        let budget = Arc::new(AtomicUsize::new(failures));
        match store(&scenario, &target, failing(&budget)) {
            Ok(commit) => {
                assert_eq!(commit, Commit::Written);
                break;
            }
            Err(error) => {
                assert_eq!(error.io_kind(), Some(io::ErrorKind::StorageFull), "{error}");
                assert!(
                    error.to_string().contains("result"),
                    "the path is named: {error}"
                );
                assert_eq!(
                    names(root.path()),
                    Vec::<String>::new(),
                    "after {failures} operations"
                );
                failures += 1;
            }
        }
    }
    assert!(
        failures > 40,
        "every file was created, written and synced: {failures}"
    );
    assert_eq!(names(root.path()), ["result"]);
}

#[test]
fn a_disk_that_fails_while_a_result_is_recomputed_leaves_the_old_one_as_it_was() {
    let scenario = scenario(GOOD);
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("result");
    store(
        &scenario,
        &target,
        failing(&Arc::new(AtomicUsize::new(usize::MAX))),
    )
    .unwrap();
    let before = fs::read(target.join("summary.json")).unwrap();
    for operations in [0, 7, 23] {
        let budget = Arc::new(AtomicUsize::new(operations));
        store(&scenario, &target, failing(&budget)).unwrap_err();
        assert_eq!(names(root.path()), ["result"]);
        assert_eq!(fs::read(target.join("summary.json")).unwrap(), before);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_that_is_always_full_leaves_no_result() {
    let scenario = scenario(GOOD);
    let root = tempfile::tempdir().unwrap();
    // Each file in turn stands on the full device, the others on a good disk.
    let files = [
        "sessions.csv",
        "messages.csv",
        "desync.csv",
        "nodes.csv",
        "summary.json",
        "manifest.json",
    ];
    for full in files {
        let target = root.path().join("result");
        let create = move |path: &Path| -> io::Result<Box<dyn Sink>> {
            if path.ends_with(full) {
                return Ok(Box::new(OpenOptions::new().write(true).open("/dev/full")?));
            }
            Ok(Box::new(
                OpenOptions::new().write(true).create_new(true).open(path)?,
            ))
        };
        let error = store(&scenario, &target, create).unwrap_err();
        assert_eq!(error.io_kind(), Some(io::ErrorKind::StorageFull), "{error}");
        assert!(error.to_string().contains(full), "{error}");
        assert_eq!(names(root.path()), Vec::<String>::new(), "{full}");
    }
}

/// Runs the program under a limit on the length of files, as on a disk with no more room: writing
/// beyond it fails.
#[cfg(target_os = "linux")]
#[test]
fn the_program_tells_a_failing_disk_with_exit_code_1_and_leaves_nothing() {
    let desk = Desk::with(&(GOOD.to_owned() + "[output]\ntraces = [\"sessions\", \"messages\"]\n"));
    for (blocks, duration) in [(0, "1h"), (1, "1h"), (16, "20d")] {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let set = format!("run.duration=\"{duration}\"");
        let mut command = std::process::Command::new("sh");
        command
            .current_dir(desk.path(""))
            .args(["-c", &script, env!("CARGO_BIN_EXE_badlink")]);
        command.args([
            "run",
            "scenario.toml",
            "--out",
            "deep/result",
            "--set",
            &set,
        ]);
        let ran = crate::program::ran(&mut command).expect(1);
        assert_eq!(ran.stdout, "");
        assert!(
            ran.stderr.starts_with("error: cannot write "),
            "{}",
            ran.stderr
        );
        assert!(
            ran.stderr.contains("deep/"),
            "the path is named: {}",
            ran.stderr
        );
        assert!(ran.stderr.contains("help: "), "{}", ran.stderr);
        assert_eq!(
            desk.names(),
            ["scenario.toml"],
            "with files of {blocks} blocks"
        );
    }
}
