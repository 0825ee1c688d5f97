//! Tables for a page in Markdown with the usual table extension.

use super::{Align, Cell, Table, plain};

/// The tables one after the other, each with its caption in bold before it.
#[must_use]
pub fn markdown(tables: &[Table]) -> String {
    let shown: Vec<String> = tables.iter().map(one).collect();
    shown.join("\n")
}

fn one(table: &Table) -> String {
    let mut out = format!("**{}**\n\n", escaped(&table.caption));
    let mut line = |cells: Vec<String>| {
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    };
    line(table.columns.iter().map(|c| escaped(&c.title)).collect());
    let mark = |align: Align| match align {
        Align::Left => "---".to_owned(),
        Align::Right => "--:".to_owned(),
    };
    line(table.columns.iter().map(|c| mark(c.align)).collect());
    // Markdown tables have no rules; a rule is dropped.
    for row in table.rows.iter().filter(|row| row[..] != [Cell::Rule]) {
        line(row.iter().map(|cell| escaped(&plain(cell))).collect());
    }
    for note in &table.notes {
        out.push_str(&format!("\n{}\n", escaped(note)));
    }
    out
}

/// Text in which nothing is taken for markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '<' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
