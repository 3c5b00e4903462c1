//! Envoy's counters and gauges, as its admin interface shows them to Prometheus.

use crate::Gateway;
use std::time::{Duration, Instant};

/// All series at one moment.
#[derive(Debug)]
pub struct Stats(Vec<Series>);

#[derive(Debug)]
struct Series {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Stats {
    /// Reads the text format; what is no series is left out.
    pub fn parse(text: &str) -> Self {
        Self(text.lines().filter(|line| !line.starts_with('#')).filter_map(series).collect())
    }

    /// The sum of the series of this name that carry these labels, whatever others they carry; None if there is none.
    pub fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let carries = |series: &&Series| {
            labels.iter().all(|(name, value)| series.labels.iter().any(|label| label.0 == *name && label.1 == *value))
        };
        let values = self.0.iter().filter(|series| series.name == name).filter(carries).map(|series| series.value);
        values.reduce(|sum, value| sum + value)
    }

    /// Of a histogram: each bucket's bounds, and how many values are at or below the upper one.
    pub fn buckets(&self, name: &str, labels: &[(&str, &str)]) -> Vec<(f64, f64, f64)> {
        let name = format!("{name}_bucket");
        let of_name = self.0.iter().filter(|series| series.name == name);
        let bound =
            |series: &Series| series.labels.iter().find(|(name, _)| name == "le").map(|(_, bound)| bound.clone());
        let mut bounds: Vec<(f64, String)> =
            of_name.filter_map(bound).filter_map(|le| Some((le.parse().ok()?, le))).collect();
        bounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        bounds.dedup();
        let counts = bounds.iter().map(|(_, le)| self.find(&name, &[labels, &[("le", le)]].concat()).unwrap_or(0.0));
        let lower = std::iter::once(0.0).chain(bounds.iter().map(|(bound, _)| *bound));
        lower.zip(&bounds).zip(counts).map(|((lower, (upper, _)), count)| (lower, *upper, count)).collect()
    }

    /// The same of series that must be there.
    ///
    /// # Panics
    /// If none is.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.find(name, labels).unwrap_or_else(|| {
            let names: Vec<_> =
                self.0.iter().map(|series| &series.name).filter(|name| name.starts_with("weir")).collect();
            panic!("no {name}{labels:?} among the stats; those of Weir are {names:?}")
        })
    }
}

impl Gateway {
    /// Envoy's stats now.
    pub async fn stats(&self) -> Stats {
        let url = format!("http://{}/stats/prometheus", self.admin);
        let response = self.http.get(url).send().await.expect("the admin interface answers");
        Stats::parse(&response.text().await.expect("the whole text"))
    }

    /// Waits until `reached` holds of the stats.
    ///
    /// # Panics
    /// If it does not in time; `what` says what was waited for.
    pub async fn stats_until(&self, what: &str, patience: Duration, reached: impl Fn(&Stats) -> bool) {
        let begun = Instant::now();
        while !reached(&self.stats().await) {
            assert!(begun.elapsed() < patience, "not within {patience:?}: {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until nothing is under way, nobody waits, and the sidecar answers.
    ///
    /// # Panics
    /// If that does not come within the time after which a worker that is silent counts as gone, and some.
    pub async fn at_rest(&self) {
        let gauges = ["weir_inflight", "weir_waiting", "weir_sidecar_outage"];
        let at_rest = |stats: &Stats| gauges.iter().all(|gauge| stats.value(gauge, &[]) == 0.0);
        self.stats_until("all gauges are back at 0", Duration::from_secs(15), at_rest).await;
    }
}

/// `name{label="value",…} 1`, or without labels.
fn series(line: &str) -> Option<Series> {
    let (key, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let Some((name, labels)) = key.split_once('{') else {
        return Some(Series { name: key.to_owned(), labels: vec![], value });
    };
    let labels = labels.strip_suffix('}')?.split("\",").filter_map(|label| {
        let (name, value) = label.split_once("=\"")?;
        Some((name.to_owned(), value.trim_end_matches('"').to_owned()))
    });
    Some(Series { name: name.to_owned(), labels: labels.collect(), value })
}
