//! What the filter and the sidecar say to each other: CBOR with numbered fields, over HTTP on the sidecar's port.
//!
//! A field that one side does not know is skipped, one that is missing is its default, so a filter and a sidecar of
//! different versions understand each other as long as [`VERSION`] is the same: it is part of each path, and a newer
//! sidecar keeps the older paths. A number is never given to another field.
//!
//! Times are durations in milliseconds: the two clocks need not agree. Only a [`Traced`] request tells when it came: in a
//! trace each span has the time of who saw it.

use minicbor::{CborLen, Decode, Encode};

/// Of these messages.
pub const VERSION: u32 = 1;

/// [`Ask`], answered by [`Answer`]: on a request's way, so it is answered at once.
pub const ASK: &str = "/filter/v1/ask";
/// [`Wait`], answered by [`Found`] when there is one, or the time is over.
pub const WAIT: &str = "/filter/v1/wait";
/// [`Put`], answered by nothing.
pub const PUT: &str = "/filter/v1/put";
/// [`Beat`], answered by [`Beaten`]: nobody waits for it.
pub const BEAT: &str = "/filter/v1/beat";

/// The longest message that either side reads, in bytes.
pub const MAX_BYTES: usize = 4 << 20;

/// Which cached answer: a SHA-256.
pub type Key = minicbor::bytes::ByteArray<32>;

/// What a request needs that this Envoy does not have.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, CborLen)]
pub struct Ask {
    /// Which Envoy: a number that no other has.
    #[n(0)]
    pub envoy: u64,
    #[n(1)]
    pub lookup: Option<Lookup>,
    /// Each is granted as a whole or not at all.
    #[n(2)]
    #[cbor(default)]
    pub leases: Vec<LeaseAsk>,
}

/// A look into the cache.
#[derive(Clone, Debug, PartialEq, Encode, Decode, CborLen)]
pub struct Lookup {
    #[n(0)]
    pub key: Key,
    /// Who asks, so that it can lead, and give the lead back: a number of its own.
    #[n(1)]
    pub token: u64,
    /// Whether it would ask a provider if there is no answer; else it only looks.
    #[n(2)]
    pub leads: bool,
}

/// What a look brought.
#[derive(Clone, Debug, PartialEq, Encode, Decode, CborLen)]
pub enum Found {
    /// Nothing, and there is nobody to wait for: it was only a look; or, after a [`Wait`], the store is out of order or too
    /// many wait.
    #[n(0)]
    Miss,
    #[n(1)]
    Hit(#[n(0)] Hit),
    /// Nothing. Who asked leads: others that ask the same wait for its [`Put`].
    #[n(2)]
    Lead,
    /// Another request is about to bring it: [`Wait`].
    #[n(3)]
    Follow,
}

/// A cached answer.
#[derive(Clone, Debug, PartialEq, Encode, Decode, CborLen)]
pub struct Hit {
    /// As it was put.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub value: Vec<u8>,
    /// Milliseconds since it was put.
    #[n(1)]
    pub age: u64,
    /// Milliseconds for which it may still be served.
    #[n(2)]
    pub left: u64,
}

/// The answer to an [`Ask`].
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, CborLen)]
pub struct Answer {
    /// To its lookup; none when the store is out of order.
    #[n(0)]
    pub found: Option<Found>,
    /// To its leases, in their order; empty when the store is out of order.
    #[n(1)]
    #[cbor(default)]
    pub leases: Vec<Leased>,
}

/// A follower waits for the leader's answer.
#[derive(Clone, Debug, PartialEq, Encode, Decode, CborLen)]
pub struct Wait {
    #[n(0)]
    pub key: Key,
    /// It leads by this if the leader gives up.
    #[n(1)]
    pub token: u64,
    /// At most so long, in milliseconds; then [`Found::Follow`].
    #[n(2)]
    pub millis: u64,
}

/// A leader is done.
#[derive(Clone, Debug, PartialEq, Encode, Decode, CborLen)]
pub struct Put {
    #[n(0)]
    pub key: Key,
    /// By which it leads; a put without the lead (a refresh) is 0.
    #[n(1)]
    pub token: u64,
    /// None: it has no answer, and another may lead.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub value: Option<Vec<u8>>,
    /// Milliseconds for which it may be served.
    #[n(3)]
    pub ttl: u64,
}

/// Limits that one request needs, debited all or none.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, CborLen)]
pub struct LeaseAsk {
    #[n(0)]
    #[cbor(default)]
    pub limits: Vec<LimitAsk>,
}

