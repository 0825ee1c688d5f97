//! `impostor-device` and `impostor-server`: with no vault at all.

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Position, Power, Property, Setup, Verdict, View,
};
use crate::secure_vault::messages::{M1, M2, M3, M4};
use crate::secure_vault::params::{Params, Variant};
use crate::secure_vault::{DEVICE, PORT, SERVER};
use crate::time::Span;
use crate::wire::{Layout, Width};

use super::forge;

/// Letters of base64 that a text of the prototype may have at this place: M3 is long, M4 short.
const fn letters(message: usize) -> usize {
    if message == M4 { 64 } else { 256 }
}

/// A message with random fields; lists of indices ascend from 0.
fn invented(layouts: &[Layout], message: usize, cx: &mut AttackContext<'_>) -> Vec<u8> {
    let mut frame = Vec::new();
    let Some(layout) = layouts.get(message) else {
        return frame;
    };
    if layout.tag.is_none() {
        frame.resize(letters(message), 0);
        cx.random(&mut frame);
        frame.iter_mut().for_each(|byte| *byte = b'A' + *byte % 26);
        return frame;
    }
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
/// From one try to the next.
const GAP: Span = Span::from_millis(500);

pub(super) const DEVICE_SPEC: AttackSpec = AttackSpec {
    id: "impostor-device",
    help: "Without a vault: announces itself from its own address as each device in turn, twice a \
           second, and answers the challenge with random bytes.",
    powers: &[Power::Inject],
    positions: &[Position::OffPath, Position::OnPath],
    properties: &[Property::Agreement, Property::Availability],
    claims: &["SV-C1", "SV-C4"],
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct ImpostorDevice {
    params: Params,
    layouts: Vec<Layout>,
    own: Address,
    server: Option<Address>,
    devices: u32,
    next: u32,
    /// The session id of the last M1, where frames carry one.
    session_id: Vec<u8>,
}

impl ImpostorDevice {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        let parties = setup.roster.parties.iter();
        Self {
            params: params.clone(),
            layouts: setup.instance.layouts().to_vec(),
            own: setup.own(0, PORT),
            server: setup.first_of(SERVER),
            devices: u32::try_from(parties.filter(|party| party.role == DEVICE).count())
                .unwrap_or(u32::MAX),
            next: 0,
            session_id: Vec::new(),
        }
    }
}

impl Attacker for ImpostorDevice {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(AGAIN, GAP);
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        if let Some(server) = self.server {
            let id = self.next % self.devices.max(1) + 1;
            self.next += 1;
            // `hardened` names an epoch, which grows with the sessions: it has to be guessed.
            let epoch = cx.uniform(u64::from(self.next / 60 + 1));
            let epoch = u32::try_from(epoch).unwrap_or(0);
            let frame = forge::opening(&self.params, id, epoch, cx);
            self.session_id = frame.get(5..9).unwrap_or(&[]).to_vec();
            cx.inject(self.own, server, frame);
        }
        cx.arm(AGAIN, GAP);
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        if view.message == Some(M2) {
            let mut frame = invented(&self.layouts, M3, cx);
            if self.params.variant == Variant::Hardened
                && let Some(place) = frame.get_mut(1..1 + self.session_id.len())
            {
                place.copy_from_slice(&self.session_id);
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
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct ImpostorServer {
    params: Params,
    layouts: Vec<Layout>,
}

impl ImpostorServer {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        Self {
            params: params.clone(),
            layouts: setup.instance.layouts().to_vec(),
        }
    }
}

impl Attacker for ImpostorServer {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let frame = match view.message {
            Some(M1) => {
                let count = u16::try_from(self.params.challenge).unwrap_or(u16::MAX);
                let list: Vec<[u8; 2]> = (0..count).map(u16::to_be_bytes).collect();
                forge::question(&self.params, view.bytes, &list, cx)
            }
            Some(M3) => {
                let mut frame = invented(&self.layouts, M4, cx);
                if self.params.variant == Variant::Hardened
                    && let (Some(place), Some(id)) = (frame.get_mut(1..5), view.bytes.get(1..5))
                {
                    place.copy_from_slice(id);
                }
                frame
            }
            _ => return Verdict::Pass,
        };
        cx.inject(view.to, view.from, frame);
        Verdict::Drop
    }
}
