//! `badlink list WHAT`: what there is, with sources.

use std::fmt::Write as _;

use scenarios::protocol::Protocol;
use scenarios::registry::PROTOCOLS;
use scenarios::{library, metrics, preset, profile, radio};
use serde_json::{Value, json};

use crate::args::{ListArgs, Listed};
use crate::exit::{Exit, say};

/// An entry: name, one line, further lines.
struct Entry {
    name: String,
    about: String,
    details: Vec<String>,
}

/// Lists.
pub(crate) fn run(args: &ListArgs) -> Exit {
    let entries = match args.what {
        Listed::Protocols => protocols(),
        Listed::Attacks => attacks(),
        Listed::Claims => claims(),
        Listed::Presets => presets(),
        Listed::Profiles => profiles(),
        Listed::Radios => radios(),
        Listed::Metrics => metric_entries(),
        Listed::Scenarios => scenario_entries(),
    };
    if args.json {
        let all: Vec<Value> = entries
            .iter()
            .map(|entry| json!({ "name": entry.name, "about": entry.about, "details": entry.details }))
            .collect();
        say(format_args!("{:#}", Value::from(all)));
        return Exit::Good;
    }
    let width = entries
        .iter()
        .map(|entry| entry.name.chars().count())
        .max()
        .unwrap_or(0);
    for entry in &entries {
        say(format_args!("{:width$}  {}", entry.name, entry.about));
        for detail in &entry.details {
            say(format_args!("{:width$}    {detail}", ""));
        }
    }
    Exit::Good
}

fn attacks() -> Vec<Entry> {
    let mut entries = Vec::new();
    for protocol in PROTOCOLS {
        for attack in protocol.attacks() {
            let words = |words: Vec<&str>| words.join(", ");
            let mut details = vec![format!(
                "powers: {}; stands: {}",
                words(attack.powers.iter().map(|power| power.as_str()).collect()),
                words(attack.positions.iter().map(|place| place.key()).collect())
            )];
            if !attack.spare.is_empty() {
                let spare = attack.spare.iter().map(|power| power.as_str());
                details.push(format!("only some steps need: {}", words(spare.collect())));
            }
            for need in attack.knows {
                details.push(format!("knows: {} of a {}", need.secret, need.of));
            }
            if !attack.cases.is_empty() {
                details.push(format!("cases: {}", words(attack.cases.to_vec())));
            }
            for param in attack.params {
                details.push(format!(
                    "parameter {} (default {}): {}",
                    param.name, param.default, param.help
                ));
            }
            let properties = attack.properties.iter().map(|property| property.as_str());
            let mut twin = attack.control.variant.to_owned();
            if !attack.control.without.is_empty() {
                let _ = write!(twin, " without {}", attack.control.without);
            }
            details.push(format!(
                "aims at: {}; tests: {}; control: {twin}",
                words(properties.collect()),
                words(attack.claims.to_vec()),
            ));
            if !attack.variants.is_empty() {
                details.push(format!("variants: {}", words(attack.variants.to_vec())));
            }
            entries.push(Entry {
                name: format!("{}/{}", protocol.name(), attack.id),
                about: attack.help.into(),
                details,
            });
        }
    }
    entries
}

fn protocols() -> Vec<Entry> {
    let entry = |protocol: &&dyn Protocol| {
        let mut details = vec![format!("source: {}", protocol.source())];
        let names = |names: Vec<&str>| names.join(", ");
        details.push(format!(
            "roles: {}",
            names(protocol.roles().iter().map(|role| role.name).collect())
        ));
        for command in protocol.commands() {
            let role = protocol
                .roles()
                .get(usize::from(command.role))
                .map_or("", |role| role.name);
            details.push(format!(
                "command {} ({role}): {}",
                command.name, command.help
            ));
        }
        for secret in protocol.secrets() {
            details.push(format!("secret {}: {}", secret.name, secret.help));
        }
        for variant in protocol.variants() {
            details.push(format!("variant {}: {}", variant.name, variant.help));
        }
        for param in protocol.params() {
            details.push(format!(
                "parameter {} (default {}): {}",
                param.name, param.default, param.help
            ));
        }
        Entry {
            name: protocol.name().into(),
            about: protocol.summary().into(),
            details,
        }
    };
    PROTOCOLS.iter().map(entry).collect()
}

