//! Which requests are never answered from the cache.

use crate::chat::{ChatRequest, Tool, ToolChoice};
use crate::json::Raw;

/// Why a request is neither looked up nor its answer kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bypass {
    /// A temperature above 0: who sets one asks for another answer each time.
    Sampled,
    /// Log probabilities: an entry has no place for them.
    Logprobs,
    /// An answer that is not text alone.
    Modality,
    /// The answer depends on the day, and cites what it found.
    WebSearch,
    /// The provider shall keep the answer under its id; one from the cache would not be there.
    Stored,
    /// The answer carries a verdict that its events have no place for.
    Moderated,
    /// A tool that is not a function: its calls have no place in the events, or it runs at the provider.
    Tool,
    /// The deprecated form of tools, whose calls have no place in the events.
    Functions,
}

/// Whether a request may be answered from the cache, and its answer kept. `sampled`: the model's configuration wants that
/// for a temperature above 0 too. (Nobody asked for another answer by leaving the temperature out.)
///
/// Fields that Weir does not know stand against nothing: they are part of the key, and what they bring in the answer, if
/// it has no place in the events, keeps that from being recorded. A `prediction` makes an answer come sooner, not
/// another one.
///
/// # Errors
/// The first reason against it.
pub fn may_cache(chat: &ChatRequest<'_>, sampled: bool) -> Result<(), Bypass> {
    let is_function = |tool: &Tool<'_>| tool.kind.as_str() == "function";
    let is_other = |raw: Option<Raw<'_>>, word: &str| raw.is_some_and(|raw| raw.get() != word);
    let reasons = [
        (Bypass::Sampled, !sampled && chat.temperature.is_some_and(|temperature| temperature > 0.0)),
        (Bypass::Logprobs, chat.logprobs == Some(true) || chat.top_logprobs.is_some_and(|count| count > 0)),
        (
            Bypass::Modality,
            chat.audio.is_some() || chat.modalities.iter().flatten().any(|kind| kind.as_str() != "text"),
        ),
        (Bypass::WebSearch, chat.web_search_options.is_some()),
        (Bypass::Stored, is_other(chat.store, "false")),
        (Bypass::Moderated, chat.moderation.is_some()),
        (
            Bypass::Tool,
            chat.tools.iter().flatten().any(|tool| !is_function(tool))
                || matches!(chat.tool_choice, Some(ToolChoice::Other(_))),
        ),
        (Bypass::Functions, chat.functions.is_some() || chat.function_call.is_some()),
    ];
    match reasons.into_iter().find(|(_, applies)| *applies) {
        Some((reason, _)) => Err(reason),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(fields: &str, sampled: bool, expect: Result<(), Bypass>) {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}]{fields}}}"#);
        let chat: ChatRequest<'_> = serde_json::from_str(&body).unwrap();
        assert_eq!(may_cache(&chat, sampled), expect, "{fields}");
    }

    #[test]
    fn a_request_that_asks_for_another_answer_each_time_is_not_cached_unless_the_model_says_so() {
        check("", false, Ok(()));
        check(r#","temperature":0"#, false, Ok(()));
        check(r#","temperature":null"#, false, Ok(()));
        check(r#","temperature":0.01"#, false, Err(Bypass::Sampled));
        check(r#","temperature":0.01"#, true, Ok(()));
    }

    #[test]
    fn what_could_not_be_replayed_faithfully_is_not_cached() {
        for (fields, reason) in [
            (r#""logprobs":true"#, Bypass::Logprobs),
            (r#""top_logprobs":2"#, Bypass::Logprobs),
            (r#""modalities":["text","audio"],"audio":{"voice":"a","format":"wav"}"#, Bypass::Modality),
            (r#""modalities":["image"]"#, Bypass::Modality),
            (r#""web_search_options":{}"#, Bypass::WebSearch),
            (r#""store":true"#, Bypass::Stored),
            (r#""store":"yes""#, Bypass::Stored),
            (r#""moderation":{"model":"m"}"#, Bypass::Moderated),
            (
                r#""tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"c"}}]"#,
                Bypass::Tool,
            ),
            (r#""tool_choice":{"type":"custom","custom":{"name":"c"}}"#, Bypass::Tool),
            (r#""functions":[{"name":"f"}]"#, Bypass::Functions),
            (r#""function_call":"auto""#, Bypass::Functions),
        ] {
            check(&format!(",{fields}"), true, Err(reason));
        }
    }

    #[test]
    fn what_changes_nothing_stands_against_nothing() {
        for fields in [
            r#""logprobs":false,"top_logprobs":0"#,
            r#""modalities":["text"],"audio":null"#,
            r#""store":false"#,
            r#""store":null"#,
            r#""prediction":{"type":"content","content":"x"}"#,
            r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required""#,
            r#""stream":true,"user":"u","n":2,"seed":1,"top_k":5"#,
        ] {
            check(&format!(",{fields}"), false, Ok(()));
        }
    }
}
