//! A part of a world whose links lead to other parts, as it runs from bound to bound.
//!
//! Before a part handles an event it has heard everything that the parts it follows did before, to
//! the event, and every packet that arrives before (see [`super::bounds`]). So it does not show who
//! ran how far at what time: each part handles its events, and carries out what others did, in the
//! one order of events.

use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};

use protocols::machine::StationTotals;
use sim_engine::{Engine, SimDuration, SimTime};

use super::SplitError;
use super::board::{Board, Done, Mail, Presence};
use super::bounds::{Bounds, Notice, Task};
use super::joined::Joined;
use super::part::{EVENTS_MAX, Ended, Message, WINDOWS};
use super::windows::Windows;
use crate::host::World;
use crate::host::apart::{Apart, Post};
use crate::record::log::{Log, LogTables, Turn, Wishes};
use crate::run::{begin, stations};
use crate::scenario::Scenario;

/// Events after which a part tells others how far it is.
const SLICE: u32 = 16;

/// Posts that were read, from which on their room is used again.
const READ_MAX: usize = 1 << 10;

/// What another part did, in order, from `read` on.
#[derive(Debug, Default)]
struct Told {
    posts: Vec<Post>,
    read: usize,
}

impl Told {
    fn first(&self) -> Option<Turn> {
        self.posts.get(self.read).map(|post| post.turn)
    }

    /// Takes in what came last.
    fn receive(&mut self, posts: &mut Vec<Post>) {
        if self.read == self.posts.len() {
            self.posts.clear();
            self.read = 0;
            core::mem::swap(&mut self.posts, posts);
        } else {
            if self.read >= READ_MAX {
                self.posts.drain(..self.read);
                self.read = 0;
            }
            self.posts.append(posts);
        }
    }
}

const BREACHED: &str = "a packet took less time than its link promised";
const NUMBERED: &str = "an answer decides what the one who asked does at the same instant, and its \
                        events are numbered by the one who answers";

