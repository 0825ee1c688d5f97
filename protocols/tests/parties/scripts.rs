//! Random scripts against all parties of every session: what the fuzzer does, for a fixed time.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::script::Stage;

/// Scripts for each session, each of some hundred bytes.
const SCRIPTS: u64 = if cfg!(debug_assertions) { 10 } else { 1000 };

/// Recorded frames of each session that are cut and changed.
const FRAMES: usize = if cfg!(debug_assertions) { 2 } else { 12 };

#[test]
fn no_script_of_actions_makes_a_party_panic_or_accept_a_peer_that_never_ran() {
    for stage in Stage::all() {
        // A private operation of RSA costs what a thousand hashes cost.
        let slow = stage.session().protocol == "rsa-udp";
        let scripts = if slow { SCRIPTS / 5 } else { SCRIPTS };
        let mut accepted = 0;
        for seed in 0..scripts {
            let mut script = vec![0; 600];
            ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut script);
            accepted += stage.play(&script);
        }
        // A script in which nobody accepts proves nothing.
        let session = stage.session();
        assert!(accepted > 0, "{} {}", session.protocol, session.variant);
    }
}

#[test]
fn scripts_may_be_empty_and_may_pick_any_session() {
    let all = Stage::all();
    Stage::play_any(&all, &[]);
    for pick in 0..=u8::MAX {
        Stage::play_any(&all, &[pick]);
    }
}

#[test]
fn every_decoder_bears_every_prefix_and_every_changed_bit_of_recorded_frames() {
    for stage in Stage::all() {
        let recorded = stage.recorded();
        for (number, frame) in recorded.iter().take(FRAMES).enumerate() {
            let steps = number % 4;
            for length in (0..frame.len()).step_by(frame.len() / 8 + 1) {
                stage.decode(steps, &frame[..length]);
            }
            for byte in (0..frame.len()).step_by(frame.len() / 16 + 1) {
                let mut changed = frame.clone();
                changed[byte] ^= 1 << (byte % 8);
                stage.decode(steps, &changed);
            }
        }
    }
}
