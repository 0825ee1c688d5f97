//! Known answers of every primitive, from the standards that define them.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::testing::unhex as hex;

/// The four plaintext blocks of NIST SP 800-38A, appendix F.
const TEXT: &str = "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
                    30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710";
const KEY_128: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const KEY_256: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";

#[test]
fn aes_matches_fips_197_appendix_c() {
    let mut crypto = Crypto::default();
    for (key, sealed) in [
        (
            "000102030405060708090a0b0c0d0e0f",
            "69c4e0d86a7b0430d8cdb78070b4c55a",
        ),
        (
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "8ea2b7ca516745bfeafc49904b496089",
        ),
    ] {
        let key = crypto.aes_key(&hex(key));
        let text = hex("00112233445566778899aabbccddeeff");
        let mut block = text.clone();
        crypto.ecb_encrypt(&key, &mut block);
        assert_eq!(block, hex(sealed));
        crypto.ecb_decrypt(&key, &mut block);
        assert_eq!(block, text);
    }
}

#[test]
fn modes_match_sp_800_38a_appendix_f() {
    let mut crypto = Crypto::default();
    let iv: [u8; 16] = hex("000102030405060708090a0b0c0d0e0f").try_into().unwrap();
    let counter: [u8; 16] = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").try_into().unwrap();
    let cases = [
        (
            KEY_128,
            "3ad77bb40d7a3660a89ecaf32466ef97 f5d3d58503b9699de785895a96fdbaaf
             43b1cd7f598ece23881b00e3ed030688 7b0c785e27e8ad3f8223207104725dd4",
            "7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2
             73bed6b8e3c1743b7116e69e22229516 3ff1caa1681fac09120eca307586e1a7",
            "874d6191b620e3261bef6864990db6ce 9806f66b7970fdff8617187bb9fffdff
             5ae4df3edbd5d35e5b4f09020db03eab 1e031dda2fbe03d1792170a0f3009cee",
        ),
        (
            KEY_256,
            "f3eed1bdb5d2a03c064b5a7e3db181f8 591ccb10d410ed26dc5ba74a31362870
             b6ed21b99ca6f4f9f153e7b1beafed1d 23304b7a39f9f3ff067d8d8f9e24ecc7",
            "f58c4c04d6e5f1ba779eabfb5f7bfbd6 9cfc4e967edb808d679f777bc6702c7d
             39f23369a9d9bacfa530e26304231461 b2eb05e2c39be9fcda6c19078c6a9d1b",
            "601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5
             2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6",
        ),
    ];
    for (key, ecb, cbc, ctr) in cases {
        let key = crypto.aes_key(&hex(key));
        let mut buffer = hex(TEXT);
        crypto.ecb_encrypt(&key, &mut buffer);
        assert_eq!(buffer, hex(ecb));
        crypto.ecb_decrypt(&key, &mut buffer);
        assert_eq!(buffer, hex(TEXT));
        crypto.cbc_encrypt(&key, &iv, &mut buffer);
        assert_eq!(buffer, hex(cbc));
        crypto.cbc_decrypt(&key, &iv, &mut buffer);
        assert_eq!(buffer, hex(TEXT));
        crypto.ctr(&key, &counter, &mut buffer);
        assert_eq!(buffer, hex(ctr));
        crypto.ctr(&key, &counter, &mut buffer);
        assert_eq!(buffer, hex(TEXT));
    }
}

#[test]
fn the_ctr_counter_carries_through_all_128_bits() {
    let mut crypto = Crypto::default();
    let key = crypto.aes_key(&[7; 16]);
    let mut two = [0; 32];
    crypto.ctr(&key, &[0xFF; 16], &mut two);
    let mut second = [0; 16];
    crypto.ctr(&key, &[0; 16], &mut second);
    assert_eq!(two[16..], second);
}

