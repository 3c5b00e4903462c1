//! An answer as one `chat.completion` (PROVIDERS B.2).

use super::logprobs::LogprobsBody;
use super::stream::{CallBody, ExtraContent, FunctionBody, UsageBody, append_json};
use crate::chat::{ChatEvent, Delta, FinishReason, TokenLogprobs, Usage};
use serde::Serialize;

/// Gathers events into one answer.
#[derive(Debug, Default)]
pub struct Collector {
    id: String,
    model: String,
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Debug, Default)]
struct Choice {
    index: u32,
    text: Option<String>,
    reasoning: Option<String>,
    refusal: Option<String>,
    calls: Vec<Call>,
    logprobs: Option<Vec<TokenLogprobs<'static>>>,
    finish: Option<FinishReason>,
}

#[derive(Debug)]
struct Call {
    index: u32,
    id: String,
    name: String,
    arguments: String,
    signature: Option<String>,
}

impl Collector {
    /// Takes one event in.
    pub fn take(&mut self, event: ChatEvent<'_>) {
        match event {
            ChatEvent::Started { id, model } => {
                self.id = id.into_owned();
                self.model = model.into_owned();
            }
            ChatEvent::Usage(usage) => self.usage = Some(usage),
            ChatEvent::Finished { choice, reason } => self.with(choice, |choice| choice.finish = Some(reason)),
            ChatEvent::UnknownFinish { .. } => {}
            ChatEvent::Logprobs { choice, tokens } => self.with(choice, |choice| {
                choice.logprobs.get_or_insert_default().extend(tokens.into_iter().map(TokenLogprobs::into_owned));
            }),
            ChatEvent::Delta { choice, delta } => self.with(choice, |choice| choice.take(delta)),
        }
    }

    /// The usage, if the provider gave any.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// The whole answer; `fallback_id` if the provider gave no id, `created` in seconds since 1970.
    pub fn finish(mut self, fallback_id: &str, created: u64) -> Vec<u8> {
        self.choices.sort_by_key(|choice| choice.index);
        let body = Completion {
            id: if self.id.is_empty() { fallback_id } else { &self.id },
            object: "chat.completion",
            created,
            model: &self.model,
            system_fingerprint: None,
            choices: self.choices.iter().map(ChoiceBody::from).collect(),
            usage: self.usage.unwrap_or_default().into(),
        };
        let mut out = Vec::new();
        append_json(&mut out, &body);
        out
    }

    fn with(&mut self, index: u32, act: impl FnOnce(&mut Choice)) {
        if let Some(choice) = self.choices.iter_mut().find(|choice| choice.index == index) {
            return act(choice);
        }
        let mut choice = Choice { index, ..Default::default() };
        act(&mut choice);
        self.choices.push(choice);
    }
}

impl Choice {
    fn take(&mut self, delta: Delta<'_>) {
        match delta {
            Delta::Text(text) => self.text.get_or_insert_default().push_str(&text),
            Delta::Reasoning(text) => self.reasoning.get_or_insert_default().push_str(&text),
            Delta::Refusal(text) => self.refusal.get_or_insert_default().push_str(&text),
            Delta::ToolCall { index, id, name, arguments, signature } => self.calls.push(Call {
                index,
                id: id.into_owned(),
                name: name.into_owned(),
                arguments: arguments.into_owned(),
                signature: signature.map(|signature| signature.into_owned()),
            }),
            Delta::Arguments { index, fragment } => {
                if let Some(call) = self.calls.iter_mut().find(|call| call.index == index) {
                    call.arguments.push_str(&fragment);
                }
            }
        }
    }
}

#[derive(Serialize)]
struct Completion<'a> {
    id: &'a str,
    object: &'a str,
    created: u64,
    model: &'a str,
    system_fingerprint: Option<&'a str>,
    choices: Vec<ChoiceBody<'a>>,
    usage: UsageBody,
}

#[derive(Serialize)]
struct ChoiceBody<'a> {
    index: u32,
    message: MessageBody<'a>,
    logprobs: Option<LogprobsBody<'a>>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct MessageBody<'a> {
    role: &'static str,
    content: Option<&'a str>,
    refusal: Option<&'a str>,
    annotations: [&'a str; 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallBody<'a>>,
}

impl<'a> From<&'a Choice> for ChoiceBody<'a> {
    fn from(choice: &'a Choice) -> Self {
        let silent = choice.calls.is_empty() && choice.refusal.is_none();
        let message = MessageBody {
            role: "assistant",
            content: choice.text.as_deref().or(silent.then_some("")),
            refusal: choice.refusal.as_deref(),
            annotations: [],
            reasoning_content: choice.reasoning.as_deref(),
            tool_calls: choice.calls.iter().map(CallBody::from).collect(),
        };
        let finish_reason = choice.finish.unwrap_or(FinishReason::Stop).as_str();
        let logprobs = choice.logprobs.as_deref().map(LogprobsBody::from);
        Self { index: choice.index, message, logprobs, finish_reason }
    }
}

impl<'a> From<&'a Call> for CallBody<'a> {
    fn from(call: &'a Call) -> Self {
        // An empty document does not parse; OpenAI itself says `{}` for a call without arguments.
        let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
        Self {
            index: None,
            id: Some(&call.id),
            kind: Some("function"),
            function: FunctionBody { name: Some(&call.name), arguments },
            extra_content: call.signature.as_deref().map(ExtraContent::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn text_and_calls_are_gathered() {
        let mut collector = Collector::default();
        let delta = |delta| ChatEvent::Delta { choice: 0, delta };
        let call = Delta::ToolCall {
            index: 0,
            id: "c1".into(),
            name: "w".into(),
            arguments: "".into(),
            signature: Some("sig".into()),
        };
        collector.take(ChatEvent::Started { id: "".into(), model: "m".into() });
        collector.take(delta(Delta::Text("Hel".into())));
        collector.take(delta(Delta::Text("lo".into())));
        collector.take(delta(call));
        collector.take(delta(Delta::Arguments { index: 0, fragment: "{\"a\":".into() }));
        collector.take(delta(Delta::Arguments { index: 0, fragment: "1}".into() }));
        collector.take(ChatEvent::Finished { choice: 0, reason: FinishReason::ToolCalls });
        collector.take(ChatEvent::Usage(Usage { prompt: 5, cached: 1, completion: 7, ..Default::default() }));
        let value: serde_json::Value = serde_json::from_slice(&collector.finish("chatcmpl-own", 1)).unwrap();
        expect![[r#"
            {
              "choices": [
                {
                  "finish_reason": "tool_calls",
                  "index": 0,
                  "logprobs": null,
                  "message": {
                    "annotations": [],
                    "content": "Hello",
                    "refusal": null,
                    "role": "assistant",
                    "tool_calls": [
                      {
                        "extra_content": {
                          "google": {
                            "thought_signature": "sig"
                          }
                        },
                        "function": {
                          "arguments": "{\"a\":1}",
                          "name": "w"
                        },
                        "id": "c1",
                        "type": "function"
                      }
                    ]
                  }
                }
              ],
              "created": 1,
              "id": "chatcmpl-own",
              "model": "m",
              "object": "chat.completion",
              "system_fingerprint": null,
              "usage": {
                "completion_tokens": 7,
                "completion_tokens_details": {
                  "reasoning_tokens": 0
                },
                "prompt_tokens": 5,
                "prompt_tokens_details": {
                  "cache_write_tokens": 0,
                  "cached_tokens": 1
                },
                "total_tokens": 12
              }
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&value).unwrap());
    }
}
