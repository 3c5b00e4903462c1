//! What each Claude model accepts (docs of the provider, A.5).

/// The capabilities of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// Accepts `temperature`, `top_p`, `top_k`.
    pub(super) sampling: bool,
    pub(super) thinking: Thinking,
    /// Accepts a forced `tool_choice`.
    pub(super) forced_tool: bool,
    /// Continues a trailing assistant message.
    pub(super) prefill: bool,
    /// Accepts `role: system` after a user turn.
    pub(super) system_turns: bool,
    pub(super) efforts: &'static [&'static str],
    /// Most output tokens.
    pub(super) max_output: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    /// `enabled` with a budget.
    Legacy,
    /// `enabled` and `adaptive`.
    Both,
    Adaptive,
    /// `adaptive` that cannot be disabled.
    Always,
}

impl Thinking {
    pub(super) fn legacy(self) -> bool {
        matches!(self, Self::Legacy | Self::Both)
    }

    pub(super) fn adaptive(self) -> bool {
        self != Self::Legacy
    }
}

const TO_HIGH: &[&str] = &["low", "medium", "high"];
const TO_HIGH_MAX: &[&str] = &["low", "medium", "high", "max"];
const ALL: &[&str] = &["low", "medium", "high", "xhigh", "max"];

const CLASSIC: Capabilities = Capabilities {
    sampling: true,
    thinking: Thinking::Legacy,
    forced_tool: true,
    prefill: true,
    system_turns: false,
    efforts: &[],
    max_output: 64_000,
};
const OPUS_4_5: Capabilities = Capabilities { efforts: TO_HIGH, ..CLASSIC };
const V4_6: Capabilities =
    Capabilities { thinking: Thinking::Both, prefill: false, efforts: TO_HIGH_MAX, max_output: 128_000, ..CLASSIC };
const OPUS_4_7: Capabilities = Capabilities { sampling: false, thinking: Thinking::Adaptive, efforts: ALL, ..V4_6 };
const V5: Capabilities = Capabilities { system_turns: true, ..OPUS_4_7 };
const ALWAYS: Capabilities = Capabilities { thinking: Thinking::Always, ..V5 };
const UNFORCED: Capabilities = Capabilities { forced_tool: false, ..ALWAYS };

/// By name without `claude-`; a dated snapshot (`sonnet-4-5-20250929`) follows its model.
const MODELS: &[(&str, Capabilities)] = &[
    ("haiku-4-5", CLASSIC),
    ("sonnet-4-5", CLASSIC),
    ("opus-4-5", OPUS_4_5),
    ("sonnet-4-6", V4_6),
    ("opus-4-6", V4_6),
    ("opus-4-7", OPUS_4_7),
    ("opus-4-8", V5),
    ("opus-5", V5),
    ("sonnet-5", V5),
    ("haiku-5-5", V5),
    ("sonnet-5-5", UNFORCED),
    ("opus-5-5", UNFORCED),
    ("fable-5-1", UNFORCED),
    ("mythos-5-1", UNFORCED),
    ("fable-5", ALWAYS),
    ("mythos-5", ALWAYS),
];

/// A model that the table does not know is treated like the oldest it does.
pub(super) fn capabilities(model: &str) -> Capabilities {
    let name = model.strip_prefix("claude-").unwrap_or(model);
    let is = |known: &str| {
        name.strip_prefix(known).is_some_and(|rest| match rest.strip_prefix('-') {
            None => rest.is_empty(),
            // A short number behind the name is another version: `opus-5-5` is no snapshot of `opus-5`.
            Some(rest) => rest == "latest" || (rest.len() >= 8 && rest.bytes().all(|b| b.is_ascii_digit())),
        })
    };
    MODELS.iter().find(|(known, _)| is(known)).map_or(CLASSIC, |(_, capabilities)| *capabilities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_not_taken_for_a_snapshot() {
        assert_eq!(capabilities("claude-opus-5"), V5);
        assert_eq!(capabilities("claude-opus-5-5"), UNFORCED);
        assert_eq!(capabilities("claude-opus-5-5-20261001"), UNFORCED);
        assert_eq!(capabilities("claude-sonnet-4-5-20250929"), CLASSIC);
        assert_eq!(capabilities("claude-fable-5"), ALWAYS);
        assert_eq!(capabilities("something-else"), CLASSIC);
    }
}
