//! Segments and timers that come to the end of a stream, and what its machine hears of them.

use super::*;

impl<T: Tables> World<T> {
    pub(super) fn on_segment(
        &mut self,
        now: SimTime,
        node: NodeId,
        (header, route): (&Header, (LinkId, Direction)),
        (settings, mss): (StreamSettings, usize),
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(segment) = Segment::decode(bytes) else {
            self.tally.transport.damaged += 1;
            return;
        };
        let own = Address::new(node.0, segment.to_port);
        let far = Address::new(header.from.host, segment.from_port);
        let key = Key::new(own, far, header.channel);
        let meta = Meta {
            attempt: header.attempt,
            pair: header.pair,
        };
        let mut slot = self.living(now, node, &key, out);
        if let Some(old) = slot
            && self
                .stream_of(old)
                .is_some_and(|stream| stream.is_replaced_by(&segment))
        {
            // The peer has lost its end and opens anew.
            self.break_end(now, old, out);
            slot = None;
        }
        let slot = match slot {
            Some(slot) => {
                self.with_stream(now, slot, out, |stream, now, wire| {
                    stream.on_segment(&segment, meta, now, wire);
                });
                slot
            }
            None => {
                let flags = segment.flags;
                let streams = self.instance.streams();
                let listens = !streams || segment.to_port == self.port(node.0);
                if !flags.syn || flags.ack || flags.rst || !listens {
                    // A late acknowledgement for a connection that has closed: what TIME-WAIT is for.
                    let bare = flags.ack && !flags.syn && !flags.fin && segment.payload.is_empty();
                    if !flags.rst && !bare {
                        self.answer_with_rst((&key, route), &segment, header.attempt, out);
                    }
                    return;
                }
                let isn = self.initial_number(now, &key, out);
                let incarnation = out.incarnation(node);
                let Some(transports) = &mut self.transports else {
                    return;
                };
                let slot = transports.insert(End {
                    machine: streams,
                    attempt: header.attempt,
                    mail: self.attacks.mailbox(far.host),
                    ..End::new(key, route, incarnation, Body::New)
                });
                let bare = Meta::bare(header.attempt);
                self.with_new_stream(now, slot, out, |now, wire| {
                    Stream::accept((settings, mss, isn), &segment, bare, now, wire)
                });
                slot
            }
        };
        self.tell(now, node, slot, out);
        self.with_stream(now, slot, out, |stream, _, wire| stream.flush(wire));
        self.tidy(now, slot, out);
    }

    /// A timer of kind [`TIMER`] has expired.
    pub(in crate::host) fn on_stream_timer(
        &mut self,
        now: SimTime,
        node: NodeId,
        number: u32,
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(transports) = &mut self.transports else {
            return;
        };
        let Some(slot) = transports.slot_of(node.0, number) else {
            return;
        };
        let Some(end) = transports.end(slot) else {
            return;
        };
        end.armed_ns = None;
        if matches!(end.body, Body::Exchanges(_)) {
            return self.on_exchange_timer(now, slot, out);
        }
        self.with_stream(now, slot, out, |stream, now, wire| {
            stream.on_timer(now, wire)
        });
        if self.stream_of(slot).is_some_and(Stream::is_dead) {
            self.tally.transport.given_up += 1;
        }
        self.tell(now, node, slot, out);
        self.tidy(now, slot, out);
    }

    /// The command to tell the next event of a stream has its turn.
    pub(in crate::host) fn on_stream_command(
        &mut self,
        now: SimTime,
        node: NodeId,
        ticket: u64,
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(transports) = &mut self.transports else {
            return;
        };
        let Some(slot) = transports.redeem(node.0, ticket) else {
            return;
        };
        if let Some(end) = transports.end(slot) {
            end.told_later = false;
        }
        self.tell(now, node, slot, out);
        self.tidy(now, slot, out);
    }

