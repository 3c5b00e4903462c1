//! `POST /v1/responses`: check, compose, answer; its stream is of named, numbered events without `[DONE]` (docs of the
//! provider, C.4).

use serde_json::{Value, json};

use super::invalid::{
    array, boolean, decimal, empty_array, integer, missing, object, one_of, required, string, wrong_type,
};
use crate::{
    answer::{Answer, Finish, fragments},
    ask::{Ask, Choice, Format, Last, Tool},
    compose::compose,
    dialect::{Answered, Call},
    events::{EventWriter, Events, json},
    fields::{Object, is_tool_name, present, text_bytes, unknown},
    provider::Provider,
    refusal::{Checked, Refusal},
};

const KNOWN: &[&str] = &[
    "background",
    "context_management",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

pub(super) fn answer(call: &Call<'_>) -> Checked<Answered> {
    let Some(body) = call.document.as_object() else { return Err(Refusal::invalid("expected an object")) };
    if let Some(name) = unknown(body, KNOWN) {
        return Err(super::invalid::unknown_field(name));
    }
    let ask = ask(body)?;
    if ask.model.starts_with("unknown") {
        // Unlike the other endpoints, this one says 400.
        let message = format!("The requested model '{}' does not exist.", ask.model);
        return Err(Refusal::invalid(message).with_param("model").with_code("model_not_found"));
    }
    let answer = compose(&ask, call.reply);
    let response = Response { call, body, model: ask.model, answer: &answer };
    let usage = answer.usage.unwrap_or_default();
    if boolean(body, "stream", "stream")?.unwrap_or(false) {
        return Ok(Answered::stream(response.events(), usage));
    }
    Ok(Answered::json(Events::one(json(&response.document(response.status(), response.output()))), usage))
}

fn ask(body: &Object) -> Checked<Ask<'_>> {
    let model = required(string(body, "model", "model")?, "model")?;
    decimal(body, "temperature", 0.0, 2.0)?;
    decimal(body, "top_p", 0.0, 1.0)?;
    one_of(body, "truncation", "truncation", &["auto", "disabled"])?;
    boolean(body, "store", "store")?;
    if let Some(id) = string(body, "previous_response_id", "previous_response_id")?
        && !id.starts_with("resp_sim")
    {
        let message = format!("Previous response with id '{id}' not found.");
        return Err(Refusal::invalid(message)
            .with_param("previous_response_id")
            .with_code("previous_response_not_found"));
    }
    let instructions = string(body, "instructions", "instructions")?.map_or(0, str::len);
    let (last, bytes) = input(body)?;
    let tools = match array(body, "tools", "tools")? {
        Some(list) => list.iter().enumerate().map(|(index, one)| tool(one, index)).collect::<Checked<_>>()?,
        None => Vec::new(),
    };
    let max = integer(body, "max_output_tokens", 16, i64::MAX)?.and_then(|max| u64::try_from(max).ok());
    Ok(Ask {
        provider: Provider::OpenAi,
        model,
        last,
        tools,
        choice: choice(body)?,
        parallel: boolean(body, "parallel_tool_calls", "parallel_tool_calls")?.unwrap_or(true),
        format: format(body)?,
        max_tokens: max,
        stop: Vec::new(),
        prompt_bytes: bytes.saturating_add(instructions),
        reasons: false,
    })
}

fn input(body: &Object) -> Checked<(Last, usize)> {
    let items = match present(body, "input") {
        None if present(body, "previous_response_id").is_some() => return Ok((Last::UserText(String::new()), 0)),
        None => return Err(missing("input")),
        Some(Value::String(text)) => return Ok((Last::UserText(text.clone()), text.len())),
        Some(Value::Array(items)) if items.is_empty() => return Err(empty_array("input")),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(wrong_type("input", "one of a string or array of input items", other)),
    };
    let mut last = Last::UserText(String::new());
    for (index, item) in items.iter().enumerate() {
        let at = format!("input[{index}]");
        let item = item.as_object().ok_or_else(|| wrong_type(&at, "an object", item))?;
        match string(item, "type", &format!("{at}.type"))?.unwrap_or("message") {
            "message" => {
                let role_at = format!("{at}.role");
                let role = required(string(item, "role", &role_at)?, &role_at)?;
                let content_at = format!("{at}.content");
                let content = required(present(item, "content"), &content_at)?;
                if role == "user" {
                    last = Last::UserText(text(content, &content_at)?);
                }
            }
            "function_call_output" => {
                required(string(item, "call_id", &format!("{at}.call_id"))?, &format!("{at}.call_id"))?;
                let output_at = format!("{at}.output");
                last = Last::ToolResults(text(required(present(item, "output"), &output_at)?, &output_at)?);
            }
            // What an answer held, or may refer to.
            _ => {}
        }
    }
    Ok((last, items.iter().map(text_bytes).sum()))
}

