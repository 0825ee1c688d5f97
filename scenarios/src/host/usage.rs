//! What the nodes spent: CPU time, energy, durable writes, operations by role and phase.

use protocols::meter::{Operation, Totals};

/// What one node spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time, ns.
    pub cpu_ns: u64,
    /// Energy of computing and durable writes, nJ.
    pub energy_nj: u64,
    /// That of durable writes alone, nJ.
    pub flash_nj: u64,
}

/// Operations by role and phase.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    phases: usize,
    totals: Vec<Totals>,
}

impl Operations {
    /// No operations yet, for `roles` roles and `phases` phases.
    #[must_use]
    pub fn new(roles: usize, phases: usize) -> Self {
        let phases = phases.max(1);
        Self {
            phases,
            totals: vec![Totals::default(); roles.max(1) * phases],
        }
    }

    /// Counts one operation of a node of `role`.
    #[inline]
    pub fn add(&mut self, role: u8, operation: &Operation) {
        let index = usize::from(role) * self.phases + usize::from(operation.phase);
        if let Some(totals) = self.totals.get_mut(index) {
            totals.add(operation);
        }
    }

    /// Counts operations of a node of `role`.
    #[inline]
    pub fn add_all(&mut self, role: u8, operations: &[Operation]) {
        let first = usize::from(role) * self.phases;
        let totals = self.totals.get_mut(first..).unwrap_or_default();
        for operation in operations {
            if let Some(totals) = totals.get_mut(usize::from(operation.phase)) {
                totals.add(operation);
            }
        }
    }

    /// Adds what a part of the same world has counted.
    pub(crate) fn absorb(&mut self, part: &Self) {
        for (totals, more) in self.totals.iter_mut().zip(&part.totals) {
            totals.absorb(more);
        }
    }

    /// Role, phase and sums, in ascending order, empty ones included.
    pub fn iter(&self) -> impl Iterator<Item = (usize, usize, &Totals)> {
        let phases = self.phases;
        self.totals
            .iter()
            .enumerate()
            .map(move |(index, totals)| (index / phases, index % phases, totals))
    }
}
