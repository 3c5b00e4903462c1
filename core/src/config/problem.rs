//! What is wrong with a file, and where: collected, so that one run tells all of it.

use std::fmt;

/// One thing wrong with a file. Displays as `12:5: providers.openai.kind: unknown kind`; the caller, who knows the
/// file's name, puts it in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Keys from the root, joined by dots; list items by number. Empty for the file as a whole.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub message: String,
}

/// Something a reader of the file should know, although it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning(pub Problem);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a value stands in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// Collects what reading and resolving find.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
}

impl Findings {
    pub(super) fn problem(&mut self, place: &Place, message: impl Into<String>) {
        self.problems.push(at(place, message.into()));
    }

    pub(super) fn warn(&mut self, place: &Place, message: impl Into<String>) {
        self.warnings.push(Warning(at(place, message.into())));
    }

    /// In the order of the file, whatever the order in which they were found.
    pub(super) fn sorted(mut self) -> (Vec<Warning>, Vec<Problem>) {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.warnings.sort_by_key(|warning| (warning.0.line, warning.0.column));
        (self.warnings, self.problems)
    }
}

fn at(place: &Place, message: String) -> Problem {
    Problem { path: place.path.clone(), line: place.line, column: place.column, message }
}
