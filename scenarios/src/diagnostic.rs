//! Error messages with positions: file, line, column, the reason, and what to do instead.
//!
//! Every text that a user wrote is a [`Source`]: the scenario file, and each `--set` argument as a
//! pseudo file of its own. A [`Span`] points into one of them, so that a message about an override
//! shows the argument and not the file. Messages are collected, ordered by position and rendered
//! together; only the first few are shown, since later ones often follow from earlier ones.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// Most messages that are rendered.
const SHOWN_MAX: usize = 8;

/// Longest stretch of a source that is shown around one message, bytes.
const WINDOW_BYTES_MAX: usize = 16 * 1024;

/// Longest piece of a user's text that a message repeats, characters.
const QUOTED_CHARS_MAX: usize = 60;

/// Most names that a message lists.
const LISTED_MAX: usize = 40;

/// A text that positions point into.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// What stands before line and column: a path, or `--set`.
    pub(crate) name: String,
    /// The text itself.
    pub(crate) text: String,
}

/// A stretch of one source, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// Which source: 0 is the scenario file.
    pub(crate) source: u32,
    /// First byte.
    pub(crate) start: u32,
    /// The byte after the last one.
    pub(crate) end: u32,
}

impl Span {
    /// The stretch `range` of source `source`; positions beyond 4 GiB saturate.
    pub(crate) fn new(source: usize, range: Range<usize>) -> Self {
        let clamp = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            source: clamp(source),
            start: clamp(range.start),
            end: clamp(range.end.max(range.start)),
        }
    }

    /// The stretch `range` counted from the start of this one.
    pub(crate) fn within(self, range: Range<usize>) -> Self {
        let start = self.start as usize;
        let end = self.end as usize;
        Self::new(
            self.source as usize,
            (start + range.start).min(end)..(start + range.end).min(end),
        )
    }

    const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Diagnostic {
    title: String,
    place: Option<Span>,
    label: String,
    related: Vec<(Span, String)>,
    hints: Vec<String>,
}

impl Diagnostic {
    /// A message about `place`: what is wrong, in one sentence without a full stop.
    pub(crate) fn at(place: Span, title: impl Into<String>) -> Self {
        Self {
            place: Some(place),
            ..Self::general(title)
        }
    }

    /// A message about the file as a whole.
    pub(crate) fn general(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            place: None,
            label: String::new(),
            related: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// The words under the marked text.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// A further place that explains the message.
    pub(crate) fn related(mut self, place: Span, label: impl Into<String>) -> Self {
        self.related.push((place, label.into()));
        self
    }

    /// A line of help; empty ones are left out.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        if !hint.is_empty() {
            self.hints.push(hint);
        }
        self
    }
}

/// Collects the messages of one pass.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    list: RefCell<Vec<Diagnostic>>,
}

impl Problems {
    /// Adds a message.
    pub(crate) fn report(&self, diagnostic: Diagnostic) {
        self.list.borrow_mut().push(diagnostic);
    }

    /// Takes a message back that another one has made idle.
    pub(crate) fn retract(&self, place: Span, title: &str) {
        let idle =
            |diagnostic: &Diagnostic| diagnostic.place == Some(place) && diagnostic.title == title;
        self.list
            .borrow_mut()
            .retain(|diagnostic| !idle(diagnostic));
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.list.borrow().len()
    }

    /// Ends the pass.
    pub(crate) fn into_diagnostics(self, sources: Arc<[Source]>) -> Diagnostics {
        Diagnostics::new(sources, self.list.into_inner())
    }
}

/// Everything that is wrong with a scenario, ordered by position.
#[derive(Clone)]
pub struct Diagnostics {
    sources: Arc<[Source]>,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// These messages about these sources.
    pub(crate) fn new(sources: Arc<[Source]>, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(|diagnostic| diagnostic.place);
        Self { sources, list }
    }

    /// One message that no position belongs to.
    #[must_use]
    pub fn general(title: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(
            Arc::from([]),
            vec![Diagnostic::general(title).hint(hint.into())],
        )
    }

