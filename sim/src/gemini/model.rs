//! What depends on the Gemini model (docs of the provider, A.3 and A.5).

/// Major and minor version of `gemini-3.8-flash`; `None` for a name that carries none.
pub(super) fn version(model: &str) -> Option<(u32, u32)> {
    let rest = model.strip_prefix("gemini-")?;
    let number = rest.split('-').next()?;
    let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// From Gemini 3 on, function calls carry signatures that must come back.
pub(super) fn signs_calls(model: &str) -> bool {
    version(model).is_some_and(|version| version >= (3, 0))
}

/// `thinkingLevel` came with Gemini 3.
pub(super) fn has_thinking_level(model: &str) -> bool {
    signs_calls(model)
}

/// Only the flash models before 3.7 think as little as `minimal`.
pub(super) fn has_minimal_thinking(model: &str) -> bool {
    model.contains("flash") && version(model).is_some_and(|version| version < (3, 7))
}

/// The pro models cannot switch thinking off.
pub(super) fn always_thinks(model: &str) -> bool {
    model.contains("pro")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_names() {
        for (name, expected) in [
            ("gemini-3.8-flash", Some((3, 8))),
            ("gemini-4-argon", Some((4, 0))),
            ("gemini-2.5-pro", Some((2, 5))),
            ("gemini-embedding-001", None),
            ("gemma-3", None),
        ] {
            assert_eq!(version(name), expected, "{name}");
        }
        assert!(has_minimal_thinking("gemini-3-flash-preview") && !has_minimal_thinking("gemini-3.7-flash"));
    }
}
