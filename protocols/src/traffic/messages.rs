//! The three frames: `JOB`, and its answers `DONE` and `FULL`.

use crate::output::Place;
use crate::wire::{Field, FieldKind, Layout, Width};

/// Smallest frame, bytes: a job without filler, or an answer.
pub(super) const HEADER_BYTES: u32 = 16;

/// Largest job, bytes. A law without an upper end is cut here, since a frame lies in memory.
pub(super) const JOB_BYTES_MAX: u32 = 1 << 24;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A job on its way.
    Job,
    /// It was served and has left the network.
    Done,
    /// A station had no room for it.
    Full,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Job, Self::Done, Self::Full];

    const fn tag(self) -> u8 {
        match self {
            Self::Job => 1,
            Self::Done => 2,
            Self::Full => 3,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Job => "JOB",
            Self::Done => "DONE",
            Self::Full => "FULL",
        }
    }
}

/// The fields that all three frames share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Priority class; lower goes first where a station looks at it.
    pub(super) class: u8,
    /// The source's ordinal within its role, from 1, modulo 2^16.
    pub(super) source: u16,
    /// Number of the job at its source, from 0.
    pub(super) number: u64,
    /// Stations passed so far.
    pub(super) hops: u32,
}

const CLASS: usize = 1;
const SOURCE: usize = 2;
const NUMBER: usize = 3;
const HOPS: usize = 4;
const FILLER: usize = 5;

/// The layouts of `JOB`, `DONE`, `FULL`, in this order.
pub(super) fn layouts() -> Vec<Layout> {
    Kind::ALL.into_iter().map(layout).collect()
}

fn layout(kind: Kind) -> Layout {
    let field = |name, width, kind| Field { name, width, kind };
    let mut fields = vec![
        field("tag", Width::Fixed(1), FieldKind::Tag),
        field("class", Width::Fixed(1), FieldKind::Integer),
        field("source", Width::Fixed(2), FieldKind::Integer),
        field("number", Width::Fixed(8), FieldKind::Integer),
        field("hops", Width::Fixed(4), FieldKind::Integer),
    ];
    if kind == Kind::Job {
        let filler = Width::Rest {
            min: 0,
            max: u32::MAX,
            multiple_of: 1,
        };
        fields.push(field("filler", filler, FieldKind::Bytes));
    }
    Layout {
        name: kind.name(),
        tag: Some(kind.tag()),
        phase: 0,
        sender: (kind == Kind::Full).then_some(super::STATION),
        fields,
    }
}

/// Appends a frame of `size` bytes; only a job may be larger than the header.
pub(super) fn encode(kind: Kind, header: &Header, size: u32, out: &mut Vec<u8>) {
    let end = out.len() + size.max(HEADER_BYTES) as usize;
    out.push(kind.tag());
    out.push(header.class);
    out.extend(header.source.to_be_bytes());
    out.extend(header.number.to_be_bytes());
    out.extend(header.hops.to_be_bytes());
    out.resize(end, 0);
}

/// Reads a frame.
///
/// # Errors
///
/// The place of an unknown tag (`tag`), a length that does not fit (`end`), or the first filler
/// byte that is not zero (`filler`).
pub(super) fn decode(layouts: &[Layout], bytes: &[u8]) -> Result<(Kind, Header), Place> {
    let unknown = Place {
        field: "tag",
        index: None,
        offset: 0,
    };
    let tag = bytes.first().ok_or(unknown)?;
    let (kind, layout) = Kind::ALL
        .into_iter()
        .zip(layouts)
        .find(|(kind, _)| kind.tag() == *tag)
        .ok_or(unknown)?;
    let located = layout.locate(bytes)?;
    let filler = located.field(FILLER);
    if let Some(at) = filler.iter().position(|byte| *byte != 0) {
        return Err(Place {
            field: "filler",
            index: None,
            offset: u32::try_from(located.offset(FILLER) + at).unwrap_or(u32::MAX),
        });
    }
    #[allow(
        clippy::cast_possible_truncation,
        reason = "each field is as wide as the integer it is read into"
    )]
    let header = Header {
        class: located.integer(CLASS) as u8,
        source: located.integer(SOURCE) as u16,
        number: located.integer(NUMBER),
        hops: located.integer(HOPS) as u32,
    };
    Ok((kind, header))
}
