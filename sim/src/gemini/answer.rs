//! `generateContent` and `streamGenerateContent`: compose and answer (docs of the provider, C.3).

use serde::Serialize;
use serde_json::Value;

use super::{model::signs_calls, request::ask, signature};
use crate::{
    answer::{Answer, Finish, Usage, fragments},
    compose::compose,
    dialect::{Answered, Call},
    events::{EventWriter, Events},
    refusal::Checked,
    reply::ToolCall,
    route::Framing,
};

pub(super) fn answer(call: &Call<'_>, model: &str) -> Checked<Answered> {
    let (ask, candidates) = ask(call.document, model)?;
    let answer = compose(&ask, call.reply);
    let usage = answer.usage.unwrap_or_default();
    let response = Response {
        model,
        id: format!("sim{:012}", call.serial),
        signature: signs_calls(model).then(|| signature::sign(call.serial)),
        answer: &answer,
        candidates,
    };
    let mut answered = match call.route.framing {
        Framing::Json | Framing::Named => Answered::json(Events::one(response.document()), usage),
        Framing::Sse => Answered::stream(response.sse(), usage),
        Framing::JsonArray => Answered { streamed: true, ..Answered::json(response.json_array(), usage) },
    };
    if call.route.framing == Framing::Sse {
        answered.content_type = "text/event-stream";
    } else {
        answered.content_type = "application/json; charset=UTF-8";
    }
    Ok(answered)
}

/// Everything that an answer says, streamed or not.
struct Response<'a> {
    model: &'a str,
    id: String,
    signature: Option<String>,
    answer: &'a Answer,
    candidates: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    candidates: Vec<Candidate<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_metadata: Option<UsageMetadata>,
    model_version: &'a str,
    response_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<&'a str>,
    index: u64,
}

#[derive(Serialize)]
struct Content<'a> {
    parts: Vec<Part<'a>>,
    role: &'static str,
}

#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<FunctionCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<&'a str>,
}

