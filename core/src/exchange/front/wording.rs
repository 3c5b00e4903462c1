//! How Weir words its own answers to a client.

use crate::dialect::{Dialect, gemini};
use crate::headers::{HeaderList, Headers};
use crate::refusal::{Refusal, Reply};
use crate::traffic::Levels;

#[derive(Debug)]
pub(super) struct Wording {
    pub(super) dialect: Dialect,
    /// Gemini's clients that asked for an array get one, errors included (PROVIDERS D.1).
    in_array: bool,
    request_id: String,
}

impl Default for Wording {
    fn default() -> Self {
        Self { dialect: Dialect::OpenAi, in_array: false, request_id: String::new() }
    }
}

impl Wording {
    pub(super) fn of(headers: &Headers) -> Self {
        let path = headers.text(":path").unwrap_or_default();
        let dialect = Dialect::of_request(path, |name| headers.text(name).is_some());
        let in_array = dialect == Dialect::Gemini
            && gemini::Call::parse(path).is_some_and(|call| call.mode == gemini::Mode::Array);
        let request_id = match dialect {
            Dialect::Anthropic => headers.text("x-request-id").unwrap_or_default().to_owned(),
            Dialect::OpenAi | Dialect::Gemini => String::new(),
        };
        Self { dialect, in_array, request_id }
    }

    /// A refusal, with what the client has left.
    pub(super) fn refusal(&self, refusal: &Refusal, levels: &Levels, now: u64) -> Reply {
        let mut reply = refusal.reply(self.dialect);
        reply.headers.extend(self.dialect.limit_headers(levels, now));
        // Where Anthropic's own errors have it (PROVIDERS D.1).
        if !self.request_id.is_empty() && reply.body.pop_if(|last| *last == b'}').is_some() {
            let id = serde_json::to_vec(&self.request_id).unwrap_or_default();
            reply.body.extend([br#","request_id":"#.as_slice(), &id, b"}"].concat());
        }
        if self.in_array {
            reply.body.insert(0, b'[');
            reply.body.push(b']');
        }
        reply
    }

    /// What every answer to this client has.
    pub(super) fn headers(&self) -> HeaderList {
        self.dialect.id_header(&self.request_id)
    }
}
