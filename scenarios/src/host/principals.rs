//! Which node a principal is.

use std::collections::BTreeMap;

use protocols::Principal;

/// Principals that count up by one together with their nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    value: u64,
    node: u32,
    count: u32,
}

/// Maps principals to nodes. Ids and nodes count up together as a rule, so a million of them are
/// one run.
#[derive(Clone, Debug, Default)]
pub struct Principals {
    /// Per role, ascending by value once sealed.
    roles: Vec<Vec<Run>>,
    /// Names that nodes gave themselves at run time.
    own: BTreeMap<Principal, u32>,
    shared: bool,
}

impl Principals {
    /// Adds `node` under `principal`.
    pub fn add(&mut self, principal: Principal, node: u32) {
        let role = usize::from(principal.role);
        if self.roles.len() <= role {
            self.roles.resize(role + 1, Vec::new());
        }
        let runs = &mut self.roles[role];
        if let Some(last) = runs.last_mut()
            && last.value.wrapping_add(u64::from(last.count)) == principal.value
            && last.node + last.count == node
        {
            last.count += 1;
        } else {
            runs.push(Run {
                value: principal.value,
                node,
                count: 1,
            });
        }
    }

    /// Ends adding.
    pub fn seal(&mut self) {
        for runs in &mut self.roles {
            runs.sort_unstable();
            runs.shrink_to_fit();
            let overlap = |pair: &[Run]| pair[1].value - pair[0].value < u64::from(pair[0].count);
            self.shared |= runs.windows(2).any(overlap);
        }
    }

    /// `node` says that it answers to `principal`. What the roster knows is not overruled, and the
    /// first node to use a name keeps it.
    pub fn name(&mut self, principal: Principal, node: u32) {
        self.own.entry(principal).or_insert(node);
    }

    /// The node known as `principal`; the first one where several share it.
    #[must_use]
    #[inline]
    pub fn node(&self, principal: Principal) -> Option<u32> {
        self.provisioned(principal)
            .or_else(|| self.own.get(&principal).copied())
    }

    /// Takes over the names that nodes of a part of the same world gave themselves; false when one
    /// of them is in use here, so that it depends on the order which node keeps it.
    pub(crate) fn absorb(&mut self, part: Self) -> bool {
        let before = self.own.len() + part.own.len();
        self.own.extend(part.own);
        self.own.len() == before
    }

    /// Every node known as `principal`, where several share it (ids that start anew at every server).
    pub fn all(&self, principal: Principal) -> impl Iterator<Item = u32> + '_ {
        let runs = self
            .roles
            .get(usize::from(principal.role))
            .map_or(&[][..], Vec::as_slice);
        let holds = move |run: &&Run| {
            run.value <= principal.value && principal.value - run.value < u64::from(run.count)
        };
        let node =
            move |run: &Run| run.node + u32::try_from(principal.value - run.value).unwrap_or(0);
        runs.iter().filter(holds).map(node)
    }

    /// True when several nodes share a principal.
    #[must_use]
    pub const fn are_shared(&self) -> bool {
        self.shared
    }

    #[inline]
    fn provisioned(&self, principal: Principal) -> Option<u32> {
        let runs = self.roles.get(usize::from(principal.role))?;
        if let [run] = runs.as_slice() {
            // Ids of one group of nodes.
            let distance = principal.value.checked_sub(run.value)?;
            let distance = u32::try_from(distance).ok()?;
            return (distance < run.count).then(|| run.node + distance);
        }
        let within = |run: &&Run| principal.value - run.value < u64::from(run.count);
        let after = runs.partition_point(|run| run.value <= principal.value);
        // Runs of one value may stand in a row where several parties share it.
        let first = runs[..after].partition_point(|run| {
            run.value < principal.value && principal.value - run.value >= u64::from(run.count)
        });
        let run = runs[first..after].iter().find(within)?;
        let distance = u32::try_from(principal.value - run.value).ok()?;
        Some(run.node + distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_sparse_and_unknown_principals() {
        let mut principals = Principals::default();
        for id in 1..=5 {
            principals.add(Principal::id(0, id), 100 + u32::try_from(id).unwrap_or(0));
        }
        principals.add(Principal::name(1, b"alice"), 7);
        principals.add(Principal::name(1, b"bob"), 8);
        principals.seal();
        assert_eq!(principals.node(Principal::id(0, 4)), Some(104));
        assert_eq!(principals.node(Principal::id(0, 6)), None);
        assert_eq!(principals.node(Principal::name(1, b"bob")), Some(8));
        assert_eq!(principals.node(Principal::name(1, b"eve")), None);
        assert_eq!(principals.node(Principal::id(3, 1)), None);
    }
}
