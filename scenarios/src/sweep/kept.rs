//! Runs whose tables are kept: a directory each, written aside and renamed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reports::store::{
    Commit, FORMAT_VERSION, Manifest, ResultKey, ResultKind, Staging, StoreError,
};

use super::plan::RunKey;
use super::simulate::{Failure, Guard, Keep, Outcome, outcome};
use crate::build::build_with_keys;
use crate::key_cache::KeyCache;
use crate::names::Names;
use crate::record::FileTables;
use crate::results::{self, hex};
use crate::run::drive;
use crate::scenario::{Scenario, Share};

/// Folder of kept runs in a study's directory.
pub const RUNS: &str = "runs";

/// Where a kept run stands.
#[must_use]
pub fn folder(directory: &Path, key: &RunKey) -> PathBuf {
    directory.join(RUNS).join(hex(key))
}

/// Runs `scenario` with the tables that it asks for, into its directory.
pub(super) fn run(
    scenario: &Scenario,
    keep: &Keep<'_>,
    keys: Option<&mut KeyCache>,
    guard: &mut Guard<'_>,
) -> Result<Outcome, Failure> {
    let target = folder(keep.directory, keep.key);
    let built = build_with_keys(scenario, keys)
        .map_err(|error| Failure::Run(error.titles().collect::<Vec<_>>().join("; ")))?;
    let key = ResultKey::new(hex(keep.key));
    // A copy without a record, or with damaged files, gives way: this run replaces it.
    let staging = Staging::open(&target, &key, true).map_err(Failure::Store)?;
    let names = Arc::new(Names::new(scenario, &built.links));
    let mut tables = FileTables::open(
        &staging,
        scenario,
        Arc::clone(&names),
        &built.world.relations,
        &built.links,
    )
    .map_err(Failure::Store)?;
    let mut places = Ok(0);
    let finished = drive(scenario, built, &mut tables, guard, |view| {
        places = results::places(&staging, scenario, view, &names);
    })
    .map_err(|error| Failure::Run(error.to_string()))?;
    places.map_err(Failure::Store)?;
    let mut outcome = outcome(scenario, &finished)?;
    let written = results::write(&staging, scenario, &finished, tables).map_err(Failure::Store)?;
    let manifest = Manifest {
        format: FORMAT_VERSION,
        kind: ResultKind::Run,
        program: keep.program.into(),
        scenario: scenario.name.clone(),
        scenario_hash: hex(&scenario.hash()),
        key,
        seed: scenario.run.seed,
        fingerprint: outcome.fingerprint.clone(),
        complete: true,
        sample: scenario.output.sample.map(Share::number),
        virtual_ns: finished.ended_ns,
        counts: BTreeMap::from([
            (String::from("events"), finished.events),
            (String::from("rows"), written.rows),
        ]),
        // Wall time is that of the sweep.
        wall_seconds: 0.0,
        cpu_seconds: None,
        events_per_second: 0.0,
        host: BTreeMap::from([(
            String::from(super::directory::SCENARIO_FILE),
            scenario.path.display().to_string(),
        )]),
    };
    match staging.commit(&manifest) {
        Ok(Commit::Written | Commit::Identical | Commit::Discarded) => {}
        Ok(Commit::Differs { difference, .. }) => {
            return Err(Failure::Run(format!(
                "it came out differently before: {difference}"
            )));
        }
        // Another copy of this run was faster; what it wrote is the same.
        Err(_) if target.join(reports::store::MANIFEST).exists() => {}
        Err(error) => return Err(Failure::Store(error)),
    }
    outcome.files = sizes(&target).map_err(Failure::Store)?;
    Ok(outcome)
}

/// The data files of a kept run, with their sizes.
fn sizes(folder: &Path) -> Result<Vec<(String, u64)>, StoreError> {
    use reports::store::{MANIFEST, Operation};
    let failed = |error| StoreError::io(Operation::List, folder, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let data = entry.metadata().map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if data.is_file() && name != MANIFEST {
            found.push((name, data.len()));
        }
    }
    found.sort();
    Ok(found)
}

/// Removes what killed runs left half-written, where the run is there now.
pub(super) fn tidy(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory.join(RUNS)) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let whose = name.strip_prefix('.').and_then(|rest| {
            rest.split_once(".partial-")
                .or_else(|| rest.split_once(".replaced-"))
        });
        if let Some((key, _)) = whose
            && directory.join(RUNS).join(key).exists()
        {
            // What cannot be removed is hidden and harms nobody.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}
