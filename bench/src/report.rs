//! Medians over rounds, as a table.

use std::time::Duration;

/// What one round showed of one gateway.
pub(crate) struct Sample {
    cpu: Duration,
    p50: Duration,
    p99: Duration,
}

impl Sample {
    /// `latencies` are sorted.
    pub(crate) fn new(cpu: Duration, latencies: Vec<Duration>) -> Self {
        let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied().unwrap_or_default();
        Self { cpu, p50: at(50), p99: at(99) }
    }
}

/// One case.
pub(crate) struct Row {
    name: &'static str,
    rounds: Vec<(Sample, Sample)>,
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, rounds: Vec::new() }
    }

    pub(crate) fn add(&mut self, bare: Sample, weir: Sample) {
        self.rounds.push((bare, weir));
    }

    /// The value that so many of four rounds are below.
    fn quartile(&self, quarters: usize, value: impl Fn(&Sample, &Sample) -> f64) -> f64 {
        let mut values: Vec<_> = self.rounds.iter().map(|(bare, weir)| value(bare, weir)).collect();
        values.sort_unstable_by(f64::total_cmp);
        values.get(values.len() * quarters / 4).copied().unwrap_or(f64::NAN)
    }

    fn median(&self, value: impl Fn(&Sample, &Sample) -> f64) -> f64 {
        self.quartile(2, value)
    }

    fn line(&self) -> String {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let bare = self.median(|bare, _| micros(bare.cpu));
        let weir = self.median(|_, weir| micros(weir.cpu));
        let [low, ratio, high] =
            [1, 2, 3].map(|quarters| self.quartile(quarters, |bare, weir| micros(weir.cpu) / micros(bare.cpu)));
        let p50 = self.median(|bare, weir| micros(weir.p50) - micros(bare.p50));
        let p99 = self.median(|bare, weir| micros(weir.p99) - micros(bare.p99));
        format!(
            "{:<28} {bare:>9.0} {weir:>9.0} {ratio:>7.2}  {low:>5.2}-{high:<5.2} {p50:>10.0} {p99:>10.0}",
            self.name
        )
    }
}

/// Shows the newest row, to who waits.
pub(crate) fn progress(rows: &[Row]) {
    if let Some(row) = rows.last() {
        eprintln!("{}", row.line());
    }
}

/// `one`, `other`: what is compared, the first by the second.
pub(crate) fn print(one: &str, other: &str, rows: &[Row]) {
    println!(
        "CPU per request and added latency in microseconds; the ratio is the median over rounds, with its quartiles."
    );
    println!(
        "{:<28} {:>9} {:>9} {:>7}  {:>11} {:>10} {:>10}",
        "case", one, other, "ratio", "quartiles", "added p50", "added p99"
    );
    for row in rows {
        println!("{}", row.line());
    }
}
