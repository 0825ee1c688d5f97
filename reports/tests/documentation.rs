//! `docs/RESULTS.md` explains what the tables declare: every file, every column, in order.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;

use reports::rows::{Claims, Laboratory, Matrix, RUN_TABLES, Validations, sweep::SWEEP_TABLES};
use reports::table::{Schema, Table as _};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/RESULTS.md");

/// Tables that neither a run nor a sweep writes.
const OTHERS: [Schema; 4] = [
    Validations::SCHEMA,
    Matrix::SCHEMA,
    Claims::SCHEMA,
    Laboratory::SCHEMA,
];

/// The section of one table, as the page must have it.
fn section(schema: &Schema) -> String {
    let mut text = format!(
        "### `{}`\n\nRows: {}.\n\n| column | unit | meaning |\n|---|---|---|\n",
        schema.file, schema.about
    );
    for column in schema.columns {
        writeln!(
            text,
            "| `{}` | {} | {} |",
            column.name, column.unit, column.meaning
        )
        .unwrap();
    }
    text
}

#[test]
fn the_page_has_every_table_with_every_column_in_order() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let mut rest = page.as_str();
    let tables = RUN_TABLES.iter().chain(SWEEP_TABLES);
    for schema in tables.chain(&OTHERS) {
        let wanted = section(schema);
        let Some((_, after)) = rest.split_once(&wanted) else {
            panic!("docs/RESULTS.md lacks this, or has it in another order:\n\n{wanted}");
        };
        rest = after;
    }
}

#[test]
fn the_page_explains_no_table_that_is_not_written() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    for heading in page.lines().filter_map(|line| line.strip_prefix("### `")) {
        let file = heading.trim_end_matches('`');
        assert!(
            RUN_TABLES
                .iter()
                .chain(SWEEP_TABLES)
                .chain(&OTHERS)
                .any(|schema| schema.file == file),
            "no table {file}"
        );
    }
}
