//! `generationConfig` (docs of the provider, A.3).

use serde_json::Value;

use super::{
    fields::{Fields, violation},
    model::{always_thinks, has_minimal_thinking, has_thinking_level},
    schema,
};
use crate::{
    ask::Format,
    refusal::{Checked, Refusal},
};

const KNOWN: &[&str] = &[
    "temperature",
    "topP",
    "topK",
    "candidateCount",
    "maxOutputTokens",
    "stopSequences",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "_responseJsonSchema",
    "presencePenalty",
    "frequencyPenalty",
    "responseLogprobs",
    "logprobs",
    "seed",
    "responseModalities",
    "speechConfig",
    "thinkingConfig",
    "mediaResolution",
    "imageConfig",
    "enableEnhancedCivicAnswers",
];
const LEVELS: &[&str] = &["MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"];

/// What decides the answer.
pub(super) struct Config<'a> {
    pub(super) candidates: u64,
    pub(super) max_tokens: Option<u64>,
    pub(super) stop: Vec<&'a str>,
    pub(super) format: Format<'a>,
    pub(super) include_thoughts: bool,
}

pub(super) fn config<'a>(request: &Fields<'a>, model: &str) -> Checked<Config<'a>> {
    let Some(value) = request.get("generationConfig") else {
        return Ok(Config {
            candidates: 1,
            max_tokens: None,
            stop: vec![],
            format: Format::Text,
            include_thoughts: false,
        });
    };
    let config = Fields::read(value, "generation_config", KNOWN)?;
    sampling(&config, model)?;
    let candidates = config.integer("candidateCount")?.unwrap_or(1);
    if !(1..=8).contains(&candidates) {
        return Err(violation(&config.at("candidateCount"), "candidate_count must be in the range [1, 8]."));
    }
    let max_tokens = config.integer("maxOutputTokens")?;
    if max_tokens.is_some_and(|max| max < 1) {
        return Err(violation(&config.at("maxOutputTokens"), "max_output_tokens must be positive."));
    }
    let stop = config.strings("stopSequences")?;
    if stop.len() > 5 {
        return Err(violation(&config.at("stopSequences"), "at most 5 stop sequences may be specified."));
    }
    if config.boolean("responseLogprobs")? != Some(true) && config.integer("logprobs")?.is_some() {
        return Err(Refusal::invalid("Logprobs is only supported when response_logprobs is set to true."));
    }
    Ok(Config {
        candidates: u64::try_from(candidates).unwrap_or(1),
        max_tokens: max_tokens.and_then(|max| u64::try_from(max).ok()),
        stop: stop.into_iter().filter(|stop| !stop.is_empty()).collect(),
        format: format(&config)?,
        include_thoughts: thinking(&config, model)?,
    })
}

fn sampling(config: &Fields<'_>, model: &str) -> Checked {
    if let Some(temperature) = config.number("temperature")?
        && !(0.0..2.0001).contains(&temperature)
    {
        return Err(Refusal::invalid(format!(
            "Unable to submit request because it has a temperature value of {temperature} but the supported range is \
             from 0 (inclusive) to 2.0001 (exclusive). Update the value and try again."
        )));
    }
    if config.number("topP")?.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
        return Err(violation(&config.at("topP"), "top_p must be in the range [0.0, 1.0]."));
    }
    if config.number("topK")?.is_some_and(|k| k < 1.0) {
        return Err(violation(&config.at("topK"), "top_k must be positive."));
    }
    if config.integer("seed")?.is_some_and(|seed| i32::try_from(seed).is_err()) {
        return Err(Refusal::invalid("Invalid value at 'generation_config.seed' (TYPE_INT32), out of range"));
    }
    for name in ["presencePenalty", "frequencyPenalty"] {
        match config.number(name)? {
            Some(_) if model.contains("preview") => {
                return Err(Refusal::invalid(format!("Penalty is not enabled for models/{model}")));
            }
            Some(penalty) if !(-2.0..=2.0).contains(&penalty) => {
                return Err(violation(&config.at(name), "must be in the range [-2.0, 2.0]."));
            }
            _ => {}
        }
    }
    Ok(())
}

fn format<'a>(config: &Fields<'a>) -> Checked<Format<'a>> {
    let mime = config.string("responseMimeType")?;
    if let Some(mime) = mime.filter(|mime| !matches!(*mime, "text/plain" | "application/json" | "text/x.enum")) {
        let complaint = format!("allowed mimetypes are text/plain, application/json, text/x.enum, not {mime}");
        return Err(violation(&config.at("responseMimeType"), &complaint));
    }
    let json_schema = config.get("responseJsonSchema").or_else(|| config.get("_responseJsonSchema"));
    let proto_schema = config.get("responseSchema");
    if json_schema.is_some() && proto_schema.is_some() {
        return Err(Refusal::invalid("Only one of response_schema and response_json_schema may be set."));
    }
    if let Some(schema) = proto_schema {
        schema::check(schema, config.at("responseSchema"))?;
    }
    match (json_schema.or(proto_schema), mime) {
        (Some(_), None | Some("text/plain")) => {
            let complaint = "only allowed when response_mime_type is 'application/json' or 'text/x.enum'";
            Err(violation(&config.at("responseSchema"), complaint))
        }
        (Some(schema @ Value::Object(_)), _) => Ok(Format::JsonSchema(schema)),
        (Some(_), _) => Err(violation(&config.at("responseJsonSchema"), "must be an object")),
        (None, Some("application/json")) => Ok(Format::JsonObject),
        (None, _) => Ok(Format::Text),
    }
}

/// Whether thoughts are shown.
fn thinking(config: &Fields<'_>, model: &str) -> Checked<bool> {
    let Some(value) = config.get("thinkingConfig") else { return Ok(false) };
    let known = &["includeThoughts", "thinkingBudget", "thinkingLevel"];
    let thinking = Fields::read(value, config.at("thinkingConfig"), known)?;
    let budget = thinking.integer("thinkingBudget")?;
    let level = thinking.one_of("thinkingLevel", LEVELS)?;
    if budget.is_some() && level.is_some() {
        return Err(Refusal::invalid("You can only set only one of thinking budget and thinking level."));
    }
    if let Some(level) = level {
        if !has_thinking_level(model) {
            return Err(Refusal::invalid("Thinking level is not supported for this model."));
        }
        if level == "MINIMAL" && !has_minimal_thinking(model) {
            return Err(Refusal::invalid("Thinking level MINIMAL is not supported for this model."));
        }
    }
    match budget {
        Some(0) if always_thinks(model) => {
            Err(Refusal::invalid("Budget 0 is invalid. This model only works in thinking mode."))
        }
        Some(budget) if budget < -1 => {
            Err(Refusal::invalid("The thinking budget is invalid: use -1 for a dynamic one."))
        }
        _ => Ok(thinking.boolean("includeThoughts")?.unwrap_or(false)),
    }
}
