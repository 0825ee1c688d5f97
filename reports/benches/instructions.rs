//! Instructions per row of a message trace, counted by callgrind. `.ci/instructions` compares them with
//! the committed baseline.

#![allow(missing_docs)]
#![allow(clippy::exit, reason = "the harness ends the process")]

use std::io::{self, Write};
use std::path::Path;

use gungraun::{library_benchmark, library_benchmark_group, main};
use reports::rows::{Fate, Message, Messages};
use reports::table::{Sink, TableWriter};

/// Rows that are counted.
const ROWS: u64 = 20_000;

/// Takes everything and keeps nothing.
struct Nowhere;

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(std::hint::black_box(bytes).len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Nowhere {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[library_benchmark]
fn csv_row() -> u64 {
    let sink: Box<dyn Sink> = Box::new(Nowhere);
    let mut table = TableWriter::<Messages>::new(sink, Path::new("messages.csv"));
    for k in 0..ROWS {
        let row = Message {
            packet: "access[417]/up/device[417]/1290",
            sent_ns: 86_400_000_000_000 + k * 1_000_003,
            arrived_ns: Some(86_400_180_000_000 + k * 1_000_003),
            link: "access[417]",
            from: "device[417]",
            to: "server",
            message: "M1",
            session: "device[417]/322",
            transmission: None,
            hop: None,
            origin: "",
            bytes: 51 + k % 200,
            fate: Fate::Delivered,
            rule: "",
        };
        table.write(&row).expect("nothing can fail");
    }
    table.bytes()
}

library_benchmark_group!(name = trace, benchmarks = [csv_row]);
main!(library_benchmark_groups = trace);
