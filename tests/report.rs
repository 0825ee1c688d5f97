//! `badlink report`: one page from stored results, safe to open and the same everywhere.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};

use crate::determinism::BUSY;
use crate::program::{Desk, data_files, differing_files, ran};

/// A scenario whose texts try to be markup.
fn hostile() -> String {
    BUSY.replace(
        "description = \"something of everything\"",
        "description = \"</script></style><img src=x onerror=alert(1)>\"",
    )
    .replace("[adversaries.mitm", "[adversaries.evil")
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text.find(from).unwrap_or_else(|| panic!("no {from}")) + from.len();
    let end = text[start..].find(to).unwrap_or_else(|| panic!("no {to}"));
    &text[start..start + end]
}

fn base64(bytes: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let coded: String = bits
        .as_bytes()
        .chunks(6)
        .map(|six| {
            let six = format!("{:0<6}", String::from_utf8_lossy(six));
            char::from(alphabet[usize::from_str_radix(&six, 2).unwrap()])
        })
        .collect();
    format!("{coded:=<44}")
}

#[test]
fn a_report_has_every_part_and_is_the_same_twice() {
    let desk = Desk::with(BUSY);
    let result = desk.result(
        "out",
        &["--set", "run.duration=20min", "--set", "output.figures=[]"],
    );
    desk.run(&["report", "out", "--quiet"]).expect(0);
    desk.run(&["report", "out", "--out", "again", "--quiet"])
        .expect(0);
    assert_eq!(
        differing_files(&result.join("report"), &desk.path("again/report")),
        [""; 0]
    );
    let files: Vec<String> = data_files(&result.join("report"))
        .keys()
        .map(|path| path.display().to_string())
        .collect();
    for file in [
        "report.html",
        "methods.txt",
        "figures/sequence.svg",
        "figures/survival.png",
        "figures/costs.csv",
        "tables/metrics.md",
        "tables/metrics.tex",
        "tables/computation.csv",
        "tables/communication.tex",
        "tables/adversaries.md",
    ] {
        assert!(
            files.contains(&file.to_owned()),
            "{file} is not among {files:?}"
        );
    }
    let tex = fs::read_to_string(result.join("report/tables/metrics.tex")).unwrap();
    for part in [
        "\\toprule",
        "\\bottomrule",
        "success\\_rate",
        "Clopper-Pearson",
    ] {
        assert!(tex.contains(part), "{part}");
    }
    let page = fs::read_to_string(result.join("report/report.html")).unwrap();
    for part in [
        "What was asked",
        "What came out",
        "What surprised",
        "Methods, ready to be pasted",
        "How to reproduce it",
        "badlink run scenario.toml",
        "The scenario as it ran",
        "something of everything",
        "<figcaption>",
        "Data of this figure",
        "lang=\"en\"",
        "prefers-color-scheme: dark",
        "@media print",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // The result itself is untouched: the same run again is still identical.
    let again = desk
        .run(&[
            "run",
            "scenario.toml",
            "--out",
            "out",
            "--set",
            "run.duration=20min",
            "--set",
            "output.figures=[]",
        ])
        .expect(0);
    assert!(again.stdout.contains("identical"), "{}", again.stdout);
}

#[test]
fn the_page_asks_for_nothing_and_lets_only_its_own_script_run() {
    let desk = Desk::with(&hostile());
    let result = desk.result("out", &["--set", "run.duration=20min"]);
    desk.run(&["report", "out", "--quiet"]).expect(0);
    let page = fs::read_to_string(result.join("report/report.html")).unwrap();
    assert!(page.len() < 5_000_000, "{}", page.len());
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\"");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for (open, close, rule) in [
        ("<script>", "</script>", "script-src"),
        ("<style>", "</style>", "style-src"),
    ] {
        assert_eq!(page.matches(open).count(), 1, "{open}");
        let hash = base64(&Sha256::digest(between(&page, open, close)));
        assert!(
            policy.contains(&format!("{rule} 'sha256-{hash}'")),
            "{rule} {hash}: {policy}"
        );
    }
    assert!(!page.contains("<img") && !page.contains(" style="));
    assert!(page.contains("&lt;/script&gt;&lt;/style&gt;&lt;img src=x onerror=alert(1)&gt;"));
    let bare = page.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http://", "https://", "src=\"", "@import", "url("] {
        assert!(!bare.contains(outside), "{outside}");
    }
    let stories = between(&page, "id=\"r0-stories\">", "</script>");
    assert!(!stories.contains('<'));
    let stories: serde_json::Value = serde_json::from_str(stories).unwrap();
    let sessions = stories["sessions"].as_array().unwrap();
    assert!(!sessions.is_empty());
    // Those that tell most come first.
    assert_eq!(sessions[0]["attacked"], true);
    assert_ne!(sessions[0]["outcome"], "accepted");
}

/// Debian's browser, where it is installed.
fn browser() -> Option<&'static str> {
    [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
    ]
    .into_iter()
    .find(|path| Path::new(path).exists())
}

#[test]
fn the_page_loads_in_a_browser_and_the_player_has_started() {
    let Some(browser) = browser() else {
        println!("no browser here: not tested");
        return;
    };
    let desk = Desk::with(BUSY);
    let result = desk.result("out", &["--set", "run.duration=20min"]);
    desk.run(&["report", "out", "--quiet"]).expect(0);
    let page = format!("file://{}", result.join("report/report.html").display());
    let profile = format!("--user-data-dir={}", desk.path("profile").display());
    let shot = format!("--screenshot={}", desk.path("page.png").display());
    let base = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        &profile,
    ];
    let mut dump = Command::new(browser);
    dump.args(base)
        .args(["--dump-dom", &page])
        .stdin(Stdio::null());
    let dumped = ran(&mut dump).expect(0);
    assert!(
        dumped.stdout.contains("step 1 of "),
        "the player did not start"
    );
    assert!(
        dumped.stdout.contains("Message sequence chart of session"),
        "no chart"
    );
    for line in dumped.stderr.lines() {
        assert!(!line.contains("CONSOLE"), "{line}");
    }
    let mut picture = Command::new(browser);
    picture.args(base).args([&shot, &page]).stdin(Stdio::null());
    ran(&mut picture).expect(0);
    assert!(fs::metadata(desk.path("page.png")).unwrap().len() > 10_000);
}

#[test]
fn a_folder_of_results_gives_one_page_and_damage_gives_none() {
    let desk = Desk::with(BUSY);
    desk.result("all/one", &["--set", "run.duration=5min"]);
    desk.result("all/two", &["--set", "run.duration=5min", "--seed", "8"]);
    desk.run(&["report", "all", "--quiet"]).expect(0);
    let page = fs::read_to_string(desk.path("all/report/report.html")).unwrap();
    for part in ["Report of 2 results", "href=\"#r1\"", "id=\"r1-figures\""] {
        assert!(page.contains(part), "{part}");
    }
    assert!(desk.path("all/report/figures/two/outcomes.svg").exists());
    let nodes = desk.path("all/two/nodes.csv");
    let text = fs::read_to_string(&nodes).unwrap();
    fs::write(&nodes, &text[..text.len() - 5]).unwrap();
    fs::remove_dir_all(desk.path("all/report")).unwrap();
    let said = desk.run(&["report", "all"]).expect(2).stderr;
    assert!(
        said.contains("nodes.csv is damaged") && said.contains("is cut off"),
        "{said}"
    );
    assert!(!desk.path("all/report").exists());
    let said = desk.run(&["report", "nowhere"]).expect(2).stderr;
    assert!(said.contains("nowhere"), "{said}");
}
