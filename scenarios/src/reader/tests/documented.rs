//! The format's documentation, held to its word.

use super::says;

const PAGE: &str = include_str!("../../../../docs/SCENARIO-FORMAT.md");

/// The fenced blocks of the page: (what stands after the fence, text).
fn blocks() -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    let mut rest = PAGE;
    while let Some(start) = rest.find("```") {
        let after = &rest[start + 3..];
        let (kind, body) = after.split_once('\n').unwrap();
        let end = body.find("```").unwrap();
        found.push((kind, &body[..end]));
        rest = &body[end + 3..];
    }
    found
}

/// `whole` with the tables of `part` in the place of its own of the same name.
fn with_part(whole: &str, part: &str) -> String {
    let header = |line: &str| {
        let name = line.strip_prefix('[')?.trim_start_matches('[');
        let name = name.split(']').next()?;
        Some(name.split('.').take(2).collect::<Vec<_>>().join("."))
    };
    let given: Vec<String> = part.lines().filter_map(header).collect();
    let mut keep = true;
    let mut text = String::new();
    for line in whole.lines() {
        if let Some(name) = header(line) {
            keep = !given.contains(&name);
        }
        if keep {
            text.push_str(line);
            text.push('\n');
        }
    }
    text + part
}

#[test]
fn every_example_is_read_or_refused_as_the_page_says() {
    let blocks = blocks();
    let whole = blocks[0].1;
    let mut examples = 0;
    for (index, (kind, text)) in blocks.iter().enumerate() {
        let read = |text: &str| crate::read_text("scenario.toml", text, &[]);
        match *kind {
            "toml" => drop(read(text).unwrap()),
            "toml part" => drop(read(&with_part(whole, text)).unwrap()),
            "toml refused" => {
                let (kind, message) = blocks[index + 1];
                assert_eq!(kind, "text");
                let error = read(&with_part(whole, text)).unwrap_err();
                assert_eq!(error.render(false).trim_end(), message.trim_end());
            }
            "text" => continue,
            other => panic!("a block of an unknown kind: {other}"),
        }
        examples += 1;
    }
    assert!(examples >= 8, "only {examples} examples were found");
}

#[test]
fn every_name_that_the_reader_knows_is_on_the_page() {
    for form in crate::notation::LAWS {
        assert!(PAGE.contains(&format!("`{}", form.name)), "{}", form.name);
    }
    for preset in crate::preset::all() {
        assert!(
            PAGE.contains(&format!("`{}`", preset.name)),
            "{}",
            preset.name
        );
    }
    for profile in crate::profile::all() {
        assert!(
            PAGE.contains(&format!("`{}`", profile.name)),
            "{}",
            profile.name
        );
    }
    for trace in crate::scenario::Trace::ALL {
        assert!(PAGE.contains(trace.as_str()), "{}", trace.as_str());
    }
    for figure in crate::scenario::Figure::ALL {
        assert!(PAGE.contains(figure.as_str()), "{}", figure.as_str());
    }
}

#[test]
fn every_key_that_a_table_lists_is_on_the_page() {
    // The reader itself lists the keys of a table when it meets an unknown one.
    let tables = [
        "run",
        "scenario",
        "protocol",
        "nodes.device",
        "nodes.device.clock",
        "links.access",
        "workload.reauth",
        "workload.reauth.retry",
        "workload.reauth.reprovision",
        "adversaries.mitm",
        "output",
    ];
    for table in tables {
        let text = if table == "workload.reauth.retry" {
            super::GOOD.replace("deadline = \"30s\"", "retry = { after = \"1s\" }")
        } else if table == "workload.reauth.reprovision" {
            super::GOOD.replace("deadline = \"30s\"", "reprovision = { after = 3 }")
        } else {
            super::GOOD.to_owned()
        };
        let overrides = [(format!("{table}.zz"), "1".to_owned())];
        let error = crate::read_text("s.toml", &text, &overrides).unwrap_err();
        let shown = error.render(false);
        let list = shown.split("keys that exist here: ").nth(1).unwrap();
        for key in list.split('`').skip(1).step_by(2) {
            assert!(PAGE.contains(key), "{table}.{key} is not on the page");
        }
    }
    says(
        crate::read_text("s.toml", super::GOOD, &[("zz".into(), "1".into())]),
        &["zz"],
    );
}
