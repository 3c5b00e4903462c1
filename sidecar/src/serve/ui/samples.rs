//! What one Envoy counted at the moments at which it was asked: its last minute, in little memory.

use super::exposition::{Series, values};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Rates are of so long, percentiles of [`MINUTE`]. Whoever asks a bit less than once a second is served too.
pub(super) const SHORT: Duration = Duration::from_millis(10_500);
pub(super) const MINUTE: Duration = Duration::from_millis(60_500);
/// Beyond [`SHORT`] one sample in so many seconds is enough.
const APART: u64 = 5;
/// Without any other, the sample before counts, up to this age: one who asks once a minute gets that minute's rates.
const OLDEST: Duration = Duration::from_secs(90);
/// An Envoy has as many as its configuration makes; what is beyond is not read.
const MOST_SERIES: usize = 100_000;

#[derive(Default)]
pub(super) struct Samples {
    ids: HashMap<Box<str>, usize>,
    /// By id.
    series: Vec<Arc<Series>>,
    /// The newest last. The one before it is always kept, however old.
    kept: VecDeque<Sample>,
    begun: Option<Instant>,
}

struct Sample {
    at: Instant,
    /// By id; what is not there is 0.
    values: Vec<f64>,
}

impl Sample {
    fn value(&self, id: usize) -> f64 {
        self.values.get(id).copied().unwrap_or(0.0)
    }
}

/// From one sample to the newest.
#[derive(Clone, Copy)]
pub(super) struct Span<'a> {
    from: &'a Sample,
    to: &'a Sample,
}

impl Span<'_> {
    pub(super) fn seconds(self) -> f64 {
        self.to.at.duration_since(self.from.at).as_secs_f64()
    }

    /// What a counter has gained.
    fn gained(self, id: usize) -> f64 {
        (self.to.value(id) - self.from.value(id)).max(0.0)
    }
}

/// A series in the newest sample.
pub(super) struct Reading<'a> {
    pub(super) series: &'a Arc<Series>,
    pub(super) value: f64,
    /// Per second, lately; 0: there is nothing to compare with.
    pub(super) rate: f64,
    /// What was gained in the last minute.
    pub(super) minute: f64,
}

impl Samples {
    /// Takes what Envoy says now. An Envoy that has started anew counts from 0: nothing before is compared with it.
    pub(super) fn add(&mut self, now: Instant, text: &str) {
        let uptime = self.value(UPTIME);
        let mut sample = Sample { at: now, values: vec![0.0; self.series.len()] };
        for (key, value) in values(text) {
            if let Some(id) = self.id(key) {
                if sample.values.len() <= id {
                    sample.values.resize(id + 1, 0.0);
                }
                sample.values[id] = value;
            }
        }
        self.thin(now);
        self.kept.push_back(sample);
        if self.value(UPTIME) < uptime {
            self.kept.drain(..self.kept.len() - 1);
        }
    }

    fn id(&mut self, key: &str) -> Option<usize> {
        if let Some(id) = self.ids.get(key) {
            return Some(*id);
        }
        if self.series.len() >= MOST_SERIES {
            return None;
        }
        self.series.push(Arc::new(Series::parse(key)?));
        self.ids.insert(key.into(), self.series.len() - 1);
        Some(self.series.len() - 1)
    }

    fn thin(&mut self, now: Instant) {
        let begun = *self.begun.get_or_insert(now);
        let Some(newest) = self.kept.pop_back() else { return };
        let mut slot = None;
        self.kept.retain(|sample| {
            let age = now.duration_since(sample.at);
            let this = Some(sample.at.duration_since(begun).as_secs() / APART);
            age <= SHORT || age <= MINUTE && std::mem::replace(&mut slot, this) != this
        });
        self.kept.push_back(newest);
    }

    /// Of a series that has no labels; 0: it is not there.
    pub(super) fn value(&self, name: &str) -> f64 {
        let id = self.ids.get(format!("{name}{{}}").as_str());
        id.and_then(|id| Some(self.kept.back()?.value(*id))).unwrap_or(0.0)
    }

