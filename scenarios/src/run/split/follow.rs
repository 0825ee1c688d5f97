//! A part of a world whose links lead to other parts, as it runs from window to window.
//!
//! All parts go through the same sequence of bounds *b₁ < b₂ < …*. In a step, parts of level 0 run to
//! the latest bound, those of level 1 to the one before, and so on: so a part has heard everything
//! that the parts it follows did up to its own bound, to the event. A packet from a part to one that
//! it follows takes the lookahead *L* at least; so no packet arrives before the next bound if that is
//! at most *L* after the earliest instant at which anybody still has something to do. An empty
//! stretch of time is passed in one step.

use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};

use protocols::machine::StationTotals;
use sim_engine::{Engine, SimDuration, SimTime};

use super::SplitError;
use super::joined::Joined;
use super::lockstep::{Broken, Lockstep, Mail, Notices, Presence};
use super::part::{EVENTS_MAX, Ended, Message, WINDOWS};
use super::windows::Windows;
use crate::host::World;
use crate::host::apart::{Apart, Post};
use crate::record::log::{Log, LogTables, Turn, Wishes};
use crate::run::{begin, stations};
use crate::scenario::Scenario;

/// Events of a step from which on it is worth calling for help with the next.
const THICK_EVENTS: u64 = 32;

const BREACHED: &str = "a packet took less time than its link promised";
const NUMBERED: &str = "an answer decides what the one who asked does at the same instant, and its \
                        events are numbered by the one who answers";

/// One part as it runs.
pub(super) struct Follower<'a> {
    number: usize,
    level: usize,
    scenario: &'a Scenario,
    engine: Engine<World<LogTables>>,
    world: World<LogTables>,
    tables: LogTables,
    /// What other parts did, in order, from `read` on.
    posts: Vec<Post>,
    read: usize,
    /// The event whose posts are being carried out.
    within: Option<Turn>,
    parts: usize,
    mail: Mail,
    /// Events at the last handing over.
    told: u64,
    warm: Vec<Option<StationTotals>>,
    is_warm: bool,
    messages: SyncSender<Message>,
    empty: Receiver<Log>,
}

/// The world of a part, and the lines to the calling thread.
pub(super) type Given = (Engine<World<LogTables>>, World<LogTables>);
pub(super) type Lines = (SyncSender<Message>, Receiver<Log>);

impl<'a> Follower<'a> {
    pub(super) fn new(
        scenario: &'a Scenario,
        (mut engine, mut world): Given,
        (windows, number): (&Windows, usize),
        wishes: Arc<Wishes>,
        (messages, empty): Lines,
    ) -> Self {
        let part = u16::try_from(number).unwrap_or(u16::MAX);
        let part_of = &windows.parts.part_of;
        let foreign: Arc<[bool]> = part_of.iter().map(|of| *of != part).collect();
        let levels = &windows.parts.levels;
        let level = levels[number];
        let least = |of: &u8| SimDuration(if *of < level { windows.lookahead_ns } else { 1 });
        let taps = Joined::foreign_taps(&windows.homes, part_of, number);
        engine.leave_to_others(foreign.to_vec(), taps.clone());
        engine.cross_to(Arc::clone(part_of), levels.iter().map(least).collect());
        let tables = LogTables::new(wishes);
        world.leave_to_others(foreign, taps, number == 0);
        world.stand_apart(Apart::new(windows.parts.clone(), part, tables.step()));
        Self {
            number,
            level: usize::from(level),
            scenario,
            engine,
            world,
            tables,
            posts: Vec::new(),
            read: 0,
            within: None,
            parts: levels.len(),
            mail: Mail::default(),
            told: 0,
            warm: Vec::new(),
            is_warm: scenario.run.warmup_ns == 0,
            messages,
            empty,
        }
    }

    /// Runs as far as the step lets it.
    fn step(&mut self, lockstep: &Lockstep, step: u64) -> Result<(), SplitError> {
        if step == 1 {
            self.begin();
        }
        self.receive(lockstep, parity(step - 1));
        let (bound_ns, hands_over) = lockstep.bound_ns(self.level);
        self.run_to(bound_ns)?;
        let sent = self.send(lockstep, parity(step));
        if hands_over {
            self.hand_over(bound_ns)?;
        }
        let notice = Notices {
            earliest: self.earliest().min(sent),
            untold: self.engine.events() - self.told,
            events: self.engine.events(),
        };
        lockstep.publish(parity(step), self.number, &notice);
        Ok(())
    }

    fn begin(&mut self) {
        begin(
            self.scenario,
            &mut self.engine,
            &mut self.world,
            &mut self.tables,
        );
    }

