//! Durable writes: their price, their end, and what a loss of power leaves of them.

use protocols::effect::Batch;
use protocols::meter::{Operation, Primitive};
use sim_engine::{NodeId, Outbox, SimDuration, SimTime};

use super::{Price, deserialise, serialise};
use crate::fault::WritePoint;
use crate::host::attempt::AttemptId;
use crate::host::fault::{Tear, Writing};
use crate::host::tables::{Happening, Tables};
use crate::host::{Deferred, World};

impl<T: Tables> World<T> {
    /// Begins a durable write, or ends it at once where it takes no time.
    #[allow(
        clippy::too_many_arguments,
        reason = "one arm of the effects' match, split for reading"
    )]
    pub(super) fn store(
        &mut self,
        now: SimTime,
        node: NodeId,
        (group, member): (usize, u32),
        attempt: AttemptId,
        batch: &Batch<'_>,
        price: &mut Price,
        out: &mut Outbox<'_, Self>,
    ) {
        let size = batch.size();
        let start_ns = price.total_ns;
        let write = Operation {
            primitive: Primitive::DurableWrite,
            phase: self.phase_so_far(price),
            count: 1,
            bytes: u32::try_from(size).unwrap_or(u32::MAX),
        };
        let (tear, strikes) = self.tear_of(node.0, size);
        for strike in strikes {
            if start_ns == 0 {
                self.strike_now(now, (strike, false), out);
            } else {
                let ends_write = false;
                let effect = Deferred::Strike { strike, ends_write };
                out.defer(SimDuration(start_ns), effect);
            }
        }
        if self.went_off(node, out) {
            return;
        }
        let group = &mut self.groups[group];
        self.operations.add(group.role, &write);
        group.durable_writes[member as usize] += 1;
        if let Some(profile) = &group.profile {
            price.total_ns += profile.cost_ns(&write);
        }
        let span = SimDuration(price.total_ns - start_ns);
        price.writes_ns += span.0;
        if price.total_ns == 0 && tear.is_none() && !out.recorder().listens() {
            batch
                .writes()
                .for_each(|write| self.persist(now, node.0, write));
            self.check_wear(now, node.0, out);
            self.stored(now, node, attempt, out);
            return;
        }
        let mut bytes = core::mem::take(&mut self.scratch.batch);
        bytes.clear();
        batch
            .writes()
            .for_each(|write| serialise(write, &mut bytes));
        let writing = Writing {
            batch: out.keep(&bytes),
            start_ns: now.0.saturating_add(start_ns),
            atomic: batch.atomic,
        };
        self.scratch.batch = bytes;
        let stored = Deferred::Stored { writing, attempt };
        let ends = SimDuration(price.total_ns);
        let Some(tear) = tear else {
            if ends.0 == 0 {
                self.write_ended(now, node, writing, attempt, out);
            } else {
                out.defer(ends, stored);
            }
            return;
        };
        match tear.point {
            WritePoint::Before | WritePoint::Torn => {
                let landed = match tear.point {
                    WritePoint::Torn if !batch.atomic => tear.prefix,
                    _ => 0,
                };
                let tear = tear.landing(landed);
                let after = Self::share_of(span, landed, size);
                let due = SimDuration(start_ns.saturating_add(after.0));
                if due.0 == 0 {
                    self.write_torn(now, node, writing, tear, out);
                } else {
                    out.defer(due, Deferred::Torn { writing, tear });
                }
            }
            WritePoint::AfterWrite if ends.0 == 0 => {
                self.write_ended(now, node, writing, attempt, out);
                self.strike_tear(now, tear, out);
            }
            WritePoint::AfterWrite => {
                out.defer(ends, stored);
                out.defer(
                    ends,
                    Deferred::Strike {
                        strike: tear.strike(),
                        ends_write: true,
                    },
                );
            }
            WritePoint::After => {
                if ends.0 == 0 {
                    self.write_ended(now, node, writing, attempt, out);
                } else {
                    out.defer(ends, stored);
                }
                self.strike_after_call(tear);
            }
        }
    }

    /// The last byte of a write has landed.
    pub(super) fn write_ended(
        &mut self,
        now: SimTime,
        node: NodeId,
        writing: Writing,
        attempt: AttemptId,
        out: &mut Outbox<'_, Self>,
    ) {
        let mut bytes = core::mem::take(&mut self.scratch.batch);
        bytes.clear();
        bytes.extend_from_slice(out.block(writing.batch));
        deserialise(&bytes, |write| self.persist(now, node.0, write));
        if out.recorder().listens() {
            let stored = Happening::Stored(&bytes);
            out.recorder().happening(now.0, node.0, attempt, stored);
        }
        self.scratch.batch = bytes;
        out.free(writing.batch);
        self.check_wear(now, node.0, out);
        self.stored(now, node, attempt, out);
        if self.watch.on {
            self.after_call(now, node.0, out);
        }
    }

    /// A part of a write has landed, and the node loses power.
    pub(super) fn write_torn(
        &mut self,
        now: SimTime,
        node: NodeId,
        writing: Writing,
        tear: Tear,
        out: &mut Outbox<'_, Self>,
    ) {
        self.land_prefix(now, node.0, out.block(writing.batch), tear.prefix);
        out.free(writing.batch);
        self.strike_tear(now, tear, out);
    }
}
