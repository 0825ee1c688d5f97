//! Links as a scenario asks for them, against closed forms.

use scenarios::LinkStats;
use scenarios::build::build;
use scenarios::host::tables::NoTables;
use scenarios::run::{Unwatched, drive};

use crate::simulation::{run, scenario};

/// A source that sends 64 bytes to a sink once a second for `seconds`, over a link with these keys;
/// counters of the link, up.
fn sent(keys: &str, seconds: u32) -> LinkStats {
    of_many(1, keys, seconds).remove(0)
}

/// The same for several sources, each with a link of its own.
fn of_many(count: u32, keys: &str, seconds: u32) -> Vec<LinkStats> {
    let text = format!(
        r#"
schema = 1
[run]
duration = "{seconds}s"
settle = "0s"
seed = 11
[protocol]
name = "traffic"
[nodes.source]
role = "source"
count = {count}
params = {{ size = "64B" }}
start = "500ms"
[nodes.sink]
role = "sink"
[workload.load]
from = "source"
to = "sink"
do = "send"
every = "1s"
[output]
traces = []
figures = []
[links.pipe]
between = ["source", "sink"]
{keys}
"#
    );
    let scenario = scenario(&text);
    let built = build(&scenario).unwrap();
    let mut stats = Vec::new();
    let finished = drive(&scenario, built, &mut NoTables, &mut Unwatched, |view| {
        stats = (0..count).map(|link| view.link_stats(link)[0]).collect();
    })
    .unwrap();
    assert_eq!(finished.stopped, None);
    stats
}

#[allow(clippy::cast_precision_loss, reason = "counts are small")]
fn share(part: u64, of: u64) -> f64 {
    part as f64 / of as f64
}

#[test]
fn a_link_repeats_frames_as_the_closed_form_says() {
    for (loss, retries) in [(0.3_f64, 3), (0.6, 1), (0.5, 7)] {
        let keys = format!("loss = {loss}\narq = {{ retries = {retries}, timeout = \"1ms\" }}");
        let stats = sent(&keys, 60_000);
        let lost = loss.powi(retries + 1);
        let sd = (lost * (1.0 - lost) / 60_000.0).sqrt();
        assert!((share(stats.lost, stats.offered) - lost).abs() < 3.5 * sd);
        let mean = (1.0 - lost) / (1.0 - loss);
        let frames = share(stats.frames, stats.offered);
        assert!((frames / mean - 1.0).abs() < 0.015, "{frames} {mean}");
    }
}

#[test]
fn fragments_are_lost_together() {
    let cut = "mtu = \"13B\"\nfragmentation = \"6lowpan\"\nloss = 0.02";
    let stats = sent(cut, 40_000);
    // 64 bytes in frames of 8.
    assert_eq!(stats.frames, 8 * stats.offered);
    let exact = 1.0 - 0.98_f64.powi(8);
    assert!((share(stats.lost, stats.offered) - exact).abs() < 0.007);
}

#[test]
fn a_link_is_down_when_the_schedule_says_so() {
    let once = "schedule = [{ at = \"100s\", for = \"50s\", down = true }]";
    let stats = sent(once, 1_000);
    assert_eq!((stats.offered, stats.lost), (1_000, 50));
    let every = "schedule = [{ at = \"10s\", every = \"100s\", for = \"5s\", down = true }]";
    assert_eq!(sent(every, 1_000).lost, 50);
    let other_way = "schedule = [{ at = \"10s\", down = true, direction = \"down\" }]";
    assert_eq!(sent(other_way, 1_000).lost, 0);
    let for_good = "schedule = [{ at = \"900s\", down = true, direction = \"up\" }]";
    assert_eq!(sent(for_good, 1_000).lost, 100);
    let overlapping = "schedule = [{ at = \"100s\", for = \"50s\", down = true }, \
                       { at = \"120s\", for = \"60s\", down = true }]";
    assert_eq!(sent(overlapping, 1_000).lost, 80);
}

#[test]
fn a_partition_cuts_off_the_members_that_it_names() {
    let keys = "schedule = [{ at = \"10s\", for = \"20s\", down = true, members = [0, \"3-4\"] }]";
    let lost: Vec<u64> = of_many(6, keys, 100)
        .iter()
        .map(|stats| stats.lost)
        .collect();
    assert_eq!(lost, [20, 0, 0, 20, 20, 0]);
}

/// Up for 60 s and down for 20 s on average: a quarter of the time.
#[test]
fn random_outages_take_their_share_of_the_time() {
    let keys = "schedule = [{ process = \"exp(60s)\", for = \"exp(20s)\", down = true }]";
    let each = of_many(20, keys, 20_000);
    let lost: u64 = each.iter().map(|stats| stats.lost).sum();
    let offered: u64 = each.iter().map(|stats| stats.offered).sum();
    // 20 links with 250 cycles each; the standard deviation of the share is about 0.0053.
    assert!(
        (share(lost, offered) - 0.25).abs() < 0.018,
        "{lost} of {offered}"
    );
    assert!(each.iter().any(|stats| stats.lost != each[0].lost));
    let together = keys.replace("down = true", "down = true, together = true");
    let each = of_many(3, &together, 5_000);
    assert!(each.iter().all(|stats| stats.lost == each[0].lost));
}

