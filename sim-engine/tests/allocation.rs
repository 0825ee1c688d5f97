//! In the steady state, when every queue has seen its greatest length, the engine allocates nothing.
//!
//! An integration test of its own, since the counting allocator replaces that of the whole binary.

use std::ops::ControlFlow;

use sim_engine::{
    Direction, Engine, EngineConfig, Host, Input, Law, LinkId, LinkParams, LossModel, NodeConfig,
    NodeId, NullRecorder, Outbox, PacketEnd, Passage, QueueLimit, RunEnd, SimDuration, SimTime,
    StreamName, TapDraw, TimerId, Verdict,
};

const DEVICES: u32 = 200;
const SERVER: NodeId = NodeId(0);
const RESEND: TimerId = TimerId { kind: 0, key: 0 };

/// Devices that ask, ask again after a timeout, and get answers that are deferred by the CPU.
struct Ping {
    answers: u64,
}

impl Host for Ping {
    type Header = u32;
    type Effect = (LinkId, sim_engine::Block);
    type Recorder = NullRecorder;

    fn on_input(
        &mut self,
        _now: SimTime,
        node: NodeId,
        input: Input<'_, u32>,
        out: &mut Outbox<'_, Self>,
    ) {
        out.busy(SimDuration(700));
        match input {
            Input::Packet { meta, bytes, .. } if node == SERVER => {
                let answer = out.keep(bytes);
                out.defer(SimDuration(700), (meta.link, answer));
            }
            _ => {
                self.answers += 1;
                let link = LinkId(node.0 - 1);
                out.send(link, Direction::Up, 0, &[node.0 as u8; 64]);
                out.arm(RESEND, SimDuration(2_000_000));
            }
        }
    }

    fn on_release(
        &mut self,
        _now: SimTime,
        _node: NodeId,
        (link, answer): (LinkId, sim_engine::Block),
        out: &mut Outbox<'_, Self>,
    ) {
        out.send_block(link, Direction::Down, 0, answer);
    }

    fn on_control(&mut self, now: SimTime, owner: NodeId, id: TimerId, out: &mut Outbox<'_, Self>) {
        out.command(owner, 1);
        let again = now
            .checked_add(SimDuration(900_000))
            .expect("the run is short");
        out.arm_control(owner, id, again);
    }

    fn on_packet_end(&mut self, _now: SimTime, _end: &PacketEnd<'_, u32>) {}

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

fn run(engine: &mut Engine<Ping>, host: &mut Ping, until: u64) -> RunEnd {
    engine
        .run(host, &mut NullRecorder, SimTime(until), &mut |_| {
            ControlFlow::Continue(())
        })
        .expect("the world has no error")
}

#[test]
fn a_world_in_its_steady_state_allocates_nothing() {
    let mut engine: Engine<Ping> = Engine::new(EngineConfig {
        root_seed: 1,
        replication: 0,
    });
    let mut host = Ping { answers: 0 };
    let add_node = |engine: &mut Engine<Ping>, name: &str, index| {
        let name = StreamName::new("node").text(name).index(index).id();
        engine
            .add_node(name, NodeConfig::default())
            .expect("the world is small")
    };
    add_node(&mut engine, "server", 0);
    let params = LinkParams {
        rate_bps: Some(100_000_000),
        queue: QueueLimit::Packets(4),
        loss: LossModel::bernoulli(0.02).expect("a probability"),
        delay: Law::exponential(1_000.0, 100_000.0).expect("a law"),
        ..LinkParams::default()
    };
    let class = engine.add_link_class(params).expect("one class");
    for index in 0..DEVICES {
        let device = add_node(&mut engine, "device", u64::from(index));
        let name = StreamName::new("link").index(u64::from(index)).id();
        engine
            .add_link(name, device, SERVER, class, class)
            .expect("both ends exist");
        engine.with_outbox(device, &mut host, &mut NullRecorder, |_, out| {
            out.command(device, 0);
            out.arm_control(
                device,
                TimerId { kind: 9, key: 0 },
                SimTime(u64::from(index)),
            );
        });
    }
    assert_eq!(run(&mut engine, &mut host, 1_000_000_000), RunEnd::Reached);
    let (events, answers) = (engine.events(), host.answers);
    let measured = allocation_counter::measure(|| {
        assert_eq!(run(&mut engine, &mut host, 1_500_000_000), RunEnd::Reached);
    });
    assert!(
        engine.events() > events + 1_000_000,
        "{} events",
        engine.events() - events
    );
    assert!(host.answers > answers + 100_000);
    assert_eq!(
        measured.count_total,
        0,
        "allocations in {} events",
        engine.events() - events
    );
}
