//! Writes down what the drive shows.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use protocols::drive::{self, Witness};
use protocols::output::Hex;
use protocols::roster::Roster;
use protocols::storage::{MemoryStorage, Write};
use protocols::wire::FieldKind;
use protocols::{
    Address, Channel, Destination, Output, Principal, Record, Scope, StreamEvent,
    Timer as MachineTimer,
};

use super::Names;
use super::entropy::Log;
use super::output::{
    Call, Drawn, Effect, Entropy, Field, Input, Message, Operation, Party, Said, Step, Timer,
    Transcript, Work,
};
use crate::scenario::ProtocolChoice;

/// The witness of a transcript.
pub(super) struct Scribe<'a> {
    choice: &'a ProtocolChoice,
    roster: &'a Roster,
    names: &'a Names,
    log: Rc<RefCell<Log>>,
    lost: &'a [u64],
    /// Which party a principal is.
    principals: BTreeMap<Principal, usize>,
    messages: Vec<Message>,
    calls: Vec<Call>,
    entropy: Vec<Entropy>,
}

fn hex(bytes: &[u8]) -> String {
    Hex(bytes).to_string()
}

impl<'a> Scribe<'a> {
    pub(super) fn new(
        choice: &'a ProtocolChoice,
        roster: &'a Roster,
        names: &'a Names,
        log: Rc<RefCell<Log>>,
        lost: &'a [u64],
    ) -> Self {
        let mut principals = BTreeMap::new();
        for (index, party) in roster.parties.iter().enumerate() {
            let principal = choice.instance.principal(roster, party);
            principals.entry(principal).or_insert(index);
        }
        let entropy = (0..roster.parties.len()).map(|party| Entropy {
            party: names.of(party).to_owned(),
            requests: 0,
            bytes: 0,
        });
        Self {
            choice,
            roster,
            names,
            log,
            lost,
            principals,
            messages: Vec::new(),
            calls: Vec::new(),
            entropy: entropy.collect(),
        }
    }

    /// The transcript of everything seen.
    pub(super) fn finish(
        self,
        provisioning: Vec<Drawn>,
        before: &[MemoryStorage],
        after: &[MemoryStorage],
        steps: Vec<Step>,
    ) -> Transcript {
        let protocol = self.choice.protocol;
        let instance = &self.choice.instance;
        let parties = self.roster.parties.iter().enumerate();
        let parties = parties.map(|(index, party)| Party {
            party: self.names.of(index).to_owned(),
            role: protocol.roles()[usize::from(party.role)].name,
            host: party.host,
            port: instance.port(party.role),
        });
        Transcript {
            protocol: protocol.name(),
            variant: self.choice.variant.clone(),
            settings: instance.settings().into_iter().collect(),
            parties: parties.collect(),
            provisioning,
            storage_before: self.storage(before),
            steps,
            storage_after: self.storage(after),
            messages: self.messages,
            calls: self.calls,
            entropy: self.entropy,
        }
    }

    fn storage(&self, all: &[MemoryStorage]) -> BTreeMap<String, BTreeMap<String, String>> {
        let one = |storage: &MemoryStorage| {
            let records = storage.iter();
            records.map(|(at, bytes)| (place(at), hex(bytes))).collect()
        };
        let parties = all.iter().enumerate();
        parties
            .map(|(party, storage)| (self.names.of(party).to_owned(), one(storage)))
            .collect()
    }

    fn host(&self, address: Address) -> String {
        let hosts = self.roster.parties.iter();
        let index = hosts
            .enumerate()
            .find(|(_, party)| party.host == address.host);
        index.map_or_else(
            || format!("host {}", address.host),
            |(index, _)| self.names.of(index).to_owned(),
        )
    }

    fn timer(&self, timer: MachineTimer) -> Timer {
        let timers = self.choice.protocol.timers();
        Timer {
            name: timers
                .get(usize::from(timer.kind))
                .map_or("", |spec| spec.name),
            key: timer.key,
        }
    }

