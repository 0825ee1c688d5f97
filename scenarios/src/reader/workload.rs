//! `[workload.NAME]`: what initiators do, how often, and how long they wait.

use protocols::protocol::{CommandSpec, Completion};
use sim_engine::Law;

use super::section::{Reading, Section};
use crate::diagnostic::{Diagnostic, listed, quoted, suggestions};
use crate::law::Domain;
use crate::quantity::Dimension;
use crate::scenario::{
    LinkGroup, NodeGroup, ProtocolChoice, Reprovision, Retry, Step, StepArg, Workload,
};
use crate::tree::{Node, Value};

/// What the workloads refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cast<'a> {
    /// The protocol.
    pub(crate) choice: &'a ProtocolChoice,
    /// The node groups.
    pub(crate) groups: &'a [NodeGroup],
    /// The links.
    pub(crate) links: &'a [LinkGroup],
}

impl Cast<'_> {
    fn names(&self) -> Vec<&str> {
        self.groups
            .iter()
            .map(|group| group.name.as_str())
            .collect()
    }

    /// Whether packets can go from `from` to `to`, over relays too.
    fn joined(&self, from: usize, to: usize) -> bool {
        crate::scenario::joined(self.groups, self.links, from, to)
    }

    fn role(&self, role: u8) -> &'static str {
        crate::scenario::role_name(self.choice.protocol, role)
    }
}

impl<'t> Reading<'t> {
    /// One workload.
    pub(crate) fn workload(
        &self,
        name: &str,
        section: &Section<'t>,
        cast: Cast<'_>,
    ) -> Option<Workload> {
        let names = cast.names();
        let from = section
            .required(self, "from", "\"device\"")
            .and_then(|node| self.group(node, &names).map(|group| (node, group)))
            .and_then(|(node, group)| self.party(node, group, cast));
        let to = section.get("to");
        let args = section.section(self, "args");
        let first = match section.get("first") {
            Some(node) => self
                .law(node, Domain::unsigned(Dimension::Duration))
                .map(Some),
            None => Some(None),
        };
        let every = match section.get("every") {
            Some(node) => self.interval(node).map(Some),
            None => Some(None),
        };
        let deadline = match section.get("deadline") {
            Some(node) => self.deadline(node).map(Some),
            None => Some(None),
        };
        let retry = match section.get("retry") {
            Some(_) => self.retry(section).map(Some),
            None => Some(None),
        };
        let reprovision = match section.get("reprovision") {
            Some(_) => self.reprovision(section).map(Some),
            None => Some(None),
        };
        let count = match section.get("count") {
            Some(node) => self.integer(node, 1, u64::MAX).map(Some),
            None => Some(None),
        };
        let example = format!(
            "\"{}\"",
            cast.choice
                .protocol
                .commands()
                .first()
                .map_or("", |command| command.name)
        );
        let commands = section.required(self, "do", &example);
        let steps = from.and_then(|from| self.steps(commands?, from, to, args.as_ref(), cast));
        section.finish(self);
        let (every, deadline) = (every?, deadline?);
        let mut steps = steps?;
        for step in &mut steps {
            if step.command == Step::REPROVISION {
                // It takes the time that it is given, and never fails.
                continue;
            }
            step.deadline_ns = deadline.unwrap_or_else(|| {
                let own = cast.choice.instance.deadline(step.command).nanos();
                match every.as_ref().and_then(Law::as_constant) {
                    // A constant interval closes an attempt before the next one opens.
                    Some(interval) if own > 0 => own.min(interval as u64),
                    _ => own,
                }
            });
        }
        if every.is_none() && count?.is_some_and(|count| count > 1) {
            return self.refuse(
                section.place_of("count"),
                "without `every` there is one attempt only",
                "add `every = \"exp(1h)\"`, or remove `count`",
            );
        }
        let (retry, reprovision) = (retry?, reprovision?);
        if reprovision.is_some() && retry.is_some_and(|retry: Retry| retry.max.is_none()) {
            return self.refuse(
                section.place_of("reprovision"),
                "a request that is retried without end never fails",
                "give `retry` a `max`",
            );
        }
        Some(Workload {
            name: name.to_owned(),
            from: from?,
            steps,
            first: first?,
            every,
            retry,
            reprovision,
            count: count?,
        })
    }

    /// A law of intervals that is not always zero, or the run would never leave its first instant.
    fn interval(&self, node: &'t Node) -> Option<Law> {
        let law = self.law(node, Domain::unsigned(Dimension::Duration))?;
        if law.mean() < 1.0 {
            return self.refuse(
                node.span,
                "attempts would follow each other without any time between them",
                "the mean interval must be at least 1ns",
            );
        }
        Some(law)
    }

    fn deadline(&self, node: &'t Node) -> Option<u64> {
        match self.duration(node)? {
            0 => self.refuse(
                node.span,
                "a deadline of zero ends every attempt at once",
                "leave `deadline` out for the command's own",
            ),
            deadline => Some(deadline),
        }
    }

