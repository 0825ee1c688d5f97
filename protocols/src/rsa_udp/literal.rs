//! The printed program: text on the wire, and a party that stops where the program would end.
//!
//! The handshake, the hashes and the order of draws are those of the compact form. What differs is
//! the encoding ([`text`]), that the device sends ENCRYPT before it looks at the client's value and
//! key, that any decimal value is taken and powers cost what unreduced integers cost, the client's
//! one sequence number for all its connections and its table of slots (`slots`), and the many
//! inputs at which a party halts until it is restarted.

mod client;
mod connection;
mod device;
mod slots;
pub mod text;

pub use client::LiteralClient;
pub use device::LiteralDevice;

use crate::context::Context;
use crate::crypto;
use crate::output::Tag;

use super::equations::{self, Stored};
use super::messages::Salt;
use super::params::Group;

/// `hex(SHA-256(stored || salt))` over the text of a salt, whatever that is.
fn salted_hash(cx: &mut Context<'_>, stored: &Stored, salt: &[u8]) -> [u8; 64] {
    equations::hex(&cx.crypto.sha256(&[stored.as_bytes(), salt]))
}

/// Draws an exponent, whatever its public value, and gives both.
fn draw_exponent(cx: &mut Context<'_>, group: &Group) -> (u64, u32) {
    let exponent = cx.uniform(group.exponent_max + 1);
    let bits = u64::from(u32::BITS - group.generator.leading_zeros());
    let public = cx
        .crypto
        .integer_pow(group.generator, bits, exponent, group.prime);
    (exponent, public)
}

/// `S`, from a peer value of any length.
fn shared_secret(
    cx: &mut Context<'_>,
    peer: &text::Decimal<'_>,
    exponent: u64,
    group: &Group,
) -> u32 {
    let base = peer.modulo(group.prime);
    cx.crypto
        .integer_pow(base, peer.bits(), exponent, group.prime)
}

/// Names a login for observers; the salts count as 16 bytes, or as their text where they are no
/// salts.
fn login_tag(label: &str, salt: &[u8], client_salt: &[u8]) -> Tag {
    let parts = [salt, client_salt].map(text::salt_bytes);
    crypto::tag(label, &[parts[0].as_ref(), parts[1].as_ref()])
}

/// The hexadecimal text of a salt.
fn salt_text(salt: &Salt) -> [u8; 32] {
    equations::hex(salt)
}
