//! The notation of cost tables in papers: `T_h` for the time of one hash call, and so on.

use protocols::meter::{Primitive, Totals};

/// The subscript of T for a primitive, and what one unit of it is.
#[must_use]
pub const fn symbol(primitive: Primitive) -> (&'static str, &'static str) {
    match primitive {
        Primitive::Sha1 => ("h1", "SHA-1 call"),
        Primitive::Sha256 => ("h", "SHA-256 call"),
        Primitive::Sha512 => ("h512", "SHA-512 call"),
        Primitive::HmacSha256 => ("hmac", "HMAC-SHA-256 call"),
        Primitive::HmacSha512 => ("hmac512", "HMAC-SHA-512 call"),
        Primitive::Kdf => ("kdf", "key derivation"),
        Primitive::Aes128Key => ("key", "AES-128 key set-up"),
        Primitive::Aes256Key => ("key256", "AES-256 key set-up"),
        Primitive::Aes128Encrypt => ("e", "AES-128 block encryption"),
        Primitive::Aes128Decrypt => ("d", "AES-128 block decryption"),
        Primitive::Aes256Encrypt => ("e256", "AES-256 block encryption"),
        Primitive::Aes256Decrypt => ("d256", "AES-256 block decryption"),
        Primitive::Ghash => ("ghash", "GHASH block"),
        Primitive::RsaPublic => ("rsa+", "RSA public operation"),
        Primitive::RsaPrivate => ("rsa-", "RSA private operation"),
        Primitive::ModPow => ("exp", "modular power"),
        Primitive::Xor => ("xor", "XOR of one row"),
        Primitive::Random => ("rnd", "request for random bytes"),
        Primitive::Compare => ("cmp", "constant-time comparison"),
        Primitive::DbRead => ("db", "database look-up"),
        Primitive::DurableWrite => ("w", "durable write"),
        _ => ("other", "other operation"),
    }
}

/// Sums as terms, in the order of [`Primitive::ALL`].
pub(super) fn terms(totals: &Totals) -> Vec<(u64, &'static str)> {
    totals
        .iter()
        .map(|(primitive, count, _)| (count, symbol(primitive).0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_primitive_has_a_symbol_of_its_own() {
        let mut symbols: Vec<&str> = Primitive::ALL.iter().map(|one| symbol(*one).0).collect();
        assert!(!symbols.contains(&"other"));
        symbols.sort_unstable();
        symbols.dedup();
        assert_eq!(symbols.len(), Primitive::ALL.len());
    }
}
