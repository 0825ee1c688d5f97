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
            "from,to,delay\n",
            vec!["edges.csv:1:1: the columns are `from,to,delay`"],
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
