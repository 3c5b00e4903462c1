//! What the simulated model says. Deterministic: the same request gets the same answer.

use serde_json::json;

use crate::{
    answer::{Answer, Finish, Usage, fragments},
    ask::{Ask, Choice, Format, Last, Tool},
    reply::{Reply, ToolCall},
    schema,
};

/// How much of the user's text is echoed, in characters.
const ECHO_CHARS: usize = 80;
/// The text that makes the model call every tool at once, where parallel calls are allowed.
const ALL_TOOLS: &str = "all tools";

pub(crate) fn compose(ask: &Ask<'_>, reply: &Reply) -> Answer {
    let calls = calls(ask, reply);
    let (text, finish) =
        if calls.is_empty() { limited(ask, text(ask, reply)) } else { (String::new(), Finish::ToolCalls) };
    let reasoning = reply.reasoning.clone().or_else(|| ask.reasons.then(|| "A friendly echo will do.".to_owned()));
    let usage = (!reply.no_usage).then(|| usage(ask, reply, &text, &calls, reasoning.as_deref()));
    Answer { reasoning, text, calls, finish, finish_override: reply.finish_reason.clone(), usage }
}

fn calls(ask: &Ask<'_>, reply: &Reply) -> Vec<ToolCall> {
    if let Some(call) = &reply.tool_call {
        return vec![call.clone()];
    }
    if reply.text.is_some() || reply.words.is_some() {
        return Vec::new();
    }
    let Last::UserText(user) = &ask.last else { return Vec::new() };
    let offered: Vec<&Tool<'_>> = match &ask.choice {
        Choice::None => return Vec::new(),
        Choice::Auto | Choice::Any => ask.tools.iter().collect(),
        Choice::Named(names) => ask.tools.iter().filter(|tool| names.contains(&tool.name)).collect(),
    };
    let wanted = if ask.parallel && user.contains(ALL_TOOLS) { offered.len() } else { 1 };
    offered.into_iter().take(wanted).map(call).collect()
}

fn call(tool: &Tool<'_>) -> ToolCall {
    let arguments = tool.schema.map_or_else(|| json!({}), schema::instance);
    ToolCall { name: tool.name.to_owned(), arguments: if arguments.is_object() { arguments } else { json!({}) } }
}

fn text(ask: &Ask<'_>, reply: &Reply) -> String {
    if let Some(text) = &reply.text {
        return text.clone();
    }
    if let Some(words) = reply.words {
        return vec!["word"; words as usize].join(" ");
    }
    match ask.format {
        Format::Text => prose(ask),
        Format::JsonObject => json!({ "reply": prose(ask) }).to_string(),
        Format::JsonSchema(schema) => schema::instance(schema).to_string(),
    }
}

fn prose(ask: &Ask<'_>) -> String {
    let (model, provider) = (ask.model, ask.provider);
    match &ask.last {
        Last::UserText(user) => {
            let chars = user.chars().count();
            let mut echo: String = user.chars().take(ECHO_CHARS).collect();
            if chars > ECHO_CHARS {
                echo.push('…');
            }
            format!("Hello from {model} at {provider}. You said: \"{echo}\" ({chars} chars)")
        }
        Last::ToolResults(result) => format!("Hello from {model} at {provider}. The tool said: {result}"),
    }
}

/// The text up to the first stop sequence and within the token limit, and why it ended.
fn limited(ask: &Ask<'_>, mut text: String) -> (String, Finish) {
    let mut finish = Finish::Stop;
    let stops = ask.stop.iter().filter_map(|stop| text.find(stop).map(|at| (at, *stop)));
    if let Some((at, stop)) = stops.min() {
        text.truncate(at);
        finish = Finish::StopSequence(stop.to_owned());
    }
    if let Some(max) = ask.max_tokens {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let kept: usize = fragments(&text).take(max).map(str::len).sum();
        if kept < text.len() || max == 0 {
            text.truncate(kept);
            finish = Finish::Length;
        }
    }
    (text, finish)
}

