//! A worker's heartbeat. Each part succeeds or fails by itself.

use super::ask::{check, lease};
use super::message;
use crate::serve::guard::Refusal;
use crate::serve::metrics::StoreCall;
use crate::serve::{Sidecar, hex};
use crate::store::{ApiKey, UsageEntry};
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use std::sync::Arc;
use tokio::time::Instant;
use weir_core::wire::{self, Beat, Beaten, BudgetAsk, Keys, Report, Spent};

/// An Envoy that was not heard of for so long is not counted, in milliseconds.
const LIVES: u64 = 10_000;

pub(in crate::serve) async fn beat(State(sidecar): State<Arc<Sidecar>>, body: Bytes) -> Result<Response, Refusal> {
    sidecar.metrics.called("beat");
    let beat: Beat = message::read(&body)?;
    check(&beat.leases)?;
    sidecar.telemetry.told(&beat);
    let now = Timestamp::now();
    let (envoys, (), leases, keys, (counted, budgets)) = tokio::join!(
        envoys(&sidecar, beat.envoy),
        hold(&sidecar, &beat),
        lease(&sidecar, beat.envoy, &beat.leases),
        keys(&sidecar, beat.keys_version, now),
        spending(&sidecar, &beat, now),
    );
    sidecar.newcomers.heard(beat.envoy, envoys, Instant::now());
    Ok(message::write(&Beaten { envoys, leases, counted, keys, budgets }, None))
}

async fn envoys(sidecar: &Sidecar, envoy: u64) -> u64 {
    sidecar.store.touch(envoy, LIVES).await.unwrap_or_else(|error| {
        sidecar.store_failed(StoreCall::Touch, &error);
        0
    })
}

async fn hold(sidecar: &Sidecar, beat: &Beat) {
    let leads: Vec<_> = beat.leads.iter().map(|lead| (*lead.key, lead.token)).collect();
    if !leads.is_empty()
        && let Err(error) = sidecar.store.hold(&leads).await
    {
        sidecar.store_failed(StoreCall::Hold, &error);
    }
}

/// Counts what requests used; then what is spent of budgets includes it.
async fn spending(sidecar: &Sidecar, beat: &Beat, now: Timestamp) -> (u64, Vec<Spent>) {
    let mut counted = 0;
    if !beat.reports.is_empty() {
        let entries: Vec<UsageEntry> = beat.reports.iter().map(|report| entry(report, now)).collect();
        match sidecar.store.add_usage(beat.worker, &entries).await {
            Ok(last) => counted = last,
            Err(error) => sidecar.store_failed(StoreCall::Usage, &error),
        }
    }
    if beat.budgets.is_empty() {
        return (counted, Vec::new());
    }
    let periods: Vec<_> = beat.budgets.iter().map(|budget| period(budget, now)).collect();
    let asked: Vec<_> = periods.iter().map(|(tenant, begins, _)| (tenant.clone(), begins.clone())).collect();
    match sidecar.store.spent(&asked).await {
        Ok(spent) => {
            let spent = spent.into_iter().zip(periods).map(|(microusd, (_, _, left))| Spent { microusd, left });
            (counted, spent.collect())
        }
        Err(error) => {
            sidecar.store_failed(StoreCall::Spent, &error);
            (counted, Vec::new())
        }
    }
}

fn entry(report: &Report, now: Timestamp) -> UsageEntry {
    let age = i64::try_from(report.age).unwrap_or(i64::MAX).min(366 * 86_400_000);
    let day = date(now.checked_sub(SignedDuration::from_millis(age)).unwrap_or(now));
    let model = match (&report.provider, &report.provider_model) {
        (Some(provider), Some(model)) => format!("{provider}/{model}"),
        _ => report.model.clone(),
    };
    let requests = report.more.saturating_add(1);
    let used = |tokens: u64| if report.from_cache { 0 } else { tokens };
    let usage = crate::store::Usage {
        day: day.to_string(),
        tenant: report.tenant.clone().unwrap_or_else(|| "-".to_owned()),
        model,
        requests: if report.is_further { 0 } else { requests },
        cache_hits: if report.from_cache { requests } else { 0 },
        input_tokens: used(report.input),
        output_tokens: used(report.output),
        cached_tokens: used(report.cached),
        cache_write_tokens: used(report.cache_write),
        reasoning_tokens: used(report.reasoning),
        cost_microusd: report.cost_microusd.unwrap_or(0),
        unpriced: u64::from(report.cost_microusd.is_none() && report.provider.is_some()),
    };
    UsageEntry { number: report.number, usage }
}

/// In UTC.
fn date(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}

/// Whose budget, how the period begins, and the milliseconds until the next one.
fn period(budget: &BudgetAsk, now: Timestamp) -> (String, String, u64) {
    let today = date(now);
    let (begins, next) = if budget.monthly {
        (today.strftime("%Y-%m").to_string(), today.first_of_month().checked_add(1.month()))
    } else {
        (today.to_string(), today.checked_add(1.day()))
    };
    let next =
        next.ok().and_then(|date| Offset::UTC.to_timestamp(date.to_datetime(jiff::civil::Time::midnight())).ok());
    let left = next.map_or(0, |next| next.as_millisecond() - now.as_millisecond());
    (budget.tenant.clone(), begins, u64::try_from(left).unwrap_or(0))
}

/// The API keys, if they are others than the worker's. A worker that has heard of none yet is told even if there are none.
async fn keys(sidecar: &Sidecar, known: u64, now: Timestamp) -> Option<Keys> {
    let keys = async {
        let version = sidecar.store.keys_version().await?;
        let is_known = version == known && known != 0;
        if is_known { Ok(None) } else { sidecar.store.keys().await.map(Some) }
    };
    let (version, keys) = keys.await.unwrap_or_else(|error| {
        sidecar.store_failed(StoreCall::Keys, &error);
        None
    })?;
    let now = now.as_millisecond();
    Some(Keys { version, keys: keys.iter().filter_map(|key| told(key, now)).collect() })
}

/// None: it has expired, or is none.
fn told(key: &ApiKey, now: i64) -> Option<wire::ApiKey> {
    let left = match key.expires {
        None => None,
        Some(expires) => {
            let expires = i64::try_from(expires).ok()?.checked_mul(1_000)?;
            Some(u64::try_from(expires - now).ok().filter(|left| *left > 0)?)
        }
    };
    let sha256: [u8; 32] = hex::decode(&key.sha256)?;
    Some(wire::ApiKey { sha256: sha256.into(), tenant: key.tenant.clone(), left })
}
