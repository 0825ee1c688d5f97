//! How far each part may run.
//!
//! What a part does reaches those that follow it at the same instant, and all others after the
//! *lookahead* at least: no packet to a part that leads takes less time. So a part may run up to the
//! earliest thing that a part it follows still has to do, and up to a lookahead after the earliest
//! thing that anybody else has. Since what everybody has to do first is known exactly, an empty
//! stretch of time is passed at once.
//!
//! Rows are handed over at *marks*, instants that are the same for all parts: whoever puts the rows
//! together has then all of them up to there, so nobody waits for rows that somebody else keeps.

/// What is known of a part from outside.
#[derive(Clone, Copy, Debug)]
struct Standing {
    level: usize,
    /// The first thing that it had to do when a thread last looked, ns.
    earliest_ns: u64,
    /// The first thing in the mail that it has not yet got, ns.
    mail_ns: u64,
    /// Everything that it may have done comes before this, ns.
    frontier_ns: u64,
    /// A thread runs it.
    runs: bool,
    /// It has handed over its rows up to the mark.
    has_told: bool,
}

impl Standing {
    /// The first thing that it still has to do, ns.
    fn first_ns(&self) -> u64 {
        self.earliest_ns.min(self.mail_ns)
    }
}

/// What a thread does with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Runs it through everything that comes before an instant, ns, or a part of that.
    Run(u64),
    /// Hands over what it told before an instant, ns.
    Tell(u64),
}

/// What a part tells after a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    /// The first thing that it still has to do by itself, ns.
    pub(super) earliest_ns: u64,
    /// Its rows are many: it wants to hand them over.
    pub(super) is_full: bool,
}

/// All parts.
#[derive(Debug)]
pub(super) struct Bounds {
    parts: Vec<Standing>,
    lookahead_ns: u64,
    /// By level: the first thing that any of its parts has to do, ns.
    first_ns: Vec<u64>,
    mark_ns: u64,
    stretch_ns: u64,
    end_ns: u64,
    is_over: bool,
}

impl Bounds {
    /// Parts of these levels, up to before `end_ns`; marks are `stretch_ns` apart at most.
    pub(super) fn new(levels: &[u8], lookahead_ns: u64, (end_ns, stretch_ns): (u64, u64)) -> Self {
        let part = |level: &u8| Standing {
            level: usize::from(*level),
            earliest_ns: 0,
            mail_ns: u64::MAX,
            frontier_ns: 0,
            runs: false,
            has_told: false,
        };
        let highest = levels.iter().max().copied().unwrap_or(0);
        Self {
            parts: levels.iter().map(part).collect(),
            lookahead_ns,
            first_ns: vec![0; usize::from(highest) + 1],
            mark_ns: stretch_ns.min(end_ns),
            stretch_ns: stretch_ns.max(1),
            end_ns,
            is_over: false,
        }
    }

    /// All parts have come to the end and handed over their rows.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// A part has something to do that was sent to it.
    pub(super) fn send(&mut self, part: usize, earliest_ns: u64) {
        let part = &mut self.parts[part];
        part.mail_ns = part.mail_ns.min(earliest_ns);
        let first_ns = &mut self.first_ns[part.level];
        *first_ns = (*first_ns).min(earliest_ns);
    }

    /// How far a part may run: nothing that it does not know happens before this, ns.
    fn bound_ns(&self, part: usize) -> u64 {
        let (before, others) = self.first_ns.split_at(self.parts[part].level);
        let first = |levels: &[u64]| levels.iter().copied().min().unwrap_or(u64::MAX);
        first(before).min(first(others).saturating_add(self.lookahead_ns))
    }

    /// What there is to do with a part that nobody runs.
    fn task(&self, part: usize) -> Option<Task> {
        let standing = &self.parts[part];
        if standing.runs {
            return None;
        }
        let bound_ns = self.bound_ns(part);
        if standing.first_ns() < bound_ns.min(self.mark_ns) {
            return Some(Task::Run(bound_ns.min(self.mark_ns)));
        }
        let is_through = bound_ns >= self.mark_ns && !standing.has_told;
        is_through.then_some(Task::Tell(self.mark_ns))
    }

    /// The part among `parts` that has something to do and is furthest behind.
    pub(super) fn next(&self, parts: impl Iterator<Item = usize>) -> Option<(usize, Task)> {
        let tasks = parts.filter_map(|part| self.task(part).map(|task| (part, task)));
        tasks.min_by_key(|(part, _)| (self.parts[*part].first_ns(), *part))
    }

    /// A thread takes a part, and its mail.
    pub(super) fn begin(&mut self, part: usize, task: Task) {
        let standing = &mut self.parts[part];
        standing.runs = true;
        standing.earliest_ns = standing.first_ns();
        standing.mail_ns = u64::MAX;
        let (Task::Run(until_ns) | Task::Tell(until_ns)) = task;
        standing.frontier_ns = until_ns;
    }

    /// A part is through with a task; what it sent has been told before.
    pub(super) fn end(&mut self, part: usize, task: Task, notice: Notice) {
        let standing = &mut self.parts[part];
        standing.runs = false;
        standing.earliest_ns = notice.earliest_ns;
        match task {
            Task::Run(until_ns) => {
                standing.frontier_ns = until_ns.min(notice.earliest_ns.saturating_add(1));
            }
            Task::Tell(_) => standing.has_told = true,
        }
        let level = standing.level;
        let of_level = self.parts.iter().filter(|other| other.level == level);
        let first_ns = of_level.map(Standing::first_ns).min();
        self.first_ns[level] = first_ns.unwrap_or(u64::MAX);
        if notice.is_full {
            // Here everybody can be soon.
            self.mark_ns = self.mark_ns.min(self.frontier_ns());
        }
        if self.parts.iter().all(|part| part.has_told) {
            self.next_mark();
        }
    }

