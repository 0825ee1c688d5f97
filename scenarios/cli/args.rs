//! Verbs and options.

mod story;
mod study;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub(crate) use story::{ExplainArgs, ShrinkArgs, Telling};
pub(crate) use study::{
    CompareArgs, DiffArgs, MergeArgs, ReplayArgs, SlurmMode, StatusArgs, SweepArgs,
};

/// Deterministic network simulation of IoT security protocols.
#[derive(Debug, Parser)]
#[command(
    name = "badlink",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Writes a commented starter scenario
    New(NewArgs),
    /// Parses and checks a scenario; runs nothing
    Check(CheckArgs),
    /// Runs a scenario once: tables, figures and a summary
    Run(RunArgs),
    /// Runs a study: every point and replication that is missing, then the tables
    Sweep(SweepArgs),
    /// Shows where a study stands
    SweepStatus(StatusArgs),
    /// Writes the tables of a study from its shards
    Merge(MergeArgs),
    /// Runs one stored run again with every trace and compares the fingerprint
    Replay(ReplayArgs),
    /// Names the first event in which two runs differ
    Diff(DiffArgs),
    /// Puts two results or variants side by side, with differences and intervals
    Compare(CompareArgs),
    /// Checks determinism: the same scenario again gives the same fingerprint and the same bytes
    Verify(VerifyArgs),
    /// Compares the simulator with closed forms: simulated value, 99.9 % interval, exact value
    Validate(ValidateArgs),
    /// Operations, bits, storage, time and energy of a protocol, counted by its own code
    Costs(CostsArgs),
    /// Every message and intermediate value of a session from fixed inputs, as JSON
    Transcript(TranscriptArgs),
    /// Figures, tables and one self-contained page from stored results
    Report(ReportArgs),
    /// The desynchronisation laboratory: what each damage does to the shared state
    Desync(DesyncArgs),
    /// Every attack on every protocol: what was claimed, what was observed
    Matrix(MatrixArgs),
    /// Draws one figure from stored results
    Plot(PlotArgs),
    /// Tells one session of a stored run: steps, fields, decisions, the adversary's deeds
    Explain(ExplainArgs),
    /// Writes the smallest scenario that still gives a stored run's verdict
    Shrink(ShrinkArgs),
    /// Lists what there is, with sources
    List(ListArgs),
    /// Prints a Wireshark dissector of every protocol, in Lua
    Dissector(DissectorArgs),
}

