//! What tenants spend, and the sidecar's being there, as the gateway keeps and shows them.

use crate::budget::{Budgeted, WARNING};
use crate::gateway::Gateway;
use crate::refusal::Refusal;
use crate::stats::Limited;
use crate::wire;

impl Gateway {
    /// Whether a tenant may spend more; None is no tenant. A refusal is counted.
    ///
    /// # Errors
    /// Its budget is spent, or is not known and `on_outage` is `closed`.
    pub fn may_spend(&self, tenant: Option<usize>, now: u64) -> Result<(), Refusal> {
        let Some(place) = tenant else { return Ok(()) };
        let budgeted = self.budgets.borrow_mut().check(place, self.outage.get(), now);
        let refusal = match (budgeted, self.config.tenants.get(place)) {
            (Budgeted::Spent { left }, Some(tenant)) => {
                let budget = tenant.budget.clone();
                budget.map(|budget| Refusal::BudgetSpent { tenant: tenant.name.clone(), budget, left })
            }
            (Budgeted::Unknown, Some(_)) => Some(Refusal::BudgetUnknown),
            _ => None,
        };
        match refusal {
            Some(refusal) => {
                self.stats.limited(Limited::Budget);
                Err(refusal)
            }
            None => Ok(()),
        }
    }

    /// A tenant spends so many micro-dollars, which the worker's report of that number tells the store.
    pub fn spend(&self, tenant: Option<usize>, microusd: u64, report: u64, now: u64) {
        if let Some(tenant) = tenant {
            self.budgets.borrow_mut().spend(tenant, microusd, report, now);
        }
    }

    /// The budgets that are watched, for a [`wire::Beat`].
    pub fn budget_asks(&self) -> Vec<wire::BudgetAsk> {
        self.budgets.borrow().asks()
    }

    /// The answer to [`Self::budget_asks`], in their order: that of [`wire::Beaten`], with its `counted`.
    pub fn told_budgets(&self, spent: &[wire::Spent], counted: u64, now: u64) {
        self.budgets.borrow_mut().told(spent, counted, now);
    }

    /// Whether the sidecar, or the store behind it, does not answer. Until it is said for the first time, it does.
    pub fn set_outage(&self, outage: bool) {
        self.outage.set(outage);
        self.stats.sidecar_outage(outage);
    }

    /// Whether the sidecar, or the store behind it, does not answer.
    pub fn is_outage(&self) -> bool {
        self.outage.get()
    }

    /// Shows the bytes of this worker's cache together with those of the others. To be repeated each second.
    pub fn show_cache_bytes(&self, bytes: u64, now: u64) {
        if let Some(over) = self.cache_bytes.tell(bytes, now) {
            self.stats.cache_bytes(over.sum);
        }
    }

