//! The keys of links: what is read, and what is refused.

use std::path::PathBuf;

use sim_engine::link::LossModel;
use sim_engine::{Aqm, Damage, LinkParams, QueueLimit, Reordering};

use super::{GOOD, changed, says};
use crate::{Diagnostics, Scenario};

/// [`GOOD`] with `keys` in the place of the link's delay.
fn link(keys: &str) -> Result<Scenario, Diagnostics> {
    changed("delay = \"20ms\"", keys)
}

#[track_caller]
fn up(keys: &str) -> LinkParams {
    link(keys).unwrap().links[0].up.clone()
}

/// A scenario beside a file `data.csv` with this text.
fn beside(keys: &str, data: &str) -> (tempfile::TempDir, Result<Scenario, Diagnostics>) {
    let directory = tempfile::tempdir().unwrap();
    let path: PathBuf = directory.path().join("s.toml");
    std::fs::write(&path, GOOD.replace("delay = \"20ms\"", keys)).unwrap();
    std::fs::write(directory.path().join("data.csv"), data).unwrap();
    let read = crate::read(&path, &[]);
    (directory, read)
}

#[test]
fn loss_models_have_their_long_run_loss() {
    let mean = |loss: &str| up(&format!("loss = {loss}")).loss.mean(127);
    let close = |loss: &str, exact: f64| {
        let mean = mean(loss);
        assert!((mean - exact).abs() < 1e-6, "{loss}: {mean}");
    };
    close(
        "{ model = \"gilbert\", good_to_bad = 0.1, bad_to_good = 0.4, loss_bad = 0.5 }",
        0.1,
    );
    close(
        "{ model = \"markov4\", p13 = 0.02, p31 = 0.3, p32 = 0.1, p23 = 0.4, p14 = 0.01 }",
        0.070_122,
    );
    close(
        "{ model = \"markov4\", p_loss = \"5%\", burst = 10, density = 0.7, isolated = 0.01, good_run = 2 }",
        0.05,
    );
    close("{ model = \"ber\", ber = 1.61527e-4 }", 0.151_364);
    close("{ model = \"ber\", snr = \"0dB\" }", 0.151_364);
    close("{ model = \"ber\", snr = \"-1dB\" }", 0.689_011);
}

#[test]
fn loss_models_that_are_none_are_refused() {
    let refused = |loss: &str, parts: &[&str]| says(link(&format!("loss = {loss}")), parts);
    refused(
        "{ model = \"markov5\" }",
        &[
            "there is no loss model `markov5`",
            "did you mean `markov4`?",
        ],
    );
    refused(
        "{ model = \"markov4\", p13 = 0.6, p31 = 0.3, p14 = 0.5 }",
        &["p13 + p14 is 1.1, more than 1"],
    );
    refused(
        "{ model = \"markov4\", p13 = 0.6, p31 = 0 }",
        &["a state that it never leaves"],
    );
    refused(
        "{ model = \"markov4\", p_loss = 0.9, burst = 2, density = 0.5, good_run = 2 }",
        &[
            "no chain of four states has these properties",
            "p_loss must be below the density",
        ],
    );
    refused(
        "{ model = \"markov4\", p13 = 0.1, p31 = 0.3, burst = 2 }",
        &["there is no key `p13`"],
    );
    refused(
        "{ model = \"ber\" }",
        &["takes a bit error rate or a signal-to-noise ratio"],
    );
    refused(
        "{ model = \"ber\", ber = 1e-5, snr = \"1dB\" }",
        &["or a signal-to-noise ratio"],
    );
    refused("{ model = \"ber\", snr = 1 }", &["`1` has no unit", "1dB"]);
    refused(
        "{ model = \"ber\", ber = 1e-5, good_to_bad = 0.1 }",
        &["there is no key `good_to_bad`"],
    );
    refused(
        "{ model = \"bernoulli\", p = 0.1, per = \"slot\" }",
        &["there is no key `per`"],
    );
    refused(
        "{ model = \"gilbert\", good_to_bad = 0.1, bad_to_good = 0.4, per = \"slot\" }",
        &["lacks `slot`"],
    );
    refused(
        "{ model = \"gilbert\", good_to_bad = 0.1, bad_to_good = 0.4, slot = \"1ms\" }",
        &["there is no key `slot`"],
    );
}

#[test]
fn recordings_are_read_beside_the_scenario() {
    let (_kept, read) = beside(
        "loss = 'trace(\"data.csv\")'",
        "# seen\nlost\n0\n1\n1\n0\n\n",
    );
    let lossy = read.unwrap();
    assert_eq!(
        lossy.links[0].up.loss,
        LossModel::replay(&[false, true, true, false]).unwrap()
    );
    let (_kept, read) = beside("loss = 'trace(\"data.csv\")'", "delivered\nlost\n");
    let words = read.unwrap();
    assert_eq!(
        words.links[0].down.loss,
        LossModel::replay(&[false, true]).unwrap()
    );
    assert_ne!(lossy.hash(), words.hash());
    let (_kept, read) = beside("delay = 'trace(\"data.csv\")'", "ms\n3\n1.5\n");
    let slow = read.unwrap();
    assert_eq!(
        slow.links[0].up.delay_replay.as_deref(),
        Some(&[3_000_000, 1_500_000][..])
    );
}

