//! Conditions over axes: `p <= 5% and variant != hardened`.
//!
//! A comparison has an axis (or a path that an axis sets) on at least one side; numbers carry their
//! units and compare by what they measure. The text is parsed once; points are tested by the values
//! that the axes have there.

use std::ops::Range;

use crate::diagnostic::{listed, nearest, quoted};
use crate::quantity::Quantity;
use crate::sweep::spec::Axis;

/// A condition that a point satisfies or not.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Compare(Operand, Comparison, Operand),
    In(Operand, Vec<Operand>),
}

/// How two things compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    Differs,
}

impl Comparison {
    /// Whether two numbers compare so.
    #[must_use]
    #[allow(clippy::float_cmp, reason = "the user asked for equality")]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
            Self::Equal => left == right,
            Self::Differs => left != right,
        }
    }

    /// The operator.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Equal => "==",
            Self::Differs => "!=",
        }
    }
}

/// One side of a comparison.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    /// The value that an axis gives its path number `path`; `None`: its label.
    Axis { axis: usize, path: Option<usize> },
    /// A constant.
    Constant(Literal),
}

/// A value that can be compared.
#[derive(Clone, Debug)]
pub(crate) enum Literal {
    Number(Quantity),
    Text(String),
    Flag(bool),
    /// A list or a table: comparable by its text only.
    Other(String),
}

impl Literal {
    /// The value that a text stands for.
    pub(crate) fn of_text(text: &str) -> Self {
        match Quantity::any(text) {
            Some(quantity) => Self::Number(quantity),
            None => Self::Text(text.to_owned()),
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Other(text) => Some(text),
            Self::Flag(true) => Some("true"),
            Self::Flag(false) => Some("false"),
            Self::Number(_) => None,
        }
    }
}

/// Whether two dimensions compare: a share may be a plain number.
fn comparable(a: Quantity, b: Quantity) -> bool {
    use crate::quantity::Dimension::Share;
    let plain = |quantity: Quantity| quantity.dimension().filter(|dimension| *dimension != Share);
    plain(a) == plain(b)
}

fn compare(left: &Literal, how: Comparison, right: &Literal) -> bool {
    match (left, right) {
        (Literal::Number(a), Literal::Number(b)) => {
            comparable(*a, *b) && how.holds(a.number(), b.number())
        }
        _ => {
            let equal = left.text().is_some() && left.text() == right.text();
            match how {
                Comparison::Equal => equal,
                Comparison::Differs => !equal,
                _ => false,
            }
        }
    }
}

impl Condition {
    /// Whether the point with this choice (value per axis) satisfies it.
    pub(crate) fn holds(&self, axes: &[Axis], choice: &[u32]) -> bool {
        let value = |operand: &Operand| match operand {
            Operand::Constant(literal) => literal.clone(),
            Operand::Axis { axis, path } => {
                let value = &axes[*axis].values[choice[*axis] as usize];
                match path {
                    Some(path) => value.literals[*path].clone(),
                    None => Literal::Text(value.text.clone()),
                }
            }
        };
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(axes, choice)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(axes, choice)),
            Self::Not(part) => !part.holds(axes, choice),
            Self::Compare(left, how, right) => compare(&value(left), *how, &value(right)),
            Self::In(left, list) => list
                .iter()
                .any(|right| compare(&value(left), Comparison::Equal, &value(right))),
        }
    }
}

/// What is wrong with the text of a condition, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConditionError {
    /// Bytes of the text.
    pub(crate) at: Range<usize>,
    /// The reason.
    pub(crate) reason: String,
    /// What to write instead.
    pub(crate) hint: String,
}

/// Parses a condition over `axes`.
pub(crate) fn parse(text: &str, axes: &[Axis]) -> Result<Condition, ConditionError> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        text,
        tokens: &tokens,
        at: 0,
        axes,
        depth: 0,
    };
    let condition = parser.any()?;
    match parser.peek() {
        None => Ok(condition),
        Some(token) => Err(error(
            token.at.clone(),
            "the condition goes on where it should end",
            "join comparisons with `and` or `or`",
        )),
    }
}

fn error(at: Range<usize>, reason: impl Into<String>, hint: impl Into<String>) -> ConditionError {
    ConditionError {
        at,
        reason: reason.into(),
        hint: hint.into(),
    }
}

/// A piece of a condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) at: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Compare(Comparison),
    Open,
    Close,
    ListOpen,
    ListClose,
    Comma,
    Times,
    Word(String),
    Quoted(String),
}

