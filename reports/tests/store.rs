//! A result directory is complete, or is not there: every way a run can end, and every disk that can
//! fail.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reports::read::RunResult;
use reports::rows::{Outcome, RUN_TABLES, Session, Sessions};
use reports::store::{
    Commit, Difference, Existing, FORMAT_VERSION, MANIFEST, Manifest, Operation, ResultKey,
    ResultKind, Staging, StoreError,
};
use reports::table::{Sink, TableWriter};

fn key(text: &str) -> ResultKey {
    ResultKey::new(text)
}

fn manifest(key: &ResultKey) -> Manifest {
    Manifest {
        format: FORMAT_VERSION,
        kind: ResultKind::Run,
        program: "badlink 0.1.0".into(),
        scenario: "test".into(),
        scenario_hash: "00ff".into(),
        key: key.clone(),
        seed: u64::MAX,
        fingerprint: "0".repeat(32),
        complete: true,
        sample: None,
        virtual_ns: 1_000,
        counts: [("sessions".to_owned(), 1)].into(),
        wall_seconds: 0.5,
        cpu_seconds: None,
        events_per_second: 2.0,
        host: [("hostname".to_owned(), "lab".to_owned())].into(),
    }
}

fn session(ended_ns: u64) -> Session<'static> {
    Session {
        session: "device[0]/0",
        device: "device[0]",
        server: "server",
        attempt: Some(0),
        started_ns: 10,
        ended_ns,
        outcome: Outcome::Accepted,
        reason: "",
        messages: 4,
        bytes: 256,
        latency_ns: Some(ended_ns - 10),
        phase: "authenticate",
        request: Some(0),
        retry: Some(0),
    }
}

/// A run whose only session ends at `ended_ns`.
fn run(target: &Path, key: &ResultKey, ended_ns: u64) -> Result<Commit, StoreError> {
    let staging = Staging::open(target, key, false)?;
    let mut sessions = staging.table::<Sessions>()?;
    sessions.write(&session(ended_ns))?;
    sessions.finish()?;
    staging.dictionary(RUN_TABLES)?;
    staging.commit(&manifest(key))
}

/// Names in the directory that holds all results of a test, hidden ones included.
fn names(root: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_run_becomes_a_directory_with_its_rows_and_its_manifest() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("deep/down/result");
    assert_eq!(run(&target, &key("a"), 40).unwrap(), Commit::Written);
    assert_eq!(names(&target), ["dictionary.csv", MANIFEST, "sessions.csv"]);
    assert_eq!(names(target.parent().unwrap()), ["result"]);
    assert_eq!(
        fs::read_to_string(target.join("sessions.csv")).unwrap(),
        "session,device,server,attempt,started_ns,ended_ns,outcome,reason,messages,bytes,\
         latency_ns,phase,request,try\n\
         device[0]/0,device[0],server,0,10,40,accepted,,4,256,30,authenticate,0,0\n"
    );
    let result = RunResult::open(&target).unwrap();
    assert_eq!(*result.manifest(), manifest(&key("a")));
    assert_eq!(result.sessions().unwrap()[0].latency_ns, Some(30));
}

#[test]
fn nothing_is_there_until_the_commit() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("result");
    let staging = Staging::open(&target, &key("a"), false).unwrap();
    staging.file("report/x.txt", b"x").unwrap();
    assert!(!target.exists());
    drop(staging);
    assert!(names(root.path()).is_empty());
}

#[test]
fn the_same_run_again_is_identical_and_leaves_the_first_untouched() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("result");
    run(&target, &key("a"), 40).unwrap();
    fs::create_dir(target.join("report")).unwrap();
    fs::write(target.join("report/report.html"), "made later").unwrap();
    assert_eq!(run(&target, &key("a"), 40).unwrap(), Commit::Identical);
    assert!(target.join("report/report.html").exists());
    assert_eq!(names(root.path()), ["result"]);
}

