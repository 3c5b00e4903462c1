//! The classes of failure, and the table of what follows from each.

use crate::config::Millis;

/// What went wrong (PROVIDERS D.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The request itself is wrong; it would be wrong everywhere.
    InvalidRequest,
    /// The conversation holds a signature of a thought that is none of this model's: without it, it may do.
    ForeignThought,
    /// The prompt does not fit this model.
    ContextTooLong,
    /// The provider will not answer this content.
    ContentPolicy,
    TooLarge,
    /// Our credential is bad, or our account is barred: never the client's fault.
    Credential,
    /// Our credential is good, but not for this: often the model, which the client chose.
    Forbidden,
    ModelNotFound,
    RateLimited,
    /// This request alone is over the target's limit of a minute: no wait makes it fit.
    OverLimit,
    /// The model's quota of a day is used up, or is none at all.
    DailyQuota,
    /// Billing or a spend cap: time alone does not heal it.
    QuotaExhausted,
    Overloaded,
    ServerError,
    /// A lock on their side: the same may work at once.
    Conflict,
    Timeout,
    /// Refused, reset, TLS: no HTTP answer.
    Connection,
    /// A status that no provider of the kind gives: the base URL is wrong, or something stands in between.
    Unexpected,
    /// The answer is over this gateway's own bound.
    AnswerTooLarge,
    /// A 2xx that is no answer.
    Unreadable,
    /// The answer ended before its end.
    Truncated,
}

/// What follows from a failed attempt: one row of the table (PROVIDERS D.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Who is to blame, and whether another target may do better.
    pub verdict: Verdict,
    /// The same target may do better at once, or after the pause that it asks for.
    pub retry_same: bool,
    /// How long it is left alone.
    pub cool: Cool,
    /// What is left alone.
    pub scope: Scope,
}

/// What to do with a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on with the next target; this provider is not to blame.
    NextHealthy,
    /// Go on with the next target; count against this provider.
    NextSick,
    /// The client's to mend.
    Return,
}

/// How long a target, or its whole provider, is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cool {
    No,
    /// As long as the provider asks; else this long, or not at all.
    Asked {
        otherwise: Option<Millis>,
    },
    /// However short the provider's own word.
    AtLeast(Millis),
}

/// What a cooldown is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The model at that provider.
    Target,
    Provider,
}

impl Class {
    /// All of them, each at its [`Self::index`].
    pub const ALL: [Self; 21] = [
        Class::InvalidRequest,
        Class::ForeignThought,
        Class::ContextTooLong,
        Class::ContentPolicy,
        Class::TooLarge,
        Class::Credential,
        Class::Forbidden,
        Class::ModelNotFound,
        Class::RateLimited,
        Class::OverLimit,
        Class::DailyQuota,
        Class::QuotaExhausted,
        Class::Overloaded,
        Class::ServerError,
        Class::Conflict,
        Class::Timeout,
        Class::Connection,
        Class::Unexpected,
        Class::AnswerTooLarge,
        Class::Unreadable,
        Class::Truncated,
    ];

    /// Whether it is a failure of the provider, or of our account there: not of what the client has sent.
    pub fn is_providers(self) -> bool {
        !matches!(
            self,
            Class::InvalidRequest
                | Class::ForeignThought
                | Class::ContextTooLong
                | Class::ContentPolicy
                | Class::TooLarge
        )
    }

