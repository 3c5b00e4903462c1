//! Raw clients of the other two dialects: what they send, and what they read.

use crate::{CLAUDE, CLIENT_KEY, GEMINI, Gateway, Target, sse};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::time::Duration;

/// A dialect, and the way in which its client asks for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// `POST /v1/messages`.
    Messages,
    /// The same with `stream`.
    MessagesStream,
    /// `:generateContent`.
    Generate,
    /// `:streamGenerateContent?alt=sse`.
    GenerateStream,
    /// `:streamGenerateContent`, a JSON array.
    GenerateArray,
}

/// All of them.
pub const CLIENTS: [Client; 5] =
    [Client::Messages, Client::MessagesStream, Client::Generate, Client::GenerateStream, Client::GenerateArray];

/// What a client has read.
#[derive(Debug)]
pub struct Heard {
    client: Client,
    /// HTTP status.
    pub status: u16,
    /// Response headers.
    pub headers: HeaderMap,
    /// All that came.
    pub body: String,
    /// How the transfer broke; None if HTTP says that it is complete.
    pub broken: Option<String>,
}

impl Client {
    /// Whether it speaks Anthropic's dialect.
    pub fn is_anthropic(self) -> bool {
        matches!(self, Self::Messages | Self::MessagesStream)
    }

    /// Whether the answer comes in pieces.
    pub fn is_stream(self) -> bool {
        !matches!(self, Self::Messages | Self::Generate)
    }

    /// The target that speaks its dialect.
    pub fn own(self) -> Target {
        if self.is_anthropic() { CLAUDE } else { GEMINI }
    }

    /// A chat of one user message.
    pub fn chat(self, text: &str) -> Value {
        if self.is_anthropic() {
            json!({ "max_tokens": 500, "messages": [{ "role": "user", "content": text }] })
        } else {
            json!({ "contents": [{ "role": "user", "parts": [{ "text": text }] }] })
        }
    }

    /// A request still to be sent, as its SDK would: `body` for `model`.
    pub fn request(self, gateway: &Gateway, model: &str, mut body: Value) -> reqwest::RequestBuilder {
        let post = |path: &str| gateway.http.post(gateway.url(path)).timeout(Duration::from_secs(60));
        if self.is_anthropic() {
            body["model"] = model.into();
            if self.is_stream() {
                body["stream"] = true.into();
            }
            let request = post("/v1/messages").header("x-api-key", CLIENT_KEY);
            return request.header("anthropic-version", "2023-06-01").json(&body);
        }
        let (version, method) = match self {
            Self::GenerateStream => ("v1", "streamGenerateContent?alt=sse"),
            Self::GenerateArray => ("v1beta", "streamGenerateContent"),
            _ => ("v1beta", "generateContent"),
        };
        post(&format!("/{version}/models/{model}:{method}")).header("x-goog-api-key", CLIENT_KEY).json(&body)
    }

    /// Sends it and reads all that comes.
    pub async fn ask(self, gateway: &Gateway, model: &str, body: Value) -> Heard {
        self.hear(self.request(gateway, model, body)).await
    }

    /// Reads all that comes.
    pub async fn hear(self, request: reqwest::RequestBuilder) -> Heard {
        let mut response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut bytes = Vec::new();
        let broken = loop {
            match response.chunk().await {
                Ok(Some(piece)) => bytes.extend_from_slice(&piece),
                Ok(None) => break None,
                Err(error) => break Some(format!("{error:?}")),
            }
        };
        Heard { client: self, status, headers, body: String::from_utf8(bytes).expect("UTF-8"), broken }
    }
}

