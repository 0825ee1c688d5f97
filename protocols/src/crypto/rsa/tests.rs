//! The published PKCS #1 v2.1 OAEP vectors, and what the layers above rely on.
#![allow(clippy::unwrap_used)]

use super::cache::{KeyStore as _, MemoryKeyStore, PairName};
use super::pair::{Pair, generate};
use super::*;
use crate::entropy::Script;
use crate::meter::Totals;
use crate::testing::unhex;

/// Keys of oaep-vect.txt, examples 1 (1024 bits) and 10 (2048 bits), as pair records.
const KEY_1: &str =
    "00008000010001a8b3b284af8eb50b387034a860f146c4919f318763cd6c5598c8ae4811a1e0abc4
    c7e0b082d693a5e7fced675cf4668512772c0cbc64a742c6c630f533c8cc72f62ae833c40bf25842
    e984bb78bdbf97c0107d55bdb662f5c4e0fab9845cb5148ef7392dd3aaff93ae1e6b667bb3d42476
    16d4f5ba10d4cfd226de88d39f16fb53339cfdb79fc8466a655c7316aca85c55fd8f6dd898fdaf11
    9517ef4f52e8fd8e258df93fee180fa0e4ab29693cd83b152a553d4ac4d1812b8b9fa5af0e7f55fe
    7304df41570926f3311f15c4d65a732c483116ee3d3d2d0af3549ad9bf7cbfb78ad884f84d5beb04
    724dc7369b31def37d0cf539e9cfcdd3de653729ead5d1d32737e7267ffe1341b2d5c0d150a81b58
    6fb3132bed2f8d5262864a9cb9f30af38be448598d413a172efb802c21acf1c11c520c2f26a471dc
    ad212eac7ca39dcc8853d1d54da630fac004f471f281c7b8982d8224a490edbeb33d3e3d5cc93c47
    65703d1dd791642f1f116a0dd852be2419b2af72bfe9a030e860b0288b5d77";
const KEY_10: &str =
    "00010000010001ae45ed5601cec6b8cc05f803935c674ddbe0d75c4c09fd7951fc6b0caec313a8df
    39970c518bffba5ed68f3f0d7f22a4029d413f1ae07e4ebe9e4177ce23e7f5404b569e4ee1bdcf3c
    1fb03ef113802d4f855eb9b5134b5a7c8085adcae6fa2fa1417ec3763be171b0c62b760ede23c12a
    d92b980884c641f5a8fac26bdad4a03381a22fe1b754885094c82506d4019a535a286afeb271bb9b
    a592de18dcf600c2aeeae56e02f7cf79fc14cf3bdc7cd84febbbf950ca90304b2219a7aa063aefa2
    c3c1980e560cd64afe779585b6107657b957857efde6010988ab7de417fc88d8f384c4e6e72c3f94
    3e0c31c0c4a5cc36f879d8a3ac9d7d59860eaada6b83bb056b04216fe5f354ac77250a4b6b0c8525
    a85c59b0bd80c56450a22d5f438e596a333aa875e291dd43f48cb88b9d5fc0d499f9fcd1c397f9af
    c070cd9e398c8d19e61db7c7410a6b2675dfbf5d345b804d201add502d5ce2dfcb091ce9997bbebe
    57306f383e4d588103f036f7e85d1934d152a323e4a8db451d6f4a5b1b0f102cc150e02feee2b88d
    ea4ad4c1baccb24d84072d14e1d24a6771f7408ee30564fb86d4393a34bcf0b788501d193303f13a
    2284b001f0f649eaf79328d4ac5c430ab4414920a9460ed1b7bc40ec653e876d09abc509ae45b525
    190116a0c26101848298509c1c3bf3a483e7274054e15e97075036e989f60932807b5257751e79ec
    f5aecd1e5515fffacbd75a2816c6ebf49018cdfb4638e185d66a7396b6f8090f8018c7fd95cc34b8
    57dc17f0cc6516bb1346ab4d582cadad7b4103352387b70338d084047c9d9539b6496204b3dd6ea4
    42499207bec01f964287ff6336c3984658336846f56e46861881c10233d2176bf15a5e96ddc780bc
    868aa77d3ce769bc46c464fc6ac4ca783b0eb08a3c841b772f7e9b2f28babd588ae885e1a0c61e48
    58a0fb25ac299990f35be85164c259ba1175cdd7192707135184992b6c29b746dd0d2cabe142835f
    7d148cc161524b4a09946d48b828473f1ce76b6cb6886c345c03e05f41d51b5c3a90a3f24073c7d7
    4a4fe25d9cf21c75960f3fc3863183";

