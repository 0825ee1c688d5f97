//! One end's confirmable exchanges with one peer (RFC 7252, sections 4.2 to 4.7 and 5.2).
//!
//! A machine without input or output, like [`super::stream`]. A message is sent until it is
//! acknowledged, with a first timeout drawn between bounds and each further one longer by a factor;
//! what arrives twice is delivered once, and its first answer is given again. An answer that the
//! receiver gives while it handles a message rides on the acknowledgement; without one an empty
//! acknowledgement goes when the handler is through.

use std::collections::VecDeque;

use super::coap::{Kind, Message};
use super::config::ConfirmableSettings;

/// Receives what the exchanges of one end do.
pub(crate) trait Sink<M> {
    /// A message goes out, for the `transmission`-th time.
    fn emit(&mut self, message: &Message<'_>, meta: M, transmission: u32);
    /// A message has arrived, for the first time.
    fn message(&mut self, payload: &[u8], meta: M);
    /// An exchange is over: acknowledged, or, if `given_up`, not.
    fn over(&mut self, meta: M, given_up: bool);
    /// 64 random bits of their own for the exchange that begins now, `n`-th of this end.
    fn draw(&mut self, n: u64) -> u64;
}

/// A message that waits to be sent, or to be acknowledged.
#[derive(Clone, Debug)]
struct Open<M> {
    id: u16,
    bytes: Vec<u8>,
    meta: M,
    transmissions: u32,
    timeout_ns: u64,
    due_ns: u64,
}

/// A message id of the peer.
#[derive(Clone, Debug)]
struct Seen {
    id: u16,
    until_ns: u64,
    /// The acknowledgement given, once there is one.
    answer: Option<Answer>,
}

#[derive(Clone, Debug)]
struct Answer {
    payload: Option<Vec<u8>>,
    transmissions: u32,
}

/// The exchanges of one end with one peer; `M` is what the caller attaches to a message.
#[derive(Clone, Debug)]
pub(crate) struct Exchanges<M> {
    settings: ConfirmableSettings,
    next_id: u16,
    begun: u64,
    /// In the order of sending; the first `nstart` at most are on their way.
    open: VecDeque<Open<M>>,
    seen: VecDeque<Seen>,
    /// The message in hand, whose acknowledgement is due.
    due: Option<u16>,
}

impl<M: Copy> Exchanges<M> {
    /// None yet; ids begin with `first_id`.
    pub(crate) const fn new(settings: ConfirmableSettings, first_id: u16) -> Self {
        Self {
            settings,
            next_id: first_id,
            begun: 0,
            open: VecDeque::new(),
            seen: VecDeque::new(),
            due: None,
        }
    }

    /// When [`Exchanges::on_timer`] is to be called, ns.
    pub(crate) fn deadline_ns(&self) -> Option<u64> {
        let under_way = self.open.iter().filter(|open| open.transmissions > 0);
        under_way.map(|open| open.due_ns).min()
    }

    /// What is attached to messages that are not acknowledged.
    pub(crate) fn unacknowledged(&self) -> impl Iterator<Item = M> {
        self.open.iter().map(|open| open.meta)
    }

    /// Sends a message: on the acknowledgement that is due, else in an exchange of its own.
    pub(crate) fn send(&mut self, bytes: &[u8], meta: M, now: u64, sink: &mut impl Sink<M>) {
        if let Some(id) = self.due.take() {
            self.answer(id, Some(bytes), meta, sink);
            // The peer's exchange stays open until this arrives, so nothing waits for it here.
            sink.over(meta, false);
            return;
        }
        let id = self.take_id();
        self.open.push_back(Open {
            id,
            bytes: bytes.to_vec(),
            meta,
            transmissions: 0,
            timeout_ns: 0,
            due_ns: 0,
        });
        self.push(now, sink);
    }

    /// Sends a message once, without acknowledgement.
    pub(crate) fn send_once(&mut self, bytes: &[u8], meta: M, sink: &mut impl Sink<M>) {
        let message = Message {
            kind: Kind::NonConfirmable,
            id: self.take_id(),
            payload: Some(bytes),
        };
        sink.emit(&message, meta, 1);
        sink.over(meta, false);
    }

