//! `POST /v1/responses`: what of a body Weir must know to pass it on, and how its streams word an error.

#![allow(unsafe_code, reason = "self_cell's generated code; ours has none")]

use crate::dialect::explain::{Document, Style, explain};
use crate::json::{self, Raw, Str};
use crate::refusal::{ErrorBody, Refusal};
use memchr::memmem;
use self_cell::self_cell;
use serde::Deserialize;
use serde_json::json as value;

self_cell!(
    /// A body and the request that borrows from it.
    pub struct ParsedResponse {
        owner: Vec<u8>,
        #[covariant]
        dependent: ResponseRequest,
    }

    impl {Debug}
);

/// What is read of a body. All else is the provider's to read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "an object")]
pub struct ResponseRequest<'a> {
    pub model: Str<'a>,
    pub stream: Option<bool>,
    #[serde(default, deserialize_with = "crate::json::count")]
    pub max_output_tokens: Option<u64>,
    background: Option<bool>,
    input: Option<Raw<'a>>,
    previous_response_id: Option<Raw<'a>>,
    conversation: Option<Raw<'a>>,
}

struct Body;

impl<'a> Document<'a> for Body {
    type Body = ResponseRequest<'a>;
}

/// What a picture or a file weighs among text, in bytes: about 800 tokens.
const MEDIA_BYTES: usize = 3_200;

impl ParsedResponse {
    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        self.borrow_owner()
    }

    /// What it says.
    pub fn request(&self) -> &ResponseRequest<'_> {
        self.borrow_dependent()
    }

    /// Whether the answer is to come in pieces.
    pub fn is_stream(&self) -> bool {
        self.request().stream == Some(true)
    }

    /// The field that points at something which one provider's account holds (PROVIDERS A.6): no other could go on from
    /// there.
    pub fn bound_to(&self) -> Option<&'static str> {
        let ResponseRequest { previous_response_id, conversation, input, .. } = self.request();
        // In a text the quotes would be escaped.
        let refers = |input: &Raw<'_>| memmem::find(input.get().as_bytes(), br#""item_reference""#).is_some();
        [
            ("previous_response_id", previous_response_id.is_some()),
            ("conversation", conversation.is_some()),
            ("input", input.as_ref().is_some_and(refers)),
        ]
        .into_iter()
        .find_map(|(name, is_bound)| is_bound.then_some(name))
    }

    /// Bytes of text in the body: what stands there as a data URL is taken for [`MEDIA_BYTES`], whatever its size.
    pub fn text_bytes(&self) -> u64 {
        let body = self.body();
        let mut text = body.len();
        for start in memmem::find_iter(body, br#""data:"#) {
            let rest = body.get(start.saturating_add(1)..).unwrap_or_default();
            let length = memchr::memchr(b'"', rest).unwrap_or(rest.len());
            text = text.saturating_sub(length).saturating_add(MEDIA_BYTES.min(length));
        }
        u64::try_from(text).unwrap_or(u64::MAX)
    }
}

/// Parses a body, once.
///
/// # Errors
/// [`Refusal::NotJson`], or [`Refusal::InvalidField`] with the path of the field.
pub fn parse(body: Vec<u8>) -> Result<ParsedResponse, Refusal> {
    if body.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        // serde would read an array as the fields in order.
        return Err(Refusal::NotJson { message: "expected an object".into() });
    }
    let parsed = ParsedResponse::try_new_or_recover(body, |body| json::parse(body));
    let parsed = parsed.map_err(|(body, error)| explain::<Body>(&body, &error, Style::Brackets))?;
    let invalid = |param: &str, message: &str| Refusal::InvalidField { param: param.into(), message: message.into() };
    if parsed.request().model.is_empty() {
        return Err(invalid("model", "it must not be empty"));
    }
    if parsed.request().background == Some(true) {
        return Err(invalid("background", "this gateway does not fetch answers that are made in the background"));
    }
    Ok(parsed)
}

/// Appends an error, which ends the stream; `number` is that of its event. It is said twice: in the words of the
/// Responses API, and in those that make the official SDKs raise (PROVIDERS C.5).
pub fn error_frame(error: &ErrorBody, number: u64, out: &mut Vec<u8>) {
    let (code, message) = (&error.code, &error.message);
    let value = value!({
        "type": "error", "sequence_number": number, "code": code, "message": message, "param": error.param,
        "error": { "message": message, "type": error.kind, "param": error.param, "code": code },
    });
    out.extend_from_slice(format!("event: error\ndata: {value}\n\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn parsed(fields: &str) -> ParsedResponse {
        parse(format!(r#"{{"model":"m",{fields}}}"#).into_bytes()).expect(fields)
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |body: &str, expect: Expect| {
            let error = parse(body.as_bytes().to_vec()).expect_err(body).error();
            expect.assert_eq(&format!("{} {:?} {}", error.status, error.param, error.message));
        };
        check("[]", expect!["400 None The request body is not valid JSON: expected an object"]);
        check(r#"{"input":"x"}"#, expect![[r#"400 Some("model") Invalid 'model': missing field `model`."#]]);
        check(r#"{"model":""}"#, expect![[r#"400 Some("model") Invalid 'model': it must not be empty."#]]);
        check(
            r#"{"model":"m","stream":"yes"}"#,
            expect![[r#"400 Some("stream") Invalid 'stream': invalid type: string "yes", expected a boolean."#]],
        );
        check(
            r#"{"model":"m","background":true}"#,
            expect![[
                r#"400 Some("background") Invalid 'background': this gateway does not fetch answers that are made in the background."#
            ]],
        );
    }

    #[test]
    fn what_one_account_holds_is_noticed() {
        for (fields, bound) in [
            (r#""input":"x","previous_response_id":null,"conversation":null,"background":false"#, None),
            (r#""previous_response_id":"resp_1""#, Some("previous_response_id")),
            (r#""conversation":{"id":"conv_1"}"#, Some("conversation")),
            (r#""input":[{"type": "item_reference", "id": "msg_1"}]"#, Some("input")),
            (r#""input":"say \"item_reference\"","tomorrow":"item_reference""#, None),
        ] {
            assert_eq!(parsed(fields).bound_to(), bound, "{fields}");
        }
    }

    #[test]
    fn a_picture_weighs_the_same_whatever_its_size() {
        let bytes =
            |picture: &str| parsed(&format!(r#""input":[{{"image_url":"{picture}"}},{{"text":"x"}}]"#)).text_bytes();
        let large = |size: usize| format!("data:image/png;base64,{}", "A".repeat(size));
        assert_eq!(bytes(&large(10_000)), bytes(&large(1_000_000)));
        assert_eq!(bytes(&large(10_000)), bytes("") + 3_200);
        assert_eq!(bytes("https://x"), bytes("") + 9);
    }
}
