//! What has been run already: one checksummed line a trial, appended as soon as it is known, so that an
//! interrupted matrix goes on where it stopped.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::Trial;
use crate::results::hex;

/// Name of the file.
pub const FILE: &str = "journal.jsonl";

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
    /// Trials by their keys.
    pub known: BTreeMap<String, Trial>,
}

fn checksum(key: &str, json: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(key.as_bytes());
    hash.update(json.as_bytes());
    hex(&hash.finalize()[..8])
}

impl Journal {
    /// Opens the journal of a directory, and reads what it holds. A line that was cut off or
    /// damaged is as good as not written: its trial is run again.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or written.
    pub fn open(directory: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let path = directory.join(FILE);
        let mut known = BTreeMap::new();
        let mut ends_well = true;
        match File::open(&path) {
            Ok(file) => {
                for line in BufReader::new(file).split(b'\n') {
                    let line = line?;
                    let read = read(&line);
                    ends_well = read.is_some();
                    known.extend(read);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
        if !ends_well {
            file.write_all(b"\n")?;
        }
        Ok(Self { file, known })
    }

    /// Adds a trial.
    ///
    /// # Errors
    ///
    /// A disk that is full or gone.
    pub fn add(&mut self, key: &str, trial: &Trial) -> io::Result<()> {
        let json = serde_json::to_string(trial).map_err(io::Error::other)?;
        let line = format!("{}\t{key}\t{json}\n", checksum(key, &json));
        self.file.write_all(line.as_bytes())?;
        self.known.insert(key.to_owned(), trial.clone());
        Ok(())
    }
}

fn read(line: &[u8]) -> Option<(String, Trial)> {
    let line = std::str::from_utf8(line).ok()?;
    let mut parts = line.splitn(3, '\t');
    let (sum, key, json) = (parts.next()?, parts.next()?, parts.next()?);
    if checksum(key, json) != sum {
        return None;
    }
    Some((key.to_owned(), serde_json::from_str(json).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(acted: u64) -> Trial {
        Trial {
            acted,
            found: Vec::new(),
            failure: String::new(),
        }
    }

    #[test]
    fn a_cut_line_is_forgotten_and_the_rest_is_kept() {
        let directory = tempfile::tempdir().expect("a place for files");
        let mut journal = Journal::open(directory.path()).expect("it can be written");
        journal.add("one", &trial(1)).expect("there is room");
        journal.add("two", &trial(2)).expect("there is room");
        let path = directory.path().join(FILE);
        let text = std::fs::read(&path).expect("it is there");
        std::fs::write(&path, &text[..text.len() - 5]).expect("it can be written");
        let mut journal = Journal::open(directory.path()).expect("it can be read");
        assert_eq!(journal.known.len(), 1);
        journal.add("three", &trial(3)).expect("there is room");
        let journal = Journal::open(directory.path()).expect("it can be read");
        let keys: Vec<&str> = journal.known.keys().map(String::as_str).collect();
        assert_eq!(keys, ["one", "three"]);
    }
}