/// Without an `id`: the API leaves it out, and a client has to live with that.
#[derive(Clone, Serialize)]
struct FunctionCall<'a> {
    name: &'a str,
    args: &'a Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UsageMetadata {
    prompt_token_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates_token_count: Option<u64>,
    total_token_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_content_token_count: Option<u64>,
    prompt_tokens_details: [ModalityCount; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    thoughts_token_count: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModalityCount {
    modality: &'static str,
    token_count: u64,
}

/// Usage when `said` tokens of the answer and `thought` tokens of reasoning are out. Zero counts are absent.
fn usage_metadata(usage: Usage, said: u64, thought: u64) -> UsageMetadata {
    let nonzero = |count: u64| Some(count).filter(|count| *count > 0);
    UsageMetadata {
        prompt_token_count: usage.prompt,
        candidates_token_count: nonzero(said),
        total_token_count: usage.prompt.saturating_add(said).saturating_add(thought),
        cached_content_token_count: nonzero(usage.cached),
        prompt_tokens_details: [ModalityCount { modality: "TEXT", token_count: usage.prompt }],
        thoughts_token_count: nonzero(thought),
    }
}

impl Response<'_> {
    fn finish_reason(&self) -> &str {
        match &self.answer.finish {
            _ if self.answer.finish_override.is_some() => self.answer.finish_override.as_deref().unwrap_or_default(),
            // There is no finish reason for function calls.
            Finish::Stop | Finish::StopSequence(_) | Finish::ToolCalls => "STOP",
            Finish::Length => "MAX_TOKENS",
        }
    }

    fn total(&self) -> Option<UsageMetadata> {
        let usage = self.answer.usage?;
        Some(usage_metadata(usage, usage.completion.saturating_sub(usage.reasoning), usage.reasoning))
    }

    fn call<'a>(&'a self, index: usize, call: &'a ToolCall) -> Part<'a> {
        Part {
            function_call: Some(FunctionCall { name: &call.name, args: &call.arguments }),
            // Parallel calls: only the first is signed.
            thought_signature: self.signature.as_deref().filter(|_| index == 0),
            ..Part::default()
        }
    }

    fn document(&self) -> Vec<u8> {
        let candidate = |index| {
            let mut parts = Vec::new();
            if let Some(thought) = &self.answer.reasoning {
                parts.push(Part { text: Some(thought), thought: true, ..Part::default() });
            }
            if self.answer.calls.is_empty() {
                let signature = self.signature.as_deref();
                parts.push(Part { text: Some(&self.answer.text), thought_signature: signature, ..Part::default() });
            }
            parts.extend(self.answer.calls.iter().enumerate().map(|(at, call)| self.call(at, call)));
            let content = Content { parts, role: "model" };
            Candidate { content, finish_reason: Some(self.finish_reason()), index }
        };
        let document = Document {
            candidates: (0..self.candidates).map(candidate).collect(),
            usage_metadata: self.total(),
            model_version: self.model,
            response_id: &self.id,
        };
        serde_json::to_vec_pretty(&document).unwrap_or_default()
    }

    /// CRLF between events, no `[DONE]`: the end of the body is the end.
    fn sse(&self) -> Events {
        self.chunks(|writer, chunk, _| writer.event("data: ", chunk, "\r\n\r\n"))
    }

    fn json_array(&self) -> Events {
        self.chunks(|writer, chunk, place| match place {
            Place::First => writer.event("[", chunk, ""),
            Place::Middle => writer.event(",\r\n", chunk, ""),
            Place::Last => writer.event(",\r\n", chunk, "]"),
            Place::Only => writer.event("[", chunk, "]"),
        })
    }

    /// One chunk per fragment and call, and a last one that only finishes.
    fn chunks(&self, write: impl Fn(&mut EventWriter, &Document<'_>, Place)) -> Events {
        let usage = self.answer.usage;
        let thoughts = self.answer.reasoning.as_deref().into_iter().flat_map(fragments);
        let thoughts = thoughts.map(|text| Part { text: Some(text), thought: true, ..Part::default() });
        let texts = fragments(&self.answer.text).map(|text| Part { text: Some(text), ..Part::default() });
        let calls = self.answer.calls.iter().enumerate().map(|(index, call)| self.call(index, call));
        let expected = usize::try_from(usage.unwrap_or_default().completion).unwrap_or(0).saturating_add(1);
        let mut writer = EventWriter::with_capacity(expected.min(4096));
        let (mut said, mut thought) = (0_u64, 0_u64);
        let mut place = Place::First;
        for part in thoughts.chain(texts).chain(calls) {
            let count = if part.thought { &mut thought } else { &mut said };
            *count = count.saturating_add(1);
            let metadata = usage.map(|usage| usage_metadata(usage, said, thought));
            write(&mut writer, &self.chunk(part, None, metadata), place);
            place = Place::Middle;
        }
        // With text, the signature comes in an empty last part; calls have carried it already.
        let signature = self.signature.as_deref().filter(|_| self.answer.calls.is_empty());
        let last = Part { text: Some(""), thought_signature: signature, ..Part::default() };
        let chunk = self.chunk(last, Some(self.finish_reason()), self.total());
        write(&mut writer, &chunk, if place == Place::First { Place::Only } else { Place::Last });
        writer.finish()
    }

    fn chunk<'a>(&'a self, part: Part<'a>, finish: Option<&'a str>, usage: Option<UsageMetadata>) -> Document<'a> {
        let candidate = |index| Candidate {
            content: Content { parts: vec![part.clone()], role: "model" },
            finish_reason: finish,
            index,
        };
        Document {
            candidates: (0..self.candidates).map(candidate).collect(),
            usage_metadata: usage,
            model_version: self.model,
            response_id: &self.id,
        }
    }
}

/// Where a chunk stands in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    First,
    Middle,
    Last,
    Only,
}
