//! Faults end to end: what they do to nodes, and that they do nothing to anybody else.

#![allow(clippy::unwrap_used)]

use sim_engine::{PacketEnd, Recorder};

use crate::build::build;
use crate::host::attempt::Outcome;
use crate::host::tables::{
    FaultEvent, FaultMoment, Header, NoTables, SessionEnd, StrayAcceptance, Tables,
};
use crate::oracle::{Episode, EpisodeKind};
use crate::run::{Finished, Unwatched, drive};

const SECOND: u64 = 1_000_000_000;

/// What a run told about faults and attempts.
#[derive(Debug, Default)]
struct Told {
    faults: Vec<(u64, FaultMoment, u32, Option<i64>)>,
    sessions: Vec<(u64, u32, Outcome, String)>,
}

impl Recorder<Header> for Told {
    const ON: bool = false;

    fn packet(&mut self, _end: &PacketEnd<'_, Header>) {}
}

impl Tables for Told {
    fn session(&mut self, end: &SessionEnd<'_>) {
        let initiator = end.attempt.id.initiator;
        let reason = end.reason.to_string();
        self.sessions
            .push((end.ended_ns, initiator, end.outcome, reason));
    }
    fn stray_acceptance(&mut self, _stray: &StrayAcceptance) {}
    fn desync(&mut self, _relation: usize, _episode: &Episode) {}
    fn continuation_begins(&mut self) {}
    fn fault(&mut self, event: &FaultEvent) {
        self.faults
            .push((event.at_ns, event.moment, event.node, event.value));
    }
}

/// Devices that authenticate every minute; `{}` stands for what a test adds.
fn fleet(devices: u32, duration: &str, more: &str) -> String {
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
count = {devices}
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
delay = "20ms"
[workload.reauth]
from = "device"
to = "server"
do = "authenticate"
every = "1min"
deadline = "10s"
{more}
"#
    )
}

fn run_into<T: Tables>(text: &str, tables: &mut T) -> Finished<T> {
    let scenario = crate::read_text("test.toml", text, &[]).unwrap_or_else(|e| panic!("{e}"));
    let built = build(&scenario).unwrap();
    drive(&scenario, built, tables, &mut Unwatched, |_| {}).unwrap()
}

fn run(text: &str) -> (Finished<Told>, Told) {
    let mut told = Told::default();
    let finished = run_into(text, &mut told);
    (finished, told)
}

fn kinds<T: Tables>(finished: &Finished<T>) -> Vec<(u32, EpisodeKind)> {
    let relations = finished.world.relations.iter();
    let closed = relations.flat_map(|relation| relation.oracle.closed());
    closed.map(|episode| (episode.pair, episode.kind)).collect()
}

#[test]
fn a_reboot_aborts_the_open_attempt_and_the_next_comes_with_the_power() {
    // At 60.03 s the device waits for M2.
    let (finished, told) = run(&fleet(
        2,
        "5min",
        r#"
[faults.cut]
target = "device[1]"
at = "60030ms"
effect = { kind = "reboot", downtime = "90s" }
"#,
    ));
    assert_eq!(
        told.faults,
        [
            (
                60_030_000_000,
                FaultMoment::Strike,
                1,
                Some(90 * SECOND as i64)
            ),
            (150_030_000_000, FaultMoment::End, 1, None),
        ]
    );
    let aborted: Vec<_> = told
        .sessions
        .iter()
        .filter(|(_, _, outcome, _)| *outcome == Outcome::Aborted)
        .collect();
    assert_eq!(
        aborted,
        [&(60_030_000_000, 1, Outcome::Aborted, "crash".to_owned())]
    );
    // What came due at 120 s begins at 150.03 s; the next ones follow at intervals from there.
    let own: Vec<u64> = told
        .sessions
        .iter()
        .filter(|(_, node, ..)| *node == 1)
        .map(|(at, ..)| *at / SECOND)
        .collect();
    assert_eq!(own, [0, 60, 150, 210, 270]);
    assert_eq!(finished.tally.of(Outcome::Accepted), 5 + 4);
    let counts = finished.world.faults.as_ref().unwrap().counts()[0];
    assert_eq!((counts.strikes, counts.void), (1, 0));
}

#[test]
fn a_server_without_power_lets_attempts_time_out_and_packets_end_there() {
    let (finished, told) = run(&fleet(
        3,
        "5min",
        "[faults.out]\ntarget = \"server\"\nat = \"90s\"\neffect = { kind = \"crash\" }\n",
    ));
    assert_eq!(told.faults.len(), 1);
    assert_eq!(finished.tally.of(Outcome::Accepted), 3 * 2);
    assert_eq!(finished.tally.of(Outcome::Timeout), 3 * 3);
    // Of each device three M1, and END of the session that it had open.
    assert_eq!(
        finished.tally.fates[sim_engine::Fate::NodeDown as usize],
        12
    );
    assert!(kinds(&finished).is_empty());
}

/// Strikes of a Poisson process: 200 devices, one a day each, 30 days: 6000, standard deviation 77.
#[test]
fn a_process_strikes_at_its_rate() {
    let text = fleet(
        200,
        "30d",
        "[faults.power]\ntarget = \"device\"\nprocess = \"exp(1d)\"\n\
         effect = { kind = \"reboot\" }\n",
    )
    .replace("every = \"1min\"", "every = \"12h\"");
    let (finished, told) = run(&text);
    let strikes = finished.world.faults.as_ref().unwrap().counts()[0].strikes;
    let half = 3.2905 * 6000f64.sqrt();
    assert!((strikes as f64 - 6000.0).abs() < half, "{strikes}");
    assert!(
        told.faults
            .iter()
            .all(|fault| fault.0 < 30 * 86_400 * SECOND)
    );
}

#[test]
fn a_fault_moves_nobody_else() {
    let quiet = run(&fleet(4, "1h", "")).1;
    let struck = run(&fleet(
        4,
        "1h",
        "[faults.power]\ntarget = \"device[2]\"\nprocess = \"exp(5min)\"\n\
         effect = { kind = \"reboot\", downtime = \"exp(1min)\" }\n",
    ))
    .1;
    let others = |told: &Told| -> Vec<_> {
        let all = told.sessions.iter();
        all.filter(|session| session.1 != 2).cloned().collect()
    };
    assert_eq!(others(&quiet), others(&struck));
    assert!(struck.faults.len() > 10);
}

#[test]
fn recording_changes_nothing_and_a_run_repeats_itself() {
    let text = fleet(
        5,
        "2h",
        "[faults.power]\ntarget = \"device\"\nprocess = \"exp(5min)\"\n\
         effect = { kind = \"torn-write\", downtime = \"exp(10s)\" }\n\
         [faults.net]\nprocess = \"exp(10min)\"\n\
         effect = { kind = \"link-down\", link = \"access\", for = \"exp(10s)\" }\n",
    );
    let once = run_into(&text, &mut NoTables).fingerprint;
    assert_eq!(run(&text).0.fingerprint, once);
    assert_eq!(run(&text).0.fingerprint, once);
}
