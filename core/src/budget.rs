//! What tenants may spend, as one worker knows it: what the store said last, and what the worker has spent since.

use crate::civil;
use crate::config::{BudgetPeriod, Config, OnOutage};
use crate::wire;
use std::collections::VecDeque;

/// From so much of a budget on, in percent, there is a warning.
pub const WARNING: u64 = 80;

/// Periods of one kind that end within so many milliseconds of each other are the same: clocks and ways differ a little.
const SAME_PERIOD: u64 = 43_200_000;

/// Reports of a tenant that are kept one by one.
const MOST_REPORTS: usize = 256;

/// Whether a tenant may spend more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budgeted {
    Fine,
    /// [`WARNING`] percent are spent.
    Warned,
    /// All of it is.
    Spent {
        /// Milliseconds until it begins anew.
        left: u64,
    },
    /// The store does not say, and nothing is admitted without it.
    Unknown,
}

/// The budgets of all tenants that have one.
pub struct Budgets {
    on_outage: OnOutage,
    /// By the tenants' places in the configuration.
    books: Vec<Option<Book>>,
}

struct Book {
    tenant: String,
    per: BudgetPeriod,
    /// In micro-dollars.
    limit: u64,
    /// What the store says; 0 until it has said anything.
    told: u64,
    is_told: bool,
    /// When the running period ends, in milliseconds since 1970. By the worker's own clock until the store has said it.
    ends: Option<u64>,
    /// What the worker spent that the store has not counted: number of the report, and micro-dollars. Numbers rise.
    own: VecDeque<(u64, u64)>,
}

impl Budgets {
    /// Nothing is spent yet.
    pub fn new(config: &Config) -> Self {
        let books = config.tenants.iter().map(|tenant| {
            let budget = tenant.budget.as_ref()?;
            Some(Book {
                tenant: tenant.name.clone(),
                per: budget.per,
                limit: budget.microusd,
                told: 0,
                is_told: false,
                ends: None,
                own: VecDeque::new(),
            })
        });
        Self { on_outage: config.sidecar.on_outage, books: books.collect() }
    }

    /// What to ask the store for.
    pub fn asks(&self) -> Vec<wire::BudgetAsk> {
        let ask = |book: &Book| wire::BudgetAsk {
            tenant: book.tenant.clone(),
            monthly: match book.per {
                BudgetPeriod::Day => false,
                BudgetPeriod::Month => true,
            },
        };
        self.books.iter().flatten().map(ask).collect()
    }

    /// A tenant spends so many micro-dollars; the store learns of it by the worker's report of that number.
    pub fn spend(&mut self, tenant: usize, microusd: u64, report: u64, now: u64) {
        let Some(book) = self.book(tenant, now).filter(|_| microusd > 0) else { return };
        match book.own.back_mut() {
            Some((last, amount)) if *last >= report => *amount = amount.saturating_add(microusd),
            _ => book.own.push_back((report, microusd)),
        }
        if book.own.len() > MOST_REPORTS {
            book.merge();
        }
    }

    /// The store's answer to [`Self::asks`], in their order, when it has counted the reports up to `counted`. An empty
    /// answer says nothing: the store is out of order.
    pub fn told(&mut self, spent: &[wire::Spent], counted: u64, now: u64) {
        for (book, spent) in self.books.iter_mut().flatten().zip(spent) {
            book.told(spent, counted, now);
        }
    }

    /// Whether a tenant may spend more. `outage`: the sidecar, or its store, does not answer.
    pub fn check(&mut self, tenant: usize, outage: bool, now: u64) -> Budgeted {
        let on_outage = self.on_outage;
        let Some(book) = self.book(tenant, now) else { return Budgeted::Fine };
        if on_outage == OnOutage::Open && outage {
            return Budgeted::Fine;
        }
        if book.spent() >= book.limit {
            let ends = book.ends.unwrap_or(now);
            return Budgeted::Spent { left: ends.saturating_sub(now) };
        }
        match on_outage {
            OnOutage::Closed if outage || !book.is_told => Budgeted::Unknown,
            _ if book.percent() >= WARNING => Budgeted::Warned,
            _ => Budgeted::Fine,
        }
    }

    /// Tenants that have a budget, by their places in the configuration, and how much of it is spent, in percent.
    pub fn percents(&mut self, now: u64) -> impl Iterator<Item = (usize, u64)> {
        self.books.iter_mut().enumerate().filter_map(move |(tenant, book)| {
            let book = book.as_mut()?;
            book.roll_over(now);
            Some((tenant, book.percent()))
        })
    }

    fn book(&mut self, tenant: usize, now: u64) -> Option<&mut Book> {
        let book = self.books.get_mut(tenant)?.as_mut()?;
        book.roll_over(now);
        Some(book)
    }
}

impl Book {
    fn spent(&self) -> u64 {
        self.own.iter().fold(self.told, |sum, (_, amount)| sum.saturating_add(*amount))
    }

    fn percent(&self) -> u64 {
        let hundredfold = u128::from(self.spent()).saturating_mul(100);
        let percent = hundredfold.checked_div(u128::from(self.limit)).unwrap_or(u128::MAX);
        u64::try_from(percent).unwrap_or(u64::MAX)
    }

    fn told(&mut self, spent: &wire::Spent, counted: u64, now: u64) {
        let ends = now.saturating_add(spent.left);
        let is_same = self.ends.is_some_and(|have| have.abs_diff(ends) < SAME_PERIOD);
        // Within a period it only rises: a lower one is an answer that was overtaken by another, or comes from a store
        // that has forgotten.
        self.told = if is_same { self.told.max(spent.microusd) } else { spent.microusd };
        self.ends = Some(ends);
        self.is_told = true;
        while self.own.front().is_some_and(|(report, _)| *report <= counted) {
            self.own.pop_front();
        }
    }

    /// Begins the next period when this one is over.
    fn roll_over(&mut self, now: u64) {
        match self.ends {
            Some(ends) if now < ends => return,
            Some(_) => {
                self.told = 0;
                // The store counts what is in these for the period that is over.
                self.own.clear();
            }
            None => {}
        }
        self.ends = Some(match self.per {
            BudgetPeriod::Day => civil::next_day(now),
            BudgetPeriod::Month => civil::next_month(now),
        });
    }

    /// Two reports become one, by the number of the later: for a moment the earlier may be counted twice, but neither is
    /// ever not counted.
    fn merge(&mut self) {
        let pairs: Vec<_> = self.own.drain(..).collect();
        self.own = pairs
            .chunks(2)
            .filter_map(|pair| {
                Some((pair.last()?.0, pair.iter().fold(0u64, |sum, (_, part)| sum.saturating_add(*part))))
            })
            .collect();
    }
}

#[cfg(test)]
mod tests;
