//! What a client has left, in the headers of its dialect (PROVIDERS E).

use super::Dialect;
use crate::civil;
use crate::headers::HeaderList;
use crate::traffic::{Level, Levels};

/// Of requests and of tokens: limit, what remains, and when all of it is back.
type Family = [[&'static str; 3]; 2];

const OPENAI: Family = [
    ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
    ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
];
const ANTHROPIC: Family = [
    [
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ],
    ["anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"],
];

impl Dialect {
    /// The headers at `now`, in milliseconds since 1970; none for what is not limited. Gemini has no family of its own:
    /// its clients get OpenAI's.
    pub fn limit_headers(self, levels: &Levels, now: u64) -> HeaderList {
        let names = match self {
            Dialect::OpenAi | Dialect::Gemini => OPENAI,
            Dialect::Anthropic => ANTHROPIC,
        };
        let mut headers = HeaderList::new();
        for (level, names) in [levels.requests, levels.tokens].into_iter().zip(names) {
            let Some(Level { limit, remaining, reset }) = level else { continue };
            let reset = match self {
                Dialect::OpenAi | Dialect::Gemini => duration(reset),
                // A whole second, and never too early.
                Dialect::Anthropic => civil::show(now.saturating_add(reset).saturating_add(999)),
            };
            let values = [limit.to_string(), remaining.to_string(), reset];
            headers.extend(names.into_iter().zip(values).map(|(name, value)| (name.into(), value.into_bytes())));
        }
        headers
    }
}

/// Milliseconds as Go writes durations: `120ms`, `1.5s`, `6m0s`, `1h2m3s`.
fn duration(millis: u64) -> String {
    let part = |unit: u64| millis.checked_div(unit).unwrap_or(0);
    let (hours, minutes) = (part(3_600_000), part(60_000).checked_rem(60).unwrap_or(0));
    let (seconds, rest) = (part(1_000).checked_rem(60).unwrap_or(0), millis.checked_rem(1_000).unwrap_or(0));
    if millis < 1_000 {
        return if millis == 0 { "0s".to_owned() } else { format!("{millis}ms") };
    }
    let fraction = format!("{rest:03}");
    let fraction = fraction.trim_end_matches('0');
    let seconds = if fraction.is_empty() { format!("{seconds}s") } else { format!("{seconds}.{fraction}s") };
    match (hours, minutes) {
        (0, 0) => seconds,
        (0, minutes) => format!("{minutes}m{seconds}"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
    }
}

/// Milliseconds as protobuf writes durations: `34.4s`.
pub(super) fn seconds(millis: u64) -> String {
    let (seconds, rest) = (millis.checked_div(1_000).unwrap_or(0), millis.checked_rem(1_000).unwrap_or(0));
    if rest == 0 { format!("{seconds}s") } else { format!("{seconds}.{rest:03}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn durations_are_written_as_go_does() {
        for (millis, text) in [
            (0, "0s"),
            (6, "6ms"),
            (1_000, "1s"),
            (1_500, "1.5s"),
            (59_010, "59.01s"),
            (360_000, "6m0s"),
            (3_723_004, "1h2m3.004s"),
            (3_600_000, "1h0m0s"),
        ] {
            assert_eq!(duration(millis), text);
        }
    }

    /// What remains is 7 of 100, at 12:00:00.400; all is back 1.2 seconds later.
    fn told(dialect: Dialect, is_limited: bool) -> Vec<String> {
        let level = Level { limit: 100, remaining: 7, reset: 1_200 };
        let levels = Levels { requests: is_limited.then_some(level), tokens: None };
        let headers = dialect.limit_headers(&levels, civil::timestamp("2027-01-31T12:00:00Z").unwrap() + 400);
        headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect()
    }

    #[test]
    fn each_dialect_has_its_own_family() {
        let openai = [
            "x-ratelimit-limit-requests: 100",
            "x-ratelimit-remaining-requests: 7",
            "x-ratelimit-reset-requests: 1.2s",
        ];
        assert_eq!(told(Dialect::OpenAi, true), openai);
        assert_eq!(told(Dialect::Gemini, true), openai);
        let anthropic = [
            "anthropic-ratelimit-requests-limit: 100",
            "anthropic-ratelimit-requests-remaining: 7",
            "anthropic-ratelimit-requests-reset: 2027-01-31T12:00:02Z",
        ];
        assert_eq!(told(Dialect::Anthropic, true), anthropic);
    }

    #[test]
    fn what_is_not_limited_is_not_said() {
        for dialect in [Dialect::OpenAi, Dialect::Anthropic, Dialect::Gemini] {
            assert!(told(dialect, false).is_empty());
        }
    }
}
