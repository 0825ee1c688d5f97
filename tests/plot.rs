//! `badlink plot`: figures from stored results, and what it says when there is nothing to draw.

use std::fs;

use crate::determinism::BUSY;
use crate::program::Desk;

const OF_RUN: [&str; 8] = [
    "latency-cdf",
    "survival",
    "outcomes",
    "timeline",
    "sequence",
    "costs",
    "energy",
    "utilisation",
];

#[test]
fn every_figure_of_a_run_is_drawn_from_its_files_and_drawn_alike_twice() {
    let desk = Desk::with(BUSY);
    desk.result("out", &["--set", "run.duration=20min"]);
    for name in OF_RUN {
        for place in ["one", "two"] {
            let args = ["plot", "out", "--figure", name, "--out", place];
            let said = desk.run(&args).expect(0).stdout;
            assert!(said.contains(&format!("{name}.svg")), "{said}");
        }
        for extension in ["svg", "png", "csv"] {
            let file = format!("{name}.{extension}");
            let [one, two] =
                ["one", "two"].map(|place| fs::read(desk.path(place).join(&file)).unwrap());
            assert!(one == two, "{file}");
            assert!(one.len() > 40, "{file}");
        }
        let svg = fs::read_to_string(desk.path("one").join(format!("{name}.svg"))).unwrap();
        for part in ["<title>", "<desc>", "role=\"img\"", "seed 7", "n = "] {
            assert!(svg.contains(part), "{name}: {part}");
        }
        assert!(!svg.contains("no data</text>"), "{name} is empty");
    }
}

#[test]
fn the_chart_of_a_session_shows_what_the_adversary_dropped() {
    let desk = Desk::with(BUSY);
    desk.result("out", &["--set", "run.duration=20min"]);
    desk.run(&["plot", "out", "--figure", "sequence", "--quiet"])
        .expect(0);
    let svg = fs::read_to_string(desk.path("out/report/figures/sequence.svg")).unwrap();
    for part in ["mitm", "drops M4 (drop-final)", "WAIT_M2", "half-open"] {
        assert!(svg.contains(part), "{part}");
    }
}

#[test]
fn what_cannot_be_drawn_is_said_and_leaves_nothing_behind() {
    let desk = Desk::with(BUSY);
    desk.result(
        "out",
        &["--set", "run.duration=5min", "--set", "output.figures=[]"],
    );
    let refuse = |args: &[&str], parts: &[&str]| {
        let said = desk.run(args).expect(2).stderr;
        for part in parts {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
    };
    refuse(
        &["plot", ".", "--figure", "survivall"],
        &["no figure is called survivall", "did you mean survival?"],
    );
    refuse(&["plot", "nowhere", "--figure", "survival"], &["nowhere"]);
    fs::create_dir(desk.path("empty")).unwrap();
    refuse(
        &["plot", "empty", "--figure", "survival"],
        &["holds no result"],
    );
    refuse(
        &["plot", "out", "--figure", "desync-vs"],
        &["it needs a sweep, and this is a run"],
    );
    refuse(
        &["plot", "out", "--figure", "survival", "--x", "p"],
        &["does not use --x"],
    );
    refuse(
        &[
            "plot",
            "out",
            "--figure",
            "sequence",
            "--session",
            "device[99]/1",
        ],
        &["no steps of session device[99]/1 are kept"],
    );
    refuse(
        &["plot", "out", "--figure", "metric-vs", "--where", "p"],
        &["has no `=`"],
    );
    let sessions = desk.path("out/sessions.csv");
    let whole = fs::read_to_string(&sessions).unwrap();
    fs::write(&sessions, &whole[..whole.len() - 9]).unwrap();
    refuse(
        &["plot", "out", "--figure", "outcomes"],
        &["sessions.csv is damaged", "is cut off"],
    );
    let lines: Vec<&str> = whole.lines().collect();
    fs::write(&sessions, format!("{}\n{}\nx,y\n", lines[0], lines[1])).unwrap();
    refuse(
        &["plot", "out", "--figure", "outcomes"],
        &["sessions.csv is damaged", "line: 3"],
    );
    fs::write(&sessions, whole.replace(",accepted,", ",acepted,")).unwrap();
    refuse(
        &["plot", "out", "--figure", "outcomes"],
        &["outcome cannot be \"acepted\""],
    );
    assert!(!desk.path("out/report").exists());
    let manifest = desk.path("out/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"format\": 1", "\"format\": 0")).unwrap();
    refuse(
        &["plot", "out", "--figure", "outcomes"],
        &["written in format 0"],
    );
}

#[test]
fn a_run_warns_of_figures_that_it_cannot_give() {
    let desk = Desk::with(&BUSY.replace("\"survival\", ", "\"desync-vs\", "));
    let ran = desk
        .run(&[
            "run",
            "scenario.toml",
            "--out",
            "out",
            "--set",
            "run.duration=5min",
        ])
        .expect(0);
    assert!(ran.stderr.contains("figure desync-vs"), "{}", ran.stderr);
    assert!(desk.path("out/report/figures/outcomes.svg").exists());
}
