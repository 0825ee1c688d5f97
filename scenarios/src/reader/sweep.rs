//! `[sweep]`: axes, filters, replications.

mod axis;

use super::section::{Reading, Section};
use crate::diagnostic::{Diagnostic, quoted, suggestions};
use crate::metrics::{LEVEL, METRICS};
use crate::sweep::condition::{self, Condition, ConditionError};
use crate::sweep::expect::{self, Expect};
use crate::sweep::spec::{Axis, POINTS_MAX, REPLICATIONS_MAX, Stopping, Study};
use crate::tree::{Node, Value};

/// Fewest replications before sequential stopping may look.
const STOP_MIN: u64 = 10;
/// Most replications of sequential stopping by default.
const STOP_MAX: u64 = 1_000;

impl<'t> Reading<'t> {
    /// `[sweep]` and `[[expect]]`; `None` where the file has neither, or after a message.
    pub(crate) fn study(&self, top: &Section<'t>) -> Option<Study> {
        let before = self.problems.count();
        let section = top.section(self, "sweep");
        let study = section.as_ref().map(|section| self.sweep(section));
        let axes = study.as_ref().and_then(|study| Some(&study.as_ref()?.axes));
        let no_axes = Vec::new();
        let expects = self.expects(top, axes.unwrap_or(&no_axes));
        if self.problems.count() > before {
            return None;
        }
        match study {
            Some(study) => Some(Study { expects, ..study? }),
            None if expects.is_empty() => None,
            None => Some(Study::single(expects)),
        }
    }