/// A string, or the texts of content parts.
fn text(content: &Value, at: &str) -> Checked<String> {
    match content {
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => Ok(parts.iter().filter_map(|part| part.get("text")?.as_str()).collect()),
        other => Err(wrong_type(at, "one of a string or array of content parts", other)),
    }
}

/// Flat, unlike that of a chat.
fn tool(tool: &Value, index: usize) -> Checked<Tool<'_>> {
    let at = format!("tools[{index}]");
    let tool = tool.as_object().ok_or_else(|| wrong_type(&at, "an object", tool))?;
    let kind_at = format!("{at}.type");
    let kind = required(string(tool, "type", &kind_at)?, &kind_at)?;
    if kind != "function" && kind != "custom" {
        // One that the provider runs itself; the simulator never does.
        return Ok(Tool { name: "", schema: None });
    }
    let name_at = format!("{at}.name");
    let name = required(string(tool, "name", &name_at)?, &name_at)?;
    if !is_tool_name(name, 64) {
        return Err(super::invalid::no_tool_name(&name_at));
    }
    Ok(Tool { name, schema: present(tool, "parameters") })
}

fn choice(body: &Object) -> Checked<Choice<'_>> {
    Ok(match present(body, "tool_choice") {
        None => Choice::Auto,
        Some(Value::String(word)) if word == "none" => Choice::None,
        Some(Value::String(word)) if word == "required" => Choice::Any,
        Some(Value::String(_)) => Choice::Auto,
        Some(Value::Object(named)) => match named.get("name").and_then(Value::as_str) {
            Some(name) => Choice::Named(vec![name]),
            None => Choice::Auto,
        },
        Some(other) => return Err(wrong_type("tool_choice", "one of a string or an object", other)),
    })
}

fn format(body: &Object) -> Checked<Format<'_>> {
    let Some(text) = object(body, "text", "text")? else { return Ok(Format::Text) };
    let Some(format) = present(text, "format") else { return Ok(Format::Text) };
    Ok(match format.get("type").and_then(Value::as_str) {
        Some("json_object") => Format::JsonObject,
        Some("json_schema") => match format.get("schema") {
            Some(schema) => Format::JsonSchema(schema),
            None => return Err(missing("text.format.schema")),
        },
        _ => Format::Text,
    })
}

/// Everything that an answer says, streamed or not.
struct Response<'a> {
    call: &'a Call<'a>,
    body: &'a Object,
    model: &'a str,
    answer: &'a Answer,
}

