//! Attackers in code and the oracles that watch them.

use protocols::roster::Roster;

use crate::attack::{Attacks, Places, acts_on_records};
use crate::diagnostic::Diagnostics;
use crate::host::route::Routes;
use crate::host::transport::config::Transport;
use crate::oracle::{Integrity, Watch};
use crate::scenario::{Rule, Scenario};

/// Makes the attackers of a scenario and the oracles beside agreement and desynchronisation.
pub(super) fn make(
    scenario: &Scenario,
    routes: &Routes,
    (roster, firsts): (&Roster, &[u32]),
) -> Result<(Attacks, Watch), Diagnostics> {
    let attacked = scenario.adversaries.iter().any(|adversary| {
        adversary.attack.is_some()
            || !adversary.rules.iter().all(Rule::is_plain)
            || acts_on_records(scenario, adversary)
    });
    for adversary in &scenario.adversaries {
        let over_relays = |link: usize| scenario.links[link].relays(&scenario.groups).0;
        if adversary.link.is_some_and(over_relays) && acts_on_records(scenario, adversary) {
            return Err(scenario.refuse(
                &format!("adversaries.{}.on", adversary.name),
                "an adversary between relays cannot end the streams that pass there: it acts on packets",
                "write `layer = \"packet\"`, stand on a link without relays, or use datagrams",
            ));
        }
        let acts = adversary.powers.inject || adversary.powers.spoof || adversary.powers.redirect;
        let transport = adversary.link.map(|link| scenario.links[link].transport);
        let in_code = adversary.attack.is_some() || !adversary.rules.iter().all(Rule::is_plain);
        if in_code && acts && matches!(transport, Some(Transport::Confirmable(_))) {
            return Err(scenario.refuse(
                &format!("adversaries.{}.powers", adversary.name),
                "this adversary sends frames of its own, and the link carries confirmable exchanges, \
                 into which nobody outside can write",
                "use datagrams (`transport = \"datagram\"` on the link) or streams",
            ));
        }
        let beside = adversary.link.is_some() && !adversary.is_on_path();
        if beside && adversary.powers.spoof && matches!(transport, Some(Transport::Stream(_))) {
            return Err(scenario.refuse(
                &format!("adversaries.{}.powers", adversary.name),
                "a host beside a link of streams cannot use somebody else's address: it never sees the \
                 answers that open a connection",
                "leave out the power `spoof`, put the adversary on the link with `on`, or use datagrams \
                 (for `ratchet` `params = { framing = \"datagram\" }`)",
            ));
        }
    }
    let links = if attacked {
        link_ends(routes, firsts)
    } else {
        Vec::new()
    };
    let places = Places {
        roster,
        links: &links,
    };
    let attacks = Attacks::new(scenario, &places).map_err(|(adversary, error)| {
        let name = &scenario.adversaries[adversary].name;
        let path = if error.name.is_empty() {
            format!("adversaries.{name}.attack")
        } else {
            format!("adversaries.{name}.params.{}", error.name)
        };
        scenario.refuse(&path, &error.reason, &error.hint)
    })?;
    let claimed = scenario
        .adversaries
        .iter()
        .filter_map(|adversary| adversary.attack.as_ref())
        .flat_map(|attack| attack.spec.claims_secrets.iter().copied());
    let watch = Watch {
        on: !scenario.adversaries.is_empty(),
        kinds: claimed.collect(),
        integrity: Integrity::new(scenario.protocol.protocol.ordered()),
        ..Watch::default()
    };
    Ok((attacks, watch))
}

/// Both ends of every link, by link group: link, node at end `a`, node at end `b`.
fn link_ends(routes: &Routes, firsts: &[u32]) -> Vec<Vec<(u32, u32, u32)>> {
    let of = |route: &crate::host::route::LinkRoute| {
        let joined = |member: u32| {
            let [a, b] = route
                .ends(member)
                .map(|place| super::node_at(firsts, place));
            (route.first + member, a, b)
        };
        (0..route.many).map(joined).collect()
    };
    routes.links().iter().map(of).collect()
}
