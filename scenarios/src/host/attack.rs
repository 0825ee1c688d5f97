//! Where attackers in code meet the world: what they are shown, and what they asked for.
//!
//! An attacker is called with copies of what its position lets it see. What it asks for is carried
//! out by the engine as the adversary's own: its frames belong to sequences and draw from streams of
//! their own.

mod knowledge;
pub(crate) mod records;
mod sending;
pub(crate) mod streams;

use protocols::attack::{Action, AttackContext, Attacker, Claim, View};
use protocols::attack::{Power, Verdict as Decision};
use protocols::{Address, Channel};
use sim_engine::order::TAP_ENTITY_BASE;
use sim_engine::{NodeId, Outbox, Passage, SimDuration, SimTime, Source, TimerId, Verdict};

use super::attempt::AttemptId;
use super::tables::{Happening, Header, Journey, Tables};
use super::transport::carried::Carried;
use super::{NO_PAIR, NodeEntropy, World};
use crate::attack::{Mind, Wish};
use crate::oracle::Cause;
use crate::scenario::GrantTime;

/// The secret that is a snapshot of all durable records.
pub(crate) const STORAGE: &str = "storage";

/// Control events of adversaries; their owner is the tap's entity.
mod control {
    /// A timer of an attacker; the key is the host's own name for it.
    pub(super) const TIMER: u8 = 1;
    /// A secret is told; the key is its place among what the adversary knows.
    pub(super) const GRANT: u8 = 2;
    /// The adversary stops: what it holds goes on.
    pub(super) const STOP: u8 = 3;
    /// A record that it delayed or repeats is due; the key is its own.
    pub(super) const RECORD: u8 = 4;
    /// The timer of a connection that an adversary has opened; the key is its place.
    pub(super) const STREAM: u8 = 5;
}

impl<T: Tables> World<T> {
    /// Starts the attackers of adversary `tap`; `out` is that of the tap's entity.
    pub(crate) fn start_attack(&mut self, now: SimTime, tap: u32, out: &mut Outbox<'_, Self>) {
        let adversary = tap as usize;
        let owner = NodeId(TAP_ENTITY_BASE + tap);
        let spec = self.taps.all()[adversary].spec.clone();
        if spec.powers.delay || spec.powers.reorder {
            let stop = TimerId {
                kind: control::STOP,
                key: 0,
            };
            out.arm_control(owner, stop, SimTime(self.attacks.until_ns));
        }
        for (key, known) in (0u32..).zip(&spec.knows) {
            match known.at {
                GrantTime::At(0) => self.tell_all(now, adversary, known, out),
                GrantTime::At(at_ns) => {
                    let grant = TimerId {
                        kind: control::GRANT,
                        key,
                    };
                    out.arm_control(owner, grant, SimTime(at_ns));
                }
                GrantTime::Always => {}
            }
        }
        for place in self.attacks.of(adversary).to_vec() {
            self.with_attacker(now, place, |attacker, cx| attacker.on_start(cx));
            self.carry_out_wishes(now, place, out);
        }
    }

    /// What every party holds at the start.
    pub(crate) fn begin_watch(&mut self) {
        for node in 0..u32::try_from(self.group_of.len()).unwrap_or(0) {
            self.note_secrets(node);
        }
    }

    /// A control event of an adversary.
    pub(super) fn on_attack_control(
        &mut self,
        now: SimTime,
        owner: NodeId,
        event: TimerId,
        out: &mut Outbox<'_, Self>,
    ) {
        let adversary = (owner.0 - TAP_ENTITY_BASE) as usize;
        match event.kind {
            control::STOP => {
                for place in self.attacks.of(adversary).to_vec() {
                    let held = core::mem::take(&mut self.attacks.instances[place].held);
                    for packet in held.into_values() {
                        out.release_held(packet, SimDuration::ZERO);
                    }
                    let kept = core::mem::take(&mut self.attacks.instances[place].kept);
                    for record in kept.into_values() {
                        self.no_longer_held(place, &record);
                        self.insert_record(place, record, out);
                    }
                }
            }
            control::RECORD => self.record_is_due(event.key, out),
            control::STREAM => self.own_stream_timer(now, event.key as usize, out),
            _ if now.0 >= self.attacks.until_ns => {}
            control::GRANT => {
                let knows = self.taps.all()[adversary].spec.knows.clone();
                let key = event.key as usize;
                if let Some(known) = knows.get(key) {
                    self.tell_all(now, adversary, known, out);
                }
            }
            _ => {
                if let Some((place, timer)) = self.attacks.timer(adversary, event.key) {
                    self.with_attacker(now, place, |attacker, cx| attacker.on_timer(timer, cx));
                    self.carry_out_wishes(now, place, out);
                }
            }
        }
    }

