//! What a request will cost in tokens, before anybody knows: from the size of its prompt and what the same target's
//! answers were like.

use crate::chat::Usage;

/// Until the first usage is known: four bytes a token (OpenAI's own rule of thumb for English), and a short answer.
const BYTES_PER_TOKEN: f64 = 4.0;
const OUTPUT: f64 = 256.0;
/// Weight of one more usage: about the last thirty count.
const WEIGHT: f64 = 0.1;

/// What one target's requests were like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    bytes_per_token: f64,
    output: Option<f64>,
}

impl Default for Estimate {
    fn default() -> Self {
        Self { bytes_per_token: BYTES_PER_TOKEN, output: None }
    }
}

/// What a request asks for, as far as its price goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes of text in the prompt, tools included.
    pub prompt_bytes: u64,
    /// The client's own limit on the output, for each choice.
    pub output_limit: Option<u64>,
    /// How many choices.
    pub choices: u64,
}

impl Size {
    /// Whether the request takes no tokens at all: it teaches nothing of those that do.
    pub(super) fn is_nothing(self) -> bool {
        self.prompt_bytes == 0 && self.output_limit == Some(0)
    }
}

impl Estimate {
    /// Tokens of a request, prompt and answer.
    pub(super) fn tokens(&self, size: Size) -> u64 {
        self.prompt(size.prompt_bytes).saturating_add(self.output(size))
    }

    /// Tokens of `bytes` of text; at least one.
    pub(super) fn prompt(&self, bytes: u64) -> u64 {
        whole(to_float(bytes) / self.bytes_per_token).max(1)
    }

    /// What the target usually answers, at most what the client allows; the client's limit while nothing is known.
    fn output(&self, size: Size) -> u64 {
        let each = match (self.output, size.output_limit) {
            (Some(usual), limit) => whole(usual).min(limit.unwrap_or(u64::MAX)),
            (None, Some(limit)) => limit,
            (None, None) => whole(OUTPUT),
        };
        each.saturating_mul(size.choices.max(1))
    }

    /// Learns from what a request really took.
    pub(super) fn learn(&mut self, size: Size, usage: &Usage) {
        if usage.prompt > 0 && size.prompt_bytes > 0 {
            // Bounded, so that one odd prompt (an image, a wall of symbols) does not rule.
            let ratio = (to_float(size.prompt_bytes) / to_float(usage.prompt)).clamp(0.25, 16.0);
            self.bytes_per_token += WEIGHT * (ratio - self.bytes_per_token);
        }
        if size.output_limit == Some(0) {
            // Nothing was to be written.
            return;
        }
        let each = to_float(usage.completion) / to_float(size.choices.max(1));
        let before = self.output.unwrap_or(each);
        self.output = Some(before + WEIGHT * (each - before));
    }
}

#[allow(clippy::cast_precision_loss, reason = "an estimate")]
fn to_float(number: u64) -> f64 {
    number as f64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
fn whole(number: f64) -> u64 {
    number.ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const SIZE: Size = Size { prompt_bytes: 400, output_limit: Some(1_000), choices: 1 };

    #[test]
    fn nothing_known_is_four_bytes_a_token_and_the_clients_limit() {
        let estimate = Estimate::default();
        assert_eq!(estimate.tokens(SIZE), 100 + 1_000);
        assert_eq!(estimate.tokens(Size { output_limit: None, ..SIZE }), 100 + 256);
        assert_eq!(estimate.tokens(Size { choices: 3, ..SIZE }), 100 + 3_000);
        assert_eq!(estimate.tokens(Size::default()), 1 + 256);
    }

    #[test]
    fn usage_teaches() {
        let mut estimate = Estimate::default();
        for _ in 0..60 {
            estimate.learn(SIZE, &Usage { prompt: 200, completion: 50, ..Usage::default() });
        }
        assert!((245..=255).contains(&estimate.tokens(SIZE)), "{}", estimate.tokens(SIZE));
        let short = Size { output_limit: Some(10), ..SIZE };
        assert!((205..=212).contains(&estimate.tokens(short)), "never over the client's limit");
    }

    #[test]
    fn odd_usage_does_no_harm() {
        let mut estimate = Estimate::default();
        for usage in [Usage::default(), Usage { prompt: u64::MAX, completion: u64::MAX, ..Usage::default() }] {
            estimate.learn(SIZE, &usage);
            estimate.learn(Size::default(), &usage);
        }
        assert!(estimate.tokens(SIZE) > 0);
    }
}
