//! Tests of `rsa-udp`: every row of the state tables, known sessions, variants, hostile input.
#![allow(clippy::unwrap_used)]

mod client;
mod codec;
mod device;
mod known;
mod known_literal;
mod literal;
mod properties;
mod provision;
mod session;
mod support;
mod variants;
