//! The short table that a run prints: plain text, aligned columns.
//!
//! The caller decides what is worth saying; this module only lays it out. No colour, no box drawing:
//! the text is as readable in a log file as on a terminal.

/// A group of lines under a heading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Heading; empty for none.
    pub title: String,
    /// Lines in order.
    pub lines: Vec<SummaryLine>,
}

/// A label, its value, and what qualifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryLine {
    /// What the value is.
    pub label: String,
    /// The value with its unit.
    pub value: String,
    /// Interval, count or warning; empty for none.
    pub note: String,
}

impl Section {
    /// A section without lines.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            lines: Vec::new(),
        }
    }

    /// Appends a line.
    pub fn push(
        &mut self,
        label: impl Into<String>,
        value: impl Into<String>,
        note: impl Into<String>,
    ) {
        let (label, value, note) = (label.into(), value.into(), note.into());
        self.lines.push(SummaryLine { label, value, note });
    }
}

/// Lays sections out as text: labels to the left, values to the right, notes after them.
///
/// Columns are as wide as their longest text over all sections, so that values stand under each
/// other. Sections without lines are left out; a blank line stands between sections. No line ends in
/// a space. Control characters become spaces, so that a name cannot break the table.
#[must_use]
pub fn render(sections: &[Section]) -> String {
    let lines = || sections.iter().flat_map(|section| &section.lines);
    let label_width = lines().map(|line| width(&line.label)).max().unwrap_or(0);
    let value_width = lines().map(|line| width(&line.value)).max().unwrap_or(0);
    let mut text = String::new();
    for section in sections.iter().filter(|section| !section.lines.is_empty()) {
        if !text.is_empty() {
            text.push('\n');
        }
        if !section.title.is_empty() {
            text.push_str(&clean(&section.title));
            text.push('\n');
        }
        for line in &section.lines {
            let label_gap = label_width - width(&line.label);
            let value_gap = value_width - width(&line.value);
            let full = format!(
                "  {}{}  {}{}  {}",
                clean(&line.label),
                " ".repeat(label_gap),
                " ".repeat(value_gap),
                clean(&line.value),
                clean(&line.note)
            );
            text.push_str(full.trim_end());
            text.push('\n');
        }
    }
    text
}

/// Columns a text takes; every character used here is one column wide.
fn width(text: &str) -> usize {
    text.chars().count()
}

fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_under_each_other_across_sections() {
        let mut sessions = Section::new("Sessions");
        sessions.push("attempts", "1 000", "");
        sessions.push("accepted", "98.2%", "95% interval 97.2% to 98.9%");
        let mut latency = Section::new("Latency");
        latency.push("95th percentile", "812 ms", "n = 982");
        let text = render(&[sessions, Section::new("Empty"), latency]);
        assert_eq!(
            text,
            "\
Sessions
  attempts          1 000
  accepted          98.2%  95% interval 97.2% to 98.9%

Latency
  95th percentile  812 ms  n = 982
"
        );
    }

    #[test]
    fn names_with_line_feeds_cannot_break_the_table() {
        let mut section = Section::new("");
        section.push("a\nb", "1", "\u{1b}[31m");
        assert_eq!(render(&[section]), "  a b  1   [31m\n");
    }
}
