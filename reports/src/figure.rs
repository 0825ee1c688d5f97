//! Figures: SVG and PNG of one scene, with the data drawn as CSV beside them.
//!
//! Where it sits: a [`Figure`] turns data into a [`Scene`] of shapes at whole pixels; two plotters back
//! ends draw the same scene. A figure never fails for want of data: it draws a panel that says why it
//! is empty.
//!
//! Form: legible at a column width of 85 mm; colours of Okabe & Ito, each with a second channel (dash,
//! marker or hatch); units on every axis; number of observations, interval level, seed and scenario
//! hash below. SVG carries title and description for readers who do not see it.
//!
//! Determinism: coordinates are rounded before anything is drawn, and text is measured and, in PNG,
//! drawn with one embedded font, so the same data give the same bytes on every machine.

mod cells;
mod choose;
mod counted;
mod curves;
mod frame;
mod grid;
mod latency_cdf;
mod legend;
mod measure;
mod outcomes;
mod palette;
mod render;
mod rows;
mod run;
mod scene;
mod sequence;
mod survival;
mod sweep;
mod ticks;
mod timeline;

use std::error::Error;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::format;
use crate::read::RunResult;
use crate::store::{Manifest, Operation, StoreError};
use crate::table::{Schema, Table};

pub use choose::{ALL, OF_RUN, OF_SWEEP, Wanted, of_study};
pub use curves::{CurveData, CurvePoint, CurveSeries, Curves};
pub use grid::{Cell, CellState, Grid, GridData};
pub use latency_cdf::{LatencyCdf, LatencyData, LatencyPoint, LatencySeries};
pub use measure::Spread;
pub use outcomes::{OutcomeBar, OutcomeData, OutcomeTimeline};
pub use rows::{BarRow, Panel, RowData, RowStyle, Rows};
pub use scene::{HEIGHT_PX, Scene, WIDTH_PX};
pub use sequence::{Sequence, SequenceData};
pub use survival::{Reference, Survival, SurvivalData, SurvivalPoint, SurvivalSeries};
pub(crate) use sweep::{axes_by_use, is_numeric};
pub use timeline::{Timeline, TimelineData, TimelineLane};

/// Names of the figures that [`from_result`] knows, in the order of the documentation.
pub const NAMES: &[&str] = &[latency_cdf::NAME, survival::NAME, outcomes::NAME];

/// The tables of figure data, for a dictionary beside the figures.
pub const DATA_TABLES: &[Schema] = &[
    LatencyData::SCHEMA,
    SurvivalData::SCHEMA,
    OutcomeData::SCHEMA,
    TimelineData::SCHEMA,
    SequenceData::SCHEMA,
    CurveData::SCHEMA,
    RowData::SCHEMA,
    GridData::SCHEMA,
];

/// Largest height of a picture; what does not fit is said in it.
pub const HEIGHT_MAX_PX: i32 = 4000;

/// Level of the intervals in figures made from stored results.
pub const LEVEL: f64 = 0.95;

/// Data that can be drawn.
pub trait Figure {
    /// File name without extension, e.g. `latency-cdf`.
    fn name(&self) -> &str;

    /// Height of the picture in pixels, up to [`HEIGHT_MAX_PX`].
    fn height(&self) -> i32 {
        HEIGHT_PX
    }

    /// One line above the figure.
    fn title(&self) -> String;

    /// What the figure shows, in sentences, with the main numbers: for readers who do not see it.
    fn description(&self) -> String;

    /// Number of observations, and method and level of intervals; stands below the figure.
    fn caption(&self) -> String;

    /// The data drawn, as CSV with a header line.
    fn data(&self) -> Vec<u8>;

    /// Adds the figure's shapes between title and caption.
    fn paint(&self, scene: &mut Scene);
}

/// Where a figure's data come from; stands in its caption.
#[derive(Clone, Debug, PartialEq)]
pub struct Provenance {
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of the scenario as it ran, in hexadecimal; its first eight digits are shown.
    pub scenario_hash: String,
    /// Root seed.
    pub seed: u64,
    /// False when the run was interrupted; the caption then says so.
    pub complete: bool,
    /// Share of the sessions behind the figure where it is not all; the caption then says so.
    pub sample: Option<f64>,
}

impl From<&Manifest> for Provenance {
    fn from(manifest: &Manifest) -> Self {
        Self {
            scenario: manifest.scenario.clone(),
            scenario_hash: manifest.scenario_hash.clone(),
            seed: manifest.seed,
            complete: manifest.complete,
            sample: manifest.sample,
        }
    }
}

/// A figure in all its forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// File name without extension.
    pub name: String,
    /// Title and description, as in the SVG.
    pub title: String,
    /// What it shows, in sentences.
    pub description: String,
    /// The line below it.
    pub caption: String,
    /// The SVG document.
    pub svg: String,
    /// The PNG file, [`WIDTH_PX`] wide.
    pub png: Vec<u8>,
    /// The data drawn.
    pub csv: Vec<u8>,
}

