//! A request out of a body, or the field that stands against it.

use super::body::{Body, Format, Messages, Thinking, Thread, Tool, ToolChoice};
use super::messages;
use crate::chat::{self, ChatRequest, FunctionDef, JsonSchema, ResponseFormat, Stop};
use crate::dialect::Dialect;
use crate::dialect::explain::Style;
use crate::dialect::neutral::{Feature, Neutral, OwnKind, Parsed, Places, Source, Trouble, invalid};
use crate::json::{self, Str};
use crate::provider::unmapped::Dropped;
use crate::refusal::Refusal;

/// OpenAI's parameters, under Anthropic's names.
const NAMES: &[(&str, &str)] = &[
    ("max_completion_tokens", "max_tokens"),
    ("stop", "stop_sequences"),
    ("parallel_tool_calls", "tool_choice.disable_parallel_tool_use"),
    ("tool_choice.function", "tool_choice.name"),
    ("response_format", "output_config.format"),
    ("reasoning_effort", "thinking"),
    ("safety_identifier", "metadata.user_id"),
];

/// Parses a body, once.
///
/// # Errors
/// [`Refusal::NotJson`], or [`Refusal::InvalidField`] with the path of the field.
pub fn parse(body: Vec<u8>) -> Result<Parsed, Refusal> {
    Parsed::read::<Messages>(body, Style::Dots, |source| read(source, true))
}

/// The same of a body whose tokens are to be counted: no answer, no limit of it.
///
/// # Errors
/// As [`parse`].
pub fn parse_count(body: Vec<u8>) -> Result<Parsed, Refusal> {
    Parsed::read::<Messages>(body, Style::Dots, |source| read(source, false))
}

fn read(source: &Source, needs_limit: bool) -> Result<Neutral<'_>, Trouble> {
    let body: Body<'_> = json::parse(source.body())?;
    if needs_limit && body.max_tokens.is_none() {
        return Err(invalid("max_tokens", "missing field `max_tokens`").into());
    }
    Ok(neutral(body)?)
}

fn neutral(body: Body<'_>) -> Result<Neutral<'_>, Refusal> {
    let Body {
        model,
        max_tokens,
        messages,
        system,
        stream,
        temperature,
        top_p,
        top_k,
        stop_sequences,
        tools,
        tool_choice,
        thinking,
        output_config,
        output_format,
        metadata,
        service_tier,
        cache_control,
        container,
        context_management,
        inference_geo,
        mcp_servers,
        speed,
        thread,
    } = body;
    if model.is_empty() {
        return Err(invalid("model", "it must not be empty"));
    }
    if max_tokens == Some(0) {
        return Err(invalid("max_tokens", "it must be at least 1"));
    }

    let mut own_kind = Vec::new();
    let mut hints = Dropped::default();
    hints.add_if(thread.is_some(), "thread");
    match thread.filter(|thread| thread.kind.as_str() != "create") {
        Some(thread) => own_kind.push(continued(&thread)?),
        // Only the one who goes on with a turn that was paused has nothing to say.
        None if messages.is_empty() => return Err(invalid("messages", "at least one message is needed")),
        None => {}
    }
    let own = [
        (container.is_some(), Feature::Container, "container"),
        (mcp_servers.is_some_and(|servers| !servers.is_empty()), Feature::ServerTool, "mcp_servers"),
        (inference_geo.is_some_and(|region| region.as_str() != "global"), Feature::DataResidency, "inference_geo"),
    ];
    own_kind.extend(own.into_iter().filter(|own| own.0).map(|(_, feature, param)| OwnKind::new(feature, param)));
    hints.add_if(cache_control.is_some(), "cache_control");
    hints.add_if(context_management.is_some(), "context_management");
    hints.add_if(speed.is_some(), "speed");

    let mut conversation = messages::Writer::new(&mut own_kind, &mut hints);
    conversation.system(system)?;
    for (index, message) in messages.into_iter().enumerate() {
        conversation.add(index, message)?;
    }
    let messages::Conversation { messages, places } = conversation.finish();
    let mut places = Places { messages: places, tools: Vec::new(), names: NAMES };
    let tools = tools.map(|list| self::tools(list, &mut places, &mut own_kind, &mut hints)).transpose()?;
    let (tool_choice, parallel_tool_calls) = choice(tool_choice)?;
    let (effort, format) = output_config.map_or((None, None), |config| (config.effort, config.format));
    let thought = Thought::of(thinking, effort)?;

    let chat = ChatRequest {
        messages,
        stream: stream.unwrap_or(false),
        max_completion_tokens: max_tokens,
        temperature,
        top_p,
        top_k,
        stop: stop_sequences.filter(|list| !list.is_empty()).map(Stop::Many),
        tools: tools.filter(|list| !list.is_empty()),
        tool_choice,
        parallel_tool_calls,
        response_format: self::format(format.or(output_format))?,
        reasoning_effort: thought.effort,
        thinking_budget: thought.budget,
        service_tier: service_tier.map(|tier| match tier.as_str() {
            "standard_only" => Str::from("default"),
            _ => tier,
        }),
        safety_identifier: metadata.and_then(|metadata| metadata.user_id),
        ..ChatRequest::of(model)
    };
    Ok(Neutral { chat, own_kind, hints: hints.names, shows_thoughts: thought.shown, places })
}

/// The rest of the conversation is at the provider that answered last. One of another kind has kept nothing, and its answers
/// have other ids; the client then sends all of it again, to whoever may answer.
fn continued(thread: &Thread<'_>) -> Result<OwnKind, Refusal> {
    match &thread.previous_message_id {
        Some(id) if !id.starts_with(Dialect::Anthropic.id_prefix()) => Err(Refusal::ThreadNotFound),
        _ => Ok(OwnKind::new(Feature::Thread, "thread")),
    }
}

/// What is asked of the model's thinking.
struct Thought<'a> {
    effort: Option<Str<'a>>,
    budget: Option<u64>,
    shown: bool,
}

