//! Reading a protocol's parameters without a scenario: for commands that look at a protocol alone.
//!
//! Values pass the same reader as those of a scenario file, so units, ranges and messages are the
//! same; each stands in a pseudo file of its own.

use std::path::PathBuf;
use std::sync::Arc;

use protocols::parameter::Values;
use protocols::protocol::RoleSpec;

use super::section::{Reading, Section};
use crate::diagnostic::{Diagnostics, Problems, Source};
use crate::scenario::ProtocolChoice;
use crate::tree;

/// Reads a choice of protocol; `params` are pairs of parameter and value as in a scenario file (text
/// needs no quotes), `origin` names them in messages.
///
/// # Errors
///
/// An unknown protocol, variant or parameter, or a value that is refused.
pub fn read_protocol(
    name: &str,
    variant: Option<&str>,
    params: &[(String, String)],
    origin: &str,
) -> Result<ProtocolChoice, Diagnostics> {
    let mut text = format!("[protocol]\nname = {}\n", literal(name));
    if let Some(variant) = variant {
        text.push_str(&format!("variant = {}\n", literal(variant)));
    }
    let named = params
        .iter()
        .map(|(key, value)| (format!("protocol.params.{key}"), value.clone()));
    read(text, "protocol", named.collect(), origin, |cx, top| {
        cx.protocol(top)
    })
}

/// Reads parameters of a role, as [`read_protocol`] does those of a protocol.
///
/// # Errors
///
/// An unknown parameter, or a value that is refused.
pub fn read_role(
    role: &RoleSpec,
    params: &[(String, String)],
    origin: &str,
) -> Result<Values, Diagnostics> {
    let text = String::from("[params]\n");
    let named = params
        .iter()
        .map(|(key, value)| (format!("params.{key}"), value.clone()));
    read(text, "params", named.collect(), origin, |cx, top| {
        let section = top.section(cx, "params");
        Some(cx.parameters(section.as_ref(), role.params, &[]))
    })
}

/// A TOML string.
fn literal(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn read<T>(
    text: String,
    name: &str,
    overrides: Vec<(String, String)>,
    origin: &str,
    take: impl for<'t> FnOnce(&Reading<'t>, &Section<'t>) -> Option<T>,
) -> Result<T, Diagnostics> {
    let mut sources = vec![Source {
        name: name.to_owned(),
        text,
    }];
    sources.extend(overrides.iter().map(|(path, value)| Source {
        name: origin.to_owned(),
        text: format!("{path}={value}"),
    }));
    let sources: Arc<[Source]> = sources.into();
    let failed = |list| Diagnostics::new(Arc::clone(&sources), list);
    let mut root = tree::parse(0, &sources[0].text).map_err(failed)?;
    let mut refused = Vec::new();
    for (source, (path, value)) in (1..).zip(&overrides) {
        if let Err(diagnostic) = tree::apply(&mut root, source, path, value) {
            refused.push(diagnostic);
        }
    }
    if !refused.is_empty() {
        return Err(failed(refused));
    }
    let cx = Reading {
        sources: &sources,
        problems: Problems::default(),
        base: PathBuf::new(),
        assumptions: std::cell::RefCell::default(),
    };
    let read = cx.section("", &root).and_then(|top| take(&cx, &top));
    match read {
        Some(read) if cx.problems.count() == 0 => Ok(read),
        _ => Err(cx.problems.into_diagnostics(Arc::clone(&sources))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn parameters_are_read_as_in_a_scenario() {
        let params = given(&[
            ("keys", "16"),
            ("cipher_mode", "ctr"),
            ("reply_timeout", "2s"),
        ]);
        let choice = read_protocol("secure-vault", None, &params, "--set").unwrap();
        assert_eq!(choice.variant, "as-published");
        assert!(choice.instance.settings().contains(&("keys", "16".into())));
    }

    #[test]
    fn what_does_not_exist_is_refused_with_what_does() {
        let no_protocol = read_protocol("secure-valt", None, &[], "--set").unwrap_err();
        assert!(
            no_protocol
                .render(false)
                .contains("did you mean `secure-vault`?")
        );
        let no_variant = read_protocol("ratchet", Some("best"), &[], "--set").unwrap_err();
        assert!(no_variant.render(false).contains("`hardened`"));
        let no_key = read_protocol("ratchet", None, &given(&[("kdff", "x")]), "--set").unwrap_err();
        assert!(no_key.render(false).contains("did you mean `kdf`?"));
        let range = read_protocol("secure-vault", None, &given(&[("keys", "1")]), "--set");
        assert!(range.unwrap_err().render(false).contains("out of range"));
    }
}
