//! Every decoder: a frame goes through all layouts of a protocol and to all its parties.
//!
//! The first byte picks the session (protocol, variant, parameters), the second one how far the
//! parties are, the rest is the frame.
#![no_main]
#![allow(dead_code, reason = "each target uses the part of the shared modules that it needs")]

#[path = "../../tests/parties/script.rs"]
mod script;
#[path = "../../examples/sockets/main.rs"]
mod sockets;
#[path = "../../tests/parties/world.rs"]
mod world;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use script::Stage;

static STAGES: LazyLock<Vec<Stage>> = LazyLock::new(Stage::all);

fuzz_target!(|bytes: &[u8]| {
    if let [pick, steps, frame @ ..] = bytes {
        STAGES[usize::from(*pick) % STAGES.len()].decode(usize::from(*steps % 12), frame);
    }
});
