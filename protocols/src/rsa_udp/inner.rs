//! What a SEALED frame carries, for observers that see both ends.

use super::literal::text;
use super::messages::SEALED_HEADER;
use super::params::{Params, Variant};
use super::{records, sealing};
use crate::attack::Holder;
use crate::crypto::Crypto;

/// Name and carrier, in the order of their tags.
pub(super) const NAMES: &[(&str, &str)] =
    &[("DATA", "SEALED"), ("ECHO", "SEALED"), ("FIN", "SEALED")];

/// The place in [`NAMES`] of what `frame` carries to `receiver`.
pub(super) fn of(params: &Params, receiver: &Holder<'_>, frame: &[u8]) -> Option<usize> {
    let printed = params.variant == Variant::Literal;
    let block = if printed {
        text::base64_decode(frame)
    } else {
        frame.get(SEALED_HEADER.len()..)?.to_vec()
    };
    let plain = if params.clear() {
        sealing::unwrap(&block)?.to_vec()
    } else {
        let own = records::pair(receiver.storage)?.private_key()?;
        Crypto::default().rsa_open(&own, params.oaep_hash, &block)?
    };
    if printed {
        let starts: [&[u8]; 3] = [b"DATA:", text::ECHO, b"FIN:"];
        return starts.iter().position(|start| plain.starts_with(start));
    }
    let tag = usize::from(*plain.first()?);
    (1..=NAMES.len()).contains(&tag).then(|| tag - 1)
}
