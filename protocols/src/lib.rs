//! Real protocol code as sans-IO state machines.
//!
//! A party of a protocol (device, server, user, ...) is a [`Machine`]: bytes, timers and commands
//! go in, [`effect::Effect`]s come out. Time and randomness are arguments, storage is read through
//! the [`Context`], every cryptographic primitive goes through one metered facade ([`crypto`]), and
//! no input of any kind makes a machine panic.
//!
//! The crate knows no simulator. The same machines run in a simulated world, over real sockets
//! (see `examples/`), and in tests that drive them by hand ([`testing`]).
//!
//! A protocol is one folder; [`registry`] lists them all.

pub mod address;
pub mod attack;
pub mod context;
pub mod crypto;
pub mod drive;
pub mod effect;
pub mod entropy;
pub mod law;
pub mod machine;
pub mod meter;
pub mod output;
pub mod parameter;
pub mod protocol;
pub mod registry;
pub mod relay;
pub mod roster;
pub mod storage;
pub mod testing;
pub mod time;
pub mod wire;

pub mod multi_server;
pub mod ratchet;
pub mod rsa_udp;
pub mod secure_vault;
pub mod traffic;
pub mod vault_exchange;

pub use address::{Address, Channel, Destination};
pub use context::{Buffers, Context};
pub use effect::{Effect, Effects};
pub use entropy::Entropy;
pub use machine::{Arg, Command, Incoming, Machine, StreamEvent, Timer};
pub use output::{Output, Principal, Reason, Scope};
pub use storage::{Record, Storage};
pub use time::{LocalTime, Span};
