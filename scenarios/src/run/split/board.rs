//! Where the threads of a world that exchanges packets meet.
//!
//! One lock guards what is known of the parts and their mail. A thread that is through with a part
//! leaves there what the part has for others, and takes the next part that may run, of its own ones
//! first. The lock is held for some hundred nanoseconds; a part runs for some ten microseconds, in
//! slices, so that others soon hear of it. Nobody waits for a thread that the machine has put aside
//! unless it holds the very part that all depend on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use sim_engine::Batch;

use super::SplitError;
use super::bounds::{Bounds, Notice, Task};
use crate::host::apart::Post;
use crate::host::tables::Header;

/// Rounds of waiting before a thread lets others have its core.
const SPINS: u32 = 2_000;
/// Rounds of that before it sleeps.
const YIELDS: u32 = 32;

/// What one part has for another.
#[derive(Debug, Default)]
pub(super) struct Mail {
    pub(super) packets: Batch<Header>,
    pub(super) posts: Vec<Post>,
}

impl Mail {
    fn is_empty(&self) -> bool {
        self.packets.is_empty() && self.posts.is_empty()
    }

    /// The first thing that comes of it, ns.
    fn earliest_ns(&self) -> u64 {
        let post = self.posts.first().map_or(u64::MAX, |post| post.turn.at().0);
        self.packets.earliest().0.min(post)
    }

    /// Moves everything behind what `other` has.
    fn move_to(&mut self, other: &mut Self) {
        if other.is_empty() {
            core::mem::swap(self, other);
        } else {
            other.packets.append(&mut self.packets);
            other.posts.append(&mut self.posts);
        }
    }
}

/// What a thread has done.
pub(super) struct Done<'m> {
    pub(super) part: usize,
    pub(super) task: Task,
    pub(super) notice: Notice,
    /// What the part has for others, by receiver; empty afterwards.
    pub(super) mail: &'m mut [Mail],
    /// It went on as long as it was let.
    pub(super) was_cut: bool,
}

#[derive(Debug)]
struct Inside {
    bounds: Bounds,
    /// By receiver, then by sender.
    boxes: Vec<Mail>,
    asleep: usize,
    reason: Option<SplitError>,
}

/// What the threads share.
#[derive(Debug)]
pub(super) struct Board {
    parts: usize,
    inside: Mutex<Inside>,
    /// Counts what may have given somebody something to do.
    changes: AtomicU64,
    over: AtomicBool,
    bell: Condvar,
}

