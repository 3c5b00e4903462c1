//! A request out of a body, or the field that stands against it.

use super::body::{Body, CallingConfig, Generate, Tool, ToolConfig};
use super::config::{self, Config};
use super::contents;
use super::path::Call;
use super::schema::{self, Of};
use crate::chat::{self, ChatRequest, FunctionDef};
use crate::dialect::explain::Style;
use crate::dialect::neutral::{Feature, Neutral, OwnKind, Parsed, Places, Source, Trouble, invalid};
use crate::json::{self, Raw, Str};
use crate::provider::unmapped::Dropped;
use crate::refusal::Refusal;
use serde_json::value::RawValue;

/// OpenAI's parameters, under Gemini's names.
const NAMES: &[(&str, &str)] = &[
    ("messages", "contents"),
    ("max_completion_tokens", "generationConfig.maxOutputTokens"),
    ("temperature", "generationConfig.temperature"),
    ("top_p", "generationConfig.topP"),
    ("top_k", "generationConfig.topK"),
    ("stop", "generationConfig.stopSequences"),
    ("n", "generationConfig.candidateCount"),
    ("seed", "generationConfig.seed"),
    ("presence_penalty", "generationConfig.presencePenalty"),
    ("frequency_penalty", "generationConfig.frequencyPenalty"),
    ("response_format", "generationConfig.responseJsonSchema"),
    ("reasoning_effort", "generationConfig.thinkingConfig"),
    ("tool_choice", "toolConfig.functionCallingConfig"),
    ("logprobs", "generationConfig.responseLogprobs"),
    ("top_logprobs", "generationConfig.logprobs"),
    ("service_tier", "serviceTier"),
];

/// Parses a body, once, for what its path asks.
///
/// # Errors
/// [`Refusal::NotJson`], or [`Refusal::InvalidField`] with the path of the field.
pub fn parse(body: Vec<u8>, call: &Call) -> Result<Parsed, Refusal> {
    let (model, stream) = (call.model.clone(), call.mode.is_stream());
    Parsed::read::<Generate>(body, Style::Brackets, |source| read(source, model, stream))
}

fn read(source: &Source, model: String, stream: bool) -> Result<Neutral<'_>, Trouble> {
    let body: Body<'_> = json::parse(source.body())?;
    let made = source.keep(make(&body)?);
    Ok(neutral(body, made, model, stream)?)
}

/// What the body says in a form that nobody else reads, said anew, in the order in which [`neutral`] asks for it.
fn make(body: &Body<'_>) -> Result<Vec<Box<RawValue>>, Refusal> {
    let mut made = contents::signatures(&body.contents);
    for (index, tool) in body.tools.iter().flatten().enumerate() {
        for (at, declaration) in tool.function_declarations.iter().flatten().enumerate() {
            if let Some(raw) = declaration.parameters {
                let path = || format!("tools[{index}].functionDeclarations[{at}].parameters");
                made.push(schema::json_schema(raw, Of::Arguments).ok_or_else(|| invalid(path(), "it is no schema"))?);
            }
        }
    }
    if let Some(raw) = body.generation_config.as_ref().and_then(|config| config.response_schema) {
        let refuse = || invalid("generationConfig.responseSchema", "it is no schema");
        made.push(schema::json_schema(raw, Of::Answer).ok_or_else(refuse)?);
    }
    Ok(made)
}

fn neutral<'a>(body: Body<'a>, made: &'a [Box<RawValue>], model: String, stream: bool) -> Result<Neutral<'a>, Refusal> {
    let Body {
        contents,
        system_instruction,
        tools,
        tool_config,
        generation_config,
        safety_settings,
        cached_content,
        service_tier,
        labels,
        store,
        continuation_token,
    } = body;
    if contents.is_empty() {
        return Err(invalid("contents", "at least one content is needed"));
    }
    let mut made = made.iter();
    let mut own_kind = Vec::new();
    let mut hints = Dropped::default();
    let own = [
        (cached_content.is_some(), Feature::CachedContent, "cachedContent"),
        (continuation_token.is_some(), Feature::Continuation, "continuationToken"),
    ];
    own_kind.extend(own.into_iter().filter(|own| own.0).map(|(_, feature, param)| OwnKind::new(feature, param)));
    hints.add_if(safety_settings.is_some_and(|list| list.get() != "[]"), "safetySettings");
    hints.add_if(labels.is_some(), "labels");
    hints.add_if(store.is_some(), "store");

    let mut conversation = contents::Writer::new(&mut own_kind, &mut hints, &mut made);
    conversation.system(system_instruction)?;
    for (index, content) in contents.into_iter().enumerate() {
        conversation.add(index, content)?;
    }
    let contents::Conversation { messages, places } = conversation.finish();
    let mut places = Places { messages: places, tools: Vec::new(), names: NAMES };
    let tools = self::tools(tools.unwrap_or_default(), &mut made, &mut places, &mut own_kind, &mut hints);
    let tool_choice = choice(tool_config, &mut hints)?;
    let config = match generation_config {
        Some(config) => config::read(config, &mut made, &mut own_kind, &mut hints)?,
        None => Config::default(),
    };
    let service_tier = service_tier.and_then(tier);

    let chat = ChatRequest {
        messages,
        stream,
        tools: (!tools.is_empty()).then_some(tools),
        tool_choice,
        service_tier,
        max_completion_tokens: config.max_tokens,
        temperature: config.temperature,
        top_p: config.top_p,
        top_k: config.top_k,
        stop: config.stop,
        n: config.n,
        seed: config.seed,
        presence_penalty: config.presence_penalty,
        frequency_penalty: config.frequency_penalty,
        logprobs: config.logprobs,
        top_logprobs: config.top_logprobs,
        response_format: config.response_format,
        reasoning_effort: config.effort,
        thinking_budget: config.budget,
        ..ChatRequest::of(model.into())
    };
    Ok(Neutral { chat, own_kind, hints: hints.names, shows_thoughts: config.shows_thoughts, places })
}

