//! From a machine's effects to the engine's calls, in emission order and at their times.

mod store;

use protocols::protocol::Completion;
use protocols::storage::Write;
use protocols::{Address, Channel, Destination, Effect, Effects, Output, Record};
use sim_engine::{Direction, LinkId, NodeId, Outbox, SimDuration, SimTime, TimerId};

use super::attempt::AttemptId;
use super::fault::Moment;
use super::tables::{Header, Journey, NO_RULE, Tables};
use super::transport::carried::{Carried, Part};
use super::{Deferred, NO_PAIR, World};
use crate::fault::Point;

/// Length that marks a deletion in a serialised batch.
const DELETED: u32 = u32::MAX;

impl<T: Tables> World<T> {
    /// Prices the call that has just been made and carries out its effects.
    pub(super) fn carry_out(
        &mut self,
        now: SimTime,
        node: NodeId,
        place: (usize, u32),
        (attempt, holding): (AttemptId, u32),
        out: &mut Outbox<'_, Self>,
    ) {
        // Taken out for the time of the loop, so that the rest of the world may change meanwhile.
        let effects = core::mem::take(&mut self.scratch.effects);
        let mut price = Price::default();
        // A command of several sessions goes on with the next one in the call that ends the last. Its
        // attempt is opened before that end is told, so that the request is not taken for over.
        let next_session = self
            .next_session_at(node.0, attempt, &effects)
            .map(|at| (at, self.open_next_session(now, node.0, attempt, out)));
        let begun = attempt;
        let mut attempt = attempt;
        for index in 0..effects.len() {
            if let Some((at, next)) = next_session
                && at == index
            {
                attempt = next;
            }
            if let Some((mark, output)) = effects.statement(index) {
                self.charge(place, &mut price, mark as usize);
                if price.total_ns == 0 {
                    self.on_output(now, node, attempt, output, out);
                } else {
                    let output = *output;
                    let after = SimDuration(price.total_ns);
                    out.defer(after, Deferred::Output { output, attempt });
                }
            } else {
                let (mark, effect) = effects.get(index);
                self.charge(place, &mut price, mark as usize);
                self.carry_out_one(now, node, place, attempt, effect, &mut price, out);
            }
            if self.went_off(node, out) {
                self.scratch.effects = effects;
                self.cut_off(now, holding);
                return;
            }
        }
        let all = self.scratch.crypto.meter.operations().len();
        self.charge(place, &mut price, all);
        self.scratch.effects = effects;
        if price.total_ns > 0 {
            out.busy(SimDuration(price.total_ns));
            self.spend(now, place, &price);
        }
        if price.total_ns > 0 {
            let done = Deferred::Done {
                pair: holding,
                attempt: begun,
            };
            out.defer(SimDuration(price.total_ns), done);
        } else {
            self.done(now, node, holding, begun, out);
        }
        self.check_battery(now, node.0, out);
        self.strike_when_paid(now, price.total_ns, out);
    }

    /// Faults that wait for the end of the running call strike when its cost is paid.
    #[inline]
    pub(super) fn strike_when_paid(
        &mut self,
        now: SimTime,
        cost_ns: u64,
        out: &mut Outbox<'_, Self>,
    ) {
        if self.faults.is_some() {
            self.strike_paid(now, cost_ns, out);
        }
    }

    fn strike_paid(&mut self, now: SimTime, cost_ns: u64, out: &mut Outbox<'_, Self>) {
        for (strike, ends_write) in self.take_after_call() {
            if cost_ns > 0 {
                let effect = Deferred::Strike { strike, ends_write };
                out.defer(SimDuration(cost_ns), effect);
            } else {
                self.strike_now(now, (strike, ends_write), out);
            }
        }
    }

    /// The running call has lost its power: what it held lets go, and nothing else of it happens.
    fn cut_off(&mut self, now: SimTime, holding: u32) {
        if holding != NO_PAIR {
            self.let_go(now.0, holding);
        }
        drop(self.take_after_call());
    }

