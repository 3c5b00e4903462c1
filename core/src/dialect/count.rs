//! A chat whose tokens are to be counted: `/v1/messages/count_tokens` and Gemini's `:countTokens` (PROVIDERS F).

use super::explain::{Style, part};
use super::{Dialect, Request, anthropic, gemini};
use crate::json::{Fields, Raw};
use crate::refusal::Refusal;
use serde_json::json;
use serde_json::value::to_raw_value;

/// Of which chat, known by the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CountForm {
    Messages,
    Contents { model: String },
}

/// A request that was read.
#[derive(Debug)]
pub struct Counted {
    request: Request,
    /// It stood in Gemini's `generateContentRequest`.
    is_wrapped: bool,
}

const WRAPPER: &str = "generateContentRequest";

impl Counted {
    /// Parses a body, once.
    ///
    /// # Errors
    /// [`Refusal::NotJson`], or [`Refusal::InvalidField`] with the path of the field.
    pub fn parse(form: &CountForm, body: Vec<u8>) -> Result<Self, Refusal> {
        let model = match form {
            CountForm::Messages => {
                let request = Request::Anthropic(anthropic::parse_count(body)?);
                return Ok(Self { request, is_wrapped: false });
            }
            CountForm::Contents { model } => model,
        };
        let call = gemini::Call { model: model.clone(), mode: gemini::Mode::Whole };
        let inner = wrapped(&body).map(|inner| inner.get().as_bytes().to_vec());
        let is_wrapped = inner.is_some();
        if let Some(inner) = inner.as_deref().filter(|inner| !inner.starts_with(b"{")) {
            let inner = std::str::from_utf8(inner).unwrap_or_default();
            return Err(part::<Fields<'_>>(inner, WRAPPER, Style::Brackets)
                .err()
                .unwrap_or(Refusal::NotJson { message: "expected an object".into() }));
        }
        let request = gemini::parse(inner.unwrap_or(body), &call)?;
        Ok(Self { request: Request::Gemini(request, call.mode), is_wrapped })
    }

    /// The chat.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The body for a provider of its own kind.
    pub fn relayed(&self, model: &str) -> Vec<u8> {
        let body = self.request.relayed(model);
        if !self.is_wrapped {
            return body;
        }
        // There the model is named in the body too, and must be the path's.
        let Ok(name) = to_raw_value(&format!("models/{}", model.strip_prefix("models/").unwrap_or(model))) else {
            return body;
        };
        let Ok(Fields(mut fields)) = serde_json::from_slice(&body) else { return body };
        fields.retain(|(field, _)| field.as_str() != "model");
        fields.push(("model".into(), Raw(&name)));
        // Writing to memory does not fail, and no map has keys that are not strings.
        let Ok(inner) = to_raw_value(&Fields(fields)) else { return body };
        serde_json::to_vec(&Fields(vec![(WRAPPER.into(), Raw(&inner))])).unwrap_or(body)
    }

    /// The answer, if `tokens` are all that is known.
    pub fn write(&self, tokens: u64) -> Vec<u8> {
        let value = match self.request.dialect() {
            Dialect::Gemini => json!({ "totalTokens": tokens }),
            Dialect::Anthropic | Dialect::OpenAi => json!({ "input_tokens": tokens }),
        };
        serde_json::to_vec(&value).unwrap_or_default()
    }
}

/// The whole request that a body of Gemini's holds instead of contents, in either casing.
fn wrapped(body: &[u8]) -> Option<Raw<'_>> {
    let Fields(fields) = serde_json::from_slice(body).ok()?;
    let is_wrapper = |name: &str| name == WRAPPER || name == "generate_content_request";
    fields.into_iter().find(|(name, value)| is_wrapper(name) && value.get() != "null").map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn contents(body: &str) -> Result<Counted, Refusal> {
        Counted::parse(&CountForm::Contents { model: "smart".into() }, body.as_bytes().to_vec())
    }

    #[test]
    fn a_message_needs_no_limit_to_be_counted() {
        let body = r#"{"model":"smart","messages":[{"role":"user","content":"Hi"}],"tomorrow":1}"#;
        let counted = Counted::parse(&CountForm::Messages, body.as_bytes().to_vec()).unwrap();
        assert_eq!(String::from_utf8(counted.relayed("claude")).unwrap(), body.replace("smart", "claude"));
        assert_eq!(counted.write(7), br#"{"input_tokens":7}"#);
        assert!(anthropic::parse(body.as_bytes().to_vec()).is_err(), "to be answered it does");
    }

    #[test]
    fn contents_go_on_as_they_came_and_a_whole_request_with_the_targets_name() {
        let body = r#"{ "contents": [{"role":"user","parts":[{"text":"Hi"}]}] }"#;
        assert_eq!(String::from_utf8(contents(body).unwrap().relayed("g")).unwrap(), body);
        for wrapper in ["generateContentRequest", "generate_content_request"] {
            let body = r#"{"WRAPPER":{"model":"models/smart","contents":[{"parts":[{"text":"Hi"}]}],"tomorrow":1}}"#;
            let counted = contents(&body.replace("WRAPPER", wrapper)).unwrap();
            let expect = r#"{"generateContentRequest":{"contents":[{"parts":[{"text":"Hi"}]}],"tomorrow":1,"model":"models/g"}}"#;
            assert_eq!(String::from_utf8(counted.relayed("g")).unwrap(), expect);
            assert_eq!(counted.request().chat().model.as_str(), "smart", "the path's");
            assert_eq!(counted.write(7), br#"{"totalTokens":7}"#);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, param) in [
            (r#"{"generateContentRequest":"x"}"#, Some("generateContentRequest")),
            (r#"{"generateContentRequest":{"contents":7}}"#, Some("contents")),
            ("{}", Some("contents")),
            ("[]", None),
        ] {
            assert_eq!(contents(body).unwrap_err().error().param.as_deref(), param, "{body}");
        }
    }
}
