//! The words that parameters with a choice may have.

/// An enum whose variants are the words of a parameter.
pub(in crate::secure_vault) trait Word: Copy + Sized {
    /// The words, in the order of the variants.
    const WORDS: &'static [&'static str];

    /// The variant of a word.
    fn from_word(word: &str) -> Option<Self>;

    /// The word of the variant.
    fn word(self) -> &'static str;
}

/// Declares a [`Word`].
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::secure_vault) enum $name {
            $($(#[$about])* $variant,)+
        }

        impl Word for $name {
            const WORDS: &'static [&'static str] = &[$($word),+];

            fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

words! {
    /// The four variants.
    Variant {
        AsPublished = "as-published",
        Literal = "literal",
        Hardened = "hardened",
        Broken = "broken",
    }
}
words! {
    /// Hash of the update HMAC.
    UpdateHash { Sha512 = "sha512", Sha256 = "sha256" }
}
words! {
    /// How M3 and M4 are sealed.
    CipherMode {
        /// Random IV, CBC, PKCS#7.
        Cbc = "cbc",
        /// Random IV, CBC, zero fill.
        CbcNopad = "cbc-nopad",
        /// ECB, PKCS#7.
        Ecb = "ecb",
        /// ECB, zero fill.
        EcbNopad = "ecb-nopad",
        /// Random initial counter block, CTR.
        Ctr = "ctr",
    }
}
words! {
    /// When the vault is updated.
    Commit { M4 = "m4", SessionEnd = "session-end" }
}
words! {
    /// Order of M4 and the durable write at the server.
    ServerOrder { SendFirst = "send-first", StoreFirst = "store-first" }
}
words! {
    /// What of M3 and M4 counts as exchanged.
    Transcript { Wire = "wire", Plain = "plain" }
}
words! {
    /// First message that counts as exchanged.
    TranscriptFrom { M1 = "m1", M3 = "m3" }
}
words! {
    /// How a partition's number enters its word.
    PartitionAdd { Last = "last", First = "first", Every = "every" }
}
words! {
    /// What happens to the end of the last partition.
    VaultTail { Drop = "drop", Keep = "keep" }
}
words! {
    /// What is checked of a challenge received.
    ChallengeCheck { Full = "full", Range = "range", None = "none" }
}
words! {
    /// What a pending handshake is told apart by.
    PendingBy { Device = "device", Session = "session" }
}
words! {
    /// How the device chooses session ids.
    SessionId { Random = "random", Counter = "counter" }
}
words! {
    /// Whether devices start with vaults of their own.
    FirstVault { PerDevice = "per-device", Shared = "shared" }
}
words! {
    /// Whether the device's vault lies in the clear.
    AtRest { Clear = "clear", Sealed = "sealed" }
}
words! {
    /// Whether M1 and M3 are repeated.
    Recovery { Off = "off", Resend = "resend" }
}
words! {
    /// The defence a broken twin leaves out.
    Without {
        /// The server's check of r1.
        R1 = "r1",
        /// The device's check of r2.
        R2 = "r2",
        /// Encryption of M3 and M4.
        Cipher = "cipher",
        /// The vault belongs to the id.
        DeviceId = "device-id",
        /// Checks of challenges.
        Challenge = "challenge",
        /// The server commits only after it has verified.
        VerifyBeforeCommit = "verify-before-commit",
        /// The vault changes.
        Update = "update",
        /// The vault survives a restart.
        Durable = "durable",
        /// Authentication of application frames.
        Mac = "mac",
        /// Several handshakes at a time.
        Pending = "pending",
    }
}
