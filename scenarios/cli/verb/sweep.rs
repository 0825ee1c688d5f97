//! `badlink sweep FILE`: every missing run of a study, then its tables.

mod dry_run;

use std::path::Path;
use std::time::Instant;

use reports::store::StoreError;
use scenarios::Scenario;
use scenarios::sweep::directory::StudyDirectory;
use scenarios::sweep::execute::{Ended, Execution, Shard};
use scenarios::sweep::ledger::{Ledger, Notes};
use scenarios::sweep::plan::Plan;
use scenarios::sweep::simulate::Simulator;
use scenarios::sweep::spec::{RUNS_WITHOUT_ASKING, Study};
use scenarios::sweep::stop::Targets;
use scenarios::sweep::tables;

use crate::args::SweepArgs;
use crate::exit::{Exit, fail, say, tell};
use crate::load;
use crate::study::{self, Active, Watch, invocation};
use crate::verb::run::{PROGRAM, key_directory};

/// Sweeps the scenario.
pub(crate) fn run(args: &SweepArgs) -> Exit {
    let mut scenario = match load::scenario(&args.scenario) {
        Ok(scenario) => scenario,
        Err(exit) => return exit,
    };
    if args.keep_traces {
        keep_traces(&mut scenario);
    }
    let mut builder = rayon::ThreadPoolBuilder::new();
    if let Some(jobs) = args.jobs {
        builder = builder.num_threads(usize::from(jobs));
    }
    let pool = match builder.build() {
        Ok(pool) => pool,
        Err(error) => return fail(Exit::Run, error, "ask for fewer --jobs"),
    };
    let bound = (!args.yes).then_some(RUNS_WITHOUT_ASKING);
    let plan = match pool.install(|| Plan::new(&scenario, PROGRAM, bound)) {
        Ok(plan) => plan,
        Err(diagnostics) => return study::refuse_plan(&diagnostics),
    };
    let place = study::place(args.out.as_ref(), &scenario.name);
    let jobs = pool.current_num_threads();
    if args.dry_run {
        return dry_run::run(&plan, &place, jobs, args.json);
    }
    if let Some(mode) = args.slurm {
        return crate::verb::slurm::run(args, mode, &plan, &place);
    }
    pool.install(|| {
        Sweep {
            args,
            plan: &plan,
            place: &place,
            jobs,
            started: Instant::now(),
        }
        .run()
    })
}

/// As if the file had `keep_traces = true`.
fn keep_traces(scenario: &mut Scenario) {
    let mut study = match &scenario.study {
        Some(study) => (**study).clone(),
        None => Study::single(Vec::new()),
    };
    study.keep_traces = true;
    scenario.study = Some(std::sync::Arc::new(study));
    scenario
        .overrides
        .push((String::from("sweep.keep_traces"), String::from("true")));
}

struct Sweep<'a> {
    args: &'a SweepArgs,
    plan: &'a Plan,
    place: &'a Path,
    jobs: usize,
    started: Instant,
}