/// (text, seed, ciphertext) of examples 1.1 to 1.3.
const EXAMPLES_1: [(&str, &str, &str); 3] = [
    (
        "6628194e12073db03ba94cda9ef9532397d50dba79b987004afefe34",
        "18b776ea21069d69776a33e96bad48e1dda0a5ef",
        "354fe67b4a126d5d35fe36c777791a3f7ba13def484e2d3908aff722fad468fb21696de95d0be911
        c2d3174f8afcc201035f7b6d8e69402de5451618c21a535fa9d7bfc5b8dd9fc243f8cf927db31322
        d6e881eaa91a996170e657a05a266426d98c88003f8477c1227094a0d9fa1e8c4024309ce1ecccb5
        210035d47ac72e8a",
    ),
    (
        "750c4047f547e8e41411856523298ac9bae245efaf1397fbe56f9dd5",
        "0cc742ce4a9b7f32f951bcb251efd925fe4fe35f",
        "640db1acc58e0568fe5407e5f9b701dff8c3c91e716c536fc7fcec6cb5b71c1165988d4a279e1577
        d730fc7a29932e3f00c81515236d8d8e31017a7a09df4352d904cdeb79aa583adcc31ea698a4c052
        83daba9089be5491f67c1a4ee48dc74bbbe6643aef846679b4cb395a352d5ed115912df696ffe070
        2932946d71492b44",
    ),
    (
        "d94ae0832e6445ce42331cb06d531a82b1db4baad30f746dc916df24d4e3c2451fff59a6423eb0e1
        d02d4fe646cf699dfd818c6e97b051",
        "2514df4695755a67b288eaf4905c36eec66fd2fd",
        "423736ed035f6026af276c35c0b3741b365e5f76ca091b4e8c29e2f0befee603595aa8322d602d2e
        625e95eb81b2f1c9724e822eca76db8618cf09c5343503a4360835b5903bc637e3879fb05e0ef326
        85d5aec5067cd7cc96fe4b2670b6eac3066b1fcf5686b68589aafb7d629b02d8f8625ca3833624d4
        800fb081b1cf94eb",
    ),
];
/// (text, seed, ciphertext) of examples 10.1 and 10.2.
const EXAMPLES_10: [(&str, &str, &str); 2] = [
    (
        "8bba6bf82a6c0f86d5f1756e97956870b08953b06b4eb205bc1694ee",
        "47e1ab7119fee56c95ee5eaad86f40d0aa63bd33",
        "53ea5dc08cd260fb3b858567287fa91552c30b2febfba213f0ae87702d068d19bab07fe574523dfb
        42139d68c3c5afeee0bfe4cb7969cbf382b804d6e61396144e2d0e60741f8993c3014b58b9b1957a
        8babcd23af854f4c356fb1662aa72bfcc7e586559dc4280d160c126785a723ebeebeff71f1159444
        0aaef87d10793a8774a239d4a04c87fe1467b9daf85208ec6c7255794a96cc29142f9a8bd418e3c1
        fd67344b0cd0829df3b2bec60253196293c6b34d3f75d32f213dd45c6273d505adf4cced1057cb75
        8fc26aeefa441255ed4e64c199ee075e7f16646182fdb464739b68ab5daff0e63e9552016824f054
        bf4d3c8c90a97bb6b6553284eb429fcc",
    ),
    (
        "e6ad181f053b58a904f2457510373e57",
        "6d17f5b4c1ffac351d195bf7b09d09f09a4079cf",
        "a2b1a430a9d657e2fa1c2bb5ed43ffb25c05a308fe9093c01031795f5874400110828ae58fb9b581
        ce9dddd3e549ae04a0985459bde6c626594e7b05dc4278b2a1465c1368408823c85e96dc66c3a309
        83c639664fc4569a37fe21e5a195b5776eed2df8d8d361af686e750229bbd663f161868a50615e0c
        337bec0ca35fec0bb19c36eb2e0bbcc0582fa1d93aacdb061063f59f2ce1ee43605e5d89eca183d2
        acdfe9f81011022ad3b43a3dd417dac94b4e11ea81b192966e966b182082e71964607b4f8002f362
        99844a11f2ae0faeac2eae70f8f4f98088acdcd0ac556e9fccc511521908fad26f04c64201450305
        778758b0538bf8b5bb144a828e629795",
    ),
];

