//! `[scenario]`, `[run]`, `[protocol]` and `[output]`.

use protocols::parameter::ParameterError;
use protocols::registry::PROTOCOLS;
use reports::table::format::TableFormat;

use super::section::{Reading, Section};
use crate::diagnostic::Diagnostic;
use crate::quantity::duration_text;
use crate::scenario::{
    Figure, OutputSettings, ProtocolChoice, RunSettings, Share, StepsWanted, Trace, WarmUp,
};
use crate::tree::{Node, Value};

/// 2026-01-01T00:00:00Z in ns since 1970.
const EPOCH_NS: u64 = 1_767_225_600_000_000_000;

/// The version of the format that this reader knows.
const SCHEMA: u64 = 1;

impl<'t> Reading<'t> {
    /// `schema = 1`.
    pub(crate) fn schema(&self, root: &Section<'t>) -> Option<()> {
        let node = root.required(self, "schema", "1")?;
        let version = self.integer(node, 1, u64::MAX)?;
        if version == SCHEMA {
            return Some(());
        }
        self.refuse(
            node.span,
            format!("this is schema {version}, but only schema {SCHEMA} is known"),
            format!("write `schema = {SCHEMA}`"),
        )
    }

    /// `[scenario]`: name and description.
    pub(crate) fn title(&self, root: &Section<'t>, fallback: &str) -> (String, String) {
        let Some(section) = root.section(self, "scenario") else {
            return (fallback.to_owned(), String::new());
        };
        let name = section
            .get("name")
            .and_then(|node| self.file_name(node))
            .unwrap_or_else(|| fallback.to_owned());
        let description = section
            .get("description")
            .and_then(|node| self.text(node))
            .unwrap_or_default()
            .to_owned();
        section.finish(self);
        (name, description)
    }

    /// A name that can be a directory.
    fn file_name(&self, node: &'t Node) -> Option<String> {
        let name = self.text(node)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let good = !name.is_empty()
            && name.len() <= 100
            && !name.starts_with('.')
            && name.chars().all(plain);
        if good {
            return Some(name.to_owned());
        }
        self.refuse(
            node.span,
            "this cannot be a scenario's name",
            "it becomes the name of a directory: 1 to 100 ASCII letters, digits, `-`, `_` and `.`",
        )
    }

