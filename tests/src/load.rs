//! An open-loop load: a request starts at its time whatever became of those before it, and its latency counts from
//! that time. A closed loop asks less while the gateway is slow, and so never sees how slow it is.

mod pool;
mod report;
mod shot;

pub use report::{Report, Sample};
pub use shot::Shot;

use pool::Pool;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// More under way than this is no load but a leak, of the gateway or of the test.
const MAX_UNDER_WAY: usize = 8_192;

/// When requests start.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    count: usize,
    every: Duration,
}

impl Schedule {
    /// All at the same moment.
    pub fn at_once(count: usize) -> Self {
        Self { count, every: Duration::ZERO }
    }

    /// So many per second, evenly, for so long.
    pub fn rate(per_second: u32, time: Duration) -> Self {
        let count = usize::try_from(time.as_millis() * u128::from(per_second) / 1000).expect("a bounded load");
        Self { count, every: Duration::from_secs(1) / per_second }
    }

    /// How many requests.
    pub fn count(self) -> usize {
        self.count
    }

    /// The start of one request, from the start of the load.
    fn start(self, number: usize) -> Duration {
        self.every.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX))
    }
}

/// A client of one address, with connections that it keeps.
#[derive(Clone, Debug)]
pub struct Load {
    pool: Arc<Pool>,
}

impl Load {
    /// Connects when it must.
    pub fn at(address: SocketAddr) -> Self {
        assert!(address.ip().is_loopback(), "{address} is not the test's own");
        Self { pool: Arc::new(Pool::new(address)) }
    }

    /// With so many connections open already, so that what starts at once also arrives at once.
    ///
    /// # Panics
    /// If the address does not take them.
    pub async fn connected(self, count: usize) -> Self {
        self.pool.fill(count).await.unwrap_or_else(|error| panic!("{count} connections: {error}"));
        self
    }

    /// One request, now.
    pub async fn one(&self, shot: Shot) -> Sample {
        let now = Instant::now();
        shot.fire(&self.pool, 0, now, Duration::ZERO).await
    }

    /// Sends the shot of each number at its time, and waits until the last has ended. The samples stand in the order of
    /// the schedule.
    ///
    /// # Panics
    /// If so many are under way that nobody answers any more.
    pub async fn run(&self, schedule: Schedule, mut shot: impl FnMut(usize) -> Shot) -> Report {
        let mut under_way = JoinSet::new();
        let mut samples = Vec::with_capacity(schedule.count());
        let begun = Instant::now();
        for number in 0..schedule.count() {
            let scheduled = schedule.start(number);
            if begun + scheduled > Instant::now() {
                sleep_until(begun + scheduled).await;
            }
            let (pool, shot) = (Arc::clone(&self.pool), shot(number));
            under_way.spawn(async move { shot.fire(&pool, number, begun, scheduled).await });
            while let Some(ended) = under_way.try_join_next() {
                samples.push(ended.expect("a request does not panic"));
            }
            assert!(under_way.len() <= MAX_UNDER_WAY, "{MAX_UNDER_WAY} requests are under way after {number}");
        }
        while let Some(ended) = under_way.join_next().await {
            samples.push(ended.expect("a request does not panic"));
        }
        Report::new(samples, begun.elapsed())
    }
}
