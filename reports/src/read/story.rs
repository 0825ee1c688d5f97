//! Stories of sessions: the rows of `steps.csv`, by session.

use std::collections::BTreeMap;
use std::path::Path;

use super::Reader;
use crate::rows::{StepKind, Steps};
use crate::store::StoreError;
use crate::table::Table as _;

/// One step of a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryStep {
    /// When, in ns.
    pub t_ns: u64,
    /// Node or adversary.
    pub node: String,
    /// What it was.
    pub kind: StepKind,
    /// Wire name; may be empty.
    pub message: String,
    /// A JSON object, as stored.
    pub detail: String,
}

impl StoryStep {
    /// The text under `name` in the detail; empty where there is none.
    #[must_use]
    pub fn word(&self, name: &str) -> String {
        let value: serde_json::Value = serde_json::from_str(&self.detail).unwrap_or_default();
        match value.get(name) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(serde_json::Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        }
    }

    /// The members of the detail as (name, value), in the order of the file, nested values as JSON.
    #[must_use]
    pub fn members(&self) -> Vec<(String, String)> {
        members(&self.detail)
    }
}

/// What happened in one session, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// Name of the session.
    pub session: String,
    /// Its steps.
    pub steps: Vec<StoryStep>,
}

/// Reads the stories in `directory`, in the order of the file; `wanted` says which, by name. Reading
/// stops after `max` stories.
///
/// # Errors
/// `Io` or `Damaged`, with file and line.
pub fn stories(
    directory: &Path,
    wanted: &dyn Fn(&str) -> bool,
    max: usize,
) -> Result<Vec<Story>, StoreError> {
    let mut reader = Reader::open(&directory.join(Steps::SCHEMA.file))?;
    let mut stories: Vec<Story> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    while reader.advance()? {
        let session = reader.text("session")?.to_owned();
        let place = match places.get(&session) {
            Some(place) => *place,
            None if stories.len() < max && wanted(&session) => {
                places.insert(session.clone(), stories.len());
                stories.push(Story {
                    session,
                    steps: Vec::new(),
                });
                stories.len() - 1
            }
            None => continue,
        };
        let detail = reader.text("detail")?;
        if !detail.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(detail).is_err() {
            return Err(reader.bad_cell("detail", detail));
        }
        stories[place].steps.push(StoryStep {
            t_ns: reader.value("t_ns")?,
            node: reader.text("node")?.to_owned(),
            kind: reader.word("kind", StepKind::from_word)?,
            message: reader.text("message")?.to_owned(),
            detail: detail.to_owned(),
        });
    }
    Ok(stories)
}

/// The members of a JSON object in their order, without an ordered map: only the top level is taken
/// apart.
fn members(text: &str) -> Vec<(String, String)> {
    struct Members(Vec<(String, String)>);
    impl<'de> serde::de::Visitor<'de> for Members {
        type Value = Self;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
            while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
                let text = match value {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                };
                self.0.push((name, text));
            }
            Ok(self)
        }
    }
    let mut json = serde_json::Deserializer::from_str(text);
    serde::Deserializer::deserialize_map(&mut json, Members(Vec::new()))
        .map_or_else(|_| Vec::new(), |members| members.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_the_order_of_the_file() {
        let members = members(r#"{"tag":1,"b":"x","a":[1,2],"@to":"s"}"#);
        let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["tag", "b", "a", "@to"]);
        assert_eq!(members[2].1, "[1,2]");
    }
}