impl Board {
    pub(super) fn new(parts: usize, bounds: Bounds) -> Self {
        Self {
            parts,
            inside: Mutex::new(Inside {
                bounds,
                boxes: (0..parts * parts).map(|_| Mail::default()).collect(),
                asleep: 0,
                reason: None,
            }),
            changes: AtomicU64::new(0),
            over: AtomicBool::new(false),
            bell: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves what a part has for others that has just begun.
    pub(super) fn begin(&self, part: usize, earliest_ns: u64, mail: &mut [Mail]) {
        let notice = Notice {
            earliest_ns,
            is_full: false,
        };
        let done = Done {
            part,
            task: Task::Run(0),
            notice,
            mail,
            was_cut: false,
        };
        self.leave(&mut self.lock(), done);
    }

    /// Leaves what was done, and takes the next part: one of `own`, or else any. `inbox` gets its
    /// mail, by sender. `None` when there is nothing more to do. `stops`: the run shall stop.
    pub(super) fn exchange(
        &self,
        own: &[usize],
        done: Option<Done<'_>>,
        inbox: &mut [Mail],
        stops: bool,
    ) -> Option<(usize, Task)> {
        let mut inside = self.lock();
        let was_cut = done.as_ref().is_some_and(|done| done.was_cut);
        if let Some(done) = done {
            self.leave(&mut inside, done);
        }
        if stops {
            inside.bounds.stop();
        }
        loop {
            if inside.bounds.is_over() || self.over.load(Ordering::Relaxed) {
                self.end(inside);
                return None;
            }
            let bounds = &inside.bounds;
            let others = || bounds.next(0..self.parts);
            if let Some((part, task)) = bounds.next(own.iter().copied()).or_else(others) {
                inside.bounds.begin(part, task);
                let boxes = part * self.parts..(part + 1) * self.parts;
                for (mail, inbox) in inside.boxes[boxes].iter_mut().zip(inbox) {
                    mail.move_to(inbox);
                }
                // Where there is much to do it is worth the time that waking somebody takes.
                if was_cut && inside.asleep > 0 && inside.bounds.next(0..self.parts).is_some() {
                    self.bell.notify_all();
                }
                return Some((part, task));
            }
            inside = self.wait(inside);
        }
    }

    fn leave(&self, inside: &mut Inside, done: Done<'_>) {
        for (to, mail) in done.mail.iter_mut().enumerate() {
            if !mail.is_empty() {
                inside.bounds.send(to, mail.earliest_ns());
                mail.move_to(&mut inside.boxes[to * self.parts + done.part]);
            }
        }
        inside.bounds.end(done.part, done.task, done.notice);
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Waits until something has changed: briefly for others that run, then asleep.
    fn wait<'b>(&'b self, inside: MutexGuard<'b, Inside>) -> MutexGuard<'b, Inside> {
        let seen = self.changes.load(Ordering::Relaxed);
        drop(inside);
        for round in 0..SPINS + YIELDS {
            if self.changes.load(Ordering::Acquire) != seen {
                return self.lock();
            }
            if round < SPINS {
                core::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
        let mut inside = self.lock();
        if self.changes.load(Ordering::Relaxed) == seen {
            inside.asleep += 1;
            inside = self
                .bell
                .wait(inside)
                .unwrap_or_else(PoisonError::into_inner);
            inside.asleep -= 1;
        }
        inside
    }

    fn end(&self, inside: MutexGuard<'_, Inside>) {
        self.over.store(true, Ordering::Relaxed);
        self.changes.fetch_add(1, Ordering::Release);
        self.bell.notify_all();
        drop(inside);
    }

    /// Nobody goes on, for this reason or an earlier one.
    pub(super) fn give_up(&self, reason: SplitError) {
        let mut inside = self.lock();
        inside.reason.get_or_insert(reason);
        self.end(inside);
    }

    /// What parts sent and nobody has got, by receiver, then by sender; `None` where somebody gave up.
    pub(super) fn rest(&self) -> Option<Vec<Mail>> {
        let mut inside = self.lock();
        let boxes = core::mem::take(&mut inside.boxes);
        inside.reason.is_none().then_some(boxes)
    }

    /// Why nobody could go on.
    pub(super) fn into_reason(self) -> Option<SplitError> {
        let inside = self.inside.into_inner();
        inside.unwrap_or_else(PoisonError::into_inner).reason
    }
}

/// Lets nobody wait for a thread that has gone: whatever ends it, the others hear of it.
pub(super) struct Presence<'a>(pub(super) &'a Board);

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.give_up(SplitError::Met("a part came to no end"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: usize = 4;
    const LOOKAHEAD_NS: u64 = 40;
    const END_NS: u64 = 100_000;

    fn board() -> Board {
        let bounds = Bounds::new(&[0, 0, 1, 2], LOOKAHEAD_NS, (END_NS, 9_000));
        Board::new(PARTS, bounds)
    }

    fn no_mail() -> Vec<Mail> {
        (0..PARTS).map(|_| Mail::default()).collect()
    }

    /// Runs parts that have something to do at the multiples of a number.
    fn work(board: &Board, own: &[usize], next_ns: &[AtomicU64], runs: &AtomicU64) {
        let (mut inbox, mut mail) = (no_mail(), no_mail());
        let mut next = board.exchange(own, None, &mut inbox, false);
        while let Some((part, task)) = next {
            let pace_ns = 7 + part as u64;
            let at_ns = next_ns[part].load(Ordering::Relaxed);
            let (earliest_ns, was_cut) = match task {
                Task::Run(until_ns) => {
                    assert!(at_ns < until_ns, "there is something to do");
                    for (other, at) in next_ns.iter().enumerate() {
                        let other_ns = at.load(Ordering::Relaxed);
                        assert!(other == part || until_ns <= other_ns + LOOKAHEAD_NS);
                    }
                    runs.fetch_add(1, Ordering::Relaxed);
                    // At most five at a time.
                    let last_ns = at_ns + 5 * pace_ns;
                    (
                        last_ns.min(until_ns.next_multiple_of(pace_ns)),
                        last_ns < until_ns,
                    )
                }
                Task::Tell(mark_ns) => {
                    assert!(mark_ns <= at_ns);
                    (at_ns, false)
                }
            };
            next_ns[part].store(earliest_ns, Ordering::Relaxed);
            let notice = Notice {
                earliest_ns,
                is_full: earliest_ns.is_multiple_of(11),
            };
            let done = Done {
                part,
                task,
                notice,
                mail: &mut mail,
                was_cut,
            };
            next = board.exchange(own, Some(done), &mut inbox, false);
        }
    }

    #[test]
    fn every_part_comes_to_its_end_whoever_runs_it() {
        for threads in 1..4 {
            let board = board();
            for part in 0..PARTS {
                board.begin(part, 0, &mut no_mail());
            }
            let next_ns: Vec<AtomicU64> = (0..PARTS).map(|_| AtomicU64::new(0)).collect();
            let runs = AtomicU64::new(0);
            std::thread::scope(|scope| {
                for thread in 0..threads {
                    let (board, next_ns, runs) = (&board, &next_ns, &runs);
                    scope.spawn(move || work(board, &[thread], next_ns, runs));
                }
            });
            assert!(
                next_ns
                    .iter()
                    .all(|at| at.load(Ordering::Relaxed) >= END_NS)
            );
            assert!(runs.into_inner() > END_NS / 50);
            assert!(board.rest().is_some());
            assert!(board.into_reason().is_none());
        }
    }

    #[test]
    fn nobody_waits_for_one_who_gave_up() {
        let board = board();
        board.begin(0, 0, &mut no_mail());
        std::thread::scope(|scope| {
            let first = board.exchange(&[0], None, &mut no_mail(), false);
            assert!(first.is_some());
            // The other parts have nothing to do before the first of them is through.
            for part in 1..PARTS {
                board.begin(part, 50, &mut no_mail());
            }
            let other = scope.spawn(|| board.exchange(&[1], None, &mut no_mail(), false));
            board.give_up(SplitError::Met("first"));
            board.give_up(SplitError::Met("second"));
            assert_eq!(other.join().ok(), Some(None));
        });
        assert!(board.rest().is_none());
        assert!(matches!(
            board.into_reason(),
            Some(SplitError::Met("first"))
        ));
    }
}
