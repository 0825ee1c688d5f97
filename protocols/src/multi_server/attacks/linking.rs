//! `link-sessions`: which requests come from the same user.

use std::sync::Arc;

use super::frames::{request, text_request};
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Errand, Property, Stage, Verdict, View,
};
use crate::multi_server::equations::{Hash, xor};
use crate::multi_server::params::Params;

const CASES: &[&str] = &["1ns", "1us", "1ms", "1s"];

/// Four users who log in so often that several do within the same second, by clocks so coarse.
const fn coarse(clock: &'static [(&'static str, &'static str)]) -> Stage {
    Stage {
        node_keys: clock,
        duration: "10min",
        ..super::STAGE
            .with_nodes(&[("rc", 1), ("server", 1), ("user", 4)])
            .with_errands(&[Errand {
                from: "user",
                to: "server",
                commands: &["authenticate"],
                every: "exp(2s)",
                first: "",
            }])
    }
}

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "link-sessions",
    help: "Says that two requests come from the same user when they show the same alpha (in the \
           prototype the same UID). Requests with the same T1 are masked alike: their alphas differ by \
           what the UIDs differ by, and three of the same T1 tell by that who is who, in each such group \
           again. The cases are granularities of the clocks.",
    powers: super::OBSERVE,
    cases: CASES,
    properties: &[Property::Anonymity],
    claims: &["MS-C6"],
    control: Control::without("mask"),
    stage: coarse(&[]),
    stages: &[
        (
            "1us",
            coarse(&[("user", "clock = { granularity = \"1us\" }")]),
        ),
        (
            "1ms",
            coarse(&[("user", "clock = { granularity = \"1ms\" }")]),
        ),
        (
            "1s",
            coarse(&[("user", "clock = { granularity = \"1s\" }")]),
        ),
    ],
    ..super::BASE
};

/// Requests with the same T1 that tell who is who.
const ENOUGH: usize = 3;

/// The attacker.
#[derive(Debug)]
pub(super) struct Link {
    params: Arc<Params>,
    /// The request before: frame and alpha, or UID where that is sent.
    last: Option<(u64, Vec<u8>)>,
    /// Requests of the newest T1: frame and alpha.
    group: Vec<(u64, Hash)>,
    t1: u64,
    /// UIDs of the users it has met, each XORed with that of the first.
    users: Vec<Hash>,
    /// The last request whose user it knows: frame and place among the users.
    named: Option<(u64, usize)>,
}

impl Link {
    pub(super) const fn new(params: Arc<Params>) -> Self {
        Self {
            params,
            last: None,
            group: Vec::new(),
            t1: 0,
            users: Vec::new(),
            named: None,
        }
    }

    /// Whose the requests of the newest T1 are: the frame of each and its place among the users.
    /// Users that it has not met are added.
    fn name(&mut self, cx: &mut AttackContext<'_>) -> Vec<(u64, usize)> {
        let Some((_, first)) = self.group.first().copied() else {
            return Vec::new();
        };
        if self.users.is_empty() {
            for (_, alpha) in &self.group {
                self.users.push(xor(cx.crypto, alpha, &first));
            }
        }
        // The mask is an alpha XOR its user's place: right is the one that fits most requests.
        let mut best = (0, [0; 32]);
        for (_, alpha) in &self.group {
            for user in &self.users {
                let mask = xor(cx.crypto, alpha, user);
                let fits = self.group.iter().filter(|(_, other)| {
                    let user = xor(cx.crypto, other, &mask);
                    self.users.contains(&user)
                });
                let fits = fits.count();
                if fits > best.0 {
                    best = (fits, mask);
                }
            }
        }
        let (fits, mask) = best;
        if fits < ENOUGH {
            return Vec::new();
        }
        let mut named = Vec::new();
        for (frame, alpha) in &self.group {
            let user = xor(cx.crypto, alpha, &mask);
            let known = self.users.iter().position(|known| *known == user);
            let place = known.unwrap_or_else(|| {
                self.users.push(user);
                self.users.len() - 1
            });
            named.push((*frame, place));
        }
        named
    }
}

impl Attacker for Link {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let shown = if let Some(asked) = request(&self.params, view.bytes) {
            if asked.t1 != self.t1 {
                self.group.clear();
                self.t1 = asked.t1;
            }
            let again = self.group.iter().any(|(_, alpha)| *alpha == asked.alpha);
            if !again {
                self.group.push((view.frame, asked.alpha));
            }
            asked.alpha.to_vec()
        } else if let Some(asked) = text_request(&self.params, view.bytes) {
            asked.uid.into_bytes()
        } else {
            return Verdict::Pass;
        };
        cx.tried();
        if self.group.len() >= ENOUGH {
            for (frame, user) in self.name(cx) {
                match self.named {
                    Some((before, _)) if before >= frame => {}
                    Some((before, other)) => {
                        cx.claim_link(before, frame, other == user);
                        self.named = Some((frame, user));
                    }
                    None => self.named = Some((frame, user)),
                }
            }
        }
        // Where no group has told anything, it goes by what is equal.
        if self.users.is_empty()
            && let Some((before, other)) = &self.last
        {
            cx.claim_link(*before, view.frame, *other == shown);
        }
        self.last = Some((view.frame, shown));
        Verdict::Pass
    }
}
