#![allow(clippy::unwrap_used)]
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A segment on its way: arrival, number, to which end, bytes, what is attached.
type OnWay = BTreeMap<(u64, u64), (usize, Vec<u8>, u32)>;

/// What an end has told.
#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    opened: u32,
    closed: u32,
    reset: u32,
    metas: Vec<u32>,
}

struct Pipe<'a> {
    to: usize,
    now: u64,
    on_way: &'a mut OnWay,
    sent: &'a mut Vec<(u64, usize, Flags, usize, u32)>,
    heard: &'a mut Heard,
    fate: &'a mut dyn FnMut(u64) -> Vec<u64>,
}

impl Sink<u32> for Pipe<'_> {
    fn emit(&mut self, segment: &Segment<'_>, about: &About<u32>) {
        let number = self.sent.len() as u64;
        self.sent.push((
            self.now,
            1 - self.to,
            segment.flags,
            segment.payload.len(),
            about.transmission,
        ));
        let mut bytes = Vec::new();
        segment.encode(&mut bytes);
        for (copy, delay) in (self.fate)(number).into_iter().enumerate() {
            let key = (self.now + delay, 2 * number + copy as u64);
            self.on_way
                .insert(key, (self.to, bytes.clone(), about.meta));
        }
    }

    fn opened(&mut self) {
        self.heard.opened += 1;
    }

    fn bytes(&mut self, bytes: &[u8], meta: u32, _end: u64) {
        self.heard.bytes.extend_from_slice(bytes);
        self.heard.metas.push(meta);
    }

    fn closed(&mut self) {
        self.heard.closed += 1;
    }

    fn reset(&mut self) {
        self.heard.reset += 1;
    }

    fn forged(&mut self, _meta: u32) {}
}

/// Two ends and what is between them; `fate` gives the delays of the copies of a segment that
/// arrive, none when it is lost.
struct Pair<'a> {
    ends: [Option<Stream<u32>>; 2],
    heard: [Heard; 2],
    on_way: OnWay,
    sent: Vec<(u64, usize, Flags, usize, u32)>,
    now: u64,
    fate: &'a mut dyn FnMut(u64) -> Vec<u64>,
}

const MSS: usize = 100;
const MS: u64 = 1_000_000;

impl<'a> Pair<'a> {
    fn open(fate: &'a mut dyn FnMut(u64) -> Vec<u64>) -> Self {
        let mut pair = Self {
            ends: [None, None],
            heard: [Heard::default(), Heard::default()],
            on_way: OnWay::new(),
            sent: Vec::new(),
            now: 0,
            fate,
        };
        let settings = (StreamSettings::default(), MSS, u32::MAX - 50);
        pair.run(0, |_, now, sink| {
            Some(Stream::connect(settings, 0, now, sink))
        });
        pair
    }