    fn retry(&self, section: &Section<'t>) -> Option<Retry> {
        let table = section.section(self, "retry")?;
        let after = table
            .required(self, "after", "\"30s\"")
            .and_then(|node| self.duration(node));
        let backoff = match table.get("backoff") {
            Some(node) => self.number(node, 1.0, 1e6),
            None => Some(1.0),
        };
        let max = match table.get("max") {
            Some(node) => self.integer(node, 1, u64::from(u32::MAX)).map(Some),
            None => Some(None),
        };
        table.finish(self);
        let max = max?.and_then(|max| u32::try_from(max).ok());
        Some(Retry {
            after_ns: after?,
            backoff: backoff?,
            max,
        })
    }

    fn reprovision(&self, section: &Section<'t>) -> Option<Reprovision> {
        let table = section.section(self, "reprovision")?;
        let after = table
            .required(self, "after", "3")
            .and_then(|node| self.integer(node, 1, u64::from(u32::MAX)));
        let time_ns = match table.get("time") {
            Some(node) => self.duration(node),
            None => Some(0),
        };
        table.finish(self);
        Some(Reprovision {
            after: u32::try_from(after?).ok()?,
            time_ns: time_ns?,
        })
    }

    fn steps(
        &self,
        node: &'t Node,
        from: usize,
        to: Option<&'t Node>,
        args: Option<&Section<'t>>,
        cast: Cast<'_>,
    ) -> Option<Vec<Step>> {
        let elements = self.one_or_more(node);
        if elements.is_empty() {
            return self.refuse(node.span, "an attempt needs at least one command", "");
        }
        let mut used = Vec::new();
        let mut steps = Vec::new();
        for element in elements {
            if matches!(&element.value, Value::Text(word) if word == Step::REPROVISION_SPEC.name) {
                used.push(Step::REPROVISION_SPEC.name);
                if let Some(time) = self.reprovision_time(args) {
                    steps.push(Step {
                        command: Step::REPROVISION,
                        to: None,
                        args: vec![time.map(StepArg::Integer)],
                        deadline_ns: 0,
                    });
                }
                continue;
            }
            let Some(command) = self.command(element, from, cast) else {
                continue;
            };
            let spec = &cast.choice.protocol.commands()[command];
            used.push(spec.name);
            let peer = self.peer(element, spec, from, to, cast);
            let args = self.arguments(spec, args);
            if let (Some(peer), Some(args), Ok(command)) = (peer, args, u8::try_from(command)) {
                steps.push(Step {
                    command,
                    to: peer,
                    args,
                    deadline_ns: 0,
                });
            }
        }
        self.check_per_command(to, "to", &used);
        if let Some(args) = args {
            for entry in &args.table.entries {
                self.check_command(&entry.key, entry.key_span, "args", &used);
            }
        }
        (steps.len() == elements.len()).then_some(steps)
    }

    /// The argument `time` of the step `reprovision`, ns.
    fn reprovision_time(&self, args: Option<&Section<'t>>) -> Option<Option<u64>> {
        let given = args.and_then(|args| Some((args, args.table.get("reprovision")?)));
        let Some((args, node)) = given else {
            return Some(None);
        };
        let section = self.section(format!("{}.reprovision", args.path), node)?;
        let time = match section.get("time") {
            Some(node) => self.duration(node).map(Some),
            None => Some(None),
        };
        section.finish(self);
        time
    }

    /// A group that takes part: relays pass on what others say.
    fn party(&self, node: &'t Node, group: usize, cast: Cast<'_>) -> Option<usize> {
        if !cast.groups[group].is_relay() {
            return Some(group);
        }
        let parties = cast.groups.iter().filter(|group| !group.is_relay());
        self.refuse(
            node.span,
            format!(
                "{} are relays, which take no part in the protocol",
                quoted(&cast.groups[group].name)
            ),
            format!(
                "groups that do: {}",
                listed(parties.map(|group| group.name.as_str()))
            ),
        )
    }

    /// The command named at `node`, taken by the role of group `from`.
    fn command(&self, node: &'t Node, from: usize, cast: Cast<'_>) -> Option<usize> {
        let word = self.text(node)?;
        let commands = cast.choice.protocol.commands();
        let group = &cast.groups[from];
        let found = commands
            .iter()
            .position(|command| command.name == word && command.role == group.role);
        if found.is_some() {
            return found;
        }
        let role = cast.role(group.role);
        let own = commands
            .iter()
            .filter(|command| command.role == group.role)
            .map(|command| command.name)
            .chain([Step::REPROVISION_SPEC.name]);
        let kind = format!("commands of role {}", quoted(role));
        let [meant, list] = suggestions(word, &kind, own);
        let elsewhere = commands.iter().find(|command| command.name == word);
        let title = match elsewhere {
            Some(other) => format!(
                "{} is a command of role {}, but group {} has role {}",
                quoted(word),
                quoted(cast.role(other.role)),
                quoted(&group.name),
                quoted(role)
            ),
            None => format!("there is no command {}", quoted(word)),
        };
        self.report(Diagnostic::at(node.span, title).hint(meant).hint(list));
        None
    }

