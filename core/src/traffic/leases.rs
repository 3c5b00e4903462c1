//! What this worker asks the sidecar for, and what it does with the answers. Nothing here waits: who lacks something is
//! in the waiting room, and is asked again when an answer came.

use super::Traffic;
use super::lease::Regime;
use super::ledger::{Ledger, Limiting, Meter, part};
use crate::config::Config;
use crate::shared::Change;
use crate::wire::{LeaseAsk, Leased, LimitAsk};
use std::cell::{Cell, RefCell};

/// Whose limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Books {
    Provider(usize),
    Tenant(usize),
}

/// What lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Want {
    pub of: Books,
    /// The target or model.
    pub part: u64,
    /// What a request needs; None: nobody needs it yet.
    pub tokens: Option<u64>,
}

/// More is not remembered: those that lack it ask again.
const MOST_WANTS: usize = 64;

/// What this worker wants, until it has been asked for.
#[derive(Debug)]
pub(super) struct Leases {
    /// What one request lacks is granted as a whole.
    wanted: RefCell<Vec<Vec<Want>>>,
    /// A provider has said how little is left.
    news: Cell<bool>,
    regime: Cell<Regime>,
    /// How long a call takes at most, in milliseconds.
    patience: u64,
}

impl Leases {
    pub(super) fn new(patience: u64) -> Self {
        Self { wanted: RefCell::default(), news: Cell::default(), regime: Cell::default(), patience }
    }

    /// A provider says how little is left: the others shall hear of it now, since it is less with each moment.
    pub(super) fn tell(&self, want: Want) {
        self.news.set(true);
        self.want(vec![want]);
    }

    /// A request lacks all of these.
    pub(super) fn want(&self, wants: Vec<Want>) {
        let mut wanted = self.wanted.borrow_mut();
        if !wants.is_empty() && wanted.len() < MOST_WANTS {
            wanted.push(wants);
        }
    }
}

/// What is being asked for.
#[derive(Debug, Default)]
pub struct LeaseCall {
    /// For the sidecar.
    pub asks: Vec<LeaseAsk>,
    /// Of each limit in `asks`.
    meters: Vec<(Books, Meter)>,
}

impl LeaseCall {
    fn push(&mut self, group: Vec<(Books, Meter, LimitAsk)>) {
        if group.is_empty() {
            return;
        }
        self.meters.extend(group.iter().map(|(books, meter, _)| (*books, *meter)));
        self.asks.push(LeaseAsk { limits: group.into_iter().map(|(_, _, ask)| ask).collect() });
    }

    fn or_none(self) -> Option<Self> {
        (!self.asks.is_empty()).then_some(self)
    }
}

impl Traffic {
    /// How limits hold.
    pub fn regime(&self) -> Regime {
        self.leases.regime.get()
    }

    /// Limits hold so from now on.
    pub fn hold(&self, regime: Regime) {
        self.leases.regime.set(regime);
        self.desks.iter().for_each(|desk| desk.limiting.regime.set(regime));
        self.tenants.iter().for_each(|tenant| tenant.limiting.regime.set(regime));
    }

    /// Whether the sidecar should hear at once of something that nobody waits for.
    pub fn has_news(&self) -> bool {
        self.regime() == Regime::Leased && self.leases.news.get()
    }

    /// Where limits hold locally, since the sidecar does not answer or nobody else is there, what flows in counts from now
    /// on, for all workers.
    pub fn go_local(&self, now: u64) {
        if matches!(self.regime(), Regime::Local { .. }) {
            for of in self.all_books() {
                self.books(of, now, |ledger, limiting| ledger.go_local(limiting, now).then_some(()));
            }
        }
    }

