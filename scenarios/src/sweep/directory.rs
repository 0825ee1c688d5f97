//! A study's directory: whose it is, and files that appear whole or not at all.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use reports::store::{
    FORMAT_VERSION, MANIFEST, Manifest, Operation, ResultKey, ResultKind, StoreError,
};

use super::plan::Plan;
use crate::results::{hex, resolved};

/// The scenario file in a study's directory.
pub const SCENARIO: &str = "scenario.toml";

/// Where the scenario came from, in the manifest: relative file names in it are relative to this.
pub const SCENARIO_FILE: &str = "scenario_file";

/// A study's directory that is open for runs.
#[derive(Clone, Debug)]
pub struct StudyDirectory {
    path: PathBuf,
    manifest: Manifest,
}

/// What the wall clock and the invocation add to a manifest.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// Wall seconds so far.
    pub wall_seconds: f64,
    /// Processor seconds so far, where known.
    pub cpu_seconds: Option<f64>,
    /// Host, jobs, command line.
    pub host: BTreeMap<String, String>,
}

impl StudyDirectory {
    /// Opens `path` for `plan`: an absent or empty directory is begun, one of the same study goes on.
    ///
    /// With `force`, another result of this program gives way.
    ///
    /// # Errors
    ///
    /// `OtherKey` where another study is there; `NotAResult`, `NotADirectory`; `Io`.
    pub fn open(
        path: &Path,
        plan: &Plan,
        program: &str,
        force: bool,
        invocation: &Invocation,
    ) -> Result<Self, StoreError> {
        let empty = match fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == ErrorKind::NotFound => true,
            Err(error) if error.kind() == ErrorKind::NotADirectory => {
                return Err(StoreError::NotADirectory { path: path.into() });
            }
            Err(error) => return Err(StoreError::io(Operation::List, path, error)),
        };
        let found = if empty { None } else { Manifest::read(path)? };
        match found {
            Some(found) if found.kind == ResultKind::Sweep && found.key == plan.key => {
                return Ok(Self {
                    path: path.to_owned(),
                    manifest: found,
                });
            }
            Some(_) if force => {
                fs::remove_dir_all(path)
                    .map_err(|error| StoreError::io(Operation::Remove, path, error))?;
            }
            Some(found) => {
                return Err(StoreError::OtherKey {
                    path: path.into(),
                    found: found.key,
                    wanted: plan.key.clone(),
                });
            }
            None if empty => {}
            // A power cut may have left the beginning of a study and nothing else.
            None if only_beginnings(path) => {}
            None => return Err(StoreError::NotAResult { path: path.into() }),
        }
        fs::create_dir_all(path)
            .map_err(|error| StoreError::io(Operation::CreateDirectory, path, error))?;
        let manifest = Manifest {
            format: FORMAT_VERSION,
            kind: ResultKind::Sweep,
            program: program.into(),
            scenario: plan.base.name.clone(),
            scenario_hash: hex(&plan.base.hash()),
            key: plan.key.clone(),
            seed: plan.base.run.seed,
            fingerprint: String::new(),
            complete: false,
            sample: None,
            virtual_ns: 0,
            counts: BTreeMap::new(),
            wall_seconds: 0.0,
            cpu_seconds: None,
            events_per_second: 0.0,
            host: invocation.host.clone(),
        };
        let begun = Self {
            path: path.to_owned(),
            manifest,
        };
        // The scenario first: a directory with a manifest always has it.
        begun.file(SCENARIO, resolved(&plan.base).as_bytes())?;
        begun.write_manifest(&begun.manifest)?;
        Ok(begun)
    }

    /// Opens a directory that a sweep has made before.
    ///
    /// # Errors
    ///
    /// `NotAResult` where it is none; `Damaged`; `Io`.
    pub fn existing(path: &Path) -> Result<Self, StoreError> {
        let manifest = Manifest::read(path)?.filter(|manifest| manifest.kind == ResultKind::Sweep);
        match manifest {
            Some(manifest) => Ok(Self {
                path: path.to_owned(),
                manifest,
            }),
            None => Err(StoreError::NotAResult { path: path.into() }),
        }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its manifest, as it was when it was opened.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Key of the study that is here.
    #[must_use]
    pub fn key(&self) -> &ResultKey {
        &self.manifest.key
    }

    /// Marks the study as complete or not, with its totals.
    ///
    /// # Errors
    ///
    /// The manifest cannot be written.
    pub fn finish(
        &self,
        complete: bool,
        counts: BTreeMap<String, u64>,
        invocation: &Invocation,
    ) -> Result<(), StoreError> {
        let mut host = self.manifest.host.clone();
        host.extend(invocation.host.clone());
        let manifest = Manifest {
            complete,
            counts,
            wall_seconds: invocation.wall_seconds,
            cpu_seconds: invocation.cpu_seconds,
            host,
            ..self.manifest.clone()
        };
        self.write_manifest(&manifest)
    }

    fn write_manifest(&self, manifest: &Manifest) -> Result<(), StoreError> {
        self.file(MANIFEST, manifest.to_json().as_bytes())
    }

    /// Puts a whole file in place.
    ///
    /// # Errors
    ///
    /// It cannot be written; what was there stays.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut file = self.begin(name)?;
        file.write(bytes)?;
        file.finish()
    }

    /// Begins a file that appears when it is finished.
    ///
    /// # Errors
    ///
    /// It cannot be created.
    pub fn begin(&self, name: &str) -> Result<WholeFile, StoreError> {
        let target = self.path.join(name);
        let aside = self
            .path
            .join(format!(".{name}.partial-{}", std::process::id()));
        let file = File::create(&aside)
            .map_err(|error| StoreError::io(Operation::Create, &aside, error))?;
        Ok(WholeFile {
            target,
            aside,
            file: Some(file),
            buffer: Vec::new(),
        })
    }
}