fn key(record: &str) -> PrivateKey {
    Pair::parse(&unhex(record)).unwrap().private_key().unwrap()
}

/// Entropy that counts requests and never repeats itself.
#[derive(Clone, Default)]
struct Counter {
    requests: Vec<usize>,
    state: u64,
}

impl Entropy for Counter {
    fn fill(&mut self, out: &mut [u8]) {
        self.requests.push(out.len());
        for byte in out {
            self.state = self
                .state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = self.state.to_be_bytes()[0];
        }
    }
}

#[test]
fn oaep_sha1_matches_the_published_vectors() {
    let mut crypto = Crypto::default();
    for (record, examples) in [(KEY_1, &EXAMPLES_1[..]), (KEY_10, &EXAMPLES_10[..])] {
        let key = key(record);
        for (text, seed, sealed) in examples {
            let mut out = vec![0xEE];
            let mut octets = Script::new(unhex(seed));
            crypto
                .rsa_seal(
                    &mut octets,
                    key.public(),
                    OaepHash::Sha1,
                    &unhex(text),
                    &mut out,
                )
                .unwrap();
            assert_eq!(out[1..], unhex(sealed));
            assert_eq!(octets.consumed(), 20);
            let opened = crypto.rsa_open(&key, OaepHash::Sha1, &unhex(sealed));
            assert_eq!(opened, Some(unhex(text)));
        }
    }
}

#[test]
fn the_longest_text_fits_and_one_byte_more_is_refused_before_anything_is_drawn() {
    for arithmetic in [Arithmetic::Real, Arithmetic::Modelled] {
        let record = match arithmetic {
            Arithmetic::Real => unhex(KEY_1),
            Arithmetic::Modelled => generate(&mut Counter::default(), 1024, 65537, arithmetic),
        };
        let key = Pair::parse(&record).unwrap().private_key().unwrap();
        for (hash, longest) in [(OaepHash::Sha1, 86), (OaepHash::Sha256, 62)] {
            let mut crypto = Crypto::default();
            let mut entropy = Counter::default();
            for length in [0, 1, longest] {
                let text = vec![0x01; length];
                let mut sealed = Vec::new();
                crypto
                    .rsa_seal(&mut entropy, key.public(), hash, &text, &mut sealed)
                    .unwrap();
                assert_eq!(sealed.len(), 128);
                assert_eq!(crypto.rsa_open(&key, hash, &sealed), Some(text));
            }
            assert_eq!(entropy.requests, vec![hash.size(); 3]);
            crypto.meter.clear();
            let refused = crypto.rsa_seal(
                &mut entropy,
                key.public(),
                hash,
                &vec![0; longest + 1],
                &mut Vec::new(),
            );
            assert_eq!(refused, Err(TextTooLong));
            assert_eq!(entropy.requests.len(), 3);
            assert!(crypto.meter.operations().is_empty());
        }
    }
    assert_eq!(OaepHash::Sha1.text_max(512), 470);
    assert_eq!(OaepHash::Sha256.text_max(512), 446);
}

#[test]
fn every_damaged_or_misdirected_block_is_refused_alike() {
    for arithmetic in [Arithmetic::Real, Arithmetic::Modelled] {
        let mut entropy = Counter::default();
        let records = [1, 2].map(|_| generate(&mut entropy, 1024, 3, arithmetic));
        let keys = records
            .each_ref()
            .map(|record| Pair::parse(record).unwrap().private_key().unwrap());
        let mut crypto = Crypto::default();
        let mut sealed = Vec::new();
        crypto
            .rsa_seal(
                &mut entropy,
                keys[0].public(),
                OaepHash::Sha1,
                b"text",
                &mut sealed,
            )
            .unwrap();
        assert!(crypto.rsa_open(&keys[0], OaepHash::Sha1, &sealed).is_some());
        assert_eq!(crypto.rsa_open(&keys[1], OaepHash::Sha1, &sealed), None);
        assert_eq!(
            crypto.rsa_open(&keys[0], OaepHash::Sha1, &sealed[1..]),
            None
        );
        assert_eq!(
            crypto.rsa_open(&keys[0], OaepHash::Sha1, &[0xFF; 128]),
            None
        );
        assert_eq!(crypto.rsa_open(&keys[0], OaepHash::Sha1, &[0; 128]), None);
        for byte in [0, 1, 30, 60, 127] {
            let mut damaged = sealed.clone();
            damaged[byte] ^= 0x10;
            assert_eq!(crypto.rsa_open(&keys[0], OaepHash::Sha1, &damaged), None);
        }
    }
}

