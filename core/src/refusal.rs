//! Why Weir answers a request itself, and what the client reads then.

use crate::config::{Budget, BudgetPeriod, Millis, Target, show};
use crate::dialect::Dialect;
use crate::failure::{Class, Failure};
use crate::headers::HeaderList;
use crate::price;
use crate::provider::Unsupported;
use crate::stats::Outcome;
use crate::traffic::{Ceiling, Obstacle, Owner, Until};

/// A request that gets no model's answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    UnknownPath,
    MethodNotAllowed {
        allow: &'static str,
    },
    /// Larger than `limit` bytes.
    BodyTooLarge {
        limit: u64,
    },
    /// All requests of this worker together hold as much as they may.
    OutOfMemory,
    ContentEncoding,
    /// A header value that is not UTF-8; the value may be anything, so only the name is shown.
    HeaderNotText {
        name: String,
    },
    /// More than one value for a header that says who the client is.
    RepeatedHeader {
        name: &'static str,
    },
    /// A web page of elsewhere, in a browser on this machine: on loopback there is no key that it would lack.
    ForeignOrigin,
    MissingKey,
    UnknownKey,
    /// The key may be one of the store's, and those were not told yet.
    KeysNotKnown,
    NotJson {
        message: String,
    },
    InvalidField {
        param: String,
        message: String,
    },
    UnknownModel {
        model: String,
        known: Vec<String>,
    },
    ModelNotAllowed {
        model: String,
    },
    UnknownRoute {
        name: String,
        known: Vec<String>,
    },
    /// No target of the request can serve it: what stands against the first of them.
    Unsupported(Unsupported),
    /// It goes on with a conversation that is kept by none of its targets; the client has it, and sends it again.
    ThreadNotFound,
    /// It was to be answered from the cache or not at all.
    NotCached,
    /// A limit of ours, a full waiting room, or targets that are all left alone.
    Limited(Obstacle),
    /// Nothing is left of a tenant's budget.
    BudgetSpent {
        tenant: String,
        budget: Budget,
        /// Milliseconds until it begins anew.
        left: u64,
    },
    /// The store does not say what is left of it, and nothing is admitted without it.
    BudgetUnknown,
    /// Every target was tried.
    Failed(Vec<Attempted>),
    /// Envoy answered in our place.
    Gateway {
        status: u16,
    },
}

/// One attempt that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempted {
    pub target: Target,
    pub failure: Failure,
}

/// An error in no dialect yet.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorBody {
    pub status: u16,
    /// OpenAI's `type`; the other dialects have theirs from `status`.
    pub kind: &'static str,
    pub code: Option<String>,
    pub param: Option<String>,
    pub message: String,
}

/// A whole answer of Weir's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderList,
    pub body: Vec<u8>,
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: Vec<u8>) -> Self {
        Self { status, headers: vec![("content-type".into(), b"application/json".to_vec())], body }
    }
}

const INVALID: &str = "invalid_request_error";

impl Refusal {
    /// The answer in the client's dialect.
    pub fn reply(&self, dialect: Dialect) -> Reply {
        let mut error = self.error();
        match (self, dialect, error.status) {
            (Refusal::BudgetSpent { .. }, Dialect::Anthropic, _) => error.status = 402,
            // Its own status for overload, of which its SDK makes an exception of its own.
            (_, Dialect::Anthropic, 503) => error.status = 529,
            // The other dialects have no field for the parameter.
            (Refusal::Unsupported(Unsupported { param, message }), Dialect::Anthropic | Dialect::Gemini, _) => {
                error.message = format!("{param}: {message}");
            }
            _ => {}
        }
        let wait = self.wait();
        let mut reply = Reply::json(error.status, dialect.error_json_with(&error, wait));
        if let Some(wait) = wait {
            reply.headers.extend(come_again(wait));
        }
        match self {
            Refusal::MethodNotAllowed { allow } => reply.headers.push(("allow".into(), allow.as_bytes().to_vec())),
            // To come again at once would not help.
            Refusal::NotCached => reply.headers.push(("x-should-retry".into(), b"false".to_vec())),
            // The whole wait is told, but no SDK shall sleep for it: some would, for hours (PROVIDERS E).
            Refusal::BudgetSpent { left, .. } => {
                let seconds = left.div_ceil(1_000).max(1).to_string();
                reply.headers.push(("retry-after".into(), seconds.into_bytes()));
                reply.headers.push(("x-should-retry".into(), b"false".to_vec()));
            }
            Refusal::Failed(attempts) => {
                reply.headers.push(("x-weir-attempts".into(), attempts.len().to_string().into_bytes()));
                // The targets were tried already; an SDK that tries again multiplies the load by three.
                if wait.is_none() {
                    reply.headers.push(("x-should-retry".into(), b"false".to_vec()));
                }
            }
            _ => {}
        }
        reply
    }

