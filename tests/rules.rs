//! Rules in a scenario file: every action end to end, over datagrams and into streams.

use scenarios::build::build;
use scenarios::host::attempt::Outcome;
use scenarios::host::tables::NoTables;
use scenarios::reader::read_text;
use scenarios::run::Finished;
use scenarios::verdict::{Judgement, Property, Verdict, judge};

use crate::simulation::{run, scenario};

/// `secure-vault` over datagrams: two devices, a session a minute.
fn vault(adversary: &str) -> String {
    format!(
        r#"
schema = 1
[run]
duration = "30min"
settle = "2min"
seed = 11
[protocol]
name = "secure-vault"
params = {{ challenge = 3 }}
[nodes.device]
role = "device"
count = 2
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
delay = "20ms"
[workload.auth]
from = "device"
to = "server"
do = "authenticate"
every = "1min"
{adversary}
"#
    )
}

/// `ratchet` over streams, as it comes: one client, a session with three lists a minute.
fn ratchet(adversary: &str) -> String {
    format!(
        r#"
schema = 1
[run]
duration = "20min"
settle = "2min"
seed = 5
[protocol]
name = "ratchet"
[nodes.client]
role = "client"
[nodes.server]
role = "server"
[links.access]
between = ["client", "server"]
delay = "20ms"
[workload.talk]
from = "client"
to = "server"
do = ["authenticate", "send-data", "send-data", "send-data", "finish"]
every = "1min"
{adversary}
"#
    )
}

fn rule(powers: &str, body: &str) -> String {
    format!(
        "[adversaries.eve]\non = \"access\"\npowers = [{powers}]\n\
         [[adversaries.eve.rules]]\nid = \"r\"\n{body}"
    )
}

struct Seen {
    finished: Finished<NoTables>,
    judged: Vec<Judgement>,
    matches: u64,
    actions: u64,
}

impl Seen {
    fn of(&self, outcome: Outcome) -> u64 {
        self.finished.tally.of(outcome)
    }

    fn fate(&self, fate: &str) -> u64 {
        self.finished.tally.fate(fate)
    }

    #[track_caller]
    fn verdict(&self, property: Property) -> &Judgement {
        let mut all = self.judged.iter();
        all.find(|judged| judged.property == property).unwrap()
    }

    fn payloads(&self) -> u64 {
        self.finished.world.watch.integrity.payloads()
    }
}

#[track_caller]
fn seen(text: &str) -> Seen {
    let scenario = scenario(text);
    let finished = run(&scenario);
    let judged = judge(&scenario, &finished);
    let counts = finished.world.attacks.rule_counts(0);
    let first = counts.and_then(|counts| counts.first().copied());
    let first = first.unwrap_or_default();
    Seen {
        judged,
        matches: first.matches,
        actions: first.actions,
        finished,
    }
}

#[test]
fn fields_are_set_swapped_cut_and_extended() {
    let honest = seen(&vault("")).of(Outcome::Accepted);
    assert_eq!(honest, 60);
    for body in [
        "match = { message = \"M1\" }\naction = \"modify\"\nset = { device_id = 99 }",
        "match = { message = \"M3\" }\naction = \"modify\"\ntruncate = \"9B\"",
        "match = { message = \"M1\" }\naction = \"modify\"\nextend = \"5B\"",
        "match = { message = \"M3\" }\naction = \"modify\"\n\
         flip = { field = \"sealed\", bit = [0, 130, 140] }",
    ] {
        let seen = seen(&vault(&rule("\"modify\"", body)));
        assert_eq!(seen.of(Outcome::Accepted), 0, "{body}");
        assert_eq!(seen.actions, seen.fate("adversary-modified"), "{body}");
        assert_eq!(seen.actions, 60, "{body}");
    }
    // The first M2 has nothing before it to swap with: matched, and not acted upon.
    let swap = "match = { message = \"M2\" }\naction = \"modify\"\n\
                swap = { field = \"r1\", with = \"M2.r1\" }";
    let swapped = seen(&vault(&rule("\"modify\"", swap)));
    assert_eq!((swapped.matches, swapped.actions), (60, 59));
    assert_eq!(swapped.of(Outcome::Accepted), 1);
}

