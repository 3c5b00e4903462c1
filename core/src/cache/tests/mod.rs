mod garbage;
mod l1;
mod records;
mod repeats;
mod replay;

use super::{Entry, Recorder};
use crate::chat::ChatEvent;
use crate::config::Target;

fn target() -> Target {
    Target { provider: "claude".into(), model: "claude-sonnet-5-5".into(), weight: None }
}

/// The entry of these events.
fn recorded(events: &[ChatEvent<'_>]) -> Option<Vec<u8>> {
    let mut recorder = Recorder::new(1 << 20, 7);
    events.iter().for_each(|event| recorder.take(event));
    recorder.finish(&target(), 1_700_000_000)
}
