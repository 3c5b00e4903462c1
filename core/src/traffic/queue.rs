//! Who goes first among requests that wait: by priority, then fair between tenants, whichever worker they wait in.
//!
//! Each request gets a tag when it begins to wait: one more than its tenant's last, and at least the tag that is being
//! served (start-time fair queueing: Goyal, Vin, Cheng 1996). In order of their tags, tenants take turns.

use serde::{Deserialize, Serialize};

/// `x-weir-priority`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    High,
    #[default]
    Normal,
    Low,
}

impl Priority {
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// As the header says it.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "high" => Some(Self::High),
            "normal" => Some(Self::Normal),
            "low" => Some(Self::Low),
            _ => None,
        }
    }
}

/// A place in the order of all that wait; the smaller one goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rank {
    pub priority: Priority,
    pub tag: u64,
}

impl Rank {
    /// Whether this one may be served although `head` of another worker still waits. Workers look at different times,
    /// so each may serve what belongs to the first `room` of all that wait.
    pub fn may_go_before(self, head: Rank, room: u64) -> bool {
        self.priority < head.priority
            || (self.priority == head.priority && self.tag < head.tag.saturating_add(room.max(1)))
    }
}

/// What one worker tells the others of those that wait in it for one owner of limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Queue {
    worker: u64,
    /// They wait for the limits of this part only, and hold nobody else back.
    part: Option<u64>,
    /// By priority.
    waiting: [u32; 3],
    /// The first of them.
    head: Rank,
    /// Milliseconds since 1970.
    at: u64,
}

/// What a worker said longer ago than this, in milliseconds, holds nobody back.
const STALE: u64 = 200;
/// So it says the same again after this time.
const REPEAT: u64 = 50;

impl Queue {
    /// Told at `now` of those at `ranks`; None: nobody waits.
    pub(super) fn new(worker: u64, part: Option<u64>, ranks: impl IntoIterator<Item = Rank>, now: u64) -> Option<Self> {
        let mut waiting = [0_u32; 3];
        let mut head: Option<Rank> = None;
        for rank in ranks {
            head = Some(head.map_or(rank, |head| head.min(rank)));
            for (count, priority) in waiting.iter_mut().zip(Priority::ALL) {
                *count = count.saturating_add(u32::from(priority == rank.priority));
            }
        }
        head.map(|head| Self { worker, part, waiting, head, at: now })
    }

    /// How many of `priority` and better wait.
    fn waiting(&self, priority: Priority) -> u64 {
        let counts = Priority::ALL.iter().zip(self.waiting).filter(|(have, _)| **have <= priority);
        counts.map(|(_, count)| u64::from(count)).fold(0, u64::saturating_add)
    }

    fn says(&self) -> (Option<u64>, [u32; 3], Rank) {
        (self.part, self.waiting, self.head)
    }
}

/// Who waits for one owner of limits, in all workers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line(Vec<Queue>);

impl Line {
    /// How many stand in other workers than `worker` before a newcomer of `priority` for `part`.
    pub(super) fn ahead(&self, worker: u64, part: u64, priority: Priority, now: u64) -> u64 {
        self.others(worker, part, now).map(|queue| queue.waiting(priority)).fold(0, u64::saturating_add)
    }

    /// Whether it is the turn of `rank`, in `worker`, when there is room for `room` of all that wait.
    pub(super) fn is_turn(&self, rank: Rank, worker: u64, part: u64, room: u64, now: u64) -> bool {
        self.others(worker, part, now).all(|queue| rank.may_go_before(queue.head, room))
    }

    /// Replaces what one worker says of those that wait in it. Whether that changed anything.
    pub(super) fn publish(&mut self, worker: u64, queues: &[Queue], now: u64) -> bool {
        let own = || self.0.iter().filter(|queue| queue.worker == worker);
        let is_fresh = own().all(|queue| now.abs_diff(queue.at) < REPEAT);
        if is_fresh && own().map(Queue::says).eq(queues.iter().map(Queue::says)) {
            return false;
        }
        self.0.retain(|queue| queue.worker != worker);
        self.0.extend_from_slice(queues);
        true
    }

