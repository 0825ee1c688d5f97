//! Loss of power and its return.

use sim_engine::{LostInput, NodeId, Outbox, SimTime, TimerId};

use super::{Place, Strike, WORD_SPAN, control};
use crate::fault::{Effect, Snapshot};
use crate::host::tables::{FaultMoment, Header, Tables};
use crate::host::{World, held, token};

/// A node without power.
#[derive(Clone, Debug)]
pub(crate) struct Outage {
    /// The strike that took the power; `None` where no declared fault did.
    strike: Option<Strike>,
    /// When it lost power, ns.
    since_ns: u64,
    /// Whether power comes back.
    pub(crate) ends: bool,
    /// The storage that it comes back with, if not its own.
    rollback: Option<Snapshot>,
    /// Commands of the host that the node must still get.
    pending: Vec<u64>,
}

impl Outage {
    /// What took the power.
    pub(super) const fn strike(&self) -> Option<Strike> {
        self.strike
    }
}

impl<T: Tables> World<T> {
    /// A fault takes the power of `node`.
    pub(super) fn lose_power(
        &mut self,
        now: SimTime,
        node: u32,
        strike: Strike,
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(faults) = &mut self.faults else {
            return;
        };
        let effect = faults.spec(strike.fault).effect.clone();
        let for_good = matches!(
            effect,
            Effect::BatteryDeath | Effect::Crash { downtime: None }
        );
        if let Some(outage) = faults.outages.get_mut(&node) {
            // Down already: only a loss for good changes that.
            if for_good && outage.ends {
                outage.ends = false;
                outage.strike = Some(strike);
                let id = TimerId {
                    kind: control::POWER,
                    key: 0,
                };
                out.cancel_control(NodeId(node), id);
                self.struck(now, strike, None, out);
            } else {
                self.void(now, strike, out);
            }
            return;
        }
        let (downtime, rollback) = match &effect {
            Effect::Crash { downtime } => (downtime.clone(), None),
            Effect::Reboot { downtime } | Effect::TornWrite { downtime, .. } => {
                (Some(downtime.clone()), None)
            }
            Effect::Rollback { to, downtime } => (Some(downtime.clone()), Some(*to)),
            _ => (None, None),
        };
        let downtime_ns = downtime.map(|law| {
            let draw = self.fault_draw(strike.fault, strike.place, strike.number, WORD_SPAN);
            law.sample_ns(draw).0
        });
        // Told first, while the attempt that it cuts off is still open.
        let value = downtime_ns.and_then(|span| i64::try_from(span).ok());
        self.struck(now, strike, value, out);
        self.power_off(now, node, (Some(strike), downtime_ns, rollback), out);
    }

    /// Takes the power of `node`, for a time or for good.
    pub(crate) fn power_off(
        &mut self,
        now: SimTime,
        node: u32,
        (strike, downtime_ns, rollback): (Option<Strike>, Option<u64>, Option<Snapshot>),
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(faults) = &mut self.faults else {
            return;
        };
        faults.armed.remove(&node);
        faults.outages.insert(
            node,
            Outage {
                strike,
                since_ns: now.0,
                ends: downtime_ns.is_some(),
                rollback,
                pending: Vec::new(),
            },
        );
        self.tell_power(node, true);
        self.refund(node, out.busy_left(NodeId(node)).0);
        self.power_changed(now, node, false);
        self.lose_streams(now, NodeId(node), out);
        out.crash(NodeId(node));
        self.drop_timers(now.0, node);
        self.crash_attempts(now, node, out);
        if let Some(span) = downtime_ns {
            let id = TimerId {
                kind: control::POWER,
                key: 0,
            };
            out.arm_fault(NodeId(node), id, SimTime(now.0.saturating_add(span)));
        }
        self.flush_desync(out);
    }

    /// A node loses its power for good without a declared fault: its battery is empty, its storage
    /// worn out.
    pub(in crate::host) fn die(&mut self, now: SimTime, node: u32, out: &mut Outbox<'_, Self>) {
        if let Some(faults) = &mut self.faults
            && let Some(outage) = faults.outages.get_mut(&node)
        {
            outage.ends = false;
            let id = TimerId {
                kind: control::POWER,
                key: 0,
            };
            out.cancel_control(NodeId(node), id);
        } else {
            self.power_off(now, node, (None, None, None), out);
        }
    }

