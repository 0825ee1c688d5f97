//! Ways over relays, end to end.

#![allow(clippy::unwrap_used)]

use reports::statistics::proportion::clopper_pearson;
use sim_engine::{Fate, PacketEnd, Recorder};

use crate::build::build;
use crate::host::attempt::Outcome;
use crate::host::tables::{Header, Journey, NoTables, SessionEnd, StrayAcceptance, Tables};
use crate::oracle::Episode;
use crate::run::{Finished, Unwatched, drive};

const MS: u64 = 1_000_000;

/// What a run told about packets and attempts.
#[derive(Debug, Default)]
struct Told {
    /// Link, sender, fate, bytes, what lay behind it, when it was sent.
    packets: Vec<(u32, u32, Fate, Vec<u8>, Journey, u64)>,
    sessions: Vec<(u64, Outcome, Option<u64>, u32)>,
}

impl Recorder<Header> for Told {
    const ON: bool = true;

    fn packet(&mut self, end: &PacketEnd<'_, Header>) {
        let (meta, bytes) = (end.meta, end.bytes.to_vec());
        let journey = end.header.journey;
        let packet = (
            meta.link.0,
            meta.sender,
            end.fate,
            bytes,
            journey,
            meta.sent.0,
        );
        self.packets.push(packet);
    }
}

impl Tables for Told {
    fn session(&mut self, end: &SessionEnd<'_>) {
        let attempt = end.attempt;
        let told = (
            end.ended_ns,
            end.outcome,
            attempt.latency_ns(),
            attempt.messages,
        );
        self.sessions.push(told);
    }
    fn stray_acceptance(&mut self, _stray: &StrayAcceptance) {}
    fn desync(&mut self, _relation: usize, _episode: &Episode) {}
    fn continuation_begins(&mut self) {}
}

fn run_into<T: Tables>(text: &str, tables: &mut T) -> Finished<T> {
    let scenario =
        crate::read_text("test.toml", text, &[]).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let built = build(&scenario).unwrap_or_else(|e| panic!("{}", e.render(false)));
    drive(&scenario, built, tables, &mut Unwatched, |_| {}).unwrap()
}

fn run(text: &str) -> (Finished<Told>, Told) {
    let mut told = Told::default();
    let finished = run_into(text, &mut told);
    (finished, told)
}

/// One device, a line of three relays (gateway[2] next to it, gateway[0] next to the server).
fn line(duration: &str, links: &str, more: &str) -> String {
    format!(
        r#"
schema = 1
[run]
duration = "{duration}"
seed = 20260101
[protocol]
name = "secure-vault"
params = {{ keys = 8, challenge = 3 }}
[nodes.device]
role = "device"
[nodes.gateway]
role = "relay"
count = 3
params = {{ processing = "1ms" }}
[nodes.server]
role = "server"
[links.access]
between = ["device", "gateway"]
topology = {{ edges = [["device", "gateway[2]"]] }}
delay = "20ms"
{links}
[links.line]
between = ["gateway", "server"]
topology = {{ tree = 1 }}
delay = "5ms"
{links}
[workload.w]
from = "device"
to = "server"
do = "authenticate"
every = "1min"
deadline = "10s"
{more}
"#
    )
}

#[test]
fn a_message_crosses_every_link_with_its_name_and_its_time() {
    let (finished, told) = run(&line("30s", "", ""));
    let (_, outcome, latency, messages) = told.sessions[0];
    assert_eq!((outcome, messages), (Outcome::Accepted, 4));
    // Four messages over four links and three relays each: 20 + 3 x 5 + 3 x 1 ms.
    assert_eq!(latency, Some(4 * 38 * MS));
    assert_eq!(told.packets.len(), 16);
    let first: Vec<_> = told.packets.iter().take(4).collect();
    for (number, packet) in (0..).zip(&first) {
        let (_, _, fate, bytes, journey, sent) = packet;
        assert_eq!((*fate, bytes), (Fate::Delivered, &first[0].3));
        assert_eq!(u32::from(journey.links), number);
        assert_eq!(*sent, [0, 21, 27, 33][number as usize] * MS);
        if number > 0 {
            let (link, sender) = (journey.link, journey.sender);
            assert_eq!(
                (link, sender, journey.number, journey.down),
                (0, 0, 0, false)
            );
        }
    }
    // Device 0, server 1, gateways from 2 on; their links 1 (to the server) to 3.
    let ways: Vec<_> = first.iter().map(|packet| (packet.0, packet.1)).collect();
    assert_eq!(ways, [(0, 0), (3, 4), (2, 3), (1, 2)]);
    assert_eq!(finished.world.relays.as_ref().unwrap().passed_on, [12]);
    assert_eq!(finished.tally.unroutable, 0);
}

