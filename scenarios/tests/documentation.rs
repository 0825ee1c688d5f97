//! The pages say what the program does: metrics in the words of `badlink list metrics`, and no file
//! that does not exist.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use scenarios::metrics::METRICS;

const PAGES: [&str; 9] = [
    "README.md",
    "docs/ADDING-A-PROTOCOL.md",
    "docs/ARCHITECTURE.md",
    "docs/DETERMINISM.md",
    "docs/GLOSSARY.md",
    "docs/MODEL.md",
    "docs/RESULTS.md",
    "docs/SCENARIO-FORMAT.md",
    "docs/TRANSCRIPT.md",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

#[test]
fn the_results_page_has_every_metric_in_order() {
    let page = page("docs/RESULTS.md");
    let mut rest = page.as_str();
    for metric in METRICS {
        let wanted = format!(
            "| `{}` | {} | {} |\n",
            metric.name, metric.unit, metric.help
        );
        let Some((_, after)) = rest.split_once(&wanted) else {
            panic!("docs/RESULTS.md lacks this, or has it in another order:\n\n{wanted}");
        };
        rest = after;
    }
}

/// Targets of the page's links to files of this repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|target| !target.is_empty() && !target.contains("://"))
}

#[test]
fn every_link_leads_to_a_file() {
    for name in PAGES {
        let folder = root().join(name).parent().unwrap().to_owned();
        for target in links(&page(name)) {
            assert!(folder.join(target).exists(), "{name} links to {target}");
        }
    }
}

#[test]
fn every_source_file_named_in_full_exists() {
    const PLACES: [&str; 5] = [
        "sim-engine/",
        "protocols/",
        "scenarios/",
        "reports/",
        "docs/",
    ];
    // The page on adding a protocol names files that its reader is to write.
    let pages = PAGES.iter().filter(|name| !name.contains("ADDING"));
    let mut found = 0;
    for name in pages {
        for quoted in page(name).split('`').skip(1).step_by(2) {
            if PLACES.iter().any(|start| quoted.starts_with(start)) {
                assert!(root().join(quoted).exists(), "{name} names {quoted}");
                found += 1;
            }
        }
    }
    assert!(
        found > 20,
        "only {found} paths found: are they still quoted?"
    );
}