    fn principal(&self, principal: Principal) -> String {
        match self.principals.get(&principal) {
            Some(party) => self.names.of(*party).to_owned(),
            None => {
                let roles = self.choice.protocol.roles();
                let role = roles.get(usize::from(principal.role));
                format!(
                    "{} {:x}",
                    role.map_or("", |role| role.name),
                    principal.value
                )
            }
        }
    }

    fn input(&self, input: &drive::Input<'_>) -> Input {
        match input {
            drive::Input::Start => Input::Start,
            drive::Input::Restart => Input::Restart,
            drive::Input::Message { number, .. } => Input::Message(*number),
            drive::Input::Timer(timer) => Input::Timer(self.timer(*timer)),
            drive::Input::Command(command) => {
                let commands = self.choice.protocol.commands();
                let spec = commands.get(usize::from(command.id));
                Input::Command(spec.map_or("", |spec| spec.name))
            }
            drive::Input::Stream {
                number,
                peer,
                event,
            } => match event {
                StreamEvent::Opened => Input::Opened(self.host(*peer)),
                StreamEvent::Bytes(_) => Input::Message(number.unwrap_or_default()),
                StreamEvent::Closed => Input::Closed(self.host(*peer)),
                StreamEvent::Reset => Input::Reset(self.host(*peer)),
            },
        }
    }

    fn message(
        &self,
        party: usize,
        from_port: u16,
        to: Destination,
        channel: Channel,
        bytes: &[u8],
    ) -> Message {
        let number = self.messages.len() as u64;
        let secrecy = match channel {
            Channel::Public => "public",
            Channel::Secure => "secure",
        };
        let (to, to_port, channel, from_port) = match to {
            Destination::Address(to) => (self.host(to), to.port, secrecy, Some(from_port)),
            Destination::Broadcast(port) => {
                (String::from("broadcast"), port, secrecy, Some(from_port))
            }
            Destination::Stream(to) => (self.host(to), to.port, "stream", None),
        };
        let instance = &self.choice.instance;
        let kind = instance.classify(bytes);
        let layout = kind.and_then(|index| instance.layouts().get(index));
        let located = layout.and_then(|layout| Some((layout, layout.locate(bytes).ok()?)));
        let mut fields = Vec::new();
        if let Some((layout, located)) = located {
            for (index, spec) in layout.fields.iter().enumerate() {
                let bytes = located.field(index);
                let number = matches!(spec.kind, FieldKind::Integer | FieldKind::Tag);
                let text = matches!(spec.kind, FieldKind::Text);
                fields.push(Field {
                    name: spec.name,
                    bytes: hex(bytes),
                    value: (number && bytes.len() <= 8).then(|| located.integer(index)),
                    text: text.then(|| String::from_utf8_lossy(bytes).into_owned()),
                });
            }
        }
        Message {
            number,
            from: self.names.of(party).to_owned(),
            from_port,
            to,
            to_port,
            channel,
            name: layout.map(|layout| layout.name),
            lost: self.lost.contains(&number),
            bytes: hex(bytes),
            fields,
        }
    }

    fn effect(&mut self, party: usize, effect: &protocols::Effect<'_>) -> Effect {
        match effect {
            protocols::Effect::Send {
                from_port,
                to,
                channel,
                bytes,
            } => {
                let message = self.message(party, *from_port, *to, *channel, bytes);
                let number = message.number;
                self.messages.push(message);
                Effect::Send(number)
            }
            protocols::Effect::OpenStream { to } => Effect::OpenStream(self.host(*to)),
            protocols::Effect::CloseStream { to } => Effect::CloseStream(self.host(*to)),
            protocols::Effect::Arm { timer, after } => Effect::Arm {
                timer: self.timer(*timer),
                after_ns: after.nanos(),
            },
            protocols::Effect::Cancel { timer } => Effect::Cancel(self.timer(*timer)),
            protocols::Effect::Store { batch } => Effect::Store {
                atomic: batch.atomic,
                records: batch
                    .writes()
                    .map(|write| match write {
                        Write::Put(record, bytes) => (place(record), Some(hex(bytes))),
                        Write::Delete(record) => (place(record), None),
                    })
                    .collect(),
            },
            protocols::Effect::Output(output) => {
                if let Output::Named { principal } = output {
                    self.principals.entry(*principal).or_insert(party);
                }
                Effect::Output(Box::new(self.said(output)))
            }
            protocols::Effect::Halt => Effect::Halt,
        }
    }

