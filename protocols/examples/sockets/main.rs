//! The machines of every protocol over real sockets: the code of the simulator, no simulator.
//!
//! Each variant's honest parties log in, exchange data, lose power and log in again on the loopback
//! interface: UDP where the protocol sends datagrams, TCP where it opens streams. What happened is
//! printed; the program ends by itself, with exit code 0 when every step was completed and both
//! ends agreed every time.
//!
//! ```text
//! cargo run --release -p protocols --example sockets            # every protocol
//! cargo run --release -p protocols --example sockets -- ratchet
//! ```
#![allow(clippy::print_stdout, reason = "the example's result is its output")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a driver is where machines meet real clocks, waiting and a command line"
)]

pub(crate) mod driver;
pub(crate) mod honest;
pub(crate) mod provision;
pub(crate) mod sessions;

use std::process::ExitCode;
use std::time::Instant;

use driver::Driver;
use honest::{Cast, Failure, play_step};
use sessions::{SESSIONS, Session, Step};

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let unknown = asked
        .iter()
        .find(|name| SESSIONS.iter().all(|session| session.protocol != **name));
    if let Some(name) = unknown {
        println!("there is no protocol `{name}`");
        return ExitCode::from(2);
    }
    let meant =
        |session: &&Session| asked.is_empty() || asked.iter().any(|name| name == session.protocol);
    for session in SESSIONS.iter().filter(meant) {
        println!(
            "{} {} {}",
            session.protocol,
            session.variant,
            sessions::shown(session.params)
        );
        match play(session) {
            Ok(summary) => println!("  {summary}"),
            Err(failure) => {
                println!("failed: {failure}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("ok: every step was completed, and both ends agreed every time");
    ExitCode::SUCCESS
}

/// Plays `session` over sockets of its own.
pub(crate) fn play(session: &Session) -> Result<String, Failure> {
    let cast = Cast::new(session)?;
    let mut driver = Driver::new(&cast)?;
    let begun = Instant::now();
    for step in session.steps {
        play_step(&cast, &mut driver, step)?;
    }
    let commands = session.steps.iter();
    let commands = commands.filter(|step| matches!(step, Step::Ask { .. }));
    Ok(format!(
        "{} commands complete in {} ms: {} messages over {}, {} bytes; states {}",
        commands.count(),
        begun.elapsed().as_millis(),
        driver.messages(),
        driver.transport(),
        driver.bytes(),
        driver.states().join(" ")
    ))
}
