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
    /// Place of each in the list of causes.
    causes: Vec<usize>,
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
        self.causes.push(event.fault);
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

/// Nobody sends; only the base power drains the battery: 36 J at 3 V and 10 mAh are 108 J; at 1 mW
/// that is 108,000 s.
#[test]
fn a_battery_lasts_its_capacity_over_the_base_power() {
    let text = fleet(2, "40h", "").replace(
        "count = 2",
        "count = 2\nbattery = \"10mAh\"\nsleep_power = \"1mW\"",
    );
    let (finished, told) = run(&text);
    let energy = finished.world.energy.as_ref().unwrap();
    assert_eq!(energy.deaths[0], (2, Some(108_000 * SECOND)));
    let end = |node| (108_000 * SECOND, FaultMoment::Strike, node, None);
    assert_eq!(told.faults, [end(0), end(1)]);
    assert_eq!(told.causes, [0, 0]);
    // One attempt a minute until then, the first at 0.
    assert_eq!(finished.tally.of(Outcome::Accepted), 2 * 1_800);
}

#[test]
fn sending_and_receiving_take_the_time_of_their_bytes() {
    let text = fleet(1, "10min", "")
        .replace("count = 1", "count = 1\nradio = \"cc2420\"")
        .replace("delay = \"20ms\"", "delay = \"20ms\"\nrate = \"250kbps\"");
    let (finished, _) = run(&text);
    let account = finished.world.energy.as_ref().unwrap().account(0);
    assert_eq!(
        u128::from(account.tx_ns + account.rx_ns),
        u128::from(finished.tally.bytes) * 32_000
    );
    let end = sim_engine::SimTime(finished.ended_ns);
    let radio = 17_399 * 3 * account.tx_ns + 18_799 * 3 * account.rx_ns + 3 * finished.ended_ns;
    let spent = finished.world.spent(0, end);
    assert!(spent.radio_nj.abs_diff(radio / 1_000_000) <= 3, "{spent:?}");
}

/// A device of `secure-vault` writes its vault once a session.
#[test]
fn storage_wears_out_after_its_endurance() {
    let worn = |end: &str| {
        let text = fleet(1, "1h", "").replace(
            "count = 1",
            &format!("count = 1\nstorage = {{ endurance = 10, worn = \"{end}\" }}"),
        );
        let (finished, told) = run(&text);
        assert_eq!(told.causes, [1]);
        assert_eq!(
            (told.faults[0].1, told.faults[0].2),
            (FaultMoment::Strike, 0)
        );
        finished
    };
    let dead = worn("node-dead");
    assert_eq!(dead.world.energy.as_ref().unwrap().deaths[1].0, 1);
    let accepted = dead.tally.of(Outcome::Accepted);
    assert!((10..=11).contains(&accepted), "{accepted}");
    let lost = worn("write-lost");
    assert!(lost.world.energy.as_ref().unwrap().account(0).writes_lost >= 1);
    assert!((10..=11).contains(&lost.tally.of(Outcome::Accepted)));
}

/// The device loses power in the write of its second session, with the first 16 bytes landed: the
/// server has the new vault, the device neither.
#[test]
fn a_torn_vault_is_out_of_step_and_a_complete_one_is_not() {
    let cut = |point: &str| {
        let text = fleet(
            3,
            "10min",
            &format!(
                "[faults.cut]\nwhen = {{ message = \"M4\", nth = 2, node = \"device[1]\", point = \"received\" }}\n\
                 effect = {{ kind = \"torn-write\", point = \"{point}\", downtime = \"5s\" }}\n"
            ),
        );
        run(&text)
    };
    for point in ["before", "torn"] {
        let (finished, told) = cut(point);
        assert_eq!(told.faults.len(), 2, "{point}");
        assert!(told.faults[0].0 > 60 * SECOND && told.faults[0].0 < 61 * SECOND);
        assert_eq!(kinds(&finished), [(1, EpisodeKind::Permanent)], "{point}");
    }
    // The write is there; who made it says so when it is back, and is judged then.
    assert_eq!(kinds(&cut("after-write").0), []);
    assert_eq!(kinds(&cut("after").0), []);
}

#[test]
fn a_server_that_is_rolled_back_is_out_of_step_with_everybody_since() {
    let roll = |to: &str| {
        let text = fleet(
            2,
            "10min",
            &format!(
                "[faults.backup]\ntarget = \"server\"\nat = \"210s\"\n\
                 effect = {{ kind = \"rollback\", to = {to}, downtime = \"1s\" }}\n"
            ),
        );
        kinds(&run(&text).0).len()
    };
    assert_eq!(roll("\"first\""), 2);
    assert_eq!(roll("\"1min\""), 2);
    assert_eq!(roll("\"10s\""), 0);
    // The two sessions of the last round began at the same time.
    assert_eq!(roll("{ sessions = 1 }"), 2);
    assert_eq!(roll("{ at = \"3min\" }"), 2);
}