/// A scenario and what is changed in it.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ScenarioArgs {
    /// Scenario file, or the name of a library scenario
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Sets one value, as in nodes.device.count=10 (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
    /// The root seed; the same as --set run.seed=N
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct NewArgs {
    /// Name of the scenario; the file is NAME.toml
    pub(crate) name: String,
    /// Writes here instead of NAME.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replaces the file if it is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    /// Prints the findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Prints nothing when all is well
    #[arg(long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    /// Directory of the result [default: results/NAME with the name of the scenario]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replaces another result that is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Adds traces to those of the scenario, as in messages,pcapng
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) traces: Vec<String>,
    /// Shares one run among so many threads where the world allows it; no byte of the result depends
    /// on it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: u16,
    /// With --threads: shares the run also where so little happens at a time that it gains nothing
    #[arg(long)]
    pub(crate) share_sparse: bool,
    /// Prints no summary and no progress
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Prints the contents of summary.json instead of the table
    #[arg(long)]
    pub(crate) json: bool,
    /// Stops after so many events
    #[arg(long, value_name = "N")]
    pub(crate) max_events: Option<u64>,
    /// Stops after so much wall time (90s, 10min, 2h)
    #[arg(long, value_name = "TIME", value_parser = wall_time)]
    pub(crate) max_wall: Option<Duration>,
    /// Stops when the result takes so much disk (500MB, 2GiB)
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_disk: Option<u64>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    /// Prints the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Prints nothing when all is well
    #[arg(long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ValidateArgs {
    /// Only this family of closed forms (repeatable) [default: all]
    #[arg(long, value_name = "NAME")]
    pub(crate) family: Vec<String>,
    /// Fewer and shorter replications
    #[arg(long)]
    pub(crate) quick: bool,
    /// Writes validation.csv, figures and every case as a scenario here
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Runs at once [default: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// Prints the rows as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Prints nothing when all is well
    #[arg(long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CostsArgs {
    /// One protocol [default: all security protocols]
    #[arg(long, value_name = "NAME")]
    pub(crate) protocol: Option<String>,
    /// One of its variants [default: as-published]
    #[arg(long, value_name = "NAME")]
    pub(crate) variant: Option<String>,
    /// Adds time and energy on this device (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Vec<String>,
    /// Sets a parameter of the protocol, as in keys=16 (repeatable)
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// What is printed
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Notation,
    /// Also writes costs.txt, costs.md, costs.tex, costs.csv and a CSV file per table here
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Prints nothing
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// How tables are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Notation {
    /// Columns for a terminal
    Text,
    /// Operations and bits, one per row
    Csv,
    /// Tables for a page
    Markdown,
    /// Tables for a paper (booktabs)
    Latex,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TranscriptArgs {
    /// The protocol, unless the inputs name it
    #[arg(long, value_name = "NAME")]
    pub(crate) protocol: Option<String>,
    /// The variant, unless the inputs name it [default: as-published]
    #[arg(long, value_name = "NAME")]
    pub(crate) variant: Option<String>,
    /// The inputs: randomness, storage, clocks and commands, as docs/TRANSCRIPT.md explains
    #[arg(long, value_name = "FILE")]
    pub(crate) inputs: PathBuf,
    /// Writes here instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ReportArgs {
    /// Directory of a result, or a folder of several
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Puts the folder `report` here instead of into DIR
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Prints nothing
    #[arg(long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PlotArgs {
    /// Directory of a result
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Which figure; docs/RESULTS.md lists them
    #[arg(long, value_name = "NAME")]
    pub(crate) figure: String,
    /// Axis of the study along which the metric is drawn [default: the first]
    #[arg(long, value_name = "AXIS")]
    pub(crate) x: Option<String>,
    /// Metric that is drawn
    #[arg(long, value_name = "METRIC")]
    pub(crate) y: Option<String>,
    /// Axis whose values become series
    #[arg(long, value_name = "AXIS")]
    pub(crate) by: Option<String>,
    /// Keeps only the points with this value (repeatable)
    #[arg(long = "where", value_name = "AXIS=VALUE")]
    pub(crate) only: Vec<String>,
    /// Session of a sequence chart, as in `device[3]/17` (by default the one that tells most)
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// How the horizontal axis is spread [default: by the values]
    #[arg(long, value_enum, value_name = "SCALE")]
    pub(crate) x_scale: Option<AxisSpread>,
    /// How the vertical axis is spread [default: linear]
    #[arg(long, value_enum, value_name = "SCALE")]
    pub(crate) y_scale: Option<AxisSpread>,
    /// Directory of the files [default: DIR/report/figures]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Prints no paths
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// How an axis is spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AxisSpread {
    /// Equal steps are equal differences
    Linear,
    /// Equal steps are equal ratios; 0 has a place of its own
    Log,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DissectorArgs {
    /// Scenario whose variant and parameters decide its protocol's layouts [default: every variant with its defaults]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Sets one value of the scenario (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE", requires = "file")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ListArgs {
    /// What to list
    #[arg(value_enum)]
    pub(crate) what: Listed,
    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Listed {
    /// Protocols with roles, commands, variants and parameters
    Protocols,
    /// Attacks in code with what they need and aim at
    Attacks,
    /// Claims of the protocols' authors
    Claims,
    /// Link presets with their basis
    Presets,
    /// Device profiles with their sources
    Profiles,
    /// Radios with their sources
    Radios,
    /// Metrics of a run
    Metrics,
    /// Scenarios that come with the program
    Scenarios,
}

const WALL_UNITS: [(&str, f64); 5] = [
    ("ms", 1e-3),
    ("min", 60.0),
    ("s", 1.0),
    ("h", 3_600.0),
    ("d", 86_400.0),
];
const SIZE_UNITS: [(&str, f64); 8] = [
    ("KiB", 1_024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("B", 1.0),
];

fn quantity(text: &str, units: &[(&str, f64)]) -> Result<f64, String> {
    let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
    let found = units.iter().find_map(|(name, factor)| {
        let number = text.strip_suffix(name)?.trim().parse::<f64>().ok()?;
        Some(number * factor)
    });
    match found {
        Some(value) if value.is_finite() && value > 0.0 => Ok(value),
        Some(_) => Err(String::from("must be above 0")),
        None => Err(format!(
            "wants a number and a unit out of {}",
            names.join(", ")
        )),
    }
}

fn wall_time(text: &str) -> Result<Duration, String> {
    let seconds = quantity(text, &WALL_UNITS)?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn size(text: &str) -> Result<u64, String> {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and such casts saturate"
    )]
    let bytes = quantity(text, &SIZE_UNITS)? as u64;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards_want_units() {
        assert_eq!(wall_time("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(wall_time("10min"), Ok(Duration::from_secs(600)));
        assert_eq!(size("2KiB"), Ok(2048));
        assert_eq!(size("1.5MB"), Ok(1_500_000));
        assert!(wall_time("90").is_err_and(|error| error.contains("unit")));
        assert!(size("-1B").is_err_and(|error| error.contains("above 0")));
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct MatrixArgs {
    /// Only this protocol (repeatable)
    #[arg(long = "protocol", value_name = "NAME")]
    pub(crate) protocols: Vec<String>,
    /// Only this variant (repeatable)
    #[arg(long = "variant", value_name = "NAME")]
    pub(crate) variants: Vec<String>,
    /// Only this attack (repeatable)
    #[arg(long = "attack", value_name = "ID")]
    pub(crate) attacks: Vec<String>,
    /// Runs of each cell, under seeds of their own
    #[arg(long, value_name = "N", default_value_t = scenarios::matrix::TRIALS_DEFAULT, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) trials: u64,
    /// Runs at the same time; all cores unless given
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Directory of the result
    #[arg(long, value_name = "DIR", default_value = "results/matrix")]
    pub(crate) out: PathBuf,
    /// Prints the rows as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Prints no summary
    #[arg(long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DesyncArgs {
    /// The protocol
    #[arg(long, value_name = "NAME")]
    pub(crate) protocol: String,
    /// The variant
    #[arg(long, value_name = "NAME", default_value = "as-published")]
    pub(crate) variant: String,
    /// Runs of each experiment, under seeds of their own
    #[arg(long, value_name = "N", default_value_t = scenarios::laboratory::TRIALS_DEFAULT, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) trials: u64,
    /// Runs at the same time; all cores unless given
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Directory of the result [default: results/desync-PROTOCOL-VARIANT]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Prints no summary
    #[arg(long)]
    pub(crate) quiet: bool,
}