#[test]
fn hashes_match_fips_180_examples() {
    let mut crypto = Crypto::default();
    let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".as_slice();
    assert_eq!(
        crypto.sha1(&[b"abc"]).as_slice(),
        hex("a9993e364706816aba3e25717850c26c9cd0d89d")
    );
    assert_eq!(
        crypto.sha256(&[b"a", b"bc"]).as_slice(),
        hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    );
    assert_eq!(
        crypto.sha256(&[long]).as_slice(),
        hex("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    );
    assert_eq!(
        crypto.sha512(&[b"abc"]).as_slice(),
        hex(
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        )
    );
}

#[test]
fn hmac_matches_rfc_4231() {
    let long_key = [0xaa; 131];
    let fourth_key = hex("0102030405060708090a0b0c0d0e0f10111213141516171819");
    let cases: [(&[u8], &[u8], &str, &str); 6] = [
        (
            &[0x0b; 20],
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde
             daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554
             9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
        (
            &[0xaa; 20],
            &[0xdd; 50],
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39
             bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
        ),
        (
            &fourth_key,
            &[0xcd; 50],
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db
             a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd",
        ),
        (
            &long_key,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352
             6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
        ),
        (
            &long_key,
            b"This is a test using a larger than block-size key and a larger than block-size data. \
              The key needs to be hashed before being used by the HMAC algorithm.",
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944
             b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58",
        ),
    ];
    let mut crypto = Crypto::default();
    for (key, text, short, long) in cases {
        assert_eq!(crypto.hmac_sha256(key, &[text]).as_slice(), hex(short));
        assert_eq!(crypto.hmac_sha512(key, &[text]).as_slice(), hex(long));
    }
}

#[test]
fn hkdf_matches_rfc_5869_appendix_a() {
    let mut crypto = Crypto::default();
    let ascending = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
    let mut out = [0; 42];
    crypto.hkdf_sha256(
        &ascending(0, 0x0c),
        &[0x0b; 22],
        &ascending(0xf0, 0xf9),
        &mut out,
    );
    assert_eq!(
        out.as_slice(),
        hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
    );
    let mut out = [0; 82];
    crypto.hkdf_sha256(
        &ascending(0x60, 0xaf),
        &ascending(0x00, 0x4f),
        &ascending(0xb0, 0xff),
        &mut out,
    );
    assert_eq!(
        out.as_slice(),
        hex("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c6
             5e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87")
    );
    let mut out = [0; 42];
    crypto.hkdf_sha256(&[], &[0x0b; 22], &[], &mut out);
    assert_eq!(
        out.as_slice(),
        hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
    );
}

#[test]
fn pkcs7_adds_a_whole_block_and_refuses_what_it_would_not_write() {
    for length in [0, 1, 15, 16, 17] {
        let mut buffer = vec![9; length];
        pkcs7_pad(&mut buffer, 0);
        assert_eq!(buffer.len(), 16 * (length / 16 + 1));
        assert_eq!(pkcs7_unpad(&buffer), Some(vec![9; length].as_slice()));
    }
    let mut zero = [1; 16];
    zero[15] = 0;
    assert_eq!(pkcs7_unpad(&zero), None);
    zero[15] = 17;
    assert_eq!(pkcs7_unpad(&zero), None);
    let mut inner = [3; 16];
    inner[14] = 4;
    assert_eq!(pkcs7_unpad(&inner), None);
    assert_eq!(pkcs7_unpad(&[]), None);
    assert_eq!(pkcs7_unpad(&[1; 15]), None);
}

#[test]
fn the_meter_counts_calls_blocks_and_bytes_in_order() {
    let mut crypto = Crypto::default();
    crypto.meter.phase(2);
    let key = crypto.aes_key(&[0; 32]);
    crypto.cbc_encrypt(&key, &[0; 16], &mut [0; 48]);
    crypto.hmac_sha512(&[0; 176], &[&[0; 128]]);
    let counted: Vec<_> = crypto
        .meter
        .operations()
        .iter()
        .map(|operation| {
            (
                operation.primitive,
                operation.count,
                operation.bytes,
                operation.phase,
            )
        })
        .collect();
    assert_eq!(
        counted,
        [
            (Primitive::Aes256Key, 1, 32, 2),
            (Primitive::Aes256Encrypt, 3, 48, 2),
            (Primitive::HmacSha512, 1, 304, 2),
        ]
    );
}
