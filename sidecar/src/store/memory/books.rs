//! What was used, in the embedded store.

use crate::store::{Usage, UsageEntry};
use std::collections::{BTreeMap, HashMap};

/// Days that are kept.
const MAX_DAYS: usize = 400;
/// Rows over all days. Names come from the configuration, so there are few; the oldest day goes for more.
const MAX_ROWS: usize = 500_000;
/// Workers whose last number is kept; of more, the one that has been silent for longest is forgotten.
const MAX_WORKERS: usize = 20_000;

#[derive(Default)]
pub(super) struct Books {
    days: BTreeMap<String, Day>,
    workers: HashMap<u64, Worker>,
    rows: usize,
}

#[derive(Default)]
struct Day {
    /// By tenant and model.
    rows: BTreeMap<(String, String), Usage>,
    /// Micro-dollars, by tenant.
    spent: HashMap<String, u64>,
}

#[derive(Default)]
struct Worker {
    counted: u64,
    heard: u64,
}

impl Books {
    pub(super) fn add(&mut self, worker: u64, entries: &[UsageEntry], now: u64) -> u64 {
        let mut counted = self.workers.get(&worker).map_or(0, |worker| worker.counted);
        for entry in entries {
            if entry.number > counted {
                self.count(&entry.usage);
                counted = entry.number;
            }
        }
        self.workers.insert(worker, Worker { counted, heard: now });
        if self.workers.len() > MAX_WORKERS {
            let silent = self.workers.iter().min_by_key(|(_, worker)| worker.heard).map(|(worker, _)| *worker);
            silent.map(|worker| self.workers.remove(&worker));
        }
        counted
    }

    pub(super) fn usage(&self, first: &str, last: &str) -> Vec<Usage> {
        let days = self.days.iter().filter(|(day, _)| (first..=last).contains(&day.as_str()));
        days.flat_map(|(_, day)| day.rows.values().cloned()).collect()
    }

    /// `period` is a day or a month.
    pub(super) fn spent(&self, tenant: &str, period: &str) -> u64 {
        let days = self.days.range(period.to_owned()..).take_while(|(day, _)| day.starts_with(period));
        days.fold(0, |spent, (_, day)| spent.saturating_add(day.spent.get(tenant).copied().unwrap_or(0)))
    }

    fn count(&mut self, usage: &Usage) {
        let day = self.days.entry(usage.day.clone()).or_default();
        let before = day.rows.len();
        let row = day.rows.entry((usage.tenant.clone(), usage.model.clone())).or_insert_with(|| Usage {
            day: usage.day.clone(),
            tenant: usage.tenant.clone(),
            model: usage.model.clone(),
            ..Usage::default()
        });
        add(row, usage);
        if usage.cost_microusd > 0 {
            let spent = day.spent.entry(usage.tenant.clone()).or_default();
            *spent = spent.saturating_add(usage.cost_microusd);
        }
        self.rows += day.rows.len() - before;
        while self.days.len() > MAX_DAYS || (self.rows > MAX_ROWS && self.days.len() > 1) {
            self.rows -= self.days.pop_first().map_or(0, |(_, day)| day.rows.len());
        }
    }
}

fn add(row: &mut Usage, usage: &Usage) {
    let Usage {
        day: _,
        tenant: _,
        model: _,
        requests,
        cache_hits,
        input_tokens,
        output_tokens,
        cached_tokens,
        cache_write_tokens,
        reasoning_tokens,
        cost_microusd,
        unpriced,
    } = usage;
    for (sum, more) in [
        (&mut row.requests, requests),
        (&mut row.cache_hits, cache_hits),
        (&mut row.input_tokens, input_tokens),
        (&mut row.output_tokens, output_tokens),
        (&mut row.cached_tokens, cached_tokens),
        (&mut row.cache_write_tokens, cache_write_tokens),
        (&mut row.reasoning_tokens, reasoning_tokens),
        (&mut row.cost_microusd, cost_microusd),
        (&mut row.unpriced, unpriced),
    ] {
        *sum = sum.saturating_add(*more);
    }
}
