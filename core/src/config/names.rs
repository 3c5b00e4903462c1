//! What the names in a file may look like. They become cluster names, metric labels and header values.

/// `[a-z0-9][a-z0-9_-]*`, and nothing that Weir itself names a cluster.
pub(super) fn provider(name: &str) -> Result<(), &'static str> {
    if name == "sidecar" || name.starts_with("chain") {
        return Err("is reserved: Weir names clusters of its own so");
    }
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let holds = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b));
    fits(starts && holds, name, "a provider's name is a-z, 0-9, - and _, and starts with a letter or a digit")
}

/// `[A-Za-z0-9._:-]+`: no slash, because `provider/model` addresses a target.
pub(super) fn model(name: &str) -> Result<(), &'static str> {
    let holds = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b));
    fits(holds, name, "a model's name is letters, digits and . _ : - (provider/model addresses a target directly)")
}

/// `[A-Za-z0-9._-]+`.
pub(super) fn tenant(name: &str) -> Result<(), &'static str> {
    let holds = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    fits(holds, name, "a tenant's name is letters, digits and . _ -")
}

/// `provider/model`; the provider's own model id may hold further slashes and colons.
pub(super) fn target(text: &str) -> Option<(&str, &str)> {
    let (provider, model) = text.split_once('/')?;
    let sane = !provider.is_empty()
        && !model.is_empty()
        && model.len() <= 256
        && model.bytes().all(|byte| byte.is_ascii_graphic())
        // These would change the meaning of the path that a Gemini request is sent to.
        && !model.contains(['?', '#', '%', '\\'])
        && !model.split('/').any(|segment| matches!(segment, "" | "." | ".."));
    sane.then_some((provider, model))
}

/// The name in `$NAME` or `${NAME}`.
pub(super) fn env_reference(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let name = match name.strip_prefix('{') {
        Some(name) => name.strip_suffix('}')?,
        None => name,
    };
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let holds = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (starts && holds && name.len() <= 128).then_some(name)
}

fn fits(holds: bool, name: &str, rule: &'static str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("a name must not be empty");
    }
    if name.len() > 64 {
        return Err("a name is at most 64 characters long");
    }
    if holds { Ok(()) } else { Err(rule) }
}
