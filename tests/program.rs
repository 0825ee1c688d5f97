//! The built program as a user runs it: arguments in; exit code, texts and files out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// What one call of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; -1 when a signal ended it.
    pub(crate) code: i32,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it said on standard error.
    pub(crate) stderr: String,
}

impl Ran {
    /// Fails unless the program ended with `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stderr:\n{}\nstdout:\n{}",
            self.stderr, self.stdout
        );
        self
    }
}

/// A directory of its own in which the program is run.
#[derive(Debug)]
pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    /// An empty directory.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A directory with one scenario file in it, `scenario.toml`.
    pub(crate) fn with(scenario: &str) -> Self {
        let desk = Self::new();
        desk.write("scenario.toml", scenario);
        desk
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into it.
    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        fs::write(self.path(name), contents).unwrap();
    }

    /// The program, ready to be called here.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_badlink"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Calls the program here.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        ran(&mut self.command(args))
    }

    /// Runs `scenario.toml` with further arguments into `out`, which must succeed.
    #[track_caller]
    pub(crate) fn result(&self, out: &str, args: &[&str]) -> PathBuf {
        let all = [&["run", "scenario.toml", "--quiet", "--out", out], args].concat();
        self.run(&all).expect(0);
        self.path(out)
    }

    /// The names in it, hidden ones included, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        names(self.folder.path())
    }
}

/// Runs a command to its end.
pub(crate) fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The names in a directory, hidden ones included, in order.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Every file below `directory` except `manifest.json`, by path; figures included.
pub(crate) fn data_files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != "manifest.json" {
                let name = path.strip_prefix(directory).unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// The names of the files in which two results differ, or that only one of them has.
pub(crate) fn differing_files(one: &Path, other: &Path) -> Vec<String> {
    let (one, other) = (data_files(one), data_files(other));
    let mut names: Vec<String> = one
        .keys()
        .chain(other.keys())
        .filter(|name| one.get(*name) != other.get(*name))
        .map(|name| name.display().to_string())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The manifest of a result.
pub(crate) fn manifest(directory: &Path) -> serde_json::Value {
    json(&directory.join("manifest.json"))
}

/// A JSON file.
pub(crate) fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The header and the rows of a table.
pub(crate) fn table(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let cells = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let header = cells(reader.headers().unwrap());
    let rows = reader
        .records()
        .map(|record| cells(&record.unwrap()))
        .collect();
    (header, rows)
}

/// The column `name` of a table.
pub(crate) fn column(path: &Path, name: &str) -> Vec<String> {
    let (header, rows) = table(path);
    let index = header.iter().position(|column| column == name).unwrap();
    rows.into_iter()
        .map(|mut row| row.swap_remove(index))
        .collect()
}
