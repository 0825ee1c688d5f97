//! Links with parameters of their own: which link has which.

use std::collections::BTreeMap;

use sim_engine::LinkParams;

use crate::Diagnostics;
use crate::host::route::LinkRoute;
use crate::scenario::{LinkGroup, Scenario, Topology};

/// Most different sets of parameters; the engine knows 65536, and one takes two.
const SETS_MAX: usize = 20_000;

/// The parameters of one group's links, where they differ.
#[derive(Default)]
pub(super) struct Sets {
    /// Each different pair of parameters, up and down.
    pub(super) params: Vec<[LinkParams; 2]>,
    /// Place in `params` of each link's; empty: all have the group's.
    pub(super) of: Vec<u16>,
}

/// The parameters of every group's links.
///
/// # Errors
///
/// There are too many different ones.
pub(super) fn sets(scenario: &Scenario, routes: &[LinkRoute]) -> Result<Vec<Sets>, Diagnostics> {
    let mut all = Vec::with_capacity(routes.len());
    let mut count = 0;
    for (spec, route) in scenario.links.iter().zip(routes) {
        let sets = sets_of(spec, route, SETS_MAX.saturating_sub(count));
        let Some(sets) = sets else {
            return Err(scenario.refuse(
                &format!("links.{}", spec.name),
                &format!("there are more than {SETS_MAX} different sets of link parameters"),
                "round the values of the edges, or use fewer patterns",
            ));
        };
        count += sets.params.len();
        all.push(sets);
    }
    Ok(all)
}

fn sets_of(spec: &LinkGroup, route: &LinkRoute, limit: usize) -> Option<Sets> {
    let mut sets = Sets::default();
    if spec.own.is_empty() {
        return Some(sets);
    }
    let mut known: BTreeMap<Vec<u16>, u16> = BTreeMap::new();
    for link in 0..route.many {
        let [one, other] = route.ends(link);
        let what = match &spec.topology {
            Some(Topology::Joint(_)) => {
                let side = |(group, member)| (u8::from(group != spec.a), member);
                spec.own.of_joint([side(one), side(other)], link as usize)
            }
            Some(Topology::Edges(edges)) => {
                let ends = (one.1, other.1);
                spec.own.of(ends, edges.binary_search(&ends).ok())
            }
            _ => spec.own.of((one.1, other.1), None),
        };
        let place = match known.get(&what) {
            Some(place) => *place,
            None => {
                let place = u16::try_from(sets.params.len()).ok()?;
                if usize::from(place) >= limit {
                    return None;
                }
                let base = [spec.up.clone(), spec.down.clone()];
                sets.params.push(spec.own.params(base, &what));
                known.insert(what, place);
                place
            }
        };
        sets.of.push(place);
    }
    Some(sets)
}
