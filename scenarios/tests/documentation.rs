//! `docs/RESULTS.md` explains every metric, in the words of `badlink list metrics`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use scenarios::metrics::METRICS;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/RESULTS.md");

#[test]
fn the_page_has_every_metric_in_order() {
    let page = std::fs::read_to_string(PAGE).unwrap();
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
