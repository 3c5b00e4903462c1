//! The client's side of a stream, down to how it ended.

use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// No event of a test stream takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stream that was read to its end.
#[derive(Debug)]
pub struct Stream {
    /// HTTP status.
    pub status: u16,
    /// Response headers.
    pub headers: HeaderMap,
    /// The data of each event, `[DONE]` included.
    pub events: Vec<String>,
    /// How the transfer broke; None if HTTP says that it is complete.
    pub broken: Option<String>,
}

impl Stream {
    /// Reads all that comes.
    pub async fn read(response: Response) -> Self {
        let mut live = Live::new(response);
        let mut events = Vec::new();
        let broken = loop {
            match live.next().await {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        Self { status: live.status, headers: live.headers, events, broken }
    }

    /// The only value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        only(&self.headers, name)
    }

    /// Every event but `[DONE]`, as JSON.
    pub fn chunks(&self) -> Vec<Value> {
        let data = self.events.iter().filter(|event| *event != "[DONE]");
        data.map(|event| serde_json::from_str(event).unwrap_or_else(|error| panic!("no JSON ({error}): {event}")))
            .collect()
    }

    /// The text of all pieces.
    pub fn text(&self) -> String {
        let chunks = self.chunks();
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect()
    }

    /// The last finish reason.
    pub fn finish(&self) -> Option<String> {
        self.chunks().iter().rev().find_map(|chunk| Some(chunk["choices"][0]["finish_reason"].as_str()?.to_owned()))
    }

    /// The last usage.
    pub fn usage(&self) -> Option<Value> {
        self.chunks().into_iter().rev().find_map(|chunk| Some(chunk.get("usage")?.clone()).filter(Value::is_object))
    }

    /// The error that came within the stream.
    pub fn error(&self) -> Option<Value> {
        self.chunks().into_iter().find_map(|chunk| chunk.get("error").cloned())
    }

    /// Whether a client takes it for a complete answer.
    pub fn looks_complete(&self) -> bool {
        self.broken.is_none() && self.error().is_none()
    }

    /// Fails unless it is a whole answer, ended as OpenAI ends one.
    pub fn assert_complete(&self, what: &str) {
        assert_eq!(self.status, 200, "{what}: {:?}", self.events);
        assert!(self.looks_complete(), "{what}: {:?} {:?}", self.broken, self.error());
        assert_eq!(self.events.last().map(String::as_str), Some("[DONE]"), "{what}");
        assert_eq!(self.events.iter().filter(|event| *event == "[DONE]").count(), 1, "{what}");
        assert!(self.finish().is_some(), "{what}: no finish reason");
    }
}

/// A stream under way. Dropping it leaves.
pub struct Live {
    /// HTTP status.
    pub status: u16,
    /// Response headers.
    pub headers: HeaderMap,
    response: Response,
    buffer: Vec<u8>,
}

impl Live {
    /// A stream of which nothing is read yet.
    pub fn new(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, response, buffer: Vec::new() }
    }

    /// The data of the next event; None at an orderly end.
    ///
    /// # Errors
    /// How the transfer broke.
    ///
    /// # Panics
    /// If nothing comes for a long time, or a frame is not as OpenAI writes it.
    pub async fn next(&mut self) -> Result<Option<String>, String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let rest = self.buffer.split_off(end + 2);
                let frame = String::from_utf8(std::mem::replace(&mut self.buffer, rest)).expect("UTF-8");
                if frame.starts_with(':') {
                    continue;
                }
                let data =
                    frame.trim_end().strip_prefix("data: ").unwrap_or_else(|| panic!("no data frame: {frame:?}"));
                return Ok(Some(data.to_owned()));
            }
            match timeout(PATIENCE, self.response.chunk()).await.expect("an event or an end") {
                Ok(Some(bytes)) => self.buffer.extend_from_slice(&bytes),
                Ok(None) if self.buffer.is_empty() => return Ok(None),
                Ok(None) => {
                    panic!("{}: the stream ends within a frame: {}", self.status, String::from_utf8_lossy(&self.buffer))
                }
                Err(error) => return Err(format!("{error:?}")),
            }
        }
    }

    /// Reads on until the first event with text.
    pub async fn first_text(&mut self) -> String {
        loop {
            let event = self.next().await.expect("no break").expect("text before the end");
            let text = serde_json::from_str::<Value>(&event).ok();
            let text = text.and_then(|chunk| Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned()));
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                return text;
            }
        }
    }
}

pub(crate) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    assert!(values.next().is_none(), "the header {name} stands there twice");
    first.to_str().ok()
}
