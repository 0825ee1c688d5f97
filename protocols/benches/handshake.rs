//! What the machines add to the cryptography of a `secure-vault` handshake (8 keys of 128 bits,
//! challenges of 4, AES-CBC, HMAC-SHA-512).
//!
//! Four contestants do the same handshake: the primitives called directly from their crates; the
//! same calls through the metered facade; the facade and the hashes that name runs, sessions and
//! states for observers; the machines themselves, with decoding, storage and effects. That the
//! facade's calls are those of the machines is checked by comparing their meters. Contestants run in
//! turn, and the best of several rounds counts.
//!
//! ```text
//! cargo bench -p protocols --bench handshake
//! ```

#![allow(missing_docs, clippy::print_stdout)]
use std::hint::black_box;

use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use protocols::crypto::{Crypto, fingerprint, pkcs7_pad, pkcs7_unpad, tag};
use protocols::entropy::{Entropy, uniform};
use protocols::meter::{Primitive, Totals};
use protocols::parameter::Values;
use protocols::registry::{Column, find};
use protocols::roster::{Group, Party, ProvisionSink, Roster, Streams};
use protocols::secure_vault::{AUTHENTICATE_COMMAND, DEVICE, Device, SERVER, Server};
use protocols::storage::{MemoryStorage, Record, Write};
use protocols::testing::{Bench, sent};
use protocols::{Address, Effect, Output};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use sha2::Sha512;

#[path = "../../benches/support/clock.rs"]
mod clock;
use subtle::ConstantTimeEq as _;

/// Handshakes of one round of one contestant: so few that most rounds are not interrupted.
const HANDSHAKES: u32 = 500;
/// Rounds.
const ROUNDS: usize = 200;

const KEYS: usize = 8;
const KEY_BYTES: usize = 16;
const CHALLENGE: usize = 4;
/// Bytes of the plaintexts of M3 and M4.
const PLAIN3: usize = 3 * KEY_BYTES + 2 * CHALLENGE;
const PLAIN4: usize = 2 * KEY_BYTES;
/// Bytes of the bodies of M1 to M4: the data exchanged.
const BODIES: usize = 8 + 24 + 80 + 64;

const DEVICE_AT: Address = Address::new(1, 7701);
const SERVER_AT: Address = Address::new(2, 7701);

#[derive(Clone)]
struct Chacha(ChaCha8Rng);

impl Chacha {
    fn new() -> Self {
        Self(ChaCha8Rng::seed_from_u64(1))
    }
}

impl Entropy for Chacha {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }
}

struct OneStream;

impl Streams for OneStream {
    fn with(&mut self, _: &str, _: u32, _: &str, use_it: &mut dyn FnMut(&mut dyn Entropy)) {
        use_it(&mut Chacha::new());
    }
}

struct Stores([MemoryStorage; 2]);

impl ProvisionSink for Stores {
    fn put(&mut self, party: usize, record: Record, bytes: &[u8]) {
        self.0[party].apply(Write::Put(record, bytes));
    }
}

fn roster() -> Roster {
    let group = |name: &str, role, first| Group {
        name: name.to_owned(),
        role,
        params: Values::default(),
        first,
        count: 1,
    };
    let party = |host, role, group| Party {
        host,
        role,
        group,
        member: 0,
        ordinal: 1,
        neighbours: (group, group + 1),
    };
    Roster {
        groups: vec![group("device", DEVICE, 0), group("server", SERVER, 1)],
        parties: vec![party(1, DEVICE, 0), party(2, SERVER, 1)],
        neighbours: vec![1, 0],
    }
}

/// A device and its server.
struct Machines {
    device: Bench<Device, Chacha>,
    server: Bench<Server, Chacha>,
    totals: Totals,
}

