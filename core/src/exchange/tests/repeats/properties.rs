//! Any requests of two tenants, in any order.

use super::{NOW, TTL, ask, kept};
use proptest::collection::vec;
use proptest::prelude::*;

/// A client: its key, the order of targets that it wants, how it wants the cache, and its request.
fn request() -> impl Strategy<Value = (&'static str, Option<&'static str>, Option<&'static str>, (String, String), u64)>
{
    // The same bytes are a request of OpenAI's and one of Anthropic's.
    let messages = (
        prop_oneof![2 => Just("/v1/chat/completions"), 1 => Just("/v1/messages")],
        prop_oneof![3 => Just("smart"), 1 => Just("plain")],
        prop_oneof![Just("Hi"), Just("H\\u0069")],
        prop_oneof![Just(""), Just(r#","stream":true"#)],
        prop_oneof![Just(""), Just(" ")],
    )
        .prop_map(|(path, model, text, fields, end)| {
            let messages = format!(r#"[{{"role":"user","content":"{text}"}}]"#);
            (path.to_owned(), format!(r#"{{"model":"{model}","max_tokens":9,"messages":{messages}{fields}}}{end}"#))
        });
    let contents = (
        prop_oneof![3 => Just("smart"), 1 => Just("plain")],
        prop_oneof![Just("generateContent"), Just("streamGenerateContent"), Just("streamGenerateContent?alt=sse")],
        prop_oneof![Just("Hi"), Just("H\\u0069")],
    )
        .prop_map(|(model, method, text)| {
            let contents = format!(r#"{{"contents":[{{"role":"user","parts":[{{"text":"{text}"}}]}}]}}"#);
            (format!("/v1beta/models/{model}:{method}"), contents)
        });
    let request = prop_oneof![2 => messages, 1 => contents];
    (
        prop_oneof![Just("a"), Just("b")],
        prop_oneof![3 => Just(None), 1 => Just(Some("openai")), 1 => Just(Some("other,openai"))],
        prop_oneof![6 => Just(None), 1 => Just(Some("refresh")), 1 => Just(Some("no-store")), 1 => Just(Some("only"))],
        request,
        prop_oneof![9 => 0..500_u64, 1 => TTL - 100..TTL + 100],
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever is asked by whom in which order, each gets what it would get if nothing were known by its bytes.
    #[test]
    fn what_is_told_again_is_what_would_have_been_told(requests in vec(request(), 1..150)) {
        let (with, without) = (kept(true, true), kept(true, false));
        let mut now = NOW;
        for (at, (tenant, route, mode, (path, body), later)) in requests.into_iter().enumerate() {
            now += later;
            let key = format!("Bearer {tenant}");
            let mut extra: Vec<(&'static str, &[u8])> = vec![("authorization", key.as_bytes()), (":path", path.as_bytes())];
            extra.extend(route.map(|route| ("x-weir-route", route.as_bytes())));
            extra.extend(mode.map(|mode| ("x-weir-cache", mode.as_bytes())));
            let text = format!("answer {at} for {tenant}");
            let [told, expected] = [&with, &without].map(|gateway| ask(gateway, &extra, &body, &text, now));
            prop_assert_eq!(&told, &expected, "{} {} {}", at, path, body);
            for other in ["a", "b"].into_iter().filter(|other| *other != tenant) {
                prop_assert!(!told.contains(&format!("for {other}")), "{}", told);
            }
        }
    }
}
