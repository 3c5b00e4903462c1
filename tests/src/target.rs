//! The three targets that every promise is held against.

use weir_sim::{ANTHROPIC_KEY, GEMINI_KEY, OPENAI_KEY, Provider};

/// A provider as the harness configures it, and one of its models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The simulated provider.
    pub provider: Provider,
    /// Its name in `weir.yaml`.
    pub name: &'static str,
    /// One of its models.
    pub model: &'static str,
    /// The variable that holds its credential.
    pub variable: &'static str,
    /// Its credential.
    pub key: &'static str,
    /// Events of a stream before the first one with text.
    pub preamble: u32,
}

/// OpenAI.
pub const OPENAI: Target = Target {
    provider: Provider::OpenAi,
    name: "openai",
    model: "gpt-5.6",
    variable: "OPENAI_API_KEY",
    key: OPENAI_KEY,
    preamble: 1,
};
/// Anthropic.
pub const CLAUDE: Target = Target {
    provider: Provider::Anthropic,
    name: "claude",
    model: "claude-sonnet-5-5",
    variable: "ANTHROPIC_API_KEY",
    key: ANTHROPIC_KEY,
    preamble: 3,
};
/// Google.
pub const GEMINI: Target = Target {
    provider: Provider::Gemini,
    name: "gemini",
    model: "gemini-3.8-flash",
    variable: "GEMINI_API_KEY",
    key: GEMINI_KEY,
    preamble: 0,
};
/// All three, in the order of the model `smart`.
pub const TARGETS: [Target; 3] = [OPENAI, CLAUDE, GEMINI];

impl Target {
    /// `provider/model`, which addresses it directly.
    pub fn address(self) -> String {
        format!("{}/{}", self.name, self.model)
    }

    /// How an answer of its simulator begins.
    pub fn greeting(self) -> String {
        format!("Hello from {} at {}.", self.model, self.provider)
    }
}