#[test]
fn parameters_change_for_a_while_and_come_back() {
    let keys = "loss = 0\nschedule = [{ at = \"100s\", for = \"100s\", set = { loss = 1 } }]";
    assert_eq!(sent(keys, 1_000).lost, 100);
    let later = "loss = 1\nschedule = [{ at = \"100s\", set = { loss = { up = 0 } } }]";
    assert_eq!(sent(later, 1_000).lost, 100);
    // The change that began last counts.
    let nested = "schedule = [{ at = \"100s\", for = \"100s\", set = { loss = 1 } }, \
                  { at = \"120s\", for = \"30s\", set = { loss = 0 } }]";
    assert_eq!(sent(nested, 1_000).lost, 70);
}

#[test]
fn a_shaper_and_a_managed_queue_drop_what_does_not_fit() {
    // 64 bytes a second against 256 bit/s: half of it.
    let tail = "shaper = { rate = \"256bps\", burst = \"128B\" }\nqueue = { packets = 10 }";
    let stats = sent(tail, 10_000);
    assert!((share(stats.queue_drops, stats.offered) - 0.5).abs() < 0.002);
    for managed in [
        "queue = { aqm = \"red\", min = 2, max = 8, weight = 0.1 }",
        "queue = { aqm = \"codel\", target = \"4s\", interval = \"30s\" }",
    ] {
        let stats = sent(&format!("rate = \"256bps\"\n{managed}"), 10_000);
        assert!(
            (share(stats.queue_drops, stats.offered) - 0.5).abs() < 0.02,
            "{managed}"
        );
        let wait_s = share(
            u64::try_from(stats.wait_ns / 1_000_000_000).unwrap(),
            stats.queued,
        );
        assert!((1.0..150.0).contains(&wait_s), "{managed}: {wait_s}");
    }
}

/// Damaged packets and copies reach machines, which must cope, and the oracle's rest stays sound.
#[test]
fn a_protocol_survives_damage_copies_and_disorder() {
    let text = r#"
schema = 1
[run]
duration = "12h"
seed = 5
[protocol]
name = "secure-vault"
params = { challenge = 3 }
[nodes.device]
role = "device"
count = 40
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
delay = "uniform(1ms, 30ms)"
loss = { model = "markov4", p13 = 0.02, p31 = 0.3, p32 = 0.1, p23 = 0.4, p14 = 0.01 }
corrupt = { probability = "10%", burst = 8 }
duplicate = "20%"
reorder = { probability = "25%", gap = 3 }
jitter = { law = "exp(5ms)", correlation = 0.5 }
[workload.auth]
from = "device"
do = "authenticate"
every = "exp(10min)"
[output]
traces = []
figures = []
"#;
    let scenario = scenario(text);
    let first = run(&scenario);
    assert!(first.tally.fates[sim_fate("corrupted")] > 300);
    assert!(first.tally.fates[sim_fate("duplicated")] > 300);
    assert_eq!(first.fingerprint, run(&scenario).fingerprint);
    // Whatever hung on a pair has let go of it: every divergence was judged.
    let unresolved = crate::simulation::of_kind(&first, scenarios::oracle::EpisodeKind::Unresolved);
    assert!(unresolved.is_empty(), "{unresolved:?}");
}

fn sim_fate(name: &str) -> usize {
    use scenarios::Fate;
    let fate = [Fate::Corrupted, Fate::Duplicated]
        .into_iter()
        .find(|fate| fate.as_str() == name);
    fate.unwrap() as usize
}

#[test]
fn a_pattern_gives_some_links_parameters_of_their_own() {
    let alike = of_many(4, "loss = 0.1\nrate = \"10kbps\"", 20_000);
    let keys = "loss = 0.1\nrate = \"10kbps\"\nwhere = [\
        { id = \"far\", match = \"source[1..3]\", set = { loss = 0.4 } }, \
        { match = [\"source[2]\", \"sink\"], set = { loss = 0.7, rate = \"1kbps\" } }]";
    let stats = of_many(4, keys, 20_000);
    for (link, exact) in [(0, 0.1_f64), (1, 0.4), (2, 0.7), (3, 0.1)] {
        let sd = (exact * (1.0 - exact) / 20_000.0).sqrt();
        let lost = share(stats[link].lost, stats[link].offered);
        assert!((lost - exact).abs() < 3.5 * sd, "{link}: {lost}");
    }
    // 64 bytes at 1 kbit/s instead of 10 are ten times as long in service; one may be under way.
    let apart = stats[2].busy_ns.abs_diff(10 * stats[1].busy_ns);
    assert!(apart < 512_000_000, "{apart}");
    // A pattern moves no draw of the links that it does not name.
    assert_eq!(stats[0], alike[0]);
    assert_eq!(stats[3], alike[3]);
}
