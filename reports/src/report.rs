//! A whole report from stored results: figures, tables for papers, a Methods paragraph, and one page
//! that tells the story.
//!
//! Everything is made in memory first and put in place at the end, so a failure leaves nothing half
//! written. The page is one file without any outside request: figures are inline, one script (the
//! session player) is allowed by its hash, data are escaped JSON, and every text that comes from a
//! scenario is escaped.

mod checksum;
mod html;
mod methods;
mod player;
mod sheets;
mod story;

use std::fs;
use std::path::{Path, PathBuf};

use crate::figure::{self, Drawing, FigureError, Provenance, Reference, Wanted};
use crate::read::study::{CellsKind, Study};
use crate::store::{Manifest, Operation, StoreError};
use crate::tables::{self, Table};

/// What the caller knows of a study that its tables do not say.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// What the scenario describes itself as.
    pub description: String,
    /// The commands that reproduce the result, in order.
    pub commands: Vec<String>,
    /// The curve that theory gives for survival.
    pub survival: Option<Reference>,
    /// Sentences on the models used and where they come from.
    pub models: Vec<String>,
}

/// One result of a report.
#[derive(Clone, Debug)]
pub struct Section {
    /// Name of the folder in a folder of several; else empty.
    pub name: String,
    /// What it is the result of.
    pub manifest: Manifest,
    /// What it is, with its article.
    pub kind: &'static str,
    /// What was asked.
    pub asked: String,
    /// What came out, one sentence each.
    pub findings: Vec<String>,
    /// What a reader would not have expected, one sentence each.
    pub surprises: Vec<String>,
    /// Its figures.
    pub drawings: Vec<Drawing>,
    /// Its tables.
    pub tables: Vec<Table>,
    /// What could not be shown, with the reason.
    pub missing: Vec<String>,
    /// What qualifies the numbers: assumptions and engineering defaults.
    pub notes: Vec<String>,
    /// A paragraph for a paper.
    pub methods: String,
    /// The scenario as it ran.
    pub scenario: String,
    /// The commands that reproduce it.
    pub commands: Vec<String>,
    /// Session stories as JSON; empty when none are kept.
    pub stories: String,
}

/// A report ready to be written.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its results; several for a folder.
    pub sections: Vec<Section>,
    /// The page.
    pub html: String,
}

/// Makes the report of a study; `context` is asked once for each result, by its directory.
///
/// # Errors
/// A table that cannot be read; a figure that lacks its data is named in the report instead.
pub fn assemble(study: &Study, context: &dyn Fn(&Path) -> Context) -> Result<Report, FigureError> {
    let mut sections = Vec::new();
    gather(study, "", context, &mut sections)?;
    let html = html::page(&sections);
    Ok(Report { sections, html })
}

fn gather(
    study: &Study,
    name: &str,
    context: &dyn Fn(&Path) -> Context,
    sections: &mut Vec<Section>,
) -> Result<(), FigureError> {
    if let Study::Folder(_, studies) = study {
        for (inner, study) in studies {
            let name = if name.is_empty() {
                inner.clone()
            } else {
                format!("{name}/{inner}")
            };
            gather(study, &name, context, sections)?;
        }
        return Ok(());
    }
    let Some(manifest) = study.manifest() else {
        return Ok(());
    };
    let known = context(study.directory());
    let (drawings, mut missing) = draw_all(study, &known)?;
    let sheets = sheets::of_study(study, &mut missing)?;
    let told = story::of_study(study)?;
    sections.push(Section {
        name: name.to_owned(),
        manifest: manifest.clone(),
        kind: study.kind(),
        asked: known.description.clone(),
        findings: told.findings,
        surprises: told.surprises,
        drawings,
        tables: sheets,
        missing,
        notes: told.notes,
        methods: methods::paragraph(study, &known),
        scenario: fs::read_to_string(study.directory().join("scenario.toml")).unwrap_or_default(),
        commands: known.commands,
        stories: player::stories_json(study)?,
    });
    Ok(())
}

/// Every figure that the study can give, and why the others are missing.
fn draw_all(study: &Study, known: &Context) -> Result<(Vec<Drawing>, Vec<String>), FigureError> {
    let mut drawings: Vec<Drawing> = Vec::new();
    let mut missing = Vec::new();
    let Some(manifest) = study.manifest() else {
        return Ok((drawings, missing));
    };
    let provenance = Provenance::from(manifest);
    for wanted in wanted(study, known) {
        let drawn = figure::of_study(study, &wanted)
            .and_then(|figure| figure::draw(figure.as_ref(), &provenance));
        match drawn {
            Ok(drawing) => {
                if !drawings.iter().any(|known| known.name == drawing.name) {
                    drawings.push(drawing);
                }
            }
            Err(FigureError::Store(error)) if !absent(&error) => return Err(error.into()),
            Err(error) => missing.push(error.to_string()),
        }
    }
    Ok((drawings, missing))
}

/// A table that is not there is a missing piece, not a damaged result.
fn absent(error: &StoreError) -> bool {
    error.io_kind() == Some(std::io::ErrorKind::NotFound)
}

