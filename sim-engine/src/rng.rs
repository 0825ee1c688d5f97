//! Random streams addressed by structural names.
//!
//! Every random number is a function of the root seed, of the *name* of what needs it, and of a
//! position that the user of the stream counts itself. Nothing depends on the order in which
//! entities are created or draw, so adding a node, a link, a metric or an adversary moves nobody
//! else's numbers.
//!
//! The generator is ChaCha with 8 rounds (`rand_chacha`): the root seed and the replication number
//! give the key ([`Seed`]), the name gives the 64-bit stream id ([`StreamName`]), and the position
//! gives the block counter. A block of 64 bytes holds [`DRAWS_PER_BLOCK`] draws of 64 bits.

use std::convert::Infallible;
use std::fmt;

use rand_chacha::{ChaCha8Rng, ChaCha20Rng};
use rand_core::{Rng, SeedableRng, TryCryptoRng, TryRng};

use crate::fingerprint::fold;

/// 64-bit draws in one ChaCha block.
pub const DRAWS_PER_BLOCK: usize = 8;
/// 32-bit words in one ChaCha block.
const WORDS_PER_BLOCK: u128 = 16;

/// The key of all streams of one run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// The seed of one replication of a scenario.
    #[must_use]
    pub fn new(root_seed: u64, replication: u64) -> Self {
        let mut input = [0u8; 32];
        input[..8].copy_from_slice(&root_seed.to_le_bytes());
        input[8..16].copy_from_slice(&replication.to_le_bytes());
        // The key is drawn rather than copied, so that neighbouring seeds share no key bits, and
        // with all 20 rounds, since it is done once.
        let mut key = [0u8; 32];
        ChaCha20Rng::from_seed(input).fill_bytes(&mut key);
        Self(key)
    }

    /// A source of all streams of this seed.
    #[must_use]
    pub fn streams(&self) -> Streams {
        Streams {
            generator: ChaCha8Rng::from_seed(self.0),
            block: [0; DRAWS_PER_BLOCK],
            stream: 0,
            number: None,
        }
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seed({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// The structural name of a stream: the kind of entity, its name, its index, its purpose.
///
/// Parts are digested one by one into 128 bits, with their kind and length, so `("a", "bc")` and
/// `("ab", "c")` differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamName([u64; 2]);

impl StreamName {
    /// Starts the name of an entity of the given kind, such as `"node"` or `"link"`.
    #[must_use]
    pub const fn new(kind: &str) -> Self {
        Self([0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344]).text(kind)
    }

    /// Adds a text part: a group's name, a purpose.
    #[must_use]
    pub const fn text(self, part: &str) -> Self {
        let bytes = part.as_bytes();
        let mut name = self.word(bytes.len() as u64, 0x9E37_79B9_7F4A_7C15);
        let mut at = 0;
        while at < bytes.len() {
            let mut word = 0u64;
            let mut shift = 0;
            while shift < 64 && at < bytes.len() {
                word |= (bytes[at] as u64) << shift;
                shift += 8;
                at += 1;
            }
            name = name.word(word, 0xC2B2_AE3D_27D4_EB4F);
        }
        name
    }

    /// Adds a number: an index within a group, the digest of another name.
    #[must_use]
    pub const fn index(self, part: u64) -> Self {
        self.word(part, 0xD6E8_FEB8_6659_FD93)
    }

    /// The 64-bit stream id.
    #[must_use]
    pub const fn id(self) -> u64 {
        let [a, b] = self.0;
        fold(a ^ 0xA0761D6478BD642F, b ^ 0xE7037ED1A0B428DB) ^ b.rotate_left(17)
    }

    /// Mixes one word into both lanes. Each lane keeps what the other lost in its product.
    const fn word(self, word: u64, tag: u64) -> Self {
        let [a, b] = self.0;
        let x = fold(a ^ word, tag);
        let y = fold(b.wrapping_add(word), tag.rotate_left(29) | 1);
        Self([x.wrapping_add(b.rotate_left(31)), y ^ a.rotate_left(11)])
    }
}

/// The streams of one seed, behind one generator that is moved from stream to stream.
///
/// An expanded generator takes 300 bytes, a position 8; so a million entities keep positions and
/// share the generator.
#[derive(Clone)]
pub struct Streams {
    generator: ChaCha8Rng,
    block: [u64; DRAWS_PER_BLOCK],
    /// Stream of `block`, and of the generator if `number` is known.
    stream: u64,
    /// Number of the block in `block`; `None` if the generator stands elsewhere.
    number: Option<u64>,
}

impl Streams {
    /// The block `number` of a stream: eight independent draws of 64 bits.
    ///
    /// Consecutive blocks of one stream are cheap, since the generator makes four at a time.
    #[inline]
    pub fn block(&mut self, stream: u64, number: u64) -> &[u64; DRAWS_PER_BLOCK] {
        match self.number {
            Some(current) if stream == self.stream && current == number => return &self.block,
            Some(current) if stream == self.stream && current.wrapping_add(1) == number => {}
            _ => self.position(stream, u128::from(number) * WORDS_PER_BLOCK),
        }
        let mut bytes = [0u8; DRAWS_PER_BLOCK * 8];
        self.generator.fill_bytes(&mut bytes);
        let (words, _) = bytes.as_chunks::<8>();
        for (draw, word) in self.block.iter_mut().zip(words) {
            *draw = u64::from_le_bytes(*word);
        }
        self.stream = stream;
        self.number = Some(number);
        &self.block
    }

    /// A reader that goes on where `state` stopped. It costs nothing until the first draw.
    pub const fn reader<'a>(
        &'a mut self,
        stream: u64,
        state: &'a mut LazyStream,
    ) -> StreamReader<'a> {
        StreamReader {
            streams: self,
            state,
            stream,
            positioned: false,
        }
    }

    /// Whether anything was ever drawn.
    #[cfg(test)]
    pub(crate) fn is_used(&self) -> bool {
        self.number.is_some() || self.generator.get_word_pos() != 0
    }

    fn position(&mut self, stream: u64, word: u128) {
        // Position 0 first: changing the stream in the middle of a block would compute that block
        // of the new stream, only to throw it away.
        self.generator.set_word_pos(0);
        self.generator.set_stream(stream);
        self.generator.set_word_pos(word);
        self.number = None;
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

/// How far an entity has read its stream.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LazyStream {
    /// 32-bit words drawn so far.
    pub words_drawn: u64,
}

/// Reads one stream. Requests are rounded up to whole 32-bit words.
#[derive(Debug)]
pub struct StreamReader<'a> {
    streams: &'a mut Streams,
    state: &'a mut LazyStream,
    stream: u64,
    positioned: bool,
}

impl StreamReader<'_> {
    fn advance(&mut self, words: u64) -> &mut ChaCha8Rng {
        if !self.positioned {
            self.streams
                .position(self.stream, u128::from(self.state.words_drawn));
            self.positioned = true;
        }
        self.state.words_drawn = self.state.words_drawn.wrapping_add(words);
        &mut self.streams.generator
    }
}

