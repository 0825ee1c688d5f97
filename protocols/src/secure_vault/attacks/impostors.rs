//! `impostor-device` and `impostor-server`: with no vault at all.

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Position, Power, Property, Setup, Verdict, View,
};
use crate::secure_vault::messages::{M1, M2, M3, M4};
use crate::secure_vault::{DEVICE, PORT, SERVER};
use crate::time::Span;
use crate::wire::{Layout, Width};

/// A frame of this layout with random fields; lists of indices ascend from 0.
fn invented(layout: &Layout, cx: &mut AttackContext<'_>) -> Vec<u8> {
    let mut frame = Vec::new();
    for field in &layout.fields {
        let start = frame.len();
        let width = match field.width {
            Width::Fixed(width) => width,
            Width::Rest {
                min, multiple_of, ..
            } => min.max(multiple_of).min(64),
            Width::Counted { .. } => 0,
        };
        frame.resize(start + width as usize, 0);
        match field.kind {
            crate::wire::FieldKind::Tag => {
                if let Some(tag) = layout.tag {
                    frame[start] = tag;
                }
            }
            crate::wire::FieldKind::Indices => {
                for (index, place) in (0u16..).zip(frame[start..].as_chunks_mut::<2>().0) {
                    *place = index.to_be_bytes();
                }
            }
            _ => cx.random(&mut frame[start..]),
        }
    }
    frame
}

const AGAIN: u32 = 0;

pub(super) const DEVICE_SPEC: AttackSpec = AttackSpec {
    id: "impostor-device",
    help: "Without a vault: announces itself from its own address as each device in turn and answers \
           the challenge with random bytes.",
    powers: &[Power::Inject],
    positions: &[Position::OffPath, Position::OnPath],
    properties: &[Property::Agreement, Property::Availability],
    claims: &["SV-C1", "SV-C4"],
    variants: super::BINARY,
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct ImpostorDevice {
    layouts: Vec<Layout>,
    own: Address,
    server: Option<Address>,
    devices: u32,
    next: u32,
}

impl ImpostorDevice {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        let parties = setup.roster.parties.iter();
        Self {
            layouts: setup.instance.layouts().to_vec(),
            own: setup.own(0, PORT),
            server: setup.first_of(SERVER),
            devices: u32::try_from(parties.filter(|party| party.role == DEVICE).count())
                .unwrap_or(u32::MAX),
            next: 0,
        }
    }
}

impl Attacker for ImpostorDevice {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(AGAIN, Span::from_secs(10));
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        if let (Some(server), Some(layout)) = (self.server, self.layouts.get(M1)) {
            let mut frame = invented(layout, cx);
            let id = self.next % self.devices.max(1) + 1;
            self.next += 1;
            if let Some(field) = frame.get_mut(1..5) {
                field.copy_from_slice(&id.to_be_bytes());
            }
            // `hardened` names an epoch: a fresh device's.
            if let Some(epoch) = frame.get_mut(9..) {
                epoch.fill(0);
            }
            cx.inject(self.own, server, frame);
        }
        cx.arm(AGAIN, Span::from_secs(10));
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        if view.message == Some(M2)
            && let Some(layout) = self.layouts.get(M3)
        {
            let mut frame = invented(layout, cx);
            if view.bytes.len() > 5 && layout.fields.iter().any(|it| it.name == "session_id") {
                frame[1..5].copy_from_slice(&view.bytes[1..5]);
            }
            cx.inject(self.own, view.from, frame);
        }
    }
}

pub(super) const SERVER_SPEC: AttackSpec = AttackSpec {
    id: "impostor-server",
    help: "Without a vault: keeps every M1 from the server, answers it with a challenge and r1 of its \
           own, keeps the M3, and tries an M4 of random bytes.",
    powers: super::IN_PLACE,
    control: Control::without("r2"),
    variants: super::BINARY,
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct ImpostorServer {
    layouts: Vec<Layout>,
}

impl ImpostorServer {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            layouts: setup.instance.layouts().to_vec(),
        }
    }
}

impl Attacker for ImpostorServer {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let answer = match view.message {
            Some(M1) => M2,
            Some(M3) => M4,
            _ => return Verdict::Pass,
        };
        let Some(layout) = self.layouts.get(answer) else {
            return Verdict::Pass;
        };
        let mut frame = invented(layout, cx);
        // `hardened` repeats the session's id in every message; it stands second in M1, first after.
        let id = if view.message == Some(M1) { 5..9 } else { 1..5 };
        if layout.fields.iter().any(|field| field.name == "session_id")
            && let Some(id) = view.bytes.get(id)
        {
            frame[1..5].copy_from_slice(id);
        }
        cx.inject(view.to, view.from, frame);
        Verdict::Drop
    }
}
