//! What operators set for all that speaks OpenTelemetry: its environment variables.
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>

use hyper::header::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use std::time::Duration;

/// Names and values.
pub(super) type Pairs = Vec<(String, String)>;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Environment {
    /// Who exports.
    pub(super) resource: Pairs,
    /// Of each export; may hold a key.
    pub(super) headers: Pairs,
    /// Between two exports of metrics.
    pub(super) interval: Duration,
    /// The longest that a span waits to be exported.
    pub(super) delay: Duration,
    /// For one export.
    pub(super) deadline: Duration,
    /// The names of the next generation.
    pub(super) is_latest: bool,
}

impl Environment {
    /// By the variables' values. Also what cannot be used, which is to be told and left out: by name, for a value may
    /// be a key.
    pub(super) fn read(variable: impl Fn(&'static str) -> Option<String>) -> (Self, Vec<&'static str>) {
        let mut wrong = Vec::new();
        let set = |name| variable(name).filter(|value| !value.trim().is_empty());
        let mut millis = |name, default| {
            let Some(value) = set(name) else { return Duration::from_millis(default) };
            match value.trim().parse() {
                Ok(millis @ 1..) => Duration::from_millis(millis),
                _ => {
                    wrong.push(name);
                    Duration::from_millis(default)
                }
            }
        };
        let interval = millis("OTEL_METRIC_EXPORT_INTERVAL", 60_000);
        let delay = millis("OTEL_BSP_SCHEDULE_DELAY", 5_000);
        let deadline = millis("OTEL_EXPORTER_OTLP_TIMEOUT", 10_000);
        let mut list = |name| {
            let list = set(name).map_or(Some(Pairs::new()), |value| pairs(&value));
            list.unwrap_or_else(|| {
                wrong.push(name);
                Pairs::new()
            })
        };
        let attributes = list("OTEL_RESOURCE_ATTRIBUTES");
        const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
        let mut headers = list(HEADERS);
        let is_sent = |(name, value): &(String, String)| {
            HeaderName::try_from(name).is_ok() && HeaderValue::try_from(value).is_ok()
        };
        if !headers.iter().all(is_sent) {
            wrong.push(HEADERS);
            headers.clear();
        }
        let mut resource: Pairs = [("service.name", "weir"), ("service.version", env!("CARGO_PKG_VERSION"))]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let name = set("OTEL_SERVICE_NAME").map(|name| ("service.name".to_owned(), name));
        for (name, value) in attributes.into_iter().chain(name) {
            resource.retain(|(known, _)| *known != name);
            resource.push((name, value));
        }
        let opted = set("OTEL_SEMCONV_STABILITY_OPT_IN").unwrap_or_default();
        let is_latest = opted.split(',').any(|word| word.trim() == "gen_ai_latest_experimental");
        (Self { resource, headers, interval, delay, deadline, is_latest }, wrong)
    }
}

/// `name=value,name=value`, percent-encoded; None: it is not.
fn pairs(text: &str) -> Option<Pairs> {
    let decode = |text: &str| percent_decode_str(text.trim()).decode_utf8().ok().map(|text| text.into_owned());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((decode(name).filter(|name| !name.is_empty())?, decode(value)?))
    };
    text.split(',').filter(|part| !part.trim().is_empty()).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (Environment, Vec<&'static str>) {
        Environment::read(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into()))
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.into(), value.into())
    }

    #[test]
    fn the_defaults_are_the_specifications() {
        let (environment, wrong) = read(&[("OTEL_SERVICE_NAME", " "), ("OTEL_BSP_SCHEDULE_DELAY", "")]);
        assert_eq!(wrong, Vec::<&str>::new());
        let expected = [pair("service.name", "weir"), pair("service.version", env!("CARGO_PKG_VERSION"))];
        assert_eq!(environment.resource, expected);
        assert_eq!(
            [environment.interval, environment.delay, environment.deadline].map(|time| time.as_secs()),
            [60, 5, 10]
        );
        assert!(!environment.is_latest && environment.headers.is_empty());
    }

    #[test]
    fn an_operators_own_word_comes_first() {
        let (environment, wrong) = read(&[
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a, deployment.environment.name = prod%2C eu ,x=1=2"),
            ("OTEL_SERVICE_NAME", "gateway"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20k"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
            ("OTEL_SEMCONV_STABILITY_OPT_IN", "http, gen_ai_latest_experimental"),
        ]);
        assert_eq!(wrong, Vec::<&str>::new());
        assert_eq!(
            environment.resource[1..],
            [pair("deployment.environment.name", "prod, eu"), pair("x", "1=2"), pair("service.name", "gateway")]
        );
        assert_eq!(environment.headers, [pair("authorization", "Bearer k")]);
        assert!(environment.is_latest && environment.interval == Duration::from_millis(200));
    }

    #[test]
    fn what_cannot_be_used_is_told_by_name_and_left_out() {
        let (environment, wrong) = read(&[
            ("OTEL_RESOURCE_ATTRIBUTES", "no pair"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "=secret"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ]);
        let expected = [
            "OTEL_METRIC_EXPORT_INTERVAL",
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "OTEL_RESOURCE_ATTRIBUTES",
            "OTEL_EXPORTER_OTLP_HEADERS",
        ];
        assert_eq!(wrong, expected);
        assert_eq!(environment, read(&[]).0);
        for no_header in ["x-key=a%0Ab", "two words=a", "x-good=a,x-key=%00"] {
            let (environment, wrong) = read(&[("OTEL_EXPORTER_OTLP_HEADERS", no_header)]);
            assert_eq!((environment.headers.len(), wrong), (0, vec!["OTEL_EXPORTER_OTLP_HEADERS"]), "{no_header}");
        }
    }
}
