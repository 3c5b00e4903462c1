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
    /// Of what was granted: by an earlier account of the Envoy's.
    before: u64,
    /// Of what came back: went back to the store.
    back: u64,
}

/// What an account learned from an Envoy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// More than before.
    pub(super) spent: u64,
    pub(super) returned: u64,
    /// What of it goes back to the store.
    pub(super) back: u64,
    /// Granted now: because it was used, or because the Envoy knows of it.
    pub(super) reserved: u64,
    /// What of it was never debited.
    pub(super) owed: u64,
    /// Granted, and the Envoy has not heard of it: it serves its needs first.
    pub(super) unheard: u64,
}

impl Account {
    /// The account of an Envoy that is not known here: this sidecar was restarted, or has given it up. What the Envoy still
    /// has of its time before is taken over, but none of that goes back to the store: this message may be late, and what comes back
    /// may have done so before.
    pub(super) fn adopt(ask: &LimitAsk) -> Self {
        let granted = ask.known.min(MOST);
        let spent = ask.spent.min(granted);
        let returned = ask.returned.min(granted - spent);
        Self { granted, spent, returned, before: granted, back: 0 }
    }

    /// Takes in what the Envoy says. Totals never go back, so what was said before, or comes late, is no news.
    pub(super) fn hear(&mut self, ask: &LimitAsk) -> News {
        let spent = ask.spent.min(MOST).saturating_sub(self.spent);
        let returned = ask.returned.min(MOST).saturating_sub(self.returned);
        self.spent += spent;
        self.returned += returned;
        // What the Envoy was told was debited once: this account began with a message that was late.
        let forgotten = ask.known.min(MOST).saturating_sub(self.granted);
        self.granted += forgotten;
        self.before += forgotten;
        let used = self.spent + self.returned;
        let owed = used.saturating_sub(self.granted);
        self.granted += owed;
        // No more than this account granted and the Envoy knows of.
        let own = ask.known.max(used).min(self.granted).saturating_sub(self.before);
        let back = returned.min(own.saturating_sub(self.back));
        self.back += back;
        News {
            spent,
            returned,
            back,
            reserved: forgotten + owed,
            owed,
            unheard: self.granted.saturating_sub(ask.known.max(used)),
        }
    }

    pub(super) fn grant(&mut self, amount: u64) {
        self.granted = self.granted.saturating_add(amount);
    }

    pub(super) fn granted(&self) -> u64 {
        self.granted
    }

    pub(super) fn outstanding(&self) -> u64 {
        self.granted.saturating_sub(self.spent).saturating_sub(self.returned)
    }
}