#[test]
fn packets_are_dropped_delayed_and_duplicated() {
    let delayed = "match = { message = \"M2\" }\naction = \"delay\"\nby = \"3s\"";
    let delayed = seen(&vault(&rule("\"delay\"", delayed)));
    assert_eq!(delayed.of(Outcome::Accepted), 60);
    assert_eq!(delayed.verdict(Property::Desync).note, "");
    let mean = delayed.finished.tally.latency_sum_ns / 60;
    assert_eq!(mean, 3_080_000_000, "four times 20 ms and the delay");
    // What the link loses by itself is no deed of the adversary, and its verdicts say so.
    let lossy = vault(&rule(
        "\"drop\"",
        "match = { message = \"M1\", nth = 2 }\naction = \"drop\"",
    ))
    .replace("delay = \"20ms\"", "delay = \"20ms\"\nloss = \"1%\"");
    let lossy = seen(&lossy);
    assert!(
        lossy
            .verdict(Property::Desync)
            .note
            .contains("losses and faults")
    );
    assert_eq!(lossy.verdict(Property::Agreement).note, "");
    let copied = "match = { message = \"M1\", nth = 2 }\naction = \"duplicate\"\ncopies = 3";
    let copied = seen(&vault(&rule("\"duplicate\"", copied)));
    assert_eq!(copied.fate("injected"), 6, "three for each device");
    let dropped = "match = { message = \"M1\", node = \"device[1]\", after = \"5min\", \
                   before = \"10min\" }\naction = \"drop\"";
    let dropped = seen(&vault(&rule("\"drop\"", dropped)));
    assert_eq!((dropped.actions, dropped.fate("adversary-drop")), (5, 5));
    assert_eq!(dropped.of(Outcome::Timeout), 5);
}

#[test]
fn replays_go_elsewhere_later_and_whole() {
    let spoof = "\"observe\", \"spoof\"";
    let own = "\"observe\", \"inject\"";
    let elsewhere = "match = { message = \"M2\", to = \"device[0]\" }\naction = \"replay\"\n\
                     to = \"device[1]\"";
    let seen_elsewhere = seen(&vault(&rule(spoof, elsewhere)));
    assert_eq!(seen_elsewhere.actions, 30);
    assert_eq!(seen_elsewhere.fate("injected"), 30);
    let connection = "match = { message = \"M1\" }\naction = \"replay\"\nown_address = true\n\
                      after = \"1s\"";
    let seen_own = seen(&vault(&rule(own, connection)));
    assert_eq!(seen_own.actions, 60);
    let recorded = "match = { message = \"M1\" }\naction = \"replay\"\nsession = true";
    let seen_whole = seen(&vault(&rule(spoof, recorded)));
    // The first session of each device has none before it; M1 and M3 of each other one.
    assert_eq!((seen_whole.matches, seen_whole.actions), (60, 58));
    assert_eq!(seen_whole.fate("injected"), 116);
}

#[test]
fn a_host_beside_the_link_floods_and_nothing_else() {
    let flood = |position: &str, body: &str| {
        format!(
            "[adversaries.eve]\n{position} = \"access\"\npowers = [\"inject\"]\n\
             [[adversaries.eve.rules]]\nid = \"r\"\n{body}"
        )
    };
    let storm = "match = { after = \"2min\", before = \"3min\" }\naction = \"flood\"\nmessage = \"M1\"\n\
                 fields = { device_id = 1 }\nto = \"server[0]\"\nevery = \"100ms\"";
    for position in ["at", "on"] {
        let seen = seen(&vault(&flood(position, storm)));
        assert_eq!(
            (seen.actions, seen.fate("injected")),
            (600, 600),
            "{position}"
        );
    }
    let half = storm.replace("action", "probability = \"50%\"\naction");
    let seen = seen(&vault(&flood("at", &half)));
    assert_eq!(seen.matches, 600);
    assert!((240..360).contains(&seen.actions), "{}", seen.actions);
}

