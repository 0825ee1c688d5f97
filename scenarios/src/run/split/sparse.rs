//! Worlds in which too little happens at a time for threads to gain anything.

use super::Plan;
use crate::scenario::Scenario;

/// Sessions that begin while a packet is on its way, below which waiting for one another takes about
/// what is gained: measured, see `docs/PERFORMANCE.md`.
pub const SESSIONS_MIN: f64 = 1.5;

/// How many sessions begin on average while a part may run ahead of another; `None` where parts
/// never hear of one another, or where sessions begin at once and not at a rate.
#[must_use]
pub fn sessions_within_lookahead(scenario: &Scenario, plan: &Plan) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    let lookahead_ns = plan.lookahead_ns()? as f64;
    let mut sessions = 0.0;
    for workload in &scenario.workloads {
        let every_ns = workload.every.as_ref()?.mean().max(1.0);
        #[allow(clippy::cast_precision_loss, reason = "an estimate")]
        let at_once = (scenario.groups[workload.from].count * workload.steps.len()) as f64;
        sessions += at_once * lookahead_ns / every_ns;
    }
    Some(sessions)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::build::build;
    use crate::host::tables::NoTables;
    use crate::run::split::plan;

    fn within(devices: usize, delay: &str, workload: &str) -> Option<f64> {
        let text = format!(
            "schema = 1\n[scenario]\nname = \"star\"\n[run]\nduration = \"1h\"\nseed = 1\n\
             [protocol]\nname = \"secure-vault\"\n\
             [nodes.device]\nrole = \"device\"\ncount = {devices}\n\
             [nodes.server]\nrole = \"server\"\ncount = 1\n\
             [links.access]\nbetween = [\"device\", \"server\"]\ndelay = \"{delay}\"\n\
             [workload.talk]\nfrom = \"device\"\nto = \"server\"\n{workload}\n"
        );
        let scenario = crate::read_text("star.toml", &text, &[]).unwrap();
        let built = build::<NoTables>(&scenario).unwrap();
        let plan = plan(&scenario, &built.engine, &built.world, 2).unwrap();
        sessions_within_lookahead(&scenario, &plan)
    }

    #[test]
    fn sessions_within_a_lookahead_are_counted_by_their_rate() {
        // 1,200 devices once a minute begin 20 sessions a second.
        let often = "do = \"authenticate\"\nevery = \"exp(1min)\"";
        let sessions = within(1_200, "uniform(50ms, 80ms)", often).unwrap();
        // The least delay of a law is taken a little too low rather than too high.
        assert!((sessions - 1.0).abs() < 1e-5, "{sessions}");
        let steps = "do = [\"authenticate\", \"send-data\"]\nevery = \"2min\"";
        let sessions = within(120, "10ms", steps).unwrap();
        assert!((sessions - 0.02).abs() < 1e-6, "{sessions}");
        // All at once, as far as anybody knows beforehand.
        assert_eq!(within(50, "10ms", "do = \"authenticate\""), None);
    }
}
