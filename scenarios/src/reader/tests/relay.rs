//! Relays, and topologies with links within a group.

use super::says;
use crate::Scenario;
use crate::scenario::Topology;

/// Three devices, five gateways, one server; what stands for the gateways and the links.
fn read(gateway: &str, links: &str) -> Result<Scenario, crate::Diagnostics> {
    let text = format!(
        r#"
schema = 1

[run]
duration = "1h"
seed = 7

[protocol]
name = "secure-vault"

[nodes.gateway]
role = "relay"
{gateway}

[nodes.device]
role = "device"
count = 3

[nodes.server]
role = "server"

{links}

[workload.w]
from = "device"
to = "server"
do = "authenticate"
"#
    );
    crate::read_text("s.toml", &text, &[])
}

/// With links from the devices to the gateways, and these on the rest.
fn with_backhaul(backhaul: &str) -> Result<Scenario, crate::Diagnostics> {
    read(
        "count = 5",
        &format!("{ACCESS}\n[links.backhaul]\n{backhaul}"),
    )
}

const ACCESS: &str = "[links.access]\nbetween = [\"device\", \"gateway\"]\n";
const UP: &str = "between = [\"gateway\", \"server\"]\n";

/// What building the world refuses.
fn built(scenario: Result<Scenario, crate::Diagnostics>) -> Result<Scenario, crate::Diagnostics> {
    let scenario = scenario?;
    crate::build::build::<crate::host::tables::NoTables>(&scenario)?;
    Ok(scenario)
}

fn joint(backhaul: &str) -> Vec<(u32, u32)> {
    let scenario = built(with_backhaul(backhaul)).unwrap();
    match &scenario.links[1].topology {
        Some(Topology::Joint(edges)) => edges.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn relays_have_the_last_numbers_wherever_they_stand_in_the_file() {
    let scenario = with_backhaul(UP).unwrap();
    let names: Vec<&str> = scenario.groups.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["device", "server", "gateway"]);
    let relay = scenario.groups[2].relay.as_ref().unwrap();
    assert_eq!(
        (relay.hop_limit, relay.processing.as_constant()),
        (64, Some(0.0))
    );
    assert!(
        scenario
            .canonical
            .contains("nodes.gateway.params.hop_limit = 64")
    );
}

#[test]
fn trees_and_rings_join_the_nodes_of_both_groups() {
    // The server, node 5 of the link, is the root; 0 and 1 below it, then 2 and 3 below 0.
    let tree = joint(&format!("{UP}topology = \"tree\""));
    assert_eq!(tree, [(0, 5), (1, 5), (2, 0), (3, 0), (4, 1)]);
    let line = joint(&format!("{UP}topology = {{ tree = 1 }}"));
    assert_eq!(line, [(0, 5), (1, 0), (2, 1), (3, 2), (4, 3)]);
    let deep = format!("{UP}topology = {{ tree = {{ fan_out = 2, depth = 2 }} }}");
    assert_eq!(joint(&deep), tree);
    let ring = joint(&format!("{UP}topology = \"ring\""));
    assert_eq!(ring, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0)]);
}

#[test]
fn links_within_a_group_need_an_uplink_of_their_own() {
    let uplink =
        format!("\n[links.up]\n{UP}topology = {{ edges = [[\"gateway[4]\", \"server\"]] }}");
    let inner = |topology: &str| {
        format!("between = [\"gateway\", \"gateway\"]\ntopology = {topology}{uplink}")
    };
    assert_eq!(joint(&inner("\"ring\"")).len(), 5);
    assert_eq!(joint(&inner("\"tree\""))[0], (1, 0));
    assert_eq!(joint(&inner("\"full\"")).len(), 10);
    // Two parts of the network that nothing joins.
    says(
        built(with_backhaul(&inner(
            "{ edges = [[\"gateway[2]\", \"gateway[3]\"], [\"gateway[1]\", \"gateway[4]\"]] }",
        ))),
        &[
            "`device[0]` and `device[2]` cannot reach any node of `server`",
            "s.toml:23:11",
            "only nodes of role `relay` pass packets on",
        ],
    );
    says(
        built(with_backhaul(&inner(
            "{ edges = [[\"gateway[2]\", \"gateway[2]\"]] }",
        ))),
        &["this edge joins `gateway[2]` with itself"],
    );
    says(
        built(with_backhaul(&inner(
            "{ edges = [[\"gateway[2]\", \"gateway[3]\"], [\"gateway[3]\", \"gateway[2]\"]] }",
        ))),
        &["this edge is there twice"],
    );
    says(
        built(with_backhaul(&format!(
            "between = [\"gateway\", \"gateway\"]{uplink}"
        ))),
        &["links within one group need a topology"],
    );
    says(
        built(with_backhaul(&inner("{ random = 2 }"))),
        &["random partners are those of another group"],
    );
}

