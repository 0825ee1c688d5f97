//! Where a job goes next: shares over node groups, resolved to addresses.
//!
//! One 64-bit draw chooses both branch and member: each group owns a slice of the draws as wide as
//! its share, its linked members equal parts of the slice. Random splitting keeps a Poisson stream
//! Poisson, which a round robin would not. What no slice covers leaves the network.

use crate::address::Address;
use crate::entropy::Entropy;
use crate::roster::{Party, Roster};

/// Number of values of a draw.
const DRAWS: u128 = 1 << 64;

/// Shares that miss 1 by less than this are taken as 1: decimal fractions do not add up exactly.
pub(super) const SHARE_SLACK: f64 = 1e-9;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Branch {
    /// First draw past the branch's slice; the slice begins where the one before ends.
    end: u128,
    /// Its linked members: not empty.
    members: Vec<Address>,
}

/// The branches of one party's route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    branches: Vec<Branch>,
}

impl Route {
    /// Resolves shares for `party`.
    ///
    /// # Errors
    ///
    /// The name of a group that `party` has no link to.
    pub(super) fn resolve<'a>(
        roster: &Roster,
        party: &Party,
        shares: &'a [(String, f64)],
    ) -> Result<Self, &'a str> {
        let (first, last) = party.neighbours;
        let neighbours = &roster.neighbours[first as usize..last as usize];
        let mut branches = Vec::with_capacity(shares.len());
        let mut sum = 0.0;
        for (name, share) in shares {
            let members: Vec<Address> = neighbours
                .iter()
                .map(|&index| &roster.parties[index as usize])
                .filter(|peer| roster.groups[peer.group as usize].name == *name)
                .map(|peer| Address::new(peer.host, super::port(peer.role)))
                .collect();
            if members.is_empty() {
                return Err(name);
            }
            sum += share;
            branches.push(Branch {
                end: boundary(sum),
                members,
            });
        }
        Ok(Self { branches })
    }

    /// Chooses the next address, `None` when the job leaves the network. Draws one word, unless
    /// there is only one possible target.
    pub(super) fn choose(&self, entropy: &mut dyn Entropy) -> Option<Address> {
        if let [only] = self.branches.as_slice()
            && let [address] = only.members.as_slice()
            && only.end == DRAWS
        {
            return Some(*address);
        }
        let mut word = [0; 8];
        entropy.fill(&mut word);
        self.at(u64::from_be_bytes(word))
    }

    fn at(&self, draw: u64) -> Option<Address> {
        let draw = u128::from(draw);
        let mut start = 0;
        for branch in &self.branches {
            if draw < branch.end {
                let place = (draw - start) * branch.members.len() as u128 / (branch.end - start);
                return branch
                    .members
                    .get(usize::try_from(place).unwrap_or(0))
                    .copied();
            }
            start = branch.end;
        }
        None
    }
}

/// The first draw past a cumulated share.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the product is within 0..2^64, and scaling by a power of two is exact"
)]
fn boundary(sum: f64) -> u128 {
    if sum > 1.0 - SHARE_SLACK {
        DRAWS
    } else {
        (sum.max(0.0) * DRAWS as f64) as u128
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(branches: &[(f64, &[u32])]) -> Route {
        let mut sum = 0.0;
        let branches = branches
            .iter()
            .map(|(share, hosts)| {
                sum += share;
                Branch {
                    end: boundary(sum),
                    members: hosts.iter().map(|host| Address::new(*host, 1)).collect(),
                }
            })
            .collect();
        Route { branches }
    }

    #[test]
    fn slices_are_as_wide_as_the_shares_and_the_rest_leaves() {
        let route = route(&[(0.25, &[1]), (0.5, &[2, 3])]);
        let quarter = 1 << 62;
        let host = |draw| route.at(draw).map(|address| address.host);
        assert_eq!(host(0), Some(1));
        assert_eq!(host(quarter - 1), Some(1));
        assert_eq!(host(quarter), Some(2));
        assert_eq!(host(2 * quarter - 1), Some(2));
        assert_eq!(host(2 * quarter), Some(3));
        assert_eq!(host(3 * quarter - 1), Some(3));
        assert_eq!(host(3 * quarter), None);
        assert_eq!(host(u64::MAX), None);
    }

    #[test]
    fn decimal_shares_of_a_whole_leave_nothing_over() {
        let route = route(&[(0.1, &[1]), (0.2, &[2]), (0.3, &[3]), (0.4, &[4])]);
        assert_eq!(route.at(u64::MAX).map(|address| address.host), Some(4));
    }
}
