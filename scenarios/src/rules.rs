//! Rules that need memory, or that send something of their own.
//!
//! An adversary whose rules only drop, delay or duplicate by direction, message and number is
//! carried out where the packet passes ([`crate::adversary`]). Any other is an attacker like those
//! in code: it draws from a stream of its own, and its frames are its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocols::attack::{AttackContext, Attacker, Verdict, View};
use protocols::protocol::Instance;
use protocols::roster::Roster;
use protocols::wire::{FieldKind, Layout};
use protocols::{Address, Channel, LocalTime, Span};
use sim_engine::Direction;

use crate::adversary::RuleCounts;
use crate::host::attempt::AttemptId;
use crate::scenario::{Action, Edit, Frame, Rule};

/// Sessions of an initiator that are kept for replay.
const SESSIONS_KEPT: usize = 4;
/// Frames of a session that are kept.
const FRAMES_KEPT: usize = 256;
/// First own port.
const PORT: u16 = 40_000;
/// Timers of floods: this plus the rule.
const FLOOD: u32 = 1 << 30;

/// A frame that passed.
#[derive(Clone, Debug)]
struct Kept {
    at: LocalTime,
    from: Address,
    to: Address,
    channel: Channel,
    bytes: Vec<u8>,
}

/// A session as it was heard: from its first message to the next one of that kind, which begins another
/// unless it repeats the first within the same attempt.
#[derive(Clone, Debug)]
struct Recording {
    /// The attempt of its first message.
    attempt: u32,
    /// Its first message.
    message: Option<usize>,
    frames: Vec<Kept>,
}

/// An adversary that acts by rules.
#[derive(Debug)]
pub(crate) struct RuleRunner {
    rules: Vec<Rule>,
    instance: Arc<dyn Instance>,
    roster: Arc<Roster>,
    /// True time 0, ns since 1970.
    epoch_ns: u64,
    own_host: u32,
    next_port: u16,
    counts: Vec<RuleCounts>,
    /// Per rule: packets that fitted, by hosts at the ends.
    seen: Vec<BTreeMap<(u32, u32), u64>>,
    /// Per rule: coins of sessions.
    coins: Vec<BTreeMap<(u32, u32), bool>>,
    /// Sessions of initiators, the newest last.
    kept: BTreeMap<u32, Vec<Recording>>,
    /// The last frame of each message.
    last: BTreeMap<usize, Vec<u8>>,
    /// What is to be sent later, by timer.
    later: BTreeMap<u32, Kept>,
    timers: u32,
    /// What passes right now: direction and attempt, which the world tells.
    passing: (Direction, AttemptId),
    /// What it carries inside, where a rule asks for that.
    carried: Option<usize>,
    /// The rule that acted last.
    acted: Option<usize>,
}

impl RuleRunner {
    pub(crate) fn new(
        rules: Vec<Rule>,
        (instance, roster): (Arc<dyn Instance>, Arc<Roster>),
        epoch_ns: u64,
        own_host: u32,
    ) -> Self {
        let count = rules.len();
        Self {
            rules,
            instance,
            roster,
            epoch_ns,
            own_host,
            next_port: PORT,
            counts: vec![RuleCounts::default(); count],
            seen: vec![BTreeMap::new(); count],
            coins: vec![BTreeMap::new(); count],
            kept: BTreeMap::new(),
            last: BTreeMap::new(),
            later: BTreeMap::new(),
            timers: 0,
            passing: (Direction::Up, AttemptId::NONE),
            carried: None,
            acted: None,
        }
    }

    /// Says what passes next.
    pub(crate) const fn tell(
        &mut self,
        direction: Direction,
        attempt: AttemptId,
        carried: Option<usize>,
    ) {
        self.passing = (direction, attempt);
        self.carried = carried;
        self.acted = None;
    }

    /// True when a rule goes by what travels inside messages.
    pub(crate) fn looks_inside(&self) -> bool {
        self.rules
            .iter()
            .any(|rule| !rule.matching.inner.is_empty())
    }

    /// The rule that acted on what passed last.
    pub(crate) const fn acted(&self) -> Option<usize> {
        self.acted
    }

    /// What each rule has seen and done.
    pub(crate) fn counts(&self) -> &[RuleCounts] {
        &self.counts
    }

