//! One packet's way through one link direction.
//!
//! Computed when the packet is offered, except behind a queue that decides at the moment of
//! sending: there the packet waits ([`Stopped::Waits`]) and [`transmit`] is called when its turn
//! has come.

use super::draws::{self, PacketDraws};
use super::{Aqm, ClassState, DirectionState, Extra, LossModel, LossPlace, QueueLimit, Reordering};
use crate::law::Law;
use crate::link::loss::ChainState;
use crate::packet::Fate;
use crate::rng::Probability;
use crate::time::{SimDuration, SimTime};

/// A packet that leaves towards the far end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Carried {
    /// When serialisation ends.
    pub(crate) departure: SimTime,
    /// When it arrives.
    pub(crate) arrival: SimTime,
    /// Random bits that place bit errors which the link does not find.
    pub(crate) flips: Option<u64>,
    /// The copy that the link made: when it arrives, and its bit errors.
    pub(crate) copy: Option<(SimTime, Option<u64>)>,
}

/// Why there is no [`Carried`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stopped {
    /// The packet's life ended on the link.
    Ended(Fate),
    /// It waits for its turn.
    Waits,
    /// It would arrive beyond the end of time.
    BeyondTime,
}

/// What one packet did to the medium.
#[derive(Clone, Copy, Debug)]
pub(super) struct Medium {
    /// When its first bit was sent, once it was.
    pub(super) start: Option<SimTime>,
    /// When the sender is done with it.
    pub(super) free: SimTime,
    /// When its last bit was received.
    pub(super) departure: SimTime,
    /// When it arrives, unless it ended.
    pub(super) arrival: SimTime,
    pub(super) flips: Option<u64>,
    /// How it ended on the link.
    pub(super) fate: Option<Fate>,
}

impl Medium {
    pub(super) const fn new(at: SimTime) -> Self {
        Self {
            start: None,
            free: at,
            departure: at,
            arrival: at,
            flips: None,
            fate: None,
        }
    }

    pub(super) fn begin(&mut self, at: SimTime) {
        self.start.get_or_insert(at);
    }
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
        if !quiet && loses(&class.params.loss, draws, bytes) {
            state.lost += 1;
            return Err(Stopped::Ended(Fate::Lost));
        }
        let arrival = add(now, plain_delay(class, draws, quiet)?)?;
        return Ok(Carried {
            departure: now,
            arrival,
            flips: None,
            copy: None,
        });
    };
    let params = &class.params;
    if params.too_long(bytes) {
        extra.totals.mtu_drops += 1;
        return Err(Stopped::Ended(Fate::MtuDrop));
    }
    if !quiet
        && params.loss_place == LossPlace::Ingress
        && lost(&params.loss, &mut extra.chain, draws, now, bytes)
    {
        state.lost += 1;
        return Err(Stopped::Ended(Fate::Lost));
    }
    if class.queues {
        admit(class, extra, draws, now, bytes, quiet)?;
        if class.codel.is_some() {
            return Err(Stopped::Waits);
        }
    }
    transmit(class, state, extra, draws, (now, now), bytes, quiet)
}