/// Whether everything in a directory is hidden or a scenario: what a begun study may hold.
fn only_beginnings(path: &Path) -> bool {
    let Ok(entries) = fs::read_dir(path) else {
        return false;
    };
    let ours = |name: &str| name == SCENARIO || name.contains(".partial-");
    entries
        .flatten()
        .all(|entry| entry.file_name().to_str().is_some_and(ours))
}

/// A file under construction beside its place; dropped unfinished, it is gone.
#[derive(Debug)]
pub struct WholeFile {
    target: PathBuf,
    aside: PathBuf,
    file: Option<File>,
    buffer: Vec<u8>,
}

/// Bytes that are worth a system call.
const FLUSH_BYTES: usize = 64 * 1024;

impl WholeFile {
    /// Where lines are put together; what stands here belongs to the file.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Hands the buffer to the system when it has grown.
    ///
    /// # Errors
    ///
    /// Writing failed.
    pub fn flush_some(&mut self) -> Result<(), StoreError> {
        if self.buffer.len() >= FLUSH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if let Some(file) = &mut self.file {
            file.write_all(&self.buffer)
                .map_err(|error| StoreError::io(Operation::Write, &self.aside, error))?;
            self.buffer.clear();
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.buffer.extend_from_slice(bytes);
        self.flush_some()
    }

    /// Makes it durable and puts it in place.
    ///
    /// # Errors
    ///
    /// Writing or renaming failed.
    pub fn finish(mut self) -> Result<(), StoreError> {
        self.flush()?;
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        file.sync_all()
            .map_err(|error| StoreError::io(Operation::Sync, &self.aside, error))?;
        fs::rename(&self.aside, &self.target)
            .map_err(|error| StoreError::io(Operation::Rename, &self.target, error))
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if self.file.take().is_some() || self.aside.exists() {
            // Nothing can be reported from here; what stays behind is hidden and named as partial.
            drop(fs::remove_file(&self.aside));
        }
    }
}
