//! One packet's way through one link direction, computed when it is offered.

use super::draws::{self, PacketDraws};
use super::{ClassState, DirectionState, Extra, LossModel, LossPlace, QueueLimit};
use crate::packet::Fate;
use crate::time::{SimDuration, SimTime};

/// A packet that leaves towards the far end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Carried {
    /// When serialisation ends.
    pub(crate) departure: SimTime,
    /// When it arrives.
    pub(crate) arrival: SimTime,
    /// When the copy that the link made arrives.
    pub(crate) copy_arrival: Option<SimTime>,
    /// Random bits that place bit errors which the link does not find.
    pub(crate) flips: Option<u64>,
}

/// Why there is no [`Carried`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stopped {
    /// The packet's life ended on the link.
    Ended(Fate),
    /// It would arrive beyond the end of time.
    BeyondTime,
}

/// Sends one packet of `bytes` bytes through.
///
/// A quiet link loses and changes nothing, its queue has no limit and its delay is the mean.
pub(crate) fn carry(
    class: &ClassState,
    state: &mut DirectionState,
    extra: Option<&mut Extra>,
    draws: &mut PacketDraws<'_>,
    now: SimTime,
    bytes: u32,
    quiet: bool,
) -> Result<Carried, Stopped> {
    let Some(extra) = extra else {
        // The common case, kept apart since it is on the path of every packet: no state but loss.
        if !quiet && loses(&class.params.loss, draws) {
            state.lost += 1;
            return Err(Stopped::Ended(Fate::Lost));
        }
        let arrival = add(now, delay(class, draws, quiet)?)?;
        return Ok(Carried {
            departure: now,
            arrival,
            copy_arrival: None,
            flips: None,
        });
    };
    carry_with_state(class, state, extra, draws, now, bytes, quiet)
}

fn carry_with_state(
    class: &ClassState,
    state: &mut DirectionState,
    extra: &mut Extra,
    draws: &mut PacketDraws<'_>,
    now: SimTime,
    bytes: u32,
    quiet: bool,
) -> Result<Carried, Stopped> {
    let params = &class.params;
    if params.mtu_bytes.is_some_and(|mtu| bytes > mtu) {
        extra.totals.mtu_drops += 1;
        return Err(Stopped::Ended(Fate::MtuDrop));
    }
    if !quiet && params.loss_place == LossPlace::Ingress {
        lose(class, state, extra, draws, now)?;
    }
    let departure = enqueue(class, extra, now, bytes, quiet)?;
    if quiet {
        let arrival = in_order(class, extra, add(departure, class.mean_delay)?);
        return Ok(Carried {
            departure,
            arrival,
            copy_arrival: None,
            flips: None,
        });
    }
    if params.loss_place == LossPlace::Air {
        lose(class, state, extra, draws, departure)?;
    }
    let mut flips = None;
    if let Some(corruption) = params.corruption
        && happens(corruption.probability, draws, draws::CORRUPT)
        && bytes > 0
    {
        extra.totals.corrupted += 1;
        if corruption.checked {
            return Err(Stopped::Ended(Fate::Corrupted));
        }
        flips = Some(draws.slot(draws::CORRUPT_BITS));
    }
    let duplicated = happens(params.duplication, draws, draws::DUPLICATE);
    let arrival = in_order(class, extra, add(departure, delay(class, draws, quiet)?)?);
    let mut copy_arrival = None;
    if duplicated {
        extra.totals.duplicated += 1;
        let copy = draws.copy;
        draws.copy = copy + 1;
        let at = add(departure, delay(class, draws, quiet)?)?;
        draws.copy = copy;
        copy_arrival = Some(in_order(class, extra, at));
    }
    Ok(Carried {
        departure,
        arrival,
        copy_arrival,
        flips,
    })
}

/// The way of an adversary's packet, which stands in no queue and steps no chain: how long it is
/// under way. `whole`: all of the link, which may lose it; else the half behind the tap.
pub(crate) fn cross(
    class: &ClassState,
    draws: &mut PacketDraws<'_>,
    bytes: u32,
    whole: bool,
    quiet: bool,
) -> Result<SimDuration, Stopped> {
    let params = &class.params;
    if params.mtu_bytes.is_some_and(|mtu| bytes > mtu) {
        return Err(Stopped::Ended(Fate::MtuDrop));
    }
    if whole && !quiet && loses(&params.loss, draws) {
        return Err(Stopped::Ended(Fate::Lost));
    }
    let way = delay(class, draws, quiet)?;
    if !whole {
        return Ok(SimDuration(way.0 - way.0 / 2));
    }
    let rate_bps = params.rate_bps.filter(|&rate| rate > 0);
    let length = u64::from(bytes) + u64::from(params.overhead_bytes);
    let service = rate_bps.map_or(SimDuration::ZERO, |rate| serialisation(length, rate));
    way.checked_add(service).ok_or(Stopped::BeyondTime)
}

