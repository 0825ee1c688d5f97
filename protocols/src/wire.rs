//! Declared wire layouts: every message's fields, offsets and widths, written once.
//!
//! Encoders, decoders, message names in traces, field selectors, the table of communication costs
//! and the packet dissector all read the same [`Layout`].

use crate::output::Place;

/// The layout of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Its name in traces, as in the specification.
    pub name: &'static str,
    /// Its first byte, where that tells it apart.
    pub tag: Option<u8>,
    /// The phase it belongs to.
    pub phase: u8,
    /// The role that sends it; `None` when more than one does.
    pub sender: Option<u8>,
    /// Its fields in order, the tag included. At most one has [`Width::Rest`].
    pub fields: Vec<Field>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, as in the specification.
    pub name: &'static str,
    /// How wide it is.
    pub width: Width,
    /// What its bytes mean.
    pub kind: FieldKind,
}

/// Width of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// So many bytes.
    Fixed(u32),
    /// As many elements of `unit` bytes as the integer in field `field` says.
    Counted {
        /// Index of the field that holds the count.
        field: u8,
        /// Bytes an element.
        unit: u32,
    },
    /// What the fields around it leave: at least `min` bytes, at most `max`, a multiple of
    /// `multiple_of`.
    Rest {
        /// Fewest bytes.
        min: u32,
        /// Most bytes.
        max: u32,
        /// The length is a multiple of this; 1 when any length is right.
        multiple_of: u32,
    },
}

/// Meaning of a field's bytes, for display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// The message's tag.
    Tag,
    /// A big-endian unsigned integer.
    Integer,
    /// A list of big-endian 2-byte integers.
    Indices,
    /// Text.
    Text,
    /// Anything else: nonces, ciphertexts, hashes.
    Bytes,
}

/// Most fields a layout may have.
pub const FIELDS_MAX: usize = 16;

/// Where the fields of one frame lie.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    bytes: &'a [u8],
    ends: [u32; FIELDS_MAX],
    count: usize,
}

impl<'a> Located<'a> {
    /// The bytes of field `index`; empty when there is no such field.
    #[must_use]
    pub fn field(&self, index: usize) -> &'a [u8] {
        if index >= self.count {
            return &[];
        }
        &self.bytes[self.offset(index)..self.ends[index] as usize]
    }

    /// Offset of field `index` from the first byte of the frame.
    #[must_use]
    pub const fn offset(&self, index: usize) -> usize {
        if index == 0 {
            0
        } else {
            self.ends[index - 1] as usize
        }
    }

    /// Field `index` as a big-endian integer of at most 8 bytes; longer ones give their last 8.
    #[must_use]
    pub fn integer(&self, index: usize) -> u64 {
        self.field(index)
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte))
    }
}

impl Layout {
    /// Size of the frame when no field varies.
    #[must_use]
    pub fn fixed_size(&self) -> Option<u32> {
        self.fields
            .iter()
            .try_fold(0, |sum, field| match field.width {
                Width::Fixed(width) => Some(sum + width),
                _ => None,
            })
    }

    /// Finds the fields of a frame.
    ///
    /// # Errors
    ///
    /// The first place that does not fit: `tag` at 0 for an empty frame or another tag; the varying
    /// field when its length is not allowed; `end` when the total is wrong.
    pub fn locate<'a>(&self, bytes: &'a [u8]) -> Result<Located<'a>, Place> {
        let tag_fits = match (self.tag, bytes.first()) {
            (_, None) => false,
            (Some(tag), Some(first)) => tag == *first,
            (None, Some(_)) => true,
        };
        if !tag_fits {
            return Err(Place {
                field: "tag",
                index: None,
                offset: 0,
            });
        }
        let mut located = Located {
            bytes,
            ends: [0; FIELDS_MAX],
            count: self.fields.len(),
        };
        let total = bytes.len();
        let end = |offset: usize| Place {
            field: "end",
            index: None,
            offset: clamp(offset),
        };
        let mut at = 0usize;
        for (index, field) in self.fields.iter().enumerate().take(FIELDS_MAX) {
            let width = match field.width {
                Width::Fixed(width) => width as usize,
                Width::Counted { field: count, unit } => {
                    let count =
                        usize::try_from(located.integer(usize::from(count))).unwrap_or(usize::MAX);
                    count.saturating_mul(unit as usize)
                }
                Width::Rest {
                    min,
                    max,
                    multiple_of,
                } => {
                    let after = self.fixed_after(index);
                    let Some(width) = total.checked_sub(at + after) else {
                        return Err(end(total));
                    };
                    let fits = width >= min as usize
                        && width <= max as usize
                        && width.is_multiple_of(multiple_of.max(1) as usize);
                    if !fits {
                        return Err(Place {
                            field: field.name,
                            index: None,
                            offset: clamp(at),
                        });
                    }
                    width
                }
            };
            let next = at.saturating_add(width);
            if next > total {
                return Err(end(total));
            }
            at = next;
            located.ends[index] = clamp(at);
        }
        if at == total {
            Ok(located)
        } else {
            Err(end(at))
        }
    }

    fn fixed_after(&self, index: usize) -> usize {
        let widths = self.fields[index + 1..]
            .iter()
            .map(|field| match field.width {
                Width::Fixed(width) => width as usize,
                _ => 0,
            });
        widths.sum()
    }
}

fn clamp(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> Layout {
        let field = |name, width, kind| Field { name, width, kind };
        Layout {
            name: "DATA",
            tag: Some(5),
            phase: 0,
            sender: None,
            fields: vec![
                field("tag", Width::Fixed(1), FieldKind::Tag),
                field("length", Width::Fixed(1), FieldKind::Integer),
                field(
                    "name",
                    Width::Counted { field: 1, unit: 1 },
                    FieldKind::Text,
                ),
                field(
                    "ciphertext",
                    Width::Rest {
                        min: 16,
                        max: 32,
                        multiple_of: 16,
                    },
                    FieldKind::Bytes,
                ),
                field("mac", Width::Fixed(2), FieldKind::Bytes),
            ],
        }
    }

    #[test]
    fn fields_before_and_after_the_varying_one_are_found() {
        let mut frame = vec![5, 3, b'a', b'b', b'c'];
        frame.extend([7; 16]);
        frame.extend([8, 9]);
        let located = data().locate(&frame).expect("a good frame");
        assert_eq!(located.field(2), b"abc");
        assert_eq!(located.field(3), [7; 16]);
        assert_eq!(located.field(4), [8, 9]);
        assert_eq!(located.offset(4), 21);
    }

    #[test]
    fn every_prefix_and_extension_is_refused_with_a_place() {
        let mut frame = vec![5, 0];
        frame.extend([7; 16]);
        frame.extend([8, 9]);
        assert!(data().locate(&frame).is_ok());
        for length in 0..frame.len() {
            assert!(
                data().locate(&frame[..length]).is_err(),
                "prefix of {length}"
            );
        }
        frame.push(0);
        let place = data().locate(&frame).expect_err("one byte too many");
        assert_eq!((place.field, place.offset), ("ciphertext", 2));
    }
}
