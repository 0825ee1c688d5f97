//! badlink command line.
fn main() {}