/// Ends the packet with [`Fate::Lost`] if the loss model says so.
fn lose(
    class: &ClassState,
    state: &mut DirectionState,
    extra: &mut Extra,
    draws: &mut PacketDraws<'_>,
    at: SimTime,
) -> Result<(), Stopped> {
    let lost = match &class.params.loss {
        LossModel::Chain(chain) => {
            let probability = chain.advance(&mut extra.chain, at, || draws.slot(draws::CHAIN));
            happens(probability, draws, draws::LOSS)
        }
        independent => loses(independent, draws),
    };
    if lost {
        state.lost += 1;
        return Err(Stopped::Ended(Fate::Lost));
    }
    Ok(())
}

/// Whether a model without state loses the packet.
#[inline]
fn loses(model: &LossModel, draws: &mut PacketDraws<'_>) -> bool {
    match model {
        LossModel::Bernoulli(probability) => happens(*probability, draws, draws::LOSS),
        LossModel::None | LossModel::Chain(_) => false,
    }
}

#[inline]
fn happens(probability: crate::rng::Probability, draws: &mut PacketDraws<'_>, slot: usize) -> bool {
    !probability.is_never() && (probability.is_certain() || probability.accepts(draws.slot(slot)))
}

/// Takes the packet into the queue and returns when its last bit leaves.
fn enqueue(
    class: &ClassState,
    extra: &mut Extra,
    now: SimTime,
    bytes: u32,
    quiet: bool,
) -> Result<SimTime, Stopped> {
    let Some(rate_bps) = class.params.rate_bps.filter(|&rate| rate > 0) else {
        return Ok(now);
    };
    extra.settle(now);
    let full = match class.params.queue {
        QueueLimit::Unbounded => false,
        QueueLimit::Packets(limit) => extra.departures.len() >= limit as usize,
        QueueLimit::Bytes(limit) => extra.queued_bytes + u64::from(bytes) > limit,
    };
    if full && !quiet {
        extra.totals.queue_drops += 1;
        return Err(Stopped::Ended(Fate::QueueDrop));
    }
    let start = extra.busy_until.max(now);
    let service = serialisation(
        u64::from(bytes) + u64::from(class.params.overhead_bytes),
        rate_bps,
    );
    let departure = add(start, service)?;
    extra.busy_until = departure;
    extra.departures.push_back((departure, bytes));
    extra.queued_bytes += u64::from(bytes);
    extra.totals.queued += 1;
    extra.totals.wait_ns += u128::from(start.since(now).0);
    extra.totals.sojourn_ns += u128::from(departure.since(now).0);
    extra.totals.busy_ns += u128::from(service.0);
    Ok(departure)
}

/// Time on the medium, rounded to the nearest nanosecond.
fn serialisation(bytes: u64, rate_bps: u64) -> SimDuration {
    const BIT_NS: u64 = 8 * 1_000_000_000;
    let half = rate_bps / 2;
    match bytes
        .checked_mul(BIT_NS)
        .and_then(|bits| bits.checked_add(half))
    {
        Some(bits) => SimDuration(bits / rate_bps),
        None => {
            let bits = u128::from(bytes) * u128::from(BIT_NS) + u128::from(half);
            SimDuration(u64::try_from(bits / u128::from(rate_bps)).unwrap_or(u64::MAX))
        }
    }
}

/// Propagation plus jitter.
#[inline]
fn delay(
    class: &ClassState,
    draws: &mut PacketDraws<'_>,
    quiet: bool,
) -> Result<SimDuration, Stopped> {
    if quiet {
        return Ok(class.mean_delay);
    }
    let propagation = match class.fixed_delay {
        Some(fixed) => fixed,
        None => class.params.delay.sample_ns(draws.slot(draws::DELAY)),
    };
    let jitter = match class.fixed_jitter {
        Some(fixed) => fixed,
        None => class.params.jitter.sample_ns(draws.slot(draws::JITTER)),
    };
    propagation.checked_add(jitter).ok_or(Stopped::BeyondTime)
}

/// The arrival, not before that of any earlier packet where the link keeps the order.
fn in_order(class: &ClassState, extra: &mut Extra, arrival: SimTime) -> SimTime {
    if !class.params.in_order {
        return arrival;
    }
    extra.last_arrival = extra.last_arrival.max(arrival);
    extra.last_arrival
}

fn add(at: SimTime, after: SimDuration) -> Result<SimTime, Stopped> {
    at.checked_add(after).ok_or(Stopped::BeyondTime)
}
