//! A running simulator and clients with the right keys.

use std::time::{Duration, Instant};

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use weir_sim::{ANTHROPIC_KEY, GEMINI_KEY, JournalEntry, OPENAI_KEY, Provider, Sim, SimConfig};

pub(crate) struct Rig {
    pub(crate) sim: Sim,
    pub(crate) http: reqwest::Client,
}

impl Rig {
    pub(crate) async fn start() -> Self {
        let sim = Sim::start(SimConfig::free_ports()).await.unwrap();
        Self { sim, http: reqwest::Client::new() }
    }

    /// A POST with the provider's key and required headers.
    pub(crate) fn post(&self, provider: Provider, path: &str) -> RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.sim.url(provider)));
        match provider {
            Provider::OpenAi => request.bearer_auth(OPENAI_KEY),
            Provider::Anthropic => request.header("x-api-key", ANTHROPIC_KEY).header("anthropic-version", "2023-06-01"),
            Provider::Gemini => request.header("x-goog-api-key", GEMINI_KEY),
        }
    }

    /// The provider's chat endpoint, not streamed.
    pub(crate) fn chat(&self, provider: Provider) -> RequestBuilder {
        self.post(provider, chat_path(provider, "generateContent"))
    }

    /// A minimal chat request.
    pub(crate) fn hello(&self, provider: Provider) -> RequestBuilder {
        self.chat(provider).json(&hello(provider))
    }

    /// A minimal streamed chat request.
    pub(crate) fn hello_stream(&self, provider: Provider) -> RequestBuilder {
        let mut body = hello(provider);
        if provider != Provider::Gemini {
            body["stream"] = json!(true);
        }
        self.post(provider, chat_path(provider, "streamGenerateContent?alt=sse")).json(&body)
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> (StatusCode, Value) {
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// The answer to a chat request that must be right.
    pub(crate) async fn ok(&self, provider: Provider, body: &Value) -> Value {
        let (status, answer) = self.send(self.chat(provider).json(body)).await;
        assert_eq!(status, 200, "{answer:#}");
        answer
    }

    /// A control request.
    pub(crate) async fn control(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.sim.control_url());
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.send(self.http.request(method, url).body(body.to_owned())).await
    }

    /// The newest journal entry once it satisfies `ready`, which must be within a second.
    pub(crate) async fn journaled(&self, ready: impl Fn(&JournalEntry) -> bool) -> JournalEntry {
        let deadline = Instant::now() + Duration::from_secs(1);
        loop {
            let newest = self.sim.journal().pop();
            match newest {
                Some(entry) if ready(&entry) => return entry,
                newest => assert!(Instant::now() < deadline, "not in time: {newest:#?}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

pub(crate) fn chat_path(provider: Provider, gemini_verb: &str) -> &'static str {
    match (provider, gemini_verb) {
        (Provider::OpenAi, _) => "/v1/chat/completions",
        (Provider::Anthropic, _) => "/v1/messages",
        (Provider::Gemini, "generateContent") => "/v1beta/models/gemini-3.8-flash:generateContent",
        (Provider::Gemini, _) => "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse",
    }
}

pub(crate) fn hello(provider: Provider) -> Value {
    let messages = json!([{"role": "user", "content": "Hi"}]);
    match provider {
        Provider::OpenAi => json!({"model": "gpt-5.6", "messages": messages}),
        Provider::Anthropic => json!({"model": "claude-sonnet-4-6", "max_tokens": 100, "messages": messages}),
        Provider::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}),
    }
}

/// `base` with the fields of `patch` on top; `null` removes one.
pub(crate) fn with(base: &Value, patch: Value) -> Value {
    let mut merged = base.clone();
    for (name, value) in patch.as_object().unwrap() {
        match value {
            Value::Null => merged.as_object_mut().unwrap().remove(name),
            value => merged.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    merged
}
