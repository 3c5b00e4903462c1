//! The waiting room of one worker: requests that nobody can take now, in the order in which they shall go.

use super::queue::{Priority, Queue, Rank};
use std::collections::{BTreeMap, BTreeSet};

/// A request's place. Two tenants may have the same rank; the ticket tells them apart.
pub type Place = (Rank, u32);

/// A request that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    pub tenant: Option<usize>,
    /// Those that could serve it.
    pub providers: Vec<usize>,
    /// Of its prompt.
    pub bytes: u64,
    /// Milliseconds since 1970; then it is told that it waited in vain.
    pub until: u64,
}

/// Who waits, and what this round of asking has found to be of no use.
#[derive(Debug, Default)]
pub(super) struct Room {
    waiters: BTreeMap<Place, Waiter>,
    bytes: u64,
    spent: BTreeSet<usize>,
    limited: BTreeSet<usize>,
    /// Milliseconds until the first of those that were refused in this round may be served.
    chance: Option<u64>,
}

impl Room {
    /// Lets a request in.
    pub(super) fn enter(&mut self, place: Place, waiter: Waiter) {
        self.bytes = self.bytes.saturating_add(waiter.bytes);
        self.waiters.insert(place, waiter);
    }

    /// Lets it out again; None when it is not there.
    pub(super) fn leave(&mut self, place: Place) -> Option<Waiter> {
        let waiter = self.waiters.remove(&place)?;
        self.bytes = self.bytes.saturating_sub(waiter.bytes);
        Some(waiter)
    }

    /// How many wait, and the bytes of their prompts.
    pub(super) fn held(&self) -> (u32, u64) {
        (u32::try_from(self.waiters.len()).unwrap_or(u32::MAX), self.bytes)
    }

    /// Whether somebody with as much right, or more, waits for `provider`.
    pub(super) fn waits_for(&self, provider: usize, priority: Priority) -> bool {
        self.waiters.iter().any(|((rank, _), waiter)| rank.priority <= priority && waiter.providers.contains(&provider))
    }

    /// A new round: everybody may be asked again.
    pub(super) fn begin(&mut self) {
        self.spent.clear();
        self.limited.clear();
        self.chance = None;
    }

    /// The next, after `last`, that is worth asking: one of its providers has not refused yet in this round, nor has
    /// its tenant met its own limits; or its time is over.
    pub(super) fn next(&self, last: Option<Place>, now: u64) -> Option<Place> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = last.map_or(Unbounded, Excluded);
        let mut rest = self.waiters.range((from, Unbounded));
        rest.find(|(_, waiter)| waiter.until <= now || self.is_worth_asking(waiter)).map(|(place, _)| *place)
    }

    /// These providers take nothing more in this round.
    pub(super) fn spend(&mut self, providers: impl IntoIterator<Item = usize>) {
        self.spent.extend(providers);
    }

    /// Somebody was refused who may be served in `wait` milliseconds.
    pub(super) fn refused(&mut self, wait: Option<u64>) {
        self.chance = [self.chance, wait].into_iter().flatten().min();
    }

    /// When the first may be served that was refused in this round; None: nobody can know.
    pub(super) fn chance(&self) -> Option<u64> {
        self.chance
    }

    /// This tenant has met its own limits.
    pub(super) fn limit(&mut self, tenant: usize) {
        self.limited.insert(tenant);
    }

    /// What this worker tells the others of those that wait for `provider`; None: nobody does.
    pub(super) fn queue(&self, provider: usize, worker: u64, now: u64) -> Option<Queue> {
        let mut waiting = [0_u32; 3];
        let mut head = None;
        for ((rank, _), waiter) in &self.waiters {
            if !waiter.providers.contains(&provider)
                || waiter.tenant.is_some_and(|tenant| self.limited.contains(&tenant))
            {
                continue;
            }
            head = head.or(Some(*rank));
            for (count, priority) in waiting.iter_mut().zip(Priority::ALL) {
                *count = count.saturating_add(u32::from(priority == rank.priority));
            }
        }
        head.map(|head| Queue::new(worker, waiting, Some(head), now))
    }

    fn is_worth_asking(&self, waiter: &Waiter) -> bool {
        !waiter.tenant.is_some_and(|tenant| self.limited.contains(&tenant))
            && waiter.providers.iter().any(|provider| !self.spent.contains(provider))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn place(tag: u64) -> Place {
        (Rank { priority: Priority::Normal, tag }, 0)
    }

    fn room(waiters: &[(u64, usize, &[usize])]) -> Room {
        let mut room = Room::default();
        for (tag, tenant, providers) in waiters {
            let waiter = Waiter { tenant: Some(*tenant), providers: providers.to_vec(), bytes: 10, until: 1_000 };
            room.enter(place(*tag), waiter);
        }
        room
    }

    /// Asks one after another; `refuse` tells who refuses each.
    fn round(room: &mut Room, now: u64, mut refuse: impl FnMut(&mut Room, Place)) -> Vec<u64> {
        let (mut last, mut asked) = (None, Vec::new());
        room.begin();
        while let Some(place) = room.next(last, now) {
            asked.push(place.0.tag);
            last = Some(place);
            refuse(room, place);
        }
        asked
    }

    #[test]
    fn nobody_is_asked_in_vain() {
        let mut room = room(&[(1, 0, &[0]), (2, 0, &[0]), (3, 1, &[0, 1]), (4, 1, &[1]), (5, 2, &[1])]);
        assert_eq!(round(&mut room, 0, |_, _| {}), [1, 2, 3, 4, 5]);
        let spent = |room: &mut Room, place: Place| {
            let providers = room.waiters[&place].providers.clone();
            room.spend(providers);
        };
        assert_eq!(round(&mut room, 0, spent), [1, 3]);
        let limited = |room: &mut Room, place: Place| room.limit(room.waiters[&place].tenant.unwrap());
        assert_eq!(round(&mut room, 0, limited), [1, 3, 5]);
        assert_eq!(round(&mut room, 1_000, spent), [1, 2, 3, 4, 5], "their time is over");
    }

    #[test]
    fn others_are_told_of_those_that_wait_for_a_provider() {
        let mut room = room(&[(1, 0, &[0]), (2, 1, &[0, 1])]);
        let head =
            |room: &Room, provider| room.queue(provider, 9, 0).and_then(|queue| queue.head(0)).map(|rank| rank.tag);
        assert_eq!((head(&room, 0), head(&room, 1), head(&room, 2)), (Some(1), Some(2), None));
        room.limit(0);
        assert_eq!(head(&room, 0), Some(2), "who waits for its own limits holds no other tenant back");
        assert!(room.waits_for(1, Priority::Low) && !room.waits_for(1, Priority::High));
        assert_eq!(room.held(), (2, 20));
        assert!(room.leave(place(2)).is_some() && room.leave(place(2)).is_none());
        assert_eq!(room.held(), (1, 10));
    }
}
