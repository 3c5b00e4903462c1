//! Chat requests in OpenAI's dialect.

use serde_json::{Value, json};

/// A chat of one user message.
pub fn chat(model: &str, text: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": text }] })
}

/// The same as a stream.
pub fn stream(model: &str, text: &str) -> Value {
    with(chat(model, text), json!({ "stream": true }))
}

/// `request` with `fields` set.
pub fn with(mut request: Value, fields: Value) -> Value {
    if let (Some(request), Value::Object(fields)) = (request.as_object_mut(), fields) {
        request.extend(fields);
    }
    request
}

/// A function that a model may call.
pub fn tool(name: &str) -> Value {
    json!({ "type": "function", "function": {
        "name": name,
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": { "city": { "type": "string" } },
            "required": ["city"],
        },
    } })
}