/// One part as it runs.
pub(super) struct Follower<'a> {
    number: usize,
    scenario: &'a Scenario,
    engine: Engine<World<LogTables>>,
    world: World<LogTables>,
    tables: LogTables,
    /// What other parts did, by part.
    told_by: Vec<Told>,
    /// The event whose posts are being carried out.
    within: Option<Turn>,
    /// What it has for others, by part.
    mail: Vec<Mail>,
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
            scenario,
            engine,
            world,
            tables,
            told_by: levels.iter().map(|_| Told::default()).collect(),
            within: None,
            mail: levels.iter().map(|_| Mail::default()).collect(),
            told: 0,
            warm: Vec::new(),
            is_warm: scenario.run.warmup_ns == 0,
            messages,
            empty,
        }
    }

    /// Does what there is to do; `inbox`: what others sent, by part. Whether it ended early.
    fn carry_on(&mut self, task: Task, inbox: &mut [Mail]) -> Result<(Notice, bool), SplitError> {
        self.receive(inbox);
        let (reached, bound_ns) = match task {
            Task::Run(until_ns) => (self.run_to(until_ns, SLICE)?, until_ns),
            Task::Tell(mark_ns) => {
                self.run_to(mark_ns, u32::MAX)?;
                self.hand_over(mark_ns)?;
                (true, mark_ns)
            }
        };
        self.send();
        let mut earliest_ns = self.earliest().0;
        if reached {
            // The queue may know less.
            earliest_ns = earliest_ns.max(bound_ns);
        }
        let notice = Notice {
            earliest_ns,
            is_full: self.engine.events() - self.told >= EVENTS_MAX,
        };
        Ok((notice, !reached))
    }

    /// Lets its nodes begin.
    pub(super) fn begin(&mut self) {
        begin(
            self.scenario,
            &mut self.engine,
            &mut self.world,
            &mut self.tables,
        );
        self.send();
    }

    /// Takes in what other parts sent.
    fn receive(&mut self, inbox: &mut [Mail]) {
        for (mail, told) in inbox.iter_mut().zip(&mut self.told_by) {
            self.engine.take_in(&mut mail.packets);
            if !mail.posts.is_empty() {
                told.receive(&mut mail.posts);
            }
        }
    }

    /// The first post that is still to be carried out, and the part that sent it.
    fn first_post(&self) -> Option<(Turn, usize)> {
        let told = self.told_by.iter().zip(0..);
        told.filter_map(|(told, from)| Some((told.first()?, from)))
            .min()
    }

    /// Gathers what other parts have to know.
    fn send(&mut self) {
        for (to, mail) in self.mail.iter_mut().enumerate() {
            if to == self.number {
                continue;
            }
            self.engine.take_batch(to, &mut mail.packets);
            if let Some(posts) = self.world.posts(to) {
                core::mem::swap(posts, &mut mail.posts);
            }
        }
    }

    /// Where it goes on itself.
    fn earliest(&self) -> SimTime {
        let post = self.first_post().map(|(turn, _)| turn.at());
        self.engine
            .earliest()
            .min(post.unwrap_or(SimTime(u64::MAX)))
    }

    /// Runs up to the instant before `bound_ns`, through the end of the warm-up, in `steps` events
    /// at most; whether it got there.
    fn run_to(&mut self, bound_ns: u64, mut steps: u32) -> Result<bool, SplitError> {
        let Some(last_ns) = bound_ns.checked_sub(1) else {
            return Ok(true);
        };
        let warmup_ns = self.scenario.run.warmup_ns;
        if !self.is_warm && last_ns >= warmup_ns {
            if !self.run_through(SimTime(warmup_ns), &mut steps)? {
                return Ok(false);
            }
            self.engine.reset_stats();
            self.world.tally.restart();
            self.warm = stations(&self.world, SimTime(warmup_ns));
            self.is_warm = true;
        }
        self.run_through(SimTime(last_ns), &mut steps)
    }

    /// Handles its own events and carries out the posts of others up to `until`, in one order;
    /// whether it got there before `steps` ran out.
    fn run_through(&mut self, until: SimTime, steps: &mut u32) -> Result<bool, SplitError> {
        let reached = loop {
            let event = self.engine.peek(until);
            let turn = event.map(|(round, key)| Turn::of(round, key));
            let limit = turn.unwrap_or_else(|| Turn::after(until));
            match (self.first_post(), event) {
                (Some((turn, from)), _) if turn < limit => self.carry_out(turn, from)?,
                (_, None) => break true,
                _ if *steps == 0 => break false,
                (_, Some((round, key))) => {
                    *steps -= 1;
                    self.end_posts();
                    self.world.begin_event(round, key);
                    self.engine
                        .step(&mut self.world, &mut self.tables)
                        .map_err(SplitError::Engine)?;
                }
            }
        };
        if let Some(met) = self.world.has_met() {
            return Err(SplitError::Met(met));
        }
        if self.engine.has_breached() {
            return Err(SplitError::Met(BREACHED));
        }
        if reached {
            self.end_posts();
            self.engine.stand_at(until);
        }
        Ok(reached)
    }

    /// Carries out the first post of a part, which stands at `turn`.
    fn carry_out(&mut self, turn: Turn, from: usize) -> Result<(), SplitError> {
        if self
            .within
            .is_some_and(|within| within.event() != turn.event())
        {
            self.end_posts();
        }
        self.within = Some(turn);
        self.tables.stand_at(turn);
        let told = &mut self.told_by[from];
        let post = &told.posts[told.read];
        told.read += 1;
        let (world, tables) = (&mut self.world, &mut self.tables);
        let unmoved = self
            .engine
            .act_within(turn.event(), post.node(), world, tables, |world, out| {
                world.take_post(post, out)
            })
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

    /// Tells the calling thread that it has come to the end; `inbox`: what others sent last.
    fn end(mut self, inbox: &mut [Mail]) {
        self.receive(inbox);
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

/// Runs parts, of `own` first, until there is nothing more to do.
pub(super) fn work(parts: &[Shared<'_>], own: &[usize], board: &Board, wishes: &Wishes) {
    let _presence = Presence(board);
    if let Err(reason) = work_all(parts, own, board, wishes) {
        board.give_up(reason);
    }
}

fn work_all(
    parts: &[Shared<'_>],
    own: &[usize],
    board: &Board,
    wishes: &Wishes,
) -> Result<(), SplitError> {
    let no_mail = || -> Vec<Mail> { parts.iter().map(|_| Mail::default()).collect() };
    let (mut inbox, mut outbox) = (no_mail(), no_mail());
    let mut next = board.exchange(own, None, &mut inbox, false);
    while let Some((number, task)) = next {
        let mut place = parts[number].lock().unwrap_or_else(PoisonError::into_inner);
        let Some(part) = &mut *place else {
            return Err(GONE);
        };
        let (notice, was_cut) = part.carry_on(task, &mut inbox)?;
        core::mem::swap(&mut part.mail, &mut outbox);
        // Another thread may take it as soon as this one has told.
        drop(place);
        let done = Done {
            part: number,
            task,
            notice,
            mail: &mut outbox,
            was_cut,
        };
        next = board.exchange(own, Some(done), &mut inbox, wishes.stops());
    }
    Ok(())
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

/// Runs all parts to the end, on a thread for each list of parts in `own`, of which this is one.
pub(super) fn work_together(
    parts: &[Shared<'_>],
    own: &[Vec<usize>],
    board: &Board,
    wishes: &Wishes,
) {
    let _gone = Gone(parts);
    std::thread::scope(|scope| {
        let mut own = own.iter();
        let first = own.next();
        for own in own {
            scope.spawn(move || work(parts, own, board, wishes));
        }
        if let Some(first) = first {
            work(parts, first, board, wishes);
        }
    });
    if let Some(mut rest) = board.rest() {
        for (part, inbox) in taken(parts).zip(rest.chunks_mut(parts.len())) {
            part.end(inbox);
        }
    }
}

/// Where the threads of these parts meet, which have begun.
pub(super) fn board(parts: &mut [Shared<'_>], windows: &Windows, end_ns: u64) -> Board {
    let spans = (end_ns.saturating_add(1), (end_ns / WINDOWS).max(1));
    let bounds = Bounds::new(&windows.parts.levels, windows.lookahead_ns, spans);
    let board = Board::new(parts.len(), bounds);
    for place in parts {
        let place = place.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = place {
            board.begin(part.number, part.earliest().0, &mut part.mail);
        }
    }
    board
}
