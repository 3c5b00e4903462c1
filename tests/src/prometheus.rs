//! A real Prometheus that scrapes a gateway and its sidecar, with the project's own configuration and rules.

use crate::artifacts::{prometheus, root};
use crate::cli::{Command, Running};
use crate::{Gateway, free_port};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// It has read its rules and scraped for the first time by then.
const START: Duration = Duration::from_secs(30);
/// A running Prometheus. Dropping it ends it.
pub struct Prometheus {
    http: reqwest::Client,
    url: String,
    _process: Running,
}

/// One series of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Series {
    /// One of its labels; empty if it has none of that name.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

impl Gateway {
    /// A Prometheus that scrapes this gateway and its sidecar each second, and has done so once.
    ///
    /// # Panics
    /// If it does not get there; its log is shown.
    pub async fn prometheus(&self) -> Prometheus {
        let port = free_port();
        let listen = format!("--web.listen-address=127.0.0.1:{port}");
        let arguments = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", &*listen, "--log.level=warn"];
        let command = Command::of(prometheus("prometheus"), &arguments);
        for file in ["prometheus.yml", "recording.yml", "alerts.yml"] {
            let text = std::fs::read_to_string(root().join("envoy/prometheus").join(file)).expect("a file");
            let text = text.replace("envoy:9901", &self.admin.to_string());
            let text = text.replace("sidecar:10001", &self.sidecar.to_string()).replace(": 15s", ": 1s");
            std::fs::write(command.path(file), text).expect("a file");
        }
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let url = format!("http://127.0.0.1:{port}");
        let found = Prometheus { http, url, _process: command.start() };
        let begun = Instant::now();
        while !found.is_scraping().await {
            assert!(begun.elapsed() < START, "Prometheus does not scrape both");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        found
    }
}

impl Prometheus {
    /// All of its life: what is taken for a panel's `$__range` and `$__rate_interval`.
    pub const RANGE: Duration = Duration::from_secs(1_800);

    async fn is_scraping(&self) -> bool {
        let Ok(answer) = self.ask("query", &[("query", "sum(up)")]).await else { return false };
        answer["result"][0]["value"][1] == "2"
    }

    /// What its API answers, `data` of it; else its error.
    async fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Json, String> {
        let request = self.http.post(format!("{}/api/v1/{path}", self.url)).form(parameters);
        let answer: Json = request.send().await.map_err(|e| e.to_string())?.json().await.map_err(|e| e.to_string())?;
        if answer["status"] == "success" { Ok(answer["data"].clone()) } else { Err(answer.to_string()) }
    }

    /// What its API answers to a GET.
    ///
    /// # Panics
    /// If that is an error.
    pub async fn get(&self, path: &str) -> Json {
        let response = self.http.get(format!("{}/api/v1/{path}", self.url)).send().await.expect("an answer");
        let answer: Json = response.json().await.expect("JSON");
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].clone()
    }

    /// What a query gives at a moment, in seconds since 1970. A dashboard's variables are taken for all there is, and its ranges
    /// for all of this Prometheus' life.
    ///
    /// # Panics
    /// If it is an error.
    pub async fn query(&self, query: &str, at: f64) -> Vec<Series> {
        let range = format!("{}s", Self::RANGE.as_secs());
        let mut query = query.replace("$__rate_interval", &range).replace("$__range", &range);
        for variable in ["model", "tenant", "provider"] {
            query = query.replace(&format!("${variable}"), ".*");
        }
        let at = at.to_string();
        let answer = self.ask("query", &[("query", &query), ("time", &at)]).await;
        let answer = answer.unwrap_or_else(|error| panic!("{query}: {error}"));
        let series = answer["result"].as_array().expect("series").iter();
        series
            .map(|series| {
                let labels = series["metric"].as_object().expect("labels").iter();
                let labels = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
                let value = series["value"][1].as_str().and_then(|value| value.parse().ok()).expect("a number");
                Series { labels: labels.collect(), value }
            })
            .collect()
    }

    /// The sum of what a query gives.
    ///
    /// # Panics
    /// As [`Self::query`], or if there is nothing.
    pub async fn sum(&self, query: &str, at: f64) -> f64 {
        let found = self.query(query, at).await;
        assert!(!found.is_empty(), "{query} gives nothing");
        found.iter().map(|series| series.value).sum()
    }

    /// What a query gives for a rate, in all.
    ///
    /// # Panics
    /// As [`Self::sum`].
    pub async fn total(&self, rate: &str, at: f64) -> f64 {
        self.sum(rate, at).await * Self::RANGE.as_secs_f64()
    }

    /// The moment of the next scrape of Envoy. At such a moment, with a first scrape before the first request, nothing of an
    /// increase is extrapolated: it is exact.
    ///
    /// # Panics
    /// If there is none.
    pub async fn scraped(&self) -> f64 {
        let begun = Instant::now();
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs_f64();
        loop {
            let last = self.sum("timestamp(up{job=\"weir-envoy\"})", now + begun.elapsed().as_secs_f64()).await;
            if last > now {
                return last;
            }
            assert!(begun.elapsed() < START, "Envoy is not scraped any more");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