#[test]
fn a_run_that_differs_is_kept_beside_with_its_first_difference() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("result");
    run(&target, &key("a"), 40).unwrap();
    let Commit::Differs { difference, kept } = run(&target, &key("a"), 41).unwrap() else {
        panic!("the runs differ");
    };
    let Difference::Line { file, line, .. } = difference else {
        panic!("a line differs")
    };
    assert_eq!((file, line), (PathBuf::from("sessions.csv"), 2));
    assert_eq!(
        RunResult::open(&target).unwrap().sessions().unwrap()[0].ended_ns,
        40
    );
    assert_eq!(
        RunResult::open(&kept).unwrap().sessions().unwrap()[0].ended_ns,
        41
    );
}

#[test]
fn another_result_is_replaced_only_by_force() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("result");
    run(&target, &key("a"), 40).unwrap();
    let refusal = Staging::open(&target, &key("b"), false).unwrap_err();
    assert!(matches!(refusal, StoreError::OtherKey { .. }), "{refusal}");
    assert!(refusal.to_string().contains("--force"), "{refusal}");

    let staging = Staging::open(&target, &key("b"), true).unwrap();
    assert_eq!(staging.existing(), Existing::Replaceable);
    assert_eq!(
        staging.commit(&manifest(&key("b"))).unwrap(),
        Commit::Written
    );
    assert_eq!(names(&target), [MANIFEST]);
    assert_eq!(names(root.path()), ["result"]);
}

#[test]
fn a_directory_that_is_no_result_is_never_touched() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("thesis");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("chapter-1.tex"), "years of work").unwrap();
    for force in [false, true] {
        let refusal = Staging::open(&target, &key("a"), force).unwrap_err();
        assert!(
            matches!(refusal, StoreError::NotAResult { .. }),
            "{refusal}"
        );
    }
    let refusal = Staging::open(&target.join("chapter-1.tex"), &key("a"), true).unwrap_err();
    assert!(
        matches!(refusal, StoreError::NotADirectory { .. }),
        "{refusal}"
    );
    assert_eq!(names(root.path()), ["thesis"]);
}

#[test]
fn an_empty_directory_is_filled() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("result");
    fs::create_dir(&target).unwrap();
    assert_eq!(run(&target, &key("a"), 40).unwrap(), Commit::Written);
}

#[test]
fn an_interrupted_run_is_marked_and_gives_way_to_a_complete_one() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("result");
    let interrupted = Manifest {
        complete: false,
        ..manifest(&key("a"))
    };
    let staging = Staging::open(&target, &key("a"), false).unwrap();
    assert_eq!(staging.commit(&interrupted).unwrap(), Commit::Written);
    assert!(!Manifest::read(&target).unwrap().unwrap().complete);

    assert_eq!(run(&target, &key("a"), 40).unwrap(), Commit::Written);
    let staging = Staging::open(&target, &key("a"), false).unwrap();
    assert_eq!(staging.commit(&interrupted).unwrap(), Commit::Discarded);
    assert!(Manifest::read(&target).unwrap().unwrap().complete);
    assert_eq!(names(root.path()), ["result"]);
}

#[test]
fn a_damaged_or_newer_manifest_is_named() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join(MANIFEST), "{\"format\": ").unwrap();
    let error = Staging::open(root.path(), &key("a"), true).unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { path, .. } if path.ends_with(MANIFEST)));

    let newer = Manifest {
        format: FORMAT_VERSION + 1,
        ..manifest(&key("a"))
    };
    fs::write(root.path().join(MANIFEST), newer.to_json()).unwrap();
    let error = RunResult::open(root.path()).unwrap_err();
    assert!(error.to_string().contains("format 2"), "{error}");
}

