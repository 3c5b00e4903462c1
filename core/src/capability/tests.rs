use super::*;
use crate::config::Kind;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn of(kind: Kind, model: &str) -> Capabilities {
    Table::builtin().unwrap().of(kind, model)
}

fn claude(model: &str) -> Capabilities {
    of(Kind::Anthropic, model)
}

#[test]
fn the_builtin_table_parses() {
    Table::builtin().unwrap();
}

#[test]
fn a_row_with_an_unknown_field_is_an_error() {
    let error = Table::parse(r#"{"open_ai":{"default":{"thinkng":"none"},"models":[]}}"#).unwrap_err();
    assert!(error.contains("thinkng"), "{error}");
}

#[test]
fn a_dated_id_is_the_model_it_dates() {
    assert_eq!(claude("claude-haiku-4-5-20251001"), claude("claude-haiku-4-5"));
    assert_eq!(claude("claude-sonnet-4-20250514").max_output_tokens, Some(64_000));
    assert_eq!(claude("claude-opus-4-20250514").max_output_tokens, Some(32_000));
    assert_eq!(claude("claude-opus-4-5-20251101").efforts.nearest(Effort::Max), Some(Effort::High));
}

#[test]
fn the_claude_generations_differ_as_their_table_says() {
    let old = claude("claude-haiku-4-5");
    assert_eq!((old.sampling, old.thinking, old.prefill), (Sampling::Accepted, Thinking::Budget, true));
    let middle = claude("claude-opus-4-6");
    assert_eq!((middle.thinking, middle.prefill), (Thinking::BudgetOrAdaptive, false));
    assert!(middle.efforts.has(Effort::Max) && !middle.efforts.has(Effort::Xhigh));
    let opus5 = claude("claude-opus-5");
    assert_eq!((opus5.sampling, opus5.forced_tool_choice, opus5.thinking_off), (Sampling::Refused, true, true));
    let opus55 = claude("claude-opus-5-5");
    assert_eq!((opus55.forced_tool_choice, opus55.thinking_off), (false, false));
    let fable5 = claude("claude-fable-5");
    assert_eq!((fable5.forced_tool_choice, fable5.thinking_off), (true, false));
}

#[test]
fn an_unknown_model_is_read_tolerantly() {
    let next = claude("claude-opus-9");
    assert_eq!((next.sampling, next.forced_tool_choice, next.prefill), (Sampling::Refused, true, true));
    let other = claude("kimi-k3");
    assert_eq!(
        (other.sampling, other.thinking, other.max_output_tokens),
        (Sampling::Accepted, Thinking::None, Some(8192))
    );
    let gemini = of(Kind::Gemini, "gemini-5-krypton");
    assert_eq!((gemini.thinking, gemini.thought_signatures), (Thinking::Level, true));
}

#[test]
fn gemini_thinks_by_budget_before_3_and_by_level_after() {
    let flash = of(Kind::Gemini, "gemini-2.5-flash");
    assert_eq!((flash.thinking, flash.thinking_off, flash.thought_signatures), (Thinking::Budget, true, false));
    assert!(!of(Kind::Gemini, "models/gemini-2.5-pro").thinking_off);
    assert_eq!(of(Kind::Gemini, "gemini-3-flash").efforts.least(), Some(Effort::Minimal));
    assert_eq!(of(Kind::Gemini, "gemini-3.8-flash").efforts.least(), Some(Effort::Low));
    assert_eq!(of(Kind::Gemini, "gemini-3.8-flash").sampling, Sampling::Ignored);
    assert_eq!(of(Kind::Gemini, "gemini-3.1-pro").efforts.least(), Some(Effort::Low));
    assert_eq!(of(Kind::Gemini, "gemini-2.0-flash").thinking, Thinking::None);
}
