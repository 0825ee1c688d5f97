//! Behaviour of the machines, known answers, and robustness.
#![allow(clippy::unwrap_used)]

mod support;

mod allocation;
mod broken;
mod device_states;
mod hardened;
mod known_answers;
mod literal;
mod messages;
mod params;
mod robustness;
mod server_states;
