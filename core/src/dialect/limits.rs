//! What a client has left, in the headers of its dialect (PROVIDERS E).

use super::Dialect;
use crate::headers::HeaderList;
use crate::traffic::{Level, Levels};

impl Dialect {
    /// The headers; none for what is not limited. Weir has one family so far, OpenAI's.
    pub fn limit_headers(self, levels: &Levels) -> HeaderList {
        let mut headers = HeaderList::new();
        let families = [
            (
                levels.requests,
                ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
            ),
            (levels.tokens, ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"]),
        ];
        for (level, names) in families {
            let Some(Level { limit, remaining, reset }) = level else { continue };
            let values = [limit.to_string(), remaining.to_string(), duration(reset)];
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

    #[test]
    fn what_is_not_limited_is_not_said() {
        assert!(Dialect::OpenAi.limit_headers(&Levels::default()).is_empty());
        let level = Level { limit: 100, remaining: 7, reset: 1_200 };
        let headers = Dialect::OpenAi.limit_headers(&Levels { requests: Some(level), tokens: None });
        let text: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect();
        assert_eq!(
            text,
            [
                "x-ratelimit-limit-requests: 100",
                "x-ratelimit-remaining-requests: 7",
                "x-ratelimit-reset-requests: 1.2s"
            ]
        );
    }
}
