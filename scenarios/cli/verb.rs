//! One module per verb.

pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod costs;
pub(crate) mod desync;
pub(crate) mod diff;
pub(crate) mod dissector;
pub(crate) mod explain;
pub(crate) mod figures;
pub(crate) mod list;
pub(crate) mod matrix;
pub(crate) mod merge;
pub(crate) mod new;
pub(crate) mod plot;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod shrink;
pub(crate) mod slurm;
pub(crate) mod summary;
pub(crate) mod sweep;
pub(crate) mod sweep_status;
pub(crate) mod threads;
pub(crate) mod transcript;
pub(crate) mod validate;
pub(crate) mod verify;
