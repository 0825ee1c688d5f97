//! Many runs: a study's points and replications, what is stored of each, and the tables over all.

pub mod aggregate;
pub mod compare;
pub mod condition;
pub mod directory;
pub mod execute;
pub mod expect;
pub mod join;
pub mod kept;
pub mod ledger;
pub mod plan;
pub mod record;
pub mod segment;
pub mod simulate;
pub mod spec;
pub mod stop;
pub mod tables;

#[cfg(test)]
mod tests;