fn usage(ask: &Ask<'_>, reply: &Reply, text: &str, calls: &[ToolCall], reasoning: Option<&str>) -> Usage {
    let count = |text: &str| fragments(text).count() as u64;
    let called: u64 = calls.iter().map(|call| count(&call.arguments.to_string()).saturating_add(1)).sum();
    let reasoning = reasoning.map_or(0, count);
    let prompt = reply.prompt_tokens.unwrap_or((ask.prompt_bytes as u64).div_ceil(4));
    let completion =
        reply.completion_tokens.unwrap_or_else(|| count(text).saturating_add(called).saturating_add(reasoning));
    Usage {
        prompt,
        cached: reply.cached_tokens.unwrap_or(0).min(prompt),
        completion,
        reasoning: reasoning.min(completion),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Provider;

    fn ask(user: &str) -> Ask<'static> {
        Ask {
            provider: Provider::OpenAi,
            model: "gpt-5.6",
            last: Last::UserText(user.to_owned()),
            tools: Vec::new(),
            choice: Choice::Auto,
            parallel: true,
            format: Format::Text,
            max_tokens: None,
            stop: Vec::new(),
            prompt_bytes: user.len(),
            reasons: false,
        }
    }

    #[test]
    fn the_answer_names_provider_and_model_and_echoes_the_user() {
        let answer = compose(&ask("How are you?"), &Reply::default());
        assert_eq!(answer.text, r#"Hello from gpt-5.6 at openai. You said: "How are you?" (12 chars)"#);
        assert_eq!(answer.finish, Finish::Stop);
        assert_eq!(answer.usage, Some(Usage { prompt: 3, cached: 0, completion: 12, reasoning: 0 }));
    }

    #[test]
    fn a_token_limit_ends_the_text_as_length() {
        let answer = compose(&Ask { max_tokens: Some(3), ..ask("Hi") }, &Reply::default());
        assert_eq!((answer.text.as_str(), answer.finish), ("Hello from gpt-5.6 ", Finish::Length));
    }

    #[test]
    fn the_earliest_stop_sequence_ends_the_text() {
        let answer = compose(&Ask { stop: vec!["You", "at"], ..ask("Hi") }, &Reply::default());
        assert_eq!(
            (answer.text.as_str(), answer.finish),
            ("Hello from gpt-5.6 ", Finish::StopSequence("at".to_owned()))
        );
    }

    #[test]
    fn tools_are_called_first_one_named_one_or_all() {
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
        let tools = || vec![Tool { name: "a", schema: Some(&schema) }, Tool { name: "b", schema: None }];
        let names =
            |ask: Ask<'_>| compose(&ask, &Reply::default()).calls.into_iter().map(|call| call.name).collect::<Vec<_>>();
        assert_eq!(names(Ask { tools: tools(), ..ask("Hi") }), ["a"]);
        assert_eq!(names(Ask { tools: tools(), choice: Choice::Named(vec!["b"]), ..ask("Hi") }), ["b"]);
        assert_eq!(names(Ask { tools: tools(), ..ask("call all tools") }), ["a", "b"]);
        assert_eq!(names(Ask { tools: tools(), parallel: false, ..ask("call all tools") }), ["a"]);
        assert!(names(Ask { tools: tools(), choice: Choice::None, ..ask("Hi") }).is_empty());
        let answer = compose(&Ask { tools: tools(), ..ask("Hi") }, &Reply::default());
        assert_eq!(answer.calls[0].arguments, json!({"city": "sim"}));
    }

    #[test]
    fn a_tool_result_is_answered_with_its_text() {
        let answer = compose(&Ask { last: Last::ToolResults("18C".to_owned()), ..ask("") }, &Reply::default());
        assert_eq!(answer.text, "Hello from gpt-5.6 at openai. The tool said: 18C");
    }

    #[test]
    fn the_control_api_decides_text_words_calls_and_usage() {
        let reply = Reply { prompt_tokens: Some(100), cached_tokens: Some(60), ..Reply::words(5) };
        let answer = compose(&ask("Hi"), &reply);
        assert_eq!(answer.text, "word word word word word");
        assert_eq!(answer.usage, Some(Usage { prompt: 100, cached: 60, completion: 5, reasoning: 0 }));
        assert_eq!(compose(&ask("Hi"), &Reply { no_usage: true, ..Reply::text("x") }).usage, None);
    }
}
