//! Two real ends with the adversary between them, over a network that loses segments before it.

use super::super::config::StreamSettings;
use super::super::stream::{About, Sink, Stream};
use super::*;

/// What an end does.
#[derive(Default)]
struct Out {
    segments: Vec<(Vec<u8>, bool)>,
    bytes: Vec<u8>,
    resets: u32,
    closed: bool,
}

impl Sink<()> for Out {
    fn emit(&mut self, segment: &Segment<'_>, about: &About<()>) {
        let mut bytes = Vec::new();
        segment.encode(&mut bytes);
        self.segments.push((bytes, about.last));
    }
    fn opened(&mut self) {}
    fn bytes(&mut self, bytes: &[u8], (): (), _end: u64) {
        self.bytes.extend_from_slice(bytes);
    }
    fn closed(&mut self) {
        self.closed = true;
    }
    fn reset(&mut self) {
        self.resets += 1;
    }
    fn forged(&mut self, (): ()) {}
}

struct Net {
    ends: [Option<Stream<()>>; 2],
    outs: [Out; 2],
    splice: Splice<()>,
    now: u64,
    /// Every so many segments one is lost before the adversary; 0: none.
    loses: u64,
    count: u64,
    /// Segments that passed as they were.
    same: u64,
    mss: usize,
}

const SETTINGS: StreamSettings = StreamSettings {
    rto_initial_ns: 1_000_000_000,
    rto_min_ns: 1_000_000_000,
    rto_max_ns: 60_000_000_000,
    retries: 8,
    connect_retries: 8,
    mss: None,
};

impl Net {
    fn new(loses: u64, mss: usize) -> Self {
        let mut outs = [Out::default(), Out::default()];
        let stream = Stream::connect((SETTINGS, mss, u32::MAX - 3), (), 0, &mut outs[0]);
        Self {
            ends: [Some(stream), None],
            outs,
            splice: Splice::new((0, 0)),
            now: 0,
            loses,
            count: 0,
            same: 0,
            mss,
        }
    }

    fn send(&mut self, end: usize, record: &[u8]) {
        if let Some(stream) = &mut self.ends[end] {
            stream.send(record, ((), ()), self.now, &mut self.outs[end]);
        }
    }

    fn arrive(&mut self, end: usize, bytes: &[u8]) {
        let segment = Segment::decode(bytes).expect("the checksum is right");
        let out = &mut self.outs[end];
        match &mut self.ends[end] {
            None => {
                let made = Stream::accept((SETTINGS, self.mss, 77), &segment, (), self.now, out);
                self.ends[end] = Some(made);
            }
            Some(stream) => {
                stream.on_segment(&segment, (), self.now, out);
                stream.flush(out);
            }
        }
    }

    /// Carries what is on its way, until nothing is.
    fn settle(&mut self, decide: &mut dyn FnMut(usize, &[u8]) -> Fate) {
        loop {
            let side = match (
                self.outs[0].segments.is_empty(),
                self.outs[1].segments.is_empty(),
            ) {
                (false, _) => 0,
                (_, false) => 1,
                _ => return,
            };
            let (bytes, last) = self.outs[side].segments.remove(0);
            self.count += 1;
            if self.loses > 0 && self.count.is_multiple_of(self.loses) {
                continue;
            }
            let segment = Segment::decode(&bytes).expect("the checksum is right");
            let mut sent = Vec::new();
            let mut asked = |record: &[u8], (): ()| decide(side, record);
            let passing = self
                .splice
                .pass(side, (&segment, last), (), &mut asked, &mut sent);
            match passing {
                Passing::Same => {
                    self.same += 1;
                    self.arrive(1 - side, &bytes);
                }
                Passing::Numbers(bytes) | Passing::Payload(bytes) => self.arrive(1 - side, &bytes),
                Passing::Taken => {}
            }
            for sent in sent {
                let to = if sent.onward { 1 - side } else { side };
                self.arrive(to, &sent.bytes);
            }
        }
    }

