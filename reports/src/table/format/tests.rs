#![allow(clippy::unwrap_used)]

use super::*;
use crate::rows::{Messages, Steps};
use crate::table::Table as _;

/// A header and lines with empty cells, quotation marks and line feeds.
fn text() -> Vec<u8> {
    let mut text = Vec::new();
    Steps::SCHEMA.header(&mut text);
    for row in 0..70_000_u64 {
        let line = format!(
            "{row},device[0]/{},\"server \"\"{row}\"\"\",send,M1,\"{{\"\"a\"\":1,\n\"\"b\"\":2}}\"\n",
            row % 7
        );
        text.extend_from_slice(line.as_bytes());
        text.extend_from_slice(format!("{row},,n,check,,\n").as_bytes());
    }
    text
}

fn round_trip(format: TableFormat) -> (u64, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = format.path(&folder.path().join("steps.csv"));
    let file = Box::new(File::create(&path).unwrap());
    let mut sink = format.wrap(&Steps::SCHEMA, file).unwrap();
    // In pieces that end anywhere.
    for piece in text().chunks(100_003) {
        sink.write_all(piece).unwrap();
    }
    sink.flush().unwrap();
    sink.sync().unwrap();
    drop(sink);
    let mut back = Vec::new();
    let (found, as_what) = find(&folder.path().join("steps.csv"));
    assert_eq!((&found, as_what), (&path, format));
    format.open(&found).unwrap().read_to_end(&mut back).unwrap();
    (std::fs::metadata(&path).unwrap().len(), back)
}

#[test]
fn every_format_that_is_built_in_gives_back_what_was_written() {
    for format in TableFormat::ALL {
        if !format.is_built_in() {
            let nowhere = Box::new(Vec::new());
            let refused = format.wrap(&Messages::SCHEMA, nowhere);
            let text = refused.err().unwrap().to_string();
            assert!(text.contains("--features"), "{text}");
            continue;
        }
        let (size, back) = round_trip(format);
        assert!(back == text(), "{format:?}");
        if format != TableFormat::Csv {
            assert!(size < text().len() as u64 / 4, "{format:?}: {size}");
        }
        assert_eq!(round_trip(format).0, size, "{format:?}");
    }
}

#[cfg(feature = "zstd")]
#[test]
fn a_compressed_table_that_is_cut_off_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steps.csv.zst");
    let mut sink = TableFormat::Zstd
        .wrap(&Steps::SCHEMA, Box::new(File::create(&path).unwrap()))
        .unwrap();
    sink.write_all(&text()).unwrap();
    sink.sync().unwrap();
    drop(sink);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let mut lines = TableFormat::Zstd.open(&path).unwrap();
    assert!(lines.read_to_end(&mut Vec::new()).is_err());
}
