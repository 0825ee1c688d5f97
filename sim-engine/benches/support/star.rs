//! A star of devices that send 64-byte requests to one server, which answers, over links with 1 %
//! loss and a delay drawn per packet, on the engine.

use std::hint::black_box;
use std::ops::ControlFlow;

use sim_engine::{
    Direction, Engine, EngineConfig, Host, Input, Law, LinkId, LinkParams, LossModel, NodeConfig,
    NodeId, NullRecorder, Outbox, PacketEnd, Passage, Progress, SimDuration, SimTime, StreamName,
    TapDraw, TimerId, Verdict,
};

pub(crate) const LOSS: f64 = 0.01;
pub(crate) const TIMER: TimerId = TimerId { kind: 0, key: 0 };
pub(crate) const BYTES: usize = 64;

/// Time between two requests of a device: one second, spread by its own small generator.
#[inline]
pub(crate) fn think(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    500_000_000 + (*state >> 34)
}

/// The delay law of the links.
pub(crate) fn delay() -> Law {
    Law::uniform(5e6, 15e6).expect("the bounds are in order")
}

/// What a device writes into its request.
#[inline]
pub(crate) fn request(node: u32, state: u64) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..4].copy_from_slice(&node.to_le_bytes());
    bytes[8..16].copy_from_slice(&state.to_le_bytes());
    bytes
}

pub(crate) struct Star {
    states: Vec<u64>,
    packets: u64,
    limit: u64,
}

impl Host for Star {
    type Header = u32;
    type Effect = ();
    type Recorder = NullRecorder;

    #[inline]
    fn on_input(
        &mut self,
        _: SimTime,
        node: NodeId,
        input: Input<'_, u32>,
        out: &mut Outbox<'_, Self>,
    ) {
        match input {
            Input::Packet {
                header,
                meta,
                bytes,
            } if node.0 == 0 => {
                self.packets += 1;
                out.send(meta.link, Direction::Down, header, bytes);
            }
            Input::Packet { bytes, .. } => {
                black_box(bytes[8]);
            }
            _ => {
                let state = &mut self.states[node.0 as usize];
                let after = think(state);
                self.packets += 1;
                out.send(
                    LinkId(node.0 - 1),
                    Direction::Up,
                    node.0,
                    &request(node.0, *state),
                );
                out.arm(TIMER, SimDuration(after));
                if self.packets >= self.limit {
                    out.stop();
                }
            }
        }
    }

    #[inline]
    fn touch(&self, entity: NodeId) -> u64 {
        self.states[entity.0 as usize]
    }

    fn on_release(&mut self, _: SimTime, _: NodeId, _: (), _: &mut Outbox<'_, Self>) {}
    fn on_control(&mut self, _: SimTime, _: NodeId, _: TimerId, _: &mut Outbox<'_, Self>) {}
    #[inline]
    fn on_packet_end(&mut self, _: SimTime, _: &PacketEnd<'_, u32>) {}
    fn on_tap(
        &mut self,
        _: SimTime,
        _: Passage<'_>,
        _: &mut u32,
        _: &mut TapDraw,
        _: &mut Vec<u8>,
    ) -> Verdict {
        Verdict::Pass
    }
}

pub(crate) struct InEngine {
    engine: Engine<Star>,
    host: Star,
}

impl InEngine {
    pub(crate) fn new(devices: u32) -> Self {
        let mut engine = Engine::new(EngineConfig {
            root_seed: 1,
            replication: 0,
        });
        let states = (0..=u64::from(devices)).collect();
        let mut host = Star {
            states,
            packets: 0,
            limit: 0,
        };
        let params = LinkParams {
            loss: LossModel::bernoulli(LOSS).expect("a probability"),
            delay: delay(),
            ..LinkParams::default()
        };
        let class = engine.add_link_class(params).expect("one class");
        let server = engine
            .add_node(0, NodeConfig::default())
            .expect("the world has room");
        for number in 1..=devices {
            let node = engine
                .add_node(u64::from(number), NodeConfig::default())
                .expect("the world has room");
            let name = StreamName::new("link").index(u64::from(number)).id();
            engine
                .add_link(name, node, server, class, class)
                .expect("both ends exist");
            engine.with_outbox(node, &mut host, &mut NullRecorder, |host, out| {
                let after = think(&mut host.states[number as usize]);
                out.arm(TIMER, SimDuration(after));
            });
        }
        Self { engine, host }
    }

    /// Runs until about this many more packets were sent; returns how many it were.
    pub(crate) fn run(&mut self, packets: u64) -> u64 {
        let before = self.host.packets;
        self.host.limit = before + packets;
        let mut check = |_: &Progress| ControlFlow::Continue(());
        let end = self
            .engine
            .run(&mut self.host, &mut NullRecorder, SimTime::LAST, &mut check);
        black_box(end.is_ok());
        self.host.packets - before
    }
}
