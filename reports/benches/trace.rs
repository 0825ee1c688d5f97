//! How fast a message trace is written, in rows and megabytes per second, to memory and to a file.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a bench measures wall time"
)]
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use reports::rows::{Fate, Message, Messages};
use reports::table::{Sink, TableWriter};

/// Takes everything and keeps nothing: what is left is the cost of formatting.
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

fn measure(name: &str, sink: impl Fn() -> io::Result<Box<dyn Sink>>) -> Result<(), Box<dyn Error>> {
    let mut best_seconds = f64::INFINITY;
    let mut bytes = 0;
    for _ in 0..REPEATS {
        let begin = Instant::now();
        let mut table = TableWriter::<Messages>::new(sink()?, Path::new("messages.csv"));
        for k in 0..ROWS {
            table.write(&Message {
                packet: "access[417]/up/device[417]/1290",
                sent_ns: 86_400_000_000_000 + k * 1_000_003,
                arrived_ns: Some(86_400_180_000_000 + k * 1_000_003),
                link: "access[417]",
                from: "device[417]",
                to: "server",
                message: "M1",
                session: "device[417]/322",
                bytes: 51 + k % 200,
                fate: Fate::Delivered,
                rule: "",
                transmission: None,
                hop: None,
                origin: "",
            })?;
        }
        bytes = table.bytes();
        table.finish()?;
        best_seconds = best_seconds.min(begin.elapsed().as_secs_f64());
    }
    let (rows, bytes) = (ROWS as f64, bytes as f64);
    println!(
        "{name}: {:.1} M rows/s, {:.0} MB/s, {:.0} bytes per row",
        rows / best_seconds / 1e6,
        bytes / best_seconds / 1e6,
        bytes / rows
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("messages.csv");
    measure("formatting only", || Ok(Box::new(Nowhere)))?;
    measure("to a file, synced", || Ok(Box::new(File::create(&path)?)))
}

const ROWS: u64 = 2_000_000;
const REPEATS: usize = 3;
