//! The last fallbacks, from what Envoy's counters gained between two samples.

use super::exposition::Series;
use super::view::Fallback;
use std::collections::VecDeque;

const MOST: usize = 50;
/// The same again within so many milliseconds is one entry that grows.
const SAME: u64 = 10_000;

/// The latest first.
#[derive(Default)]
pub(super) struct Fallbacks(VecDeque<Fallback>);

impl Fallbacks {
    /// So many of `series` happened between two moments, in milliseconds since 1970.
    pub(super) fn add(&mut self, series: &Series, count: f64, since: u64, at: u64) {
        if count <= 0.0 {
            return;
        }
        let [from, to, reason] = ["from", "to", "reason"].map(|label| series.label(label).to_owned());
        let is_same = |entry: &Fallback| (&entry.from, &entry.to, &entry.reason) == (&from, &to, &reason);
        let entry = match self.0.iter().position(|entry| is_same(entry) && at.saturating_sub(entry.at) <= SAME) {
            Some(place) => self.0.remove(place).map(|old| Fallback { at, count: old.count + count, ..old }),
            None => None,
        };
        self.0.push_front(entry.unwrap_or(Fallback { since, at, from, to, reason, count }));
        self.0.truncate(MOST);
    }

    pub(super) fn list(&self) -> Vec<Fallback> {
        self.0.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(log: &mut Fallbacks, reason: &str, count: f64, at: u64) {
        let key = format!("weir_fallbacks{{from=\"openai\",to=\"claude\",reason=\"{reason}\"}}");
        log.add(&Series::parse(&key).expect("a series"), count, at - 1_000, at);
    }

    #[test]
    fn what_goes_on_is_one_entry_and_what_comes_again_later_another() {
        let mut log = Fallbacks::default();
        for (reason, count, at) in [
            ("timeout", 2.0, 1_000),
            ("server_error", 1.0, 2_000),
            ("timeout", 3.0, 11_000),
            ("timeout", 0.0, 12_000),
            ("timeout", 1.0, 30_000),
        ] {
            add(&mut log, reason, count, at);
        }
        let shown: Vec<_> =
            log.list().into_iter().map(|entry| (entry.reason, entry.count, entry.since, entry.at)).collect();
        let expected =
            [("timeout", 1.0, 29_000, 30_000), ("timeout", 5.0, 0, 11_000), ("server_error", 1.0, 1_000, 2_000)];
        assert_eq!(shown, expected.map(|(reason, count, since, at)| (reason.to_owned(), count, since, at)));
    }

    #[test]
    fn only_the_last_are_kept() {
        let mut log = Fallbacks::default();
        for number in 1..=1_000 {
            add(&mut log, &format!("r{number}"), 1.0, number * 1_000);
        }
        assert_eq!((log.0.len(), log.0[0].reason.as_str()), (MOST, "r1000"));
    }
}
