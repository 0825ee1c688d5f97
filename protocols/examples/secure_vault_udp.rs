//! `secure-vault` between real UDP sockets: the machines of the simulator, no simulator.
//!
//! In each variant two devices and a server on the loopback interface log in, exchange data both
//! ways, lose power, log in again and finish. Prints what happened and ends by itself; the exit code is 0 when both
//! ends agreed every time.
//!
//! ```text
//! cargo run --release -p protocols --example secure_vault_udp
//! ```
#![allow(clippy::print_stdout, reason = "the example's result is its output")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "latency over real sockets is measured with the real clock"
)]

#[path = "driver/mod.rs"]
mod driver;

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use driver::Driver;
use protocols::Output;
use protocols::machine::Arg;
use protocols::output::{Hex, Tag};
use protocols::parameter::Values;
use protocols::registry::find;
use protocols::secure_vault::{
    AUTHENTICATE_COMMAND, DEVICE, FINISH_COMMAND, SEND_DATA_DOWN, SEND_DATA_UP, SERVER,
};

/// Parties in the order of the roster.
const DEVICES: [usize; 2] = [0, 1];
const SERVER_PARTY: usize = 2;

/// Longest wait for a step: the loopback interface needs far less than a millisecond.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let protocol = find("secure-vault").ok_or("the registry has no secure-vault")?;
    for variant in protocol.variants() {
        // A twin that leaves a defence out is a control for attacks, not something to run.
        if variant.name != "broken" {
            println!("{}: {}", variant.name, variant.help);
            let instance = protocol.configure(variant.name, &Values::default())?;
            let roster = driver::full_mesh(&[("device", DEVICE, 2), ("server", SERVER, 1)]);
            let driver = &mut Driver::new(&*instance, &roster)?;
            // The prototype agrees on a key and stops there.
            let has_sessions = variant.name != "literal";
            session_by_session(driver, has_sessions)?;
        }
    }
    println!("ok: every session was accepted with one key at both ends");
    Ok(())
}

fn session_by_session(driver: &mut Driver, has_sessions: bool) -> Result<(), Box<dyn Error>> {
    for round in 1..=3 {
        for device in DEVICES {
            let begun = Instant::now();
            driver.command(device, AUTHENTICATE_COMMAND, Some(SERVER_PARTY), &[])?;
            let key = both_accept(driver, device)?;
            println!(
                "  round {round}, device {}: accepted at both ends in {} us, key {}",
                device + 1,
                begun.elapsed().as_micros(),
                Hex(&key)
            );
            if has_sessions {
                exchange_data(driver, device)?;
            }
        }
        // The first device loses power in its session, the second one finishes.
        driver.reboot(DEVICES[0])?;
        if has_sessions {
            finish(driver, DEVICES[1])?;
        }
    }
    println!(
        "  {} datagrams, {} bytes; states {:?}",
        driver.datagrams,
        driver.bytes,
        [DEVICES[0], DEVICES[1], SERVER_PARTY].map(|party| driver.state(party))
    );
    Ok(())
}

/// One payload in each direction.
fn exchange_data(driver: &mut Driver, device: usize) -> Result<(), Box<dyn Error>> {
    let text = [Arg::Bytes(b"21.5 degrees")];
    driver.command(device, SEND_DATA_UP, Some(SERVER_PARTY), &text)?;
    one_accepts_data(driver, SERVER_PARTY)?;
    driver.command(SERVER_PARTY, SEND_DATA_DOWN, Some(device), &[])?;
    one_accepts_data(driver, device)
}

/// Ends the session at both ends.
fn finish(driver: &mut Driver, device: usize) -> Result<(), Box<dyn Error>> {
    driver.command(device, FINISH_COMMAND, Some(SERVER_PARTY), &[])?;
    let mut ends = 0;
    let ended = driver.run_until(PATIENCE, |_, output| {
        ends += u32::from(matches!(output, Output::Ended { .. }));
        ends == 2
    })?;
    if ended {
        Ok(())
    } else {
        Err("END did not arrive".into())
    }
}

/// Waits until a device and the server have accepted the same session with the same key.
fn both_accept(driver: &mut Driver, device: usize) -> Result<Tag, Box<dyn Error>> {
    let mut ends: [Option<(Tag, Option<Tag>)>; 2] = [None; 2];
    driver.run_until(PATIENCE, |party, output| {
        if let Output::Accepted {
            session, key_id, ..
        } = output
            && (party == device || party == SERVER_PARTY)
        {
            ends[usize::from(party == device)] = Some((*session, *key_id));
        }
        ends.iter().all(Option::is_some)
    })?;
    match ends {
        [Some(server), Some(device)] if server == device => {
            Ok(device.1.ok_or("a session without key")?)
        }
        [Some(_), Some(_)] => Err("the ends accepted different sessions or keys".into()),
        _ => Err("the handshake did not complete".into()),
    }
}

fn one_accepts_data(driver: &mut Driver, receiver: usize) -> Result<(), Box<dyn Error>> {
    let arrived = driver.run_until(PATIENCE, |party, output| {
        party == receiver && matches!(output, Output::DataAccepted { .. })
    })?;
    if arrived {
        Ok(())
    } else {
        Err("data did not arrive".into())
    }
}