    /// Where in `effects` a further session of a command begins: at the initiator's `Running` after
    /// its `Ended`, which may have come in this call or in an earlier one.
    fn next_session_at(&self, node: u32, attempt: AttemptId, effects: &Effects) -> Option<usize> {
        let between = self.workloads.is_between_sessions(node);
        let within = attempt.initiator == node
            && self.workloads.completion(attempt) == Some(Completion::SessionsBoth);
        if !between && !within {
            return None;
        }
        let mut outputs = (0..effects.len()).filter_map(|at| match effects.get(at).1 {
            Effect::Output(output) => Some((at, output)),
            _ => None,
        });
        if !between && !self.workloads.has_ended(attempt) {
            outputs.find(|(_, output)| matches!(output, Output::Ended { .. }))?;
        }
        let running = outputs.find(|(_, output)| matches!(output, Output::Running { .. }));
        running.map(|(at, _)| at)
    }

    /// Adds the cost of the operations up to `mark`.
    #[inline]
    fn charge(&mut self, (group, _): (usize, u32), price: &mut Price, mark: usize) {
        if price.charged == mark {
            return;
        }
        let group = &self.groups[group];
        let operations = &self.scratch.crypto.meter.operations()[price.charged..mark];
        self.operations.add_all(group.role, operations);
        if let Some(profile) = &group.profile {
            for operation in operations {
                price.total_ns += profile.cost_ns(operation);
            }
        }
        price.charged = mark;
    }

    fn spend(&mut self, now: SimTime, (group, member): (usize, u32), price: &Price) {
        let group = &mut self.groups[group];
        if let (Some(profile), Some(usage)) = (&group.profile, group.usage.get_mut(member as usize))
        {
            usage.cpu_ns += price.total_ns;
            let energy_nj = profile.energy_nj(price.total_ns);
            usage.energy_nj += energy_nj;
            self.tally.energy(now.0, energy_nj);
            usage.flash_nj += profile.energy_nj(price.writes_ns);
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one step of the loop above, split for reading"
    )]
    fn carry_out_one(
        &mut self,
        now: SimTime,
        node: NodeId,
        place: (usize, u32),
        attempt: AttemptId,
        effect: Effect<'_>,
        price: &mut Price,
        out: &mut Outbox<'_, Self>,
    ) {
        let at_once = price.total_ns == 0;
        let after = SimDuration(price.total_ns);
        match effect {
            Effect::Send {
                from_port,
                to,
                channel,
                bytes,
            } => {
                let from = Address::new(node.0, from_port);
                match to {
                    Destination::Address(to) => {
                        let one = Part::Message;
                        self.send(now, (from, to, channel), (attempt, one), bytes, price, out);
                    }
                    Destination::Broadcast(port) => {
                        // What goes to everybody belongs to nobody's attempt.
                        let attempt = AttemptId::NONE;
                        let mut part = Part::Broadcast;
                        for peer in self.neighbours(node.0, channel) {
                            let to = Address::new(peer, port);
                            self.send(now, (from, to, channel), (attempt, part), bytes, price, out);
                            part = Part::BroadcastCopy;
                        }
                        self.overheard((from, port, channel), attempt, bytes, price, out);
                    }
                    Destination::Stream(to) => {
                        self.send_record(now, (from, to), attempt, bytes, price, out);
                    }
                }
            }
            Effect::OpenStream { to } if at_once => {
                self.open_stream(now, node, to, attempt, out);
            }
            Effect::OpenStream { to } => out.defer(after, Deferred::Open { to, attempt }),
            Effect::CloseStream { to } if at_once => self.close_stream(now, node, to, out),
            Effect::CloseStream { to } => out.defer(after, Deferred::Close { to }),
            Effect::Arm { timer, after: span } => {
                let id = TimerId {
                    kind: timer.kind,
                    key: timer.key,
                };
                let after_ns = self.clock(place.0, place.1).true_span(span.nanos());
                self.timer_armed(node.0, id);
                if at_once {
                    out.arm(id, SimDuration(after_ns));
                } else {
                    out.defer(
                        after,
                        Deferred::Arm {
                            timer: id,
                            after_ns,
                        },
                    );
                }
            }
            Effect::Cancel { timer } => {
                let id = TimerId {
                    kind: timer.kind,
                    key: timer.key,
                };
                if at_once {
                    out.cancel(id);
                    self.timer_gone(now.0, node.0, id);
                } else {
                    out.defer(after, Deferred::Cancel { timer: id });
                }
            }
            Effect::Store { batch } => self.store(now, node, place, attempt, &batch, price, out),
            // Carried out by the loop above.
            Effect::Output(_) => {}
            Effect::Halt => {
                if at_once {
                    self.halt(node.0);
                } else {
                    out.defer(after, Deferred::Halt);
                }
            }
        }
    }

