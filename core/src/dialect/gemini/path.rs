//! `/v1beta/models/{model}:streamGenerateContent?alt=sse`: Gemini's clients say in the path which model shall answer, and
//! how (PROVIDERS F).

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// As configured, or `provider/model`; never empty.
    pub model: String,
    pub mode: Mode,
}

/// How the answer shall come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// `:generateContent`.
    Whole,
    /// `:streamGenerateContent?alt=sse`.
    Sse,
    /// `:streamGenerateContent` without it: one JSON array, element by element.
    Array,
}

impl Mode {
    /// Whether the answer comes in pieces.
    pub fn is_stream(self) -> bool {
        self != Mode::Whole
    }

    /// The content type of the answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Mode::Sse => "text/event-stream",
            Mode::Whole | Mode::Array => "application/json",
        }
    }
}

impl Call {
    /// Whether a path names a method of a model, served here or not, as only Gemini's do.
    pub fn is_method(path: &str) -> bool {
        let methods = ["generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"];
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        split(path).is_some_and(|(_, method)| methods.contains(&method))
    }

    /// Reads a request's `:path`, query and all, in version `v1` or `v1beta`. None for what is no such call.
    pub fn parse(path: &str) -> Option<Self> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (model, method) = method(path)?;
        let is_sse = query.split('&').any(|pair| pair == "alt=sse" || pair == "%24alt=sse" || pair == "$alt=sse");
        let mode = match (method, is_sse) {
            ("generateContent", _) => Mode::Whole,
            ("streamGenerateContent", true) => Mode::Sse,
            ("streamGenerateContent", false) => Mode::Array,
            _ => return None,
        };
        Some(Self { model, mode })
    }

    /// The model whose tokens a request's `:path` asks to be counted.
    pub fn counted(path: &str) -> Option<String> {
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        method(path).filter(|(_, method)| *method == "countTokens").map(|(model, _)| model)
    }
}

/// The model, never empty, and the method that a path without its query names.
fn method(path: &str) -> Option<(String, &str)> {
    let rest = ["/v1beta/models/", "/v1/models/"].into_iter().find_map(|start| path.strip_prefix(start))?;
    let (model, method) = split(rest)?;
    Some((decode(model).filter(|model| !model.is_empty())?, method))
}

/// A model and a method. Some clients encode the colon between them too.
fn split(rest: &str) -> Option<(&str, &str)> {
    rest.rsplit_once(':').or_else(|| rest.rsplit_once("%3A")).or_else(|| rest.rsplit_once("%3a"))
}

/// Percent-decoding; None for what is not UTF-8 then, or badly encoded.
pub(in crate::dialect) fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit()?, digit()?);
        out.push(high.checked_mul(16)?.checked_add(low)?);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(path: &str, expect: Option<(&str, Mode)>) {
        let call = Call::parse(path).map(|call| (call.model, call.mode));
        assert_eq!(call, expect.map(|(model, mode)| (model.to_owned(), mode)), "{path}");
    }

    #[test]
    fn both_versions_and_all_three_ways_to_answer() {
        check("/v1/models/smart:generateContent", Some(("smart", Mode::Whole)));
        check("/v1beta/models/smart:streamGenerateContent?alt=sse", Some(("smart", Mode::Sse)));
        check("/v1beta/models/smart:streamGenerateContent?key=k&alt=sse", Some(("smart", Mode::Sse)));
        check("/v1/models/smart:streamGenerateContent?alt=json", Some(("smart", Mode::Array)));
        check("/v1/models/smart:streamGenerateContent", Some(("smart", Mode::Array)));
    }

    #[test]
    fn a_model_may_be_a_target_with_a_tag() {
        let target = Some(("openai/org/model:tag", Mode::Whole));
        check("/v1/models/openai/org/model:tag:generateContent", target);
        check("/v1/models/openai%2Forg%2fmodel%3Atag:generateContent", target);
        check("/v1/models/openai/org/model%3Atag%3AgenerateContent", target);
    }

    #[test]
    fn anything_else_is_no_call() {
        for path in [
            "",
            "/v1/models",
            "/v1/models/smart",
            "/v1/models/:generateContent",
            "/v1/models/smart:countTokens",
            "/v2/models/smart:generateContent",
            "/v1/models/%zz:generateContent",
            "/v1/models/%f:generateContent",
            "/v1/models/%ff:generateContent",
            "/v1/models/é%:generateContent",
        ] {
            check(path, None);
        }
    }
}
