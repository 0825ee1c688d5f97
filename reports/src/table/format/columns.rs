//! CSV lines into Parquet's columns and back.
//!
//! Counts, times and bytes become unsigned 64-bit integers, other numbers doubles, the rest text; an
//! empty cell is null. The name of each column, its unit and its meaning stand in the file.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use arrow_array::builder::{Float64Builder, StringBuilder, UInt64Builder};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, UInt64Type};
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::table::{Line, Schema, Sink};

/// Rows that are held before they become a part of the file.
const ROWS: usize = 1 << 16;

fn damaged(error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

enum Cells {
    Whole(UInt64Builder),
    Number(Float64Builder),
    Text(StringBuilder),
}

impl Cells {
    fn of(field: &Field) -> Self {
        match field.data_type() {
            DataType::UInt64 => Self::Whole(UInt64Builder::new()),
            DataType::Float64 => Self::Number(Float64Builder::new()),
            _ => Self::Text(StringBuilder::new()),
        }
    }

    fn push(&mut self, cell: &str) -> io::Result<()> {
        match self {
            Self::Whole(cells) if cell.is_empty() => cells.append_null(),
            Self::Whole(cells) => cells.append_value(cell.parse().map_err(damaged)?),
            Self::Number(cells) if cell.is_empty() => cells.append_null(),
            Self::Number(cells) => cells.append_value(cell.parse().map_err(damaged)?),
            Self::Text(cells) if cell.is_empty() => cells.append_null(),
            Self::Text(cells) => cells.append_value(cell),
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Whole(cells) => Arc::new(cells.finish()),
            Self::Number(cells) => Arc::new(cells.finish()),
            Self::Text(cells) => Arc::new(cells.finish()),
        }
    }
}

/// Takes CSV lines and writes columns.
pub(super) struct ColumnSink {
    writer: ArrowWriter<Box<dyn Sink>>,
    schema: SchemaRef,
    cells: Vec<Cells>,
    rows: usize,
    /// A line that has not ended yet.
    rest: Vec<u8>,
    /// Inside quotation marks a line feed ends nothing.
    quoted: bool,
    header: bool,
    done: bool,
}

impl ColumnSink {
    pub(super) fn new(schema: &Schema, file: Box<dyn Sink>) -> io::Result<Self> {
        let field = |column: &crate::table::Column| {
            let kind = match column.unit {
                "ns" | "count" | "B" => DataType::UInt64,
                "share" | "nJ" | "metric" => DataType::Float64,
                _ => DataType::Utf8,
            };
            let about = [("unit", column.unit), ("meaning", column.meaning)];
            Field::new(column.name, kind, true).with_metadata(about)
        };
        let fields: Vec<Field> = schema.columns.iter().map(field).collect();
        let cells = fields.iter().map(Cells::of).collect();
        let schema: SchemaRef = Arc::new(arrow_schema::Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(String::from("badlink"))
            .build();
        let writer =
            ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).map_err(damaged)?;
        Ok(Self {
            writer,
            schema,
            cells,
            rows: 0,
            rest: Vec::new(),
            quoted: false,
            header: true,
            done: false,
        })
    }

    /// Takes the whole lines in `rest`.
    fn take(&mut self) -> io::Result<()> {
        let mut end = 0;
        for (at, byte) in self.rest.iter().enumerate() {
            match byte {
                b'"' => self.quoted = !self.quoted,
                b'\n' if !self.quoted => end = at + 1,
                _ => {}
            }
        }
        // What follows the last line is looked at again with its end.
        self.quoted = false;
        let lines: Vec<u8> = self.rest.drain(..end).collect();
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(lines.as_slice());
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(damaged)? {
            if std::mem::take(&mut self.header) {
                continue;
            }
            for (cells, cell) in self.cells.iter_mut().zip(&record) {
                cells.push(cell)?;
            }
            self.rows += 1;
            if self.rows == ROWS {
                self.batch()?;
            }
        }
        Ok(())
    }

    fn batch(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let arrays = self.cells.iter_mut().map(Cells::finish).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(damaged)?;
        self.writer.write(&batch).map_err(damaged)?;
        // One group of rows a batch, so that nothing is held longer.
        self.writer.flush().map_err(damaged)
    }
}

impl Write for ColumnSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        self.take()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for ColumnSink {
    fn sync(&mut self) -> io::Result<()> {
        if !self.done {
            self.batch()?;
            self.writer.finish().map_err(damaged)?;
            self.done = true;
        }
        self.writer.inner_mut().flush()?;
        self.writer.inner_mut().sync()
    }
}

/// Reads columns and gives CSV lines.
pub(super) struct ColumnLines {
    batches: ParquetRecordBatchReader,
    lines: Vec<u8>,
    at: usize,
}

impl ColumnLines {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damaged)?;
        let mut lines = Vec::new();
        let mut line = Line::new(&mut lines);
        for field in builder.schema().fields() {
            line.cell(field.name().as_str());
        }
        line.end();
        let batches = builder.with_batch_size(8192).build().map_err(damaged)?;
        Ok(Self {
            batches,
            lines,
            at: 0,
        })
    }

    fn more(&mut self) -> io::Result<bool> {
        let Some(batch) = self.batches.next() else {
            return Ok(false);
        };
        let batch = batch.map_err(damaged)?;
        self.lines.clear();
        self.at = 0;
        for row in 0..batch.num_rows() {
            let mut line = Line::new(&mut self.lines);
            for column in batch.columns() {
                if column.is_null(row) {
                    line.cell("");
                    continue;
                }
                match column.data_type() {
                    DataType::UInt64 => line.cell(column.as_primitive::<UInt64Type>().value(row)),
                    DataType::Float64 => line.cell(column.as_primitive::<Float64Type>().value(row)),
                    DataType::Utf8 => line.cell(column.as_string::<i32>().value(row)),
                    other => return Err(damaged(format!("no table has cells of type {other}"))),
                }
            }
            line.end();
        }
        Ok(true)
    }
}

impl Read for ColumnLines {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.lines.len() {
            if !self.more()? {
                return Ok(0);
            }
        }
        let count = out.len().min(self.lines.len() - self.at);
        out[..count].copy_from_slice(&self.lines[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
