//! `weir.yaml`, in two stages: `raw` is what was written, with its positions; `resolve` turns it into the
//! [`Config`] that the program uses, or into every problem at once.
//!
//! The same [`Config`], as JSON, is the filter's plugin configuration. It holds the *names* of the environment
//! variables that carry credentials, never their values.

mod capability;
mod limits;
mod model;
mod names;
mod pending;
mod price;
mod problem;
mod provider;
mod raw;
mod read;
mod redis;
mod resolve;
mod sidecar;
mod suggest;
mod target;
mod telemetry;
mod tenant;
#[cfg(test)]
mod tests;
mod units;
mod url;
mod yaml;

pub use model::{BACKOFF, DEADLINE};
pub use problem::{Problem, Warning};
pub use redis::{RedisKind, RedisUrl};
pub use telemetry::Telemetry;
pub use units::{duration, show, show_size};

use crate::capability::Own;
use crate::price::Price;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Reads a whole file. Either it is a configuration, perhaps with warnings, or every problem in it is told at once,
/// in the order of the file.
pub fn parse(text: &str) -> Result<(Config, Vec<Warning>), Vec<Problem>> {
    let root = yaml::parse(text).map_err(|problem| vec![problem])?;
    let mut found = problem::Findings::default();
    let config = raw::read(&root, &mut found).map(|raw| resolve::resolve(raw, &mut found));
    pending::warn(&root, &mut found);
    match (config, found.sorted()) {
        (Some(config), (warnings, problems)) if problems.is_empty() => Ok((config, warnings)),
        (_, (_, problems)) => Err(problems),
    }
}

/// What the whole gateway runs on. Every default is filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Envoy's admin interface.
    pub admin: SocketAddr,
    pub sidecar: Sidecar,
    pub store: Store,
    /// In the order of the file.
    pub providers: Vec<Provider>,
    /// In the order of the file.
    pub models: Vec<Model>,
    /// Empty: the gateway is open.
    pub tenants: Vec<Tenant>,
    /// The operator's own, which come before the table's; each target once.
    pub prices: Vec<TargetPrice>,
    /// What the operator knows better than the table; each target once.
    pub capabilities: Vec<TargetCapability>,
    pub cache: CacheSizes,
    pub waiting_room: WaitingRoom,
    pub retry_budget: RetryBudget,
    pub jobs: Jobs,
    pub telemetry: Telemetry,
    /// Bound of one request body, in bytes. Larger ones get 413.
    pub max_request_bytes: u64,
    /// Bound of one answer that must be held whole, of one event of a stream, and of a stream before its first content,
    /// in bytes.
    pub max_response_bytes: u64,
}

/// The sidecar's address, and what a filter does without it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sidecar {
    pub listen: Listen,
    pub on_outage: OnOutage,
    /// What a request waits at most for one call; 1 ms to 5 s.
    pub call_deadline: Millis,
    /// Name of the environment variable that holds what each call must carry. None: only on loopback or a socket.
    pub secret: Option<EnvVar>,
    /// Admin interfaces of the Envoys that the status page shows, as `host:port`; never empty. The filter is not told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub envoys: Vec<String>,
}

/// Where the sidecar listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listen {
    Tcp(SocketAddr),
    /// The absolute path of a Unix socket, at most 107 bytes.
    Unix(String),
}

/// How much the caches hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheSizes {
    /// Of the cache in each worker's VM, in bytes; 0: there is none.
    pub worker_bytes: u64,
    /// Of the embedded store's, in bytes.
    pub store_bytes: u64,
    /// The largest answer that is kept, in bytes; at most 2 MiB.
    pub max_entry_bytes: u64,
}

/// What happens to shared limits while the sidecar, or the store behind it, does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnOutage {
    /// Admit everything.
    Open,
    /// Refuse everything.
    Closed,
    /// Each Envoy keeps its last known share.
    Local,
}

/// Where shared state lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    Memory,
    /// A [`RedisUrl`], as written.
    Redis(String),
    /// One that may hold a password, in a variable of the sidecar's environment.
    Variable(EnvVar),
}

/// The wire contract a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// OpenAI, and every server that is compatible with it.
    OpenAi,
    Anthropic,
    Gemini,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provider {
    /// `[a-z0-9][a-z0-9_-]*`; also the name of its Envoy cluster.
    pub name: String,
    pub kind: Kind,
    pub base_url: BaseUrl,
    /// Name of the environment variable that holds the credential. None: the server wants none.
    pub api_key: Option<EnvVar>,
    /// The header that it goes in.
    pub credential: Credential,
    /// Whether a stream can be asked for its usage (`stream_options`); if not, it is estimated.
    pub stream_usage: bool,
    /// For all models together.
    pub limits: Limits,
    /// Besides [`Self::limits`], for those models that have any; each id once.
    pub model_limits: Vec<ModelLimits>,
    pub breaker: Breaker,
}

/// In which header a provider of OpenAI's kind wants the credential; the other kinds have one of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// `authorization: Bearer …`
    #[default]
    Bearer,
    /// `api-key: …`, which is Azure's.
    ApiKey,
}

/// The name of an environment variable; its value is read by Envoy's VM, at start, and by nobody else.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EnvVar(pub String);

/// A provider's address, taken apart once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseUrl {
    pub tls: bool,
    /// Host name or IP literal, IPv6 without brackets.
    pub host: String,
    pub port: u16,
    /// Without a trailing slash; empty for most.
    pub path: String,
}

/// Ceilings of a provider, of a tenant, or of one model of either; None means unlimited. Each is 1 to 10^12.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub requests_per_minute: Option<u64>,
    pub tokens_per_minute: Option<u64>,
    /// Requests under way; at most 10^6.
    pub concurrency: Option<u64>,
    /// Requests that may come at once; the limit itself unless said.
    pub burst: Option<u64>,
    /// Tokens that may be taken at once; the limit itself unless said.
    pub burst_tokens: Option<u64>,
}

