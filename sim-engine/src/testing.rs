//! A small host for the engine's own tests: nodes follow a script, everything is logged.

use std::ops::ControlFlow;

use crate::*;

/// What a scripted node does when something happens. All fields are per node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// CPU cost of every input.
    pub(crate) cost: SimDuration,
    /// Send the bytes back on the link where a packet came from.
    pub(crate) echo: bool,
}

/// What happened, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Seen {
    Packet {
        at: u64,
        node: u32,
        number: u64,
        bytes: Vec<u8>,
    },
    Timer {
        at: u64,
        node: u32,
        kind: u8,
        key: u32,
    },
    Command {
        at: u64,
        node: u32,
        token: u64,
    },
    Release {
        at: u64,
        node: u32,
        effect: u32,
    },
    Control {
        at: u64,
        owner: u32,
        kind: u8,
        key: u32,
    },
    End {
        at: u64,
        fate: Fate,
        number: u64,
        sender: u32,
    },
    Lost {
        node: u32,
        effect: u32,
    },
}

type Hook<A> = Option<Box<dyn FnMut(A, &mut Outbox<'_, World>)>>;

/// Decides about the packet of this number.
type Adversary = Option<Box<dyn FnMut(u64, &mut TapDraw) -> Verdict>>;

/// The host.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) scripts: Vec<Script>,
    pub(crate) log: Vec<Seen>,
    /// Keep no log: for long runs whose statistics matter.
    pub(crate) unlogged: bool,
    pub(crate) on_control: Hook<(NodeId, TimerId)>,
    pub(crate) on_input: Hook<(NodeId, u64)>,
    pub(crate) verdict: Adversary,
}

impl World {
    fn note(&mut self, seen: impl FnOnce() -> Seen) {
        if !self.unlogged {
            self.log.push(seen());
        }
    }
}

impl Host for World {
    type Header = u32;
    type Effect = u32;
    type Recorder = NullRecorder;

    fn on_input(
        &mut self,
        now: SimTime,
        node: NodeId,
        input: Input<'_, u32>,
        out: &mut Outbox<'_, Self>,
    ) {
        let script = self
            .scripts
            .get(node.0 as usize)
            .cloned()
            .unwrap_or_default();
        out.busy(script.cost);
        let mut what = 0;
        match input {
            Input::Packet {
                header,
                meta,
                bytes,
            } => {
                let (at, number) = (now.0, meta.number);
                self.note(|| Seen::Packet {
                    at,
                    node: node.0,
                    number,
                    bytes: bytes.to_vec(),
                });
                if script.echo {
                    out.send(meta.link, meta.direction.reversed(), header, bytes);
                }
            }
            Input::Timer(TimerId { kind, key }) => {
                what = u64::from(key);
                self.note(|| Seen::Timer {
                    at: now.0,
                    node: node.0,
                    kind,
                    key,
                });
            }
            Input::Command(token) => {
                what = token;
                self.note(|| Seen::Command {
                    at: now.0,
                    node: node.0,
                    token,
                });
            }
        }
        if let Some(mut hook) = self.on_input.take() {
            hook((node, what), out);
            self.on_input = Some(hook);
        }
    }

    fn on_release(&mut self, now: SimTime, node: NodeId, effect: u32, _: &mut Outbox<'_, Self>) {
        self.note(|| Seen::Release {
            at: now.0,
            node: node.0,
            effect,
        });
    }

    fn on_control(
        &mut self,
        now: SimTime,
        owner: NodeId,
        control: TimerId,
        out: &mut Outbox<'_, Self>,
    ) {
        let TimerId { kind, key } = control;
        self.note(|| Seen::Control {
            at: now.0,
            owner: owner.0,
            kind,
            key,
        });
        if let Some(mut hook) = self.on_control.take() {
            hook((owner, control), out);
            self.on_control = Some(hook);
        }
    }

    fn on_packet_end(&mut self, now: SimTime, end: &PacketEnd<'_, u32>) {
        let PacketMeta { number, sender, .. } = *end.meta;
        self.note(|| Seen::End {
            at: now.0,
            fate: end.fate,
            number,
            sender,
        });
    }

    fn on_tap(
        &mut self,
        _now: SimTime,
        passage: Passage<'_>,
        _header: &mut u32,
        draw: &mut TapDraw,
        _rewritten: &mut Vec<u8>,
    ) -> Verdict {
        let meta = passage.meta;
        self.verdict
            .as_mut()
            .map_or(Verdict::Pass, |verdict| verdict(meta.number, draw))
    }

    fn on_effect_lost(
        &mut self,
        _now: SimTime,
        node: NodeId,
        effect: u32,
        _out: &mut Outbox<'_, Self>,
    ) {
        self.note(|| Seen::Lost {
            node: node.0,
            effect,
        });
    }
}

/// A world under test: engine and host together.
pub(crate) struct Bench {
    pub(crate) engine: Engine<World>,
    pub(crate) host: World,
}

impl Bench {
    pub(crate) fn new(seed: u64) -> Self {
        let config = EngineConfig {
            root_seed: seed,
            replication: 0,
        };
        Self {
            engine: Engine::new(config),
            host: World::default(),
        }
    }

    pub(crate) fn node(&mut self, cost_ns: u64, echo: bool) -> NodeId {
        let number = self.host.scripts.len() as u64;
        self.host.scripts.push(Script {
            cost: SimDuration(cost_ns),
            echo,
        });
        self.engine
            .add_node(
                StreamName::new("node").index(number).id(),
                NodeConfig::default(),
            )
            .expect("a test world is small")
    }

    /// A link with the same parameters both ways.
    pub(crate) fn link(&mut self, name: &str, a: NodeId, b: NodeId, params: LinkParams) -> LinkId {
        let class = self
            .engine
            .add_link_class(params)
            .expect("a test world is small");
        self.engine
            .add_link(StreamName::new("link").text(name).id(), a, b, class, class)
            .expect("the test names existing nodes")
    }

    /// Acts on behalf of a node at the present instant.
    pub(crate) fn act(&mut self, node: NodeId, act: impl FnOnce(&mut Outbox<'_, World>)) {
        self.engine
            .with_outbox(node, &mut self.host, &mut NullRecorder, |_, out| act(out));
    }

    pub(crate) fn try_run(&mut self, until: u64) -> Result<RunEnd, EngineError> {
        let mut go_on = |_: &Progress| ControlFlow::Continue(());
        self.engine.run(
            &mut self.host,
            &mut NullRecorder,
            SimTime(until),
            &mut go_on,
        )
    }

    pub(crate) fn run(&mut self, until: u64) -> RunEnd {
        self.try_run(until).expect("the test world has no error")
    }

    /// Everything but the ends of packets.
    pub(crate) fn handled(&self) -> Vec<Seen> {
        self.host
            .log
            .iter()
            .filter(|seen| !matches!(seen, Seen::End { .. }))
            .cloned()
            .collect()
    }

    /// How the packets ended, in order.
    pub(crate) fn fates(&self) -> Vec<Fate> {
        let fate = |seen: &Seen| match seen {
            Seen::End { fate, .. } => Some(*fate),
            _ => None,
        };
        self.host.log.iter().filter_map(fate).collect()
    }
}

/// A constant delay in nanoseconds.
pub(crate) fn constant(ns: u64) -> Law {
    Law::constant(ns as f64).expect("a number of nanoseconds is finite")
}
