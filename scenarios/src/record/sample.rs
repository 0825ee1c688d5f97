//! Which sessions a sampled table keeps.
//!
//! A session is kept or left out whole, with all its packets, by a hash of its name alone: the same
//! sessions at every seed and in every variant, so that sampled studies still compare like with
//! like. No stream is drawn from, so sampling changes no run.

use crate::host::attempt::AttemptId;
use crate::names::Names;
use crate::scenario::Share;

/// The choice of sessions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample(Option<u64>);

impl Sample {
    /// `None` keeps everything.
    pub(super) fn new(share: Option<Share>) -> Self {
        Self(share.map(Share::threshold))
    }

    /// Whether what belongs to `attempt` is kept; what belongs to no session is.
    pub(super) fn keeps(self, attempt: AttemptId, names: &Names) -> bool {
        let Some(below) = self.0 else {
            return true;
        };
        if !attempt.is_some() {
            return true;
        }
        let (group, member) = names.place(attempt.initiator);
        hash(group, member, attempt.number) < below
    }
}

/// FNV-1a over the group's name, then the two numbers, each through the finalizer of `SplitMix64`,
/// whose output bits are even enough to be compared with a threshold.
fn hash(group: &str, member: u32, number: u32) -> u64 {
    let mut state = 0xCBF2_9CE4_8422_2325_u64;
    for byte in group.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    }
    mixed(state ^ (u64::from(member) << 32 | u64::from(number)))
}

const fn mixed(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_kept_is_the_share_asked_for() {
        // 200,000 sessions at 1 %: 2000 expected, standard deviation 44.5; five of them either way.
        let below = (u64::MAX / 100) + 1;
        let mut kept = 0;
        for member in 0..2000 {
            kept += (1..=100)
                .filter(|number| hash("device", member, *number) < below)
                .count();
        }
        assert!((1778..=2222).contains(&kept), "{kept}");
    }

    #[test]
    fn another_group_has_another_sample() {
        let below = u64::MAX / 2;
        let of = |group| -> Vec<bool> {
            (0..64)
                .map(|member| hash(group, member, 1) < below)
                .collect()
        };
        assert_ne!(of("device"), of("sensor"));
    }
}