impl TryRng for StreamReader<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.advance(1).next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let low = self.advance(2).next_u32();
        let high = self.streams.generator.next_u32();
        Ok(u64::from(high) << 32 | u64::from(low))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let (words, rest) = bytes.as_chunks_mut::<4>();
        let count = words.len() + usize::from(!rest.is_empty());
        if count == 0 {
            return Ok(());
        }
        let generator = self.advance(count as u64);
        generator.fill_bytes(words.as_flattened_mut());
        if !rest.is_empty() {
            let last = generator.next_u32().to_le_bytes();
            rest.copy_from_slice(&last[..rest.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for StreamReader<'_> {}

/// A probability as an integer threshold, so that no rounding decides an outcome.
///
/// 0 never happens and 1 always, whatever is drawn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Probability(u64);

impl Probability {
    /// Never happens.
    pub const NEVER: Self = Self(0);
    /// Always happens.
    pub const ALWAYS: Self = Self(u64::MAX);

    /// A probability from 0 to 1, `None` for anything else.
    #[must_use]
    pub fn new(p: f64) -> Option<Self> {
        if p == 1.0 {
            return Some(Self::ALWAYS);
        }
        // 2^64 p: exact, since scaling by a power of two rounds nothing; the cast truncates.
        (0.0..1.0)
            .contains(&p)
            .then_some(Self((p * 18_446_744_073_709_551_616.0) as u64))
    }

    /// Whether a draw of 64 random bits falls into the event.
    #[inline]
    #[must_use]
    pub const fn accepts(self, draw: u64) -> bool {
        draw < self.0 || self.is_certain()
    }

    /// Whether it is 1.
    #[inline]
    #[must_use]
    pub const fn is_certain(self) -> bool {
        self.0 == u64::MAX
    }

    /// Whether it is 0.
    #[inline]
    #[must_use]
    pub const fn is_never(self) -> bool {
        self.0 == 0
    }

    /// The value between 0 and 1.
    #[must_use]
    pub fn value(self) -> f64 {
        if self.is_certain() {
            1.0
        } else {
            self.0 as f64 / 18_446_744_073_709_551_616.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(streams: &mut Streams, stream: u64, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let mut state = LazyStream::default();
        streams.reader(stream, &mut state).fill_bytes(&mut bytes);
        bytes
    }

    #[test]
    fn a_stream_read_in_pieces_is_the_stream_read_at_once() {
        let mut streams = Seed::new(1, 2).streams();
        let whole = bytes_of(&mut streams, 77, 4096);
        let mut state = LazyStream::default();
        let mut pieces = Vec::new();
        let mut length = 0;
        while pieces.len() < 4000 {
            length = (length * 5 + 4) % 252;
            let mut piece = vec![0; length];
            streams.reader(77, &mut state).fill_bytes(&mut piece);
            pieces.extend_from_slice(&piece);
            // Somebody else draws in between.
            streams.block(3, 9);
            pieces.extend_from_slice(&streams.reader(77, &mut state).next_u64().to_le_bytes());
            pieces.extend_from_slice(&streams.reader(77, &mut state).next_u32().to_le_bytes());
        }
        assert_eq!(pieces[..4000], whole[..4000]);
    }

    #[test]
    fn a_request_is_rounded_up_to_whole_words() {
        let mut streams = Seed::new(1, 2).streams();
        for (length, words) in [(0, 0), (1, 1), (4, 1), (5, 2), (33, 9)] {
            let mut state = LazyStream::default();
            streams
                .reader(5, &mut state)
                .fill_bytes(&mut vec![0; length]);
            assert_eq!(state.words_drawn, words);
        }
    }

    #[test]
    fn a_block_does_not_depend_on_what_was_read_before() {
        let mut streams = Seed::new(4, 0).streams();
        let expected: Vec<[u64; 8]> = (0..20)
            .map(|number| *Seed::new(4, 0).streams().block(11, number))
            .collect();
        for number in [0usize, 1, 2, 3, 4, 5, 5, 19, 3, 4, 18, 0] {
            assert_eq!(*streams.block(11, number as u64), expected[number]);
            if number % 3 == 0 {
                streams.block(12, number as u64 + 1);
            }
        }
        let flat: Vec<u8> = expected
            .iter()
            .flatten()
            .flat_map(|draw| draw.to_le_bytes())
            .collect();
        assert_eq!(
            flat,
            bytes_of(&mut streams, 11, flat.len()),
            "blocks and readers agree"
        );
    }

    /// The published vector for 20 rounds pins the layout of key, stream and position.
    #[test]
    fn the_generator_is_chacha() {
        let mut generator = ChaCha20Rng::from_seed([0; 32]);
        assert_eq!(generator.next_u32(), 0xADE0_B876);
        assert_eq!(generator.next_u32(), 0x903D_F1A0);
    }

    #[test]
    fn seeds_and_replications_have_nothing_in_common() {
        let first = |root, replication| Seed::new(root, replication).streams().block(0, 0)[0];
        let mut draws = vec![
            first(1, 0),
            first(0, 1),
            first(1, 1),
            first(2, 0),
            first(0, 0),
        ];
        draws.sort_unstable();
        draws.dedup();
        assert_eq!(draws.len(), 5);
    }

    #[test]
    fn names_differ_in_every_part_and_in_its_borders() {
        let name = || StreamName::new("node");
        let mut ids = vec![
            name().id(),
            name().text("ab").text("c").id(),
            name().text("a").text("bc").id(),
            name().text("abc").id(),
            name().text("abc").text("").id(),
            name().text("abc\0").id(),
            StreamName::new("nodeabc").id(),
        ];
        ids.extend((0..10_000).map(|index| name().text("device").index(index).id()));
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn a_probability_of_zero_never_happens_and_one_always() {
        let (never, always) = (Probability::new(0.0), Probability::new(1.0));
        for draw in [0, 1, u64::MAX - 1, u64::MAX] {
            assert_eq!(never.map(|p| p.accepts(draw)), Some(false));
            assert_eq!(always.map(|p| p.accepts(draw)), Some(true));
        }
        assert_eq!(Probability::new(0.25).map(Probability::value), Some(0.25));
        assert_eq!(
            Probability::new(0.5).map(|p| p.accepts((1 << 63) - 1)),
            Some(true)
        );
        assert_eq!(
            Probability::new(0.5).map(|p| p.accepts(1 << 63)),
            Some(false)
        );
        for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Probability::new(wrong), None);
        }
    }
}
