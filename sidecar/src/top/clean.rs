//! Names come from configurations, and from whatever answers at an address: none may steer the terminal.

use serde_json::Value;

/// Stands for a character that is not shown.
const REPLACED: char = '\u{fffd}';
/// Of one name, in characters.
const LONGEST: usize = 500;

/// `text` without control characters, and without those that have no width or turn the order of others around.
pub(super) fn clean(text: &str) -> String {
    text.chars().take(LONGEST).map(|char| if is_shown(char) { char } else { REPLACED }).collect()
}

/// Cleans all strings of a JSON value.
pub(super) fn clean_all(value: &mut Value) {
    match value {
        Value::String(text) => *text = clean(text),
        Value::Array(items) => items.iter_mut().for_each(clean_all),
        Value::Object(fields) => fields.values_mut().for_each(clean_all),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_shown(char: char) -> bool {
    let has_no_width = matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    let turns_around = matches!(char, '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}');
    !char.is_control() && !has_no_width && !turns_around
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_replaced() {
        assert_eq!(clean("\u{1b}[2J\u{9b}1m\r\nopenai\u{7}"), "\u{fffd}[2J\u{fffd}1m\u{fffd}\u{fffd}openai\u{fffd}");
        assert_eq!(clean("a\u{202e}b\u{200b}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(clean("größe-模型"), "größe-模型");
        assert_eq!(clean(&"x".repeat(10_000)).len(), LONGEST);
    }

    #[test]
    fn no_string_of_a_value_is_left_out() {
        let mut value = serde_json::json!({ "a": "\u{1b}", "b": ["\u{7}", { "c": "\n" }], "d": 1 });
        clean_all(&mut value);
        let text = value.to_string();
        assert_eq!(text.matches(REPLACED).count(), 3, "{text}");
    }
}
