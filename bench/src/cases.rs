//! What is measured.

use crate::load::Request;
use serde_json::json;
use weir_sim::{OPENAI_KEY, Reply};

pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Bytes of prompt.
    prompt: usize,
    /// Words of the answer; of a stream, about its events.
    words: u32,
    stream: bool,
    /// The model that Weir is asked for: which provider, and so which translation.
    model: &'static str,
    /// Requests per round.
    pub(crate) requests: usize,
    /// At the gateway that keeps no answers itself, so that each comes from the sidecar.
    pub(crate) is_far: bool,
}

const fn case(
    name: &'static str,
    prompt: usize,
    words: u32,
    stream: bool,
    model: &'static str,
    requests: usize,
) -> Case {
    Case { name, prompt, words, stream, model, requests, is_far: false }
}

/// The bare Envoy is always asked for the OpenAI form; a translated case shows the price of translation too.
pub(crate) const CASES: &[Case] = &[
    case("chat, 1 KB, relayed", 1 << 10, 20, false, "relayed", 6400),
    case("chat, 1 KB, to Claude", 1 << 10, 20, false, "translated", 6400),
    case("chat, 150 KB, relayed", 150 << 10, 20, false, "relayed", 1600),
    case("chat, 150 KB, to Claude", 150 << 10, 20, false, "translated", 1600),
    case("stream of 100, relayed", 1 << 10, 100, true, "relayed", 1600),
    case("stream of 100, from Claude", 1 << 10, 100, true, "translated", 1600),
    case("cached near (L1), 1 KB", 1 << 10, 20, false, "cached", 6400),
    case("cached near (L1), 150 KB", 150 << 10, 20, false, "cached", 1600),
    case("cached near (L1), stream", 1 << 10, 100, true, "cached", 1600),
    case("cached far (L2), 1 KB", 1 << 10, 20, false, "cached", 6400).far(),
    case("cached far (L2), stream", 1 << 10, 100, true, "cached", 1600).far(),
];

impl Case {
    const fn far(self) -> Self {
        Self { is_far: true, ..self }
    }

    pub(crate) fn reply(&self) -> Reply {
        Reply::words(self.words)
    }

    /// The request; `direct`: to a gateway that adds no credential and knows no aliases.
    pub(crate) fn request(&self, direct: bool) -> Request {
        // As prompts are: words and line breaks, which JSON must escape.
        let line = "The quick brown fox jumps over the lazy dog, \"twice\".\n";
        let prompt: String = line.chars().cycle().take(self.prompt).collect();
        let model = if direct { "gpt-5.6" } else { self.model };
        let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": prompt }] });
        if self.stream {
            body["stream"] = json!(true);
            body["stream_options"] = json!({ "include_usage": true });
        }
        Request { credential: direct.then_some(OPENAI_KEY), body: body.to_string().into() }
    }
}