    /// Everything that has been done comes before this, ns.
    fn frontier_ns(&self) -> u64 {
        let frontiers = self.parts.iter().map(|part| part.frontier_ns);
        frontiers.max().unwrap_or(0)
    }

    fn next_mark(&mut self) {
        if self.mark_ns >= self.end_ns {
            self.is_over = true;
            return;
        }
        let first_ns = self.first_ns.iter().copied().min().unwrap_or(u64::MAX);
        let stretch = first_ns.max(self.mark_ns) / self.stretch_ns;
        let mark_ns = stretch.saturating_add(1).saturating_mul(self.stretch_ns);
        self.mark_ns = mark_ns.min(self.end_ns);
        for part in &mut self.parts {
            part.has_told = false;
        }
    }

    /// Nothing more happens than what has to, so that all parts stop at one instant.
    pub(super) fn stop(&mut self) {
        self.end_ns = self.end_ns.min(self.frontier_ns().max(1));
        self.mark_ns = self.mark_ns.min(self.end_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END_NS: u64 = 1_000;

    /// A server that leads, and two parts that follow.
    fn three() -> Bounds {
        let mut bounds = Bounds::new(&[0, 1, 1], 10, (END_NS, 400));
        for (part, earliest_ns) in [(0, 100), (1, 105), (2, 130)] {
            at(&mut bounds, part, earliest_ns);
        }
        bounds
    }

    fn notice(earliest_ns: u64) -> Notice {
        Notice {
            earliest_ns,
            is_full: false,
        }
    }

    /// A part that nobody runs has this to do first.
    fn at(bounds: &mut Bounds, part: usize, earliest_ns: u64) {
        bounds.end(part, Task::Run(0), notice(earliest_ns));
    }

    #[test]
    fn who_leads_runs_a_lookahead_ahead_and_who_follows_up_to_it() {
        let mut bounds = three();
        // Its own first thing comes back after a lookahead at the earliest.
        assert_eq!(bounds.task(0), Some(Task::Run(110)));
        assert_eq!([bounds.task(1), bounds.task(2)], [None, None]);
        bounds.begin(0, Task::Run(110));
        assert_eq!(bounds.task(0), None);
        bounds.send(1, 104);
        bounds.end(0, Task::Run(110), notice(170));
        // What was sent holds back everybody but who got it.
        assert_eq!(bounds.task(0), None);
        assert_eq!(bounds.task(1), Some(Task::Run(114)));
        assert_eq!(bounds.task(2), None);
        assert_eq!(bounds.next(0..3), Some((1, Task::Run(114))));
        bounds.begin(1, Task::Run(114));
        at(&mut bounds, 1, 165);
        assert_eq!(bounds.next(0..3), Some((2, Task::Run(140))));
        at(&mut bounds, 2, 900);
        // Empty time is passed at once.
        assert_eq!(bounds.next(0..3), Some((1, Task::Run(170))));
    }

    #[test]
    fn all_hand_over_at_one_mark_and_the_last_of_them_is_the_end() {
        let mut bounds = three();
        for part in 0..3 {
            at(&mut bounds, part, 700);
        }
        for part in 0..3 {
            assert_eq!(bounds.task(part), Some(Task::Tell(400)));
            bounds.begin(part, Task::Tell(400));
            bounds.end(part, Task::Tell(400), notice(700));
        }
        // The next mark lies behind what comes next.
        assert_eq!(bounds.task(0), Some(Task::Run(710)));
        for part in 0..3 {
            at(&mut bounds, part, u64::MAX);
        }
        for mark_ns in [800, END_NS] {
            assert!(!bounds.is_over());
            for part in 0..3 {
                assert_eq!(bounds.task(part), Some(Task::Tell(mark_ns)));
                bounds.begin(part, Task::Tell(mark_ns));
                bounds.end(part, Task::Tell(mark_ns), notice(u64::MAX));
            }
        }
        assert!(bounds.is_over());
    }

    #[test]
    fn who_has_many_rows_has_all_hand_over_where_all_can_be() {
        let mut bounds = three();
        bounds.begin(0, Task::Run(110));
        bounds.begin(2, Task::Run(104));
        let full = Notice {
            earliest_ns: 106,
            is_full: true,
        };
        bounds.end(2, Task::Run(104), full);
        // As far as the one that still runs may get.
        assert_eq!(bounds.mark_ns, 110);
        bounds.end(0, Task::Run(110), notice(103));
        assert_eq!(bounds.mark_ns, 110);
        assert_eq!(bounds.task(0), Some(Task::Run(110)));
    }

    #[test]
    fn all_stop_where_the_first_of_them_is() {
        let mut bounds = three();
        bounds.begin(0, Task::Run(110));
        bounds.stop();
        assert_eq!((bounds.end_ns, bounds.mark_ns), (110, 110));
        for part in 0..3 {
            at(&mut bounds, part, 500);
        }
        for part in 0..3 {
            assert_eq!(bounds.task(part), Some(Task::Tell(110)));
            bounds.begin(part, Task::Tell(110));
            bounds.end(part, Task::Tell(110), notice(500));
        }
        assert!(bounds.is_over());
    }
}
