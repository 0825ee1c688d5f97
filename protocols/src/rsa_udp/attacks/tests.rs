use super::wire::{ConnectParts, EncryptParts, PassParts, Wire};
use super::*;
use crate::parameter::{Value, Values};

fn params(variant: &str) -> Params {
    let mut values = Values::default();
    values.set("rsa_bits", Value::Integer(1024));
    Params::new(variant, &values).expect("the values fit")
}

fn modulus() -> Vec<u8> {
    let mut modulus = vec![0x5A; 128];
    modulus[0] = 0xC3;
    modulus[127] = 0x0F;
    modulus
}

#[test]
fn every_variant_reads_the_frames_that_it_writes() {
    for variant in ["as-published", "literal", "hardened"] {
        let wire = Wire::new(&params(variant));
        let connect = ConnectParts {
            salt: [7; 16],
            number: 12,
            name: b"dev1".to_vec(),
        };
        let frame = wire.connect_frame(&connect);
        assert_eq!(wire.connect(&frame), Some(connect), "{variant}");
        let pass = PassParts {
            number: 12,
            login_hash: [0xAB; 32],
            client_salt: [9; 16],
            dh_public: 4711,
            exponent: 65_537,
            modulus: modulus(),
            user: b"user1".to_vec(),
        };
        let frame = wire.pass_frame(&pass);
        assert_eq!(wire.pass(&frame), Some(pass), "{variant}");
        assert_eq!(wire.encrypt(&frame), None, "{variant}");
        let encrypt = EncryptParts {
            server_hash: [0xCD; 32],
            dh_public: 99,
            exponent: 65_537,
            modulus: modulus(),
        };
        let frame = wire.encrypt_frame(&encrypt);
        assert_eq!(wire.encrypt(&frame), Some(encrypt), "{variant}");
        for bytes in [
            &b""[..],
            &[0xFF; 40],
            b"ACK:PASS,",
            &frame[..frame.len() / 2],
        ] {
            assert_eq!(wire.pass(bytes), None);
            assert_eq!(wire.connect(bytes), None);
        }
    }
}

#[test]
fn every_attack_that_is_declared_is_built() {
    let instance = crate::registry::find("rsa-udp")
        .expect("it is registered")
        .configure("as-published", &Values::default())
        .expect("the defaults fit");
    let params = params("as-published");
    for spec in SPECS {
        let cases = spec.cases.iter().map(|case| Some(*case));
        for case in cases.chain([None]) {
            let setup = Setup {
                instance: &*instance,
                roster: &crate::roster::Roster::default(),
                near: &[],
                seat: None,
                own_host: crate::attack::OWN_HOSTS,
                case,
                params: &Values::default(),
                lacks: &[],
            };
            assert!(build(&params, spec.id, &setup).is_ok(), "{}", spec.id);
        }
        assert!(!spec.help.is_empty() && !spec.properties.is_empty());
    }
    assert_eq!(SPECS.len(), 36);
}
