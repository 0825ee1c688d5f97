//! `badlink plot DIR --figure NAME`: one figure from stored results.

use std::path::Path;

use reports::figure::{self, FigureError, Provenance, Spread, Wanted};
use reports::read::study::Study;
use reports::store::StoreError;

use crate::args::{AxisSpread, PlotArgs};
use crate::exit::{Exit, fail, say};

/// Draws the figure.
pub(crate) fn run(args: &PlotArgs) -> Exit {
    let study = match Study::open(&args.dir) {
        Ok(study) => study,
        Err(error) => return unreadable(&error),
    };
    let mut only = Vec::new();
    for text in &args.only {
        let Some((axis, value)) = text.split_once('=') else {
            return fail(
                Exit::Usage,
                format_args!("`--where {text}` has no `=`"),
                "write --where AXIS=VALUE, as in --where loss=5%",
            );
        };
        only.push((axis.trim().to_owned(), value.trim().to_owned()));
    }
    let wanted = Wanted {
        figure: args.figure.clone(),
        x: args.x.clone(),
        y: args.y.clone(),
        by: args.by.clone(),
        session: args.session.clone(),
        only,
        reference: None,
        spread: (spread(args.x_scale), spread(args.y_scale)),
    };
    if let Some((option, takes)) = idle_option(&wanted) {
        return fail(
            Exit::Usage,
            format_args!("figure {} does not use {option}", wanted.figure),
            &format!("leave it out, or choose a figure that does: {takes}"),
        );
    }
    let mut wanted = wanted;
    if wanted.figure == "survival" {
        wanted.reference = super::report::context(&args.dir).survival;
    }
    let drawn = figure::of_study(&study, &wanted).and_then(|figure| {
        let provenance = provenance(&study);
        figure::draw(figure.as_ref(), &provenance)
    });
    let drawing = match drawn {
        Ok(drawing) => drawing,
        Err(error) => return not_drawn(&error),
    };
    let target = args
        .out
        .clone()
        .unwrap_or_else(|| study.directory().join("report").join("figures"));
    match drawing.write(&target) {
        Ok(paths) => {
            if !args.quiet {
                paths.iter().for_each(|path| say(path.display()));
            }
            Exit::Good
        }
        Err(error) => fail(
            Exit::Run,
            error,
            "choose a place that can be written with --out DIR",
        ),
    }
}

/// An option that the figure would ignore, and the figures that do not.
fn idle_option(wanted: &Wanted) -> Option<(&'static str, &'static str)> {
    let curves = ["metric-vs", "desync-vs"].contains(&wanted.figure.as_str());
    let grid = wanted.figure == "desync-lab";
    let known = figure::ALL.iter().any(|(name, _)| *name == wanted.figure);
    let takes_where = curves
        || grid
        || ["survival", "attack-matrix", "validation"].contains(&wanted.figure.as_str());
    let cases = [
        (
            wanted.x.is_some() && !curves && !grid,
            "--x",
            "metric-vs, desync-vs, desync-lab",
        ),
        (
            wanted.y.is_some() && !curves && !grid && wanted.figure != "paired",
            "--y",
            "metric-vs, desync-vs, paired, desync-lab",
        ),
        (
            wanted.by.is_some() && !curves,
            "--by",
            "metric-vs, desync-vs",
        ),
        (
            wanted.session.is_some() && wanted.figure != "sequence",
            "--session",
            "sequence",
        ),
        (
            !wanted.only.is_empty() && !takes_where,
            "--where",
            "metric-vs, desync-vs, survival, attack-matrix, desync-lab",
        ),
        (
            wanted.spread != Default::default() && !curves && wanted.figure != "survival",
            "--x-scale or --y-scale",
            "metric-vs, desync-vs, survival",
        ),
    ];
    let found = cases.into_iter().find(|(idle, ..)| *idle && known)?;
    Some((found.1, found.2))
}

const fn spread(scale: Option<AxisSpread>) -> Spread {
    match scale {
        None => Spread::Automatic,
        Some(AxisSpread::Linear) => Spread::Linear,
        Some(AxisSpread::Log) => Spread::Log,
    }
}

/// What stands in captions.
pub(crate) fn provenance(study: &Study) -> Provenance {
    study.manifest().map_or_else(
        || Provenance {
            scenario: name_of(study.directory()),
            scenario_hash: String::new(),
            seed: 0,
            complete: true,
            sample: None,
        },
        Provenance::from,
    )
}

fn name_of(directory: &Path) -> String {
    directory
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Tells why there is nothing to draw from.
pub(crate) fn unreadable(error: &StoreError) -> Exit {
    let hint = match error {
        StoreError::NoResult { .. } | StoreError::NotAResult { .. } => {
            "name the directory that `badlink run` or `badlink sweep` filled, or a folder of such directories"
        }
        StoreError::Damaged { .. } => {
            "make the result again with the command that its scenario.toml belongs to"
        }
        _ => "name the directory of a result",
    };
    fail(Exit::Usage, error, hint)
}

/// Tells why a figure was not drawn; nothing was written.
pub(crate) fn not_drawn(error: &FigureError) -> Exit {
    match error {
        FigureError::Store(error) => unreadable(error),
        FigureError::Unknown { name } => {
            let names = figure::ALL.iter().map(|(name, _)| *name);
            let meant = scenarios::did_you_mean(name, names);
            fail(Exit::Usage, error, &meant)
        }
        FigureError::NoAxis { name, known } | FigureError::NoMetric { name, known } => {
            let meant = scenarios::did_you_mean(name, known.iter().map(String::as_str));
            fail(Exit::Usage, error, &meant)
        }
        FigureError::Backend { .. } => fail(Exit::Run, error, "please report this"),
        _ => fail(Exit::Usage, error, ""),
    }
}
