//! The capture and the generated dissector against Wireshark itself: every message of every protocol
//! is decoded by name, field by field, and time never goes back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use reports::pcapng::{Capture, Carrier, Endpoint, Packet};
use reports::store::{ResultKey, Staging};
use scenarios::parameter::Values;
use scenarios::registry;
use scenarios::wire::{Layout, Width};

use crate::program::{Desk, Ran, column, json, ran};

/// Wireshark's command line, where it is installed.
#[allow(clippy::print_stderr, reason = "a test that is skipped must say so")]
fn tshark(capture: &Path, script: &Path, more: &[&str]) -> Option<Ran> {
    let known = Command::new("tshark")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !known.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: tshark is not installed (Debian: apt-get install tshark)");
        return None;
    }
    let mut command = Command::new("tshark");
    command
        .arg("-r")
        .arg(capture)
        .arg("-X")
        .arg(format!("lua_script:{}", script.display()))
        .args(more)
        .stdin(Stdio::null());
    Some(ran(&mut command))
}

/// A small world of a protocol in which many kinds of messages travel.
struct World {
    protocol: &'static str,
    nodes: &'static str,
    ends: (&'static str, &'static str),
    steps: &'static str,
    /// Messages that honest parties send here.
    messages: &'static [&'static str],
}

const WORLDS: [World; 5] = [
    World {
        protocol: "name = \"secure-vault\"\nparams = { challenge = 3 }",
        nodes: "device = { role = \"device\", count = 3 }\nserver = { role = \"server\" }",
        ends: ("device", "server"),
        steps: "[\"authenticate\", \"send-data\", \"finish\"]",
        messages: &["M1", "M2", "M3", "M4", "DATA_UP", "END"],
    },
    World {
        protocol: "name = \"vault-exchange\"\nparams = { key_bits = 256 }",
        nodes: "device = { role = \"device\", count = 3 }\nserver = { role = \"server\" }",
        ends: ("device", "server"),
        steps: "\"authenticate\"",
        messages: &["INDICES", "KEY"],
    },
    World {
        protocol: "name = \"ratchet\"\nparams = { clients = 3 }",
        nodes: "client = { role = \"client\", count = 3 }\nserver = { role = \"server\" }",
        ends: ("client", "server"),
        steps: "[\"authenticate\", \"send-data\", \"finish\"]",
        messages: &[
            "CLIENT_HELLO",
            "SERVER_CHALLENGE",
            "CLIENT_DATA",
            "SERVER_AGGR_RESPONSE",
            "TERMINATE",
            "CLOSE",
        ],
    },
    World {
        protocol: "name = \"multi-server\"",
        nodes: "centre = { role = \"rc\" }\nserver = { role = \"server\", count = 2 }\nuser = { role = \"user\", count = 3 }",
        ends: ("user", "server"),
        steps: "\"authenticate\"",
        messages: &["AUTH_REQ", "AUTH_REP"],
    },
    World {
        protocol: "name = \"rsa-udp\"\nparams = { rsa_bits = 1024 }",
        nodes: "sensor = { role = \"device\", count = 2 }\nphone = { role = \"client\", count = 2 }",
        ends: ("phone", "sensor"),
        steps: "[\"authenticate\", \"send-data\", \"finish\"]",
        messages: &["CONNECT", "PASS", "ENCRYPT", "SEALED"],
    },
];

fn scenario(world: &World) -> String {
    let backbone = if world.protocol.contains("multi-server") {
        "[links.backbone]\nbetween = [\"server\", \"centre\"]\ndelay = \"5ms\"\n"
    } else {
        ""
    };
    let nodes: String = world
        .nodes
        .lines()
        .map(|line| format!("nodes.{line}\n"))
        .collect();
    let (from, to) = world.ends;
    format!(
        "schema = 1\n{nodes}\n[run]\nduration = \"5min\"\nseed = 11\n[protocol]\n{}\n[links.access]\n\
         between = [\"{from}\", \"{to}\"]\ndelay = \"20ms\"\nloss = \"2%\"\n{backbone}\
         [workload.main]\nfrom = \"{from}\"\nto = \"{to}\"\ndo = {}\nevery = \"30s\"\n\
         [output]\ntraces = [\"messages\", \"pcapng\"]\n",
        world.protocol, world.steps
    )
}