/// Puts a packet that the queue has taken on the medium: at `from`, or when the medium is free.
pub(crate) fn transmit(
    class: &ClassState,
    state: &mut DirectionState,
    extra: &mut Extra,
    draws: &mut PacketDraws<'_>,
    (offered, from): (SimTime, SimTime),
    bytes: u32,
    quiet: bool,
) -> Result<Carried, Stopped> {
    let params = &class.params;
    let head = if class.queues {
        from.max(extra.busy_until)
    } else {
        from
    };
    let medium = if class.framed {
        super::frames::send(class, extra, draws, head, bytes, quiet)?
    } else {
        whole(class, extra, draws, head, bytes, quiet)?
    };
    if class.queues {
        occupy(extra, (offered, head), &medium, bytes);
    }
    if medium.flips.is_some() || medium.fate == Some(Fate::Corrupted) {
        extra.totals.corrupted += 1;
    }
    let mut arrival = medium.arrival;
    if !quiet && medium.fate.is_none() {
        arrival = reordered(class, extra, draws, medium.departure, arrival)?;
    }
    let copy = if quiet || params.duplication.is_never() {
        None
    } else {
        copied(class, extra, draws, &medium, bytes)?
    };
    let (arrival, flips, copy) = match (medium.fate, copy) {
        (None, copy) => (arrival, medium.flips, copy),
        // Its copy came through: that is the packet, then.
        (Some(_), Some((arrival, flips))) => (arrival, flips, None),
        (Some(fate), None) => {
            match fate {
                Fate::Corrupted => extra.totals.corrupt_drops += 1,
                _ => state.lost += 1,
            }
            return Err(Stopped::Ended(fate));
        }
    };
    if copy.is_some() {
        extra.totals.duplicated += 1;
    }
    let arrival = in_order(class, extra, arrival);
    let copy = copy.map(|(at, flips)| (in_order(class, extra, at), flips));
    Ok(Carried {
        departure: medium.departure,
        arrival,
        flips,
        copy,
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
    if params.too_long(bytes) {
        return Err(Stopped::Ended(Fate::MtuDrop));
    }
    if whole && !quiet && loses(&params.loss, draws, bytes) {
        return Err(Stopped::Ended(Fate::Lost));
    }
    let way = plain_delay(class, draws, quiet)?;
    if !whole {
        return Ok(SimDuration(way.0 - way.0 / 2));
    }
    let length = u64::from(bytes) + u64::from(params.overhead_bytes);
    way.checked_add(serialisation(length, params.rate_bps))
        .ok_or(Stopped::BeyondTime)
}

/// Sends a packet as one frame that is not repeated.
fn whole(
    class: &ClassState,
    extra: &mut Extra,
    draws: &mut PacketDraws<'_>,
    head: SimTime,
    bytes: u32,
    quiet: bool,
) -> Result<Medium, Stopped> {
    let params = &class.params;
    let mut medium = Medium::new(head);
    let on_air = u64::from(bytes) + u64::from(params.overhead_bytes);
    let start = first_start(class, extra, head, on_air);
    medium.begin(start);
    let service = serialisation(on_air, params.rate_bps);
    medium.departure = add(start, service)?;
    extra.air.sent_ns += service.0;
    medium.free = medium.departure;
    medium.arrival = medium.departure;
    extra.totals.frames += 1;
    if !quiet {
        if params.loss_place == LossPlace::Air
            && lost(
                &params.loss,
                &mut extra.chain,
                draws,
                medium.departure,
                bytes,
            )
        {
            medium.fate = Some(Fate::Lost);
            return Ok(medium);
        }
        extra.air.received_ns += service.0;
        medium.flips = hit(class, draws, bytes);
        if medium.flips.is_some() && params.corruption.is_some_and(|how| how.checked) {
            medium.flips = None;
            medium.fate = Some(Fate::Corrupted);
            return Ok(medium);
        }
    }
    if quiet {
        extra.air.received_ns += service.0;
    }
    medium.arrival = add(medium.departure, delay(class, extra, draws, quiet)?)?;
    Ok(medium)
}

/// A copy made on the air, with a loss, bit errors and a delay of its own: when it arrives.
fn copied(
    class: &ClassState,
    extra: &mut Extra,
    draws: &mut PacketDraws<'_>,
    medium: &Medium,
    bytes: u32,
) -> Result<Option<(SimTime, Option<u64>)>, Stopped> {
    let params = &class.params;
    if !happens(params.duplication, draws, draws::DUPLICATE) {
        return Ok(None);
    }
    let own = draws.copy;
    draws.copy = own + 1;
    let alive = params.loss_place == LossPlace::Ingress
        || !lost(
            &params.loss,
            &mut extra.chain,
            draws,
            medium.departure,
            bytes,
        );
    let flips = if alive {
        let on_air = u64::from(bytes) + u64::from(params.overhead_bytes);
        extra.air.received_ns += serialisation(on_air, params.rate_bps).0;
        hit(class, draws, bytes)
    } else {
        None
    };
    let checked = params.corruption.is_some_and(|how| how.checked);
    let copy = if !alive || (checked && flips.is_some()) {
        None
    } else {
        let at = add(medium.departure, delay(class, extra, draws, false)?)?;
        Some((at, flips))
    };
    draws.copy = own;
    Ok(copy)
}

/// Whether the loss model takes a transmission that ends at `at`.
pub(super) fn lost(
    model: &LossModel,
    chain: &mut ChainState,
    draws: &mut PacketDraws<'_>,
    at: SimTime,
    bytes: u32,
) -> bool {
    match model {
        LossModel::Chain(two) => {
            let probability = two.advance(chain, at, || draws.slot(draws::CHAIN));
            happens(probability, draws, draws::LOSS)
        }
        LossModel::FourState(four) => four.advance(chain, at, || draws.slot(draws::CHAIN)),
        LossModel::Replay(recording) => chain.next_of(recording),
        independent => loses(independent, draws, bytes),
    }
}

/// Whether a model without state loses the packet.
#[inline]
fn loses(model: &LossModel, draws: &mut PacketDraws<'_>, bytes: u32) -> bool {
    match model {
        LossModel::Bernoulli(probability) => happens(*probability, draws, draws::LOSS),
        LossModel::BitErrors(errors) => happens(errors.probability(bytes), draws, draws::LOSS),
        _ => false,
    }
}

/// Where bits are changed, if they are.
pub(super) fn hit(class: &ClassState, draws: &mut PacketDraws<'_>, bytes: u32) -> Option<u64> {
    let corruption = class.params.corruption?;
    (bytes > 0 && happens(corruption.probability, draws, draws::CORRUPT))
        .then(|| draws.slot(draws::CORRUPT_BITS))
}

#[inline]
fn happens(probability: Probability, draws: &mut PacketDraws<'_>, slot: usize) -> bool {
    !probability.is_never() && (probability.is_certain() || probability.accepts(draws.slot(slot)))
}

/// Whether the queue takes the packet.
fn admit(
    class: &ClassState,
    extra: &mut Extra,
    draws: &mut PacketDraws<'_>,
    now: SimTime,
    bytes: u32,
    quiet: bool,
) -> Result<(), Stopped> {
    extra.settle(now);
    if quiet {
        return Ok(());
    }
    let params = &class.params;
    let (packets, queued_bytes) = extra.in_system();
    let mut dropped = match params.queue {
        QueueLimit::Unbounded => false,
        QueueLimit::Packets(limit) => packets >= limit as usize,
        QueueLimit::Bytes(limit) => queued_bytes + u64::from(bytes) > limit,
    };
    if let Some(Aqm::Red(red)) = &params.aqm {
        let idle = now.since(extra.busy_until);
        let on_air = u64::from(bytes) + u64::from(params.overhead_bytes);
        let service = serialisation(
            on_air,
            params
                .rate_bps
                .or_else(|| params.shaper.map(|shaper| shaper.rate_bps)),
        );
        // The average follows every arrival, also one that finds no place.
        let early = extra.gear().red.drops(red, packets, idle, service, || {
            draws.page = draws::LINK_PAGE;
            draws.slot(draws::RED)
        });
        draws.page = 0;
        dropped |= early;
    }
    if dropped {
        extra.totals.queue_drops += 1;
        return Err(Stopped::Ended(Fate::QueueDrop));
    }
    Ok(())
}

/// Counts a packet that was offered at `offered` and came to the head of the line at `head`.
fn occupy(extra: &mut Extra, (offered, head): (SimTime, SimTime), medium: &Medium, bytes: u32) {
    let start = medium.start.unwrap_or(head);
    extra.busy_until = medium.free;
    extra.departures.push_back((medium.free, bytes));
    extra.queued_bytes += u64::from(bytes);
    extra.totals.queued += 1;
    extra.totals.wait_ns += u128::from(start.since(offered).0);
    extra.totals.sojourn_ns += u128::from(medium.free.since(offered).0);
    extra.totals.busy_ns += u128::from(medium.free.since(head).0);
}

/// When bytes may be sent that are at the head of the line at `at`: now, or when there are tokens.
pub(super) fn first_start(
    class: &ClassState,
    extra: &mut Extra,
    at: SimTime,
    on_air: u64,
) -> SimTime {
    match &class.params.shaper {
        None => at,
        Some(shaper) => extra.gear().bucket(shaper).take(shaper, at, on_air),
    }
}

/// Time on the medium, rounded to the nearest nanosecond.
pub(crate) fn serialisation(bytes: u64, rate_bps: Option<u64>) -> SimDuration {
    const BIT_NS: u64 = 8 * 1_000_000_000;
    let Some(rate_bps) = rate_bps.filter(|&rate| rate > 0) else {
        return SimDuration::ZERO;
    };
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
pub(super) fn delay(
    class: &ClassState,
    extra: &mut Extra,
    draws: &mut PacketDraws<'_>,
    quiet: bool,
) -> Result<SimDuration, Stopped> {
    let Some(correlation) = class.params.jitter_correlation.filter(|_| !quiet) else {
        return plain_delay(class, draws, quiet);
    };
    let draw = draws.slot(draws::JITTER);
    let at = extra.gear().delays.correlated(correlation, draw);
    let jitter = class.params.jitter.quantile_ns(at);
    propagation(class, draws)
        .checked_add(jitter)
        .ok_or(Stopped::BeyondTime)
}

#[inline]
fn plain_delay(
    class: &ClassState,
    draws: &mut PacketDraws<'_>,
    quiet: bool,
) -> Result<SimDuration, Stopped> {
    if quiet {
        return Ok(class.mean_delay);
    }
    let jitter = match class.fixed_jitter {
        Some(fixed) => fixed,
        None => class.params.jitter.sample_ns(draws.slot(draws::JITTER)),
    };
    propagation(class, draws)
        .checked_add(jitter)
        .ok_or(Stopped::BeyondTime)
}

#[inline]
fn propagation(class: &ClassState, draws: &mut PacketDraws<'_>) -> SimDuration {
    match class.fixed_delay {
        Some(fixed) => fixed,
        None => match &class.params.delay_replay {
            // Addressed by the packet's number, so that a recording of losses stays in step.
            Some(recording) => {
                let index = (draws.number % recording.len().max(1) as u64) as usize;
                SimDuration(recording.get(index).copied().unwrap_or(0))
            }
            None => class.params.delay.sample_ns(draws.slot(draws::DELAY)),
        },
    }
}

/// The arrival of a packet that may leave its place in the order.
fn reordered(
    class: &ClassState,
    extra: &mut Extra,
    draws: &mut PacketDraws<'_>,
    departure: SimTime,
    arrival: SimTime,
) -> Result<SimTime, Stopped> {
    let sample = |law: &Law, draws: &mut PacketDraws<'_>| match law.as_constant() {
        Some(_) => law.mean_ns(),
        None => law.sample_ns(draws.slot(draws::HELD_FOR)),
    };
    let moved = match &class.params.reordering {
        None => Ok(arrival),
        Some(Reordering::Ahead { probability, gap }) => {
            draws.page = draws::LINK_PAGE;
            let draw = || draws.slot(draws::REORDER);
            let ahead = extra.gear().delays.goes_ahead(*probability, *gap, draw);
            Ok(if ahead { departure } else { arrival })
        }
        Some(Reordering::Held { probability, by }) => {
            draws.page = draws::LINK_PAGE;
            if happens(*probability, draws, draws::REORDER) {
                add(arrival, sample(by, draws))
            } else {
                Ok(arrival)
            }
        }
    };
    draws.page = 0;
    moved
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
