//! Exit codes, and how a failure is told.

use std::fmt::Display;
use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Good,
    /// The run failed: a full disk, a guard, an engine that cannot go on.
    Run,
    /// Bad usage or a bad scenario.
    Usage,
    /// What the scenario expects does not hold.
    Expect,
    /// A determinism check or validation failed.
    Check,
    /// Finished, but some runs failed.
    Failed,
    /// Interrupted by the user.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Good => 0,
            Exit::Run => 1,
            Exit::Usage => 2,
            Exit::Expect => 3,
            Exit::Check => 4,
            Exit::Failed => 5,
            Exit::Interrupted => 130,
        })
    }
}

/// Prints a line to standard output; a closed pipe is no failure.
pub(crate) fn say(text: impl Display) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a line to standard error.
pub(crate) fn tell(text: impl Display) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Tells an error and what to do about it.
pub(crate) fn fail(exit: Exit, error: impl Display, hint: &str) -> Exit {
    tell(format_args!("error: {error}"));
    if !hint.is_empty() {
        tell(format_args!("help: {hint}"));
    }
    exit
}