#[test]
fn losses_of_the_links_multiply() {
    let text = line("2000min", "loss = \"10%\"", "");
    let text = text.replace(
        "do = \"authenticate\"",
        "do = \"authenticate\"\nretry = { after = \"20s\" }",
    );
    let (_, told) = run(&text);
    let first = told
        .packets
        .iter()
        .filter(|packet| packet.4.links == 0 && packet.1 == 0);
    let sent = first.count() as u64;
    let last = told
        .packets
        .iter()
        .filter(|packet| packet.0 == 1 && packet.1 == 2);
    let arrived = last.filter(|packet| packet.2 == Fate::Delivered).count() as u64;
    let exact = 0.9f64.powi(4);
    let interval = clopper_pearson(arrived, sent, 0.999).unwrap();
    assert!(sent > 2_000, "{sent}");
    assert!(
        interval.low < exact && exact < interval.high,
        "{arrived} of {sent}"
    );
}

#[test]
fn a_relay_without_power_passes_nothing_on_until_it_is_back() {
    let fault = r#"
[faults.cut]
target = "gateway[1]"
at = "150s"
effect = { kind = "reboot", downtime = "1min" }
"#;
    let (finished, told) = run(&line("5min", "", fault));
    let outcomes: Vec<_> = told.sessions.iter().map(|session| session.1).collect();
    let (good, bad) = (Outcome::Accepted, Outcome::Timeout);
    assert_eq!(outcomes, [good, good, good, bad, good]);
    let down = told
        .packets
        .iter()
        .filter(|packet| packet.2 == Fate::NodeDown);
    // The device sends its first message again before it gives up.
    let down: Vec<_> = down.map(|packet| packet.0).collect();
    assert!(
        !down.is_empty() && down.iter().all(|link| *link == 3),
        "{down:?}"
    );
    let relation = &finished.world.relations[0].oracle;
    assert!(
        relation.closed().is_empty(),
        "what was on its way holds nobody for ever"
    );
}

#[test]
fn a_fault_counts_what_a_relay_gets() {
    let fault = r#"
[faults.cut]
target = "gateway[1]"
when = { message = "M4", nth = 2, point = "received" }
effect = { kind = "reboot", downtime = "1s" }
"#;
    let (_, told) = run(&line("5min", "", fault));
    // The second M4 dies inside the relay: accepted by the server only, and out of step from then on.
    let accepted = told
        .sessions
        .iter()
        .take_while(|it| it.1 == Outcome::Accepted);
    assert_eq!(accepted.count(), 1);
    assert_eq!(told.sessions[1].1, Outcome::HalfOpen);
}

#[test]
fn an_adversary_on_a_hop_sees_and_stops_what_passes_there() {
    let rule = |powers: &str, action: &str| {
        format!(
            "[adversaries.eve]\non = \"line\"\npowers = [{powers}]\n[[adversaries.eve.rules]]\nid = \"r\"\n\
             match = {{ message = \"M4\", direction = \"down\" }}\n{action}\n"
        )
    };
    let honest = run_into(&line("5min", "", ""), &mut NoTables);
    let text = line(
        "5min",
        "",
        &rule(
            "\"observe\", \"drop\"",
            "action = \"drop\"\nprobability = 0",
        ),
    );
    let passive = run_into(&text, &mut NoTables);
    assert_eq!(honest.fingerprint, passive.fingerprint);
    let counts = passive.world.taps.all()[0].counts[0];
    // Five M4, each on three links of the line.
    assert_eq!((counts.matches, counts.actions), (15, 0));
    let (_, told) = run(&line("5min", "", &rule("\"drop\"", "action = \"drop\"")));
    let fates = told
        .packets
        .iter()
        .filter(|packet| packet.2 == Fate::AdversaryDrop);
    // It never gets past the first of them.
    assert!(fates.clone().count() > 0 && fates.clone().all(|packet| packet.0 == 1));
    assert_eq!(told.sessions[0].1, Outcome::HalfOpen);
}

