//! Which crate may depend on which. The manifests are read as data, so that an arrow that is added
//! by accident fails here and not in a review.

use toml::{Table, Value};

/// The crates of the workspace, each with those that it may depend on.
const ARROWS: [(&str, &[&str]); 5] = [
    ("badlink", &["scenarios", "reports"]),
    ("scenarios", &["protocols", "sim-engine", "reports"]),
    ("protocols", &[]),
    ("sim-engine", &[]),
    ("reports", &[]),
];

/// Features of `reports` that pull in heavy libraries: only the root may switch them on.
const ROOT_FEATURES: [&str; 3] = ["draw", "parquet", "pcapng"];

const DEPENDENCY_TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

fn manifests() -> Vec<Table> {
    let texts = [
        include_str!("../Cargo.toml"),
        include_str!("../scenarios/Cargo.toml"),
        include_str!("../protocols/Cargo.toml"),
        include_str!("../sim-engine/Cargo.toml"),
        include_str!("../reports/Cargo.toml"),
    ];
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Everything in the manifests that the layout does not allow; the root manifest comes first.
fn violations(manifests: &[Table]) -> Vec<String> {
    let empty = Table::new();
    let shared = manifests[0]["workspace"]["dependencies"]
        .as_table()
        .unwrap_or(&empty);
    let mut found = Vec::new();
    for (alias, dependency) in shared {
        let package = package(alias, dependency, &empty);
        for feature in root_features(&package, dependency) {
            found.push(format!(
                "every user of {package} would get its feature {feature}"
            ));
        }
    }
    for manifest in manifests {
        let name = manifest["package"]["name"].as_str().unwrap();
        let allowed = ARROWS.iter().find(|(from, _)| *from == name).unwrap().1;
        for (table, alias, dependency) in dependencies(manifest) {
            let package = package(alias, dependency, shared);
            let inside = ARROWS.iter().any(|(to, _)| *to == package);
            if inside && !allowed.contains(&package.as_str()) {
                found.push(format!("{name} must not depend on {package} ({table})"));
            }
            if name != "badlink" {
                for feature in root_features(&package, dependency) {
                    found.push(format!("{name} must not switch on {package}/{feature}"));
                }
            }
        }
        if name != "badlink" && name != "reports" {
            found.extend(forwarded(manifest).map(|item| format!("{name} must not forward {item}")));
        }
    }
    found
}

/// The dependencies of a manifest, those for single targets included: table, key, value.
fn dependencies(manifest: &Table) -> Vec<(String, &str, &Value)> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets.into_iter().flatten();
    let targets = targets.filter_map(|(target, inner)| Some((target.as_str(), inner.as_table()?)));
    let mut all = Vec::new();
    for (place, tables) in std::iter::once(("", manifest)).chain(targets) {
        for table in DEPENDENCY_TABLES {
            let entries = tables
                .get(table)
                .and_then(Value::as_table)
                .into_iter()
                .flatten();
            all.extend(entries.map(|(key, value)| {
                (
                    format!("{table} {place}").trim_end().to_owned(),
                    key.as_str(),
                    value,
                )
            }));
        }
    }
    all
}

/// The crate behind a dependency, which may go by another name.
fn package(alias: &str, dependency: &Value, shared: &Table) -> String {
    let renamed = |value: &Value| {
        value
            .get("package")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let inherits = dependency.get("workspace").and_then(Value::as_bool) == Some(true);
    let inherited = shared.get(alias).filter(|_| inherits).and_then(renamed);
    renamed(dependency)
        .or(inherited)
        .unwrap_or_else(|| alias.to_owned())
}

/// The features of `reports` that this dependency switches on and only the root may.
fn root_features<'a>(package: &str, dependency: &'a Value) -> Vec<&'a str> {
    let features = dependency
        .get("features")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let features = features.filter_map(Value::as_str);
    features
        .filter(|feature| package == "reports" && ROOT_FEATURES.contains(feature))
        .collect()
}

