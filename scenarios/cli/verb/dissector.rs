//! `badlink dissector [FILE]`: what Wireshark needs to take the protocols' messages apart.

use scenarios::dissector;

use crate::args::{DissectorArgs, ScenarioArgs};
use crate::exit::{Exit, say};
use crate::load;

/// Prints the dissector.
pub(crate) fn run(args: &DissectorArgs) -> Exit {
    let scenario = args.file.as_ref().map(|file| ScenarioArgs {
        file: file.clone(),
        set: args.set.clone(),
        seed: None,
    });
    let scenario = match scenario.as_ref().map(load::scenario).transpose() {
        Ok(scenario) => scenario,
        Err(exit) => return exit,
    };
    say(dissector::lua(scenario.as_ref()).trim_end());
    Exit::Good
}
