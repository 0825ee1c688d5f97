//! Puts together what the parts tell, in the one order of events.

use core::ops::ControlFlow;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender};

use sim_engine::{Progress, SimTime};

use super::SplitError;
use super::part::{Ended, Message};
use crate::host::tables::Tables;
use crate::oracle::Episode;
use crate::record::log::{Log, Reading, Turn, Wishes};
use crate::run::{Monitor, Stop};

/// What connects the calling thread with a part: its messages, where it shall stop, and emptied logs
/// on their way back.
pub(super) type Connection = (Receiver<Message>, Sender<SimTime>, Sender<Log>);

/// One part, seen from the calling thread.
struct Line {
    messages: Receiver<Message>,
    orders: Sender<SimTime>,
    back: Sender<Log>,
    /// Messages that came while a stop was agreed on.
    early: VecDeque<Message>,
    reading: Reading,
    /// The last turn that the log in hand covers.
    upto: Turn,
    progress: Progress,
    ended: Option<Ended>,
}

impl Line {
    /// Where the part goes on: nothing of it comes before. `None`: it has ended and was read.
    fn next(&self) -> Option<Turn> {
        let covered = || self.ended.is_none().then_some(self.upto);
        self.reading.turn().or_else(covered)
    }
}

/// All parts of a run.
pub(super) struct Merge<'a> {
    lines: Vec<Line>,
    end_ns: u64,
    wishes: &'a Wishes,
    closed: &'a mut Vec<(usize, Episode)>,
    stopped: Option<Stop>,
    /// Whether the parts stop at one instant by themselves.
    in_step: bool,
}

impl<'a> Merge<'a> {
    pub(super) fn new(
        connections: Vec<Connection>,
        end_ns: u64,
        wishes: &'a Wishes,
        closed: &'a mut Vec<(usize, Episode)>,
        in_step: bool,
    ) -> Self {
        let line = |(messages, orders, back)| Line {
            messages,
            orders,
            back,
            early: VecDeque::new(),
            reading: Reading::default(),
            upto: Turn::FIRST,
            progress: Progress {
                now: SimTime::ZERO,
                events: 0,
                pending: 0,
            },
            ended: None,
        };
        Self {
            lines: connections.into_iter().map(line).collect(),
            end_ns,
            wishes,
            closed,
            stopped: None,
            in_step,
        }
    }

    /// Reads everything; why the run was cut short, if it was, and the parts at their ends.
    pub(super) fn run<T: Tables>(
        mut self,
        tables: &mut T,
        monitor: &mut dyn Monitor<T>,
    ) -> Result<(Option<Stop>, Vec<Ended>), SplitError> {
        // The part that comes next goes on up to where the one after it stands.
        while let Some((first, limit)) = self.foremost() {
            let line = &mut self.lines[first];
            if line.reading.turn().is_none() {
                self.receive(first, tables, monitor)?;
                continue;
            }
            while let Some(turn) = line.reading.turn()
                && limit.is_none_or(|limit| (turn, first) < limit)
            {
                line.reading.retell(tables, self.closed);
            }
        }
        let ended = self.lines.into_iter().filter_map(|line| line.ended);
        Ok((self.stopped, ended.collect()))
    }

    /// The part whose next turn comes first, and the next turn of the one after it. Parts whose turns
    /// are equal handle an event that belongs to all of them: they come in their order.
    fn foremost(&self) -> Option<(usize, Option<(Turn, usize)>)> {
        let mut first: Option<(Turn, usize)> = None;
        let mut second = None;
        for (number, line) in self.lines.iter().enumerate() {
            let Some(turn) = line.next() else { continue };
            let place = Some((turn, number));
            if first.is_none() || place < first {
                second = first;
                first = place;
            } else if second.is_none() || place < second {
                second = place;
            }
        }
        first.map(|(_, number)| (number, second))
    }

    /// Waits for the next message of a part.
    fn receive<T: Tables>(
        &mut self,
        number: usize,
        tables: &T,
        monitor: &mut dyn Monitor<T>,
    ) -> Result<(), SplitError> {
        let line = &mut self.lines[number];
        let message = match line.early.pop_front() {
            Some(message) => message,
            None => line.messages.recv().map_err(|_| gone())?,
        };
        match message {
            Message::Log {
                log,
                upto,
                progress,
            } => {
                let read = core::mem::replace(&mut line.reading, Reading::new(log));
                // A part that has ended takes none back.
                let _ = line.back.send(read.into_empty());
                line.upto = upto;
                line.progress = progress;
                self.check(tables, monitor)
            }
            Message::Ended(ended) => {
                line.ended = Some(*ended);
                Ok(())
            }
            // Taken out where it was waited for.
            Message::Stops(_) => Ok(()),
            Message::Failed(error) => Err(SplitError::Engine(error)),
        }
    }

    /// Lets the monitor look, and stops the run where it says so.
    fn check<T: Tables>(
        &mut self,
        tables: &T,
        monitor: &mut dyn Monitor<T>,
    ) -> Result<(), SplitError> {
        self.wishes.update(tables.wanted());
        if self.stopped.is_some() {
            return Ok(());
        }
        let lines = self.lines.iter();
        let now = lines.clone().map(|line| line.upto.at()).min();
        let progress = Progress {
            now: now.unwrap_or(SimTime::ZERO),
            events: lines.clone().map(|line| line.progress.events).sum(),
            pending: lines.map(|line| line.progress.pending).sum(),
        };
        if let ControlFlow::Break(stop) = monitor.check(&progress, self.end_ns, tables) {
            self.stopped = Some(stop);
            self.agree_on_stop()?;
        }
        Ok(())
    }

    /// Lets all parts stop at one instant: the latest that any of them has reached.
    fn agree_on_stop(&mut self) -> Result<(), SplitError> {
        self.wishes.stop();
        if self.in_step {
            return Ok(());
        }
        let mut latest = SimTime::ZERO;
        for line in &mut self.lines {
            let mut stands = line.ended.is_some().then_some(SimTime(self.end_ns));
            while stands.is_none() {
                match line.messages.recv().map_err(|_| gone())? {
                    Message::Stops(at) => stands = Some(at),
                    other => {
                        if matches!(other, Message::Ended(_) | Message::Failed(_)) {
                            stands = Some(SimTime(self.end_ns));
                        }
                        line.early.push_back(other);
                    }
                }
            }
            latest = latest.max(stands.unwrap_or(SimTime::ZERO));
        }
        for line in &self.lines {
            // A part that has ended needs no order.
            let _ = line.orders.send(latest);
        }
        Ok(())
    }
}

const fn gone() -> SplitError {
    SplitError::Met("a part came to no end")
}
