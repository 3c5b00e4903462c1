//! An answer as a stream of `chat.completion.chunk`s (PROVIDERS C.1).

use super::logprobs::LogprobsBody;
use crate::chat::{ChatEvent, Delta, TokenLogprobs, Usage};
use crate::refusal::ErrorBody;
use serde::Serialize;

/// Writes events as server-sent events of OpenAI's form.
#[derive(Debug)]
pub struct StreamWriter {
    /// `{"id":…,"model":…,"system_fingerprint":null` of every chunk, once known.
    head: Vec<u8>,
    fallback_id: String,
    created: u64,
    include_usage: bool,
    /// Choices that have had their role chunk.
    opened: Vec<u32>,
    /// Of a choice, until the chunk that they are of.
    logprobs: Option<(u32, Vec<TokenLogprobs<'static>>)>,
    usage: Option<Usage>,
}

impl StreamWriter {
    /// `fallback_id` is the id of the answer if the provider gives none; `created` is in seconds since 1970.
    pub fn new(fallback_id: String, created: u64, include_usage: bool) -> Self {
        let mut writer = Self {
            head: Vec::new(),
            fallback_id,
            created,
            include_usage,
            opened: Vec::new(),
            logprobs: None,
            usage: None,
        };
        writer.start("", "");
        writer
    }

    /// Appends what `event` looks like to `out`. [`ChatEvent::Usage`] is kept for the end.
    pub fn write(&mut self, event: &ChatEvent<'_>, out: &mut Vec<u8>) {
        match event {
            ChatEvent::Started { id, model } => self.start(id, model),
            ChatEvent::Usage(usage) => self.usage = Some(*usage),
            ChatEvent::Finished { choice, reason } => {
                self.choice(*choice, DeltaBody::default(), Some(reason.as_str()), out);
            }
            ChatEvent::Delta { choice, delta } => self.choice(*choice, DeltaBody::from(delta), None, out),
            ChatEvent::UnknownFinish { .. } => {}
            ChatEvent::Logprobs { choice, tokens } => {
                // Those before them have waited in vain.
                if let Some((choice, _)) = self.logprobs {
                    self.choice(choice, DeltaBody::default(), None, out);
                }
                self.logprobs = Some((*choice, tokens.iter().cloned().map(TokenLogprobs::into_owned).collect()));
            }
        }
    }

    /// Appends the end: usage, if the client asked for it, and `[DONE]`.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if self.include_usage {
            let usage = UsageBody::from(self.usage.unwrap_or_default());
            self.chunk(out, &[], Some(&usage));
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    /// The usage seen so far.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn start(&mut self, id: &str, model: &str) {
        let id = if id.is_empty() { &self.fallback_id } else { id };
        self.head = b"data: ".to_vec();
        let head = Head { id, object: "chat.completion.chunk", created: self.created, model, system_fingerprint: None };
        append_json(&mut self.head, &head);
        self.head.pop();
    }

    fn open(&mut self, choice: u32, out: &mut Vec<u8>) {
        if !self.opened.contains(&choice) {
            self.opened.push(choice);
            let delta =
                DeltaBody { role: Some("assistant"), content: Some(""), refusal: Some(None), ..Default::default() };
            self.chunk(out, &[Choice { index: choice, delta, logprobs: None, finish_reason: None }], None);
        }
    }

    /// A chunk of one choice, with the log probabilities that wait for it.
    fn choice(&mut self, index: u32, delta: DeltaBody<'_>, finish_reason: Option<&'static str>, out: &mut Vec<u8>) {
        self.open(index, out);
        let tokens = self.logprobs.take_if(|(choice, _)| *choice == index).map(|(_, tokens)| tokens);
        let logprobs = tokens.as_deref().map(LogprobsBody::from);
        self.chunk(out, &[Choice { index, delta, logprobs, finish_reason }], None);
    }

    fn chunk(&self, out: &mut Vec<u8>, choices: &[Choice<'_>], usage: Option<&UsageBody>) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b",\"choices\":");
        append_json(out, choices);
        if self.include_usage {
            out.extend_from_slice(b",\"usage\":");
            append_json(out, &usage);
        }
        out.extend_from_slice(b"}\n\n");
    }
}

/// Appends an error frame and `[DONE]`: every SDK raises on it, whereas a stream that only ends looks complete.
pub fn error_frame(error: &ErrorBody, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(&crate::dialect::Dialect::OpenAi.error_json(error));
    out.extend_from_slice(b"\n\ndata: [DONE]\n\n");
}

/// Serialises into memory, which cannot fail for the types of this module.
pub(super) fn append_json(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    let _ = serde_json::to_writer(out, value);
}

#[derive(Serialize)]
struct Head<'a> {
    id: &'a str,
    object: &'a str,
    created: u64,
    model: &'a str,
    system_fingerprint: Option<&'a str>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    delta: DeltaBody<'a>,
    logprobs: Option<LogprobsBody<'a>>,
    finish_reason: Option<&'static str>,
}