#[test]
fn real_and_modelled_keys_meter_the_same() {
    let totals = [Arithmetic::Real, Arithmetic::Modelled].map(|arithmetic| {
        let record = generate(&mut Counter::default(), 1024, 65537, arithmetic);
        let key = Pair::parse(&record).unwrap().private_key().unwrap();
        let mut crypto = Crypto::default();
        let mut sealed = Vec::new();
        crypto
            .rsa_seal(
                &mut Counter::default(),
                key.public(),
                OaepHash::Sha256,
                b"text",
                &mut sealed,
            )
            .unwrap();
        crypto.rsa_open(&key, OaepHash::Sha256, &sealed).unwrap();
        let mut totals = Totals::default();
        crypto
            .meter
            .operations()
            .iter()
            .for_each(|one| totals.add(one));
        totals
    });
    assert_eq!(totals[0], totals[1]);
    assert_eq!(totals[0].of(Primitive::RsaPublic), (1, 128));
    assert_eq!(totals[0].of(Primitive::RsaPrivate), (1, 128));
    assert_eq!(totals[0].of(Primitive::Random), (1, 32));
}

#[test]
fn a_pair_is_a_function_of_its_stream_and_of_nothing_else() {
    let one = generate(&mut Counter::default(), 1024, 65537, Arithmetic::Real);
    let same = generate(&mut Counter::default(), 1024, 65537, Arithmetic::Real);
    assert_eq!(one, same);
    let mut other = Counter {
        state: 1,
        ..Counter::default()
    };
    assert_ne!(one, generate(&mut other, 1024, 65537, Arithmetic::Real));
    // Frozen: a change of the generating crate must not pass unnoticed.
    let digest = crate::crypto::sha256_unmetered(&[&one]);
    assert_eq!(digest[..8], unhex("6be6a6168ee701b8"));
    let pair = Pair::parse(&one).unwrap();
    assert_eq!((pair.modulus().len(), pair.exponent()), (128, 65537));
    assert!(pair.modulus()[0] & 0x80 != 0);
}

#[test]
fn a_key_that_no_honest_party_would_send_is_unacceptable() {
    let mut modulus = [0x55; 128];
    modulus[0] = 0x80;
    let acceptable = |modulus: &[u8], exponent| {
        [Arithmetic::Real, Arithmetic::Modelled]
            .map(|arithmetic| PublicKey::new(modulus, exponent, arithmetic).is_some())
    };
    assert_eq!(acceptable(&modulus, 3), [true; 2]);
    assert_eq!(acceptable(&modulus, u32::MAX), [true; 2]);
    assert_eq!(acceptable(&modulus, 1), [false; 2]);
    assert_eq!(acceptable(&modulus, 4), [false; 2]);
    assert_eq!(acceptable(&[0x7F; 128], 3), [false; 2]);
    assert_eq!(acceptable(&[0x80; 128], 3), [false; 2]);
    assert_eq!(acceptable(&[0xFF; 127], 3), [false; 2]);
    assert_eq!(acceptable(&[], 3), [false; 2]);
}

#[test]
fn a_store_returns_only_what_generation_would_give() {
    let head = [7; 32];
    let name = PairName::new(1024, 65537, &head);
    let pair = name.generate(&mut Counter::default());
    let mut store = MemoryKeyStore::default();
    store.save(&name.text(), &name.file(&pair));
    let file = store.load(&name.text()).unwrap();
    assert_eq!(name.pair(&file), Some(pair.as_slice()));
    for cut in 0..file.len() {
        assert_eq!(name.pair(&file[..cut]), None);
    }
    for place in (0..file.len()).step_by(13) {
        let mut damaged = file.clone();
        damaged[place] ^= 1;
        assert_eq!(name.pair(&damaged), None);
    }
    let other_stream = PairName::new(1024, 65537, &[8; 32]);
    let other_bits = PairName::new(2048, 65537, &head);
    let other_exponent = PairName::new(1024, 3, &head);
    for other in [other_stream, other_bits, other_exponent] {
        assert_ne!(other.text(), name.text());
        assert_eq!(other.pair(&file), None, "a file under another name");
    }
    assert_eq!(other_bits.pair(&other_bits.file(&pair)), None);
    assert_eq!(other_exponent.pair(&other_exponent.file(&pair)), None);
    assert_eq!(name.pair(&name.file(b"no pair")), None);
    let mut wrong = pair;
    wrong[200] ^= 1;
    assert_eq!(name.pair(&name.file(&wrong)), None);
}