impl Sweep<'_> {
    fn run(&self) -> Exit {
        let shard = self
            .args
            .shard
            .map_or(Shard::WHOLE, |(index, of)| Shard { index, of });
        let invocation = invocation(self.started, Some(&self.plan.base.path), self.jobs);
        let opened =
            StudyDirectory::open(self.place, self.plan, PROGRAM, self.args.force, &invocation);
        let directory = match opened {
            Ok(directory) => directory,
            Err(error) => return study::refuse_place(&error),
        };
        let (mut ledger, notes) = match Ledger::open(self.plan, &[self.place]) {
            Ok(opened) => opened,
            Err(error) => return study::refuse_place(&error),
        };
        self.tell(&notes);
        if self.args.retry_failed {
            ledger.forget_failed();
        }
        let kept = self.stored(&ledger, shard);
        let wanted = self.wanted(shard);
        if kept > 0 && !self.args.quiet && !self.args.json {
            say(format_args!(
                "{kept} runs are there already and are kept, {} to go",
                wanted.saturating_sub(kept)
            ));
        }
        let label = format!("{}-{}", study::host_name(), std::process::id());
        let active = Active::new(self.place, &label, self.jobs);
        let watch = Watch::new(wanted.saturating_sub(kept), kept, self.args.quiet);
        let simulator = Simulator {
            keys: key_directory(),
            max_events: self.args.max_events,
        };
        let execution = Execution {
            plan: self.plan,
            shard,
            directory: self.place,
            program: PROGRAM,
            label: &label,
            runner: &simulator,
            observer: &watch,
        };
        let ended = quietly(|| execution.run(&mut ledger));
        watch.finish();
        drop(active);
        match ended {
            Err(error) => self.stopped_by(&error),
            Ok(Ended::Interrupted) => {
                tell(format_args!(
                    "interrupted: {} runs are stored in {}, {} of them new",
                    ledger.stored(),
                    self.place.display(),
                    watch.done()
                ));
                tell(format_args!("help: {}", self.again()));
                Exit::Interrupted
            }
            Ok(Ended::Complete) if self.args.shard.is_some() => self.shard_done(&ledger, shard),
            Ok(Ended::Complete) => self.tables(&mut ledger, &directory, kept),
        }
    }

    fn tell(&self, notes: &Notes) {
        for warning in &notes.warnings {
            tell(format_args!("warning: {warning}"));
        }
        if notes.unplanned > 0 && !self.args.quiet {
            tell(format_args!(
                "note: {} stored runs are beyond the replications asked for and are left out",
                notes.unplanned
            ));
        }
    }

    fn stored(&self, ledger: &Ledger, shard: Shard) -> u64 {
        if shard == Shard::WHOLE {
            return ledger.stored();
        }
        self.of_shard(shard, |point, replication| ledger.has(point, replication))
    }

    fn wanted(&self, shard: Shard) -> u64 {
        self.of_shard(shard, |_, _| true)
    }

    fn of_shard(&self, shard: Shard, counts: impl Fn(usize, u64) -> bool) -> u64 {
        let replications = self.plan.replications();
        let points = 0..self.plan.points.len();
        points
            .map(|point| {
                (0..replications)
                    .filter(|at| shard.has(self.plan, point, *at) && counts(point, *at))
                    .count() as u64
            })
            .sum()
    }

    /// The call that goes on where this one stopped.
    fn again(&self) -> String {
        format!(
            "the same call goes on from there and keeps them: badlink sweep {} --out {}",
            self.args.scenario.file.display(),
            self.place.display()
        )
    }

    fn stopped_by(&self, error: &StoreError) -> Exit {
        let hint = format!("what is stored is good; make room, then {}", self.again());
        fail(Exit::Run, error, &hint)
    }

    fn shard_done(&self, ledger: &Ledger, shard: Shard) -> Exit {
        let failed = self.of_shard(shard, |point, replication| {
            ledger.has_failed(point, replication)
        });
        let runs = self.stored(ledger, shard);
        let shown = self.place.display();
        if !self.args.quiet {
            say(format_args!(
                "shard {}/{}: {runs} runs stored in {shown}, {failed} failed; `badlink merge {shown}` \
                 writes the tables when all shards are there",
                shard.index, shard.of
            ));
        }
        if failed > 0 { Exit::Failed } else { Exit::Good }
    }

    fn tables(&self, ledger: &mut Ledger, directory: &StudyDirectory, kept: u64) -> Exit {
        // What other processes have stored meanwhile is the same, so it need not be read.
        let written = match tables::write(self.plan, ledger, directory) {
            Ok(written) => written,
            Err(error) => return self.stopped_by(&error),
        };
        let invocation = invocation(self.started, None, self.jobs);
        let counts = study::counts(&written, kept);
        if let Err(error) = directory.finish(true, counts, &invocation) {
            return self.stopped_by(&error);
        }
        let how = (self.args.quiet, self.args.json);
        study::outcome(&written, kept, self.place, how)
    }
}

/// Runs `body` without the panic messages of runs, which are stored instead.
pub(crate) fn quietly<T>(body: impl FnOnce() -> T) -> T {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = body();
    std::panic::set_hook(hook);
    result
}

/// Runs of a plan that are not stored, as far as is known.
pub(crate) fn missing(plan: &Plan, ledger: &mut Ledger) -> Result<(Targets, u64), StoreError> {
    let mut targets = Targets::new(plan);
    targets.advance(plan, Shard::WHOLE, ledger)?;
    let missing = tables::missing(&targets, ledger);
    Ok((targets, missing))
}
