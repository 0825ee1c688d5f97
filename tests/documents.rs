//! What the documents say the program does is what it does.

use crate::program::Desk;

const README: &str = include_str!("../README.md");

/// The lines of the first block of the README that begins with this command.
fn shown(command: &str) -> Vec<&'static str> {
    let mut lines = README
        .lines()
        .skip_while(|line| *line != format!("$ {command}"));
    lines.next().expect("the README shows this command");
    lines.take_while(|line| *line != "```").collect()
}

#[test]
fn the_output_in_the_readme_is_the_output_of_the_program() {
    let desk = Desk::new();
    let ran = desk.run(&["run", "last-message"]).expect(0);
    let mut printed = ran.stdout.lines();
    for line in shown("cargo run --release -- run last-message") {
        if line.trim() != "..." {
            assert!(
                printed.any(|other| other == line),
                "not in the output, in order: {line}"
            );
        }
    }
}

#[test]
fn the_readme_lists_the_verbs_that_exist_and_no_others() {
    let table = README
        .lines()
        .skip_while(|line| !line.starts_with("| verb |"))
        .skip(2);
    let table = table.take_while(|line| line.starts_with("| `"));
    let listed = table.map(|line| line[3..].split([' ', '`']).next().unwrap());
    let mut listed: Vec<&str> = listed.collect();
    let help = Desk::new().run(&["--help"]).expect(0).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| line.starts_with("  "));
    // Help that goes on in a further line is indented more deeply.
    let first = commands.filter(|line| !line[2..].starts_with(' '));
    let verbs = first.filter_map(|line| line.split_whitespace().next());
    let mut verbs: Vec<&str> = verbs.filter(|verb| *verb != "help").collect();
    listed.sort_unstable();
    verbs.sort_unstable();
    assert_eq!(listed, verbs);
}

#[test]
fn the_starter_checks_runs_and_is_not_written_over() {
    let desk = Desk::new();
    let wrote = desk.run(&["new", "study"]).expect(0);
    assert!(
        wrote.stdout.contains("badlink run study.toml"),
        "{}",
        wrote.stdout
    );
    desk.run(&["check", "study.toml"]).expect(0);
    desk.run(&[
        "verify",
        "study.toml",
        "--set",
        "nodes.device.count=5",
        "--quiet",
    ])
    .expect(0);
    let again = desk.run(&["new", "study"]).expect(2);
    assert!(
        again.stderr.contains("study.toml is there already"),
        "{}",
        again.stderr
    );
    desk.run(&["new", "study", "--force"]).expect(0);
    let refused = desk.run(&["new", "my study"]).expect(2);
    assert!(
        refused.stderr.contains("`my study` is no scenario name"),
        "{}",
        refused.stderr
    );
    assert_eq!(desk.names(), ["study.toml"]);
}