/// The figures of a report, in the order of its pages.
fn wanted(study: &Study, known: &Context) -> Vec<Wanted> {
    match study {
        Study::Run(_) => [
            "outcomes",
            "latency-cdf",
            "survival",
            "sequence",
            "timeline",
            "costs",
            "energy",
            "utilisation",
        ]
        .iter()
        .map(|name| Wanted {
            reference: known.survival.clone().filter(|_| *name == "survival"),
            ..Wanted::named(name)
        })
        .collect(),
        Study::Sweep(sweep) => {
            let mut all = Vec::new();
            // Every axis of numbers is one to draw along; words only where there are none.
            let mut axes = figure::axes_by_use(sweep);
            let numeric =
                |axis: &String| figure::is_numeric(sweep, axis) && sweep.values_of(axis).len() > 1;
            if axes.iter().any(numeric) {
                axes.retain(numeric);
            } else {
                axes.truncate(1);
            }
            for axis in &axes {
                if sweep.metrics.iter().any(|metric| metric == "desync_rate") {
                    all.push(Wanted {
                        x: Some(axis.clone()),
                        y: Some(String::from("desync_rate")),
                        ..Wanted::named("metric-vs")
                    });
                }
                for metric in HEADLINES {
                    if sweep.metrics.iter().any(|known| known == metric) && *metric != "desync_rate"
                    {
                        all.push(Wanted {
                            x: Some(axis.clone()),
                            y: Some((*metric).to_owned()),
                            ..Wanted::named("metric-vs")
                        });
                    }
                }
            }
            all.truncate(FIGURES_MAX);
            all.extend(["survival", "paired"].map(Wanted::named));
            all
        }
        Study::Cells(cells) => vec![Wanted::named(match cells.kind {
            CellsKind::Matrix => "attack-matrix",
            CellsKind::Laboratory => "desync-lab",
            CellsKind::Validation => "validation",
        })],
        Study::Folder(..) => Vec::new(),
    }
}

/// Metrics worth a figure and a column.
pub(crate) const HEADLINES: &[&str] = &[
    "desync_rate",
    "lockout_rate",
    "success_rate",
    "half_open_rate",
    "latency_p50_ns",
    "latency_p95_ns",
    "messages_per_accept",
    "bytes_per_accept",
    "energy_per_accept_nj",
    "server_utilisation",
    "queue_drop_rate",
    "attack_success_rate",
];

const FIGURES_MAX: usize = 16;

impl Report {
    /// Puts the report into `directory`/report; what stood there under the same names is replaced at
    /// once. Returns the paths of page and folders.
    ///
    /// # Errors
    /// `Io`; then nothing of the new report is left.
    pub fn write(&self, directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
        let aside = directory.join(".report-partial");
        let target = directory.join("report");
        drop(fs::remove_dir_all(&aside));
        let written = self.write_aside(&aside).and_then(|()| {
            merge(&aside, &target)?;
            fs::remove_dir_all(&aside)
                .map_err(|source| StoreError::io(Operation::Remove, &aside, source))
        });
        if written.is_err() {
            drop(fs::remove_dir_all(&aside));
        }
        written?;
        Ok(vec![
            target.join("report.html"),
            target.join("figures"),
            target.join("tables"),
        ])
    }

    fn write_aside(&self, aside: &Path) -> Result<(), StoreError> {
        for section in &self.sections {
            let (figures, sheets) = (
                aside.join("figures").join(&section.name),
                aside.join("tables").join(&section.name),
            );
            for drawing in &section.drawings {
                drawing.write(&figures)?;
            }
            make(&sheets)?;
            for table in &section.tables {
                let alone = std::slice::from_ref(table);
                let file = |extension: &str| sheets.join(format!("{}.{extension}", table.id));
                write(&file("md"), tables::markdown(alone).as_bytes())?;
                write(&file("tex"), tables::latex(alone).as_bytes())?;
                write(&file("csv"), tables::csv(table).as_bytes())?;
            }
            let methods = if section.name.is_empty() {
                aside.to_owned()
            } else {
                aside.join("methods").join(&section.name)
            };
            make(&methods)?;
            write(
                &methods.join("methods.txt"),
                format!("{}\n", section.methods).as_bytes(),
            )?;
        }
        make(aside)?;
        write(&aside.join("report.html"), self.html.as_bytes())
    }
}

/// Moves every file of `from` to the same place below `to`.
fn merge(from: &Path, to: &Path) -> Result<(), StoreError> {
    make(to)?;
    let list = |source| StoreError::io(Operation::List, from, source);
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(from).map_err(list)? {
        entries.push(entry.map_err(list)?.path());
    }
    entries.sort();
    for path in entries {
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            merge(&path, &target)?;
        } else {
            fs::rename(&path, &target)
                .map_err(|source| StoreError::io(Operation::Rename, &target, source))?;
        }
    }
    Ok(())
}

fn make(directory: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(directory)
        .map_err(|source| StoreError::io(Operation::CreateDirectory, directory, source))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    fs::write(path, bytes).map_err(|source| StoreError::io(Operation::Write, path, source))
}