impl Heard {
    /// The only value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        sse::only(&self.headers, name)
    }

    /// What its SDK would read one after the other: the whole answer, or each event.
    ///
    /// # Panics
    /// If it is not framed as the dialect frames it.
    pub fn documents(&self) -> Vec<Value> {
        let parse = |text: &str| -> Value {
            serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON ({error}): {text:?} in {}", self.body))
        };
        let events = |end: &str| -> Vec<String> {
            let body = self.body.strip_suffix(end).unwrap_or_else(|| panic!("a half event: {:?}", self.body));
            body.split(end).map(str::to_owned).collect()
        };
        match self.client {
            _ if self.status != 200 && self.client != Client::GenerateArray => vec![parse(&self.body)],
            Client::Messages | Client::Generate => vec![parse(&self.body)],
            Client::MessagesStream => {
                let event = |event: String| {
                    let (name, data) = event.split_once("\ndata: ").unwrap_or_else(|| panic!("no event: {event:?}"));
                    let data = parse(data);
                    assert_eq!(name.strip_prefix("event: "), data["type"].as_str(), "its SDK goes by the name");
                    data
                };
                events("\n\n").into_iter().map(event).collect()
            }
            Client::GenerateStream => {
                let data = |event: String| parse(event.strip_prefix("data: ").unwrap_or(&event));
                events("\r\n\r\n").into_iter().map(data).collect()
            }
            Client::GenerateArray => match parse(&self.body) {
                Value::Array(list) => list,
                other => panic!("no array: {other}"),
            },
        }
    }

    /// The text that was said.
    pub fn text(&self) -> String {
        self.parts().iter().filter_map(|part| part["text"].as_str()).collect()
    }

    /// Blocks, deltas or parts, in order.
    fn parts(&self) -> Vec<Value> {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let parts = self.documents().into_iter().flat_map(|document| match self.client {
            Client::Messages => list(&document["content"]),
            Client::MessagesStream => ["content_block", "delta"].map(|key| document[key].clone()).to_vec(),
            _ => list(&document["candidates"][0]["content"]["parts"]),
        });
        parts.filter(Value::is_object).collect()
    }

    /// The model's message, as it goes back into the conversation.
    pub fn turn(&self) -> Value {
        match self.client {
            Client::Messages => json!({ "role": "assistant", "content": self.parts() }),
            Client::MessagesStream => {
                let mut blocks: Vec<Value> = Vec::new();
                let mut json = String::new();
                for event in self.documents() {
                    match event["type"].as_str().unwrap_or_default() {
                        "content_block_start" => blocks.push(event["content_block"].clone()),
                        "content_block_delta" => {
                            let block = blocks.last_mut().expect("a block before its delta");
                            json.push_str(event["delta"]["partial_json"].as_str().unwrap_or_default());
                            if let Some(piece) = event["delta"]["text"].as_str() {
                                block["text"] = format!("{}{piece}", block["text"].as_str().unwrap_or_default()).into();
                            }
                        }
                        "content_block_stop" if !json.is_empty() => {
                            let input = serde_json::from_str(&std::mem::take(&mut json)).expect("whole arguments");
                            blocks.last_mut().expect("a block")["input"] = input;
                        }
                        _ => {}
                    }
                }
                json!({ "role": "assistant", "content": blocks })
            }
            _ => json!({ "role": "model", "parts": self.parts() }),
        }
    }

    /// The only call of a tool: id, name and arguments.
    pub fn call(&self) -> Value {
        let turn = self.turn();
        if self.client.is_anthropic() {
            let blocks = turn["content"].as_array().expect("blocks").clone();
            let block = blocks.into_iter().find(|block| block["type"] == "tool_use").expect("a call");
            return json!({ "id": block["id"], "name": block["name"], "arguments": block["input"] });
        }
        let parts = turn["parts"].as_array().expect("parts").clone();
        let call = parts.into_iter().find_map(|part| part.get("functionCall").cloned()).expect("a call");
        json!({ "id": call["id"], "name": call["name"], "arguments": call["args"] })
    }

    /// Why it ended, in the dialect's own word.
    pub fn finish(&self) -> Option<String> {
        let reason = |document: &Value| match self.client {
            Client::Messages => document["stop_reason"].as_str().map(str::to_owned),
            Client::MessagesStream => document["delta"]["stop_reason"].as_str().map(str::to_owned),
            _ => document["candidates"][0]["finishReason"].as_str().map(str::to_owned),
        };
        self.documents().iter().rev().find_map(reason)
    }

    /// Tokens of prompt and answer, as its SDK would add them up.
    pub fn tokens(&self) -> (u64, u64) {
        let number = |value: &Value| value.as_u64();
        let mut tokens = (0, 0);
        for document in self.documents() {
            let (usage, names) = match self.client {
                Client::MessagesStream if document["type"] == "message_start" => {
                    (document["message"]["usage"].clone(), ["input_tokens", "output_tokens"])
                }
                _ if self.client.is_anthropic() => (document["usage"].clone(), ["input_tokens", "output_tokens"]),
                _ => (document["usageMetadata"].clone(), ["promptTokenCount", "candidatesTokenCount"]),
            };
            let [input, output] = names.map(|name| number(&usage[name]));
            tokens = (input.unwrap_or(tokens.0), output.unwrap_or(tokens.1));
        }
        tokens
    }

    /// The error that it raises on.
    pub fn error(&self) -> Option<Value> {
        self.documents().into_iter().find_map(|document| document.get("error").cloned())
    }

    /// Whether a client takes it for a complete answer.
    pub fn looks_complete(&self) -> bool {
        self.broken.is_none() && self.error().is_none()
    }

    /// Fails unless it is a whole answer, ended as the dialect ends one.
    pub fn assert_complete(&self, what: &str) {
        assert_eq!(self.status, 200, "{what}: {}", self.body);
        assert!(self.looks_complete(), "{what}: {:?} {}", self.broken, self.body);
        assert!(self.finish().is_some(), "{what}: no reason for the end: {}", self.body);
        if self.client == Client::MessagesStream {
            assert_eq!(self.documents().last().expect("events")["type"], "message_stop", "{what}");
        }
        let kind = match self.client {
            Client::Messages | Client::Generate | Client::GenerateArray => "application/json",
            Client::MessagesStream | Client::GenerateStream => "text/event-stream",
        };
        assert!(self.header("content-type").is_some_and(|value| value.starts_with(kind)), "{what}");
    }

    /// Fails unless it is an error of that status in the dialect's shape; gives its kind and its message.
    pub fn expect_error(&self, status: u16, what: &str) -> (String, String) {
        assert_eq!(self.status, status, "{what}: {}", self.body);
        assert_eq!(self.header("content-type"), Some("application/json"), "{what}");
        let [document] = self.documents().try_into().unwrap_or_else(|list| panic!("{what}: {list:?}"));
        let error = &document["error"];
        let kind = if self.client.is_anthropic() {
            assert_eq!(document["type"], "error", "{what}: {document}");
            assert!(self.header("request-id").is_some(), "{what}: its SDK finds no id");
            error["type"].as_str()
        } else {
            assert_eq!(error["code"], status, "{what}: {document}");
            error["status"].as_str()
        };
        let message = error["message"].as_str().filter(|message| !message.is_empty());
        (kind.expect("a kind of error").to_owned(), message.expect("a message").to_owned())
    }
}