    /// Phase of the operation before the running effect, for writes, which the host meters.
    fn phase_so_far(&self, price: &Price) -> u8 {
        let operations = self.scratch.crypto.meter.operations();
        price
            .charged
            .checked_sub(1)
            .and_then(|last| operations.get(last))
            .map_or(0, |last| last.phase)
    }

    /// Sends a record on a stream of the machine; which connection that is shows when it is released.
    fn send_record(
        &mut self,
        now: SimTime,
        (from, to): (Address, Address),
        attempt: AttemptId,
        bytes: &[u8],
        price: &Price,
        out: &mut Outbox<'_, Self>,
    ) {
        if let Some((channel, route)) = self.stream_beyond(from.host, to) {
            let header = Header {
                from,
                to,
                channel,
                attempt,
                pair: NO_PAIR,
                rule: NO_RULE,
                carried: Carried {
                    part: Part::Write,
                    ..Carried::MESSAGE
                },
                journey: Journey::default(),
            };
            if price.total_ns == 0 {
                self.offer(now, route, header, bytes, out);
            } else {
                let bytes = out.keep(bytes);
                let link = route;
                let after = SimDuration(price.total_ns);
                out.defer(
                    after,
                    Deferred::Send {
                        link,
                        header,
                        bytes,
                    },
                );
            }
            return;
        }
        match self.stream_route(from.host, to.host) {
            Some((channel, _)) => {
                let part = (attempt, Part::Write);
                self.send(now, (from, to, channel), part, bytes, price, out);
            }
            None => self.tally.unroutable += 1,
        }
    }

    /// A message has just been handed to its link.
    #[inline]
    fn sent(
        &mut self,
        now: SimTime,
        way: (LinkId, Direction),
        header: &Header,
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        let moment = Moment {
            point: Point::Sent,
            from: header.from,
            to: header.to,
            relay: false,
            way: Some(way),
            packet: None,
            bytes,
        };
        self.message_moment(now, &moment, out);
    }

    pub(super) fn send(
        &mut self,
        now: SimTime,
        (from, to, channel): (Address, Address, Channel),
        (attempt, part): (AttemptId, Part),
        bytes: &[u8],
        price: &Price,
        out: &mut Outbox<'_, Self>,
    ) {
        let known = (to.host as usize) < self.group_of.len();
        let link = known
            .then(|| {
                self.routes
                    .find(self.place(from.host), self.place(to.host), channel)
            })
            .flatten();
        let Some(link) = link else {
            self.send_beyond((from, to, channel), attempt, bytes, price, out);
            return;
        };
        let pair = self.pair_between(from.host, to.host);
        self.hold_pair(pair, true);
        self.count_message(from.host, attempt, bytes.len());
        let header = Header {
            from,
            to,
            channel,
            attempt,
            pair,
            rule: NO_RULE,
            carried: Carried {
                part,
                ..Carried::MESSAGE
            },
            journey: Journey::default(),
        };
        if price.total_ns == 0 {
            self.offer(now, link, header, bytes, out);
            self.sent(now, link, &header, bytes, out);
        } else {
            let bytes = out.keep(bytes);
            out.defer(
                SimDuration(price.total_ns),
                Deferred::Send {
                    link,
                    header,
                    bytes,
                },
            );
        }
    }

    /// Carries out an effect whose time has come.
    pub(super) fn release(
        &mut self,
        now: SimTime,
        node: NodeId,
        effect: Deferred,
        out: &mut Outbox<'_, Self>,
    ) {
        match effect {
            Deferred::Send {
                link,
                header,
                bytes,
            } => {
                let mut packet = core::mem::take(&mut self.scratch.batch);
                packet.clear();
                packet.extend_from_slice(out.block(bytes));
                out.free(bytes);
                self.offer(now, link, header, &packet, out);
                self.sent(now, link, &header, &packet, out);
                self.scratch.batch = packet;
            }
            Deferred::Forward(packet) => self.release_forwarded(now, &packet, out),
            Deferred::Open { to, attempt } => self.open_stream(now, node, to, attempt, out),
            Deferred::Close { to } => self.close_stream(now, node, to, out),
            Deferred::Mail { header, bytes } => {
                let frame = out.block(bytes).to_vec();
                out.free(bytes);
                self.mail(header, &frame, out);
            }
            Deferred::Arm { timer, after_ns } => out.arm(timer, SimDuration(after_ns)),
            Deferred::Cancel { timer } => {
                out.cancel(timer);
                self.timer_gone(now.0, node.0, timer);
            }
            Deferred::Stored { writing, attempt } => {
                self.write_ended(now, node, writing, attempt, out)
            }
            Deferred::Torn { writing, tear } => self.write_torn(now, node, writing, tear, out),
            Deferred::Strike { strike, ends_write } => {
                self.strike_now(now, (strike, ends_write), out);
            }
            Deferred::Output { output, attempt } => {
                self.on_output(now, node, attempt, &output, out)
            }
            Deferred::Halt => self.halt(node.0),
            Deferred::Done { pair, attempt } => self.done(now, node, pair, attempt, out),
        }
    }