#[test]
fn who_goes_by_sessions_is_called_selective() {
    let body = "match = { message = \"M1\", session = 3 }\noracle_match = true\naction = \"drop\"";
    let seen = seen(&vault(&rule("\"drop\"", body)));
    assert_eq!(seen.actions, 2);
    for judged in &seen.judged {
        assert!(judged.note.starts_with("selective adversary"), "{judged:?}");
    }
}

#[test]
fn a_record_of_a_stream_is_dropped_for_good() {
    let nothing = seen(&ratchet(&rule(
        "\"drop\"",
        "match = { message = \"CLIENT_DATA\" }\n\
                                                 action = \"drop\"\nprobability = 0",
    )));
    assert_eq!(nothing.of(Outcome::Accepted), 20);
    assert_eq!(nothing.of(Outcome::Completed), 80);
    assert_eq!(nothing.matches, 60);
    let body = "match = { message = \"SERVER_AGGR_RESPONSE\", nth = 4 }\naction = \"drop\"";
    let dropped = seen(&ratchet(&rule("\"drop\"", body)));
    assert_eq!((dropped.actions, dropped.fate("adversary-drop")), (1, 1));
    // The client waits its 5 s and gives the session up; the transport brings nothing back.
    assert_eq!(dropped.of(Outcome::Timeout), 1);
    assert_eq!(dropped.of(Outcome::Accepted), 20);
    let segment = format!("{}\nlayer = \"packet\"", rule("\"drop\"", body));
    let repeated = seen(&ratchet(&segment));
    assert_eq!(
        repeated.of(Outcome::Timeout),
        0,
        "the transport sends it again"
    );
    assert_eq!(repeated.of(Outcome::Completed), 80);
}

#[test]
fn records_of_a_stream_are_changed_delayed_and_repeated() {
    let data = "match = { message = \"CLIENT_DATA\" }\n";
    for change in ["flip = { field = \"hmac\", bit = 5 }", "truncate = \"70B\""] {
        let body = format!("{data}action = \"modify\"\n{change}");
        let changed = seen(&ratchet(&rule("\"modify\"", &body)));
        assert_eq!(changed.actions, 20, "{change}");
        assert_eq!(changed.payloads(), 0, "{change}");
        assert_eq!(changed.finished.tally.transport.damaged, 0, "{change}");
        assert_eq!(changed.of(Outcome::Accepted), 20, "{change}");
        assert_eq!(
            changed.verdict(Property::Integrity).verdict,
            Verdict::Resisted,
            "{change}"
        );
    }
    let body = format!("{data}action = \"delay\"\nby = \"2s\"");
    let delayed = seen(&ratchet(&rule("\"delay\"", &body)));
    assert_eq!((delayed.actions, delayed.of(Outcome::Completed)), (60, 80));
    let body = format!("{data}action = \"duplicate\"\nafter = \"5ms\"");
    let copied = seen(&ratchet(&rule("\"duplicate\"", &body)));
    // The second copy is out of step, and what the server answers ends the session.
    assert!(copied.actions > 0 && copied.of(Outcome::Completed) < 80);
    assert_eq!(
        copied.verdict(Property::Integrity).verdict,
        Verdict::Resisted
    );
}

#[test]
fn a_recorded_session_is_played_on_a_connection_of_ones_own() {
    let body = "match = { message = \"CLIENT_HELLO\" }\naction = \"replay\"\nsession = true\n\
                own_address = true\nafter = \"10s\"";
    let seen = seen(&ratchet(&rule("\"observe\", \"inject\"", body)));
    assert_eq!((seen.matches, seen.actions), (20, 19));
    let agreement = seen.verdict(Property::Agreement);
    // Nothing new enters a session a second time, so the server takes it.
    assert_eq!(agreement.verdict, Verdict::Broken, "{agreement:?}");
    let witness = agreement.witness.as_ref().unwrap();
    assert!(witness.text.contains("on CLIENT_HELLO"), "{}", witness.text);
    assert!(witness.session.is_some());
}

