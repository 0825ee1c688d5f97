//! What messages cost: bits per field by the declared layouts, sizes and numbers by what was sent.

use protocols::protocol::{Instance, Protocol};
use protocols::wire::{Field, Layout, Width};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageCost {
    /// Its name.
    pub name: &'static str,
    /// Name of its phase.
    pub phase: &'static str,
    /// Name of the role that sends it; empty when more than one does.
    pub sender: &'static str,
    /// Its fields in order.
    pub fields: Vec<FieldCost>,
    /// How often it was sent in the pass.
    pub sent: u64,
    /// Bytes of all that were sent.
    pub bytes_sent: u64,
}

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldCost {
    /// Its name.
    pub name: &'static str,
    /// Its width: that of every frame where the layout fixes it, else that of the first frame sent;
    /// `None` when it varies and none was sent.
    pub bits: Option<u64>,
    /// True when the layout fixes the width.
    pub fixed: bool,
}

impl MessageCost {
    /// Bits of the whole message; `None` when a field's width is not known.
    #[must_use]
    pub fn bits(&self) -> Option<u64> {
        self.fields.iter().map(|field| field.bits).sum()
    }
}

/// Counts messages as they are sent.
pub(super) struct Tally<'a> {
    instance: &'a dyn Instance,
    messages: Vec<MessageCost>,
}

impl<'a> Tally<'a> {
    /// Nothing sent yet.
    pub(super) fn new(protocol: &dyn Protocol, instance: &'a dyn Instance) -> Self {
        let role = |role: u8| {
            let roles = protocol.roles();
            roles.get(usize::from(role)).map_or("", |role| role.name)
        };
        let phase = |phase: u8| {
            let phases = protocol.phases();
            phases.get(usize::from(phase)).copied().unwrap_or("")
        };
        let message = |layout: &Layout| MessageCost {
            name: layout.name,
            phase: phase(layout.phase),
            sender: layout.sender.map_or("", role),
            fields: layout.fields.iter().map(FieldCost::of).collect(),
            sent: 0,
            bytes_sent: 0,
        };
        Self {
            messages: instance.layouts().iter().map(message).collect(),
            instance,
        }
    }

    /// A message was sent; what is none of the declared ones is not counted.
    pub(super) fn sent(&mut self, bytes: &[u8]) {
        let Some(index) = self.instance.classify(bytes) else {
            return;
        };
        let (Some(layout), Some(message)) = (
            self.instance.layouts().get(index),
            self.messages.get_mut(index),
        ) else {
            return;
        };
        message.sent += 1;
        message.bytes_sent += bytes.len() as u64;
        let Ok(located) = layout.locate(bytes) else {
            return;
        };
        for (place, field) in message.fields.iter_mut().enumerate() {
            let width = located.field(place).len() as u64;
            field.bits.get_or_insert(8 * width);
        }
    }

    /// Every message, in the order of the layouts.
    pub(super) fn messages(self) -> Vec<MessageCost> {
        self.messages
    }
}

impl FieldCost {
    fn of(field: &Field) -> Self {
        let bits = match field.width {
            Width::Fixed(bytes) => Some(8 * u64::from(bytes)),
            Width::Counted { .. } | Width::Rest { .. } => None,
        };
        Self {
            name: field.name,
            bits,
            fixed: bits.is_some(),
        }
    }
}
