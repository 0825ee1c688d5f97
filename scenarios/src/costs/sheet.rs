//! Costs as tables for readers, and as rows of `costs.csv`.

use protocols::meter::{Primitive, Totals};
use reports::format::significant;
use reports::rows::Cost;
use reports::tables::{Align, Cell, Table};

use super::notation::{symbol, terms};
use super::{Costs, MessageCost, Price, paper};

const LEFT: Align = Align::Left;
const RIGHT: Align = Align::Right;

/// Significant digits of times and energies.
const DIGITS: usize = 7;

/// A time in milliseconds.
pub(super) fn milliseconds(time_ns: u64) -> String {
    decimal(time_ns as f64 / 1e6)
}

/// An energy in microjoules.
pub(super) fn microjoules(energy_nj: u64) -> String {
    decimal(energy_nj as f64 / 1e3)
}

fn decimal(value: f64) -> String {
    let text = significant(value, DIGITS);
    if text.contains('.') && !text.contains('e') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

/// Every table of these costs, in order.
#[must_use]
pub fn tables(costs: &Costs) -> Vec<Table> {
    let mut tables = vec![operations(costs), messages(costs), storage(costs)];
    if !costs.profiles.is_empty() {
        tables.push(prices(costs));
    }
    if costs.protocol.name() == "secure-vault" {
        tables.push(paper::reproduced());
        // The paper's count can be right or wrong only about what the paper describes.
        if costs.variant == "as-published" {
            tables.extend(paper::compared(costs));
        }
    }
    tables
}

/// `secure-vault (as-published)`.
fn title(costs: &Costs) -> String {
    format!("{} ({})", costs.protocol.name(), costs.variant)
}

fn id(costs: &Costs, what: &str) -> String {
    format!("{}-{}-{what}", costs.protocol.name(), costs.variant)
}

fn operations(costs: &Costs) -> Table {
    let caption = format!("{}: operations of one honest pass", title(costs));
    let columns = [
        ("role", LEFT),
        ("phase", LEFT),
        ("operations", LEFT),
        ("bytes hashed", RIGHT),
        ("random bytes", RIGHT),
        ("bytes written", RIGHT),
    ];
    let mut table = Table::new(&id(costs, "operations"), caption, &columns);
    let mut all = Totals::default();
    for work in &costs.work {
        work.operations.iter().for_each(|one| all.add(one));
        let bytes = |of: &[Primitive]| -> u64 { of.iter().map(|p| work.totals.of(*p).1).sum() };
        table.push(vec![
            costs.role(work.role).into(),
            costs.phase(work.phase).into(),
            Cell::Terms(terms(&work.totals)),
            bytes(&HASHES).into(),
            bytes(&[Primitive::Random]).into(),
            bytes(&[Primitive::DurableWrite]).into(),
        ]);
    }
    let symbols = all.iter().map(|(primitive, ..)| {
        let (symbol, unit) = symbol(primitive);
        format!("T_{symbol} one {unit}")
    });
    table.note(format!("{}.", symbols.collect::<Vec<_>>().join(", ")));
    if !costs.settings.is_empty() {
        let settings = costs.settings.iter();
        let settings = settings.map(|(name, value)| format!("{name} = {value}"));
        table.note(format!("With {}.", settings.collect::<Vec<_>>().join(", ")));
    }
    for (command, why) in &costs.unfinished {
        table.note(format!("Command {command} is not in the counts ({why})."));
    }
    table
}

const HASHES: [Primitive; 5] = [
    Primitive::Sha1,
    Primitive::Sha256,
    Primitive::Sha512,
    Primitive::HmacSha256,
    Primitive::HmacSha512,
];

fn messages(costs: &Costs) -> Table {
    let caption = format!("{}: messages", title(costs));
    let columns = [
        ("message", LEFT),
        ("sender", LEFT),
        ("phase", LEFT),
        ("fields, bits", LEFT),
        ("bits", RIGHT),
        ("bytes", RIGHT),
        ("sent", RIGHT),
        ("bytes sent", RIGHT),
    ];
    let mut table = Table::new(&id(costs, "messages"), caption, &columns);
    let or_dash = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |v| v.to_string());
    let mut varies = false;
    for message in &costs.messages {
        let fields = message.fields.iter().map(|field| {
            varies |= !field.fixed;
            let mark = if field.fixed { "" } else { "*" };
            format!("{} {}{mark}", field.name, or_dash(field.bits))
        });
        let fields = fields.collect::<Vec<_>>().join(", ");
        table.push(vec![
            message.name.into(),
            if message.sender.is_empty() {
                "any"
            } else {
                message.sender
            }
            .into(),
            message.phase.into(),
            fields.into(),
            or_dash(message.bits()).into(),
            or_dash(message.bits().map(|bits| bits / 8)).into(),
            message.sent.into(),
            message.bytes_sent.into(),
        ]);
    }
    totals(&mut table, costs);
    if varies {
        table.note(
            "* The width varies; shown is that of the first one sent in the pass, - where none was.",
        );
    }
    table
}