/// Feature entries that would switch on a feature of `reports`.
fn forwarded(manifest: &Table) -> impl Iterator<Item = &str> {
    let features = manifest
        .get("features")
        .and_then(Value::as_table)
        .into_iter()
        .flatten();
    let entries = features.filter_map(|(_, list)| list.as_array()).flatten();
    let entries = entries.filter_map(Value::as_str);
    entries.filter(|entry| {
        let name = entry
            .strip_prefix("reports/")
            .or_else(|| entry.strip_prefix("reports?/"));
        name.is_some_and(|name| ROOT_FEATURES.contains(&name))
    })
}

/// The manifests with `key = value` put into a table of one of them.
fn doctored(name: &str, table: &str, entry: &str) -> Vec<Table> {
    let mut all = manifests();
    let manifest = all
        .iter_mut()
        .find(|m| m["package"]["name"].as_str() == Some(name))
        .unwrap();
    let (key, value) = entry.parse::<Table>().unwrap().into_iter().next().unwrap();
    let mut place = manifest;
    for part in table.split('/') {
        let next = place
            .entry(part)
            .or_insert_with(|| Value::Table(Table::new()));
        place = next.as_table_mut().unwrap();
    }
    place.insert(key, value);
    all
}

#[test]
fn no_crate_depends_on_one_it_must_not_know() {
    assert_eq!(violations(&manifests()), Vec::<String>::new());
}

#[test]
fn every_crate_of_the_workspace_is_under_the_rule() {
    let root = &manifests()[0];
    let members = root["workspace"]["members"].as_array().unwrap();
    let mut members: Vec<&str> = members.iter().filter_map(Value::as_str).collect();
    members.push("badlink");
    members.sort_unstable();
    let mut known: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(members, known);
}

#[test]
fn an_arrow_between_protocols_and_the_engine_is_found_wherever_it_hides() {
    let cases = [
        (
            "protocols",
            "dependencies",
            "sim-engine = { workspace = true }",
        ),
        (
            "protocols",
            "dev-dependencies",
            "sim-engine = { path = '../sim-engine' }",
        ),
        (
            "protocols",
            "build-dependencies",
            "sim-engine = { path = '../sim-engine' }",
        ),
        (
            "protocols",
            "dev-dependencies",
            "world = { path = '..', package = 'sim-engine' }",
        ),
        (
            "protocols",
            "target/cfg(unix)/dependencies",
            "sim-engine = { workspace = true }",
        ),
        (
            "sim-engine",
            "dependencies",
            "protocols = { workspace = true }",
        ),
        (
            "sim-engine",
            "dev-dependencies",
            "protocols = { workspace = true }",
        ),
        (
            "reports",
            "dev-dependencies",
            "scenarios = { workspace = true }",
        ),
        ("scenarios", "dependencies", "badlink = { path = '..' }"),
        (
            "badlink",
            "dependencies",
            "protocols = { workspace = true }",
        ),
        (
            "badlink",
            "dev-dependencies",
            "sim-engine = { workspace = true }",
        ),
    ];
    for (name, table, entry) in cases {
        let found = violations(&doctored(name, table, entry));
        assert_eq!(found.len(), 1, "{name} {table} {entry}: {found:?}");
        assert!(found[0].starts_with(name), "{found:?}");
    }
}

#[test]
fn an_arrow_behind_another_name_is_found() {
    let mut all = doctored("protocols", "dependencies", "world = { workspace = true }");
    let shared = all[0]["workspace"]["dependencies"].as_table_mut().unwrap();
    let renamed = "world = { path = 'sim-engine', package = 'sim-engine' }";
    shared.extend(renamed.parse::<Table>().unwrap());
    let expected = ["protocols must not depend on sim-engine (dependencies)"];
    assert_eq!(violations(&all), expected);
}

#[test]
fn drawing_is_switched_on_by_the_root_alone() {
    let cases = [
        (
            "scenarios",
            "dependencies",
            "reports = { workspace = true, features = ['draw'] }",
        ),
        (
            "scenarios",
            "dev-dependencies",
            "reports = { workspace = true, features = ['draw'] }",
        ),
        ("scenarios", "features", "pictures = ['reports/draw']"),
        (
            "badlink",
            "workspace/dependencies",
            "reports = { path = 'r', features = ['draw'] }",
        ),
    ];
    for (name, table, entry) in cases {
        let found = violations(&doctored(name, table, entry));
        assert_eq!(found.len(), 1, "{name} {table} {entry}: {found:?}");
    }
}
