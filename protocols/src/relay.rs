//! A node that speaks no protocol: what passes it, it passes on.
//!
//! Forwarding is the network's own work and happens below the machines; the machine of a relay
//! exists so that every node has one, and does nothing whatever comes.

use crate::context::Context;
use crate::machine::{Command, Incoming, Machine, Timer};

/// The name of the role in scenarios and tables; no protocol has a role of this name.
pub const ROLE: &str = "relay";

/// The machine of a relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relay;

impl Machine for Relay {
    fn on_start(&mut self, _: &mut Context<'_>) {}

    fn on_message(&mut self, _: Incoming<'_>, _: &mut Context<'_>) {}

    fn on_timer(&mut self, _: Timer, _: &mut Context<'_>) {}

    fn on_command(&mut self, _: &Command<'_>, _: &mut Context<'_>) {}

    fn on_restart(&mut self, _: &mut Context<'_>) {}

    fn state(&self) -> &'static str {
        "idle"
    }
}

#[cfg(test)]
mod tests {
    use super::ROLE;
    use crate::registry::PROTOCOLS;

    #[test]
    fn no_protocol_has_a_role_of_this_name() {
        for protocol in PROTOCOLS {
            assert!(protocol.roles().iter().all(|role| role.name != ROLE));
        }
    }
}