/// The fields of each message as the layouts declare them, in the dissector's spelling.
fn declared(layouts: &serde_json::Value) -> BTreeMap<String, Vec<String>> {
    let spelled = |text: &str| -> String {
        let letter = |c: char| match c {
            '\'' => 'p',
            c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
            _ => '_',
        };
        text.chars().map(letter).collect()
    };
    let list = layouts.get("messages").unwrap_or(layouts);
    let of = |message: &serde_json::Value| {
        let name = message["name"].as_str().unwrap();
        let fields = message["fields"].as_array().unwrap().iter();
        let fields = fields.map(|field| {
            format!(
                "{}.{}",
                spelled(name),
                spelled(field["name"].as_str().unwrap())
            )
        });
        (name.to_owned(), fields.collect())
    };
    list.as_array().unwrap().iter().map(of).collect()
}

/// The packets as tshark sees them: name of the message, and the fields that have bytes.
fn decoded(text: &str, protocol: &str) -> Vec<(String, BTreeSet<String>)> {
    let packets: serde_json::Value = serde_json::from_str(text).unwrap();
    let short = protocol.replace('-', "_");
    let mut found = Vec::new();
    for packet in packets.as_array().unwrap() {
        let layers = packet["_source"]["layers"].as_object().unwrap();
        let mut names = Vec::new();
        let mut fields = BTreeSet::new();
        for (layer, tree) in layers {
            if layer.starts_with("badlink_") {
                assert_eq!(layer, &format!("badlink_{short}"));
                collect(tree, &short, &mut names, &mut fields);
            }
        }
        assert!(names.len() <= 1, "{names:?}");
        found.push((names.pop().unwrap_or_default(), fields));
    }
    found
}

fn collect(
    tree: &serde_json::Value,
    short: &str,
    names: &mut Vec<String>,
    fields: &mut BTreeSet<String>,
) {
    match tree {
        serde_json::Value::Object(entries) => {
            for (key, value) in entries {
                assert!(!key.ends_with(".malformed"), "{tree}");
                if let Some(field) = key.strip_prefix(&format!("{short}.")) {
                    if field == "message" {
                        names.push(value.as_str().unwrap().to_owned());
                    } else {
                        fields.insert(field.to_owned());
                    }
                }
                collect(value, short, names, fields);
            }
        }
        serde_json::Value::Array(list) => {
            for value in list {
                collect(value, short, names, fields);
            }
        }
        _ => {}
    }
}

#[test]
fn every_message_decodes_to_its_named_fields_and_time_never_goes_back() {
    for world in &WORLDS {
        let desk = Desk::with(&scenario(world));
        desk.run(&["run", "scenario.toml", "--out", "out", "--quiet"])
            .expect(0);
        let dissector = desk.run(&["dissector"]).expect(0).stdout;
        desk.write("badlink.lua", dissector);
        let (capture, script) = (desk.path("out/packets.pcapng"), desk.path("badlink.lua"));
        let times = ["-T", "fields", "-e", "frame.time_epoch"];
        let Some(times) = tshark(&capture, &script, &times) else {
            return;
        };
        let times = times.expect(0).stdout;
        let nanoseconds = |text: &str| -> u64 { text.replace('.', "").parse().unwrap() };
        let times: Vec<u64> = times.lines().map(nanoseconds).collect();
        assert!(times.windows(2).all(|pair| pair[0] <= pair[1]));

        let manifest = json(&desk.path("out/layouts.json"));
        let layouts = declared(&manifest);
        let json = tshark(&capture, &script, &["-T", "json", "--no-duplicate-keys"]);
        let text = json.unwrap().expect(0).stdout;
        let protocol = world.protocol.split('"').nth(1).unwrap();
        let packets = decoded(&text, protocol);
        // The same packets in the same order as the table of messages.
        let names = column(&desk.path("out/messages.csv"), "message");
        assert_eq!(packets.len(), names.len(), "{protocol}");
        let mut seen = BTreeSet::new();
        for ((found, fields), name) in packets.iter().zip(&names) {
            let Some(wanted) = layouts.get(name) else {
                // The transport's own packets.
                continue;
            };
            if found != name && protocol == "ratchet" {
                // Behind a segment that is missing from the capture, TCP holds back what follows.
                continue;
            }
            assert_eq!(found, name, "{protocol}");
            for field in wanted {
                let there = fields.iter().any(|it| it == field || it.starts_with(field));
                assert!(there, "{protocol} {name} lacks {field}: {fields:?}");
            }
            seen.insert(name.as_str());
        }
        for message in world.messages {
            assert!(
                seen.contains(message),
                "{protocol}: no {message} in {seen:?}"
            );
        }
    }
}

