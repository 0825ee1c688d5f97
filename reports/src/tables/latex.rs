//! Tables for a paper: LaTeX with the package `booktabs`.

use super::{Align, Cell, Table};

/// The tables one after the other, each a `table` environment with caption and label
/// `tab:<id>`.
#[must_use]
pub fn latex(tables: &[Table]) -> String {
    let mut out = String::from("% needs \\usepackage{booktabs}\n");
    for table in tables {
        out.push('\n');
        out.push_str(&one(table));
    }
    out
}

fn one(table: &Table) -> String {
    let mut out = String::from("\\begin{table}\n\\centering\n");
    out.push_str(&format!("\\caption{{{}}}\n", escaped(&table.caption)));
    out.push_str(&format!("\\label{{tab:{}}}\n", table.id));
    let columns: String = table
        .columns
        .iter()
        .map(|column| match column.align {
            Align::Left => 'l',
            Align::Right => 'r',
        })
        .collect();
    out.push_str(&format!("\\begin{{tabular}}{{{columns}}}\n\\toprule\n"));
    let mut line = |cells: Vec<String>| {
        out.push_str(&cells.join(" & "));
        out.push_str(" \\\\\n");
    };
    line(table.columns.iter().map(|c| escaped(&c.title)).collect());
    out.push_str("\\midrule\n");
    for row in &table.rows {
        if row[..] == [Cell::Rule] {
            out.push_str("\\midrule\n");
            continue;
        }
        let cells: Vec<String> = row.iter().map(cell).collect();
        out.push_str(&cells.join(" & "));
        out.push_str(" \\\\\n");
    }
    out.push_str("\\bottomrule\n\\end{tabular}\n");
    for note in &table.notes {
        out.push_str(&format!(
            "\\par\\smallskip\\footnotesize {}\n",
            escaped(note)
        ));
    }
    out.push_str("\\end{table}\n");
    out
}

fn cell(cell: &Cell) -> String {
    let Cell::Terms(terms) = cell else {
        return escaped(&super::plain(cell));
    };
    if terms.is_empty() {
        return "--".to_owned();
    }
    let terms = terms
        .iter()
        .map(|(count, of)| format!("{count}\\,T_{{\\mathrm{{{of}}}}}"));
    format!("${}$", terms.collect::<Vec<_>>().join(" + "))
}

/// Text in which nothing is taken for a command.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            'µ' => out.push_str("$\\mu$"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