/// One limit, and this Envoy's account of it. The counts are totals since the Envoy started, so that a message that is
/// lost or comes twice does no harm.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, CborLen)]
pub struct LimitAsk {
    /// `provider/openai/tokens`, `tenant/team-a/model/smart/requests`, …
    #[n(0)]
    pub id: String,
    #[n(1)]
    pub per_minute: u64,
    #[n(2)]
    pub burst: u64,
    /// Granted so far, as far as the Envoy has heard.
    #[n(3)]
    pub known: u64,
    /// Used for good. More than was granted is debited now, whether or not it is there.
    #[n(4)]
    pub spent: u64,
    /// Given back unused.
    #[n(5)]
    pub returned: u64,
    /// Nothing is granted unless so much is there.
    #[n(6)]
    pub need: u64,
    /// So much would be of use, the need included.
    #[n(7)]
    pub want: u64,
    /// The provider itself says that no more than this is left.
    #[n(8)]
    pub at_most: Option<u64>,
    /// Milliseconds until the store's bucket is full, by what the sidecar said last: one that was restarted, and its store
    /// with it, does not know.
    #[n(9)]
    pub full_in: Option<u64>,
}

/// The answer to a [`LeaseAsk`], limit by limit.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, CborLen)]
pub struct Leased {
    #[n(0)]
    #[cbor(default)]
    pub limits: Vec<LimitLeased>,
}

#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, CborLen)]
pub struct LimitLeased {
    /// In total, since the Envoy started. It may be less than the Envoy knows of: the sidecar has forgotten it.
    #[n(0)]
    pub granted: u64,
    /// What is left in the store.
    #[n(1)]
    pub level: u64,
    /// Milliseconds until the store's bucket is full.
    #[n(2)]
    pub full_in: u64,
    /// Milliseconds until the need is there, if nobody else takes it; 0 when it was granted.
    #[n(3)]
    pub wait: u64,
}

/// Once a second, and sooner when there is much to tell.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, CborLen)]
pub struct Beat {
    #[n(0)]
    pub envoy: u64,
    /// Which of its workers: a number that no other has.
    #[n(1)]
    pub worker: u64,
    /// Leads that are still needed.
    #[n(2)]
    #[cbor(default)]
    pub leads: Vec<Lead>,
    /// What was spent and is given back. A need of 0 asks only how things stand.
    #[n(3)]
    #[cbor(default)]
    pub leases: Vec<LeaseAsk>,
    /// In the order of their numbers.
    #[n(4)]
    #[cbor(default)]
    pub reports: Vec<Report>,
    /// Of the API keys that the worker has; 0 for none.
    #[n(5)]
    #[cbor(default)]
    pub keys_version: u64,
    /// Tenants whose budgets are watched.
    #[n(6)]
    #[cbor(default)]
    pub budgets: Vec<BudgetAsk>,
    /// Requests whose spans are to be exported. Each is told once, and lost if this message is.
    #[n(7)]
    #[cbor(default)]
    pub traces: Vec<Traced>,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode, CborLen)]
pub struct Lead {
    #[n(0)]
    pub key: Key,
    #[n(1)]
    pub token: u64,
}

/// How one request ended, or several that the cache answered. Counted once, however often it is told.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, CborLen)]
pub struct Report {
    /// Counts the reports of a worker, from 1.
    #[n(0)]
    pub number: u64,
    #[n(1)]
    pub tenant: Option<String>,
    /// The configured name that was asked for, or `direct`.
    #[n(2)]
    pub model: String,
    /// Who answered; None: nobody, or the cache.
    #[n(3)]
    pub provider: Option<String>,
    /// The provider's model id; `other` if the configuration does not name it.
    #[n(4)]
    pub provider_model: Option<String>,
    #[n(5)]
    pub input: u64,
    #[n(6)]
    pub output: u64,
    /// Parts of the input.
    #[n(7)]
    pub cached: u64,
    #[n(8)]
    pub cache_write: u64,
    /// A part of the output.
    #[n(9)]
    pub reasoning: u64,
    /// The tokens are an estimate.
    #[n(10)]
    #[cbor(default)]
    pub estimated: bool,
    /// None: the price is not known.
    #[n(11)]
    pub cost_microusd: Option<u64>,
    /// It was answered from the cache: the tokens are those that were saved.
    #[n(12)]
    #[cbor(default)]
    pub from_cache: bool,
    /// `ok`, `client_error`, `limited`, …: how it ended for the client.
    #[n(13)]
    #[cbor(default)]
    pub outcome: String,
    /// Milliseconds since it ended.
    #[n(14)]
    #[cbor(default)]
    pub age: u64,
    /// The request has been reported already: this is what a further attempt of it used.
    #[n(15)]
    #[cbor(default)]
    pub is_further: bool,
    /// So many more requests ended just like it; the tokens are those of all.
    #[n(16)]
    #[cbor(default)]
    pub more: u64,
    /// What the request is for, as OpenTelemetry names it: `chat`, `embeddings`, …
    #[n(17)]
    #[cbor(default)]
    pub operation: String,
    /// Attempts of it that have ended since its last report.
    #[n(18)]
    #[cbor(default)]
    pub attempts: Vec<Attempted>,
    /// In the one report that tells how the request ended for its client; [`Self::outcome`] says how.
    #[n(19)]
    pub request: Option<Timing>,
}

