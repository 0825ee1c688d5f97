//! Watches a run: progress, guards, Ctrl-C.

use std::io::IsTerminal as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use scenarios::Progress;
use scenarios::record::FileTables;
use scenarios::run::{Monitor, Stop};

/// Watches one run.
#[derive(Debug)]
pub(crate) struct Watch {
    interrupted: Arc<AtomicBool>,
    started: Instant,
    /// When the first check came, and the events up to then: what the world's start costs is no rate.
    begun: Option<(Instant, u64)>,
    checks: u64,
    bar: ProgressBar,
    max_events: Option<u64>,
    max_wall: Option<Duration>,
    max_disk: Option<(u64, PathBuf)>,
}

/// What may end a run early.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guards {
    pub(crate) max_events: Option<u64>,
    pub(crate) max_wall: Option<Duration>,
    pub(crate) max_disk: Option<u64>,
    /// Whether a world in which threads gain nothing runs on one.
    pub(crate) one_thread_if_sparse: bool,
}

/// Parts of the progress bar: virtual time in thousandths of the end.
const PARTS: u64 = 1000;
/// Sizes of files are looked up once in so many checks.
const DISK_EVERY: u64 = 16;

impl Watch {
    /// Watches a run that writes into `directory`; shows progress unless `quiet`.
    pub(crate) fn new(guards: &Guards, directory: PathBuf, quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let target = if shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(PARTS), target);
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}  ETA {eta}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self {
            interrupted: interrupt_flag(),
            started: Instant::now(),
            begun: None,
            checks: 0,
            bar,
            max_events: guards.max_events,
            max_wall: guards.max_wall,
            max_disk: guards.max_disk.map(|bytes| (bytes, directory)),
        }
    }

    /// Wall time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn show(&mut self, progress: &Progress, end_ns: u64) {
        let part = u128::from(progress.now.0) * u128::from(PARTS) / u128::from(end_ns.max(1));
        let part = u64::try_from(part).unwrap_or(PARTS).min(PARTS);
        let Some((begun, before)) = self.begun else {
            self.begun = Some((Instant::now(), progress.events));
            self.bar.set_position(part);
            self.bar.reset_eta();
            return;
        };
        self.bar.set_position(part);
        let seconds = begun.elapsed().as_secs_f64().max(1e-9);
        let rate = progress.events.saturating_sub(before) as f64 / seconds;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate for the eye"
        )]
        let rate = HumanCount(rate as u64);
        self.bar.set_message(format!(
            "{}  {rate} events/s",
            where_it_is(progress.now.0, end_ns)
        ));
    }

    /// Takes the progress bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The flag that Ctrl-C raises; a second Ctrl-C ends the program at once.
pub(crate) fn interrupt_flag() -> Arc<AtomicBool> {
    static FLAG: std::sync::OnceLock<Arc<AtomicBool>> = std::sync::OnceLock::new();
    Arc::clone(FLAG.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        let raised = Arc::clone(&flag);
        // Without a handler Ctrl-C simply ends the program, which leaves no half-written result.
        let _ = ctrlc::set_handler(move || {
            if raised.swap(true, Ordering::SeqCst) {
                #[allow(clippy::exit, reason = "the user asked twice")]
                std::process::exit(130);
            }
        });
        flag
    }))
}

impl Monitor<FileTables> for Watch {
    fn events_max(&self) -> Option<u64> {
        self.max_events
    }

    fn check(
        &mut self,
        progress: &Progress,
        end_ns: u64,
        tables: &FileTables,
    ) -> ControlFlow<Stop> {
        self.checks += 1;
        if self.interrupted.load(Ordering::SeqCst) {
            return ControlFlow::Break(Stop::Interrupted);
        }
        if tables.error().is_some() {
            return ControlFlow::Break(Stop::Writing);
        }
        if let Some(max) = self.max_events.filter(|max| progress.events >= *max) {
            return ControlFlow::Break(Stop::Guard(format!("--max-events {max}")));
        }
        if let Some(max) = self.max_wall.filter(|max| self.elapsed() >= *max) {
            return ControlFlow::Break(Stop::Guard(format!("--max-wall {} s", max.as_secs_f64())));
        }
        if self.checks.is_multiple_of(DISK_EVERY)
            && let Some((max, directory)) = &self.max_disk
            && size_of(directory) >= *max
        {
            return ControlFlow::Break(Stop::Guard(format!("--max-disk {max} B")));
        }
        if !self.bar.is_hidden() {
            self.show(progress, end_ns);
        }
        ControlFlow::Continue(())
    }
}

/// How far a run has come; past its end pairs that are out of step go on honestly.
fn where_it_is(now_ns: u64, end_ns: u64) -> String {
    let text = |ns: u64| reports::format::duration(ns as f64);
    if now_ns <= end_ns {
        return format!("virtual {} of {}", text(now_ns), text(end_ns));
    }
    format!(
        "at the end; who is out of step for good? {} later",
        text(now_ns - end_ns)
    )
}

fn size_of(directory: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return 0;
    };
    entries
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .map(|data| data.len())
        .sum()
}

/// CPU time of this process so far, where the system tells.
pub(crate) fn cpu_time() -> Option<Duration> {
    // Fields 14 and 15 after the name in parentheses: user and system time in ticks of 10 ms, which
    // is what Linux reports on every architecture.
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_its_end_a_run_does_not_count_on() {
        let minute = 60_000_000_000;
        assert_eq!(where_it_is(minute, 10 * minute), "virtual 1 min of 10 min");
        assert_eq!(
            where_it_is(12 * minute, 10 * minute),
            "at the end; who is out of step for good? 2 min later"
        );
    }
}
