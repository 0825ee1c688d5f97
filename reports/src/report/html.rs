//! The page: one self-contained file, readable without scripts, by keyboard and by screen readers.

use super::{Section, checksum};
use crate::figure::Drawing;
use crate::tables::{Align, Cell, Table};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("player.js");

/// Rows of a figure's data that the page repeats; the file beside the figure has all.
const DATA_ROWS_MAX: usize = 60;
/// Rows of a table in the page.
const TABLE_ROWS_MAX: usize = 400;
/// Bytes of figures in the page; further ones are named with their file.
const FIGURE_BYTES_MAX: usize = 2_400_000;

/// The whole page.
pub(super) fn page(sections: &[Section]) -> String {
    let title = match sections {
        [only] => format!("{}: report", only.manifest.scenario),
        _ => format!("Report of {} results", sections.len()),
    };
    let playing = sections.iter().any(|section| !section.stories.is_empty());
    let script_policy = if playing {
        format!("'{}'", checksum::policy_hash(SCRIPT))
    } else {
        String::from("'none'")
    };
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{}'; script-src {script_policy}; img-src data:; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the report</a>\n",
        checksum::policy_hash(STYLE),
        escaped(&title),
    );
    out.push_str(&format!("<header><h1>{}</h1>\n", escaped(&title)));
    if sections.len() > 1 {
        out.push_str("<nav aria-label=\"Results\"><ul>\n");
        for (index, section) in sections.iter().enumerate() {
            out.push_str(&format!(
                "<li><a href=\"#r{index}\">{}</a> ({})</li>\n",
                escaped(&section.name),
                section.kind
            ));
        }
        out.push_str("</ul></nav>\n");
    }
    out.push_str("</header>\n<main id=\"main\">\n");
    let mut room = FIGURE_BYTES_MAX;
    for (index, section) in sections.iter().enumerate() {
        part(&mut out, index, section, sections.len() > 1, &mut room);
    }
    out.push_str("</main>\n");
    if playing {
        out.push_str(&format!("<script>{SCRIPT}</script>\n"));
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn part(out: &mut String, index: usize, section: &Section, several: bool, room: &mut usize) {
    let manifest = &section.manifest;
    out.push_str(&format!("<article id=\"r{index}\">\n"));
    if several {
        out.push_str(&format!(
            "<h2 class=\"result\">{} <small>{}</small></h2>\n",
            escaped(&section.name),
            section.kind
        ));
    }
    heading(out, index, "summary", "Summary");
    let asked = if section.asked.is_empty() {
        "The scenario has no description."
    } else {
        section.asked.as_str()
    };
    out.push_str(&format!(
        "<h3>What was asked</h3>\n<p>{}</p>\n",
        escaped(asked)
    ));
    out.push_str("<h3>What came out</h3>\n");
    list(out, &section.findings, "Nothing could be computed.");
    out.push_str("<h3>What surprised</h3>\n");
    list(
        out,
        &section.surprises,
        "Nothing that the simulator looks for: no divergence, no half-open session, no warning.",
    );
    if !section.missing.is_empty() {
        out.push_str("<h3>What is missing here</h3>\n");
        list(out, &section.missing, "");
    }
    if !section.stories.is_empty() {
        player(out, index, section);
    }
    heading(out, index, "figures", "Figures");
    for drawing in &section.drawings {
        figure(out, index, drawing, room);
    }
    heading(out, index, "tables", "Tables");
    for sheet in &section.tables {
        table(out, sheet);
    }
    heading(out, index, "methods", "Methods, ready to be pasted");
    out.push_str(&format!(
        "<blockquote><p>{}</p></blockquote>\n",
        escaped(&section.methods)
    ));
    heading(out, index, "limits", "Assumptions and limits");
    out.push_str("<p>A simulation shows what the modelled parts do together; it proves nothing about what is not modelled. The simulator's page MODEL.md lists every model with its formula and source and what is left out. These values were assumed, many of them engineering defaults:</p>\n");
    list(
        out,
        &section.notes,
        "No assumption is noted: every value was given by the scenario.",
    );
    heading(out, index, "reproduce", "How to reproduce it");
    out.push_str("<pre><code>");
    for command in &section.commands {
        out.push_str(&escaped(command));
        out.push('\n');
    }
    out.push_str("</code></pre>\n<dl>\n");
    let facts = [
        ("program", manifest.program.clone()),
        ("scenario hash", manifest.scenario_hash.clone()),
        ("key", manifest.key.to_string()),
        ("root seed", manifest.seed.to_string()),
        ("fingerprint", manifest.fingerprint.clone()),
        (
            "complete",
            if manifest.complete {
                "yes".into()
            } else {
                "no: interrupted".into()
            },
        ),
    ];
    for (name, value) in facts {
        if !value.is_empty() {
            out.push_str(&format!(
                "<dt>{name}</dt><dd><code>{}</code></dd>\n",
                escaped(&value)
            ));
        }
    }
    out.push_str("</dl>\n");
    if !section.scenario.is_empty() {
        out.push_str(&format!(
            "<details><summary>The scenario as it ran</summary>\n<pre><code>{}</code></pre></details>\n",
            escaped(&section.scenario)
        ));
    }
    out.push_str("</article>\n");
}

fn heading(out: &mut String, index: usize, id: &str, text: &str) {
    out.push_str(&format!("<h2 id=\"r{index}-{id}\">{text}</h2>\n"));
}

fn list(out: &mut String, sentences: &[String], empty: &str) {
    if sentences.is_empty() {
        if !empty.is_empty() {
            out.push_str(&format!("<p>{}</p>\n", escaped(empty)));
        }
        return;
    }
    out.push_str("<ul>\n");
    for sentence in sentences {
        out.push_str(&format!("<li>{}</li>\n", escaped(sentence)));
    }
    out.push_str("</ul>\n");
}

fn figure(out: &mut String, index: usize, drawing: &Drawing, room: &mut usize) {
    let id = format!("r{index}-figure-{}", drawing.name);
    out.push_str(&format!("<figure id=\"{}\">\n", escaped(&id)));
    if drawing.svg.len() <= *room {
        *room -= drawing.svg.len();
        out.push_str(&drawing.svg);
    } else {
        out.push_str(&format!(
            "<p>This figure is too large for the page; it is in figures/{}.svg.</p>",
            escaped(&drawing.name)
        ));
    }
    out.push_str(&format!(
        "\n<figcaption><strong>{}.</strong> {}</figcaption>\n",
        escaped(&drawing.title),
        escaped(&drawing.caption)
    ));
    data(out, drawing);
    out.push_str("</figure>\n");
}

/// The data drawn, for readers who want the numbers.
fn data(out: &mut String, drawing: &Drawing) {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(&drawing.csv[..]);
    let records: Vec<csv::StringRecord> = reader.records().filter_map(Result::ok).collect();
    let Some((header, rows)) = records.split_first() else {
        return;
    };
    out.push_str(&format!(
        "<details><summary>Data of this figure ({} rows)</summary>\n<div class=\"wide\"><table>\n<thead><tr>",
        rows.len()
    ));
    for name in header {
        out.push_str(&format!("<th scope=\"col\">{}</th>", escaped(name)));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows.iter().take(DATA_ROWS_MAX) {
        out.push_str("<tr>");
        for cell in row {
            out.push_str(&format!("<td>{}</td>", escaped(cell)));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    if rows.len() > DATA_ROWS_MAX {
        out.push_str(&format!(
            "<p>{} further rows are in figures/{}.csv.</p>\n",
            rows.len() - DATA_ROWS_MAX,
            escaped(&drawing.name)
        ));
    }
    out.push_str("</details>\n");
}

fn table(out: &mut String, table: &Table) {
    out.push_str(&format!(
        "<div class=\"wide\"><table>\n<caption>{}</caption>\n<thead><tr>",
        escaped(&table.caption)
    ));
    for column in &table.columns {
        let class = if column.align == Align::Right {
            " class=\"number\""
        } else {
            ""
        };
        out.push_str(&format!(
            "<th scope=\"col\"{class}>{}</th>",
            escaped(&column.title)
        ));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in table
        .rows
        .iter()
        .filter(|row| row[..] != [Cell::Rule])
        .take(TABLE_ROWS_MAX)
    {
        out.push_str("<tr>");
        for (cell, column) in row.iter().zip(&table.columns) {
            let class = if column.align == Align::Right {
                " class=\"number\""
            } else {
                ""
            };
            out.push_str(&format!(
                "<td{class}>{}</td>",
                escaped(&crate::tables::plain(cell))
            ));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    if table.rows.len() > TABLE_ROWS_MAX {
        out.push_str(&format!(
            "<p>{} further rows are in tables/{}.csv.</p>\n",
            table.rows.len() - TABLE_ROWS_MAX,
            escaped(&table.id)
        ));
    }
    for note in &table.notes {
        out.push_str(&format!("<p class=\"note\">{}</p>\n", escaped(note)));
    }
}

fn player(out: &mut String, index: usize, section: &Section) {
    heading(out, index, "player", "Sessions, step by step");
    out.push_str(&format!(
        "<section class=\"player\" tabindex=\"0\" aria-labelledby=\"r{index}-player\" data-stories=\"r{index}-stories\">\n\
         <noscript><p>The player needs scripts; steps.csv holds every step.</p></noscript>\n\
         <div class=\"controls\">\n\
         <label>Session <select class=\"pick\"></select></label>\n\
         <button type=\"button\" class=\"first\" title=\"Home\">|◀<span class=\"vh\"> first step</span></button>\n\
         <button type=\"button\" class=\"back\" title=\"Left arrow\">◀<span class=\"vh\"> step back</span></button>\n\
         <button type=\"button\" class=\"play\" title=\"Space\" aria-pressed=\"false\">play</button>\n\
         <button type=\"button\" class=\"next\" title=\"Right arrow\">▶<span class=\"vh\"> step forward</span></button>\n\
         <button type=\"button\" class=\"last\" title=\"End\">▶|<span class=\"vh\"> last step</span></button>\n\
         <span class=\"where\"></span>\n</div>\n\
         <p class=\"keys\">Keys in this box: ← → one step, Home and End first and last, space plays, page up and down change the session.</p>\n\
         <div class=\"stage\"><div class=\"chart\"></div><div class=\"side\"><h3>This step</h3><div class=\"now\" aria-live=\"polite\"></div><h3>States</h3><dl class=\"states\"></dl></div></div>\n\
         </section>\n"
    ));
    // In a data block only `<` can end the block, so it alone needs an escape.
    let json = section
        .stories
        .replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    out.push_str(&format!(
        "<script type=\"application/json\" id=\"r{index}-stories\">{json}</script>\n"
    ));
}

/// Text in which nothing is markup; control characters become spaces.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
