//! What an attacker is given for one call, and what it asks for.

use crate::address::{Address, Channel};
use crate::crypto::Crypto;
use crate::entropy::{self, Entropy};
use crate::output::{Principal, Tag};
use crate::time::{LocalTime, Span};

/// What an attacker says that it has found out. Oracles judge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// "This is a secret of the party at host `of`."
    Secret {
        /// Which kind: a name of [`crate::protocol::Protocol::secrets`], or `payload` for the text of
        /// application data.
        kind: &'static str,
        /// Host of the party whose secret it is.
        of: u32,
        /// The value.
        bytes: Vec<u8>,
    },
    /// "These two frames were sent by the same party", or by different ones.
    Link {
        /// The earlier frame ([`super::View::frame`]).
        first: u64,
        /// The later frame.
        second: u64,
        /// Whether it was the same party.
        same: bool,
    },
    /// "A party has this value", or none has it: a guess about who takes part.
    Holds {
        /// Which kind: a name of [`crate::protocol::Protocol::secrets`].
        kind: &'static str,
        /// The value.
        bytes: Vec<u8>,
        /// Whether a party has it.
        held: bool,
    },
    /// "This frame was sent by the party at that host."
    Identity {
        /// The frame.
        frame: u64,
        /// The host.
        host: u32,
    },
}

/// Something that an attacker asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send a frame.
    Inject {
        /// The address it claims to come from: an own one, that of the party it plays, or (with the
        /// power to spoof) anybody's.
        from: Address,
        /// Where to.
        to: Address,
        /// Over which channel.
        channel: Channel,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Call [`super::Attacker::on_timer`] after a time; replaces a timer of the same number.
    Arm {
        /// The timer.
        timer: u32,
        /// From now.
        after: Span,
    },
    /// Take a timer back.
    Cancel {
        /// The timer.
        timer: u32,
    },
    /// Let a frame go on that was held.
    Release {
        /// The frame.
        frame: u64,
        /// How much later.
        after: Span,
    },
    /// Say what was found out.
    Claim(Claim),
    /// The party that an insider plays sends application data of its own: nobody else's payload is
    /// forged by it.
    Sent {
        /// The session's name.
        session: Tag,
        /// Its number in the session.
        seq: u64,
        /// Its digest.
        digest: Tag,
    },
    /// The party that an insider plays is known to others by this name.
    Named {
        /// The name.
        principal: Principal,
    },
    /// The party that an insider plays runs the protocol with the party at a host: whoever accepts
    /// it in that run once is not deceived.
    Running {
        /// Host of the peer.
        peer: u32,
        /// The transcript, as [`crate::output::Output::Running`] names it.
        run: Tag,
    },
    /// A try at the aim has been made, successful or not: for attackers that only watch.
    Tried,
}

/// What an attacker has asked for in one call, in order.
pub type Actions = Vec<Action>;

/// What an attacker is given for one call.
pub struct AttackContext<'a> {
    /// True time, since 1970.
    pub now: LocalTime,
    /// The only source of randomness.
    pub entropy: &'a mut dyn Entropy,
    /// Primitives; nobody meters an attacker.
    pub crypto: &'a mut Crypto,
    /// What it asks for.
    pub actions: &'a mut Actions,
}

impl AttackContext<'_> {
    /// Draws random bytes.
    pub fn random(&mut self, out: &mut [u8]) {
        self.entropy.fill(out);
    }

    /// Draws an integer uniform in `0..below`.
    pub fn uniform(&mut self, below: u64) -> u64 {
        entropy::uniform(self.entropy, below)
    }

    /// Sends a frame on the public channel.
    pub fn inject(&mut self, from: Address, to: Address, bytes: impl Into<Vec<u8>>) {
        self.inject_on(from, to, Channel::Public, bytes);
    }

    /// Sends a frame on a channel.
    pub fn inject_on(
        &mut self,
        from: Address,
        to: Address,
        channel: Channel,
        bytes: impl Into<Vec<u8>>,
    ) {
        self.actions.push(Action::Inject {
            from,
            to,
            channel,
            bytes: bytes.into(),
        });
    }

    /// Arms a timer, replacing it if it is armed.
    pub fn arm(&mut self, timer: u32, after: Span) {
        self.actions.push(Action::Arm { timer, after });
    }

    /// Takes a timer back.
    pub fn cancel(&mut self, timer: u32) {
        self.actions.push(Action::Cancel { timer });
    }

    /// Lets a held frame go on.
    pub fn release(&mut self, frame: u64, after: Span) {
        self.actions.push(Action::Release { frame, after });
    }

    /// Claims to know a secret.
    pub fn claim(&mut self, kind: &'static str, of: u32, bytes: impl Into<Vec<u8>>) {
        self.actions.push(Action::Claim(Claim::Secret {
            kind,
            of,
            bytes: bytes.into(),
        }));
    }

    /// Claims that two frames come from the same party, or do not.
    pub fn claim_link(&mut self, first: u64, second: u64, same: bool) {
        self.actions.push(Action::Claim(Claim::Link {
            first,
            second,
            same,
        }));
    }

    /// Claims who sent a frame.
    pub fn claim_identity(&mut self, frame: u64, host: u32) {
        self.actions
            .push(Action::Claim(Claim::Identity { frame, host }));
    }

    /// Guesses whether any party has a value: a round of the game of anonymity.
    pub fn claim_holds(&mut self, kind: &'static str, bytes: impl Into<Vec<u8>>, held: bool) {
        self.actions.push(Action::Claim(Claim::Holds {
            kind,
            bytes: bytes.into(),
            held,
        }));
    }

    /// States by which name others know the party that an insider plays.
    pub fn named(&mut self, principal: Principal) {
        self.actions.push(Action::Named { principal });
    }

    /// States that the party that an insider plays runs the protocol with the party at host `peer`
    /// over `run`. What such a party does not state and the peer accepts all the same counts as an
    /// acceptance without a partner.
    pub fn running(&mut self, peer: u32, run: Tag) {
        self.actions.push(Action::Running { peer, run });
    }

    /// States that a payload is the own data of the party that an insider plays. What such a party
    /// does not state and the peer accepts all the same counts as forged.
    pub fn sent(&mut self, session: Tag, seq: u64, digest: Tag) {
        self.actions.push(Action::Sent {
            session,
            seq,
            digest,
        });
    }

    /// Says that it has had a chance and made use of it: an attacker that only watches is exercised
    /// by that, whether it found anything or not.
    pub fn tried(&mut self) {
        self.actions.push(Action::Tried);
    }
}
