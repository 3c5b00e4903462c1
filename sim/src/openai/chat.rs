//! `POST /v1/chat/completions`: check, compose, answer.

use serde::Serialize;
use serde_json::Value;

use super::{
    messages::conversation,
    params,
    stream::{self, StreamOptions},
    tools::{Offer, offer},
};
use crate::{
    answer::{Answer, Finish, Usage},
    ask::{Ask, Format},
    compose::compose,
    dialect::{Answered, Call},
    events::{Events, json},
    fields::{Object, present},
    provider::Provider,
    refusal::{Checked, Refusal},
};

pub(super) fn answer(call: &Call<'_>) -> Checked<Answered> {
    let Some(body) = call.document.as_object() else { return Err(Refusal::invalid("expected an object")) };
    params::check(body)?;
    let ask = ask(body)?;
    if ask.model.starts_with("unknown") {
        let message = format!("The model `{}` does not exist or you do not have access to it.", ask.model);
        return Err(Refusal::new(404, message).with_code("model_not_found"));
    }
    let answer = compose(&ask, call.reply);
    let usage = answer.usage.unwrap_or_default();
    let completion = Completion {
        id: format!("chatcmpl-sim{:012}", call.serial),
        created: call.created,
        model: ask.model,
        serial: call.serial,
        choices: body.get("n").and_then(Value::as_u64).unwrap_or(1),
        answer: &answer,
    };
    if flag(body, "stream") {
        let options = present(body, "stream_options").and_then(Value::as_object);
        let options = StreamOptions {
            include_usage: options.is_some_and(|options| flag(options, "include_usage")),
            obfuscation: options.and_then(|o| o.get("include_obfuscation")).and_then(Value::as_bool).unwrap_or(true),
        };
        return Ok(Answered::stream(stream::events(&completion, options), usage));
    }
    Ok(Answered::json(Events::one(json(&document(&completion, flag(body, "logprobs")))), usage))
}

fn flag(object: &Object, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn ask(body: &Object) -> Checked<Ask<'_>> {
    let conversation = conversation(body)?;
    let Offer { tools, choice, parallel } = offer(body)?;
    let max = ["max_completion_tokens", "max_tokens"].into_iter().find_map(|name| body.get(name)?.as_u64());
    let stop = match present(body, "stop") {
        Some(Value::String(stop)) => vec![stop.as_str()],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    Ok(Ask {
        provider: Provider::OpenAi,
        model: body.get("model").and_then(Value::as_str).unwrap_or_default(),
        last: conversation.last,
        tools,
        choice,
        parallel,
        format: format(body),
        max_tokens: max,
        stop: stop.into_iter().filter(|stop| !stop.is_empty()).collect(),
        prompt_bytes: conversation.text_bytes,
        // OpenAI keeps its reasoning to itself; only its tokens show.
        reasons: false,
    })
}

fn format(body: &Object) -> Format<'_> {
    let Some(format) = present(body, "response_format") else { return Format::Text };
    match format.get("type").and_then(Value::as_str) {
        Some("json_object") => Format::JsonObject,
        Some("json_schema") => match format.pointer("/json_schema/schema") {
            Some(schema) => Format::JsonSchema(schema),
            None => Format::JsonObject,
        },
        _ => Format::Text,
    }
}

/// Everything that a completion says, streamed or not.
pub(super) struct Completion<'a> {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) model: &'a str,
    pub(super) serial: u64,
    pub(super) choices: u64,
    pub(super) answer: &'a Answer,
}

impl Completion<'_> {
    pub(super) fn finish_reason(&self) -> &str {
        match &self.answer.finish {
            _ if self.answer.finish_override.is_some() => self.answer.finish_override.as_deref().unwrap_or_default(),
            Finish::Stop | Finish::StopSequence(_) => "stop",
            Finish::Length => "length",
            Finish::ToolCalls => "tool_calls",
        }
    }

    /// The id of a tool call; unique over choices and answers.
    pub(super) fn call_id(&self, choice: u64, index: usize) -> String {
        format!("call_sim{:012}_{choice}_{index}", self.serial)
    }
}

#[derive(Serialize)]
struct Document<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<WireUsage>,
    service_tier: &'static str,
    system_fingerprint: Option<&'static str>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u64,
    message: Message<'a>,
    logprobs: Option<Value>,
    finish_reason: &'a str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireCall<'a>>,
    refusal: Option<&'static str>,
    annotations: [(); 0],
}

#[derive(Serialize)]
struct WireCall<'a> {
    id: String,
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: String,
}

/// Usage with every detail field the provider sends.
#[derive(Serialize)]
pub(super) struct WireUsage {
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
    audio_tokens: u64,
}

#[derive(Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
    audio_tokens: u64,
    accepted_prediction_tokens: u64,
    rejected_prediction_tokens: u64,
}

impl From<Usage> for WireUsage {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt,
            completion_tokens: usage.completion,
            total_tokens: usage.total(),
            prompt_tokens_details: PromptDetails {
                cached_tokens: usage.cached,
                cache_write_tokens: 0,
                audio_tokens: 0,
            },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: usage.reasoning,
                audio_tokens: 0,
                accepted_prediction_tokens: 0,
                rejected_prediction_tokens: 0,
            },
        }
    }
}

fn document<'a>(completion: &'a Completion<'a>, logprobs: bool) -> Document<'a> {
    let answer = completion.answer;
    let choice = |index| {
        let calls = answer.calls.iter().enumerate().map(|(at, call)| WireCall {
            id: completion.call_id(index, at),
            r#type: "function",
            function: Function { name: &call.name, arguments: call.arguments.to_string() },
        });
        Choice {
            index,
            message: Message {
                role: "assistant",
                content: answer.calls.is_empty().then_some(answer.text.as_str()),
                tool_calls: calls.collect(),
                refusal: None,
                annotations: [],
            },
            logprobs: logprobs.then(|| super::stream::logprobs(&answer.text)),
            finish_reason: completion.finish_reason(),
        }
    };
    Document {
        id: &completion.id,
        object: "chat.completion",
        created: completion.created,
        model: completion.model,
        choices: (0..completion.choices).map(choice).collect(),
        usage: answer.usage.map(WireUsage::from),
        service_tier: "default",
        system_fingerprint: None,
    }
}