    fn layout(&self, view: &View<'_>) -> Option<&Layout> {
        self.instance.layouts().get(view.message?)
    }

    fn fits(&self, rule: &Rule, view: &View<'_>, now: LocalTime) -> bool {
        let matching = &rule.matching;
        let (direction, attempt) = self.passing;
        let at_ns = now.0.saturating_sub(self.epoch_ns);
        let (from, to) = (view.from.host, view.to.host);
        matching.direction.is_none_or(|wanted| wanted == direction)
            && (matching.messages.is_empty() && matching.inner.is_empty()
                || view
                    .message
                    .is_some_and(|message| matching.messages.contains(&message))
                || self
                    .carried
                    .is_some_and(|inner| matching.inner.contains(&inner)))
            && matching.from.is_none_or(|wanted| wanted == from)
            && matching.to.is_none_or(|wanted| wanted == to)
            && matching
                .node
                .is_none_or(|wanted| wanted == from || wanted == to)
            && (matching.sessions.is_empty()
                || attempt.is_some() && matching.sessions.contains(&attempt.number))
            && at_ns >= matching.after_ns
            && matching.before_ns.is_none_or(|before| at_ns < before)
            && matching
                .fields
                .iter()
                .all(|(name, value)| self.has(view, name, value))
    }

    fn has(&self, view: &View<'_>, name: &str, value: &[u8]) -> bool {
        let Some(layout) = self.layout(view) else {
            return false;
        };
        let Some(index) = layout.fields.iter().position(|field| field.name == name) else {
            return false;
        };
        let Ok(located) = layout.locate(view.bytes) else {
            return false;
        };
        let bytes = located.field(index);
        match layout.fields[index].kind {
            FieldKind::Integer | FieldKind::Tag => trimmed(bytes) == trimmed(value),
            _ => bytes == value,
        }
    }

    fn falls(&mut self, index: usize, cx: &mut AttackContext<'_>) -> bool {
        let rule = &self.rules[index];
        let probability = rule.probability;
        if probability.is_certain() || probability.is_never() {
            return probability.is_certain();
        }
        let attempt = self.passing.1;
        if !rule.per_session || !attempt.is_some() {
            return probability.accepts(draw(cx));
        }
        let coin = self.coins[index].entry((attempt.initiator, attempt.number));
        *coin.or_insert_with(|| probability.accepts(draw(cx)))
    }

    fn keep(&mut self, view: &View<'_>, now: LocalTime) {
        if let Some(message) = view.message {
            self.last.insert(message, view.bytes.to_vec());
        }
        let (_, attempt) = self.passing;
        if !attempt.is_some() {
            return;
        }
        let begins = self.begins(view);
        let sessions = self.kept.entry(attempt.initiator).or_default();
        if begins {
            sessions.push(Recording {
                attempt: attempt.number,
                message: view.message,
                frames: Vec::new(),
            });
            if sessions.len() > SESSIONS_KEPT {
                sessions.remove(0);
            }
        }
        if let Some(recording) = sessions.last_mut()
            && recording.frames.len() < FRAMES_KEPT
        {
            recording.frames.push(Kept {
                at: now,
                from: view.from,
                to: view.to,
                channel: view.channel,
                bytes: view.bytes.to_vec(),
            });
        }
    }

    /// Whether a frame begins another session than the one that is being recorded.
    fn begins(&self, view: &View<'_>) -> bool {
        let attempt = self.passing.1;
        let sessions = self.kept.get(&attempt.initiator);
        sessions
            .and_then(|all| all.last())
            .is_none_or(|last| last.message == view.message && last.attempt != attempt.number)
    }

    fn own(&mut self) -> Address {
        let port = self.next_port;
        self.next_port = port.checked_add(1).unwrap_or(PORT);
        Address::new(self.own_host, port)
    }

    fn send(&mut self, frame: Kept, after: Span, cx: &mut AttackContext<'_>) {
        if after == Span::ZERO {
            cx.inject_on(frame.from, frame.to, frame.channel, frame.bytes);
            return;
        }
        let timer = self.timers;
        self.timers += 1;
        self.later.insert(timer, frame);
        cx.arm(timer, after);
    }