impl<'a> Thought<'a> {
    fn of(thinking: Option<Thinking<'a>>, effort: Option<Str<'a>>) -> Result<Self, Refusal> {
        if effort.as_ref().is_some_and(|word| crate::capability::Effort::parse(word).is_none()) {
            return Err(invalid("output_config.effort", "it must be low, medium, high, xhigh or max"));
        }
        let Some(Thinking { kind, budget_tokens, display }) = thinking else {
            return Ok(Self { effort, budget: None, shown: false });
        };
        let shown = display.is_none_or(|display| display.as_str() != "omitted");
        match (kind.as_str(), budget_tokens) {
            ("disabled", _) => Ok(Self { effort: Some("none".into()), budget: None, shown: false }),
            ("enabled", Some(budget)) => {
                let effort = effort.or_else(|| Some(of_budget(budget).into()));
                Ok(Self { effort, budget: Some(budget), shown })
            }
            ("enabled", None) => Err(invalid("thinking.budget_tokens", "missing field `budget_tokens`")),
            // The model decides how much; `high` is what it does when nothing is said.
            ("adaptive" | "between_tools", _) => {
                Ok(Self { effort: effort.or_else(|| Some("high".into())), budget: None, shown })
            }
            _ => Err(invalid("thinking.type", "it must be enabled, adaptive, between_tools or disabled")),
        }
    }
}

/// The effort that a budget of tokens is: between what the efforts are in tokens at Anthropic (1024, 2048, 4096, 8192) and
/// at Gemini (1024, 8192, 24576).
pub(in crate::dialect) fn of_budget(tokens: u64) -> &'static str {
    match tokens {
        0..2048 => "low",
        2048..8192 => "medium",
        8192..32768 => "high",
        32768.. => "xhigh",
    }
}

fn tools<'a>(
    list: Vec<Tool<'a>>,
    places: &mut Places,
    own_kind: &mut Vec<OwnKind>,
    hints: &mut Dropped,
) -> Result<Vec<chat::Tool<'a>>, Refusal> {
    let mut tools = Vec::with_capacity(list.len());
    for (index, tool) in list.into_iter().enumerate() {
        let place = format!("tools.{index}");
        let Tool { kind, name, description, input_schema, strict, cache_control, defer_loading, input_examples } = tool;
        if kind.is_some_and(|kind| kind.as_str() != "custom") {
            own_kind.push(OwnKind::new(Feature::ServerTool, format!("{place}.type")));
            continue;
        }
        let missing = |field: &str| invalid(format!("{place}.{field}"), format!("missing field `{field}`"));
        let name = name.ok_or_else(|| missing("name"))?;
        let parameters = input_schema.ok_or_else(|| missing("input_schema"))?;
        if !parameters.is_object() {
            return Err(invalid(format!("{place}.input_schema"), "it must be an object"));
        }
        hints.add_if(cache_control.is_some(), "cache_control");
        hints.add_if(defer_loading == Some(true), "defer_loading");
        hints.add_if(input_examples.is_some(), "input_examples");
        places.tools.push(place);
        let function = FunctionDef { name, description, parameters: Some(parameters), strict };
        tools.push(chat::Tool { kind: "function".into(), function: Some(function) });
    }
    Ok(tools)
}

fn choice(choice: Option<ToolChoice<'_>>) -> Result<(Option<chat::ToolChoice<'_>>, Option<bool>), Refusal> {
    let Some(ToolChoice { kind, name, disable_parallel_tool_use }) = choice else { return Ok((None, None)) };
    let choice = match (kind.as_str(), name) {
        ("auto", _) => chat::ToolChoice::Auto,
        ("any", _) => chat::ToolChoice::Required,
        ("none", _) => chat::ToolChoice::None,
        ("tool", Some(name)) => chat::ToolChoice::Function(name),
        ("tool", None) => return Err(invalid("tool_choice.name", "missing field `name`")),
        _ => return Err(invalid("tool_choice.type", "it must be auto, any, tool or none")),
    };
    Ok((Some(choice), disable_parallel_tool_use.map(|disabled| !disabled)))
}

/// Anthropic holds every answer to its schema.
fn format(format: Option<Format<'_>>) -> Result<Option<ResponseFormat<'_>>, Refusal> {
    let Some(Format { kind, schema }) = format else { return Ok(None) };
    if kind.as_str() != "json_schema" {
        return Err(invalid("output_config.format.type", "it must be json_schema"));
    }
    if !schema.is_some_and(|schema| schema.is_object()) {
        return Err(invalid("output_config.format.schema", "it must be an object"));
    }
    let json_schema = JsonSchema { name: None, description: None, schema, strict: Some(true) };
    Ok(Some(ResponseFormat { kind, json_schema: Some(json_schema) }))
}
