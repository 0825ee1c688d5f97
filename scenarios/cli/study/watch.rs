//! Watches a sweep: progress, Ctrl-C, and the mark of a process at work.

use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use scenarios::sweep::simulate::Observer;

use crate::exit::tell;
use crate::monitor::interrupt_flag;

/// Watches one sweep.
pub(crate) struct Watch {
    interrupted: Arc<AtomicBool>,
    started: Instant,
    bar: ProgressBar,
    cached: u64,
    done: AtomicU64,
    failed: AtomicU64,
}

impl Watch {
    /// Watches `left` runs, after `cached` ones that are there; shows progress unless `quiet`.
    pub(crate) fn new(left: u64, cached: u64, quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let target = if shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(left), target);
        let template = "{bar:30} {percent:>3} %  {msg}  ETA {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        Self {
            interrupted: interrupt_flag(),
            started: Instant::now(),
            bar,
            cached,
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// Runs stored since the start.
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::SeqCst)
    }

    /// Takes the progress bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Watch {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    fn stored(&self, failed: bool) {
        let done = self.done.fetch_add(1, Ordering::SeqCst) + 1;
        let failed = self.failed.fetch_add(u64::from(failed), Ordering::SeqCst) + u64::from(failed);
        if !self.bar.is_hidden() {
            let left = self.bar.length().unwrap_or(0).saturating_sub(done);
            self.bar.set_position(done);
            self.bar.set_message(format!(
                "{done} done  {} cached  {failed} failed  {left} left",
                self.cached
            ));
        }
    }

    fn warn(&self, text: &str) {
        self.bar.suspend(|| tell(format_args!("warning: {text}")));
    }
}

/// Folder of marks in a study's directory.
const ACTIVE: &str = "active";

/// The mark that a process works on a study; removed when it is dropped.
pub(crate) struct Active {
    path: PathBuf,
}

impl Active {
    /// Marks the process `label` with so many jobs. A mark that cannot be made is none.
    pub(crate) fn new(directory: &Path, label: &str, jobs: usize) -> Self {
        let folder = directory.join(ACTIVE);
        let path = folder.join(label);
        let _ = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, jobs.to_string()));
        Self { path }
    }

    /// Runs that living processes of this machine are at, and marks whose process cannot be seen
    /// from here (another machine, or killed).
    pub(crate) fn count(directory: &Path) -> (u64, u64) {
        let host = super::host_name();
        let (mut running, mut unseen) = (0, 0);
        for entry in fs::read_dir(directory.join(ACTIVE))
            .into_iter()
            .flatten()
            .flatten()
        {
            let label = entry.file_name().to_string_lossy().into_owned();
            let pid = label
                .strip_prefix(&host)
                .and_then(|rest| rest.strip_prefix('-'))
                .and_then(|rest| rest.split('-').next());
            let alive = pid.is_some_and(|pid| Path::new("/proc").join(pid).exists());
            if alive {
                let jobs = fs::read_to_string(entry.path()).ok();
                running += jobs
                    .and_then(|jobs| jobs.trim().parse::<u64>().ok())
                    .unwrap_or(1);
            } else {
                unseen += 1;
            }
        }
        (running, unseen)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        // A mark left behind only makes `sweep-status` say that a process cannot be seen.
        let _ = fs::remove_file(&self.path);
        if let Some(folder) = self.path.parent() {
            let _ = fs::remove_dir(folder);
        }
    }
}
