//! Scripts of actions on all parties of a protocol: deliver, drop, double, change and make up
//! messages, fire timers, cut the power, give commands.
//!
//! The first byte picks the session (protocol, variant, parameters), the rest is the script.
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

fuzz_target!(|bytes: &[u8]| Stage::play_any(&STAGES, bytes));