/// One try at a provider.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, CborLen)]
pub struct Attempted {
    #[n(0)]
    pub provider: String,
    /// The provider's model id; `other` if the configuration does not name it.
    #[n(1)]
    pub model: String,
    #[n(2)]
    #[cbor(default)]
    pub timing: Timing,
    /// Of a stream, the times between two chunks with content: how many in each bucket of [`GAPS`]. Empty buckets at
    /// the end are left out.
    #[n(3)]
    #[cbor(default)]
    pub gaps: Vec<u64>,
    /// Their sum, in milliseconds.
    #[n(4)]
    #[cbor(default)]
    pub gap_millis: u64,
    /// Why it failed: the name of a [`Class`](crate::failure::Class), or `cancelled`.
    #[n(5)]
    pub error: Option<String>,
    /// The report's tokens are those of this attempt.
    #[n(6)]
    #[cbor(default)]
    pub is_billed: bool,
}

/// How long something took, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Timing {
    #[n(0)]
    #[cbor(default)]
    pub millis: u64,
    /// Of a stream with content, until that began.
    #[n(1)]
    pub first: Option<u64>,
}

/// A trace's.
pub type Id = minicbor::bytes::ByteArray<16>;

/// One request whose trace is sampled, over now: for the span of the request and those of its attempts.
#[derive(Clone, Debug, PartialEq, Encode, Decode, CborLen)]
pub struct Traced {
    #[n(0)]
    pub trace: Id,
    /// The request's own span, and that of its client.
    #[n(1)]
    pub span: u64,
    #[n(2)]
    pub parent: Option<u64>,
    /// Milliseconds since 1970.
    #[n(3)]
    pub began: u64,
    #[n(4)]
    pub millis: u64,
    /// As OpenTelemetry names it.
    #[n(5)]
    pub operation: String,
    /// As the client named it, cut short. None: that was not known before it ended.
    #[n(6)]
    pub model: Option<String>,
    #[n(7)]
    pub tenant: Option<String>,
    /// Without its query, which may hold a key.
    #[n(8)]
    #[cbor(default)]
    pub path: String,
    /// Of HTTP; 0: there was no answer.
    #[n(9)]
    #[cbor(default)]
    pub status: u16,
    /// As in `weir_requests`.
    #[n(10)]
    #[cbor(default)]
    pub outcome: String,
    #[n(11)]
    pub stream: Option<bool>,
    /// `x-request-id`.
    #[n(12)]
    pub request_id: Option<String>,
    /// In the waiting room, in milliseconds.
    #[n(13)]
    #[cbor(default)]
    pub waited: u64,
    /// As in `weir_cache`.
    #[n(14)]
    pub cache: Option<String>,
    /// Of a stream with content, until that began, in milliseconds.
    #[n(15)]
    pub first: Option<u64>,
    /// Of all attempts.
    #[n(16)]
    pub tokens: Option<Tokens>,
    /// None: the price is not known.
    #[n(17)]
    pub cost_microusd: Option<u64>,
    /// Why the answer ended, in OpenAI's words.
    #[n(18)]
    pub finish: Option<String>,
    /// In order.
    #[n(19)]
    #[cbor(default)]
    pub tries: Vec<Try>,
    /// OpenTelemetry's `gen_ai.input.messages`; only of a tenant that wants it told.
    #[n(20)]
    pub prompt: Option<String>,
    /// Of its URL, as the client gave it.
    #[n(21)]
    pub scheme: Option<String>,
    /// The client's `tracestate`.
    #[n(22)]
    pub state: Option<String>,
    /// Whose answer came from the cache, and as which model.
    #[n(23)]
    pub answered: Option<String>,
    #[n(24)]
    pub answered_model: Option<String>,
}

