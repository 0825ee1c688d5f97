//! The smallest scenario that still gives a verdict.
//!
//! Parts are taken away one at a time, in a fixed order, and each try is a real run under the same
//! seed: what leaves the verdict as it was stays away. The passes are repeated until nothing more can
//! go, so no single part of the result can be taken away: it is minimal, though a search of this kind
//! cannot promise the least of all. A try is made from the text that would be written, so what is
//! written is what was run.

mod edit;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use protocols::attack::Property;
use toml::{Table, Value};

use crate::oracle::EpisodeKind;
use crate::quantity::duration_text;
use crate::reader::read_text;
use crate::scenario::Scenario;
use crate::verdict::{Verdict, judge};
use crate::verify::untraced;

/// Runs at most, unless told otherwise.
pub const TRIES_DEFAULT: u32 = 400;
/// Parts of a duration below which it is not worth a run to cut further.
const DURATION_PARTS: u64 = 32;

/// The verdict that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    /// The adversary by name; `None` where a run without one fell out of step.
    pub adversary: Option<String>,
    /// The property.
    pub property: Property,
    /// The verdict.
    pub verdict: Verdict,
    /// What the worst divergence came to, where the property is desync.
    pub kind: Option<EpisodeKind>,
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.property.as_str(), self.verdict.as_str())?;
        if let Some(kind) = self.kind {
            write!(f, " ({})", kind.as_str())?;
        }
        match &self.adversary {
            Some(name) => write!(f, " by {name}"),
            None => f.write_str(" without an adversary"),
        }
    }
}

/// Why nothing could be made small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShrinkError {
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub hint: String,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The verdict kept.
    pub goal: Goal,
    /// What was taken away, in order.
    pub taken: Vec<String>,
    /// Runs that it took.
    pub tries: u32,
    /// Whether the tries ran out before nothing more could go.
    pub cut_short: bool,
    /// The scenario file.
    pub text: String,
    /// What it says, read.
    pub scenario: Scenario,
}

/// Which verdict is wanted; an absent part is chosen by the run.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// The adversary by name.
    pub adversary: Option<String>,
    /// The property by name.
    pub property: Option<String>,
}

/// Makes the scenario small.
///
/// # Errors
/// The run breaks nothing that was asked for, or cannot be repeated.
pub fn shrink(
    scenario: &Scenario,
    choice: &Choice,
    tries_max: u32,
    note: &mut dyn FnMut(u32, &str),
) -> Result<Shrunk, ShrinkError> {
    let table: Table = crate::results::resolved(scenario)
        .parse()
        .map_err(|error: toml::de::Error| refuse(error.to_string(), ""))?;
    let name = scenario.path.display().to_string();
    let run = run(scenario).ok_or_else(|| {
        refuse(
            "the run cannot be repeated",
            "`badlink run` on its scenario.toml tells why",
        )
    })?;
    let goal = goal(scenario, &run, choice)?;
    let mut search = Search {
        name,
        goal,
        best: table,
        taken: Vec::new(),
        tries: 1,
        tries_max,
        note,
    };
    search.prepare()?;
    while search.pass() {}
    let text = edit::text(&search.best, &search.goal, &search.taken);
    let scenario =
        read_text(&search.name, &text, &[]).map_err(|error| refuse(error.render(false), ""))?;
    Ok(Shrunk {
        cut_short: search.tries >= tries_max,
        goal: search.goal,
        taken: search.taken,
        tries: search.tries,
        text,
        scenario,
    })
}

fn refuse(reason: impl Into<String>, hint: impl Into<String>) -> ShrinkError {
    ShrinkError {
        reason: reason.into(),
        hint: hint.into(),
    }
}

/// What a run came to.
struct Came {
    /// Adversary, property, verdict.
    verdicts: Vec<(String, Property, Verdict)>,
    /// What the worst divergence came to.
    kind: Option<EpisodeKind>,
    /// When the property in question was violated first, ns.
    witness: Vec<(Property, u64)>,
}

impl Came {
    fn is(&self, goal: &Goal) -> bool {
        let kind = goal.kind.is_none() || goal.kind == self.kind;
        kind && goal.adversary.as_ref().is_none_or(|adversary| {
            self.verdicts
                .contains(&(adversary.clone(), goal.property, goal.verdict))
        })
    }
}