    fn done(
        &mut self,
        now: SimTime,
        node: NodeId,
        pair: u32,
        attempt: AttemptId,
        out: &mut Outbox<'_, Self>,
    ) {
        if pair != NO_PAIR {
            self.let_go(now.0, pair);
        }
        self.message_handled(now, node, out);
        self.handled(now, node, attempt, out);
    }

    fn halt(&mut self, node: u32) {
        self.halted[node as usize] = true;
    }

    fn neighbours(&self, node: u32, channel: Channel) -> Vec<u32> {
        let place = self.place(node);
        let mut all = self.routes.neighbours(place, channel, |group, member| {
            self.groups[group].first + member
        });
        if let Some(relays) = &self.relays {
            // Relays pass on what has a receiver; a broadcast ends at the neighbours.
            all.retain(|node| !relays.has(*node));
        }
        all
    }
}

/// The running price of a call.
#[derive(Debug, Default)]
pub(super) struct Price {
    /// Operations priced so far.
    charged: usize,
    /// Their time and that of the writes so far, ns.
    pub(super) total_ns: u64,
    /// That of the writes alone, ns.
    writes_ns: u64,
}

fn serialise(write: Write<'_>, bytes: &mut Vec<u8>) {
    let (record, payload) = match write {
        Write::Put(record, payload) => (record, Some(payload)),
        Write::Delete(record) => (record, None),
    };
    let length = payload.map_or(DELETED, |payload| {
        u32::try_from(payload.len()).unwrap_or(DELETED)
    });
    bytes.push(record.table);
    bytes.extend_from_slice(&record.key.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(payload.unwrap_or_default());
}

pub(super) fn deserialise(mut bytes: &[u8], mut write: impl FnMut(Write<'_>)) {
    while let Some((head, rest)) = bytes.split_first_chunk::<9>() {
        let record = Record::new(
            head[0],
            u32::from_le_bytes([head[1], head[2], head[3], head[4]]),
        );
        let length = u32::from_le_bytes([head[5], head[6], head[7], head[8]]);
        if length == DELETED {
            write(Write::Delete(record));
            bytes = rest;
        } else {
            let (payload, rest) = rest.split_at((length as usize).min(rest.len()));
            write(Write::Put(record, payload));
            bytes = rest;
        }
    }
}

/// The records of a serialised batch with the lengths of their bytes, `None` for a deletion; a batch
/// that is cut short gives what is whole.
pub(crate) fn records(mut bytes: &[u8]) -> impl Iterator<Item = (Record, Option<usize>)> + '_ {
    core::iter::from_fn(move || {
        let (head, rest) = bytes.split_first_chunk::<9>()?;
        let key = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
        let length = u32::from_le_bytes([head[5], head[6], head[7], head[8]]);
        let record = Record::new(head[0], key);
        if length == DELETED {
            bytes = rest;
            return Some((record, None));
        }
        bytes = rest.get(length as usize..)?;
        Some((record, Some(length as usize)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_survives_the_arena() {
        let mut bytes = Vec::new();
        serialise(Write::Put(Record::new(1, 70_000), b"abc"), &mut bytes);
        serialise(Write::Delete(Record::new(2, 5)), &mut bytes);
        serialise(Write::Put(Record::new(3, 0), b""), &mut bytes);
        let mut seen = Vec::new();
        deserialise(&bytes, |write| {
            seen.push(match write {
                Write::Put(record, payload) => (record, Some(payload.to_vec())),
                Write::Delete(record) => (record, None),
            });
        });
        assert_eq!(
            seen,
            [
                (Record::new(1, 70_000), Some(b"abc".to_vec())),
                (Record::new(2, 5), None),
                (Record::new(3, 0), Some(Vec::new())),
            ]
        );
    }
}