    fn others(&self, worker: u64, part: u64, now: u64) -> impl Iterator<Item = &Queue> {
        let is_theirs = move |queue: &&Queue| queue.worker != worker && now.abs_diff(queue.at) <= STALE;
        self.0.iter().filter(is_theirs).filter(move |queue| queue.part.is_none_or(|have| have == part))
    }
}

/// The tags of all workers, and how much waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tags {
    lanes: [Lane; 3],
    /// Requests and bytes, by worker.
    held: Vec<(u64, u32, u64)>,
}

/// One priority.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Lane {
    /// The tag that is being served.
    served: u64,
    /// The last tag of each tenant, where it is still ahead.
    last: Vec<(u64, u64)>,
}

impl Tags {
    /// Requests and bytes that wait in all workers.
    pub(super) fn held(&self) -> (u64, u64) {
        let sum = |(count, bytes): (u64, u64), (_, more, size): &(u64, u32, u64)| {
            (count.saturating_add(u64::from(*more)), bytes.saturating_add(*size))
        };
        self.held.iter().fold((0, 0), sum)
    }

    /// The rank of one more request of a tenant.
    pub(super) fn enter(&mut self, worker: u64, tenant: u64, priority: Priority, bytes: u64) -> Rank {
        self.change(worker, |count, size| (count.saturating_add(1), size.saturating_add(bytes)));
        let lane = self.lane(priority);
        let served = lane.served;
        lane.last.retain(|(_, last)| *last > served);
        let tag = match lane.last.iter_mut().find(|(have, _)| *have == tenant) {
            Some((_, last)) => {
                *last = last.saturating_add(1);
                *last
            }
            None => {
                lane.last.push((tenant, served.saturating_add(1)));
                served.saturating_add(1)
            }
        };
        Rank { priority, tag }
    }

    /// A request waits no longer; `served`: because it was its turn.
    pub(super) fn leave(&mut self, worker: u64, tenant: u64, rank: Rank, bytes: u64, served: bool) {
        self.change(worker, |count, size| (count.saturating_sub(1), size.saturating_sub(bytes)));
        let is_empty = self.held().0 == 0;
        let lane = self.lane(rank.priority);
        if served {
            lane.served = lane.served.max(rank.tag);
        } else if let Some((_, last)) = lane.last.iter_mut().find(|(have, _)| *have == tenant) {
            // Its tenant shall not stand behind those that gave up.
            *last = last.saturating_sub(1);
        }
        if is_empty {
            self.lanes = Default::default();
        }
    }

    /// Sets what one worker holds to what it knows itself. Whether that changed anything.
    pub(super) fn set_held(&mut self, worker: u64, count: u32, bytes: u64) -> bool {
        let before = self.held.clone();
        self.change(worker, |_, _| (count, bytes));
        before != self.held
    }

    fn change(&mut self, worker: u64, to: impl FnOnce(u32, u64) -> (u32, u64)) {
        let (count, bytes) =
            self.held.iter().find(|(have, ..)| *have == worker).map_or((0, 0), |(_, count, bytes)| (*count, *bytes));
        let (count, bytes) = to(count, bytes);
        self.held.retain(|(have, ..)| *have != worker);
        if count > 0 {
            self.held.push((worker, count, bytes));
        }
    }