/// Cuts a text into tokens.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, ConditionError> {
    let mut found = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some(&(start, c)) = rest.peek() {
        rest.next();
        let mut follows = |next: char| {
            let yes = rest.peek().is_some_and(|(_, c)| *c == next);
            if yes {
                rest.next();
            }
            yes
        };
        let kind = match c {
            c if c.is_whitespace() => continue,
            '(' => Kind::Open,
            ')' => Kind::Close,
            '[' => Kind::ListOpen,
            ']' => Kind::ListClose,
            ',' => Kind::Comma,
            '*' => Kind::Times,
            '<' if follows('=') => Kind::Compare(Comparison::AtMost),
            '<' => Kind::Compare(Comparison::Less),
            '>' if follows('=') => Kind::Compare(Comparison::AtLeast),
            '>' => Kind::Compare(Comparison::More),
            '≤' => Kind::Compare(Comparison::AtMost),
            '≥' => Kind::Compare(Comparison::AtLeast),
            '=' if follows('=') => Kind::Compare(Comparison::Equal),
            '!' if follows('=') => Kind::Compare(Comparison::Differs),
            '!' => Kind::Word("not".into()),
            '&' if follows('&') => Kind::Word("and".into()),
            '|' if follows('|') => Kind::Word("or".into()),
            '=' => {
                let hint = "equality is `==`";
                return Err(error(start..start + 1, "`=` compares nothing", hint));
            }
            '\'' | '"' => {
                let mut word = String::new();
                let closed = rest.by_ref().any(|(_, next)| {
                    if next == c {
                        return true;
                    }
                    word.push(next);
                    false
                });
                if !closed {
                    let reason = "this string does not end";
                    return Err(error(start..text.len(), reason, "add the closing quote"));
                }
                Kind::Quoted(word)
            }
            c => {
                let mut word = String::from(c);
                while let Some(&(_, next)) = rest.peek() {
                    if next.is_whitespace() || "()[],<>=!&|'\"*≤≥".contains(next) {
                        break;
                    }
                    word.push(next);
                    rest.next();
                }
                Kind::Word(word)
            }
        };
        let end = rest.peek().map_or(text.len(), |(at, _)| *at);
        found.push(Token {
            kind,
            at: start..end,
        });
    }
    Ok(found)
}

