//! One module per verb.

pub(crate) mod check;
pub(crate) mod costs;
pub(crate) mod figures;
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod plot;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod summary;
pub(crate) mod transcript;
pub(crate) mod validate;
pub(crate) mod verify;