    /// Calls an attacker and keeps what it asks for.
    fn with_attacker<R>(
        &mut self,
        now: SimTime,
        place: usize,
        run: impl FnOnce(&mut dyn Attacker, &mut AttackContext<'_>) -> R,
    ) -> Option<R> {
        let mut attacker = self.attacks.instances[place].attacker.take()?;
        let mut crypto = core::mem::take(&mut self.attacks.crypto);
        crypto.meter.clear();
        let mut actions = Vec::new();
        let instance = &mut self.attacks.instances[place];
        let mut entropy = NodeEntropy {
            streams: &mut self.randomness.streams,
            name: instance.stream,
            position: &mut instance.position,
        };
        let mut cx = AttackContext {
            now: protocols::LocalTime(self.epoch_ns.saturating_add(now.0)),
            entropy: &mut entropy,
            crypto: &mut crypto,
            actions: &mut actions,
        };
        let result = run(attacker.attacker(), &mut cx);
        self.attacks.crypto = crypto;
        self.attacks.instances[place].attacker = Some(attacker);
        self.attacks.wish(place, now.0, actions);
        Some(result)
    }

    fn view<'a>(&mut self, place: usize, header: &Header, bytes: &'a [u8]) -> View<'a> {
        let frame = self.attacks.next_frame(place, header.from.host);
        let breaks = {
            let adversary = self.attacks.instances[place].adversary;
            self.taps.all()[adversary].spec.breaks_channel
        };
        let readable = header.channel == Channel::Public || breaks;
        // On a stream it sees the records; what the transport adds tells it nothing.
        let bytes = header.carried.message(bytes).filter(|_| readable);
        let bytes = bytes.unwrap_or(&[]);
        let message = self.instance.classify(bytes);
        self.attacks.instances[place].last = (
            header.attempt,
            (!bytes.is_empty()).then_some(Cause {
                message,
                from: header.from,
            }),
        );
        let shown =
            |address: Address| Address::new(self.attacks.shown(place, address.host), address.port);
        View {
            frame,
            from: shown(header.from),
            to: shown(header.to),
            from_role: self.attacks.role(header.from.host),
            to_role: self.attacks.role(header.to.host),
            channel: header.channel,
            message,
            bytes,
        }
    }

    /// What a frame carries inside, where a rule goes by that: its receiver's secrets tell.
    fn carried_inside(&self, place: usize, header: &Header, bytes: &[u8]) -> Option<usize> {
        let Some(Mind::Rules(rules)) = &self.attacks.instances[place].attacker else {
            return None;
        };
        let message = header
            .carried
            .message(bytes)
            .filter(|_| rules.looks_inside())?;
        self.with_holder(header.to.host, |receiver| {
            self.instance.inner(receiver, message)
        })?
    }

    /// A frame passes an attacker; `None` when none stands there or it has stopped.
    pub(super) fn attack_on_tap(
        &mut self,
        now: SimTime,
        passage: &Passage<'_>,
        header: &Header,
        rewritten: &mut Vec<u8>,
    ) -> Option<Verdict> {
        if now.0 >= self.attacks.until_ns {
            return None;
        }
        let place = self.attacks.at(passage.tap as usize, passage.meta.link.0)?;
        if self.attacks.instances[place]
            .lacks
            .contains(&Power::Observe)
        {
            // It was not granted a look at what passes, and does without.
            return None;
        }
        let carried = self.carried_inside(place, header, passage.bytes);
        if let Some(Mind::Rules(rules)) = &mut self.attacks.instances[place].attacker {
            rules.tell(passage.meta.direction, header.attempt, carried);
        }
        let view = self.view(place, header, passage.bytes);
        let decision =
            self.with_attacker(now, place, |attacker, cx| attacker.on_packet(&view, cx))?;
        let verdict = match decision {
            Decision::Pass => Verdict::Pass,
            Decision::Drop => Verdict::Drop,
            Decision::Delay(span) => Verdict::Delay(SimDuration(span.nanos())),
            Decision::Hold => {
                let held = &mut self.attacks.instances[place].held;
                held.insert(view.frame, passage.packet);
                Verdict::Hold
            }
            Decision::Duplicate { copies, after } => Verdict::Duplicate {
                copies,
                after: SimDuration(after.nanos()),
            },
            Decision::Modify(bytes) if bytes == view.bytes => Verdict::Pass,
            Decision::Modify(bytes) => {
                let before = passage.bytes.len() - view.bytes.len();
                rewritten.extend_from_slice(&passage.bytes[..before]);
                rewritten.extend_from_slice(&bytes);
                Verdict::Modify
            }
            Decision::Redirect(to) => {
                let header = Header { to, ..*header };
                let bytes = view.bytes.to_vec();
                let wishes = &mut self.attacks.instances[place].wishes;
                wishes.push(Wish::Redirect { header, bytes });
                Verdict::Redirect
            }
        };
        if verdict != Verdict::Pass {
            let instance = &mut self.attacks.instances[place];
            instance.acted += 1;
            instance.last_ns = Some(now.0);
        }
        Some(verdict)
    }

    /// The place, among the names of all rules, of what acted on the frame that passed last.
    pub(super) fn attack_rule(&self, tap: u32, link: u32) -> u16 {
        let adversary = tap as usize;
        let after = self.attacks.rule_place[adversary];
        let instance = self.attacks.at(adversary, link);
        let mind = instance.and_then(|place| self.attacks.instances[place].attacker.as_ref());
        match mind {
            Some(Mind::Rules(rules)) => {
                let own = u16::try_from(rules.counts().len()).unwrap_or(0);
                let acted = rules.acted().and_then(|rule| u16::try_from(rule).ok());
                acted.map_or(after, |rule| after - own + rule)
            }
            _ => after,
        }
    }

    /// What the attackers of a tap asked for while a frame passed.
    pub(super) fn attack_on_tap_done(
        &mut self,
        now: SimTime,
        tap: u32,
        out: &mut Outbox<'_, Self>,
    ) {
        for index in 0..self.attacks.of(tap as usize).len() {
            let place = self.attacks.of(tap as usize)[index];
            self.carry_out_wishes(now, place, out);
        }
    }

    /// A frame has reached an own address of an attacker, or the party that it plays.
    pub(super) fn attack_on_mail(
        &mut self,
        now: SimTime,
        place: usize,
        header: &Header,
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        if now.0 >= self.attacks.until_ns {
            return;
        }
        let view = self.view(place, header, bytes);
        self.with_attacker(now, place, |attacker, cx| attacker.on_mail(&view, cx));
        self.carry_out_wishes(now, place, out);
    }

    /// Carries out what an attacker asked for, in order.
    fn carry_out_wishes(&mut self, now: SimTime, place: usize, out: &mut Outbox<'_, Self>) {
        let wishes = core::mem::take(&mut self.attacks.instances[place].wishes);
        let adversary = self.attacks.instances[place].adversary;
        let tap = u32::try_from(adversary).unwrap_or(0);
        let owner = NodeId(TAP_ENTITY_BASE + tap);
        for wish in wishes {
            match wish {
                Wish::Segment { way, header, bytes } => {
                    let source = Source::Forwarded;
                    self.send_segment(place, way, source, (header, &bytes), out);
                }
                Wish::Later { record, after_ns } => {
                    self.arm_record(now, (place, owner), record, after_ns, out);
                }
                Wish::Hears {
                    stream,
                    header,
                    bytes,
                } => self.hear_on_own_stream(now, stream, &header, &bytes, out),
                // After its time only connections that it stands in go on.
                _ if now.0 >= self.attacks.until_ns => {}
                Wish::Redirect { header, bytes } => {
                    self.put_on_link(place, header, Source::Redirected, &bytes, out);
                }
                Wish::Act(Action::Inject {
                    from,
                    to,
                    channel,
                    bytes,
                }) => {
                    let header = Header {
                        from,
                        to,
                        channel,
                        attempt: AttemptId::NONE,
                        pair: NO_PAIR,
                        rule: self.attacks.rule_place[adversary],
                        carried: Carried::MESSAGE,
                        journey: Journey::default(),
                    };
                    self.send_as_attacker(place, header, &bytes, out);
                }
                Wish::Act(Action::Arm { timer, after }) => {
                    let key = self.attacks.timer_key(place, timer);
                    let at = now.0.saturating_add(after.nanos());
                    let id = TimerId {
                        kind: control::TIMER,
                        key,
                    };
                    out.as_entity(owner).arm_control(owner, id, SimTime(at));
                }
                Wish::Act(Action::Cancel { timer }) => {
                    let key = self.attacks.timer_key(place, timer);
                    let id = TimerId {
                        kind: control::TIMER,
                        key,
                    };
                    out.cancel_control(owner, id);
                }
                Wish::Act(Action::Release { frame, after }) => {
                    let instance = &mut self.attacks.instances[place];
                    if let Some(packet) = instance.held.remove(&frame) {
                        out.release_held(packet, SimDuration(after.nanos()));
                    } else if let Some(record) = instance.kept.remove(&frame) {
                        self.arm_record(now, (place, owner), record, after.nanos(), out);
                    }
                }
                Wish::Act(Action::Claim(claim)) => {
                    let told = self.judge_claim(now, place, &claim);
                    if let (Some((attempt, of)), Claim::Secret { kind, bytes, .. }) = (told, &claim)
                    {
                        out.recorder().witness(attempt);
                        if out.recorder().listens() {
                            let what = Happening::Claimed {
                                rule: self.attacks.rule_place[adversary],
                                kind,
                                of,
                                bytes,
                            };
                            out.recorder().happening(now.0, owner.0, attempt, what);
                        }
                    }
                }
                Wish::Act(Action::Sent {
                    session,
                    seq,
                    digest,
                }) => {
                    if let Some(seat) = self.taps.all()[adversary].spec.seat {
                        let oracle = &mut self.watch.integrity;
                        oracle.sent(seat, session, seq, digest);
                        oracle.planted(session, seq, digest);
                    }
                }
                Wish::Act(Action::Named { principal }) => {
                    if let Some(seat) = self.taps.all()[adversary].spec.seat {
                        self.principals.name(principal, seat);
                    }
                }
                Wish::Act(Action::Running { peer, run }) => {
                    if let Some(seat) = self.taps.all()[adversary].spec.seat {
                        self.agreement.running(seat, peer, run, AttemptId::NONE);
                    }
                }
                Wish::Act(Action::Tried) => {}
            }
        }
    }
}
