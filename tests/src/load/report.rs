//! What came of a load.

use std::collections::BTreeMap;
use std::time::Duration;

/// What became of one request.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Its place in the schedule.
    pub number: usize,
    /// What the shot was tagged with.
    pub tag: &'static str,
    /// When it was to start, from the start of the load.
    pub scheduled: Duration,
    /// How much later it did start: the load's own delay, part of both latencies.
    pub lag: Duration,
    /// HTTP status; 0 without an answer.
    pub status: u16,
    /// From the scheduled start to the answer's head, which Weir holds until the first token.
    pub first_byte: Option<Duration>,
    /// From the scheduled start to the end.
    pub total: Duration,
    /// `x-weir-provider`; empty without one.
    pub provider: String,
    /// `x-weir-attempts`.
    pub attempts: Option<u64>,
    /// `retry-after`.
    pub retry_after: Option<Duration>,
    /// `retry-after-ms`.
    pub retry_after_ms: Option<Duration>,
    /// Whether the whole answer came: of a stream, up to `[DONE]`.
    pub complete: bool,
    /// Whether the client left before.
    pub left: bool,
    /// How the transfer broke.
    pub broken: Option<String>,
}

impl Sample {
    /// Whether the client has what it asked for.
    pub fn served(&self) -> bool {
        self.status == 200 && self.complete
    }

    /// When it ended, from the start of the load.
    pub fn ended(&self) -> Duration {
        self.scheduled + self.total
    }
}

/// All samples of a load, in the order of its schedule.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// One for each request.
    pub samples: Vec<Sample>,
    /// From the start of the first to the end of the last.
    pub took: Duration,
}

impl Report {
    pub(super) fn new(mut samples: Vec<Sample>, took: Duration) -> Self {
        samples.sort_unstable_by_key(|sample| sample.number);
        Self { samples, took }
    }

    /// Those of one tag.
    pub fn tagged(&self, tag: &str) -> Self {
        let samples = self.samples.iter().filter(|sample| sample.tag == tag).cloned().collect();
        Self { samples, took: self.took }
    }

    /// Those that were served.
    pub fn served(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(|sample| sample.served())
    }

    /// Those that were answered with this status.
    pub fn with_status(&self, status: u16) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| sample.status == status)
    }

    /// Percent of the requests that were served.
    pub fn success(&self) -> f64 {
        100.0 * self.served().count() as f64 / self.samples.len().max(1) as f64
    }

    /// The time below which `percent` of the served stay, of whatever `time` takes from a sample.
    pub fn percentile(&self, percent: f64, time: impl Fn(&Sample) -> Duration) -> Duration {
        let mut times: Vec<Duration> = self.served().map(time).collect();
        times.sort_unstable();
        let rank = (percent / 100.0 * times.len() as f64).ceil() as usize;
        times.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// What the requests came to: how many of each status and provider, and how the others broke.
    pub fn summary(&self) -> String {
        let mut ends = BTreeMap::<String, usize>::new();
        for sample in &self.samples {
            let end = match &sample.broken {
                Some(error) => format!("{} broken: {error}", sample.status),
                None if sample.left => "left".to_owned(),
                None if !sample.complete => format!("{} incomplete {}", sample.status, sample.provider),
                None => format!("{} {}", sample.status, sample.provider),
            };
            *ends.entry(end).or_default() += 1;
        }
        let ends: Vec<String> = ends.into_iter().map(|(end, count)| format!("{count} x {}", end.trim())).collect();
        format!("{} in {:?}: {}", self.samples.len(), self.took, ends.join(", "))
    }
}
