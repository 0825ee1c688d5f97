//! `badlink report DIR`: figures, tables and one self-contained page from stored results.

use std::path::Path;

use reports::figure::Reference;
use reports::read::study::Study;
use reports::report::{self, Context};
use reports::store::Manifest;
use scenarios::Scenario;
use scenarios::closed_form;

use crate::args::ReportArgs;
use crate::exit::{Exit, fail, say};
use crate::verb::plot::{not_drawn, unreadable};

/// Makes the report.
pub(crate) fn run(args: &ReportArgs) -> Exit {
    let study = match Study::open(&args.dir) {
        Ok(study) => study,
        Err(error) => return unreadable(&error),
    };
    let report = match report::assemble(&study, &context) {
        Ok(report) => report,
        Err(error) => return not_drawn(&error),
    };
    let target = args.out.clone().unwrap_or_else(|| args.dir.clone());
    match report.write(&target) {
        Ok(paths) => {
            if !args.quiet {
                for missing in report.sections.iter().flat_map(|section| &section.missing) {
                    say(format_args!("left out: {missing}"));
                }
                if let Some(page) = paths.first() {
                    say(format_args!("report in {}", page.display()));
                }
            }
            Exit::Good
        }
        Err(error) => fail(
            Exit::Run,
            error,
            "nothing was left behind; choose a place that can be written with --out DIR",
        ),
    }
}

/// What the stored scenario of a result says.
pub(crate) fn context(directory: &Path) -> Context {
    let manifest = Manifest::read(directory).ok().flatten();
    let scenario = scenarios::read(&directory.join("scenario.toml"), &[]).ok();
    let verb = match manifest.as_ref().map(|manifest| manifest.kind) {
        Some(reports::store::ResultKind::Run) => "run",
        _ => "sweep",
    };
    let mut commands = Vec::new();
    if scenario.is_some() {
        commands.push(format!("badlink {verb} scenario.toml --out again"));
    }
    commands.push(String::from("badlink report again"));
    let Some(scenario) = scenario else {
        return Context {
            commands,
            ..Context::default()
        };
    };
    Context {
        description: scenario.description.clone(),
        survival: manifest.and_then(|manifest| survival(&scenario, manifest.virtual_ns)),
        models: models(&scenario),
        commands,
    }
}

/// The closed form of survival, where theory has one.
pub(crate) fn survival(scenario: &Scenario, end_ns: u64) -> Option<Reference> {
    closed_form::survival(scenario).map(|curve| Reference {
        label: curve.label.clone(),
        points: curve.points(scenario.run.duration_ns, end_ns),
    })
}

/// Sentences on who took part and what the numbers rest on.
fn models(scenario: &Scenario) -> Vec<String> {
    let groups: Vec<String> = scenario
        .groups
        .iter()
        .map(|group| {
            let profile = group.profile.as_ref().map_or_else(
                || String::from("without a device profile (no computing time, no energy)"),
                |profile| format!("with the device profile {}", profile.name),
            );
            format!("{} × {} {profile}", group.count, group.name)
        })
        .collect();
    let mut models = vec![format!("The world held {}.", groups.join("; "))];
    let links: Vec<&str> = scenario
        .links
        .iter()
        .map(|link| link.name.as_str())
        .collect();
    models.push(format!(
        "Links ({}) follow the models of the simulator's documentation (MODEL.md); the sources of presets and profiles are listed by `badlink list presets` and `badlink list profiles`.",
        links.join(", ")
    ));
    if !scenario.adversaries.is_empty() {
        let names: Vec<&str> = scenario
            .adversaries
            .iter()
            .map(|adversary| adversary.name.as_str())
            .collect();
        models.push(format!(
            "Adversaries: {}; each acted only within the powers granted.",
            names.join(", ")
        ));
    }
    models
}
