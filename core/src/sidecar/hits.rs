//! Answers from the cache, on their way to the sidecar. There may be ten thousand a second, and none cost anything: they
//! are told together.

use crate::chat::Usage;
use crate::config::Config;
use crate::stats::DIRECT;
use crate::wire::Report;
use std::collections::BTreeMap;

/// Since the last beat, by the places of tenant and model in the configuration: so many at most, whatever is asked.
#[derive(Debug, Default)]
pub(super) struct Hits(BTreeMap<(Option<usize>, Option<usize>), Sum>);

#[derive(Debug, Default)]
struct Sum {
    count: u64,
    usage: Usage,
}

impl Hits {
    pub(super) fn add(&mut self, tenant: Option<usize>, model: Option<usize>, usage: Usage) {
        let sum = self.0.entry((tenant, model)).or_default();
        sum.count = sum.count.saturating_add(1);
        sum.usage = sum.usage.saturating_add(usage);
    }

    /// What is to be reported of them, once.
    pub(super) fn take(&mut self, config: &Config) -> Vec<Report> {
        let report = |((tenant, model), Sum { count, usage }): ((Option<usize>, Option<usize>), Sum)| Report {
            tenant: tenant.and_then(|tenant| config.tenants.get(tenant)).map(|tenant| tenant.name.clone()),
            model: model.and_then(|model| config.models.get(model)).map_or(DIRECT, |model| &model.name).to_owned(),
            input: usage.prompt,
            output: usage.completion,
            cached: usage.cached,
            cache_write: usage.cache_write,
            reasoning: usage.reasoning,
            cost_microusd: Some(0),
            from_cache: true,
            outcome: "ok".to_owned(),
            more: count.saturating_sub(1),
            ..Report::default()
        };
        std::mem::take(&mut self.0).into_iter().map(report).collect()
    }
}