    fn run(
        &mut self,
        end: usize,
        call: impl FnOnce(Option<Stream<u32>>, u64, &mut Pipe<'_>) -> Option<Stream<u32>>,
    ) {
        let mut pipe = Pipe {
            to: 1 - end,
            now: self.now,
            on_way: &mut self.on_way,
            sent: &mut self.sent,
            heard: &mut self.heard[end],
            fate: self.fate,
        };
        self.ends[end] = call(self.ends[end].take(), self.now, &mut pipe);
    }

    fn send(&mut self, end: usize, record: &[u8], meta: u32) {
        self.run(end, |stream, now, sink| {
            let mut stream = stream.unwrap();
            stream.send(record, (meta, 0), now, sink);
            Some(stream)
        });
    }

    fn close(&mut self, end: usize) {
        self.run(end, |stream, now, sink| {
            let mut stream = stream.unwrap();
            stream.close(now, sink);
            Some(stream)
        });
    }

    /// The next arrival or expiry; false when there is none.
    fn step(&mut self) -> bool {
        let timer = |index: usize| {
            let at = self.ends[index].as_ref()?.deadline_ns()?;
            Some((at, index))
        };
        let due = [0, 1].into_iter().filter_map(timer).min();
        let arrival = self.on_way.keys().next().copied();
        match (arrival, due) {
            (Some(key), due) if due.is_none_or(|(at, _)| key.0 <= at) => {
                let (to, bytes, meta) = self.on_way.remove(&key).unwrap();
                self.now = key.0;
                let segment = Segment::decode(&bytes).unwrap();
                self.run(to, |stream, now, sink| match stream {
                    Some(mut stream) => {
                        stream.on_segment(&segment, meta, now, sink);
                        stream.flush(sink);
                        Some(stream)
                    }
                    None if segment.flags.syn => {
                        let settings = (StreamSettings::default(), MSS, 77);
                        Some(Stream::accept(settings, &segment, 0, now, sink))
                    }
                    None => None,
                });
                true
            }
            (_, Some((at, end))) => {
                self.now = at;
                self.run(end, |stream, now, sink| {
                    let mut stream = stream.unwrap();
                    stream.on_timer(now, sink);
                    Some(stream)
                });
                true
            }
            _ => false,
        }
    }

    fn settle(&mut self) {
        let steps = (0..200_000).take_while(|_| self.step()).count();
        assert!(steps < 200_000, "it comes to rest");
    }
}

#[test]
fn opening_sending_and_closing_take_the_segments_of_the_textbook() {
    let mut fate = |_| vec![50 * MS];
    let mut pair = Pair::open(&mut fate);
    pair.settle();
    assert_eq!((pair.heard[0].opened, pair.heard[1].opened), (1, 1));
    pair.send(0, b"hello", 9);
    pair.settle();
    assert_eq!(pair.heard[1].bytes, b"hello");
    assert_eq!(pair.heard[1].metas, [9]);
    pair.close(0);
    pair.settle();
    assert_eq!(pair.heard[1].closed, 1);
    pair.close(1);
    pair.settle();
    assert!(pair.ends.iter().flatten().all(Stream::is_dead));
    let letters: Vec<String> = pair
        .sent
        .iter()
        .map(|(at, from, flags, length, _)| {
            let letter = |set: bool, letter| if set { letter } else { "" };
            format!(
                "{} {from} {}{}{}{length}",
                at / MS,
                letter(flags.syn, "S"),
                letter(flags.fin, "F"),
                letter(flags.ack, "A"),
            )
        })
        .collect();
    let expected = [
        "0 0 S0",
        "50 1 SA0",
        "100 0 A0",
        "150 0 A5",
        "200 1 A0",
        "250 0 FA0",
        "300 1 A0",
        "350 1 FA0",
        "400 0 A0",
    ];
    assert_eq!(letters, expected);
    assert_eq!((pair.heard[0].reset, pair.heard[1].reset), (0, 0));
}

#[test]
fn a_lost_syn_is_repeated_after_one_two_and_four_seconds() {
    let mut fate = |number| if number < 3 { vec![] } else { vec![MS] };
    let mut pair = Pair::open(&mut fate);
    pair.settle();
    let starts: Vec<u64> = pair
        .sent
        .iter()
        .filter(|(_, from, flags, ..)| *from == 0 && flags.syn)
        .map(|(at, ..)| at / 1_000_000_000)
        .collect();
    assert_eq!(starts, [0, 1, 3, 7]);
    assert_eq!(pair.heard[0].opened, 1);
}

#[test]
fn a_dead_path_breaks_the_connection_after_the_last_retry() {
    let mut fate = |number| if number < 4 { vec![MS] } else { vec![] };
    let mut pair = Pair::open(&mut fate);
    pair.settle();
    let start = pair.now;
    pair.send(0, b"x", 1);
    pair.settle();
    assert_eq!(pair.heard[0].reset, 1);
    // 1 + 2 + 4 + 8 + 16 + 32 + 60 seconds, for six retries and the wait after the last.
    assert_eq!((pair.now - start) / 1_000_000_000, 123);
    assert_eq!(
        pair.ends[0]
            .as_ref()
            .unwrap()
            .undelivered()
            .collect::<Vec<_>>(),
        [1]
    );
}

#[test]
fn three_repeated_acknowledgements_bring_the_lost_segment_at_once() {
    // Of six segments sent together the second is lost, once.
    let mut lost = false;
    let mut fate = |number: u64| {
        if number == 4 && !lost {
            lost = true;
            return vec![];
        }
        vec![10 * MS]
    };
    let mut pair = Pair::open(&mut fate);
    pair.settle();
    let start = pair.now;
    pair.send(0, &[7; 6 * MSS], 1);
    pair.settle();
    assert_eq!(pair.heard[1].bytes, vec![7; 6 * MSS]);
    let again: Vec<u64> = pair
        .sent
        .iter()
        .filter(|(.., transmission)| *transmission > 1)
        .map(|(at, ..)| at - start)
        .collect();
    assert_eq!(again, [20 * MS], "after one round trip, not after a second");
}

#[test]
fn both_ends_may_open_at_the_same_time() {
    let mut fate = |_| vec![10 * MS];
    let mut pair = Pair::open(&mut fate);
    let settings = (StreamSettings::default(), MSS, 5);
    pair.run(1, |_, now, sink| {
        Some(Stream::connect(settings, 0, now, sink))
    });
    pair.settle();
    assert_eq!((pair.heard[0].opened, pair.heard[1].opened), (1, 1));
    pair.send(0, b"to one", 1);
    pair.send(1, b"to zero", 2);
    pair.settle();
    assert_eq!(pair.heard[1].bytes, b"to one");
    assert_eq!(pair.heard[0].bytes, b"to zero");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is lost (up to two in five), doubled and overtaken: everything comes, once and in
    /// order, on a connection that never gives up.
    #[test]
    fn everything_arrives_once_and_in_order(
        seed in any::<u64>(),
        loss in 0u64..40,
        records in prop::collection::vec(1usize..700, 1..20),
    ) {
        let mut state = seed | 1;
        let mut draw = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut fate = |_| {
            if draw(100) < loss {
                return vec![];
            }
            let mut copies = vec![MS * (1 + draw(30))];
            if draw(10) == 0 {
                copies.push(MS * (1 + draw(30)));
            }
            copies
        };
        let mut pair = Pair::open(&mut fate);
        for end in pair.ends.iter_mut().flatten() {
            end.settings.retries = 1000;
            end.settings.connect_retries = 1000;
        }
        let mut expected = Vec::new();
        for (number, length) in (1u32..).zip(&records) {
            let byte = u8::try_from(number % 251).unwrap();
            let record = vec![byte; *length];
            pair.send(0, &record, number);
            expected.extend_from_slice(&record);
        }
        while pair.heard[0].opened == 0 {
            prop_assert!(pair.step());
        }
        if let Some(end) = &mut pair.ends[1] {
            end.settings.retries = 1000;
            end.settings.connect_retries = 1000;
        }
        pair.close(0);
        pair.settle();
        prop_assert_eq!(&pair.heard[1].bytes, &expected);
        let last: Vec<u32> = pair.heard[1].metas.iter().copied().filter(|meta| *meta != 0).collect();
        prop_assert_eq!(last, (1..=u32::try_from(records.len()).unwrap()).collect::<Vec<_>>());
        prop_assert_eq!(pair.heard[1].closed, 1);
        prop_assert_eq!((pair.heard[0].reset, pair.heard[1].reset), (0, 0));
    }
}
