//! What keeps some nodes together leaves the others to other parts, with the bytes of one thread.

use crate::program::{Desk, column, json};
use crate::threads_adversary::{compared, world};

/// Trouble of the `dirty` devices, and what it needs of their node group, their links, their workload.
const TROUBLE: [(&str, &str, &str, &str, &str); 10] = [
    (
        "cuts of links",
        "[faults.cut]\nprocess = \"exp(1min)\"\n\
         effect = { kind = \"link-down\", link = \"b\", for = \"exp(20s)\" }",
        "",
        "",
        "",
    ),
    (
        "a reboot after a message",
        "[faults.after]\nwhen = { message = \"M3\", nth = 3, node = \"dirty\", point = \"received\" }\n\
         effect = { kind = \"reboot\", downtime = \"uniform(1s, 20s)\" }",
        "",
        "",
        "",
    ),
    (
        "a cut after a message",
        "[faults.cut]\nwhen = { message = \"M1\", nth = 2, node = \"dirty[1]\", point = \"sent\" }\n\
         effect = { kind = \"link-down\", link = \"b\", for = \"40s\" }",
        "",
        "",
        "",
    ),
    (
        "a packet that takes another node down",
        "[faults.other]\nwhen = { packet = \"b[0]/up/dirty[0]/2\" }\ntarget = \"dirty[1]\"\n\
         effect = { kind = \"reboot\", downtime = \"30s\" }",
        "",
        "",
        "",
    ),
    (
        "a write that is torn",
        "[faults.torn]\nwhen = { write = 3, node = \"dirty\" }\n\
         effect = { kind = \"reboot\", downtime = \"5s\" }",
        "",
        "",
        "",
    ),
    (
        "batteries",
        "",
        "radio = { model = \"cc2420\", listen = true }\nbattery = \"5J\"",
        "",
        "",
    ),
    (
        "new provisioning",
        "",
        "",
        "loss = \"40%\"",
        "reprovision = { after = 2, time = \"20s\" }",
    ),
    (
        "a medium",
        "",
        "",
        "medium = { model = \"aloha\" }\nrate = \"250kbps\"",
        "",
    ),
    ("streams", "", "", "transport = \"stream\"", ""),
    ("exchanges", "", "", "transport = \"confirmable\"", ""),
];

fn troubled(number: u64, far: bool) -> (&'static str, String) {
    let (name, trouble, group, links, workload) = TROUBLE[number as usize % TROUBLE.len()];
    let text = world(number, far, 1, trouble, "secure-vault");
    let (before, after) = text.split_once("[links.b]\n").unwrap();
    let (own, rest) = after.split_once("[workload.a]").unwrap();
    let own = match links.starts_with("loss") {
        true => own
            .lines()
            .filter(|line| !line.starts_with("loss"))
            .collect::<Vec<_>>()
            .join("\n"),
        false => own.to_owned(),
    };
    let text = format!("{before}[links.b]\n{own}\n{links}\n[workload.a]{rest}")
        .replace("[nodes.dirty]\n", &format!("[nodes.dirty]\n{group}\n"))
        .replace("[workload.b]\n", &format!("[workload.b]\n{workload}\n"));
    (name, text)
}

#[test]
fn what_acts_on_several_nodes_at_once_stays_together_and_the_rest_is_shared() {
    let mut shared = 0;
    for number in 0..20 {
        let (name, scenario) = troubled(number, number >= 10);
        let desk = Desk::with(&scenario);
        for told in compared(&desk, &scenario) {
            assert!(!told.contains("starting again"), "{name}: {told}");
            shared += usize::from(told.contains("the busiest handled"));
        }
        if name.starts_with("a cut") || name == "cuts of links" {
            let faults = column(&desk.path("1/faults.csv"), "fault");
            let cuts = faults.iter().filter(|fault| *fault == "cut").count();
            assert!(cuts > 1, "{name}: {faults:?}");
        }
        let events = json(&desk.path("1/manifest.json"))["counts"]["events"].clone();
        let others = json(&desk.path("4/manifest.json"))["counts"]["events"].clone();
        assert_eq!(events, others, "{name}");
    }
    assert_eq!(shared, 40, "every world was shared");
}

/// Devices behind two relays of one server.
const BEHIND_RELAYS: &str = r#"
schema = 1

[scenario]
name = "behind-relays"

[run]
duration = "5min"
seed = 4

[protocol]
name = "secure-vault"

[nodes.device]
role = "device"
count = 12
profile = "cortex-m4-80mhz"

[nodes.gateway]
role = "relay"
count = 2
params = { processing = "shifted-exp(min=1ms, mean=1ms)", hop_limit = 8 }

[nodes.server]
role = "server"

[links.edge]
between = ["device", "gateway"]
delay = "uniform(5ms, 90ms)"
loss = "15%"

[links.backhaul]
between = ["gateway", "server"]
delay = "10ms"

[workload.talk]
from = "device"
to = "server"
do = "authenticate"
every = "20s"

[faults.off]
target = "gateway"
process = "exp(1min)"
effect = { kind = "reboot", downtime = "uniform(1s, 20s)" }

[output]
traces = ["sessions", "messages", "desync", "pcapng"]
steps = "all"
"#;

#[test]
fn relays_stand_between_the_devices_and_the_server() {
    let dropped = BEHIND_RELAYS.replace(
        "[output]",
        "[adversaries.eve]\non = \"backhaul\"\npowers = [\"drop\"]\n[[adversaries.eve.rules]]\n\
         id = \"d\"\nmatch = { direction = \"up\" }\naction = \"drop\"\nprobability = \"20%\"\n[output]",
    );
    for scenario in [BEHIND_RELAYS, &dropped] {
        let desk = Desk::with(scenario);
        for told in compared(&desk, scenario) {
            assert!(told.contains("threads that hear of one another"), "{told}");
        }
    }
}
