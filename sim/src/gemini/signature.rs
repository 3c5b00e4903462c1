//! Thought signatures: opaque bytes in base64 that only their maker accepts back.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};

use crate::refusal::{Checked, Refusal};

/// The documented escape value: accepted in place of a signature that was lost, raw or in base64.
const SKIP: &str = "skip_thought_signature_validator";
const MARK: &[u8] = b"sim-thought:";

pub(super) fn sign(serial: u64) -> String {
    STANDARD.encode([MARK, serial.to_string().as_bytes()].concat())
}

/// Bytes in base64: Google reads both alphabets, with and without padding. Its Python SDK writes the one for URLs.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let engines = [&STANDARD, &URL_SAFE, &STANDARD_NO_PAD, &URL_SAFE_NO_PAD];
    engines.into_iter().find_map(|engine| engine.decode(text).ok())
}

pub(super) fn check(signature: &str) -> Checked {
    if signature == SKIP {
        return Ok(());
    }
    match decode(signature) {
        None => Err(Refusal::invalid("Invalid thought signature.")),
        Some(bytes) if bytes.starts_with(MARK) || bytes == SKIP.as_bytes() => Ok(()),
        Some(_) => Err(Refusal::invalid("Corrupted thought signature.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_signatures_and_the_escape_value_are_accepted_and_nothing_else() {
        assert_eq!(check(&sign(7)), Ok(()));
        assert_eq!(check(SKIP), Ok(()));
        assert_eq!(check(&STANDARD.encode(SKIP)), Ok(()));
        assert!(check("not base64!").is_err());
        assert!(check(&STANDARD.encode("another provider's")).is_err());
    }
}
