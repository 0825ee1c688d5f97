//! What a witness names beside time and node: the session, the message that led to it, the state.

use protocols::Address;
use protocols::output::Tag;

use crate::host::attempt::AttemptId;
use crate::host::tables::Place;

/// What led to a statement of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The attempt it belongs to; where none does, the last one between the two ends.
    pub attempt: AttemptId,
    /// The session that the machine named; zeros where it named none.
    pub session: Tag,
    /// What the machine was handling; `None`: no message, but a timer or a command.
    pub cause: Option<Cause>,
    /// The state in which that left the machine.
    pub state: &'static str,
    /// Where it stands in the order of events, in a world that runs in parts.
    pub place: Place,
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            attempt: AttemptId::NONE,
            session: [0; 8],
            cause: None,
            state: "",
            place: [0; 2],
        }
    }
}

/// A message that a machine was handling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its place among the layouts; `None`: unknown bytes.
    pub message: Option<usize>,
    /// Where it claims to come from.
    pub from: Address,
}
