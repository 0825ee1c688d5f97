//! Prices that can be checked by hand.
#![allow(clippy::unwrap_used)]
use super::*;

fn cost(profile: &str, primitive: Primitive, count: u32, bytes: u32) -> u64 {
    let operation = Operation {
        primitive,
        phase: 0,
        count,
        bytes,
    };
    find(profile).unwrap().cost_ns(&operation)
}

#[test]
fn every_profile_prices_every_primitive_and_no_other() {
    let mut names = 0;
    for text in TEXTS {
        let data: BTreeMap<String, Entry> = toml::from_str(text).unwrap();
        for (name, entry) in &data {
            let mut priced: Vec<&str> = entry.costs.keys().map(String::as_str).collect();
            let mut all: Vec<&str> = Primitive::ALL.iter().map(|known| known.as_str()).collect();
            priced.sort_unstable();
            all.sort_unstable();
            assert_eq!(priced, all, "{name}");
        }
        names += data.len();
    }
    assert_eq!(all().len(), names);
}

#[test]
fn hashes_pay_for_their_padding() {
    let block = 73_790;
    assert_eq!(cost("cortex-m4-80mhz", Primitive::Sha256, 1, 55), block);
    assert_eq!(cost("cortex-m4-80mhz", Primitive::Sha256, 1, 56), 2 * block);
    assert_eq!(
        cost("cortex-m4-80mhz", Primitive::HmacSha256, 1, 32),
        4 * block
    );
    assert_eq!(cost("cortex-m4-80mhz", Primitive::Kdf, 1, 48), 12 * block);
}

#[test]
fn rsa_scales_with_its_modulus() {
    let public = 44_500_000;
    assert_eq!(
        cost("cortex-m4-80mhz", Primitive::RsaPublic, 1, 256),
        public
    );
    assert_eq!(
        cost("cortex-m4-80mhz", Primitive::RsaPublic, 1, 512),
        4 * public
    );
    let private = 2_822_000_000;
    assert_eq!(
        cost("cortex-m4-80mhz", Primitive::RsaPrivate, 1, 512),
        8 * private
    );
}

#[test]
fn a_durable_write_is_set_up_once_and_pays_by_the_byte() {
    let time = cost("cortex-m4-80mhz", Primitive::DurableWrite, 1, 128);
    assert_eq!(time, 85_000_000 + 128 * 10_250);
}

#[test]
fn energy_is_power_times_time() {
    // 27 mW for 1 ms are 27 uJ.
    assert_eq!(
        find("cortex-m4-80mhz").unwrap().energy_nj(1_000_000),
        27_000
    );
}

#[test]
fn every_named_device_class_is_there() {
    let wanted = [
        "arduino-library",
        "arduino-paper",
        "atmega328-16mhz",
        "cortex-m0plus-64mhz",
        "cortex-m3-84mhz",
        "cortex-m4-120mhz",
        "cortex-m4-80mhz",
        "cortex-m4-80mhz-hw",
        "cortex-m7-480mhz",
        "esp32-240mhz",
        "nrf52840-64mhz",
        "raspberry-pi-3",
        "raspberry-pi-4",
        "x86-server",
    ];
    assert_eq!(names().collect::<Vec<_>>(), wanted);
}

#[test]
fn published_speeds_come_back_in_their_own_units() {
    // Cycles a byte: 82 for AES and 70 for SHA-256 on the K64F at 120 MHz.
    let aes = cost("cortex-m4-120mhz", Primitive::Aes128Encrypt, 1000, 0) as f64;
    assert!((aes * 0.12 / 16_000.0 - 82.0).abs() < 1e-3, "{aes}");
    let sha = cost("cortex-m4-120mhz", Primitive::Sha256, 1, 55) as f64;
    assert!((sha * 0.12 / 64.0 - 70.0).abs() < 1e-3, "{sha}");
    // 17.3 MiB/s on the Cortex-M7.
    let aes = cost("cortex-m7-480mhz", Primitive::Aes128Encrypt, 65_536, 0) as f64;
    assert!((1e9 / aes - 17.3).abs() < 1e-3, "{aes}");
    // Directions cost differently where the code makes them differ.
    assert_eq!(
        cost("cortex-m3-84mhz", Primitive::Aes128Encrypt, 1, 0),
        106_400
    );
    assert_eq!(
        cost("cortex-m3-84mhz", Primitive::Aes128Decrypt, 1, 0),
        176_000
    );
}

#[test]
fn rsa_passes_through_both_measured_sizes() {
    let private = |bytes| cost("cortex-m4-120mhz", Primitive::RsaPrivate, 1, bytes);
    assert_eq!(private(256), 953_000_000);
    assert_eq!(private(512), 5_327_000_000);
    // Half an octave between: the geometric mean of the two, within one byte of rounding.
    let middle = private(362) as f64;
    assert!((middle / 2_253_151_000.0 - 1.0).abs() < 2e-3, "{middle}");
    // Beyond what was measured: the cube, from the nearer point.
    assert_eq!(private(1024), 8 * 5_327_000_000);
    assert_eq!(private(128), 953_000_000 / 8);
}

#[test]
fn factors_scale_computing_and_leave_storage_alone() {
    let plain = find("cortex-m4-80mhz").unwrap();
    let slow = plain.with_factors(Factors {
        symmetric: 1.5,
        public_key: 3.0,
    });
    let of = |profile: &Profile, primitive| {
        profile.cost_ns(&Operation {
            primitive,
            phase: 0,
            count: 1,
            bytes: 256,
        })
    };
    assert_eq!(
        of(&slow, Primitive::Sha256) * 2,
        of(&plain, Primitive::Sha256) * 3
    );
    assert_eq!(
        of(&slow, Primitive::RsaPublic),
        3 * of(&plain, Primitive::RsaPublic)
    );
    assert_eq!(
        of(&slow, Primitive::DurableWrite),
        of(&plain, Primitive::DurableWrite)
    );
    assert!(
        slow.assumption()
            .contains("1.5 (symmetric) and 3 (public key)")
    );
}