    /// Shows how much of each budget is spent.
    pub(crate) fn show_budgets(&self, now: u64) {
        for (tenant, percent) in self.budgets.borrow_mut().percents(now) {
            self.stats.budget(tenant, percent, percent >= WARNING);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use crate::dialect::Dialect;
    use crate::testing::Host;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const NOW: u64 = 1_800_000_000_000;

    fn gateway(host: &Host, worker: u64) -> Gateway {
        let yaml = "providers: { a: { kind: openai, api_key: $K } }\nsidecar: { on_outage: closed }\n\
            tenants: { free: {}, team: { budget: { usd: 0.50, per: day } } }\n";
        Gateway::new(parse(yaml).unwrap().0, host.ports(worker), |_| Some("k".into())).unwrap()
    }

    /// Status, and the headers that say whether to come again.
    fn told(refusal: &Refusal, dialect: Dialect) -> (u16, String, Vec<(String, String)>) {
        let reply = refusal.reply(dialect);
        let headers = reply.headers.iter().filter(|(name, _)| name != "content-type");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
        (reply.status, text(&reply.body), headers)
    }

    #[test]
    fn a_spent_budget_is_refused_in_each_dialects_own_words_and_not_worth_a_retry() {
        let host = Host::default();
        let gateway = gateway(&host, 1);
        gateway.told_budgets(&[wire::Spent { microusd: 500_000, left: 57_600_000 }], 0, NOW);
        assert_eq!(gateway.may_spend(Some(0), NOW), Ok(()));
        assert_eq!(gateway.may_spend(None, NOW), Ok(()));
        let refusal = gateway.may_spend(Some(1), NOW + 1_500).unwrap_err();
        let message = "The budget of tenant 'team' (0.5 dollars per day) is spent. It begins anew in 15h59m59s.";
        let again = [("retry-after".to_owned(), "57599".to_owned()), ("x-should-retry".to_owned(), "false".to_owned())];
        let quota = r#""type":"insufficient_quota""#;
        for (dialect, status, word) in [
            (Dialect::OpenAi, 429, quota),
            (Dialect::OpenAi, 429, r#""code":"insufficient_quota""#),
            (Dialect::Anthropic, 402, r#""type":"billing_error""#),
            (Dialect::Gemini, 429, r#""status":"RESOURCE_EXHAUSTED""#),
        ] {
            let (have, body, headers) = told(&refusal, dialect);
            assert_eq!((have, headers.as_slice()), (status, again.as_slice()), "{dialect:?}");
            assert!(body.contains(word) && body.contains(message), "{body}");
        }
        assert_eq!(refusal.outcome(), crate::stats::Outcome::Limited);
        assert_eq!(host.stat("weir.limited;scope=budget;"), 1);
    }

    #[test]
    fn with_closed_budgets_an_outage_is_told_as_one() {
        let host = Host::default();
        let gateway = gateway(&host, 1);
        let asks = gateway.budget_asks();
        assert_eq!(asks, [wire::BudgetAsk { tenant: "team".into(), monthly: false }]);
        gateway.told_budgets(&[wire::Spent { microusd: 0, left: 57_600_000 }], 0, NOW);
        assert_eq!(gateway.may_spend(Some(1), NOW), Ok(()));
        gateway.set_outage(true);
        let (status, body, headers) = told(&gateway.may_spend(Some(1), NOW).unwrap_err(), Dialect::OpenAi);
        let wait = [("retry-after", "1"), ("retry-after-ms", "1000")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!((status, headers), (503, wait.to_vec()));
        assert!(body.contains("budget_unknown"), "{body}");
        assert!(gateway.is_outage() && host.stat("weir.sidecar_outage") == 1);
        gateway.set_outage(false);
        assert_eq!((gateway.may_spend(Some(1), NOW), host.stat("weir.sidecar_outage")), (Ok(()), 0));
    }

    #[test]
    fn how_much_of_a_budget_is_spent_is_shown() {
        let host = Host::default();
        let gateway = gateway(&host, 1);
        let shown = || (host.stat("weir.budget_percent;tenant=team;"), host.stat("weir.budget_warning;tenant=team;"));
        gateway.told_budgets(&[wire::Spent { microusd: 250_000, left: 57_600_000 }], 0, NOW);
        gateway.show(0, NOW);
        assert_eq!(shown(), (50, 0));
        gateway.spend(Some(1), 150_000, 1, NOW);
        gateway.spend(None, 150_000, 1, NOW);
        gateway.show(0, NOW);
        assert_eq!(shown(), (80, 1));
        gateway.show(0, NOW + 57_600_000);
        assert_eq!(shown(), (0, 0), "a new day");
    }

    #[test]
    fn the_caches_of_all_workers_are_shown_together() {
        let host = Host::default();
        let (one, two) = (gateway(&host, 1), gateway(&host, 2));
        one.show_cache_bytes(100, NOW);
        two.show_cache_bytes(50, NOW);
        assert_eq!(host.stat("weir.cache_bytes"), 150);
    }
}