    /// How many messages there are; at least 1.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// The reasons alone, in the order of [`Diagnostics::render`], all of them.
    pub fn titles(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|diagnostic| diagnostic.title.as_str())
    }

    /// The messages as a terminal shows them: at most the first eight, each with
    /// `--> file:line:column`, the line itself and help. `color` adds ANSI styles.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut blocks: Vec<String> = self
            .list
            .iter()
            .take(SHOWN_MAX)
            .map(|diagnostic| self.render_one(&renderer, diagnostic))
            .collect();
        if self.list.len() > SHOWN_MAX {
            let more = self.list.len() - SHOWN_MAX;
            let title = format!("{more} more of such messages, not shown");
            blocks.push(renderer.render(&[Group::with_title(Level::NOTE.secondary_title(title))]));
        }
        blocks.join("\n\n")
    }

    fn render_one(&self, renderer: &Renderer, diagnostic: &Diagnostic) -> String {
        let mut group = Group::with_title(Level::ERROR.primary_title(diagnostic.title.as_str()));
        if let Some(place) = diagnostic.place {
            group = group.element(self.snippet(place, &diagnostic.label, &diagnostic.related));
            for (other, label) in &diagnostic.related {
                if other.source != place.source {
                    group = group.element(self.snippet(*other, label, &[]));
                }
            }
        }
        if diagnostic.place.is_none() {
            // Without a snippet the renderer would hang the help on an empty gutter.
            let helps = diagnostic
                .hints
                .iter()
                .map(|hint| Group::with_title(Level::HELP.secondary_title(hint.as_str())));
            let lines: Vec<String> = std::iter::once(group)
                .chain(helps)
                .map(|group| renderer.render(&[group]))
                .collect();
            return lines.join("\n");
        }
        for hint in &diagnostic.hints {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        renderer.render(&[group])
    }

    /// The lines around `place`, with those related places that stand near it.
    fn snippet<'a>(
        &'a self,
        place: Span,
        label: &'a str,
        related: &'a [(Span, String)],
    ) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let source = &self.sources[place.source as usize];
        let text = source.text.as_str();
        let mut window = lines_around(text, place.range());
        let mut near = Vec::new();
        for (other, label) in related {
            if other.source != place.source {
                continue;
            }
            let wider = lines_around(text, other.range());
            let union = window.start.min(wider.start)..window.end.max(wider.end);
            if union.len() <= WINDOW_BYTES_MAX {
                window = union;
                near.push((other, label));
            }
        }
        let shift = |span: Span| {
            let range = clip(text, span.range());
            range.start - window.start..range.end.min(window.end) - window.start
        };
        let line = text[..window.start].matches('\n').count() + 1;
        let mut marked = AnnotationKind::Primary.span(shift(place));
        if !label.is_empty() {
            marked = marked.label(label);
        }
        Snippet::source(&text[window.clone()])
            .line_start(line)
            .path(source.name.as_str())
            .annotation(marked)
            .annotations(near.into_iter().map(|(other, label)| {
                AnnotationKind::Context
                    .span(shift(*other))
                    .label(label.as_str())
            }))
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// `range`, moved to character boundaries inside `text`.
fn clip(text: &str, range: Range<usize>) -> Range<usize> {
    let mut start = range.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = range.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

/// The whole lines that `range` touches, without the last line break.
fn lines_around(text: &str, range: Range<usize>) -> Range<usize> {
    let range = clip(text, range);
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..]
        .find('\n')
        .map_or(text.len(), |at| range.end + at);
    // The carriage return of a Windows line end would be shown as a character.
    let end = if text[start..end].ends_with('\r') {
        end - 1
    } else {
        end
    };
    if end - start <= WINDOW_BYTES_MAX {
        return start..end;
    }
    // A marked stretch of many lines is shown by its first line.
    let first = text[range.start..]
        .find('\n')
        .map_or(text.len(), |at| range.start + at);
    start..first
}

/// A user's text as a message repeats it: in backquotes, escaped, shortened.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(QUOTED_CHARS_MAX)
        .flat_map(|c| {
            let escaped: Vec<char> = if c.is_control() {
                c.escape_default().collect()
            } else {
                vec![c]
            };
            escaped
        })
        .collect();
    if text.chars().nth(QUOTED_CHARS_MAX).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// Names in one line: `` `a`, `b` and `c` ``, with `none` when there are none; of many, the first.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut rest = names.into_iter();
    let names: Vec<String> = rest.by_ref().take(LISTED_MAX).map(quoted).collect();
    let more = rest.count();
    if more > 0 {
        return format!("{} and {more} more", names.join(", "));
    }
    match names.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The one of `names` that `word` is probably meant to be.
pub(crate) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: String = word.chars().take(QUOTED_CHARS_MAX).collect();
    let folded = word.to_lowercase().replace('_', "-");
    names
        .into_iter()
        .map(|name| {
            let other = name.to_lowercase().replace('_', "-");
            let score = if folded == other {
                1.0
            } else {
                strsim::jaro_winkler(&folded, &other)
            };
            (name, score)
        })
        .filter(|(_, score)| *score >= 0.8)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(name, _)| name)
}

/// `did you mean NAME?` for a name that does not exist; empty where none is near.
#[must_use]
pub fn did_you_mean<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, names)
        .map(|name| format!("did you mean {name}?"))
        .unwrap_or_default()
}

/// Help for a name that does not exist: the probable one, then what there is.
pub(crate) fn suggestions<'a>(
    word: &str,
    kind: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
) -> [String; 2] {
    let meant = nearest(word, names.clone())
        .map(|name| format!("did you mean {}?", quoted(name)))
        .unwrap_or_default();
    [meant, format!("{kind}: {}", listed(names))]
}
