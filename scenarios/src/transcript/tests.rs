//! Transcripts against sessions that independent programs computed.
#![allow(clippy::unwrap_used)]

use super::*;

/// The first JSON block of the documentation.
fn documented() -> String {
    let page = include_str!("../../../docs/TRANSCRIPT.md");
    let (_, rest) = page.split_once("```json\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

fn transcript(inputs: &str) -> Transcript {
    run(&Inputs::parse(inputs).unwrap_or_else(|error| panic!("{}", error.render(false))))
        .unwrap_or_else(|error| panic!("{}", error.render(false)))
}

fn refusal(inputs: &str) -> String {
    let refused = Inputs::parse(inputs).and_then(|inputs| run(&inputs));
    refused.unwrap_err().render(false)
}

/// The `accepted` outputs: party, session, key id.
fn accepted(transcript: &Transcript) -> Vec<(String, String, String)> {
    let effects = transcript.calls.iter().flat_map(|call| {
        call.effects
            .iter()
            .map(|effect| (call.party.clone(), effect))
    });
    effects
        .filter_map(|(party, effect)| match effect {
            output::Effect::Output(said) if said.kind == "accepted" => {
                Some((party, said.session.clone()?, said.key_id.clone()?))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn the_documented_example_is_the_session_of_an_independent_program_in_every_mode() {
    let kept = include_str!("../../../protocols/src/secure_vault/tests/sessions.txt");
    let lines: Vec<&str> = kept.lines().skip(1).collect();
    for expected in lines.chunks(8) {
        let inputs = documented().replace("\"cbc\"", &format!("\"{}\"", expected[0]));
        let transcript = transcript(&inputs);
        let frames: Vec<&str> = transcript
            .messages
            .iter()
            .map(|m| m.bytes.as_str())
            .collect();
        assert_eq!(frames, expected[1..5], "{}", expected[0]);
        for (_, session, key_id) in accepted(&transcript) {
            assert_eq!(
                (session.as_str(), key_id.as_str()),
                (expected[5], expected[6])
            );
        }
        let record = &transcript.storage_after["device[0]"]["0/0"];
        assert_eq!(record[8..], *expected[7]);
        assert_eq!(*record, transcript.storage_after["server[0]"]["0/1"]);
    }
}

#[test]
fn the_documentation_shows_the_messages_of_its_example() {
    let page = include_str!("../../../docs/TRANSCRIPT.md");
    for message in transcript(&documented()).messages {
        let line = format!("\n{} {}\n", message.name.unwrap(), message.bytes);
        assert!(page.contains(&line), "{line}");
    }
}

#[test]
fn the_session_key_is_among_the_intermediate_values() {
    let transcript = transcript(&documented());
    let device = transcript
        .calls
        .iter()
        .filter(|call| call.party == "device[0]");
    let keys: Vec<&str> = device
        .flat_map(|call| &call.work)
        .filter(|work| work.function == "aes_key")
        .map(|work| work.inputs[0].bytes.as_str())
        .collect();
    // M3 under k1 and M4 under k2 XOR t1, each of which is the output of an XOR.
    assert_eq!(keys.len(), 2);
    let xors = |bytes: &str| {
        let all = transcript.calls.iter().flat_map(|call| &call.work);
        all.filter(|work| work.function == "xor")
            .any(|work| work.output == bytes)
    };
    assert!(keys.iter().all(|key| xors(key)), "{keys:?}");
}

#[test]
fn a_ratchet_session_over_streams_is_that_of_an_independent_program() {
    let counting = |from: u8| {
        (from..from + 48)
            .map(|b| format!("{b:02x}"))
            .collect::<String>()
    };
    let key: String = b"client1_master_k"
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let inputs = format!(
        r#"{{
            "protocol": "ratchet",
            "records": {{ "client": {{ "0/0": "01{key}" }}, "server": {{ "0/1": "{key}" }} }},
            "entropy": {{ "client": "{}", "server": "{}" }},
            "steps": [
                {{ "party": "client", "command": "authenticate" }},
                {{ "party": "client", "command": "send-data", "args": ["10,20"] }},
                {{ "party": "client", "command": "send-data", "args": ["10.5,30.1"] }}
            ]
        }}"#,
        counting(0),
        counting(128),
    );
    let transcript = transcript(&inputs);
    let kept = include_str!("../../../protocols/src/ratchet/tests/known-answers.txt");
    let (_, section) = kept
        .split_once("session as-published hkdf-info 16\n")
        .unwrap();
    let frames = section
        .lines()
        .map_while(|line| line.strip_prefix("frame "));
    let sent: Vec<&str> = transcript.messages.iter().map(|m| &m.bytes[8..]).collect();
    assert_eq!(sent, frames.collect::<Vec<_>>());
    assert!(transcript.steps.iter().all(|step| step.ended == "done"));
    assert!(
        transcript
            .messages
            .iter()
            .all(|message| message.channel == "stream")
    );
    for drawn in &transcript.entropy {
        assert_eq!((drawn.requests, drawn.bytes), (3, 48));
    }
}

#[test]
fn every_protocol_gives_a_transcript_that_json_can_hold() {
    for (protocol, params, party, purposes) in [
        (
            "vault-exchange",
            r#"{"sessions": 1}"#,
            "device",
            &["device/vault"][..],
        ),
        (
            "multi-server",
            "{}",
            "user",
            &["rc/centre", "server/server", "user/user", "user/issue"],
        ),
        (
            "rsa-udp",
            r#"{"rsa_mode": "modelled", "rsa_bits": 1024}"#,
            "client",
            &["device/rsa-pair", "client/rsa-pair", "client/password"],
        ),
    ] {
        let streams: Vec<String> = purposes
            .iter()
            .map(|name| format!(r#""{name}": {{"stream": "{name}"}}"#))
            .collect();
        let roles = protocols::registry::find(protocol).unwrap().roles();
        let entropy: Vec<String> = roles
            .iter()
            .map(|role| format!(r#""{0}": {{"stream": "{0}"}}"#, role.name))
            .collect();
        let inputs = format!(
            r#"{{"protocol": "{protocol}", "params": {params}, "provisioning": {{{}}},
                "entropy": {{{}}}, "steps": [{{"party": "{party}", "command": "authenticate"}}]}}"#,
            streams.join(", "),
            entropy.join(", ")
        );
        let transcript = transcript(&inputs);
        assert_eq!(transcript.steps[0].ended, "done", "{protocol}");
        let json = serde_json::to_string(&transcript).unwrap();
        assert!(json.contains("\"messages\""));
        for message in &transcript.messages {
            let joined: String = message.fields.iter().map(|f| f.bytes.as_str()).collect();
            assert_eq!(joined, message.bytes, "{protocol} {:?}", message.name);
        }
    }
}

#[test]
fn a_lost_message_is_marked_and_not_delivered() {
    let inputs = documented().replace("\"steps\"", "\"lose\": [3], \"steps\"");
    let transcript = transcript(&inputs);
    assert!(transcript.messages[3].lost);
    assert!(
        transcript.steps[0].ended.starts_with("failed"),
        "{:?}",
        transcript.steps
    );
    assert_ne!(
        transcript.storage_after["device[0]"]["0/0"],
        transcript.storage_after["server[0]"]["0/1"]
    );
}

#[test]
fn entropy_that_does_not_suffice_names_party_and_request() {
    let short = documented().replace(
        r#""device": { "stream": "device" }"#,
        r#""device": "00112233445566""#,
    );
    let said = refusal(&short);
    assert!(said.contains("`device[0]`"), "{said}");
    assert!(said.contains("request 2 asks for"), "{said}");
    assert!(said.contains("3 are left"), "{said}");
    let none = documented().replace(
        r#""server": { "stream": "server" }"#,
        r#""device[0]": "00""#,
    );
    assert!(refusal(&none).contains("entropy"));
}

#[test]
fn what_does_not_exist_is_refused_with_what_does() {
    let changed = |from: &str, to: &str| refusal(&documented().replace(from, to));
    assert!(changed("\"authenticate\"", "\"login\"").contains("`send-data`"));
    assert!(changed("\"party\": \"device\"", "\"party\": \"devise\"").contains("`device[0]`"));
    assert!(changed("device/vault", "device/vaults").contains("device[0]/vault"));
    assert!(changed("\"keys\"", "\"key\"").contains("`keys`"));
    assert!(changed("\"secure-vault\"", "\"vault\"").contains("`secure-vault`"));
    assert!(changed("\"entropy\"", "\"entrpy\"").contains("entropy"));
    assert!(changed("\"as-published\"", "\"best\"").contains("`hardened`"));
    let odd = r#"{"protocol": "secure-vault", "entropy": {"device": "0"}}"#;
    assert!(refusal(odd).contains("provision"), "{}", refusal(odd));
    let step = changed("\"command\": \"authenticate\"", "\"wait_ns\": 1");
    assert!(step.contains("restart"), "{step}");
}
