//! Asks the Envoys, only when somebody asks for the page's data, and at most once a second however many do.

use super::board::Board;
use super::fallbacks::Fallbacks;
use super::own;
use super::samples::{Samples, UPTIME};
use super::show::{self, Names};
use super::view::{Envoy, Point, State, View};
use crate::serve::Sidecar;
use crate::up;
use futures_util::future::join_all;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Between two samples; a little less than a page's second, so that none of its questions gets an old answer.
const EVERY: Duration = Duration::from_millis(950);
/// One that does not answer within this is shown as such. The page's second waits for it.
const DEADLINE: Duration = Duration::from_millis(800);
/// Of one answer. With `usedonly`, 100,000 series are about as much.
const LONGEST: usize = 16 << 20;
/// Points of the history: three minutes for who looks each second.
const MOST_POINTS: usize = 180;
/// A step that took longer is no point of a line.
const LONGEST_STEP: f64 = 15.0;

/// What is read of Envoy's stats. Names of Envoy's own; [`weir_core::stats`] has the others.
const FILTER: &str = r"^(wasmcustom\.)?weir\.|^cluster\.[^.]+\.outlier_detection\.ejections_active$|^server\.(live|uptime|memory_allocated)$";

pub(in crate::serve) struct Watch {
    http: reqwest::Client,
    known: Names,
    state: Mutex<Watched>,
}

struct Watched {
    view: Option<(Instant, View)>,
    envoys: Vec<Observed>,
    fallbacks: Fallbacks,
    history: VecDeque<Point>,
}

/// One Envoy, as its admin interface showed it last.
struct Observed {
    /// As it was written.
    address: String,
    url: String,
    samples: Samples,
    /// When it was asked last, in milliseconds since 1970; 0: never with success.
    at: u64,
    /// Why it could not be read.
    failure: Option<&'static str>,
}

impl Watch {
    /// Of the Envoys with these admin addresses.
    ///
    /// # Errors
    /// There is no HTTP client.
    pub(in crate::serve) fn new(envoys: &[String], known: Names) -> Result<Self, reqwest::Error> {
        // No proxy from the environment: they are near. What answers with a redirect is no Envoy.
        let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let state = Watched {
            view: None,
            envoys: envoys.iter().map(|address| Observed::new(address)).collect(),
            fallbacks: Fallbacks::default(),
            history: VecDeque::new(),
        };
        Ok(Self { http: builder.timeout(DEADLINE).build()?, known, state: Mutex::new(state) })
    }

    /// What there is to see, at most a second old.
    pub(super) async fn view(&self, sidecar: &Sidecar) -> View {
        let mut state = self.state.lock().await;
        if let Some((at, view)) = &state.view
            && at.elapsed() < EVERY
        {
            return view.clone();
        }
        let asked = Instant::now();
        let texts = join_all(state.envoys.iter().map(|envoy| fetch(&self.http, &envoy.url)));
        let (texts, own) = tokio::join!(texts, own::look(sidecar));
        let (now, at) = (Instant::now(), millis());
        state.take(texts, now, at);
        let board = Board::of(state.envoys.iter().filter(|envoy| envoy.failure.is_none()).map(|envoy| &envoy.samples));
        let view = View {
            at,
            rate_seconds: board.rate_seconds,
            minute_seconds: board.minute_seconds,
            served: show::served(&board),
            requests: board.count("weir_requests", &[]),
            outcomes: show::outcomes(&board),
            history: state.history.iter().copied().collect(),
            providers: show::providers(&board, &self.known),
            models: show::models(&board, &self.known),
            tokens: show::tokens(&board, &[]),
            cost: show::cost(&board),
            cache: show::cache(&board),
            waiting: show::waiting(&board),
            budgets: show::budgets(&board, &self.known),
            fallbacks: state.fallbacks.list(),
            overhead: show::overhead(&board),
            envoys: state.envoys.iter().map(Observed::show).collect(),
            sidecar: super::view::Sidecar { is_missed: board.gauge("weir_sidecar_outage", &[]) > 0.0, ..own },
        };
        state.view = Some((asked, view.clone()));
        view
    }
}

impl Watched {
    /// What each Envoy has answered.
    fn take(&mut self, texts: Vec<Result<String, &'static str>>, now: Instant, at: u64) {
        let mut point = None;
        for (envoy, text) in self.envoys.iter_mut().zip(texts) {
            envoy.failure = text.as_ref().err().copied();
            let Ok(text) = text else { continue };
            envoy.samples.add(now, &text);
            let since = std::mem::replace(&mut envoy.at, at);
            let Some(step) = envoy.samples.step() else { continue };
            for (series, count) in envoy.samples.gained(step, "weir_fallbacks") {
                self.fallbacks.add(series, count, since, at);
            }
            if step.seconds() > LONGEST_STEP {
                continue;
            }
            let point = point.get_or_insert(Point { at, ok: 0.0, failed: 0.0, other: 0.0 });
            for (series, count) in envoy.samples.gained(step, "weir_requests") {
                let outcome = series.label("outcome");
                let part = match outcome {
                    outcome if show::is_failure(outcome) => &mut point.failed,
                    outcome if show::is_own(outcome) => &mut point.other,
                    _ => &mut point.ok,
                };
                *part += count / step.seconds();
            }
        }
        self.history.extend(point);
        self.history.drain(..self.history.len().saturating_sub(MOST_POINTS));
    }
}

impl Observed {
    fn new(address: &str) -> Self {
        let near = address.parse::<SocketAddr>().map_or(address.to_owned(), |at| up::reachable(at).to_string());
        let filter = utf8_percent_encode(FILTER, NON_ALPHANUMERIC);
        Self {
            address: address.to_owned(),
            url: format!("http://{near}/stats/prometheus?usedonly&filter={filter}"),
            samples: Samples::default(),
            at: 0,
            failure: None,
        }
    }

    fn show(&self) -> Envoy {
        let value = |name| if self.failure.is_some() { 0.0 } else { self.samples.value(name) };
        let state = match self.failure {
            Some(_) => State::Unreachable,
            None if value("envoy_server_live") > 0.0 => State::Live,
            None => State::Draining,
        };
        Envoy {
            address: self.address.clone(),
            state,
            why: self.failure.map(str::to_owned),
            uptime_seconds: value(UPTIME),
            memory_bytes: value("envoy_server_memory_allocated"),
        }
    }
}

async fn fetch(http: &reqwest::Client, url: &str) -> Result<String, &'static str> {
    let why = |error: reqwest::Error| if error.is_timeout() { "does not answer" } else { "cannot be reached" };
    let mut response = http.get(url).send().await.map_err(why)?;
    if !response.status().is_success() {
        return Err("is no Envoy: its answer is an error");
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(why)? {
        if bytes.len() + chunk.len() > LONGEST {
            return Err("has more stats than can be shown");
        }
        bytes.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(bytes).map_err(|_| "is no Envoy: its answer is no text")?;
    if text.contains("envoy_server_live") { Ok(text) } else { Err("is no Envoy: its answer is no stats") }
}

fn millis() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
