//! `costs.csv`: metered operations per role and phase, and the bits of every message field.
//!
//! Two kinds of rows share the file, so that a protocol's cost is in one place: rows of operations
//! leave the message columns empty, rows of fields leave the operation columns empty.

use crate::table::table;

table! {
    /// The table of costs.
    Costs, "costs.csv",
    "operation rows by role, phase and operation, then field rows by message in wire order";
    /// A metered operation, or one field of a message.
    Cost<'a> {
        protocol: &'a str, "text", "Protocol concerned.";
        variant: &'a str, "text", "Variant that ran; empty in field rows.";
        role: &'a str, "text", "Role that performed the operation; empty in field rows.";
        phase: &'a str, "text", "Command during which it was performed; empty in field rows.";
        operation: &'a str, "text", "Primitive performed; empty in field rows.";
        count: Option<u64>, "count", "Times it was performed in the run; empty in field rows.";
        bytes: Option<u64>, "B", "Bytes it was performed on in the run; empty in field rows.";
        message: &'a str, "text", "Message of a field row; empty in operation rows.";
        field: &'a str, "text", "Field of the message; empty in operation rows.";
        bits: Option<u64>, "bit", "Width of the field; empty in operation rows.";
    }
}

impl<'a> Cost<'a> {
    /// A row for one field of one message, `bits` wide.
    #[must_use]
    pub fn field(protocol: &'a str, message: &'a str, field: &'a str, bits: u64) -> Self {
        Self {
            protocol,
            variant: "",
            role: "",
            phase: "",
            operation: "",
            count: None,
            bytes: None,
            message,
            field,
            bits: Some(bits),
        }
    }

    /// A row for `count` calls of one operation on `bytes` bytes in all, performed by a protocol's
    /// variant in a role and phase.
    #[must_use]
    pub fn operation(
        (protocol, variant): (&'a str, &'a str),
        (role, phase): (&'a str, &'a str),
        operation: &'a str,
        count: u64,
        bytes: u64,
    ) -> Self {
        Self {
            protocol,
            variant,
            role,
            phase,
            operation,
            count: Some(count),
            bytes: Some(bytes),
            message: "",
            field: "",
            bits: None,
        }
    }
}
