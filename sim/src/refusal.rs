//! What a provider refuses, before its own error shape is put around it.

use std::{borrow::Cow, time::Duration};

/// A refusal in no provider's shape. `openai::error`, `anthropic::error` and `gemini::error` render it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
    /// OpenAI and Anthropic `type`, Gemini `status`. `None` means what the status implies.
    pub(crate) error_type: Option<Cow<'static, str>>,
    /// OpenAI `code`, Anthropic `details.error_code`, Gemini `ErrorInfo.reason`.
    pub(crate) code: Option<Cow<'static, str>>,
    /// OpenAI `param`, Gemini `BadRequest.fieldViolations[].field`.
    pub(crate) param: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    /// How `retry_after` is written: whole seconds, or milliseconds in `retry-after-ms` too.
    pub(crate) retry_in_ms: bool,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            error_type: None,
            code: None,
            param: None,
            retry_after: None,
            retry_in_ms: false,
        }
    }

    /// A 400 about the request itself.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    pub(crate) fn with_type(mut self, error_type: impl Into<Cow<'static, str>>) -> Self {
        self.error_type = Some(error_type.into());
        self
    }

    pub(crate) fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    pub(crate) fn with_param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }
}

/// What a check answers.
pub(crate) type Checked<T = ()> = Result<T, Refusal>;
