//! What came out of a run: result rows and files, statistics, figures and tables.
//!
//! Sits below the runner: `scenarios` hands rows, metrics and a manifest down, and the command line
//! asks for figures. This crate knows no protocol and no simulator, depends on no other crate of the
//! workspace, and never runs anything.
//!
//! - [`rows`]: one struct per table of a result directory, each column declared once;
//! - [`store`]: a result directory that is complete, or is not there;
//! - [`metric`] and [`summary`]: what `summary.json` holds and what the terminal shows;
//! - [`pcapng`]: packets as a capture that Wireshark opens;
//! - [`statistics`]: intervals, quantiles and survival estimates;
//! - [`tables`]: tables for readers as text, Markdown, LaTeX and CSV;
//! - [`read`]: stored results back into memory;
//! - [`explain`]: one session of a stored run, told;
//! - `report` (feature `draw`): figures, tables and one page of a stored study;
//! - `figure` (feature `draw`): SVG and PNG figures with their data.
//!
//! Determinism: every byte written is a function of the arguments. Integers are written as integers,
//! floats rounded to nine significant digits; nothing here reads a clock or iterates a hash map.

pub mod bins;
pub mod explain;
pub mod format;
pub mod metric;
pub mod pcapng;
pub mod read;
pub mod rows;
pub mod statistics;
pub mod store;
pub mod summary;
pub mod table;
pub mod tables;

#[cfg(feature = "draw")]
pub mod figure;
#[cfg(feature = "draw")]
pub mod report;
