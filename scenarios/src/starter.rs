//! The scenario that `badlink new` writes: small, complete, and commented for a first reader.

const TEMPLATE: &str = include_str!("../data/starter.toml");

/// The commented starter scenario for a scenario called `name`.
///
/// Characters that cannot stand in a scenario's name become `-`.
#[must_use]
pub fn starter(name: &str) -> String {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name
        .chars()
        .take(100)
        .map(|c| if good(c) { c } else { '-' })
        .collect();
    let name = name.trim_start_matches('.');
    let name = if name.is_empty() { "scenario" } else { name };
    TEMPLATE.replace("@NAME@", name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_starter_is_read_without_a_message_under_any_name() {
        for (given, name) in [
            ("my-first", "my-first"),
            ("dir/a \"b\"", "dir-a--b-"),
            ("..", "scenario"),
            ("", "scenario"),
        ] {
            let scenario = crate::read_text("s.toml", &starter(given), &[]).unwrap();
            assert_eq!(scenario.name, name);
        }
    }

    #[test]
    fn what_the_starter_proposes_in_comments_is_right_too() {
        // A comment that is a line of the format stands as `#: line`.
        let text = starter("s").replace("#: ", "");
        assert_ne!(text, starter("s"));
        crate::read_text("s.toml", &text, &[]).unwrap();
    }
}
