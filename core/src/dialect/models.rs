//! `GET /v1/models` and `GET /v1/models/{model}`, in the form of the SDK that asks: all three call the same path (PROVIDERS 0.4, A.6).

use super::Dialect;
use serde_json::{Value, json};

/// What is told of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelCard<'a> {
    pub id: &'a str,
    pub max_input_tokens: Option<u64>,
    pub max_output_tokens: Option<u64>,
}

impl Dialect {
    /// Who asks for the models: told by the headers that only one SDK sends, or by the path, query and all, that only
    /// Gemini's has.
    pub fn of_models_request(path: &str, has_header: impl Fn(&str) -> bool) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let has_key = query.split('&').any(|pair| pair.starts_with("key="));
        if has_header("anthropic-version") {
            Dialect::Anthropic
        } else if path.starts_with("/v1beta/") || has_header("x-goog-api-key") || has_key {
            Dialect::Gemini
        } else {
            Dialect::OpenAi
        }
    }

    /// The list of models, as JSON; all on one page.
    pub fn models(self, list: &[ModelCard<'_>]) -> Vec<u8> {
        let id = |card: Option<&ModelCard<'_>>| card.map(|card| card.id.to_owned());
        let value = match self {
            Dialect::OpenAi => json!({ "object": "list", "data": list.iter().map(openai).collect::<Vec<_>>() }),
            Dialect::Anthropic => json!({
                "data": list.iter().map(anthropic).collect::<Vec<_>>(),
                "has_more": false,
                "first_id": id(list.first()),
                "last_id": id(list.last()),
            }),
            Dialect::Gemini => json!({ "models": list.iter().map(gemini).collect::<Vec<_>>() }),
        };
        serde_json::to_vec(&value).unwrap_or_default()
    }

    /// One model, as JSON.
    pub fn model(self, card: &ModelCard<'_>) -> Vec<u8> {
        let value = match self {
            Dialect::OpenAi => openai(card),
            Dialect::Anthropic => anthropic(card),
            Dialect::Gemini => gemini(card),
        };
        serde_json::to_vec(&value).unwrap_or_default()
    }
}

/// The model of `/v1/models/{model}`, which has no query; None for other paths.
pub fn model_of_path(path: &str) -> Option<String> {
    let model = ["/v1beta/models/", "/v1/models/"].into_iter().find_map(|start| path.strip_prefix(start))?;
    super::gemini::decode(model).filter(|model| !model.is_empty())
}

fn openai(card: &ModelCard<'_>) -> Value {
    json!({ "id": card.id, "object": "model", "created": 0, "owned_by": "weir" })
}

/// A date is required, and there is none of a name that stands for several models.
fn anthropic(card: &ModelCard<'_>) -> Value {
    json!({
        "type": "model",
        "id": card.id,
        "display_name": card.id,
        "created_at": "1970-01-01T00:00:00Z",
        "max_input_tokens": card.max_input_tokens,
        "max_tokens": card.max_output_tokens,
    })
}

fn gemini(card: &ModelCard<'_>) -> Value {
    let mut value = json!({
        "name": format!("models/{}", card.id),
        "displayName": card.id,
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent"],
    });
    if let Value::Object(fields) = &mut value {
        let limits = [("inputTokenLimit", card.max_input_tokens), ("outputTokenLimit", card.max_output_tokens)];
        fields.extend(limits.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), limit?.into()))));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(dialect: Dialect, expect: Expect) {
        let list = [
            ModelCard { id: "smart", max_input_tokens: Some(1000), max_output_tokens: Some(100) },
            ModelCard { id: "quick", max_input_tokens: None, max_output_tokens: None },
        ];
        let value: Value = serde_json::from_slice(&dialect.models(&list)).unwrap();
        expect.assert_eq(&serde_json::to_string_pretty(&value).unwrap());
    }

    #[test]
    fn each_sdk_gets_its_own_list() {
        check(
            Dialect::OpenAi,
            expect![[r#"
            {
              "data": [
                {
                  "created": 0,
                  "id": "smart",
                  "object": "model",
                  "owned_by": "weir"
                },
                {
                  "created": 0,
                  "id": "quick",
                  "object": "model",
                  "owned_by": "weir"
                }
              ],
              "object": "list"
            }"#]],
        );
        check(
            Dialect::Anthropic,
            expect![[r#"
            {
              "data": [
                {
                  "created_at": "1970-01-01T00:00:00Z",
                  "display_name": "smart",
                  "id": "smart",
                  "max_input_tokens": 1000,
                  "max_tokens": 100,
                  "type": "model"
                },
                {
                  "created_at": "1970-01-01T00:00:00Z",
                  "display_name": "quick",
                  "id": "quick",
                  "max_input_tokens": null,
                  "max_tokens": null,
                  "type": "model"
                }
              ],
              "first_id": "smart",
              "has_more": false,
              "last_id": "quick"
            }"#]],
        );
        check(
            Dialect::Gemini,
            expect![[r#"
            {
              "models": [
                {
                  "displayName": "smart",
                  "inputTokenLimit": 1000,
                  "name": "models/smart",
                  "outputTokenLimit": 100,
                  "supportedGenerationMethods": [
                    "generateContent",
                    "streamGenerateContent"
                  ]
                },
                {
                  "displayName": "quick",
                  "name": "models/quick",
                  "supportedGenerationMethods": [
                    "generateContent",
                    "streamGenerateContent"
                  ]
                }
              ]
            }"#]],
        );
    }

    #[test]
    fn no_models_are_an_empty_list() {
        let text = |dialect: Dialect| String::from_utf8(dialect.models(&[])).unwrap();
        assert_eq!(text(Dialect::OpenAi), r#"{"data":[],"object":"list"}"#);
        assert_eq!(text(Dialect::Anthropic), r#"{"data":[],"first_id":null,"has_more":false,"last_id":null}"#);
        assert_eq!(text(Dialect::Gemini), r#"{"models":[]}"#);
    }

    #[test]
    fn who_asks_is_told_by_what_only_one_sdk_sends() {
        let of = |path: &str, header: &str| Dialect::of_models_request(path, |name| name == header);
        assert_eq!(of("/v1/models", "authorization"), Dialect::OpenAi);
        assert_eq!(of("/v1/models", "x-api-key"), Dialect::OpenAi);
        assert_eq!(of("/v1/models?limit=20", "anthropic-version"), Dialect::Anthropic);
        assert_eq!(of("/v1/models", "x-goog-api-key"), Dialect::Gemini);
        assert_eq!(of("/v1/models?pageSize=5&key=k", ""), Dialect::Gemini);
        assert_eq!(of("/v1beta/models", ""), Dialect::Gemini);
    }
}
