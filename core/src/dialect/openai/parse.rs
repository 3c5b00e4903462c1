//! A chat request out of a body, or the field that stands against it.

#![allow(unsafe_code, reason = "self_cell's generated code; ours has none")]

use super::unknown;
use crate::chat::ChatRequest;
use crate::json;
use crate::refusal::Refusal;
use self_cell::self_cell;
use serde_json::error::Category;
use std::cell::Cell;

self_cell!(
    /// A body and the request that borrows from it.
    pub struct ParsedChat {
        owner: Vec<u8>,
        #[covariant]
        dependent: Said,
    }

    impl {Debug}
);

#[derive(Debug)]
struct Said<'a> {
    chat: ChatRequest<'a>,
    has_unknown: bool,
}

impl ParsedChat {
    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        self.borrow_owner()
    }

    /// The body, for who needs no more of it.
    pub fn into_body(self) -> Vec<u8> {
        self.into_owner()
    }

    /// What it says.
    pub fn chat(&self) -> &ChatRequest<'_> {
        &self.borrow_dependent().chat
    }

    /// Whether any object in it has a field that Weir does not know, so that the body says more than [`Self::chat`].
    pub fn has_unknown(&self) -> bool {
        self.borrow_dependent().has_unknown
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
    let parsed = ParsedChat::try_new_or_recover(body, |body| read(body));
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

fn read(body: &[u8]) -> Result<Said<'_>, serde_json::Error> {
    let has_unknown = Cell::new(false);
    let mut deserializer = serde_json::Deserializer::from_str(json::text(body)?);
    let chat = unknown::deserialize(&mut deserializer, &has_unknown)?;
    deserializer.end()?;
    Ok(Said { chat, has_unknown: has_unknown.get() })
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
    use crate::chat::{Content, Part};
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
    fn what_is_not_utf8_is_refused_also_where_nobody_reads_it() {
        let mut body = br#"{"model":"m","messages":[{"role":"user","content":"x"}],"tomorrow":"?"}"#.to_vec();
        assert!(parse(body.clone()).is_ok());
        *body.iter_mut().find(|byte| **byte == b'?').unwrap() = 0xff;
        let error = parse(body).unwrap_err().error();
        assert!(error.status == 400 && error.message.contains("utf-8"), "{error:?}");
    }

    #[test]
    fn a_deep_nest_is_refused() {
        let nest = format!(r#"{{"model":"m","messages":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(parse(nest.into_bytes()).unwrap_err().error().status, 400);
    }

    #[test]
    fn plain_text_and_raw_values_are_borrowed_from_the_body() {
        let tools = r#"[{"type":"function","function":{"name":"f","parameters":{"type": "object"}}}]"#;
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"prompt"}},
            {{"role":"user","content":[{{"type":"text","text":"more"}}]}}],"stop":["x"],"tools":{tools}}}"#
        );
        let parsed = parse(body.into_bytes()).unwrap();
        let place = parsed.body().as_ptr_range();
        let mut texts = vec![parsed.chat().model.as_str()];
        for message in &parsed.chat().messages {
            texts.push(match message.content.as_ref().unwrap() {
                Content::Text(text) => text,
                Content::Parts(parts) => match &parts[0] {
                    Part::Text(text) => text,
                    other => panic!("{other:?}"),
                },
            });
        }
        let function = parsed.chat().tools.as_ref().unwrap()[0].function.as_ref().unwrap();
        texts.push(function.parameters.unwrap().get());
        assert_eq!(texts, ["m", "prompt", "more", r#"{"type": "object"}"#]);
        assert!(texts.iter().all(|text| place.contains(&text.as_ptr())), "{texts:?}");
    }

    #[test]
    fn an_unknown_field_is_noticed_wherever_it_stands() {
        let check = |fields: &str, expect: bool| {
            let messages = match fields.contains("messages") {
                true => "",
                false => r#""messages":[{"role":"user","content":"x"}],"#,
            };
            let body = format!(r#"{{"model":"m",{messages}{fields}}}"#);
            assert_eq!(parse(body.clone().into_bytes()).expect(&body).has_unknown(), expect, "{body}");
        };
        let known = [
            r#""stop":["a"],"logit_bias":{"5":{"deep":[{}]}},"metadata":{"a":"b"},"stream_options":{"include_usage":true}"#,
            r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"u","detail":"low"}},
                {"type":"text","text":"t","image_url":null},{"type":"file","file":{"file_id":"f"}}]},
                {"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"},
                "extra_content":{"google":{"thought_signature":"s"}}}]}]"#,
            r#""tools":[{"type":"function","function":{"name":"f","parameters":{"any":1},"strict":true}}],
                "tool_choice":{"type":"function","function":{"name":"f"}}"#,
            r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"any":1}}}"#,
        ];
        known.into_iter().for_each(|fields| check(fields, false));
        let unknown = [
            r#""top_k":5"#,
            r#""top_k":null"#,
            r#""stop":"a","stream_options":{"continuous_usage_stats":true}"#,
            r#""messages":[{"role":"user","content":"x","cache_control":{"type":"ephemeral"}}]"#,
            r#""messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{}}]}]"#,
            r#""messages":[{"role":"user","content":[{"type":"video_url","video_url":{"url":"u"}}]}]"#,
            r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"u","min_pixels":1}}]}]"#,
            r#""messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"f","x":1}}]}]"#,
            r#""messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"","format":"","x":1}}]}]"#,
            r#""messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"custom","custom":{"name":"c"}}]}]"#,
            r#""messages":[{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","x":1}}]}]"#,
            r#""messages":[{"role":"assistant","function_call":{"name":"f","arguments":"","x":1}}]"#,
            r#""tools":[{"type":"custom","custom":{"name":"c"}}]"#,
            r#""tools":[{"type":"function","function":{"name":"f","x":1}}]"#,
            r#""tool_choice":{"type":"function","function":{"name":"f","x":1}}"#,
            r#""tool_choice":{"type":"function","function":{"name":"f"},"x":1}"#,
            r#""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"custom":{"name":"c"}}]}}"#,
            r#""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[],"x":1}}"#,
            r#""tool_choice":{"type":"custom","custom":{"name":"c"}}"#,
            r#""response_format":{"type":"grammar","grammar":"g"}"#,
            r#""response_format":{"type":"json_schema","json_schema":{"name":"n","x":1}}"#,
        ];
        unknown.into_iter().for_each(|fields| check(fields, true));
    }
}