#[test]
fn files_with_holes_or_text_are_refused_with_the_line() {
    let refused = |keys: &str, data: &str, parts: &[&str]| says(beside(keys, data).1, parts);
    let loss = "loss = 'trace(\"data.csv\")'";
    refused(loss, "0\n2\n", &["line 2: `2` says of no packet", "--> "]);
    refused(loss, "0\n\n1\n", &["line 2: a value is missing"]);
    refused(loss, "# nothing\n", &["holds no value"]);
    let delay = "delay = 'trace(\"data.csv\")'";
    refused(delay, "1ms\nfast\n", &["line 2: this is not a duration"]);
    refused(
        delay,
        "1ms\n-1ms\n",
        &["line 2: a duration cannot be negative here"],
    );
    let law = "delay = 'empirical(\"data.csv\")'";
    refused(law, "ms\n1\n\n3\n", &["line 3: a value is missing"]);
    refused(law, "1ms\nNaN\n", &["line 2: this is not a duration"]);
    refused(law, "1ms\n2\n", &["line 2: `2` has no unit"]);
    refused(
        "jitter = 'trace(\"data.csv\")'",
        "1ms\n",
        &["a recording is no law"],
    );
    says(
        link("loss = 'trace(\"nowhere.csv\")'"),
        &["cannot read `nowhere.csv`"],
    );
}

#[test]
fn queues_are_limited_managed_and_shaped() {
    let red = up(
        "rate = \"1Mbps\"\nqueue = { packets = 50, aqm = \"red\", min = 5, max = 15, max_p = \"5%\", weight = 0.01 }",
    );
    assert_eq!(red.queue, QueueLimit::Packets(50));
    assert!(matches!(red.aqm, Some(Aqm::Red(red)) if red.max_p == 0.05 && red.weight == 0.01));
    let codel = up("rate = \"1Mbps\"\nqueue = { bytes = \"8KiB\", aqm = \"codel\" }");
    assert!(matches!(codel.aqm, Some(Aqm::Codel(codel)) if codel.target.0 == 5_000_000));
    let shaped = up("shaper = { rate = \"64kbps\", burst = \"2kB\" }\nqueue = { packets = 9 }");
    assert_eq!(shaped.shaper.unwrap().burst_bytes, 2_000);
    let queue = |queue: &str, parts: &[&str]| {
        says(link(&format!("rate = \"1Mbps\"\nqueue = {queue}")), parts);
    };
    queue(
        "{ packets = 5, aqm = \"pie\" }",
        &["there is no queue management `pie`"],
    );
    queue(
        "{ packets = 5, aqm = \"codel\", min = 3 }",
        &["there is no key `min`"],
    );
    queue("{ packets = 5, aqm = \"red\", min = 3 }", &["lacks `max`"]);
    queue(
        "{ packets = 5, aqm = \"red\", min = 3, max = 3 }",
        &["must be greater than `min`"],
    );
    queue("{ packets = 5, min = 3 }", &["there is no key `min`"]);
    queue(
        "{ packets = 5, aqm = \"codel\", target = \"0s\" }",
        &["must last longer than zero"],
    );
    says(
        link("queue = { aqm = \"codel\" }"),
        &["a queue needs a rate"],
    );
    says(link("overhead = \"10B\""), &["overhead needs a rate"]);
    says(link("shaper = { rate = \"64kbps\" }"), &["lacks `burst`"]);
}

#[test]
fn frames_are_cut_and_repeated() {
    let arq = up(
        "loss = 0.1\narq = { retries = 3, timeout = \"864us\", backoff = 2, ack_time = \"352us\", ack_loss = \"1%\" }",
    );
    assert_eq!(arq.arq.unwrap().retries, 3);
    let cut = up("mtu = \"102B\"\nfragmentation = { scheme = \"6lowpan\", timeout = \"5s\" }");
    assert_eq!(cut.fragmentation.unwrap().timeout.0, 5_000_000_000);
    assert!(!cut.too_long(1_280));
    says(link("arq = 3"), &["`arq` is a table", "retries = 3"]);
    says(link("arq = { timeout = \"1ms\" }"), &["lacks `retries`"]);
    says(link("arq = { retries = 16 }"), &["16 is out of range"]);
    says(
        link("loss = 0.1\nloss_at = \"ingress\"\narq = { retries = 1 }"),
        &["lost at the ingress"],
    );
    says(
        link("duplicate = 0.1\narq = { retries = 1 }"),
        &["recognises copies"],
    );
    says(
        link("fragmentation = \"6lowpan\""),
        &["fragmentation needs an MTU"],
    );
    says(
        link("mtu = \"12B\"\nfragmentation = \"6lowpan\""),
        &["do not fit into this MTU", "at least 13B"],
    );
    says(
        link("mtu = \"99B\"\nfragmentation = \"ip\""),
        &["there is no scheme of fragmentation `ip`"],
    );
}

