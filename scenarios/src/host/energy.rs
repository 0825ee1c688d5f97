//! Energy of radio and rest, batteries that run out, storage that wears out.
//!
//! A node draws a *base* power as long as it has power: that of sleep, and that of its radio asleep
//! or listening. What is on the air adds to it the difference to sending or receiving for its time, as
//! the engine tells it: every frame, fragment, repetition and acknowledgement at the link's rate, or the
//! time on the air of a shared medium. What computes and writes is priced by the profile
//! ([`super::usage`]). A battery is empty when all of it together has used it up: while nothing
//! happens at the instant at which the base power does, else in the call that does.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use protocols::Record;
use sim_engine::{NodeId, Outbox, SimDuration, SimTime, TimerId};

use super::World;
use super::fault::control;
use super::tables::{FaultEvent, FaultMoment, Tables};
use crate::supply::{Supply, Wear, Worn};

/// What a node's radio did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Time on the air, sending, ns.
    pub tx_ns: u64,
    /// Time on the air, receiving, ns.
    pub rx_ns: u64,
    /// Time with power before the present one, ns.
    on_before_ns: u64,
    /// Since when it has power, ns; `None`: it has none.
    on_since_ns: Option<u64>,
    /// Durable writes that its worn storage lost.
    pub writes_lost: u64,
    /// Whether its storage has been found worn out.
    worn: bool,
}

/// Energy of a node by what used it, nJ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Computing.
    pub cpu_nj: u64,
    /// Durable writes.
    pub flash_nj: u64,
    /// The radio in all its states.
    pub radio_nj: u64,
    /// The rest, asleep.
    pub sleep_nj: u64,
}

impl Spent {
    /// All of it.
    #[must_use]
    pub const fn total_nj(&self) -> u64 {
        self.cpu_nj + self.flash_nj + self.radio_nj + self.sleep_nj
    }
}

/// Energy and wear of all nodes.
#[derive(Clone, Debug)]
pub struct Energy {
    /// By node group.
    supplies: Vec<Supply>,
    accounts: Vec<Account>,
    /// Writes to each record of storage that wears out.
    writes: BTreeMap<(u32, Record), u64>,
    /// Nodes whose battery has run out or whose storage has worn out: how many, and the first, ns.
    pub deaths: [(u64, Option<u64>); 2],
}

impl Energy {
    /// An account for each of `nodes` nodes.
    #[must_use]
    pub fn new(supplies: Vec<Supply>, nodes: usize) -> Self {
        let on = Account {
            on_since_ns: Some(0),
            ..Account::default()
        };
        Self {
            supplies,
            accounts: vec![on; nodes],
            writes: BTreeMap::new(),
            deaths: [(0, None); 2],
        }
    }

    /// Whether the nodes of a group have a radio, which hears what others send.
    pub(super) fn has_radio(&self, group: usize) -> bool {
        let supply = self.supplies.get(group);
        supply.is_some_and(|supply| supply.radio.is_some())
    }