#[test]
fn what_an_adversary_puts_on_a_hop_goes_on_to_the_party_it_is_for() {
    let rule = |id: &str, message: &str, from: &str, to: &str| {
        format!(
            "[[adversaries.mal.rules]]\nid = \"{id}\"\nmatch = {{ after = \"30s\", before = \"50s\" }}\n\
             action = \"flood\"\nmessage = \"{message}\"\nfrom = \"{from}\"\nto = \"{to}\"\nevery = \"1s\"\n"
        )
    };
    let text = format!(
        "[adversaries.mal]\non = \"line\"\npowers = [\"observe\", \"spoof\"]\n{}{}",
        rule("up", "M1", "device[0]", "server[0]"),
        rule("down", "M2", "server[0]", "device[0]"),
    );
    let (finished, told) = run(&line("1min", "", &text));
    let injected = |link: u32| {
        let on = told.packets.iter().filter(move |packet| packet.0 == link);
        on.filter(|packet| packet.2 == Fate::Injected).count()
    };
    // Both on the link of the server: up because it ends there, down because it is the sender's. From
    // the next relay on it is the relay's packet, and it arrives.
    assert!(injected(1) >= 38, "{}", injected(1));
    let came_from = |packet: &&(u32, u32, Fate, Vec<u8>, Journey, u64)| {
        packet.0 == 0 && packet.4.links == 3 && packet.4.sender > 1_000_000
    };
    assert!(told.packets.iter().filter(came_from).count() >= 19);
    assert_eq!(finished.tally.unroutable, 0);
    for relation in &finished.world.relations {
        assert!(
            relation.oracle.closed().is_empty(),
            "it holds nobody from rest"
        );
    }
}

#[test]
fn streams_and_exchanges_are_between_the_ends() {
    for transport in ["stream", "confirmable"] {
        let links = format!("loss = \"1%\"\ntransport = \"{transport}\"");
        let (finished, told) = run(&line("60min", &links, ""));
        let done = told.sessions.iter().filter(|it| it.1 == Outcome::Accepted);
        assert!(done.count() >= 55, "{transport}: {:?}", told.sessions);
        assert!(finished.tally.transport.retransmissions > 0);
    }
}

#[test]
fn the_line_of_a_relay_is_its_backlog() {
    // Twenty jobs at once: one is served, one waits, eighteen find the line full.
    let text = r#"
schema = 1
[run]
duration = "1s"
settle = "1s"
seed = 1
[protocol]
name = "traffic"
[nodes.source]
role = "source"
count = 20
[nodes.relay]
role = "relay"
backlog = 1
params = { processing = "10ms" }
[nodes.sink]
role = "sink"
[links.in]
between = ["source", "relay"]
direction = "up"
[links.out]
between = ["relay", "sink"]
direction = "up"
[workload.w]
from = "source"
to = "sink"
do = "send"
"#;
    let (_, told) = run(text);
    let of = |fate| {
        told.packets
            .iter()
            .filter(|packet| packet.2 == fate)
            .count()
    };
    assert_eq!((of(Fate::BacklogDrop), of(Fate::Delivered)), (18, 4));
}

#[test]
fn a_relay_more_moves_no_draw_of_others() {
    let with = |more: &str| {
        let text = line("5min", "loss = \"20%\"", more);
        let (_, told) = run(&text);
        told.packets
    };
    let more = "[nodes.spare]\nrole = \"relay\"\ncount = 2\n\
                [links.spare]\nbetween = [\"spare\", \"gateway\"]\nloss = \"20%\"\n";
    assert_eq!(with(""), with(more));
}
