//! The changes of links, from the scenario's words to the engine's numbers.

use sim_engine::{Engine, LinkClass};

use crate::host::World;
use crate::host::schedule::{Item, Schedule};
use crate::host::tables::Tables;
use crate::scenario::{LinkGroup, Occurrence};

/// Adds the changes of one link group, whose links are `first` and the `count` - 1 after it.
pub(super) fn link_changes<T: Tables>(
    spec: &LinkGroup,
    (first, count): (u32, u32),
    usual: [LinkClass; 2],
    engine: &mut Engine<World<T>>,
    items: &mut Vec<Item>,
) {
    for (number, change) in spec.schedule.iter().enumerate() {
        let classes = change.set.as_deref().map(|both| {
            both.clone().map(|params| {
                let class = "a scenario has far fewer link groups than the engine has classes";
                engine.add_link_class(params).expect(class)
            })
        });
        let all = [(0, count.saturating_sub(1))];
        let members = if change.members.is_empty() {
            &all[..]
        } else {
            &change.members
        };
        let item = |links, link| Item {
            occurs: change.occurs.clone(),
            lasting: change.lasting.clone(),
            directions: change.directions,
            links,
            classes,
            usual,
            stream: Schedule::stream(&spec.name, (&change.id, number), link),
        };
        let alone = matches!(change.occurs, Occurrence::Process(_)) && !change.together;
        if alone {
            let each = members.iter().flat_map(|(low, high)| *low..=*high);
            items.extend(each.map(|link| item(vec![(first + link, first + link)], Some(link))));
        } else {
            let links = members
                .iter()
                .map(|(low, high)| (first + low, first + high));
            items.push(item(links.collect(), None));
        }
    }
}