    /// Takes over the nodes that are theirs in a part of the same world.
    pub(super) fn absorb(&mut self, part: Self, is_theirs: impl Fn(u32) -> bool) {
        for ((node, own), theirs) in (0u32..).zip(&mut self.accounts).zip(part.accounts) {
            if is_theirs(node) {
                *own = theirs;
            }
        }
        let writes = part.writes.into_iter();
        self.writes
            .extend(writes.filter(|((node, _), _)| is_theirs(*node)));
        for (own, theirs) in self.deaths.iter_mut().zip(part.deaths) {
            own.0 += theirs.0;
            own.1 = match (own.1, theirs.1) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
    }

    /// The account of a node.
    #[must_use]
    pub fn account(&self, node: u32) -> Account {
        self.accounts
            .get(node as usize)
            .copied()
            .unwrap_or_default()
    }

    /// Power whenever the node has power, nW.
    fn base_nw(supply: &Supply) -> u64 {
        let radio = supply.radio.as_ref().map_or(0, |radio| {
            if supply.listen {
                radio.rx_nw
            } else {
                radio.sleep_nw
            }
        });
        supply.sleep_nw + radio
    }

    /// Energy of the radio and of sleep up to `now_ns`, nJ.
    fn radio_and_sleep(&self, group: usize, node: u32, now_ns: u64) -> (u64, u64) {
        let (supply, account) = (&self.supplies[group], self.account(node));
        let present = account.on_since_ns.map_or(0, |since| now_ns - since);
        let on_ns = account.on_before_ns + present;
        let Some(radio) = &supply.radio else {
            return (0, nanojoules(supply.sleep_nw, on_ns));
        };
        let idle = if supply.listen {
            radio.rx_nw
        } else {
            radio.sleep_nw
        };
        let radio_nj = nanojoules(idle, on_ns)
            + nanojoules(radio.tx_nw.saturating_sub(idle), account.tx_ns)
            + nanojoules(radio.rx_nw.saturating_sub(idle), account.rx_ns);
        (radio_nj, nanojoules(supply.sleep_nw, on_ns))
    }

    /// No battery ends and nothing wears out any more.
    pub(super) fn stop(&mut self) {
        for supply in &mut self.supplies {
            supply.battery_nj = None;
            supply.wear = None;
        }
    }

    fn died(&mut self, what: usize, now_ns: u64) {
        let (count, first) = &mut self.deaths[what];
        *count += 1;
        first.get_or_insert(now_ns);
    }
}

/// Power for a time, nJ, rounded to the nearest.
fn nanojoules(power_nw: u64, span_ns: u64) -> u64 {
    let energy = u128::from(power_nw) * u128::from(span_ns);
    u64::try_from((energy + 500_000_000) / 1_000_000_000).unwrap_or(u64::MAX)
}

/// Energy of a battery, and of storage that wears out: places in [`Energy::deaths`].
const BATTERY: usize = 0;
const STORAGE: usize = 1;

const BATTERY_EVENT: TimerId = TimerId {
    kind: control::BATTERY,
    key: 0,
};

impl<T: Tables> World<T> {
    /// What a node has used up to now.
    #[must_use]
    pub fn spent(&self, node: u32, now: SimTime) -> Spent {
        let (group, member) = self.place(node);
        let usage = self.groups[group]
            .usage
            .get(member as usize)
            .copied()
            .unwrap_or_default();
        let (radio_nj, sleep_nj) = self
            .energy
            .as_ref()
            .map_or((0, 0), |energy| energy.radio_and_sleep(group, node, now.0));
        Spent {
            cpu_nj: usage.energy_nj - usage.flash_nj,
            flash_nj: usage.flash_nj,
            radio_nj,
            sleep_nj,
        }
    }

    /// Arms the ends of all batteries.
    pub(crate) fn start_batteries(&mut self, out: &mut Outbox<'_, Self>) {
        for node in 0..self.host_owner().0 {
            self.check_battery(SimTime::ZERO, node, out);
        }
    }

    /// A node has been on the air. A battery that is empty by that ends at this instant.
    pub(super) fn pay_for_air(
        &mut self,
        now: SimTime,
        node: NodeId,
        (sent, received): (SimDuration, SimDuration),
        out: &mut Outbox<'_, Self>,
    ) {
        let off = self.is_off(node.0);
        let Some(energy) = &mut self.energy else {
            return;
        };
        let group = usize::from(self.group_of[node.0 as usize]);
        if energy.supplies[group].radio.is_none() {
            return;
        }
        let Some(account) = energy.accounts.get_mut(node.0 as usize) else {
            return;
        };
        account.tx_ns += sent.0;
        // Without power nothing is received, whatever is on the air.
        if !off {
            account.rx_ns += received.0;
        }
        let capacity_nj = energy.supplies[group].battery_nj;
        if !off
            && capacity_nj.is_some_and(|capacity| self.spent(node.0, now).total_nj() >= capacity)
        {
            out.arm_fault(node, BATTERY_EVENT, now);
        }
    }