/// Ceilings of one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelLimits {
    /// In a [`Provider`] the provider's own id; in a [`Tenant`] a model's name or `provider/model`.
    pub model: String,
    pub limits: Limits,
}

/// When a provider is taken out of rotation (Envoy's outlier detection): whichever of the two comes first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    pub consecutive_failures: u32,
    /// Of all attempts in one of the intervals at which Envoy looks, if there were enough to judge by; in percent, 1 to
    /// 100. 100: only failures in a row count.
    pub failure_rate: u32,
    pub eject_for: Millis,
    /// The longest that it, or one of its targets, is left alone for what it answered, whatever it asks for.
    pub max_cooldown: Millis,
}

/// A duration in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Millis(pub u64);

/// A name that clients ask for, and the targets that can answer it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub name: String,
    /// In order of preference; never empty.
    pub targets: Vec<Target>,
    /// From the attempt's start to its first content event.
    pub first_token_timeout: Millis,
    /// From the attempt's start to the whole of an answer that is not streamed (such an answer has no first token
    /// on the wire). Default: six first-token timeouts, at most half the deadline.
    pub answer_timeout: Millis,
    /// Over all attempts, to the last byte.
    pub deadline: Millis,
    pub retries: Retries,
    pub hedge_after: Option<Millis>,
    pub cache: Option<Cache>,
    pub on_unsupported: OnUnsupported,
}

/// What becomes of a parameter that changes the answer, at a target that has no place for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnsupported {
    /// The target is left out; if none is left, the client gets the error.
    #[default]
    Error,
    /// The target does without it, and the client is told.
    Drop,
}

/// One model at one provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Target {
    /// Name of a [`Provider`].
    pub provider: String,
    /// The provider's own model id.
    pub model: String,
    /// Neighbours that carry a weight are equals.
    pub weight: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retries {
    /// Further tries of the same target before the next one.
    pub per_target: u32,
    /// First and longest pause between attempts (full jitter).
    pub backoff_min: Millis,
    pub backoff_max: Millis,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cache {
    pub exact: Option<ExactCache>,
    pub semantic: Option<SemanticCache>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExactCache {
    pub ttl: Millis,
    /// Answers to requests with an explicit temperature above 0 are kept too.
    pub sampled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SemanticCache {
    /// Cosine similarity, 0 to 1.
    pub threshold: f64,
    /// Only measure; never serve a hit.
    pub shadow: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    pub name: String,
    /// Empty: all of its keys are in the store. No digest is anywhere twice.
    pub keys: Vec<ApiKey>,
    /// Names from [`Config::models`] or `provider/model`; None: all.
    pub models: Option<Vec<String>>,
    /// For all models together.
    pub limits: Limits,
    /// Besides [`Self::limits`], for those of [`Self::models`] that have any; each name once.
    pub model_limits: Vec<ModelLimits>,
    /// Of those of [`Self::models`] that have any for this tenant; each name once.
    pub model_targets: Vec<ModelTargets>,
    pub budget: Option<Budget>,
    /// What it asks is in its spans, word by word.
    pub trace_prompts: bool,
}

/// A tenant's own targets, instead of a model's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelTargets {
    /// Name of a [`Model`].
    pub model: String,
    /// In order of preference; never empty.
    pub targets: Vec<Target>,
}

/// An API key: never the key itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Lower-case hex SHA-256.
    pub sha256: String,
    /// The first moment at which it does not open any more, in milliseconds since 1970; None: never.
    pub expires: Option<u64>,
}

/// What one model costs at one provider, as the operator says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetPrice {
    /// Name of a [`Provider`].
    pub provider: String,
    /// The provider's own model id.
    pub model: String,
    pub price: Price,
}

/// What one model can do at one provider, as the operator says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetCapability {
    /// Name of a [`Provider`].
    pub provider: String,
    /// The provider's own model id.
    pub model: String,
    pub own: Own,
}

/// What a tenant may spend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// In micro-dollars, at least 1.
    pub microusd: u64,
    pub per: BudgetPeriod,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetPeriod {
    Day,
    Month,
}

/// Where requests wait that are over a limit. The bounds are over all workers of one Envoy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingRoom {
    pub max_wait: Millis,
    pub max_waiting: u32,
    /// Of the bodies of those who wait.
    pub max_bytes: u64,
}

/// How many retries there may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryBudget {
    /// What retries may add to the load, in percent of it; 0 to 100.
    pub percent: u32,
    /// Retries besides; a tenth of it comes back per second. At most 100,000.
    pub reserve: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jobs {
    pub backend: JobBackend,
    pub url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobBackend {
    Embedded,
    Redis,
    RabbitMq,
    Kafka,
}

impl Config {
    /// The provider of that name.
    pub fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.name == name)
    }

    /// The model of that name.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }

    /// The environment variables that Envoy needs: the providers' credentials, and what its calls to the sidecar carry.
    pub fn secrets(&self) -> impl Iterator<Item = &EnvVar> {
        let credentials = self.providers.iter().filter_map(|provider| provider.api_key.as_ref());
        credentials.chain(&self.sidecar.secret)
    }

    /// The models' targets, then the tenants' own.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        let own = self.tenants.iter().flat_map(|tenant| &tenant.model_targets).flat_map(|own| &own.targets);
        self.models.iter().flat_map(|model| &model.targets).chain(own)
    }
}

impl Tenant {
    /// Its own targets of that model, if it has any.
    pub fn targets(&self, model: &str) -> Option<&[Target]> {
        self.model_targets.iter().find(|own| own.model == model).map(|own| own.targets.as_slice())
    }
}
