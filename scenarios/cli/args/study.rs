//! Options of the verbs about studies.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::ScenarioArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct SweepArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    /// Directory of the study [default: results/NAME with the name of the scenario]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replaces another result that is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Runs at the same time [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) jobs: Option<u16>,
    /// Lists points, replications, total, and an estimate of time and disk; runs nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Does every N-th run, from the K-th (from 0), and writes no tables: `merge` does
    #[arg(long, value_name = "K/N", value_parser = shard)]
    pub(crate) shard: Option<(u64, u64)>,
    /// Confirms a sweep of more than a million runs
    #[arg(long)]
    pub(crate) yes: bool,
    /// Computes stored failures again
    #[arg(long)]
    pub(crate) retry_failed: bool,
    /// Keeps the tables that `[output]` asks for, a directory per run
    #[arg(long)]
    pub(crate) keep_traces: bool,
    /// A run that handles so many events has failed
    #[arg(long, value_name = "N")]
    pub(crate) max_events: Option<u64>,
    /// Prints no summary and no progress
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Prints the plan or the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Submits a Slurm job array over shards and a merge after it; `print` only writes the scripts
    #[arg(long, value_name = "print", num_args = 0..=1, require_equals = true,
          default_missing_value = "submit", value_enum)]
    pub(crate) slurm: Option<SlurmMode>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// What is done with a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SlurmMode {
    /// Writes the scripts and submits them
    Submit,
    /// Writes the scripts
    Print,
}

/// What the jobs of a cluster ask for.
#[derive(Debug, ClapArgs)]
pub(crate) struct ClusterArgs {
    /// Tasks of the job array [default: one per 200 runs, at most 200]
    #[arg(long, value_name = "N", requires = "slurm", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) array_size: Option<u64>,
    /// Tasks at the same time, at most
    #[arg(long, value_name = "M", requires = "slurm", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) throttle: Option<u64>,
    /// Partition of the cluster
    #[arg(long, value_name = "NAME", requires = "slurm", value_parser = plain)]
    pub(crate) partition: Option<String>,
    /// Account to charge
    #[arg(long, value_name = "NAME", requires = "slurm", value_parser = plain)]
    pub(crate) account: Option<String>,
    /// Time limit of a task as Slurm writes it (30:00, 2:00:00)
    #[arg(long, value_name = "TIME", requires = "slurm", value_parser = plain)]
    pub(crate) time: Option<String>,
    /// Memory of a task as Slurm writes it (500M, 2G)
    #[arg(long, value_name = "SIZE", requires = "slurm", value_parser = plain)]
    pub(crate) mem: Option<String>,
    /// Cores of a task [default: 1]
    #[arg(long, value_name = "N", requires = "slurm", value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub(crate) cpus: Option<u64>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct MergeArgs {
    /// Directories of one study; a single one is completed in place
    #[arg(value_name = "DIR", required = true)]
    pub(crate) directories: Vec<PathBuf>,
    /// Where several are joined [default: results/NAME with the name of the scenario]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replaces another result that is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Prints no summary
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Prints the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StatusArgs {
    /// Directory of a study
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ReplayArgs {
    /// Directory of a study, or of a run
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// The run: the beginning of its key, or POINT/REPLICATION; none for the directory of a run
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Where the run's tables go [default: DIR/replay/KEY]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Prints no summary and no progress
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Prints the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DiffArgs {
    /// A run's directory, or DIR/KEY for a run of a study, or a study's directory
    #[arg(value_name = "DIR")]
    pub(crate) first: PathBuf,
    /// Another
    #[arg(value_name = "DIR")]
    pub(crate) second: PathBuf,
    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CompareArgs {
    /// A result's directory; with --scenario the name of a variant
    #[arg(value_name = "A")]
    pub(crate) first: String,
    /// What it is compared with
    #[arg(value_name = "B")]
    pub(crate) second: String,
    /// Compares two variants of the protocol in this scenario
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// Replications of each variant
    #[arg(long, value_name = "N", default_value_t = 10, requires = "scenario",
          value_parser = clap::value_parser!(u64).range(2..=100_000))]
    pub(crate) replications: u64,
    /// Only this metric (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) metric: Vec<String>,
    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn shard(text: &str) -> Result<(u64, u64), String> {
    let parts = text
        .split_once('/')
        .and_then(|(k, n)| Some((k.parse::<u64>().ok()?, n.parse::<u64>().ok()?)));
    match parts {
        Some((k, n)) if k < n => Ok((k, n)),
        Some((_, 0)) => Err(String::from("there are no 0 shards")),
        Some((_, n)) => Err(format!("shards are counted from 0 to {}", n - 1)),
        None => Err(String::from("wants K/N, as in 0/8")),
    }
}

/// Words that stand in a script without quotes.
fn plain(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.:,+".contains(c);
    if !text.is_empty() && text.chars().all(good) {
        return Ok(text.to_owned());
    }
    Err(String::from("may hold letters, digits and -_.:,+ only"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_counted_from_zero() {
        assert_eq!(shard("0/1"), Ok((0, 1)));
        assert_eq!(shard("7/8"), Ok((7, 8)));
        for wrong in ["8/8", "1", "0/0", "-1/2", "a/b"] {
            assert!(shard(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_a_shell_would_read_is_refused() {
        assert!(plain("2:00:00").is_ok());
        assert!(plain("x; rm -r y").is_err());
    }
}