#[test]
fn a_partition_keeps_apart_whom_it_names_and_for_its_time() {
    let (finished, told) = run(&fleet(
        4,
        "10min",
        "[faults.split]\nat = \"90s\"\n\
         effect = { kind = \"partition\", groups = [\"device[0..2]\", \"server\"], for = \"2min\" }\n",
    ));
    let failed: Vec<_> = told
        .sessions
        .iter()
        .filter(|session| session.2 != Outcome::Accepted)
        .map(|session| (session.0 / SECOND, session.1))
        .collect();
    assert_eq!(failed, [(130, 0), (130, 1), (190, 0), (190, 1)]);
    assert_eq!(finished.tally.of(Outcome::Accepted), 4 * 10 - 4);
}

#[test]
fn a_hanging_processor_answers_late() {
    let (_, told) = run(&fleet(
        1,
        "3min",
        "[faults.hang]\ntarget = \"server\"\nat = \"60s\"\n\
         effect = { kind = \"stuck\", for = \"5s\" }\n",
    ));
    let ends: Vec<u64> = told
        .sessions
        .iter()
        .map(|session| session.0 / SECOND)
        .collect();
    assert_eq!(ends, [0, 65, 120]);
}

#[test]
fn mistakes_are_refused_with_their_place() {
    let says = |more: &str, parts: &[&str]| {
        let text = fleet(3, "10min", more);
        let error = crate::read_text("s.toml", &text, &[])
            .unwrap_err()
            .render(false);
        for part in parts {
            assert!(error.contains(part), "no {part:?} in:\n{error}");
        }
    };
    says(
        "[faults.x]\ntarget = \"device[3]\"\nat = \"1s\"\neffect = { kind = \"crash\" }\n",
        &["names no members of 3", "--> s.toml:24:10"],
    );
    says(
        "[faults.x]\ntarget = \"device\"\neffect = { kind = \"crash\" }\n",
        &["`faults.x` never strikes"],
    );
    says(
        "[faults.x]\ntarget = \"devise\"\nat = \"1s\"\neffect = { kind = \"crahs\" }\n",
        &["did you mean `device`?", "did you mean `crash`?"],
    );
    says(
        "[faults.x]\ntarget = \"device\"\nat = \"2h\"\neffect = { kind = \"crash\" }\n",
        &["strikes after the run is over"],
    );
    says(
        "[faults.x]\ntarget = \"device\"\nat = \"1s\"\neffect = { kind = \"crash\", by = \"1s\" }\n",
        &["there is no key `by` in `faults.x.effect`"],
    );
}

fn library(name: &str) -> &'static str {
    crate::library::find(name).unwrap().text
}

/// 5 s of window and 40 ppm between the clocks: 125,000 s, less what the message travels.
#[test]
fn skewed_clocks_outlive_their_window() {
    let (_, told) = run(library("skewed-clocks"));
    let good = |session: &&(u64, u32, Outcome, String)| session.2 == Outcome::Accepted;
    let last = told
        .sessions
        .iter()
        .filter(good)
        .map(|s| s.0)
        .max()
        .unwrap();
    let first = told
        .sessions
        .iter()
        .filter(|s| !good(s))
        .map(|s| s.0)
        .min()
        .unwrap();
    assert!(
        (124_000 * SECOND..=125_001 * SECOND).contains(&last),
        "{last}"
    );
    assert!(
        (124_000 * SECOND..=125_700 * SECOND).contains(&first),
        "{first}"
    );
}

/// Every torn vault is a pair lost for good.
#[test]
fn power_lost_in_the_vault_write_loses_the_device() {
    let (finished, _) = run(library("vault-power-loss"));
    let counts = finished.world.faults.as_ref().unwrap().counts();
    let lost = kinds(&finished)
        .iter()
        .filter(|kind| kind.1 == EpisodeKind::Permanent)
        .count() as u64;
    assert!(counts[1].strikes > 3, "{counts:?}");
    assert!(lost >= counts[1].strikes, "{lost}: {counts:?}");
}

/// A hundredth of the storm, at a server that is as much slower by its load: it ends.
#[test]
fn a_storm_queues_and_ends() {
    let text = library("reauth-storm")
        .replace("count = 100000", "count = 4000")
        .replace("uniform(10s, 15s)", "uniform(10s, 10100ms)");
    let (finished, _) = run(&text);
    assert_eq!(finished.tally.of(Outcome::Accepted), 4_000);
    let quiet = run(&text.replace("10100ms", "60s")).0;
    let (storm, quiet) = (&finished.tally.latency, &quiet.tally.latency);
    let grown = storm.value_at_quantile(0.5) - quiet.value_at_quantile(0.5);
    assert!(grown > 50_000_000, "{grown}");
}