    fn said(&self, output: &Output) -> Said {
        let peer = |peer: &Principal| Some(self.principal(*peer));
        let mut said = Said::default();
        match output {
            Output::Running { peer: with, run } => {
                said.kind = "running";
                said.peer = peer(with);
                said.run = Some(hex(run));
            }
            Output::Accepted {
                peer: with,
                session,
                run,
                key_id,
            } => {
                said.kind = "accepted";
                said.peer = peer(with);
                said.session = Some(hex(session));
                said.run = Some(hex(run));
                said.key_id = key_id.as_ref().map(|id| hex(id));
            }
            Output::Rejected {
                peer: with,
                session,
                scope,
                reason,
            } => {
                said.kind = "rejected";
                said.peer = with.as_ref().and_then(peer);
                said.session = session.as_ref().map(|tag| hex(tag));
                said.scope = Some(match scope {
                    Scope::Command => "command",
                    Scope::Frame => "frame",
                    Scope::Attempt => "attempt",
                });
                said.reason = Some(reason.to_string());
            }
            Output::Ended {
                peer: with,
                session,
                reason,
            } => {
                said.kind = "ended";
                said.peer = peer(with);
                said.session = Some(hex(session));
                said.reason = Some(reason.to_string());
            }
            Output::DataSent {
                session,
                seq,
                digest,
            }
            | Output::DataAccepted {
                session,
                seq,
                digest,
            }
            | Output::DataReused {
                session,
                seq,
                digest,
            } => {
                said.kind = match output {
                    Output::DataSent { .. } => "data-sent",
                    Output::DataReused { .. } => "data-reused",
                    _ => "data-accepted",
                };
                said.session = Some(hex(session));
                said.seq = Some(*seq);
                said.digest = Some(hex(digest));
            }
            Output::SharedState {
                peer: with,
                relation,
                epoch,
                fingerprints,
                durable,
            } => {
                said.kind = "shared-state";
                said.peer = peer(with);
                let relations = self.choice.protocol.relations();
                said.relation = relations.get(usize::from(*relation)).map(|spec| spec.name);
                said.epoch = Some(*epoch);
                let values = fingerprints.as_slice().iter();
                said.fingerprints = Some(values.map(|value| hex(value)).collect());
                said.durable = Some(*durable);
            }
            Output::Named { principal } => {
                said.kind = "named";
                said.peer = peer(principal);
            }
            Output::Halted => said.kind = "halted",
        }
        said
    }
}

impl Witness for Scribe<'_> {
    fn saw(&mut self, call: &drive::Call<'_>) {
        let draws = core::mem::take(&mut self.log.borrow_mut().draws);
        let entropy = &mut self.entropy[call.party];
        entropy.requests += draws.len() as u64;
        entropy.bytes += draws.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
        let phases = self.choice.protocol.phases();
        let operations = call.costs().map(|cost| Operation {
            operation: cost.primitive.as_str(),
            phase: phases.get(usize::from(cost.phase)).copied().unwrap_or(""),
            count: cost.count,
            bytes: cost.bytes,
        });
        let work = call.work.iter().map(|work| Work {
            function: work.function,
            inputs: work
                .inputs
                .iter()
                .map(|(name, bytes)| Field {
                    name,
                    bytes: hex(bytes),
                    value: None,
                    text: None,
                })
                .collect(),
            output: hex(&work.output),
        });
        let (operations, work) = (operations.collect(), work.collect());
        let effects = call.effects.iter();
        let effects = effects
            .map(|effect| self.effect(call.party, &effect))
            .collect();
        self.calls.push(Call {
            party: self.names.of(call.party).to_owned(),
            clock_ns: call.now.0,
            input: self.input(&call.input),
            random: draws.iter().map(|bytes| hex(bytes)).collect(),
            work,
            operations,
            effects,
        });
    }
}

/// `table/key`.
fn place(record: Record) -> String {
    format!("{}/{}", record.table, record.key)
}