    /// The power of a node has gone or come back.
    pub(super) fn power_changed(&mut self, now: SimTime, node: u32, on: bool) {
        let Some(energy) = &mut self.energy else {
            return;
        };
        let account = &mut energy.accounts[node as usize];
        if on {
            account.on_since_ns = Some(now.0);
        } else if let Some(since) = account.on_since_ns.take() {
            account.on_before_ns += now.0 - since;
        }
    }

    /// Takes the power of a node whose battery is empty, and arms the end of one that is not.
    #[inline]
    pub(super) fn check_battery(&mut self, now: SimTime, node: u32, out: &mut Outbox<'_, Self>) {
        if self.energy.is_some() {
            self.check_battery_of(now, node, out);
        }
    }

    fn check_battery_of(&mut self, now: SimTime, node: u32, out: &mut Outbox<'_, Self>) {
        let Some(energy) = &self.energy else {
            return;
        };
        let group = usize::from(self.group_of[node as usize]);
        let Some(capacity_nj) = energy.supplies[group].battery_nj else {
            return;
        };
        let base_nw = Energy::base_nw(&energy.supplies[group]);
        self.check_charge(now, node, (capacity_nj, base_nw), out);
    }

    fn check_charge(
        &mut self,
        now: SimTime,
        node: u32,
        (capacity_nj, base_nw): (u64, u64),
        out: &mut Outbox<'_, Self>,
    ) {
        if self.is_dead(node) {
            return;
        }
        let used_nj = self.spent(node, now).total_nj();
        if used_nj >= capacity_nj {
            if let Some(energy) = &mut self.energy {
                energy.died(BATTERY, now.0);
            }
            out.cancel_control(NodeId(node), BATTERY_EVENT);
            self.tell_end(now, node, BATTERY, out);
            self.die(now, node, out);
        } else if base_nw > 0 && !self.is_off(node) {
            let left = u128::from(capacity_nj - used_nj) * 1_000_000_000;
            let span = left.div_ceil(u128::from(base_nw));
            let at = u128::from(now.0) + span.max(1);
            if let Ok(at) = u64::try_from(at) {
                out.arm_fault(NodeId(node), BATTERY_EVENT, SimTime(at));
            }
        }
    }

    /// Whether a durable write to `record` still lands; storage that wears out counts it.
    pub(super) fn write_lands(&mut self, node: u32, record: Record) -> bool {
        let group = usize::from(self.group_of[node as usize]);
        let Some(energy) = &mut self.energy else {
            return true;
        };
        let Some(Wear { endurance, .. }) = energy.supplies[group].wear else {
            return true;
        };
        let writes = energy.writes.entry((node, record)).or_default();
        *writes += 1;
        if *writes <= endurance {
            return true;
        }
        energy.accounts[node as usize].writes_lost += 1;
        false
    }

    /// Writes down that a battery is empty or storage worn out: a strike that no fault declared.
    fn tell_end(&self, now: SimTime, node: u32, what: usize, out: &mut Outbox<'_, Self>) {
        let declared = self
            .faults
            .as_ref()
            .map_or(0, |faults| faults.counts().len());
        let group = usize::from(self.group_of[node as usize]);
        out.recorder().fault(&FaultEvent {
            at_ns: now.0,
            fault: declared + 2 * group + what,
            moment: FaultMoment::Strike,
            node,
            link: None,
            attempt: self.workloads.open_attempt(node),
            value: None,
        });
    }

    /// After a durable write: a node whose storage lost it dies, if that is what worn storage means.
    pub(super) fn check_wear(&mut self, now: SimTime, node: u32, out: &mut Outbox<'_, Self>) {
        let group = usize::from(self.group_of[node as usize]);
        let Some(energy) = &mut self.energy else {
            return;
        };
        let Some(wear) = energy.supplies[group].wear else {
            return;
        };
        if energy.accounts[node as usize].writes_lost == 0 {
            return;
        }
        let first = !energy.accounts[node as usize].worn;
        energy.accounts[node as usize].worn = true;
        if first {
            energy.died(STORAGE, now.0);
            self.tell_end(now, node, STORAGE, out);
        }
        if wear.worn == Worn::NodeDead {
            self.die(now, node, out);
        }
    }
}