    /// The group that `spec` is about: named by `to`, else the only one that a link leads to.
    fn peer(
        &self,
        at: &Node,
        spec: &CommandSpec,
        from: usize,
        to: Option<&'t Node>,
        cast: Cast<'_>,
    ) -> Option<Option<usize>> {
        let named = match to.map(|node| (&node.value, node)) {
            Some((Value::Table(table), _)) => table.get(spec.name),
            Some((_, node)) => Some(node),
            None => None,
        };
        let initiator = &cast.groups[from].name;
        if let Some(node) = named {
            let index = self.group(node, &cast.names())?;
            self.party(node, index, cast)?;
            let group = &cast.groups[index];
            if let Some(role) = spec.peer
                && group.role != role
            {
                let good = cast.groups.iter().filter(|group| group.role == role);
                return self.refuse(
                    node.span,
                    format!(
                        "{} needs a peer of role {}, but {} has role {}",
                        quoted(spec.name),
                        quoted(cast.role(role)),
                        quoted(&group.name),
                        quoted(cast.role(group.role))
                    ),
                    format!(
                        "groups of that role: {}",
                        listed(good.map(|group| group.name.as_str()))
                    ),
                );
            }
            if !cast.joined(from, index) {
                return self.refuse(
                    node.span,
                    format!(
                        "no link leads from {} to {}",
                        quoted(initiator),
                        quoted(&group.name)
                    ),
                    format!(
                        "add a link with `between = [\"{initiator}\", \"{}\"]`",
                        group.name
                    ),
                );
            }
            return self.answered(node, spec, from, index, cast);
        }
        let Some(role) = spec.peer else {
            return Some(None);
        };
        let candidates: Vec<usize> = (0..cast.groups.len())
            .filter(|&index| cast.groups[index].role == role && cast.joined(from, index))
            .collect();
        match candidates.as_slice() {
            [only] => self.answered(at, spec, from, *only, cast),
            [] => self.refuse(
                at.span,
                format!(
                    "{} needs a peer of role {}, but no link leads from {} to one",
                    quoted(spec.name),
                    quoted(cast.role(role)),
                    quoted(initiator)
                ),
                format!(
                    "groups of that role: {}",
                    listed(
                        cast.groups
                            .iter()
                            .filter(|group| group.role == role)
                            .map(|group| group.name.as_str())
                    )
                ),
            ),
            several => self.refuse(
                at.span,
                format!("{} could go to several groups", quoted(spec.name)),
                format!(
                    "name one with `to`: {}",
                    listed(
                        several
                            .iter()
                            .map(|&index| cast.groups[index].name.as_str())
                    )
                ),
            ),
        }
    }

    /// The peer `to`, refused where the step needs an answer and no link leads back.
    fn answered(
        &self,
        at: &Node,
        spec: &CommandSpec,
        from: usize,
        to: usize,
        cast: Cast<'_>,
    ) -> Option<Option<usize>> {
        let one_way = matches!(
            spec.done,
            Completion::Handled | Completion::StoredAtInitiator | Completion::DataAtResponder
        );
        if one_way || cast.joined(to, from) {
            return Some(Some(to));
        }
        let (initiator, responder) = (&cast.groups[from].name, &cast.groups[to].name);
        self.refuse(
            at.span,
            format!(
                "{} needs an answer, but no link leads back from {} to {}",
                quoted(spec.name),
                quoted(responder),
                quoted(initiator)
            ),
            "take `direction` away, or add a link for the way back",
        )
    }

    /// The arguments given for `spec`, in the order in which it declares them.
    fn arguments(
        &self,
        spec: &'static CommandSpec,
        args: Option<&Section<'t>>,
    ) -> Option<Vec<Option<StepArg>>> {
        let none = vec![None; spec.args.len()];
        let given = args.and_then(|args| Some((args, args.table.get(spec.name)?)));
        let Some((args, node)) = given else {
            return Some(none);
        };
        let section = self.section(format!("{}.{}", args.path, spec.name), node)?;
        let mut values = Vec::new();
        let mut good = true;
        for (name, _) in spec.args {
            let value = section.get(name).map(|node| self.argument(node));
            good &= value != Some(None);
            values.push(value.flatten());
        }
        section.finish(self);
        good.then_some(values)
    }

    /// The keys of a table per command must be commands that `do` names.
    fn check_per_command(&self, node: Option<&'t Node>, key: &str, used: &[&str]) {
        if let Some(Value::Table(table)) = node.map(|node| &node.value) {
            for entry in &table.entries {
                self.check_command(&entry.key, entry.key_span, key, used);
            }
        }
    }

    fn check_command(&self, word: &str, place: crate::diagnostic::Span, key: &str, used: &[&str]) {
        if used.contains(&word) {
            return;
        }
        let [meant, list] = suggestions(word, "commands in `do`", used.iter().copied());
        self.report(
            Diagnostic::at(
                place,
                format!("`{key}` names {}, which `do` does not", quoted(word)),
            )
            .hint(meant)
            .hint(list),
        );
    }
}
