//! Topologies: rules and files.

use super::{GOOD, says};
use crate::Scenario;
use crate::scenario::Topology;

/// A scenario of three devices and two servers whose link has this topology, beside a file.
fn read(topology: &str, file: &str, text: &str) -> Result<Scenario, crate::Diagnostics> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(file), text).unwrap();
    let scenario = GOOD
        .replace("count = 10", "count = 3")
        .replace("role = \"server\"", "role = \"server\"\ncount = 2")
        .replace(
            "delay = \"20ms\"",
            &format!("delay = \"20ms\"\ntopology = {topology}"),
        );
    let path = folder.path().join("s.toml");
    std::fs::write(&path, scenario).unwrap();
    crate::read(&path, &[])
}

fn csv(text: &str) -> Result<Scenario, crate::Diagnostics> {
    read("{ csv = \"edges.csv\" }", "edges.csv", text)
}

fn gml(text: &str) -> Result<Scenario, crate::Diagnostics> {
    read("{ gml = \"net.gml\" }", "net.gml", text)
}

const EDGES: &str = "# who hears whom\nfrom,to\ndevice[0],server[0]\nserver[1], device[0]\ndevice[1],server[0]\ndevice[2],server[1]\n";

#[test]
fn edges_of_a_file_are_read_in_either_direction() {
    let edges = vec![(0, 0), (0, 1), (1, 0), (2, 1)];
    let read = csv(EDGES).unwrap();
    assert_eq!(read.links[0].topology, Some(Topology::Edges(edges)));
    assert!(read.canonical.contains("topology = 4 edges "));
}

#[test]
fn rules_make_pairs() {
    let rule = |topology| read(topology, "x", "").unwrap().links[0].topology.clone();
    assert_eq!(rule("\"star\""), None);
    assert_eq!(rule("\"full\""), Some(Topology::Full));
    assert_eq!(rule("{ random = 2 }"), Some(Topology::Random { k: 2 }));
    says(
        read("{ random = 3 }", "x", ""),
        &["a node cannot have 3 different partners among 2"],
    );
    says(read("\"mesh\"", "x", ""), &["there is no topology `mesh`"]);
}

#[test]
fn files_that_are_wrong_are_refused_with_their_place() {
    for (text, parts) in [
        (
            "from,too,delay\n",
            vec!["edges.csv:1:1: the columns are `from,too,delay`"],
        ),
        (
            "from,to,weight\n",
            vec!["edges.csv:1:9: there is no column `weight`"],
        ),
        (
            "from,to,loss,loss\n",
            vec!["edges.csv:1:14: the column `loss` is there twice"],
        ),
        (
            "from,to,loss,delay\ndevice[0],server[0],2,20ms\n",
            vec!["edges.csv:2:21: `2` is no probability"],
        ),
        (
            "from,to,delay\ndevice[0],server[0],20\n",
            vec!["edges.csv:2:21: "],
        ),
        (
            "from,to,rate\ndevice[0],server[0],1kbps\n",
            vec!["edges.csv:2:21: this link has no rate that could differ"],
        ),
        (
            "from,to,delay\ndevice[0],server[0]\n",
            vec!["edges.csv:2:1: this line has 2 fields"],
        ),
        ("from,to\n", vec!["there is no edge"]),
        (
            "from,to\ndevice[0],server[2]\n",
            vec!["edges.csv:2:11: `server[2]` is no node: `server` has 2"],
        ),
        (
            "from,to\ndevcie[0],server[1]\n",
            vec![
                "edges.csv:2:1: `devcie[0]` is no node of this link",
                "did you mean `device`?",
            ],
        ),
        (
            "from,to\ndevice[0],device[1]\n",
            vec!["are of the same group"],
        ),
        (
            "from,to\ndevice[0],server[0]\ndevice[0],server[0]\n",
            vec!["edges.csv:3:1: this edge stands in line 2 too"],
        ),
        (
            "from,to\ndevice[0],server[0]\ndevice[1],server[1]\n",
            vec!["`device[2]` has no link to any node of `server`"],
        ),
        ("from,to\ndevice[0]\n", vec!["this line has 1 fields"]),
    ] {
        says(csv(text), &parts);
    }
    says(
        read("{ csv = \"none.csv\" }", "x", ""),
        &["cannot read `none.csv`"],
    );
}

const NET: &str = "graph [\n directed 0\n node [ id 1 label \"device[0]\" ]\n node [ id 2 label \"device[1]\" ]\n node [ id 3 label \"device[2]\" ]\n node [ id 7 label \"server[0]\" ]\n node [ id 8 label \"server[1]\" ]\n edge [ source 1 target 7 ]\n edge [ source 2 target 8 ]\n edge [ source 3 target 7 ]\n]\n";

#[test]
fn gml_is_read_and_refused() {
    let read = gml(NET).unwrap();
    let edges = vec![(0, 0), (1, 1), (2, 0)];
    assert_eq!(read.links[0].topology, Some(Topology::Edges(edges)));
    for (from, to, part) in [
        ("id 1 ", "", "net.gml:3:2: this node lacks `id`"),
        (
            "target 8",
            "target 9",
            "net.gml:9:25: this edge ends at node 9, which is not there",
        ),
        (
            "id 2 ",
            "id 2 weight 3 ",
            "there is no key `weight` in `node`",
        ),
        (
            "target 8",
            "target 8 loss 1.5",
            "net.gml:9:32: `1.5` is no probability",
        ),
        (
            "target 8",
            "target 8 target 7",
            "net.gml:9:27: this edge has `target` twice",
        ),
        (
            "directed 0",
            "colour 3",
            "there is no key `colour` in `graph`",
        ),
        ("id 2 ", "id 1 ", "there are two nodes with the id 1"),
        ("target 7 ]\n]", "target 7 ]\n", "the file ends too early"),
        ("\"device[2]\"", "\"device[2]", "this text has no end"),
        ("source 3 ", "source 1 ", "this edge stands in line 8 too"),
    ] {
        assert!(NET.contains(from), "{from}");
        says(gml(&NET.replacen(from, to, 1)), &[part]);
    }
}

