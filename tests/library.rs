//! The scenarios that come with the program.

use scenarios::library::LIBRARY;

use crate::program::{Desk, column};
use crate::simulation::{metric, scenario, summary};

/// Verifies the scenarios of one size; the large ones go beside the others.
fn verify(large: bool) {
    let desk = Desk::new();
    for entry in LIBRARY
        .iter()
        .filter(|entry| entry.name.ends_with("-scale") == large)
        // A run of minutes; `secure-vault-scale` is the same world, smaller.
        .filter(|entry| entry.name != "scale-1m")
    {
        let ran = desk.run(&["verify", entry.name, "--json"]).expect(0);
        let verdict: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(verdict["identical"], true, "{}: {verdict}", entry.name);
    }
    assert_eq!(
        desk.names(),
        Vec::<String>::new(),
        "verify leaves nothing behind"
    );
}

#[test]
fn verify_passes_on_every_library_scenario() {
    verify(false);
}

#[test]
fn verify_passes_on_every_library_scenario_at_scale() {
    verify(true);
}

#[test]
fn on_reliable_links_every_attempt_is_accepted_and_nothing_falls_out_of_step() {
    let text = scenarios::library::find("reliable").unwrap().text;
    let summary = summary(&scenario(text));
    assert!(metric(&summary, "attempts") > 3000.0);
    assert_eq!(metric(&summary, "success_rate"), 1.0);
    for none in [
        "desync_rate",
        "desync_silent_rate",
        "desync_transient",
        "agreement_violations",
    ] {
        assert_eq!(metric(&summary, none), 0.0, "{none}");
    }
}

#[test]
fn on_reliable_links_the_tables_say_so_too() {
    let desk = Desk::new();
    desk.run(&["run", "reliable", "--quiet"]).expect(0);
    let result = desk.path("results/reliable");
    let outcomes = column(&result.join("sessions.csv"), "outcome");
    assert!(outcomes.len() > 3000 && outcomes.iter().all(|outcome| outcome == "accepted"));
    let fates = column(&result.join("messages.csv"), "fate");
    assert!(fates.len() > 12_000 && fates.iter().all(|fate| fate == "delivered"));
    assert_eq!(
        column(&result.join("desync.csv"), "kind"),
        Vec::<String>::new()
    );
}

#[test]
fn every_library_scenario_is_listed_and_runs_by_its_name() {
    let desk = Desk::new();
    let listed = desk.run(&["list", "scenarios"]).expect(0).stdout;
    for entry in LIBRARY {
        assert!(listed.contains(entry.name), "{listed}");
        let checked = desk.run(&["check", entry.name]).expect(0);
        assert!(checked.stdout.starts_with(entry.name), "{}", checked.stdout);
    }
}
