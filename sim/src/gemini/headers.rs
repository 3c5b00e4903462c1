//! Gemini's response headers: no rate limits, no request id (docs of the provider, E).

use hyper::{
    HeaderMap,
    header::{HeaderValue, SERVER, VARY, X_CONTENT_TYPE_OPTIONS},
};

use crate::dialect::Facts;

pub(crate) fn write(headers: &mut HeaderMap, facts: &Facts<'_>) {
    headers.insert(SERVER, HeaderValue::from_static("scaffolding on HTTPServer2"));
    headers.insert(VARY, HeaderValue::from_static("Origin"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(timing) = HeaderValue::try_from(format!("gfet4t7; dur={}", facts.elapsed.as_millis())) {
        headers.insert("server-timing", timing);
    }
}
