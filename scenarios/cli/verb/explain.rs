//! `badlink explain DIR`: one session of a stored run, told.

use std::fs;

use reports::explain::{Asked, ExplainError, Explained, explain};
use reports::figure;
use reports::read::study::Study;
use scenarios::Scenario;
use scenarios::names::Names;
use scenarios::scenario::GrantTime;

use crate::args::{ExplainArgs, Telling};
use crate::exit::{Exit, fail, say};
use crate::verb::plot::{not_drawn, provenance, unreadable};
use crate::verb::replay::find;

/// Tells the session.
pub(crate) fn run(args: &ExplainArgs) -> Exit {
    let study = match Study::open(&args.dir) {
        Ok(study) => study,
        Err(error) => return unreadable(&error),
    };
    let Study::Run(run) = &study else {
        return fail(
            Exit::Usage,
            format_args!("{} holds no single run", args.dir.display()),
            "name the directory of a run; `badlink replay DIR KEY` makes one of a study's run",
        );
    };
    let asked = args.session.clone().map_or(Asked::Witness, Asked::Session);
    let mut told = match explain(run, &asked) {
        Ok(told) => told,
        Err(ExplainError::Store(error)) => return unreadable(&error),
        Err(error) => return fail(Exit::Usage, &error, &error.hint()),
    };
    let text = match args.format {
        Telling::Text => {
            match find(&args.dir, None) {
                Ok(stored) => knowledge(&stored.scenario, &mut told),
                Err(exit) => return exit,
            }
            told.text()
        }
        Telling::Mermaid => told.mermaid(),
        Telling::Svg => match figure::draw(&told.chart(), &provenance(&study)) {
            Ok(drawing) => drawing.svg,
            Err(error) => return not_drawn(&error),
        },
    };
    match &args.out {
        None => {
            say(text.trim_end_matches('\n'));
            Exit::Good
        }
        Some(path) => match fs::write(path, text) {
            Ok(()) => Exit::Good,
            Err(error) => fail(
                Exit::Run,
                format_args!("cannot write {}: {error}", path.display()),
                "",
            ),
        },
    }
}

/// Tells what each adversary was granted, which the scenario says and no table.
fn knowledge(scenario: &Scenario, told: &mut Explained) {
    let names = Names::new(scenario, &[]);
    for adversary in &scenario.adversaries {
        let granted: Vec<String> = adversary
            .knows
            .iter()
            .map(|grant| {
                let mut of = String::new();
                names.node(grant.of, &mut of);
                let at = match grant.at {
                    GrantTime::At(0) => String::from("from the start"),
                    GrantTime::At(ns) => format!("as it is at {}", scenarios::duration_text(ns)),
                    GrantTime::Always => String::from("always"),
                };
                format!("{} of {of} ({at})", grant.secret)
            })
            .collect();
        let what = if granted.is_empty() {
            String::from("no secret")
        } else {
            granted.join(", ")
        };
        told.add_knowledge(format!("{} was told {what}.", adversary.name));
    }
}