    /// A message arrived; `meta` is what its sender attached.
    pub(crate) fn on_message(
        &mut self,
        message: &Message<'_>,
        meta: M,
        now: u64,
        sink: &mut impl Sink<M>,
    ) {
        while self.seen.front().is_some_and(|seen| seen.until_ns <= now) {
            self.seen.pop_front();
        }
        match (message.kind, message.payload) {
            (Kind::Confirmable | Kind::NonConfirmable, Some(payload)) => {
                let confirmable = message.kind == Kind::Confirmable;
                if let Some(seen) = self.seen.iter_mut().find(|seen| seen.id == message.id) {
                    if let (true, Some(answer)) = (confirmable, &mut seen.answer) {
                        answer.transmissions += 1;
                        let again = Message {
                            kind: Kind::Acknowledgement,
                            id: message.id,
                            payload: answer.payload.as_deref(),
                        };
                        sink.emit(&again, meta, answer.transmissions);
                    }
                    return;
                }
                self.seen.push_back(Seen {
                    id: message.id,
                    until_ns: now.saturating_add(self.settings.lifetime_ns),
                    answer: None,
                });
                self.due = confirmable.then_some(message.id);
                sink.message(payload, meta);
            }
            // A confirmable message without content is a ping (section 4.3).
            (Kind::Confirmable, None) => {
                let refusal = Message {
                    kind: Kind::Reset,
                    id: message.id,
                    payload: None,
                };
                sink.emit(&refusal, meta, 1);
            }
            (Kind::NonConfirmable, None) => {}
            (Kind::Acknowledgement | Kind::Reset, payload) => {
                let found = self
                    .open
                    .iter()
                    .position(|open| open.id == message.id && open.transmissions > 0);
                let Some(open) = found.and_then(|at| self.open.remove(at)) else {
                    return;
                };
                if let (Kind::Acknowledgement, Some(payload)) = (message.kind, payload) {
                    sink.message(payload, meta);
                }
                sink.over(open.meta, message.kind == Kind::Reset);
                self.push(now, sink);
            }
        }
    }

    /// The handler of the message in hand is through: acknowledges it, if no answer did.
    pub(crate) fn handled(&mut self, meta: M, sink: &mut impl Sink<M>) {
        if let Some(id) = self.due.take() {
            self.answer(id, None, meta, sink);
        }
    }

    /// The timer expired.
    pub(crate) fn on_timer(&mut self, now: u64, sink: &mut impl Sink<M>) {
        let mut at = 0;
        while let Some(open) = self.open.get_mut(at) {
            if open.transmissions == 0 {
                break;
            }
            if open.due_ns > now {
                at += 1;
            } else if open.transmissions > self.settings.max_retransmit {
                let meta = open.meta;
                self.open.remove(at);
                sink.over(meta, true);
            } else {
                open.timeout_ns = scaled(open.timeout_ns, self.settings.backoff);
                open.transmissions += 1;
                open.due_ns = now.saturating_add(open.timeout_ns);
                emit(open, sink);
                at += 1;
            }
        }
        self.push(now, sink);
    }

    const fn take_id(&mut self) -> u16 {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        id
    }

    /// Begins as many exchanges as may be open at a time.
    fn push(&mut self, now: u64, sink: &mut impl Sink<M>) {
        let most = self.settings.nstart as usize;
        for open in self.open.iter_mut().take(most) {
            if open.transmissions > 0 {
                continue;
            }
            let share = unit(sink.draw(self.begun));
            self.begun += 1;
            let factor = 1.0 + (self.settings.random_factor - 1.0) * share;
            open.transmissions = 1;
            open.timeout_ns = scaled(self.settings.ack_timeout_ns, factor);
            open.due_ns = now.saturating_add(open.timeout_ns);
            emit(open, sink);
        }
    }

