//! Which core does what, and what it cost.

use anyhow::{Context as _, Result};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use std::time::Duration;

/// Cores of this machine.
pub(crate) fn count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Keeps this thread, and every thread and process that it starts from now on, on one core.
pub(crate) fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core)?;
    sched_setaffinity(Pid::from_raw(0), &set).context("pinning to a core")
}

/// The time that all threads of a process have run for.
pub(crate) fn spent(pid: u32) -> Result<Duration> {
    let mut total = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let schedstat = std::fs::read_to_string(thread?.path().join("schedstat")).context("reading schedstat")?;
        total += schedstat.split(' ').next().unwrap_or_default().parse::<u64>().context("parsing schedstat")?;
    }
    Ok(Duration::from_nanos(total))
}