fn tools<'a>(
    list: Vec<Tool<'a>>,
    made: &mut impl Iterator<Item = &'a Box<RawValue>>,
    places: &mut Places,
    own_kind: &mut Vec<OwnKind>,
    hints: &mut Dropped,
) -> Vec<chat::Tool<'a>> {
    let mut tools = Vec::new();
    for (index, tool) in list.into_iter().enumerate() {
        let by_google = [
            (tool.google_search, "googleSearch"),
            (tool.google_search_retrieval, "googleSearchRetrieval"),
            (tool.code_execution, "codeExecution"),
            (tool.url_context, "urlContext"),
            (tool.computer_use, "computerUse"),
            (tool.google_maps, "googleMaps"),
            (tool.file_search, "fileSearch"),
            (tool.mcp_servers, "mcpServers"),
            (tool.enterprise_web_search, "enterpriseWebSearch"),
            (tool.retrieval, "retrieval"),
        ];
        for (_, field) in by_google.into_iter().filter(|(value, _)| value.is_some()) {
            own_kind.push(OwnKind::new(Feature::ServerTool, format!("tools[{index}].{field}")));
        }
        for (at, declaration) in tool.function_declarations.into_iter().flatten().enumerate() {
            hints.add_if(declaration.behavior.is_some(), "behavior");
            places.tools.push(format!("tools[{index}].functionDeclarations[{at}]"));
            let proto = declaration.parameters.and_then(|_| made.next()).map(|raw| Raw(raw));
            let function = FunctionDef {
                name: declaration.name,
                description: declaration.description,
                parameters: proto.or(declaration.parameters_json_schema),
                strict: None,
            };
            tools.push(chat::Tool { kind: "function".into(), function: Some(function) });
        }
    }
    tools
}

fn choice<'a>(config: Option<ToolConfig<'a>>, hints: &mut Dropped) -> Result<Option<chat::ToolChoice<'a>>, Refusal> {
    let Some(ToolConfig { function_calling_config, retrieval_config }) = config else { return Ok(None) };
    hints.add_if(retrieval_config.is_some(), "retrievalConfig");
    let Some(CallingConfig { mode, allowed_function_names }) = function_calling_config else { return Ok(None) };
    let mode = mode.as_ref().map_or("MODE_UNSPECIFIED", Str::as_str);
    let mut names = allowed_function_names.unwrap_or_default();
    let is_forced = mode.eq_ignore_ascii_case("ANY");
    let at = "toolConfig.functionCallingConfig";
    if is_forced || mode.eq_ignore_ascii_case("VALIDATED") {
        return Ok(Some(match (names.len(), is_forced) {
            (0, true) => chat::ToolChoice::Required,
            (0, false) => chat::ToolChoice::Auto,
            (1, true) => names.pop().map_or(chat::ToolChoice::Required, chat::ToolChoice::Function),
            (_, required) => chat::ToolChoice::Allowed { required, names },
        }));
    }
    if !names.is_empty() {
        return Err(invalid(format!("{at}.allowedFunctionNames"), "it needs the mode ANY or VALIDATED"));
    }
    match mode {
        _ if mode.eq_ignore_ascii_case("MODE_UNSPECIFIED") => Ok(None),
        _ if mode.eq_ignore_ascii_case("AUTO") => Ok(Some(chat::ToolChoice::Auto)),
        _ if mode.eq_ignore_ascii_case("NONE") => Ok(Some(chat::ToolChoice::None)),
        _ => Err(invalid(format!("{at}.mode"), "it must be AUTO, ANY, NONE or VALIDATED")),
    }
}

/// OpenAI's word for a tier; None for the one that nobody needs to ask for.
fn tier(tier: Str<'_>) -> Option<Str<'_>> {
    let word = tier.to_ascii_lowercase();
    match word.trim_start_matches("service_tier_") {
        "unspecified" => None,
        "standard" => Some("default".into()),
        other => Some(other.to_owned().into()),
    }
}
