//! Options of the verbs that tell a stored run and make it small.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub(crate) struct ExplainArgs {
    /// Directory of a run
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The session, as in `device[3]/17`
    #[arg(long, value_name = "ID", group = "which")]
    pub(crate) session: Option<String>,
    /// The session of the first violation, else the first that failed
    #[arg(long, group = "which")]
    pub(crate) witness: bool,
    /// How it is told
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Telling,
    /// Writes here instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// How a session is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Telling {
    /// Numbered steps for a terminal
    Text,
    /// A sequence diagram for pages that draw Mermaid
    Mermaid,
    /// The message sequence chart
    Svg,
}

#[derive(Debug, Args)]
pub(crate) struct ShrinkArgs {
    /// Directory of a run
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The adversary whose verdict is kept [default: the first that broke something]
    #[arg(long, value_name = "NAME")]
    pub(crate) adversary: Option<String>,
    /// The property whose verdict is kept [default: the first that is broken]
    #[arg(long, value_name = "NAME")]
    pub(crate) property: Option<String>,
    /// The scenario written [default: NAME-smallest.toml with the name of the scenario]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replaces the file if it is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Runs at most so often
    #[arg(long, value_name = "N", default_value_t = scenarios::shrink::TRIES_DEFAULT, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_tries: u32,
    /// Prints nothing
    #[arg(long)]
    pub(crate) quiet: bool,
}
