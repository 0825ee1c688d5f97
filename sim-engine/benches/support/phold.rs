//! PHOLD on the engine: N processes with one pending event each; every event draws a delay, updates a
//! state and schedules its successor.

use std::hint::black_box;
use std::ops::ControlFlow;

use sim_engine::{
    Engine, EngineConfig, Host, Input, Law, NodeConfig, NodeId, NullRecorder, Outbox, PacketEnd,
    Passage, Progress, SimDuration, SimTime, TapDraw, TimerId, Verdict,
};

const TIMER: TimerId = TimerId { kind: 0, key: 0 };

/// Delays by their upper twelve bits, so that the cost of a logarithm hides nothing.
pub(crate) struct Delays(Vec<u64>);

impl Delays {
    pub(crate) fn new(law: &Law) -> Self {
        let middle = |cell: u64| law.sample_ns((cell << 52) | (1 << 51)).0;
        Self((0..4096).map(middle).collect())
    }

    #[inline]
    pub(crate) fn of(&self, draw: u64) -> u64 {
        self.0[(draw >> 52) as usize] + (draw & 0xFFFF)
    }
}

/// One draw from a process's own small generator (SplitMix64).
#[inline]
pub(crate) fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

pub(crate) struct Phold {
    states: Vec<u64>,
    delays: Delays,
    left: u64,
}

impl Host for Phold {
    type Header = ();
    type Effect = ();
    type Recorder = NullRecorder;

    #[inline]
    fn on_input(&mut self, _: SimTime, node: NodeId, _: Input<'_, ()>, out: &mut Outbox<'_, Self>) {
        let delay = self.delays.of(draw(&mut self.states[node.0 as usize]));
        out.arm(TIMER, SimDuration(delay));
        self.left -= 1;
        if self.left == 0 {
            out.stop();
        }
    }

    #[inline]
    fn touch(&self, entity: NodeId) -> u64 {
        self.states[entity.0 as usize]
    }

    fn on_release(&mut self, _: SimTime, _: NodeId, _: (), _: &mut Outbox<'_, Self>) {}
    fn on_control(&mut self, _: SimTime, _: NodeId, _: TimerId, _: &mut Outbox<'_, Self>) {}
    fn on_packet_end(&mut self, _: SimTime, _: &PacketEnd<'_, ()>) {}
    fn on_tap(
        &mut self,
        _: SimTime,
        _: Passage<'_>,
        _: &mut (),
        _: &mut TapDraw,
        _: &mut Vec<u8>,
    ) -> Verdict {
        Verdict::Pass
    }
}

/// The engine with its events pending.
pub(crate) struct InEngine {
    engine: Engine<Phold>,
    host: Phold,
}

impl InEngine {
    pub(crate) fn new(count: u32, law: &Law) -> Self {
        let mut engine = Engine::new(EngineConfig {
            root_seed: 1,
            replication: 0,
        });
        let states = (0..u64::from(count)).collect();
        let mut host = Phold {
            states,
            delays: Delays::new(law),
            left: 0,
        };
        for number in 0..count {
            let node = engine
                .add_node(u64::from(number), NodeConfig::default())
                .expect("the world has room");
            engine.with_outbox(node, &mut host, &mut NullRecorder, |host, out| {
                let delay = host.delays.of(draw(&mut host.states[number as usize]));
                out.arm(TIMER, SimDuration(delay));
            });
        }
        Self { engine, host }
    }

    pub(crate) fn run(&mut self, events: u64) {
        self.host.left = events;
        let mut check = |_: &Progress| ControlFlow::Continue(());
        let end = self
            .engine
            .run(&mut self.host, &mut NullRecorder, SimTime::LAST, &mut check);
        black_box(end.is_ok());
    }
}
