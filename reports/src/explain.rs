//! One session told from stored results: what each side did and decided, what the adversary did, and
//! where a property broke.
//!
//! Everything comes from the tables of one run: the steps of `steps.csv`, the session's row of
//! `sessions.csv`, fates of `messages.csv` that no step tells, verdicts of `attacks.csv` and
//! divergences of `desync.csv`. Nothing is run, and a table that was not kept leaves its part out.

mod mermaid;
mod words;

use std::fmt;
use std::path::Path;

use crate::format;
use crate::read::Reader;
use crate::read::RunResult;
use crate::read::story::{Story, StoryStep, stories};
use crate::rows::{Attacks, Desyncs, Messages, Sessions, StepKind};
use crate::store::StoreError;
use crate::table::Table as _;

pub use words::{fields, sentence};

/// Sessions that a message lists at most.
const LISTED_MAX: usize = 8;

/// Which session is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The one of this name.
    Session(String),
    /// That of the first violation, else the first that failed, else the first kept.
    Witness,
}

/// Why a session cannot be told.
#[derive(Debug)]
pub enum ExplainError {
    /// The run had no session of this name.
    NoSession {
        /// The name asked for.
        name: String,
        /// Some whose steps are kept.
        kept: Vec<String>,
    },
    /// The run had the session, and its steps were not kept.
    NotKept {
        /// The name asked for.
        name: String,
        /// Some whose steps are kept.
        kept: Vec<String>,
    },
    /// The run kept no steps at all.
    NoSteps,
    /// A table cannot be read.
    Store(StoreError),
}

impl fmt::Display for ExplainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSession { name, .. } => write!(f, "the run has no session {name}"),
            Self::NotKept { name, .. } => write!(f, "the steps of session {name} were not kept"),
            Self::NoSteps => f.write_str("the run kept the steps of no session"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ExplainError {}

impl From<StoreError> for ExplainError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl ExplainError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoSession { kept, .. } => {
                format!("sessions with kept steps: {}", kept.join(", "))
            }
            Self::NotKept { name, kept } => format!(
                "run again with `--set 'output.steps=[\"{name}\"]'` ([output] steps); kept are {}",
                kept.join(", ")
            ),
            Self::NoSteps => String::from(
                "run again with `--set output.steps=all`, or name the session in [output] steps: steps \
                 = [\"device[0]/1\"]",
            ),
            Self::Store(_) => String::new(),
        }
    }
}

/// A property that broke, or a divergence.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Break {
    at_ns: u64,
    text: String,
}

/// A session, told.
#[derive(Clone, Debug)]
pub struct Explained {
    story: Story,
    outcome: String,
    head: Vec<String>,
    breaks: Vec<Break>,
    tail: Vec<String>,
}

/// Tells the session asked for.
///
/// # Errors
/// No such session, no steps of it, or a table that cannot be read.
pub fn explain(run: &RunResult, asked: &Asked) -> Result<Explained, ExplainError> {
    let directory = run.directory();
    let attacks = attacks(directory)?;
    let name = match asked {
        Asked::Session(name) => name.clone(),
        Asked::Witness => witness(run, &attacks)?,
    };
    let mut found = stories(directory, &|session| session == name, 1)?;
    let Some(mut story) = found.pop() else {
        return Err(lacking(run, name)?);
    };
    name_what_was_changed(&mut story);
    let mut told = Explained {
        outcome: String::new(),
        head: Vec::new(),
        breaks: Vec::new(),
        tail: Vec::new(),
        story,
    };
    let span = told.session(directory)?;
    told.adversaries(&attacks, span);
    told.divergences(directory)?;
    told.untold_fates(directory)?;
    told.breaks.sort_by_key(|broke| broke.at_ns);
    Ok(told)
}

/// A frame that was changed on its way is stored with the bytes that arrived: its sender's step takes its
/// name from those.
fn name_what_was_changed(story: &mut Story) {
    let named: Vec<(String, String)> = story
        .steps
        .iter()
        .filter(|step| step.kind != StepKind::Send && !step.message.is_empty())
        .map(|step| (step.word("@packet"), step.message.clone()))
        .filter(|(packet, _)| !packet.is_empty())
        .collect();
    for step in &mut story.steps {
        if step.kind == StepKind::Send
            && step.message.is_empty()
            && let Some((_, message)) = {
                let packet = step.word("@packet");
                named.iter().find(|(other, _)| *other == packet)
            }
        {
            step.message.clone_from(message);
        }
    }
}

