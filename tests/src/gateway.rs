//! A running gateway, between the test and a simulator of its own.

use crate::cli::{Command, Running};
use crate::{artifacts, ports::free_port, sse, target::TARGETS};
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use weir_sim::{JournalEntry, Provider, Sim, SimConfig};

/// What the harness's clients present. No provider may ever see it.
pub const CLIENT_KEY: &str = "sk-client-must-stay-here";

/// Envoy compiles the module at its start, and the machine may be busy.
const START: Duration = Duration::from_secs(60);
const PATH: &str = "/v1/chat/completions";

/// What a gateway is started with.
pub struct Setup {
    rest: String,
    breaker: &'static str,
    extra: Vec<(String, String)>,
    env: Vec<(String, String)>,
    keys: Vec<(String, String)>,
    sidecar: String,
    telemetry: String,
    concurrency: u32,
}

impl Setup {
    /// `rest` is `weir.yaml` but for addresses and providers; these are the harness's. No breaker opens, no target is left
    /// alone and no retry is lacking unless a test asks for it: a table of failures would come to its end there.
    pub fn new(rest: &str) -> Self {
        let env = TARGETS.map(|target| (target.variable.to_owned(), target.key.to_owned()));
        Self {
            rest: rest.to_owned(),
            breaker: "{ consecutive_failures: 100000, failure_rate: 100%, max_cooldown: 1ms }",
            extra: vec![],
            env: env.into(),
            keys: vec![],
            sidecar: String::new(),
            telemetry: String::new(),
            concurrency: 2,
        }
    }

    /// One model, `smart`: OpenAI, Claude, Gemini, with every default.
    pub fn smart() -> Self {
        Self::new(&format!("models:\n  smart: {}\n", targets()))
    }

    /// `breaker` of each of the three providers.
    pub fn breaker(mut self, breaker: &'static str) -> Self {
        self.breaker = breaker;
        self
    }

    /// `limits` of the provider of that name.
    pub fn limits(self, name: &str, limits: &str) -> Self {
        self.key(name, &format!("limits: {limits}"))
    }

    /// One more key, `name: value`, of the provider of that name.
    pub fn key(mut self, name: &str, key: &str) -> Self {
        self.keys.push((name.to_owned(), key.to_owned()));
        self
    }

    /// One more provider.
    pub fn provider(mut self, name: &str, kind: &str, url: &str) -> Self {
        let variable = format!("{}_KEY", name.to_uppercase());
        let line = format!("kind: {kind}, api_key: ${variable}, base_url: \"{url}\"");
        self.extra.push((name.to_owned(), line));
        self.env.push((variable, format!("sk-{name}-key")));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, variable: &str, value: &str) -> Self {
        self.env.push((variable.to_owned(), value.to_owned()));
        self
    }

    /// More of the `sidecar` key, `on_outage: closed`.
    pub fn sidecar(mut self, keys: &str) -> Self {
        self.sidecar = format!(", {keys}");
        self
    }

    /// Exports to a collector, `telemetry.otlp`.
    pub fn otlp(mut self, url: &str) -> Self {
        self.telemetry = format!(", otlp: \"{url}\"");
        self
    }

    /// Worker threads of Envoy.
    pub fn concurrency(mut self, workers: u32) -> Self {
        self.concurrency = workers;
        self
    }

    /// The whole `weir.yaml`.
    pub fn yaml(&self, sim: &Sim, listen: u16, admin: u16, sidecar: u16) -> String {
        let mut yaml = format!(
            "listen: 127.0.0.1:{listen}\nadmin: 127.0.0.1:{admin}\nsidecar: {{ listen: 127.0.0.1:{sidecar}{} }}\n\
             telemetry: {{ access_log: stdout{} }}\nproviders:\n",
            self.sidecar, self.telemetry
        );
        for target in TARGETS {
            let kind = target.provider;
            let (name, key, url, breaker) = (target.name, target.variable, sim.url(target.provider), self.breaker);
            let line = format!("kind: {kind}, api_key: ${key}, base_url: \"{url}\", breaker: {breaker}");
            yaml.push_str(&self.entry(name, &line));
        }
        for (name, line) in &self.extra {
            yaml.push_str(&self.entry(name, line));
        }
        if !self.rest.contains("retry_budget") {
            yaml.push_str("retry_budget: { reserve: 100000 }\n");
        }
        yaml + &self.rest
    }

    /// A provider with its further keys.
    fn entry(&self, name: &str, line: &str) -> String {
        let keys = self.keys.iter().filter(|(owner, _)| owner == name).map(|(_, key)| format!(", {key}"));
        format!("  {name}: {{ {line}{} }}\n", keys.collect::<String>())
    }

    /// Starts simulator and gateway, and waits until a request would be served.
    ///
    /// # Panics
    /// If the gateway does not get there; its logs are shown.
    pub async fn start(self) -> Gateway {
        let sim = Sim::start(SimConfig::free_ports()).await.expect("the simulator starts");
        self.start_at(&Arc::new(sim)).await
    }

    /// The same at a simulator that others use too.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn start_at(&self, sim: &Arc<Sim>) -> Gateway {
        let (listen, admin, sidecar) = (free_port(), free_port(), free_port());
        let mut command = Command::new(&["up", "--verbose", "--concurrency", &self.concurrency.to_string()])
            .config(&self.yaml(sim, listen, admin, sidecar));
        for (variable, value) in &self.env {
            command = command.env(variable, value);
        }
        let mut process = command.start();
        process.line("ready", START).await;
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let (address, admin, sidecar) = (address(listen), address(admin), address(sidecar));
        Gateway { http, address, admin, sidecar, sim: Arc::clone(sim), process }
    }
}

