//! What is told of requests besides stats, and to whom.

use super::{BaseUrl, url};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telemetry {
    /// Base URL of an OTLP/HTTP collector. None: there are no traces.
    pub otlp: Option<String>,
    /// How many of 100 requests are traced that do not say themselves whether they are.
    pub trace_percent: u32,
    /// `stdout`, `stderr`, `off`, or a path.
    pub access_log: String,
}

impl Telemetry {
    /// Where the collector is.
    pub fn collector(&self) -> Option<BaseUrl> {
        url::base_url(self.otlp.as_deref()?).ok()
    }

    /// Whether requests have spans.
    pub fn is_traced(&self) -> bool {
        self.otlp.is_some()
    }

    /// Whether anybody reads what is said of a request.
    pub fn is_noted(&self) -> bool {
        self.is_traced() || self.access_log != "off"
    }
}
