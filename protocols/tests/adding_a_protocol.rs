//! The page that walks through adding a protocol is held to its word: its files and lines go into
//! a copy of the repository, which is built and tested there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One code block of the page.
struct Block {
    /// What stands after the opening fence.
    info: String,
    /// The last line before it that is not empty.
    before: String,
    code: String,
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("the crate is a folder of the repository")
        .to_owned()
}

fn blocks() -> Vec<Block> {
    let page = fs::read_to_string(root().join("docs/ADDING-A-PROTOCOL.md")).expect("the page");
    let mut all = Vec::new();
    let mut open: Option<Block> = None;
    let mut before = String::new();
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block {
                    info: info.to_owned(),
                    before: before.clone(),
                    code: String::new(),
                });
            }
            (Some(_), Some(_)) => all.extend(open.take()),
            (Some(block), None) => block.code.extend([line, "\n"]),
            (None, None) if !line.is_empty() => line.clone_into(&mut before),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "an open code block");
    all
}

/// Copies a folder without what building leaves there.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder for the copy");
    for entry in fs::read_dir(from).expect("a folder of the repository") {
        let entry = entry.expect("an entry");
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let skipped = ["target", "fuzz", ".git"].map(|name| from.join(name));
        if path.is_dir() && !skipped.contains(&path) {
            copy(&path, &target);
        } else if path.is_file() {
            fs::copy(&path, &target).expect("a copied file");
        }
    }
}

/// Writes the page's files and adds its lines; the result is the number of lines added outside the
/// protocol's own folder.
fn follow_the_page(copy: &Path) -> usize {
    let mut added = 0;
    for block in blocks() {
        if let Some(place) = block.info.strip_prefix("rust,add=") {
            let (file, anchor) = place.split_once(",before=").expect("where to add");
            let path = copy.join(file);
            let text = fs::read_to_string(&path).expect("a file to add to");
            let anchor = format!("\n{anchor}\n");
            assert_eq!(
                text.matches(&anchor).count(),
                1,
                "{file} has one `{anchor}`"
            );
            let text = text.replacen(&anchor, &format!("\n{}{}", block.code, &anchor[1..]), 1);
            fs::write(path, text).expect("the longer file");
            added += block.code.lines().count();
        } else if block.info == "rust" {
            let path = block.before.trim_end_matches(':').trim_matches('`');
            assert!(path.starts_with("protocols/"), "`{path}` is no file");
            let path = copy.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
            fs::write(path, block.code).expect("a new file");
        }
    }
    added
}

/// A copy of the crate alone, as a workspace of its own without benches and without
/// dependencies for tests.
fn copy_of_the_crate(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if target.exists() {
        fs::remove_dir_all(&target).expect("the last copy goes");
    }
    copy(&root().join("protocols/src"), &target.join("protocols/src"));
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let shared = manifest
        .split_once("[workspace.package]")
        .and_then(|(_, rest)| rest.split_once("\n[package]"))
        .map(|(shared, _)| shared)
        .expect("what the crates share");
    let workspace =
        "[workspace]\nmembers = [\"protocols\"]\nresolver = \"3\"\n\n[workspace.package]";
    fs::write(target.join("Cargo.toml"), format!("{workspace}{shared}")).expect("a manifest");
    fs::copy(root().join("Cargo.lock"), target.join("Cargo.lock")).expect("the lock file");
    let manifest = fs::read_to_string(root().join("protocols/Cargo.toml")).expect("the manifest");
    let (before, after) = manifest.split_once("[dev-dependencies]").expect("tests");
    let (_, lints) = after.split_once("[lints]").expect("lints");
    let lints = lints
        .split_once("[[bench]]")
        .map_or(lints, |(lints, _)| lints);
    let manifest = format!("{before}[lints]{lints}");
    fs::write(target.join("protocols/Cargo.toml"), manifest).expect("the crate's manifest");
    target
}

/// Runs cargo in a copy, with the dependencies that are there; the result is what it printed.
fn cargo(copy: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--offline")
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", copy.with_extension("target"))
        .output()
        .expect("cargo runs");
    let text = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    let text = text.concat();
    assert!(output.status.success(), "cargo {arguments:?}:\n{text}");
    text
}

#[test]
fn the_example_of_the_page_builds_and_its_tests_pass() {
    let copy = copy_of_the_crate("adding");
    let added = follow_the_page(&copy);
    // One module, one protocol, one line for each kind of machine.
    assert_eq!(added, 4);
    let text = cargo(&copy, &["test", "-p", "protocols", "--test", "ping_pong"]);
    assert!(text.contains("3 passed; 0 failed"), "{text}");
}

#[test]
#[ignore = "builds every crate once more, which takes minutes"]
fn the_example_of_the_page_runs_in_a_scenario() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("adding-whole");
    if target.exists() {
        fs::remove_dir_all(&target).expect("the last copy goes");
    }
    copy(&root(), &target);
    follow_the_page(&target);
    let scenario = blocks().into_iter().find(|block| block.info == "toml");
    let scenario = scenario.expect("a scenario").code;
    fs::write(target.join("ping.toml"), scenario).expect("a scenario file");
    let run = [
        "run",
        "--release",
        "--",
        "run",
        "ping.toml",
        "--out",
        "results",
    ];
    let mut arguments = run.to_vec();
    arguments.insert(1, "--offline");
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(&target)
        .env("CARGO_TARGET_DIR", target.with_extension("target"))
        .output()
        .expect("cargo runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let sessions = fs::read_to_string(target.join("results/sessions.csv")).expect("sessions");
    let accepted = sessions
        .lines()
        .filter(|line| line.contains(",accepted,"))
        .count();
    assert!(accepted > 10_000, "{accepted} accepted");
}