    /// What an interrupted call would still have cost was not spent.
    fn refund(&mut self, node: u32, left_ns: u64) {
        let (group, member) = self.place(node);
        let group = &mut self.groups[group];
        if let (Some(profile), Some(usage)) = (&group.profile, group.usage.get_mut(member as usize))
        {
            usage.cpu_ns = usage.cpu_ns.saturating_sub(left_ns);
            usage.energy_nj = usage.energy_nj.saturating_sub(profile.energy_nj(left_ns));
            usage.flash_nj = usage.flash_nj.min(usage.energy_nj);
        }
    }

    /// Timers are lost with the power, and with them what they kept from rest.
    fn drop_timers(&mut self, now_ns: u64, node: u32) {
        let lost: Vec<(u32, u8, u32)> = self
            .tally
            .holding_timers
            .range((node, 0, 0)..=(node, u8::MAX, u32::MAX))
            .copied()
            .collect();
        for (node, kind, key) in lost {
            self.timer_gone(now_ns, node, TimerId { kind, key });
        }
    }

    /// Power comes back to `node`: its machine starts from what was stored.
    pub(super) fn power_back(&mut self, now: SimTime, node: u32, out: &mut Outbox<'_, Self>) {
        let Some(outage) = self
            .faults
            .as_mut()
            .and_then(|faults| faults.outages.remove(&node))
        else {
            return;
        };
        self.tell_power(node, false);
        out.restart(NodeId(node));
        self.power_changed(now, node, true);
        self.check_battery(now, node, out);
        self.halted[node as usize] = false;
        if let Some(to) = outage.rollback {
            self.roll_back(outage.since_ns, node, to);
        }
        // A node that lost power before its start starts now.
        if !outage.pending.contains(&token::START) {
            out.command(NodeId(node), token::RESTART);
        }
        for token in outage.pending {
            out.command(NodeId(node), token);
        }
        if let Some(strike) = outage.strike {
            self.tell_fault(now, strike, FaultMoment::End, None, out);
        }
        self.resume_requests(now, node, out);
    }

    /// Gives `node` a command of the host, when it has power again if it has none.
    pub(in crate::host) fn command_surely(
        &mut self,
        node: u32,
        token: u64,
        out: &mut Outbox<'_, Self>,
    ) {
        if let Some(faults) = &mut self.faults
            && let Some(outage) = faults.outages.get_mut(&node)
        {
            outage.pending.push(token);
        } else {
            out.command(NodeId(node), token);
        }
    }

    /// A crash took an input that waited for the processor.
    pub(in crate::host) fn input_lost(
        &mut self,
        now: SimTime,
        node: u32,
        input: LostInput<Header>,
        out: &mut Outbox<'_, Self>,
    ) {
        match input {
            LostInput::Packet { header, meta } => self.let_go(now.0, held(&header, &meta)),
            LostInput::Timer(_) => {}
            LostInput::Command(command) => {
                let host_s = matches!(
                    command & token::KIND,
                    token::START | token::REPROVISION | token::RENEW
                );
                if host_s {
                    self.command_surely(node, command, out);
                }
            }
        }
    }

    /// Whether a node has lost its power for good.
    pub(crate) fn is_dead(&self, node: u32) -> bool {
        self.faults
            .as_ref()
            .is_some_and(|faults| faults.outages.get(&node).is_some_and(|outage| !outage.ends))
    }

    /// Whether a node has no power.
    #[inline]
    pub(crate) fn is_off(&self, node: u32) -> bool {
        self.faults
            .as_ref()
            .is_some_and(|faults| faults.outages.contains_key(&node))
    }
}

impl Place {
    /// The node, where it is one.
    pub(super) const fn node(self) -> Option<u32> {
        match self {
            Self::Node(node) => Some(node),
            _ => None,
        }
    }
}