    fn replay(
        &mut self,
        view: &View<'_>,
        (after_ns, to, own, session): (u64, Option<u32>, bool, bool),
        cx: &mut AttackContext<'_>,
    ) -> bool {
        let frames: Vec<Kept> = if session {
            let initiator = self.passing.1.initiator;
            let sessions = self.kept.get(&initiator).map_or(&[][..], Vec::as_slice);
            let under_way = usize::from(!self.begins(view));
            let before = sessions.len().checked_sub(1 + under_way);
            let Some(recording) = before.and_then(|before| sessions.get(before)) else {
                return false;
            };
            let of_sender = recording.frames.iter();
            of_sender
                .filter(|frame| frame.from.host == view.from.host)
                .cloned()
                .collect()
        } else {
            vec![Kept {
                at: cx.now,
                from: view.from,
                to: view.to,
                channel: view.channel,
                bytes: view.bytes.to_vec(),
            }]
        };
        let Some(first) = frames.first().map(|frame| frame.at) else {
            return false;
        };
        let from = own.then(|| self.own());
        for mut frame in frames {
            frame.from = from.unwrap_or(frame.from);
            if let Some(host) = to {
                frame.to.host = host;
            }
            let spaced = frame.at.since(first).nanos();
            self.send(frame, Span(after_ns.saturating_add(spaced)), cx);
        }
        true
    }

    fn build(&mut self, frame: &Frame, channel: Channel) -> Kept {
        let to = Address::new(frame.to, self.port_of(frame.to));
        let from = frame
            .from
            .map(|host| Address::new(host, self.port_of(host)));
        Kept {
            at: LocalTime(0),
            from: from.unwrap_or_else(|| self.own()),
            to,
            channel,
            bytes: frame.bytes.clone(),
        }
    }

    /// The port on which a party listens.
    fn port_of(&self, host: u32) -> u16 {
        let party = self.roster.parties.get(host as usize);
        party.map_or(0, |party| self.instance.port(party.role))
    }

    fn edited(&self, view: &View<'_>, edits: &[Edit], cx: &mut AttackContext<'_>) -> Vec<u8> {
        let mut bytes = view.bytes.to_vec();
        for edit in edits {
            match edit {
                Edit::Flip { field, bit } => {
                    let range = match field {
                        Some(field) => self.range(view, &bytes, field),
                        None => Some(0..bytes.len()),
                    };
                    let Some(range) = range.filter(|range| !range.is_empty()) else {
                        continue;
                    };
                    let bits = range.len() as u64 * 8;
                    let bit = bit.map_or_else(|| cx.uniform(bits), |bit| bit % bits);
                    let at = range.start + usize::try_from(bit / 8).unwrap_or(0);
                    bytes[at] ^= 0x80 >> (bit % 8);
                }
                Edit::Set { field, value } => self.put(view, &mut bytes, field, value),
                Edit::Truncate(length) => bytes.truncate(*length),
                Edit::Extend(by) => bytes.resize(bytes.len() + by, 0),
                Edit::Swap {
                    field,
                    message,
                    other,
                } => {
                    let layout = self.instance.layouts().get(*message);
                    let value = layout
                        .zip(self.last.get(message))
                        .and_then(|(layout, frame)| {
                            let index = layout.fields.iter().position(|it| it.name == other)?;
                            Some(layout.locate(frame).ok()?.field(index).to_vec())
                        });
                    if let Some(value) = value {
                        self.put(view, &mut bytes, field, &value);
                    }
                }
            }
        }
        bytes
    }

    /// Puts the low bytes of `value` into a field, with zeros before them where it is longer.
    fn put(&self, view: &View<'_>, bytes: &mut [u8], field: &str, value: &[u8]) {
        let Some(range) = self.range(view, bytes, field) else {
            return;
        };
        let place = &mut bytes[range];
        place.fill(0);
        let count = place.len().min(value.len());
        let start = place.len() - count;
        place[start..].copy_from_slice(&value[value.len() - count..]);
    }

    fn range(&self, view: &View<'_>, bytes: &[u8], field: &str) -> Option<core::ops::Range<usize>> {
        let layout = self.layout(view)?;
        let index = layout.fields.iter().position(|it| it.name == field)?;
        let located = layout.locate(bytes).ok()?;
        let start = located.offset(index);
        Some(start..start + located.field(index).len())
    }