    /// Since at most `window` ago, or since the sample before.
    pub(super) fn span(&self, window: Duration) -> Option<Span<'_>> {
        let to = self.kept.back()?;
        let age = |sample: &&Sample| to.at.duration_since(sample.at);
        let is_before = |sample: &&Sample| sample.at < to.at;
        let within = self.kept.iter().filter(is_before).find(|sample| age(sample) <= window);
        let before = || self.kept.iter().rev().find(is_before).filter(|sample| age(sample) <= OLDEST);
        Some(Span { from: within.or_else(before)?, to })
    }

    /// Since the sample before, however old.
    pub(super) fn step(&self) -> Option<Span<'_>> {
        let before = self.kept.len().checked_sub(2)?;
        Some(Span { from: self.kept.get(before)?, to: self.kept.back()? })
    }

    /// What the series of that name have gained in a step.
    pub(super) fn gained<'a>(&'a self, step: Span<'a>, name: &str) -> impl Iterator<Item = (&'a Series, f64)> {
        let named = move |(_, series): &(usize, &Arc<Series>)| series.name == name;
        let gained = move |(id, series): (usize, &'a Arc<Series>)| (&**series, step.gained(id));
        self.series.iter().enumerate().filter(named).map(gained).collect::<Vec<_>>().into_iter()
    }

    /// Everything now.
    pub(super) fn readings(&self) -> impl Iterator<Item = Reading<'_>> {
        let (short, minute) = (self.span(SHORT), self.span(MINUTE));
        let newest = self.kept.back();
        self.series.iter().enumerate().filter_map(move |(id, series)| {
            let rate = short.map_or(0.0, |span| span.gained(id) / span.seconds());
            let minute = minute.map_or(0.0, |span| span.gained(id));
            Some(Reading { series, value: newest?.value(id), rate, minute })
        })
    }
}

/// Seconds since Envoy's start.
pub(super) const UPTIME: &str = "envoy_server_uptime";

#[cfg(test)]
mod tests {
    use super::*;

    fn text(ok: u64, uptime: u64) -> String {
        format!("weir_requests{{outcome=\"ok\"}} {ok}\nenvoy_server_uptime{{}} {uptime}\n")
    }

    /// Samples of a counter, each so many seconds after the start; uptime is the time. Gives total, rate and minute.
    fn check(samples: &[(u64, u64)], expected: (f64, f64, f64)) {
        let begun = Instant::now();
        let mut kept = Samples::default();
        for (at, ok) in samples {
            kept.add(begun + Duration::from_secs(*at), &text(*ok, *at));
        }
        let reading = kept.readings().next().expect("the counter");
        assert_eq!((reading.value, reading.rate, reading.minute), expected, "{samples:?}");
    }

    #[test]
    fn rates_are_of_ten_seconds_and_the_minute_is_one() {
        check(&[(0, 100)], (100.0, 0.0, 0.0));
        check(&[(0, 100), (1, 103)], (103.0, 3.0, 3.0));
        let each_second: Vec<_> = (0..=200).map(|second| (second, second * 2)).collect();
        check(&each_second, (400.0, 2.0, 120.0));
        let grows: Vec<_> = (0..=100).map(|second| (second, second * second)).collect();
        check(&grows, (10_000.0, 190.0, 8_400.0));
    }

    #[test]
    fn who_asks_seldom_gets_what_was_between() {
        check(&[(0, 0), (60, 120)], (120.0, 2.0, 120.0));
        check(&[(0, 0), (80, 160)], (160.0, 2.0, 160.0));
        check(&[(0, 0), (3_600, 7_200)], (7_200.0, 0.0, 0.0));
        check(&[(0, 0), (3_600, 7_200), (3_601, 7_205)], (7_205.0, 5.0, 5.0));
    }

    #[test]
    fn an_envoy_that_starts_anew_is_not_compared_with_what_it_was() {
        let begun = Instant::now();
        let mut kept = Samples::default();
        for (at, ok, uptime) in [(0, 1_000, 500), (1, 1_001, 501), (2, 3, 1), (3, 4, 2)] {
            kept.add(begun + Duration::from_secs(at), &text(ok, uptime));
        }
        let reading = kept.readings().next().expect("the counter");
        assert_eq!((reading.value, reading.rate, reading.minute), (4.0, 1.0, 1.0));
        kept.add(begun + Duration::from_secs(4), &text(0, 0));
        assert!(kept.step().is_none());
    }

    #[test]
    fn a_series_that_comes_later_has_counted_from_nothing() {
        let begun = Instant::now();
        let mut kept = Samples::default();
        kept.add(begun, "envoy_server_uptime{} 1\n");
        kept.add(begun + Duration::from_secs(1), &text(7, 2));
        let step = kept.step().expect("two samples");
        let gained: Vec<_> =
            kept.gained(step, "weir_requests").map(|(series, gained)| (series.label("outcome"), gained)).collect();
        assert_eq!(gained, [("ok", 7.0)]);
    }

    #[test]
    fn a_day_of_samples_takes_no_more_than_a_minute() {
        let begun = Instant::now();
        let mut kept = Samples::default();
        for second in 0..1_000 {
            kept.add(begun + Duration::from_secs(second), &text(second, second));
            assert!(kept.kept.len() <= 25, "{}", kept.kept.len());
        }
        let many: String = (0..=MOST_SERIES).map(|number| format!("a{number} 1\n")).collect();
        kept.add(begun + Duration::from_secs(1_000), &many);
        assert_eq!(kept.series.len(), MOST_SERIES);
    }
}
