//! Messages that travel inside others, where no adversary sees them.

use crate::diagnostic::{listed, quoted};
use crate::reader::section::{Reading, Section};
use crate::scenario::{Matching, ProtocolChoice};
use crate::tree::{Node, Value};

/// The messages on the wire that a rule is about: those that it names, and what carries the others.
pub(super) fn on_the_wire(matching: &Matching, choice: &ProtocolChoice) -> Vec<usize> {
    let all = choice.instance.inner_messages();
    let layouts = choice.instance.layouts();
    let carriers = matching.inner.iter().filter_map(|inner| {
        let (_, carrier) = all.get(*inner)?;
        layouts.iter().position(|layout| layout.name == *carrier)
    });
    let mut messages = matching.messages.clone();
    messages.extend(carriers);
    messages
}

impl<'t> Reading<'t> {
    /// The messages of `match.message`: those on the wire, and those inside others.
    pub(super) fn outer_and_inner(
        &self,
        node: &'t Node,
        choice: &ProtocolChoice,
    ) -> Option<(Vec<usize>, Vec<usize>)> {
        let all = choice.instance.inner_messages();
        let names = choice.instance.layouts().iter().map(|layout| layout.name);
        let kind = format!("messages of {}", quoted(choice.protocol.name()));
        let (mut outer, mut inner) = (Vec::new(), Vec::new());
        for element in self.one_or_more(node) {
            let place = match &element.value {
                Value::Text(text) => all.iter().position(|(name, _)| name == text),
                _ => None,
            };
            match place {
                Some(place) => inner.push(place),
                None => outer.push(self.choice(element, &kind, "message", names.clone())?),
            }
        }
        Some((outer, inner))
    }

    /// Refuses a rule that goes by what travels inside and does not say so.
    pub(super) fn check_inner(
        &self,
        section: &Section<'t>,
        inner: &[usize],
        choice: &ProtocolChoice,
        oracle_match: Option<bool>,
    ) {
        if inner.is_empty() || oracle_match != Some(false) {
            return;
        }
        let all = choice.instance.inner_messages();
        let named: Vec<_> = inner.iter().filter_map(|place| all.get(*place)).collect();
        let Some((_, carrier)) = named.first() else {
            return;
        };
        self.refuse::<()>(
            section.place_of("match"),
            format!(
                "{} travels inside {carrier}, where no adversary sees it",
                listed(named.iter().map(|(name, _)| *name))
            ),
            "add `oracle_match = true`, which every verdict then carries as \"selective adversary\"; \
             or match what is on the wire",
        );
    }
}