/// A row for every phase in which something was sent, and one for the pass.
fn totals(table: &mut Table, costs: &Costs) {
    let mut row = |name: &str, phase: &str, of: &dyn Fn(&&MessageCost) -> bool| {
        let all = || costs.messages.iter().filter(of);
        let sent: u64 = all().map(|message| message.sent).sum();
        let bytes: u64 = all().map(|message| message.bytes_sent).sum();
        if sent > 0 {
            table.push(vec![
                name.into(),
                "".into(),
                phase.into(),
                "".into(),
                (8 * bytes).into(),
                bytes.into(),
                sent.into(),
                bytes.into(),
            ]);
        }
    };
    let phases = costs.protocol.phases();
    if phases.len() > 1 {
        for phase in phases {
            row("all", phase, &|message| message.phase == *phase);
        }
    }
    row("all", "all", &|_| true);
}

fn storage(costs: &Costs) -> Table {
    let caption = format!("{}: durable storage and writes", title(costs));
    let columns = [
        ("role", LEFT),
        ("records", RIGHT),
        ("bytes", RIGHT),
        ("records after", RIGHT),
        ("bytes after", RIGHT),
        ("writes", RIGHT),
        ("bytes written", RIGHT),
    ];
    let mut table = Table::new(&id(costs, "storage"), caption, &columns);
    for held in &costs.storage {
        let own = || costs.work.iter().filter(|work| work.role == held.role);
        let written = |of: fn((u64, u64)) -> u64| -> u64 {
            own()
                .map(|work| of(work.totals.of(Primitive::DurableWrite)))
                .sum()
        };
        table.push(vec![
            costs.role(held.role).into(),
            held.records_before.into(),
            held.bytes_before.into(),
            held.records_after.into(),
            held.bytes_after.into(),
            written(|(count, _)| count).into(),
            written(|(_, bytes)| bytes).into(),
        ]);
    }
    table.note(
        "One party of each role, before and after one honest pass. A server holds this for every \
         device or user.",
    );
    table
}

fn prices(costs: &Costs) -> Table {
    let caption = format!("{}: time and energy of computing and storing", title(costs));
    let mut columns = vec![("role".to_owned(), LEFT), ("phase".to_owned(), LEFT)];
    for profile in &costs.profiles {
        columns.push((format!("{}, ms", profile.name), RIGHT));
        columns.push((format!("{}, uJ", profile.name), RIGHT));
    }
    let columns: Vec<(&str, Align)> = columns.iter().map(|(t, a)| (t.as_str(), *a)).collect();
    let mut table = Table::new(&id(costs, "prices"), caption, &columns);
    let cells = |prices: &[Price]| {
        prices
            .iter()
            .flat_map(|price| {
                [
                    milliseconds(price.time_ns).into(),
                    microjoules(price.energy_nj).into(),
                ]
            })
            .collect::<Vec<Cell>>()
    };
    for (role, _) in costs.protocol.roles().iter().enumerate() {
        let own = || {
            costs
                .work
                .iter()
                .filter(|work| usize::from(work.role) == role)
        };
        let mut sums = vec![Price::default(); costs.profiles.len()];
        for work in own() {
            for (sum, price) in sums.iter_mut().zip(&work.prices) {
                sum.time_ns += price.time_ns;
                sum.energy_nj += price.energy_nj;
            }
            let mut row = vec![costs.role(work.role).into(), costs.phase(work.phase).into()];
            row.extend(cells(&work.prices));
            table.push(row);
        }
        if let Some(first) = own().next() {
            let mut row = vec![costs.role(first.role).into(), "all".into()];
            row.extend(cells(&sums));
            table.push(row);
        }
    }
    for profile in &costs.profiles {
        table.note(format!(
            "{}: {}. Power {} mW ({}). Other builds differ by factors of {} to {} (hashes and ciphers) \
             and {} to {} (public key).",
            profile.name,
            profile.summary,
            decimal(profile.active_power_uw as f64 / 1e3),
            profile.power_basis,
            profile.symmetric_band.0,
            profile.symmetric_band.1,
            profile.public_key_band.0,
            profile.public_key_band.1,
        ));
    }
    table
}

/// The rows of `costs.csv`: operations by role and phase, then bits by message and field, each
/// message's sum as the field `total`.
#[must_use]
pub fn rows(costs: &Costs) -> Vec<Cost<'_>> {
    let protocol = costs.protocol.name();
    let mut rows = Vec::new();
    for work in &costs.work {
        for (primitive, count, bytes) in work.totals.iter() {
            rows.push(Cost::operation(
                (protocol, &costs.variant),
                (costs.role(work.role), costs.phase(work.phase)),
                primitive.as_str(),
                count,
                bytes,
            ));
        }
    }
    for message in &costs.messages {
        let fields = message.fields.iter();
        let fields = fields.filter_map(|field| Some((field.name, field.bits?)));
        let total = message.bits().map(|bits| ("total", bits));
        for (field, bits) in fields.chain(total) {
            rows.push(Cost::field(protocol, message.name, field, bits));
        }
    }
    rows
}
