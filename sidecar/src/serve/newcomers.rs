//! Envoys that have only come. One that was alone leases nothing, since it has the whole of each limit, and hears within a
//! second that it is alone no longer; until it has, and has told what it used, nothing is granted to the other one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use weir_core::wire::{Answer, LeaseAsk};

/// A worker's beats come each second, and may take a moment.
const HOLD: Duration = Duration::from_millis(1_500);
/// An Envoy that was silent for so long comes anew. Its limits have been another's meanwhile.
const GONE: Duration = Duration::from_secs(10);
/// Envoys that are remembered. Those beyond are held no longer.
const MOST: usize = 10_000;

#[derive(Default)]
pub(super) struct Newcomers(Mutex<HashMap<u64, Envoy>>);

struct Envoy {
    heard: Instant,
    /// Nothing is granted before.
    until: Instant,
}

impl Newcomers {
    /// An Envoy's beat: of so many that live, itself included; 0 where that is not known.
    pub(super) fn heard(&self, envoy: u64, envoys: u64, now: Instant) {
        let mut all = self.lock();
        all.retain(|_, other| now.saturating_duration_since(other.heard) < GONE);
        if all.len() >= MOST && !all.contains_key(&envoy) {
            return;
        }
        let until = if envoys == 1 { now } else { now + HOLD };
        all.entry(envoy).or_insert(Envoy { heard: now, until }).heard = now;
    }

    /// For how long nothing is granted to it; None: it may lease.
    pub(super) fn hold(&self, envoy: u64, now: Instant) -> Option<Duration> {
        let until = self.lock().get(&envoy)?.until;
        Some(until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Envoy>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same without what it needs and wants: what is told counts all the same.
pub(super) fn told_only(asks: &[LeaseAsk]) -> Vec<LeaseAsk> {
    let mut asks = asks.to_vec();
    asks.iter_mut().flat_map(|ask| &mut ask.limits).for_each(|limit| (limit.need, limit.want) = (0, 0));
    asks
}

/// Tells those that needed something to come again.
pub(super) fn come_again(answer: &mut Answer, asks: &[LeaseAsk], left: Duration) {
    let wait = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1);
    for (leased, ask) in answer.leases.iter_mut().zip(asks) {
        for (limit, _) in leased.limits.iter_mut().zip(&ask.limits).filter(|(_, asked)| asked.need > 0) {
            limit.wait = limit.wait.max(wait);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_comes_to_others_is_held_until_they_know_and_who_is_alone_is_not() {
        let (newcomers, now) = (Newcomers::default(), Instant::now());
        let later = |millis| now + Duration::from_millis(millis);
        newcomers.heard(1, 1, now);
        assert_eq!(newcomers.hold(1, now), None);
        newcomers.heard(2, 2, later(100));
        newcomers.heard(1, 2, later(200));
        newcomers.heard(2, 2, later(1_100));
        assert_eq!(newcomers.hold(2, later(1_100)), Some(Duration::from_millis(500)));
        assert_eq!(newcomers.hold(2, later(1_600)), None);
        assert_eq!(newcomers.hold(1, later(1_100)), None, "it was here first");
        newcomers.heard(3, 0, later(2_000));
        assert!(newcomers.hold(3, later(2_000)).is_some(), "nobody knows who else is there");
        newcomers.heard(1, 3, later(10_200));
        assert!(newcomers.hold(1, later(10_200)).is_some(), "it was away for long");
        assert_eq!(newcomers.hold(4, now), None, "who does not beat is not known");
    }
}
