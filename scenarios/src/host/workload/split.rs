//! Attempts of a world that runs in parts.

use super::Workloads;
use crate::host::Group;

impl Workloads {
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
            .extend(sessions.filter(|(_, attempt)| is_theirs(attempt.initiator)));
    }
}