#[test]
fn packets_are_damaged_copied_and_reordered() {
    let damaged =
        up("corrupt = { probability = \"1%\", bits = 3, checksum = \"below\" }").corruption;
    assert!(damaged.is_some_and(|how| how.checked && how.damage == Damage::Bits(3)));
    let burst = up("corrupt = { probability = \"1%\", burst = 8 }").corruption;
    assert!(burst.is_some_and(|how| !how.checked && how.damage == Damage::Burst(8)));
    assert!(up("corrupt = 0").corruption.is_none());
    assert!((up("duplicate = \"3%\"").duplication.value() - 0.03).abs() < 1e-12);
    let ahead = up("delay = \"9ms\"\nreorder = { probability = \"25%\", gap = 5 }").reordering;
    assert!(matches!(ahead, Some(Reordering::Ahead { gap: 5, .. })));
    let held = up("reorder = { probability = \"25%\", by = \"exp(5ms)\" }").reordering;
    assert!(matches!(held, Some(Reordering::Held { .. })));
    assert!(up("order = \"keep\"").in_order);
    let jitter = up("jitter = { law = \"exp(5ms)\", correlation = 0.25 }");
    assert_eq!(jitter.jitter_correlation, Some(0.25));
    let corrupt = |how: &str, parts: &[&str]| says(link(&format!("corrupt = {how}")), parts);
    corrupt("{ bits = 3 }", &["lacks `probability`"]);
    corrupt("{ probability = 0.1, bits = 0 }", &["0 is out of range"]);
    corrupt("{ probability = 0.1, bits = 2, burst = 4 }", &["not both"]);
    corrupt(
        "{ probability = 0.1, checksum = \"beside\" }",
        &["there is no place `beside`"],
    );
    says(
        link("reorder = { probability = 0.1, gap = 5 }"),
        &["overtakes none"],
    );
    says(
        link("delay = \"9ms\"\norder = \"keep\"\nreorder = { probability = 0.1 }"),
        &["keeps the order"],
    );
    says(
        link("reorder = { probability = 0.1, gap = 2, by = \"1ms\" }"),
        &["not both"],
    );
    says(
        link("jitter = { law = \"5ms\", correlation = 0.5 }"),
        &["has no correlation"],
    );
    says(
        link("jitter = { law = \"exp(5ms)\", correlation = 1 }"),
        &["never changes"],
    );
    says(link("loss_at = \"ingress\""), &["nothing is lost here"]);
}

#[test]
fn schedules_say_when_and_what() {
    let good = link("delay = \"20ms\"\n[[links.access.schedule]]\nid = \"night\"\nevery = \"6h\"\nfor = \"1h\"\nset = { loss = { up = \"50%\" }, delay = \"1s\" }").unwrap();
    let change = &good.links[0].schedule[0];
    let [up, down] = change.set.as_deref().unwrap();
    assert!((up.loss.mean(0) - 0.5).abs() < 1e-12);
    assert_eq!(down.loss, LossModel::None);
    assert_eq!(down.delay.as_constant(), Some(1e9));
    let refused = |change: &str, parts: &[&str]| {
        says(link(&format!("schedule = [{{ {change} }}]")), parts);
    };
    refused("down = true", &["does not say when", "--> s.toml:22:13"]);
    refused("at = \"1h\"", &["does not say what changes"]);
    refused("at = \"1h\", down = false", &["links are up unless"]);
    refused(
        "at = \"1h\", down = true, set = { loss = 0 }",
        &["needs no parameters"],
    );
    refused(
        "at = \"25h\", down = true",
        &["would begin when the run is over", "--> s.toml:22:20"],
    );
    refused(
        "every = \"1h\", down = true",
        &["must be over before it begins again"],
    );
    refused(
        "every = \"1h\", for = \"2h\", down = true",
        &["must be over before"],
    );
    refused(
        "process = \"exp(1h)\", down = true",
        &["must end before the next"],
    );
    refused(
        "process = \"exp(1h)\", at = \"1h\", for = \"1min\", down = true",
        &["has no other times"],
    );
    refused(
        "at = \"1h\", down = true, together = true",
        &["there is none"],
    );
    refused(
        "at = \"1h\", down = true, members = [10]",
        &["there is no link 10 in `access`", "10 links"],
    );
    refused(
        "at = \"1h\", down = true, members = \"5-2\"",
        &["`5-2` is no stretch"],
    );
    refused("at = \"1h\", set = {}", &["nothing is set"]);
    refused(
        "at = \"1h\", set = { mtu = \"9B\" }",
        &["there is no key `mtu`", "`delay`, `jitter`"],
    );
    refused(
        "at = \"1h\", set = { rate = \"1kbps\" }",
        &["has no rate that could change"],
    );
    refused(
        "at = \"1h\", for = \"0s\", down = true",
        &["must last longer than zero"],
    );
    refused("at = 5, down = true", &["`5` has no unit"]);
    says(
        link("direction = \"up\"\nschedule = [{ at = \"1h\", down = true, direction = \"down\" }]"),
        &["carries nothing in this direction"],
    );
}
