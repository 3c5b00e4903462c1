//! How long a provider asks to be left alone (PROVIDERS E).

use crate::config::Millis;
use crate::headers::Headers;

/// From `retry-after-ms` (milliseconds), else `retry-after` (seconds); fractions allowed. None when neither says.
pub fn of(headers: &Headers) -> Option<Millis> {
    let number =
        |name| headers.text(name)?.trim().parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0);
    let millis = number("retry-after-ms").or_else(|| Some(number("retry-after")? * 1000.0))?;
    // A cast saturates: whatever a provider says is a number of milliseconds.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
    Some(Millis(millis.ceil() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn milliseconds_win_over_seconds() {
        let of = |list: &[(&str, &str)]| {
            let list =
                list.iter().map(|(name, value)| ((*name).to_owned().into(), value.as_bytes().to_vec())).collect();
            super::of(&Headers::decode(crate::headers::encode(&list)))
        };
        assert_eq!(of(&[("retry-after", "20")]), Some(Millis(20_000)));
        assert_eq!(of(&[("retry-after", "0.5"), ("retry-after-ms", "20.2")]), Some(Millis(21)));
        assert_eq!(of(&[("retry-after", "-1")]), None);
        assert_eq!(of(&[("retry-after", "1e300")]), Some(Millis(u64::MAX)));
        assert_eq!(of(&[("retry-after", "NaN")]), None);
        assert_eq!(of(&[]), None);
    }
}
