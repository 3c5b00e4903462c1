//! The waiting room of one worker: requests that nobody can take now, in the order in which they shall go.

use super::queue::{Priority, Queue, Rank};
use std::collections::{BTreeMap, BTreeSet};

/// A request's place. Two tenants may have the same rank; the ticket tells them apart.
pub type Place = (Rank, u32);

/// A request that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    pub tenant: Option<usize>,
    /// The name that it asked for, as its tenant's ledger knows it.
    pub model: u64,
    /// Those that could serve it: provider and target.
    pub targets: Vec<(usize, u64)>,
    /// Of its prompt.
    pub bytes: u64,
    /// When it came, in milliseconds since 1970.
    pub since: u64,
    /// Then it is told that it waited in vain.
    pub until: u64,
}

/// Who waits, and what this round of asking has found to be of no use.
#[derive(Debug, Default)]
pub(super) struct Room {
    waiters: BTreeMap<Place, Waiter>,
    bytes: u64,
    /// Providers that take nothing more, or nothing more for one target.
    spent: BTreeSet<(usize, Option<u64>)>,
    /// Targets that have met their own limits, or are left alone, while their provider may have room.
    alone: BTreeSet<(usize, u64)>,
    /// Tenants that have met their own limits, or those of one model.
    limited: BTreeSet<(usize, Option<u64>)>,
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

    /// When the one came that waits longest, in milliseconds since 1970.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.waiters.values().map(|waiter| waiter.since).min()
    }

    /// How many with as much right, or more, wait for a target: for it, or for its provider.
    pub(super) fn rivals(&self, provider: usize, part: u64, priority: Priority) -> u64 {
        let is_rival = |((rank, _), waiter): &(&Place, &Waiter)| {
            rank.priority <= priority
                && !self.is_limited(waiter)
                && waiter
                    .targets
                    .iter()
                    .any(|(have, own)| *have == provider && (*own == part || !self.alone.contains(&(*have, *own))))
        };
        count(self.waiters.iter().filter(is_rival))
    }

    /// How many with as much right, or more, wait for limits of the tenant that a request for `model` needs too.
    pub(super) fn rivals_of_tenant(&self, tenant: usize, model: u64, priority: Priority) -> u64 {
        let is_rival = |((rank, _), waiter): &(&Place, &Waiter)| {
            rank.priority <= priority
                && waiter.tenant == Some(tenant)
                && (self.limited.contains(&(tenant, None))
                    || waiter.model == model && self.limited.contains(&(tenant, Some(model))))
        };
        count(self.waiters.iter().filter(is_rival))
    }

    /// A new round: everybody may be asked again.
    pub(super) fn begin(&mut self) {
        self.spent.clear();
        self.alone.clear();
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

    /// The provider takes nothing more in this round; `part`: for that target.
    pub(super) fn spend(&mut self, provider: usize, part: Option<u64>) {
        self.spent.insert((provider, part));
    }

    /// A target has met its own limits, or is left alone; its provider may have room.
    pub(super) fn spend_alone(&mut self, provider: usize, part: u64) {
        self.alone.insert((provider, part));
        self.spend(provider, Some(part));
    }

    /// A tenant has met its own limits; `model`: those of that model.
    pub(super) fn limit(&mut self, tenant: usize, model: Option<u64>) {
        self.limited.insert((tenant, model));
    }

    /// Somebody was refused who may be served in `wait` milliseconds.
    pub(super) fn refused(&mut self, wait: Option<u64>) {
        self.chance = [self.chance, wait].into_iter().flatten().min();
    }

    /// When the first may be served that was refused in this round; None: nobody can know.
    pub(super) fn chance(&self) -> Option<u64> {
        self.chance
    }

    /// What this worker tells the others of those that wait for `provider`: as a whole, and for targets alone.
    pub(super) fn queues(&self, provider: usize, worker: u64, now: u64) -> Vec<Queue> {
        let waits = |waiter: &Waiter, part: Option<u64>| {
            let own = waiter.targets.iter().filter(|(have, _)| *have == provider);
            let mut alone = own.map(|(have, own)| self.alone.contains(&(*have, *own)).then_some(*own));
            !self.is_limited(waiter) && alone.any(|alone| alone == part)
        };
        let parts = self.alone.iter().filter(|(have, _)| *have == provider).map(|(_, part)| Some(*part));
        self.told([None].into_iter().chain(parts), worker, now, waits)
    }

    /// The same for those that wait for limits of `tenant`.
    pub(super) fn queues_of_tenant(&self, tenant: usize, worker: u64, now: u64) -> Vec<Queue> {
        let parts: Vec<_> = self.limited.iter().filter(|(have, _)| *have == tenant).map(|(_, model)| *model).collect();
        let whole = parts.contains(&None);
        let waits = |waiter: &Waiter, part: Option<u64>| {
            waiter.tenant == Some(tenant) && if whole { part.is_none() } else { part == Some(waiter.model) }
        };
        self.told(parts.into_iter(), worker, now, waits)
    }

    fn told(
        &self,
        parts: impl Iterator<Item = Option<u64>>,
        worker: u64,
        now: u64,
        waits: impl Fn(&Waiter, Option<u64>) -> bool,
    ) -> Vec<Queue> {
        let ranks = |part| {
            let waiters = self.waiters.iter().filter(|(_, waiter)| waits(waiter, part));
            Queue::new(worker, part, waiters.map(|((rank, _), _)| *rank), now)
        };
        if self.waiters.is_empty() { Vec::new() } else { parts.filter_map(ranks).collect() }
    }

    fn is_limited(&self, waiter: &Waiter) -> bool {
        waiter.tenant.is_some_and(|tenant| {
            self.limited.contains(&(tenant, None)) || self.limited.contains(&(tenant, Some(waiter.model)))
        })
    }

    fn is_worth_asking(&self, waiter: &Waiter) -> bool {
        let is_spent = |(provider, part): &(usize, u64)| {
            self.spent.contains(&(*provider, None)) || self.spent.contains(&(*provider, Some(*part)))
        };
        !self.is_limited(waiter) && !waiter.targets.iter().all(is_spent)
    }
}

