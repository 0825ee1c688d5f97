//! Device profiles with factors of their own.

use super::{changed, overridden, says};

/// `profile` in the place of what the group `device` has.
fn with_profile(profile: &str) -> Result<crate::Scenario, crate::Diagnostics> {
    changed(
        "count = 10\n",
        &format!("count = 10\nprofile = {profile}\n"),
    )
}

#[test]
fn factors_are_read_told_and_part_of_the_identity() {
    let plain = with_profile("\"esp32-240mhz\"").unwrap();
    let table =
        with_profile("{ name = \"esp32-240mhz\", k_symmetric = 1, k_public = 1.0 }").unwrap();
    assert_eq!(plain.canonical, table.canonical);
    let slow = with_profile("{ name = \"esp32-240mhz\", k_symmetric = 1.5 }").unwrap();
    assert_ne!(plain.canonical, slow.canonical);
    let told = |line: &String| line.contains("here taken 1.5 (symmetric) and 1 (public key)");
    assert!(slow.assumptions.iter().any(told));
    // The costs without a publication are named, not only counted.
    let guessed = |line: &String| line.contains("engineering defaults (sha1, sha512, ");
    assert!(
        slow.assumptions.iter().any(guessed),
        "{:?}",
        slow.assumptions
    );
}

#[test]
fn a_factor_out_of_range_and_a_table_without_a_name_are_refused() {
    says(
        with_profile("{ name = \"esp32-240mhz\", k_public = 0 }"),
        &["out of range", "0.001"],
    );
    says(with_profile("{ k_public = 2 }"), &["profile", "name"]);
    says(
        with_profile("{ name = \"esp32-240mhz\", k = 2 }"),
        &["there is no key `k`", "k_symmetric"],
    );
    says(
        with_profile("{ name = \"esp32\" }"),
        &[
            "there is no profile `esp32`",
            "did you mean `esp32-240mhz`?",
        ],
    );
    says(
        overridden("nodes.server.profile", "7"),
        &["a string is wanted here"],
    );
}
