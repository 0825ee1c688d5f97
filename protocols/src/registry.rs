//! All protocols, and the columns their machines stand in.
//!
//! To add a protocol, write its folder and add one line to each list below.

use crate::address::Address;
use crate::context::Context;
use crate::machine::{Command, Incoming, Machine, StationTotals, StreamEvent, Timer};
use crate::protocol::Protocol;
use crate::time::LocalTime;

/// Every protocol, in the order of lists.
pub const PROTOCOLS: &[&dyn Protocol] = &[
    &crate::secure_vault::SecureVault,
    &crate::vault_exchange::VaultExchange,
    &crate::ratchet::Ratchet,
    &crate::multi_server::MultiServer,
    &crate::rsa_udp::RsaUdp,
    &crate::traffic::Traffic,
];

/// The protocol of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Protocol> {
    PROTOCOLS
        .iter()
        .copied()
        .find(|protocol| protocol.name() == name)
}

/// Declares one dense column per kind of machine and the calls that reach a machine in it.
macro_rules! columns {
    ($($variant:ident => $machine:ty),+ $(,)?) => {
        /// The machines of one node group, dense and of one kind.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum Column {
            $(
                #[doc = concat!("Machines of type `", stringify!($machine), "`.")]
                $variant(Vec<$machine>),
            )+
        }

        impl Column {
            /// Number of machines.
            #[must_use]
            pub fn len(&self) -> usize {
                match self { $(Self::$variant(all) => all.len(),)+ }
            }

            /// [`Machine::on_start`] of machine `index`.
            pub fn on_start(&mut self, index: usize, cx: &mut Context<'_>) {
                match self { $(Self::$variant(all) => all[index].on_start(cx),)+ }
            }

            /// [`Machine::on_message`] of machine `index`.
            #[inline]
            pub fn on_message(&mut self, index: usize, incoming: Incoming<'_>, cx: &mut Context<'_>) {
                match self { $(Self::$variant(all) => all[index].on_message(incoming, cx),)+ }
            }

            /// [`Machine::on_stream`] of machine `index`.
            pub fn on_stream(
                &mut self,
                index: usize,
                peer: Address,
                event: StreamEvent<'_>,
                cx: &mut Context<'_>,
            ) {
                match self { $(Self::$variant(all) => all[index].on_stream(peer, event, cx),)+ }
            }

            /// [`Machine::on_timer`] of machine `index`.
            #[inline]
            pub fn on_timer(&mut self, index: usize, timer: Timer, cx: &mut Context<'_>) {
                match self { $(Self::$variant(all) => all[index].on_timer(timer, cx),)+ }
            }

            /// [`Machine::on_command`] of machine `index`.
            #[inline]
            pub fn on_command(&mut self, index: usize, command: &Command<'_>, cx: &mut Context<'_>) {
                match self { $(Self::$variant(all) => all[index].on_command(command, cx),)+ }
            }

            /// [`Machine::on_restart`] of machine `index`.
            pub fn on_restart(&mut self, index: usize, cx: &mut Context<'_>) {
                match self { $(Self::$variant(all) => all[index].on_restart(cx),)+ }
            }

            /// [`Machine::state`] of machine `index`.
            #[must_use]
            pub fn state(&self, index: usize) -> &'static str {
                match self { $(Self::$variant(all) => all[index].state(),)+ }
            }

            /// Exchanges machine `index` with that of a column of the same kind.
            pub fn exchange(&mut self, index: usize, other: &mut Self) {
                match (self, other) {
                    $((Self::$variant(one), Self::$variant(other)) => {
                        core::mem::swap(&mut one[index], &mut other[index]);
                    })+
                    _ => {}
                }
            }

            /// [`Machine::station`] of machine `index`.
            #[must_use]
            pub fn station(&self, index: usize, now: LocalTime) -> Option<StationTotals> {
                match self { $(Self::$variant(all) => all[index].station(now),)+ }
            }
        }
    };
}

columns! {
    SecureVaultDevice => crate::secure_vault::Device,
    SecureVaultServer => crate::secure_vault::Server,
    SecureVaultHardenedDevice => crate::secure_vault::HardenedDevice,
    SecureVaultHardenedServer => crate::secure_vault::HardenedServer,
    SecureVaultLiteralDevice => crate::secure_vault::LiteralDevice,
    SecureVaultLiteralServer => crate::secure_vault::LiteralServer,
    VaultExchangeDevice => crate::vault_exchange::Device,
    VaultExchangeServer => crate::vault_exchange::Server,
    VaultExchangeHardenedDevice => crate::vault_exchange::HardenedDevice,
    VaultExchangeHardenedServer => crate::vault_exchange::HardenedServer,
    RatchetServer => crate::ratchet::Server,
    RatchetClient => crate::ratchet::Client,
    MultiServerCentre => crate::multi_server::RegistrationCentre,
    MultiServerServer => crate::multi_server::Server,
    MultiServerUser => crate::multi_server::User,
    MultiServerLiteralCentre => crate::multi_server::LiteralCentre,
    MultiServerLiteralServer => crate::multi_server::LiteralServer,
    MultiServerLiteralUser => crate::multi_server::LiteralUser,
    RsaUdpDevice => crate::rsa_udp::Device,
    RsaUdpClient => crate::rsa_udp::Client,
    RsaUdpLiteralDevice => crate::rsa_udp::literal::LiteralDevice,
    RsaUdpLiteralClient => crate::rsa_udp::literal::LiteralClient,
    TrafficSource => crate::traffic::Source,
    TrafficStation => crate::traffic::Station,
    TrafficSink => crate::traffic::Sink,
    Relay => crate::relay::Relay,
}

impl Column {
    /// True when it holds no machine.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
