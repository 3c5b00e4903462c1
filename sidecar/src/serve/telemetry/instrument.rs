//! The metrics of OpenTelemetry's conventions for generative AI: names, units and buckets.
//!
//! Released names: <https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/>; the next generation is that of
//! `open-telemetry/semantic-conventions-genai`.

/// Upper bounds of seconds.
const DURATIONS: &[f64] = &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const FIRST_TOKEN: &[f64] =
    &[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const PER_TOKEN: &[f64] = &[0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];
/// Upper bounds of tokens: the powers of 4.
const TOKENS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Metric {
    // What Weir saw of a provider, by the released names.
    OperationDuration,
    TokenUsage,
    TimeToFirstChunk,
    TimePerOutputChunk,
    // What Weir's client saw of Weir.
    RequestDuration,
    TimeToFirstToken,
    TimePerOutputToken,
    // What Weir saw of a provider, by the names of the next generation.
    InferenceDuration,
    InferenceTimeToFirstChunk,
    InferenceTimePerOutputChunk,
    OperationInputTokens,
    OperationOutputTokens,
    InputTokens,
    OutputTokens,
    CacheReadTokens,
    CacheWriteTokens,
    ReasoningTokens,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Tokens,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    /// By its buckets' upper bounds.
    Histogram(&'static [f64]),
    Counter,
}

impl Unit {
    /// As UCUM writes it.
    pub(super) fn ucum(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Tokens => "{token}",
        }
    }
}

impl Metric {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OperationDuration => "gen_ai.client.operation.duration",
            Self::TokenUsage => "gen_ai.client.token.usage",
            Self::TimeToFirstChunk => "gen_ai.client.operation.time_to_first_chunk",
            Self::TimePerOutputChunk => "gen_ai.client.operation.time_per_output_chunk",
            Self::RequestDuration => "gen_ai.server.request.duration",
            Self::TimeToFirstToken => "gen_ai.server.time_to_first_token",
            Self::TimePerOutputToken => "gen_ai.server.time_per_output_token",
            Self::InferenceDuration => "gen_ai.client.inference.duration",
            Self::InferenceTimeToFirstChunk => "gen_ai.client.inference.time_to_first_chunk",
            Self::InferenceTimePerOutputChunk => "gen_ai.client.inference.time_per_output_chunk",
            Self::OperationInputTokens => "gen_ai.client.inference.operation.input_tokens",
            Self::OperationOutputTokens => "gen_ai.client.inference.operation.output_tokens",
            Self::InputTokens => "gen_ai.client.inference.usage.input_tokens",
            Self::OutputTokens => "gen_ai.client.inference.usage.output_tokens",
            Self::CacheReadTokens => "gen_ai.client.inference.usage.cache_read.input_tokens",
            Self::CacheWriteTokens => "gen_ai.client.inference.usage.cache_write.input_tokens",
            Self::ReasoningTokens => "gen_ai.client.inference.usage.reasoning.output_tokens",
        }
    }

    pub(super) fn description(self) -> &'static str {
        match self {
            Self::OperationDuration | Self::InferenceDuration => "GenAI operation duration",
            Self::TokenUsage => "Number of input and output tokens used",
            Self::TimeToFirstChunk | Self::InferenceTimeToFirstChunk => "Time to receive the first chunk of a stream",
            Self::TimePerOutputChunk | Self::InferenceTimePerOutputChunk => {
                "Time between two chunks of a stream, after the first"
            }
            Self::RequestDuration => "Generative AI server request duration",
            Self::TimeToFirstToken => "Time to generate the first token of a successful streamed response",
            Self::TimePerOutputToken => "Time per output token after the first, of successful streamed responses",
            Self::OperationInputTokens => "Input tokens of an operation, cached ones included",
            Self::OperationOutputTokens => "Output tokens of an operation",
            Self::InputTokens => "Input tokens, cached ones included",
            Self::OutputTokens => "Output tokens",
            Self::CacheReadTokens => "Input tokens that the provider had cached",
            Self::CacheWriteTokens => "Input tokens that the provider cached",
            Self::ReasoningTokens => "Output tokens of reasoning",
        }
    }

    pub(super) fn unit(self) -> Unit {
        match self {
            Self::OperationDuration
            | Self::TimeToFirstChunk
            | Self::TimePerOutputChunk
            | Self::RequestDuration
            | Self::TimeToFirstToken
            | Self::TimePerOutputToken
            | Self::InferenceDuration
            | Self::InferenceTimeToFirstChunk
            | Self::InferenceTimePerOutputChunk => Unit::Seconds,
            Self::TokenUsage
            | Self::OperationInputTokens
            | Self::OperationOutputTokens
            | Self::InputTokens
            | Self::OutputTokens
            | Self::CacheReadTokens
            | Self::CacheWriteTokens
            | Self::ReasoningTokens => Unit::Tokens,
        }
    }

    pub(super) fn shape(self) -> Shape {
        match self {
            Self::OperationDuration
            | Self::TimeToFirstChunk
            | Self::TimePerOutputChunk
            | Self::RequestDuration
            | Self::InferenceDuration
            | Self::InferenceTimeToFirstChunk
            | Self::InferenceTimePerOutputChunk => Shape::Histogram(DURATIONS),
            Self::TimeToFirstToken => Shape::Histogram(FIRST_TOKEN),
            Self::TimePerOutputToken => Shape::Histogram(PER_TOKEN),
            Self::TokenUsage | Self::OperationInputTokens | Self::OperationOutputTokens => Shape::Histogram(TOKENS),
            Self::InputTokens
            | Self::OutputTokens
            | Self::CacheReadTokens
            | Self::CacheWriteTokens
            | Self::ReasoningTokens => Shape::Counter,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::wire::GAPS;

    #[test]
    fn the_filter_counts_gaps_in_the_buckets_of_durations() {
        assert_eq!(GAPS.map(|millis| millis as f64 / 1_000.0), DURATIONS);
    }
}