impl Machines {
    fn new() -> Self {
        let protocol = find("secure-vault").expect("the registry has it");
        let instance = protocol
            .configure("as-published", &Values::default())
            .expect("defaults are good");
        let roster = roster();
        let mut stores = Stores(Default::default());
        instance.provision(&roster, &mut OneStream, &mut stores);
        let [device_storage, server_storage] = stores.0;
        let (Column::SecureVaultDevice(mut devices), Column::SecureVaultServer(mut servers)) =
            (instance.machines(&roster, 0), instance.machines(&roster, 1))
        else {
            panic!("devices and servers stand in their columns");
        };
        Self {
            device: Bench::new(devices.remove(0), device_storage, Chacha::new()),
            server: Bench::new(servers.remove(0), server_storage, Chacha::new()),
            totals: Totals::default(),
        }
    }

    fn count(&mut self) {
        for crypto in [&self.device.crypto, &self.server.crypto] {
            for operation in crypto.meter.operations() {
                self.totals.add(operation);
            }
        }
    }

    /// One handshake; `counts` adds what the two compute in the last two calls to the totals.
    fn handshake(&mut self, counts: bool) {
        let m1 = sent(self.device.command(AUTHENTICATE_COMMAND, None, &[]));
        // A device in a session ends it first: the frame is the last one.
        let m1 = m1.last().expect("M1");
        if counts {
            self.count();
        }
        let m2 = sent(self.server.message(DEVICE_AT, SERVER_AT, m1));
        if counts {
            self.device.crypto.meter.clear();
            self.count();
        }
        let m3 = sent(self.device.message(SERVER_AT, DEVICE_AT, &m2[0]));
        if counts {
            self.server.crypto.meter.clear();
            self.count();
        }
        let m4 = sent(self.server.message(DEVICE_AT, SERVER_AT, &m3[0]));
        if counts {
            self.device.crypto.meter.clear();
            self.count();
        }
        let said = self.device.message(SERVER_AT, DEVICE_AT, &m4[0]);
        let accepted = |effect| matches!(effect, Effect::Output(Output::Accepted { .. }));
        assert!(said.iter().any(accepted), "an honest handshake");
        if counts {
            self.server.crypto.meter.clear();
            self.count();
        }
        self.device
            .command(protocols::secure_vault::ABORT, None, &[]);
    }
}

/// Draws a challenge: distinct indices, sorted.
fn draw(entropy: &mut impl Entropy, mut meter: impl FnMut(usize)) -> [u8; CHALLENGE] {
    let mut all = [0, 1, 2, 3, 4, 5, 6, 7];
    for taken in 0..CHALLENGE {
        meter(1);
        let distance = uniform(entropy, (KEYS - taken) as u64) as usize;
        all.swap(taken, taken + distance);
    }
    let mut drawn = [all[0], all[1], all[2], all[3]];
    drawn.sort_unstable();
    drawn
}

type Key = [u8; KEY_BYTES];

fn rows(vault: &[u8], challenge: [u8; CHALLENGE]) -> [&[u8]; CHALLENGE] {
    challenge.map(|index| &vault[usize::from(index) * KEY_BYTES..][..KEY_BYTES])
}

/// The primitives of one handshake, from their crates.
struct Direct {
    entropy: Chacha,
    vaults: [Vec<u8>; 2],
}

impl Direct {
    fn new() -> Self {
        Self {
            entropy: Chacha::new(),
            vaults: [vec![1; KEYS * KEY_BYTES], vec![1; KEYS * KEY_BYTES]],
        }
    }

    fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    fn combined(&self, end: usize, challenge: [u8; CHALLENGE]) -> Key {
        let [first, rest @ ..] = rows(&self.vaults[end], challenge);
        let mut key: Key = first.try_into().expect("a row");
        for row in rest {
            xor(&mut key, row);
        }
        key
    }

    fn update(&mut self, end: usize, data: &[u8]) {
        let mut mac = Hmac::<Sha512>::new_from_slice(data).expect("a key of any length");
        mac.update(&self.vaults[end]);
        let hash = mac.finalize().into_bytes();
        for part in self.vaults[end].chunks_mut(64) {
            xor(part, &hash);
        }
    }