    /// Takes in what other parts sent in the step before.
    fn receive(&mut self, lockstep: &Lockstep, parity: usize) {
        self.posts.drain(..self.read);
        self.read = 0;
        let before = self.posts.len();
        for from in (0..self.parts).filter(|from| *from != self.number) {
            lockstep.fetch(parity, (from, self.number), |mail| {
                self.engine.take_in(&mut mail.packets);
                self.posts.append(&mut mail.posts);
            });
        }
        if self.posts.len() > before {
            // Each part's posts stand in order already.
            self.posts.sort_by_key(|post| post.turn);
        }
    }

    /// Hands over what other parts have to know; when anything of it is due first.
    fn send(&mut self, lockstep: &Lockstep, parity: usize) -> SimTime {
        let mut earliest = SimTime(u64::MAX);
        for to in (0..self.parts).filter(|to| *to != self.number) {
            self.engine.take_batch(to, &mut self.mail.packets);
            if let Some(posts) = self.world.posts(to) {
                core::mem::swap(posts, &mut self.mail.posts);
            }
            earliest = earliest.min(self.mail.packets.earliest());
            if let Some(first) = self.mail.posts.first() {
                earliest = earliest.min(first.turn.at());
            }
            if !self.mail.packets.is_empty() || !self.mail.posts.is_empty() {
                lockstep.send(parity, self.number, to, &mut self.mail);
            }
        }
        earliest
    }

    /// Where it goes on itself.
    fn earliest(&self) -> SimTime {
        let post = self.posts.get(self.read).map(|post| post.turn.at());
        self.engine
            .earliest()
            .min(post.unwrap_or(SimTime(u64::MAX)))
    }

    /// Runs up to the instant before `bound_ns`, through the end of the warm-up.
    fn run_to(&mut self, bound_ns: u64) -> Result<(), SplitError> {
        let Some(last_ns) = bound_ns.checked_sub(1) else {
            return Ok(());
        };
        let warmup_ns = self.scenario.run.warmup_ns;
        if !self.is_warm && last_ns >= warmup_ns {
            self.run_through(SimTime(warmup_ns))?;
            self.engine.reset_stats();
            self.world.tally.restart();
            self.warm = stations(&self.world, SimTime(warmup_ns));
            self.is_warm = true;
        }
        self.run_through(SimTime(last_ns))
    }

    /// Handles its own events and carries out the posts of others up to `until`, in one order.
    fn run_through(&mut self, until: SimTime) -> Result<(), SplitError> {
        loop {
            let post = self
                .posts
                .get(self.read)
                .filter(|post| post.turn.at() <= until);
            let event = self.engine.peek(until);
            let turn = event.map(|(round, key)| Turn::of(round, key));
            match (post.copied(), turn, event) {
                (Some(post), Some(turn), _) if post.turn < turn => self.carry_out(&post)?,
                (Some(post), None, _) => self.carry_out(&post)?,
                (_, _, Some((round, key))) => {
                    self.end_posts();
                    self.world.begin_event(round, key);
                    self.engine
                        .step(&mut self.world, &mut self.tables)
                        .map_err(SplitError::Engine)?;
                }
                (None, _, None) => break,
                (Some(_), Some(_), None) => break,
            }
        }
        self.end_posts();
        self.engine.stand_at(until);
        if let Some(met) = self.world.has_met() {
            return Err(SplitError::Met(met));
        }
        if self.engine.has_breached() {
            return Err(SplitError::Met(BREACHED));
        }
        Ok(())
    }

    fn carry_out(&mut self, post: &Post) -> Result<(), SplitError> {
        self.read += 1;
        if self
            .within
            .is_some_and(|within| within.event() != post.turn.event())
        {
            self.end_posts();
        }
        self.within = Some(post.turn);
        self.tables.stand_at(post.turn);
        let (world, tables) = (&mut self.world, &mut self.tables);
        let unmoved = self
            .engine
            .act_within(
                post.turn.event(),
                post.node(),
                world,
                tables,
                |world, out| world.take_post(post, out),
            )
            .map_err(SplitError::Engine)?;
        if unmoved {
            Ok(())
        } else {
            Err(SplitError::Met(NUMBERED))
        }
    }

    /// All posts of an event have been carried out.
    fn end_posts(&mut self) {
        if let Some(turn) = self.within.take() {
            self.tables.stand_at(turn.at_step(u32::MAX));
            self.world.settle_posts(&mut self.tables);
        }
    }

    /// Gives the rows so far to the calling thread.
    fn hand_over(&mut self, bound_ns: u64) -> Result<(), SplitError> {
        self.told = self.engine.events();
        let (log, _) = self.tables.take(self.empty.try_recv().unwrap_or_default());
        let upto = match bound_ns.checked_sub(1) {
            Some(last_ns) => Turn::after(SimTime(last_ns)),
            None => Turn::FIRST,
        };
        let progress = self.engine.progress();
        let message = Message::Log {
            log,
            upto,
            progress,
        };
        self.messages.send(message).map_err(|_| GONE)
    }