/// A row of `attacks.csv`.
struct AttackRow {
    adversary: String,
    on: String,
    powers: String,
    rule: String,
    attack: String,
    actions: u64,
    verdict: String,
    property: String,
    witness_ns: Option<u64>,
    session: String,
    witness: String,
}

fn attacks(directory: &Path) -> Result<Vec<AttackRow>, StoreError> {
    let mut rows = Vec::new();
    let mut reader = Reader::open(&directory.join(Attacks::SCHEMA.file))?;
    while reader.advance()? {
        let text = |name: &str| reader.text(name).map(str::to_owned);
        rows.push(AttackRow {
            adversary: text("adversary")?,
            on: text("on")?,
            powers: text("powers")?,
            rule: text("rule")?,
            attack: text("attack")?,
            actions: reader.value("actions")?,
            verdict: text("verdict")?,
            property: text("property")?,
            witness_ns: reader.optional("witness_ns")?,
            session: text("session")?,
            witness: text("witness")?,
        });
    }
    Ok(rows)
}

/// The session in which a property was violated first, else the first that failed, else any.
fn witness(run: &RunResult, attacks: &[AttackRow]) -> Result<String, ExplainError> {
    let all = stories(run.directory(), &|_| true, usize::MAX)?;
    let Some(first) = all.first() else {
        return Err(ExplainError::NoSteps);
    };
    let kept = |name: &str| all.iter().any(|story| story.session == name);
    let mut violated: Vec<&AttackRow> = attacks
        .iter()
        .filter(|row| row.verdict == "broken")
        .collect();
    // Stable: what is violated at the same instant stays in the order of the table.
    violated.sort_by_key(|row| row.witness_ns.unwrap_or(u64::MAX));
    for row in violated {
        if kept(&row.session) {
            return Ok(row.session.clone());
        }
        // A violation without a session belongs to the one that has a step at that very instant.
        let at = |step: &StoryStep| Some(step.t_ns) == row.witness_ns;
        let decides = |step: &StoryStep| at(step) && step.kind == StepKind::Output;
        let by = |test: &dyn Fn(&StoryStep) -> bool| {
            all.iter().find(|story| story.steps.iter().any(test))
        };
        if let Some(story) = by(&decides).or_else(|| by(&at)) {
            return Ok(story.session.clone());
        }
    }
    let mut causes = run.desyncs()?;
    causes.sort_by_key(|desync| desync.start_ns);
    let cause = causes
        .into_iter()
        .find(|desync| kept(&desync.cause_session));
    if let Some(cause) = cause {
        return Ok(cause.cause_session);
    }
    let failed = run
        .session_outcomes(&kept)?
        .into_iter()
        .find(|(_, outcome)| !["accepted", "completed"].contains(&outcome.word()));
    Ok(failed.map_or_else(|| first.session.clone(), |(name, _)| name))
}

/// Why there is no story of this name.
fn lacking(run: &RunResult, name: String) -> Result<ExplainError, StoreError> {
    let some = stories(run.directory(), &|_| true, LISTED_MAX)?;
    let kept: Vec<String> = some.into_iter().map(|story| story.session).collect();
    let known = !run.session_outcomes(&|session| session == name)?.is_empty();
    Ok(match (kept.is_empty(), known) {
        (true, _) => ExplainError::NoSteps,
        (false, true) => ExplainError::NotKept { name, kept },
        (false, false) => ExplainError::NoSession { name, kept },
    })
}

impl Explained {
    /// The name of the session.
    #[must_use]
    pub fn session_name(&self) -> &str {
        &self.story.session
    }

    /// A sentence on what an adversary was told, which the tables do not hold.
    pub fn add_knowledge(&mut self, sentence: String) {
        self.head.push(sentence);
    }

