//! The ends of streams: found, begun, broken, forgotten.

use super::*;

impl<T: Tables> World<T> {
    /// The stream of `node`'s machine with `far`.
    pub(super) fn known_stream(
        &mut self,
        now: SimTime,
        node: NodeId,
        far: Address,
        out: &mut Outbox<'_, Self>,
    ) -> Option<u32> {
        let slot = self.transports.as_ref()?.find_known(node.0, far)?;
        self.unless_lost(now, node, slot, out)
    }

    /// The living end of `key`.
    pub(super) fn living(
        &mut self,
        now: SimTime,
        node: NodeId,
        key: &Key,
        out: &mut Outbox<'_, Self>,
    ) -> Option<u32> {
        let slot = self.transports.as_ref()?.find(key)?;
        self.unless_lost(now, node, slot, out)
    }

    /// `slot`, unless its node has lost its power since.
    pub(super) fn unless_lost(
        &mut self,
        now: SimTime,
        node: NodeId,
        slot: u32,
        out: &mut Outbox<'_, Self>,
    ) -> Option<u32> {
        let incarnation = out.incarnation(node);
        let end = self.transports.as_mut()?.end(slot)?;
        if end.incarnation == incarnation {
            return Some(slot);
        }
        self.drop_end(now, slot);
        None
    }

    /// The stream of `node`'s machine with an adversary's own address: its channel and its way.
    pub(in crate::host) fn stream_beyond(
        &mut self,
        node: u32,
        to: Address,
    ) -> Option<(Channel, (LinkId, Direction))> {
        if (to.host as usize) < self.group_of.len() {
            return None;
        }
        let transports = self.transports.as_mut()?;
        let slot = transports.find_known(node, to)?;
        let end = transports.end(slot)?;
        Some((end.key.channel(), end.route))
    }

    pub(super) fn stream_of(&mut self, slot: u32) -> Option<&Stream<Meta>> {
        self.transports.as_mut()?.end(slot)?.stream()
    }

    /// All connections of a node are gone, without a word: it has lost its power or its memory.
    pub(crate) fn lose_streams(&mut self, now: SimTime, node: NodeId, out: &mut Outbox<'_, Self>) {
        let Some(transports) = &self.transports else {
            return;
        };
        let ends = transports.at(node.0).into_iter();
        let ends: Vec<_> = ends.map(|slot| (slot, transports.timer(slot))).collect();
        for (slot, timer) in ends {
            out.cancel(timer);
            self.drop_end(now, slot);
        }
    }

    /// Drops an end whose machine, if it knows the stream, is told of a reset.
    pub(super) fn break_end(&mut self, now: SimTime, slot: u32, out: &mut Outbox<'_, Self>) {
        let Some(transports) = &mut self.transports else {
            return;
        };
        let Some(end) = transports.end(slot) else {
            return;
        };
        let (node, far, told) = (NodeId(end.key.node), end.key.far, end.machine && end.known);
        let bare = Meta::bare(end.attempt);
        out.cancel(transports.timer(slot));
        self.drop_end(now, slot);
        if told {
            self.call_stream(now, node, far, (StreamEvent::Reset, bare), out);
        }
    }

    pub(super) fn drop_end(&mut self, now: SimTime, slot: u32) {
        let Some(end) = self.transports.as_mut().and_then(|all| all.remove(slot)) else {
            return;
        };
        match &end.body {
            Body::New => {}
            Body::Stream(stream) => stream
                .undelivered()
                .for_each(|meta| self.let_go(now.0, meta.pair)),
            Body::Exchanges(exchanges) => exchanges
                .unacknowledged()
                .for_each(|meta| self.let_go(now.0, meta.pair)),
        }
        self.forget_events(now, end.inbox);
    }

    pub(super) fn forget_events(
        &mut self,
        now: SimTime,
        events: std::collections::VecDeque<Event>,
    ) {
        for event in events {
            if let Event::Bytes { meta, .. } = event {
                self.let_go(now.0, meta.pair);
            }
        }
    }

    /// Forgets an end whose connection is over and whose machine has been told everything.
    pub(super) fn tidy(&mut self, now: SimTime, slot: u32, out: &mut Outbox<'_, Self>) {
        let Some(transports) = &mut self.transports else {
            return;
        };
        let Some(end) = transports.end(slot) else {
            return;
        };
        if !end.stream().is_some_and(Stream::is_dead) {
            return;
        }
        let over = end.inbox.is_empty();
        let timer = transports.timer(slot);
        if over {
            self.drop_end(now, slot);
        } else {
            transports.unlist(slot);
        }
        out.cancel(timer);
    }

