//! When a user or a supervisor wants the command to end.

use crate::failure::{Failure, Outcome};
use tokio::signal::unix::{SignalKind, signal};

/// Ready at the first SIGINT, SIGTERM or SIGHUP that comes after this call.
pub(crate) fn requested() -> Outcome<impl Future<Output = ()> + Send + 'static> {
    let listen = |kind| signal(kind).map_err(Failure::runtime);
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}
