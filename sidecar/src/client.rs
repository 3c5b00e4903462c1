//! The sidecar that runs, as commands ask it.

use crate::failure::{Failure, Outcome};
use crate::{secret, up};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use std::time::Duration;
use weir_core::config::{Config, EnvVar, Listen};

/// A command does not wait longer.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Client {
    http: reqwest::Client,
    /// What stands before a path.
    base: String,
    /// Where it is, and who says so.
    place: String,
    /// With its variable.
    secret: Option<(EnvVar, String)>,
}

impl Client {
    /// Of the sidecar that `config` names.
    pub(crate) fn new(config: &Config) -> Outcome<Self> {
        Self::at(config.sidecar.listen.clone(), config.sidecar.secret.clone().zip(secret::read(config)?))
    }

    /// Of the sidecar at `listen`, with a secret and its variable's name.
    pub(crate) fn at(listen: Listen, secret: Option<(EnvVar, String)>) -> Outcome<Self> {
        // No proxy from the environment: it is near.
        let builder = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        let (builder, base) = match &listen {
            Listen::Tcp(address) => (builder, format!("http://{}", up::reachable(*address))),
            Listen::Unix(path) => (builder.unix_socket(path.as_str()), "http://sidecar".to_owned()),
        };
        let http = builder.build().map_err(Failure::runtime)?;
        Ok(Self { http, base, place: format!("{listen} (sidecar.listen)"), secret })
    }

    /// Of the sidecar at a URL that the command line names, `http://127.0.0.1:10001`.
    pub(crate) fn named(url: &str, secret: Option<(EnvVar, String)>) -> Outcome<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().map_err(Failure::runtime)?;
        let base = url.trim_end_matches('/').to_owned();
        Ok(Self { http, place: format!("{base} (--url)"), base, secret })
    }

    /// Where it is, and who says so.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// What it answers to a `GET`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Outcome<T> {
        let text = self.send(self.request(Method::GET, path)).await?;
        serde_json::from_str(&text).map_err(|error| Failure::Runtime(format!("the sidecar's answer: {error}")))
    }

    /// `POST`s something.
    pub(crate) async fn post(&self, path: &str, body: &impl serde::Serialize) -> Outcome {
        self.send(self.request(Method::POST, path).json(body)).await.map(drop)
    }

    pub(crate) async fn delete(&self, path: &str) -> Outcome {
        self.send(self.request(Method::DELETE, path)).await.map(drop)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.secret {
            Some((_, secret)) => request.bearer_auth(secret),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Outcome<String> {
        let away = |error: reqwest::Error| {
            let why = if error.is_timeout() { "it does not answer" } else { "is `weir up` or `weir serve` running?" };
            Failure::Runtime(format!("no sidecar at {}: {why}", self.place))
        };
        let response = request.send().await.map_err(away)?;
        let status = response.status();
        let text = response.text().await.map_err(away)?;
        match (status, &self.secret) {
            (status, _) if status.is_success() => Ok(text),
            (StatusCode::UNAUTHORIZED, Some((EnvVar(name), _))) => {
                Err(Failure::Runtime(format!("the sidecar at {} has another secret than ${name}", self.place)))
            }
            _ => Err(Failure::Runtime(reason(&text).map_or_else(
                || format!("what is at {} answers {status}: is it the sidecar?", self.place),
                str::to_owned,
            ))),
        }
    }
}

/// The sidecar's reasons are one line. Who else may be there says anything, which is not for a terminal.
fn reason(text: &str) -> Option<&str> {
    const LONGEST: usize = 4_096;
    let text = text.trim_end();
    (!text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control)).then_some(text)
}
