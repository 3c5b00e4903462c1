//! `POST /v1/embeddings`: a request out of a body, and an answer out of vectors.

#![allow(unsafe_code, reason = "self_cell's generated code; ours has none")]

use crate::dialect::explain::{Document, Style, explain};
use crate::embedding::{EmbeddingsRequest, Input};
use crate::json;
use crate::refusal::Refusal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use self_cell::self_cell;

self_cell!(
    /// A body and the request that borrows from it.
    pub struct ParsedEmbeddings {
        owner: Vec<u8>,
        #[covariant]
        dependent: EmbeddingsRequest,
    }

    impl {Debug}
);

impl ParsedEmbeddings {
    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        self.borrow_owner()
    }

    /// What it says.
    pub fn request(&self) -> &EmbeddingsRequest<'_> {
        self.borrow_dependent()
    }
}

struct Body;

impl<'a> Document<'a> for Body {
    type Body = EmbeddingsRequest<'a>;
}

/// Parses a body, once.
///
/// # Errors
/// [`Refusal::NotJson`], or [`Refusal::InvalidField`] with the path of the field.
pub fn parse(body: Vec<u8>) -> Result<ParsedEmbeddings, Refusal> {
    if body.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        // serde would read an array as the fields in order.
        return Err(Refusal::NotJson { message: "expected an object".into() });
    }
    let parsed = ParsedEmbeddings::try_new_or_recover(body, |body| json::parse(body));
    let parsed = parsed.map_err(|(body, error)| explain::<Body>(&body, &error, Style::Brackets))?;
    let EmbeddingsRequest { model, input, dimensions, .. } = parsed.request();
    let invalid = |param: &str, message: &str| Refusal::InvalidField { param: param.into(), message: message.into() };
    if model.is_empty() {
        return Err(invalid("model", "it must not be empty"));
    }
    if input.count() == 0 || matches!(input, Input::Tokens(tokens) if tokens.is_empty()) {
        return Err(invalid("input", "it must not be empty"));
    }
    if *dimensions == Some(0) {
        return Err(invalid("dimensions", "it must be at least 1"));
    }
    Ok(parsed)
}

/// How a client wants its vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Float,
    /// Of little-endian 32-bit floats.
    Base64,
}

impl Encoding {
    /// None: one that Weir does not know.
    pub(crate) fn of(request: &EmbeddingsRequest<'_>) -> Option<Self> {
        match request.encoding_format.as_deref() {
            None | Some("float") => Some(Self::Float),
            Some("base64") => Some(Self::Base64),
            Some(_) => None,
        }
    }
}

/// The answer to `request` by `model`: a vector for each input, in order, that took `tokens`.
pub fn write(request: &EmbeddingsRequest<'_>, model: &str, vectors: &[Vec<f32>], tokens: u64) -> Vec<u8> {
    let encoding = Encoding::of(request).unwrap_or(Encoding::Float);
    let mut out = br#"{"object":"list","data":["#.to_vec();
    for (index, vector) in vectors.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(format!(r#"{{"object":"embedding","index":{index},"embedding":"#).as_bytes());
        match encoding {
            // Writing to memory does not fail.
            Encoding::Float => drop(serde_json::to_writer(&mut out, vector)),
            Encoding::Base64 => {
                let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
                out.push(b'"');
                out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
                out.push(b'"');
            }
        }
        out.push(b'}');
    }
    out.extend_from_slice(br#"],"model":"#);
    drop(serde_json::to_writer(&mut out, model));
    out.extend_from_slice(format!(r#","usage":{{"prompt_tokens":{tokens},"total_tokens":{tokens}}}}}"#).as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(body: &str, expect: Expect) {
        let error = parse(body.as_bytes().to_vec()).expect_err(body).error();
        expect.assert_eq(&format!("{} {:?} {}", error.status, error.param, error.message));
    }

    #[test]
    fn what_is_wrong_is_named() {
        check("[]", expect!["400 None The request body is not valid JSON: expected an object"]);
        check(r#"{"input": "x"}"#, expect![[r#"400 Some("model") Invalid 'model': missing field `model`."#]]);
        check(r#"{"model": "m"}"#, expect![[r#"400 Some("input") Invalid 'input': missing field `input`."#]]);
        check(
            r#"{"model": "", "input": "x"}"#,
            expect![[r#"400 Some("model") Invalid 'model': it must not be empty."#]],
        );
        check(
            r#"{"model": "m", "input": []}"#,
            expect![[r#"400 Some("input") Invalid 'input': it must not be empty."#]],
        );
        check(
            r#"{"model": "m", "input": ["x", 1]}"#,
            expect![[
                r#"400 Some("input") Invalid 'input': expected a string, or an array of strings, of token ids or of arrays of token ids."#
            ]],
        );
        check(
            r#"{"model": "m", "input": "x", "dimensions": 0}"#,
            expect![[r#"400 Some("dimensions") Invalid 'dimensions': it must be at least 1."#]],
        );
        check(
            r#"{"model": "m", "input": "x", "dimensions": "many"}"#,
            expect![[
                r#"400 Some("dimensions") Invalid 'dimensions': invalid type: string "many", expected a whole number."#
            ]],
        );
    }

    #[test]
    fn each_form_of_input_is_counted_and_weighed() {
        for (input, count, bytes) in
            [(r#""four""#, 1, 4), (r#"["four", "five!"]"#, 2, 9), ("[1, 2, 3]", 1, 12), ("[[1, 2], [3]]", 2, 12)]
        {
            let parsed = parse(format!(r#"{{"model":"m","input":{input},"tomorrow":1}}"#).into_bytes()).unwrap();
            assert_eq!((parsed.request().input.count(), parsed.request().input.bytes()), (count, bytes), "{input}");
        }
    }

    #[test]
    fn both_encodings_say_the_same() {
        let written = |format: &str| {
            let parsed = parse(format!(r#"{{"model":"m","input":["a","b"]{format}}}"#).into_bytes()).unwrap();
            let text = write(parsed.request(), "e-1", &[vec![0.5, -1.0], vec![0.25]], 3);
            String::from_utf8(text).unwrap()
        };
        let answer = |first: &str, second: &str| {
            format!(
                r#"{{"object":"list","data":[{{"object":"embedding","index":0,"embedding":{first}}},{{"object":"embedding","index":1,"embedding":{second}}}],"model":"e-1","usage":{{"prompt_tokens":3,"total_tokens":3}}}}"#
            )
        };
        let floats = answer("[0.5,-1.0]", "[0.25]");
        assert_eq!(written(""), floats);
        assert_eq!(written(r#","encoding_format":"float""#), floats);
        assert_eq!(written(r#","encoding_format":"base64""#), answer(r#""AAAAPwAAgL8=""#, r#""AACAPg==""#));
    }
}
