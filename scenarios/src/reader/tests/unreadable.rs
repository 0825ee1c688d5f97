//! Files that are no text at all.

use std::fs;
use std::path::Path;

use super::says;

#[test]
fn a_missing_file_is_named_and_a_similar_one_proposed() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("scenario.toml"), "").unwrap();
    let missing = directory.path().join("scenaro.toml");
    says(
        crate::read(&missing, &[]),
        &[
            "scenaro.toml`: there is no such file",
            "did you mean",
            "scenario.toml",
        ],
    );
    says(
        crate::read(Path::new("/nowhere/x.toml"), &[]),
        &["there is no such file"],
    );
}

#[test]
fn a_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    says(
        crate::read(directory.path(), &[]),
        &["it is a directory", "name the scenario file itself"],
    );
}

#[test]
fn an_empty_file_is_refused() {
    for text in ["", "\n", "\u{feff} \n\t"] {
        says(
            crate::read_text("s.toml", text, &[]),
            &["`s.toml` is empty", "badlink new"],
        );
    }
}

#[test]
fn a_binary_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.toml");
    for bytes in [
        &b"schema = 1\0"[..],
        &[0xff, 0xfe, 0x41],
        b"a = \"\xc3\x28\"",
    ] {
        fs::write(&path, bytes).unwrap();
        says(crate::read(&path, &[]), &["it is no text", "UTF-8"]);
    }
}

#[test]
fn a_file_of_100_mb_is_refused_for_its_length() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.toml");
    fs::File::create(&path)
        .unwrap()
        .set_len(100_000_000)
        .unwrap();
    // Its length alone decides: reading and parsing 100 MB would take seconds.
    says(crate::read(&path, &[]), &["it is larger than 4 MiB"]);
}

#[test]
fn hostile_nesting_is_refused_without_exhausting_the_stack() {
    let deep = [
        format!("{}b = 1\n", "a.".repeat(200_000)),
        format!("[{}b]\n", "a.".repeat(200_000)),
        format!("x = {}\n", "[".repeat(200_000)),
        format!("x = {}\n", "{a=".repeat(200_000)),
    ];
    for text in &deep {
        says(
            crate::read_text("s.toml", text, &[]),
            &["nested too deeply"],
        );
    }
    let path = "a.".repeat(100_000) + "b";
    let overrides = [(path, "1".to_owned())];
    says(
        crate::read_text("s.toml", "schema = 1", &overrides),
        &["is no path of a value"],
    );
}
