//! Records on a stream: a 4-byte length and so many bytes (section 3.1).

use crate::address::{Address, Channel, Destination};
use crate::context::{Buffers, Context};

/// The record that ends a stream.
pub(super) const CLOSE: [u8; 4] = [0; 4];

/// One record of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record<'a> {
    /// A frame.
    Frame(&'a [u8]),
    /// The end of the stream, announced by a length of 0.
    Close,
    /// A length above the limit, which counts as the end of the stream.
    Oversize,
}

/// The first record of `bytes` and what follows it; `None` when it is incomplete.
pub(super) fn next(bytes: &[u8], max_frame: u32) -> Option<(Record<'_>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length);
    if length == 0 {
        return Some((Record::Close, rest));
    }
    if length > max_frame {
        return Some((Record::Oversize, &[]));
    }
    let (frame, rest) = rest.split_at_checked(length as usize)?;
    Some((Record::Frame(frame), rest))
}

/// What is left of the bytes of a stream once `consumed` of them are handled: of `waiting` and the
/// `arrived` ones that were appended to it, or of `arrived` alone where nothing waited.
pub(super) fn rest(
    buffers: &mut Buffers,
    mut waiting: Vec<u8>,
    arrived: &[u8],
    consumed: usize,
) -> Vec<u8> {
    if waiting.is_empty() {
        let rest = arrived.get(consumed..).unwrap_or(&[]);
        if rest.is_empty() {
            return waiting;
        }
        waiting = buffers.take();
        waiting.extend_from_slice(rest);
        return waiting;
    }
    if consumed >= waiting.len() {
        buffers.give(waiting);
        return Vec::new();
    }
    waiting.drain(..consumed);
    waiting
}

/// Sends a frame to `to`: a record on the stream, or a datagram from `port`.
pub(super) fn send(cx: &mut Context<'_>, streams: bool, port: u16, to: Address, frame: &[u8]) {
    if !streams {
        cx.send(port, to, Channel::Public, |out| {
            out.extend_from_slice(frame)
        });
        return;
    }
    let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
    cx.send_to(0, Destination::Stream(to), Channel::Public, |out| {
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(frame);
    });
}

/// Sends the record that ends the stream to `to`.
pub(super) fn send_close(cx: &mut Context<'_>, to: Address) {
    cx.send_to(0, Destination::Stream(to), Channel::Public, |out| {
        out.extend_from_slice(&CLOSE)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_records_and_a_partial_one_are_told_apart() {
        let bytes = [0, 0, 0, 2, 7, 8, 0, 0, 0, 0, 0, 0, 0, 3, 9];
        let (record, rest) = next(&bytes, 100).unwrap();
        assert_eq!(record, Record::Frame(&[7, 8]));
        let (record, rest) = next(rest, 100).unwrap();
        assert_eq!(record, Record::Close);
        assert_eq!(next(rest, 100), None);
        assert_eq!(next(rest, 2), Some((Record::Oversize, &[][..])));
    }
}
