//! End-to-end tests: the whole program from a scenario file to the files of a result.
//!
//! One binary with one module per promise. Tests run the crates in-process where they need numbers,
//! and the built program where they need exit codes, messages and files. Every test that judges a
//! random quantity has fixed seeds and an interval at the 99.9 % level, so it either always passes
//! or always fails.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod arrows;
mod attacks;
mod attacks_ratchet;
mod attacks_rsa;
mod bad_input;
mod bad_place;
mod browser;
mod costs;
mod determinism;
mod documents;
mod even_challenge;
mod failing_disk;
mod formats;
mod full_disk;
mod honest;
mod interruption;
mod isolation;
mod library;
mod links;
mod matrix;
mod media;
mod plot;
mod powers;
mod program;
mod relay;
mod report;
mod reprovision;
mod results;
mod rules;
mod sample;
mod simulation;
mod steps;
mod story;
mod sweep;
mod threads;
mod threads_adversary;
mod threads_joined;
mod transport;
mod truth_desync;
mod truth_queue;
mod validate;
mod wireshark;
