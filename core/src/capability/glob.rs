//! Model ids against the patterns of a table.

use crate::civil;

/// Whether `pattern`, in which `*` stands for any text, matches `model` or `model` without its release date.
pub(crate) fn matches(pattern: &str, model: &str) -> bool {
    wildcard(pattern, model) || wildcard(pattern, undated(model))
}

/// `claude-haiku-4-5-20251001`, `claude-haiku-4-5@20251001` and `claude-haiku-4-5-latest` are `claude-haiku-4-5`, and
/// `gpt-4o-mini-2024-07-18` is `gpt-4o-mini`.
fn undated(model: &str) -> &str {
    if let Some((name, date)) = model.len().checked_sub(11).and_then(|at| model.split_at_checked(at))
        && let Some(date) = date.strip_prefix('-')
        && civil::timestamp(date).is_some()
    {
        return name;
    }
    match model.rsplit_once(['-', '@']) {
        Some((name, "latest")) => name,
        Some((name, date)) if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => model,
    }
}

fn wildcard(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut rest) = text.strip_prefix(head) else {
        return false;
    };
    let mut pieces = tail.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece).and_then(|at| rest.get(at.saturating_add(piece.len())..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::matches;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_star_is_any_text_and_a_date_is_not_part_of_the_name() {
        for (pattern, model, expect) in [
            ("claude-opus-5", "claude-opus-5", true),
            ("claude-opus-5", "claude-opus-5-5", false),
            ("claude-opus-5", "claude-opus-5-20260401", true),
            ("claude-opus-5", "claude-opus-5@20260401", true),
            ("claude-opus-5", "claude-opus-5-latest", true),
            ("claude-opus-5", "claude-opus-5-2026041", false),
            ("gpt-4o-mini", "gpt-4o-mini-2024-07-18", true),
            ("gpt-4o", "gpt-4o-mini-2024-07-18", false),
            ("gpt-4o-mini", "gpt-4o-mini-2024-13-18", false),
            ("gemini-2.5-flash*", "gemini-2.5-flash", true),
            ("gemini-2.5-flash*", "gemini-2.5-flash-lite-001", true),
            ("*-flash", "gemini-9-flash", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "a--c", false),
            ("a*a", "a", false),
            ("*", "", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, model), expect, "{pattern} on {model}");
        }
    }
}
