//! Energy of radio and rest, batteries that run out, storage that wears out.
//!
//! A node draws a *base* power as long as it has power: that of sleep, and that of its radio asleep
//! or listening. Packets add to it the difference to sending or receiving for their time on the air,
//! which is bytes and overhead at the link's rate; what computes and writes is priced by the profile
//! ([`super::usage`]). A battery is empty when all of it together has used it up: while nothing
//! happens at the instant at which the base power does, else in the call that does.

use std::collections::BTreeMap;

use protocols::Record;
use sim_engine::{Fate, LossPlace, NodeId, Outbox, PacketEnd, SimTime, TimerId};

use super::World;
use super::fault::control;
use super::tables::{Header, Tables};
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

/// One direction of the links of a group: what a packet takes on the air.
#[derive(Clone, Copy, Debug, Default)]
pub struct Air {
    /// Its rate, bit/s; 0: packets take no time.
    pub rate_bps: u64,
    /// Bytes beyond those of the packet.
    pub overhead_bytes: u64,
    /// Whether packets are lost before they are sent.
    pub lost_before: bool,
}

impl Air {
    /// What a link direction with these parameters takes.
    #[must_use]
    pub fn new(params: &sim_engine::LinkParams) -> Self {
        Self {
            rate_bps: params.rate_bps.unwrap_or(0),
            overhead_bytes: u64::from(params.overhead_bytes),
            lost_before: params.loss_place == LossPlace::Ingress,
        }
    }

    fn time_ns(self, bytes: u32) -> u64 {
        let bits = u128::from(u64::from(bytes) + self.overhead_bytes) * 8;
        match self.rate_bps {
            0 => 0,
            rate => {
                u64::try_from((bits * 1_000_000_000).div_ceil(u128::from(rate))).unwrap_or(u64::MAX)
            }
        }
    }
}

/// Energy and wear of all nodes.
#[derive(Clone, Debug)]
pub struct Energy {
    /// By node group.
    supplies: Vec<Supply>,
    accounts: Vec<Account>,
    /// First link of each link group, with its directions up and down.
    air: Vec<(u32, [Air; 2])>,
    /// Writes to each record of storage that wears out.
    writes: BTreeMap<(u32, Record), u64>,
    /// Nodes whose battery has run out or whose storage has worn out: how many, and the first, ns.
    pub deaths: [(u64, Option<u64>); 2],
}

impl Energy {
    /// An account for each of `nodes` nodes.
    #[must_use]
    pub fn new(supplies: Vec<Supply>, nodes: usize, air: Vec<(u32, [Air; 2])>) -> Self {
        let on = Account {
            on_since_ns: Some(0),
            ..Account::default()
        };
        Self {
            supplies,
            accounts: vec![on; nodes],
            air,
            writes: BTreeMap::new(),
            deaths: [(0, None); 2],
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

    fn air_of(&self, link: u32, direction: sim_engine::Direction) -> Air {
        let at = self.air.partition_point(|(first, _)| *first <= link);
        at.checked_sub(1)
            .and_then(|at| self.air.get(at))
            .map_or_else(Air::default, |(_, both)| both[direction.index()])
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

    /// A packet's life has ended: sender and receiver pay for their time on the air.
    #[inline]
    pub(super) fn pay_for_air(&mut self, end: &PacketEnd<'_, Header>) {
        if self.energy.is_some() {
            self.charge_air(end);
        }
    }

    fn charge_air(&mut self, end: &PacketEnd<'_, Header>) {
        let Some(energy) = &mut self.energy else {
            return;
        };
        let meta = end.meta;
        let air = energy.air_of(meta.link.0, meta.direction);
        let time_ns = air.time_ns(meta.bytes_len);
        let sent = match end.fate {
            Fate::QueueDrop | Fate::MtuDrop => false,
            Fate::Lost => !air.lost_before,
            _ => meta.copy == 0,
        };
        if sent && let Some(account) = energy.accounts.get_mut(meta.sender as usize) {
            account.tx_ns += time_ns;
        }
        if end.arrived.is_some()
            && end.fate != Fate::NodeDown
            && let Some(account) = energy.accounts.get_mut(end.to.0 as usize)
        {
            account.rx_ns += time_ns;
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
        if energy.accounts[node as usize].writes_lost == 1 || wear.worn == Worn::NodeDead {
            energy.died(STORAGE, now.0);
        }
        if wear.worn == Worn::NodeDead {
            self.die(now, node, out);
        }
    }
}