    /// Lets time pass until no timer is armed, or too long.
    fn run(&mut self, decide: &mut dyn FnMut(usize, &[u8]) -> Fate) {
        self.settle(decide);
        for _ in 0..200 {
            let due = |end: &Option<Stream<()>>| end.as_ref().and_then(Stream::deadline_ns);
            let Some((at, end)) = (0..2)
                .filter_map(|end| Some((due(&self.ends[end])?, end)))
                .min()
            else {
                return;
            };
            self.now = self.now.max(at);
            if let Some(stream) = &mut self.ends[end] {
                stream.on_timer(self.now, &mut self.outs[end]);
            }
            self.settle(decide);
        }
    }
}

fn record(number: u8, length: usize) -> Vec<u8> {
    vec![number; length]
}

#[test]
fn who_lets_everything_pass_changes_no_segment() {
    let mut net = Net::new(0, 1460);
    for number in 1..20 {
        net.send(0, &record(number, 90));
        net.send(1, &record(number, 70));
        net.run(&mut |_, _| Fate::Pass);
    }
    assert_eq!(net.same, net.count);
    assert_eq!(net.outs[1].bytes.len(), 19 * 90);
}

#[test]
fn records_are_dropped_changed_and_put_in_and_the_rest_arrives_in_order() {
    for (loses, mss) in [(0, 1460), (7, 1460), (5, 1460), (0, 40), (11, 40)] {
        let mut net = Net::new(loses, mss);
        let mut expected = Vec::new();
        let mut back = Vec::new();
        let mut decide = |side: usize, record: &[u8]| match (side, record.first()) {
            (0, Some(number)) if number % 3 == 0 => Fate::Take,
            (0, Some(number)) if number % 5 == 0 => Fate::Replace(vec![200 + number % 7; 123]),
            _ => Fate::Pass,
        };
        net.run(&mut decide);
        for number in 1..40u8 {
            net.send(0, &record(number, 90));
            net.send(1, &record(number, 33));
            net.run(&mut decide);
            back.extend(record(number, 33));
            if number % 3 == 0 {
            } else if number % 5 == 0 {
                expected.extend(vec![200 + number % 7; 123]);
            } else {
                expected.extend(record(number, 90));
            }
            if number % 4 == 0 {
                let mut sent = Vec::new();
                let put = record(100 + number, 51);
                assert!(net.splice.insert(0, &put, mss, true, &mut sent));
                for sent in sent {
                    net.arrive(1, &sent.bytes);
                }
                expected.extend(put);
                net.run(&mut decide);
            }
        }
        let case = format!("loses {loses}, mss {mss}");
        assert_eq!(net.outs[1].bytes, expected, "{case}");
        assert_eq!(net.outs[0].bytes, back, "{case}");
        assert_eq!([net.outs[0].resets, net.outs[1].resets], [0, 0], "{case}");
        for end in 0..2 {
            if let Some(stream) = &mut net.ends[end] {
                stream.close(net.now, &mut net.outs[end]);
            }
            net.run(&mut decide);
        }
        assert!(net.outs[0].closed && net.outs[1].closed, "{case}");
    }
}

#[test]
fn who_keeps_a_record_back_keeps_its_sender_from_closing() {
    let mut net = Net::new(0, 1460);
    net.run(&mut |_, _| Fate::Pass);
    net.send(0, &record(1, 90));
    net.settle(&mut |_, _| Fate::Hold);
    if let Some(stream) = &mut net.ends[0] {
        stream.close(net.now, &mut net.outs[0]);
    }
    net.settle(&mut |_, _| Fate::Pass);
    assert!(!net.outs[1].closed);
    if let Some(way) = net.splice.way(0) {
        way.holding -= 1;
    }
    let mut sent = Vec::new();
    assert!(net.splice.insert(0, &record(1, 90), 1460, true, &mut sent));
    for sent in sent {
        net.arrive(1, &sent.bytes);
    }
    net.run(&mut |_, _| Fate::Pass);
    assert_eq!(net.outs[1].bytes, record(1, 90));
    assert!(net.outs[1].closed);
}
