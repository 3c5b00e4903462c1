//! What is accepted, what is refused and with which words, and that nothing panics.

mod accepts;
#[cfg(not(target_arch = "wasm32"))]
mod anything;
mod refuses;
mod shared;
mod targets;
mod traffic;
mod warns;

use super::parse;
use expect_test::Expect;

/// The smallest useful file.
const SMALL: &str = r#"
providers:
  openai: { kind: openai,    api_key: $OPENAI_API_KEY }
  claude: { kind: anthropic, api_key: $ANTHROPIC_API_KEY }
  gemini: { kind: gemini,    api_key: $GEMINI_API_KEY }
models:
  smart: [openai/gpt-5.6, claude/claude-sonnet-5-5, gemini/gemini-3.8-flash]
"#;

/// Every problem and warning of `yaml`, one per line; `ok` if there is none.
fn check(yaml: &str, expected: Expect) {
    let lines: Vec<String> = match parse(yaml) {
        Ok((_, warnings)) => warnings.iter().map(|warning| format!("warning {warning}\n")).collect(),
        Err(problems) => problems.iter().map(|problem| format!("{problem}\n")).collect(),
    };
    expected.assert_eq(if lines.is_empty() { "ok\n".to_owned() } else { lines.concat() }.as_str());
}

/// Like [`check`], with `rest` after one provider and one model.
fn check_with(rest: &str, expected: Expect) {
    check(&with(rest), expected);
}

fn with(rest: &str) -> String {
    format!("providers: {{ a: {{ kind: openai, api_key: $K }} }}\nmodels: {{ m: [a/x] }}\n{rest}")
}