/// Parentheses and negations inside each other, at most.
const DEPTH_MAX: u32 = 50;

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    axes: &'a [Axis],
    depth: u32,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn word(&mut self, wanted: &str) -> bool {
        let found =
            matches!(self.peek(), Some(Token { kind: Kind::Word(word), .. }) if word == wanted);
        self.at += usize::from(found);
        found
    }

    fn end(&self) -> Range<usize> {
        self.text.len().saturating_sub(1)..self.text.len()
    }

    fn any(&mut self) -> Result<Condition, ConditionError> {
        let mut parts = vec![self.all()?];
        while self.word("or") {
            parts.push(self.all()?);
        }
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Condition::Any(parts),
        })
    }

    fn all(&mut self) -> Result<Condition, ConditionError> {
        let mut parts = vec![self.one()?];
        while self.word("and") {
            parts.push(self.one()?);
        }
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Condition::All(parts),
        })
    }

    fn one(&mut self) -> Result<Condition, ConditionError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(error(self.end(), "this condition is nested too deeply", ""));
        }
        let condition = if self.word("not") {
            Condition::Not(Box::new(self.one()?))
        } else if matches!(
            self.peek(),
            Some(Token {
                kind: Kind::Open,
                ..
            })
        ) {
            self.at += 1;
            let inner = self.any()?;
            match self.peek() {
                Some(Token {
                    kind: Kind::Close, ..
                }) => self.at += 1,
                other => {
                    let at = other.map_or_else(|| self.end(), |token| token.at.clone());
                    return Err(error(at, "a `)` is missing here", ""));
                }
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn comparison(&mut self) -> Result<Condition, ConditionError> {
        let (left_token, right_token);
        let left = self.token()?;
        left_token = left;
        if self.word("in") {
            return self.list(&left_token);
        }
        let how = match self.peek() {
            Some(Token {
                kind: Kind::Compare(how),
                ..
            }) => *how,
            other => {
                let at = other.map_or_else(|| self.end(), |token| token.at.clone());
                return Err(error(
                    at,
                    "a comparison is wanted here",
                    "write for instance `p <= 5%`; there are <, <=, >, >=, ==, != and `in [...]`",
                ));
            }
        };
        self.at += 1;
        right_token = self.token()?;
        let left_axis = self.axis(&left_token);
        let right_axis = self.axis(&right_token);
        let (left, right) = match (left_axis, right_axis) {
            (None, None) => return Err(self.no_axis(&left_token)),
            (Some(left), Some(right)) => (left, right),
            (Some(left), None) => {
                let right = self.constant(&right_token, &left, how)?;
                (left, right)
            }
            (None, Some(right)) => (self.constant(&left_token, &right, how)?, right),
        };
        Ok(Condition::Compare(left, how, right))
    }

    fn list(&mut self, left: &Token) -> Result<Condition, ConditionError> {
        let Some(axis) = self.axis(left) else {
            return Err(self.no_axis(left));
        };
        let Some(Token {
            kind: Kind::ListOpen,
            ..
        }) = self.peek()
        else {
            return Err(error(
                self.end(),
                "`in` wants a list",
                "write `in [1%, 2%]`",
            ));
        };
        self.at += 1;
        let mut list = Vec::new();
        loop {
            let token = self.token()?;
            list.push(self.constant(&token, &axis, Comparison::Equal)?);
            match self.peek() {
                Some(Token {
                    kind: Kind::Comma, ..
                }) => self.at += 1,
                Some(Token {
                    kind: Kind::ListClose,
                    ..
                }) => {
                    self.at += 1;
                    return Ok(Condition::In(axis, list));
                }
                _ => return Err(error(self.end(), "a `]` is missing here", "")),
            }
        }
    }

    /// The next word or string.
    fn token(&mut self) -> Result<Token, ConditionError> {
        match self.peek() {
            Some(token) if matches!(token.kind, Kind::Word(_) | Kind::Quoted(_)) => {
                let token = token.clone();
                self.at += 1;
                Ok(token)
            }
            other => {
                let at = other.map_or_else(|| self.end(), |token| token.at.clone());
                Err(error(at, "an axis or a value is wanted here", ""))
            }
        }
    }

    /// The axis that a word names, by its name or by a path that it sets.
    fn axis(&self, token: &Token) -> Option<Operand> {
        let Kind::Word(word) = &token.kind else {
            return None;
        };
        for (axis, spec) in self.axes.iter().enumerate() {
            if let Some(path) = spec.paths.iter().position(|path| path.text == *word) {
                return Some(Operand::Axis {
                    axis,
                    path: Some(path),
                });
            }
            if spec.name == *word {
                // A label stands for the whole value where the axis sets several different ones.
                let single = spec.values.iter().all(|value| {
                    matches!(&value.literals[0], Literal::Number(_))
                        || value.literals[0].text() == Some(value.text.as_str())
                });
                let path = (spec.paths.len() == 1 && single).then_some(0);
                let path = path.or_else(|| {
                    let same = spec.values.iter().all(|value| {
                        Quantity::any(&value.text).is_some()
                            && matches!(value.literals[0], Literal::Number(_))
                    });
                    same.then_some(0)
                });
                return Some(Operand::Axis { axis, path });
            }
        }
        None
    }

    fn no_axis(&self, token: &Token) -> ConditionError {
        let names = || self.axes.iter().map(|axis| axis.name.as_str());
        let (Kind::Word(word) | Kind::Quoted(word)) = &token.kind else {
            return error(token.at.clone(), "there is no axis in this comparison", "");
        };
        let meant = nearest(word, names());
        let hint = match meant {
            Some(name) => format!("did you mean {}?", quoted(name)),
            None if self.axes.is_empty() => "the study has no axes".to_owned(),
            None => format!("axes are {}", listed(names())),
        };
        error(
            token.at.clone(),
            format!("there is no axis {}", quoted(word)),
            hint,
        )
    }

    /// A constant that is compared with `axis`; refused where the two can never be equal or ordered.
    fn constant(
        &self,
        token: &Token,
        axis: &Operand,
        how: Comparison,
    ) -> Result<Operand, ConditionError> {
        let Operand::Axis { axis, path } = axis else {
            return Err(self.no_axis(token));
        };
        let spec = &self.axes[*axis];
        let values: Vec<Literal> = spec
            .values
            .iter()
            .map(|value| match path {
                Some(path) => value.literals[*path].clone(),
                None => Literal::Text(value.text.clone()),
            })
            .collect();
        let (literal, word, bare) = match &token.kind {
            Kind::Word(word) => (Literal::of_text(word), word, true),
            Kind::Quoted(word) => {
                let numeric = values
                    .iter()
                    .all(|value| matches!(value, Literal::Number(_)));
                let literal = if numeric {
                    Literal::of_text(word)
                } else {
                    Literal::Text(word.clone())
                };
                (literal, word, false)
            }
            _ => return Err(self.no_axis(token)),
        };
        let ordered = !matches!(how, Comparison::Equal | Comparison::Differs);
        if let Literal::Number(number) = &literal {
            let fits = values.iter().any(
                |value| matches!(value, Literal::Number(other) if comparable(*number, *other)),
            );
            if fits {
                return Ok(Operand::Constant(literal));
            }
            let known = values
                .iter()
                .any(|value| value.text() == Some(word.as_str()));
            if known && !ordered {
                return Ok(Operand::Constant(Literal::Text(word.clone())));
            }
            return Err(error(
                token.at.clone(),
                format!(
                    "{} measures something else than {}",
                    quoted(word),
                    quoted(&spec.name)
                ),
                format!(
                    "its values are {}",
                    listed(spec.values.iter().map(|value| value.text.as_str()))
                ),
            ));
        }
        if ordered {
            return Err(error(
                token.at.clone(),
                format!(
                    "{} is no number, so nothing is above or below it",
                    quoted(word)
                ),
                "texts compare with `==`, `!=` and `in`",
            ));
        }
        let known = values
            .iter()
            .any(|value| value.text() == Some(word.as_str()));
        if bare && !known {
            let texts = || spec.values.iter().map(|value| value.text.as_str());
            let meant = nearest(word, texts());
            let hint = match meant {
                Some(name) => format!("did you mean {}?", quoted(name)),
                None => format!("its values are {}", listed(texts())),
            };
            return Err(error(
                token.at.clone(),
                format!("{} has no value {}", quoted(&spec.name), quoted(word)),
                hint,
            ));
        }
        Ok(Operand::Constant(literal))
    }
}
