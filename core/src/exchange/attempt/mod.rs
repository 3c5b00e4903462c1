//! The attempt role: one try at one provider. It writes the provider's request, and holds the answer until it is
//! known to be one; a failure before that becomes a status that Envoy retries on the next member of the chain.

mod ending;
mod pace;

pub(super) use pace::Pace;

use super::step::{Effect, Step, Waker};
use super::translate::{self, AnswerStream, Manner, Whole};
use super::{Exchange, Outcome};
use crate::config::{Provider, Target};
use crate::failure::{Class, Failure, Verdict};
use crate::headers::{HeaderList, Headers};
use crate::provider;
use crate::traffic::{Failed, Permit};
use crate::{limit_headers, sse};
use ending::truncated;
use std::rc::Rc;

/// What happened to the attempt, as the filter at the provider sees it.
pub enum AttemptEvent<'a> {
    /// The request's headers are about to go out. `traceparent` and `tracestate` are the client's, or those of a tracer of
    /// Envoy's.
    RequestHeaders {
        traceparent: Option<&'a str>,
        tracestate: Option<&'a str>,
    },
    /// A part of the placeholder passes by. `micros`: when, in microseconds since 1970.
    RequestBody {
        micros: u64,
    },
    ResponseHeaders {
        status: u16,
        headers: &'a Headers,
        end: bool,
    },
    ResponseBody {
        chunk: &'a [u8],
        end: bool,
    },
    /// The answer ended in trailers: its body is complete.
    ResponseTrailers,
    /// The attempt is over. `details` is what Envoy says of the whole request by now, such as
    /// `downstream_remote_disconnect`; nothing if it goes on with another attempt.
    Closed {
        details: &'a str,
    },
}

/// One try at one target.
pub struct Attempt {
    exchange: Rc<Exchange>,
    /// Its place among the exchange's attempts.
    index: usize,
    target: Target,
    /// The provider's request, until it is sent.
    payload: Vec<u8>,
    dropped: Vec<String>,
    /// What was taken from the provider, until it is known what became of it.
    permit: Option<Permit>,
    pace: Pace,
    state: State,
}

enum State {
    Requested,
    /// An error answer is gathered, to be understood.
    Error {
        status: u16,
        retry_after: Option<crate::config::Millis>,
        body: Vec<u8>,
    },
    /// An answer that is not streamed is gathered, to be translated.
    Whole {
        body: Vec<u8>,
    },
    /// A stream without content so far; `out` is what the client will see of it.
    Held {
        reader: sse::Reader,
        stream: Box<AnswerStream>,
        out: Vec<u8>,
    },
    /// A stream that the client sees.
    Running {
        reader: sse::Reader,
        stream: Box<AnswerStream>,
    },
    /// Failed, or complete: whatever still comes is dropped.
    Over,
}

/// Bound of an error answer that is read to be understood, in bytes. What is longer is understood by its status.
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// A status that Envoy retries and outlier detection does not count: this provider is not to blame.
const GO_ELSEWHERE: u16 = 421;
/// A status that Envoy retries and outlier detection counts, whatever 5xx or broken 200 it stands for.
const SICK: u16 = 502;
/// The same two without a retry: the client's to mend, the last of the chain, or no retry left in the budget.
const DONE: u16 = 400;
const SICK_AND_DONE: u16 = 501;
/// What Envoy reads its pause from (`rate_limited_retry_back_off`).
pub const RETRY_AFTER: &str = "x-weir-retry-after";

impl Attempt {
    /// The attempt that begins at `provider`; None when the chain has no such provider. `now` is in milliseconds since
    /// 1970, here and in [`Self::step`].
    pub fn begin(exchange: Rc<Exchange>, provider: &str, now: u64) -> Option<Self> {
        let (index, target, permit) = exchange.begin(provider, now)?;
        let (payload, dropped, pace) = (Vec::new(), Vec::new(), Pace::default());
        Some(Self { exchange, index, target, payload, dropped, permit: Some(permit), pace, state: State::Requested })
    }

    /// Takes one event.
    pub fn step(&mut self, now: u64, event: AttemptEvent<'_>) -> Step {
        match event {
            AttemptEvent::RequestHeaders { traceparent, tracestate } => self.request_headers(traceparent, tracestate),
            // In place of the first part, whether or not it is the last: with trailers none says that it is.
            AttemptEvent::RequestBody { micros } => {
                self.exchange.sent(micros);
                Step::go_on(vec![Effect::RequestBody(std::mem::take(&mut self.payload))])
            }
            AttemptEvent::ResponseHeaders { status, headers, end } => self.response_headers(status, headers, end, now),
            AttemptEvent::ResponseBody { chunk, end } => self.response_body(chunk, end, now),
            AttemptEvent::ResponseTrailers => self.response_trailers(now),
            AttemptEvent::Closed { details } => self.closed(details, now),
        }
    }

