//! Requests that come again byte by byte. Such a one gets what it got before, without a look at what it says: it is not
//! parsed, not digested to a key, and its answer is not written out anew.

use crate::chat::Usage;
use crate::wire::Key;
use lru::LruCache;
use std::rc::Rc;

/// What a request costs besides its bytes and those of its answer: the list's links, the map's slot, the texts' lengths.
const OVERHEAD: usize = 320;

/// No request takes more of the bound than this part of it, so that one does not drive out all others.
const LARGEST_PART: usize = 8;

/// Requests that were answered from this worker's own memory, by recency, bounded in bytes.
#[derive(Debug)]
pub struct Repeats<A> {
    /// By the fingerprint of their bodies. Of two that share one, the later is kept.
    requests: LruCache<u64, Request<A>>,
    bytes: usize,
    max_bytes: usize,
}

/// What of a request shapes its answer, besides its body: of two that are the same it is equal.
pub trait Weigh: PartialEq {
    /// What it takes besides its own size.
    fn bytes(&self) -> usize;
}

/// An answer from the cache, as it was written out for one request.
#[derive(Debug)]
pub struct Written {
    /// The model that was asked for.
    pub asked: String,
    /// Who answered, and as which model.
    pub provider: String,
    pub model: String,
    pub usage: Option<Usage>,
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

impl Written {
    /// Whether it is told in events.
    pub(crate) fn is_stream(&self) -> bool {
        self.content_type.starts_with("text/event-stream")
    }
}

/// The entry of [`L1`](super::L1) that an answer was made of: it may be told again while that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub key: Key,
    pub serial: u64,
}

#[derive(Debug)]
struct Request<A> {
    asked: A,
    body: Vec<u8>,
    answer: Rc<Written>,
    origin: Origin,
}

impl<A: Weigh> Repeats<A> {
    /// Requests of at most `max_bytes`, overhead included; 0 keeps none.
    pub fn new(max_bytes: usize) -> Self {
        Self { requests: LruCache::unbounded(), bytes: 0, max_bytes }
    }

    /// What was answered to the same request, which is then the last to go.
    pub fn get(&mut self, asked: &A, body: &[u8]) -> Option<(Rc<Written>, Origin)> {
        let known = self.requests.get(&fingerprint(body))?;
        (known.asked == *asked && is_same(&known.body, body)).then(|| (known.answer.clone(), known.origin))
    }

    /// Keeps what a request was answered with; those that did not come for longest go for it.
    pub fn put(&mut self, asked: A, body: Vec<u8>, answer: Rc<Written>, origin: Origin) {
        let request = Request { asked, body, answer, origin };
        let weight = request.weight();
        if weight > self.max_bytes.checked_div(LARGEST_PART).unwrap_or(0) {
            return;
        }
        let fingerprint = fingerprint(&request.body);
        if let Some(known) = self.requests.pop(&fingerprint) {
            self.bytes = self.bytes.saturating_sub(known.weight());
        }
        while self.bytes.saturating_add(weight) > self.max_bytes
            && let Some((_, oldest)) = self.requests.pop_lru()
        {
            self.bytes = self.bytes.saturating_sub(oldest.weight());
        }
        self.bytes = self.bytes.saturating_add(weight);
        self.requests.push(fingerprint, request);
    }

    /// What is held, overhead included.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl<A: Weigh> Request<A> {
    fn weight(&self) -> usize {
        let Written { asked, provider, model, usage: _, content_type: _, body } = &*self.answer;
        let answer = [asked.len(), provider.len(), model.len(), body.capacity()];
        answer
            .iter()
            .fold(self.body.capacity(), |sum, part| sum.saturating_add(*part))
            .saturating_add(self.asked.bytes())
            .saturating_add(OVERHEAD)
    }
}

/// Bytes that are looked at together: four registers of a SIMD unit.
const AT_ONCE: usize = 64;

/// Different for different bodies, by all odds. Nothing rests on it but speed: bodies are compared whole.
fn fingerprint(body: &[u8]) -> u64 {
    // Fibonacci hashing, in lanes that do not wait for each other.
    const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |lane: u64, word: &[u8; 8]| (lane.rotate_left(29) ^ u64::from_le_bytes(*word)).wrapping_mul(MULTIPLIER);
    let (blocks, rest) = body.as_chunks::<AT_ONCE>();
    let mut lanes = [0_u64; AT_ONCE / 8];
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks().0) {
            *lane = mix(*lane, word);
        }
    }
    let mut sum = u64::try_from(body.len()).unwrap_or(0);
    for lane in lanes {
        sum = mix(sum, &lane.to_le_bytes());
    }
    rest.iter().fold(sum, |sum, byte| mix(sum, &u64::from(*byte).to_le_bytes()))
}

/// As `==`, which in a wasm module goes byte by byte.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let ((ones, one_rest), (others, other_rest)) = (one.as_chunks::<AT_ONCE>(), other.as_chunks::<AT_ONCE>());
    let is_same = |(one, other): (&[u8; AT_ONCE], &[u8; AT_ONCE])| {
        one.iter().zip(other).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
    };
    ones.iter().zip(others).all(is_same) && one_rest == other_rest
}
