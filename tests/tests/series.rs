//! What clients send makes no stat: neither at Envoy, nor at the sidecar.

use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use weir_e2e::{Gateway, Setup, chat, key_sha256, with};
use weir_sim::Settings;

const KEY: &str = "key-of-team-a";
const REQUESTS: u64 = 100_000;
/// Requests under way at once.
const AT_ONCE: usize = 48;

/// The ways in which a client can make up a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Model,
    ModelOfAnthropic,
    ModelOfGemini,
    Embedding,
    Target,
    Provider,
    Route,
    Key,
    KeyOfAnthropic,
    KeyOfGemini,
    Path,
    Headers,
}

const FORMS: [Form; 12] = [
    Form::Model,
    Form::ModelOfAnthropic,
    Form::ModelOfGemini,
    Form::Embedding,
    Form::Target,
    Form::Provider,
    Form::Route,
    Form::Key,
    Form::KeyOfAnthropic,
    Form::KeyOfGemini,
    Form::Path,
    Form::Headers,
];

impl Form {
    /// A request that nobody has sent before, and the status that it gets.
    fn request(self, gateway: &Gateway, name: &str) -> (RequestBuilder, u16) {
        let post = |path: &str| gateway.http.request(Method::POST, gateway.url(path));
        let chats = || post("/v1/chat/completions").bearer_auth(KEY);
        let messages = json!({ "model": "smart", "max_tokens": 5, "messages": [{ "role": "user", "content": "Hi" }] });
        let contents = json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hi" }] }] });
        let known = chat("smart", "Hi");
        match self {
            Form::Model => (chats().json(&chat(name, "Hi")), 404),
            Form::ModelOfAnthropic => {
                (post("/v1/messages").bearer_auth(KEY).json(&with(messages, json!({ "model": name }))), 404)
            }
            Form::ModelOfGemini => {
                let path = format!("/v1beta/models/{name}:generateContent");
                (post(&path).header("x-goog-api-key", KEY).json(&contents), 404)
            }
            Form::Embedding => {
                (post("/v1/embeddings").bearer_auth(KEY).json(&json!({ "model": name, "input": "Hi" })), 404)
            }
            // The provider is asked for it, and has it.
            Form::Target => (chats().json(&chat(&format!("openai/{name}"), "Hi")), 200),
            Form::Provider => (chats().json(&chat(&format!("{name}/gpt-5.6"), "Hi")), 404),
            Form::Route => (chats().header("x-weir-route", name).json(&known), 400),
            Form::Key => (post("/v1/chat/completions").bearer_auth(name).json(&known), 401),
            Form::KeyOfAnthropic => (post("/v1/messages").header("x-api-key", name).json(&messages), 401),
            Form::KeyOfGemini => {
                let path = format!("/v1beta/models/smart:generateContent?key={name}");
                (post(&path).json(&contents), 401)
            }
            Form::Path => (post(&format!("/{name}")).bearer_auth(KEY).json(&known), 404),
            Form::Headers => {
                let known = with(known, json!({ "user": name }));
                let headers = ["x-request-id", "x-weir-tenant", "x-weir-model", "x-weir-chain", "user-agent"];
                (headers.into_iter().fold(chats().json(&known), |request, header| request.header(header, name)), 200)
            }
        }
    }
}

#[tokio::test]
async fn a_hundred_thousand_made_up_names_make_no_series() {
    let tenant = format!("tenants:\n  team-a: {{ key_sha256: \"{}\" }}\n", key_sha256(KEY));
    let models =
        "models:\n  smart: { targets: [openai/gpt-5.6, claude/claude-sonnet-5-5], cache: { exact: { ttl: 1h } } }\n";
    let gateway = Setup::new(&format!("{models}{tenant}")).start().await;
    gateway.sim.set_settings(Settings { journal: false, hash_bodies: false });
    // Envoy's own stats have the statuses that were sent: of each form one, before they are counted.
    send(&gateway, 0..4 * FORMS.len() as u64).await;
    gateway.at_rest().await;
    // The sidecar hears of them by the next beats, which are a second apart.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let before = series(&gateway).await;
    assert!(before.len() > 1_000, "{} series", before.len());

    send(&gateway, 1_000_000..1_000_000 + REQUESTS).await;
    gateway.at_rest().await;
    let after = series(&gateway).await;
    let new: Vec<&String> = after.difference(&before).collect();
    assert!(new.is_empty(), "{} more series than {}: {:?}", new.len(), before.len(), new.iter().take(10));
    assert_eq!(after.len(), before.len());

    // They have been counted all the same.
    let stats = gateway.stats().await;
    let made_up = REQUESTS as f64 / FORMS.len() as f64;
    for labels in [[("model", "direct"), ("outcome", "ok")], [("model", "-"), ("outcome", "client_error")]] {
        assert!(stats.value("weir_requests", &labels) >= made_up.floor(), "{labels:?}");
    }
}

/// Sends these, a few at once, in turn of each form.
async fn send(gateway: &Gateway, numbers: std::ops::Range<u64>) {
    let wrong = stream::iter(numbers.clone())
        .map(|number| async move {
            let form = FORMS[(number % FORMS.len() as u64) as usize];
            // No two are alike, in no worker.
            let name = format!("made-up-{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let (request, expected) = form.request(gateway, &name);
            let response = request.timeout(Duration::from_secs(30)).send().await.expect("an answer");
            let status = response.status().as_u16();
            let body = response.text().await.expect("all of it");
            (status != expected).then(|| (form, format!("{status} instead of {expected}: {body}")))
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(|wrong| async { wrong });
    let wrong: BTreeMap<Form, String> = wrong.collect().await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The names of all series with their labels, of Envoy and of the sidecar.
async fn series(gateway: &Gateway) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for url in [format!("http://{}/stats/prometheus", gateway.admin), format!("http://{}/metrics", gateway.sidecar)] {
        let text = gateway.http.get(&url).send().await.expect("an answer").text().await.expect("all of it");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        found.extend(lines.filter_map(|line| line.rsplit_once(' ')).map(|(series, _)| series.to_owned()));
    }
    found
}
