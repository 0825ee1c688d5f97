//! The scenarios that come with the program.

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct LibraryScenario {
    /// Its name.
    pub name: &'static str,
    /// The text of its file.
    pub text: &'static str,
}

/// Every scenario of the library, in the order of lists: the first one to run stands first.
pub const LIBRARY: &[LibraryScenario] = &[
    LibraryScenario {
        name: "first-look",
        text: include_str!("../library/first-look.toml"),
    },
    LibraryScenario {
        name: "reliable",
        text: include_str!("../library/reliable.toml"),
    },
    LibraryScenario {
        name: "last-message",
        text: include_str!("../library/last-message.toml"),
    },
];

/// The scenario of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static LibraryScenario> {
    LIBRARY.iter().find(|scenario| scenario.name == name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_scenario_is_read_without_a_message_and_bears_the_name_of_its_file() {
        for entry in LIBRARY {
            let name = format!("{}.toml", entry.name);
            let scenario = crate::read_text(&name, entry.text, &[]).unwrap();
            assert_eq!(scenario.name, entry.name);
        }
    }

    #[test]
    fn every_scenario_says_what_it_shows_and_what_to_look_at() {
        for entry in LIBRARY {
            let header: Vec<&str> = entry
                .text
                .lines()
                .take_while(|line| line.starts_with('#'))
                .collect();
            let header = header.join(" ");
            assert!(header.contains("What it shows:"), "{}", entry.name);
            assert!(header.contains("What to look at:"), "{}", entry.name);
        }
    }
}
