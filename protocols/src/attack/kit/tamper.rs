//! Frames that arrive changed.

use crate::attack::{AttackContext, Attacker, Cases, Setup, Verdict, View};
use crate::wire::Layout;

use super::message;

/// Which bytes of a frame are changed, and how.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// One bit of a field; from frame to frame the next one, beginning anywhere.
    EachBit(&'static str),
    /// One bit of the whole frame behind its tag, the same way.
    AnyBit,
    /// A bit of a field: byte from the field's start, mask.
    Bit(&'static str, usize, u8),
    /// A bit counted from the end of a field: byte from its end, mask.
    BitFromEnd(&'static str, usize, u8),
    /// All bits of a field.
    Invert(&'static str),
    /// A field becomes these bytes, cut or filled with zeros in front to its width.
    Set(&'static str, &'static [u8]),
    /// The field, read as a big-endian integer, changes by this much and wraps.
    Add(&'static str, i64),
    /// A field becomes what the function makes of its bytes.
    With(&'static str, fn(&mut [u8])),
    /// The frame ends after so many bytes.
    Truncate(usize),
    /// The frame has these bytes more.
    Append(&'static [u8]),
}

/// One case: which message, and what becomes of it.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// The name of the case.
    pub case: &'static str,
    /// The message.
    pub message: &'static str,
    /// The change.
    pub part: Part,
}

/// Changes messages on their way.
///
/// Parameters: `every` (default 1): only each so many-th frame of the message is changed.
#[derive(Debug)]
pub struct Tamper {
    changes: Vec<(Option<Layout>, Option<usize>, Part)>,
    cases: Cases,
    case: usize,
    /// Where the bit that rolls stands.
    bit: Option<u64>,
    every: u64,
    seen: u64,
}

impl Tamper {
    /// One case for each change, in the order given.
    #[must_use]
    pub fn new(setup: &Setup<'_>, changes: &[Change]) -> Self {
        let names: Vec<&str> = changes.iter().map(|change| change.case).collect();
        let mut cases = Cases::new(&names, setup.case);
        let found = |change: &Change| {
            let place = message(setup.instance, change.message);
            let layout = place.map(|place| setup.instance.layouts()[place].clone());
            (layout, place, change.part)
        };
        Self {
            changes: changes.iter().map(found).collect(),
            case: cases.turn(),
            cases,
            bit: None,
            every: setup.params.integer("every", 1).max(1),
            seen: 0,
        }
    }
}

impl Attacker for Tamper {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let Some((Some(layout), target, part)) = self.changes.get(self.case) else {
            self.case = self.cases.turn();
            return Verdict::Pass;
        };
        if *target != view.message {
            return Verdict::Pass;
        }
        self.seen += 1;
        if !self.seen.is_multiple_of(self.every) {
            return Verdict::Pass;
        }
        let first = match self.bit {
            Some(bit) => bit,
            None => cx.uniform(1 << 16),
        };
        let changed = changed(layout, view.bytes, *part, first);
        self.bit = Some(first + 1);
        self.case = self.cases.turn();
        match changed {
            Some(bytes) if bytes != view.bytes => Verdict::Modify(bytes),
            _ => Verdict::Pass,
        }
    }
}

/// The frame with `part` changed; `None` when it has no such part.
#[must_use]
pub(super) fn changed(layout: &Layout, bytes: &[u8], part: Part, rolling: u64) -> Option<Vec<u8>> {
    let mut frame = bytes.to_vec();
    let span = |name: &str| {
        let place = layout.fields.iter().position(|field| field.name == name)?;
        let located = layout.locate(bytes).ok()?;
        let start = located.offset(place);
        Some(start..start + located.field(place).len())
    };
    let flip = |frame: &mut Vec<u8>, range: core::ops::Range<usize>| {
        let bits = range.len() as u64 * 8;
        let bit = usize::try_from(rolling.checked_rem(bits)?).ok()?;
        frame[range.start + bit / 8] ^= 0x80 >> (bit % 8);
        Some(())
    };
    match part {
        Part::EachBit(name) => flip(&mut frame, span(name)?)?,
        Part::AnyBit => {
            let start = usize::from(layout.tag.is_some()).min(bytes.len());
            flip(&mut frame, start..bytes.len())?;
        }
        Part::Bit(name, byte, mask) => *frame[span(name)?].get_mut(byte)? ^= mask,
        Part::BitFromEnd(name, byte, mask) => {
            let field = &mut frame[span(name)?];
            let place = field.len().checked_sub(byte + 1)?;
            field[place] ^= mask;
        }
        Part::Invert(name) => frame[span(name)?].iter_mut().for_each(|byte| *byte ^= 0xFF),
        Part::Set(name, value) => {
            let field = &mut frame[span(name)?];
            field.fill(0);
            let taken = value.len().min(field.len());
            let start = field.len() - taken;
            field[start..].copy_from_slice(&value[value.len() - taken..]);
        }
        Part::Add(name, amount) => add(&mut frame[span(name)?], amount),
        Part::With(name, make) => make(&mut frame[span(name)?]),
        Part::Truncate(length) => frame.truncate(length),
        Part::Append(more) => frame.extend_from_slice(more),
    }
    Some(frame)
}

/// Adds to a big-endian integer of at most 8 bytes, modulo its width.
fn add(field: &mut [u8], amount: i64) {
    let width = field.len().min(8);
    let start = field.len() - width;
    let value = field[start..]
        .iter()
        .fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    let sum = value.wrapping_add_signed(amount).to_be_bytes();
    field[start..].copy_from_slice(&sum[8 - width..]);
}
