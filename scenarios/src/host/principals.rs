//! Which node a principal is.

use protocols::Principal;

/// Maps principals to nodes.
#[derive(Clone, Debug, Default)]
pub struct Principals {
    /// Per role: ascending by value, and dense from 1 where ids are.
    roles: Vec<Vec<(u64, u32)>>,
}

impl Principals {
    /// Adds `node` under `principal`.
    pub fn add(&mut self, principal: Principal, node: u32) {
        let role = usize::from(principal.role);
        if self.roles.len() <= role {
            self.roles.resize(role + 1, Vec::new());
        }
        self.roles[role].push((principal.value, node));
    }

    /// Ends adding.
    pub fn seal(&mut self) {
        for role in &mut self.roles {
            role.sort_unstable();
            role.shrink_to_fit();
        }
    }

    /// The node known as `principal`; the first one where several share it.
    #[must_use]
    #[inline]
    pub fn node(&self, principal: Principal) -> Option<u32> {
        let role = self.roles.get(usize::from(principal.role))?;
        // Ids count up by one as a rule: look there first.
        let first = role.first()?.0;
        let guess = usize::try_from(principal.value.wrapping_sub(first)).ok()?;
        if let Some((value, node)) = role.get(guess)
            && *value == principal.value
            && (guess == 0 || role[guess - 1].0 != principal.value)
        {
            return Some(*node);
        }
        let at = role.partition_point(|(value, _)| *value < principal.value);
        role.get(at).filter(|(value, _)| *value == principal.value).map(|(_, node)| *node)
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
