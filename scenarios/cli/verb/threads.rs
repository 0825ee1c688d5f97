//! What `badlink run --threads` says about the sharing of one run.

use reports::format::{duration, significant};
use scenarios::Scenario;
use scenarios::build::Built;
use scenarios::record::FileTables;
use scenarios::run::split::{self, Plan, Shares, SplitError};

use crate::exit::tell;
use crate::monitor::Guards;

/// Who runs what, or `None` for a run on one thread, which says why.
pub(crate) fn plan(
    scenario: &Scenario,
    built: &Built<FileTables>,
    guards: &Guards,
    threads: u16,
    quiet: bool,
) -> Option<Plan> {
    if threads < 2 {
        return None;
    }
    let plan = if guards.max_events.is_some() {
        Err("--max-events counts them one by one".to_owned())
    } else {
        split::plan(scenario, &built.engine, &built.world, threads)
    };
    let alone = match plan {
        Ok(plan) => match sparse(scenario, &plan) {
            Some(reason) if guards.one_thread_if_sparse => reason,
            _ => return Some(plan),
        },
        Err(reason) => reason,
    };
    if !quiet {
        tell(format_args!("running on one thread, since {alone}"));
    }
    None
}

/// Why threads gain nothing, where sessions are too few at a time, as a clause after "since".
fn sparse(scenario: &Scenario, plan: &Plan) -> Option<String> {
    let sessions = split::sessions_within_lookahead(scenario, plan)?;
    let lookahead_ns = plan.lookahead_ns()?;
    (sessions < split::SESSIONS_MIN).then(|| {
        format!(
            "about {} sessions begin within the {} that a part may run ahead of another, and threads \
             gain from {} on; more devices, more frequent sessions or longer least delays would help \
             (--share-sparse shares it all the same)",
            significant(sessions, 2),
            duration(lookahead_ns as f64),
            split::SESSIONS_MIN
        )
    })
}

/// Tells how far the busiest part lets the others help.
pub(crate) fn tell_shares(plan: &Plan, shares: &Shares, quiet: bool) {
    if quiet {
        return;
    }
    let (total, busiest) = shares.total_and_busiest();
    let bound = shares.bound();
    let threads = plan.threads();
    if let Some(lookahead_ns) = plan.lookahead_ns() {
        let help = if bound < 0.9 * threads as f64 {
            "; more servers, among which the work can be shared, would help"
        } else {
            ""
        };
        tell(format_args!(
            "{threads} threads that hear of one another, at most {} ahead: the busiest handled \
             {busiest} of {total} events, so at most {bound:.2} times as fast as one{help}",
            duration(lookahead_ns as f64)
        ));
        return;
    }
    let help = if plan.sets == threads {
        "; more servers, each with devices of its own, would make more and smaller parts"
    } else if bound < 0.9 * threads as f64 {
        "; more servers with an equal number of devices would share it more evenly"
    } else {
        ""
    };
    tell(format_args!(
        "{threads} threads for {} sets of nodes that no link joins: the busiest handled {busiest} of \
         {total} events, so at most {bound:.2} times as fast as one{help}",
        plan.sets
    ));
}

/// Tells that a run on several threads came to nothing.
pub(crate) fn tell_met(error: &SplitError) {
    match error {
        SplitError::Met(reason) => {
            tell(format_args!("starting again on one thread, since {reason}"))
        }
        SplitError::Engine(_) => tell("starting again on one thread, since a part cannot go on"),
    }
}
