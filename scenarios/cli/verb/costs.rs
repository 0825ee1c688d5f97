//! `badlink costs`: operations, bits, storage, time and energy, from the metered code.

use std::fs;
use std::io;
use std::path::Path;

use reports::rows::Costs as CostRows;
use reports::table::{Line, Table as _};
use reports::tables::{self, Table};
use scenarios::costs::{self, Costs};

use crate::args::{CostsArgs, Notation};
use crate::exit::{Exit, fail, say};
use crate::load::refuse;

/// Measures, shows, and writes files where a directory is named.
pub(crate) fn run(args: &CostsArgs) -> Exit {
    let measured = match measure(args) {
        Ok(measured) => measured,
        Err(exit) => return exit,
    };
    let sheets: Vec<Table> = measured.iter().flat_map(costs::tables).collect();
    if let Some(directory) = &args.out
        && let Err(error) = write(directory, &measured, &sheets)
    {
        let place = directory.display();
        return fail(
            Exit::Run,
            format_args!("cannot write to {place}: {error}"),
            "",
        );
    }
    if !args.quiet {
        let shown = match args.format {
            Notation::Text => tables::text(&sheets),
            Notation::Markdown => tables::markdown(&sheets),
            Notation::Latex => tables::latex(&sheets),
            Notation::Csv => rows(&measured),
        };
        say(shown.trim_end());
    }
    Exit::Good
}

fn measure(args: &CostsArgs) -> Result<Vec<Costs>, Exit> {
    let profiles = costs::profiles(&args.profile).map_err(|error| refuse(&error))?;
    let mut params = Vec::new();
    for set in &args.set {
        let Some((name, value)) = set.split_once('=') else {
            let hint = "write --set NAME=VALUE, for example --set keys=16";
            return Err(fail(
                Exit::Usage,
                format_args!("`--set {set}` has no `=`"),
                hint,
            ));
        };
        params.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    let names: Vec<&str> = match &args.protocol {
        Some(name) => vec![name],
        None if args.variant.is_some() || !params.is_empty() => {
            let hint = format!("add --protocol; there are {}", costs::known());
            let reason = "variants and parameters belong to one protocol";
            return Err(fail(Exit::Usage, reason, &hint));
        }
        None => costs::measured().collect(),
    };
    let one = |name: &str| {
        let choice = costs::choose(name, args.variant.as_deref(), &params)?;
        costs::measure(&choice, &profiles)
    };
    let all: Result<Vec<Costs>, _> = names.into_iter().map(one).collect();
    all.map_err(|error| refuse(&error))
}

/// `costs.csv`: the same columns as in a run's result directory.
fn rows(measured: &[Costs]) -> String {
    let mut out = Vec::new();
    CostRows::SCHEMA.header(&mut out);
    for row in measured.iter().flat_map(costs::rows) {
        let mut line = Line::new(&mut out);
        CostRows::cells(&row, &mut line);
        line.end();
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn write(directory: &Path, measured: &[Costs], sheets: &[Table]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join("costs.csv"), rows(measured))?;
    fs::write(directory.join("costs.txt"), tables::text(sheets))?;
    fs::write(directory.join("costs.md"), tables::markdown(sheets))?;
    fs::write(directory.join("costs.tex"), tables::latex(sheets))?;
    // What `costs.csv` has no columns for: one file a table.
    for sheet in sheets {
        let name = format!("{}.csv", sheet.id);
        fs::write(directory.join(name), tables::csv(sheet))?;
    }
    Ok(())
}
