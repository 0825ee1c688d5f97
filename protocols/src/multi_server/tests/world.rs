//! A small world: one centre, three servers, two users, a wire that holds what is not delivered.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::crypto::sha256_unmetered;
use crate::effect::Effects;
use crate::entropy::Entropy;
use crate::meter::{Primitive, Totals};
use crate::multi_server::directory::Directory;
use crate::multi_server::params::Params;
use crate::multi_server::{
    LiteralCentre, LiteralServer, LiteralUser, PORT, RegistrationCentre, Server, User, literal,
    provision, role,
};
use crate::parameter::{Value, Values};
use crate::roster::{Group, Party, ProvisionSink, Roster, Streams};
use crate::storage::{MemoryStorage, Storage, Write};
use crate::testing::Bench;
use crate::time::{LocalTime, Span};
use crate::{Address, Arg, Channel, Destination, Effect, Machine, Output, Record, Timer};

/// The time at which every clock of a new world stands.
pub(super) const NOW: u64 = 1_700_000_000_000_000_000;
pub(super) const SECOND: u64 = 1_000_000_000;

/// A stream of bytes named by a text: SHA-256 over `name/0`, `name/1`, ...
#[derive(Clone, Debug)]
pub(super) struct Named {
    name: String,
    next: u32,
    ready: VecDeque<u8>,
}

impl Named {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            next: 0,
            ready: VecDeque::new(),
        }
    }
}

impl Entropy for Named {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            if self.ready.is_empty() {
                let block = format!("{}/{}", self.name, self.next);
                self.ready.extend(sha256_unmetered(&[block.as_bytes()]));
                self.next += 1;
            }
            *byte = self.ready.pop_front().unwrap();
        }
    }
}

pub(super) struct NamedStreams;

impl Streams for NamedStreams {
    fn with(
        &mut self,
        group: &str,
        member: u32,
        purpose: &str,
        use_it: &mut dyn FnMut(&mut dyn Entropy),
    ) {
        use_it(&mut Named::new(&format!("{group}/{member}/{purpose}")));
    }
}

pub(super) struct Stores(pub(super) Vec<MemoryStorage>);

impl ProvisionSink for Stores {
    fn put(&mut self, party: usize, record: Record, bytes: &[u8]) {
        self.0[party].apply(Write::Put(record, bytes));
    }
}

/// Hosts of the parties, by their index in the roster.
pub(super) const RC: u32 = 1;
pub(super) const S1: u32 = 2;
pub(super) const S3: u32 = 4;
pub(super) const U1: u32 = 5;
pub(super) const U2: u32 = 6;

/// One centre, `hospital1`, `hospital2`, a third server with the longest names, two users.
pub(super) fn roster() -> Roster {
    let mut far = Values::default();
    far.set("id", Value::Text("hospital-number3".to_owned()));
    far.set(
        "location",
        Value::Text("twenty-four bytes of Loc".to_owned()),
    );
    let groups = [
        ("rc", role::RC, 1, Values::default()),
        ("server", role::SERVER, 2, Values::default()),
        ("far", role::SERVER, 1, far),
        ("user", role::USER, 2, Values::default()),
    ];
    let mut roster = Roster::default();
    for (index, (name, role, count, params)) in groups.into_iter().enumerate() {
        let first = roster.parties.len();
        roster.groups.push(Group {
            name: name.to_owned(),
            role,
            params,
            first,
            count,
        });
        for member in 0..count {
            let before = roster.parties.iter().filter(|party| party.role == role);
            let ordinal = u32::try_from(before.count()).unwrap() + 1;
            let host = u32::try_from(roster.parties.len()).unwrap() + 1;
            roster.parties.push(Party {
                host,
                role,
                group: u32::try_from(index).unwrap(),
                member: u32::try_from(member).unwrap(),
                ordinal,
                neighbours: (0, 0),
            });
        }
    }
    roster
}

