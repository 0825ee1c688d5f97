//! Ways over relays, as results show them.

use std::collections::BTreeMap;

use crate::program::Desk;

const TREE: &str = r#"
schema = 1

[run]
duration = "5min"
seed = 7

[protocol]
name = "secure-vault"

[nodes.device]
role = "device"
count = 6

[nodes.gateway]
role = "relay"
count = 6
params = { processing = "exp(2ms)" }

[nodes.spare]
role = "relay"

[nodes.server]
role = "server"

[links.access]
between = ["device", "gateway"]
delay = "10ms"
loss = "5%"

[links.backhaul]
between = ["gateway", "server"]
topology = "tree"
delay = "5ms"

[links.spare]
between = ["spare", "gateway"]
topology = { edges = [["spare", "gateway[0]"]] }

[workload.w]
from = "device"
to = "server"
do = "authenticate"
every = "30s"
deadline = "5s"

[output]
traces = ["sessions", "messages", "nodes", "pcapng"]
"#;

/// The rows of a table, as columns by name.
fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let cells = names.iter().map(|name| (*name).to_owned());
        cells.zip(line.split(',').map(str::to_owned)).collect()
    };
    lines.map(row).collect()
}

#[test]
fn every_hop_of_a_message_names_its_origin() {
    let desk = Desk::new();
    std::fs::write(desk.path("tree.toml"), TREE).unwrap();
    desk.run(&["run", "tree.toml", "--out", "out", "--quiet"])
        .expect(0);
    let table = std::fs::read_to_string(desk.path("out/messages.csv")).unwrap();
    let table = rows(&table);
    let first: BTreeMap<&str, _> = table
        .iter()
        .map(|row| (row["packet"].as_str(), row))
        .collect();
    let mut longest = 0;
    for row in &table {
        let hop: u32 = row["hop"].parse().unwrap();
        longest = longest.max(hop);
        assert_eq!(row["origin"].is_empty(), hop == 1);
        if let Some(origin) = first.get(row["origin"].as_str()) {
            for same in ["from", "to", "message", "session", "bytes"] {
                assert_eq!(row[same], origin[same], "{}", row["packet"]);
            }
            assert_eq!(
                (origin["hop"].as_str(), origin["fate"].as_str()),
                ("1", "delivered")
            );
        }
    }
    // Gateways 2 to 5 stand at the second level: three links to the server.
    assert_eq!(longest, 3);
    let nodes = std::fs::read_to_string(desk.path("out/nodes.csv")).unwrap();
    let nodes = rows(&nodes);
    let gateway = nodes
        .iter()
        .find(|row| row["node"] == "gateway[0]")
        .unwrap();
    assert_eq!(gateway["role"], "relay");
    assert!(gateway["arrivals"].parse::<u64>().unwrap() > 50);
    let summary = std::fs::read_to_string(desk.path("out/summary.json")).unwrap();
    for warning in [
        "warning: relays nodes.spare passed nothing on",
        "warning: links.spare carried nothing up",
    ] {
        assert!(summary.contains(warning), "{summary}");
    }
    desk.run(&["verify", "tree.toml"]).expect(0);
}

#[test]
fn who_is_cut_off_is_named_before_the_run() {
    let desk = Desk::new();
    let text = TREE.replace(
        "[\"gateway\", \"server\"]\ntopology = \"tree\"",
        "[\"spare\", \"server\"]",
    );
    let text = text.replace("gateway[0]", "gateway[4]");
    std::fs::write(desk.path("cut.toml"), text).unwrap();
    let ran = desk.run(&["check", "cut.toml"]).expect(2);
    assert!(
        ran.stderr.contains(
            "`device[0]`, `device[1]` and `device[2]` and 2 more cannot reach any node of `server`"
        ),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("cut.toml:"), "{}", ran.stderr);
}