    fn sweep(&self, section: &Section<'t>) -> Option<Study> {
        let replications = match section.get("replications") {
            Some(node) => self.integer(node, 1, REPLICATIONS_MAX),
            None => Some(1),
        };
        let flag = |key: &'static str, default: bool| match section.get(key) {
            Some(node) => self.flag(node),
            None => Some(default),
        };
        let common_random = flag("common_random", true);
        let keep_traces = flag("keep_traces", false);
        let level = match section.get("level") {
            Some(node) => self.level(node),
            None => Some(LEVEL),
        };
        let mut axes = Vec::new();
        let mut dimensions = Vec::new();
        let grid = self.axes(section, "grid");
        let zip = self.axes(section, "zip");
        let good = grid.iter().chain(&zip).all(Option::is_some);
        let (grid, zip): (Vec<Axis>, Vec<Axis>) = (
            grid.into_iter().flatten().collect(),
            zip.into_iter().flatten().collect(),
        );
        for axis in grid {
            dimensions.push(vec![axes.len()]);
            axes.push(axis);
        }
        if let Some(first) = zip.first() {
            for axis in &zip[1..] {
                if axis.values.len() != first.values.len() {
                    let reason = format!(
                        "{} has {} values, but {} has {}: axes of a zip go in step",
                        quoted(&axis.name),
                        axis.values.len(),
                        quoted(&first.name),
                        first.values.len()
                    );
                    self.report(
                        Diagnostic::at(axis.place, reason)
                            .related(first.place, "this is the first axis of the zip")
                            .hint("give both as many values, or move one to `sweep.grid`"),
                    );
                    return None;
                }
            }
            dimensions.push((axes.len()..axes.len() + zip.len()).collect());
            axes.extend(zip);
        }
        self.unique(&axes)?;
        // Read even when an axis is wrong, so that the keys count as known.
        let where_node = section.get("where");
        let baseline_node = section.get("baseline");
        let stopping = section.section(self, "stopping");
        let stopping = match &stopping {
            Some(stopping) => Some(self.stopping(stopping)?),
            None => None,
        };
        section.finish(self);
        if !good {
            return None;
        }
        let filters = match where_node {
            Some(node) => self.filters(node, &axes)?,
            None => Vec::new(),
        };
        let baseline = match baseline_node {
            Some(node) => self.baseline(node, &axes)?,
            None => Vec::new(),
        };
        let study = Study {
            replications: replications?,
            common_random: common_random?,
            level: level?,
            keep_traces: keep_traces?,
            axes,
            dimensions,
            filters,
            baseline,
            stopping,
            expects: Vec::new(),
            place: section.place,
        };
        if study.combinations() > POINTS_MAX {
            return self.refuse(
                section.place,
                format!("the axes have {} combinations", study.combinations()),
                format!("at most {POINTS_MAX} are possible"),
            );
        }
        Some(study)
    }

    /// A level strictly between 0 and 1.
    fn level(&self, node: &'t Node) -> Option<f64> {
        let level = self.share(node)?;
        if (0.5..1.0).contains(&level) {
            return Some(level);
        }
        self.refuse(
            node.span,
            "a level lies from 50 % up to below 100 %",
            "write for instance `\"95%\"`",
        )
    }

    fn unique(&self, axes: &[Axis]) -> Option<()> {
        let mut good = Some(());
        for (index, axis) in axes.iter().enumerate() {
            for other in &axes[..index] {
                if other.name == axis.name {
                    let reason = format!("there are two axes {}", quoted(&axis.name));
                    self.report(
                        Diagnostic::at(axis.place, reason)
                            .related(other.place, "this is the other")
                            .hint("an axis is a column of every table: give one another name"),
                    );
                    good = None;
                }
                for path in &axis.paths {
                    let clash = |set: &str| {
                        let below = |a: &str, b: &str| {
                            a.strip_prefix(b).is_some_and(|rest| rest.starts_with('.'))
                        };
                        set == path.text || below(set, &path.text)
                    };
                    // A table first and a value in it later is an order that means something.
                    if other.paths.iter().any(|set| clash(&set.text)) {
                        let place = path.steps.first().map_or(axis.place, |step| step.1);
                        let reason = format!(
                            "{} is set by {} already",
                            quoted(&path.text),
                            quoted(&other.name)
                        );
                        self.report(Diagnostic::at(place, reason).hint(
                            "the later axis would undo the earlier one; let one axis set both, as \
                             `set = [\"...\", \"...\"]`",
                        ));
                        good = None;
                    }
                }
            }
        }
        good
    }

    fn filters(&self, node: &'t Node, axes: &[Axis]) -> Option<Vec<Condition>> {
        let parts = self.one_or_more(node);
        let read: Vec<Option<Condition>> = parts
            .iter()
            .map(|node| {
                let text = self.text(node)?;
                condition::parse(text, axes)
                    .map_err(|error| self.refuse_condition(node, &error))
                    .ok()
            })
            .collect();
        read.into_iter().collect()
    }

    /// Reports what is wrong with a condition, inside its string where the string is written plainly.
    pub(super) fn refuse_condition(&self, node: &'t Node, error: &ConditionError) {
        let raw = self.slice(node.span);
        let plain = match &node.value {
            Value::Text(text) => raw.len() == text.len() + 2,
            _ => false,
        };
        let place = if plain {
            node.span.within(error.at.start + 1..error.at.end + 1)
        } else {
            node.span
        };
        self.report(Diagnostic::at(place, error.reason.as_str()).hint(error.hint.as_str()));
    }

    /// `baseline = { AXIS = VALUE }`: as (axis, value).
    fn baseline(&self, node: &'t Node, axes: &[Axis]) -> Option<Vec<(usize, usize)>> {
        let Value::Table(table) = &node.value else {
            return self.refuse(
                node.span,
                format!("a table is wanted here, not {}", node.value.kind()),
                "write for instance `baseline = { variant = \"as-published\" }`",
            );
        };
        let mut found = Vec::new();
        for entry in &table.entries {
            let names = || axes.iter().map(|axis| axis.name.as_str());
            let Some(axis) = axes.iter().position(|axis| axis.name == entry.key) else {
                let [meant, list] = suggestions(&entry.key, "axes", names());
                self.report(
                    Diagnostic::at(
                        entry.key_span,
                        format!("there is no axis {}", quoted(&entry.key)),
                    )
                    .hint(meant)
                    .hint(list),
                );
                return None;
            };
            let text = axis::label(&entry.node);
            let Some(value) = axes[axis]
                .values
                .iter()
                .position(|value| value.text == text)
            else {
                let texts = axes[axis].values.iter().map(|value| value.text.as_str());
                let [meant, list] = suggestions(&text, "values", texts);
                self.report(
                    Diagnostic::at(
                        entry.node.span,
                        format!("{} has no value {}", quoted(&entry.key), quoted(&text)),
                    )
                    .hint(meant)
                    .hint(list),
                );
                return None;
            };
            found.push((axis, value));
        }
        Some(found)
    }

    fn stopping(&self, section: &Section<'t>) -> Option<Stopping> {
        let metrics = match section.get("metrics") {
            Some(node) => {
                let names = METRICS.iter().map(|metric| metric.name);
                let mut found = Vec::new();
                for node in self.one_or_more(node) {
                    let text = self.text(node)?;
                    let base = text.split('.').next().unwrap_or(text);
                    if !METRICS.iter().any(|metric| metric.name == base) {
                        let [meant, list] = suggestions(base, "metrics", names.clone());
                        self.report(
                            Diagnostic::at(
                                node.span,
                                format!("there is no metric {}", quoted(base)),
                            )
                            .hint(meant)
                            .hint(list),
                        );
                        return None;
                    }
                    found.push(text.to_owned());
                }
                found
            }
            None => {
                section.required(self, "metrics", "[\"latency_mean_ns\"]");
                return None;
            }
        };
        if metrics.is_empty() {
            let hint = "name at least one metric";
            return self.refuse(
                section.place_of("metrics"),
                "there is nothing to watch",
                hint,
            );
        }
        let relative = section
            .required(self, "relative", "\"5%\"")
            .and_then(|node| self.share(node));
        let min = match section.get("min") {
            Some(node) => self.integer(node, STOP_MIN, REPLICATIONS_MAX),
            None => Some(STOP_MIN),
        };
        let max = match section.get("max") {
            Some(node) => self.integer(node, STOP_MIN, REPLICATIONS_MAX),
            None => Some(STOP_MAX),
        };
        section.finish(self);
        let stopping = Stopping {
            metrics,
            relative: relative?,
            min: min?,
            max: max?,
        };
        if stopping.relative <= 0.0 {
            let hint = "write for instance `relative = \"5%\"`";
            return self.refuse(
                section.place_of("relative"),
                "no interval has width 0",
                hint,
            );
        }
        if stopping.max < stopping.min {
            let hint = format!("`min` is {}", stopping.min);
            return self.refuse(section.place_of("max"), "`max` is below `min`", hint);
        }
        Some(stopping)
    }

    /// `[[expect]]`.
    fn expects(&self, top: &Section<'t>, axes: &[Axis]) -> Vec<Expect> {
        let Some(node) = top.get("expect") else {
            return Vec::new();
        };
        let Some(list) = self.list(node) else {
            return Vec::new();
        };
        list.iter()
            .enumerate()
            .filter_map(|(index, node)| {
                let section = self.section(format!("expect.{index}"), node)?;
                let that = section.required(self, "that", "\"metrics.success_rate.mean >= 99%\"");
                let filter = section.get("where");
                section.finish(self);
                let node = that?;
                let text = self.text(node)?;
                let (left, how, right) = expect::parse(text)
                    .map_err(|error| self.refuse_condition(node, &error))
                    .ok()?;
                let filter = match filter {
                    Some(node) => Some(
                        condition::parse(self.text(node)?, axes)
                            .map_err(|error| self.refuse_condition(node, &error))
                            .ok()?,
                    ),
                    None => None,
                };
                Some(Expect {
                    text: text.to_owned(),
                    left,
                    how,
                    right,
                    filter,
                })
            })
            .collect()
    }
}
