//! Link presets: named sets of link parameters with the source of every value.
//!
//! They are data (`data/presets.toml`), written as a scenario writes a link and read by the same
//! reader: a preset fills in the keys that a link leaves out.

use std::sync::OnceLock;

use crate::diagnostic::{Source, listed};
use crate::tree::{self, Node, Table, Value};

/// Number of the presets' text among the sources of a reading.
pub(crate) const SOURCE: usize = 1;

const TEXT: &str = include_str!("../data/presets.toml");

/// One preset.
#[derive(Debug)]
pub struct Preset {
    /// Its name in the scenario file.
    pub name: String,
    /// One line: what it stands for.
    pub summary: String,
    /// Where each value comes from, one line each.
    pub basis: Vec<String>,
    /// The link's keys.
    pub(crate) table: Table,
}

impl Preset {
    /// What a reader of the results must know about it, where `link` gives some keys itself.
    pub(crate) fn assumption(&self, link: &Table) -> String {
        let guessed = |key: &&str| {
            let mut lines = self.basis.iter();
            lines.any(|line| line.contains("engineering default") && line.contains(key))
        };
        let keys = self.table.entries.iter().map(|entry| entry.key.as_str());
        // A link that gives one direction of a value keeps the preset's other one.
        let kept = |key: &&str| match link.get(key).map(|node| &node.value) {
            None => true,
            Some(Value::Table(sides)) => sides.get("up").is_some() != sides.get("down").is_some(),
            Some(_) => false,
        };
        let keys = keys.filter(kept);
        format!(
            "preset `{}` ({}): engineering defaults, not measurements: {}; see `badlink list presets`",
            self.name,
            self.summary,
            listed(keys.filter(guessed)),
        )
    }
}

/// All presets.
#[derive(Debug)]
pub(crate) struct Presets {
    list: Vec<Preset>,
}

impl Presets {
    /// The preset of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&Preset> {
        self.list.iter().find(|preset| preset.name == name)
    }

    /// The names in the order of the file.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.list.iter().map(|preset| preset.name.as_str())
    }
}

/// All presets, for lists.
#[must_use]
pub fn all() -> &'static [Preset] {
    &presets().list
}

/// The text of the presets as a source that positions point into.
pub(crate) fn source() -> Source {
    Source {
        name: "presets.toml".to_owned(),
        text: TEXT.to_owned(),
    }
}

/// The presets that come with the program.
pub(crate) fn presets() -> &'static Presets {
    static PRESETS: OnceLock<Presets> = OnceLock::new();
    PRESETS.get_or_init(|| Presets {
        list: tree::parse(SOURCE, TEXT)
            .ok()
            .and_then(|root| read(&root))
            .expect("the embedded presets are well formed, as a test asserts"),
    })
}

fn read(root: &Node) -> Option<Vec<Preset>> {
    let Value::Table(table) = &root.value else {
        return None;
    };
    let text = |node: &Node| match &node.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    table
        .entries
        .iter()
        .map(|entry| {
            let Value::Table(preset) = &entry.node.value else {
                return None;
            };
            let Value::List(basis) = &preset.get("basis")?.value else {
                return None;
            };
            let Value::Table(link) = &preset.get("link")?.value else {
                return None;
            };
            Some(Preset {
                name: entry.key.clone(),
                summary: text(preset.get("summary")?)?,
                basis: basis.iter().map(text).collect::<Option<_>>()?,
                table: link.clone(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_access_network_is_there_and_makes_a_link() {
        let names = [
            "ethernet-lan",
            "wifi-home",
            "wifi-campus",
            "ble",
            "ieee802154",
            "lorawan-eu868-sf7",
            "lorawan-eu868-sf8",
            "lorawan-eu868-sf9",
            "lorawan-eu868-sf10",
            "lorawan-eu868-sf11",
            "lorawan-eu868-sf12",
            "sigfox",
            "nb-iot",
            "lte-m",
            "lte",
            "satellite-geo",
            "satellite-leo",
        ];
        assert_eq!(presets().names().collect::<Vec<_>>(), names);
        for name in names {
            let text = crate::starter("s").replace(
                "delay = \"lognormal(median=25ms, sigma=0.4)\"\nloss = \"1%\"",
                &format!("preset = \"{name}\""),
            );
            assert!(text.contains(name));
            let scenario = crate::read_text("s.toml", &text, &[])
                .unwrap_or_else(|error| panic!("{name}: {}", error.render(false)));
            let said = scenario.assumptions.iter().any(|line| line.contains(name));
            assert!(said, "{name}: its assumptions are not told");
        }
    }

    #[test]
    fn every_preset_names_the_basis_of_each_of_its_values() {
        for preset in all() {
            for key in preset.table.entries.iter().map(|entry| entry.key.as_str()) {
                let named = preset.basis.iter().any(|line| line.contains(key));
                assert!(named, "{}: no basis for {key}", preset.name);
            }
            let marks = [
                "published",
                "derived",
                "standard",
                "engineering default",
                "not modelled",
            ];
            for line in &preset.basis {
                let marked = marks.iter().any(|mark| line.contains(mark));
                assert!(marked, "{}: unmarked basis: {line}", preset.name);
            }
        }
    }
}