#[test]
fn frames_are_built_reflected_and_flooded_into_connections() {
    let spoof = "\"observe\", \"spoof\"";
    let body = "match = { message = \"CLIENT_DATA\", nth = 1 }\naction = \"inject\"\n\
                message = \"TERMINATE\"\nfrom = \"client[0]\"\nto = \"server[0]\"";
    let injected = seen(&ratchet(&rule(spoof, body)));
    assert_eq!(injected.actions, 1);
    assert_eq!(injected.of(Outcome::Accepted), 20);
    let body = "match = { message = \"SERVER_AGGR_RESPONSE\" }\naction = \"reflect\"";
    let reflected = seen(&ratchet(&rule(spoof, body)));
    assert_eq!(
        reflected.verdict(Property::Integrity).verdict,
        Verdict::Resisted
    );
    assert!(reflected.actions > 0);
    let body = "match = { after = \"1min\", before = \"2min\" }\naction = \"flood\"\n\
                message = \"CLIENT_HELLO\"\nfields = { client_id = 1 }\nto = \"server[0]\"\n\
                every = \"1s\"";
    let flood = seen(&ratchet(&rule("\"inject\"", body)));
    assert_eq!(flood.actions, 60);
    assert!(flood.finished.tally.transport.connections >= 20 + 60);
}

/// What an attack in code finds does not depend on what carries the frames.
#[test]
fn attacks_in_code_work_on_streams() {
    for (attack, property, expected) in [
        ("replay-session", Property::Agreement, Verdict::Broken),
        ("old-challenge", Property::Agreement, Verdict::Broken),
        ("pose-as-server", Property::Agreement, Verdict::Broken),
        ("flip-c2s", Property::Integrity, Verdict::Resisted),
        ("replay-data", Property::Integrity, Verdict::Resisted),
        ("reflect-to-client", Property::Integrity, Verdict::Resisted),
    ] {
        let adversary = format!("[adversaries.eve]\non = \"access\"\nattack = \"{attack}\"");
        let seen = seen(&ratchet(&adversary));
        let judged = seen.verdict(property);
        assert_eq!(judged.verdict, expected, "{attack}: {judged:?}");
        assert!(judged.acted > 0, "{attack}");
    }
}

#[test]
fn a_stream_passes_unchanged_where_nobody_acts_whatever_is_lost() {
    let lossy = |adversary: &str| {
        ratchet(adversary).replace("delay = \"20ms\"", "delay = \"20ms\"\nmtu = \"80B\"")
    };
    let honest = seen(&lossy(""));
    let idle = rule(
        "\"drop\"",
        "match = { message = \"TERMINATE\" }\nprobability = 0\naction = \"drop\"",
    );
    let watched = seen(&lossy(&idle));
    assert_eq!(watched.matches, 20);
    assert_eq!(
        honest.finished.tally.outcomes,
        watched.finished.tally.outcomes
    );
    let losing = |adversary: &str| {
        ratchet(adversary).replace("delay = \"20ms\"", "delay = \"20ms\"\nloss = \"5%\"")
    };
    let lost = seen(&losing(&idle));
    assert!(lost.of(Outcome::Accepted) >= 17, "the transport repeats");
}

fn refused(text: &str) -> String {
    let built = read_text("rules.toml", text, &[])
        .and_then(|scenario| build::<NoTables>(&scenario).map(drop));
    match built {
        Ok(()) => String::from("accepted"),
        Err(error) => error.render(false),
    }
}