impl Drawing {
    /// Writes the three files into `directory`, which is made if absent; returns their paths.
    ///
    /// # Errors
    /// `Io` if the directory or a file cannot be written.
    pub fn write(&self, directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
        fs::create_dir_all(directory)
            .map_err(|source| StoreError::io(Operation::CreateDirectory, directory, source))?;
        let files: [(&str, &[u8]); 3] = [
            ("svg", self.svg.as_bytes()),
            ("png", &self.png),
            ("csv", &self.csv),
        ];
        let mut paths = Vec::with_capacity(files.len());
        for (extension, bytes) in files {
            let path = directory.join(format!("{}.{extension}", self.name));
            fs::write(&path, bytes)
                .map_err(|source| StoreError::io(Operation::Write, &path, source))?;
            paths.push(path);
        }
        Ok(paths)
    }
}

/// Why a figure could not be made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FigureError {
    /// No figure has this name.
    Unknown {
        /// The name asked for.
        name: String,
    },
    /// The study cannot give this figure.
    Unavailable {
        /// The figure.
        figure: String,
        /// What is missing, and what to do.
        reason: String,
    },
    /// The study has no such axis.
    NoAxis {
        /// The name given.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The study has no such metric.
    NoMetric {
        /// The name given.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// Nothing fits the selection.
    Empty {
        /// The selection.
        selection: String,
    },
    /// More series than one figure can show.
    TooMany {
        /// How many there would be.
        series: usize,
        /// How many there may be.
        max: usize,
        /// The axes that tell them apart.
        axes: Vec<String>,
    },
    /// The stored data could not be read.
    Store(StoreError),
    /// A back end refused to draw; a bug of this crate.
    Backend {
        /// What it said.
        reason: String,
    },
}

impl fmt::Display for FigureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name } => {
                write!(
                    f,
                    "no figure is called {name}; there are {}",
                    ALL.iter()
                        .map(|(name, _)| *name)
                        .collect::<Vec<_>>()
                        .join(", ")
                )
            }
            Self::Unavailable { figure, reason } => {
                write!(f, "figure {figure} cannot be drawn: {reason}")
            }
            Self::NoAxis { name, known } => {
                write!(f, "there is no axis {name}; there are {}", listed(known))
            }
            Self::NoMetric { name, known } => {
                write!(f, "there is no metric {name}; there are {}", listed(known))
            }
            Self::Empty { selection } if selection.is_empty() => {
                write!(f, "the study has no row to draw")
            }
            Self::Empty { selection } => write!(f, "nothing fits the selection {selection}"),
            Self::TooMany { series, max, axes } => write!(
                f,
                "{series} series are too many for one figure (at most {max}): keep some points with \
                 --where AXIS=VALUE; the axes are {}",
                listed(axes)
            ),
            Self::Store(error) => error.fmt(f),
            Self::Backend { reason } => write!(f, "drawing failed: {reason}"),
        }
    }
}

impl Error for FigureError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Store(error) => error.source(),
            _ => None,
        }
    }
}

impl From<StoreError> for FigureError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Draws a figure in all its forms.
///
/// # Errors
/// `Backend`, which no data should cause.
pub fn draw(figure: &dyn Figure, provenance: &Provenance) -> Result<Drawing, FigureError> {
    // Before anything is measured.
    render::register_font()?;
    let mut scene = Scene::new(figure.height().clamp(300, HEIGHT_MAX_PX))?;
    scene.title(&figure.title());
    figure.paint(&mut scene);
    let caption = full_caption(figure, provenance);
    scene.caption(&caption);
    let svg = render::svg(&scene, &figure.title(), &figure.description())?;
    let png = render::png(&scene)?;
    Ok(Drawing {
        name: figure.name().to_owned(),
        title: figure.title(),
        description: figure.description(),
        caption,
        svg,
        png,
        csv: figure.data(),
    })
}

/// The figure called `name` from the files of a result directory.
///
/// # Errors
/// `Unknown` if no figure has the name; `Store` if a file is missing or damaged.
pub fn from_result(result: &RunResult, name: &str) -> Result<Box<dyn Figure>, FigureError> {
    match name {
        latency_cdf::NAME => Ok(Box::new(LatencyCdf::of_run(result, LEVEL)?.0)),
        survival::NAME => {
            let series = SurvivalSeries {
                label: "simulated".into(),
                lifetimes: result.lifetimes_in_step()?,
            };
            Ok(Box::new(Survival::new(
                vec![series],
                result.manifest().virtual_ns,
                LEVEL,
            )))
        }
        outcomes::NAME => Ok(Box::new(OutcomeTimeline::of_run(result)?.0)),
        _ => Err(FigureError::Unknown { name: name.into() }),
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        String::from("none")
    } else {
        names.join(", ")
    }
}

fn full_caption(figure: &dyn Figure, provenance: &Provenance) -> String {
    let hash: String = provenance.scenario_hash.chars().take(8).collect();
    // What identifies the data comes first: a long name may be cut off at the end.
    let mut caption = format!(
        "{} · seed {} · scenario {hash}",
        figure.caption(),
        provenance.seed
    );
    if !provenance.complete {
        caption.push_str(" · interrupted run");
    }
    if let Some(share) = provenance.sample {
        caption.push_str(" · sample of ");
        caption.push_str(&format::percent(share));
        caption.push_str(" of the sessions");
    }
    caption.push_str(" · ");
    caption.push_str(&provenance.scenario);
    caption
}