pub(super) fn values(given: &[(&'static str, Value)]) -> Values {
    let mut values = Values::default();
    for (name, value) in given {
        values.set(name, value.clone());
    }
    values
}

pub(super) fn word(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A frame on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) channel: Channel,
    pub(super) bytes: Vec<u8>,
}

/// What one call of a machine did, bytes and all.
#[derive(Clone, Debug, Default)]
pub(super) struct Done {
    pub(super) sent: Vec<Packet>,
    pub(super) outputs: Vec<Output>,
    pub(super) armed: Vec<(Timer, Span)>,
    pub(super) cancelled: Vec<Timer>,
    pub(super) stored: Vec<Vec<(Record, Option<Vec<u8>>)>>,
    /// The kinds of effects in their order.
    pub(super) order: Vec<&'static str>,
    pub(super) hashes: u64,
}

impl Done {
    fn read(effects: &Effects, host: u32) -> Self {
        let mut done = Self::default();
        for effect in effects.iter() {
            done.order.push(match effect {
                Effect::Send {
                    from_port,
                    to: Destination::Address(to),
                    channel,
                    bytes,
                } => {
                    done.sent.push(Packet {
                        from: Address::new(host, from_port),
                        to,
                        channel,
                        bytes: bytes.to_vec(),
                    });
                    "send"
                }
                Effect::Arm { timer, after } => {
                    done.armed.push((timer, after));
                    "arm"
                }
                Effect::Cancel { timer } => {
                    done.cancelled.push(timer);
                    "cancel"
                }
                Effect::Store { batch } => {
                    let lines = batch.writes().map(|write| match write {
                        Write::Put(record, bytes) => (record, Some(bytes.to_vec())),
                        Write::Delete(record) => (record, None),
                    });
                    done.stored.push(lines.collect());
                    "store"
                }
                Effect::Output(output) => {
                    done.outputs.push(output);
                    match output {
                        Output::Running { .. } => "running",
                        Output::Accepted { .. } => "accepted",
                        Output::Rejected { .. } => "rejected",
                        Output::Ended { .. } => "ended",
                        Output::SharedState { .. } => "shared",
                        Output::Named { .. } => "named",
                        _ => "other",
                    }
                }
                _ => "other",
            });
        }
        done
    }

    /// The words of all refusals.
    pub(super) fn reasons(&self) -> Vec<&'static str> {
        let words = self.outputs.iter().filter_map(|output| match output {
            Output::Rejected { reason, .. } => Some(reason.word),
            _ => None,
        });
        words.collect()
    }

    /// The only frame sent.
    pub(super) fn frame(&self) -> &[u8] {
        assert_eq!(self.sent.len(), 1, "one frame: {:?}", self.order);
        &self.sent[0].bytes
    }

    pub(super) fn accepted(&self) -> Option<Output> {
        let mut all = self.outputs.iter().copied();
        all.find(|output| matches!(output, Output::Accepted { .. }))
    }
}

#[derive(Clone, Debug)]
pub(super) struct World<C = RegistrationCentre, S = Server, U = User> {
    pub(super) params: Arc<Params>,
    pub(super) rc: Bench<C, Named>,
    pub(super) servers: Vec<Bench<S, Named>>,
    pub(super) users: Vec<Bench<U, Named>>,
    /// Sent and not yet delivered.
    pub(super) wire: VecDeque<Packet>,
}

/// A world of the variant `literal`.
pub(super) type LiteralWorld = World<LiteralCentre, LiteralServer, LiteralUser>;

