//! Lock-out: devices that cannot authenticate although everything that disturbed them has ended.
//!
//! Judged in the honest continuation: whoever failed last is given attempts with quiet links and
//! without adversary; one success is enough, and only if all fail it is locked out.

/// The oracle of lock-out.
#[derive(Clone, Debug, Default)]
pub struct LockOut {
    /// Nodes that failed every attempt of the continuation, ascending by trial.
    locked: Vec<u32>,
    /// Nodes that were tried.
    tried: u32,
}

impl LockOut {
    /// `node` has been tried.
    pub fn conclude(&mut self, node: u32, locked: bool) {
        self.tried += 1;
        if locked && !self.locked.contains(&node) {
            self.locked.push(node);
        }
    }

    /// Nodes that are locked out.
    #[must_use]
    pub fn locked(&self) -> &[u32] {
        &self.locked
    }

    /// Nodes that had to be tried.
    #[must_use]
    pub const fn tried(&self) -> u32 {
        self.tried
    }
}