impl Default for Traced {
    fn default() -> Self {
        Self {
            trace: Id::from([0; 16]),
            span: 0,
            parent: None,
            began: 0,
            millis: 0,
            operation: String::new(),
            model: None,
            tenant: None,
            path: String::new(),
            status: 0,
            outcome: String::new(),
            stream: None,
            request_id: None,
            waited: 0,
            cache: None,
            first: None,
            tokens: None,
            cost_microusd: None,
            finish: None,
            tries: Vec::new(),
            prompt: None,
            scheme: None,
            state: None,
            answered: None,
            answered_model: None,
        }
    }
}

/// As in a [`Report`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Tokens {
    #[n(0)]
    pub input: u64,
    #[n(1)]
    pub output: u64,
    #[n(2)]
    #[cbor(default)]
    pub cached: u64,
    #[n(3)]
    #[cbor(default)]
    pub cache_write: u64,
    #[n(4)]
    #[cbor(default)]
    pub reasoning: u64,
}

/// One attempt of a [`Traced`] request. Times are in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Try {
    #[n(0)]
    pub span: u64,
    #[n(1)]
    pub provider: String,
    /// The provider's model id.
    #[n(2)]
    pub model: String,
    /// From the request's beginning on.
    #[n(3)]
    #[cbor(default)]
    pub after: u64,
    #[n(4)]
    #[cbor(default)]
    pub millis: u64,
    /// Of a stream with content, until that began.
    #[n(5)]
    pub first: Option<u64>,
    /// As in [`Attempted::error`].
    #[n(6)]
    pub error: Option<String>,
    /// None: it was not paid for.
    #[n(7)]
    pub tokens: Option<Tokens>,
    /// Its answer went to the client, whether or not that came to its end.
    #[n(8)]
    #[cbor(default)]
    pub is_served: bool,
}

/// Upper bounds of the buckets of [`Attempted::gaps`] but the last, in milliseconds, inclusive: OpenTelemetry's for the
/// durations of generative AI.
pub const GAPS: [u64; 14] = [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120, 10_240, 20_480, 40_960, 81_920];

#[derive(Clone, Debug, PartialEq, Encode, Decode, CborLen)]
pub struct BudgetAsk {
    #[n(0)]
    pub tenant: String,
    /// Of a month, else of a day.
    #[n(1)]
    pub monthly: bool,
}

/// The answer to a [`Beat`].
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, CborLen)]
pub struct Beaten {
    /// Envoys that live; 0 when the store is out of order.
    #[n(0)]
    pub envoys: u64,
    /// To its leases, in their order; empty when the store is out of order.
    #[n(1)]
    #[cbor(default)]
    pub leases: Vec<Leased>,
    /// The last report that has been counted.
    #[n(2)]
    #[cbor(default)]
    pub counted: u64,
    /// Only if they are others than those of the beat.
    #[n(3)]
    pub keys: Option<Keys>,
    /// To its budgets, in their order; empty when the store is out of order.
    #[n(4)]
    #[cbor(default)]
    pub budgets: Vec<Spent>,
}

/// What a tenant has spent in the running period.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, CborLen)]
pub struct Spent {
    #[n(0)]
    pub microusd: u64,
    /// Milliseconds until the next period begins.
    #[n(1)]
    pub left: u64,
}

/// The API keys in the store, besides those of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, CborLen)]
pub struct Keys {
    #[n(0)]
    pub version: u64,
    #[n(1)]
    #[cbor(default)]
    pub keys: Vec<ApiKey>,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode, CborLen)]
pub struct ApiKey {
    #[n(0)]
    pub sha256: Key,
    #[n(1)]
    pub tenant: String,
    /// Milliseconds until it expires; None: never.
    #[n(2)]
    pub left: Option<u64>,
}

/// A message's bytes.
pub fn encode<T: Encode<()> + CborLen<()>>(message: &T) -> Vec<u8> {
    minicbor::to_vec(message).unwrap_or_default()
}

/// A message out of its bytes.
///
/// # Errors
/// The bytes are no such message, or more than one.
pub fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, minicbor::decode::Error> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let message = decoder.decode()?;
    if decoder.position() == bytes.len() {
        Ok(message)
    } else {
        Err(minicbor::decode::Error::message("bytes after the message"))
    }
}