    fn end(self) {
        let Self {
            engine,
            world,
            warm,
            messages,
            ..
        } = self;
        let ended = Ended {
            engine,
            world,
            warm,
        };
        // Whoever does not listen any more does not want it.
        let _ = messages.send(Message::Ended(Box::new(ended)));
    }
}

const GONE: SplitError = SplitError::Met("there is nobody to run for");

/// A part that any thread may run.
pub(super) type Shared<'a> = Mutex<Option<Follower<'a>>>;

/// Runs the parts in `own` of a step, then those that nobody has begun.
fn work(
    parts: &[Shared<'_>],
    (own, lockstep): (&[usize], &Lockstep),
    step: u64,
) -> Result<(), SplitError> {
    let others = 0..parts.len();
    for number in own.iter().copied().chain(others) {
        if !lockstep.claim(step, number) {
            continue;
        }
        let mut place = parts[number].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = &mut *place {
            part.step(lockstep, step)?;
        }
        drop(place);
        lockstep.through();
    }
    Ok(())
}

/// Helps the leader until there are no further steps.
pub(super) fn help(parts: &[Shared<'_>], own: &[usize], lockstep: &Lockstep) {
    let _presence = Presence(lockstep);
    let mut seen = 0;
    while let Some(call) = lockstep.wait(seen) {
        seen = call;
        if let Err(reason) = work(parts, (own, lockstep), call) {
            lockstep.give_up(reason);
        }
    }
}

fn taken<'p, 'a>(parts: &'p [Shared<'a>]) -> impl Iterator<Item = Follower<'a>> + 'p {
    parts.iter().filter_map(|part| {
        let mut place = part.lock().unwrap_or_else(PoisonError::into_inner);
        place.take()
    })
}

/// Takes the parts away when the leader goes, so that nobody listens to them any longer.
struct Gone<'p, 'a>(&'p [Shared<'a>]);

impl Drop for Gone<'_, '_> {
    fn drop(&mut self) {
        taken(self.0).for_each(drop);
    }
}

/// Leads all parts to the end.
pub(super) fn lead(
    parts: &[Shared<'_>],
    own: &[usize],
    (lockstep, windows): (&Lockstep, &Windows),
    (end_ns, wishes): (u64, &Wishes),
) {
    let _gone = Gone(parts);
    let _presence = Presence(lockstep);
    match lead_all(parts, own, (lockstep, windows), (end_ns, wishes)) {
        Ok(()) => {
            lockstep.end();
            taken(parts).for_each(Follower::end);
        }
        Err(Some(reason)) => lockstep.give_up(reason),
        Err(None) => {}
    }
}

/// As [`lead`]; the reason why they come to no end, `None` where another thread has told it.
fn lead_all(
    parts: &[Shared<'_>],
    own: &[usize],
    (lockstep, windows): (&Lockstep, &Windows),
    (end_ns, wishes): (u64, &Wishes),
) -> Result<(), Option<SplitError>> {
    let mut bounds_ns = vec![0u64; windows.levels()];
    let mut end_bound_ns = end_ns.saturating_add(1);
    let stretch_ns = (end_ns / WINDOWS).max(1);
    let mut events = 0;
    for step in 1u64.. {
        // In the first step the parts begin, which is told with its parity.
        let all = lockstep.collect(parity(step - 1));
        let thick = step > 1 && all.events - events >= THICK_EVENTS;
        events = all.events;
        if wishes.stops() {
            end_bound_ns = end_bound_ns.min(bounds_ns[0].max(1));
        }
        let next_ns = if step == 1 {
            0
        } else {
            let next_ns = all.earliest.0.saturating_add(windows.lookahead_ns);
            next_ns.min(end_bound_ns).max(bounds_ns[0])
        };
        let hands_over = all.untold >= EVENTS_MAX
            || next_ns / stretch_ns != bounds_ns[0] / stretch_ns
            || next_ns == end_bound_ns;
        bounds_ns.rotate_right(1);
        bounds_ns[0] = next_ns;
        lockstep.begin(step, &bounds_ns, hands_over, thick);
        work(parts, (own, lockstep), step)?;
        lockstep.finish().map_err(|Broken| None)?;
        if bounds_ns.last() == Some(&end_bound_ns) {
            for part in parts {
                let mut place = part.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(part) = &mut *place {
                    part.receive(lockstep, parity(step));
                }
            }
            break;
        }
    }
    Ok(())
}

/// Which of the two places what is exchanged in a step has.
const fn parity(step: u64) -> usize {
    (step % 2) as usize
}
