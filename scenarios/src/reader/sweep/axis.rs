//! One axis: what it sets, and to which values.

use crate::diagnostic::{Diagnostic, quoted};
use crate::quantity::{Quantity, range};
use crate::reader::section::{Reading, Section};
use crate::sweep::condition::Literal;
use crate::sweep::spec::{Axis, AxisValue, SetPath};
use crate::tree::{Node, Value};

/// Most values of an axis.
const VALUES_MAX: usize = 100_000;

/// Keys of a range.
const RANGE: [&str; 5] = ["from", "to", "step", "points", "scale"];

impl<'t> Reading<'t> {
    /// The axes of `sweep.grid` or `sweep.zip`; `None` for each that is wrong.
    pub(super) fn axes(&self, sweep: &Section<'t>, kind: &'static str) -> Vec<Option<Axis>> {
        self.named(sweep, kind)
            .into_iter()
            .map(|(name, section)| {
                let axis = self.axis(name, &section);
                section.finish(self);
                axis
            })
            .collect()
    }

    fn axis(&self, name: &str, section: &Section<'t>) -> Option<Axis> {
        let set = section.required(self, "set", "\"links.access.loss\"");
        let values = section.get("values");
        let ends = RANGE.map(|key| section.get(key));
        let labels = section.get("labels");
        let taken = reports::rows::sweep::SWEEP_TABLES
            .iter()
            .flat_map(|schema| schema.columns)
            .map(|column| column.name)
            .chain(crate::metrics::METRICS.iter().map(|metric| metric.name));
        if taken.into_iter().any(|column| column == name) {
            return self.refuse(
                section.place,
                format!("results have a column {} anyway", quoted(name)),
                "give the axis another name",
            );
        }
        let paths = self.paths(set?)?;
        let nodes = self.axis_nodes(section, values, ends)?;
        if nodes.is_empty() || nodes.len() > VALUES_MAX {
            return self.refuse(
                values.map_or(section.place, |node| node.span),
                format!("this axis has {} values", nodes.len()),
                format!("give 1 to {VALUES_MAX}"),
            );
        }
        let mut found = Vec::new();
        for node in &nodes {
            found.push(self.axis_value(node, paths.len())?);
        }
        if let Some(labels) = labels {
            let list = self.list(labels)?;
            if list.len() != found.len() {
                return self.refuse(
                    labels.span,
                    format!("{} labels for {} values", list.len(), found.len()),
                    "give one label per value",
                );
            }
            for (value, label) in found.iter_mut().zip(list) {
                self.text(label)?.clone_into(&mut value.text);
            }
        }
        let mut texts: Vec<(&str, usize)> = found
            .iter()
            .enumerate()
            .map(|(index, value)| (value.text.as_str(), index))
            .collect();
        texts.sort_unstable();
        if let Some(twice) = texts.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let value = &found[twice[1].1];
            return self.refuse(
                value.nodes[0].span,
                format!(
                    "the value {} stands twice on this axis",
                    quoted(&value.text)
                ),
                "take one away; `replications` repeats a point",
            );
        }
        Some(Axis {
            name: name.to_owned(),
            paths,
            values: found,
            place: section.place,
        })
    }

    /// What the axis lists, or the values of its range.
    fn axis_nodes(
        &self,
        section: &Section<'t>,
        values: Option<&'t Node>,
        ends: [Option<&'t Node>; 5],
    ) -> Option<Vec<Node>> {
        let first = ends.iter().flatten().next();
        match (values, first) {
            (Some(node), Some(_)) => self.refuse(
                node.span,
                "an axis has either `values` or a range",
                "take away `values`, or `from`, `to`, `step` and `points`",
            ),
            (Some(node), None) => match &node.value {
                Value::Table(_) => {
                    let range = self.section(format!("{}.values", section.path), node)?;
                    let ends = RANGE.map(|key| range.get(key));
                    range.finish(self);
                    self.range(node, ends)
                }
                _ => Some(self.list(node)?.to_vec()),
            },
            (None, Some(place)) => self.range(place, ends),
            (None, None) => {
                section.required(self, "values", "[\"0%\", \"5%\"]");
                None
            }
        }
    }

    /// The paths that `set` names.
    fn paths(&self, node: &'t Node) -> Option<Vec<SetPath>> {
        let parts = self.one_or_more(node);
        if parts.is_empty() {
            return self.refuse(node.span, "this axis sets nothing", "name a path");
        }
        parts.iter().map(|node| self.path(node)).collect()
    }

    fn path(&self, node: &'t Node) -> Option<SetPath> {
        let text = self.text(node)?;
        let quoted_plainly = self.slice(node.span).len() == text.len() + 2;
        let mut steps = Vec::new();
        let mut start = 0;
        for step in text.split('.') {
            let end = start + step.len();
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if step.is_empty() || !step.chars().all(plain) {
                return self.refuse(
                    node.span,
                    format!("{} is no path of a value", quoted(text)),
                    "a path names tables and a key, joined by dots: `links.access.loss`",
                );
            }
            let place = if quoted_plainly {
                node.span.within(start + 1..end + 1)
            } else {
                node.span
            };
            steps.push((step.to_owned(), place));
            start = end + 1;
        }
        let first = steps.first().map_or("", |(step, _)| step.as_str());
        if matches!(first, "schema" | "scenario" | "sweep" | "expect" | "output") {
            return self.refuse(
                node.span,
                format!("{} cannot vary over a study", quoted(first)),
                "an axis sets values of the world, its protocol or its run",
            );
        }
        Some(SetPath {
            text: text.to_owned(),
            steps,
        })
    }

    /// One value: a list with one element per path where the axis sets several, else the value for
    /// all of them.
    fn axis_value(&self, node: &Node, paths: usize) -> Option<AxisValue> {
        let nodes = match &node.value {
            Value::List(list) if paths > 1 => {
                if list.len() != paths {
                    return self.refuse(
                        node.span,
                        format!("{} values for the {paths} paths of this axis", list.len()),
                        "give one value per path, in the order of `set`",
                    );
                }
                list.clone()
            }
            _ => vec![node.clone(); paths],
        };
        let literals = nodes.iter().map(literal).collect();
        Some(AxisValue {
            text: label(node),
            nodes,
            literals,
        })
    }

    /// A range: `from`, `to` and `step`, or `from`, `to`, `points` and perhaps `scale`.
    fn range(&self, place: &Node, ends: [Option<&'t Node>; 5]) -> Option<Vec<Node>> {
        let [from, to, step, points, scale] = ends;
        let (Some(from), Some(to)) = (from, to) else {
            return self.refuse(
                place.span,
                "a range wants `from` and `to`",
                "write for instance `{ from = \"1ms\", to = \"10ms\", step = \"1ms\" }`",
            );
        };
        let log = match scale {
            Some(node) => self.choice(node, "scales", "scale", ["linear", "log"])? == 1,
            None => false,
        };
        let (low, high) = (self.range_end(from)?, self.range_end(to)?);
        let whole = |node: &Node| matches!(node.value, Value::Integer(_));
        let all_whole = whole(from) && whole(to);
        let texts = match (step, points) {
            (Some(step), None) if !log => range::stepped(low, high, self.range_end(step)?),
            (Some(step), None) => {
                return self.refuse(
                    step.span,
                    "a logarithmic range has no `step`",
                    "give `points`, the number of values, both ends included",
                );
            }
            (None, Some(points)) => {
                let points = self.integer(points, 2, VALUES_MAX as u64)?;
                range::spread(low, high, points, log, all_whole)
            }
            (Some(_), Some(points)) => {
                let hint = "take one of them away";
                return self.refuse(points.span, "a range has either `step` or `points`", hint);
            }
            (None, None) => {
                return self.refuse(
                    place.span,
                    "a range wants `step` or `points`",
                    "add `step = ...`, or `points = 10` and perhaps `scale = \"log\"`",
                );
            }
        };
        let texts = match texts {
            Ok(texts) => texts,
            Err(reason) => return self.refuse(from.span, reason, ""),
        };
        let plain = !matches!(from.value, Value::Text(_)) && !matches!(to.value, Value::Text(_));
        let node = |text: String| {
            let value = match (text.parse::<i128>(), text.parse::<f64>()) {
                (Ok(number), _) if plain => Value::Integer(number),
                (_, Ok(number)) if plain => Value::Float(number),
                _ => Value::Text(text),
            };
            Node {
                value,
                span: from.span,
            }
        };
        Some(texts.into_iter().map(node).collect())
    }

    fn range_end(&self, node: &Node) -> Option<Quantity> {
        let read = match &node.value {
            Value::Text(text) => Quantity::any(text),
            Value::Integer(number) => Quantity::any(&number.to_string()),
            Value::Float(number) => Quantity::any(&number.to_string()),
            _ => None,
        };
        if read.is_none() {
            let reason = "the ends of a range are numbers, with units where needed";
            self.report(
                Diagnostic::at(node.span, reason)
                    .hint("write for instance `\"10ms\"`, `\"5%\"` or `100`"),
            );
        }
        read
    }
}

/// What a column says of a value: scalars as written without quotes, the rest as TOML.
pub(super) fn label(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => text.clone(),
        Value::List(list) => list.iter().map(label).collect::<Vec<_>>().join(" "),
        _ => node.to_toml(),
    }
}

fn literal(node: &Node) -> Literal {
    match &node.value {
        Value::Text(text) => Literal::of_text(text),
        Value::Integer(number) => Literal::of_text(&number.to_string()),
        Value::Float(number) => Literal::of_text(&number.to_string()),
        Value::Bool(flag) => Literal::Flag(*flag),
        _ => Literal::Other(label(node)),
    }
}