/// Runs a scenario and judges it; `None` where it cannot run.
fn run(scenario: &Scenario) -> Option<Came> {
    // A scenario cut in two may meet what nobody has met: that is no reason to stop the search.
    let finished = catch_unwind(AssertUnwindSafe(|| {
        untraced(scenario)
            .ok()
            .map(|finished| (judge(scenario, &finished), worst(&finished)))
    }));
    let (judgements, kind) = finished.ok()??;
    let name = |index: usize| {
        let adversary = scenario.adversaries.get(index);
        adversary.map(|adversary| adversary.name.clone())
    };
    Some(Came {
        witness: judgements
            .iter()
            .filter_map(|it| Some((it.property, it.witness.as_ref()?.at_ns)))
            .collect(),
        verdicts: judgements
            .iter()
            .filter_map(|it| Some((name(it.adversary)?, it.property, it.verdict)))
            .collect(),
        kind,
    })
}

/// The worst kind of divergence in a run: for good, silent, until provisioned anew.
fn worst<T: crate::host::tables::Tables>(
    finished: &crate::run::Finished<T>,
) -> Option<EpisodeKind> {
    let kinds = [
        EpisodeKind::Permanent,
        EpisodeKind::Silent,
        EpisodeKind::Reprovisioned,
    ];
    kinds.into_iter().find(|kind| {
        let mut relations = finished.world.relations.iter();
        relations.any(|relation| relation.oracle.closed().iter().any(|it| it.kind == *kind))
    })
}

/// The verdict to be kept.
fn goal(scenario: &Scenario, came: &Came, choice: &Choice) -> Result<Goal, ShrinkError> {
    let known = || {
        let mut all: Vec<&str> = came
            .verdicts
            .iter()
            .map(|(name, ..)| name.as_str())
            .collect();
        all.dedup();
        all
    };
    if let Some(name) = &choice.adversary
        && !scenario.adversaries.iter().any(|it| it.name == *name)
    {
        let meant = crate::did_you_mean(name, known());
        return Err(refuse(format!("the run has no adversary {name}"), meant));
    }
    if let Some(name) = &choice.property
        && !Property::ALL.iter().any(|it| it.as_str() == name)
    {
        let names = Property::ALL.iter().map(|it| it.as_str());
        let meant = crate::did_you_mean(name, names);
        return Err(refuse(format!("{name} is no property"), meant));
    }
    let asked = choice.adversary.is_some() || choice.property.is_some();
    let fits = |(name, property, _): &&(String, Property, Verdict)| {
        choice.adversary.as_ref().is_none_or(|it| it == name)
            && choice
                .property
                .as_ref()
                .is_none_or(|it| it == property.as_str())
    };
    let of = |wanted: Verdict| {
        let mut all = came.verdicts.iter().filter(fits);
        all.find(|(.., verdict)| *verdict == wanted)
    };
    // Limited harm is kept where somebody asks for it.
    let found = of(Verdict::Broken).or_else(|| of(Verdict::Degraded).filter(|_| asked));
    let kind = |property| came.kind.filter(|_| property == Property::Desync);
    if let Some((name, property, verdict)) = found {
        return Ok(Goal {
            adversary: Some(name.clone()),
            property: *property,
            verdict: *verdict,
            kind: kind(*property).filter(|_| *verdict == Verdict::Broken),
        });
    }
    let desync = choice.property.as_ref().is_none_or(|it| it == "desync");
    match came.kind {
        Some(kind) if choice.adversary.is_none() && desync => Ok(Goal {
            adversary: None,
            property: Property::Desync,
            verdict: Verdict::Broken,
            kind: Some(kind),
        }),
        _ => {
            let all: Vec<String> = came
                .verdicts
                .iter()
                .map(|(name, property, verdict)| {
                    format!("{name}: {} {}", property.as_str(), verdict.as_str())
                })
                .collect();
            let hint = if all.is_empty() {
                String::from("no adversary, and nobody out of step for good")
            } else {
                format!("its verdicts are {}", all.join(", "))
            };
            Err(refuse("the run violates nothing that was asked for", hint))
        }
    }
}

struct Search<'a> {
    name: String,
    goal: Goal,
    best: Table,
    taken: Vec<String>,
    tries: u32,
    tries_max: u32,
    note: &'a mut dyn FnMut(u32, &str),
}