impl Response<'_> {
    fn status(&self) -> &'static str {
        if self.answer.finish == Finish::Length { "incomplete" } else { "completed" }
    }

    fn item_id(&self, index: usize) -> String {
        format!("item_sim{:012}_{index}", self.call.serial)
    }

    fn text_part(&self, text: &str) -> Value {
        json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
    }

    fn message(&self, status: &str, content: &[Value]) -> Value {
        json!({ "type": "message", "id": self.item_id(0), "status": status, "role": "assistant", "content": content })
    }

    fn function_call(&self, index: usize, status: &str, name: &str, arguments: &str) -> Value {
        json!({
            "type": "function_call", "id": self.item_id(index), "call_id": format!("call_sim{:012}_{index}", self.call.serial),
            "status": status, "name": name, "arguments": arguments,
        })
    }

    fn output(&self) -> Vec<Value> {
        if self.answer.calls.is_empty() {
            return vec![self.message(self.status(), &[self.text_part(&self.answer.text)])];
        }
        let calls = self.answer.calls.iter().enumerate();
        calls.map(|(at, call)| self.function_call(at, "completed", &call.name, &call.arguments.to_string())).collect()
    }

    fn document(&self, status: &str, output: Vec<Value>) -> Value {
        let asked = |name: &str, default: Value| present(self.body, name).cloned().unwrap_or(default);
        let usage = self.answer.usage.filter(|_| status != "in_progress").map(|usage| {
            json!({
                "input_tokens": usage.prompt,
                "input_tokens_details": { "cached_tokens": usage.cached, "cache_write_tokens": 0 },
                "output_tokens": usage.completion,
                "output_tokens_details": { "reasoning_tokens": usage.reasoning },
                "total_tokens": usage.total(),
            })
        });
        json!({
            "id": format!("resp_sim{:012}", self.call.serial),
            "object": "response",
            "created_at": self.call.created,
            "status": status,
            "error": null,
            "incomplete_details": (status == "incomplete").then(|| json!({ "reason": "max_output_tokens" })),
            "instructions": asked("instructions", Value::Null),
            "max_output_tokens": asked("max_output_tokens", Value::Null),
            "metadata": asked("metadata", json!({})),
            "model": self.model,
            "output": output,
            "parallel_tool_calls": asked("parallel_tool_calls", Value::Bool(true)),
            "previous_response_id": asked("previous_response_id", Value::Null),
            "store": asked("store", Value::Bool(true)),
            "temperature": asked("temperature", json!(1.0)),
            "text": asked("text", json!({ "format": { "type": "text" } })),
            "tool_choice": asked("tool_choice", json!("auto")),
            "tools": asked("tools", json!([])),
            "top_p": asked("top_p", json!(1.0)),
            "truncation": asked("truncation", json!("disabled")),
            "usage": usage,
        })
    }

    fn events(&self) -> Events {
        let mut stream = Stream { writer: EventWriter::default(), number: 0 };
        for kind in ["response.created", "response.in_progress"] {
            stream.event(kind, json!({ "response": self.document("in_progress", Vec::new()) }));
        }
        if self.answer.calls.is_empty() {
            self.text_events(&mut stream);
        }
        for (index, call) in self.answer.calls.iter().enumerate() {
            let arguments = call.arguments.to_string();
            let begun = self.function_call(index, "in_progress", &call.name, "");
            stream.event("response.output_item.added", json!({ "output_index": index, "item": begun }));
            let at = json!({ "item_id": self.item_id(index), "output_index": index });
            for fragment in fragments(&arguments) {
                let delta = with(&at, json!({ "delta": fragment }));
                stream.event("response.function_call_arguments.delta", delta);
            }
            let done = with(&at, json!({ "name": call.name, "arguments": arguments }));
            stream.event("response.function_call_arguments.done", done);
            let item = self.function_call(index, "completed", &call.name, &arguments);
            stream.event("response.output_item.done", json!({ "output_index": index, "item": item }));
        }
        let status = self.status();
        stream.event(&format!("response.{status}"), json!({ "response": self.document(status, self.output()) }));
        stream.writer.finish()
    }

    fn text_events(&self, stream: &mut Stream) {
        let text = self.answer.text.as_str();
        let begun = self.message("in_progress", &[]);
        stream.event("response.output_item.added", json!({ "output_index": 0, "item": begun }));
        let at = json!({ "item_id": self.item_id(0), "output_index": 0, "content_index": 0 });
        stream.event("response.content_part.added", with(&at, json!({ "part": self.text_part("") })));
        for fragment in fragments(text) {
            let delta = with(&at, json!({ "delta": fragment, "logprobs": [], "obfuscation": "aZ3kQ9" }));
            stream.event("response.output_text.delta", delta);
        }
        stream.event("response.output_text.done", with(&at, json!({ "text": text, "logprobs": [] })));
        stream.event("response.content_part.done", with(&at, json!({ "part": self.text_part(text) })));
        let item = self.message(self.status(), &[self.text_part(text)]);
        stream.event("response.output_item.done", json!({ "output_index": 0, "item": item }));
    }
}

/// Events as they are numbered.
struct Stream {
    writer: EventWriter,
    number: u64,
}

impl Stream {
    fn event(&mut self, kind: &str, fields: Value) {
        let data = with(&json!({ "type": kind, "sequence_number": self.number }), fields);
        self.number = self.number.saturating_add(1);
        self.writer.event(&format!("event: {kind}\ndata: "), &data, "\n\n");
    }
}

/// The fields of both objects.
fn with(base: &Value, more: Value) -> Value {
    let mut all = base.clone();
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
    }
    all
}
