//! Standard output: what a command answers, apart from what it reports.

use std::io::Write;

/// Writes a line and flushes it. A reader that has gone away is no failure.
pub(crate) fn say(line: impl std::fmt::Display) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
