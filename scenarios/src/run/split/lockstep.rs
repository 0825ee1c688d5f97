//! How the threads of a world that exchanges packets keep in step.
//!
//! One thread leads. For each step it says how far every part may run; then whoever is awake claims
//! parts and runs them, its own first, and the step is over when all have been run. Steps in which
//! little happens it runs by itself, so that nobody waits for a thread that the machine has put
//! aside. What parts have for one another is kept twice, for even and for odd steps: so the order in
//! which the parts of a step are run, and by whom, shows nowhere.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use sim_engine::{Batch, SimTime};

use super::SplitError;
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

#[derive(Debug, Default)]
struct Letterbox {
    full: AtomicBool,
    mail: Mutex<Mail>,
}

/// What one part tells at the end of a step.
#[derive(Debug, Default)]
struct Notice {
    earliest: AtomicU64,
    untold: AtomicU64,
    events: AtomicU64,
}

/// What parts have told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Notices {
    /// Nothing happens before this.
    pub(super) earliest: SimTime,
    /// The most events of a part since it last handed over its rows.
    pub(super) untold: u64,
    /// Events so far.
    pub(super) events: u64,
}

/// A thread cannot go on, so none can.
#[derive(Clone, Copy, Debug)]
pub(super) struct Broken;

/// What the threads share.
#[derive(Debug)]
pub(super) struct Lockstep {
    parts: usize,
    /// The last step that helpers were called for.
    call: AtomicU64,
    /// The last step for which each part was claimed.
    claimed: Vec<AtomicU64>,
    /// Parts of the running step that are not through.
    left: AtomicUsize,
    /// How far each level may run, ns.
    bounds_ns: Vec<AtomicU64>,
    /// Whether the parts hand over their rows in this step.
    hands_over: AtomicBool,
    /// Whether there are no further steps.
    over: AtomicBool,
    reason: Mutex<Option<SplitError>>,
    asleep: AtomicUsize,
    bed: Mutex<()>,
    bell: Condvar,
    notices: [Vec<Notice>; 2],
    /// By sender, then by receiver.
    boxes: [Vec<Letterbox>; 2],
}

impl Lockstep {
    pub(super) fn new(parts: usize, levels: usize) -> Self {
        let notices = || (0..parts).map(|_| Notice::default()).collect();
        let boxes = || (0..parts * parts).map(|_| Letterbox::default()).collect();
        Self {
            parts,
            call: AtomicU64::new(0),
            claimed: (0..parts).map(|_| AtomicU64::new(0)).collect(),
            left: AtomicUsize::new(0),
            bounds_ns: (0..levels).map(|_| AtomicU64::new(0)).collect(),
            hands_over: AtomicBool::new(false),
            over: AtomicBool::new(false),
            reason: Mutex::new(None),
            asleep: AtomicUsize::new(0),
            bed: Mutex::new(()),
            bell: Condvar::new(),
            notices: [notices(), notices()],
            boxes: [boxes(), boxes()],
        }
    }

    /// Exchanges `mail` for an empty one, to be fetched in the next step.
    pub(super) fn send(&self, parity: usize, from: usize, to: usize, mail: &mut Mail) {
        let letterbox = &self.boxes[parity][from * self.parts + to];
        let mut inside = letterbox
            .mail
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        core::mem::swap(&mut *inside, mail);
        letterbox.full.store(true, Ordering::Release);
    }

    /// What `from` sent to `to` in the step before, to be emptied by `read`.
    pub(super) fn fetch(
        &self,
        parity: usize,
        (from, to): (usize, usize),
        read: impl FnOnce(&mut Mail),
    ) {
        let letterbox = &self.boxes[parity][from * self.parts + to];
        if letterbox.full.load(Ordering::Acquire) {
            letterbox.full.store(false, Ordering::Relaxed);
            let mut inside = letterbox
                .mail
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            read(&mut inside);
        }
    }

    /// Tells where a part stands after a step.
    pub(super) fn publish(&self, parity: usize, part: usize, notice: &Notices) {
        let place = &self.notices[parity][part];
        place.earliest.store(notice.earliest.0, Ordering::Relaxed);
        place.untold.store(notice.untold, Ordering::Relaxed);
        place.events.store(notice.events, Ordering::Relaxed);
    }

    /// What all have told.
    pub(super) fn collect(&self, parity: usize) -> Notices {
        let mut all = Notices {
            earliest: SimTime(u64::MAX),
            untold: 0,
            events: 0,
        };
        for one in &self.notices[parity] {
            let earliest = SimTime(one.earliest.load(Ordering::Relaxed));
            all.earliest = all.earliest.min(earliest);
            all.untold = all.untold.max(one.untold.load(Ordering::Relaxed));
            all.events += one.events.load(Ordering::Relaxed);
        }
        all
    }

    /// How far a level may run in the running step, ns, and whether rows are handed over.
    pub(super) fn bound_ns(&self, level: usize) -> (u64, bool) {
        let bound_ns = self.bounds_ns[level].load(Ordering::Relaxed);
        (bound_ns, self.hands_over.load(Ordering::Relaxed))
    }