    /// After how many milliseconds the request may come again, where that helps.
    fn wait(&self) -> Option<u64> {
        match self {
            Refusal::OutOfMemory | Refusal::KeysNotKnown | Refusal::BudgetUnknown => Some(UNKNOWN_WAIT),
            Refusal::Limited(obstacle) => Some(obstacle.wait().unwrap_or(UNKNOWN_WAIT)),
            Refusal::Failed(attempts) => retry_after(attempts),
            _ => None,
        }
    }

    /// How the request has ended, as it is counted.
    pub fn outcome(&self) -> Outcome {
        match self {
            // Nothing of ours was limited: they have refused, or nobody is there.
            Refusal::Limited(Obstacle::Cooling { passes: true, .. }) => Outcome::Upstream429,
            Refusal::Limited(Obstacle::Cooling { passes: false, .. }) | Refusal::KeysNotKnown => Outcome::Upstream5xx,
            Refusal::Limited(_) | Refusal::OutOfMemory | Refusal::BudgetSpent { .. } | Refusal::BudgetUnknown => {
                // What cannot be decided, or held, is no limit that its client has met.
                if self.error().status == 429 { Outcome::Limited } else { Outcome::Upstream5xx }
            }
            Refusal::Failed(_) | Refusal::Gateway { .. } => match self.error().status {
                429 => Outcome::Upstream429,
                408 | 504 => Outcome::Timeout,
                400..=499 => Outcome::ClientError,
                _ => Outcome::Upstream5xx,
            },
            _ => Outcome::ClientError,
        }
    }

