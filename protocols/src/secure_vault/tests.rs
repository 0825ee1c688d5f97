//! Behaviour of the machines, known answers, and robustness.
#![allow(clippy::unwrap_used)]

mod support;

mod device_states;
mod server_states;
