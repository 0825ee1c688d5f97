//! A Wireshark dissector in Lua, generated from the layouts that the protocols declare.
//!
//! The generated part is data: per protocol its ports and per variant the messages with their fields.
//! `runtime.lua` finds the message that a frame is by opcode and structure, exactly as
//! [`Layout::locate`] does. Messages that are text have no opcode; they are shown as text.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::sync::Arc;

use protocols::parameter::{ParameterKind, Value, Values};
use protocols::protocol::{Instance, Protocol};
use protocols::registry::PROTOCOLS;
use protocols::wire::{Field, FieldKind, Layout, Width};

use crate::scenario::Scenario;

const RUNTIME: &str = include_str!("dissector/runtime.lua");

/// The dissector of every protocol, as a Lua script.
///
/// With a scenario, its protocol has the layouts of the scenario's variant and parameters only; every
/// other has those of all its variants with default parameters, in the order of the list of variants,
/// of which the first that fits a frame counts.
#[must_use]
pub fn lua(scenario: Option<&Scenario>) -> String {
    let mut script = String::from(
        "-- Wireshark dissector of the protocols that badlink simulates. Generated: do not edit.\n\
         -- wireshark -X lua_script:badlink.lua packets.pcapng\n\nlocal protocols = {}\n",
    );
    for protocol in PROTOCOLS {
        let chosen = scenario
            .map(|scenario| &scenario.protocol)
            .filter(|choice| choice.protocol.name() == protocol.name());
        let instances = chosen.map_or_else(
            || instances(*protocol),
            |choice| vec![(choice.variant.clone(), Arc::clone(&choice.instance))],
        );
        describe(*protocol, &instances, &mut script);
    }
    script.push('\n');
    script.push_str(RUNTIME);
    script
}

/// Every variant with its default parameters; where frames can travel in several ways, in each.
fn instances(protocol: &dyn Protocol) -> Vec<(String, Arc<dyn Instance>)> {
    let framing = protocol.params().iter().find(|spec| spec.name == "framing");
    let ways = match framing.map(|spec| spec.kind) {
        Some(ParameterKind::Choice(words)) => words.iter().copied().map(Some).collect(),
        _ => vec![None],
    };
    let mut found = Vec::new();
    for variant in protocol.variants() {
        for way in &ways {
            let mut values = Values::default();
            if let Some(word) = way {
                values.set("framing", Value::Text((*word).to_owned()));
            }
            // A way that a variant does not have is left out.
            if let Ok(instance) = protocol.configure(variant.name, &values) {
                found.push((variant.name.to_owned(), instance));
            }
        }
    }
    found
}

/// Appends the data of one protocol.
fn describe(
    protocol: &dyn Protocol,
    instances: &[(String, Arc<dyn Instance>)],
    script: &mut String,
) {
    let roles = 0..u8::try_from(protocol.roles().len()).unwrap_or(u8::MAX);
    let mut ports: Vec<u16> = instances
        .iter()
        .flat_map(|(_, instance)| roles.clone().map(|role| instance.port(role)))
        .collect();
    if protocol.name() == "rsa-udp" {
        ports.push(protocols::rsa_udp::BROADCAST_PORT);
    }
    ports.sort_unstable();
    ports.dedup();
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(
        script,
        "protocols[#protocols + 1] = {{ name = {:?}, about = {:?}, ports = {{ {} }}, messages = {{",
        protocol.name(),
        protocol.summary(),
        ports.join(", ")
    );
    let mut kinds = BTreeMap::new();
    for (variant, instance) in instances {
        for (index, layout) in instance.layouts().iter().enumerate() {
            let Some(opcode) = opcode(instance.as_ref(), index, layout) else {
                continue;
            };
            message(
                instance.streams(),
                variant,
                opcode,
                layout,
                &mut kinds,
                script,
            );
        }
    }
    script.push_str("} }\n");
}

/// How a frame shows which message it is.
#[derive(Clone, Copy, Debug)]
enum Opcode {
    /// This byte at this offset.
    Byte(u32, u8),
    /// Nothing but a length of zero.
    Closing,
}

/// How the message at `index` is told from others; `None` for text.
fn opcode(instance: &dyn Instance, index: usize, layout: &Layout) -> Option<Opcode> {
    if let Some(tag) = layout.tag {
        return Some(Opcode::Byte(0, tag));
    }
    let mut offset = 0_u32;
    for field in &layout.fields {
        if field.kind == FieldKind::Tag {
            // Behind a length: ask which byte makes it this message.
            let mut frame = vec![0; offset as usize + 1];
            if let Some(low) = offset.checked_sub(1) {
                frame[low as usize] = 1;
            }
            let byte = (0..=u8::MAX).find(|byte| {
                frame[offset as usize] = *byte;
                instance.classify(&frame) == Some(index)
            })?;
            return Some(Opcode::Byte(offset, byte));
        }
        match field.width {
            Width::Fixed(width) if field.kind == FieldKind::Integer => offset += width,
            _ => return None,
        }
    }
    Some(Opcode::Closing)
}

/// Appends one message.
fn message(
    streamed: bool,
    variant: &str,
    opcode: Opcode,
    layout: &Layout,
    kinds: &mut BTreeMap<String, FieldKind>,
    script: &mut String,
) {
    let opcode = match opcode {
        Opcode::Byte(offset, byte) => format!("at = {offset}, byte = {byte}"),
        Opcode::Closing => String::from("closing = true"),
    };
    let _ = writeln!(
        script,
        "  {{ name = {:?}, variant = {variant:?}, streamed = {streamed}, {opcode}, fields = {{",
        layout.name
    );
    for field in &layout.fields {
        let abbreviation = abbreviation(layout.name, field, kinds);
        let kind = match field.kind {
            FieldKind::Tag | FieldKind::Integer if narrow(field) => "uint64",
            FieldKind::Text => "string",
            _ => "bytes",
        };
        let width = match field.width {
            Width::Fixed(width) => format!("fixed = {width}"),
            Width::Counted { field, unit } => format!("count = {}, unit = {unit}", field + 1),
            Width::Rest {
                min,
                max,
                multiple_of,
            } => format!(
                "min = {min}, max = {max}, multiple = {}",
                multiple_of.max(1)
            ),
        };
        let _ = writeln!(
            script,
            "    {{ name = {:?}, key = {abbreviation:?}, kind = {kind:?}, {width} }},",
            field.name
        );
    }
    script.push_str("  } },\n");
}

/// True for a number that fits Wireshark's.
fn narrow(field: &Field) -> bool {
    matches!(field.width, Width::Fixed(1..=8))
}

/// The name of a field in filters, behind that of its protocol: a name has one type, so a field that
/// another variant writes differently has its kind in it. A prime becomes a `p`.
fn abbreviation(message: &str, field: &Field, kinds: &mut BTreeMap<String, FieldKind>) -> String {
    let plain: String = format!("{message}.{}", field.name)
        .chars()
        .map(|letter| match letter {
            '\'' => 'p',
            '.' => '.',
            other if other.is_ascii_alphanumeric() => other.to_ascii_lowercase(),
            _ => '_',
        })
        .collect();
    let kind = match field.kind {
        FieldKind::Tag | FieldKind::Integer if narrow(field) => FieldKind::Integer,
        FieldKind::Text => FieldKind::Text,
        _ => FieldKind::Bytes,
    };
    let known = *kinds.entry(plain.clone()).or_insert(kind);
    if known == kind {
        return plain;
    }
    match kind {
        FieldKind::Integer => plain + "_number",
        FieldKind::Text => plain + "_text",
        _ => plain + "_bytes",
    }
}