    fn answer(&mut self, id: u16, payload: Option<&[u8]>, meta: M, sink: &mut impl Sink<M>) {
        if let Some(seen) = self.seen.iter_mut().find(|seen| seen.id == id) {
            seen.answer = Some(Answer {
                payload: payload.map(<[u8]>::to_vec),
                transmissions: 1,
            });
        }
        let message = Message {
            kind: Kind::Acknowledgement,
            id,
            payload,
        };
        sink.emit(&message, meta, 1);
    }
}

fn emit<M: Copy>(open: &Open<M>, sink: &mut impl Sink<M>) {
    let message = Message {
        kind: Kind::Confirmable,
        id: open.id,
        payload: Some(&open.bytes),
    };
    sink.emit(&message, open.meta, open.transmissions);
}

/// A number from 0 to below 1 of 53 random bits.
#[allow(clippy::cast_precision_loss, reason = "53 bits are exact")]
fn unit(draw: u64) -> f64 {
    (draw >> 11) as f64 / 9_007_199_254_740_992.0
}

/// `span_ns * factor`, to the nearest nanosecond.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "spans of days are exact to the nanosecond, and such casts saturate"
)]
fn scaled(span_ns: u64, factor: f64) -> u64 {
    libm::round(span_ns as f64 * factor) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen {
        lines: Vec<String>,
    }

    impl Sink<u32> for Seen {
        fn emit(&mut self, message: &Message<'_>, _meta: u32, transmission: u32) {
            let kind = match message.kind {
                Kind::Confirmable => "CON",
                Kind::NonConfirmable => "NON",
                Kind::Acknowledgement => "ACK",
                Kind::Reset => "RST",
            };
            let payload = message
                .payload
                .map(String::from_utf8_lossy)
                .unwrap_or_default();
            self.lines
                .push(format!("{kind} {} {payload}#{transmission}", message.id));
        }

        fn message(&mut self, payload: &[u8], _meta: u32) {
            self.lines
                .push(format!("got {}", String::from_utf8_lossy(payload)));
        }

        fn over(&mut self, meta: u32, given_up: bool) {
            self.lines.push(format!("over {meta} {given_up}"));
        }

        fn draw(&mut self, _n: u64) -> u64 {
            u64::MAX / 2
        }
    }

    const fn con(id: u16, payload: &[u8]) -> Message<'_> {
        Message {
            kind: Kind::Confirmable,
            id,
            payload: Some(payload),
        }
    }

    fn exchanges() -> Exchanges<u32> {
        Exchanges::new(ConfirmableSettings::default(), 65_535)
    }

    #[test]
    fn timeouts_double_from_the_drawn_one_and_end_after_the_fourth_repetition() {
        let (mut end, mut seen) = (exchanges(), Seen::default());
        end.send(b"x", 7, 0, &mut seen);
        let mut at = Vec::new();
        while let Some(due) = end.deadline_ns() {
            at.push(due / 1_000_000);
            end.on_timer(due, &mut seen);
        }
        // A draw in the middle: 2.5 s, then 5, 10, 20 and 40.
        assert_eq!(at, [2_500, 7_500, 17_500, 37_500, 77_500]);
        let expected: Vec<String> = (1..=5)
            .map(|transmission| format!("CON 65535 x#{transmission}"))
            .chain(["over 7 true".into()])
            .collect();
        assert_eq!(seen.lines, expected);
    }

    #[test]
    fn one_exchange_at_a_time_and_ids_in_turn() {
        let (mut end, mut seen) = (exchanges(), Seen::default());
        end.send(b"a", 1, 0, &mut seen);
        end.send(b"b", 2, 0, &mut seen);
        let ack = |id, payload| Message {
            kind: Kind::Acknowledgement,
            id,
            payload,
        };
        end.on_message(&ack(0, None), 0, 5, &mut seen);
        end.on_message(&ack(65_535, Some(b"yes")), 0, 9, &mut seen);
        end.on_message(&ack(65_535, Some(b"yes")), 0, 9, &mut seen);
        end.on_message(&ack(0, None), 0, 10, &mut seen);
        assert_eq!(
            seen.lines,
            [
                "CON 65535 a#1",
                "got yes",
                "over 1 false",
                "CON 0 b#1",
                "over 2 false"
            ]
        );
        assert_eq!(end.deadline_ns(), None);
    }

    #[test]
    fn what_comes_twice_is_delivered_once_and_answered_twice() {
        let (mut end, mut seen) = (exchanges(), Seen::default());
        end.on_message(&con(4, b"ask"), 0, 0, &mut seen);
        // While the handler runs there is nothing to repeat.
        end.on_message(&con(4, b"ask"), 0, 1, &mut seen);
        end.send(b"answer", 3, 2, &mut seen);
        end.handled(0, &mut seen);
        end.on_message(&con(4, b"ask"), 0, 3, &mut seen);
        assert_eq!(
            seen.lines,
            [
                "got ask",
                "ACK 4 answer#1",
                "over 3 false",
                "ACK 4 answer#2"
            ]
        );
        // After its lifetime an id names another message.
        end.on_message(&con(4, b"new"), 0, 247_000_000_000, &mut seen);
        end.handled(0, &mut seen);
        assert_eq!(seen.lines[4..], ["got new", "ACK 4 #1"]);
    }

    #[test]
    fn a_message_to_all_is_sent_once() {
        let (mut end, mut seen) = (exchanges(), Seen::default());
        end.send_once(b"who", 1, &mut seen);
        let non = Message {
            kind: Kind::NonConfirmable,
            id: 8,
            payload: Some(b"me"),
        };
        end.on_message(&non, 0, 0, &mut seen);
        end.on_message(&non, 0, 0, &mut seen);
        end.handled(0, &mut seen);
        assert_eq!(seen.lines, ["NON 65535 who#1", "over 1 false", "got me"]);
        assert_eq!(end.deadline_ns(), None);
    }
}