    /// Its place in [`Self::ALL`].
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|class| *class == self).unwrap_or(0)
    }

    /// What a status says when the body says no more.
    pub fn of_status(status: u16) -> Self {
        match status {
            400 | 422 => Class::InvalidRequest,
            401 => Class::Credential,
            402 => Class::QuotaExhausted,
            403 => Class::Forbidden,
            404 => Class::ModelNotFound,
            409 => Class::Conflict,
            413 => Class::TooLarge,
            429 => Class::RateLimited,
            503 | 529 => Class::Overloaded,
            408 | 504 => Class::Timeout,
            500..=599 => Class::ServerError,
            _ => Class::Unexpected,
        }
    }

    /// The table.
    #[rustfmt::skip]
    pub fn rule(self) -> Rule {
        use Scope::{Provider, Target};
        use Verdict::{NextHealthy, NextSick, Return};
        const NO: Cool = Cool::No;
        const SECOND: Cool = Cool::Asked { otherwise: Some(Millis(1_000)) };
        /// Unasked, one failure is no reason: the breaker counts them.
        const ASKED: Cool = Cool::Asked { otherwise: None };
        const MINUTE: Cool = Cool::AtLeast(Millis(60_000));
        const TEN_MINUTES: Cool = Cool::AtLeast(Millis(600_000));
        let row = |verdict, retry_same, cool, scope| Rule { verdict, retry_same, cool, scope };
        match self {
            //                           verdict      retry  cool         scope
            Class::InvalidRequest => row(Return,      false, NO,          Target),
            Class::ForeignThought => row(NextHealthy, true,  NO,          Target),
            Class::ContextTooLong => row(NextHealthy, false, NO,          Target),
            Class::ContentPolicy  => row(Return,      false, NO,          Target),
            Class::TooLarge       => row(Return,      false, NO,          Target),
            Class::Credential     => row(NextHealthy, false, MINUTE,      Provider),
            Class::Forbidden      => row(NextHealthy, false, MINUTE,      Target),
            Class::ModelNotFound  => row(NextHealthy, false, MINUTE,      Target),
            Class::RateLimited    => row(NextHealthy, true,  SECOND,      Target),
            Class::OverLimit      => row(NextHealthy, false, NO,          Target),
            Class::DailyQuota     => row(NextHealthy, false, TEN_MINUTES, Target),
            Class::QuotaExhausted => row(NextHealthy, false, TEN_MINUTES, Provider),
            Class::Overloaded     => row(NextSick,    true,  ASKED,       Target),
            Class::ServerError    => row(NextSick,    true,  NO,          Target),
            Class::Conflict       => row(NextHealthy, true,  NO,          Target),
            Class::Timeout        => row(NextSick,    true,  NO,          Target),
            Class::Connection     => row(NextSick,    true,  NO,          Target),
            Class::Unexpected     => row(NextHealthy, false, NO,          Target),
            Class::AnswerTooLarge => row(NextHealthy, false, NO,          Target),
            Class::Unreadable     => row(NextSick,    true,  NO,          Target),
            Class::Truncated      => row(NextSick,    true,  NO,          Target),
        }
    }

    /// Who is to blame, and whether another target may do better.
    pub fn verdict(self) -> Verdict {
        self.rule().verdict
    }

    /// As the label of a metric.
    pub fn name(self) -> &'static str {
        match self {
            Class::InvalidRequest => "invalid_request",
            Class::ForeignThought => "foreign_thought",
            Class::ContextTooLong => "context_too_long",
            Class::ContentPolicy => "content_policy",
            Class::TooLarge => "too_large",
            Class::Credential => "credential",
            Class::Forbidden => "forbidden",
            Class::ModelNotFound => "model_not_found",
            Class::RateLimited => "rate_limited",
            Class::OverLimit => "over_limit",
            Class::DailyQuota => "daily_quota",
            Class::QuotaExhausted => "quota_exhausted",
            Class::Overloaded => "overloaded",
            Class::ServerError => "server_error",
            Class::Conflict => "conflict",
            Class::Timeout => "timeout",
            Class::Connection => "connection",
            Class::Unexpected => "unexpected",
            Class::AnswerTooLarge => "answer_too_large",
            Class::Unreadable => "unreadable",
            Class::Truncated => "truncated",
        }
    }

    /// In words, for the client's error message.
    pub fn describe(self) -> &'static str {
        match self {
            Class::InvalidRequest => "invalid request",
            Class::ForeignThought => "the signature of another model's thought",
            Class::ContextTooLong => "context length exceeded",
            Class::ContentPolicy => "content policy",
            Class::TooLarge => "request too large",
            Class::Credential => "the gateway's credential was refused",
            Class::Forbidden => "the gateway's credential is not permitted to do this",
            Class::ModelNotFound => "model not found",
            Class::RateLimited => "rate limited",
            Class::OverLimit => "larger than the rate limit as a whole",
            Class::DailyQuota => "quota of the day exhausted",
            Class::QuotaExhausted => "quota exhausted",
            Class::Overloaded => "overloaded",
            Class::ServerError => "server error",
            Class::Conflict => "conflict",
            Class::Timeout => "timeout",
            Class::Connection => "connection failed",
            Class::Unexpected => "unexpected status",
            Class::AnswerTooLarge => "answer larger than this gateway takes",
            Class::Unreadable => "unreadable answer",
            Class::Truncated => "answer cut short",
        }
    }
}

impl Cool {
    /// How long, when the provider asks for `asked`; None: not at all.
    pub fn time(self, asked: Option<Millis>) -> Option<Millis> {
        match self {
            Cool::No => None,
            Cool::Asked { otherwise } => asked.or(otherwise),
            Cool::AtLeast(least) => Some(asked.map_or(least, |asked| asked.max(least))),
        }
    }
}
