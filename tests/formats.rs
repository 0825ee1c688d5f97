//! Large tables in other formats: the same rows, and everything that reads them works.

use std::fs;

use crate::bad_input::GOOD;
use crate::program::Desk;

fn world() -> String {
    format!("{GOOD}\n[output]\ntraces = [\"sessions\", \"messages\"]\nsteps = \"all\"\n")
}

#[test]
fn compressed_tables_hold_the_same_rows_and_are_read_like_plain_ones() {
    let desk = Desk::with(&world());
    let plain = desk.result("plain", &[]);
    let other = desk.result("other", &["--set", "output.format=csv.zst"]);
    for table in ["sessions", "messages", "steps"] {
        let text = fs::read(plain.join(format!("{table}.csv"))).unwrap();
        let packed = fs::read(other.join(format!("{table}.csv.zst"))).unwrap();
        // The frame of zstd (RFC 8878), and far less of it.
        assert_eq!(packed[..4], [0x28, 0xB5, 0x2F, 0xFD], "{table}");
        assert!(packed.len() * 2 < text.len(), "{table}");
        assert!(!other.join(format!("{table}.csv")).exists());
    }
    // The run itself is the same.
    let fingerprint =
        |place: &str| crate::program::manifest(&desk.path(place))["fingerprint"].clone();
    assert_eq!(fingerprint("plain"), fingerprint("other"));
    for place in ["plain", "other"] {
        desk.run(&["report", place, "--quiet"]).expect(0);
    }
    for figure in ["outcomes.csv", "latency-cdf.csv", "sequence.csv"] {
        let read = |place: &str| {
            fs::read_to_string(desk.path(place).join("report/figures").join(figure)).unwrap()
        };
        assert_eq!(read("plain"), read("other"), "{figure}");
    }
    // The same run again is compared with what is there.
    let again = desk
        .run(&[
            "run",
            "scenario.toml",
            "--out",
            "other",
            "--set",
            "output.format=csv.zst",
        ])
        .expect(0);
    assert!(again.stdout.contains("identical"), "{}", again.stdout);
    // A file that was cut off is named.
    let sessions = other.join("sessions.csv.zst");
    let bytes = fs::read(&sessions).unwrap();
    fs::write(&sessions, &bytes[..bytes.len() - 3]).unwrap();
    let said = desk.run(&["report", "other"]).expect(2).stderr;
    assert!(said.contains("sessions.csv.zst"), "{said}");
}

#[test]
fn an_unknown_format_is_refused_with_those_that_exist() {
    let desk = Desk::with(&world());
    let call = ["check", "scenario.toml", "--set", "output.format=parket"];
    let said = desk.run(&call).expect(2).stderr;
    assert!(said.contains("did you mean `parquet`"), "{said}");
    if cfg!(not(feature = "parquet")) {
        let call = ["check", "scenario.toml", "--set", "output.format=parquet"];
        let said = desk.run(&call).expect(2).stderr;
        assert!(said.contains("--features parquet"), "{said}");
    }
}
