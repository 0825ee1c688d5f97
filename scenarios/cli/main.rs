//! The `badlink` command line.
//!
//! Data goes to files and standard output, progress and messages to standard error. This is the
//! only place that reads a clock, the environment or a signal, and none of it reaches a data file.

mod args;
mod exit;
mod load;
mod monitor;
mod study;
mod verb;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Verb};
use crate::exit::Exit;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are answers; everything else is bad usage.
            let bad = error.use_stderr();
            let _ = error.print();
            return if bad { Exit::Usage } else { Exit::Good }.into();
        }
    };
    let exit = match args.verb {
        Verb::New(args) => verb::new::run(&args),
        Verb::Check(args) => verb::check::run(&args),
        Verb::Run(args) => verb::run::run(&args),
        Verb::Sweep(args) => verb::sweep::run(&args),
        Verb::SweepStatus(args) => verb::sweep_status::run(&args),
        Verb::Merge(args) => verb::merge::run(&args),
        Verb::Replay(args) => verb::replay::run(&args),
        Verb::Diff(args) => verb::diff::run(&args),
        Verb::Compare(args) => verb::compare::run(&args),
        Verb::Verify(args) => verb::verify::run(&args),
        Verb::Validate(args) => verb::validate::run(&args),
        Verb::Costs(args) => verb::costs::run(&args),
        Verb::Transcript(args) => verb::transcript::run(&args),
        Verb::Report(args) => verb::report::run(&args),
        Verb::Desync(args) => verb::desync::run(&args),
        Verb::Matrix(args) => verb::matrix::run(&args),
        Verb::Plot(args) => verb::plot::run(&args),
        Verb::Explain(args) => verb::explain::run(&args),
        Verb::Shrink(args) => verb::shrink::run(&args),
        Verb::List(args) => verb::list::run(&args),
        Verb::Dissector(args) => verb::dissector::run(&args),
    };
    exit.into()
}