#[derive(Serialize, Default)]
struct DeltaBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    /// `Some(None)` is an explicit null.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[CallBody<'a>; 1]>,
}

impl<'a> From<&'a Delta<'_>> for DeltaBody<'a> {
    fn from(delta: &'a Delta<'_>) -> Self {
        let empty = Self::default();
        match delta {
            Delta::Text(text) => Self { content: Some(text), ..empty },
            Delta::Reasoning(text) => Self { reasoning_content: Some(text), ..empty },
            Delta::Refusal(text) => Self { refusal: Some(Some(text)), ..empty },
            Delta::ToolCall { index, id, name, arguments, signature } => {
                let function = FunctionBody { name: Some(name), arguments };
                let call = CallBody {
                    index: Some(*index),
                    id: Some(id),
                    kind: Some("function"),
                    function,
                    extra_content: signature.as_deref().map(ExtraContent::new),
                };
                Self { tool_calls: Some([call]), ..empty }
            }
            Delta::Arguments { index, fragment } => {
                let function = FunctionBody { name: None, arguments: fragment };
                let call = CallBody { index: Some(*index), id: None, kind: None, function, extra_content: None };
                Self { tool_calls: Some([call]), ..empty }
            }
        }
    }
}

/// A tool call; `index` only in streams.
#[derive(Serialize)]
pub(super) struct CallBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'a str>,
    pub(super) function: FunctionBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extra_content: Option<ExtraContent<'a>>,
}

#[derive(Serialize)]
pub(super) struct FunctionBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    pub(super) arguments: &'a str,
}

/// Google's own place for the thought signature in OpenAI's shape.
#[derive(Serialize)]
pub(super) struct ExtraContent<'a> {
    google: Google<'a>,
}

#[derive(Serialize)]
struct Google<'a> {
    thought_signature: &'a str,
}

impl<'a> ExtraContent<'a> {
    pub(super) fn new(thought_signature: &'a str) -> Self {
        Self { google: Google { thought_signature } }
    }
}

/// `usage` (PROVIDERS B.3).
#[derive(Serialize)]
pub(super) struct UsageBody {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

impl From<Usage> for UsageBody {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt,
            completion_tokens: usage.completion,
            total_tokens: usage.total(),
            prompt_tokens_details: PromptDetails { cached_tokens: usage.cached, cache_write_tokens: usage.cache_write },
            completion_tokens_details: CompletionDetails { reasoning_tokens: usage.reasoning },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::FinishReason;
    use expect_test::{Expect, expect};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(include_usage: bool, events: &[ChatEvent<'_>], expect: Expect) {
        let mut writer = StreamWriter::new("chatcmpl-own".into(), 1_700_000_000, include_usage);
        let mut out = Vec::new();
        for event in events {
            writer.write(event, &mut out);
        }
        writer.end(&mut out);
        expect.assert_eq(&String::from_utf8(out).unwrap());
    }

    #[test]
    fn a_text_stream() {
        let events = [
            ChatEvent::Started { id: "msg_1".into(), model: "claude".into() },
            ChatEvent::Delta { choice: 0, delta: Delta::Text("Hi \"you\"".into()) },
            ChatEvent::Finished { choice: 0, reason: FinishReason::Stop },
            ChatEvent::Usage(Usage { prompt: 3, completion: 2, ..Default::default() }),
        ];
        check(
            false,
            &events,
            expect![[r#"
            data: {"id":"msg_1","object":"chat.completion.chunk","created":1700000000,"model":"claude","system_fingerprint":null,"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]}

            data: {"id":"msg_1","object":"chat.completion.chunk","created":1700000000,"model":"claude","system_fingerprint":null,"choices":[{"index":0,"delta":{"content":"Hi \"you\""},"logprobs":null,"finish_reason":null}]}

            data: {"id":"msg_1","object":"chat.completion.chunk","created":1700000000,"model":"claude","system_fingerprint":null,"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}

            data: [DONE]

        "#]],
        );
        check(
            true,
            &events[2..3],
            expect![[r#"
                data: {"id":"chatcmpl-own","object":"chat.completion.chunk","created":1700000000,"model":"","system_fingerprint":null,"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}

                data: {"id":"chatcmpl-own","object":"chat.completion.chunk","created":1700000000,"model":"","system_fingerprint":null,"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}

                data: {"id":"chatcmpl-own","object":"chat.completion.chunk","created":1700000000,"model":"","system_fingerprint":null,"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}

                data: [DONE]

            "#]],
        );
    }
}
