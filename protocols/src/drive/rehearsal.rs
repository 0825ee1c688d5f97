//! One honest pass through all phases of a protocol, by one party of each role.

use super::pump::Pump;
use super::step::{DELIVERIES_MAX, Ending, Order};
use super::witness::Witness;
use crate::entropy::Entropy;
use crate::parameter::Value;
use crate::protocol::{Instance, Protocol};
use crate::roster::Roster;
use crate::time::Span;

/// Time between two commands: requests carry times, and one as old as the last is refused.
const PAUSE: Span = Span::from_secs(1);

/// What an honest pass needs.
#[derive(Clone, Debug, Default)]
pub struct Rehearsal {
    /// Parameters under which the pass shows every phase once, where nobody gives others.
    pub params: Vec<(&'static str, Value)>,
    /// Its commands in order: numbers in the protocol's list.
    pub commands: Vec<u8>,
}

/// Starts every party and gives the commands of the protocol's rehearsal one after the other, each
/// to the first party of its role, about the first party of its peer's role.
///
/// The first command is given before anything is delivered, so that a party which waits for
/// somebody to start is already waiting. Returns how each command ended.
pub fn rehearse<E: Entropy>(
    pump: &mut Pump<E>,
    protocol: &dyn Protocol,
    instance: &dyn Instance,
    roster: &Roster,
    witness: &mut dyn Witness,
) -> Vec<(u8, Ending)> {
    pump.start(witness);
    let first = |role: u8| roster.parties.iter().position(|party| party.role == role);
    let mut endings = Vec::new();
    for id in protocol.rehearsal().commands {
        let Some(spec) = protocol.commands().get(usize::from(id)) else {
            continue;
        };
        let Some(party) = first(spec.role) else {
            continue;
        };
        // A command about a party of any role goes to the first of another one.
        let others = || {
            roster
                .parties
                .iter()
                .position(|other| other.role != spec.role)
        };
        let peer = spec.peer.map_or_else(others, first);
        let order = Order {
            party,
            peer,
            command: id,
            args: &[],
            done: instance.completion(roster, roster.parties[party].group as usize, spec),
        };
        endings.push((id, pump.perform(&order, witness)));
        pump.wait(PAUSE, DELIVERIES_MAX, witness);
    }
    endings
}