    /// Fills in how the session ended; returns when it was under way.
    fn session(&mut self, directory: &Path) -> Result<(u64, u64), StoreError> {
        let mut reader = Reader::open(&directory.join(Sessions::SCHEMA.file))?;
        while reader.advance()? {
            if reader.text("session")? != self.story.session {
                continue;
            }
            let (start, end): (u64, u64) = (reader.value("started_ns")?, reader.value("ended_ns")?);
            let reason = reader.text("reason")?;
            self.outcome = match reason {
                "" => reader.text("outcome")?.to_owned(),
                reason => format!("{} ({reason})", reader.text("outcome")?),
            };
            self.head.push(format!(
                "{} asks {} for {}; {} messages and {} B in {}.",
                reader.text("device")?,
                reader.text("server")?,
                reader.text("phase")?,
                reader.text("messages")?,
                reader.text("bytes")?,
                format::duration(end.saturating_sub(start) as f64),
            ));
            return Ok((start, end));
        }
        if self.story.session.ends_with("/0") {
            self.head.push(String::from(
                "Nobody had asked for a session yet: this is what happened before the first.",
            ));
        }
        let time = |step: Option<&StoryStep>| step.map_or(0, |step| step.t_ns);
        let steps = &self.story.steps;
        Ok((time(steps.first()), time(steps.last())))
    }

    /// Who stood where, what the oracles found, and what of it belongs to this session.
    fn adversaries(&mut self, attacks: &[AttackRow], (_, end): (u64, u64)) {
        if self.story.steps.first().is_some_and(|step| step.t_ns > end) {
            self.head.push(String::from(
                "It was over by then: what follows happened after it, before the next one.",
            ));
        }
        let mut before = "";
        for row in attacks {
            if row.adversary != before {
                let attack = match row.attack.as_str() {
                    "" => String::new(),
                    attack => format!(", attack {attack}"),
                };
                let on = if row.on.starts_with("beside ") || row.on.starts_with("as ") {
                    ""
                } else {
                    "on "
                };
                self.head.push(format!(
                    "Adversary {} stands {on}{} with the powers {}{attack}.",
                    row.adversary, row.on, row.powers
                ));
                before = &row.adversary;
            }
            if !row.rule.is_empty() || row.verdict != "broken" {
                continue;
            }
            let own = row.session == self.story.session;
            // Where a session names another, and its steps stand here: an adversary's own login, say.
            let within =
                row.witness_ns.is_some()
                    && self.story.steps.iter().any(|step| {
                        Some(step.t_ns) == row.witness_ns && step.kind == StepKind::Output
                    });
            match row.witness_ns.filter(|_| own || within) {
                Some(at_ns) => self.breaks.push(Break {
                    at_ns,
                    text: format!("{} is broken: {}", row.property, row.witness),
                }),
                None => {
                    let place = match row.session.as_str() {
                        "" => String::new(),
                        session => format!(" in session {session}"),
                    };
                    self.tail.push(format!(
                        "{} of the run is broken first{place}: {}.",
                        row.property, row.witness
                    ));
                }
            }
        }
        let idle = attacks
            .iter()
            .all(|row| row.actions == 0 || row.rule.is_empty() && row.attack.is_empty());
        if !attacks.is_empty() && idle {
            self.tail
                .push(String::from("The adversary never acted in this run."));
        }
    }

    fn divergences(&mut self, directory: &Path) -> Result<(), StoreError> {
        let mut reader = Reader::open(&directory.join(Desyncs::SCHEMA.file))?;
        while reader.advance()? {
            if reader.text("cause_session")? != self.story.session {
                continue;
            }
            let text = format!(
                "{} and {} are out of step over the {}: {}",
                reader.text("device")?,
                reader.text("server")?,
                reader.text("relation")?,
                reader.text("kind")?
            );
            let at_ns = reader.value("start_ns")?;
            // The oracle's verdict says it already where an adversary stands.
            if !self.breaks.iter().any(|broke| broke.text.ends_with(&text)) {
                self.breaks.push(Break { at_ns, text });
            }
        }
        Ok(())
    }

