//! Every party of every protocol: over real sockets, under hostile input, and with power cuts.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "tests call what the example's `main` calls")]
#[path = "../../examples/sockets/main.rs"]
mod sockets;

mod crash;
mod hostile;
mod noise;
mod over_sockets;
mod script;
mod scripts;
mod world;
