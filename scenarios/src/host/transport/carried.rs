//! What a packet of a transport carries, as the simulator knows it.

/// What a packet is to the transport of its link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// A message as it is: there is no transport, or it has not yet come to it.
    #[default]
    Message,
    /// A message to every neighbour, which no transport repeats.
    Broadcast,
    /// The same message to a further neighbour.
    BroadcastCopy,
    /// A machine's record on a stream that it has opened, before the transport has it.
    Write,
    /// A whole message or record, behind the transport's header.
    Whole,
    /// A piece of one.
    Piece,
    /// Its last piece.
    LastPiece,
    /// Opens a connection.
    Syn,
    /// Answers that.
    SynAck,
    /// Acknowledges, and carries nothing.
    Ack,
    /// Closes a direction.
    Fin,
    /// Refuses or breaks a connection.
    Rst,
}

/// A packet's place in its transport. It is the simulator's knowledge; receivers go by the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// What it is.
    pub part: Part,
    /// Bytes before the message or record.
    pub skip: u8,
    /// 0 without transport, 1 for the first transmission, from 2 on for repetitions.
    pub transmission: u8,
}

impl Carried {
    /// Without transport.
    pub const MESSAGE: Self = Self {
        part: Part::Message,
        skip: 0,
        transmission: 0,
    };

    /// Whether a transport made this packet.
    #[must_use]
    #[inline]
    pub const fn by_transport(&self) -> bool {
        self.transmission > 0
    }

    /// Whether the payload ends a message or record.
    #[must_use]
    pub const fn ends_record(&self) -> bool {
        matches!(self.part, Part::Whole | Part::LastPiece)
    }

    /// The message or record in a packet, if it holds a whole one.
    #[must_use]
    #[inline]
    pub fn message<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        match self.part {
            Part::Message | Part::Broadcast | Part::BroadcastCopy | Part::Write => Some(bytes),
            Part::Whole => bytes.get(usize::from(self.skip)..),
            _ => None,
        }
    }

    /// The transport's own name for a packet that holds no whole message.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.part {
            Part::Message | Part::Broadcast | Part::BroadcastCopy | Part::Write | Part::Whole => "",
            Part::Piece | Part::LastPiece => "SEG",
            Part::Syn => "SYN",
            Part::SynAck => "SYN-ACK",
            Part::Ack => "ACK",
            Part::Fin => "FIN",
            Part::Rst => "RST",
        }
    }
}