    /// Packets of the session that an adversary or the channel harmed and that no step tells of.
    fn untold_fates(&mut self, directory: &Path) -> Result<(), StoreError> {
        let told: Vec<String> = self
            .story
            .steps
            .iter()
            .map(|step| step.word("@packet"))
            .collect();
        let mut reader = Reader::open(&directory.join(Messages::SCHEMA.file))?;
        while reader.advance()? {
            let (packet, fate) = (reader.text("packet")?, reader.text("fate")?);
            if reader.text("session")? != self.story.session
                || fate == "delivered"
                || told.iter().any(|known| known == packet)
            {
                continue;
            }
            self.tail.push(format!(
                "Packet {packet} ({} from {} to {}) has the fate {fate}.",
                match reader.text("message")? {
                    "" => "a frame",
                    name => name,
                },
                reader.text("from")?,
                reader.text("to")?
            ));
        }
        Ok(())
    }

    fn start_ns(&self) -> u64 {
        self.story.steps.first().map_or(0, |step| step.t_ns)
    }

    /// The breaks that come after step `index` and before the next one.
    fn breaks_after(&self, index: usize) -> impl Iterator<Item = &Break> {
        let (at, next) = (self.story.steps.get(index), self.story.steps.get(index + 1));
        let from = if index == 0 {
            0
        } else {
            at.map_or(0, |step| step.t_ns)
        };
        let to = next.map_or(u64::MAX, |step| step.t_ns);
        self.breaks.iter().filter(move |broke| {
            (from..to).contains(&broke.at_ns) || to == u64::MAX && broke.at_ns == to
        })
    }

    /// The title: the session and how it ended.
    fn title(&self) -> String {
        if self.outcome.is_empty() {
            format!("Session {}", self.story.session)
        } else {
            format!("Session {}: {}", self.story.session, self.outcome)
        }
    }

    /// The story as text, ending in a line feed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("{}\n", self.title());
        for line in &self.head {
            out.push_str(&format!("  {line}\n"));
        }
        out.push_str(&format!(
            "  Times count from {} ns after the start of the run.\n\n",
            self.start_ns()
        ));
        let steps = &self.story.steps;
        let after = |at_ns: u64| {
            format!(
                "+{}",
                format::elapsed(at_ns.saturating_sub(self.start_ns()))
            )
        };
        let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let names = width(&mut steps.iter().map(|step| step.node.chars().count()));
        let times = width(&mut steps.iter().map(|step| after(step.t_ns).chars().count()));
        let mut sent: Vec<(String, String)> = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            out.push_str(&format!(
                "{:>4}  {:>times$}  {:names$}  {}\n",
                index + 1,
                after(step.t_ns),
                step.node,
                sentence(step)
            ));
            let fields = fields(step);
            let packet = step.word("@packet");
            // Fields that arrive as they were sent are told once.
            let known = sent.contains(&(packet.clone(), fields.clone()));
            if !fields.is_empty() && !known {
                let indent = 4 + 2 + times + 2 + names + 2;
                out.push_str(&format!("{:indent$}{fields}\n", ""));
                sent.push((packet, fields));
            }
            for broke in self.breaks_after(index) {
                out.push_str(&format!(
                    "  >>  {:>times$}  {}\n",
                    after(broke.at_ns),
                    broke.text
                ));
            }
        }
        if !self.tail.is_empty() {
            out.push('\n');
        }
        for line in &self.tail {
            out.push_str(&format!("  {line}\n"));
        }
        out
    }

    /// The story as a Mermaid sequence diagram, ending in a line feed.
    #[must_use]
    pub fn mermaid(&self) -> String {
        mermaid::diagram(self)
    }

    /// The figure that draws it.
    #[cfg(feature = "draw")]
    #[must_use]
    pub fn chart(&self) -> crate::figure::Sequence {
        // The words before the evidence: the rest stands in the text.
        let short = |broke: &'_ Break| {
            let words = broke.text.split(" (").next();
            (broke.at_ns, words.unwrap_or_default().to_owned())
        };
        let breaks: Vec<(u64, String)> = self.breaks.iter().map(short).collect();
        let breaks = breaks.iter().map(|(at_ns, text)| (*at_ns, text.as_str()));
        crate::figure::Sequence::new(self.story.clone(), &self.outcome).with_breaks(breaks)
    }
}