#[test]
fn a_damaged_row_is_named_by_file_and_line() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("result");
    run(&target, &key("a"), 40).unwrap();
    let path = target.join("sessions.csv");
    let text = fs::read_to_string(&path)
        .unwrap()
        .replace("accepted", "won");
    fs::write(&path, text).unwrap();
    let error = RunResult::open(&target)
        .unwrap()
        .sessions()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("sessions.csv") && error.contains("line 2"),
        "{error}"
    );
    assert!(error.contains("outcome cannot be \"won\""), "{error}");
}

/// A disk with room for so many bytes; it may report that only when asked to sync.
struct SmallDisk {
    room: Arc<AtomicUsize>,
    late: bool,
}

impl SmallDisk {
    fn full() -> io::Error {
        io::Error::from(io::ErrorKind::StorageFull)
    }
}

impl Write for SmallDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.room.load(Ordering::Relaxed);
        if room == 0 && !self.late {
            return Err(Self::full());
        }
        let taken = if self.late {
            bytes.len()
        } else {
            bytes.len().min(room)
        };
        self.room
            .store(room.saturating_sub(taken), Ordering::Relaxed);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for SmallDisk {
    fn sync(&mut self) -> io::Result<()> {
        if self.late && self.room.load(Ordering::Relaxed) == 0 {
            Err(Self::full())
        } else {
            Ok(())
        }
    }
}

/// Writes rows until the disk refuses, then finishes; what the run of a full disk does.
fn fill_disk(room_bytes: usize, late: bool) -> (StoreError, StoreError) {
    let room = Arc::new(AtomicUsize::new(room_bytes));
    let disk = SmallDisk { room, late };
    let mut table = TableWriter::<Sessions>::new(Box::new(disk), Path::new("x/sessions.csv"));
    let first = (0..1_000_000).find_map(|_| table.write(&session(40)).err());
    let last = table.finish().unwrap_err();
    (first.unwrap_or_else(|| last.clone()), last)
}

#[test]
fn a_full_disk_is_reported_with_file_and_operation_and_the_error_sticks() {
    let (first, last) = fill_disk(100_000, false);
    for error in [first, last] {
        assert_eq!(error.io_kind(), Some(io::ErrorKind::StorageFull));
        assert!(
            error
                .to_string()
                .starts_with("cannot write x/sessions.csv: "),
            "{error}"
        );
    }
}

#[test]
fn a_disk_that_fails_late_is_reported_at_the_end() {
    let (_, last) = fill_disk(100_000, true);
    assert!(
        matches!(
            last,
            StoreError::Io {
                operation: Operation::Sync,
                ..
            }
        ),
        "{last}"
    );
}

#[test]
fn a_run_whose_disk_fails_leaves_nothing() {
    for room_bytes in [0, 150, 3_000] {
        let root = tempfile::tempdir().unwrap();
        let room = Arc::new(AtomicUsize::new(room_bytes));
        let result = (|| {
            let room = Arc::clone(&room);
            let staging = Staging::open(&root.path().join("result"), &key("a"), false)?.with_files(
                Box::new(move |_| {
                    Ok(Box::new(SmallDisk {
                        room: Arc::clone(&room),
                        late: false,
                    }))
                }),
            );
            let mut sessions = staging.table::<Sessions>()?;
            sessions.write(&session(40))?;
            sessions.finish()?;
            staging.dictionary(RUN_TABLES)?;
            staging.commit(&manifest(&key("a")))
        })();
        assert_eq!(
            result.unwrap_err().io_kind(),
            Some(io::ErrorKind::StorageFull)
        );
        assert!(names(root.path()).is_empty());
    }
}

#[test]
fn a_file_that_cannot_be_created_is_named() {
    let root = tempfile::tempdir().unwrap();
    let staging = Staging::open(&root.path().join("result"), &key("a"), false)
        .unwrap()
        .with_files(Box::new(|_| Err(io::ErrorKind::PermissionDenied.into())));
    let error = staging.table::<Sessions>().unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Io {
                operation: Operation::Create,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("sessions.csv: permission denied"),
        "{error}"
    );
}