    /// A part of a stream that the client sees has passed through in so many microseconds.
    pub fn passed(&self, micros: u64) {
        self.exchange.gateway.stats.event(micros);
    }

    /// Whether the client sees its stream.
    pub fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// Whether it is not known yet what became of it.
    pub fn is_open(&self) -> bool {
        self.permit.is_some()
    }

    fn request_headers(&mut self, traceparent: Option<&str>, tracestate: Option<&str>) -> Step {
        let gateway = self.exchange.gateway.clone();
        let Some(provider) = gateway.config.provider(&self.target.provider) else { return Step::go_on(vec![]) };
        let task = &self.exchange.task;
        if let Ok(lowered) = translate::lower(&gateway, task, &self.target, self.exchange.on_unsupported) {
            let manner = Manner {
                stream_usage: provider.stream_usage,
                forgets_thoughts: self.exchange.forgets_thoughts(&self.target),
            };
            self.payload = lowered.write(task, &self.target.model, manner);
            self.dropped = lowered.dropped(task);
        }
        let path = task.path(provider, &self.target.model);
        let accept = if task.is_stream() { "text/event-stream" } else { "application/json" };
        // The whole map is set afresh: what an earlier attempt put there, its credential above all, must not go out.
        let mut list: HeaderList = vec![
            (":method".into(), b"POST".to_vec()),
            (":scheme".into(), if provider.base_url.tls { b"https".to_vec() } else { b"http".to_vec() }),
            (":authority".into(), provider.base_url.authority().into_bytes()),
            (":path".into(), path.into_bytes()),
            ("content-type".into(), b"application/json".to_vec()),
            ("content-length".into(), self.payload.len().to_string().into_bytes()),
            ("accept".into(), accept.into()),
            ("user-agent".into(), concat!("weir/", env!("CARGO_PKG_VERSION")).into()),
        ];
        let request_id = Some(self.exchange.request_id.as_str()).filter(|id| !id.is_empty());
        let trace = self.exchange.trace;
        let own = trace.map(|context| context.traceparent_of(self.index));
        let traceparent = own.as_deref().or(traceparent);
        // It belongs to the client's trace, and no other.
        let tracestate = tracestate.filter(|_| trace.is_none_or(|context| context.is_clients()));
        let tracestate = tracestate.filter(|state| !state.is_empty());
        let ids = [("x-request-id", request_id), ("traceparent", traceparent), ("tracestate", tracestate)];
        list.extend(ids.into_iter().filter_map(|(name, value)| Some((name.into(), value?.into()))));
        list.extend(credential(&gateway, provider));
        if task.is_own(provider.kind) {
            let own = &self.exchange.own_headers;
            list.retain(|(name, _)| !own.iter().any(|(other, _)| other == name));
            list.extend(own.iter().cloned());
        }
        Step::go_on(vec![Effect::RequestHeaders(list)])
    }

