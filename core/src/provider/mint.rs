//! Ids that a provider did not give, or gave in a form that another does not take.

use crate::chance::{self, Chance, mix};
use std::borrow::Cow;

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// `call_` and 24 letters and digits, as OpenAI's ids look; the same for the same `seed` and `index`.
pub(super) fn call_id(seed: u64, choice: u32, index: u32) -> String {
    let place = (u64::from(choice) << 32) | u64::from(index);
    let mut chance = Chance::new(mix(seed ^ mix(place)));
    let mut id = String::with_capacity(29);
    id.push_str("call_");
    for _ in 0..24 {
        let letter = usize::try_from(chance.draw() % 62).ok().and_then(|at| ALPHABET.get(at)).copied();
        id.push(char::from(letter.unwrap_or(b'A')));
    }
    id
}

/// `id` in the characters that Anthropic takes, `[a-zA-Z0-9_-]`. Two ids that differ stay different: one that had to
/// be changed carries a hash of what it was. The same id gives the same text, in the call and in its result.
pub(super) fn plain_id(id: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !id.is_empty() && id.chars().all(is_plain) {
        return Cow::Borrowed(id);
    }
    let hash = chance::seed(id);
    let mut text: String = id.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    text.push_str(&format!("_{hash:016x}"));
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_minted_id_has_openai_form_and_depends_on_seed_choice_and_index() {
        let id = call_id(7, 0, 0);
        assert_eq!(id.len(), 29);
        assert!(id.strip_prefix("call_").unwrap().chars().all(|c| c.is_ascii_alphanumeric()), "{id}");
        assert_eq!(id, call_id(7, 0, 0));
        for other in [call_id(8, 0, 0), call_id(7, 1, 0), call_id(7, 0, 1)] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn ids_that_differ_stay_different() {
        assert_eq!(plain_id("call_Az-9"), "call_Az-9");
        assert_eq!(plain_id("a.b"), plain_id("a.b"));
        assert_ne!(plain_id("a.b"), plain_id("a:b"));
        assert_ne!(plain_id(""), "");
        assert!(plain_id("functions.f:0/ü").chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)));
    }
}