/// The parameters of the link between two members, up.
fn own_delay(read: &Scenario, ends: (u32, u32)) -> Option<f64> {
    let link = &read.links[0];
    let Some(Topology::Edges(edges)) = &link.topology else {
        panic!("no edges");
    };
    let edge = edges.binary_search(&ends).unwrap();
    let base = [link.up.clone(), link.down.clone()];
    let of = link.own.of(ends, Some(edge));
    link.own.params(base, &of)[0].delay.as_constant()
}

#[test]
fn edges_may_have_parameters_of_their_own() {
    let table = "from,to,loss,delay\ndevice[0],server[0],20%,\"5ms\"\n\
                 device[1],server[0],,\"shifted-exp(min=1ms, mean=7ms)\"\ndevice[2],server[1],,\n";
    let read = csv(table).unwrap();
    assert_eq!(own_delay(&read, (0, 0)), Some(5e6));
    assert_eq!(own_delay(&read, (1, 0)), None);
    assert_eq!(own_delay(&read, (2, 1)), Some(2e7));
    assert_eq!(read.links[0].own.edges, [1, 2, 0]);
    let other = csv(&table.replace("5ms", "6ms")).unwrap();
    assert_ne!(read.canonical, other.canonical);
    // The columns' order and that of the lines mean nothing, and GML says the same.
    let net = NET
        .replace("target 8 ]", "target 8 delay \"5ms\" loss 0.2 ]")
        .replace(
            "source 3 target 7 ]",
            "source 3 target 7 loss \"20%\" delay \"5ms\" ]",
        );
    let read = gml(&net).unwrap();
    assert_eq!(own_delay(&read, (0, 0)), Some(2e7));
    assert_eq!(own_delay(&read, (1, 1)), Some(5e6));
    assert_eq!(own_delay(&read, (2, 0)), Some(5e6));
}

/// The good scenario with three devices, two servers and these keys of its link.
fn keys(keys: &str) -> Result<Scenario, crate::Diagnostics> {
    let text = GOOD
        .replace("count = 10", "count = 3")
        .replace("role = \"server\"", "role = \"server\"\ncount = 2")
        .replace("delay = \"20ms\"", &format!("delay = \"20ms\"\n{keys}"));
    crate::read_text("s.toml", &text, &[])
}

#[test]
fn patterns_name_links_by_their_ends() {
    let read = keys(
        "where = [{ match = \"device[0..2]\", set = { delay = \"1ms\" } }, \
         { match = [\"server[1]\", \"device[1]\"], set = { delay = { up = \"3ms\" } } }]",
    )
    .unwrap();
    let own = &read.links[0].own;
    let [first, second] = &own.exceptions[..] else {
        panic!("{own:?}");
    };
    assert_eq!(first.ends, [Some((0, 2)), None]);
    assert_eq!(second.ends, [Some((1, 2)), Some((1, 2))]);
    let delays = |ends| {
        let base = [read.links[0].up.clone(), read.links[0].down.clone()];
        let both = own.params(base, &own.of(ends, None));
        both.map(|side| side.delay.as_constant().unwrap() / 1e6)
    };
    assert_eq!(delays((0, 0)), [1.0, 1.0]);
    assert_eq!(delays((1, 1)), [3.0, 1.0]);
    assert_eq!(delays((2, 0)), [20.0, 20.0]);
}

#[test]
fn patterns_that_mean_nothing_are_refused() {
    let one = |matched: &str| {
        keys(&format!(
            "where = {{ match = {matched}, set = {{ loss = 0.2 }} }}"
        ))
    };
    for (matched, part) in [
        ("\"device[3]\"", "`device[3]` names no members of 3"),
        ("\"devcie[0]\"", "did you mean `device`?"),
        ("[\"device[0]\", \"server[1]\"]", "no link joins these ends"),
        ("[\"device[0]\", \"device[1]\"]", "are of the same group"),
        ("[]", "a pattern has one or two ends, not 0"),
    ] {
        says(one(matched), &[part]);
    }
    for (text, part) in [
        ("where = { set = { loss = 0.2 } }", "lacks `match`"),
        ("where = { match = \"device\" }", "lacks `set`"),
        ("where = { match = \"device\", set = {} }", "nothing is set"),
        (
            "where = { match = \"device\", set = { mtu = \"9B\" } }",
            "there is no key `mtu`",
        ),
        (
            "where = { match = \"device\", set = { rate = \"1kbps\" } }",
            "this link has no rate that could change",
        ),
        (
            "pick = \"uniform\"\nwhere = { match = [\"device[0]\", \"server\"], set = { loss = 1 } }",
            "who is linked with whom is drawn",
        ),
        (
            "where = { match = \"device[0]\", set = { loss = 1 } }\n\
             schedule = { at = \"1h\", set = { loss = 0.5 } }",
            "links with parameters of their own cannot be set to others for a while",
        ),
    ] {
        says(keys(text), &[part]);
    }
}

#[test]
fn the_links_of_a_topology_are_counted() {
    let down = |members: u32| {
        keys(&format!(
            "topology = \"full\"\nschedule = {{ at = \"1h\", down = true, members = [{members}] }}"
        ))
    };
    assert!(down(5).is_ok());
    says(down(6), &["there is no link 6"]);
}