    /// `[run]`; `longest_deadline_ns` is the default of `settle`.
    pub(crate) fn run_settings(
        &self,
        root: &Section<'t>,
        longest_deadline_ns: u64,
    ) -> Option<RunSettings> {
        let Some(section) = root.section(self, "run") else {
            if root.table.get("run").is_none() {
                let hint = "add `[run]` with `duration = \"1h\"` and `seed = 1`";
                root.lacks_table(self, "run", hint);
            }
            return None;
        };
        let duration = section.required(self, "duration", "\"1h\"");
        let duration_ns = duration.and_then(|node| self.duration(node));
        if duration_ns == Some(0) {
            self.refuse::<()>(section.place_of("duration"), "the run has no duration", "");
        }
        let optional = |key: &'static str, default: u64| match section.get(key) {
            Some(node) => self.duration(node),
            None => Some(default),
        };
        let settle_ns = optional("settle", longest_deadline_ns);
        let warmup = self.warm_up(&section);
        // There is no default: a run whose seed nobody chose cannot be cited.
        let seed = section
            .required(self, "seed", "1")
            .and_then(|node| self.integer(node, 0, u64::MAX));
        let epoch_ns = match section.get("epoch") {
            Some(node) => self.epoch(node),
            None => Some(EPOCH_NS),
        };
        section.finish(self);
        let settings = RunSettings {
            duration_ns: duration_ns?,
            settle_ns: settle_ns?,
            warmup_ns: warmup?.0,
            steady: warmup?.1,
            seed: seed?,
            epoch_ns: epoch_ns?,
        };
        if settings.warmup_ns >= settings.duration_ns && settings.warmup_ns > 0 {
            return self.refuse(
                section.place_of("warmup"),
                "the warm-up leaves nothing of the run",
                format!(
                    "it must be shorter than the duration of {}",
                    duration_text(settings.duration_ns)
                ),
            );
        }
        let end = settings
            .duration_ns
            .checked_add(settings.settle_ns)
            .and_then(|end| end.checked_add(settings.epoch_ns));
        // Local clocks add offset and drift to the sum, so half of the range is kept free.
        if end.is_none_or(|end| end > u64::MAX / 2) {
            return self.refuse(
                section.place_of("duration"),
                "the run ends beyond the range of clocks",
                "epoch, duration and settle together must stay below the year 2262",
            );
        }
        Some(settings)
    }

    /// `warmup` and `steady`: how long it is, and whether there is a steady state after it.
    fn warm_up(&self, section: &Section<'t>) -> Option<(u64, Option<WarmUp>)> {
        let steady = match section.get("steady") {
            Some(node) => Some(self.flag(node)?),
            None => None,
        };
        let Some(node) = section.get("warmup") else {
            return Some((0, (steady == Some(true)).then_some(WarmUp::Given)));
        };
        if !matches!(&node.value, Value::Text(word) if word == WarmUp::Mser5.as_str()) {
            let found = self.duration(node)?;
            return Some((found, (steady == Some(true)).then_some(WarmUp::Given)));
        }
        if steady == Some(false) {
            return self.refuse(
                section.place_of("steady"),
                "MSER-5 finds the warm-up of steady states, and there is none here",
                "leave `steady` out, or give `warmup` a duration",
            );
        }
        Some((0, Some(WarmUp::Mser5)))
    }

    fn epoch(&self, node: &'t Node) -> Option<u64> {
        let text = match &node.value {
            Value::Datetime(text) | Value::Text(text) => text,
            other => {
                return self.refuse(
                    node.span,
                    format!("a date and time is wanted here, not {}", other.kind()),
                    "write for instance `2026-01-01T00:00:00Z`",
                );
            }
        };
        utc_ns(text).or_else(|| {
            self.refuse(
                node.span,
                "this is no instant in UTC between 1970 and 2200",
                "write for instance `2026-01-01T00:00:00Z`",
            )
        })
    }

    /// `[protocol]`.
    pub(crate) fn protocol(&self, root: &Section<'t>) -> Option<ProtocolChoice> {
        let Some(section) = root.section(self, "protocol") else {
            if root.table.get("protocol").is_none() {
                let hint = format!("add `[protocol]` with `name = \"{}\"`", PROTOCOLS[0].name());
                root.lacks_table(self, "protocol", &hint);
            }
            return None;
        };
        let example = format!("\"{}\"", PROTOCOLS[0].name());
        let protocol = section.required(self, "name", &example).and_then(|node| {
            let names = PROTOCOLS.iter().map(|protocol| protocol.name());
            self.choice(node, "protocols", "protocol", names)
                .map(|index| PROTOCOLS[index])
        });
        let variant_node = section.get("variant");
        let params = section.section(self, "params");
        let read = protocol.and_then(|protocol| {
            let variants = protocol.variants();
            let variant = match variant_node {
                Some(node) => {
                    let names = variants.iter().map(|variant| variant.name);
                    self.choice(node, "variants", "variant", names)
                        .map(|index| variants[index].name)
                }
                None => variants.first().map(|variant| variant.name),
            };
            let before = self.problems.count();
            let values = self.parameters(params.as_ref(), protocol.params(), &[]);
            // A configuration with values missing would be refused for the wrong reason.
            if self.problems.count() > before {
                return None;
            }
            let variant = variant?;
            match protocol.configure(variant, &values) {
                Ok(instance) => Some(ProtocolChoice {
                    protocol,
                    variant: variant.to_owned(),
                    params: values,
                    instance,
                }),
                Err(error) => {
                    self.parameter_error(&section, params.as_ref(), &error);
                    None
                }
            }
        });
        section.finish(self);
        read
    }

    /// A protocol's own refusal, at the key it names where the file has it.
    fn parameter_error(
        &self,
        section: &Section<'t>,
        params: Option<&Section<'t>>,
        error: &ParameterError,
    ) {
        let given = params.and_then(|params| params.table.get(&error.name));
        let place = match given {
            Some(node) => node.span,
            None if error.name == "variant" => section.place_of("variant"),
            None => params.map_or(section.place, |params| params.place),
        };
        let title = if given.is_some() {
            error.reason.clone()
        } else {
            error.to_string()
        };
        self.report(Diagnostic::at(place, title).hint(error.hint.clone()));
    }

    /// `[output]`; without it, the table of sessions and no figure.
    pub(crate) fn output(&self, root: &Section<'t>) -> OutputSettings {
        let mut output = OutputSettings {
            traces: vec![Trace::Sessions],
            steps: StepsWanted::Failed,
            sample: None,
            format: TableFormat::Csv,
            figures: Vec::new(),
        };
        let Some(section) = root.section(self, "output") else {
            return output;
        };
        if let Some(node) = section.get("traces") {
            output.traces = self.each(node, "traces", "trace", &Trace::ALL, Trace::as_str);
        }
        if let Some(node) = section.get("steps") {
            output.steps = self.steps_wanted(node);
        }
        if let Some(node) = section.get("sample")
            && let Some(share) = self.share(node)
            && share < 1.0
        {
            output.sample = Share::new(share);
            if output.sample.is_none() {
                self.report(
                    Diagnostic::at(node.span, "a sample of none of the sessions keeps nothing").hint(
                        "write the share to keep, such as `\"1%\"`, or leave tables out of `traces`",
                    ),
                );
            }
        }
        if let Some(node) = section.get("format") {
            output.format = self.table_format(node).unwrap_or_default();
        }
        if let Some(node) = section.get("figures") {
            output.figures = self.each(node, "figures", "figure", &Figure::ALL, Figure::as_str);
        }
        section.finish(self);
        output
    }

    /// The members of `all` that a list names, each once.
    /// The format of large tables; one that is not built in is refused before anything runs.
    fn table_format(&self, node: &'t Node) -> Option<TableFormat> {
        let names = TableFormat::ALL.map(TableFormat::as_str);
        let format = TableFormat::ALL[self.choice(node, "formats", "format", names)?];
        if format.is_built_in() {
            return Some(format);
        }
        let feature = match format {
            TableFormat::Parquet => "parquet",
            _ => "zstd",
        };
        self.refuse(
            node.span,
            format!("this program was built without {feature}"),
            format!("build it with `cargo build --release --features {feature}`, or take \"csv\""),
        )
    }

    fn each<T: Copy + PartialEq>(
        &self,
        node: &'t Node,
        kind: &str,
        one: &str,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Vec<T> {
        let mut found = Vec::new();
        for element in self.list(node).unwrap_or_default() {
            let names = all.iter().map(|member| name(*member));
            if let Some(index) = self.choice(element, kind, one, names)
                && !found.contains(&all[index])
            {
                found.push(all[index]);
            }
        }
        found
    }
}