impl Search<'_> {
    /// Leaves out what changes no run, and checks that the verdict comes again from the text.
    fn prepare(&mut self) -> Result<(), ShrinkError> {
        let mut table = self.best.clone();
        for part in ["sweep", "expect"] {
            if table.remove(part).is_some() {
                self.taken.push(format!("[{part}]"));
            }
        }
        table.insert(String::from("output"), edit::output());
        if self.gives(&table).is_none() {
            return Err(refuse(
                "the verdict does not come again from the stored scenario",
                "`badlink verify` tells whether it is deterministic",
            ));
        }
        self.best = table;
        Ok(())
    }

    /// Whether a table gives the verdict, and when it was violated first.
    fn gives(&mut self, table: &Table) -> Option<Came> {
        let text = toml::to_string(table).ok()?;
        let scenario = read_text(&self.name, &text, &[]).ok()?;
        self.tries += 1;
        run(&scenario).filter(|came| came.is(&self.goal))
    }

    /// Keeps a table that still gives the verdict.
    fn attempt(&mut self, table: Option<Table>, what: impl FnOnce() -> String) -> Option<Came> {
        let table = table?;
        if self.tries >= self.tries_max || table == self.best {
            return None;
        }
        let came = self.gives(&table)?;
        let what = what();
        (self.note)(self.tries, &what);
        self.taken.push(what);
        self.best = table;
        Some(came)
    }

    /// One pass over everything; true when something went.
    fn pass(&mut self) -> bool {
        let before = self.best.clone();
        // Nodes first: over a long time few of them are enough for what luck decides.
        self.counts();
        self.duration();
        for removal in edit::removals(&self.best) {
            // An earlier removal may have taken this part along.
            let without = edit::without(&self.best, &removal);
            self.attempt(without, || removal.to_string());
        }
        self.best != before && self.tries < self.tries_max
    }

    /// The shortest duration, to one part in 32.
    fn duration(&mut self) {
        let Some(from) = self.read().map(|scenario| scenario.run.duration_ns) else {
            return;
        };
        let with = |best: &Table, ns: u64| {
            edit::set(best, &["run", "duration"], Value::String(duration_text(ns)))
        };
        let mut high = from;
        let text = |ns: u64| format!("duration {} → {}", duration_text(from), duration_text(ns));
        // The time of the violation first: what comes later is seldom needed.
        if let Some(at) = self.witness() {
            let short = rounded(at.saturating_add(1)).min(high);
            let table = with(&self.best, short);
            if short < high && self.attempt(table, || text(short)).is_some() {
                high = short;
            }
        }
        let mut low = 0;
        while high - low > (high / DURATION_PARTS).max(1_000_000) {
            let middle = rounded(low + (high - low) / 2);
            if middle >= high || middle <= low {
                break;
            }
            let table = with(&self.best, middle);
            if self.attempt(table, || text(middle)).is_some() {
                high = middle;
            } else {
                low = middle;
            }
        }
        // One line for the whole of it.
        self.merge("duration ", &text(high), high < from);
    }

    /// The fewest nodes of each group.
    fn counts(&mut self) {
        for group in edit::names(&self.best, "nodes") {
            let count = |table: &Table| -> i64 {
                let node = table.get("nodes").and_then(|nodes| nodes.get(&group));
                let count = node.and_then(|node| node.get("count"));
                count.and_then(Value::as_integer).unwrap_or(1)
            };
            let from = count(&self.best);
            let with = |best: &Table, n: i64| {
                edit::set(best, &["nodes", &group, "count"], Value::Integer(n))
            };
            let text = |n: i64| format!("nodes.{group}.count {from} → {n}");
            let (mut low, mut high) = (0, from);
            let mut next = 1;
            while high - low > 1 {
                let table = with(&self.best, next);
                if self.attempt(table, || text(next)).is_some() {
                    high = next;
                } else {
                    low = next;
                }
                next = low + (high - low) / 2;
            }
            self.merge(&format!("nodes.{group}.count "), &text(high), high < from);
        }
    }

    fn read(&self) -> Option<Scenario> {
        let text = toml::to_string(&self.best).ok()?;
        read_text(&self.name, &text, &[]).ok()
    }

    /// When the kept property is violated first, ns.
    fn witness(&mut self) -> Option<u64> {
        let best = self.best.clone();
        if self.tries >= self.tries_max {
            return None;
        }
        let came = self.gives(&best)?;
        let property = self.goal.property;
        let mut all = came.witness.iter();
        all.find(|(of, _)| *of == property).map(|(_, at)| *at)
    }

    /// Replaces the lines of one search by its end.
    fn merge(&mut self, prefix: &str, line: &str, changed: bool) {
        if !changed {
            return;
        }
        while self
            .taken
            .last()
            .is_some_and(|last| last.starts_with(prefix))
        {
            self.taken.pop();
        }
        self.taken.push(line.to_owned());
    }
}

/// A duration with three digits at most, rounded up.
fn rounded(ns: u64) -> u64 {
    let mut unit = 1_000_000;
    while ns / unit >= 1_000 {
        unit *= 10;
    }
    ns.div_ceil(unit).saturating_mul(unit)
}

#[cfg(test)]
mod tests;
