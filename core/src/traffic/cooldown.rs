//! How long a target, or a whole provider, is left alone after what it said.

use serde::{Deserialize, Serialize};

/// Why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Why {
    /// It asked for that long: a request may wait for it.
    #[default]
    Asked,
    /// Nothing changes by waiting: a bad credential, an unpaid bill, no such model, or a breaker.
    Broken,
}

/// Left alone until then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cooldown {
    /// Milliseconds since 1970.
    until: u64,
    why: Why,
}

impl Cooldown {
    /// Until when, and why.
    pub(super) fn new(until: u64, why: Why) -> Self {
        Self { until, why }
    }

    /// None when it is over.
    pub(super) fn at(self, now: u64) -> Option<Self> {
        (now < self.until).then_some(self)
    }

    /// Milliseconds from `now` on.
    pub(super) fn left(self, now: u64) -> u64 {
        self.until.saturating_sub(now)
    }

    /// Whether waiting for its end is worth anything.
    pub(super) fn passes(self) -> bool {
        self.why == Why::Asked
    }

    /// The later of two ends counts.
    pub(super) fn extend(&mut self, other: Self) {
        if other.until > self.until {
            *self = other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_later_end_counts() {
        let mut cooldown = Cooldown::default();
        assert_eq!(cooldown.at(0), None);
        cooldown.extend(Cooldown::new(3_000, Why::Broken));
        cooldown.extend(Cooldown::new(2_000, Why::Asked));
        let cooling = cooldown.at(1_000).unwrap();
        assert_eq!((cooling.left(1_000), cooling.passes()), (2_000, false));
        assert_eq!(cooldown.at(3_000), None);
    }
}