/// A frame that has the shape of a layout: its tag, counts of one, and the least of everything else.
fn specimen(layout: &Layout) -> Vec<u8> {
    let mut frame: Vec<u8> = Vec::new();
    let counted: Vec<usize> = layout
        .fields
        .iter()
        .filter_map(|field| match field.width {
            Width::Counted { field, .. } => Some(usize::from(field)),
            _ => None,
        })
        .collect();
    for (index, field) in layout.fields.iter().enumerate() {
        match field.width {
            Width::Fixed(width) => {
                let mut bytes = vec![0; width as usize];
                if counted.contains(&index) {
                    *bytes.last_mut().unwrap() = 1;
                }
                frame.extend(bytes);
            }
            Width::Counted { unit, .. } => frame.extend(vec![b'x'; unit as usize]),
            Width::Rest {
                min, multiple_of, ..
            } => {
                let unit = multiple_of.max(1);
                frame.extend(vec![b'x'; (min.max(1).div_ceil(unit) * unit) as usize]);
            }
        }
    }
    if let (Some(tag), Some(first)) = (layout.tag, frame.first_mut()) {
        *first = tag;
    }
    frame
}

#[test]
fn every_declared_message_of_every_variant_is_known_to_the_dissector() {
    let desk = Desk::new();
    let dissector = desk.run(&["dissector"]).expect(0).stdout;
    desk.write("badlink.lua", dissector);
    for protocol in registry::PROTOCOLS {
        let mut wanted = Vec::new();
        let place = desk.path(protocol.name());
        let key = ResultKey::new(String::from("specimens"));
        let staging = Staging::open(&place, &key, false).unwrap();
        let mut capture = Capture::open(&staging, "test").unwrap();
        capture.interface("link", "datagram").unwrap();
        for variant in protocol.variants() {
            let Ok(instance) = protocol.configure(variant.name, &Values::default()) else {
                continue;
            };
            if instance.streams() {
                // Their records are tested as segments, above.
                continue;
            }
            for (index, layout) in instance.layouts().iter().enumerate() {
                let frame = specimen(layout);
                if layout.tag.is_none() || instance.classify(&frame) != Some(index) {
                    // Text, which is shown as such.
                    continue;
                }
                let end = |host: u32| Endpoint {
                    address: 0x0A00_0000 + host,
                    port: instance.port(0),
                };
                capture
                    .packet(&Packet {
                        interface: 0,
                        at_ns: wanted.len() as u64,
                        up: true,
                        from: end(1),
                        to: end(2),
                        hops: 0,
                        carrier: Carrier::Datagram,
                        bytes: &frame,
                        comment: "",
                    })
                    .unwrap();
                wanted.push(layout.name);
            }
        }
        capture.finish().unwrap();
        let file = staging.path().join("packets.pcapng");
        let script = desk.path("badlink.lua");
        let Some(shown) = tshark(&file, &script, &["-T", "json", "--no-duplicate-keys"]) else {
            return;
        };
        let text = shown.expect(0).stdout;
        let found: Vec<String> = decoded(&text, protocol.name())
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(found, wanted, "{}", protocol.name());
    }
}
