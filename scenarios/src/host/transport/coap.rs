//! A confirmable exchange on the wire: the four bytes of a CoAP header (RFC 7252, section 3) without
//! token and options, and the payload behind its marker.

/// Bytes before the payload: header and marker.
pub(crate) const HEADER_BYTES: usize = 5;

/// Says that payload follows.
const MARKER: u8 = 0xFF;

/// Type of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To be acknowledged.
    Confirmable,
    /// Not to be acknowledged.
    NonConfirmable,
    /// Acknowledges, and may carry the answer.
    Acknowledgement,
    /// Refuses.
    Reset,
}

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) kind: Kind,
    /// Which exchange, of those of its sender.
    pub(crate) id: u16,
    /// Empty, or the protocol's message.
    pub(crate) payload: Option<&'a [u8]>,
}

impl<'a> Message<'a> {
    /// Appends the message to `out`.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let (kind, code) = match self.kind {
            Kind::Confirmable => (0, 0x02),
            Kind::NonConfirmable => (1, 0x02),
            Kind::Acknowledgement => (2, 0x45),
            Kind::Reset => (3, 0),
        };
        // POST (0.02) goes, content (2.05) comes back, and what carries nothing is empty (0.00).
        let code = if self.payload.is_some() { code } else { 0 };
        out.extend_from_slice(&[1 << 6 | kind << 4, code]);
        out.extend_from_slice(&self.id.to_be_bytes());
        if let Some(payload) = self.payload {
            out.push(MARKER);
            out.extend_from_slice(payload);
        }
    }

    /// Reads a message; `None` when it is none of these.
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<4>()?;
        let kind = match header[0] {
            0x40 => Kind::Confirmable,
            0x50 => Kind::NonConfirmable,
            0x60 => Kind::Acknowledgement,
            0x70 => Kind::Reset,
            _ => return None,
        };
        let payload = match (header[1], rest.split_first()) {
            (0, None) => None,
            (0, Some(_)) | (_, None) => return None,
            (_, Some((&MARKER, payload))) => Some(payload),
            (_, Some(_)) => return None,
        };
        Some(Self {
            kind,
            id: u16::from_be_bytes([header[2], header[3]]),
            payload,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_the_rfc() {
        type Case = (Kind, Option<&'static [u8]>, &'static [u8]);
        let cases: [Case; 5] = [
            (
                Kind::Confirmable,
                Some(b"hi"),
                &[0x40, 0x02, 0x7D, 0x34, 0xFF, b'h', b'i'],
            ),
            (
                Kind::NonConfirmable,
                Some(b""),
                &[0x50, 0x02, 0x7D, 0x34, 0xFF],
            ),
            (
                Kind::Acknowledgement,
                Some(b"ok"),
                &[0x60, 0x45, 0x7D, 0x34, 0xFF, b'o', b'k'],
            ),
            (Kind::Acknowledgement, None, &[0x60, 0x00, 0x7D, 0x34]),
            (Kind::Reset, None, &[0x70, 0x00, 0x7D, 0x34]),
        ];
        for (kind, payload, bytes) in cases {
            let message = Message {
                kind,
                id: 0x7D34,
                payload,
            };
            let mut out = Vec::new();
            message.encode(&mut out);
            assert_eq!(out, bytes);
            assert_eq!(Message::decode(bytes), Some(message));
        }
    }

    #[test]
    fn what_is_none_of_these_is_refused() {
        let cases: [&[u8]; 6] = [
            b"",
            &[0x40, 2, 0],
            &[0x80, 2, 0, 0],
            &[0x40, 2, 0, 0],
            &[0x40, 0, 0, 0, 0xFF],
            &[0x41, 2, 0, 0, 9, 0xFF, 1],
        ];
        assert!(cases.iter().all(|bytes| Message::decode(bytes).is_none()));
    }
}
