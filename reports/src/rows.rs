//! The rows of a run's tables: one module per table, every column declared once.
//!
//! Where it sits: the runner fills these structs from what it observed and hands them to a
//! [`TableWriter`](crate::table::TableWriter). Rows borrow their texts, so writing one allocates
//! nothing. Conventions of every table: times are integer nanoseconds of virtual time since the start
//! of the run, sizes bytes, energy nanojoules; an empty cell means that there is no such value.

mod attack;
mod cost;
mod desync;
mod dictionary;
mod fault;
mod laboratory;
mod matrix;
mod medium;
mod message;
mod node;
mod session;
mod step;
pub mod sweep;
mod validation;

pub use attack::{Attack, Attacks};
pub use cost::{Cost, Costs};
pub use desync::{Desync, DesyncKind, Desyncs};
pub use dictionary::{Dictionary, Entry, dictionary};
pub use fault::{Fault, FaultMoment, Faults};
pub use laboratory::{Laboratory, LaboratoryRow};
pub use matrix::{Claim, Claims, Matrix, MatrixRow};
pub use medium::{Media, Medium};
pub use message::{Fate, Message, Messages};
pub use node::{Link, Links, Node, Nodes, Queueing};
pub use session::{Outcome, Session, Sessions};
pub use step::{Step, StepKind, Steps};
pub use validation::{Validation, Validations, Verdict};

use crate::table::{Schema, Table};

/// The tables of a run in the order of the documentation; the dictionary describes itself last.
pub const RUN_TABLES: &[Schema] = &[
    Sessions::SCHEMA,
    Messages::SCHEMA,
    Nodes::SCHEMA,
    Links::SCHEMA,
    Media::SCHEMA,
    Desyncs::SCHEMA,
    Attacks::SCHEMA,
    Costs::SCHEMA,
    Steps::SCHEMA,
    Faults::SCHEMA,
    Dictionary::SCHEMA,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_explained_with_a_known_unit() {
        for schema in RUN_TABLES
            .iter()
            .chain(sweep::SWEEP_TABLES)
            .chain([&Validations::SCHEMA])
        {
            for column in schema.columns {
                let at = format!("{} {}", schema.file, column.name);
                assert!(column.meaning.ends_with('.'), "{at}: no sentence");
                assert!(
                    ["ns", "B", "nJ", "bit", "count", "share", "text", "metric"]
                        .contains(&column.unit),
                    "{at}: unit {}",
                    column.unit
                );
                for (suffix, unit) in [("_ns", "ns"), ("_nj", "nJ")] {
                    assert_eq!(column.name.ends_with(suffix), column.unit == unit, "{at}");
                }
            }
        }
    }

    #[test]
    fn no_table_names_a_column_twice() {
        for schema in RUN_TABLES
            .iter()
            .chain(sweep::SWEEP_TABLES)
            .chain([&Validations::SCHEMA])
        {
            let mut names: Vec<_> = schema.columns.iter().map(|column| column.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), schema.columns.len(), "{}", schema.file);
        }
    }

    #[test]
    fn fixed_columns_come_first_and_in_order() {
        let fixed = [
            (
                Sessions::SCHEMA,
                "session,device,server,attempt,started_ns,ended_ns,outcome,reason,messages,bytes,\
                 latency_ns,phase,request,try",
            ),
            (
                Messages::SCHEMA,
                "packet,sent_ns,arrived_ns,link,from,to,message,session,bytes,fate,rule",
            ),
            (
                Nodes::SCHEMA,
                "node,role,attempts,accepted,arrivals,drops,mean_wait_ns,mean_sojourn_ns,\
                 mean_in_system,utilisation,cpu_ns,energy_nj,durable_writes",
            ),
            (
                Links::SCHEMA,
                "link,direction,arrivals,drops,mean_wait_ns,mean_sojourn_ns,mean_in_system,\
                 utilisation",
            ),
            (
                Costs::SCHEMA,
                "protocol,variant,role,phase,operation,count,bytes",
            ),
            (Steps::SCHEMA, "t_ns,session,node,kind,message,detail"),
        ];
        for (schema, header) in fixed {
            let mut bytes = Vec::new();
            schema.header(&mut bytes);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert!(text.starts_with(header), "{}: {text}", schema.file);
        }
    }
}