fn claims() -> Vec<Entry> {
    let of = |protocol: &&'static dyn Protocol| {
        let name = protocol.name();
        protocol.claims().iter().map(move |claim| Entry {
            name: claim.id.into(),
            about: format!("{} ({name}, {})", claim.text, claim.stance),
            details: vec![format!("source: {}", claim.source)],
        })
    };
    PROTOCOLS.iter().flat_map(of).collect()
}

fn presets() -> Vec<Entry> {
    let entry = |preset: &preset::Preset| Entry {
        name: preset.name.clone(),
        about: preset.summary.clone(),
        details: preset.basis.clone(),
    };
    preset::all().iter().map(entry).collect()
}

fn profiles() -> Vec<Entry> {
    profile::all()
        .iter()
        .map(|profile| Entry {
            name: profile.name.clone(),
            about: profile.summary.clone(),
            details: profile_details(profile),
        })
        .collect()
}

fn radios() -> Vec<Entry> {
    let entry = |radio: &std::sync::Arc<radio::Radio>| {
        let milliwatts = |nw: u64| reports::format::float_text(nw as f64 / 1e6);
        Entry {
            name: radio.name.clone(),
            about: radio.summary.clone(),
            details: vec![
                format!(
                    "{} mW sending, {} mW receiving, {} mW asleep, at {} V",
                    milliwatts(radio.tx_nw),
                    milliwatts(radio.rx_nw),
                    milliwatts(radio.sleep_nw),
                    reports::format::float_text(radio.supply_mv as f64 / 1000.0)
                ),
                format!("{}: {}", radio.basis.as_str(), radio.source),
            ],
        }
    };
    radio::all().iter().map(entry).collect()
}

fn profile_details(profile: &profile::Profile) -> Vec<String> {
    use scenarios::meter::{Operation, Primitive};
    let mut details = vec![format!(
        "{} MHz, {} mW while computing ({})",
        profile.clock_hz / 1_000_000,
        reports::format::float_text(profile.active_power_uw as f64 / 1000.0),
        profile.power_basis
    )];
    let ((low, high), (low_public, high_public)) =
        (profile.symmetric_band, profile.public_key_band);
    details.push(format!(
        "other builds take {low} to {high} times as long for symmetric primitives, {low_public} to \
         {high_public} times for RSA and powers (k_symmetric, k_public)"
    ));
    if let Some(endurance) = &profile.endurance {
        details.push(format!(
            "storage stands {} writes ({}: {})",
            endurance.writes,
            endurance.basis.as_str(),
            endurance.source
        ));
    }
    for primitive in Primitive::ALL {
        let cost = profile.cost(primitive);
        // What one call costs at a size that says something: a block, a row, a 2048-bit modulus.
        let bytes = match primitive {
            Primitive::RsaPublic | Primitive::RsaPrivate | Primitive::ModPow => 256,
            Primitive::Sha512 | Primitive::HmacSha512 => 128,
            Primitive::Sha1 | Primitive::Sha256 | Primitive::HmacSha256 => 64,
            _ => 16,
        };
        let one = Operation {
            primitive,
            phase: 0,
            count: 1,
            bytes,
        };
        details.push(format!(
            "{primitive} of {bytes} B: {} ({}: {})",
            reports::format::duration(profile.cost_ns(&one) as f64),
            cost.basis.as_str(),
            cost.source
        ));
    }
    details
}

fn metric_entries() -> Vec<Entry> {
    let entry = |metric: &metrics::MetricSpec| Entry {
        name: metric.name.into(),
        about: format!("[{}] {}", metric.unit, metric.help),
        details: Vec::new(),
    };
    metrics::METRICS.iter().map(entry).collect()
}

fn scenario_entries() -> Vec<Entry> {
    let entry = |scenario: &library::LibraryScenario| {
        // The first line of the comment header says what it is.
        let head = scenario
            .text
            .lines()
            .next()
            .unwrap_or("")
            .trim_start_matches(['#', ' ']);
        Entry {
            name: scenario.name.into(),
            about: head.into(),
            details: Vec::new(),
        }
    };
    library::LIBRARY.iter().map(entry).collect()
}