#[test]
fn topologies_that_cannot_be_are_refused() {
    let with = |topology: &str| built(with_backhaul(&format!("{UP}topology = {topology}")));
    says(
        with("{ tree = { fan_out = 2, depth = 3 } }"),
        &[
            "5 nodes below the root, 2 below each, make 2 levels, not 3",
            "write `depth = 2`",
        ],
    );
    says(with("{ tree = 0 }"), &["it must"]);
    says(with("{ tree = { depth = 2 } }"), &["lacks `fan_out`"]);
    says(
        with("{ tree = { fan_out = 2, width = 3 } }"),
        &["there is no key `width`"],
    );
    says(
        with("{ tree = 2, random = 1 }"),
        &["a topology has one source"],
    );
    says(with("{ edges = [] }"), &["there is no edge"]);
    says(
        with("{ edges = [[\"gateway[9]\", \"server\"]] }"),
        &["`gateway` has 5"],
    );
    says(
        with("{ edges = [[\"gateway[0]\"]] }"),
        &["an edge has two ends, not 1"],
    );
    says(
        with("{ tree = 2, others = \"skip\" }"),
        &["only a file can have edges"],
    );
    let two = "between = [\"server\", \"gateway\"]\ntopology = \"tree\"";
    says(
        built(with_backhaul(two)),
        &["a tree has one root, and the second group of the link has 5 nodes"],
    );
    let small = |links: &str| built(read("", &format!("{ACCESS}\n[links.backhaul]\n{links}")));
    says(
        small(&format!("{UP}topology = \"ring\"")),
        &["a ring has at least three nodes, not 2"],
    );
    // Devices pass nothing on.
    says(
        built(read(
            "count = 5",
            "[links.l]\nbetween = [\"device\", \"server\"]\ntopology = \"ring\"",
        )),
        &[
            "`device[0]` and `device[1]` are of the same group",
            "are no relays",
        ],
    );
    says(
        built(read(
            "count = 5",
            "[links.l]\nbetween = [\"device\", \"device\"]\ntopology = \"ring\"",
        )),
        &["both ends of this link are the same group"],
    );
}

#[test]
fn a_way_that_is_too_long_for_a_relay_is_refused() {
    let line = |gateway: &str| {
        let access = "[links.access]\nbetween = [\"device\", \"gateway\"]\ntopology = { edges = \
                      [[\"device[0]\", \"gateway[4]\"], [\"device[1]\", \"gateway[4]\"], \
                      [\"device[2]\", \"gateway[0]\"]] }";
        built(read(
            gateway,
            &format!("{access}\n[links.line]\n{UP}topology = {{ tree = 1 }}"),
        ))
    };
    line("count = 5\nparams = { hop_limit = 6 }").unwrap();
    says(
        line("count = 5\nparams = { hop_limit = 5 }"),
        &[
            "the way from `device[0]` to `server[0]` has 6 links, and gateway[4] passes on nothing \
             that crosses more than 5",
            "raise `hop_limit` to 6 or more",
            "s.toml:14:24",
        ],
    );
}

#[test]
fn what_a_relay_does_not_use_is_refused() {
    let with = |keys: &str| {
        built(read(
            &format!("count = 5\n{keys}"),
            &format!("{ACCESS}\n[links.b]\n{UP}"),
        ))
    };
    with("params = { processing = \"exp(2ms)\" }\nbacklog = 8\nprofile = \"raspberry-pi-4\"")
        .unwrap();
    says(
        with("start = \"1s\""),
        &["a relay stands ready from the start"],
    );
    says(
        with("clock = { offset = \"1s\" }"),
        &["a relay reads no clock"],
    );
    says(
        with("storage = { endurance = 5 }"),
        &["a relay stores nothing"],
    );
    says(
        with("profile = \"raspberry-pi-4\""),
        &["it processes nothing"],
    );
    says(
        with("params = { hop_limit = 1 }"),
        &["it must lie between 2 and 255"],
    );
    says(
        with("params = { hoplimit = 8 }"),
        &["there is no key `hoplimit`", "did you mean `hop_limit`"],
    );
    let relay = |from: &str, to: &str| {
        let text = with("").unwrap().text.replace(from, to);
        crate::read_text("s.toml", &text, &[])
    };
    says(
        relay("from = \"device\"", "from = \"gateway\""),
        &["`gateway` are relays, which take no part in the protocol"],
    );
    says(
        relay("to = \"server\"", "to = \"gateway\""),
        &["`gateway` are relays, which take no part in the protocol"],
    );
    says(
        relay(
            "[workload.w]",
            "[adversaries.x]\nas = \"gateway[0]\"\nattack = \"clone\"\n[workload.w]",
        ),
        &["a relay is no party that could be played"],
    );
}