    /// Begins a step; `calls`: with the help of others.
    pub(super) fn begin(&self, step: u64, bounds_ns: &[u64], hands_over: bool, calls: bool) {
        for (place, bound_ns) in self.bounds_ns.iter().zip(bounds_ns) {
            place.store(*bound_ns, Ordering::Relaxed);
        }
        self.hands_over.store(hands_over, Ordering::Relaxed);
        self.left.store(self.parts, Ordering::Relaxed);
        if calls {
            self.call.store(step, Ordering::SeqCst);
            if self.asleep.load(Ordering::SeqCst) > 0 {
                self.ring();
            }
        }
    }

    /// Whether nobody else has this part in this step; whoever claims it has to run it.
    pub(super) fn claim(&self, step: u64, part: usize) -> bool {
        let place = &self.claimed[part];
        place
            .compare_exchange(step - 1, step, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// A part is through with its step.
    pub(super) fn through(&self) {
        self.left.fetch_sub(1, Ordering::Release);
    }

    /// The leader waits until all parts are through.
    pub(super) fn finish(&self) -> Result<(), Broken> {
        let mut waits = 0;
        while self.left.load(Ordering::Acquire) > 0 {
            if self.over.load(Ordering::Relaxed) {
                return Err(Broken);
            }
            if waits < SPINS {
                waits += 1;
                core::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
        if self.over.load(Ordering::Relaxed) {
            return Err(Broken);
        }
        Ok(())
    }

    /// A helper waits for a call after `seen`; `None` when there will be none.
    pub(super) fn wait(&self, seen: u64) -> Option<u64> {
        let mut waits = 0;
        loop {
            if self.over.load(Ordering::SeqCst) {
                return None;
            }
            let call = self.call.load(Ordering::SeqCst);
            if call != seen {
                return Some(call);
            }
            waits += 1;
            if waits < SPINS {
                core::hint::spin_loop();
            } else if waits < SPINS + YIELDS {
                std::thread::yield_now();
            } else {
                waits = 0;
                self.sleep(seen);
            }
        }
    }

    fn sleep(&self, seen: u64) {
        let mut bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.fetch_add(1, Ordering::SeqCst);
        while self.call.load(Ordering::SeqCst) == seen && !self.over.load(Ordering::SeqCst) {
            bed = self.bell.wait(bed).unwrap_or_else(PoisonError::into_inner);
        }
        self.asleep.fetch_sub(1, Ordering::SeqCst);
    }

    fn ring(&self) {
        // Whoever is about to sleep has looked before, or hears it.
        drop(self.bed.lock().unwrap_or_else(PoisonError::into_inner));
        self.bell.notify_all();
    }

    /// There are no further steps.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        self.ring();
    }

    /// Nobody goes on, for this reason or an earlier one.
    pub(super) fn give_up(&self, reason: SplitError) {
        {
            let mut first = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(reason);
        }
        self.end();
    }

    /// Why nobody could go on.
    pub(super) fn into_reason(self) -> Option<SplitError> {
        self.reason
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets nobody wait for a thread that has gone: whatever ends it, the others hear of it.
pub(super) struct Presence<'a>(pub(super) &'a Lockstep);

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

    #[test]
    fn every_part_is_run_once_in_every_step_by_whoever_is_there() {
        const PARTS: usize = 5;
        const STEPS: u64 = 400;
        let lockstep = Lockstep::new(PARTS, 1);
        let runs: Vec<AtomicU64> = (0..PARTS).map(|_| AtomicU64::new(0)).collect();
        let work = |step: u64| {
            for (part, runs) in runs.iter().enumerate() {
                if lockstep.claim(step, part) {
                    assert_eq!(lockstep.bound_ns(0), (step * 10, step.is_multiple_of(3)));
                    runs.fetch_add(1, Ordering::Relaxed);
                    let notice = Notices {
                        earliest: SimTime(step + part as u64),
                        untold: part as u64,
                        events: step,
                    };
                    lockstep.publish((step % 2) as usize, part, &notice);
                    lockstep.through();
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut seen = 0;
                    while let Some(call) = lockstep.wait(seen) {
                        seen = call;
                        work(call);
                    }
                });
            }
            for step in 1..=STEPS {
                lockstep.begin(
                    step,
                    &[step * 10],
                    step.is_multiple_of(3),
                    !step.is_multiple_of(7),
                );
                work(step);
                assert!(lockstep.finish().is_ok());
                let all = Notices {
                    earliest: SimTime(step),
                    untold: PARTS as u64 - 1,
                    events: step * PARTS as u64,
                };
                assert_eq!(lockstep.collect((step % 2) as usize), all);
            }
            lockstep.end();
        });
        for runs in runs {
            assert_eq!(runs.into_inner(), STEPS);
        }
        assert!(lockstep.reason.lock().is_ok_and(|reason| reason.is_none()));
    }

    #[test]
    fn nobody_waits_for_one_who_gave_up() {
        let lockstep = Lockstep::new(2, 1);
        std::thread::scope(|scope| {
            let helper = scope.spawn(|| lockstep.wait(0));
            lockstep.begin(1, &[1], false, false);
            lockstep.give_up(SplitError::Met("first"));
            lockstep.give_up(SplitError::Met("second"));
            assert!(lockstep.finish().is_err());
            assert_eq!(helper.join().ok(), Some(None));
        });
        let reason = lockstep.into_reason();
        assert!(matches!(reason, Some(SplitError::Met("first"))));
    }
}
