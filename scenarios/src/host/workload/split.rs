//! Attempts of a world that runs in parts.

use super::Workloads;
use crate::host::Group;

impl Workloads {
    /// Forgets the attempts of a node that another part runs: they were opened here only for the
    /// sake of numbering.
    pub(in crate::host) fn forget(&mut self, node: u32) {
        let book = &mut self.nodes[node as usize];
        let current = core::mem::take(&mut book.open).checked_sub(1);
        let all = (node, 0)..=(node, u32::MAX);
        let overlapping: Vec<(u32, u32)> = self.overlapping.range(all).map(|(id, _)| *id).collect();
        let overlapping = overlapping
            .iter()
            .filter_map(|id| self.overlapping.remove(id));
        for slot in current.into_iter().chain(overlapping) {
            self.open.remove(slot);
        }
    }

    /// Takes over the initiators of which `theirs` is true, from a part of the same world.
    pub(in crate::host) fn absorb(&mut self, mut part: Self, groups: &[Group], theirs: &[bool]) {
        let is_theirs = |node: u32| theirs.get(node as usize) == Some(&true);
        for (plan, other) in self.plans.iter_mut().zip(&part.plans) {
            let first = groups[plan.from].first;
            let initiators = plan.initiators.iter_mut().zip(&other.initiators);
            for (node, (initiator, other)) in (first..).zip(initiators) {
                if is_theirs(node) {
                    *initiator = *other;
                }
            }
        }
        for (node, book) in (0u32..).zip(&part.nodes) {
            if is_theirs(node) {
                self.nodes[node as usize] = *book;
                self.nodes[node as usize].open = 0;
            }
        }
        for slot in part.open.in_order() {
            let Some(attempt) = part.open.remove(slot) else {
                continue;
            };
            let (node, number) = (attempt.id.initiator, attempt.id.number);
            if !is_theirs(node) {
                continue;
            }
            let moved = self.open.insert(attempt);
            if part.nodes[node as usize].open == slot + 1 {
                self.nodes[node as usize].open = moved + 1;
            }
            if part.overlapping.contains_key(&(node, number)) {
                self.overlapping.insert((node, number), moved);
            }
        }
        let between = part.between.into_iter();
        self.between
            .extend(between.filter(|(node, _)| is_theirs(*node)));
        let sessions = part.by_session.into_iter();
        self.by_session
            .extend(sessions.filter(|((node, _), _)| is_theirs(*node)));
    }
}
