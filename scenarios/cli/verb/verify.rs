//! `badlink verify FILE`: the scenario again, and again without traces.

use std::path::Path;

use reports::store::compare;
use scenarios::Scenario;
use scenarios::verify::{first_difference, untraced};
use serde_json::json;

use crate::args::VerifyArgs;
use crate::exit::{Exit, fail, say};
use crate::load;
use crate::monitor::Guards;
use crate::verb::run::{Done, Failure, into_directory};

/// Verifies the scenario.
pub(crate) fn run(args: &VerifyArgs) -> Exit {
    let scenario = match load::scenario(&args.scenario) {
        Ok(scenario) => scenario,
        Err(exit) => return exit,
    };
    let place = std::env::temp_dir().join(format!("badlink-verify-{}", std::process::id()));
    let verdict = verify(&scenario, &place);
    // A left-over in the temporary directory harms nobody.
    let _ = std::fs::remove_dir_all(&place);
    match verdict {
        Err(failure) => failure.tell(),
        Ok(Verdict {
            fingerprint,
            events,
            shared,
            difference: None,
        }) => {
            let more = if shared {
                ", and runs on 2 and on 4 threads,"
            } else {
                ""
            };
            if args.json {
                say(json!({
                    "identical": true, "fingerprint": fingerprint, "events": events,
                    "threads": if shared { vec![1, 2, 4] } else { vec![1] },
                }));
            } else if !args.quiet {
                say(format_args!(
                    "deterministic: two runs and one without traces{more} agree\n\
                     fingerprint {fingerprint} over {events} events, all files byte for byte"
                ));
            }
            Exit::Good
        }
        Ok(Verdict {
            fingerprint,
            difference: Some(difference),
            ..
        }) => {
            if args.json {
                let answer = json!({
                    "identical": false, "fingerprint": fingerprint, "difference": difference,
                });
                say(answer);
            }
            fail(
                Exit::Check,
                difference,
                "please report this with the scenario",
            )
        }
    }
}

struct Verdict {
    fingerprint: String,
    events: u64,
    /// Whether the world runs on several threads.
    shared: bool,
    difference: Option<String>,
}

fn verify(scenario: &Scenario, place: &Path) -> Result<Verdict, Failure> {
    let guards = Guards::default();
    let run = |name: &str, threads: u16| {
        into_directory(scenario, &place.join(name), false, &guards, (threads, true))
    };
    let one = run("one", 1)?;
    let mut two = run("two", 2)?;
    // Where the world runs on one thread anyhow, that was the second run on one thread.
    let shared = two.parts > 1;
    let mut difference = None;
    if shared {
        difference = differ_by_threads(&one, &two, 2)?;
        two = run("again", 1)?;
    }
    let bare = untraced(scenario).map_err(Failure::Run)?;
    let bare_fingerprint = format!("{:032x}", bare.fingerprint);
    if difference.is_none() {
        difference = differ(scenario, &one, &two, &bare_fingerprint)?;
    }
    if shared && difference.is_none() {
        difference = differ_by_threads(&one, &run("four", 4)?, 4)?;
    }
    Ok(Verdict {
        fingerprint: one.summary.fingerprint,
        events: bare.events,
        shared,
        difference,
    })
}

/// How a run on several threads differs from one on one.
fn differ_by_threads(one: &Done, shared: &Done, threads: u16) -> Result<Option<String>, Failure> {
    let (own, other) = (&one.summary.fingerprint, &shared.summary.fingerprint);
    if own != other {
        return Ok(Some(format!(
            "the fingerprint is {own} on one thread and {other} on {threads}"
        )));
    }
    let difference = compare(&one.target, &shared.target).map_err(Failure::Store)?;
    Ok(difference.map(|what| format!("runs on one thread and on {threads} differ: {what}")))
}

fn differ(
    scenario: &Scenario,
    one: &Done,
    two: &Done,
    bare_fingerprint: &str,
) -> Result<Option<String>, Failure> {
    if one.summary.fingerprint != two.summary.fingerprint {
        return Ok(Some(
            match first_difference(scenario).map_err(Failure::Run)? {
                Some(first) => {
                    let what = first.second.map_or_else(
                        || String::from("one run ended there"),
                        |event| {
                            format!(
                                "{} of entity {} at {} ns",
                                event.key.class(),
                                event.entity.0,
                                event.key.time().0
                            )
                        },
                    );
                    format!("two runs differ first at event {}: {what}", first.position)
                }
                None => {
                    String::from("two runs had different fingerprints, a third and fourth had not")
                }
            },
        ));
    }
    if one.summary.fingerprint != bare_fingerprint {
        return Ok(Some(format!(
            "switching traces off changed the fingerprint from {} to {bare_fingerprint}",
            one.summary.fingerprint
        )));
    }
    let difference = compare(&one.target, &two.target).map_err(Failure::Store)?;
    Ok(difference.map(|difference| format!("two runs wrote different files: {difference}")))
}