fn count<T>(waiters: impl Iterator<Item = T>) -> u64 {
    u64::try_from(waiters.count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::queue::Line;
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn place(tag: u64) -> Place {
        (Rank { priority: Priority::Normal, tag }, 0)
    }

    /// Tag, tenant (and its model), providers (each with the target of that number).
    fn room(waiters: &[(u64, usize, &[usize])]) -> Room {
        let mut room = Room::default();
        for (tag, tenant, providers) in waiters {
            let targets = providers.iter().map(|provider| (*provider, *tenant as u64)).collect();
            let waiter =
                Waiter { tenant: Some(*tenant), model: *tenant as u64, targets, bytes: 10, since: *tag, until: 1_000 };
            room.enter(place(*tag), waiter);
        }
        room
    }

    /// Asks one after another; `refuse` tells who refuses each.
    fn round(room: &mut Room, now: u64, mut refuse: impl FnMut(&mut Room, &Waiter)) -> Vec<u64> {
        let (mut last, mut asked) = (None, Vec::new());
        room.begin();
        while let Some(place) = room.next(last, now) {
            asked.push(place.0.tag);
            last = Some(place);
            let waiter = room.waiters[&place].clone();
            refuse(room, &waiter);
        }
        asked
    }

    #[test]
    fn nobody_is_asked_in_vain() {
        let mut room = room(&[(1, 0, &[0]), (2, 0, &[0]), (3, 1, &[0, 1]), (4, 1, &[1]), (5, 2, &[1])]);
        assert_eq!(round(&mut room, 0, |_, _| {}), [1, 2, 3, 4, 5]);
        let spent = |room: &mut Room, waiter: &Waiter| {
            waiter.targets.iter().for_each(|(provider, _)| room.spend(*provider, None));
        };
        assert_eq!(round(&mut room, 0, spent), [1, 3]);
        let alone = |room: &mut Room, waiter: &Waiter| {
            waiter.targets.iter().for_each(|(provider, part)| room.spend_alone(*provider, *part));
        };
        assert_eq!(round(&mut room, 0, alone), [1, 3, 5], "another target of the same provider may have room");
        let limited = |room: &mut Room, waiter: &Waiter| room.limit(waiter.tenant.unwrap(), None);
        assert_eq!(round(&mut room, 0, limited), [1, 3, 5]);
        assert_eq!(round(&mut room, 1_000, spent), [1, 2, 3, 4, 5], "their time is over");
    }

    #[test]
    fn who_waits_for_limits_of_its_own_is_no_rival_to_others() {
        let mut room = room(&[(1, 0, &[0]), (2, 1, &[0, 1])]);
        let rivals = |room: &Room, provider, part| room.rivals(provider, part, Priority::Normal);
        assert_eq!((rivals(&room, 0, 9), rivals(&room, 1, 9), rivals(&room, 2, 9)), (2, 1, 0));
        assert_eq!(room.rivals(0, 9, Priority::High), 0);
        room.spend_alone(0, 0);
        assert_eq!((rivals(&room, 0, 9), rivals(&room, 0, 0)), (1, 2));
        room.limit(1, Some(1));
        assert_eq!((rivals(&room, 0, 9), rivals(&room, 1, 9)), (0, 0));
        let of_tenant = |model| room.rivals_of_tenant(1, model, Priority::Normal);
        assert_eq!((of_tenant(1), of_tenant(7)), (1, 0));
    }

    #[test]
    fn others_are_told_of_those_that_wait() {
        let mut room = room(&[(1, 0, &[0]), (2, 1, &[0, 1])]);
        let ahead = |queues: &[Queue], part| {
            let mut line = Line::default();
            line.publish(9, queues, 0);
            line.ahead(1, part, Priority::Low, 0)
        };
        assert_eq!((ahead(&room.queues(0, 9, 0), 5), ahead(&room.queues(1, 9, 0), 5)), (2, 1));
        assert!(room.queues(2, 9, 0).is_empty() && room.queues_of_tenant(0, 9, 0).is_empty());
        room.spend_alone(0, 0);
        assert_eq!((ahead(&room.queues(0, 9, 0), 5), ahead(&room.queues(0, 9, 0), 0)), (1, 2));
        room.limit(1, None);
        assert_eq!(ahead(&room.queues(1, 9, 0), 5), 0);
        assert_eq!(ahead(&room.queues_of_tenant(1, 9, 0), 5), 1);
        assert_eq!((room.held(), room.oldest()), ((2, 20), Some(1)));
        assert!(room.leave(place(2)).is_some() && room.leave(place(2)).is_none());
        assert_eq!(room.held(), (1, 10));
    }
}