    /// The error in no dialect yet (PROVIDERS D.3).
    pub fn error(&self) -> ErrorBody {
        let error = |status, kind, code: Option<&str>, param: Option<&str>, message: String| ErrorBody {
            status,
            kind,
            code: code.map(str::to_owned),
            param: param.map(str::to_owned),
            message,
        };
        match self {
            Refusal::UnknownPath => {
                error(404, INVALID, Some("unknown_url"), None, "Unknown request URL. See GET /v1/models.".into())
            }
            Refusal::MethodNotAllowed { allow } => {
                error(405, INVALID, Some("method_not_supported"), None, format!("Only {allow} is served here."))
            }
            Refusal::BodyTooLarge { limit } => error(
                413,
                INVALID,
                Some("request_too_large"),
                None,
                format!("The request body is larger than this gateway takes ({limit} bytes)."),
            ),
            Refusal::OutOfMemory => error(
                503,
                "server_error",
                Some("gateway_overloaded"),
                None,
                "The gateway holds as many requests as its memory allows. Try again in a moment.".into(),
            ),
            Refusal::ContentEncoding => error(
                415,
                INVALID,
                Some("unsupported_content_encoding"),
                None,
                "The request body must be sent without a content-encoding.".into(),
            ),
            Refusal::HeaderNotText { name } => {
                error(400, INVALID, Some("invalid_header"), Some(name), format!("Header '{name}' is not UTF-8 text."))
            }
            Refusal::RepeatedHeader { name } => error(
                400,
                INVALID,
                Some("invalid_header"),
                Some(name),
                format!("Header '{name}' must be sent once only."),
            ),
            Refusal::ForeignOrigin => error(
                403,
                "permission_error",
                Some("foreign_origin"),
                Some("origin"),
                "This gateway is open to this machine only; a web page of another origin may not use it.".into(),
            ),
            Refusal::MissingKey => error(
                401,
                "authentication_error",
                Some("invalid_api_key"),
                None,
                "You did not provide an API key. Send it as 'Authorization: Bearer KEY'.".into(),
            ),
            Refusal::UnknownKey => error(
                401,
                "authentication_error",
                Some("invalid_api_key"),
                None,
                "The API key is not known to this gateway.".into(),
            ),
            Refusal::KeysNotKnown => error(
                503,
                "server_error",
                Some("keys_not_known"),
                None,
                "The gateway has not heard from its key store yet and does not know this API key. Try again in a moment."
                    .into(),
            ),
            Refusal::NotJson { message } => error(
                400,
                INVALID,
                Some("invalid_json"),
                None,
                format!("The request body is not valid JSON: {message}"),
            ),
            Refusal::InvalidField { param, message } => {
                error(400, INVALID, Some("invalid_value"), Some(param), format!("Invalid '{param}': {message}."))
            }
            Refusal::UnknownModel { model, known } => error(
                404,
                INVALID,
                Some("model_not_found"),
                Some("model"),
                format!(
                    "The model '{model}' does not exist here. Known: {}; or provider/model with one of the providers' own.",
                    known.join(", ")
                ),
            ),
            Refusal::ModelNotAllowed { model } => error(
                403,
                "permission_error",
                Some("model_not_allowed"),
                Some("model"),
                format!("This API key may not use the model '{model}'."),
            ),
            Refusal::UnknownRoute { name, known } => error(
                400,
                INVALID,
                Some("unknown_route"),
                Some("x-weir-route"),
                format!(
                    "Header 'x-weir-route' names '{name}', which this request cannot go to. Known: {}.",
                    known.join(", ")
                ),
            ),
            Refusal::Unsupported(Unsupported { param, message }) => {
                error(400, INVALID, Some("unsupported_parameter"), Some(param), message.clone())
            }
            Refusal::ThreadNotFound => error(
                404,
                INVALID,
                Some("thread_not_found"),
                Some("thread"),
                "No target keeps this conversation. Send all of it, with `thread: {\"type\": \"create\"}`.".into(),
            ),
            // As HTTP answers `only-if-cached` (RFC 9111, 5.2.1.7).
            Refusal::NotCached => error(
                504,
                INVALID,
                Some("not_cached"),
                Some("x-weir-cache"),
                "No answer to this request is in the cache, and 'x-weir-cache: only' asks for none from elsewhere.".into(),
            ),
            Refusal::Limited(obstacle) => limited(obstacle),
            Refusal::BudgetSpent { tenant, budget, left } => {
                let per = match budget.per {
                    BudgetPeriod::Day => "day",
                    BudgetPeriod::Month => "month",
                };
                let dollars = price::show(budget.microusd);
                let left = show(Millis(left.div_ceil(1_000).saturating_mul(1_000)));
                // As OpenAI says it of its own accounts: the type is the code.
                error(
                    429,
                    "insufficient_quota",
                    Some("insufficient_quota"),
                    None,
                    format!(
                        "The budget of tenant '{tenant}' ({dollars} dollars per {per}) is spent. It begins anew in {left}."
                    ),
                )
            }
            Refusal::BudgetUnknown => error(
                503,
                "server_error",
                Some("budget_unknown"),
                None,
                "The gateway cannot tell what is left of this API key's budget. Try again in a moment.".into(),
            ),
            Refusal::Failed(attempts) => failed(attempts),
            Refusal::Gateway { status } => error(
                *status,
                if *status < 500 { INVALID } else { "server_error" },
                (*status == 413).then_some("request_too_large"),
                None,
                match status {
                    408 => "The request was not received in time.".into(),
                    413 => "The request is larger than this gateway takes.".into(),
                    431 => "The request headers are larger than this gateway takes.".into(),
                    503 => "The gateway could not take this request.".into(),
                    504 => "The deadline passed before an answer came.".into(),
                    _ => "The gateway could not serve this request.".into(),
                },
            ),
        }
    }
}

/// What is said of a wait that nobody can know, such as that for a slot, in milliseconds.
const UNKNOWN_WAIT: u64 = 1_000;

/// When a request may come again: in whole seconds for all clients, in milliseconds for those that read them.
fn come_again(wait: u64) -> HeaderList {
    let seconds = wait.div_ceil(1_000).max(1).to_string();
    vec![("retry-after".into(), seconds.into_bytes()), ("retry-after-ms".into(), wait.to_string().into_bytes())]
}

/// The error of a request that could not be taken in time.
fn limited(obstacle: &Obstacle) -> ErrorBody {
    let again = match obstacle.wait() {
        Some(wait) => format!("Try again in {}.", show(Millis(wait))),
        None => "Try again in a moment.".to_owned(),
    };
    let (status, kind, code, why) = match obstacle {
        Obstacle::Limited { until: Until::Closed, .. } => {
            let why = "The limits that all gateways share cannot be checked at the moment.".to_owned();
            (503, "server_error", "limits_unavailable", why)
        }
        Obstacle::Limited { owner, ceiling, .. } => {
            let whose = match owner {
                Owner::Provider => "the provider",
                Owner::Target => "the target",
                Owner::Tenant => "this API key",
                Owner::TenantModel => "this API key and model",
            };
            let what = match ceiling {
                Ceiling::Requests => "requests per minute",
                Ceiling::Tokens => "tokens per minute",
                Ceiling::Concurrency => "concurrent requests",
            };
            (429, "rate_limit_error", "rate_limit_exceeded", format!("The limit of {whose} on {what} is reached."))
        }
        Obstacle::Queued { .. } => {
            (429, "rate_limit_error", "rate_limit_exceeded", "Too many requests are waiting already.".to_owned())
        }
        Obstacle::Cooling { passes: true, .. } => {
            (429, "rate_limit_error", "rate_limit_exceeded", "Every target asked to be left alone.".to_owned())
        }
        Obstacle::Cooling { passes: false, .. } => {
            (503, "upstream_error", "no_target_available", "No target is available at the moment.".to_owned())
        }
    };
    ErrorBody { status, kind, code: Some(code.into()), param: None, message: format!("{why} {again}") }
}

