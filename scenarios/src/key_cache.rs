//! Generated key pairs kept on disk between runs.
//!
//! A file of the cache only ever spares the time of generating what it holds: the protocol checks
//! every file and generates anew what is missing, damaged or of another version, so presence,
//! concurrent use and damage of the cache change no byte of a result.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use protocols::crypto::rsa::cache::KeyStore;

/// A directory of key pairs, one file each.
#[derive(Debug)]
pub struct KeyCache {
    directory: PathBuf,
    /// Files that were read, to tell a damaged one: what is written after it was read was no good.
    read: BTreeSet<String>,
    damaged: Vec<PathBuf>,
}

impl KeyCache {
    /// The cache in `directory`, which is made when the first pair is kept.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            read: BTreeSet::new(),
            damaged: Vec::new(),
        }
    }

    /// The files that were damaged or of another version and have been written anew.
    #[must_use]
    pub fn damaged(&self) -> &[PathBuf] {
        &self.damaged
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name).with_extension("pair")
    }
}

impl KeyStore for KeyCache {
    fn load(&mut self, name: &str) -> Option<Vec<u8>> {
        let file = fs::read(self.path(name)).ok()?;
        self.read.insert(name.to_owned());
        Some(file)
    }

    fn save(&mut self, name: &str, file: &[u8]) {
        let path = self.path(name);
        if self.read.contains(name) {
            self.damaged.push(path.clone());
        }
        // Written aside and renamed, so that a concurrent run sees it whole or not at all. A cache
        // that cannot be written is as good as none.
        let aside = path.with_extension(format!("{}.partial", std::process::id()));
        let kept = fs::create_dir_all(&self.directory)
            .and_then(|()| fs::write(&aside, file))
            .and_then(|()| fs::rename(&aside, &path));
        if kept.is_err() {
            // Nothing to tell: the run goes on with the pair in memory.
            drop(fs::remove_file(&aside));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::build::{build, build_with_keys};
    use crate::host::tables::NoTables;
    use protocols::{Record, Storage};

    const SCENARIO: &str = r#"
schema = 1
[scenario]
name = "keys"
[run]
duration = "1s"
seed = 1
[protocol]
name = "rsa-udp"
params = { rsa_bits = 1024 }
[nodes.sensor]
role = "device"
[nodes.phone]
role = "client"
[links.lan]
between = ["phone", "sensor"]
[workload.visit]
from = "phone"
to = "sensor"
do = "authenticate"
"#;

    /// Every provisioned byte of the two parties.
    fn provisioned(keys: Option<&mut KeyCache>) -> Vec<Vec<u8>> {
        let scenario = crate::read_text("keys.toml", SCENARIO, &[]).unwrap();
        let built = match keys {
            None => build::<NoTables>(&scenario),
            keys => build_with_keys::<NoTables>(&scenario, keys),
        };
        let depot = built
            .unwrap_or_else(|error| panic!("{}", error.render(false)))
            .world
            .depot;
        let mut all = Vec::new();
        for party in 0..2 {
            let view = depot.view(party);
            for table in 0..=u8::MAX {
                let mut from = 0;
                while let Some(record) = view.next(table, from) {
                    all.push(view.read(Record::new(table, record.key)).unwrap().to_vec());
                    from = record.key + 1;
                }
            }
        }
        all
    }

    #[test]
    fn empty_full_and_damaged_caches_provision_the_same_bytes() {
        let place = tempfile::tempdir().unwrap();
        let plain = provisioned(None);
        let mut cache = KeyCache::new(place.path());
        assert_eq!(provisioned(Some(&mut cache)), plain);
        let files: Vec<_> = fs::read_dir(place.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!((files.len(), cache.damaged().len()), (2, 0));

        let mut cache = KeyCache::new(place.path());
        assert_eq!(provisioned(Some(&mut cache)), plain);
        assert!(cache.damaged().is_empty());

        for damage in [b"".as_slice(), b"badlink rsa pair 0\n", &[0xFF; 4000]] {
            fs::write(&files[0], damage).unwrap();
            let mut cache = KeyCache::new(place.path());
            assert_eq!(provisioned(Some(&mut cache)), plain);
            assert_eq!(cache.damaged(), [files[0].clone()]);
        }
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_as_good_as_none() {
        let mut cache = KeyCache::new(Path::new("/dev/null/keys"));
        assert_eq!(provisioned(Some(&mut cache)), provisioned(None));
    }
}