#[test]
fn what_can_never_be_is_refused_with_its_place() {
    let drop = "\"drop\"";
    for (body, expected) in [
        (
            "match = { message = \"M1\", after = \"30min\" }\naction = \"drop\"",
            "window begins after the adversary has stopped",
        ),
        (
            "match = { message = \"M2\", from = \"device[0]\" }\naction = \"drop\"",
            "is sent from there, so the rule can never match",
        ),
        (
            "match = { direction = \"up\", to = \"device[0]\" }\naction = \"drop\"",
            "contradict each other",
        ),
        (
            "match = { message = \"M1\", fields = { device_id = 4294967296 } }\naction = \"drop\"",
            "does not fit into the 4 B",
        ),
        (
            "match = { message = \"M2\", fields = { r1 = \"0x0102\" } }\naction = \"drop\"",
            "has 16 B, and this value 2 B",
        ),
        (
            "match = { message = \"M1\" }\noracle_match = true\naction = \"drop\"",
            "nothing in this rule goes by what an adversary cannot see",
        ),
        (
            "match = { message = \"M1\" }\nlayer = \"record\"\naction = \"drop\"",
            "this link carries none",
        ),
        ("match = { message = \"M5\" }\naction = \"drop\"", "M4"),
    ] {
        let message = refused(&vault(&rule(drop, body)));
        assert!(
            message.contains(expected),
            "{body}\nwants {expected}:\n{message}"
        );
        assert!(message.contains("rules.toml:"), "{message}");
    }
    let flood = "match = { message = \"M1\" }\naction = \"flood\"\nmessage = \"M1\"\n\
                 to = \"server[0]\"\nevery = \"1s\"";
    let message = refused(&vault(&rule("\"inject\"", flood)));
    assert!(
        message.contains("a flood goes on whatever passes"),
        "{message}"
    );
    let packet = "match = { message = \"CLIENT_DATA\" }\nlayer = \"packet\"\naction = \"modify\"\n\
                  extend = \"1B\"";
    let message = refused(&ratchet(&rule("\"modify\"", packet)));
    assert!(message.contains("fits into no connection"), "{message}");
    let beside = "[adversaries.eve]\nat = \"access\"\nattack = \"bare-terminate\"";
    let message = refused(&ratchet(beside));
    assert!(
        message.contains("cannot use somebody else's address"),
        "{message}"
    );
    let late = "[adversaries.eve]\non = \"access\"\nattack = \"eavesdrop\"\n\
                knows = [{ secret = \"row\", of = \"device[0]\", at = \"40min\" }]";
    let message = refused(&vault(late));
    assert!(
        message.contains("told after the adversary has stopped"),
        "{message}"
    );
}

/// `rsa-udp`: what is sealed is told apart by an oracle, and only where the rule says so.
#[test]
fn messages_inside_others_take_an_oracle() {
    let text = |rule_text: &str| {
        format!(
            r#"
schema = 1
[run]
duration = "12min"
settle = "2min"
seed = 4
[protocol]
name = "rsa-udp"
[nodes.device]
role = "device"
[nodes.client]
role = "client"
[links.access]
between = ["client", "device"]
delay = "20ms"
[workload.talk]
from = "client"
to = "device"
do = ["authenticate", "send-data", "finish"]
every = "2min"
{rule_text}
"#
        )
    };
    let body = |message: &str, more: &str| {
        let matching = format!("match = {{ message = \"{message}\" }}\n{more}action = \"drop\"");
        text(&rule("\"drop\"", &matching))
    };
    let honest = seen(&text(""));
    let sessions = honest.of(Outcome::Accepted);
    assert!(sessions >= 5, "{sessions}");
    let oracle = "oracle_match = true\n";
    // A line that is lost ends the list, so that each session has one; the end of a session has no answer.
    let lines = seen(&body("DATA", oracle));
    assert_eq!(lines.payloads(), 0);
    assert!(lines.actions > 0 && lines.actions == lines.fate("adversary-drop"));
    assert_eq!(
        lines.verdict(Property::Agreement).note,
        "selective adversary"
    );
    let echoes = seen(&body("ECHO", oracle));
    assert!(echoes.actions > 0 && echoes.payloads() == echoes.actions);
    let sealed = seen(&text(&rule(
        "\"drop\"",
        "match = { message = \"SEALED\", direction = \"down\" }\naction = \"drop\"",
    )));
    assert_eq!(
        sealed.verdict(Property::Agreement).acted,
        echoes.actions,
        "the device seals echoes only"
    );
    let error = read_text("rules.toml", &body("DATA", ""), &[]).expect_err("nobody sees that");
    let said = error.render(false);
    assert!(
        said.contains("`DATA` travels inside SEALED") && said.contains("oracle_match"),
        "{said}"
    );
}
