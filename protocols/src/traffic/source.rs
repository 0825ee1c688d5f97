//! The source: one job per command, several of which may be open.

use std::collections::VecDeque;
use std::sync::Arc;

use super::messages::{self, Header, Kind};
use super::params::{self, SourceParams};
use super::route::Route;
use super::{ABORT, SEND, SINK, SOURCE, STATION, job_tag, port};
use crate::address::{Address, Channel};
use crate::context::Context;
use crate::crypto;
use crate::machine::{Arg, Command, Incoming, Machine, Timer};
use crate::output::{Output, Principal, Scope};
use crate::roster::Roster;
use crate::wire::Layout;

/// A party that sends jobs.
#[derive(Clone, Debug)]
pub struct Source {
    params: Arc<SourceParams>,
    route: Option<Arc<Route>>,
    /// Where jobs go that have neither route nor peer: the first linked station or sink.
    fallback: Option<Address>,
    host: u32,
    ordinal: u16,
    next_number: u64,
    /// Numbers of the jobs whose answer is awaited, ascending.
    open: VecDeque<u64>,
}

/// Builds the sources of one group.
pub(super) fn build(roster: &Roster, group: usize, layouts: &Arc<[Layout]>) -> Vec<Source> {
    let values = &roster.groups[group].params;
    let params = Arc::new(SourceParams::new(values, layouts));
    let mut last: Option<Arc<Route>> = None;
    let parties = roster.group(group).iter();
    parties
        .map(|party| {
            let route = shared_route(roster, party, params::shares(values), &mut last);
            let fallback = [STATION, SINK]
                .into_iter()
                .find_map(|role| roster.first_peer(party, role, port(role)));
            Source {
                params: Arc::clone(&params),
                route,
                fallback,
                host: party.host,
                ordinal: ordinal(party.ordinal),
                next_number: 0,
                open: VecDeque::new(),
            }
        })
        .collect()
}

/// The source number that a frame carries for an ordinal.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the field is the ordinal modulo 2^16"
)]
pub(super) const fn ordinal(ordinal: u32) -> u16 {
    ordinal as u16
}

/// The route of `party`; neighbours in the roster with equal routes share one.
pub(super) fn shared_route(
    roster: &Roster,
    party: &crate::roster::Party,
    shares: Option<&[(String, f64)]>,
    last: &mut Option<Arc<Route>>,
) -> Option<Arc<Route>> {
    // `Instance::check` has refused routes that do not resolve.
    let route = Route::resolve(roster, party, shares?).ok()?;
    if last.as_deref() != Some(&route) {
        *last = Some(Arc::new(route));
    }
    last.clone()
}

impl Source {
    fn send(&mut self, peer: Option<Address>, cx: &mut Context<'_>) {
        let given = peer.or(self.fallback);
        if self.route.is_none() && given.is_none() {
            cx.reject(Scope::Command, "no-peer", None, None);
            return;
        }
        let (size, class) = self.params.draw_size_and_class(cx.entropy);
        let to = match &self.route {
            Some(route) => route.choose(cx.entropy),
            None => given,
        };
        let number = self.next_number;
        self.next_number += 1;
        let Some(to) = to else { return };
        let header = Header {
            class,
            source: self.ordinal,
            number,
            hops: 0,
        };
        let waits = self.params.reply;
        let mut digest = [0; 8];
        cx.send(port(SOURCE), to, Channel::Public, |out| {
            let start = out.len();
            messages::encode(Kind::Job, &header, size, out);
            if waits {
                digest = crypto::tag("", &[&out[start..]]);
            }
        });
        if waits {
            self.open.push_back(number);
            cx.output(Output::DataSent {
                session: job_tag(self.host, number),
                seq: number,
                digest,
            });
        }
    }

    /// Forgets job `number`; false when it is not open.
    fn close(&mut self, number: u64) -> bool {
        let place = self.open.binary_search(&number);
        if let Ok(index) = place {
            self.open.remove(index);
        }
        place.is_ok()
    }
}

impl Machine for Source {
    fn on_start(&mut self, _cx: &mut Context<'_>) {}

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        let (kind, header) = match messages::decode(&self.params.layouts, incoming.bytes) {
            Ok(frame) => frame,
            Err(place) => return cx.reject(Scope::Frame, place, None, None),
        };
        if kind == Kind::Job || header.source != self.ordinal {
            return cx.reject(Scope::Frame, "unexpected", None, None);
        }
        let session = job_tag(self.host, header.number);
        if !self.close(header.number) {
            return cx.reject(Scope::Frame, "late", None, Some(session));
        }
        let answered_by = if incoming.from.port == port(SINK) {
            SINK
        } else {
            STATION
        };
        let peer = Principal::id(answered_by, u64::from(incoming.from.host));
        if kind == Kind::Done {
            cx.output(Output::Accepted {
                peer,
                session,
                run: session,
                key_id: None,
            });
        } else {
            cx.reject(Scope::Attempt, "full", Some(peer), Some(session));
        }
    }

    fn on_timer(&mut self, _timer: Timer, _cx: &mut Context<'_>) {}

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        match command.id {
            SEND => self.send(command.peer, cx),
            ABORT => {
                if let Arg::Integer(number) = command.arg(0) {
                    self.close(number);
                } else {
                    self.open.pop_front();
                }
            }
            _ => cx.reject(Scope::Command, "unknown-command", None, None),
        }
    }

    fn on_restart(&mut self, _cx: &mut Context<'_>) {
        self.open.clear();
    }

    fn state(&self) -> &'static str {
        if self.open.is_empty() {
            "IDLE"
        } else {
            "WAITING"
        }
    }
}
