//! Two results of the same key, compared byte by byte.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::{MANIFEST, Operation, REPORT_FOLDER, StoreError};

/// The first place where two results differ, files in name order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// A line differs, or only one of the files has it.
    Line {
        /// File inside both directories.
        file: PathBuf,
        /// Number of the line, from 1.
        line: u64,
        /// The line in the first directory; `None` past its end. Not UTF-8 is shown as `�`.
        left: Option<String>,
        /// The line in the second directory; `None` past its end.
        right: Option<String>,
    },
    /// Only the first directory has the file.
    OnlyLeft(PathBuf),
    /// Only the second directory has the file.
    OnlyRight(PathBuf),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line {
                file,
                line,
                left,
                right,
            } => {
                let show = |text: &Option<String>| {
                    text.as_deref()
                        .map_or_else(|| "end of file".into(), |text| format!("{text:?}"))
                };
                write!(
                    f,
                    "{}, line {line}: {} against {}",
                    file.display(),
                    show(left),
                    show(right)
                )
            }
            Self::OnlyLeft(file) => write!(f, "{} is only in the first result", file.display()),
            Self::OnlyRight(file) => write!(f, "{} is only in the second result", file.display()),
        }
    }
}

/// Compares the data files of two result directories; `None` means identical.
///
/// Manifests and the report folder are not data and are left out.
///
/// # Errors
/// `Io` if a directory or file cannot be read.
pub fn compare(left: &Path, right: &Path) -> Result<Option<Difference>, StoreError> {
    let (in_left, in_right) = (data_files(left)?, data_files(right)?);
    for file in in_left.union(&in_right) {
        let difference = match (in_left.contains(file), in_right.contains(file)) {
            (true, true) => first_differing_line(left, right, file)?,
            (true, false) => Some(Difference::OnlyLeft(file.clone())),
            _ => Some(Difference::OnlyRight(file.clone())),
        };
        if difference.is_some() {
            return Ok(difference);
        }
    }
    Ok(None)
}

/// Paths of all data files below `directory`, relative to it.
fn data_files(directory: &Path) -> Result<BTreeSet<PathBuf>, StoreError> {
    let mut files = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let absolute = directory.join(&folder);
        let list_error = |source| StoreError::io(Operation::List, &absolute, source);
        for entry in fs::read_dir(&absolute).map_err(list_error)? {
            let entry = entry.map_err(list_error)?;
            let path = folder.join(entry.file_name());
            if entry.file_type().map_err(list_error)?.is_dir() {
                if path != Path::new(REPORT_FOLDER) {
                    folders.push(path);
                }
            } else if entry.file_name() != MANIFEST {
                files.insert(path);
            }
        }
    }
    Ok(files)
}

fn first_differing_line(
    left: &Path,
    right: &Path,
    file: &Path,
) -> Result<Option<Difference>, StoreError> {
    let (left, right) = (left.join(file), right.join(file));
    let (mut left_lines, mut right_lines) = (Lines::open(&left)?, Lines::open(&right)?);
    for line in 1.. {
        let (left, right) = (left_lines.next_line()?, right_lines.next_line()?);
        if left != right {
            let shown = |bytes: Option<&[u8]>| {
                bytes.map(|bytes| {
                    String::from_utf8_lossy(bytes)
                        .trim_end_matches('\n')
                        .to_owned()
                })
            };
            let (left, right) = (shown(left), shown(right));
            return Ok(Some(Difference::Line {
                file: file.to_owned(),
                line,
                left,
                right,
            }));
        }
        if left.is_none() {
            break;
        }
    }
    Ok(None)
}

/// Reads a file line by line in bounded memory.
struct Lines<'a> {
    reader: BufReader<File>,
    path: &'a Path,
    line: Vec<u8>,
}

impl<'a> Lines<'a> {
    fn open(path: &'a Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|e| StoreError::io(Operation::Read, path, e))?;
        Ok(Self {
            reader: BufReader::new(file),
            path,
            line: Vec::new(),
        })
    }

    /// The next line with its line feed, or at most [`LINE_BYTES_MAX`] bytes of it.
    fn next_line(&mut self) -> Result<Option<&[u8]>, StoreError> {
        self.line.clear();
        let read: io::Result<usize> = self
            .reader
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut self.line);
        match read {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(&self.line)),
            Err(error) => Err(StoreError::io(Operation::Read, self.path, error)),
        }
    }
}

/// Bytes compared at once where a file has no line feeds; keeps memory bounded.
const LINE_BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn pair(
        left: &[(&str, &str)],
        right: &[(&str, &str)],
    ) -> (tempfile::TempDir, PathBuf, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (root.path().join("a"), root.path().join("b"));
        for (directory, files) in [(&a, left), (&b, right)] {
            fs::create_dir(directory).unwrap();
            for (name, text) in files {
                let path = directory.join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
        (root, a, b)
    }

    #[test]
    fn ignores_manifests_and_reports() {
        let (_root, a, b) = pair(
            &[
                ("x.csv", "1\n"),
                (MANIFEST, "{}"),
                ("report/figures/f.svg", "<svg/>"),
            ],
            &[("x.csv", "1\n"), (MANIFEST, "{ }")],
        );
        assert_eq!(compare(&a, &b).unwrap(), None);
    }

    #[test]
    fn names_the_first_differing_line() {
        let (_root, a, b) = pair(&[("x.csv", "h\n1\n2\n")], &[("x.csv", "h\n1\n3\n")]);
        let difference = compare(&a, &b).unwrap().unwrap();
        assert_eq!(difference.to_string(), "x.csv, line 3: \"2\" against \"3\"");
    }

    #[test]
    fn a_shorter_file_differs_where_it_ends() {
        let (_root, a, b) = pair(&[("x.csv", "h\n")], &[("x.csv", "h\n1\n")]);
        let difference = compare(&a, &b).unwrap().unwrap();
        assert_eq!(
            difference.to_string(),
            "x.csv, line 2: end of file against \"1\""
        );
    }

    #[test]
    fn a_missing_file_is_a_difference() {
        let (_root, a, b) = pair(&[("x.csv", "h\n")], &[("x.csv", "h\n"), ("y.csv", "h\n")]);
        assert_eq!(
            compare(&a, &b).unwrap(),
            Some(Difference::OnlyRight("y.csv".into()))
        );
    }
}
