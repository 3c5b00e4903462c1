//! One limit of one Envoy: what it was granted, and what became of that. Pure.

use weir_core::wire::LimitAsk;

/// No total is larger: what an Envoy makes up must not overflow sums of others.
const MOST: u64 = 1 << 53;

/// In totals since the Envoy started. `spent + returned <= granted`: what was used beyond is debited and so granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    granted: u64,
    spent: u64,
    returned: u64,
    /// Granted because it was used, and not debited yet: the store did not answer.
    unpaid: u64,
}

/// What an account learned from an Envoy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// More than before.
    pub(super) spent: u64,
    pub(super) returned: u64,
    /// Granted now because it was used.
    pub(super) reserved: u64,
    /// To be debited in any case.
    pub(super) owed: u64,
    /// Granted, and the Envoy has not heard of it: it serves its needs first.
    pub(super) unheard: u64,
}

impl Account {
    /// The account of an Envoy that is not known here: this sidecar was restarted, or has given it up. What the Envoy still
    /// has of its time before is taken over.
    pub(super) fn adopt(ask: &LimitAsk) -> Self {
        let granted = ask.known.min(MOST);
        let spent = ask.spent.min(granted);
        let returned = ask.returned.min(granted - spent);
        Self { granted, spent, returned, unpaid: 0 }
    }

    /// Takes in what the Envoy says. Totals never go back, so what was said before, or comes late, is no news.
    pub(super) fn hear(&mut self, ask: &LimitAsk) -> News {
        let spent = ask.spent.min(MOST).saturating_sub(self.spent);
        let returned = ask.returned.min(MOST).saturating_sub(self.returned);
        self.spent += spent;
        self.returned += returned;
        let used = self.spent + self.returned;
        let reserved = used.saturating_sub(self.granted);
        self.granted += reserved;
        let owed = reserved.saturating_add(std::mem::take(&mut self.unpaid));
        News { spent, returned, reserved, owed, unheard: self.granted.saturating_sub(ask.known.max(used)) }
    }

    pub(super) fn grant(&mut self, amount: u64) {
        self.granted = self.granted.saturating_add(amount);
    }

    /// Its debit may not have been made. What came back may have arrived, so it does not come back again.
    pub(super) fn owe(&mut self, owed: u64) {
        self.unpaid = self.unpaid.saturating_add(owed);
    }

    pub(super) fn granted(&self) -> u64 {
        self.granted
    }

    pub(super) fn outstanding(&self) -> u64 {
        self.granted.saturating_sub(self.spent).saturating_sub(self.returned)
    }
}
