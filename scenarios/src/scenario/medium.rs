//! Shared media of a scenario.

use sim_engine::MediumParams;
use sim_engine::medium::Modulation;

/// A channel that links share.
#[derive(Clone, Debug, PartialEq)]
pub struct MediumSpec {
    /// Its name: that of its table, or of the only link group that uses it.
    pub name: String,
    /// How stations get at the channel.
    pub model: MediumModel,
    /// Its parameters.
    pub params: MediumParams,
    /// Modulation of links that choose none; `None`: their rate gives the time on the air.
    pub modulation: Option<Modulation>,
}

/// The models of shared media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediumModel {
    /// Pure ALOHA.
    Aloha,
    /// Slotted ALOHA.
    SlottedAloha,
    /// Non-persistent carrier sensing.
    Csma,
    /// Slots that stations choose evenly.
    Contention,
    /// Unslotted CSMA-CA of IEEE 802.15.4.
    Ieee802154,
    /// LoRa: ALOHA per channel and spreading factor.
    Lora,
}

impl MediumModel {
    /// All, in the order of lists.
    pub const ALL: [Self; 6] = [
        Self::Aloha,
        Self::SlottedAloha,
        Self::Csma,
        Self::Contention,
        Self::Ieee802154,
        Self::Lora,
    ];

    /// Its name in the scenario file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aloha => "aloha",
            Self::SlottedAloha => "slotted-aloha",
            Self::Csma => "csma",
            Self::Contention => "contention",
            Self::Ieee802154 => "ieee802154",
            Self::Lora => "lora",
        }
    }
}
