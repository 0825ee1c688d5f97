//! Figures of tables of cells: attacks against claims, the desynchronisation laboratory, validation.

use super::measure::Spread;
use super::{BarRow, Cell, CellState, Figure, FigureError, Grid, Panel, RowStyle, Rows, Wanted};
use crate::read::sheet::Sheet;
use crate::read::study::{CellsKind, CellsResult};

/// Names of these figures.
pub(super) const NAMES: &[&str] = &["attack-matrix", "desync-lab", "validation"];

/// The figure `wanted` of a table of cells.
pub(super) fn of_cells(
    cells: &CellsResult,
    wanted: &Wanted,
) -> Result<Box<dyn Figure>, FigureError> {
    let fits = match cells.kind {
        CellsKind::Matrix => "attack-matrix",
        CellsKind::Laboratory => "desync-lab",
        CellsKind::Validation => "validation",
    };
    if wanted.figure != fits {
        return Err(FigureError::Unavailable {
            figure: wanted.figure.clone(),
            reason: format!("this result is drawn by {fits}"),
        });
    }
    let sheet = selected(&cells.sheet, wanted)?;
    Ok(match cells.kind {
        CellsKind::Matrix => Box::new(attack_matrix(&sheet)?),
        CellsKind::Laboratory => Box::new(laboratory(&sheet, wanted)?),
        CellsKind::Validation => Box::new(validation(&sheet)?),
    })
}

/// The rows that fit every `--where`.
fn selected(sheet: &Sheet, wanted: &Wanted) -> Result<Sheet, FigureError> {
    let mut kept = sheet.clone();
    for (name, value) in &wanted.only {
        let column = sheet
            .columns
            .iter()
            .position(|column| column == name)
            .ok_or_else(|| FigureError::NoAxis {
                name: name.clone(),
                known: sheet.columns.clone(),
            })?;
        kept.rows.retain(|row| row.get(column) == Some(value));
    }
    if kept.rows.is_empty() {
        let filters: Vec<String> = wanted
            .only
            .iter()
            .map(|(axis, value)| format!("{axis}={value}"))
            .collect();
        return Err(FigureError::Empty {
            selection: filters.join(", "),
        });
    }
    Ok(kept)
}

fn place(list: &mut Vec<String>, name: &str) -> usize {
    list.iter()
        .position(|known| known == name)
        .unwrap_or_else(|| {
            list.push(name.to_owned());
            list.len() - 1
        })
}

fn put(cells: &mut Vec<Vec<Option<Cell>>>, row: usize, column: usize, cell: Cell) {
    if cells.len() <= row {
        cells.resize(row + 1, Vec::new());
    }
    if cells[row].len() <= column {
        cells[row].resize(column + 1, None);
    }
    let place = &mut cells[row][column];
    // Several rows of a table may share a cell: the worst is shown.
    if place
        .as_ref()
        .is_none_or(|before| before.state < cell.state)
    {
        *place = Some(cell);
    }
}

/// The grid of `matrix.csv`: attacks and properties by variant.
fn attack_matrix(sheet: &Sheet) -> Result<Grid, FigureError> {
    let column = |name| sheet.column(name);
    let (protocol, variant, attack) = (column("protocol")?, column("variant")?, column("attack")?);
    let (claim, verdict, property) = (column("claim")?, column("verdict")?, column("property")?);
    let (trials, successes) = (column("trials")?, column("successes")?);
    let (low, high) = (column("ci_low")?, column("ci_high")?);
    let (mut rows, mut columns, mut cells) = (Vec::new(), Vec::new(), Vec::new());
    let mut protocols: Vec<&str> = Vec::new();
    for row in 0..sheet.rows.len() {
        let name = sheet.text(row, protocol);
        if !protocols.contains(&name) {
            protocols.push(name);
        }
    }
    for row in 0..sheet.rows.len() {
        let of = |column| sheet.text(row, column);
        let prefix = if protocols.len() > 1 {
            format!("{}: ", of(protocol))
        } else {
            String::new()
        };
        let attack = if of(attack).is_empty() {
            of(claim)
        } else {
            of(attack)
        };
        let at = place(&mut rows, &format!("{prefix}{attack} · {}", of(property)));
        let across = place(&mut columns, of(variant));
        let word = of(verdict);
        let state = match word {
            "resisted" => CellState::Good,
            "degraded" => CellState::Middling,
            "broken" => CellState::Bad,
            "not-exercised" => CellState::Unexercised,
            _ => CellState::Untested,
        };
        let counts = match (sheet.number(row, successes)?, sheet.number(row, trials)?) {
            (Some(successes), Some(trials)) => format!("{successes}/{trials}"),
            _ => String::new(),
        };
        let interval = match (sheet.number(row, low)?, sheet.number(row, high)?) {
            (Some(low), Some(high)) => format!(
                ", {} to {}",
                crate::format::percent(low),
                crate::format::percent(high)
            ),
            _ => String::new(),
        };
        let claimed = !of(claim).is_empty();
        put(
            &mut cells,
            at,
            across,
            Cell {
                state,
                word: word.to_owned(),
                text: counts.clone(),
                detail: format!("{counts}{interval}"),
                marked: claimed && matches!(state, CellState::Bad | CellState::Middling),
            },
        );
    }
    let width = columns.len();
    for row in &mut cells {
        row.resize(width, None);
    }
    cells.resize(rows.len(), vec![None; width]);
    Ok(Grid {
        name: String::from("attack-matrix"),
        title: if let [only] = protocols[..] {
            format!("Attacks on {only}")
        } else {
            String::from("Attacks by protocol and variant")
        },
        row_title: String::from("attack · property"),
        column_title: String::from("variant"),
        rows,
        columns,
        cells,
        mark_meaning: String::from("the authors claim resistance"),
        caption: String::from(
            "n = trials in each cell (successes/trials), exact 95% intervals in the table · resisted: this attacker failed n times, no proof",
        ),
    })
}

