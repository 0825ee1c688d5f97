//! Earlier states of a node's durable storage, kept for those that a fault may roll back.
//!
//! Each write leaves what it replaced, so that the storage of an earlier time is found by undoing
//! writes from the latest back. What no fault can reach any more is forgotten.

use std::collections::VecDeque;

use protocols::Record;
use protocols::storage::{Storage as _, Write};
use sim_engine::SimTime;

use crate::fault::{Effect, FaultSpec, Snapshot};
use crate::host::World;
use crate::host::tables::Tables;

/// What one write replaced.
#[derive(Clone, Debug)]
struct Replaced {
    at_ns: u64,
    record: Record,
    bytes: Option<Vec<u8>>,
}

/// The earlier states of one node.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    replaced: VecDeque<Replaced>,
    /// When the latest successful sessions of the node began, ns.
    sessions: VecDeque<u64>,
    /// How far back any fault may go.
    reach_ns: u64,
    reach_sessions: usize,
}

impl History {
    fn reach(&mut self, to: Snapshot) {
        match to {
            Snapshot::Age(age) => self.reach_ns = self.reach_ns.max(age),
            Snapshot::Sessions(sessions) => {
                let sessions = usize::try_from(sessions).unwrap_or(usize::MAX);
                self.reach_sessions = self.reach_sessions.max(sessions);
            }
            Snapshot::First | Snapshot::At(_) => self.reach_ns = u64::MAX,
        }
    }

    fn push(&mut self, replaced: Replaced) {
        let now_ns = replaced.at_ns;
        self.replaced.push_back(replaced);
        let needed = self.session_back(self.reach_sessions).unwrap_or(0);
        let sessions = self.reach_sessions > 0;
        while let Some(first) = self.replaced.front()
            && now_ns - first.at_ns > self.reach_ns
            && (!sessions || first.at_ns < needed)
        {
            self.replaced.pop_front();
        }
    }

    /// When the last but `back` - 1 of the successful sessions began, ns.
    fn session_back(&self, back: usize) -> Option<u64> {
        let at = self.sessions.len().checked_sub(back)?;
        self.sessions.get(at).copied()
    }

    fn succeeded(&mut self, started_ns: u64) {
        self.sessions.push_back(started_ns);
        while self.sessions.len() > self.reach_sessions {
            self.sessions.pop_front();
        }
    }

    /// Takes the latest write if it is later than the snapshot.
    fn undo(&mut self, to: Snapshot, now_ns: u64) -> Option<Replaced> {
        let began = match to {
            Snapshot::Sessions(back) => usize::try_from(back)
                .ok()
                .and_then(|back| self.session_back(back))
                .unwrap_or(0),
            _ => 0,
        };
        let later = |last: &Replaced| match to {
            Snapshot::First => true,
            Snapshot::Age(age) => last.at_ns > now_ns.saturating_sub(age),
            Snapshot::Sessions(_) => last.at_ns >= began,
            Snapshot::At(at) => last.at_ns > at,
        };
        self.replaced.pop_back_if(|last| later(last))
    }
}

impl<T: Tables> World<T> {
    /// Keeps earlier states of the nodes that `spec` may roll back.
    pub(super) fn watch_storage(&mut self, spec: &FaultSpec) {
        let Effect::Rollback { to, .. } = spec.effect else {
            return;
        };
        let struck = spec.target.or(match &spec.trigger {
            crate::fault::Trigger::When(selector) => selector.node,
            _ => None,
        });
        let Some(target) = struck else {
            return;
        };
        for node in self.nodes_of(target) {
            if let Some(faults) = &mut self.faults {
                faults.histories.entry(node).or_default().reach(to);
            }
        }
    }

    /// Carries out a durable write.
    pub(in crate::host) fn persist(&mut self, now: SimTime, node: u32, write: Write<'_>) {
        if let Write::Put(record, _) = write
            && !self.write_lands(node, record)
        {
            return;
        }
        if let Some(faults) = &mut self.faults
            && let Some(history) = faults.histories.get_mut(&node)
        {
            let record = match write {
                Write::Put(record, _) | Write::Delete(record) => record,
            };
            let bytes = self.depot.view(node).read(record).map(<[u8]>::to_vec);
            history.push(Replaced {
                at_ns: now.0,
                record,
                bytes,
            });
        }
        self.depot.apply(node, write);
    }

    /// A session of `node` that began at `started_ns` has succeeded.
    pub(in crate::host) fn session_succeeded(&mut self, node: u32, started_ns: u64) {
        if let Some(faults) = &mut self.faults
            && let Some(history) = faults.histories.get_mut(&node)
        {
            history.succeeded(started_ns);
        }
    }

    /// Gives `node` the storage of an earlier time, seen from when it lost power.
    pub(super) fn roll_back(&mut self, lost_ns: u64, node: u32, to: Snapshot) {
        let Self { faults, depot, .. } = self;
        let Some(history) = faults
            .as_mut()
            .and_then(|faults| faults.histories.get_mut(&node))
        else {
            return;
        };
        while let Some(replaced) = history.undo(to, lost_ns) {
            match &replaced.bytes {
                Some(bytes) => depot.apply(node, Write::Put(replaced.record, bytes)),
                None => depot.apply(node, Write::Delete(replaced.record)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(to: Snapshot) -> History {
        let mut history = History::default();
        history.reach(to);
        for (at_ns, key) in [(10, 0), (20, 1), (30, 2)] {
            history.push(Replaced {
                at_ns,
                record: Record::new(0, key),
                bytes: None,
            });
            history.succeeded(at_ns - 1);
        }
        history
    }

    fn undone(to: Snapshot) -> Vec<u32> {
        let mut history = history(to);
        core::iter::from_fn(|| history.undo(to, 30))
            .map(|replaced| replaced.record.key)
            .collect()
    }

    #[test]
    fn writes_are_undone_from_the_latest_back_to_the_snapshot() {
        assert_eq!(undone(Snapshot::First), [2, 1, 0]);
        assert_eq!(undone(Snapshot::Age(10)), [2]);
        assert_eq!(undone(Snapshot::Sessions(2)), [2, 1]);
        assert_eq!(undone(Snapshot::At(10)), [2, 1]);
        assert_eq!(undone(Snapshot::At(30)), [0; 0]);
    }

    #[test]
    fn what_no_fault_can_reach_is_forgotten() {
        assert_eq!(history(Snapshot::Age(10)).replaced.len(), 2);
        assert_eq!(history(Snapshot::First).replaced.len(), 3);
    }
}