    /// The initial sequence number of a connection: the stream of the two nodes, at this instant.
    pub(super) fn initial_number(
        &self,
        now: SimTime,
        key: &Key,
        out: &mut Outbox<'_, Self>,
    ) -> u32 {
        let stream = self.transport_stream(key).id();
        let drawn = out.streams().block(stream, now.0)[0];
        u32::try_from(drawn >> 32).unwrap_or(0)
    }

    pub(super) fn answer_with_rst(
        &mut self,
        (key, route): (&Key, (LinkId, Direction)),
        segment: &Segment<'_>,
        attempt: AttemptId,
        out: &mut Outbox<'_, Self>,
    ) {
        let answer = refusal(segment);
        let header = Header {
            from: key.own(),
            to: key.far,
            channel: key.channel(),
            attempt,
            pair: NO_PAIR,
            rule: NO_RULE,
            carried: carried(&answer, false, 1, false),
            journey: Journey::default(),
        };
        let mut packet = core::mem::take(&mut self.scratch.record);
        packet.clear();
        answer.encode(&mut packet);
        self.tally.transport.sent(1);
        match self.attacks.mailbox(key.far.host) {
            Some((tap, whole)) => out.mail(tap, route, whole, header, &packet),
            None => out.send(route.0, route.1, header, &packet),
        }
        self.scratch.record = packet;
    }

    /// Runs something of the stream in `slot` that exists.
    pub(super) fn with_stream(
        &mut self,
        now: SimTime,
        slot: u32,
        out: &mut Outbox<'_, Self>,
        run: impl FnOnce(&mut Stream<Meta>, u64, &mut Wire<'_, '_, T>),
    ) {
        self.with_end(now, slot, out, |body, now, wire| {
            if let Body::Stream(stream) = body {
                run(stream, now, wire);
            }
        });
    }

    /// Runs what makes the stream of `slot`.
    pub(super) fn with_new_stream(
        &mut self,
        now: SimTime,
        slot: u32,
        out: &mut Outbox<'_, Self>,
        run: impl FnOnce(u64, &mut Wire<'_, '_, T>) -> Stream<Meta>,
    ) {
        self.with_end(now, slot, out, |body, now, wire| {
            *body = Body::Stream(run(now, wire));
        });
    }

    pub(super) fn with_end(
        &mut self,
        now: SimTime,
        slot: u32,
        out: &mut Outbox<'_, Self>,
        run: impl FnOnce(&mut Body, u64, &mut Wire<'_, '_, T>),
    ) {
        // Taken out for the time of the call, so that the rest of the world may change meanwhile.
        let Some(mut transports) = self.transports.take() else {
            return;
        };
        let mut packet = core::mem::take(&mut transports.scratch);
        let timer = transports.timer(slot);
        let mut forged = Vec::new();
        let mut fresh = 0;
        if let Some(end) = transports.end(slot) {
            fresh = end.inbox.len();
            let mut wire = Wire {
                out: &mut *out,
                key: end.key,
                route: end.route,
                machine: end.machine,
                mail: end.mail,
                inbox: &mut end.inbox,
                forged: &mut forged,
                packet: &mut packet,
                counts: &mut self.tally.transport,
            };
            run(&mut end.body, now.0, &mut wire);
            let wanted = end.stream().and_then(Stream::deadline_ns);
            if wanted != end.armed_ns {
                end.armed_ns = wanted;
                let node = end.key.node;
                match wanted {
                    Some(at) => {
                        let (group, member) = self.place(node);
                        let after = self
                            .clock(group, member)
                            .true_span(at.saturating_sub(now.0));
                        out.arm(timer, SimDuration(after));
                    }
                    None => out.cancel(timer),
                }
            }
        }
        // What a record holds goes on from its sender to the event that waits for the machine.
        let mut held = Vec::new();
        if let Some(end) = transports.end(slot) {
            for event in end.inbox.iter().skip(fresh) {
                if let Event::Bytes { meta, end, .. } = event
                    && meta.pair != NO_PAIR
                {
                    held.push((meta.pair, *end));
                }
            }
            // What an adversary put in or took out does not count in the sender's numbers.
            let (link, far, own) = (end.route.0, end.key.far, end.key.own());
            for (_, end) in &mut held {
                *end = self.attacks.sender_number(link, (far, own), *end);
            }
        }
        held.retain(|(_, end)| !transports.note_delivered(slot, *end));
        transports.scratch = packet;
        self.transports = Some(transports);
        for (pair, _) in held {
            self.hold(pair);
        }
        for pair in forged {
            self.let_go(now.0, pair);
        }
    }
}
