//! Shards from several directories into one that stands alone.

use std::fs;
use std::path::Path;

use reports::store::{Operation, StoreError};

use super::directory::StudyDirectory;
use super::kept;
use super::ledger::Ledger;
use super::plan::{Plan, STORE_VERSION};
use super::record::Header;
use super::segment::SegmentWriter;
use crate::results::hex;

/// Puts every stored run of `ledger` into `target`, in the plan's order, with the files that were
/// kept of it in one of `sources`.
///
/// # Errors
///
/// A record cannot be read, or written.
pub fn join(
    plan: &Plan,
    ledger: &mut Ledger,
    sources: &[&Path],
    target: &StudyDirectory,
    program: &str,
) -> Result<(), StoreError> {
    let (there, _) = Ledger::open(plan, &[target.path()])?;
    let header = Header {
        badlink: STORE_VERSION,
        program: program.to_owned(),
        study: plan.key.as_str().to_owned(),
    };
    let mut writer: Option<SegmentWriter> = None;
    for point in 0..plan.points.len() {
        for replication in 0..plan.replications() {
            if there.has(point, replication) {
                continue;
            }
            let Some(record) = ledger.read(point, replication)? else {
                continue;
            };
            if !record.files.is_empty() {
                copy_kept(sources, target.path(), &hex(&record.key))?;
            }
            let names = ledger.columns(point, replication, &record).to_vec();
            let segment = match &mut writer {
                Some(segment) => segment,
                None => writer.insert(SegmentWriter::create(target.path(), "merged", &header, 0)?),
            };
            segment.append(record, &names, 0)?;
        }
    }
    match &mut writer {
        Some(segment) => segment.sync(0),
        None => Ok(()),
    }
}

/// Copies the directory of a kept run, aside first.
fn copy_kept(sources: &[&Path], target: &Path, key: &str) -> Result<(), StoreError> {
    let runs = target.join(kept::RUNS);
    let place = runs.join(key);
    if place.exists() {
        return Ok(());
    }
    let from = sources
        .iter()
        .map(|source| source.join(kept::RUNS).join(key))
        .find(|from| from.exists());
    let Some(from) = from else {
        return Ok(());
    };
    let aside = runs.join(format!(".{key}.partial-{}-merge", std::process::id()));
    let failed = |operation, path: &Path| {
        let path = path.to_owned();
        move |error| StoreError::io(operation, &path, error)
    };
    fs::create_dir_all(&aside).map_err(failed(Operation::CreateDirectory, &aside))?;
    for entry in fs::read_dir(&from).map_err(failed(Operation::List, &from))? {
        let entry = entry.map_err(failed(Operation::List, &from))?;
        let to = aside.join(entry.file_name());
        if entry.path().is_file() {
            fs::copy(entry.path(), &to).map_err(failed(Operation::Write, &to))?;
        }
    }
    fs::rename(&aside, &place).map_err(failed(Operation::Rename, &place))
}
