//! OpenTelemetry: metrics of generative AI and spans, made of what the filter reports, and spans of the filter's calls. Metrics are
//! on `/metrics` too; with `telemetry.otlp` all of it goes to a collector. Nobody waits for any of it.

mod count;
mod environment;
mod export;
mod instrument;
mod known;
mod once;
mod otlp;
mod prometheus;
mod request;
mod table;
mod trace;

pub(super) use trace::{Parent, Span, Traceparent};

use super::quiet::Quiet;
use crate::failure::{Failure, Outcome};
use bytes::Bytes;
use count::GenAi;
use environment::{Environment, Pairs};
use export::{Exporter, NotTaken};
use known::Known;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use prost::Message;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use trace::Spans;
use weir_core::config::Config;
use weir_core::wire::Beat;

/// Until spans that the collector did not take are sent again; then twice as long, and so on.
const PAUSE: Duration = Duration::from_secs(1);
/// When the sidecar stops, what is left has so long to reach the collector.
const LAST: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    signal: &'static str,
}

const METRICS: Of = Of { signal: "metrics" };
const TRACES: Of = Of { signal: "traces" };

/// An export of spans: so many.
#[derive(Clone)]
struct Batch {
    body: Bytes,
    count: u64,
}

/// What the sidecar tells OpenTelemetry.
pub(super) struct Telemetry {
    genai: Arc<GenAi>,
    spans: Arc<Spans>,
    in_hand: Mutex<Option<Batch>>,
    /// None: there is no collector.
    exporter: Option<Exporter>,
    environment: Environment,
    /// Who exports: this process, and no other.
    resource: Pairs,
    /// When it began, in nanoseconds since 1970.
    start: u64,
    failures: Family<Of, Counter>,
    lost: Counter,
}

impl Telemetry {
    /// As the configuration and the environment say.
    ///
    /// # Errors
    /// The collector's address cannot be used.
    pub(super) fn new(config: &Config) -> Outcome<Self> {
        Self::by(config, |name| std::env::var(name).ok())
    }

