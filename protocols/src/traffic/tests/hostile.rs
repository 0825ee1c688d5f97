//! No sequence of inputs makes a machine panic.

use super::*;
use crate::machine::{Arg, Machine, Timer};
use crate::time::LocalTime;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Message { from: (u32, u16), bytes: Vec<u8> },
    Timer(u8, u32),
    Command(u8, Option<u64>),
    Clock(u64),
    Restart,
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let fields = (
        0..5_u8,
        any::<u8>(),
        0..4_u16,
        0..6_u64,
        0..3_u32,
        0..40_u32,
    );
    let cut_and_flip = (any::<bool>(), any::<usize>(), any::<u8>());
    (fields, cut_and_flip).prop_map(|((tag, class, source, number, hops, size), cut)| {
        let mut bytes = frame(Kind::Job, class, source, number, hops, size);
        bytes[0] = tag;
        if let (true, place, mask) = cut {
            let place = place % bytes.len();
            bytes[place] ^= mask;
            bytes.truncate(place.max(12));
        }
        bytes
    })
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = prop_oneof![3 => mutated(), 1 => proptest::collection::vec(any::<u8>(), 0..40)];
    let from = (9..14_u32, 7799..7804_u16);
    prop_oneof![
        6 => (from, bytes).prop_map(|(from, bytes)| Step::Message { from, bytes }),
        3 => (0..2_u8, 0..4_u32).prop_map(|(kind, key)| Step::Timer(kind, key)),
        3 => (0..3_u8, proptest::option::of(0..6_u64)).prop_map(|(id, job)| Step::Command(id, job)),
        1 => any::<u64>().prop_map(Step::Clock),
        1 => Just(Step::Restart),
    ]
}

fn drive<M: Machine>(machine: M, entropy: &[u8], steps: &[Step]) -> M {
    let mut bench = bench(machine);
    bench.entropy = Script::new(entropy.to_vec());
    bench.start();
    for step in steps {
        match step {
            Step::Message { from, bytes } => {
                let from = Address::new(from.0, from.1);
                bench.message(from, at(11, STATION), bytes);
            }
            Step::Timer(kind, key) => {
                bench.timer(Timer {
                    kind: *kind,
                    key: *key,
                });
            }
            Step::Command(id, job) => {
                let args: Vec<_> = job.iter().map(|number| Arg::Integer(*number)).collect();
                bench.command(*id, None, &args);
            }
            Step::Clock(now) => bench.now = LocalTime(*now),
            Step::Restart => {
                bench.restart();
            }
        }
    }
    bench.machine
}

proptest! {
    #[test]
    fn machines_survive_any_sequence_of_inputs(
        entropy in proptest::collection::vec(any::<u8>(), 0..200),
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let reply = ("reply", Value::Bool(true));
        let busy = [
            ("service", law(50)),
            ("servers", Value::Integer(2)),
            ("capacity", Value::Integer(4)),
            ("priority", Value::Text("non-preemptive".into())),
            ("route", shares(&[("end", 0.3), ("load", 0.3)])),
            reply.clone(),
        ];
        let roster = roster(&[
            ("load", SOURCE, 2, &[("class", law(300)), reply.clone()]),
            ("cpu", STATION, 1, &busy),
            ("end", SINK, 1, &[reply]),
        ]);
        drive(sources(&roster, 0).remove(1), &entropy, &steps);
        let station = drive(station(&roster, 1).machine, &entropy, &steps);
        let sink = drive(sink(&roster, 2).machine, &entropy, &steps);
        let now = LocalTime(u64::MAX);
        let totals = station.station(now).unwrap();
        prop_assert!(totals.refusals <= totals.arrivals);
        prop_assert!(totals.served <= totals.begun && totals.begun <= totals.arrivals);
        prop_assert!(sink.station(now).is_some());
    }
}
