//! A chat request out of a body, or the field that stands against it.

#![allow(unsafe_code, reason = "self_cell's generated code; ours has none")]

use crate::chat::ChatRequest;
use crate::refusal::Refusal;
use self_cell::self_cell;
use serde_json::error::Category;

self_cell!(
    /// A body and the request that borrows from it.
    pub struct ParsedChat {
        owner: Vec<u8>,
        #[covariant]
        dependent: ChatRequest,
    }

    impl {Debug}
);

impl ParsedChat {
    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        self.borrow_owner()
    }

    /// What it says.
    pub fn chat(&self) -> &ChatRequest<'_> {
        self.borrow_dependent()
    }
}

/// OpenAI's own bound.
const MOST_CHOICES: u64 = 128;

/// Parses a body, once.
///
/// # Errors
/// [`Refusal::NotJson`], or [`Refusal::InvalidField`] with the path of the field.
pub fn parse(body: Vec<u8>) -> Result<ParsedChat, Refusal> {
    if body.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        // serde would read an array as the fields in order.
        return Err(Refusal::NotJson { message: "expected an object".into() });
    }
    let parsed = ParsedChat::try_new_or_recover(body, |body| serde_json::from_slice(body));
    let parsed = parsed.map_err(|(body, error): (_, serde_json::Error)| explain(&body, &error))?;
    let chat = parsed.chat();
    let invalid = |param: &str, message: &str| Refusal::InvalidField { param: param.into(), message: message.into() };
    if chat.model.is_empty() {
        return Err(invalid("model", "it must not be empty"));
    }
    if chat.messages.is_empty() {
        return Err(invalid("messages", "at least one message is needed"));
    }
    if chat.n.is_some_and(|choices| !(1..=MOST_CHOICES).contains(&choices)) {
        return Err(invalid("n", "it must be between 1 and 128"));
    }
    if chat.output_limit() == Some(0) {
        let param = if chat.max_completion_tokens.is_some() { "max_completion_tokens" } else { "max_tokens" };
        return Err(invalid(param, "it must be at least 1"));
    }
    Ok(parsed)
}

/// Parses again, slowly, to learn where it went wrong. Only bad requests pay for it.
fn explain(body: &[u8], error: &serde_json::Error) -> Refusal {
    if error.classify() != Category::Data {
        return Refusal::NotJson { message: error.to_string() };
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let located: Result<ChatRequest<'_>, _> = serde_path_to_error::deserialize(&mut deserializer);
    let (path, message) = match located {
        Err(located) => (located.path().to_string(), located.into_inner().to_string()),
        Ok(_) => (".".into(), error.to_string()),
    };
    // serde_json appends " at line 1 column 2"; the path says it better.
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    let named = ["missing field `", "duplicate field `"].iter().find_map(|start| message.strip_prefix(start));
    let param = match (path.as_str(), named.and_then(|rest| rest.split('`').next())) {
        (".", Some(field)) => field.to_owned(),
        (".", None) => return Refusal::NotJson { message },
        (path, Some(field)) => format!("{path}.{field}"),
        (path, None) => path.to_owned(),
    };
    Refusal::InvalidField { param, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(body: &str, expect: Expect) {
        let refusal = parse(body.as_bytes().to_vec()).expect_err(body);
        let error = refusal.error();
        expect.assert_eq(&format!("{} {:?} {}", error.status, error.param, error.message));
    }

    #[test]
    fn what_is_wrong_is_named() {
        check(
            "",
            expect![[r#"400 None The request body is not valid JSON: EOF while parsing a value at line 1 column 0"#]],
        );
        check(
            "{",
            expect![[r#"400 None The request body is not valid JSON: EOF while parsing an object at line 1 column 1"#]],
        );
        check("[]", expect!["400 None The request body is not valid JSON: expected an object"]);
        check("3", expect!["400 None The request body is not valid JSON: expected an object"]);
        check(r#"{"messages": []}"#, expect![[r#"400 Some("model") Invalid 'model': missing field `model`."#]]);
        check(r#"{"model": "m"}"#, expect![[r#"400 Some("messages") Invalid 'messages': missing field `messages`."#]]);
        check(
            r#"{"model": "", "messages": [{"role": "user"}]}"#,
            expect![[r#"400 Some("model") Invalid 'model': it must not be empty."#]],
        );
        check(
            r#"{"model": "m", "messages": []}"#,
            expect![[r#"400 Some("messages") Invalid 'messages': at least one message is needed."#]],
        );
        check(
            r#"{"model": 7, "messages": []}"#,
            expect![[r#"400 Some("model") Invalid 'model': invalid type: integer `7`, expected a string."#]],
        );
        check(
            r#"{"model": "m", "messages": [{"content": "x"}]}"#,
            expect![[r#"400 Some("messages[0].role") Invalid 'messages[0].role': missing field `role`."#]],
        );
        check(
            r#"{"model": "m", "messages": [{"role": "user", "content": 1}]}"#,
            expect![[
                r#"400 Some("messages[0].content") Invalid 'messages[0].content': invalid type: integer `1`, expected a string or an array of content parts."#
            ]],
        );
        check(
            r#"{"model": "m", "messages": [{"role": "user", "content": [{"type": "text"}]}]}"#,
            expect![[
                r#"400 Some("messages[0].content[0].text") Invalid 'messages[0].content[0].text': missing field `text` of a `text` content part."#
            ]],
        );
        check(
            r#"{"model": "m", "messages": [{"role": "user", "content": "x"}], "temperature": "hot"}"#,
            expect![[r#"400 Some("temperature") Invalid 'temperature': invalid type: string "hot", expected f64."#]],
        );
        check(
            r#"{"model": "m", "model": "n", "messages": [{"role": "user", "content": "x"}]}"#,
            expect![[r#"400 Some("model") Invalid 'model': duplicate field `model`."#]],
        );
    }

    #[test]
    fn a_deep_nest_is_refused() {
        let nest = format!(r#"{{"model":"m","messages":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(parse(nest.into_bytes()).unwrap_err().error().status, 400);
    }

    #[test]
    fn plain_text_is_borrowed_from_the_body() {
        let body = br#"{"model":"m","messages":[{"role":"user","content":"long prompt"}]}"#.to_vec();
        let parsed = parse(body).unwrap();
        assert!(matches!(parsed.chat().model.0, std::borrow::Cow::Borrowed(_)));
    }
}