    fn handshake(&mut self) {
        let _session: [u8; 4] = self.random();
        let c1 = draw(&mut self.entropy, |_| {});
        let r1: Key = self.random();
        let t1: Key = self.random();
        let r2: Key = self.random();
        let c2 = draw(&mut self.entropy, |_| {});
        let mut plain3 = [0; PLAIN3 + KEY_BYTES];
        plain3[..16].copy_from_slice(&r1);
        plain3[16..32].copy_from_slice(&t1);
        let k1 = self.combined(0, c1);
        let iv: Key = self.random();
        let sealed = cbc::Encryptor::<Aes128>::new(&k1.into(), &iv.into())
            .encrypt_padded::<Pkcs7>(&mut plain3, PLAIN3)
            .expect("room for the padding")
            .len();

        let k1 = self.combined(1, c1);
        let opened = cbc::Decryptor::<Aes128>::new(&k1.into(), &iv.into())
            .decrypt_padded::<Pkcs7>(&mut plain3[..sealed])
            .expect("sealed above");
        assert!(bool::from(opened[..16].ct_eq(&r1)));
        let t2: Key = self.random();
        let mut t = t1;
        xor(&mut t, &t2);
        let mut key = self.combined(1, c2);
        xor(&mut key, &t1);
        let mut plain4 = [0; PLAIN4 + KEY_BYTES];
        plain4[..16].copy_from_slice(&r2);
        plain4[16..32].copy_from_slice(&t2);
        let iv: Key = self.random();
        let sealed = cbc::Encryptor::<Aes128>::new(&key.into(), &iv.into())
            .encrypt_padded::<Pkcs7>(&mut plain4, PLAIN4)
            .expect("room for the padding")
            .len();
        let data = [t[0]; BODIES];
        self.update(1, &data);

        let mut key = self.combined(0, c2);
        xor(&mut key, &t1);
        let opened = cbc::Decryptor::<Aes128>::new(&key.into(), &iv.into())
            .decrypt_padded::<Pkcs7>(&mut plain4[..sealed])
            .expect("sealed above");
        assert!(bool::from(opened[..16].ct_eq(&r2)));
        let mut t = t1;
        xor(&mut t, &opened[16..]);
        self.update(0, &data);
        black_box(t);
    }
}

fn xor(into: &mut [u8], other: &[u8]) {
    for (byte, other) in into.iter_mut().zip(other) {
        *byte ^= other;
    }
}

/// The same calls through the facade.
struct Facade {
    entropy: Chacha,
    crypto: Crypto,
    vaults: [Vec<u8>; 2],
    buffer: Vec<u8>,
}

impl Facade {
    fn new() -> Self {
        Self {
            entropy: Chacha::new(),
            crypto: Crypto::default(),
            vaults: [vec![1; KEYS * KEY_BYTES], vec![1; KEYS * KEY_BYTES]],
            buffer: Vec::new(),
        }
    }

    fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.crypto.meter.add(Primitive::Random, 1, N);
        self.entropy.fill(&mut bytes);
        bytes
    }

    fn draw(&mut self) -> [u8; CHALLENGE] {
        let meter = &mut self.crypto.meter;
        draw(&mut self.entropy, |bytes| {
            meter.add(Primitive::Random, 1, bytes);
        })
    }

    fn combined(&mut self, end: usize, challenge: [u8; CHALLENGE]) -> Key {
        let [first, rest @ ..] = rows(&self.vaults[end], challenge);
        let mut key: Key = first.try_into().expect("a row");
        self.crypto.xor_rows(&mut key, rest.into_iter());
        key
    }

    fn update(&mut self, end: usize, data: &[u8]) {
        let hash = self.crypto.hmac_sha512(data, &[&self.vaults[end]]);
        for part in self.vaults[end].chunks_mut(64) {
            self.crypto.xor(part, &hash);
        }
    }

    fn seal(&mut self, key: &Key, length: usize) -> Key {
        pkcs7_pad(&mut self.buffer, 0);
        assert!(self.buffer.len() > length);
        let iv = self.random();
        let key = self.crypto.aes_key(key);
        self.crypto.cbc_encrypt(&key, &iv, &mut self.buffer);
        iv
    }

    fn open(&mut self, key: &Key, iv: &Key, length: usize) {
        let key = self.crypto.aes_key(key);
        self.crypto.cbc_decrypt(&key, iv, &mut self.buffer);
        let opened = pkcs7_unpad(&self.buffer).expect("sealed above").len();
        assert_eq!(opened, length);
    }

    fn handshake(&mut self) {
        let _session: [u8; 4] = self.random();
        self.crypto.db_read();
        let c1 = self.draw();
        let r1: Key = self.random();
        let t1: Key = self.random();
        let r2: Key = self.random();
        let c2 = self.draw();
        self.buffer.clear();
        self.buffer.extend_from_slice(&r1);
        self.buffer.extend_from_slice(&t1);
        self.buffer.resize(PLAIN3, 0);
        let k1 = self.combined(0, c1);
        let iv = self.seal(&k1, PLAIN3);

        self.crypto.db_read();
        let k1 = self.combined(1, c1);
        self.open(&k1, &iv, PLAIN3);
        assert!(self.crypto.equal(&self.buffer[..16], &r1));
        let t2: Key = self.random();
        let mut t = t1;
        self.crypto.xor(&mut t, &t2);
        let mut key = self.combined(1, c2);
        self.crypto.xor(&mut key, &t1);
        self.buffer.clear();
        self.buffer.extend_from_slice(&r2);
        self.buffer.extend_from_slice(&t2);
        let iv = self.seal(&key, PLAIN4);
        let data = [t[0]; BODIES];
        self.update(1, &data);

        let mut key = self.combined(0, c2);
        self.crypto.xor(&mut key, &t1);
        self.open(&key, &iv, PLAIN4);
        assert!(self.crypto.equal(&self.buffer[..16], &r2));
        let mut t = t1;
        self.crypto.xor(&mut t, &self.buffer[16..32]);
        self.update(0, &data);
        black_box(t);
    }

    /// What both ends name for observers during the handshake.
    fn observed(&mut self) {
        let bodies = [self.vaults[0][0]; BODIES];
        let key = [self.vaults[0][1]; KEY_BYTES];
        for end in 0..2 {
            black_box(tag("run", &[&bodies[..112]]));
            black_box(tag("run", &[&bodies]));
            black_box(tag("session", &[&bodies]));
            black_box(tag("key-id", &[&key]));
            black_box(fingerprint(&[&self.vaults[end]]));
        }
    }
}

fn time(mut handshake: impl FnMut()) -> f64 {
    let spent = clock::measure(|| (0..HANDSHAKES).for_each(|_| handshake()));
    spent as f64 / f64::from(HANDSHAKES)
}

fn main() {
    let (mut direct, mut facade, mut observed) = (Direct::new(), Facade::new(), Facade::new());
    let mut machines = Machines::new();
    machines.handshake(true);
    facade.handshake();
    let mut totals = Totals::default();
    for operation in facade.crypto.meter.operations() {
        totals.add(operation);
    }
    let sums = |totals: &Totals| totals.iter().collect::<Vec<_>>();
    assert_eq!(sums(&totals), sums(&machines.totals), "the same primitives");

    let mut best = [f64::INFINITY; 4];
    for _ in 0..ROUNDS {
        let round = [
            time(|| direct.handshake()),
            time(|| {
                facade.crypto.meter.clear();
                facade.handshake();
            }),
            time(|| {
                observed.crypto.meter.clear();
                observed.handshake();
                observed.observed();
            }),
            time(|| machines.handshake(false)),
        ];
        best = [0, 1, 2, 3].map(|place| f64::min(best[place], round[place]));
    }
    let names = [
        "primitives, called directly",
        "primitives, through the facade",
        "facade and names for observers",
        "machines",
    ];
    for (name, ns) in names.iter().zip(best) {
        println!("{name:<32} {ns:>8.0} ns a handshake  x{:.3}", ns / best[0]);
    }
    println!(
        "crypto through the facade / direct: {:.3} (at most 1.100 wanted)",
        best[1] / best[0]
    );
}
