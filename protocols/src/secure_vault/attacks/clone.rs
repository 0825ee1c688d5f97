//! `clone`: a copy of a device's storage, run by somebody else.

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Errand, Grant, Need, Position, Power,
    Property, Puppet, Said, Setup, View,
};
use crate::machine::{Command, Incoming, Timer};
use crate::output::Output;
use crate::secure_vault::{AUTHENTICATE_COMMAND, FINISH_COMMAND, PORT, SERVER};
use crate::time::Span;

const CASES: &[&str] = &["at-once", "after-the-device"];

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "clone",
    help: "A copy of one device's storage leaks. A machine of the protocol runs on it, logs in from \
           another address and ends its session: at once, before the device does again (`at-once`), or \
           when the device has logged in once more (`after-the-device`), with the vault of the epoch \
           before. Whoever comes first is the device; the other is locked out.",
    powers: &[Power::Inject],
    positions: &[Position::OffPath, Position::OnPath],
    knows: &[Need {
        secret: "storage",
        of: "device",
        at: "10min",
    }],
    cases: CASES,
    properties: &[Property::Agreement, Property::LockOut],
    control: Control::without("update"),
    // Each device logs in once a minute, at its own second: a minute after the leak it has done so once.
    stage: super::STAGE.with_errands(&[Errand {
        from: "device",
        to: "server",
        commands: &["authenticate"],
        every: "1min",
        first: "",
    }]),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Clone {
    late: bool,
    own: Address,
    server: Option<Address>,
    /// A machine for each party, made beforehand: which one leaks is told later.
    puppets: Vec<(u32, Option<Puppet>)>,
    puppet: Option<Puppet>,
    timers: Vec<Timer>,
}

const LOG_IN: u32 = u32::MAX;
const FINISH: u32 = u32::MAX - 1;

impl Clone {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        let case = Cases::new(CASES, setup.case).turn();
        let parties = setup.roster.parties.iter().enumerate();
        let puppet = |(index, party): (usize, &crate::roster::Party)| {
            (party.host, Puppet::new(setup.instance, setup.roster, index))
        };
        Self {
            late: CASES[case] == "after-the-device",
            own: setup.own(0, PORT),
            server: setup.first_of(SERVER),
            puppets: parties
                .filter(|(_, party)| party.role == crate::secure_vault::DEVICE)
                .map(puppet)
                .collect(),
            puppet: None,
            timers: Vec::new(),
        }
    }

    fn carry_out(&mut self, said: Vec<Said>, cx: &mut AttackContext<'_>) {
        for one in said {
            match one {
                Said::Send { to, bytes, .. } => cx.inject(self.own, to, bytes),
                Said::Arm(timer, after) => {
                    let place = self.timers.iter().position(|known| *known == timer);
                    let place = place.unwrap_or_else(|| {
                        self.timers.push(timer);
                        self.timers.len() - 1
                    });
                    cx.arm(u32::try_from(place).unwrap_or(LOG_IN), after);
                }
                Said::Cancel(timer) => {
                    if let Some(place) = self.timers.iter().position(|known| *known == timer) {
                        cx.cancel(u32::try_from(place).unwrap_or(LOG_IN));
                    }
                }
                // The session's end tells a server that keeps two vaults to forget the older one.
                Said::Output(Output::Accepted { .. }) => cx.arm(FINISH, Span::from_secs(1)),
                Said::Output(_) => {}
            }
        }
    }
}

impl Attacker for Clone {
    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        let found = self.puppets.iter_mut().find(|(host, _)| *host == grant.of);
        let Some(mut puppet) = found.and_then(|(_, puppet)| puppet.take()) else {
            return;
        };
        puppet.install(grant);
        let said = puppet.start(cx);
        self.puppet = Some(puppet);
        self.carry_out(said, cx);
        let wait = if self.late { 60 } else { 0 };
        cx.arm(LOG_IN, Span::from_secs(wait));
    }

    fn on_timer(&mut self, timer: u32, cx: &mut AttackContext<'_>) {
        let Some(mut puppet) = self.puppet.take() else {
            return;
        };
        let said = if timer == LOG_IN || timer == FINISH {
            let command = Command {
                id: if timer == LOG_IN {
                    AUTHENTICATE_COMMAND
                } else {
                    FINISH_COMMAND
                },
                peer: self.server,
                args: &[],
            };
            puppet.command(&command, cx)
        } else if let Some(timer) = self.timers.get(timer as usize) {
            puppet.timer(*timer, cx)
        } else {
            Vec::new()
        };
        self.puppet = Some(puppet);
        self.carry_out(said, cx);
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        let Some(mut puppet) = self.puppet.take() else {
            return;
        };
        let incoming = Incoming {
            from: view.from,
            to: view.to,
            channel: view.channel,
            bytes: view.bytes,
        };
        let said = puppet.message(incoming, cx);
        self.puppet = Some(puppet);
        self.carry_out(said, cx);
    }
}
