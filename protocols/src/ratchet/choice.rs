//! The readings and switches of the protocol: closed sets of words.

/// Declares an enum whose variants are words of the scenario file.
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $word:literal),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub(super) enum $name { $($(#[$item])* $variant),+ }

            impl Choice for $name {
                const WORDS: &'static [&'static str] = &[$($word),+];

                fn word(self) -> &'static str {
                    match self { $(Self::$variant => $word),+ }
                }

                fn parse(word: &str) -> Option<Self> {
                    match word { $($word => Some(Self::$variant),)+ _ => None }
                }
            }
        )+
    };
}

/// A closed set of words.
pub(super) trait Choice: Copy {
    /// Every word, in the order of the specification.
    const WORDS: &'static [&'static str];

    /// The word of this value.
    fn word(self) -> &'static str;

    /// The value of a word.
    fn parse(word: &str) -> Option<Self>;
}

choices! {
    /// The variants.
    Variant {
        /// What the text says, with the recommended readings.
        AsPublished = "as-published",
        /// What the published prototype does.
        Literal = "literal",
        /// The smallest set of fixes.
        Hardened = "hardened",
        /// `as-published` without one defence.
        Broken = "broken",
    }

    /// Where a client's master key comes from.
    MasterKey {
        /// 16 random bytes.
        Random = "random",
        /// The prototype's readable constant.
        Ascii = "ascii",
    }

    /// The reading of "KDF".
    Kdf {
        /// HKDF with the context as info.
        HkdfInfo = "hkdf-info",
        /// HKDF with the context as salt.
        HkdfSalt = "hkdf-salt",
        /// A truncated hash of key and context.
        Sha256 = "sha256",
    }

    /// How frames travel.
    Framing {
        /// Records with a 4-byte length on a stream.
        Length32 = "length32",
        /// One datagram a frame.
        Datagram = "datagram",
    }

    /// When the sender of a message moves its own keys.
    Evolve {
        /// Right after the message is built.
        OnSend = "on-send",
        /// When the peer has shown that it got the message.
        OnConfirm = "on-confirm",
    }

    /// Which opcodes report errors.
    ErrorCodes {
        /// 50 and 60.
        Base = "base",
        /// 51 to 55 beside 60.
        Extended = "extended",
    }

    /// What a HELLO means on an address with a live session.
    HelloInActive {
        /// A new session.
        Restart = "restart",
        /// A wrong opcode.
        Terminate = "terminate",
    }

    /// When a HELLO displaces the live session of its id.
    Replace {
        /// Once it is verified.
        AfterVerify = "after-verify",
        /// At once.
        BeforeVerify = "before-verify",
    }

    /// How the server finds the session of a frame.
    SessionLookup {
        /// By the address it came from.
        Address = "address",
        /// By the client id it carries.
        FrameId = "frame-id",
    }

    /// What counts as a number.
    NumberGrammar {
        /// Finite ASCII decimals.
        Strict = "strict",
        /// Everything the prototype's parser takes.
        Lenient = "lenient",
    }

    /// Shape of the aggregate.
    ResponseForm {
        /// The average alone.
        Average = "average",
        /// Sum, count and average.
        SumCountAverage = "sum-count-average",
    }

    /// Whether lost frames are repeated.
    Recovery {
        /// Never.
        Off = "off",
        /// By the client, a few times.
        Resend = "resend",
    }

    /// The defence that the broken twin leaves out.
    Defence {
        /// The comparison of the HMAC, at both ends.
        Mac = "mac",
        /// The round check and all evolution.
        Freshness = "freshness",
        /// As `Freshness`, and everything that ties a frame to direction and purpose.
        Binding = "binding",
        /// All evolution.
        Ratchet = "ratchet",
        /// Encryption.
        Cipher = "cipher",
        /// The list of authorised ids.
        Client = "client",
        /// The need for a HELLO.
        Phase = "phase",
        /// The check of a HELLO before it displaces a session.
        Replace = "replace",
        /// The check of a TERMINATE.
        TerminateAuth = "terminate-auth",
        /// The check that a frame carries its session's id.
        Id = "id",
        /// The strict grammar, and the purge of old values.
        Numbers = "numbers",
        /// All limits.
        Caps = "caps",
        /// The client's freedom to authenticate again.
        Retry = "retry",
        /// The check that a frame is long enough to be one.
        Length = "length",
        /// Everything that holds a header to its session: its place under the HMAC, and the checks.
        Header = "header",
        /// What ties a session to its connection: the address, the id, and the cipher behind them.
        Connection = "connection",
    }
}