    /// Carries out a rule; `None` when there was nothing that it could do.
    fn act(
        &mut self,
        index: usize,
        view: &View<'_>,
        cx: &mut AttackContext<'_>,
    ) -> Option<Verdict> {
        let verdict = match self.rules[index].action.clone() {
            Action::Drop => Verdict::Drop,
            Action::Delay { by } => Verdict::Delay(Span(by.sample_ns(draw(cx)).0)),
            Action::Duplicate { copies, after_ns } => Verdict::Duplicate {
                copies,
                after: Span(after_ns),
            },
            Action::Replay {
                after_ns,
                to,
                own,
                session,
            } => {
                if !self.replay(view, (after_ns, to, own, session), cx) {
                    return None;
                }
                Verdict::Pass
            }
            Action::Modify(edits) => {
                let bytes = self.edited(view, &edits, cx);
                if bytes == view.bytes {
                    return None;
                }
                Verdict::Modify(bytes)
            }
            Action::Reflect => {
                let bytes = view.bytes.to_vec();
                cx.inject_on(view.to, view.from, view.channel, bytes);
                Verdict::Pass
            }
            Action::Inject(frame) => {
                let built = self.build(&frame, view.channel);
                self.send(built, Span(frame.after_ns), cx);
                Verdict::Pass
            }
            Action::Flood { .. } => Verdict::Pass,
        };
        Some(verdict)
    }
}

impl RuleRunner {
    /// The rules behind the one that acts count the frame too: the n-th that fits a rule is the n-th
    /// whatever others do.
    fn count_behind(&mut self, acted: usize, view: &View<'_>, now: LocalTime) {
        for index in acted + 1..self.rules.len() {
            let rule = &self.rules[index];
            if rule.matching.nth.is_some() && self.fits(rule, view, now) {
                let seen = self.seen[index].entry((view.from.host, view.to.host));
                *seen.or_default() += 1;
            }
        }
    }
}

impl Attacker for RuleRunner {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        for (number, rule) in (0u32..).zip(&self.rules) {
            if let Action::Flood { .. } = rule.action {
                cx.arm(FLOOD + number, Span(rule.matching.after_ns));
            }
        }
    }

    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let now = cx.now;
        self.acted = None;
        let mut verdict = Verdict::Pass;
        for index in 0..self.rules.len() {
            let rule = &self.rules[index];
            let floods = matches!(rule.action, Action::Flood { .. });
            if floods || !self.fits(rule, view, now) {
                continue;
            }
            if let Some(nth) = rule.matching.nth {
                let seen = self.seen[index]
                    .entry((view.from.host, view.to.host))
                    .or_default();
                *seen += 1;
                if *seen != nth {
                    continue;
                }
            }
            self.counts[index].matches += 1;
            if !self.falls(index, cx) {
                continue;
            }
            // Nothing recorded to replay, nothing to change: the rule has matched and not acted.
            let Some(done) = self.act(index, view, cx) else {
                continue;
            };
            self.counts[index].actions += 1;
            self.acted = Some(index);
            verdict = done;
            break;
        }
        if let Some(acted) = self.acted {
            self.count_behind(acted, view, now);
        }
        self.keep(view, now);
        verdict
    }

    fn on_timer(&mut self, timer: u32, cx: &mut AttackContext<'_>) {
        let Some(index) = timer.checked_sub(FLOOD) else {
            if let Some(frame) = self.later.remove(&timer) {
                cx.inject_on(frame.from, frame.to, frame.channel, frame.bytes);
            }
            return;
        };
        let index = index as usize;
        let Some(rule) = self.rules.get(index).cloned() else {
            return;
        };
        let at_ns = cx.now.0.saturating_sub(self.epoch_ns);
        let over = rule
            .matching
            .before_ns
            .is_some_and(|before| at_ns >= before);
        if let Action::Flood { frame, every } = rule.action
            && !over
        {
            self.counts[index].matches += 1;
            if self.falls(index, cx) {
                self.counts[index].actions += 1;
                let built = self.build(&frame, Channel::Public);
                cx.inject_on(built.from, built.to, built.channel, built.bytes);
            }
            let next = every.sample_ns(draw(cx)).0.max(1);
            cx.arm(timer, Span(next));
        }
    }
}

fn draw(cx: &mut AttackContext<'_>) -> u64 {
    let mut bytes = [0; 8];
    cx.random(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Without leading zeros.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}