    /// What the sidecar is to be asked for now, if there is anything.
    pub fn lease(&self, config: &Config, now: u64) -> Option<LeaseCall> {
        let wanted = std::mem::take(&mut *self.leases.wanted.borrow_mut());
        self.leases.news.set(false);
        if self.regime() != Regime::Leased {
            return None;
        }
        let mut call = LeaseCall::default();
        for group in wanted {
            let mut limits = Vec::new();
            for Want { of, part, tokens } in group {
                let patience = self.leases.patience;
                let asks = self.books(of, now, |ledger, limiting| ledger.ask(limiting, part, tokens, patience, now));
                limits.extend(named(config, of, asks.flatten().unwrap_or_default()));
            }
            call.push(limits);
        }
        call.or_none()
    }

    /// What the sidecar should hear of, once a second.
    pub fn account(&self, config: &Config, now: u64) -> Option<LeaseCall> {
        let mut call = LeaseCall::default();
        for of in self.all_books() {
            let asks = self.books(of, now, |ledger, limiting| {
                let asks = ledger.report(limiting, now);
                (!asks.is_empty()).then_some(asks)
            });
            for ask in named(config, of, asks.flatten().unwrap_or_default()) {
                call.push(vec![ask]);
            }
        }
        call.or_none()
    }

    /// The sidecar has answered; None: it has not, and what was asked for may be asked for again.
    pub fn leased(&self, call: &LeaseCall, answer: Option<&[Leased]>, now: u64) {
        let mut meters = call.meters.iter();
        for (index, asks) in call.asks.iter().enumerate() {
            let leased = answer.and_then(|answer| answer.get(index));
            for (place, (ask, (of, meter))) in asks.limits.iter().zip(&mut meters).enumerate() {
                let answer = leased.and_then(|leased| leased.limits.get(place));
                self.books(*of, now, |ledger, limiting| {
                    ledger.answered(limiting, *meter, ask, answer, now);
                    Some(())
                });
            }
        }
    }

    fn all_books(&self) -> impl Iterator<Item = Books> + use<> {
        let providers = (0..self.desks.len()).map(Books::Provider);
        providers.chain((0..self.tenants.len()).map(Books::Tenant))
    }

    /// Changes the ledger of a provider or a tenant, unless `change` returns None. The outer None: nobody has it, or other
    /// workers were always first.
    fn books<T>(
        &self,
        of: Books,
        now: u64,
        mut change: impl FnMut(&mut Ledger, &Limiting) -> Option<T>,
    ) -> Option<Option<T>> {
        match of {
            Books::Provider(index) => {
                let desk = self.desks.get(index).filter(|desk| !desk.limiting.is_unlimited())?;
                desk.change(now, |state| written(change(&mut state.quota.ledger, &desk.limiting)))
            }
            Books::Tenant(index) => {
                let desk = self.tenants.get(index).filter(|desk| desk.is_limited())?;
                desk.change(|ledger, limiting| written(change(ledger, limiting)))
            }
        }
    }
}

fn written<T>(outcome: Option<T>) -> Change<Option<T>> {
    if outcome.is_some() { Change::Write(outcome) } else { Change::Keep(outcome) }
}

/// The limits under the names that all Envoys have for them.
fn named(config: &Config, of: Books, asks: Vec<(Meter, LimitAsk)>) -> Vec<(Books, Meter, LimitAsk)> {
    let (kind, name, models) = match of {
        Books::Provider(index) => {
            let provider = config.providers.get(index);
            ("provider", provider.map(|known| known.name.as_str()), provider.map(|known| known.model_limits.as_slice()))
        }
        Books::Tenant(index) => {
            let tenant = config.tenants.get(index);
            ("tenant", tenant.map(|known| known.name.as_str()), tenant.map(|known| known.model_limits.as_slice()))
        }
    };
    let (name, models) = (name.unwrap_or_default(), models.unwrap_or_default());
    let id = |meter: &Meter| {
        let resource = meter.resource.name();
        match meter.of.and_then(|own| models.iter().find(|limits| part(&limits.model) == own)) {
            Some(limits) => format!("{kind}/{name}/model/{}/{resource}", limits.model),
            None => format!("{kind}/{name}/{resource}"),
        }
    };
    asks.into_iter().map(|(meter, ask)| (of, meter, LimitAsk { id: id(&meter), ..ask })).collect()
}
