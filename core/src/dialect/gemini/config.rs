//! `generationConfig`.

use super::body::{GenerationConfig, ThinkingConfig, Whole};
use crate::capability::Effort;
use crate::chat::{JsonSchema, ResponseFormat, Stop};
use crate::dialect::anthropic::of_budget;
use crate::dialect::neutral::{Feature, OwnKind, invalid};
use crate::json::{Raw, Str};
use crate::provider::unmapped::Dropped;
use crate::refusal::Refusal;
use serde_json::value::RawValue;

/// The same in neutral terms.
#[derive(Default)]
pub(super) struct Config<'a> {
    pub max_tokens: Option<u64>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub top_k: Option<u64>,
    pub stop: Option<Stop<'a>>,
    pub n: Option<u64>,
    pub seed: Option<i64>,
    pub presence_penalty: Option<f64>,
    pub frequency_penalty: Option<f64>,
    pub logprobs: Option<bool>,
    pub top_logprobs: Option<u64>,
    pub response_format: Option<ResponseFormat<'a>>,
    pub effort: Option<Str<'a>>,
    pub budget: Option<u64>,
    pub shows_thoughts: bool,
}

pub(super) fn read<'a>(
    config: GenerationConfig<'a>,
    made: &mut impl Iterator<Item = &'a Box<RawValue>>,
    own_kind: &mut Vec<OwnKind>,
    hints: &mut Dropped,
) -> Result<Config<'a>, Refusal> {
    let GenerationConfig {
        temperature,
        top_p,
        top_k,
        candidate_count,
        max_output_tokens,
        stop_sequences,
        seed,
        presence_penalty,
        frequency_penalty,
        response_mime_type,
        response_schema,
        response_json_schema,
        response_logprobs,
        logprobs,
        response_modalities,
        speech_config,
        image_config,
        thinking_config,
        media_resolution,
        enable_enhanced_civic_answers,
        audio_timestamp,
    } = config;
    let at = |field: &str| format!("generationConfig.{field}");
    let mut own = |is_set: bool, feature: Feature, field: &str| {
        if is_set {
            own_kind.push(OwnKind::new(feature, at(field)));
        }
    };
    let beyond_text = response_modalities.iter().flatten().any(|modality| !modality.eq_ignore_ascii_case("text"));
    own(beyond_text, Feature::OutputModality, "responseModalities");
    own(speech_config.is_some(), Feature::OutputModality, "speechConfig");
    own(image_config.is_some(), Feature::OutputModality, "imageConfig");
    hints.add_if(media_resolution.is_some(), "mediaResolution");
    hints.add_if(enable_enhanced_civic_answers == Some(true), "enableEnhancedCivicAnswers");
    hints.add_if(audio_timestamp == Some(true), "audioTimestamp");

    if response_schema.is_some() && response_json_schema.is_some() {
        return Err(invalid(at("responseSchema"), "only one of responseSchema and responseJsonSchema may be set"));
    }
    let proto = response_schema.and_then(|_| made.next()).map(|raw| Raw(raw));
    let schema = proto.or(response_json_schema);
    let response_format = match response_mime_type.as_ref().map_or("text/plain", Str::as_str) {
        "text/plain" => None,
        "application/json" => Some(format(schema)),
        other => {
            own(true, Feature::EnumOutput, "responseMimeType");
            if other != "text/x.enum" {
                return Err(invalid(at("responseMimeType"), "it must be text/plain, application/json or text/x.enum"));
            }
            None
        }
    };
    if logprobs.is_some() && response_logprobs != Some(true) {
        return Err(invalid(at("logprobs"), "it is only allowed when responseLogprobs is true"));
    }
    let top_logprobs = match logprobs.map(Whole::natural) {
        Some(None) => return Err(invalid(at("logprobs"), "it must be at least 0")),
        Some(top) => top,
        None => None,
    };
    let thought = Thought::of(thinking_config)?;
    Ok(Config {
        max_tokens: positive(max_output_tokens, "maxOutputTokens")?,
        temperature,
        top_p,
        top_k: positive(top_k, "topK")?,
        stop: stop_sequences.filter(|list| !list.is_empty()).map(Stop::Many),
        n: positive(candidate_count, "candidateCount")?,
        seed: seed.map(|seed| seed.0),
        presence_penalty,
        frequency_penalty,
        logprobs: response_logprobs.filter(|is_asked| *is_asked),
        top_logprobs,
        response_format,
        effort: thought.effort,
        budget: thought.budget,
        shows_thoughts: thought.shown,
    })
}

fn positive(value: Option<Whole>, field: &str) -> Result<Option<u64>, Refusal> {
    let Some(value) = value else { return Ok(None) };
    let natural = value.natural().filter(|value| *value > 0);
    natural.map(Some).ok_or_else(|| invalid(format!("generationConfig.{field}"), "it must be at least 1"))
}

/// Gemini holds every answer to its schema.
fn format(schema: Option<Raw<'_>>) -> ResponseFormat<'_> {
    match schema {
        None => ResponseFormat { kind: "json_object".into(), json_schema: None },
        Some(_) => {
            let json_schema = JsonSchema { name: None, description: None, schema, strict: Some(true) };
            ResponseFormat { kind: "json_schema".into(), json_schema: Some(json_schema) }
        }
    }
}

/// What is asked of the model's thinking.
#[derive(Default)]
struct Thought<'a> {
    effort: Option<Str<'a>>,
    budget: Option<u64>,
    shown: bool,
}

impl<'a> Thought<'a> {
    fn of(config: Option<ThinkingConfig<'a>>) -> Result<Self, Refusal> {
        let Some(ThinkingConfig { include_thoughts, thinking_budget, thinking_level }) = config else {
            return Ok(Self::default());
        };
        let at = |field: &str| format!("generationConfig.thinkingConfig.{field}");
        let shown = include_thoughts == Some(true);
        let level = thinking_level.map(|level| level.to_ascii_lowercase());
        match (thinking_budget.map(|budget| budget.0), level.as_deref()) {
            (Some(_), Some(_)) => Err(invalid(at("thinkingBudget"), "it cannot be set together with thinkingLevel")),
            (None | Some(-1), None) | (None, Some("thinking_level_unspecified")) => {
                Ok(Self { shown, ..Self::default() })
            }
            (Some(0), None) => Ok(Self { effort: Some("none".into()), budget: None, shown }),
            (Some(budget), None) => match u64::try_from(budget) {
                Ok(budget) => Ok(Self { effort: Some(of_budget(budget).into()), budget: Some(budget), shown }),
                Err(_) => Err(invalid(at("thinkingBudget"), "it must be -1, 0 or more")),
            },
            (None, Some(level)) => match Effort::parse(level) {
                Some(effort) => Ok(Self { effort: Some(effort.as_str().into()), budget: None, shown }),
                None => Err(invalid(at("thinkingLevel"), "it must be MINIMAL, LOW, MEDIUM, HIGH or XHIGH")),
            },
        }
    }
}