/// An instant such as `2026-01-01T00:00:00Z` in ns since 1970; fractions up to nanoseconds.
fn utc_ns(text: &str) -> Option<u64> {
    let text = text.strip_suffix(['Z', 'z'])?;
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let whole = |part: &str, digits: usize| {
        let good = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        good.then(|| part.parse::<u64>().ok()).flatten()
    };
    let mut date = date.split('-');
    let year = whole(date.next()?, 4)?;
    let month = whole(date.next()?, 2)?;
    let day = whole(date.next()?, 2)?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut clock = clock.split(':');
    let hour = whole(clock.next()?, 2)?;
    let minute = whole(clock.next()?, 2)?;
    let second = whole(clock.next()?, 2)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let lengths = [
        31,
        if leap { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let month_index = usize::try_from(month.checked_sub(1)?).ok()?;
    let length = *lengths.get(month_index)?;
    let in_range = (1970..2200).contains(&year)
        && (1..=length).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && date.next().is_none()
        && clock.next().is_none()
        && (1..=9).contains(&fraction.len());
    if !in_range {
        return None;
    }
    let before = year - 1;
    let days_to = |year: u64| year * 365 + year / 4 - year / 100 + year / 400;
    let days =
        days_to(before) - days_to(1969) + lengths[..month_index].iter().sum::<u64>() + (day - 1);
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    let nanos = whole(&format!("{fraction:0<9}"), 9)?;
    Some(seconds * 1_000_000_000 + nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_count_from_1970() {
        assert_eq!(utc_ns("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(utc_ns("2026-01-01T00:00:00Z"), Some(EPOCH_NS));
        assert_eq!(
            utc_ns("2000-03-01T00:00:00.5Z"),
            Some(951_868_800_500_000_000)
        );
        for wrong in [
            "2026-02-29T00:00:00Z",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "x",
        ] {
            assert_eq!(utc_ns(wrong), None, "{wrong}");
        }
    }
}
