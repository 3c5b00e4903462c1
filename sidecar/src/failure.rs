//! How a command fails, and with which exit code.

use std::fmt::Display;
use std::process::ExitCode;

/// Ends the command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The configuration or the command line is wrong: exit code 2. Whole lines, ready to print.
    Config(String),
    /// It was right and did not work: exit code 1.
    Runtime(String),
}

/// The result of a command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// A runtime failure, causes included.
    pub(crate) fn runtime(error: impl Display) -> Self {
        Self::Runtime(format!("{error:#}"))
    }

    /// Tells the user, and what the process exits with.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Config(lines) => {
                eprintln!("{}", lines.trim_end());
                ExitCode::from(2)
            }
            Self::Runtime(reason) => {
                eprintln!("weir: {}", reason.trim_end());
                ExitCode::from(1)
            }
        }
    }
}
