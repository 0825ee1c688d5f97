//! Time on the air and what ends nodes: every frame, fragment, repetition and acknowledgement counts.

#![allow(clippy::unwrap_used)]

use super::Account;
use crate::build::build;
use crate::host::tables::NoTables;
use crate::run::{Finished, Unwatched, drive};

const MS: u64 = 1_000_000;

/// One packet of `bytes` from a source to a sink, both with a radio.
fn one_packet(bytes: u32, link: &str) -> Finished<NoTables> {
    run(&format!(
        r#"
schema = 1
[run]
duration = "1h"
seed = 1
[protocol]
name = "traffic"
[nodes.source]
role = "source"
params = {{ size = "{bytes}B" }}
radio = "cc2420"
[nodes.sink]
role = "sink"
radio = "cc2420"
[links.air]
between = ["source", "sink"]
{link}
[workload.load]
from = "source"
to = "sink"
do = "send"
"#
    ))
}

fn run(text: &str) -> Finished<NoTables> {
    let scenario = crate::read_text("test.toml", text, &[]).unwrap_or_else(|e| panic!("{e}"));
    let built = build(&scenario).unwrap();
    drive(&scenario, built, &mut NoTables, &mut Unwatched, |_| {}).unwrap()
}

/// Sending and receiving of source and sink, ns.
fn air(finished: &Finished<NoTables>) -> [(u64, u64); 2] {
    let energy = finished.world.energy.as_ref().unwrap();
    [0, 1].map(|node| {
        let Account { tx_ns, rx_ns, .. } = energy.account(node);
        (tx_ns, rx_ns)
    })
}

/// 100 bytes at 100 kbit/s are 8 ms.
#[test]
fn every_repetition_is_sent_and_every_acknowledgement_too() {
    let link = |loss: u32, ack_loss: u32| {
        format!(
            "rate = \"100kbps\"\nloss = {loss}\narq = {{ retries = 3, timeout = \"5ms\", \
             ack_time = \"2ms\", ack_loss = {ack_loss} }}"
        )
    };
    let good = one_packet(100, &link(0, 0));
    assert_eq!(air(&good), [(8 * MS, 2 * MS), (2 * MS, 8 * MS)]);
    let lost = one_packet(100, &link(1, 0));
    assert_eq!(air(&lost), [(32 * MS, 0), (0, 0)]);
    // The receiver gets all four and answers each; no answer comes through.
    let unheard = one_packet(100, &link(0, 1));
    assert_eq!(air(&unheard), [(32 * MS, 0), (8 * MS, 32 * MS)]);
    let energy = unheard
        .world
        .spent(0, sim_engine::SimTime(unheard.ended_ns));
    let base = 3_000 * unheard.ended_ns / 1_000_000_000;
    let more = (17_400_000 - 1_000) * 3 * 32 / 1_000;
    assert!(energy.radio_nj.abs_diff(base + more) <= 2, "{energy:?}");
}

/// A copy that the link makes is received too, and so are those that an adversary makes.
#[test]
fn copies_are_received() {
    let twice = one_packet(100, "rate = \"100kbps\"\nduplicate = 1");
    assert_eq!(air(&twice), [(8 * MS, 0), (0, 16 * MS)]);
    let more = "rate = \"100kbps\"\n[adversaries.echo]\non = \"air\"\npowers = [\"duplicate\"]\n\
                [[adversaries.echo.rules]]\nid = \"again\"\naction = \"duplicate\"\ncopies = 2";
    assert_eq!(air(&one_packet(100, more)), [(8 * MS, 0), (0, 24 * MS)]);
}

/// 1280 bytes in frames of 102: 14 frames with 4 and 13 times 5 bytes of headers, 32 us a byte.
#[test]
fn fragments_are_sent_with_their_headers() {
    let finished = one_packet(
        1280,
        "rate = \"250kbps\"\nmtu = \"102B\"\nfragmentation = \"6lowpan\"",
    );
    let whole = (1280 + 4 + 13 * 5) * 32_000;
    assert_eq!(air(&finished), [(whole, 0), (0, whole)]);
}

#[test]
fn a_shared_medium_gives_the_time_on_the_air() {
    let lora = one_packet(51, "medium = { model = \"lora\", sf = 12 }");
    let time = 2_465_792_000;
    assert_eq!(air(&lora), [(time, 0), (0, time)]);
    // 64 bytes at 250 kbit/s; one assessment of 128 us before, an acknowledgement of 352 us behind.
    let csma = one_packet(64, "medium = { model = \"ieee802154\" }");
    let frame = 64 * 32_000;
    assert_eq!(air(&csma), [(frame, 128_000 + 352_000), (352_000, frame)]);
}

/// A frame of 8 ms at 52.2 mW takes 417.6 uJ, a packet two of them; two packets leave 30 uJ, and the
/// third is the last.
#[test]
fn a_battery_ends_with_the_frame_that_uses_the_rest() {
    let text = r#"
schema = 1
[run]
duration = "1h"
seed = 1
[protocol]
name = "traffic"
[nodes.source]
role = "source"
params = { size = "100B" }
radio = "cc2420"
battery = "1.7mJ"
[nodes.sink]
role = "sink"
[links.air]
between = ["source", "sink"]
rate = "100kbps"
loss = 1
arq = { retries = 1 }
[workload.load]
from = "source"
to = "sink"
do = "send"
every = "1s"
"#;
    let finished = run(text);
    let energy = finished.world.energy.as_ref().unwrap();
    assert_eq!(energy.deaths[0].0, 1);
    assert_eq!(energy.account(0).tx_ns, 6 * 8 * MS);
    // Without a radio nothing is written down.
    assert_eq!(
        energy.account(1),
        Account {
            on_since_ns: Some(0),
            ..Account::default()
        }
    );
}
