//! How hard a model shall think, in OpenAI's words.

use serde::Deserialize;

/// The levels above `none`, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

impl Effort {
    /// All, least first.
    pub const ALL: [Effort; 6] =
        [Effort::Minimal, Effort::Low, Effort::Medium, Effort::High, Effort::Xhigh, Effort::Max];

    /// The level of that name; `none` is not one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.as_str() == word)
    }

    /// As it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Effort::Minimal => "minimal",
            Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
            Effort::Xhigh => "xhigh",
            Effort::Max => "max",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Effort::Minimal => 1,
            Effort::Low => 2,
            Effort::Medium => 4,
            Effort::High => 8,
            Effort::Xhigh => 16,
            Effort::Max => 32,
        }
    }
}

/// A set of levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Efforts(u8);

impl Efforts {
    /// Whether the set holds `effort`.
    pub fn has(self, effort: Effort) -> bool {
        self.0 & effort.bit() != 0
    }

    /// The least level of the set.
    pub fn least(self) -> Option<Effort> {
        Effort::ALL.into_iter().find(|effort| self.has(*effort))
    }

    /// The greatest level of the set up to `asked`, or its least: never more than asked for if that can be had.
    pub fn nearest(self, asked: Effort) -> Option<Effort> {
        Effort::ALL.into_iter().rev().find(|effort| *effort <= asked && self.has(*effort)).or_else(|| self.least())
    }
}

impl FromIterator<Effort> for Efforts {
    fn from_iter<I: IntoIterator<Item = Effort>>(efforts: I) -> Self {
        Self(efforts.into_iter().fold(0, |bits, effort| bits | effort.bit()))
    }
}
