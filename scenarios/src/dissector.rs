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
            |choice| {
                vec![Known {
                    variant: choice.variant.clone(),
                    instance: Arc::clone(&choice.instance),
                    elastic: Vec::new(),
                }]
            },
        );
        describe(*protocol, &instances, &mut script);
    }
    script.push('\n');
    script.push_str(RUNTIME);
    script
}

/// A variant whose messages are described.
struct Known {
    variant: String,
    instance: Arc<dyn Instance>,
    /// By message and field: whether a parameter that a capture does not tell decides the width.
    elastic: Vec<Vec<bool>>,
}

/// The fields of `base` whose widths differ under other parameters.
fn elastic(
    protocol: &dyn Protocol,
    variant: &str,
    given: &Values,
    base: &dyn Instance,
) -> Vec<Vec<bool>> {
    const TRIED: [u64; 12] = [1, 2, 3, 5, 8, 16, 64, 128, 192, 256, 1024, 4096];
    let layouts = base.layouts();
    let mut elastic: Vec<Vec<bool>> = layouts
        .iter()
        .map(|layout| vec![false; layout.fields.len()])
        .collect();
    for spec in protocol.params() {
        let tried: Vec<Value> = match spec.kind {
            ParameterKind::Integer { min, max } | ParameterKind::Bytes { min, max } => TRIED
                .into_iter()
                .filter(|value| (min..=max).contains(value))
                .map(Value::Integer)
                .collect(),
            ParameterKind::Choice(words) => words
                .iter()
                .map(|word| Value::Text((*word).to_owned()))
                .collect(),
            _ => Vec::new(),
        };
        for value in tried {
            let mut values = given.clone();
            values.set(spec.name, value);
            let Ok(other) = protocol.configure(variant, &values) else {
                continue;
            };
            for (layout, marks) in layouts.iter().zip(&mut elastic) {
                let same = other.layouts().iter().find(|other| {
                    other.name == layout.name && other.fields.len() == layout.fields.len()
                });
                let pairs = same.map(|same| layout.fields.iter().zip(&same.fields));
                for (mark, (one, two)) in marks.iter_mut().zip(pairs.into_iter().flatten()) {
                    *mark |= match (one.width, two.width) {
                        (Width::Fixed(one), Width::Fixed(two)) => one != two,
                        _ => false,
                    };
                }
            }
        }
    }
    elastic
}

/// Every variant with its default parameters; where frames can travel in several ways, in each.
fn instances(protocol: &dyn Protocol) -> Vec<Known> {
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
                found.push(Known {
                    variant: variant.name.to_owned(),
                    elastic: elastic(protocol, variant.name, &values, instance.as_ref()),
                    instance,
                });
            }
        }
    }
    found
}

/// Appends the data of one protocol.
fn describe(protocol: &dyn Protocol, instances: &[Known], script: &mut String) {
    let roles = 0..u8::try_from(protocol.roles().len()).unwrap_or(u8::MAX);
    let mut ports: Vec<u16> = instances
        .iter()
        .flat_map(|known| roles.clone().map(|role| known.instance.port(role)))
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
    for known in instances {
        let instance = &known.instance;
        for (index, layout) in instance.layouts().iter().enumerate() {
            let Some(opcode) = opcode(instance.as_ref(), index, layout) else {
                continue;
            };
            message(
                (instance.streams(), &known.variant),
                opcode,
                (layout, known.elastic.get(index)),
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
    (streamed, variant): (bool, &str),
    opcode: Opcode,
    (layout, elastic): (&Layout, Option<&Vec<bool>>),
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
    for (index, field) in layout.fields.iter().enumerate() {
        let stretches = elastic.and_then(|marks| marks.get(index)) == Some(&true);
        let stretches = if stretches { ", elastic = true" } else { "" };
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
            "    {{ name = {:?}, key = {abbreviation:?}, kind = {kind:?}, {width}{stretches} }},",
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
