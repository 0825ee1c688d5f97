//! `badlink transcript`: one session from fixed inputs, every value of it.

use std::fs;

use scenarios::transcript::{self, Inputs};

use crate::args::TranscriptArgs;
use crate::exit::{Exit, fail, say};
use crate::load::refuse;

/// Reads the inputs, runs the session, writes the transcript.
pub(crate) fn run(args: &TranscriptArgs) -> Exit {
    let place = args.inputs.display();
    let text = match fs::read_to_string(&args.inputs) {
        Ok(text) => text,
        Err(error) => {
            return fail(
                Exit::Usage,
                format_args!("cannot read {place}: {error}"),
                "",
            );
        }
    };
    let mut inputs = match Inputs::parse(&text) {
        Ok(inputs) => inputs,
        Err(error) => return refuse(&error),
    };
    for (given, own, what) in [
        (&args.protocol, &mut inputs.protocol, "protocol"),
        (&args.variant, &mut inputs.variant, "variant"),
    ] {
        if given.is_some() && own.is_some() && given != own {
            let reason = format_args!("{place} names another {what} than --{what}");
            return fail(Exit::Usage, reason, "name it in one place only");
        }
        if given.is_some() {
            own.clone_from(given);
        }
    }
    let transcript = match transcript::run(&inputs) {
        Ok(transcript) => transcript,
        Err(error) => return refuse(&error),
    };
    let json = serde_json::to_string_pretty(&transcript)
        .expect("a transcript holds texts and numbers, which JSON can hold");
    match &args.out {
        None => {
            say(json);
            Exit::Good
        }
        Some(path) => match fs::write(path, json + "\n") {
            Ok(()) => Exit::Good,
            Err(error) => {
                let place = path.display();
                fail(Exit::Run, format_args!("cannot write {place}: {error}"), "")
            }
        },
    }
}
