//! Who takes part, and what each party starts with.
//!
//! Keys, passwords and nonces come from a fixed seed: the same in every run. That shows the
//! machines at work and protects nothing.

use std::collections::BTreeMap;

use protocols::Entropy;
use protocols::crypto::sha256_unmetered;
use protocols::parameter::{ParameterError, Values};
use protocols::protocol::Instance;
use protocols::roster::{Group, Party, ProvisionSink, Roster, Streams};
use protocols::storage::{MemoryStorage, Record, Write};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Host number of the first party; the others count up from it.
const FIRST_HOST: u32 = 1;

/// Random bytes that follow from a label: the same in every run.
#[derive(Clone, Debug)]
pub(crate) struct Labelled(ChaCha20Rng);

impl Labelled {
    /// The stream named by `label`.
    pub(crate) fn new(label: &[&[u8]]) -> Self {
        Self(ChaCha20Rng::from_seed(sha256_unmetered(label)))
    }

    /// The stream that a machine on `host` draws from in the world `seed`.
    pub(crate) fn machine(seed: u64, host: u32) -> Self {
        Self::new(&[b"machine", &seed.to_be_bytes(), &host.to_be_bytes()])
    }
}

impl Entropy for Labelled {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }
}

struct LabelledStreams {
    seed: u64,
}

impl Streams for LabelledStreams {
    fn with(
        &mut self,
        group: &str,
        member: u32,
        purpose: &str,
        use_it: &mut dyn FnMut(&mut dyn Entropy),
    ) {
        let (seed, member) = (self.seed.to_be_bytes(), member.to_be_bytes());
        let label = [
            &seed[..],
            group.as_bytes(),
            &[0],
            &member,
            purpose.as_bytes(),
        ];
        use_it(&mut Labelled::new(&label));
    }
}

struct Stores(Vec<MemoryStorage>);

impl ProvisionSink for Stores {
    fn put(&mut self, party: usize, record: Record, bytes: &[u8]) {
        self.0[party].apply(Write::Put(record, bytes));
    }
}

/// The first storage of every party, in roster order, in the world `seed`.
///
/// # Errors
///
/// What the protocol refuses about the roster.
pub(crate) fn first_storage(
    instance: &dyn Instance,
    roster: &Roster,
    seed: u64,
) -> Result<Vec<MemoryStorage>, ParameterError> {
    instance.check(roster)?;
    let mut stores = Stores(vec![MemoryStorage::default(); roster.parties.len()]);
    instance.provision(roster, &mut LabelledStreams { seed }, &mut stores);
    Ok(stores.0)
}

/// A roster of groups (name, role, count, parameters) in which every party is linked to every
/// other.
pub(crate) fn full_mesh(groups: &[(&str, u8, u32, Values)]) -> Roster {
    let mut roster = Roster::default();
    let mut ordinals = BTreeMap::new();
    for (index, (name, role, count, params)) in (0..).zip(groups) {
        let first = roster.parties.len();
        roster.groups.push(Group {
            name: (*name).to_owned(),
            role: *role,
            params: params.clone(),
            first,
            count: *count as usize,
        });
        for member in 0..*count {
            let ordinal = ordinals.entry(*role).or_insert(0);
            *ordinal += 1;
            let place = u32::try_from(roster.parties.len()).expect("a handful of parties");
            roster.parties.push(Party {
                host: FIRST_HOST + place,
                role: *role,
                group: index,
                member,
                ordinal: *ordinal,
                neighbours: (0, 0),
            });
        }
    }
    let count = u32::try_from(roster.parties.len()).expect("a handful of parties");
    for (place, party) in (0..count).zip(&mut roster.parties) {
        let start = u32::try_from(roster.neighbours.len()).expect("a handful of links");
        roster
            .neighbours
            .extend((0..count).filter(|&other| other != place));
        party.neighbours = (start, start + count - 1);
    }
    roster
}