impl Setup {
    /// The same, as an Envoy that shares the sidecar of another gateway: the rendered bootstrap, without `weir up`.
    ///
    /// # Panics
    /// If it does not serve; its logs are shown.
    pub async fn start_beside(&self, other: &Gateway) -> Gateway {
        self.start_on(&other.sim, other.sidecar).await
    }

    /// The same at any sidecar.
    ///
    /// # Panics
    /// As [`Self::start_beside`].
    pub async fn start_on(&self, sim: &Arc<Sim>, sidecar: SocketAddr) -> Gateway {
        let (listen, admin) = (free_port(), free_port());
        let yaml = self.yaml(sim, listen, admin, sidecar.port());
        let mut render = Command::new(&["render", "--out", "envoy.yaml"]).config(&yaml);
        for (variable, value) in &self.env {
            render = render.env(variable, value);
        }
        let bootstrap = render.path("envoy.yaml");
        let mut rendered = render.start();
        let outcome = rendered.finish(START).await;
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        let workers = self.concurrency.to_string();
        let bootstrap = bootstrap.to_string_lossy();
        let arguments = ["-c", &*bootstrap, "--concurrency", &*workers, "--disable-hot-restart", "--log-level", "warn"];
        let mut command = Command::of(artifacts::envoy(), &arguments);
        for (variable, value) in &self.env {
            command = command.env(variable, value);
        }
        let process = command.start();
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let (address, admin) = (address(listen), address(admin));
        let gateway = Gateway { http, address, admin, sidecar, sim: Arc::clone(sim), process };
        let begun = std::time::Instant::now();
        while gateway.http.get(gateway.url("/healthz")).send().await.is_err() {
            assert!(begun.elapsed() < START, "Envoy does not serve");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        gateway
    }
}

/// The three targets as a list in `weir.yaml`.
fn targets() -> String {
    format!("[{}]", TARGETS.map(|target| target.address()).join(", "))
}

/// A gateway that serves. Dropping it stops it, and shows its logs if the test is failing.
pub struct Gateway {
    /// A client that takes nothing from the environment.
    pub http: reqwest::Client,
    /// Where clients connect.
    pub address: SocketAddr,
    /// Envoy's own interface.
    pub admin: SocketAddr,
    /// The sidecar.
    pub sidecar: SocketAddr,
    /// The providers.
    pub sim: Arc<Sim>,
    /// `weir up`.
    pub process: Running,
}

impl Gateway {
    /// URL of `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A chat request still to be sent, with the client's key.
    pub fn post(&self) -> reqwest::RequestBuilder {
        let request = self.http.post(self.url(PATH)).bearer_auth(CLIENT_KEY);
        request.header("content-type", "application/json").timeout(Duration::from_secs(60))
    }

    /// The whole answer to a chat.
    pub async fn chat(&self, request: &Value) -> Answer {
        Answer::of(self.post().json(request)).await
    }

    /// The whole answer to a chat with one more header.
    pub async fn chat_with(&self, name: &str, value: &str, request: &Value) -> Answer {
        Answer::of(self.post().header(name, value).json(request)).await
    }

    /// The whole stream of a chat.
    pub async fn stream(&self, request: &Value) -> sse::Stream {
        sse::Stream::read(self.post().json(request).send().await.expect("an answer")).await
    }

    /// A stream that is read event by event.
    pub async fn live(&self, request: &Value) -> sse::Live {
        sse::Live::new(self.post().json(request).send().await.expect("an answer"))
    }

    /// What one provider received.
    pub fn journal(&self, provider: Provider) -> Vec<JournalEntry> {
        self.sim.journal_of(provider)
    }

    /// Forgets faults, replies and journal.
    pub async fn reset(&self) {
        self.sim.reset().await.expect("the simulator is reset");
    }

    /// Fails unless the next request is served by the worker that has just seen something bad, and by its neighbours.
    pub async fn assert_alive(&self, after: &str) {
        for _ in 0..3 {
            let answer = self.chat(&crate::chat("smart", "Still there?")).await;
            assert_eq!(answer.status, 200, "after {after}: {}", answer.body);
        }
    }
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Response headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// Sends `request` and reads all of the answer.
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.text().await.expect("the whole answer") }
    }

    /// The only value of a header.
    ///
    /// # Panics
    /// If it stands there twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        sse::only(&self.headers, name)
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.body))
    }

    /// The text of the answer.
    pub fn text(&self) -> String {
        self.json()["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned()
    }

    /// `error.message`.
    pub fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
    }

    /// Fails unless this is an error of that status in OpenAI's shape; gives its `error`.
    pub fn expect_error(&self, status: u16, what: &str) -> Value {
        assert_eq!(self.status, status, "{what}: {}", self.body);
        assert_eq!(self.header("content-type"), Some("application/json"), "{what}");
        let error = &self.json()["error"];
        for field in ["message", "type", "param", "code"] {
            assert!(error.get(field).is_some(), "{what}: no error.{field} in {}", self.body);
        }
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{what}: {}", self.body);
        assert!(error["type"].is_string(), "{what}: {}", self.body);
        assert!(error["code"].is_string() || error["code"].is_null(), "{what}: {}", self.body);
        error.clone()
    }
}
