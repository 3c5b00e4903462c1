//! What is told of requests besides stats, and to whom.

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
    /// Whether there is an access log.
    pub fn is_logged(&self) -> bool {
        self.access_log != "off"
    }
}
