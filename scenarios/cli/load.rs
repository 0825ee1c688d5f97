//! Reads the scenario that the command line names.

use std::io::IsTerminal as _;

use scenarios::{Diagnostics, Scenario, library};

use crate::args::ScenarioArgs;
use crate::exit::{Exit, tell};

/// Reads the scenario, or tells what is wrong with it.
pub(crate) fn scenario(args: &ScenarioArgs) -> Result<Scenario, Exit> {
    let mut overrides = Vec::new();
    for set in &args.set {
        let Some((path, value)) = set.split_once('=') else {
            return Err(refuse(&Diagnostics::general(
                format!("`--set {set}` has no `=`"),
                "write --set PATH=VALUE, for example --set nodes.device.count=10",
            )));
        };
        overrides.push((path.trim().to_owned(), value.trim().to_owned()));
    }
    if let Some(seed) = args.seed {
        overrides.push((String::from("run.seed"), seed.to_string()));
    }
    // A bare name that is no file may be one of the scenarios that come with the program.
    let name = args.file.to_str().filter(|_| !args.file.exists());
    let read = match name.and_then(library::find) {
        Some(found) => {
            let name = format!("{}.toml", found.name);
            scenarios::read_text(name.as_ref(), found.text, &overrides)
        }
        None => scenarios::read(&args.file, &overrides),
    };
    read.map_err(|diagnostics| refuse(&diagnostics))
}

/// Tells what is wrong with a scenario.
pub(crate) fn refuse(diagnostics: &Diagnostics) -> Exit {
    tell(diagnostics.render(std::io::stderr().is_terminal()));
    Exit::Usage
}