#[test]
fn the_transport_is_between_the_ends() {
    let links = |access: &str, up: &str| {
        built(read(
            "count = 5",
            &format!("{ACCESS}{access}\n[links.b]\n{UP}{up}"),
        ))
    };
    let stream = "transport = \"stream\"\n";
    links(stream, stream).unwrap();
    says(
        links(stream, ""),
        &["`access` and `b` carry messages by different transports"],
    );
    let ring = "[links.r]\nbetween = [\"gateway\", \"gateway\"]\ntopology = \"ring\"\n";
    let scenario = links(stream, &format!("{stream}{ring}")).unwrap();
    assert_eq!(scenario.links[2].transport, scenario.links[0].transport);
    says(
        links(stream, &format!("{stream}{ring}{stream}")),
        &["relays pass packets on, whatever transport they belong to"],
    );
}

/// A network of all groups in one file.
const NET: &str = r#"graph [
  node [ id 0 label "device[0]" ]
  node [ id 1 label "device[1]" ]
  node [ id 3 label "gateway[0]" ]
  node [ id 4 label "gateway[1]" ]
  node [ id 5 label "server" ]
  edge [ source 0 target 3 ]
  edge [ source 1 target 4 ]
  edge [ source 3 target 4 delay "9ms" ]
  edge [ source 4 target 5 ]
]
"#;

const OF_NET: &str = r#"
schema = 1
[run]
duration = "1h"
seed = 7
[protocol]
name = "secure-vault"
[nodes.device]
role = "device"
count = 2
[nodes.gateway]
role = "relay"
count = 2
[nodes.server]
role = "server"
[links.access]
between = ["device", "gateway"]
topology = { gml = "net.gml", others = "skip" }
[links.core]
between = ["gateway", "gateway"]
topology = { gml = "net.gml", others = "skip" }
[links.uplink]
between = ["gateway", "server"]
topology = { gml = "net.gml", others = "skip" }
[workload.w]
from = "device"
to = "server"
do = "authenticate"
"#;

#[test]
fn one_file_holds_the_edges_of_several_links() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    let read = |net: &str, text: &str| {
        std::fs::write(folder.path().join("net.gml"), net).unwrap();
        std::fs::write(&path, text).unwrap();
        built(crate::read(&path, &[]))
    };
    let scenario = read(NET, OF_NET).unwrap();
    let edges = |link: usize| scenario.links[link].topology.clone().unwrap();
    assert_eq!(edges(0), Topology::Edges(vec![(0, 0), (1, 1)]));
    assert_eq!(edges(1), Topology::Joint(vec![(0, 1)]));
    assert_eq!(edges(2), Topology::Edges(vec![(1, 0)]));
    assert_eq!(scenario.links[1].own.edges, [1]);
    // A link of two groups may also take the edges between relays itself.
    let both = OF_NET
        .replacen(", others = \"skip\"", "", 1)
        .replace("  node [ id 5 label \"server\" ]\n", "");
    says(
        read(NET, &both),
        &["net.gml:6:21: `server` is no node of this link"],
    );
    // The way to the server is cut.
    let cut = NET.replace("  edge [ source 3 target 4 delay \"9ms\" ]\n", "");
    says(read(&cut, OF_NET), &["net.gml", "there is no edge"]);
    let cut = OF_NET.replace(
        "between = [\"gateway\", \"gateway\"]\ntopology = { gml = \"net.gml\", others = \"skip\" }",
        "between = [\"gateway\", \"gateway\"]\ndirection = \"down\"\ntopology = \"tree\"",
    );
    // Down leads from gateway 0 to gateway 1, which is the way there; there is none back.
    says(
        read(NET, &cut),
        &["no way leads back from `server` to `device[0]`"],
    );
}

#[test]
fn patterns_hold_for_either_end_of_a_link_among_relays() {
    let ring = format!(
        "{UP}topology = \"ring\"\ndelay = \"1ms\"\n[[links.backhaul.where]]\nmatch = \"gateway[2]\"\n\
         set = {{ delay = \"9ms\" }}\n[[links.backhaul.where]]\nmatch = [\"server\", \"gateway[0]\"]\n\
         set = {{ loss = \"50%\" }}"
    );
    let scenario = built(with_backhaul(&ring)).unwrap();
    let own = &scenario.links[1].own;
    let of = |one, other| own.of_joint([one, other], 0).len() - 1;
    assert_eq!([of((0, 1), (0, 2)), of((0, 2), (0, 3))], [1, 1]);
    assert_eq!([of((1, 0), (0, 0)), of((0, 4), (1, 0))], [1, 0]);
    let none = ring.replace("gateway[0]", "gateway[1]");
    says(built(with_backhaul(&none)), &["no link joins these ends"]);
}
