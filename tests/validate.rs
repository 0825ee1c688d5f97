//! `badlink validate`: theory as a command.

use serde_json::Value;

use crate::program::Desk;

#[test]
fn a_family_passes_and_leaves_its_table_and_its_scenarios() {
    let desk = Desk::new();
    let ran = desk
        .run(&[
            "validate",
            "--family",
            "bernoulli",
            "--quick",
            "--json",
            "--out",
            "v",
        ])
        .expect(0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["passed"], true);
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 9);
    assert!(rows.iter().all(|row| row["family"] == "bernoulli"));

    let mut table = csv::Reader::from_path(desk.path("v/validation.csv")).unwrap();
    let verdicts: Vec<String> = table
        .records()
        .map(|record| record.unwrap().iter().next_back().unwrap().to_owned())
        .collect();
    assert_eq!(verdicts.len(), 9);
    assert!(verdicts.iter().all(|verdict| verdict.starts_with("passed")));

    let svg = std::fs::read_to_string(desk.path("v/report/figures/validation-1.svg")).unwrap();
    assert!(svg.contains("Simulated against exact values"));
    // The figure of the stored table, as `plot` draws it.
    desk.run(&["plot", "v", "--figure", "validation", "--quiet"])
        .expect(0);
    let svg = std::fs::read_to_string(desk.path("v/report/figures/validation.svg")).unwrap();
    assert!(svg.contains("p = 0.1: mean run of losses"), "{svg}");
    // Every case is a scenario that anybody can run.
    for number in 1..=3 {
        let file = format!("v/scenarios/{number:03}-bernoulli.toml");
        desk.run(&["check", "--quiet", &file]).expect(0);
    }
}

#[test]
fn the_rows_do_not_depend_on_the_number_of_jobs() {
    let desk = Desk::new();
    let of = |jobs: &str| {
        let args = [
            "validate", "--family", "m-m-1-k", "--quick", "--json", "--jobs", jobs,
        ];
        desk.run(&args).expect(0).stdout
    };
    assert_eq!(of("1"), of("3"));
}

#[test]
fn an_unknown_family_is_refused_with_those_that_exist() {
    let said = Desk::new()
        .run(&["validate", "--family", "m-m-2"])
        .expect(2)
        .stderr;
    assert!(said.contains("there is no family `m-m-2`"), "{said}");
    assert!(said.contains("families: m-m-1, m-d-1"), "{said}");
}
