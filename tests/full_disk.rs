//! A disk that is really full in the middle of a sweep: a small file system of its own, where the
//! machine lets us make one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::program::Desk;

/// A file system in memory of a given size; unmounted at the end.
struct Small(PathBuf);

impl Small {
    fn new(place: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir(&place).unwrap();
        mount(&format!("size={size}"), &place).then_some(Self(place))
    }

    fn grow(&self, size: &str) {
        assert!(mount(&format!("remount,size={size}"), &self.0));
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn mount(options: &str, place: &Path) -> bool {
    let mut command = Command::new("mount");
    command
        .args(["-t", "tmpfs", "-o", options, "tmpfs"])
        .arg(place);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

const STUDY: &str = r#"
schema = 1
[run]
duration = "400ms"
settle = "0s"
seed = 1
[protocol]
name = "traffic"
[nodes.source]
role = "source"
params = { size = "125B" }
[nodes.cpu]
role = "station"
params = { service = "exp(1ms)" }
[links.pipe]
between = ["source", "cpu"]
delay = "2ms"
[workload.load]
from = "source"
to = "cpu"
do = "send"
every = "exp(2ms)"
[sweep]
replications = 300
"#;

#[test]
#[allow(clippy::print_stderr, reason = "a test that is skipped must say so")]
fn a_sweep_on_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    let desk = Desk::with(STUDY);
    let Some(disk) = Small::new(desk.path("disk"), "64k") else {
        eprintln!("SKIPPED: this test mounts a small file system, which only root may");
        return;
    };
    desk.run(&["sweep", "scenario.toml", "--out", "whole"])
        .expect(0);
    let call = [
        "sweep",
        "scenario.toml",
        "--out",
        "disk/study",
        "--jobs",
        "2",
    ];
    let full = desk.run(&call).expect(1);
    for part in [
        "No space left on device",
        "what is stored is good; make room",
        "badlink sweep scenario.toml --out disk/study",
    ] {
        assert!(full.stderr.contains(part), "{part}: {}", full.stderr);
    }
    assert!(!desk.path("disk/study/aggregate.csv").exists());
    disk.grow("4m");
    let again = desk.run(&call).expect(0);
    assert!(again.stdout.contains("kept"), "{}", again.stdout);
    for table in ["points.csv", "runs.csv", "aggregate.csv", "survival.csv"] {
        let read = |study: &str| fs::read_to_string(desk.path(study).join(table)).unwrap();
        assert_eq!(read("whole"), read("disk/study"), "{table}");
    }
}