/// The error of a request that no target answered: the client's own mistake as it is, otherwise one honest summary.
fn failed(attempts: &[Attempted]) -> ErrorBody {
    let all = |wanted: &[Class]| attempts.iter().all(|attempt| wanted.contains(&attempt.failure.class));
    // Where one failed otherwise, a shorter prompt may not be what it takes.
    let own =
        attempts.last().filter(|last| last.failure.class != Class::ContextTooLong || all(&[Class::ContextTooLong]));
    if let Some(Attempted { failure, .. }) = own
        && let Some(status) = client_status(failure)
    {
        return ErrorBody {
            status,
            kind: INVALID,
            code: code(failure),
            param: failure.param.clone(),
            message: failure.message.clone(),
        };
    }
    let (status, kind, code) = match () {
        // Every provider of the chain is left out by its breaker. (`all` holds of nothing, so this comes first.)
        () if attempts.is_empty() => (503, "upstream_error", "no_target_available"),
        () if all(&[Class::QuotaExhausted, Class::DailyQuota]) => (429, "rate_limit_error", "insufficient_quota"),
        () if all(&[Class::RateLimited, Class::OverLimit, Class::QuotaExhausted, Class::DailyQuota]) => {
            (429, "rate_limit_error", "rate_limit_exceeded")
        }
        () if all(&[Class::ModelNotFound]) => (404, INVALID, "model_not_found"),
        () if all(&[Class::Credential, Class::Forbidden]) => (502, "upstream_error", "upstream_authentication_error"),
        () if all(&[Class::Conflict]) => (409, "upstream_error", "upstream_conflict"),
        () if all(&[Class::Timeout]) => (504, "upstream_error", "upstream_timeout"),
        () if all(&[Class::Overloaded, Class::RateLimited]) => (503, "upstream_error", "overloaded"),
        () => (502, "upstream_error", "upstream_failed"),
    };
    let tried: Vec<_> = attempts.iter().map(describe).collect();
    let message = match attempts.len() {
        0 => "No target could be tried.".to_owned(),
        1 => format!("The target failed: {}.", tried.join("; ")),
        count => format!("All {count} attempts failed: {}.", tried.join("; ")),
    };
    ErrorBody { status, kind, code: Some(code.into()), param: None, message }
}

/// `openai/gpt-5.6: 429 rate limited`, without the provider's words: they may speak of our account.
fn describe(Attempted { target, failure }: &Attempted) -> String {
    let what = failure.class.describe();
    match failure.status {
        Some(status) => format!("{}/{}: {status} {what}", target.provider, target.model),
        None => format!("{}/{}: {what}", target.provider, target.model),
    }
}

/// The status of a failure that is the client's to mend; None for all others.
fn client_status(failure: &Failure) -> Option<u16> {
    match failure.class {
        Class::InvalidRequest => Some(failure.status.filter(|status| matches!(status, 400..=499)).unwrap_or(400)),
        Class::ContextTooLong | Class::ContentPolicy | Class::ForeignThought => Some(400),
        Class::TooLarge => Some(413),
        _ => None,
    }
}

/// The provider's own code, except where OpenAI has one for what several providers say in other words.
fn code(failure: &Failure) -> Option<String> {
    let own = own_code(failure.class).map(str::to_owned);
    if failure.class == Class::ContextTooLong { own } else { failure.code.clone().or(own) }
}

fn own_code(class: Class) -> Option<&'static str> {
    match class {
        Class::ContextTooLong => Some("context_length_exceeded"),
        Class::ContentPolicy => Some("content_filter"),
        Class::TooLarge => Some("request_too_large"),
        _ => None,
    }
}

/// When the first of the targets wants to be asked again, in milliseconds, at most a minute. What a wait does not
/// mend, a bill above all, has none, whatever the provider said.
fn retry_after(attempts: &[Attempted]) -> Option<u64> {
    let waits = attempts
        .iter()
        .filter(|attempt| attempt.failure.class.rule().retry_same)
        .filter_map(|attempt| attempt.failure.retry_after);
    waits.map(|wait| wait.0.min(60_000)).min()
}

#[cfg(test)]
mod tests;
