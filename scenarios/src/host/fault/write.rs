//! Durable writes that lose power: before, in the middle, after.

use protocols::storage::{Storage as _, Write, torn};
use sim_engine::{Block, NodeId, Outbox, SimDuration, SimTime};

use super::{Strike, WORD_BYTES};
use crate::fault::{Effect, WritePoint};
use crate::host::World;
use crate::host::effects::deserialise;
use crate::host::tables::Tables;

/// How a durable write is to go wrong.
#[derive(Clone, Copy, Debug)]
pub struct Tear {
    strike: Strike,
    /// The moment of the write.
    pub point: WritePoint,
    /// Bytes that land of a torn write.
    pub prefix: usize,
}

/// A durable write that is under way.
#[derive(Clone, Copy, Debug)]
pub struct Writing {
    /// Its batch, serialised.
    pub batch: Block,
    /// When its first byte is written, ns.
    pub start_ns: u64,
    /// Whether it lands as a whole or not at all.
    pub atomic: bool,
}

impl Tear {
    /// The strike that tears.
    #[must_use]
    pub const fn strike(self) -> Strike {
        self.strike
    }

    /// The same, with so many bytes landing.
    #[must_use]
    pub const fn landing(self, prefix: usize) -> Self {
        Self { prefix, ..self }
    }
}

impl<T: Tables> World<T> {
    /// The next durable write of `node` will be torn.
    pub(super) fn arm_torn(&mut self, node: u32, strike: Strike) {
        if let Some(faults) = &mut self.faults {
            if faults.outages.contains_key(&node) {
                faults.count(strike.fault).void += 1;
                return;
            }
            faults.count(strike.fault).armed += 1;
            faults.armed.insert(node, strike);
        }
    }

    /// A durable write of `size` bytes begins at `node`: how it is to go wrong, if it is. Strikes
    /// that tear nothing but are due at this write are returned beside it.
    #[inline]
    pub(in crate::host) fn tear_of(
        &mut self,
        node: u32,
        size: usize,
    ) -> (Option<Tear>, Vec<Strike>) {
        let watches = self
            .faults
            .as_ref()
            .is_some_and(|faults| faults.watches_writes);
        if watches {
            self.select_tear(node, size)
        } else {
            (None, Vec::new())
        }
    }

    fn select_tear(&mut self, node: u32, size: usize) -> (Option<Tear>, Vec<Strike>) {
        let mut due = self.select_write(node);
        if let Some(strike) = self
            .faults
            .as_mut()
            .and_then(|faults| faults.armed.remove(&node))
        {
            due.push(strike);
        }
        let mut tear = None;
        let mut others = Vec::new();
        for strike in due {
            let effect = self
                .faults
                .as_ref()
                .map(|faults| faults.spec(strike.fault).effect.clone());
            if let Some(Effect::TornWrite { point, bytes, .. }) = effect
                && strike.place.node() == Some(node)
            {
                let draw = self.fault_draw(strike.fault, strike.place, strike.number, WORD_BYTES);
                let drawn = prefix(draw, size);
                let given = bytes.and_then(|bytes| usize::try_from(bytes).ok());
                tear = Some(Tear {
                    strike,
                    point,
                    prefix: given.map_or(drawn, |given| given.min(size)),
                });
            } else {
                others.push(strike);
            }
        }
        (tear, others)
    }

    /// Lands the first bytes of a batch.
    pub(in crate::host) fn land_prefix(
        &mut self,
        now: SimTime,
        node: u32,
        batch: &[u8],
        prefix: usize,
    ) {
        let mut left = prefix;
        let mut writes = Vec::new();
        deserialise(batch, |write| match write {
            Write::Put(record, bytes) if left > 0 => {
                let view = self.depot.view(node);
                let old = view.read(record).unwrap_or_default();
                let landed = left.min(bytes.len());
                left -= landed;
                let bytes = if landed == bytes.len() {
                    bytes.to_vec()
                } else {
                    torn(old, bytes, landed)
                };
                writes.push((record, bytes));
            }
            // A deletion takes effect with the byte that would follow it.
            Write::Delete(_) | Write::Put(..) => {}
        });
        for (record, bytes) in writes {
            self.persist(now, node, Write::Put(record, &bytes));
        }
    }

    /// The strike of a tear.
    pub(in crate::host) fn strike_tear(
        &mut self,
        now: SimTime,
        tear: Tear,
        out: &mut Outbox<'_, Self>,
    ) {
        self.strike_power(now, tear.strike, out);
    }

    /// Takes the power of a strike's node.
    pub(in crate::host) fn strike_power(
        &mut self,
        now: SimTime,
        strike: Strike,
        out: &mut Outbox<'_, Self>,
    ) {
        if let Some(node) = strike.place.node() {
            self.lose_power(now, node, strike, out);
        }
    }

    /// Carries out a strike whose moment has come: `ends_write` when it is that of a torn write at
    /// its point, which takes the power instead of preparing another.
    pub(in crate::host) fn strike_now(
        &mut self,
        now: SimTime,
        (strike, ends_write): (Strike, bool),
        out: &mut Outbox<'_, Self>,
    ) {
        if ends_write {
            self.strike_power(now, strike, out);
        } else {
            self.strike(now, strike, out);
        }
    }

    /// Notes that power is lost when the running call is through.
    pub(in crate::host) fn strike_after_call(&mut self, tear: Tear) {
        if let Some(faults) = &mut self.faults {
            faults.after_call.push((tear.strike, true));
        }
    }

    /// What strikes now that the running call is through.
    #[inline]
    pub(in crate::host) fn take_after_call(&mut self) -> Vec<(Strike, bool)> {
        self.faults
            .as_mut()
            .map(|faults| core::mem::take(&mut faults.after_call))
            .unwrap_or_default()
    }

    /// A crash took a write that had not ended: if it had begun, a part of it landed.
    pub(in crate::host) fn write_lost(
        &mut self,
        now: SimTime,
        node: u32,
        writing: Writing,
        out: &mut Outbox<'_, Self>,
    ) {
        if !writing.atomic && writing.start_ns < now.0 {
            let batch = out.block(writing.batch).to_vec();
            let mut size = 0;
            deserialise(&batch, |write| {
                if let Write::Put(_, bytes) = write {
                    size += bytes.len();
                }
            });
            let strike = self
                .faults
                .as_ref()
                .and_then(|faults| faults.outages.get(&node))
                .and_then(super::Outage::strike);
            let landed = strike.map_or(0, |strike| {
                let draw = self.fault_draw(strike.fault, strike.place, strike.number, WORD_BYTES);
                prefix(draw, size)
            });
            self.land_prefix(now, node, &batch, landed);
        }
        out.free(writing.batch);
    }

    /// How much of a write's time its first `prefix` of `size` bytes take.
    pub(in crate::host) fn share_of(span: SimDuration, prefix: usize, size: usize) -> SimDuration {
        let part = u128::from(span.0) * prefix as u128 / (size.max(1) as u128);
        SimDuration(u64::try_from(part).unwrap_or(span.0))
    }

    /// Whether `node` has lost its power in the running call.
    #[inline]
    pub(in crate::host) fn went_off(&self, node: NodeId, out: &Outbox<'_, Self>) -> bool {
        self.faults.is_some() && out.is_down(node)
    }
}

/// A uniform number of bytes from 1 to `size` - 1: a write that is torn at neither end.
fn prefix(draw: u64, size: usize) -> usize {
    if size < 2 {
        return 0;
    }
    let places = (size - 1) as u128;
    1 + usize::try_from((u128::from(draw) * places) >> 64).unwrap_or(0)
}
