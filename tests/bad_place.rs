//! Bad files and directories: a scenario that is no text, a place that cannot hold a result.

use std::fs;

use crate::bad_input::GOOD;
use crate::program::Desk;

/// Runs `file` and expects a refusal with all of `parts` that leaves everything as it was.
#[track_caller]
fn assert_unreadable(desk: &Desk, file: &str, parts: &[&str]) {
    let before = desk.names();
    for verb in ["run", "check", "verify"] {
        let ran = desk.run(&[verb, file]).expect(2);
        assert_eq!(ran.stdout, "");
        let heads = ran
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "))
            .count();
        assert_eq!(heads, 1, "{}", ran.stderr);
        for part in parts.iter().chain(&[file, "help: "]) {
            assert!(
                ran.stderr.contains(part),
                "`{part}` is not in\n{}",
                ran.stderr
            );
        }
        assert!(ran.stderr.len() < 1000, "short:\n{}", ran.stderr);
        assert_eq!(desk.names(), before);
    }
}

#[test]
fn an_empty_file_is_refused_with_how_to_begin() {
    let desk = Desk::new();
    for text in ["", "\n \t\n", "\u{feff}"] {
        desk.write("empty.toml", text);
        assert_unreadable(
            &desk,
            "empty.toml",
            &["empty.toml:1:1", "is empty", "badlink new"],
        );
    }
}

#[test]
fn a_binary_file_is_refused_at_its_first_byte_that_is_no_text() {
    let desk = Desk::new();
    desk.write("tool", [0x7F, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0]);
    assert_unreadable(&desk, "tool", &["tool:1:8", "no text", "TOML"]);
    let mut latin = GOOD.as_bytes().to_vec();
    latin.extend(b"# caf\xE9\n");
    desk.write("latin.toml", latin);
    assert_unreadable(
        &desk,
        "latin.toml",
        &["latin.toml:42:6", "no text", "UTF-8"],
    );
}

#[test]
fn a_file_of_a_hundred_megabytes_is_refused_unread() {
    let desk = Desk::new();
    // A file with a hole: long, and takes no room.
    fs::File::create(desk.path("huge.toml"))
        .unwrap()
        .set_len(100_000_000)
        .unwrap();
    assert_unreadable(&desk, "huge.toml", &["larger than 4 MiB"]);
}

#[test]
fn a_directory_is_no_scenario() {
    let desk = Desk::new();
    fs::create_dir(desk.path("folder")).unwrap();
    assert_unreadable(&desk, "folder", &["it is a directory"]);
}

#[test]
fn a_missing_file_is_named_with_the_one_that_was_meant() {
    let desk = Desk::with(GOOD);
    assert_unreadable(
        &desk,
        "scenaro.toml",
        &["there is no such file", "did you mean `./scenario.toml`?"],
    );
    assert_unreadable(
        &desk,
        "elsewhere/x.toml",
        &["there is no such file", "badlink list scenarios"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_place_that_cannot_be_written_is_refused_before_anything_runs() {
    let desk = Desk::with(GOOD);
    // Nobody may make files in /proc, not even those whom permissions do not stop.
    for out in ["/proc/result", "/proc/deep/result"] {
        let ran = desk.run(&["run", "scenario.toml", "--out", out]).expect(2);
        assert!(ran.stderr.contains("/proc/"), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("cannot create") && ran.stderr.contains("--out"),
            "{}",
            ran.stderr
        );
    }
    let ran = desk
        .run(&["new", "study", "--out", "/proc/study.toml"])
        .expect(2);
    assert!(
        ran.stderr.contains("/proc/study.toml") && ran.stderr.contains("--out"),
        "{}",
        ran.stderr
    );
    assert_eq!(desk.names(), ["scenario.toml"]);
}

#[test]
fn a_place_that_holds_something_else_is_left_alone() {
    let desk = Desk::with(GOOD);
    fs::create_dir(desk.path("thesis")).unwrap();
    desk.write("thesis/chapter.tex", "years of work");
    for force in [&[][..], &["--force"]] {
        for (out, part) in [
            ("thesis", "holds no result"),
            ("scenario.toml", "not a directory"),
            (".", "holds no result"),
        ] {
            let args = [&["run", "scenario.toml", "--out", out], force].concat();
            let ran = desk.run(&args).expect(2);
            assert!(
                ran.stderr.contains(part) && ran.stderr.contains("--out DIR"),
                "{}",
                ran.stderr
            );
        }
    }
    assert_eq!(
        fs::read_to_string(desk.path("thesis/chapter.tex")).unwrap(),
        "years of work"
    );
    assert_eq!(desk.names(), ["scenario.toml", "thesis"]);
}

#[test]
fn what_only_the_whole_world_shows_to_be_wrong_leaves_nothing_behind_either() {
    // Three clients share the ids 1 and 2: no single line is wrong by itself.
    let crowded = r#"schema = 1

[scenario]
name = "crowded"

[run]
duration = "1min"
seed = 1

[protocol]
name = "ratchet"
params = { framing = "datagram", clients = 2 }

[nodes.client]
role = "client"
count = 3

[nodes.server]
role = "server"

[links.access]
between = ["client", "server"]

[workload.report]
from = "client"
to = "server"
do = "authenticate"
"#;
    let desk = Desk::with(crowded);
    for verb in ["check", "run", "verify"] {
        let ran = desk.run(&[verb, "scenario.toml"]).expect(2);
        assert!(
            ran.stderr.contains("--> scenario.toml:14:8"),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains("help: "), "{}", ran.stderr);
        assert_eq!(desk.names(), ["scenario.toml"], "{verb}");
    }
}
