//! What neither translation carries. A parameter that changes what is computed is an error; a hint is dropped and
//! named (PROVIDERS A.4). The request is taken apart field by field: a new one does not compile until it is placed.

use super::Unsupported;
use crate::chat::ChatRequest;
use crate::config::OnUnsupported;
use crate::json::{Raw, Str};

/// The names of dropped parameters, each once, for `x-weir-dropped-params`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dropped {
    pub(crate) names: Vec<&'static str>,
    policy: OnUnsupported,
}

impl Dropped {
    /// None so far; `policy` says what becomes of those that change the answer.
    pub(crate) fn under(policy: OnUnsupported) -> Self {
        Self { names: Vec::new(), policy }
    }

    pub(crate) fn add(&mut self, name: &'static str) {
        if !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    /// A parameter that changes the answer has no place.
    ///
    /// # Errors
    /// `unsupported`, unless such parameters are dropped, by that name.
    pub(crate) fn instead(&mut self, name: &'static str, unsupported: Unsupported) -> Result<(), Unsupported> {
        match self.policy {
            OnUnsupported::Error => Err(unsupported),
            OnUnsupported::Drop => {
                self.add(name);
                Ok(())
            }
        }
    }

    pub(crate) fn add_if(&mut self, is_dropped: bool, name: &'static str) {
        if is_dropped {
            self.add(name);
        }
    }
}

/// What only OpenAI computes, and why the others do not.
const NOT_COMPUTED: [(&str, &str); 4] = [
    ("logit_bias", "token ids mean nothing to this provider"),
    ("modalities", "this provider does not answer in audio"),
    ("audio", "this provider does not answer in audio"),
    ("web_search_options", "web search is not available from this provider"),
];

/// Finds what cannot be asked of any provider but OpenAI, and drops the hints that only OpenAI reads.
pub(crate) fn review(chat: &ChatRequest<'_>, dropped: &mut Dropped) -> Result<(), Unsupported> {
    let ChatRequest {
        // Translated by each provider in its own way.
        model: _,
        messages: _,
        stream: _,
        stream_options: _,
        max_completion_tokens,
        max_tokens,
        temperature: _,
        top_p: _,
        top_k: _,
        stop: _,
        n,
        seed: _,
        presence_penalty: _,
        frequency_penalty: _,
        tools: _,
        tool_choice: _,
        parallel_tool_calls: _,
        response_format: _,
        reasoning_effort: _,
        thinking_budget: _,
        service_tier: _,
        logprobs: _,
        top_logprobs: _,
        user: _,
        safety_identifier: _,
        // Change what is computed.
        functions,
        function_call,
        logit_bias,
        modalities,
        audio,
        web_search_options,
        // Hints.
        metadata,
        moderation,
        prediction,
        prompt_cache_key,
        prompt_cache_options,
        prompt_cache_retention,
        store,
        verbosity,
    } = chat;

    let says = |value: &Option<Raw<'_>>| value.is_some_and(|raw| !matches!(raw.get(), "null" | "false" | "{}" | "[]"));
    let wants_audio = modalities.iter().flatten().any(|modality: &Str<'_>| modality.as_str() == "audio");
    let errors = [
        (functions.is_some(), "functions", "`functions` is deprecated; use `tools`"),
        (function_call.is_some(), "function_call", "`function_call` is deprecated; use `tool_choice`"),
        (*n == Some(0), "n", "`n` must be at least 1"),
        (*max_completion_tokens == Some(0), "max_completion_tokens", "the limit must be at least 1"),
        (*max_tokens == Some(0), "max_tokens", "the limit must be at least 1"),
    ];
    if let Some((_, param, message)) = errors.into_iter().find(|(is_set, ..)| *is_set) {
        return Err(Unsupported::new(param, message));
    }
    let is_asked = [says(logit_bias), wants_audio, says(audio), web_search_options.is_some()];
    for (_, (name, message)) in is_asked.into_iter().zip(NOT_COMPUTED).filter(|(is_asked, _)| *is_asked) {
        dropped.instead(name, Unsupported::new(name, message))?;
    }

    dropped.add_if(says(metadata), "metadata");
    dropped.add_if(says(moderation), "moderation");
    dropped.add_if(says(prediction), "prediction");
    dropped.add_if(prompt_cache_key.is_some(), "prompt_cache_key");
    dropped.add_if(says(prompt_cache_options), "prompt_cache_options");
    dropped.add_if(prompt_cache_retention.is_some(), "prompt_cache_retention");
    dropped.add_if(says(store), "store");
    dropped.add_if(verbosity.is_some(), "verbosity");
    Ok(())
}
