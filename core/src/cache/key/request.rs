//! A request in canonical form. Everything is taken apart field by field: a new field does not compile until it is
//! decided whether it may change what the model answers.
//!
//! Two spellings are one only where OpenAI's contract says that they mean the same: a text and one text part, one stop
//! sequence and a list of one, the old and the new name of the output limit, no `n` and 1, no `logprobs` and false. Where
//! a server has defaults of its own (vLLM takes a model's own temperature), absent and default stay apart.

use super::feed::{Canonical, Feed};
use crate::chat::{
    ChatRequest, Content, File, FunctionCall, FunctionDef, ImageUrl, InputAudio, JsonSchema, Media, MediaSource,
    Message, Part, ResponseFormat, Role, Stop, Tool, ToolCall, ToolChoice,
};

/// The fields of a body that are not part of its key, since they do not change what the model answers: below, each says
/// why.
pub(super) const WITHOUT_EFFECT: [&str; 10] = [
    "stream",
    "stream_options",
    "service_tier",
    "user",
    "safety_identifier",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "store",
];

/// The same of a body of Anthropic's dialect; how the answer is told is a part of the key.
pub(super) const WITHOUT_EFFECT_AT_ANTHROPIC: [&str; 4] = ["model", "stream", "metadata", "service_tier"];

/// And of Gemini's, in both casings.
pub(super) const WITHOUT_EFFECT_AT_GEMINI: [&str; 3] = ["labels", "serviceTier", "service_tier"];

impl Canonical for ChatRequest<'_> {
    fn feed(&self, to: &mut Feed) {
        let ChatRequest {
            model,
            messages,
            max_completion_tokens,
            max_tokens,
            temperature,
            top_p,
            top_k,
            stop,
            n,
            seed,
            presence_penalty,
            frequency_penalty,
            logprobs,
            top_logprobs,
            tools,
            tool_choice,
            parallel_tool_calls,
            response_format,
            reasoning_effort,
            thinking_budget,
            modalities,
            audio,
            function_call,
            functions,
            logit_bias,
            moderation,
            prediction,
            verbosity,
            web_search_options,
            // The way in which the answer is told: one entry serves all.
            stream: _,
            stream_options: _,
            // How fast, and at what price.
            service_tier: _,
            // Who asks, and why: for the provider's books, and against abuse. Tenants are kept apart by the key.
            user: _,
            safety_identifier: _,
            metadata: _,
            // How the provider shall keep the prompt, or the answer.
            prompt_cache_key: _,
            prompt_cache_options: _,
            prompt_cache_retention: _,
            store: _,
        } = self;
        to.all(&[
            model,
            messages,
            &max_completion_tokens.or(*max_tokens),
            // Only a request that has both says more than one limit.
            &max_completion_tokens.and(*max_tokens),
            temperature,
            top_p,
            top_k,
            &stop.as_ref().map(Stop::sequences),
            &n.unwrap_or(1),
            seed,
            presence_penalty,
            frequency_penalty,
            &logprobs.unwrap_or(false),
            top_logprobs,
            tools,
            tool_choice,
            parallel_tool_calls,
            response_format,
            reasoning_effort,
            thinking_budget,
            modalities,
            audio,
            function_call,
            functions,
            logit_bias,
            moderation,
            prediction,
            verbosity,
            web_search_options,
        ]);
    }
}

impl Canonical for Message<'_> {
    fn feed(&self, to: &mut Feed) {
        let Message { role, content, name, refusal, tool_calls, tool_call_id, failed, function_call } = self;
        to.all(&[role, content, name, refusal, tool_calls, tool_call_id, failed, function_call]);
    }
}

impl Canonical for Role {
    fn feed(&self, to: &mut Feed) {
        to.form(match self {
            Role::System => 0,
            Role::Developer => 1,
            Role::User => 2,
            Role::Assistant => 3,
            Role::Tool => 4,
            Role::Function => 5,
        });
    }
}

/// A text part's form, which a plain text has too.
const TEXT: u8 = 0;

impl Canonical for Content<'_> {
    fn feed(&self, to: &mut Feed) {
        match self {
            Content::Parts(parts) => to.put(parts),
            Content::Text(text) => {
                to.put(&1_u64);
                to.form(TEXT);
                to.put(text);
            }
        }
    }
}

impl Canonical for Part<'_> {
    fn feed(&self, to: &mut Feed) {
        let (form, content): (u8, &dyn Canonical) = match self {
            Part::Text(text) => (TEXT, text),
            Part::ImageUrl(image) => (1, image),
            Part::InputAudio(audio) => (2, audio),
            Part::File(file) => (3, file),
            Part::Refusal(text) => (4, text),
            Part::Media(media) => (6, media),
            Part::Other(kind) => {
                to.set_partial();
                (5, kind)
            }
        };
        to.form(form);
        to.put(content);
    }
}

impl Canonical for Media<'_> {
    fn feed(&self, to: &mut Feed) {
        let Media { mime, source, name } = self;
        let (form, text) = match source {
            MediaSource::Base64(text) => (0, text),
            MediaSource::Url(text) => (1, text),
        };
        to.put(mime);
        to.form(form);
        to.all(&[text, name]);
    }
}

impl Canonical for ImageUrl<'_> {
    fn feed(&self, to: &mut Feed) {
        let ImageUrl { url, detail } = self;
        to.all(&[url, detail]);
    }
}

impl Canonical for InputAudio<'_> {
    fn feed(&self, to: &mut Feed) {
        let InputAudio { data, format } = self;
        to.all(&[data, format]);
    }
}

impl Canonical for File<'_> {
    fn feed(&self, to: &mut Feed) {
        let File { file_data, file_id, filename } = self;
        to.all(&[file_data, file_id, filename]);
    }
}

impl Canonical for Tool<'_> {
    fn feed(&self, to: &mut Feed) {
        let Tool { kind, function } = self;
        to.all(&[kind, function]);
    }
}

impl Canonical for FunctionDef<'_> {
    fn feed(&self, to: &mut Feed) {
        let FunctionDef { name, description, parameters, strict } = self;
        to.all(&[name, description, parameters, strict]);
    }
}

impl Canonical for ToolCall<'_> {
    fn feed(&self, to: &mut Feed) {
        let ToolCall { id, kind, function, extra_content } = self;
        to.all(&[id, kind, function, extra_content]);
    }
}

impl Canonical for FunctionCall<'_> {
    fn feed(&self, to: &mut Feed) {
        // The arguments are a text that the model is shown as it is, although they should be JSON.
        let FunctionCall { name, arguments } = self;
        to.all(&[name, arguments]);
    }
}

impl Canonical for ToolChoice<'_> {
    fn feed(&self, to: &mut Feed) {
        match self {
            ToolChoice::None => to.form(0),
            ToolChoice::Auto => to.form(1),
            ToolChoice::Required => to.form(2),
            ToolChoice::Function(name) => {
                to.form(3);
                to.put(name);
            }
            ToolChoice::Allowed { required, names } => {
                to.form(4);
                to.all(&[required, names]);
            }
            ToolChoice::Other(kind) => {
                to.set_partial();
                to.form(5);
                to.put(kind);
            }
        }
    }
}

impl Canonical for ResponseFormat<'_> {
    fn feed(&self, to: &mut Feed) {
        let ResponseFormat { kind, json_schema } = self;
        to.all(&[kind, json_schema]);
    }
}

impl Canonical for JsonSchema<'_> {
    fn feed(&self, to: &mut Feed) {
        let JsonSchema { name, description, schema, strict } = self;
        to.all(&[name, description, schema, strict]);
    }
}