impl World {
    /// A world of a variant, started, with what its start put on the wire.
    pub(super) fn new(variant: &str, given: &[(&'static str, Value)]) -> Self {
        Self::unstarted(variant, given).started()
    }

    pub(super) fn unstarted(variant: &str, given: &[(&'static str, Value)]) -> Self {
        let params = Arc::new(Params::new(variant, &values(given)).unwrap());
        let mut stores = Stores(vec![MemoryStorage::default(); 6]);
        provision::provision(&params, &roster(), &mut NamedStreams, &mut stores);
        let directory = Arc::new(Directory::new(&roster()));
        let machines = (
            RegistrationCentre::new(Arc::clone(&params)),
            Server::new(Arc::clone(&params), Arc::clone(&directory)),
            User::new(Arc::clone(&params), directory),
        );
        Self::build(params, stores, &machines)
    }
}

impl LiteralWorld {
    /// A started world of the prototype.
    pub(super) fn literal(variant: &str, given: &[(&'static str, Value)]) -> Self {
        let params = Arc::new(Params::new(variant, &values(given)).unwrap());
        let mut stores = Stores(vec![MemoryStorage::default(); 6]);
        literal::provision::provision(&params, &roster(), &mut NamedStreams, &mut stores);
        let directory = Arc::new(Directory::new(&roster()));
        let machines = (
            LiteralCentre::new(Arc::clone(&params)),
            LiteralServer::new(Arc::clone(&params), Arc::clone(&directory)),
            LiteralUser::new(Arc::clone(&params), directory),
        );
        Self::build(params, stores, &machines).started()
    }
}

impl<C: Machine, S: Machine, U: Machine> World<C, S, U> {
    fn build(params: Arc<Params>, stores: Stores, machines: &(C, S, U)) -> Self {
        let mut stores = stores.0.into_iter();
        let mut next = || stores.next().unwrap();
        let (centre, server, user) = machines;
        let rc = Bench::new(centre.clone(), next(), Named::new("run/rc"));
        let servers = (0..3).map(|index| {
            let entropy = Named::new(&format!("run/server{index}"));
            Bench::new(server.clone(), next(), entropy)
        });
        let servers = servers.collect();
        let users = (0..2).map(|index| {
            let entropy = Named::new(&format!("run/user{index}"));
            Bench::new(user.clone(), next(), entropy)
        });
        let mut world = Self {
            params,
            rc,
            servers,
            users: users.collect(),
            wire: VecDeque::new(),
        };
        world.set_time(NOW);
        world
    }

    fn started(mut self) -> Self {
        for host in RC..=U2 {
            self.call(host, Call::Start);
        }
        self
    }

    /// Sets every clock.
    pub(super) fn set_time(&mut self, now: u64) {
        self.rc.now = LocalTime(now);
        self.servers
            .iter_mut()
            .for_each(|server| server.now = LocalTime(now));
        self.users
            .iter_mut()
            .for_each(|user| user.now = LocalTime(now));
    }

    /// Gives one party one input; what it sends goes to the wire.
    pub(super) fn call(&mut self, host: u32, call: Call<'_>) -> Done {
        let done = match host {
            RC => run(&mut self.rc, host, call),
            S1..=S3 => run(&mut self.servers[(host - S1) as usize], host, call),
            _ => run(&mut self.users[(host - U1) as usize], host, call),
        };
        self.wire.extend(done.sent.iter().cloned());
        done
    }

    pub(super) fn command(&mut self, host: u32, id: u8, peer: u32, args: &[Arg<'_>]) -> Done {
        self.call(
            host,
            Call::Command(id, Some(Address::new(peer, PORT)), args),
        )
    }

    /// Delivers the oldest frame on the wire.
    pub(super) fn deliver(&mut self) -> Done {
        let packet = self.wire.pop_front().expect("a frame on the wire");
        self.call(packet.to.host, Call::Message(&packet))
    }

    /// Delivers until the wire is empty; the outputs with their hosts, in order.
    pub(super) fn settle(&mut self) -> Vec<(u32, Output)> {
        let mut outputs = Vec::new();
        while let Some(packet) = self.wire.pop_front() {
            let done = self.call(packet.to.host, Call::Message(&packet));
            outputs.extend(
                done.outputs
                    .into_iter()
                    .map(|output| (packet.to.host, output)),
            );
        }
        outputs
    }

    pub(super) fn timer(&mut self, host: u32, kind: u8) -> Done {
        self.call(host, Call::Timer(Timer::only(kind)))
    }

    pub(super) fn storage(&self, host: u32) -> &MemoryStorage {
        match host {
            RC => &self.rc.storage,
            S1..=S3 => &self.servers[(host - S1) as usize].storage,
            _ => &self.users[(host - U1) as usize].storage,
        }
    }

    pub(super) fn record(&self, host: u32, record: Record) -> Option<Vec<u8>> {
        self.storage(host).read(record).map(<[u8]>::to_vec)
    }

    pub(super) fn machine_state(&self, host: u32) -> &'static str {
        match host {
            RC => self.rc.machine.state(),
            S1..=S3 => self.servers[(host - S1) as usize].machine.state(),
            _ => self.users[(host - U1) as usize].machine.state(),
        }
    }
}

/// One input.
pub(super) enum Call<'a> {
    Start,
    Restart,
    Message(&'a Packet),
    Timer(Timer),
    Command(u8, Option<Address>, &'a [Arg<'a>]),
}

fn run<M: Machine>(bench: &mut Bench<M, Named>, host: u32, call: Call<'_>) -> Done {
    let effects = match call {
        Call::Start => bench.start(),
        Call::Restart => bench.restart(),
        Call::Message(packet) if packet.channel == Channel::Secure => {
            bench.secure_message(packet.from, packet.to, &packet.bytes)
        }
        Call::Message(packet) => bench.message(packet.from, packet.to, &packet.bytes),
        Call::Timer(timer) => bench.timer(timer),
        Call::Command(id, peer, args) => bench.command(id, peer, args),
    };
    let mut done = Done::read(effects, host);
    let mut totals = Totals::default();
    for operation in bench.crypto.meter.operations() {
        totals.add(operation);
    }
    done.hashes = totals.of(Primitive::Sha256).0;
    done
}