    /// Tells the machine what happened first; the processor comes back for the rest.
    pub(super) fn tell(
        &mut self,
        now: SimTime,
        node: NodeId,
        slot: u32,
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(transports) = &mut self.transports else {
            return;
        };
        let Some(end) = transports.end(slot).filter(|end| !end.told_later) else {
            return;
        };
        let Some(event) = end.inbox.pop_front() else {
            return;
        };
        let (far, machine, known, attempt) = (end.key.far, end.machine, end.known, end.attempt);
        let more = !end.inbox.is_empty();
        if more {
            end.told_later = true;
            let ticket = transports.ticket(slot);
            out.command(node, token::STREAM | ticket);
        }
        let bare = Meta::bare(attempt);
        match event {
            Event::Opened if machine => {
                if let Some(transports) = &mut self.transports {
                    transports.make_known(slot);
                }
                self.call_stream(now, node, far, (StreamEvent::Opened, bare), out);
            }
            Event::Bytes { bytes, meta, .. } if machine && known => {
                self.call_stream(now, node, far, (StreamEvent::Bytes(&bytes), meta), out);
            }
            Event::Bytes { bytes, meta, .. } if !machine => {
                self.take_records(now, node, slot, (&bytes, meta), out);
            }
            Event::Bytes { meta, .. } => self.let_go(now.0, meta.pair),
            Event::Closed => {
                if let Some(transports) = &mut self.transports {
                    transports.make_unknown(slot);
                }
                if machine && known {
                    self.call_stream(now, node, far, (StreamEvent::Closed, bare), out);
                }
                self.with_stream(now, slot, out, |stream, now, wire| stream.close(now, wire));
            }
            Event::Reset if machine && known => {
                if let Some(transports) = &mut self.transports {
                    transports.make_unknown(slot);
                }
                self.call_stream(now, node, far, (StreamEvent::Reset, bare), out);
            }
            Event::Opened | Event::Reset => {}
        }
    }

    pub(super) fn call_stream(
        &mut self,
        now: SimTime,
        node: NodeId,
        far: Address,
        (event, meta): (StreamEvent<'_>, Meta),
        out: &mut Outbox<'_, Self>,
    ) {
        if self.halted[node.0 as usize] {
            self.let_go(now.0, meta.pair);
            return;
        }
        if let Some(place) = self.attacks.seats.get(&node.0).copied() {
            self.let_go(now.0, meta.pair);
            if let StreamEvent::Bytes(bytes) = event {
                self.seat_hears(now, (node, place), far, (bytes, meta), out);
            }
            return;
        }
        let attempt = self.workloads.attempt_in_hand(node.0, meta.attempt);
        if let StreamEvent::Bytes(bytes) = event {
            let header = Header {
                from: far,
                to: Address::new(node.0, 0),
                channel: Channel::Public,
                attempt,
                pair: NO_PAIR,
                rule: NO_RULE,
                carried: Carried::MESSAGE,
                journey: Journey::default(),
            };
            self.takes_in_hand(node.0, Some((&header, bytes)));
        }
        self.call(
            now,
            node,
            (attempt, meta.pair),
            out,
            |column, member, cx| {
                column.on_stream(member, far, event, cx);
            },
        );
    }

    /// Bytes of a stream of datagrams: every complete one goes to the machine.
    pub(super) fn take_records(
        &mut self,
        now: SimTime,
        node: NodeId,
        slot: u32,
        (bytes, meta): (&[u8], Meta),
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(end) = self.transports.as_mut().and_then(|all| all.end(slot)) else {
            return self.let_go(now.0, meta.pair);
        };
        let (own, far, channel) = (end.key.own(), end.key.far, end.key.channel());
        let mut partial = core::mem::take(&mut end.partial);
        partial.extend_from_slice(bytes);
        let mut pair = meta.pair;
        let mut at = 0;
        let mut broken = false;
        while let Some((length, rest)) = partial[at..].split_first_chunk::<PREFIX_BYTES>() {
            let length = u32::from_be_bytes(*length) as usize;
            broken = length > RECORD_MAX;
            let Some(record) = rest.get(..length).filter(|_| !broken) else {
                break;
            };
            at += PREFIX_BYTES + length;
            let held = core::mem::replace(&mut pair, NO_PAIR);
            let header = Header {
                from: far,
                to: own,
                channel,
                attempt: meta.attempt,
                pair: held,
                rule: NO_RULE,
                carried: Carried::MESSAGE,
                journey: Journey::default(),
            };
            self.on_packet(now, node, (&header, None), record, out);
        }
        self.let_go(now.0, pair);
        partial.drain(..at);
        if broken {
            self.break_end(now, slot, out);
        } else if let Some(end) = self.transports.as_mut().and_then(|all| all.end(slot)) {
            end.partial = partial;
        }
    }
}
