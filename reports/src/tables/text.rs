//! Tables for a terminal.

use super::{Align, Cell, Table, plain};

/// Longest line of a note, characters.
const NOTE_CHARS_MAX: usize = 96;

/// The tables one after the other, columns as wide as their longest cell; no line ends in a space.
#[must_use]
pub fn text(tables: &[Table]) -> String {
    let shown: Vec<String> = tables.iter().map(one).collect();
    shown.join("\n")
}

fn one(table: &Table) -> String {
    let mut out = format!("{}\n\n", table.caption);
    let titles: Vec<String> = table.columns.iter().map(|c| c.title.clone()).collect();
    let rows: Vec<Vec<String>> = table
        .rows
        .iter()
        .map(|row| row.iter().map(plain).collect())
        .collect();
    let width = |index: usize| {
        let cells = rows.iter().filter_map(|row| row.get(index));
        cells
            .chain(titles.get(index))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut line = |cells: &[String]| {
        let mut text = String::new();
        for ((cell, width), column) in cells.iter().zip(&widths).zip(&table.columns) {
            let gap = " ".repeat(width - cell.chars().count());
            match column.align {
                Align::Left => text.push_str(&format!("  {cell}{gap}")),
                Align::Right => text.push_str(&format!("  {gap}{cell}")),
            }
        }
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(&titles);
    line(&rule);
    for (row, cells) in table.rows.iter().zip(&rows) {
        line(if row[..] == [Cell::Rule] {
            &rule
        } else {
            cells
        });
    }
    for note in &table.notes {
        out.push('\n');
        out.push_str(&wrapped(note));
    }
    out
}

/// A note in lines of at most [`NOTE_CHARS_MAX`] characters, indented; words are never cut.
fn wrapped(note: &str) -> String {
    let mut out = String::from(" ");
    let mut length = 1;
    for word in note.split_whitespace() {
        let word_chars = word.chars().count();
        if length > 1 && length + 1 + word_chars > NOTE_CHARS_MAX {
            out.push_str("\n ");
            length = 1;
        }
        out.push(' ');
        out.push_str(word);
        length += 1 + word_chars;
    }
    out.push('\n');
    out
}