    fn response_headers(&mut self, status: u16, headers: &Headers, end: bool, now: u64) -> Step {
        let told = limit_headers::read(headers, now);
        if let Some(permit) = &self.permit {
            permit.told(&told, now);
        }
        let encoded = headers.text("content-encoding").is_some_and(|encoding| encoding != "identity");
        if !(200..300).contains(&status) {
            self.state = State::Error { status, retry_after: told.wait(), body: Vec::new() };
            return if end { self.understand_error(now) } else { Step::wait(Waker::ResponseBody, vec![]) };
        }
        if end || encoded {
            let why = "the provider's answer cannot be read";
            return self.fail(Failure::plain(Class::Unreadable, Some(status), why), now);
        }
        let gateway = &self.exchange.gateway;
        self.state = if let Some(stream) = AnswerStream::new(&self.exchange, &self.target) {
            let is_events = headers.text("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
            if !is_events {
                let why = "the provider did not answer with an event stream";
                return self.fail(Failure::plain(Class::Unreadable, Some(status), why), now);
            }
            let bound = usize::try_from(gateway.config.max_response_bytes).unwrap_or(usize::MAX);
            State::Held { reader: sse::Reader::new(bound), stream: Box::new(stream), out: Vec::new() }
        } else {
            State::Whole { body: Vec::new() }
        };
        Step::wait(Waker::ResponseBody, vec![])
    }

    fn response_body(&mut self, chunk: &[u8], end: bool, now: u64) -> Step {
        let max = usize::try_from(self.exchange.gateway.config.max_response_bytes).unwrap_or(usize::MAX);
        match &mut self.state {
            State::Error { body, .. } => {
                let room = MAX_ERROR_BYTES.saturating_sub(body.len());
                body.extend_from_slice(chunk.get(..chunk.len().min(room)).unwrap_or_default());
                if end || body.len() >= MAX_ERROR_BYTES { self.understand_error(now) } else { held() }
            }
            State::Whole { body } => {
                if body.len().saturating_add(chunk.len()) > max {
                    let why = "the answer is larger than this gateway takes";
                    return self.fail(Failure::plain(Class::AnswerTooLarge, Some(200), why), now);
                }
                body.extend_from_slice(chunk);
                if end { self.translate_whole(now) } else { held() }
            }
            State::Held { .. } => self.held_stream(chunk, end, now),
            State::Running { reader, stream } => {
                let mut out = Vec::with_capacity(chunk.len());
                let outcome = stream.pass(reader, chunk, end, &mut out);
                self.pace.came(stream.chunks(), now);
                if let Err(failure) = outcome {
                    stream.fail(&failure, &mut out);
                    let so_far = (stream.usage(), stream.text());
                    self.broke_off(&failure, so_far, now);
                } else if end {
                    self.complete(now);
                }
                Step::go_on(vec![Effect::ResponseBody(out)])
            }
            State::Over | State::Requested => Step::go_on(vec![Effect::ResponseBody(Vec::new())]),
        }
    }

    /// Nothing can be added to a running stream any more: one that lacks its end is broken off.
    fn response_trailers(&mut self, now: u64) -> Step {
        let State::Running { reader, stream } = &mut self.state else { return self.response_body(&[], true, now) };
        let mut out = Vec::new();
        let outcome = stream.pass(reader, &[], true, &mut out);
        if outcome.is_ok() && out.is_empty() {
            self.complete(now);
            return Step::go_on(vec![]);
        }
        let so_far = (stream.usage(), stream.text());
        self.broke_off(&truncated(), so_far, now);
        Step::go_on(vec![Effect::Reset])
    }

    /// A stream whose first content has not come: it may still turn out to be a failure.
    fn held_stream(&mut self, chunk: &[u8], end: bool, now: u64) -> Step {
        let State::Held { reader, stream, out } = &mut self.state else { return held() };
        let max = usize::try_from(self.exchange.gateway.config.max_response_bytes).unwrap_or(usize::MAX);
        let outcome = stream.pass(reader, chunk, end, out);
        self.pace.came(stream.chunks(), now);
        match outcome {
            Err(failure) if !stream.has_content() => self.fail(failure, now),
            Ok(()) if !stream.has_content() && out.len() > max => {
                let why = "the stream brought no content within this gateway's bound";
                self.fail(Failure::plain(Class::Unreadable, Some(200), why), now)
            }
            Ok(()) if !stream.has_content() && end => {
                self.fail(Failure::plain(Class::Unreadable, Some(200), "the stream brought no content"), now)
            }
            Ok(()) if !stream.has_content() => held(),
            outcome => {
                if let Err(failure) = &outcome {
                    stream.fail(failure, out);
                }
                let out = std::mem::take(out);
                let State::Held { reader, stream, .. } = std::mem::replace(&mut self.state, State::Over) else {
                    return held();
                };
                let so_far = (stream.usage(), stream.text());
                self.state = State::Running { reader, stream };
                if let Some(permit) = &mut self.permit {
                    let millis = permit.first_token(now);
                    self.exchange.gateway.stats.first_token(&self.target, millis);
                }
                self.exchange.first_token.set(Some(now));
                let headers = self.serve(self.exchange.task.stream_type(), now);
                match outcome {
                    Err(failure) => self.broke_off(&failure, so_far, now),
                    Ok(()) if end => self.complete(now),
                    Ok(()) => {}
                }
                Step::go_on(vec![Effect::ResponseHeaders(headers), Effect::ResponseBody(out)])
            }
        }
    }

    fn translate_whole(&mut self, now: u64) -> Step {
        let State::Whole { body } = std::mem::replace(&mut self.state, State::Over) else { return held() };
        match translate::whole(&self.exchange, &self.target, body) {
            Err(failure) => self.fail(failure, now),
            Ok(Whole { body, usage, finish, text, recorder }) => {
                self.exchange.finish.set(finish);
                let mut headers = self.serve("application/json", now);
                headers.push(("content-length".into(), body.len().to_string().into_bytes()));
                self.served(usage, text, recorder, now);
                headers.extend(self.exchange.cost_header());
                Step::go_on(vec![Effect::ResponseHeaders(headers), Effect::ResponseBody(body)])
            }
        }
    }

    fn understand_error(&mut self, now: u64) -> Step {
        let State::Error { status, retry_after, body } = std::mem::replace(&mut self.state, State::Over) else {
            return held();
        };
        let mut failure = translate::error(&self.exchange, &self.target, status, &body);
        failure.retry_after = retry_after.or(failure.retry_after);
        self.fail(failure, now)
    }

    /// Ends the attempt without an answer. The provider's words go no further: its body becomes one
    /// byte, and the front role replies in place of it, or Envoy goes to the next member.
    fn fail(&mut self, failure: Failure, now: u64) -> Step {
        if failure.class == Class::ForeignThought {
            self.exchange.foreign_thought.set(true);
        }
        let verdict = failure.class.verdict();
        let counted = self.failed(&failure, now);
        let pause = self.pause(&failure, now);
        // Where only the same target follows, it must be worth asking again, and in time.
        let is_vain = pause.is_none() && !self.may_retry_same(&failure);
        let goes_on = match verdict {
            Verdict::Return => false,
            // Envoy waits for the other one, and discards this answer.
            _ if self.exchange.has_rival(self.index) => true,
            _ if failure.class == Class::ContextTooLong && !self.exchange.may_hold(&self.target) => false,
            _ => !is_vain && self.exchange.may_go_on(now),
        };
        let status = match (verdict, goes_on) {
            (Verdict::Return | Verdict::NextHealthy, false) => DONE,
            // One of many that succeed: outlier detection shall not take it for one in a row.
            (Verdict::NextSick, false) if counted == Some(Failed::Stray) => DONE,
            (Verdict::NextSick, true) if counted == Some(Failed::Stray) => GO_ELSEWHERE,
            (Verdict::Return | Verdict::NextHealthy, true) => GO_ELSEWHERE,
            (Verdict::NextSick, false) => SICK_AND_DONE,
            (Verdict::NextSick, true) => SICK,
        };
        let mut headers = vec![(":status".into(), status.to_string().into_bytes())];
        headers.extend(pause.filter(|_| goes_on));
        self.exchange.settle(self.index, Outcome::Failed(failure));
        self.state = State::Over;
        Step::go_on(vec![Effect::ResponseHeaders(headers), Effect::ResponseBody(PLACEHOLDER.to_vec())])
    }

    /// Whether what follows is worth trying: another target, or the same one if it may do better at once.
    fn may_retry_same(&self, failure: &Failure) -> bool {
        !self.exchange.only_again(&self.target)
            || failure.class.rule().retry_same && failure.retry_after.is_none_or(|wait| wait.0 == 0)
    }

    /// Envoy waits as long as the provider asks before it tries the same target again, if the answer could still come
    /// in time. (Envoy knows whole seconds, and waits up to half as long again.)
    fn pause(&self, failure: &Failure, now: u64) -> Option<(std::borrow::Cow<'static, str>, Vec<u8>)> {
        let same = self.exchange.next_target().is_some_and(|next| *next == self.target);
        let wait = failure.retry_after.filter(|_| same && failure.class.rule().retry_same)?.0;
        let left = self.exchange.deadline.saturating_sub(now);
        let longest = wait.saturating_add(wait.checked_div(2)?);
        (longest < left).then(|| (RETRY_AFTER.into(), wait.div_ceil(1_000).max(1).to_string().into_bytes()))
    }

    /// This attempt's answer is the client's: the headers that say so. None of the provider's own goes on.
    fn serve(&mut self, content_type: &'static str, now: u64) -> HeaderList {
        self.exchange.settle(self.index, Outcome::Served);
        self.exchange.answered.set(Some(now));
        let attempts = self.exchange.attempt_count().to_string();
        let mut headers: HeaderList = vec![
            (":status".into(), b"200".to_vec()),
            ("content-type".into(), content_type.into()),
            ("x-weir-provider".into(), self.target.provider.clone().into_bytes()),
            ("x-weir-model".into(), self.target.model.clone().into_bytes()),
            ("x-weir-attempts".into(), attempts.into_bytes()),
        ];
        headers.extend(self.exchange.task.dialect().id_header(&self.exchange.request_id));
        headers.extend(self.exchange.cache_header());
        headers.extend(self.exchange.task.dialect().limit_headers(&self.exchange.levels, now));
        if !self.dropped.is_empty() {
            headers.push(("x-weir-dropped-params".into(), self.dropped.join(",").into_bytes()));
            self.exchange.dropped.replace(std::mem::take(&mut self.dropped));
        }
        headers
    }
}

const PLACEHOLDER: &[u8] = b"x";

/// Keeps the response back; what came of its body has been taken in.
fn held() -> Step {
    Step::wait(Waker::ResponseBody, vec![Effect::ResponseBody(Vec::new())])
}

fn credential(gateway: &crate::gateway::Gateway, provider: &Provider) -> HeaderList {
    let Some(key) = gateway.secret(provider) else { return Vec::new() };
    let headers = provider::credential_headers(provider, key);
    headers.into_iter().map(|(name, value)| (name.into(), value.into_bytes())).collect()
}