/// The grid of `laboratory.csv`: what was done by what it was done to.
fn laboratory(sheet: &Sheet, wanted: &Wanted) -> Result<Grid, FigureError> {
    let find = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| sheet.columns.iter().position(|column| column == name))
    };
    let chosen = |given: &Option<String>, usual: &[&str]| match given {
        Some(name) => sheet
            .columns
            .iter()
            .position(|column| column == name)
            .ok_or_else(|| FigureError::NoAxis {
                name: name.clone(),
                known: sheet.columns.clone(),
            }),
        None => find(usual).ok_or_else(|| FigureError::NoAxis {
            name: usual[0].to_owned(),
            known: sheet.columns.clone(),
        }),
    };
    let down = chosen(&wanted.y, &["target", "message", "where"])?;
    let across = chosen(&wanted.x, &["damage", "action", "what"])?;
    let kind = find(&["kind", "outcome", "verdict"]).ok_or_else(|| FigureError::NoAxis {
        name: String::from("kind"),
        known: sheet.columns.clone(),
    })?;
    let (trials, hits) = (
        find(&["trials", "n"]),
        find(&["hits", "successes", "desynchronised"]),
    );
    let (mut rows, mut columns, mut cells) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..sheet.rows.len() {
        let word = sheet.text(row, kind);
        let state = match word {
            "in-step" | "in step" | "none" => CellState::Good,
            "transient" => CellState::Middling,
            "silent" => CellState::Silent,
            "permanent" => CellState::Bad,
            _ => CellState::Untested,
        };
        let number = |column: Option<usize>| {
            column.and_then(|column| sheet.number(row, column).ok().flatten())
        };
        let text = match (number(hits), number(trials)) {
            (Some(hits), Some(trials)) => format!("{hits}/{trials}"),
            _ => String::new(),
        };
        let (at, to) = (
            place(&mut rows, sheet.text(row, down)),
            place(&mut columns, sheet.text(row, across)),
        );
        put(
            &mut cells,
            at,
            to,
            Cell {
                state,
                word: word.to_owned(),
                detail: text.clone(),
                text,
                marked: false,
            },
        );
    }
    let width = columns.len();
    for row in &mut cells {
        row.resize(width, None);
    }
    Ok(Grid {
        name: String::from("desync-lab"),
        title: String::from("Desynchronisation laboratory"),
        row_title: sheet.columns[down].clone(),
        column_title: sheet.columns[across].clone(),
        rows,
        columns,
        cells,
        mark_meaning: String::new(),
        caption: String::from(
            "n = trials in each cell; where several share one, the worst is shown",
        ),
    })
}

/// The dashboard of `validation.csv`: how far each simulated value lies from the exact one, in half
/// widths of its interval.
fn validation(sheet: &Sheet) -> Result<Rows, FigureError> {
    let column = |name| sheet.column(name);
    let (family, point, quantity) = (column("family")?, column("point")?, column("quantity")?);
    let (simulated, exact) = (column("simulated")?, column("exact")?);
    let (low, high, deviation) = (column("ci_low")?, column("ci_high")?, column("deviation")?);
    let verdict = column("verdict")?;
    let mut rows = Vec::new();
    for row in 0..sheet.rows.len() {
        let number = |column| sheet.number(row, column);
        let ends = (
            number(simulated)?,
            number(exact)?,
            number(low)?,
            number(high)?,
        );
        let value = match ends {
            (Some(simulated), Some(exact), Some(low), Some(high)) if high > low => {
                Some(2.0 * (simulated - exact) / (high - low))
            }
            // Values without spread: equal, or infinitely far.
            _ => number(deviation)?.filter(|deviation| deviation.is_finite()),
        };
        let of = |column| sheet.text(row, column);
        rows.push(BarRow {
            group: of(family).to_owned(),
            label: format!("{}: {}", of(point), of(quantity)),
            value,
            interval: None,
            kind: usize::from(of(verdict) == "failed"),
            flagged: of(verdict) == "failed",
        });
    }
    let count = rows.len();
    Ok(Rows {
        name: String::from("validation"),
        title: String::from("Simulated against exact values"),
        about: String::from(
            "Deviation of each simulated value from its exact value, in half widths of its interval: inside −1 to 1 the interval covers the exact value.",
        ),
        panels: vec![Panel {
            title: String::from("(simulated − exact) / half width"),
            unit: String::new(),
            rows,
            lines: vec![
                (-1.0, String::new()),
                (0.0, String::new()),
                (1.0, String::new()),
            ],
            style: RowStyle::Point,
            spread: Spread::Linear,
        }],
        caption: format!(
            "n = {count} checks; between the outer lines the interval covers the exact value; crosses lie outside"
        ),
    })
}
