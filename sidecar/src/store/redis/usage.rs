//! What was used, in Redis: a hash for each day, whose fields are tenant, model and counter; and a hash for each day and
//! each month with what tenants spent.

use super::lane::Lane;
use super::names::Names;
use super::{nonsense, scripts};
use crate::store::bucket::MOST;
use crate::store::{Unavailable, Usage, UsageEntry};
use std::collections::BTreeMap;

/// Entries of one call: a script keeps all others waiting.
const AT_ONCE: usize = 500;
const DAY_MILLIS: u64 = 24 * 3_600_000;
/// A worker that has been silent for so many days has told all it had.
const WORKER_DAYS: u64 = 7;
/// Days that are kept.
const DAYS: u64 = 400;

pub(super) async fn add(lane: &Lane, names: &Names, worker: u64, entries: &[UsageEntry]) -> Result<u64, Unavailable> {
    let mut counted = add_some(lane, names, worker, &entries[..entries.len().min(AT_ONCE)]).await?;
    for entries in entries.chunks(AT_ONCE).skip(1) {
        counted = add_some(lane, names, worker, entries).await?;
    }
    Ok(counted)
}

async fn add_some(lane: &Lane, names: &Names, worker: u64, entries: &[UsageEntry]) -> Result<u64, Unavailable> {
    let mut days: Vec<&str> = entries.iter().map(|entry| entry.usage.day.as_str()).collect();
    days.sort_unstable();
    days.dedup();
    let mut call = scripts::add_usage().key(names.usage(format_args!("worker:{worker}"))).key(names.usage("days"));
    call = call.arg(WORKER_DAYS * DAY_MILLIS).arg(DAYS * DAY_MILLIS).arg(DAYS).arg(days.len());
    for day in &days {
        let month = day.get(.."2026-11".len()).unwrap_or(day);
        call = call.key(names.usage(format_args!("day:{day}"))).key(names.usage(format_args!("spent:{day}")));
        call = call.key(names.usage(format_args!("spent:{month}"))).arg(*day);
    }
    for UsageEntry { number, usage } in entries {
        let day = days.binary_search(&usage.day.as_str()).map_err(|_| nonsense())?;
        call = call.arg(*number).arg(day).arg(&usage.tenant).arg(&usage.model);
        call = counters(&mut usage.clone()).into_iter().fold(call, |call, counter| call.arg((*counter).min(MOST)));
    }
    super::read(lane.call(call).await?)
}

/// Day by day: each has the deadline of a call.
pub(super) async fn read(lane: &Lane, names: &Names, first: &str, last: &str) -> Result<Vec<Usage>, Unavailable> {
    let call = scripts::days().key(names.usage("days")).arg(first).arg(last);
    let days: Vec<String> = super::read(lane.call(call).await?)?;
    let mut all = Vec::new();
    for day in days {
        let call = scripts::rows().key(names.usage(format_args!("day:{day}")));
        let fields: Vec<(String, u64)> = super::read(lane.call(call).await?)?;
        let mut rows: BTreeMap<(String, String), Usage> = BTreeMap::new();
        for (field, count) in fields {
            let parts: Vec<&str> = field.split('\0').collect();
            let &[tenant, model, counter] = parts.as_slice() else { return Err(nonsense()) };
            let row = rows.entry((tenant.to_owned(), model.to_owned())).or_insert_with(|| Usage {
                day: day.clone(),
                tenant: tenant.to_owned(),
                model: model.to_owned(),
                ..Usage::default()
            });
            let counter = counter.parse::<usize>().map_err(|_| nonsense())?;
            *counters(row).into_iter().nth(counter.wrapping_sub(1)).ok_or_else(nonsense)? = count;
        }
        all.extend(rows.into_values());
    }
    Ok(all)
}

/// In the order that is theirs in Redis, for good; the cost is the eighth.
fn counters(usage: &mut Usage) -> [&mut u64; 9] {
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
    [
        requests,
        cache_hits,
        input_tokens,
        output_tokens,
        cached_tokens,
        cache_write_tokens,
        reasoning_tokens,
        cost_microusd,
        unpriced,
    ]
}
