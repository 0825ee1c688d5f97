//! Relays: the ways over them, who reaches whom, and what refuses a world in which somebody does not.

use protocols::Channel;
use protocols::protocol::Completion;
use protocols::registry::Column;
use sim_engine::{Direction, StreamName};

use super::{Routes, count, node_at};
use crate::diagnostic::{Diagnostics, listed};
use crate::host::Group;
use crate::host::relay::{RelayGroup, Relays};
use crate::host::route::hops::{Edge, Hops};
use crate::host::usage::Usage;
use crate::scenario::{NodeGroup, Scenario, Step, talk};
use sim_engine::LinkId;

/// Most pairs of parties that may reach one another over relays.
const PAIRS_MAX: usize = 10_000_000;
/// Most nodes that a message names.
const NAMED: usize = 3;

fn relays_of(scenario: &Scenario) -> impl Iterator<Item = (usize, &NodeGroup)> {
    let groups = scenario.groups.iter().enumerate();
    groups.filter(|(_, group)| group.is_relay())
}

/// Adds the ways over relays to `routes`, and checks that all who must reach somebody do.
///
/// # Errors
///
/// There are too many relays, a node cannot reach its peers, or a way is longer than a relay allows.
pub(super) fn routes(
    scenario: &Scenario,
    routes: Routes,
    firsts: &[u32],
) -> Result<Routes, Diagnostics> {
    let Some((first_group, _)) = relays_of(scenario).next() else {
        return Ok(routes);
    };
    let first_relay = firsts[first_group];
    let mut edges = Vec::new();
    for route in routes.links() {
        for number in 0..route.many {
            let [a, b] = route.ends(number).map(|place| node_at(firsts, place));
            if a < first_relay && b < first_relay {
                continue;
            }
            let edge = |direction, from, to| Edge {
                link: LinkId(route.first + number),
                direction,
                from,
                to,
            };
            if route.directions.up {
                edges.push((route.channel, edge(Direction::Up, a, b)));
            }
            if route.directions.down {
                edges.push((route.channel, edge(Direction::Down, b, a)));
            }
        }
    }
    let limit = |group: &NodeGroup| group.relay.as_ref().map_or(0, |relay| relay.hop_limit);
    let limits = relays_of(scenario)
        .flat_map(|(_, group)| std::iter::repeat_n(limit(group), group.count))
        .collect();
    let nodes = count(scenario.node_count());
    let hops =
        Hops::new((firsts.to_vec(), nodes), first_relay, limits, &edges).map_err(|many| {
            scenario.refuse(
                &format!("nodes.{}.count", scenario.groups[first_group].name),
                &format!(
                    "the routes of {} relays, of which {} have parties, are too many to keep",
                    many.relays, many.goals
                ),
                "take fewer relays, or let fewer of them have links with devices and servers",
            )
        })?;
    let routes = routes.over(hops);
    Checker {
        scenario,
        routes: &routes,
        firsts,
    }
    .check()?;
    Ok(routes)
}

/// What every workload needs of the ways.
struct Checker<'a> {
    scenario: &'a Scenario,
    routes: &'a Routes,
    firsts: &'a [u32],
}

impl Checker<'_> {
    fn check(&self) -> Result<(), Diagnostics> {
        for workload in &self.scenario.workloads {
            for step in &workload.steps {
                let Some(to) = step.to.filter(|_| step.command != Step::REPROVISION) else {
                    continue;
                };
                let done = step.spec(self.scenario.protocol.protocol).done;
                let one_way = matches!(
                    done,
                    Completion::Handled
                        | Completion::StoredAtInitiator
                        | Completion::DataAtResponder
                );
                self.check_step((workload.from, to), one_way)?;
            }
        }
        Ok(())
    }

    fn reaches(&self, from: (usize, u32), to: (usize, u32)) -> bool {
        [Channel::Public, Channel::Secure]
            .into_iter()
            .any(|channel| self.routes.find(from, to, channel).is_some())
    }

    fn check_step(&self, (from, to): (usize, usize), one_way: bool) -> Result<(), Diagnostics> {
        let members = |group: usize| {
            let size = count(self.scenario.groups[group].count);
            (0..size).map(move |member| (group, member))
        };
        let mut lost = [Vec::new(), Vec::new()];
        for one in members(from) {
            let there: Vec<_> = members(to)
                .filter(|other| *other != one && self.reaches(one, *other))
                .collect();
            let back = one_way || there.iter().any(|other| self.reaches(*other, one));
            if there.is_empty() {
                lost[0].push(one);
            } else if !back {
                lost[1].push(one);
            }
            for other in there {
                self.check_length(one, other)?;
                self.check_length(other, one)?;
            }
        }
        let group = &self.scenario.groups[to].name;
        let [there, back] = lost.map(|lost| self.named(&lost));
        let reason = match (there, back) {
            (Some(nodes), _) => format!("{nodes} cannot reach any node of `{group}`"),
            (None, Some(nodes)) => format!("no way leads back from `{group}` to {nodes}"),
            (None, None) => return Ok(()),
        };
        Err(self.scenario.refuse(
            &self.place_of(from),
            &reason,
            "only nodes of role `relay` pass packets on: join the parts of the network by links \
             of relays over the same channel",
        ))
    }

    /// Where a message about the ways of a group points: at the first link that the group has.
    fn place_of(&self, group: usize) -> String {
        let links = self.scenario.links.iter();
        let mut own = links.filter(|link| link.a == group || link.b == group);
        own.next().map_or_else(
            || format!("nodes.{}", self.scenario.groups[group].name),
            |link| match link.topology {
                Some(_) => format!("links.{}.topology", link.name),
                None => format!("links.{}.between", link.name),
            },
        )
    }

    fn named(&self, nodes: &[(usize, u32)]) -> Option<String> {
        let name = |&(group, member): &(usize, u32)| {
            format!("{}[{member}]", self.scenario.groups[group].name)
        };
        let names: Vec<String> = nodes.iter().take(NAMED).map(name).collect();
        if names.is_empty() {
            return None;
        }
        let names = listed(names.iter().map(String::as_str));
        Some(match nodes.len().checked_sub(NAMED) {
            Some(more @ 1..) => format!("{names} and {more} more"),
            _ => names,
        })
    }

    /// No relay on the way may allow fewer links than the way has.
    fn check_length(&self, from: (usize, u32), to: (usize, u32)) -> Result<(), Diagnostics> {
        let Some(hops) = self.routes.hops() else {
            return Ok(());
        };
        let [one, other] = [from, to].map(|place| node_at(self.firsts, place));
        for channel in [Channel::Public, Channel::Secure] {
            let Some(links) = hops.distance(one, other, channel) else {
                continue;
            };
            if links <= hops.least_limit() {
                continue;
            }
            let far_end = |link: LinkId, direction| self.far_end(link, direction);
            let relays = hops.relays_between(one, other, channel, far_end);
            let Some((relay, limit)) = relays.into_iter().find(|(_, limit)| *limit < links) else {
                continue;
            };
            let index = self.firsts.partition_point(|first| *first <= relay) - 1;
            let name = &self.scenario.groups[index].name;
            let [from, to] = [from, to].map(|node| self.named(&[node]).unwrap_or_default());
            return Err(self.scenario.refuse(
                &format!("nodes.{name}.params.hop_limit"),
                &format!(
                    "the way from {from} to {to} has {links} links, and {name}[{}] passes on nothing \
                     that crosses more than {limit}",
                    relay - self.firsts[index]
                ),
                &format!("raise `hop_limit` to {links} or more, or make the way shorter"),
            ));
        }
        Ok(())
    }

    fn far_end(&self, link: LinkId, direction: Direction) -> u32 {
        let routes = self.routes.links();
        let at = routes.partition_point(|route| route.first <= link.0);
        let Some(route) = at.checked_sub(1).and_then(|at| routes.get(at)) else {
            return u32::MAX;
        };
        let [a, b] = route.ends(link.0 - route.first);
        node_at(self.firsts, if direction == Direction::Up { b } else { a })
    }
}

