//! The chunks of a streamed completion (docs of the provider, C.1): `data:` lines only, `[DONE]` at the end.

use serde::Serialize;
use serde_json::{Value, json};

use super::chat::{Completion, WireUsage};
use crate::{
    answer::fragments,
    events::{EventWriter, Events},
};

#[derive(Clone, Copy, Debug)]
pub(super) struct StreamOptions {
    pub(super) include_usage: bool,
    pub(super) obfuscation: bool,
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    service_tier: &'static str,
    system_fingerprint: Option<&'static str>,
    choices: &'a [ChunkChoice<'a>],
    /// `null` on all chunks but the last if usage was asked for, absent if not.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<WireUsage>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    obfuscation: Option<&'a str>,
}

#[derive(Serialize)]
struct ChunkChoice<'a> {
    index: u64,
    delta: Delta<'a>,
    logprobs: Option<()>,
    finish_reason: Option<&'a str>,
}

#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Option<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[DeltaCall<'a>; 1]>,
}

#[derive(Serialize)]
struct DeltaCall<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    function: DeltaFunction<'a>,
}

#[derive(Serialize)]
struct DeltaFunction<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

pub(super) fn events(completion: &Completion<'_>, options: StreamOptions) -> Events {
    let answer = completion.answer;
    let usage = answer.usage.filter(|_| options.include_usage);
    let expected = usize::try_from(answer.usage.unwrap_or_default().completion).unwrap_or(0);
    let mut chunks = Chunks {
        completion,
        options,
        asked_usage: options.include_usage && answer.usage.is_some(),
        writer: EventWriter::with_capacity(expected.saturating_add(4).min(4096)),
    };
    for index in 0..completion.choices {
        let called = !answer.calls.is_empty();
        chunks.delta(
            index,
            Delta {
                role: Some("assistant"),
                content: Some((!called).then_some("")),
                refusal: Some(None),
                ..Delta::default()
            },
        );
        for fragment in fragments(&answer.text) {
            chunks.delta(index, Delta { content: Some(Some(fragment)), ..Delta::default() });
        }
        chunks.calls(index);
    }
    for index in 0..completion.choices {
        chunks.finish(index);
    }
    if let Some(usage) = usage {
        chunks.write(&[], Some(Some(usage.into())));
    }
    chunks.writer.raw("data: [DONE]\n\n");
    chunks.writer.finish()
}

struct Chunks<'a> {
    completion: &'a Completion<'a>,
    options: StreamOptions,
    asked_usage: bool,
    writer: EventWriter,
}

impl Chunks<'_> {
    fn calls(&mut self, choice: u64) {
        for (index, call) in self.completion.answer.calls.iter().enumerate() {
            let head = DeltaCall {
                index,
                id: Some(self.completion.call_id(choice, index)),
                r#type: Some("function"),
                function: DeltaFunction { name: Some(&call.name), arguments: "" },
            };
            self.delta(choice, Delta { tool_calls: Some([head]), ..Delta::default() });
            for fragment in fragments(&call.arguments.to_string()) {
                let function = DeltaFunction { name: None, arguments: fragment };
                let more = DeltaCall { index, id: None, r#type: None, function };
                self.delta(choice, Delta { tool_calls: Some([more]), ..Delta::default() });
            }
        }
    }

    fn delta(&mut self, index: u64, delta: Delta<'_>) {
        let choice = ChunkChoice { index, delta, logprobs: None, finish_reason: None };
        self.write(&[choice], self.asked_usage.then_some(None));
    }

    fn finish(&mut self, index: u64) {
        let finish_reason = Some(self.completion.finish_reason());
        let choice = ChunkChoice { index, delta: Delta::default(), logprobs: None, finish_reason };
        self.write(&[choice], self.asked_usage.then_some(None));
    }

    fn write(&mut self, choices: &[ChunkChoice<'_>], usage: Option<Option<WireUsage>>) {
        // The real one pads each chunk to a similar length so that lengths do not betray tokens.
        const PADDING: &str = "aZ3kQ9xT1mB7";
        let content = choices.first().and_then(|choice| choice.delta.content.flatten()).map_or(0, str::len);
        let padding = PADDING.get(..PADDING.len().saturating_sub(content).max(1)).unwrap_or(PADDING);
        let chunk = Chunk {
            id: &self.completion.id,
            object: "chat.completion.chunk",
            created: self.completion.created,
            model: self.completion.model,
            service_tier: "default",
            system_fingerprint: None,
            choices,
            usage,
            obfuscation: self.options.obfuscation.then_some(padding),
        };
        self.writer.event("data: ", &chunk, "\n\n");
    }
}

/// Log probabilities of a text that is certain of itself.
pub(super) fn logprobs(text: &str) -> Value {
    let tokens = fragments(text)
        .map(|token| json!({ "token": token, "logprob": 0.0, "bytes": token.as_bytes(), "top_logprobs": [] }));
    json!({ "content": tokens.collect::<Vec<_>>(), "refusal": null })
}
