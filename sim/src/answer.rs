//! The answer of a model, in no provider's words.

use crate::reply::ToolCall;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) reasoning: Option<String>,
    /// Empty if there are only tool calls.
    pub(crate) text: String,
    pub(crate) calls: Vec<ToolCall>,
    pub(crate) finish: Finish,
    /// The provider's own word for the finish, set through the control API.
    pub(crate) finish_override: Option<String>,
    /// `None` if the control API says that no usage is reported.
    pub(crate) usage: Option<Usage>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Finish {
    Stop,
    StopSequence(String),
    Length,
    ToolCalls,
}

/// Tokens. `cached` is a part of `prompt`, `reasoning` a part of `completion`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) prompt: u64,
    pub(crate) cached: u64,
    pub(crate) completion: u64,
    pub(crate) reasoning: u64,
}

impl Usage {
    pub(crate) fn total(self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }
}

/// The longest fragment in characters; longer words are split, as a tokenizer would.
const LONGEST_FRAGMENT: usize = 16;

/// The pieces in which a text is streamed, one per token: words with the space behind them. Together they are the text.
pub(crate) fn fragments(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ').flat_map(|word| Pieces { rest: word })
}

struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.char_indices().nth(LONGEST_FRAGMENT).map_or(self.rest.len(), |(index, _)| index);
        let (piece, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_are_words_and_together_the_text() {
        let text = "Hello dear reader, äöüäöüäöüäöüäöüäöü!";
        assert_eq!(fragments(text).collect::<String>(), text);
        assert_eq!(fragments(text).collect::<Vec<_>>(), ["Hello ", "dear ", "reader, ", "äöüäöüäöüäöüäöüä", "öü!"]);
        assert_eq!(fragments("").count(), 0);
    }
}