/// Adds who reaches whom over relays, among those who have dealings with each other.
///
/// # Errors
///
/// There are too many pairs.
pub(super) fn partners(
    scenario: &Scenario,
    routes: &Routes,
    firsts: &[u32],
    pairs: &mut Vec<(u32, u32)>,
) -> Result<(), Diagnostics> {
    let Some(hops) = routes.hops() else {
        return Ok(());
    };
    let groups = &scenario.groups;
    let nodes = |group: usize| firsts[group]..firsts[group] + count(groups[group].count);
    for one in 0..groups.len() {
        for other in 0..=one {
            let protocol = scenario.protocol.protocol;
            if !talk(protocol, groups, &scenario.workloads, (one, other)) {
                continue;
            }
            for (a, b) in nodes(one).flat_map(|a| nodes(other).map(move |b| (a, b))) {
                if a == b || !(hops.reaches(a, b) || hops.reaches(b, a)) {
                    continue;
                }
                pairs.push((a, b));
                pairs.push((b, a));
                if pairs.len() > PAIRS_MAX {
                    return Err(scenario.refuse(
                        &format!("nodes.{}.count", groups[one].name),
                        &format!(
                            "more than {PAIRS_MAX} pairs of nodes could talk to each other over relays"
                        ),
                        "make one of the groups smaller",
                    ));
                }
            }
        }
    }
    Ok(())
}

/// The smallest MTU of all links that begin or end at a relay.
pub(super) fn least_mtu(scenario: &Scenario) -> Option<u32> {
    let links = scenario.links.iter();
    let of_relays = links.filter(|link| link.relays(&scenario.groups).0);
    of_relays
        .flat_map(|link| [link.up.mtu_bytes, link.down.mtu_bytes])
        .flatten()
        .min()
}

/// The groups of relays as they run.
pub(super) fn groups(scenario: &Scenario, firsts: &[u32]) -> Vec<Group> {
    let of = |(index, spec): (usize, &NodeGroup)| Group {
        column: Column::Relay(vec![protocols::relay::Relay; spec.count]),
        first: firsts[index],
        role: spec.role,
        port: 0,
        profile: spec.profile.clone(),
        clocks: Vec::new(),
        wander: None,
        count: count(spec.count),
        usage: vec![
            Usage::default();
            if spec.profile.is_some() {
                spec.count
            } else {
                0
            }
        ],
        durable_writes: vec![0; spec.count],
    };
    relays_of(scenario).map(of).collect()
}

/// What relays do with packets; `None` where there are none.
pub(super) fn relays(
    scenario: &Scenario,
    links: &[(u32, u32)],
    firsts: &[u32],
) -> Option<Box<Relays>> {
    let (first_group, _) = relays_of(scenario).next()?;
    let groups = relays_of(scenario).filter_map(|(_, group)| {
        Some(RelayGroup {
            processing: group.relay.as_ref()?.processing.clone(),
            stream: StreamName::new("relay")
                .text(&group.name)
                .text("processing"),
        })
    });
    let names = scenario.links.iter().zip(links);
    Some(Box::new(Relays::new(
        (first_group, firsts[first_group]),
        groups.collect(),
        names
            .map(|(link, (first, _))| (*first, StreamName::new("link").text(&link.name)))
            .collect(),
    )))
}