    /// The same with other variables.
    pub(super) fn by(config: &Config, variable: impl Fn(&'static str) -> Option<String>) -> Outcome<Self> {
        let (environment, wrong) = Environment::read(variable);
        for name in wrong {
            tracing::warn!("{name} cannot be read as OpenTelemetry defines it, and is left out");
        }
        Self::with(Known::new(config), config.telemetry.otlp.as_deref(), environment).map_err(Failure::Runtime)
    }

    fn with(known: Known, collector: Option<&str>, environment: Environment) -> Result<Self, String> {
        let exporter = collector.map(|url| Exporter::new(url, &environment)).transpose()?;
        let mut resource = environment.resource.clone();
        if !resource.iter().any(|(name, _)| name == "service.instance.id") {
            let id: String = [trace::id(), trace::id()].concat().iter().map(|byte| format!("{byte:02x}")).collect();
            resource.push(("service.instance.id".to_owned(), id));
        }
        let genai = GenAi::new(known, environment.is_latest);
        genai.begin();
        Ok(Self {
            genai: Arc::new(genai),
            spans: Arc::default(),
            in_hand: Mutex::default(),
            exporter,
            environment,
            resource,
            start: otlp::nanos(SystemTime::now()),
            failures: Family::default(),
            lost: Counter::default(),
        })
    }

    /// Shows the metrics on `/metrics`: those of generative AI by their own names, those about exports under `weir_`.
    pub(super) fn register(&self, root: &mut Registry) {
        root.register("target", "OpenTelemetry's resource", Info::new(prometheus::info(&self.resource)));
        root.register_collector(Box::new(prometheus::Shown(self.genai.clone())));
        let own = root.sub_registry_with_prefix("weir");
        own.register(
            "telemetry_export_failures",
            "Exports that the collector did not take",
            Family::clone(&self.failures),
        );
        own.register(
            "telemetry_spans_lost",
            "Spans that were not exported: there were too many, or the collector did not take them",
            self.lost.clone(),
        );
        for of in [METRICS, TRACES] {
            drop(self.failures.get_or_create(&of));
        }
    }

    /// Counts what a worker reports, and keeps the spans of the requests that it tells of.
    pub(super) fn told(&self, beat: &Beat) {
        self.genai.told(beat.worker, &beat.reports, Instant::now());
        if self.exporter.is_some() {
            let spans = beat.traces.iter().flat_map(|traced| request::spans(self.genai.known(), traced));
            spans.for_each(|span| self.spans.push(span));
        }
    }

    /// A span of a call, if it belongs to a trace that somebody looks at.
    pub(super) fn span(&self, name: &'static str, parent: Option<Parent>) -> Span {
        match parent {
            Some(parent) if self.exporter.is_some() => Span::open(self.spans.clone(), name, parent),
            _ => Span::none(),
        }
    }

    /// Exports for as long as it is let. Why an export failed is for the log.
    pub(super) async fn run(&self, quiet: &Quiet) {
        if self.exporter.is_none() {
            return;
        }
        let metrics = async {
            loop {
                tokio::time::sleep(self.environment.interval).await;
                self.export_metrics(quiet).await;
            }
        };
        let traces = async {
            loop {
                let _ = tokio::time::timeout(self.environment.delay, self.spans.full.notified()).await;
                self.export_spans(quiet).await;
            }
        };
        tokio::join!(metrics, traces);
    }

    /// Exports what is left.
    pub(super) async fn finish(&self, quiet: &Quiet) {
        let all = async { tokio::join!(self.export_metrics(quiet), self.export_spans(quiet)) };
        let _ = tokio::time::timeout(LAST, all).await;
    }

    async fn export_metrics(&self, quiet: &Quiet) {
        let Some(exporter) = &self.exporter else { return };
        let now = otlp::nanos(SystemTime::now());
        let Some(export) = otlp::metrics(self.genai.table(), &self.resource, self.start, now) else { return };
        // What it does not take, the next export tells anew.
        let sent = exporter.send("/v1/metrics", encoded(&export)).await;
        self.check(&sent, METRICS, quiet);
    }

    async fn export_spans(&self, quiet: &Quiet) {
        let Some(exporter) = &self.exporter else { return };
        loop {
            self.lost.inc_by(self.spans.take_lost());
            let Some(Batch { body, count }) = self.batch() else { return };
            let sent = self.send_spans(exporter, &body).await;
            self.check(&sent, TRACES, quiet);
            self.lost.inc_by(sent.unwrap_or(count));
            *self.in_hand() = None;
        }
    }

    /// The export of spans that is under way, or the next. It is kept until it has ended: it may be given up in its
    /// middle, when the sidecar stops.
    fn batch(&self) -> Option<Batch> {
        let mut in_hand = self.in_hand();
        if in_hand.is_none() {
            let spans = self.spans.take(trace::BATCH);
            let count = spans.len() as u64;
            *in_hand = (count > 0).then(|| Batch { body: encoded(&otlp::spans(spans, &self.resource)), count });
        }
        in_hand.clone()
    }

    fn in_hand(&self) -> MutexGuard<'_, Option<Batch>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends them again if the collector may take them later, until one export's time is over.
    async fn send_spans(&self, exporter: &Exporter, body: &Bytes) -> Result<u64, NotTaken> {
        let begun = Instant::now();
        let mut pause = PAUSE;
        loop {
            let sent = exporter.send("/v1/traces", body.clone()).await;
            // By lot, so that not all sidecars come again at once.
            let lot = pause.mul_f64(f64::from(trace::id()[0]) / 512.0 + 0.5);
            let wait = sent.as_ref().err().and_then(|why| why.wait(lot));
            match wait.filter(|_| begun.elapsed() < self.environment.deadline) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return sent,
            }
            pause = pause.saturating_mul(2).min(export::LONGEST_WAIT);
        }
    }

    fn check(&self, sent: &Result<u64, NotTaken>, of: Of, quiet: &Quiet) {
        let why = match sent {
            Ok(0) => return,
            Ok(rejected) => format!("it has rejected {rejected} of it"),
            Err(why) => why.to_string(),
        };
        self.failures.get_or_create(&of).inc();
        if quiet.tells(if of == METRICS { "otlp metrics" } else { "otlp traces" }) {
            tracing::warn!(signal = of.signal, "the collector (telemetry.otlp) did not take all of an export: {why}");
        }
    }
}

fn encoded(export: &impl Message) -> Bytes {
    export.encode_to_vec().into()
}

impl Default for Telemetry {
    /// Of no configuration, and without a collector.
    fn default() -> Self {
        let (environment, _) = Environment::read(|_| None);
        Self::with(Known::default(), None, environment).unwrap_or_else(|_| unreachable!("there is no address"))
    }
}
