//! The response body: events at the pace, and with the end, that a fault asks for. Shared by the three providers.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::{
    events::Events,
    exchange::Exchange,
    fault::Fault,
    journal::Outcome,
    wire::{ConnectionReset, ResetSwitch},
};

/// Unpaced events share a frame up to this many bytes: few syscalls, and backpressure still reaches the journal.
const FRAME_BYTES: usize = 16 << 10;
/// A reset discards what the kernel has not sent yet, so the last event gets this long to leave.
const FLUSH: Duration = Duration::from_millis(20);

/// When events leave, and what stands at their end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    pub(crate) first: Duration,
    pub(crate) between: Duration,
    pub(crate) ending: Ending,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    #[default]
    Complete,
    /// In good order, but the last events are missing.
    Close,
    Reset,
    Hang,
}

impl Pace {
    pub(crate) fn of(fault: &Fault) -> Self {
        let millis = |ms: Option<u64>| Duration::from_millis(ms.unwrap_or(0));
        let ending = if fault.cut_after_events.is_some() {
            Ending::Reset
        } else if fault.close_after_events.is_some() {
            Ending::Close
        } else if fault.hang_after_events.is_some() {
            Ending::Hang
        } else {
            Ending::Complete
        };
        Self { first: millis(fault.first_event_delay_ms), between: millis(fault.event_delay_ms), ending }
    }

    /// What is left of `events` before the ending.
    pub(crate) fn shorten(self, events: Events, after: Option<u32>, streamed: bool) -> Events {
        match after {
            None => events,
            Some(0) => events.truncated(0),
            Some(_) if !streamed => events.half(),
            Some(count) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX).min(events.len());
                events.truncated(count)
            }
        }
    }
}

pub(crate) struct Body {
    events: Events,
    next: usize,
    pace: Pace,
    /// Bytes announced in `content-length`; `None` sends chunks.
    announced: Option<usize>,
    /// Whether the wait before the next event, or before the end, is over.
    waited: bool,
    sleep: Option<Pin<Box<Sleep>>>,
    switch: ResetSwitch,
    exchange: Exchange,
}

impl Body {
    pub(crate) fn new(
        events: Events,
        pace: Pace,
        announced: Option<usize>,
        switch: ResetSwitch,
        exchange: Exchange,
    ) -> Self {
        let mut body = Self { events, next: 0, pace, announced, waited: false, sleep: None, switch, exchange };
        if body.events.len() == 0 && pace.ending == Ending::Complete {
            body.exchange.finish(Outcome::Complete);
        }
        body
    }

    fn wait(&mut self, delay: Duration) -> bool {
        let begins = !self.waited && !delay.is_zero();
        if begins {
            self.sleep = Some(Box::pin(sleep(delay)));
        }
        self.waited = true;
        begins
    }

    fn frame(&mut self) -> Frame<Bytes> {
        let limit = if self.pace.between.is_zero() { FRAME_BYTES } else { 0 };
        let end = self.events.frame_end(self.next, limit);
        let frame = Frame::data(self.events.slice(self.next, end));
        self.exchange.sent(end.saturating_sub(self.next));
        self.next = end;
        self.waited = false;
        // hyper may drop a body whose announced length is reached without asking for its end.
        if end == self.events.len() && self.pace.ending == Ending::Complete {
            self.exchange.finish(Outcome::Complete);
        }
        frame
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = ConnectionReset;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ConnectionReset>>> {
        let this = self.get_mut();
        loop {
            if let Some(sleep) = &mut this.sleep {
                ready!(sleep.as_mut().poll(cx));
                this.sleep = None;
            }
            if this.next < this.events.len() {
                let delay = if this.next == 0 { this.pace.first } else { this.pace.between };
                if this.wait(delay) {
                    continue;
                }
                return Poll::Ready(Some(Ok(this.frame())));
            }
            return match this.pace.ending {
                Ending::Complete => Poll::Ready(None),
                Ending::Close => {
                    this.exchange.finish(Outcome::Cut);
                    Poll::Ready(None)
                }
                Ending::Hang => {
                    this.exchange.hung();
                    Poll::Pending
                }
                Ending::Reset => {
                    if this.wait(FLUSH) {
                        continue;
                    }
                    this.exchange.finish(Outcome::Cut);
                    Poll::Ready(Some(Err(this.switch.pull())))
                }
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.next == self.events.len() && self.pace.ending == Ending::Complete
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.map_or_else(SizeHint::default, |bytes| SizeHint::with_exact(bytes as u64))
    }
}
