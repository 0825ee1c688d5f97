//! Tests of the machines, driven by hand: no simulator, no clock.
#![allow(clippy::unwrap_used)]

mod declarations;
mod decoder;
mod faults;
mod known_answers;
mod literal;
mod random_inputs;
mod rows_of_the_centre;
mod rows_of_the_server;
mod rows_of_the_user;
mod variants;
mod world;
