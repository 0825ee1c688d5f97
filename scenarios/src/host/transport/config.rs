//! What a link's `transport` key says.

/// How messages travel over a link.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Transport {
    /// One message, one packet: lost, doubled and overtaken as the link does it.
    #[default]
    Datagram,
    /// A reliable byte stream in order, as TCP gives it.
    Stream(StreamSettings),
    /// One message, one confirmable CoAP exchange.
    Confirmable(ConfirmableSettings),
}

impl Transport {
    /// The word in a scenario file.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Datagram => "datagram",
            Self::Stream(_) => "stream",
            Self::Confirmable(_) => "confirmable",
        }
    }
}

/// Settings of a byte stream. Defaults are those of RFC 6298, with the retry counts of a common
/// operating system: a connection is given up after some two minutes without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// Retransmission timeout before the first measurement, ns.
    pub rto_initial_ns: u64,
    /// Shortest retransmission timeout, ns.
    pub rto_min_ns: u64,
    /// Longest retransmission timeout, ns.
    pub rto_max_ns: u64,
    /// Timeouts in a row, without any progress, after which an open connection is given up.
    pub retries: u32,
    /// The same for a connection that is being opened.
    pub connect_retries: u32,
    /// Most payload bytes of a segment; `None`: what the link's MTU leaves, else 1460.
    pub mss: Option<u32>,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            rto_initial_ns: 1_000_000_000,
            rto_min_ns: 1_000_000_000,
            rto_max_ns: 60_000_000_000,
            retries: 6,
            connect_retries: 6,
            mss: None,
        }
    }
}

/// Settings of confirmable exchanges; defaults are those of RFC 7252, section 4.8.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfirmableSettings {
    /// `ACK_TIMEOUT`: lower end of the first timeout, ns.
    pub ack_timeout_ns: u64,
    /// `ACK_RANDOM_FACTOR`: the first timeout is uniform between 1 and this times `ack_timeout`.
    pub random_factor: f64,
    /// What each timeout is longer than the one before by: 2 in the RFC, 1 for a fixed timer.
    pub backoff: f64,
    /// `MAX_RETRANSMIT`: transmissions after the first.
    pub max_retransmit: u32,
    /// `EXCHANGE_LIFETIME`: how long a message id is remembered, ns.
    pub lifetime_ns: u64,
    /// `NSTART`: exchanges of one end with one peer at a time.
    pub nstart: u32,
}

impl Default for ConfirmableSettings {
    fn default() -> Self {
        Self {
            ack_timeout_ns: 2_000_000_000,
            random_factor: 1.5,
            backoff: 2.0,
            max_retransmit: 4,
            lifetime_ns: 247_000_000_000,
            nstart: 1,
        }
    }
}
