//! `batchEmbedContents`: texts in, vectors out (PROVIDERS A.6). It says nothing of tokens.

use crate::dialect::openai::Encoding;
use crate::embedding::{EmbeddingsRequest, Input};
use crate::failure::{Class, Failure};
use crate::json::Str;
use crate::provider::Unsupported;
use serde::{Deserialize, Serialize};

/// The API's bound on requests of one batch.
const MOST_TEXTS: usize = 100;

/// What goes out.
#[derive(Clone, Debug, PartialEq)]
pub struct Request<'a> {
    texts: &'a [Str<'a>],
    model: String,
    dimensions: Option<u64>,
    /// Parameters of the client's that have no place there.
    pub dropped: Vec<&'static str>,
}

#[derive(Serialize)]
struct Batch<'a> {
    requests: Vec<One<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct One<'a> {
    model: &'a str,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u64>,
}

#[derive(Serialize)]
struct Content<'a> {
    parts: [Part<'a>; 1],
}

#[derive(Serialize)]
struct Part<'a> {
    text: &'a str,
}

/// `request` for `model`.
///
/// # Errors
/// Token ids, more texts than one batch takes, an empty text, or an unknown encoding.
pub fn translate<'a>(request: &'a EmbeddingsRequest<'a>, model: &str) -> Result<Request<'a>, Unsupported> {
    let EmbeddingsRequest { model: _, input, dimensions, encoding_format: _, user } = request;
    let texts = match input {
        Input::Text(text) => std::slice::from_ref(text),
        Input::Texts(texts) => texts.as_slice(),
        Input::Tokens(_) | Input::TokenLists(_) => {
            return Err(Unsupported::new("input", "token ids mean nothing to this provider; send the texts"));
        }
    };
    if texts.len() > MOST_TEXTS {
        let message = format!("this provider embeds at most {MOST_TEXTS} texts at once");
        return Err(Unsupported::new("input", message));
    }
    if let Some(index) = texts.iter().position(|text| text.is_empty()) {
        let param = if matches!(input, Input::Text(_)) { "input".to_owned() } else { format!("input[{index}]") };
        return Err(Unsupported::new(param, "the text must not be empty"));
    }
    if Encoding::of(request).is_none() {
        return Err(Unsupported::new("encoding_format", "it must be `float` or `base64`"));
    }
    let model = format!("models/{}", model.strip_prefix("models/").unwrap_or(model));
    let dropped = if user.is_some() { vec!["user"] } else { Vec::new() };
    Ok(Request { texts, model, dimensions: *dimensions, dropped })
}

impl Request<'_> {
    /// The body.
    pub fn write(&self) -> Vec<u8> {
        let requests = self.texts.iter().map(|text| One {
            model: &self.model,
            content: Content { parts: [Part { text }] },
            output_dimensionality: self.dimensions,
        });
        // Writing to memory does not fail, and no map has keys that are not strings.
        serde_json::to_vec(&Batch { requests: requests.collect() }).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Answer {
    embeddings: Vec<Embedding>,
}

#[derive(Deserialize)]
struct Embedding {
    values: Vec<f32>,
}

/// The vectors of a 2xx answer to a batch of `count` texts.
///
/// # Errors
/// Another number of vectors, an empty one, or no such answer.
pub fn read(body: &[u8], count: usize) -> Result<Vec<Vec<f32>>, Failure> {
    let unreadable = |why: &str| Failure::plain(Class::Unreadable, None, why);
    let answer: Answer = serde_json::from_slice(body).map_err(|_| unreadable("the answer holds no embeddings"))?;
    let vectors: Vec<Vec<f32>> = answer.embeddings.into_iter().map(|embedding| embedding.values).collect();
    if vectors.len() != count || vectors.iter().any(Vec::is_empty) {
        return Err(unreadable("the answer does not have an embedding for each input"));
    }
    Ok(vectors)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(fields: &str, expect: Result<&str, (&str, &str)>) {
        let body = format!(r#"{{"model":"m",{fields}}}"#);
        let request: EmbeddingsRequest<'_> = serde_json::from_str(&body).unwrap();
        let written = translate(&request, "models/e").map(|request| String::from_utf8(request.write()).unwrap());
        let written = written.as_deref().map_err(|refused| (refused.param.as_str(), refused.message.as_str()));
        assert_eq!(written, expect, "{body}");
    }

    #[test]
    fn texts_become_a_batch() {
        check(r#""input":"a""#, Ok(r#"{"requests":[{"model":"models/e","content":{"parts":[{"text":"a"}]}}]}"#));
        check(
            r#""input":["a","\u00e4"],"dimensions":256,"encoding_format":"base64""#,
            Ok(
                r#"{"requests":[{"model":"models/e","content":{"parts":[{"text":"a"}]},"outputDimensionality":256},{"model":"models/e","content":{"parts":[{"text":"ä"}]},"outputDimensionality":256}]}"#,
            ),
        );
    }

    #[test]
    fn what_it_cannot_embed_is_named() {
        let tokens = Err(("input", "token ids mean nothing to this provider; send the texts"));
        check(r#""input":[1,2]"#, tokens);
        check(r#""input":[[1],[2]]"#, tokens);
        let texts = vec![r#""x""#; MOST_TEXTS + 1].join(",");
        check(&format!(r#""input":[{texts}]"#), Err(("input", "this provider embeds at most 100 texts at once")));
        check(r#""input":"""#, Err(("input", "the text must not be empty")));
        check(r#""input":["a",""]"#, Err(("input[1]", "the text must not be empty")));
        let encoding = Err(("encoding_format", "it must be `float` or `base64`"));
        check(r#""input":"a","encoding_format":"int8""#, encoding);
    }

    #[test]
    fn an_answer_has_a_vector_for_each_text() {
        let body = r#"{"embeddings":[{"values":[0.5,-1]},{"values":[2e-1],"tomorrow":1}]}"#;
        assert_eq!(read(body.as_bytes(), 2).unwrap(), [vec![0.5, -1.0], vec![0.2]]);
        let empty = r#"{"embeddings":[{"values":[]}]}"#;
        for (body, count) in [(body, 1), (body, 3), (empty, 1), ("{}", 0), ("[]", 1), ("<html>", 1)] {
            assert_eq!(read(body.as_bytes(), count).unwrap_err().class, Class::Unreadable, "{body}");
        }
    }
}
