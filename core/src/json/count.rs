//! Whole numbers that may be written with a fraction of nothing: `200.0`, as OpenAI takes them.

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use std::fmt;

/// A count; None if it is null.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let Some(Number(number)) = Option::deserialize(deserializer)? else { return Ok(None) };
    let negative = || i64::try_from(number).map_or(Unexpected::Other("a negative number"), Unexpected::Signed);
    u64::try_from(number).map(Some).map_err(|_| D::Error::invalid_value(negative(), &"a whole number from 0"))
}

/// A whole number; None if it is null.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(Number(number)) = Option::deserialize(deserializer)? else { return Ok(None) };
    let large = || u64::try_from(number).map_or(Unexpected::Other("a large number"), Unexpected::Unsigned);
    i64::try_from(number).map(Some).map_err(|_| D::Error::invalid_value(large(), &"a whole number of 64 bits"))
}

/// Of either sign.
struct Number(i128);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;

        impl Visitor<'_> for Whole {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number.into()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number.into()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
                // As far as a double counts one by one.
                if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 {
                    #[expect(clippy::cast_possible_truncation, reason = "a whole number in range")]
                    return Ok(Number(number as i128));
                }
                Err(E::invalid_type(Unexpected::Float(number), &self))
            }
        }

        deserializer.deserialize_any(Whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "count")]
        count: Option<u64>,
        #[serde(default, deserialize_with = "whole")]
        whole: Option<i64>,
    }

    fn read(json: &str) -> Result<(Option<u64>, Option<i64>), String> {
        let body = serde_json::from_str(json).map_err(|error| error.to_string());
        body.map(|Body { count, whole }| (count, whole))
    }

    #[test]
    fn a_fraction_of_nothing_makes_no_difference() {
        for json in
            [r#"{"count":200,"whole":-7}"#, r#"{"count":200.0,"whole":-7.0}"#, r#"{"count":2e2,"whole":-0.7e1}"#]
        {
            assert_eq!(read(json), Ok((Some(200), Some(-7))), "{json}");
        }
        assert_eq!(read("{}"), Ok((None, None)));
        assert_eq!(read(r#"{"count":null,"whole":null}"#), Ok((None, None)));
        assert_eq!(read(r#"{"count":18446744073709551615}"#), Ok((Some(u64::MAX), None)));
    }

    #[test]
    fn what_is_no_whole_number_or_out_of_range_is_refused() {
        for json in [
            r#"{"count":1.5}"#,
            r#"{"count":-1}"#,
            r#"{"count":-1.0}"#,
            r#"{"count":1e300}"#,
            r#"{"count":"200"}"#,
            r#"{"count":true}"#,
            r#"{"whole":9223372036854775808}"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
