//! `badlink shrink DIR`: the smallest scenario with the verdict of a stored run.

use std::fs;
use std::path::PathBuf;

use scenarios::shrink::{Choice, shrink};

use crate::args::ShrinkArgs;
use crate::exit::{Exit, fail, say};
use crate::verb::replay::find;

/// Makes the scenario small and writes it.
pub(crate) fn run(args: &ShrinkArgs) -> Exit {
    let stored = match find(&args.dir, None) {
        Ok(stored) => stored,
        Err(exit) => return exit,
    };
    let target = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}-smallest.toml", stored.scenario.name)));
    if target.exists() && !args.force {
        return fail(
            Exit::Usage,
            format_args!("{} is there already", target.display()),
            "choose another name with --out, or replace it with --force",
        );
    }
    let choice = Choice {
        adversary: args.adversary.clone(),
        property: args.property.clone(),
    };
    let shrunk = match shrink(&stored.scenario, &choice, args.max_tries, &mut |_, _| {}) {
        Ok(shrunk) => shrunk,
        Err(error) => return fail(Exit::Usage, error.reason, &error.hint),
    };
    // Files that a scenario names are looked for beside it.
    let there = scenarios::read_text(&target.display().to_string(), &shrunk.text, &[]);
    if there.is_err() {
        return fail(
            Exit::Usage,
            format_args!(
                "the scenario names files that are not found from {}",
                target.display()
            ),
            "write it beside the scenario that was run, with --out",
        );
    }
    if let Err(error) = fs::write(&target, &shrunk.text) {
        let place = target.display();
        return fail(Exit::Run, format_args!("cannot write {place}: {error}"), "");
    }
    if !args.quiet {
        say(format_args!("kept: {}", shrunk.goal));
        shrunk
            .taken
            .iter()
            .for_each(|part| say(format_args!("  without {part}")));
        if shrunk.taken.is_empty() {
            say("  nothing could be taken away");
        }
        if shrunk.cut_short {
            say("  stopped after --max-tries runs: more may go");
        }
        say(format_args!(
            "{} runs; run it with `badlink run {}`",
            shrunk.tries,
            target.display()
        ));
    }
    Exit::Good
}