    fn lane(&mut self, priority: Priority) -> &mut Lane {
        let [high, normal, low] = &mut self.lanes;
        match priority {
            Priority::High => high,
            Priority::Normal => normal,
            Priority::Low => low,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const NORMAL: Priority = Priority::Normal;

    #[test]
    fn tenants_take_turns_however_many_each_sends() {
        let mut tags = Tags::default();
        let mut waiting: Vec<(Rank, char)> = Vec::new();
        for _ in 0..6 {
            waiting.push((tags.enter(1, 7, NORMAL, 0), 'a'));
        }
        for _ in 0..3 {
            waiting.push((tags.enter(2, 8, NORMAL, 0), 'b'));
        }
        waiting.push((tags.enter(2, 8, Priority::High, 0), 'H'));
        waiting.push((tags.enter(2, 7, Priority::Low, 0), 'l'));
        waiting.sort();
        assert_eq!(waiting.iter().map(|(_, who)| *who).collect::<String>(), "Habababaaal");
    }

    #[test]
    fn who_comes_late_is_not_owed_the_past() {
        let mut tags = Tags::default();
        let ranks: Vec<_> = (0..10).map(|_| tags.enter(1, 7, NORMAL, 0)).collect();
        for rank in &ranks[..5] {
            tags.leave(1, 7, *rank, 0, true);
        }
        let late = tags.enter(1, 8, NORMAL, 0);
        assert!(late > ranks[4] && late <= ranks[5], "{late:?}");
    }

    #[test]
    fn who_gives_up_costs_the_tenant_nothing() {
        let mut tags = Tags::default();
        let first = tags.enter(1, 7, NORMAL, 10);
        let second = tags.enter(1, 7, NORMAL, 10);
        assert_eq!(tags.held(), (2, 20));
        tags.leave(1, 7, second, 10, false);
        assert_eq!(tags.enter(1, 7, NORMAL, 10), second);
        tags.leave(1, 7, first, 10, true);
        tags.leave(1, 7, second, 10, true);
        assert_eq!((tags.held(), &tags), ((0, 0), &Tags::default()));
    }

    #[test]
    fn a_worker_serves_what_belongs_to_the_first_of_all() {
        let rank = |priority, tag| Rank { priority, tag };
        let head = rank(NORMAL, 10);
        for (mine, room, may) in [
            (rank(NORMAL, 10), 1, true),
            (rank(NORMAL, 11), 1, false),
            (rank(NORMAL, 14), 5, true),
            (rank(NORMAL, 15), 5, false),
            (rank(Priority::High, 99), 1, true),
            (rank(Priority::Low, 1), 9, false),
            (rank(NORMAL, 10), 0, true),
        ] {
            assert_eq!(mine.may_go_before(head, room), may, "{mine:?} {room}");
        }
    }

    #[test]
    fn what_a_worker_said_long_ago_holds_nobody_back() {
        let rank = |priority, tag| Rank { priority, tag };
        let ranks = [rank(Priority::High, 9), rank(NORMAL, 1), rank(NORMAL, 2), rank(Priority::Low, 3)];
        let mut line = Line::default();
        assert!(line.publish(1, Queue::new(1, None, ranks, 1_000).as_slice(), 1_000));
        assert_eq!(line.ahead(2, 7, NORMAL, 1_000), 3);
        assert_eq!(line.ahead(2, 7, Priority::Low, 1_200), 4);
        assert_eq!(line.ahead(1, 7, Priority::Low, 1_000), 0, "its own are its own to count");
        assert!(!line.is_turn(rank(NORMAL, 1), 2, 7, 1, 1_200) && line.is_turn(rank(NORMAL, 1), 2, 7, 1, 1_201));
        assert_eq!(line.ahead(2, 7, Priority::Low, 1_201), 0);
    }

    #[test]
    fn who_waits_for_a_part_holds_nobody_else_back() {
        let ranks = [Rank { priority: NORMAL, tag: 1 }];
        let mut line = Line::default();
        line.publish(1, Queue::new(1, Some(7), ranks, 0).as_slice(), 0);
        assert_eq!((line.ahead(2, 7, NORMAL, 0), line.ahead(2, 8, NORMAL, 0)), (1, 0));
    }

    #[test]
    fn the_same_is_not_said_again_at_once() {
        let queue = |tag, now| Queue::new(1, None, [Rank { priority: NORMAL, tag }], now);
        let mut line = Line::default();
        assert!(line.publish(1, queue(1, 0).as_slice(), 0));
        assert!(!line.publish(1, queue(1, 5).as_slice(), 5));
        assert!(line.publish(1, queue(2, 10).as_slice(), 10) && line.publish(1, queue(2, 60).as_slice(), 60));
        assert!(line.publish(1, &[], 61) && !line.publish(1, &[], 62));
    }
}
